"""
The emulator's own paths.
"""

from typing import Any, get_args

import pytest

from cftokens.emulator import Fault
from cftokens.emulator._routes import Operation

from .caller import Caller

FAULTS = "status, delay, drop_before, drop_after, truncate, rate_limited, html, success_false"
JSON = {"Content-Type": "application/json; charset=utf-8"}
OPERATIONS = ", ".join(get_args(Operation))


async def control(caller: Caller, method: str, path: str, **rest: Any) -> tuple[int, Any]:
    """
    Send a request to the emulator's own paths, without any credential.
    """
    root = caller.emulator.base_url.removesuffix("/client/v4")
    async with caller.session.request(method, root + path, **rest) as response:
        return response.status, await response.json()


async def test_inject(account: Caller) -> None:
    """
    A fault described in JSON works like one injected from Python.
    """
    fault = {"fault": "status", "status": 502, "after": True, "operation": "create", "times": 2}

    injected = await control(account, "POST", "/emulator/faults", json=fault)
    statuses = [(await account.send("POST", json=account.body())).status for _ in range(3)]

    assert injected == (200, {})
    assert statuses == [502, 502, 200]
    assert len((await account.send("GET")).result) == 4


@pytest.mark.parametrize(
    "fault",
    [
        {"fault": "delay", "seconds": 1},
        {"fault": "drop_before"},
        {"fault": "drop_after", "times": None},
        {"fault": "truncate", "operation": None},
        {"fault": "rate_limited", "retry_after": 2},
        {"fault": "html", "status": 200},
        {"fault": "success_false"},
        {"fault": "status", "status": 404, "headers": {"X-A": "b"}, "body": "{}"},
    ],
)
async def test_every_fault(account: Caller, fault: dict[str, Any]) -> None:
    """
    Every fault can be described in JSON.
    """
    status, _ = await control(account, "POST", "/emulator/faults", json=fault)

    assert status == 200


async def test_clear(account: Caller) -> None:
    """
    Faults can be cleared.
    """
    await control(account, "POST", "/emulator/faults", json={"fault": "html", "times": None})

    await control(account, "DELETE", "/emulator/faults")
    answer = await account.send("GET")

    assert answer.status == 200


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", 'The body must be a JSON object, like {"fault": "drop_after"}'),
        (b"[" * 100_000, 'The body must be a JSON object, like {"fault": "drop_after"}'),
        (b"[]", 'The body must be a JSON object, like {"fault": "drop_after"}'),
        (
            b"{}",
            f"fault must be one of {FAULTS}",
        ),
        (b'{"fault": "status"}', "status: missing a required argument: 'status'"),
        (b'{"fault": "delay", "minutes": 1}', "delay: missing a required argument: 'seconds'"),
        (b'{"fault": "truncate", "at": 1}', "truncate: got an unexpected keyword argument 'at'"),
        (b'{"fault": "delay", "seconds": "1"}', "seconds must be a non-negative finite number, not '1'"),
        (b'{"fault": "html", "status": "502"}', "status must be a whole number from 200 to 599, not '502'"),
        (b'{"fault": "status", "status": 502, "body": {}}', "body must be a string, not {}"),
        (b'{"fault": "status", "status": 502, "headers": [1]}', "headers must be a mapping, not [1]"),
        (
            b'{"fault": "status", "status": 502, "headers": {"X": 1}}',
            "headers must be valid HTTP header names and values, not 'X': 1",
        ),
        (b'{"fault": "html", "times": 0}', "times must be a positive whole number or None, not 0"),
        (
            b'{"fault": "html", "operation": "read"}',
            f"operation must be one of {OPERATIONS}, not 'read'",
        ),
        (
            b'{"fault": "html", "operation": ["list"]}',
            f"operation must be one of {OPERATIONS}, not ['list']",
        ),
    ],
)
async def test_bad_description(account: Caller, body: bytes, error: str) -> None:
    """
    An invalid description is answered with an error message, and nothing is injected.
    """
    answer = await control(account, "POST", "/emulator/faults", data=body, headers=JSON)

    assert answer == (400, {"error": error})
    assert (await account.send("GET")).status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "text/plain",
        "text/plain; application/json",
        "application/jsonp",
        "",
    ],
)
async def test_only_json(account: Caller, content_type: str) -> None:
    """
    A body of any other content type, such as that of a form, is refused and injects nothing.
    """
    body, headers = b'{"fault": "html"}', {"Content-Type": content_type}

    answer = await control(account, "POST", "/emulator/faults", data=body, headers=headers)

    assert answer == (415, {"error": "Content-Type must be application/json"})
    assert (await account.send("GET")).status == 200


async def test_too_many_faults(account: Caller) -> None:
    """
    The thousand-and-first fault is refused until the others are removed.
    """
    fault = {"fault": "html", "operation": "create"}
    for _ in range(1000):
        account.emulator.inject(Fault.html(), operation="create")

    refused = await control(account, "POST", "/emulator/faults", json=fault)
    account.emulator.clear_faults()
    accepted = await control(account, "POST", "/emulator/faults", json=fault)

    assert refused == (400, {"error": "There are 1000 faults already; remove them first"})
    assert accepted == (200, {})


async def test_requests(account: Caller) -> None:
    """
    Requests below the base URL are listed; those to the emulator's own paths are not.
    """
    await account.send("GET", params={"name": "ci"})
    await account.send("GET", path="/nothing")

    answer = await control(account, "GET", "/emulator/requests")

    assert answer == (
        200,
        [
            {
                "method": "GET",
                "path": account.tokens,
                "query": {"name": "ci"},
                "operation": "list",
                "status": 200,
            },
            {"method": "GET", "path": "/nothing", "query": {}, "operation": None, "status": 404},
        ],
    )
