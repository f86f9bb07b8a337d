"""
The time until a change of a token is known everywhere.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from cftokens import RateLimit
from cftokens.emulator import Emulator
from cftokens.emulator._values import Kind

from .caller import TOKENS_READ, UNKNOWN_ID, Caller, ManualClock, policy

INVALID = (403, 9109, "Invalid access token")
NOT_VERIFIED = (401, 1000, "Invalid API Token")
NOT_PERMITTED = (403, 9109, "Unauthorized to access requested resource")

SPREADING = [False, False, False, False, False, False, True, False, True, True]
"""Whether a change is known, at each eighth of the propagation."""

VERIFY = [*SPREADING[2:], True, True]


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    """
    Serve an emulator to which a change takes eight seconds.
    """
    async with Emulator(clock=clock, propagation=8) as emulator:
        yield emulator


async def settled_reader(caller: Caller, clock: ManualClock, **more: Any) -> Any:
    """
    Return a token that may read tokens and is known everywhere.
    """
    token = await caller.reader(**more)
    clock.now += 8
    return token


async def watch(caller: Caller, clock: ManualClock, value: str, *below: str) -> list[list[Any]]:
    """
    Use a value at the beginning and the end of each second, and return the refusals (or None) of each path.
    """
    seen: list[list[Any]] = [[] for _ in below]
    for _ in range(2 * len(SPREADING)):
        for path, refusals in zip(below, seen, strict=True):
            answer = await caller.send("GET", path, bearer=value)
            refusals.append(None if answer.status == 200 else answer.refusal)
        clock.now += 0.5
    return seen


def refused(refusal: Any, known: list[bool]) -> list[Any]:
    """
    Return the refusals of a value that works once a change is known, two for each second.
    """
    return [None if each else refusal for each in known for _ in range(2)]


async def test_first_tokens(caller: Caller) -> None:
    """
    The emulator's first tokens are old.
    """
    answers = [await caller.send("GET", below) for below in ("", "/verify")]

    assert [answer.status for answer in answers] == [200, 200]


async def test_new_value(caller: Caller, clock: ManualClock) -> None:
    """
    A new value is refused, then flaps, then holds; verify is a quarter of the time ahead.
    """
    token = await caller.reader()

    listed, verified = await watch(caller, clock, token["value"], "", "/verify")

    assert listed == refused(INVALID, SPREADING)
    assert verified == refused(NOT_VERIFIED, VERIFY)


async def test_flapping(caller: Caller, clock: ManualClock) -> None:
    """
    While verify already says active, other endpoints accept, refuse and accept a new value.
    """
    token = await caller.reader()
    clock.now += 6
    seen = []
    for _ in range(3):
        answers = [await caller.send("GET", below, bearer=token["value"]) for below in ("/verify", "")]
        seen.append([answer.status for answer in answers])
        clock.now += 1

    assert seen == [[200, 200], [200, 403], [200, 200]]


async def test_shown_at_once(caller: Caller) -> None:
    """
    A new token can be read and listed at once.
    """
    token = await caller.reader()
    got = (await caller.send("GET", f"/{token['id']}")).result
    listed = (await caller.send("GET")).result

    assert (got["id"], got["status"], len(listed)) == (token["id"], "active", 2)


async def test_rolled_value(caller: Caller, clock: ManualClock) -> None:
    """
    A rolled-away value works for as long as the new one does not.
    """
    token = await settled_reader(caller, clock)
    value = (await caller.send("PUT", f"/{token['id']}/value")).result

    working = []
    for _ in SPREADING:
        answers = [await caller.send("GET", bearer=each) for each in (token["value"], value)]
        working.append([answer.status == 200 for answer in answers])
        clock.now += 1

    assert working == [[not known, known] for known in SPREADING]


async def delete(caller: Caller, token_id: str) -> None:
    """
    Delete a token.
    """
    await caller.send("DELETE", f"/{token_id}")


async def disable(caller: Caller, token_id: str) -> None:
    """
    Disable a token.
    """
    body = caller.body(policy(caller.home, TOKENS_READ[caller.kind]), status="disabled")
    await caller.send("PUT", f"/{token_id}", json=body)


async def expose(caller: Caller, token_id: str) -> None:
    """
    Let Cloudflare find a token's value.
    """
    caller.emulator.expose(token_id)


@pytest.mark.parametrize("end", [delete, disable, expose])
async def test_dead_value(
    caller: Caller, clock: ManualClock, end: Callable[[Caller, str], Awaitable[None]]
) -> None:
    """
    The value of a token that was deleted, disabled or exposed works for a while; verify ends it first.
    """
    token = await settled_reader(caller, clock)
    await end(caller, token["id"])

    listed, verified = await watch(caller, clock, token["value"], "", "/verify")

    assert listed == refused(INVALID, [not each for each in SPREADING])
    assert verified == refused(NOT_VERIFIED, [not each for each in VERIFY])


async def test_use_after_deletion(caller: Caller, clock: ManualClock) -> None:
    """
    A deleted token that still works does not come back by being used.
    """
    token = await settled_reader(caller, clock)
    await delete(caller, token["id"])
    used = await caller.send("GET", bearer=token["value"])
    gone = await caller.send("GET", f"/{token['id']}")

    assert (used.status, gone.status) == (200, 404)


async def test_use_after_update(caller: Caller, clock: ManualClock) -> None:
    """
    An update that is not known yet is not undone by a use of the token.
    """
    token = await settled_reader(caller, clock)
    await disable(caller, token["id"])
    await caller.send("GET", bearer=token["value"])
    shown = (await caller.send("GET", f"/{token['id']}")).result

    assert shown["status"] == "disabled"
    assert shown["last_used_on"] is not None


async def test_wider_grant(caller: Caller, clock: ManualClock) -> None:
    """
    A permission that an update adds takes its time.
    """
    token = await caller.create()
    clock.now += 8
    body = caller.body(policy(caller.home, TOKENS_READ[caller.kind]))
    await caller.send("PUT", f"/{token['id']}", json=body)

    (listed,) = await watch(caller, clock, token["value"], "")

    assert listed == refused(NOT_PERMITTED, SPREADING)


async def test_two_changes(caller: Caller, clock: ManualClock) -> None:
    """
    Each change spreads by itself: of two rolls, the first becomes known first.
    """
    token = await settled_reader(caller, clock)
    values = [token["value"]]
    for _ in range(2):
        values.append((await caller.send("PUT", f"/{token['id']}/value")).result)
        clock.now += 4
    statuses = []
    for _ in range(2):
        statuses.append([(await caller.send("GET", bearer=value)).status for value in values])
        clock.now += 4

    assert statuses == [[403, 200, 403], [403, 403, 200]]


async def test_limit_of_a_rolled_value(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    A rolled-away value that still works counts for its token.
    """
    limit = RateLimit(requests=2, period=60)
    async with Emulator(clock=clock, propagation=8, rate_limit=limit) as emulator:
        account = Caller(emulator, session)
        own_id = (await account.send("GET", "/verify")).result["id"]
        await account.send("PUT", f"/{own_id}/value")
        answer = await account.send("GET", "/verify")

    assert answer.refusal[:2] == (429, 971)


