"""
Carries out requests: waits for a turn, sends, decides what to do next, and perhaps sends again.
"""

import hashlib
import logging
import ssl
import sys
import time
from collections.abc import Awaitable, Hashable
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import aiohttp
import attrs
from yarl import URL

from cftokens._secret import HiddenAsk, TokenValue, clear_frames
from cftokens._settings import Proxy, RateLimit, Retry, Timing
from cftokens._transport.credential import CredentialSource
from cftokens._transport.messages import Answer, NoAnswer, Request
from cftokens._transport.pace import BURST, Pace
from cftokens._transport.server_clock import Reading
from cftokens._transport.session import Defaults, Session, defaults_for
from cftokens._transport.tries import Again, Tries
from cftokens._transport.windows import Window
from cftokens.errors import CFTokensError, ClosedError, RateLimitedError

T = TypeVar("T")

_MOST_PACES: Final = 1000
"""The number of credentials whose pace is remembered."""

_LOG: Final = logging.getLogger("cftokens")


@attrs.frozen(kw_only=True)
class Settings:
    """
    The settings of a client or a view, ready for its requests.
    """

    credential: TokenValue | CredentialSource
    base_url: URL
    timeout: float
    retry: Retry
    pace: Pace = attrs.field(repr=False)
    proxy: Proxy
    context: ssl.SSLContext | None
    known: TokenValue | None = attrs.field(init=False, repr=False)
    """The credential, if it needs not be asked for."""
    source: CredentialSource | None = attrs.field(init=False, repr=False)
    defaults: Defaults = attrs.field(init=False, repr=False)
    address: str = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        known, source = (
            (self.credential, None) if isinstance(self.credential, TokenValue) else (None, self.credential)
        )
        object.__setattr__(self, "known", known)
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "defaults", self.defaults_with(known))
        object.__setattr__(self, "address", str(self.base_url))

    @property
    def latest(self) -> TokenValue | None:
        """
        The credential, or the one that was asked for last.
        """
        return self.known if self.source is None else self.source.latest

    def defaults_with(self, credential: TokenValue | None) -> Defaults:
        """
        Return what all requests with a credential have in common.
        """
        return defaults_for(credential, self.timeout, self.proxy, self.context)


