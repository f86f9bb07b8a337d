"""
Waiting until a new value works: when it goes on, when it stops, and what it sends.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cftokens import (
    AuthenticationError,
    Client,
    ClosedError,
    NotActiveError,
    PermissionDeniedError,
    RateLimit,
    RequestTimeoutError,
    TokenVerifyResponse,
    TooManyFailuresError,
)
from cftokens.emulator import Emulator
from tests.lives import account_policy
from tests.servers import Behaviour, RawServer, cut_short, drop, hang, reply
from tests.support import Clock, client_of, failure_of
from tests.vocabulary import MINTED, RESULTS, TOKEN_ID, entry, failure, success

ACTIVE = reply(200, success(RESULTS["verify"]))
REFUSED = reply(401, failure(entry(1000, "Invalid API Token")))
LATER = [
    REFUSED,
    reply(403, failure(entry(9109, "Invalid access token"))),
    reply(400, failure(entry(10405, "Method not allowed for this authentication scheme"))),
    reply(503, failure()),
    reply(502, b"<html>"),
    drop,
    cut_short(success(RESULTS["verify"]), 10),
]
"""What a new value can meet, or what passes."""


def says(status: str, **members: Any) -> Behaviour:
    """
    Answer with a status.
    """
    return reply(200, success({"id": TOKEN_ID, "status": status, **members}))


async def wait(server: RawServer, clock: Clock, seconds: float = 60.0) -> TokenVerifyResponse:
    """
    Wait until a value works.
    """
    async with client_of(server.base_url, clock) as client:
        return await client.accounts.tokens.wait_until_active(MINTED, timeout=seconds)


async def given_up(*behaviours: Behaviour, clock: Clock | None = None) -> tuple[NotActiveError, RawServer]:
    """
    Return the error of a wait, and the server.
    """
    async with RawServer(*behaviours) as server:
        error = await failure_of(wait(server, clock or Clock()))
    assert isinstance(error, NotActiveError)
    return error, server


async def test_two_answers_in_a_row_are_enough() -> None:
    """
    A value that works at once costs two requests with it, and one short pause.
    """
    clock = Clock()
    async with RawServer(ACTIVE) as server:
        verified = await wait(server, clock)

    assert (verified.id, verified.status) == (TOKEN_ID, "active")
    assert [each.headers["authorization"] for each in server.requests] == [f"Bearer {MINTED}"] * 2
    assert len(clock.waits) == 1
    assert clock.waits[0] < 2


@pytest.mark.parametrize("later", LATER)
async def test_what_may_pass_is_waited_out(later: Behaviour) -> None:
    """
    A refusal that a new value can meet, a 5xx and no answer are each followed by one more request.
    """
    async with RawServer(later, later, ACTIVE) as server:
        await wait(server, Clock())

    assert len(server.requests) == 4


async def test_an_answer_that_flaps_needs_two_in_a_row() -> None:
    """
    Active, refused, active, active is enough; fewer are not.
    """
    async with RawServer(ACTIVE, REFUSED, ACTIVE, ACTIVE, REFUSED) as server:
        await wait(server, Clock())

    assert len(server.requests) == 4


async def test_a_value_that_keeps_flapping_is_given_up() -> None:
    """
    At most eight requests are sent, and nothing is waited for after the last.
    """
    clock = Clock()
    error, server = await given_up(*[ACTIVE, REFUSED] * 4, clock=clock)

    assert len(server.requests) == 8
    assert len(clock.waits) == 7
    assert str(error) == "The token did not become active within 60 s."


@pytest.mark.parametrize("seconds", [1.0, 60.0, 600.0])
async def test_the_pauses_grow_and_add_up_to_the_timeout(seconds: float) -> None:
    """
    Eight requests are sent over exactly the time that was given; the last pause is short.
    """
    clock = Clock()
    start = clock.now
    async with RawServer(REFUSED) as server:
        error = await failure_of(wait(server, clock, seconds))

    assert isinstance(error, NotActiveError)
    assert isinstance(error.last_error, AuthenticationError)
    assert (error.status, error.hint) == (None, error.last_error.hint)
    assert len(server.requests) == 8
    assert clock.now - start == pytest.approx(seconds)
    assert clock.waits[:6] == sorted(clock.waits[:6])
    assert clock.waits[6] == pytest.approx(clock.waits[0], rel=1e-3)


@pytest.mark.parametrize("refusals", range(7))
async def test_an_answer_near_the_end_is_confirmed_in_time(refusals: int) -> None:
    """
    Up to six refusals leave time for two good answers within the time-out.
    """
    clock = Clock()
    start = clock.now
    async with RawServer(*[REFUSED] * refusals, ACTIVE) as server:
        verified = await wait(server, clock)

    assert verified.status == "active"
    assert clock.now - start <= 60 + 1e-6


STOPPING: dict[str, tuple[Behaviour, type[Exception] | str]] = {
    "expired": (says("expired"), "expired"),
    "disabled": (says("disabled"), "disabled"),
    "revoked": (says("revoked (exposed)"), "revoked (exposed)"),
    "in the past": (says("active", expires_on="2020-01-01T00:00:00Z"), "active"),
    "much later": (says("active", not_before="2999-01-01T00:00:00Z"), "active"),
    "another address": (
        reply(403, failure(entry(9109, "Cannot use the access token from location: 192.0.2.1"))),
        PermissionDeniedError,
    ),
    "locked out": (
        reply(403, failure(entry(10502, "Too many authentication failures"))),
        TooManyFailuresError,
    ),
    "rate limited": (reply(429, failure(entry(971)), Retry_After="1"), Exception),
    "malformed": (reply(400, failure(entry(6003))), Exception),
    "no JSON": (reply(200, b"<html>"), Exception),
}


@pytest.mark.parametrize("case", STOPPING)
async def test_what_waiting_cannot_mend_stops_it(case: str) -> None:
    """
    One request is sent, nothing is waited for, and the error has what was heard.
    """
    behaviour, heard = STOPPING[case]
    clock = Clock()
    error, server = await given_up(behaviour, clock=clock)

    assert len(server.requests) == 1
    assert clock.waits == []
    assert "waiting does not help: " in str(error)
    if isinstance(heard, str):
        assert (error.status, error.last_error) == (heard, None)
    else:
        assert error.status is None
        assert isinstance(error.last_error, heard)


async def test_a_start_within_the_time_out_is_waited_for() -> None:
    """
    A token that is not valid before a moment that comes in time is waited for, by the server's clock.
    """
    clock = Clock()
    async with Emulator(clock=clock) as emulator, client_of(emulator, clock) as client:
        start = datetime.fromtimestamp(int(clock.now) + 20, UTC)
        token = await client.accounts.tokens.create(
            name="bot", policies=[account_policy(emulator)], not_before=start
        )
        await client.accounts.tokens.wait_until_active(token.value)

    assert clock.now >= start.timestamp()


@pytest.mark.parametrize("seconds", [60.0, 1e300])
async def test_a_token_that_says_when_it_starts_is_waited_for(seconds: float) -> None:
    """
    An answer that calls it active before its time does not count, however long the time-out.
    """
    soon = (datetime.now(UTC) + timedelta(seconds=30)).isoformat()
    clock = Clock()
    async with RawServer(says("active", not_before=soon), ACTIVE) as server:
        await wait(server, clock, seconds)

    assert len(server.requests) == 3


async def test_an_unknown_status_is_waited_out() -> None:
    """
    A status that Cloudflare adds tomorrow is neither active nor final.
    """
    error, server = await given_up(says("pending"))

    assert (len(server.requests), error.status) == (8, "pending")


@pytest.mark.parametrize("propagation", [3, 6, 20, 40])
async def test_a_new_value_is_awaited(propagation: float) -> None:
    """
    Values that become known after some time, with flapping, are found within a minute and eight requests.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=propagation) as emulator:
        async with client_of(emulator, clock) as client:
            token = await client.accounts.tokens.create(name="bot", policies=[account_policy(emulator)])
            start = clock.now
            verified = await client.accounts.tokens.wait_until_active(token.value)

    verifies = [each for each in emulator.requests if each.operation == "verify"]
    assert verified.id == token.id
    assert len(verifies) <= 8
    assert clock.now - start <= 60