async def shown(caller: Caller, token: Any) -> list[Any]:
    """
    Return the status in an answer to get, and those that lists show.
    """
    got = (await caller.send("GET", f"/{token['id']}")).result["status"]
    lists = [(await caller.send("GET", query)).result for query in ("", "?include_expired=true")]
    return [got, *([each["status"] for each in found if each["id"] == token["id"]] for found in lists)]


async def test_expired(caller: Caller, clock: ManualClock) -> None:
    """
    An expired token is refused at once but shown and listed as active for a while.
    """
    token = await settled_reader(caller, clock, expires_on="2027-01-15T08:00:20Z")
    clock.now += 12
    refusal = (await caller.send("GET", bearer=token["value"])).refusal
    at_once = await shown(caller, token)
    clock.now += 7
    still = await shown(caller, token)
    clock.now += 1
    later = await shown(caller, token)

    assert refusal == INVALID
    assert at_once == still == ["active", ["active"], ["active"]]
    assert later == ["expired", [], ["expired"]]


@pytest.mark.parametrize("kind", ["account", "user"])
async def test_verify_expired(
    emulator: Emulator, session: aiohttp.ClientSession, clock: ManualClock, kind: Kind
) -> None:
    """
    For that while, verify answers 200 with status expired to an account token, and 401 to a user token.
    """
    caller = Caller(emulator, session, kind)
    times = {"expires_on": "2027-01-15T08:00:20Z"}
    token = await settled_reader(caller, clock, **times)
    clock.now += 12
    at_once = await caller.send("GET", "/verify", bearer=token["value"])
    clock.now += 8
    later = await caller.send("GET", "/verify", bearer=token["value"])

    assert later.refusal == NOT_VERIFIED
    if kind == "account":
        assert at_once.result == {"id": token["id"], "status": "expired", **times}
        assert at_once.content["messages"] == []
    else:
        assert at_once.refusal == NOT_VERIFIED


