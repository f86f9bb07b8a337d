"""
One exchange over aiohttp: the session and its loop, a body that is sent once, and what can go wrong.
"""

import asyncio
import io
import os
import ssl
import time
from collections.abc import Mapping
from typing import Final, NamedTuple

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict
from yarl import URL

from cftokens._secret import MaskedStr, TokenValue
from cftokens._version import __version__
from cftokens._wire import LARGEST_BODY, Answer, NoAnswer, http_date
from cftokens.errors import ClosedError, WrongLoopError

_CONNECTIONS: Final = 500
"""aiohttp's 100 would make 200 requests of one second take two."""

_OTHER_LOOP: Final = ("Event loop is closed", "inside a task", "attached to a different loop")
"""What aiohttp and asyncio say to somebody on the wrong loop."""

_NO_CONTENT_TYPE: Final = ("Content-Type",)


class Settings(NamedTuple):
    """
    What all requests of a client have in common, made once for all of them.
    """

    headers: CIMultiDict[str]
    timeout: aiohttp.ClientTimeout
    proxy: URL | None
    proxy_headers: Mapping[str, str] | None
    context: ssl.SSLContext | None


def headers_for(credential: TokenValue) -> CIMultiDict[str]:
    """
    Return the headers of every request. The credential among them goes out as it is, and shows nothing.
    """
    return CIMultiDict(
        {
            "Accept": "application/json",
            "User-Agent": f"cftokens/{__version__}",
            "Authorization": MaskedStr(f"Bearer {credential.reveal()}"),
        }
    )


class OneShotBody(aiohttp.BytesPayload):
    """
    A body that goes out once.

    aiohttp, and retry middlewares of a borrowed session, send a request again when a connection
    drops. A second credential would come of it, so the second time is refused here.
    """

    def __init__(self, value: bytes) -> None:
        super().__init__(value, content_type="application/json")
        self.written = False

    @property
    def consumed(self) -> bool:
        """
        Whether it is of no use any more, which aiohttp asks before it sends a body again.
        """
        return self.written

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """
        Send the body, if this is the first time.
        """
        if self.written:
            raise aiohttp.ClientPayloadError("This request is not sent twice.")
        self.written = True
        await super().write_with_length(writer, content_length)


class Connector(aiohttp.TCPConnector):
    """
    A pool of connections that a forked process leaves to its parent.

    The two share sockets and the parent's epoll. A child that closed or collected the pool would
    take the parent's connections away, so there it counts as closed and its finaliser does nothing.
    """

    def __init__(self, *, limit: int) -> None:
        self._process = os.getpid()
        super().__init__(limit=limit)

    @property
    def closed(self) -> bool:
        """
        Whether it is of no use here.
        """
        return self._process != os.getpid() or super().closed

    def __del__(self) -> None:  # type: ignore[override]  # the argument is aiohttp's own business
        if self._process == os.getpid():
            super().__del__()


