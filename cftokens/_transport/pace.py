"""
When the next request may go out, by our own count and by what the server says is left.

https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""

import math
import os
import re
from collections import deque
from collections.abc import Mapping
from typing import Final

from cftokens._settings import RateLimit, Timing
from cftokens.errors import RateLimitedError

BURST: Final = RateLimit(requests=200, period=1.0)
"""What Cloudflare accepts from one address, for all credentials together."""

_LEFT: Final = re.compile(r"r=(\d{1,9})\s*;\s*t=(\d{1,9})")
_ROUNDING: Final = 1.0
"""Seconds. The server rounds down, so a moment that it names may be this much later."""

_LONGEST_WINDOW: Final = 3600.0
"""Seconds. A longer one is cut to this."""

_TOLERANCE: Final = 0.1
"""Seconds by which a sleep may end early."""


class Window:
    """
    A limit on the requests in any period.

    A request counts from when it is sent until one period after its answer. The server counts it
    at some moment in between, so this count is never behind the server's.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._in_flight = 0
        self._free_at: deque[float] = deque()

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the seconds until a request may start, after *ahead* others.
        """
        while self._free_at and self._free_at[0] <= now:
            self._free_at.popleft()
        missing = self._in_flight + len(self._free_at) + ahead + 1 - self._limit.requests
        if missing <= 0:
            return 0.0
        if missing <= len(self._free_at):
            return self._free_at[missing - 1] - now
        return self._limit.period

    def start(self) -> None:
        """
        Count a request that is sent.
        """
        self._in_flight += 1

    def finish(self, now: float) -> None:
        """
        Count the end of a request, answered or not.
        """
        self._in_flight = max(0, self._in_flight - 1)
        self._free_at.append(now + self._limit.period)

    def forget_in_flight(self) -> None:
        """
        Reset the count of requests under way.
        """
        self._in_flight = 0


class ServerBudget:
    """
    What the server says is left of a budget that other processes may share.

    A reserve stays unspent: a hundredth of the budget, and twice the number of requests that others
    may have under way, estimated from their share of the requests so far.
    """

    def __init__(self) -> None:
        self._first = 0
        self._left = 0
        self._answered = 0
        self._most_in_flight = 0
        self._by_others = 0
        self._uncounted = 0
        self._until = 0.0
        self._blocked_until = 0.0

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the seconds until a request may start, after *ahead* others.
        """
        blocked = max(0.0, self._blocked_until - now)
        if now >= self._until or self._left - self._uncounted - self._reserve() - ahead >= 1:
            return blocked
        return max(blocked, self._until - now)

    def start(self, in_flight: int) -> None:
        """
        Count a request that is sent.
        """
        self._uncounted += 1
        self._most_in_flight = max(self._most_in_flight, in_flight)

    def block(self, seconds: float, now: float) -> None:
        """
        Send nothing for *seconds*, even if a late answer to an earlier request says otherwise.
        """
        self._blocked_until = max(self._blocked_until, now + seconds)

    def learn(self, left: int, seconds: float, now: float, in_flight: int) -> None:
        """
        Learn that *left* requests remain for *seconds*.
        """
        until = now + min(seconds, _LONGEST_WINDOW) + _ROUNDING
        if now >= self._until or until > self._until + 2 * _ROUNDING:  # another window
            self._first, self._answered, self._by_others = left, 0, 0
        else:
            self._answered += 1
        if self._answered and left > self._left:  # an older answer that came late
            return
        self._left, self._uncounted, self._until = left, in_flight, until
        # The server may have counted all our requests under way.
        self._by_others = max(0, self._first - left - self._answered - in_flight)

    def _reserve(self) -> int:
        for_each_of_ours = self._by_others / max(1, self._answered)
        return math.ceil(self._first / 100 + 2 * self._most_in_flight * for_each_of_ours)


class Pace:
    """
    The turns of the requests that are sent with one credential.

    Args:
        limit: The limit of the credential.

        burst: The limit of this machine's address, which all credentials share.

        timing: The clock, and the way to wait.
    """

    def __init__(self, limit: RateLimit, burst: Window, timing: Timing) -> None:
        self.limit = limit
        self._windows = (Window(limit), burst)
        self._server = ServerBudget()
        self._in_flight = 0
        self._waiting: list[object] = []
        self._process = os.getpid()
        self._clock = timing.clock
        self._sleep = timing.sleep

    async def turn(self, patience: float) -> float:
        """
        Wait until a request may go out, and count it. Return the seconds waited.

        Args:
            patience: The most seconds to wait.

        Raises:
            RateLimitedError: The wait would be longer.
        """
        waited = 0.0
        if self._process != os.getpid():
            self._forget_parent()
        if self._waiting or self._delay(0) > 0:
            waited = await self._wait(patience)
        self._in_flight += 1
        self._server.start(self._in_flight)
        for window in self._windows:
            window.start()
        return waited

    def finish(self, headers: Mapping[str, str] | None, blocked_for: float | None) -> None:
        """
        Count the end of a request, and learn what its answer says about the budget.

        Args:
            headers: The answer's headers, or None without an answer.

            blocked_for: Seconds for which the server refuses requests, or None.
        """
        now = self._clock()
        self._in_flight -= 1
        for window in self._windows:
            window.finish(now)
        if blocked_for is not None:
            self._server.block(blocked_for, now)
        elif headers is not None and (said := _LEFT.findall(headers.get("Ratelimit", ""))):
            left, seconds = min((int(left), int(seconds)) for left, seconds in said)
            self._server.learn(left, seconds, now, self._in_flight)

    def _forget_parent(self) -> None:
        """
        Forget the parent's requests, which will not end in this forked process.
        """
        self._process = os.getpid()
        self._in_flight = 0
        self._waiting.clear()
        for window in self._windows:
            window.forget_in_flight()

    def _delay(self, ahead: int) -> float:
        now = self._clock()
        return max(self._server.delay(now, ahead), *(window.delay(now, ahead) for window in self._windows))

    async def _wait(self, patience: float) -> float:
        waited, ticket = 0.0, object()
        self._waiting.append(ticket)
        try:
            while (delay := self._delay(self._waiting.index(ticket))) > 0:
                if waited + delay > patience + _TOLERANCE:
                    raise RateLimitedError(
                        f"This request was not sent: the rate limit allows it in {delay:.1f} s, longer than "
                        f"the {max(patience - waited, 0):g} s that it may wait. See Retry(budget=…).",
                        retry_after=delay,
                        sent=False,
                    )
                await self._sleep(delay)
                waited += delay
        finally:
            self._waiting.remove(ticket)
        return waited
