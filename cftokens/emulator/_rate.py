"""
The rate limits of tokens and addresses, and the headers that report them.

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
    The requests of one caller in the period up to *ends*.
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
        name: The name of the limit in the headers.
    """

    at: float
    limit: RateLimit
    left: int
    seconds: int
    refused: bool = False
    name: str = "default"

    def headers(self) -> dict[str, str]:
        """
        Return the headers that every answer carries.
        """
        headers = {
            "Date": formatdate(self.at, usegmt=True),
            "Ratelimit": f'"{self.name}";r={self.left};t={self.seconds}',
            "Ratelimit-Policy": f'"{self.name}";q={self.limit.requests};w={math.ceil(self.limit.period)}',
        }
        return headers | {"Retry-After": str(self.seconds)} if self.refused else headers


class Limits:
    """
    The limit of each token and, if there is one, that of each address.

    Only a request over the limit of its address gets the headers of that limit (*chosen*). It does not
    count for its token.

    Args:
        rate_limit: The limit of each token, as in a Meter.
        burst_limit: The limit of each address; None for no limit.
        clock: A function that returns the time in Unix seconds.
    """

    def __init__(
        self, rate_limit: RateLimit | None, burst_limit: RateLimit | None, clock: Callable[[], float]
    ) -> None:
        self._of_tokens = Meter(rate_limit, clock)
        self._of_addresses = None if burst_limit is None else Meter(burst_limit, clock)

    def reset(self) -> None:
        """
        Forget all requests.
        """
        self._of_tokens.reset()
        if self._of_addresses is not None:
            self._of_addresses.reset()

    def count(self, token_id: str | None, address: str) -> Reading:
        """
        Count a request of a token (None for a request without one) from an address.
        """
        burst = self._of_addresses and self._of_addresses.count(address)
        if burst and burst.refused:
            return attrs.evolve(burst, name="burst")
        return self._of_tokens.count(token_id)


class Meter:
    """
    A count of each caller's requests, in windows that start with a caller's first request.

    The first request over the limit blocks its caller for a full period from then on. Callers are told apart
    by a token's id or an address.

    Args:
        limit: The limit to enforce; None to count against Cloudflare's default limit and refuse nothing.
        clock: A function that returns the time in Unix seconds.
    """

    def __init__(self, limit: RateLimit | None, clock: Callable[[], float]) -> None:
        self._limit = limit or RateLimit()
        self._enforced = limit is not None
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def reset(self) -> None:
        """
        Forget all requests.
        """
        self._windows.clear()

    def count(self, caller: str | None) -> Reading:
        """
        Count a request of a caller. One of an unknown caller (None) is not counted.
        """
        now = self._clock()
        if caller is None:
            return Reading(now, self._limit, self._limit.requests, math.ceil(self._limit.period))
        window = self._window(caller, now)
        refused = self._use(window, now)
        left = max(0, self._limit.requests - window.used)
        return Reading(now, self._limit, left, math.ceil(window.ends - now), refused)

    def _window(self, caller: str, now: float) -> _Window:
        window = self._windows.get(caller)
        if window is None or now >= window.ends:
            window = self._windows[caller] = _Window(now + self._limit.period)
        return window

    def _use(self, window: _Window, now: float) -> bool:
        refused = self._enforced and window.used >= self._limit.requests
        if refused and not window.blocked:
            window.blocked = True
            window.ends = now + self._limit.period
        window.used += not refused
        return refused
