"""
Error trackers walk the local variables of every frame, and no report of theirs shows a secret.
"""

import asyncio
import base64
import io
import json
import logging
import re
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final, NamedTuple, NoReturn

import aiohttp
import pytest
import rich.console
import rich.traceback
import sentry_sdk
import stackprinter  # type: ignore[import-untyped]  # it has no types
from sentry_sdk.envelope import Envelope
from sentry_sdk.integrations.logging import BreadcrumbHandler
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport

from cftokens import Client, ClosedError, CreateAttempt, WrongLoopError
from cftokens._transport.messages import Request
from tests.servers import Behaviour, Exchange, RawServer, cut_short, drop, encoded, hang, raw, reply
from tests.support import CALLS, client_of, interrupted_once
from tests.vocabulary import (
    ACCOUNT,
    CREDENTIAL,
    MARK,
    MINTED,
    TOKEN,
    TOKEN_ID,
    TOKEN_POLICY,
    entry,
    failure,
    success,
)

PASSWORD: Final = MARK * 34
LOGIN: Final = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
ATTEMPT: Final = CreateAttempt(
    account_id=ACCOUNT,
    started_on=datetime(2026, 1, 1, tzinfo=UTC),
    name="bot",
    policies=(TOKEN_POLICY,),
)


class Operation(NamedTuple):
    """
    A call, and the answers that it needs before the one that goes wrong.
    """

    call: Callable[[Client], Awaitable[object]]
    before: tuple[Behaviour, ...] = ()


OPERATIONS: Final = {
    "get": Operation(CALLS["get"]),
    "create": Operation(CALLS["create"]),
    "roll": Operation(CALLS["roll"]),
    "clone": Operation(
        lambda client: client.accounts.tokens.clone(TOKEN_ID, name="bot"), (reply(200, success(TOKEN)),)
    ),
    "recover": Operation(
        lambda client: client.accounts.tokens.recover(ATTEMPT), (reply(200, success([TOKEN])),)
    ),
}
all_operations = pytest.mark.parametrize("operation", OPERATIONS)


# What the trackers report.


def by_stdlib(error: BaseException) -> str:
    """
    Return what ``traceback`` prints.
    """
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def by_rich(error: BaseException) -> str:
    """
    Return what rich prints, except the lines of the sources, which it takes seconds to colour.
    """
    exception = (type(error), error, error.__traceback__)
    report = rich.traceback.Traceback.from_exception(*exception, show_locals=True)
    for stack in report.trace.stacks:
        for frame in stack.frames:
            frame.filename = "<left out>"
    rich.console.Console(file=(printed := io.StringIO()), width=1000).print(report)
    return printed.getvalue()


def by_stackprinter(error: BaseException) -> str:
    """
    Return what stackprinter prints.
    """
    exception = (type(error), error, error.__traceback__)
    text: str = stackprinter.format(exception, show_vals="all", truncate_vals=5000)
    return text


def by_sentry(error: BaseException) -> str:
    """
    Return what sentry-sdk sends, with the log as breadcrumbs, and without the names that it hides by default.
    """
    with sentry() as sent:
        sentry_sdk.capture_exception(error)
    return sent[0]


def by_any(error: BaseException) -> str:
    """
    Return the characters of all strings and bytes in all containers in the locals of all frames.
    """
    return " ".join(
        text
        for link in chain_of(error)
        for frame, _ in traceback.walk_tb(link.__traceback__)
        for text in characters(frame.f_locals)
    )


def by_looking_at_it(error: BaseException) -> str:
    """
    Return what the exceptions themselves hold.
    """
    return " ".join(f"{link!r} {link} {link.args!r} {vars(link)!r}" for link in chain_of(error))


TRACKERS: Final = (by_stdlib, by_rich, by_stackprinter, by_sentry, by_any)
REPORTS: Final = (*TRACKERS, by_looking_at_it)


class sentry:  # noqa: N801 -- a context manager
    """
    Collects what sentry-sdk sends.
    """

    def __init__(self) -> None:
        self.sent: list[str] = []

    def __enter__(self) -> list[str]:
        sent = self.sent

        class Memory(Transport):
            def capture_envelope(self, envelope: Envelope) -> None:
                sent.append(envelope.serialize().decode())

        self._scope = sentry_sdk.isolation_scope()
        self._scope.__enter__().set_client(
            sentry_sdk.Client(
                dsn="https://key@sentry.invalid/1",
                transport=Memory,
                default_integrations=False,
                auto_enabling_integrations=False,
                include_local_variables=True,
                attach_stacktrace=True,
                event_scrubber=EventScrubber(denylist=[]),
            )
        )
        logging.getLogger().addHandler(breadcrumbs := BreadcrumbHandler(logging.DEBUG))
        self._breadcrumbs = breadcrumbs
        return sent

    def __exit__(self, *_: object) -> None:
        logging.getLogger().removeHandler(self._breadcrumbs)
        sentry_sdk.get_client().close()
        self._scope.__exit__(None, None, None)


