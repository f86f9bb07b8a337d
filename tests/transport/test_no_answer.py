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
from cftokens._transport.messages import LARGEST_BODY
from tests.servers import Behaviour, Exchange, RawServer, cut_short, drop, encoded, hang, raw, reply, reset
from tests.support import CALLS, client_of, failure_of
from tests.vocabulary import CREDENTIAL, MINTED, TOKEN_ID, entry, failure, success

VERIFIED = reply(200, success({"id": TOKEN_ID, "status": "active"}))
BAD_HTTP = f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n{MINTED} is no status line\r\n\r\n".encode()


@pytest.mark.parametrize(
    ("behaviour", "kind", "words"),
    [
        (drop, NoResponseError, "the connection was lost"),
        (reset, NoResponseError, "the connection was lost"),
        (cut_short(success("x" * 100), 20), NoResponseError, "cut short"),
        (raw(b"\0\1\2 this is no HTTP\r\n\r\n"), NoResponseError, "not HTTP"),
        (reply(200, b"{}", Content_Encoding="gzip"), NoResponseError, "could not be decoded"),
        (reply(200, b""), UnexpectedResponseError, "it is empty"),
        (reply(200, b"<html>"), UnexpectedResponseError, "cannot be read as JSON"),
        (reply(200, b"\xff\xfe"), UnexpectedResponseError, "cannot be read as JSON"),
        (reply(200, b'"\\ud800"'), UnexpectedResponseError, "cannot be read as JSON"),
        (reply(200, b"[]"), UnexpectedResponseError, "not an envelope"),
        (reply(200, b"{}"), UnexpectedResponseError, "does not say that it succeeded"),
        (reply(200, failure(entry(1000, "so not"))), UnexpectedResponseError, "so not (code 1000)"),
        (reply(200, success(None)), UnexpectedResponseError, "expected an object, got null"),
        (reply(200, success([])), UnexpectedResponseError, "expected an object, got a list"),
        (reply(200, success({"id": None})), UnexpectedResponseError, "id: is null"),
        (reply(200, b"[" * 100_000), UnexpectedResponseError, "cannot be read as JSON"),
        (
            reply(200, b'{"success": ' + b"1" * 5000 + b"}"),
            UnexpectedResponseError,
            "cannot be read as JSON",
        ),
        (reply(204, b""), UnexpectedResponseError, "it is empty"),
        (reply(500, b"<html>"), ServerError, "failed with 500 and no reason"),
        (reply(400, b'{"errors": "no list"}'), BadRequestError, "was refused with 400 and no reason"),
        (reply(400, b'{"errors": ["no object", {"code": "x"}]}'), BadRequestError, "no text"),
        (reply(418, failure(entry(1, "teapot"))), APIError, "teapot (code 1)"),
    ],
)
async def test_every_bad_answer_has_its_error(
    behaviour: Behaviour, kind: type[CFTokensError], words: str
) -> None:
    """
    Whatever the server does, the error is of the right class and says what happened.
    """
    async with RawServer(behaviour) as server, client_of(server.base_url, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

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
    async with RawServer(hang) as server, client_of(server.base_url, timeout=0.5) as client:
        error = await failure_of(CALLS["create"](client))

    assert isinstance(error, RequestTimeoutError)
    assert isinstance(error, TimeoutError)
    assert "timed out after 0.5 seconds" in str(error)
    assert error.outcome_unknown


async def test_a_timeout_in_the_middle_of_an_answer() -> None:
    """
    A value that arrived before the timeout is in no frame of the error.
    """

    async def stalls(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + encoded(success(MINTED)))
        await hang(exchange)

    async with RawServer(stalls) as server, client_of(server.base_url, timeout=0.5) as client:
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
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert "the host api.cloudflare.invalid was not found" in str(error)


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

    assert verified.id == TOKEN_ID


async def test_an_oversized_answer() -> None:
    """
    A small answer that decompresses to a huge one is an error, and is not retried.
    """
    bomb = zlib.compress(b"[" + b" " * (LARGEST_BODY + 10), wbits=31)
    async with RawServer(reply(200, bomb, Content_Encoding="gzip")) as server:
        async with client_of(server.base_url) as client:
            error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert f"larger than {LARGEST_BODY} bytes" in str(error)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [403, 500])
async def test_an_oversized_refusal(status: int) -> None:
    """
    The error still has its status.
    """
    bomb = zlib.compress(b" " * (LARGEST_BODY + 10), wbits=31)
    async with RawServer(reply(status, bomb, Content_Encoding="gzip")) as server:
        async with client_of(server.base_url, retry=None) as client:
            error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert isinstance(error, APIError)
    assert error.status == status


async def test_an_unreachable_proxy() -> None:
    """
    The error names the proxy without its password.
    """
    async with RawServer(drop) as server:
        address = f"http://user:{CREDENTIAL}@127.0.0.1:{server.port}"
    async with client_of("https://api.cloudflare.invalid", proxy=address, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert "the proxy at 127.0.0.1" in str(error)
    assert not error.outcome_unknown


async def test_a_proxy_that_refuses() -> None:
    """
    A 407 is reported as the proxy's, and the proxy did receive its password.
    """
    async with RawServer(reply(407, b"")) as server:
        address = f"http://user:{CREDENTIAL}@127.0.0.1:{server.port}"
        async with client_of("https://api.cloudflare.invalid", proxy=address, retry=None) as client:
            error = await failure_of(CALLS["create"](client))

    assert "the proxy refused with 407" in str(error)
    assert not error.outcome_unknown
    assert server.requests[0].headers["proxy-authorization"].startswith("Basic ")