@pytest.mark.parametrize("end", ["expose", "disable", "delete", "expire"])
async def test_the_emulator_refuses_a_token_that_ended(end: str) -> None:
    """
    Where verify says why, the wait stops at once; where it does not, it lasts as long as it may.
    """
    clock = Clock()
    async with Emulator(clock=clock) as emulator, client_of(emulator, clock) as client:
        tokens = client.accounts.tokens
        token = await tokens.create(name="bot", policies=[account_policy(emulator)])
        if end == "expose":
            emulator.expose(token.id)
        elif end == "disable":
            await tokens.retire(token.id)
        elif end == "delete":
            await tokens.delete(token.id)
        else:
            await tokens.retire(token.id, after=timedelta(seconds=1))
            clock.now += 2
        error = await failure_of(tokens.wait_until_active(token.value))

    assert isinstance(error, NotActiveError)
    assert len([each for each in emulator.requests if each.operation == "verify"]) <= 8


async def test_a_machine_that_is_locked_out_stops_at_once() -> None:
    """
    After the emulator's lock-out, one verify is sent.
    """
    clock = Clock()
    async with Emulator(clock=clock, lockout=2) as emulator, client_of(emulator, clock) as client:
        token = await client.accounts.tokens.create(name="bot", policies=[account_policy(emulator)])
        stranger = client.with_options(api_token=MINTED)
        for _ in range(2):
            await failure_of(stranger.accounts.tokens.get(token.id))
        error = await failure_of(client.accounts.tokens.wait_until_active(token.value))

    assert isinstance(error, NotActiveError)
    assert isinstance(error.last_error, TooManyFailuresError)
    assert [each.operation for each in emulator.requests].count("verify") == 1


