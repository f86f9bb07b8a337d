"""
Every missing or unreadable answer raises one of our errors.
"""

import asyncio
import ssl
import zlib

import aiohttp
import pytest
import trustme
from aiohttp.abc import AbstractResolver, ResolveResult

from cftokens import (
    APIError,
    BadRequestError,
    CFTokensError,
    NoResponseError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
)
from cftokens._wire import LARGEST_BODY
from tests.servers import (
    Behaviour,
    Exchange,
    RawServer,
    answer,
    cut_short,
    drop,
    envelope,
    failure,
    hang,
    raw,
    reset,
)
from tests.support import CALLS, CREDENTIAL, ID, MINTED, client_of, failure_of

VERIFIED = answer(200, envelope({"id": ID, "status": "active"}))
BAD_HTTP = f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{MINTED} is no status line\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (drop, NoResponseError, "the connection was lost"),
        (reset, NoResponseError, "the connection was lost"),
        (cut_short(envelope("x" * 100), 20), NoResponseError, "cut short"),
        (raw(b"\0\1\2 this is no HTTP\r\n\r\n"), NoResponseError, "not HTTP"),
        (answer(200, b"{}", Content_Encoding="gzip"), NoResponseError, "could not be decoded"),
        (answer(200, b""), UnexpectedResponseError, "it is empty"),
        (answer(200, b"<html>"), UnexpectedResponseError, "cannot be read as JSON"),
        (answer(200, b"\xff\xfe"), UnexpectedResponseError, "cannot be read as JSON"),
        (answer(200, b'"\\ud800"'), UnexpectedResponseError, "cannot be read as JSON"),
        (answer(200, b"[]"), UnexpectedResponseError, "not an envelope"),
        (answer(200, b"{}"), UnexpectedResponseError, "does not say that it succeeded"),
        (answer(200, failure(1000, "so not")), UnexpectedResponseError, "so not (code 1000)"),
        (answer(200, envelope(None)), UnexpectedResponseError, "expected an object, got null"),
        (answer(200, envelope([])), UnexpectedResponseError, "expected an object, got a list"),
        (answer(200, envelope({"id": None})), UnexpectedResponseError, "id: is null"),
        (answer(200, b"[" * 100_000), UnexpectedResponseError, "cannot be read as JSON"),
        (
            answer(200, b'{"success": ' + b"1" * 5000 + b"}"),
            UnexpectedResponseError,
            "cannot be read as JSON",
        ),
        (answer(204, b""), UnexpectedResponseError, "it is empty"),
        (answer(500, b"<html>"), ServerError, "without a reason"),
        (answer(400, b'{"errors": "no list"}'), BadRequestError, "without a reason"),
        (answer(400, b'{"errors": ["no object", {"code": "x"}]}'), BadRequestError, "no text"),
        (answer(418, failure(1, "teapot")), APIError, "teapot (code 1)"),
    ],
)
async def test_every_bad_answer_has_its_error(
    behaviour: Behaviour, kind: type[CFTokensError], words: str
) -> None:
    """
    Whatever the server does, the error is of the right class and says what happened.
    """
    async with RawServer(behaviour) as server, client_of(server.base_url, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(ID))

    assert type(error) is kind
    assert words in str(error)


async def test_an_answer_is_never_quoted() -> None:
    """
    A body that is mistaken for a status line does not show up in the error.
    """
    async with RawServer(raw(BAD_HTTP), raw(BAD_HTTP)) as server, client_of(server.base_url) as client:
        for operation in ("roll", "create", "get"):
            await failure_of(CALLS[operation](client))


async def test_a_timeout_has_two_base_classes() -> None:
    """
    It is a RequestTimeoutError and a TimeoutError, and leaves a create's outcome unknown.
    """
    async with RawServer(hang) as server, client_of(server.base_url, timeout=0.05) as client:
        error = await failure_of(CALLS["create"](client))

    assert isinstance(error, RequestTimeoutError)
    assert isinstance(error, TimeoutError)
    assert "within 0.05 seconds" in str(error)
    assert error.outcome_unknown


