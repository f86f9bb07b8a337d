"""
Faults: what they do to an answer, and whether the operation takes effect.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from cftokens import RateLimit
from cftokens.emulator import Emulator, Fault
from tests.vocabulary import ADDRESSES

from .caller import Caller, ManualClock

INJECTED = "Injected by the emulator"


async def create(account: Caller) -> aiohttp.ClientResponse:
    """
    Send a create and return the answer, read in full.
    """
    response = await account.session.post(
        account.emulator.base_url + account.tokens,
        json=account.body(),
        headers={"Authorization": f"Bearer {account.value}"},
    )
    await response.read()
    return response


async def count(account: Caller) -> int:
    """
    Return how many tokens have been created.
    """
    return len((await account.send("GET")).result) - 1


@pytest.mark.parametrize(
    ("fault", "status", "created"),
    [
        (Fault.status(502), 502, 0),
        (Fault.status(502, after=True), 502, 1),
        (Fault.status(404, body="{}"), 404, 0),
        (Fault.rate_limited(), 429, 0),
        (Fault.rate_limited(retry_after=0), 429, 0),
        (Fault.html(), 502, 0),
        (Fault.html(200, after=True), 200, 1),
        (Fault.success_false(), 200, 1),
        (Fault.delay(0), 200, 1),
    ],
)
async def test_answers(account: Caller, fault: Fault, status: int, created: int) -> None:
    """
    A fault determines the status of the answer and whether the operation takes effect.
    """
    account.emulator.inject(fault)

    response = await create(account)

    assert (response.status, await count(account)) == (status, created)
    assert account.emulator.requests[0].status == status


@pytest.mark.parametrize(
    ("fault", "error", "created"),
    [
        (Fault.drop_before(), aiohttp.ServerDisconnectedError, 0),
        (Fault.drop_after(), aiohttp.ServerDisconnectedError, 1),
        (Fault.truncate(), aiohttp.ClientPayloadError, 1),
    ],
)
async def test_lost_answers(
    account: Caller, fault: Fault, error: type[aiohttp.ClientError], created: int
) -> None:
    """
    A connection closed early loses the answer; only ``drop_before`` also prevents the operation.
    """
    account.emulator.inject(fault)

    with pytest.raises(error):
        await create(account)

    assert await count(account) == created


async def test_status_of_lost_answers(account: Caller) -> None:
    """
    A dropped answer is recorded without a status, a truncated one with its own.
    """
    for fault in (Fault.drop_before(), Fault.drop_after(), Fault.truncate()):
        account.emulator.inject(fault)
        with pytest.raises(aiohttp.ClientError):
            await create(account)

    statuses = [request.status for request in account.emulator.requests]

    assert statuses == [None, None, 200]


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (Fault.status(500), 500, INJECTED),
        (Fault.success_false(), 1000, INJECTED),
        (Fault.rate_limited(), 971, "Please wait and consider throttling your request speed"),
    ],
)
async def test_envelopes(account: Caller, fault: Fault, code: int, message: str) -> None:
    """
    A fault answers with Cloudflare's envelope by default.
    """
    account.emulator.inject(fault)

    answer = await account.send("GET")

    assert answer.refusal[1:] == (code, message)
    assert answer.headers["Content-Type"] == "application/json"


async def test_headers(account: Caller) -> None:
    """
    A fault's headers are added to the usual ones and override them.
    """
    headers = {"X-Colour": "blue", "ratelimit": '"default";r=0;t=9', "content-type": "text/plain"}
    account.emulator.inject(Fault.status(418, headers=headers, body="short and stout"))

    response = await create(account)

    assert await response.text() == "short and stout"
    assert response.headers["X-Colour"] == "blue"
    assert response.headers.getall("Content-Type") == ["text/plain"]
    assert response.headers.getall("Ratelimit") == ['"default";r=0;t=9']
    assert "cf-ray" in response.headers


async def test_retry_after(account: Caller) -> None:
    """
    The seconds to wait are in both Retry-After and Ratelimit.
    """
    account.emulator.inject(Fault.rate_limited(retry_after=7))

    headers = (await create(account)).headers

    assert (headers["Retry-After"], headers["Ratelimit"]) == ("7", '"default";r=0;t=7')


async def test_no_retry_after(account: Caller) -> None:
    """
    A 429 can come without Retry-After.
    """
    account.emulator.inject(Fault.rate_limited(retry_after=None))

    response = await create(account)

    assert (response.status, "Retry-After" in response.headers) == (429, False)


@pytest.mark.parametrize("status", [204, 304])
async def test_status_without_body(account: Caller, status: int) -> None:
    """
    A status that allows no body is sent without one.
    """
    account.emulator.inject(Fault.status(status))

    response = await create(account)

    assert (response.status, await response.read()) == (status, b"")


async def test_html(account: Caller) -> None:
    """
    An HTML page is sent with the content type of HTML.
    """
    account.emulator.inject(Fault.html(503))

    response = await create(account)

    assert response.headers["Content-Type"] == "text/html; charset=UTF-8"
    assert "<h1>Error 503</h1>" in await response.text()


async def test_times(account: Caller) -> None:
    """
    A fault applies to as many requests as *times* says.
    """
    account.emulator.inject(Fault.status(503), times=2)

    statuses = [(await create(account)).status for _ in range(3)]

    assert statuses == [503, 503, 200]


async def test_always(account: Caller) -> None:
    """
    With ``times=None``, a fault applies until faults are cleared.
    """
    account.emulator.inject(Fault.status(503), times=None)
    account.emulator.inject(Fault.status(504))

    before = [(await create(account)).status for _ in range(3)]
    account.emulator.clear_faults()
    after = (await create(account)).status

    assert (before, after) == ([503, 503, 503], 200)


@pytest.mark.parametrize("operation", ADDRESSES)
async def test_operation(caller: Caller, operation: Any) -> None:
    """
    A fault for one operation does not affect the others.
    """
    caller.emulator.inject(Fault.status(503), operation=operation)
    others = [
        await caller.send("GET", "/verify" if operation == "list" else ""),
        await caller.send("GET", path="/nothing"),
    ]

    failed = await caller.send(*ADDRESSES[operation])

    assert 503 not in [answer.status for answer in others]
    assert failed.status == 503


async def test_order(account: Caller) -> None:
    """
    If several faults match, the one injected first applies.
    """
    account.emulator.inject(Fault.status(500), operation="list")
    account.emulator.inject(Fault.status(501))
    account.emulator.inject(Fault.status(502), operation="create")

    statuses = [(await create(account)).status for _ in range(3)]

    assert statuses == [501, 502, 200]


async def test_fault_for_any_request(account: Caller) -> None:
    """
    A fault for any operation also applies to an unknown path without a credential.
    """
    account.emulator.inject(Fault.status(503))

    answer = await account.send("GET", path="/nothing", headers={})

    assert answer.status == 503


async def test_rate_limit_comes_first(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    A request over the rate limit does not use up a fault.
    """
    async with Emulator(clock=clock, rate_limit=RateLimit(requests=1, period=10)) as emulator:
        account = Caller(emulator, session)
        await create(account)
        emulator.inject(Fault.status(503))
        refused = await create(account)
        clock.now += 10
        failed = await create(account)

    assert [refused.status, failed.status] == [429, 503]


