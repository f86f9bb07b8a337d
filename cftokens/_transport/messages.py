"""
Requests and what comes back, as data. No I/O.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")

LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes of an answer that are read at most. A page of 50 tokens has about 30,000."""

_RAY_ID: Final = re.compile(r"[0-9A-Za-z]{8,32}(-[A-Z]{3,5})?")

# These are made for each request, so they are NamedTuples or plain classes, which take a fraction of the
# time of an attrs class. Those that can hold a secret are not tuples: error trackers open tuples.


class Envelope:
    """
    The members of an answer that carry data.
    """

    __slots__ = ("result", "result_info")

    def __init__(self, result: Any, result_info: Any) -> None:
        self.result = result
        self.result_info = result_info


class Request(NamedTuple, Generic[T]):
    """
    One operation as data.

    Attributes:
        operation: Its name, for the log and the hints.

        path: The path below the base URL, encoded.

        query: Encoded, too.

        decode: Makes the result from an `Envelope`, or raises `Malformed`.

        has_effect: It has an effect, which stays unknown if the answer is lost.

        repeatable: It may be sent again even if an earlier try may have taken effect.

        if_missing: The result if a later try finds no such token.

        if_unknown: What the caller should do if the outcome stays unknown, as a sentence.
    """

    operation: str
    method: str
    path: str
    decode: Callable[[Envelope], T]
    query: str = ""
    body: bytes | None = None
    has_effect: bool = False
    repeatable: bool = True
    if_missing: T | None = None
    if_unknown: str = ""

    @property
    def target(self) -> str:
        """
        The path with the query.
        """
        return f"{self.path}?{self.query}" if self.query else self.path

    def __str__(self) -> str:
        return f"{self.operation} ({self.method} {self.path})"

    def __repr__(self) -> str:
        return f"<Request: {self}>"


class Answer:
    """
    An HTTP answer.

    Attributes:
        body: Bytes, or None if there were more than `LARGEST_BODY`.

        received_on: Unix time.
    """

    __slots__ = ("body", "headers", "received_on", "status")

    def __init__(
        self, status: int, headers: Mapping[str, str], body: bytes | None, received_on: float
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.received_on = received_on

    @property
    def retry_after(self) -> float | None:
        """
        The seconds that ``Retry-After`` asks for, or None.

        It may be a number of seconds, or an HTTP date by the server's own clock.
        """
        value = self.headers.get("Retry-After", "")
        try:
            seconds = float(value)
        except ValueError:
            then = http_date(value)
            if then is None:
                return None
            seconds = then - (http_date(self.headers.get("Date", "")) or self.received_on)
        return max(seconds, 0.0) if math.isfinite(seconds) else None

    @property
    def ray_id(self) -> str | None:
        """
        The ID by which Cloudflare's support finds a request.
        """
        value = self.headers.get("CF-Ray", "")
        return value if _RAY_ID.fullmatch(value) else None

    def __repr__(self) -> str:
        return f"<Answer: {self.status}>"


class NoAnswer(NamedTuple):
    """
    Why there is no answer.

    Attributes:
        reason: The end of a sentence.

        cause: An exception without a secret in it.

        written: The body went out, so the server may have acted on it.
    """

    reason: str
    cause: Exception | None = None
    timed_out: bool = False
    written: bool = True


def http_date(value: str) -> float | None:
    """
    Return the Unix time of an HTTP date, or None if it is not one.

    The oldest of the three formats has no zone and means UTC.
    """
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
