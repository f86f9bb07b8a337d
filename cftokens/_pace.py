"""
When the next request may go out: by our own count, and by what the server says is left.

https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from cftokens._options import RateLimit
from cftokens.errors import RateLimitedError

BURST: Final = RateLimit(requests=200, period=1.0)
"""What Cloudflare accepts from one address, whatever the credential."""

_LEFT: Final = re.compile(r"r=(\d{1,9})\s*;\s*t=(\d{1,9})")
_ROUNDING: Final = 1.0
"""The server gives whole seconds, so the moment that it means may be this much later."""


class Window:
    """
    At most so many requests in any period of so many seconds.

    A request counts from when it is sent until one period after its answer. The server counts it
    somewhere in between, so this count is never behind the server's.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._in_flight = 0
        self._free_at: deque[float] = deque()

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the least number of seconds until a request may start, with *ahead* others before it.
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
        Count a request that goes out.
        """
        self._in_flight += 1

    def finish(self, now: float) -> None:
        """
        Note that its answer came, or will not come any more.
        """
        self._in_flight -= 1
        self._free_at.append(now + self._limit.period)


class ServersWord:
    """
    What the server says is left of a budget that other processes may spend from, too.

    A reserve stays unspent: a hundredth of the limit, and twice the most that others were seen to
    take between two answers to us, because that much may be on its way unseen.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._least_reserve = -(-limit.requests // 100)
        self._most_by_others = 0
        self._said: int | None = None
        self._left = 0
        self._until = 0.0

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the seconds until a request may start, with *ahead* others before it.
        """
        if now >= self._until:
            return 0.0
        reserve = self._least_reserve + 2 * self._most_by_others
        return self._until - now if self._left - reserve - ahead < 1 else 0.0

    def start(self) -> None:
        """
        Count a request that goes out.
        """
        self._left -= 1

    def hear(self, left: int, seconds: float, now: float, in_flight: int) -> None:
        """
        Take note of how many are *left* for how many *seconds*.
        """
        if now >= self._until or self._said is None:
            self._most_by_others = 0
        else:
            self._most_by_others = max(self._most_by_others, self._said - left - 1)
        self._said = left
        self._left = left - in_flight
        self._until = now + seconds + _ROUNDING


class Pace:
    """
    The turns of the requests that are sent with one credential.

    Args:
        limit: The limit of the credential.

        burst: The limit of this machine's address, which all credentials share.

        clock: Returns seconds that only grow.

        sleep: Waits for a number of seconds.
    """

    def __init__(
        self,
        limit: RateLimit,
        burst: Window,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.limit = limit
        self._windows = (Window(limit), burst)
        self._word = ServersWord(limit)
        self._in_flight = 0
        self._waiting: list[object] = []
        self._clock = clock
        self._sleep = sleep

    async def turn(self, patience: float) -> float:
        """
        Wait until a request may go out, and count it. Return the seconds waited.

        Args:
            patience: The most seconds to wait.

        Raises:
            RateLimitedError: It would take longer.
        """
        waited = 0.0
        if self._waiting or self._delay(0) > 0:
            waited = await self._wait(patience)
        self._in_flight += 1
        self._word.start()
        for window in self._windows:
            window.start()
        return waited

    def finish(self, headers: Mapping[str, str] | None, blocked_for: float | None) -> None:
        """
        Note that a request is over, and what its answer says of the budget.

        Args:
            headers: The answer's, or None if there was none.

            blocked_for: Seconds for which the server said to send nothing.
        """
        now = self._clock()
        self._in_flight -= 1
        for window in self._windows:
            window.finish(now)
        if blocked_for is not None:
            self._word.hear(0, blocked_for, now, self._in_flight)
        elif headers is not None and (said := _LEFT.findall(headers.get("Ratelimit", ""))):
            left, seconds = min((int(left), int(seconds)) for left, seconds in said)
            self._word.hear(left, seconds, now, self._in_flight)

    def _delay(self, ahead: int) -> float:
        now = self._clock()
        return max(self._word.delay(now, ahead), *(window.delay(now, ahead) for window in self._windows))

    async def _wait(self, patience: float) -> float:
        waited, ticket = 0.0, object()
        self._waiting.append(ticket)
        try:
            while (delay := self._delay(self._waiting.index(ticket))) > 0:
                if waited + delay > patience:
                    raise RateLimitedError(
                        f"Nothing was sent: to stay within {self.limit.requests} requests in "
                        f"{self.limit.period:g} s, this would have to wait {delay:.1f} s, "
                        "which is longer than its budget for waiting.",
                        retry_after=delay,
                        sent=False,
                    )
                await self._sleep(delay)
                waited += delay
        finally:
            self._waiting.remove(ticket)
        return waited