async def test_delay_is_recorded_first(account: Caller) -> None:
    """
    A delayed request takes effect and is recorded at once, and closing does not wait for its answer.
    """
    async with Emulator() as emulator:
        account = Caller(emulator, account.session)
        emulator.inject(Fault.delay(3600), operation="create")
        waiting = asyncio.create_task(create(account))
        while not emulator.requests:  # noqa: ASYNC110 -- there is no event to wait for
            await asyncio.sleep(0)
        created = await count(account)

    with pytest.raises(aiohttp.ServerDisconnectedError):
        await waiting

    assert created == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Fault.status(199), "status must be a whole number from 200 to 599, not 199"),
        (lambda: Fault.status(True), "status must be a whole number from 200 to 599, not True"),
        (lambda: Fault.status(b"502"), "status must be a whole number from 200 to 599, not b'502'"),  # type: ignore[arg-type]
        (lambda: Fault.html(b"502"), "status must be a whole number from 200 to 599, not b'502'"),  # type: ignore[arg-type]
        (lambda: Fault.status(502, after=1), "after must be a boolean, not 1"),  # type: ignore[arg-type]
        (lambda: Fault.html(after="no"), "after must be a boolean, not 'no'"),  # type: ignore[arg-type]
        (lambda: Fault.status(502, headers=[]), r"headers must be a mapping, not \[\]"),  # type: ignore[arg-type]
        (lambda: Fault.status(502, body=b"x"), "body must be a string, not b'x'"),  # type: ignore[arg-type]
        (lambda: Fault.html(600), "status must be a whole number from 200 to 599, not 600"),
        (lambda: Fault.delay(-1), "seconds must be a non-negative finite number, not -1"),
        (lambda: Fault.delay(math.nan), "seconds must be a non-negative finite number, not nan"),
        (lambda: Fault.delay(math.inf), "seconds must be a non-negative finite number, not inf"),
        (lambda: Fault.delay(10**400), "seconds must be a non-negative finite number, not 10+$"),
        (lambda: Fault.delay(True), "seconds must be a non-negative finite number, not True"),
        (
            lambda: Fault.rate_limited(retry_after=-1),
            "retry_after must be a non-negative whole number or None, not -1",
        ),
        (
            lambda: Fault.status(502, headers={"X": "a\nb"}),
            r"headers must be valid HTTP header names and values, not 'X': 'a\\nb'",
        ),
        (
            lambda: Fault.status(502, headers={"": "a"}),
            "headers must be valid HTTP header names and values, not '': 'a'",
        ),
        (
            lambda: Fault.status(502, headers={"content-length": "5"}),
            "headers must not include Content-Length or Transfer-Encoding",
        ),
        (
            lambda: Fault.status(502, headers={"Transfer-Encoding": "chunked"}),
            "headers must not include Content-Length or Transfer-Encoding",
        ),
    ],
)
def test_invalid_faults(make: Callable[[], Fault], message: str) -> None:
    """
    Invalid arguments of a fault raise ValueError.
    """
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("times", [0, -1, True, 1.5, "2"])
def test_invalid_times(times: Any) -> None:
    """
    A *times* that is not a positive whole number raises ValueError.
    """
    with pytest.raises(ValueError, match="times must be a positive whole number or None"):
        Emulator().inject(Fault.drop_after(), times=times)


def test_unknown_operation() -> None:
    """
    A fault for an unknown operation raises ValueError.
    """
    operation: Any = "lists"

    with pytest.raises(ValueError, match=r"operation must be one of list, get, .*, not 'lists'"):
        Emulator().inject(Fault.drop_after(), operation=operation)


async def test_not_a_fault(emulator: Emulator) -> None:
    """
    Injecting anything but a Fault raises ValueError.
    """
    with pytest.raises(ValueError, match=r"fault must be a Fault, such as Fault\.status\(502\), not '502'"):
        emulator.inject("502")  # type: ignore[arg-type]  # the mistake under test