class Transport:
    """
    What a client and its views share: the session, and the pace of each credential.

    Args:
        borrowed: A session that belongs to the caller, or None to make one.

        timing: The clock, and the ways to wait.
    """

    def __init__(self, borrowed: aiohttp.ClientSession | None, timing: Timing) -> None:
        self._session = Session(borrowed, timing.clock)
        self._burst = Window(BURST)
        self.timing = timing
        self._clock, self._sleep, self._spread = timing
        self._closed = False
        self._paces: dict[bytes | CredentialSource, Pace] = {}
        self._sources: WeakValueDictionary[Hashable, CredentialSource] = WeakValueDictionary()

    def source(self, ask: HiddenAsk) -> CredentialSource:
        """
        Return what asks a function for the credential. All views with that function share it.
        """
        return self._sources.setdefault(ask.key, CredentialSource(ask))

    def pace(self, credential: TokenValue | CredentialSource, limit: RateLimit | None) -> Pace:
        """
        Return the pace of a credential, which all views with that credential share.
        """
        key = credential if isinstance(credential, CredentialSource) else _digest(credential)
        if key not in self._paces:
            while len(self._paces) >= _MOST_PACES:
                del self._paces[next(iter(self._paces))]
            self._paces[key] = Pace(limit, self._burst, self.timing)
        return self._paces[key]

    async def send(self, tries: Tries[T], settings: Settings) -> T:
        """
        Carry out a request, with as many tries as are safe and allowed.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        self._session.check_loop()
        if self._closed:
            raise _closed()
        while True:
            decision = await self._try(tries, settings)
            if isinstance(decision, CFTokensError):
                raise decision
            if not isinstance(decision, Again):
                return decision
            _LOG.info(
                "%s: try %d failed, again in %.1f s: %s",
                tries.request.operation,
                tries.count,
                decision.seconds,
                decision.error,
            )
            await self._sleep(decision.seconds)

    async def _try(self, tries: Tries[T], settings: Settings) -> T | CFTokensError | Again:
        try:
            waited = await settings.pace.turn(tries.patience)
        except RateLimitedError as no_turn:
            return tries.end_without_turn(no_turn)
        outcome: Answer | NoAnswer | None = None
        decision: T | CFTokensError | Again | None = None
        handled = sys.exception()
        try:
            defaults = settings.defaults
            if settings.source is not None:
                tries.credential = await settings.source.ask(settings.timeout)
                defaults = settings.defaults_with(tries.credential)
            if self._closed:
                return tries.end(_closed())
            start = self._clock()
            body = tries.begin(waited, time.time(), start)
            url = _url(tries.request, settings.address)
            outcome = await self._session.exchange(tries.request.method, url, defaults, body)
            if _LOG.isEnabledFor(logging.DEBUG):
                _log_try(tries, outcome, self._clock() - start)
            decision = tries.decide(outcome, self._spread())
        except CFTokensError as misuse:
            clear_frames(misuse, handled)
            return tries.end(misuse)
        except BaseException as error:  # from a hook, or an interrupt; its frames hold headers and answers
            clear_frames(error, handled)
            raise
        else:
            return decision
        finally:
            _finish(settings.pace, outcome, decision)

    def server_time(self, moment: float | None) -> Reading | None:
        """
        Return what the server's clock showed at a *moment* of ours, by default now, or None if unknown.
        """
        return self._session.server_clock.at(self._clock() if moment is None else moment)

    def abandon(self) -> bool:
        """
        Give up a session of our own that is still open, and return whether there was one.
        """
        return self._session.abandon()

    async def close(self) -> None:
        """
        Close the session if it is our own. May be called again.
        """
        self._closed = True
        await self._session.close()


class Sender:
    """
    What a client or a view sends with: the transport, its own settings, and whether it is closed.
    """

    def __init__(self, transport: Transport, settings: Settings) -> None:
        self.transport = transport
        self.settings = settings
        self.closed = False

    def with_settings(self, settings: Settings) -> "Sender":
        """
        Return a sender on the same transport, for a view.
        """
        view = Sender(self.transport, settings)
        view.closed = self.closed
        return view

    def with_credential(self, credential: TokenValue | CredentialSource) -> "Sender":
        """
        Return a sender with another credential, which has its own pace.
        """
        pace = self.transport.pace(credential, self.settings.pace.limit)
        return self.with_settings(attrs.evolve(self.settings, credential=credential, pace=pace))

    def tries(self, request: Request[T]) -> Tries[T]:
        """
        Return the tries of a request, before the first one.
        """
        return Tries(request, self.settings.retry, self.settings.known)

    def send(self, request: Request[T]) -> Awaitable[T]:
        """
        Carry out a request.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        if self.closed:
            raise _closed()
        settings = self.settings
        return self.transport.send(Tries(request, settings.retry, settings.known), settings)

    def carry_out(self, tries: Tries[T]) -> Awaitable[T]:
        """
        Carry out a request whose tries the caller watches.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        if self.closed:
            raise _closed()
        return self.transport.send(tries, self.settings)


def _digest(credential: TokenValue) -> bytes:
    return hashlib.sha256(credential.reveal().encode()).digest()


def _closed() -> ClosedError:
    return ClosedError("This client is closed; make a new one.")


def _finish(pace: Pace, outcome: Answer | NoAnswer | None, decision: object) -> None:
    if isinstance(outcome, Answer):
        pace.finish(outcome.headers, _blocked_for(decision) if outcome.status == 429 else None)
    else:
        pace.finish(None if outcome is None else {}, None)


def _blocked_for(decision: object) -> float | None:
    """
    Return for how many seconds a 429 forbids requests, or None. A lock-out is no matter of the pace.
    """
    error = decision.error if isinstance(decision, Again) else decision
    return error.retry_after if isinstance(error, RateLimitedError) else None


def _url(request: Request[Any], address: str) -> URL:
    return URL(f"{address}{request.target}", encoded=True)


def _log_try(tries: Tries[Any], outcome: Answer | NoAnswer, seconds: float) -> None:
    request = tries.request
    status, ray = (outcome.status, outcome.ray_id) if isinstance(outcome, Answer) else (outcome.reason, None)
    _LOG.debug(
        "%s %s: %s in %.3f s, try %d, ray %s",
        request.method,
        request.target,
        status,
        seconds,
        tries.count,
        ray,
    )