async def test_disabled_before_it_expired(account: Caller, clock: ManualClock) -> None:
    """
    A disabled token that expires is not verified.
    """
    times = {"expires_on": "2027-01-15T08:00:20Z"}
    token = await account.reader(**times)
    await account.send("PUT", f"/{token['id']}", json=account.body(status="disabled", **times))
    clock.now += 20

    answer = await account.send("GET", "/verify", bearer=token["value"])

    assert answer.refusal == NOT_VERIFIED


async def test_exposed(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    An exposed token is shown as revoked and its value refused, until a roll brings it back.
    """
    async with Emulator(clock=clock) as emulator:
        account = Caller(emulator, session)
        token = await account.reader()
        emulator.expose(token["id"])
        refusals = [
            (await account.send("GET", below, bearer=token["value"])).refusal for below in ("", "/verify")
        ]
        during = await shown(account, token)
        value = (await account.send("PUT", f"/{token['id']}/value")).result
        after = await shown(account, token)
        statuses = [(await account.send("GET", bearer=each)).status for each in (token["value"], value)]

    assert refusals == [INVALID, NOT_VERIFIED]
    assert during == ["revoked (exposed)", ["revoked (exposed)"], ["revoked (exposed)"]]
    assert after == ["active", ["active"], ["active"]]
    assert statuses == [403, 200]


async def test_exposed_stays_exposed(caller: Caller) -> None:
    """
    An update does not bring an exposed token back, and an expiry does not change its status.
    """
    token = await caller.reader()
    caller.emulator.expose(token["id"])
    body = caller.body(status="active", expires_on="2020-01-01T00:00:00Z")

    updated = (await caller.send("PUT", f"/{token['id']}", json=body)).result

    assert updated["status"] == "revoked (exposed)"


@pytest.mark.parametrize("token_id", [UNKNOWN_ID, "", "verify"])
def test_expose_unknown_token(token_id: str) -> None:
    """
    Exposing a token that does not exist is a mistake.
    """
    with pytest.raises(ValueError, match="token_id must be the id of a token of this emulator"):
        Emulator().expose(token_id)


async def test_token_that_rolls_itself(account: Caller, clock: ManualClock) -> None:
    """
    A token that rolls itself always has one value that works.
    """
    own_id = (await account.send("GET", "/verify")).result["id"]
    value = (await account.send("PUT", f"/{own_id}/value")).result
    working = []
    for _ in SPREADING:
        statuses = [(await account.send("GET", bearer=each)).status for each in (account.value, value)]
        working.append(statuses.count(200))
        clock.now += 1

    assert working == [1] * len(SPREADING)


@pytest.mark.parametrize("first", [0.1, 0.25, 0.5, 1])
@pytest.mark.parametrize("growth", [1.5, 2])
async def test_waiting_client(
    session: aiohttp.ClientSession, clock: ManualClock, first: float, growth: float
) -> None:
    """
    A client that polls verify with growing pauses until it is active twice in a row gets through.

    Its failures do not lock it out.
    """
    async with Emulator(clock=clock, propagation=2, lockout=1) as emulator:
        account = Caller(emulator, session)
        token = await account.reader()
        pause, statuses = first, [0]
        while statuses[-2:] != [200, 200]:
            statuses.append((await account.send("GET", "/verify", bearer=token["value"])).status)
            clock.now += pause if statuses[-2:] != [200, 200] else 0
            pause *= growth
        used = await account.send("GET", bearer=token["value"])

    assert set(statuses[1:-2]) <= {401}
    assert len(statuses) - 1 <= 8
    assert used.status == 200
