"""
The body of a create or update, apart from the policies.
"""

from typing import Any

import pytest

from .caller import UNKNOWN_ID, Caller

WHOLE_SECONDS = "must be a date-time with whole seconds and an offset, like 2018-07-01T05:20:00Z"
BAD_NAME = (400, 400, "name must have a length between 1 and 120")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"name": ' + b"1" * 5000 + b"}"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_not_json(caller: Caller, method: str, body: bytes) -> None:
    """
    A body that is not JSON is refused.
    """
    token = await caller.create()

    answer = await caller.send(method, f"/{token['id']}" if method == "PUT" else "", data=body)

    assert answer.refusal == (400, 6007, "Malformed JSON in request body")


@pytest.mark.parametrize("body", ["[]", "null", '"name"', "1"])
async def test_not_an_object(caller: Caller, body: str) -> None:
    """
    A body that is not a JSON object is refused.
    """
    answer = await caller.send("POST", data=body)

    assert answer.refusal == (
        400,
        1001,
        "These rules must pass for the body: the body must be present and an object",
    )


@pytest.mark.parametrize("name", ["", "x" * 121])
async def test_bad_name(caller: Caller, name: str) -> None:
    """
    A name that is empty or longer than 120 characters is refused.
    """
    answer = await caller.send("POST", json=caller.body(name=name))

    assert answer.refusal == BAD_NAME


@pytest.mark.parametrize("name", ["x", "é" * 120, "\ud800"])
async def test_good_name(caller: Caller, name: str) -> None:
    """
    A name of up to 120 characters comes back as sent.
    """
    token = await caller.create(name=name)

    assert token["name"] == name


@pytest.mark.parametrize("body", [{"policies": []}, {"policies": [], "name": 5}])
async def test_no_name(caller: Caller, body: dict[str, Any]) -> None:
    """
    A missing name, or one that is not a string, is refused.
    """
    answer = await caller.send("POST", json=body)

    assert answer.refusal == (400, 1001, "These rules must pass for /name: name must be present and a string")


@pytest.mark.parametrize("key", ["expires_on", "not_before"])
@pytest.mark.parametrize(
    "time",
    [
        "2027-01-15T08:00:00.5Z",
        "2027-01-15T08:00:00.000Z",
        "2027-01-15T08:00:00",
        "2027-01-15",
        "2027-13-15T08:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "2027-01-15T08:00:00Z\n",
        "",
    ],
)
async def test_bad_time(caller: Caller, key: str, time: str) -> None:
    """
    Fractional seconds, a missing offset and impossible times are refused.
    """
    answer = await caller.send("POST", json=caller.body(**{key: time}))

    assert answer.refusal == (
        400,
        1001,
        f"These rules must pass for /{key}: {WHOLE_SECONDS}",
    )


async def test_time_of_wrong_type(caller: Caller) -> None:
    """
    A number is refused as a date-time.
    """
    answer = await caller.send("POST", json=caller.body(expires_on=1_800_000_000))

    assert answer.refusal[:2] == (400, 1001)


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("2027-01-15T09:00:00Z", "2027-01-15T09:00:00Z"),
        ("2027-01-15T10:30:00+01:30", "2027-01-15T09:00:00Z"),
        ("0999-01-15T09:00:00Z", "0999-01-15T09:00:00Z"),
        (None, None),
    ],
)
async def test_good_time(caller: Caller, sent: str | None, returned: str | None) -> None:
    """
    Times come back in UTC, and null leaves a time unset.
    """
    token = await caller.create(not_before=sent)

    assert token["not_before"] == returned


@pytest.mark.parametrize("key", ["request_ip", "request.ip"])
async def test_condition(caller: Caller, key: str) -> None:
    """
    A condition comes back as sent, and under the current key if sent under the old one.
    """
    addresses = {"in": ["123.123.123.100/24", "2606:4700::/32"], "not_in": ["10.0.0.0/8"]}

    token = await caller.create(condition={key: addresses})

    assert token["condition"] == {"request_ip": addresses}


@pytest.mark.parametrize("condition", [None, {}])
async def test_no_condition(caller: Caller, condition: Any) -> None:
    """
    Null and an empty object mean no condition.
    """
    token = await caller.create(condition=condition)

    assert token["condition"] is None


@pytest.mark.parametrize(
    ("condition", "pointer"),
    [
        ([], "/condition"),
        ("", "/condition"),
        ({"ip": {}}, "/condition"),
        ({"request_ip": {}, "request.ip": {}}, "/condition"),
        ({"request_ip": []}, "/condition/request_ip"),
        ({"request_ip": {"in_": []}}, "/condition/request_ip"),
        ({"request_ip": {"in": "127.0.0.1/32"}}, "/condition/request_ip/in"),
        ({"request_ip": {"in": ["::/0", 5]}}, "/condition/request_ip/in/1"),
        ({"request_ip": {"in": ["127.0.0.1"]}}, "/condition/request_ip/in/0"),
        ({"request_ip": {"not_in": ["127.0.0.1/33"]}}, "/condition/request_ip/not_in/0"),
        ({"request_ip": {"not_in": ["fe80::1%eth0"]}}, "/condition/request_ip/not_in/0"),
    ],
)
async def test_bad_condition(caller: Caller, condition: Any, pointer: str) -> None:
    """
    A condition with the wrong shape or an invalid network is refused with a pointer to the mistake.
    """
    answer = await caller.send("POST", json=caller.body(condition=condition))

    assert answer.refusal[:2] == (400, 1001)
    assert answer.content["errors"][0]["source"] == {"pointer": pointer}


@pytest.mark.parametrize("status", [None, "expired", "on", 1, []])
async def test_bad_status(caller: Caller, status: Any) -> None:
    """
    An update accepts only the statuses active and disabled.
    """
    token = await caller.create()

    answer = await caller.send("PUT", f"/{token['id']}", json=caller.body(status=status))

    assert answer.refusal == (
        400,
        1001,
        "These rules must pass for /status: status must be one of active, disabled",
    )


async def test_status_of_a_new_token(caller: Caller) -> None:
    """
    A new token is active, whatever status the create asks for.
    """
    token = await caller.create(status="disabled")

    assert token["status"] == "active"


async def test_unknown_members(caller: Caller) -> None:
    """
    Unknown and read-only members are ignored.
    """
    token = await caller.create(id=UNKNOWN_ID, issued_on=5, colour="blue")

    assert token["id"] != UNKNOWN_ID
    assert "colour" not in token
