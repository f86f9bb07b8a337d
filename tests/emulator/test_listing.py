"""
The list of tokens: pages, filters and order.
"""

from typing import Any

import pytest

from .caller import Caller, ManualClock


async def names(caller: Caller, **query: str) -> list[str]:
    """
    Return the listed names, except the first token's.
    """
    listed = (await caller.send("GET", params=query)).result
    return [token["name"] for token in listed if not token["name"].startswith("The emulator's")]


async def test_default_page(caller: Caller) -> None:
    """
    A page has twenty tokens by default, and ``result_info`` has the total.
    """
    for _ in range(21):
        await caller.create()

    first = await caller.send("GET")
    second = await caller.send("GET", params={"page": "2"})
    third = await caller.send("GET", params={"page": "3", "per_page": "50.0"})

    assert [len(answer.result) for answer in (first, second, third)] == [20, 2, 0]
    assert first.content["result_info"] == {"page": 1, "per_page": 20, "count": 20, "total_count": 22}
    assert second.content["result_info"] == {"page": 2, "per_page": 20, "count": 2, "total_count": 22}
    assert third.content["result_info"] == {"page": 3, "per_page": 50, "count": 0, "total_count": 22}


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ({"per_page": "4"}, "per_page must be a whole number from 5 to 50"),
        ({"per_page": "51"}, "per_page must be a whole number from 5 to 50"),
        ({"per_page": ""}, "per_page must be a whole number from 5 to 50"),
        ({"page": "0"}, "page must be a whole number from 1 to 999999999"),
        ({"page": "-1"}, "page must be a whole number from 1 to 999999999"),
        ({"page": "1.5"}, "page must be a whole number from 1 to 999999999"),
        ({"page": "1e999"}, "page must be a whole number from 1 to 999999999"),
        ({"direction": "up"}, "direction must be one of asc, desc"),
        ({"include_expired": "1"}, "include_expired must be one of false, true"),
    ],
)
async def test_bad_query(caller: Caller, query: dict[str, str], rule: str) -> None:
    """
    Query parameters out of range are refused.
    """
    answer = await caller.send("GET", params=query)

    assert answer.refusal == (400, 1001, f"These rules must pass for the query: {rule}")


@pytest.mark.parametrize(
    ("query", "order"),
    [({}, "abc"), ({"direction": "asc"}, "abc"), ({"direction": "desc"}, "cba")],
)
async def test_direction(caller: Caller, clock: ManualClock, query: Any, order: str) -> None:
    """
    Tokens are listed by date of issue, in either direction.
    """
    await caller.create(name="a")
    clock.now += 1
    await caller.create(name="b")
    await caller.create(name="c")

    listed = await names(caller, **query)

    assert "".join(listed) == order


async def test_name(caller: Caller) -> None:
    """
    A name selects the tokens with exactly that name.
    """
    for name in ("ci", "CI", "ci 2", "ci"):
        await caller.create(name=name)

    listed = await names(caller, name="ci")

    assert listed == ["ci", "ci"]


@pytest.mark.parametrize(
    ("query", "expected"), [({}, ["off"]), ({"include_expired": "true"}, ["old", "off"])]
)
async def test_expired(caller: Caller, query: dict[str, str], expected: list[str]) -> None:
    """
    Expired tokens are listed only on request, disabled ones always.
    """
    await caller.create(name="old", expires_on="2020-01-01T00:00:00Z")
    token = await caller.create(name="off")
    await caller.send("PUT", f"/{token['id']}", json=caller.body(name="off", status="disabled"))

    listed = await names(caller, **query)

    assert listed == expected
