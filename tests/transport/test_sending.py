"""
Requests counted on raw sockets: which calls are retried, and which are sent only once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest

from cftokens import (
    Client,
    ClosedError,
    NoResponseError,
    NotFoundError,
    RateLimit,
    RateLimitedError,
    Retry,
    ServerError,
    TokenDeleteResponse,
)
from tests.servers import Behaviour, RawServer, cut_short, drop, reply, reset
from tests.support import CALLS, Clock, client_of, failure_of
from tests.vocabulary import CHANGING, ONCE, READS, REPEATED, RESULTS, TOKEN_ID, entry, failure, success

SUCCESS = {operation: reply(200, success(result)) for operation, result in RESULTS.items()}

LOST: dict[str, Behaviour] = {
    "drop": drop,
    "reset": reset,
    "cut short": cut_short(success({"value": "x" * 100}), 40),
    "500": reply(500, failure()),
    "502 from a proxy": reply(502, b"<html>Bad gateway</html>"),
    "503 with Retry-After": reply(503, failure(), Retry_After="1"),
}
"""Ways to lose the answer to a request that may have taken effect."""


async def retrying(
    request: aiohttp.ClientRequest,
    handler: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]],
) -> aiohttp.ClientResponse:
    """
    A typical middleware, which retries whatever failed.
    """
    for _ in range(2):
        try:
            response = await handler(request)
        except aiohttp.ClientError:
            continue
        if response.status < 500:
            return response
        response.release()
    return await handler(request)


@asynccontextmanager
async def client_on(server: RawServer, session: str, connection: str) -> AsyncIterator[Client]:
    """
    Make a client with that kind of session and connection.
    """
    borrowed = aiohttp.ClientSession(middlewares=[retrying]) if session == "borrowed with retries" else None
    client = client_of(server.base_url, session=borrowed)
    if connection == "pooled":
        await client.accounts.tokens.get(TOKEN_ID)
        server.requests.clear()
    yield client
    await client.close()
    if borrowed is not None:
        await borrowed.close()


def behaviours(connection: str, *after: Behaviour) -> list[Behaviour]:
    """
    Return the behaviours, after a success if the connection is to be pooled.
    """
    return [SUCCESS["get"], *after] if connection == "pooled" else [*after]


own_or_borrowed = pytest.mark.parametrize("session", ["own", "borrowed with retries"])
fresh_or_pooled = pytest.mark.parametrize("connection", ["fresh", "pooled"])


@own_or_borrowed
@fresh_or_pooled
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("operation", ONCE)
async def test_create_and_roll_are_sent_once(
    operation: str, lost: str, connection: str, session: str
) -> None:
    """
    If the answer is lost, not even a middleware sends it again, and the outcome is unknown.
    """
    async with RawServer(*behaviours(connection, LOST[lost])) as server:
        async with client_on(server, session, connection) as client:
            error = await failure_of(CALLS[operation](client))

    assert len(server.requests) == 1
    assert error.outcome_unknown
    assert (error.attempt is not None) == (operation == "create")


@fresh_or_pooled
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("operation", [each for each in CHANGING if each not in ONCE])
async def test_other_changes_are_tried_three_times(operation: str, lost: str, connection: str) -> None:
    """
    If every answer is lost, the outcome is unknown in the end.
    """
    async with RawServer(*behaviours(connection, LOST[lost])) as server:
        async with client_on(server, "own", connection) as client:
            error = await failure_of(CALLS[operation](client))

    assert len(server.requests) == 3
    assert error.outcome_unknown
    assert isinstance(error, NoResponseError | ServerError)


@own_or_borrowed
@fresh_or_pooled
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("operation", REPEATED)
async def test_other_calls_survive_a_lost_answer(
    operation: str, lost: str, connection: str, session: str
) -> None:
    """
    All but create and roll succeed if the second try is answered.
    """
    async with RawServer(*behaviours(connection, LOST[lost], SUCCESS[operation])) as server:
        async with client_on(server, session, connection) as client:
            await CALLS[operation](client)

    assert len(server.requests) == 2


@pytest.mark.parametrize("operation", READS)
async def test_a_failed_read_has_no_effect(operation: str) -> None:
    """
    The outcome of a read is never unknown.
    """
    async with RawServer(drop) as server, client_of(server.base_url) as client:
        error = await failure_of(CALLS[operation](client))

    assert not error.outcome_unknown
    assert error.attempt is None


@own_or_borrowed
@fresh_or_pooled
@pytest.mark.parametrize("operation", CALLS)
async def test_every_call_is_retried_after_a_429(operation: str, connection: str, session: str) -> None:
    """
    Even a create or roll is sent again, because a refused request had no effect.
    """
    limited = reply(429, failure(entry(971, "Please wait")), Retry_After="7")
    async with RawServer(*behaviours(connection, limited, SUCCESS[operation])) as server:
        async with client_on(server, session, connection) as client:
            await CALLS[operation](client)

    assert len(server.requests) == 2


@pytest.mark.parametrize("operation", CALLS)
async def test_a_refused_connection_is_retried(operation: str) -> None:
    """
    Every call makes three tries, and its outcome is known.
    """
    async with RawServer(SUCCESS[operation]) as server:
        address = server.base_url
    clock = Clock()
    async with client_of(address, clock) as client:
        error = await failure_of(CALLS[operation](client))

    assert isinstance(error, NoResponseError)
    assert not error.outcome_unknown
    assert clock.waits == [0.5, 1.0]


@pytest.mark.parametrize("lost", LOST)
async def test_a_404_after_a_lost_delete_is_a_success(lost: str) -> None:
    """
    If the answer to a delete was lost, a 404 on the next try means that the first one worked.
    """
    async with RawServer(LOST[lost], reply(404, failure())) as server, client_of(server.base_url) as client:
        deleted = await client.accounts.tokens.delete(TOKEN_ID)

    assert deleted == TokenDeleteResponse(id=TOKEN_ID)


async def test_a_404_after_a_429_is_an_error() -> None:
    """
    A delete that was only refused had no effect, so the 404 means that there was no such token.
    """
    limited = reply(429, failure(), Retry_After="1")
    async with RawServer(limited, reply(404, failure())) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.delete(TOKEN_ID))

    assert isinstance(error, NotFoundError)
    assert not error.outcome_unknown


async def test_an_earlier_try_is_remembered() -> None:
    """
    If the first answer to an update is lost and the next is a refusal, the outcome is unknown.
    """
    async with (
        RawServer(drop, reply(400, failure(entry(1001, "bad")))) as server,
        client_of(server.base_url) as client,
    ):
        error = await failure_of(CALLS["update"](client))

    assert error.outcome_unknown
    assert error.__notes__ == ["An earlier try got no answer and may have taken effect."]


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "45"}, 45.0),
        ({"Date": "Tue, 24 Nov 2026 05:00:00 GMT", "Retry_After": "Tue, 24 Nov 2026 05:00:30 GMT"}, 30.0),
        ({"Retry_After": "0"}, 0.5),
        ({}, 0.5),
    ],
    ids=["seconds", "a date", "too short", "none"],
)
async def test_retry_after_is_honoured_in_full(headers: dict[str, str], wait: float) -> None:
    """
    The client waits as long as Retry-After says, but never less than its own back-off.
    """
    clock = Clock()
    limited = reply(429, failure(), **headers)
    async with RawServer(limited, SUCCESS["get"]) as server, client_of(server.base_url, clock) as client:
        await client.accounts.tokens.get(TOKEN_ID)

    assert clock.waits == [wait]


async def test_a_retry_after_beyond_the_budget_is_an_error() -> None:
    """
    The error is raised without waiting, and says how long the wait would have been.
    """
    clock = Clock()
    async with RawServer(reply(429, failure(), Retry_After="300")) as server:
        async with client_of(server.base_url, clock) as client:
            error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert isinstance(error, RateLimitedError)
    assert (error.retry_after, error.sent, clock.waits) == (300.0, True, [])


async def test_a_long_wait_needs_a_large_budget() -> None:
    """
    A budget of 400 seconds is enough to wait out a block of five minutes.
    """
    clock = Clock()
    limited = reply(429, failure(), Retry_After="300")
    async with RawServer(limited, SUCCESS["create"]) as server:
        async with client_of(server.base_url, clock, retry=Retry(budget=400)) as client:
            await CALLS["create"](client)

    assert (clock.waits, len(server.requests)) == ([300.0], 2)


async def test_retries_can_be_switched_off_for_one_call() -> None:
    """
    A view without retries tries once, and the client still retries.
    """
    async with RawServer(drop, drop, SUCCESS["delete"]) as server, client_of(server.base_url) as client:
        await failure_of(client.with_options(retry=None).accounts.tokens.delete(TOKEN_ID))
        sent_by_view = len(server.requests)
        await client.accounts.tokens.delete(TOKEN_ID)

    assert (sent_by_view, len(server.requests)) == (1, 3)


async def test_waits_grow_and_are_capped() -> None:
    """
    Each wait is twice the one before, up to the longest, and their sum fits the budget.
    """
    clock = Clock()
    retry = Retry(attempts=10, first_wait=1.0, longest_wait=4.0, budget=12.0)
    async with RawServer(drop) as server, client_of(server.base_url, clock, retry=retry) as client:
        await failure_of(client.accounts.tokens.verify())

    assert clock.waits == [1.0, 2.0, 4.0, 4.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 408, 409, 422])
async def test_a_refusal_is_not_retried(status: int) -> None:
    """
    Any 4xx but a 429 ends the call after one try.
    """
    async with RawServer(reply(status, failure())) as server, client_of(server.base_url) as client:
        await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("operation", CALLS)
async def test_redirects_are_never_followed(operation: str, status: int) -> None:
    """
    A redirect is an error, and nothing is sent to its target.
    """
    async with RawServer(SUCCESS[operation]) as elsewhere:
        redirect = reply(status, b"", Location=f"{elsewhere.base_url}/user/tokens")
        async with RawServer(redirect) as server, client_of(server.base_url) as client:
            error = await failure_of(CALLS[operation](client))

    assert "redirect" in str(error)
    assert (len(server.requests), elsewhere.requests) == (1, [])


async def test_a_request_has_the_headers_that_the_api_expects() -> None:
    """
    A create sends JSON with its length; a delete sends no body and no content type.
    """
    async with (
        RawServer(SUCCESS["create"], SUCCESS["delete"]) as server,
        client_of(server.base_url) as client,
    ):
        await CALLS["create"](client)
        await CALLS["delete"](client)

    create, delete = server.requests
    assert create.headers["content-type"] == "application/json"
    assert create.headers["content-length"] == str(len(create.body))
    assert create.headers["user-agent"].startswith("cftokens/")
    assert (delete.body, delete.headers["content-length"]) == (b"", "0")
    assert "content-type" not in delete.headers


async def test_a_client_that_is_closed_while_a_call_waits_sends_nothing() -> None:
    """
    A call whose turn comes after close() raises ClosedError, and its outcome is known.
    """
    clients: list[Client] = []

    class Closes(Clock):
        async def sleep(self, seconds: float) -> None:
            self.now += seconds
            await clients[0].close()

    async with RawServer(SUCCESS["get"]) as server:
        limit = RateLimit(requests=1, period=10.0)
        clients.append(client_of(server.base_url, Closes(), rate_limit=limit))
        await CALLS["get"](clients[0])
        error = await failure_of(CALLS["create"](clients[0]))

    assert isinstance(error, ClosedError)
    assert not error.outcome_unknown
    assert len(server.requests) == 1


async def test_an_update_on_a_session_that_was_closed_meanwhile_is_unknown() -> None:
    """
    An update whose answer was lost has an unknown outcome, even if its next try finds the session closed.
    """
    async with RawServer(LOST["502 from a proxy"]) as server, aiohttp.ClientSession() as session:

        class Closes(Clock):
            async def sleep(self, seconds: float) -> None:
                await session.close()

        client = client_of(server.base_url, Closes(), session=session)
        error = await failure_of(CALLS["update"](client))

    assert isinstance(error, ClosedError)
    assert error.outcome_unknown
