"""
The rate limit and its headers.
"""

import re

import aiohttp

from cftokens import RateLimit
from cftokens.emulator import Emulator
from cftokens.emulator._rate import Meter
from tests.support import RunningClock, client_of

from .caller import Answer, Caller, ManualClock

TOO_FAST = (429, 971, "Please wait and consider throttling your request speed")


def shown(answer: Answer) -> tuple[str, str | None]:
    """
    Return the Ratelimit and Retry-After headers.
    """
    return answer.headers["Ratelimit"], answer.headers.get("Retry-After")


async def test_headers(caller: Caller, clock: ManualClock) -> None:
    """
    Without a limit, the headers count against Cloudflare's default.
    """
    first = await caller.send("GET", "/verify")
    clock.now += 30.5
    second = await caller.send("GET", "/verify")

    assert shown(first) == ('"default";r=1199;t=300', None)
    assert shown(second) == ('"default";r=1198;t=270', None)
    assert second.headers["Ratelimit-Policy"] == '"default";q=1200;w=300'
    assert re.fullmatch("[0-9a-f]{16}-[A-Z]{3}", second.headers["cf-ray"])


async def test_request_without_token(caller: Caller) -> None:
    """
    The answer to a request without a token has the headers, and nothing is counted.
    """
    await caller.send("GET", "/verify", headers={})
    answer = await caller.send("GET", path="/nothing", headers={})

    assert shown(answer) == ('"default";r=1200;t=300', None)


async def test_limit(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    A request over the limit blocks its token, and no other, for a full period from then on.
    """
    async with Emulator(clock=clock, rate_limit=RateLimit(requests=2, period=10.5)) as emulator:
        account, user = Caller(emulator, session), Caller(emulator, session, "user")
        allowed = [await account.send("GET", "/verify") for _ in range(2)]
        clock.now += 7
        refused = await account.send("GET", "/verify")
        other = await user.send("GET", "/verify")
        clock.now += 10
        still_refused = await account.send("GET", path="/nothing")
        clock.now += 0.5
        again = await account.send("GET", "/verify")

    assert [shown(answer)[0] for answer in allowed] == ['"default";r=1;t=11', '"default";r=0;t=11']
    assert (refused.refusal, shown(refused)) == (TOO_FAST, ('"default";r=0;t=11', "11"))
    assert other.status == 200
    assert (still_refused.refusal, shown(still_refused)) == (TOO_FAST, ('"default";r=0;t=1', "1"))
    assert (again.status, shown(again)) == (200, ('"default";r=1;t=11', None))
    assert again.headers["Ratelimit-Policy"] == '"default";q=2;w=11'


async def test_next_window(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    The count restarts when the window ends.
    """
    async with Emulator(clock=clock, rate_limit=RateLimit(requests=1, period=10)) as emulator:
        account = Caller(emulator, session)
        await account.send("GET", "/verify")
        clock.now += 10
        answer = await account.send("GET", "/verify")

    assert answer.status == 200


async def test_limit_after_roll(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    The limit belongs to the token, not to its value.
    """
    async with Emulator(clock=clock, rate_limit=RateLimit(requests=2, period=10)) as emulator:
        account = Caller(emulator, session)
        own_id = (await account.send("GET", "/verify")).result["id"]
        value = (await account.send("PUT", f"/{own_id}/value")).result
        answer = await account.send("GET", "/verify", bearer=value)

    assert answer.refusal == TOO_FAST


async def test_refused_request_has_no_effect(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    A request over the limit has no effect.
    """
    async with Emulator(clock=clock, rate_limit=RateLimit(requests=1, period=10)) as emulator:
        account = Caller(emulator, session)
        await account.create()
        refused = await account.send("POST", json=account.body())
        clock.now += 10
        tokens = (await account.send("GET")).result

    assert refused.refusal == TOO_FAST
    assert [token["name"] for token in tokens] == ["The emulator's first account token", "ci"]


def test_no_limit_refuses_nothing(clock: ManualClock) -> None:
    """
    Without a limit, requests are accepted even when none are left.
    """
    meter = Meter(None, clock)
    for _ in range(1200):
        meter.count("a token")

    reading = meter.count("a token")

    assert (reading.left, reading.seconds, reading.refused) == (0, 300, False)


def test_fraction_of_a_second(clock: ManualClock) -> None:
    """
    A fraction of a second to wait is shown as a whole one.
    """
    meter = Meter(RateLimit(requests=1, period=0.5), clock)

    readings = [meter.count(None), meter.count("a token"), meter.count("a token")]

    assert [(reading.left, reading.seconds, reading.refused) for reading in readings] == [
        (1, 1, False),
        (0, 1, False),
        (0, 1, True),
    ]


def shown_policy(answer: Answer) -> str:
    """
    Return the Ratelimit-Policy header.
    """
    return answer.headers["Ratelimit-Policy"]


async def test_limit_of_an_address(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    A request over the limit of its address is refused for a period, whatever its token, and not counted.
    """
    burst = RateLimit(requests=2, period=1)
    async with Emulator(clock=clock, burst_limit=burst) as emulator:
        account, user = Caller(emulator, session), Caller(emulator, session, "user")
        allowed = [await account.send("GET", "/verify"), await user.send("GET", "/verify", headers={})]
        refused = [await account.send("GET", "/verify"), await user.send("GET", path="/nothing")]
        clock.now += 1
        again = await account.send("GET", "/verify")

    assert [answer.refusal for answer in refused] == [TOO_FAST, TOO_FAST]
    assert [shown(answer) for answer in refused] == [('"burst";r=0;t=1', "1")] * 2
    assert shown_policy(refused[0]) == '"burst";q=2;w=1'
    assert [shown(answer) for answer in allowed] == [
        ('"default";r=1199;t=300', None),
        ('"default";r=1200;t=300', None),
    ]
    assert (again.status, shown(again)) == (200, ('"default";r=1198;t=299', None))
    assert shown_policy(again) == '"default";q=1200;w=300'


async def test_limit_of_another_address(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    Each address has a limit of its own.
    """
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0), force_close=True)
    async with Emulator(clock=clock, burst_limit=RateLimit(requests=1, period=1)) as emulator:
        here = [await Caller(emulator, session).send("GET") for _ in range(2)]
        async with aiohttp.ClientSession(connector=elsewhere) as other:
            there = await Caller(emulator, other).send("GET")

    assert [answer.status for answer in [*here, there]] == [200, 429, 200]


async def test_client_waits_for_its_address() -> None:
    """
    A client that meets the limit of its address gets through when the period is over.
    """
    clock = RunningClock()
    async with Emulator(clock=clock, burst_limit=RateLimit(requests=3, period=60)) as emulator:
        async with client_of(emulator, clock) as client:
            statuses = [(await client.accounts.tokens.verify()).status for _ in range(7)]

    assert statuses == ["active"] * 7
    assert [round(seconds) for seconds in clock.waits] == [60, 60]
    assert [request.status for request in emulator.requests].count(429) == 2
