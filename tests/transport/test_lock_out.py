"""
10502 "Too many authentication failures", on raw sockets: no path of the client sends anything after it.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

import cftokens.sync
from cftokens import (
    APIError,
    CFTokensError,
    Client,
    RateLimit,
    RateLimitedError,
    ServerError,
    TooManyFailuresError,
)
from cftokens import policies as p
from tests.answers import ATTEMPT
from tests.servers import Behaviour, RawServer, drop, reply
from tests.support import CALLS, Clock, client_of, failure_of
from tests.vocabulary import ACCOUNT, CREDENTIAL, RESULTS, TOKEN, TOKEN_ID, ZONE_ID, entry, failure, success

LOCKED_OUT = failure(entry(10502, "Too many authentication failures"))
STATUSES = [400, 401, 403, 429, 503]


def locked_out(status: int = 429) -> Behaviour:
    """
    Refuse every credential, and ask for another try soon.
    """
    return reply(status, LOCKED_OUT, Retry_After="1")


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("operation", CALLS)
async def test_it_is_never_retried(operation: str, status: int) -> None:
    """
    Whatever its status, every operation is sent once, and its outcome is known.
    """
    clock = Clock()
    async with RawServer(locked_out(status)) as server, client_of(server.base_url, clock) as client:
        error = await failure_of(CALLS[operation](client))

    assert type(error) is TooManyFailuresError
    assert (error.status, error.outcome_unknown, error.attempt) == (status, False, None)
    assert client.unsettled == ()
    assert len(server.requests) == 1
    assert clock.waits == []


CATALOGUE = "the catalogue"
PATHS: dict[str, Callable[[Client], Awaitable[object]]] = {
    CATALOGUE: lambda client: client.accounts.tokens.permission_groups.find("Zone Read"),
    "a create by names": lambda client: client.accounts.tokens.create(
        name="x", policies=[p.allow("Zone Read", on=p.zone(ZONE_ID))]
    ),
    "an edit": lambda client: client.accounts.tokens.edit(TOKEN_ID, name="x"),
    "a clone": lambda client: client.accounts.tokens.clone(TOKEN_ID, name="x"),
    "recover": lambda client: client.accounts.tokens.recover(ATTEMPT),
    "every page": lambda client: client.accounts.tokens.list().collect(),
    "a temporary token": lambda client: client.accounts.tokens.temporary(policies=[]).__aenter__(),
    "ensure": lambda client: client.accounts.tokens.ensure(name="x", policies=[]),
    "retire": lambda client: client.accounts.tokens.retire(TOKEN_ID),
}
"""What sends requests of its own."""


@pytest.mark.parametrize(
    ("path", "before"), [(path, before) for path in PATHS for before in range(1 if path == CATALOGUE else 2)]
)
async def test_what_sends_several_requests_stops(path: str, before: int) -> None:
    """
    Nothing is sent after the lock-out, at the first request or after one that was answered.
    """
    answered = {CATALOGUE: "permission_groups", "a create by names": "permission_groups"}
    first = success(RESULTS[answered.get(path, "get")])
    if path == "recover":
        first = success([{**TOKEN, "name": ATTEMPT.name, "issued_on": "2026-07-01T05:20:01Z"}])
    if path == "ensure":
        first = success([])
    if path == "every page":
        first = success([TOKEN], result_info={"page": 1, "per_page": 50, "count": 1, "total_count": 2})
    async with RawServer(*[reply(200, first)] * before, locked_out()) as server:
        async with client_of(server.base_url) as client:
            error = await failure_of(PATHS[path](client))

    assert isinstance(error, TooManyFailuresError)
    assert len(server.requests) == before + 1


async def test_pages_side_by_side_stop() -> None:
    """
    No page is asked for again, and none is begun after the refusal of another.
    """
    info = {"page": 1, "per_page": 1, "count": 1, "total_count": 100}
    async with RawServer(reply(200, success([TOKEN], result_info=info)), locked_out()) as server:
        async with client_of(server.base_url) as client:
            error = await failure_of(client.accounts.tokens.list().collect())

    paths = [request.path for request in server.requests]
    assert isinstance(error, TooManyFailuresError)
    assert len({*paths}) == len(paths) <= 9


@pytest.mark.parametrize("status", STATUSES)
async def test_the_pace_does_not_wait_it_out(status: int) -> None:
    """
    It is no rate limit, so a Retry-After does not hold up the next call, nor make it a RateLimitedError.
    """
    clock = Clock()
    refused = reply(status, LOCKED_OUT, Retry_After="300")
    async with RawServer(refused, reply(200, success(TOKEN))) as server:
        async with client_of(server.base_url, clock, rate_limit=RateLimit()) as client:
            await failure_of(client.accounts.tokens.get(TOKEN_ID))
            await client.accounts.tokens.get(TOKEN_ID)

    assert len(server.requests) == 2
    assert clock.waits == []


async def test_it_ends_the_retries_after_a_429() -> None:
    """
    A request that was rate limited and then locked out is not sent a third time.
    """
    limited = reply(429, failure(entry(971)), Retry_After="2")
    async with RawServer(limited, locked_out()) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))

    assert isinstance(error, TooManyFailuresError)
    assert not error.outcome_unknown
    assert len(server.requests) == 2


async def test_an_earlier_lost_answer_is_remembered() -> None:
    """
    The first of two updates may have taken effect, although the second was locked out.
    """
    async with RawServer(drop, locked_out()) as server, client_of(server.base_url) as client:
        error = await failure_of(CALLS["update"](client))

    assert isinstance(error, TooManyFailuresError)
    assert error.outcome_unknown
    assert len(server.requests) == 2


async def test_it_says_to_stop() -> None:
    """
    The message has the hint, and leaves out a Retry-After that is not about the lock-out.
    """
    async with RawServer(locked_out()) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.verify())

    assert str(error) == (
        f"GET /accounts/{ACCOUNT}/tokens/verify was refused with 429: "
        "Too many authentication failures (code 10502). "
        "After too many refused credentials, Cloudflare refuses all from this machine, whichever they are. "
        "Stop, find the credential that is wrong, and wait some minutes before the next request."
    )
    assert str(error).endswith(str(error.hint))


@pytest.mark.parametrize("code", [None, "10502"])
async def test_the_text_is_enough(code: object) -> None:
    """
    It is recognised even if its code is missing or no number.
    """
    body = failure({"code": code, "message": "too many authentication failures"})
    async with RawServer(reply(429, body)) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.verify())

    assert isinstance(error, TooManyFailuresError)
    assert len(server.requests) == 1


async def test_it_is_no_rate_limit() -> None:
    """
    Code that waits for retry_after, or retries a 5xx, does not catch it.
    """
    assert TooManyFailuresError.__bases__ == (APIError,)
    assert not issubclass(TooManyFailuresError, RateLimitedError | ServerError)


async def test_a_blocking_client_is_locked_out_alike() -> None:
    """
    It sends its request once, and raises the same error.
    """

    def verify(base_url: str) -> CFTokensError | None:
        with cftokens.sync.Client(CREDENTIAL, account_id=ACCOUNT, base_url=base_url) as client:
            try:
                client.accounts.tokens.verify()
            except CFTokensError as error:
                return error
        return None

    async with RawServer(locked_out()) as server:
        error = await asyncio.to_thread(verify, server.base_url)

    assert type(error) is TooManyFailuresError
    assert len(server.requests) == 1