async def test_a_server_that_never_answers_does_not_hold_it_up() -> None:
    """
    The request is given up when the time-out ends.
    """
    async with (
        RawServer(hang) as server,
        Client(MINTED, account_id="a" * 32, base_url=server.base_url) as client,
    ):
        error = await failure_of(client.accounts.tokens.wait_until_active(MINTED, timeout=0.1))

    assert isinstance(error, NotActiveError)
    assert isinstance(error.last_error, RequestTimeoutError)


async def test_the_other_kind_of_value_is_refused_before_anything_is_sent() -> None:
    """
    The message names the right place.
    """
    async with RawServer(ACTIVE) as server, client_of(server.base_url) as client:
        with pytest.raises(ValueError, match=r"account-owned token; use client\.accounts\.tokens"):
            await client.user.tokens.wait_until_active(MINTED)
        with pytest.raises(ValueError, match=r"a user token; use client\.user\.tokens"):
            await client.accounts.tokens.wait_until_active(MINTED.replace("cfat", "cfut"))
        with pytest.raises(ValueError, match="value cannot be used: it is empty"):
            await client.accounts.tokens.wait_until_active("")

    assert server.requests == []


async def test_a_users_value_is_awaited() -> None:
    """
    A user's token is verified where users' tokens are.
    """
    async with RawServer(ACTIVE) as server, client_of(server.base_url, rate_limit=RateLimit()) as client:
        await client.user.tokens.wait_until_active(MINTED.replace("cfat", "cfut"))

    assert {each.path for each in server.requests} == {"/user/tokens/verify"}


async def test_a_closed_client_waits_for_nothing() -> None:
    """
    It is the caller's mistake, and not that of the token.
    """
    clock = Clock()
    async with RawServer(ACTIVE) as server:
        client = client_of(server.base_url, clock)
        await client.close()
        error = await failure_of(client.accounts.tokens.wait_until_active(MINTED))

    assert isinstance(error, ClosedError)
    assert clock.waits == []


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
async def test_the_timeout_must_be_a_number_of_seconds(seconds: float) -> None:
    """
    Others are refused before anything is sent.
    """
    async with RawServer(ACTIVE) as server, client_of(server.base_url) as client:
        with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
            await client.accounts.tokens.wait_until_active(MINTED, timeout=seconds)

    assert server.requests == []
