"""
What other processes send with the same credential, and how much room to leave for them.
"""

from typing import Final

_KEPT: Final = 0.08
"""The share of the limit that stays unspent, for what others have under way and for newcomers."""

_KEPT_ALONE: Final = 0.02
"""The same without company, for newcomers."""

_CROWD: Final = 90
"""How many recent requests by others call for a pause. One address may send 200 in a second."""

_TICK: Final = 0.5
"""Seconds. Requests are recent for one or two of these."""

_UNTIL_ANSWER: Final = 1.0
"""Seconds until a look at the time. An answer to a request of ours ends the wait."""


class Company:
    """
    The requests of other processes, as the server's count shows them.

    There is company if others sent a request in this window, or in the one before: whoever is first in a
    window cannot see them yet.
    """

    def __init__(self) -> None:
        self._requests = 0
        self._seen = False
        self._age = 0
        self._answers = 0
        self._earlier = 0
        self._at_tick = 0
        self._next_tick = 0.0

    def begin(self, age: int) -> None:
        """
        Begin another window, which is so many seconds old.
        """
        self._seen = self._requests > 0
        self._age = max(1, age)
        self._requests = self._earlier = self._at_tick = self._answers = 0

    def count(self, requests: int, now: float) -> None:
        """
        Count an answer that shows that others have sent so many requests in this window, or more.
        """
        self._answers += 1
        if requests > self._requests:
            self._tick(now)
            self._requests, self._seen = requests, True
        if self._age:  # of what came before the first answer, as much is recent as if it came evenly
            self._earlier = self._at_tick = self._requests - self._requests // self._age
            self._age = 0

    def kept(self, quota: int) -> float:
        """
        Return how many requests of a *quota* stay unspent.
        """
        return quota * (_KEPT if self._seen else _KEPT_ALONE)

    def delay(self, now: float, room: float, in_flight: int) -> float:
        """
        Return the seconds until a request may start, if all processes together have *room* for so many.

        In company, one request is under way at first, and each answer allows one more. If others sent more
        of late than there is room for, pause, and begin with one again.
        """
        if not self._seen:
            return 0.0
        self._tick(now)
        if self._requests - self._earlier > min(room, _CROWD):
            self._answers = 0
            return self._next_tick - now
        return _UNTIL_ANSWER if in_flight > self._answers else 0.0

    def _tick(self, now: float) -> None:
        """
        Forget what others sent before the last tick but one.
        """
        if now >= self._next_tick:
            is_recent = now < self._next_tick + _TICK
            self._earlier = self._at_tick if is_recent else self._requests
            self._at_tick, self._next_tick = self._requests, now + _TICK
