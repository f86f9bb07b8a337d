"""
Limits that a client keeps by its own count.
"""

from collections import deque

from cftokens._settings import RateLimit


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
