"""
The server's clock, by the ``Date`` of its answers and a clock of ours that never jumps.
"""

from collections import deque
from datetime import UTC, datetime
from typing import Final, NamedTuple

from cftokens._transport.messages import http_date

QUICK: Final = 1.0
"""Seconds within which an answer comes that is exact enough."""

_REMEMBERED: Final = 16

_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""Dates beyond it are no clock's, and no lifetime could be added to them."""


class Reading(NamedTuple):
    """
    What the server's clock showed at some moment.
    """

    earliest: float
    """Unix time. The clock showed this or a little more."""

    doubt: float
    """Seconds for which the request was under way that measured it, beside the second that a date hides."""


class ServerClock:
    """
    What the server's clock showed at a moment of ours.

    A ``Date`` has whole seconds, rounded down, and is older than the answer that it comes with. So each
    answer shows how far the server's clock is ahead of ours *at least*; the largest of these is closest.
    """

    def __init__(self) -> None:
        self._heard: deque[tuple[float, float, str]] = deque(maxlen=_REMEMBERED)

    def hear(self, date: str | None, sent: float, received: float) -> None:
        """
        Remember the ``Date`` of an answer.

        Args:
            date: The header, or None.

            sent: When the request was sent, by our clock.

            received: When the headers of its answer arrived.
        """
        if date is not None:
            self._heard.append((received, sent, date))

    def at(self, moment: float) -> Reading | None:
        """
        Return what the server's clock showed at a *moment* of our clock, or None if no answer had a date.

        Answers that arrived before count, and later ones only as far as none of these came quickly: if this
        machine was suspended since, our clock stood still, and later answers would be misleading.
        """
        ahead: list[tuple[float, float]] = []
        for received, sent, date in self._heard:
            if received > moment and any(doubt <= QUICK for _, doubt in ahead):
                break
            if (server := http_date(date)) is not None and server < _LATEST:
                ahead.append((server - received, received - sent))
        if not ahead:
            return None
        seconds, doubt = max(ahead)
        return Reading(moment + seconds, doubt)