def chain_of(error: BaseException) -> list[BaseException]:
    """
    Return an exception, its causes and its contexts.
    """
    links: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        if (link := left.pop()) is not None and link not in links:
            links.append(link)
            left += (link.__cause__, link.__context__)
            left += link.exceptions if isinstance(link, BaseExceptionGroup) else ()
    return links


def characters(value: object, depth: int = 6) -> Iterator[str]:
    """
    Return what a tracker finds that opens containers and ignores every repr.
    """
    if isinstance(value, str):
        yield str.__getitem__(value, slice(None))
    elif isinstance(value, bytes | bytearray):
        yield value.decode("latin-1")
    elif depth and isinstance(value, Mapping):
        for key, item in value.items():
            yield from characters(key, depth - 1)
            yield from characters(item, depth - 1)
    elif depth and isinstance(value, Sequence | AbstractSet):
        for item in value:
            yield from characters(item, depth - 1)


def assert_untold(error: BaseException, reports: Sequence[Callable[[BaseException], str]] = REPORTS) -> None:
    """
    Look for a secret in the reports of all trackers.
    """
    for report in reports:
        assert_hidden(report(error), report.__name__)


def assert_hidden(text: str, where: str) -> None:
    """
    Look for a secret in a text, which may be wrapped and framed.
    """
    plain = re.sub(r"[\s│]|\\n", "", text)
    for secret in (MARK, *(LOGIN[at : at + 16] for at in range(0, len(LOGIN) - 16, 8))):
        at = plain.find(secret)
        assert at < 0, f"{where}: …{plain[max(at - 300, 0) : at + 100]}"


async def outcome(call: Awaitable[object]) -> BaseException:
    """
    Return the exception that a call raises.
    """
    (error,) = await asyncio.gather(call, return_exceptions=True)
    assert isinstance(error, BaseException), error
    return error


# What can go wrong.

DEEP: Final = f'{{"success": true, "result": {{"value": "{MINTED}", "x": {"[" * 99_999}'

