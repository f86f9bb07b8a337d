"""
The way of every call: wait for a turn, send, read what came of it, and perhaps send again.
"""

import asyncio
import hashlib
import logging
import random
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
import attrs
from yarl import URL

from cftokens._catalogue import Catalogue
from cftokens._http import Http, OneShotBody, Settings, headers_for
from cftokens._options import RateLimit, Retry
from cftokens._pace import BURST, Pace, Window
from cftokens._secret import TokenValue
from cftokens._wire import Answer, Call, NoAnswer, decipher, may_repeat, next_wait
from cftokens.errors import CFTokensError, ClosedError, NotFoundError, RateLimitedError
from cftokens.models import TokenCreateResponse

T = TypeVar("T")

_REMEMBERED: Final = 1000
"""How many credentials and tokens of its own a client keeps in mind."""

_LOG: Final = logging.getLogger("cftokens")


@attrs.frozen(kw_only=True)
class Options:
    """
    What a client, or a view of it, sends with.
    """

    credential: TokenValue
    account_id: str | None
    base_url: URL
    timeout: float
    retry: Retry
    pace: Pace | None = attrs.field(repr=False)
    proxy: URL | None
    proxy_headers: dict[str, str] | None = attrs.field(repr=False)
    context: ssl.SSLContext | None
    catalogue: Catalogue = attrs.field(repr=False)
    settings: Settings = attrs.field(init=False, repr=False)
    address: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        settings = Settings(
            headers_for(self.credential),
            aiohttp.ClientTimeout(total=self.timeout),
            self.proxy,
            self.proxy_headers,
            self.context,
        )
        object.__setattr__(self, "settings", settings)
        object.__setattr__(self, "address", str(self.base_url))


class SentOnce(NamedTuple):
    """
    A call that is never repeated, on its way to the server.
    """

    call: Call[Any]
    body: OneShotBody
    forget: Callable[[object], None]
    """To be told of a result that reached nobody."""

    @property
    def may_have_effect(self) -> bool:
        """
        Whether the server may have seen it.
        """
        return self.body.written


SENT_ONCE: Final[ContextVar[list[SentOnce] | None]] = ContextVar("SENT_ONCE", default=None)
"""Where somebody who may have to discard a result is told what was sent."""


