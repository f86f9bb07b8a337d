"""
What the server says is left of a limit.

https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""

import math
import re
from collections.abc import Mapping
from typing import Final

from cftokens._transport.company import Company

LONGEST_WAIT: Final = 3600.0
"""Seconds. A longer window or block is cut to this."""

ROUNDING: Final = 1.0
"""Seconds. The server may round down, so a moment that it names may be this much later."""

_LATE: Final = 10.0
"""Seconds by which a slow answer makes the end of a window seem later."""

_FIRST_ANSWER: Final = 2.0
"""Seconds to wait for the first answer in a window before another request starts."""

_LEFT: Final = re.compile(r"r=(\d{1,9})\s*;\s*t=(\d{1,9})")
_POLICY: Final = re.compile(r"q=(\d{1,9})\s*;\s*w=(\d{1,9})")


class ServerBudget:
    """
    What the last answer says is left in the server's window, less what is not counted yet.

    In a window of which nothing is known, one request starts every two seconds until one of them ends.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._asked_at = -math.inf
        self._is_silent = False
        self._quota = 0
        self._left = 0
        self._sent = 0
        self._uncounted = 0
        self._company = Company()

    def delay(self, now: float, ahead: int) -> float:
        """
        Return the least number of seconds until a request may start, after *ahead* others.
        """
        return self._until - now if now < self._until and self._room() < ahead + 1 else 0.0

    def caution(self, now: float, in_flight: int) -> float:
        """
        Return the seconds for which a request should wait for news of what others send.
        """
        if now < self._until:
            return self._company.delay(now, self._room(), in_flight)
        return 0.0 if self._is_silent else max(0.0, self._asked_at + _FIRST_ANSWER - now)

    def _room(self) -> float:
        return self._left - self._uncounted - self._company.kept(self._quota)

    def start(self, now: float) -> None:
        """
        Count a request that is sent.
        """
        if now >= self._until:
            self._asked_at = now
        self._sent += 1
        self._uncounted += 1

    def learn(self, headers: Mapping[str, str], now: float, in_flight: int) -> None:
        """
        Learn what an answer says is left. If its headers do not say, or there was none, go by our own count.
        """
        if said := _LEFT.findall(headers.get("Ratelimit", "")):
            left, seconds = min((int(left), int(seconds)) for left, seconds in said)
            until = now + min(seconds, LONGEST_WAIT) + ROUNDING
            if now >= self._until or until > self._until + _LATE:
                self._quota, period = _policy(headers, left, seconds)
                self._begin(left, until, in_flight, period - seconds)
            if left <= self._left:  # or it is an older answer that came late
                self._count(left, until, now, in_flight)
        elif now >= self._until:
            self._is_silent = True

    def _begin(self, left: int, until: float, in_flight: int, age: int) -> None:
        self._left, self._until = left, until
        self._sent = 1 + in_flight  # those under way may count in this window, too
        self._asked_at, self._is_silent = -math.inf, False
        self._company.begin(age)

    def _count(self, left: int, until: float, now: float, in_flight: int) -> None:
        self._left, self._uncounted, self._until = left, in_flight, min(self._until, until)
        self._company.count(self._quota - left - self._sent, now)

    def forget_in_flight(self) -> None:
        """
        Wait for no answer to a request under way.
        """
        self._asked_at = -math.inf


def _policy(headers: Mapping[str, str], left: int, seconds: int) -> tuple[int, int]:
    """
    Return the limit, and its period in seconds, that *left* and *seconds* belong to, as far as is known.

    Cloudflare does not give a limit the same name in both headers.
    """
    said = _POLICY.findall(headers.get("Ratelimit-Policy", ""))
    policies = ((int(quota), int(period)) for quota, period in said)
    fitting = [(quota, period) for quota, period in policies if quota >= left and period >= seconds]
    return min(fitting, default=(left + 1, seconds))
