"""
The queue of the requests that wait for a turn.
"""

import asyncio
import heapq
import math
from collections import OrderedDict


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