class Transport:
    """
    What a client and its views share: the session, and the ways to tell and to spend time.

    Args:
        borrowed: A session of somebody else's, or None to make one.

        clock: Returns seconds that only grow.

        sleep: Waits for a number of seconds.

        spread: Returns a number from 0 to 1 that keeps many clients from retrying in step.
    """

    def __init__(
        self,
        borrowed: aiohttp.ClientSession | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        spread: Callable[[], float] = random.random,
    ) -> None:
        self._http = Http(borrowed)
        self._burst = Window(BURST)
        self._clock = clock
        self._sleep = sleep
        self._spread = spread
        self._closed = False
        self._paces: dict[bytes, Pace] = {}
        self.known: deque[str] = deque(maxlen=_REMEMBERED)

    def pace(self, credential: TokenValue, limit: RateLimit | None) -> Pace | None:
        """
        Return the pace of a credential. All views with the same one share it.
        """
        if limit is None:
            return None
        key = hashlib.sha256(credential.reveal().encode()).digest()
        if key not in self._paces:
            while len(self._paces) >= _REMEMBERED:
                del self._paces[next(iter(self._paces))]
            self._paces[key] = Pace(limit, self._burst, clock=self._clock, sleep=self._sleep)
        return self._paces[key]

    async def send(self, call: Call[T], options: Options) -> T:
        """
        Carry out a call, with as many attempts as are safe and allowed.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        self._refuse_if_closed()
        self._http.check_loop()
        attempt, waited, unknown = 1, 0.0, False
        failed: CFTokensError | None = None
        while True:
            try:
                if options.pace is not None:
                    waited += await options.pace.turn(options.retry.budget - waited)
            except RateLimitedError as no_turn:
                failed = failed or no_turn
                break
            if call.attempt is not None:
                call = call.begun(datetime.now(UTC))
            body = None if call.body is None else OneShotBody(call.body)
            outcome = await self._attempt(call, options, body, attempt)
            result = decipher(call, outcome, options.credential)
            if not isinstance(result, CFTokensError):
                return self._remember(result)
            if unknown and isinstance(result, NotFoundError) and call.if_gone is not None:
                return call.if_gone
            failed = result
            unknown = unknown or result.outcome_unknown
            wait = self._wait(options.retry, attempt, outcome)
            may = may_repeat(call, result, written=body is None or body.written)
            if not may or attempt == options.retry.attempts or waited + wait > options.retry.budget:
                break
            _LOG.info("%s: attempt %d failed, again in %.1f s: %s", call.operation, attempt, wait, result)
            await self._sleep(wait)
            attempt, waited = attempt + 1, waited + wait
        raise _final(failed, call, unknown=unknown)

    def _remember(self, result: T) -> T:
        """
        Keep the ids of tokens whose value arrived: they are not what a lost create left behind.
        """
        if isinstance(result, TokenCreateResponse):
            self.known.append(result.id)
        return result

    def _forget(self, result: object) -> None:
        if isinstance(result, TokenCreateResponse):
            self.known.remove(result.id)

    def _wait(self, retry: Retry, attempt: int, outcome: Answer | NoAnswer) -> float:
        asked = outcome.retry_after if isinstance(outcome, Answer) else None
        return next_wait(retry, attempt, asked, self._spread())

    async def _attempt(
        self, call: Call[Any], options: Options, body: OneShotBody | None, attempt: int
    ) -> Answer | NoAnswer:
        self._refuse_if_closed()
        start = self._clock()
        if not call.repeatable and body is not None and (sent := SENT_ONCE.get()) is not None:
            sent.append(SentOnce(call, body, self._forget))
        outcome: Answer | NoAnswer | None = None
        try:
            url = _url(call, options.address)
            outcome = await self._http.exchange(call.method, url, options.settings, body)
            if _LOG.isEnabledFor(logging.DEBUG):
                _log_attempt(call, outcome, attempt, self._clock() - start)
            return outcome  # noqa: TRY300 -- there is nothing else to do when it went well
        except BaseException as error:
            if not call.repeatable and body is not None and body.written:
                mark_as_lost(error, call)
            raise
        finally:
            if options.pace is not None:
                _finish_turn(options.pace, outcome)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise ClosedError("This client is closed: make another one.")

    def seconds_ahead(self) -> float:
        """
        Return how far the server's clock is ahead of ours, rounded down, by its last answer.
        """
        return self._http.seconds_ahead()

    @property
    def is_open(self) -> bool:
        """
        Whether there is something to close.
        """
        return self._http.is_open

    async def close(self) -> None:
        """
        Close the session if it is our own. May be called again.
        """
        self._closed = True
        await self._http.close()


def _url(call: Call[Any], address: str) -> URL:
    query = f"?{urlencode(call.query, quote_via=quote)}" if call.query else ""
    return URL(f"{address}{call.path}{query}", encoded=True)


def _log_attempt(call: Call[Any], outcome: Answer | NoAnswer, attempt: int, seconds: float) -> None:
    status, ray = (outcome.status, outcome.ray_id) if isinstance(outcome, Answer) else (outcome.reason, None)
    _LOG.debug(
        "%s %s: %s in %.3f s, attempt %d, ray %s", call.method, call.path, status, seconds, attempt, ray
    )


def _finish_turn(pace: Pace, outcome: Answer | NoAnswer | None) -> None:
    if isinstance(outcome, Answer):
        pace.finish(outcome.headers, outcome.retry_after if outcome.status == 429 else None)
    else:
        pace.finish(None, None)


def _final(error: CFTokensError, call: Call[Any], *, unknown: bool) -> CFTokensError:
    """
    Complete an error by what earlier attempts, and not only the last, may have done.
    """
    if unknown:
        if not error.outcome_unknown:
            error.outcome_unknown = True
            error.add_note("An earlier attempt got no answer and may have taken effect.")
        error.attempt = call.attempt
        _LOG.warning("The outcome of %s is unknown: %s", call, error)
    return error


def mark_as_lost(error: BaseException, call: Call[Any]) -> None:
    """
    Say, in the log and on what interrupts a call, that the request was sent all the same.
    """
    _LOG.warning("The outcome of %s is unknown: it was interrupted after its request was sent.", call)
    annotate(error, call)


def annotate(error: BaseException, call: Call[Any]) -> None:
    """
    Say on what interrupts a call that the request was sent all the same.
    """
    error.add_note(f"{call} was interrupted after its request was sent, and may have taken effect.")
    if call.attempt is not None:
        error.attempt = call.attempt  # type: ignore[attr-defined]  # attempt_of() reads it