async def test_a_timeout_in_the_middle_of_an_answer() -> None:
    """
    A value that arrived before the timeout is in no frame of the error.
    """

    async def stalls(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + envelope(MINTED))
        await hang(exchange)

    async with RawServer(stalls) as server, client_of(server.base_url, timeout=0.2) as client:
        error = await failure_of(CALLS["roll"](client))

    assert isinstance(error, RequestTimeoutError)


class NoNames(AbstractResolver):
    """
    A resolver that finds no name.
    """

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(None, "no such name")

    async def close(self) -> None:
        """
        Close nothing.
        """


async def test_a_host_that_is_not_found() -> None:
    """
    The error names the host.
    """
    connector = aiohttp.TCPConnector(resolver=NoNames())
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        client_of("https://api.cloudflare.invalid", session=session, retry=None) as client,
    ):
        error = await failure_of(client.accounts.tokens.get(ID))

    assert "the name api.cloudflare.invalid was not found" in str(error)


async def test_plain_http_on_a_tls_port() -> None:
    """
    The error says that there is no secure connection, and a create's outcome is known.
    """

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with client_of(f"https://localhost:{port}", retry=None) as client:
            error = await failure_of(CALLS["create"](client))

    assert "no secure connection to localhost" in str(error)
    assert not error.outcome_unknown


async def test_an_untrusted_certificate() -> None:
    """
    The error names the host, and a create's outcome is known.
    """
    async with RawServer(VERIFIED, authority=trustme.CA()) as server:
        async with client_of(server.base_url, retry=None) as client:
            error = await failure_of(CALLS["create"](client))

    assert "the certificate of localhost is not valid" in str(error)
    assert not error.outcome_unknown


async def test_a_private_certificate_authority() -> None:
    """
    An SSL context that trusts the authority makes the call succeed.
    """
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with RawServer(VERIFIED, authority=authority) as server:
        async with client_of(server.base_url, ssl=context) as client:
            verified = await client.accounts.tokens.verify()

    assert verified.id == ID


async def test_an_oversized_answer() -> None:
    """
    A small answer that decompresses to a huge one is an error, and is not retried.
    """
    bomb = zlib.compress(b"[" + b" " * (LARGEST_BODY + 10), wbits=31)
    async with RawServer(answer(200, bomb, Content_Encoding="gzip")) as server:
        async with client_of(server.base_url) as client:
            error = await failure_of(client.accounts.tokens.get(ID))

    assert f"larger than {LARGEST_BODY} bytes" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [403, 500])
async def test_an_oversized_refusal(status: int) -> None:
    """
    The error still has its status.
    """
    bomb = zlib.compress(b" " * (LARGEST_BODY + 10), wbits=31)
    async with RawServer(answer(status, bomb, Content_Encoding="gzip")) as server:
        async with client_of(server.base_url, retry=None) as client:
            error = await failure_of(client.accounts.tokens.get(ID))

    assert isinstance(error, APIError)
    assert error.status == status


async def test_an_unreachable_proxy() -> None:
    """
    The error names the proxy without its password.
    """
    async with RawServer(drop) as server:
        address = f"http://user:{CREDENTIAL}@127.0.0.1:{server.port}"
    async with client_of("https://api.cloudflare.invalid", proxy=address, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(ID))

    assert "the proxy at 127.0.0.1" in str(error)
    assert not error.outcome_unknown


async def test_a_proxy_that_refuses() -> None:
    """
    A 407 is reported as the proxy's, and the proxy did receive its password.
    """
    async with RawServer(answer(407, b"")) as server:
        address = f"http://user:{CREDENTIAL}@127.0.0.1:{server.port}"
        async with client_of("https://api.cloudflare.invalid", proxy=address, retry=None) as client:
            error = await failure_of(CALLS["create"](client))

    assert "the proxy refused with 407" in str(error)
    assert not error.outcome_unknown
    assert server.requests[0].headers["proxy-authorization"].startswith("Basic ")
