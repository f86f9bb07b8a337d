"""
The aiohttp session: its loop, one exchange over it, and what can go wrong.
"""

import asyncio
import io
import os
import ssl
import time
import weakref
from collections.abc import Callable
from typing import Final

import aiohttp
import attrs
from multidict import CIMultiDict
from yarl import URL

from cftokens._secret import MaskedStr, TokenValue
from cftokens._settings import Proxy
from cftokens._transport.messages import LARGEST_BODY, Answer, NoAnswer
from cftokens._transport.one_shot import OneShotBody
from cftokens._transport.server_clock import ServerClock
from cftokens._version import __version__
from cftokens.errors import ClosedError, WrongLoopError

_CONNECTIONS: Final = 500
"""With aiohttp's default of 100, 200 requests of one second would take two."""

_OTHER_LOOP: Final = ("Event loop is closed", "inside a task", "attached to a different loop")
"""What aiohttp and asyncio say on the wrong loop."""

_NO_CONTENT_TYPE: Final = ("Content-Type",)


@attrs.frozen(repr=False)
class Defaults:
    """
    What all requests of a client have in common.

    Error trackers open tuples and mappings, so this is none, and none of its headers shows a secret.
    """

    headers: CIMultiDict[str]
    timeout: aiohttp.ClientTimeout
    proxy: Proxy
    context: ssl.SSLContext | None


def defaults_for(
    credential: TokenValue | None, timeout: float, proxy: Proxy, context: ssl.SSLContext | None
) -> Defaults:
    """
    Return what all requests with these settings have in common; the credential is masked.
    """
    headers = CIMultiDict({"Accept": "application/json", "User-Agent": f"cftokens/{__version__}"})
    if credential is not None:
        headers["Authorization"] = MaskedStr(f"Bearer {credential.reveal()}")
    return Defaults(headers, aiohttp.ClientTimeout(total=timeout), proxy, context)


class Connector(aiohttp.TCPConnector):
    """
    A pool of connections that a forked process leaves to its parent, and that ends with its owner.

    Both processes share the sockets and the parent's epoll. A child that closed or collected the pool
    would break the parent's connections, so there it counts as closed, and its finaliser does nothing.

    It also counts as closed once its owner is gone. aiohttp would report that in words of its own, but
    the client has already done so.
    """

    def __init__(self, owner: "Session", *, limit: int) -> None:
        self._process = os.getpid()
        self._owner = weakref.ref(owner)
        super().__init__(limit=limit)

    @property
    def closed(self) -> bool:
        """
        Whether it cannot be used in this process.
        """
        return self._process != os.getpid() or self._owner() is None or super().closed

    def __del__(self) -> None:  # type: ignore[override]  # the argument is aiohttp's own
        if self._process == os.getpid():
            self._close()


