"""
When the next request may go out.

https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from typing import Final

from cftokens._settings import RateLimit, Timing
from cftokens._transport.budget import LONGEST_WAIT, ROUNDING, ServerBudget
from cftokens._transport.turns import Queue
from cftokens._transport.windows import AnsweredWindow, Window
from cftokens.errors import RateLimitedError

BURST: Final = RateLimit(requests=200, period=1.0)
"""What Cloudflare accepts from one address, for all credentials together."""

_TOLERANCE: Final = 0.1
"""Seconds by which a sleep may end early."""

_LOG: Final = logging.getLogger("cftokens")


class Block:
    """
    How long the server refuses all requests, after a 429.
    """

    def __init__(self) -> None:
        self._until = 0.0

    def delay(self, now: float) -> float:
        """
        Return the seconds until a request may start.
        """
        return self._until - now if self._until > now else 0.0

    def hold(self, seconds: float, now: float) -> None:
        """
        Send nothing for *seconds*, even if a late answer to an earlier request says otherwise.
        """
        until = now + min(seconds, LONGEST_WAIT)
        if seconds > LONGEST_WAIT and until > self._until + ROUNDING:  # once, not for each answer
            _LOG.warning(
                "Retry-After: %.0f seconds. Requests with this token are sent again after an hour.", seconds
            )
        self._until = max(self._until, until)


class Counts:
    """
    What has been sent with one credential, by our own count and by what the server says is left.

    Args:
        limit: The limit of the credential.

        burst: The limit of this machine's address, which all credentials share.
    """

    def __init__(self, limit: RateLimit, burst: Window) -> None:
        self._window = AnsweredWindow(limit)
        self._burst = burst
        self._server = ServerBudget()

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the seconds until a request may start, after *ahead* others.
        """
        return max(
            self._server.delay(now, ahead), self._window.delay(now, ahead), self._burst.delay(now, ahead)
        )

    def caution(self, now: float, in_flight: int) -> float:
        """
        Return the seconds for which a request should wait for news of what others send.
        """
        return self._server.caution(now, in_flight)

    def start(self, now: float) -> None:
        """
        Count a request that is sent.
        """
        self._server.start(now)
        self._window.start()
        self._burst.count(now)

    def finish(self, now: float) -> None:
        """
        Count the end of a request, answered or not.
        """
        self._window.finish(now)

    def learn(self, headers: Mapping[str, str], now: float, in_flight: int) -> None:
        """
        Learn what an answer says is left of the budget.
        """
        self._server.learn(headers, now, in_flight)

    def forget_in_flight(self) -> None:
        """
        Reset the count of requests under way.
        """
        self._window.forget_in_flight()
        self._server.forget_in_flight()


class Pace:
    """
    The turns of the requests that are sent with one credential.

    Without a limit nothing is counted, and requests wait only after a 429, for as long as it says.

    Args:
        limit: The limit of the credential, or None.

        burst: The limit of this machine's address, which all credentials share.

        timing: The clock, and the way to wait.
    """

    def __init__(self, limit: RateLimit | None, burst: Window, timing: Timing) -> None:
        self.limit = limit
        self._counts = None if limit is None else Counts(limit, burst)
        self._block = Block()
        self._in_flight = 0
        self._waiting = Queue()
        self._pause: asyncio.Future[None] | None = None
        self._process = os.getpid()
        self._clock = timing.clock
        self._sleep = timing.sleep

    async def turn(self, patience: float) -> float:
        """
        Wait until a request may go out, and count it. Return the seconds waited.

        A limit that lasts longer than the patience refuses the request. Caution only delays it: when the
        patience ends, it goes out.

        Args:
            patience: The most seconds to wait.

        Raises:
            RateLimitedError: The wait would be longer.
        """
        now, waited = self._clock(), 0.0
        if self._process != os.getpid():
            self._forget_parent()
        if self._waiting or self._delay(now, 0) > 0 or self._caution(now) > 0:
            waited = await self._wait(now, patience)
        self._in_flight += 1
        if self._counts is not None:
            self._counts.start(now + waited)
        return waited

    def finish(self, headers: Mapping[str, str] | None, blocked_for: float | None) -> None:
        """
        Count the end of a request, and learn what its answer says about the budget.

        Args:
            headers: The answer's headers, empty if no answer came, or None if the request was given up.

            blocked_for: Seconds for which the server refuses requests, or None.
        """
        now = self._clock()
        self._in_flight -= 1
        if blocked_for is not None:
            self._block.hold(blocked_for, now)
        if self._counts is not None:
            self._counts.finish(now)
            if headers is not None and blocked_for is None:
                self._counts.learn(headers, now, self._in_flight)
        self._end_pause()

    def _end_pause(self) -> None:
        if self._pause is not None:
            self._pause.cancel()

    def _forget_parent(self) -> None:
        """
        Forget the parent's requests, which will not end in this forked process.

        What they count in the burst window ends by itself, and other credentials share it.
        """
        self._process = os.getpid()
        self._in_flight = 0
        self._pause = None
        self._waiting.clear()
        if self._counts is not None:
            self._counts.forget_in_flight()

    def _delay(self, now: float, ahead: int) -> float:
        blocked = self._block.delay(now)
        return blocked if self._counts is None else max(blocked, self._counts.delay(now, ahead))

    def _caution(self, now: float) -> float:
        return 0.0 if self._counts is None else self._counts.caution(now, self._in_flight)

    async def _wait(self, start: float, patience: float) -> float:
        _check_delay(self._delay(start, len(self._waiting)), patience)
        place = self._waiting.join(start + patience + _TOLERANCE)
        self._end_pause()  # the first one watches this deadline, too
        try:
            if not self._waiting.is_first(place):
                await place
            if self._waiting.is_first(place):
                await self._watch(start, patience)
            elif (delay := self._delay(self._clock(), len(self._waiting) - 1)) > 0:  # its deadline has passed
                raise _no_turn(delay, 0.0)
        finally:
            self._waiting.leave(place)
        return self._clock() - start

    async def _watch(self, start: float, patience: float) -> None:
        """
        Sleep until the first request may go out, and wake those behind it when they have waited too long.
        """
        while True:
            now = self._clock()
            left = patience - (now - start)
            delay, caution = self._delay(now, 0), self._caution(now)
            _check_delay(delay, left)
            if delay <= 0 and (caution <= 0 or left <= 0):
                return
            await self._sleep_until_answer(min(max(delay, caution), self._waiting.wake_late(now) - now))

    async def _sleep_until_answer(self, seconds: float) -> None:
        """
        Sleep, but not longer than until a request ends.
        """
        self._pause = pause = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait([pause])
        finally:
            pause.cancel()
            self._pause = None


def _check_delay(delay: float, patience: float) -> None:
    if delay > max(0.0, patience + _TOLERANCE):
        raise _no_turn(delay, patience)


def _no_turn(delay: float, patience: float) -> RateLimitedError:
    return RateLimitedError(
        f"This request was not sent: the rate limit allows it in {delay:.1f} s, longer than "
        f"the {max(patience, 0):g} s that it may wait. See Retry(budget=…).",
        retry_after=delay,
        sent=False,
    )