ANSWERS: Final[dict[str, Behaviour]] = {
    "the value in a list": reply(200, success([MINTED, CREDENTIAL])),
    "the value in an object": reply(
        200, success({**TOKEN, "id": TOKEN_ID, "value": {"is": MINTED}, "name": {}})
    ),
    "the value under another key": reply(200, success({"id": MINTED, "secret": MINTED})),
    "a list of objects": reply(200, [success({"value": MINTED})]),
    "no success": reply(200, {"result": {"value": MINTED}, "errors": [entry(1, f"made {MINTED}")]}),
    "none": drop,
    "text": reply(200, f"the value is {MINTED}".encode()),
    "a lone surrogate": reply(200, f'{{"success": true, "result": "\\ud800 {MINTED}"}}'.encode()),
    "NaN": reply(200, f'{{"success": true, "result": ["{MINTED}", NaN]}}'.encode()),
    "nested too deeply": reply(200, DEEP.encode()),
    "too large": reply(200, MINTED.encode() * 400_000),
    "cut short": cut_short(success({"value": MINTED, **TOKEN}), 200),
    "not HTTP": raw(f"{MINTED} {MINTED}\r\n\r\n".encode()),
    "a bad header": raw(f"HTTP/1.1 200 OK\r\nContent-Length: {MINTED}\r\n\r\n{MINTED}".encode()),
    "a bad chunk": raw(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{MINTED}\r\n".encode()),
    "bad gzip": reply(200, f"not gzip: {MINTED}".encode(), Content_Encoding="gzip"),
    "a redirect": reply(302, success(MINTED), Location=f"/{MINTED}?{CREDENTIAL}"),
    "a refusal": reply(502, failure(entry(1000, f"{MINTED} for Bearer {CREDENTIAL}"))),
    **{
        f"{status} with an echo": reply(
            status,
            failure(entry(1000, f"{MINTED} for Bearer {CREDENTIAL}")),
            X_Echo=CREDENTIAL,
            CF_Ray=MINTED,
        )
        for status in (400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 504)
    },
}


async def half(exchange: Exchange) -> None:
    """
    Send half of an answer with a value, and then nothing.
    """
    body = encoded(success({"value": MINTED, **TOKEN}))
    head = f"HTTP/1.1 200 OK\r\nX-Echo: {CREDENTIAL}\r\nContent-Length: {len(body)}\r\n\r\n"
    exchange.writer.write(head.encode() + body[: len(body) // 2])
    await hang(exchange)


@all_operations
@pytest.mark.parametrize("answer", ANSWERS)
async def test_an_answer_that_is_not_as_expected(operation: str, answer: str) -> None:
    """
    Whatever the server answers, and wherever it echoes a secret, no report shows one.
    """
    call, before = OPERATIONS[operation]
    async with RawServer(*before, ANSWERS[answer]) as server, client_of(server.base_url) as client:
        error = await outcome(call(client))

    assert_untold(error)


async def test_a_copy_that_differs() -> None:
    """
    The value of a copy that is deleted again is not shown either.
    """
    created = reply(200, success({**TOKEN, "name": "other", "value": MINTED}))
    call, before = OPERATIONS["clone"]
    async with RawServer(*before, created, drop) as server, client_of(server.base_url) as client:
        error = await outcome(call(client))

    assert "differs" in str(error)
    assert_untold(error)


async def run_out(call: Awaitable[object], client: Client, arrived: Awaitable[None]) -> object:
    """
    Wait for the client's own time-out.
    """
    result, _ = await asyncio.gather(call, arrived)
    return result


async def run_out_around(call: Awaitable[object], client: Client, arrived: Awaitable[None]) -> object:
    """
    Interrupt a call with `asyncio.timeout()`.
    """
    return await interrupted_once(arrived, call)


async def cancel(call: Awaitable[object], client: Client, arrived: Awaitable[None]) -> object:
    """
    Cancel a call.
    """
    task = asyncio.ensure_future(call)
    await arrived
    task.cancel()
    return await task


async def fail_beside(call: Awaitable[object], client: Client, arrived: Awaitable[None]) -> object:
    """
    Cancel a call because another task of its group fails.
    """

    async def fail() -> None:
        await arrived
        raise LookupError

    async def run() -> object:
        try:
            return await call
        except asyncio.CancelledError as cancelled:  # which the group would swallow
            assert_untold(cancelled)
            raise

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        group.create_task(fail())
    return None


async def close(call: Awaitable[object], client: Client, arrived: Awaitable[None]) -> object:
    """
    Close the client.
    """
    task = asyncio.ensure_future(call)
    await arrived
    await client.close()
    return await task


Interruption = Callable[[Awaitable[object], Client, Awaitable[None]], Awaitable[object]]


async def arrival(server: RawServer, number: int) -> None:
    """
    Wait for a number of requests to arrive, and for the beginning of the last answer.
    """
    while len(server.requests) < number:
        server.arrived.clear()
        await server.arrived.wait()
    for _ in range(20):
        await asyncio.sleep(0)


@all_operations
@pytest.mark.parametrize("behaviour", [hang, half])
@pytest.mark.parametrize("interrupted", [run_out, run_out_around, cancel, fail_beside, close])
async def test_an_interrupted_call(
    operation: str,
    behaviour: Behaviour,
    interrupted: Interruption,
) -> None:
    """
    Before or in the middle of an answer, a call that is interrupted leaves no secret in a frame.
    """
    call, before = OPERATIONS[operation]
    timeout = 0.5 if interrupted is run_out else 30
    async with (
        RawServer(*before, behaviour) as server,
        client_of(server.base_url, timeout=timeout, retry=None) as client,
    ):
        error = await outcome(interrupted(call(client), client, arrival(server, len(before) + 1)))

    assert_untold(error)


PROXIES: Final[dict[str, Behaviour]] = {
    "refuses": reply(407, f"{LOGIN} {CREDENTIAL}".encode(), Proxy_Authenticate=LOGIN),
    "drops": drop,
    "is silent": hang,
    "speaks no TLS": reply(200, LOGIN.encode()),
    "speaks no HTTP": raw(f"{LOGIN}\r\n\r\n".encode()),
}


@pytest.mark.parametrize("proxy", PROXIES)
@pytest.mark.parametrize("interrupted", [run_out, run_out_around, cancel, fail_beside])
async def test_a_proxy_that_fails(proxy: str, interrupted: Interruption) -> None:
    """
    Neither the password of a proxy, of 300 characters, nor its header is shown.
    """
    timeout = 0.5 if interrupted is run_out else 30
    async with RawServer(PROXIES[proxy]) as server:
        address = f"http://user:{PASSWORD}@127.0.0.1:{server.port}"
        client = client_of("https://api.cloudflare.invalid", proxy=address, retry=None, timeout=timeout)
        del address  # it is the caller's own
        async with client:
            error = await outcome(interrupted(CALLS["create"](client), client, arrival(server, 1)))

    assert server.requests[0].headers["proxy-authorization"] == f"Basic {LOGIN}"
    assert_untold(error)


REFUSED: Final[dict[str, dict[str, Any]]] = {
    "of another kind": {"proxy": f"ftp://user:{PASSWORD}@proxy.example"},
    "without a host": {"proxy": f"http://user:{PASSWORD}@a..b"},
    "elsewhere, without https": {
        "proxy": f"http://user:{PASSWORD}@proxy.example",
        "base_url": "http://localhost",
    },
    "with a bad option": {"proxy": f"http://user:{PASSWORD}@proxy.example", "timeout": -1},
}


@pytest.mark.parametrize("why", REFUSED)
async def test_a_proxy_that_is_refused(why: str) -> None:
    """
    The error of a client that cannot be made does not show the login of its proxy, in any encoding.
    """

    async def make() -> object:
        return Client("x", **REFUSED[why])

    error = await outcome(make())

    assert isinstance(error, ValueError)
    assert_untold(error, [by_stdlib, by_rich, by_sentry, by_any, by_looking_at_it])


# The hooks of a borrowed session.


class Hooks:
    """
    The hooks of a session, which raise in the request that goes wrong.

    Args:
        before: The number of requests that go well.
    """

    def __init__(self, before: int) -> None:
        self._left = before

    def _raise(self, error: BaseException | None = None) -> NoReturn:
        raise LookupError("a hook of the session") from error

    async def raise_before(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """
        Raise before the request is sent.
        """
        if self._is_due():
            self._raise()
        return await send(request)

    async def raise_after(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """
        Raise after the answer.
        """
        response = await send(request)
        if self._is_due():
            del response  # a session's own hook may do with an answer as it likes
            self._raise()
        return response

    async def raise_from(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """
        Raise because of aiohttp's own error.
        """
        try:
            return await read(await send(request))
        except aiohttp.ClientError as error:
            self._raise(error)

    async def raise_group(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """
        Raise a group with aiohttp's own error.
        """
        try:
            return await read(await send(request))
        except aiohttp.ClientError as error:
            group = ExceptionGroup("hooks", [error])
        raise group

    async def read_as_json(
        self, request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """
        Read an answer that may not be JSON.
        """
        response = await send(request)
        await response.json(content_type=None)
        return response

    async def trace(self, session: aiohttp.ClientSession, context: SimpleNamespace, event: Any) -> None:
        """
        Raise at an event.
        """
        if self._is_due():
            self._raise()

    def _is_due(self) -> bool:
        self._left -= 1
        return self._left < 0


async def read(response: aiohttp.ClientResponse) -> aiohttp.ClientResponse:
    """
    Read an answer, as far as it gets, into the frames of aiohttp.
    """
    await response.read()
    return response


MIDDLEWARES: Final = ("raise_before", "raise_after", "raise_from", "raise_group", "read_as_json")
EVENTS: Final = ("on_request_start", "on_request_headers_sent", "on_request_end", "on_request_exception")


def session_with(hook: str, before: int) -> aiohttp.ClientSession:
    """
    Return a session with one hook.
    """
    hooks = Hooks(before)
    if hook in MIDDLEWARES:
        return aiohttp.ClientSession(middlewares=[getattr(hooks, hook)])
    trace = aiohttp.TraceConfig()
    getattr(trace, hook).append(Hooks(0 if hook == "on_request_exception" else before).trace)
    return aiohttp.ClientSession(trace_configs=[trace])


@all_operations
@pytest.mark.parametrize("answer", ["text", "cut short", "a refusal", "none"])
@pytest.mark.parametrize("hook", [*MIDDLEWARES, *EVENTS])
async def test_a_hook_of_a_borrowed_session_that_raises(operation: str, answer: str, hook: str) -> None:
    """
    Its exception passes through with its own frames, and aiohttp's frames show nothing.
    """
    call, before = OPERATIONS[operation]
    async with (
        RawServer(*before, ANSWERS[answer]) as server,
        session_with(hook, len(before)) as session,
        client_of(server.base_url, session=session, retry=None) as client,
    ):
        error = await outcome(call(client))

    assert_untold(error, TRACKERS)  # the exception itself is the hook's


async def test_the_frames_of_a_hook_keep_their_locals() -> None:
    """
    Only the frames of cftokens, aiohttp and the standard library are cleared; all keep their lines.
    """
    async with (
        RawServer(ANSWERS["text"]) as server,
        session_with("raise_after", 0) as session,
        client_of(server.base_url, session=session) as client,
    ):
        error = await outcome(CALLS["get"](client))

    frames = {frame.f_code.co_name: frame for frame, _ in traceback.walk_tb(error.__traceback__)}
    assert {"exchange", "_request", "raise_after"} <= {*frames}
    assert "request" in frames["raise_after"].f_locals
    assert frames["_request"].f_locals == {}


async def test_what_the_caller_was_handling_is_left_alone() -> None:
    """
    An exception that the caller handles while it calls is the context, and its frames are unchanged.
    """

    async def call(client: Client) -> object:
        try:
            json.loads("no JSON")
        except ValueError:
            await CALLS["create"](client)
        return None

    async with (
        RawServer(hang) as server,
        session_with("raise_before", 0) as session,
        client_of(server.base_url, session=session) as client,
    ):
        error = await outcome(call(client))

    (handled,) = (link for link in chain_of(error) if isinstance(link, json.JSONDecodeError))
    frames = {frame.f_code.co_name: frame for frame, _ in traceback.walk_tb(handled.__traceback__)}
    assert frames["loads"].f_locals["s"] == "no JSON"


async def test_the_stack_of_a_running_request() -> None:
    """
    What a middleware reports with the whole stack, frames of aiohttp among them, shows no credential.
    """

    async def report(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        headers = dict(request.headers)
        sentry_sdk.capture_message("sending", level="warning", extras=headers)
        return await send(request)

    with sentry() as sent:
        async with (
            RawServer(ANSWERS["a refusal"]) as server,
            aiohttp.ClientSession(middlewares=[report]) as session,
            client_of(server.base_url, session=session, retry=None) as client,
        ):
            await outcome(CALLS["create"](client))

    assert server.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"
    assert "_request" in sent[0]
    assert "Authorization" in sent[0]
    assert_hidden(" ".join(sent), "sentry")


@all_operations
async def test_breadcrumbs(operation: str) -> None:
    """
    Nothing that is logged during a call shows a secret, at any level.
    """
    call, before = OPERATIONS[operation]
    with sentry() as sent:
        async with (
            RawServer(*before, ANSWERS["502 with an echo"]) as server,
            client_of(server.base_url) as client,
        ):
            error = await outcome(call(client))
        sentry_sdk.capture_exception(error)

    assert "breadcrumbs" in sent[0]
    assert "cftokens" in sent[0]
    assert_hidden(sent[0], "sentry")


# Misuse, and mistakes.


@all_operations
async def test_a_closed_client(operation: str) -> None:
    """
    Neither a closed client nor a closed session leaves a secret in a frame.
    """
    call, _ = OPERATIONS[operation]
    async with RawServer(hang) as server, aiohttp.ClientSession() as session:
        client = client_of(server.base_url)
        borrower = client_of(server.base_url, session=session)
        await client.close()
        await session.close()
        errors = [await outcome(asyncio.wait_for(call(each), 5)) for each in (client, borrower)]

    for error in errors:
        assert isinstance(error, ClosedError)
        assert_untold(error)


@all_operations
def test_another_loop(operation: str) -> None:
    """
    Neither a client nor a session from another loop leaves a secret in a frame.
    """
    call, _ = OPERATIONS[operation]

    async def opened() -> tuple[RawServer, aiohttp.ClientSession, Client, Client]:
        session = aiohttp.ClientSession()
        server = await RawServer(ANSWERS["a redirect"]).__aenter__()
        client = client_of(server.base_url)
        await outcome(call(client))
        return server, session, client, client_of(server.base_url, session=session)

    with asyncio.Runner() as first, asyncio.Runner() as second:
        server, session, client, borrower = first.run(opened())
        errors = [second.run(outcome(asyncio.wait_for(call(each), 5))) for each in (client, borrower)]
        first.run(client.close())
        first.run(session.close())
        first.run(server.__aexit__(None, None, None))

    for error in errors:
        assert isinstance(error, WrongLoopError)
        assert_untold(error)


def fail_to_decode(envelope: Any) -> NoReturn:
    """
    Fail with an error that is not `Malformed`.
    """
    raise LookupError(len(envelope.result))


async def test_a_mistake_of_ours() -> None:
    """
    Even if the code that reads an answer fails in a way that it should not, no frame holds the answer.
    """
    request: Request[object] = Request("create", "POST", "/x", decode=fail_to_decode, body=b"{}")
    async with (
        RawServer(reply(200, success({"value": MINTED}))) as server,
        client_of(server.base_url) as client,
    ):
        error = await outcome(client._owners.sender.send(request))

    assert isinstance(error, LookupError)
    assert_untold(error)