class Session:
    """
    An aiohttp session, our own or borrowed, and the loop that it belongs to.
    """

    def __init__(self, borrowed: aiohttp.ClientSession | None, clock: Callable[[], float]) -> None:
        self._borrowed = borrowed
        self._session = borrowed
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()
        self._closed = False
        self._responses: set[aiohttp.ClientResponse] = set()
        self._clock = clock
        self.server_clock = ServerClock()

    async def exchange(
        self, method: str, url: URL, defaults: Defaults, body: OneShotBody | None
    ) -> Answer | NoAnswer:
        """
        Send a request and read its answer.

        Raises:
            ClosedError: The borrowed session is closed.

            WrongLoopError: The session belongs to another loop.

            ValueError: The borrowed session would send another credential along.
        """
        if self._loop is not (loop := asyncio.get_running_loop()):
            await self._move_to(loop)
        session = self._open() if self._session is None else self._session
        if self._borrowed is not None:
            check_borrowed(self._borrowed)
        sent = self._clock()
        try:
            response = await session.request(
                method,
                url,
                headers=defaults.headers if self._borrowed is None else _copied(defaults, self._borrowed),
                data=body,
                allow_redirects=False,
                raise_for_status=False,
                timeout=defaults.timeout,
                proxy=defaults.proxy.url,
                proxy_headers=defaults.proxy.headers,
                ssl=defaults.context or True,
                skip_auto_headers=None if body is None or body.size else _NO_CONTENT_TYPE,
            )
            headers, content = response.headers, response.content
            self.server_clock.hear(headers.get("Date"), sent, self._clock())
            is_here = response.closed and content.total_bytes <= LARGEST_BODY  # its connection is free again
            return Answer(
                response.status,
                headers,
                content.read_nowait() if is_here else await self._read(response),
                time.time(),
            )
        except (aiohttp.ClientError, OSError) as error:  # a time-out is an OSError
            failure = _no_answer(error, defaults.timeout.total, written=body is None or body.written)
            return _with_advice(failure, error, defaults.proxy.unused)
        except (RuntimeError, ValueError) as error:
            if self._borrowed is None and not session.closed:
                return _no_answer(error, None, written=body is None or body.written)
            misuse = _misuse(session, error)
        raise misuse  # outside, so that aiohttp's own error is not its context

    async def _read(self, response: aiohttp.ClientResponse) -> bytes | None:
        self._responses.add(response)
        try:
            return await _body(response)
        finally:
            self._responses.discard(response)
            response.release()

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=Connector(self, limit=_CONNECTIONS), cookie_jar=aiohttp.DummyCookieJar()
        )
        return self._session

    def check_loop(self) -> None:
        """
        Refuse another loop while the first one is open.

        Raises:
            WrongLoopError: This is another loop.
        """
        if self._loop is None or self._loop is asyncio.get_running_loop() or self._process != os.getpid():
            return
        if not self._loop.is_closed():
            raise WrongLoopError(
                "This client belongs to the event loop of its first request; make one client for each loop."
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
        # aiohttp's own answer is no use here: it depends on what the garbage collector has begun to remove.
        is_ours = self._session is not None and self._session is not self._borrowed
        return is_ours and not self._closed and self._process == os.getpid()

    def abandon(self) -> bool:
        """
        Give up a session of our own that is still open, and return whether there was one.

        aiohttp then has nothing to report that the client has not reported.
        """
        if not self.is_open or self._session is None:
            return False
        self._session.detach()
        return True

    async def close(self) -> None:
        """
        Close the session, if it is our own.
        """
        if self.is_open and self._session is not None:
            self._closed = True
            for response in self._responses:  # closing alone would leave its reader waiting
                response.content.set_exception(aiohttp.ClientConnectionError())
            await self._session.close()


def check_borrowed(session: aiohttp.ClientSession) -> None:
    """
    Refuse a session that would send another credential along.

    Raises:
        ValueError: It has authentication of its own.
    """
    others = [name for name in session.headers if name.lower().startswith("x-auth-")]
    if session.auth is not None or others:
        raise ValueError(
            f"session must not send another credential along ({', '.join(others) or 'its auth'})."
        )


def _copied(defaults: Defaults, borrowed: aiohttp.ClientSession) -> CIMultiDict[str]:
    """
    Copy the headers, to which the borrowed session may add; if it does not decompress, ask for plain text.
    """
    copy = defaults.headers.copy()
    if not borrowed.auto_decompress:
        copy["Accept-Encoding"] = "identity"
    return copy


async def _body(response: aiohttp.ClientResponse) -> bytes | None:
    # A traceback shows the contents of bytes, but not of a BytesIO.
    body = io.BytesIO()
    while not response.content.at_eof():
        body.write(await response.content.readany())
        if body.tell() > LARGEST_BODY:
            response.close()
            return None
    return body.getvalue()


def _misuse(session: aiohttp.ClientSession, error: Exception) -> Exception:
    """
    Translate aiohttp's error about an unusable session. An error from the session's own hooks is unchanged.
    """
    if session.closed:
        return ClosedError("The session is closed.")
    if any(words in str(error) for words in _OTHER_LOOP):
        return WrongLoopError(
            "The borrowed session belongs to another event loop; use it there, or pass another."
        )
    if "AUTHORIZATION header with AUTH" in str(error):
        return ValueError(
            "The borrowed session takes another credential from a netrc file; pass one without trust_env."
        )
    return error


def _no_answer(error: Exception, timeout: float | None, *, written: bool) -> NoAnswer:
    """
    Describe what happened, with a new cause.

    aiohttp's exceptions, and their tracebacks, hold request headers, proxy passwords, and parts of
    answers.
    """
    if isinstance(error, TimeoutError):
        return NoAnswer(
            f"timed out after {timeout:g} seconds", TimeoutError(type(error).__name__), True, written
        )
    return NoAnswer(_what_happened(error), _cause(error), False, written)


def _with_advice(failure: NoAnswer, error: Exception, unused_proxy: str | None) -> NoAnswer:
    """
    Say that there is a proxy, if no connection was made without it. A firewall may just drop packets.
    """
    if unused_proxy is None or not isinstance(error, aiohttp.ClientConnectorError | TimeoutError):
        return failure
    advice = f"{unused_proxy} is set, but was not used: pass trust_env=True to the client"
    return failure._replace(reason=f"{failure.reason}; {advice}")


def _what_happened(error: Exception) -> str:  # noqa: C901, PLR0911 -- a table of cases
    match error:
        case aiohttp.ClientProxyConnectionError():
            return f"the proxy at {error.host}:{error.port} cannot be reached"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy refused with {error.status}"
        case aiohttp.ClientConnectorDNSError():
            return f"the host {error.host} was not found"
        case aiohttp.ClientConnectorCertificateError():
            return f"the certificate of {error.host} is not valid"
        case aiohttp.ClientSSLError():
            return f"no secure connection to {error.host} could be made"
        case aiohttp.ClientConnectorError():
            return f"no connection to {error.host}:{error.port} could be made"
        case aiohttp.ClientConnectionError() if "refused" in str(error):  # as aioresponses says it
            return "the connection was refused"
        case aiohttp.ClientPayloadError():
            return "the answer was cut short or could not be decoded"
        case aiohttp.ClientResponseError():
            return "what arrived was not HTTP"
        case aiohttp.ClientError() | OSError():
            return "the connection was lost"
        case RuntimeError() if "shutdown" in str(error):
            return "the event loop of this client is shutting down"
        case _:
            return f"the request could not be sent, or its answer could not be read ({type(error).__name__})"


def _cause(error: Exception) -> Exception:
    inner = getattr(error, "os_error", None) or getattr(error, "certificate_error", None) or error
    if isinstance(inner, OSError) and inner.errno is not None:
        return OSError(inner.errno, inner.strerror)
    return ConnectionError(type(inner).__name__)
