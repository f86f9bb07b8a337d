"""
A server on a raw socket that records its requests and misbehaves on demand.
"""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import attrs
import trustme


@attrs.frozen
class Received:
    """
    A request as it was received.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


@attrs.frozen
class Exchange:
    """
    A request, and the connection to answer it on.
    """

    request: Received
    writer: asyncio.StreamWriter
    closing: asyncio.Event


Behaviour = Callable[[Exchange], Awaitable[None]]


class RawServer:
    """
    Answers each request with the next behaviour, and repeats the last one.

    With an *authority* it speaks TLS, with a certificate from that authority.
    """

    def __init__(self, *behaviours: Behaviour, authority: trustme.CA | None = None) -> None:
        self._context = None if authority is None else _context_of(authority)
        self.requests: list[Received] = []
        self.arrived = asyncio.Event()
        self._behaviours = list(behaviours)
        self._connections = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()

    @property
    def base_url(self) -> str:
        """
        Its address.
        """
        return f"http://127.0.0.1:{self.port}" if self._context is None else f"https://localhost:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._connections += 1
        number = self._connections
        closing = asyncio.ensure_future(self._closing.wait())
        try:
            while not writer.is_closing():
                reading = asyncio.ensure_future(_read_request(reader, number))
                await asyncio.wait({reading, closing}, return_when=asyncio.FIRST_COMPLETED)
                if not reading.done():
                    reading.cancel()
                    break
                request = reading.result()
                if request is None:
                    break
                self.requests.append(request)
                self.arrived.set()
                behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
                await behaviour(Exchange(request, writer, self._closing))
        finally:
            closing.cancel()
            writer.close()


def _context_of(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def _read_request(reader: asyncio.StreamReader, connection: int) -> Received | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    method, path, _ = first.split(" ")
    return Received(method, path, headers, body, connection)


def reply(status: int = 200, body: object = b"", **headers: str) -> Behaviour:
    """
    Answer, and keep the connection open. A body that is not bytes becomes JSON.
    """

    async def behave(exchange: Exchange) -> None:
        data = encoded(body)
        exchange.writer.write(_head(status, len(data), headers) + data)
        await exchange.writer.drain()

    return behave


def encoded(body: object) -> bytes:
    """
    Return a body as it is sent.
    """
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def cut_short(body: object, kept: int) -> Behaviour:
    """
    Announce the whole body, send part of it, and close.
    """

    async def behave(exchange: Exchange) -> None:
        data = encoded(body)
        exchange.writer.write(_head(200, len(data), {}) + data[:kept])
        await exchange.writer.drain()
        exchange.writer.close()

    return behave


def raw(data: bytes) -> Behaviour:
    """
    Send arbitrary bytes, and close.
    """

    async def behave(exchange: Exchange) -> None:
        exchange.writer.write(data)
        await exchange.writer.drain()
        exchange.writer.close()

    return behave


async def drop(exchange: Exchange) -> None:
    """
    Close the connection cleanly, without an answer.
    """
    exchange.writer.close()


async def reset(exchange: Exchange) -> None:
    """
    Abort the connection.
    """
    exchange.writer.transport.abort()


async def hang(exchange: Exchange) -> None:
    """
    Never answer.
    """
    await exchange.closing.wait()
    exchange.writer.close()


def _head(status: int, length: int, headers: dict[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", "Content-Type: application/json", f"Content-Length: {length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
