"""
When the next request may go out, by our own count and by what the server says is left.

https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""

import asyncio
import heapq
import logging
import math
import os
import re
from collections import OrderedDict, deque
from collections.abc import Mapping
from typing import Final

from cftokens._settings import RateLimit, Timing
from cftokens.errors import RateLimitedError

BURST: Final = RateLimit(requests=200, period=1.0)
"""What Cloudflare accepts from one address, for all credentials together."""

_LEFT: Final = re.compile(r"r=(\d{1,9})\s*;\s*t=(\d{1,9})")
_ROUNDING: Final = 1.0
"""Seconds. The server rounds down, so a moment that it names may be this much later."""

_LONGEST_PAUSE: Final = 3600.0
"""Seconds. A longer window or block is cut to this."""

_TOLERANCE: Final = 0.1
"""Seconds by which a sleep may end early."""

_LOG: Final = logging.getLogger("cftokens")


class Window:
    """
    A limit on the requests that start in any period.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._requests = limit.requests
        self._period = float(limit.period)
        self._free_at: deque[float] = deque()

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the seconds until a request may start, after *ahead* others.
        """
        while self._free_at and self._free_at[0] <= now:
            self._free_at.popleft()
        missing = len(self._free_at) + ahead + 1 - self._requests
        if missing <= 0:
            return 0.0
        periods, place = divmod(missing - 1, self._requests)
        first = self._free_at[place] - now if place < len(self._free_at) else self._period
        return first + periods * self._period

    def count(self, now: float) -> None:
        """
        Count a request for one period.
        """
        self._free_at.append(now + self._period)


class AnsweredWindow:
    """
    A limit on the requests in any period, whenever the server counts them.

    A request counts from when it is sent until one period after its answer. The server counts it
    at some moment in between, so this count is never behind the server's.
    """

    def __init__(self, limit: RateLimit) -> None:
        self._answered = Window(limit)
        self._in_flight = 0

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the least number of seconds until a request may start, after *ahead* others.
        """
        return self._answered.delay(now, self._in_flight + ahead)

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
        self._answered.count(now)

    def forget_in_flight(self) -> None:
        """
        Reset the count of requests under way.
        """
        self._in_flight = 0


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
        until = now + min(seconds, _LONGEST_PAUSE)
        if seconds > _LONGEST_PAUSE and until > self._until + _ROUNDING:  # once, not for each answer
            _LOG.warning(
                "Retry-After: %.0f seconds. Requests with this token are sent again after an hour.", seconds
            )
        self._until = max(self._until, until)


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

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the seconds until a request may start, after *ahead* others.
        """
        if now >= self._until or self._left - self._uncounted - self._reserve() - ahead >= 1:
            return 0.0
        return self._until - now

    def start(self, in_flight: int) -> None:
        """
        Count a request that is sent.
        """
        self._uncounted += 1
        self._most_in_flight = max(self._most_in_flight, in_flight)

    def learn(self, left: int, seconds: float, now: float, in_flight: int) -> None:
        """
        Learn that *left* requests remain for *seconds*.
        """
        until = now + min(seconds, _LONGEST_PAUSE) + _ROUNDING
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

    def start(self, now: float, in_flight: int) -> None:
        """
        Count a request that is sent.
        """
        self._server.start(in_flight)
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
        if said := _LEFT.findall(headers.get("Ratelimit", "")):
            left, seconds = min((int(left), int(seconds)) for left, seconds in said)
            self._server.learn(left, seconds, now, in_flight)

    def forget_in_flight(self) -> None:
        """
        Reset the count of requests under way.
        """
        self._window.forget_in_flight()


class Queue:
    """
    Those that wait for a turn, in the order of their arrival, each with a deadline.

    Only the first watches the time. The others are woken when they become the first, or too late.
    """

    def __init__(self) -> None:
        self._places: OrderedDict[asyncio.Future[None], None] = OrderedDict()
        self._deadlines: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = 0

    def __len__(self) -> int:
        return len(self._places)

    def join(self, deadline: float) -> "asyncio.Future[None]":
        """
        Return a place at the end.
        """
        place = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        self._places[place] = None
        heapq.heappush(self._deadlines, (deadline, self._arrivals, place))
        return place

    def is_first(self, place: "asyncio.Future[None]") -> bool:
        """
        Return whether no other place comes before this one.
        """
        return next(iter(self._places), None) is place

    def leave(self, place: "asyncio.Future[None]") -> None:
        """
        Give up a place. If it was the first, wake the next.
        """
        self._places.pop(place, None)  # a fork may have cleared it
        if self._places:
            _wake(next(iter(self._places)))
        if len(self._deadlines) > 2 * len(self._places):
            self._deadlines = [entry for entry in self._deadlines if entry[-1] in self._places]
            heapq.heapify(self._deadlines)

    def wake_late(self, now: float) -> float:
        """
        Wake each whose deadline has passed, and return the next deadline.
        """
        while self._deadlines and self._deadlines[0][0] <= now:
            _wake(heapq.heappop(self._deadlines)[-1])
        return self._deadlines[0][0] if self._deadlines else math.inf

    def clear(self) -> None:
        """
        Forget every place, and wake none.
        """
        self._places.clear()
        self._deadlines.clear()


def _wake(place: "asyncio.Future[None]") -> None:
    if not place.done():
        place.set_result(None)


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
        if self._counts is not None:
            self._counts.start(self._clock(), self._in_flight)
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
        if blocked_for is not None:
            self._block.hold(blocked_for, now)
        if self._counts is None:
            return
        self._counts.finish(now)
        if headers is not None and blocked_for is None:
            self._counts.learn(headers, now, self._in_flight)

    def _forget_parent(self) -> None:
        """
        Forget the parent's requests, which will not end in this forked process.

        What they count in the burst window ends by itself, and other credentials share it.
        """
        self._process = os.getpid()
        self._in_flight = 0
        self._waiting.clear()
        if self._counts is not None:
            self._counts.forget_in_flight()

    def _delay(self, ahead: int) -> float:
        now = self._clock()
        blocked = self._block.delay(now)
        return blocked if self._counts is None else max(blocked, self._counts.delay(now, ahead))

    async def _wait(self, patience: float) -> float:
        start = self._clock()
        _check_delay(self._delay(len(self._waiting)), patience)
        place = self._waiting.join(start + patience + _TOLERANCE)
        try:
            if not self._waiting.is_first(place):
                await place
            if not self._waiting.is_first(place):  # its deadline has passed
                raise _no_turn(self._delay(len(self._waiting) - 1), 0.0)
            await self._watch(start, patience)
        finally:
            self._waiting.leave(place)
        return self._clock() - start

    async def _watch(self, start: float, patience: float) -> None:
        """
        Sleep until the first request may go out, and wake those behind it when they have waited too long.
        """
        while (delay := self._delay(0)) > 0:
            now = self._clock()
            _check_delay(delay, patience - (now - start))
            await self._sleep(min(delay, self._waiting.wake_late(now) - now))


def _check_delay(delay: float, patience: float) -> None:
    if delay > patience + _TOLERANCE:
        raise _no_turn(delay, patience)


def _no_turn(delay: float, patience: float) -> RateLimitedError:
    return RateLimitedError(
        f"This request was not sent: the rate limit allows it in {delay:.1f} s, longer than "
        f"the {max(patience, 0):g} s that it may wait. See Retry(budget=…).",
        retry_after=delay,
        sent=False,
    )
