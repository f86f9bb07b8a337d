"""
An interrupted call leaks nothing, and an interrupted create can be settled.
"""

import asyncio
import logging

import aiohttp
import pytest

from cftokens import Client, RateLimit
from cftokens.errors import attempt_of
from tests.servers import Exchange, RawServer, encoded, hang, reply
from tests.support import CALLS, assert_no_secret, client_of, interrupted_once
from tests.vocabulary import ACCOUNT, CREDENTIAL, ONCE, REPEATED, RESULTS, TOKEN_ID, success


async def interrupted(call: "asyncio.Task[object]", server: RawServer) -> asyncio.CancelledError:
    """
    Cancel a call as soon as its request has arrived.
    """
    await server.arrived.wait()
    call.cancel()
    try:
        await call
    except asyncio.CancelledError as cancelled:
        return cancelled
    raise AssertionError("the call was not cancelled")


@pytest.mark.parametrize("operation", ONCE)
async def test_a_cancelled_create_or_roll_is_reported(
    operation: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Cancelling it after it was sent logs one warning and adds a note, without a secret.
    """
    async with RawServer(hang) as server, client_of(server.base_url) as client:
        cancelled = await interrupted(asyncio.ensure_future(CALLS[operation](client)), server)

    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert operation in warnings[0].getMessage()
    assert "may have taken effect" in cancelled.__notes__[0]
    assert_no_secret(cancelled)


@pytest.mark.parametrize("operation", REPEATED)
async def test_other_cancelled_calls_are_silent(operation: str, caplog: pytest.LogCaptureFixture) -> None:
    """
    Cancelling a call that could be retried logs no warning and adds no note.
    """
    async with RawServer(hang) as server, client_of(server.base_url) as client:
        cancelled = await interrupted(asyncio.ensure_future(CALLS[operation](client)), server)

    assert not hasattr(cancelled, "__notes__")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_a_timeout_around_a_create_has_its_attempt() -> None:
    """
    attempt_of() finds it on the TimeoutError that asyncio.timeout() raises.
    """
    async with RawServer(hang) as server, client_of(server.base_url) as client:
        with pytest.raises(TimeoutError) as caught:
            await interrupted_once(server.arrived.wait(), CALLS["create"](client))

    attempt = attempt_of(caught.value)
    assert attempt is not None
    assert (attempt.name, attempt.account_id) == ("bot", ACCOUNT)


async def test_a_cancelled_call_that_was_not_sent_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    """
    A create that is cancelled while it waits for a connection has no attempt.
    """
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1))
    async with RawServer(hang) as server, session, client_of(server.base_url, session=session) as client:
        first = asyncio.ensure_future(CALLS["get"](client))
        second = asyncio.ensure_future(CALLS["create"](client))
        await interrupted(first, server)
        second.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await second

    assert attempt_of(caught.value) is None
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


class StepwiseServer(RawServer):
    """
    Answers in twenty pieces, so that a call can be cancelled between any two of them.
    """

    def __init__(self, body: bytes) -> None:
        async def drip(exchange: Exchange) -> None:
            data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            size = len(data) // 20 + 1
            for start in range(0, len(data), size):
                exchange.writer.write(data[start : start + size])
                await asyncio.sleep(0)

        super().__init__(drip)


@pytest.mark.parametrize("operation", ["create", "get", "list"])
async def test_cancelling_after_any_step_leaks_nothing(operation: str) -> None:
    """
    However far a cancelled call had come, its connection and turn are released, and the client works.
    """
    body = encoded(success(RESULTS[operation]))
    limit = RateLimit(requests=100_000, period=300.0)
    async with StepwiseServer(body) as server:
        connector = aiohttp.TCPConnector(limit=1)
        async with aiohttp.ClientSession(connector=connector) as session:
            client = Client(
                CREDENTIAL, account_id=ACCOUNT, base_url=server.base_url, session=session, rate_limit=limit
            )
            steps = await steps_until_done(client, operation)
            await CALLS[operation](client)
            pace = client._owners.sender.settings.pace
            left_over = (pace._in_flight, len(pace._waiting), len(connector._acquired))

    assert steps > 20
    assert left_over == (0, 0, 0)


async def steps_until_done(client: Client, operation: str) -> int:
    """
    Cancel a call after one iteration of the loop, then after two, and so on, until one finishes first.
    """
    steps = 0
    while True:
        steps += 1
        call = asyncio.ensure_future(CALLS[operation](client))
        for _ in range(steps):
            await asyncio.sleep(0)
        if call.done():
            await call
            return steps
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


class HookError(Exception):
    """
    Raised by a user's middleware.
    """


@pytest.mark.parametrize("kind", [HookError, RuntimeError])
async def test_an_exception_of_a_middleware_passes_through(
    kind: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    """
    It is raised unchanged, and a create that was already sent is logged and can be settled.
    """

    async def hook(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        response = await handler(request)
        response.release()
        raise kind("mine")

    created = reply(200, success(RESULTS["create"]))
    async with (
        RawServer(created) as server,
        aiohttp.ClientSession(middlewares=[hook]) as session,
        client_of(server.base_url, session=session) as client,
    ):
        with pytest.raises(kind, match="mine") as caught:
            await CALLS["create"](client)

    assert attempt_of(caught.value) is not None
    assert "is unknown" in caplog.text


async def test_an_error_may_have_no_attempt() -> None:
    """
    After a get there is nothing to settle.
    """
    async with RawServer(reply(404)) as server, client_of(server.base_url) as client:
        with pytest.raises(Exception, match="404") as caught:
            await client.accounts.tokens.get(TOKEN_ID)

    assert attempt_of(caught.value) is None
