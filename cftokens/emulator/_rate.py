"""
The rate limit, and the headers that report it.

https://developers.cloudflare.com/fundamentals/api/reference/limits/
"""

import math
from collections.abc import Callable
from email.utils import formatdate

import attrs

from cftokens._settings import RateLimit


@attrs.define
class _Window:
    """
    The requests of one token in the period up to *ends*.
    """

    ends: float
    used: int = 0
    blocked: bool = False


@attrs.frozen
class Reading:
    """
    The state of the limit after a request.

    Attributes:
        at: The time of the request, in Unix seconds.
        limit: The limit that requests count against.
        left: How many requests are left.
        seconds: Seconds until the count restarts.
        refused: Whether the request is over the limit.
    """

    at: float
    limit: RateLimit
    left: int
    seconds: int
    refused: bool = False

    def headers(self) -> dict[str, str]:
        """
        Return the headers that every answer carries.
        """
        headers = {
            "Date": formatdate(self.at, usegmt=True),
            "Ratelimit": f'"default";r={self.left};t={self.seconds}',
            "Ratelimit-Policy": f'"default";q={self.limit.requests};w={math.ceil(self.limit.period)}',
        }
        return headers | {"Retry-After": str(self.seconds)} if self.refused else headers


class Meter:
    """
    A count of each token's requests, in windows that start with a token's first request.

    The first request over the limit blocks its token for a full period from then on.

    Args:
        limit: The limit to enforce; None to count against Cloudflare's default limit and refuse nothing.
        clock: A function that returns the time in Unix seconds.
    """

    def __init__(self, limit: RateLimit | None, clock: Callable[[], float]) -> None:
        self._limit = limit or RateLimit()
        self._enforced = limit is not None
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def count(self, token_id: str | None) -> Reading:
        """
        Count a request of a token. A request without one (None) is not counted.
        """
        now = self._clock()
        if token_id is None:
            return Reading(now, self._limit, self._limit.requests, math.ceil(self._limit.period))
        window = self._window(token_id, now)
        refused = self._use(window, now)
        left = max(0, self._limit.requests - window.used)
        return Reading(now, self._limit, left, math.ceil(window.ends - now), refused)

    def _window(self, token_id: str, now: float) -> _Window:
        window = self._windows.get(token_id)
        if window is None or now >= window.ends:
            window = self._windows[token_id] = _Window(now + self._limit.period)
        return window

    def _use(self, window: _Window, now: float) -> bool:
        refused = self._enforced and window.used >= self._limit.requests
        if refused and not window.blocked:
            window.blocked = True
            window.ends = now + self._limit.period
        window.used += not refused
        return refused
