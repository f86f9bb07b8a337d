"""
What other processes send with the same credential, and how much room to leave for them.
"""

from typing import Final

_PROCESSES: Final = 64
"""How many processes are assumed to share the budget if there is more than one."""

_CROWD: Final = 100
"""Requests of others within half a second to a second that call for a pause. An address may send 200 a second."""

_TICK: Final = 0.5
"""Seconds between two looks at what the others have sent."""

_KEPT: Final = 0.08
"""The share of the limit that stays unspent."""

_KEPT_ALONE: Final = 0.02
"""The same without company. Newcomers need it: each sends a request to learn what is left."""

_UNTIL_ANSWER: Final = 1.0
"""Seconds. Whoever waits for an answer is woken when it comes."""


class Company:
    """
    The requests of other processes, as the server's count shows them.

    There is company if others sent a request in this window or in the one before.
    """

    def __init__(self) -> None:
        self._requests = 0
        self._seen = False
        self._answers = 0
        self._earlier = 0
        self._at_tick = 0
        self._next_tick = 0.0

    def begin(self) -> None:
        """
        Begin to count in another window.
        """
        self._seen = self._requests > 0
        self._requests = self._answers = self._earlier = self._at_tick = 0

    def count(self, requests: int, now: float) -> None:
        """
        Count an answer that shows that others have sent so many requests in this window, or more.
        """
        self._answers += 1
        if requests > self._requests:
            self._tick(now)
            self._requests, self._seen = requests, True

    def kept(self, quota: int) -> float:
        """
        Return how many requests of a *quota* stay unspent.
        """
        return quota * (_KEPT if self._seen else _KEPT_ALONE)

    def delay(self, now: float, room: float, in_flight: int) -> float:
        """
        Return the seconds until a request may start, with *room* for that many.

        Of this room a process uses its share, but at first as much as it has had answers. If the others
        send quickly, it pauses until the answers show what is left, and then begins with one request again.
        """
        if not self._seen:
            return 0.0
        self._tick(now)
        if self._requests - self._earlier > min(room, _CROWD):
            self._answers = 0
            return self._next_tick - now
        may = min(1 + self._answers, room / _PROCESSES)
        return _UNTIL_ANSWER if in_flight >= max(1, may) else 0.0

    def _tick(self, now: float) -> None:
        """
        Forget what others sent before the last tick but one.
        """
        if now >= self._next_tick:
            is_recent = now < self._next_tick + _TICK
            self._earlier = self._at_tick if is_recent else self._requests
            self._at_tick, self._next_tick = self._requests, now + _TICK