class Http:
    """
    The session, owned or borrowed, and the loop that it belongs to.
    """

    def __init__(self, borrowed: aiohttp.ClientSession | None) -> None:
        self._borrowed = borrowed
        self._session = borrowed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._responses: set[aiohttp.ClientResponse] = set()
        self._last_answer: tuple[str, float] = ("", 0.0)

    async def exchange(
        self, method: str, url: URL, settings: Settings, body: OneShotBody | None
    ) -> Answer | NoAnswer:
        """
        Send a request and read its answer.

        Raises:
            ClosedError: The borrowed session is closed.

            WrongLoopError: The session belongs to another loop.
        """
        if self._loop is not (loop := asyncio.get_running_loop()):
            await self._move_to(loop)
        session = self._open() if self._session is None else self._session
        headers = settings.headers if self._borrowed is None else _copied(settings.headers, self._borrowed)
        try:
            async with session.request(
                method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                raise_for_status=False,
                timeout=settings.timeout,
                proxy=settings.proxy,
                proxy_headers=settings.proxy_headers,
                ssl=settings.context or True,
                skip_auto_headers=None if body is None or body.size else _NO_CONTENT_TYPE,
            ) as response:
                return await self._read(response)
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            return _no_answer(error, settings.timeout.total, written=body is None or body.written)
        except (RuntimeError, ValueError) as error:
            if self._borrowed is None and not session.closed:
                return _no_answer(error, None, written=body is None or body.written)
            misuse = _misuse(session, error)
        raise misuse  # here, so that aiohttp's own error is not its context

    async def _read(self, response: aiohttp.ClientResponse) -> Answer:
        self._responses.add(response)
        try:
            answer = Answer(response.status, response.headers, await _body(response), time.time())
        finally:
            self._responses.discard(response)
        self._last_answer = (answer.headers.get("Date", ""), answer.received_on)
        return answer

    def seconds_ahead(self) -> float:
        """
        Return how far the server's clock is ahead of ours, rounded down, by its last answer.
        """
        date, received_on = self._last_answer
        server = http_date(date)
        return 0.0 if server is None else server - received_on

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=Connector(limit=_CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self._session

    def check_loop(self) -> None:
        """
        Refuse to work on another loop while the first one lives.

        Raises:
            WrongLoopError: This is another loop.
        """
        if self._loop is None or self._loop is asyncio.get_running_loop() or self._process != os.getpid():
            return
        if not self._loop.is_closed():
            raise WrongLoopError(
                "This client belongs to the event loop of its first request: make one for each loop."
            )

    async def _move_to(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._process != os.getpid():
            self._session, self._loop, self._process = self._borrowed, loop, os.getpid()
            return
        left_over = self._session if self.is_open else None
        self._session, self._loop = self._borrowed, loop
        if left_over is not None:
            await left_over.close()

    @property
    def is_open(self) -> bool:
        """
        Whether there is a session of our own to close.
        """
        return self._session is not None and self._session is not self._borrowed and not self._session.closed

    async def close(self) -> None:
        """
        Close the session, if it is our own.
        """
        if self.is_open and self._session is not None:
            for response in self._responses:  # closing alone would leave its reader waiting
                response.content.set_exception(aiohttp.ClientConnectionError())
            await self._session.close()


def _copied(headers: CIMultiDict[str], borrowed: aiohttp.ClientSession) -> CIMultiDict[str]:
    """
    Copy what somebody's session may add to, and ask for a plain answer if it is told not to unpack one.
    """
    copy = headers.copy()
    if not borrowed.auto_decompress:
        copy["Accept-Encoding"] = "identity"
    return copy


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    # A traceback shows a local of type bytes, and not what is in a BytesIO.
    body = io.BytesIO()
    while not response.content.at_eof():
        body.write(await response.content.readany())
        if body.tell() > LARGEST_BODY:
            response.close()
            return None
    return body.getvalue()


def _misuse(session: aiohttp.ClientSession, error: Exception) -> Exception:
    """
    Translate what aiohttp raises for a session that is not fit; a hook's own error stays what it is.
    """
    if session.closed:
        return ClosedError("The session is closed.")
    if any(words in str(error) for words in _OTHER_LOOP):
        return WrongLoopError(
            "The borrowed session belongs to another event loop: use it there, or lend another."
        )
    if "AUTHORIZATION header with AUTH" in str(error):
        return ValueError(
            "The borrowed session takes another credential from a netrc file: lend one without trust_env."
        )
    return error


def _no_answer(error: Exception, timeout: float | None, *, written: bool) -> NoAnswer:
    """
    Say what happened, with a cause that was made anew.

    aiohttp's exceptions hold request headers, proxy passwords, or what could not be parsed of an
    answer; their tracebacks hold more.
    """
    if isinstance(error, TimeoutError):
        return NoAnswer(
            f"none came within {timeout:g} seconds", TimeoutError(type(error).__name__), True, written
        )
    return NoAnswer(_what_happened(error), _cause(error), False, written)


def _what_happened(error: Exception) -> str:  # noqa: C901, PLR0911 -- a table of cases
    match error:
        case aiohttp.ClientProxyConnectionError():
            return f"the proxy at {error.host}:{error.port} cannot be reached"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused with {error.status}"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} was not found"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host} is not valid"
        case aiohttp.ClientSSLError():
            return f"there was no secure connection to {error.host}"
        case aiohttp.ClientConnectorError():
            return f"there was no connection to {error.host}:{error.port}"
        case aiohttp.ClientPayloadError():
            return "it was cut short or could not be decoded"
        case aiohttp.ClientResponseError():
            return "what came was not HTTP"
        case aiohttp.ClientError() | OSError():
            return "the connection was lost"
        case RuntimeError() if "shutdown" in str(error):
            return "the event loop of this client is shutting down"
        case _:
            return f"it could not be sent, or its answer not be read ({type(error).__name__})"


def _cause(error: Exception) -> Exception:
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(inner, OSError) and inner.errno is not None:
        return OSError(inner.errno, inner.strerror)
    return ConnectionError(type(inner).__name__)
