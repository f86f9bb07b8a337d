"""
What a client can be told about trying again and about its pace.
"""

import enum
from typing import Any, Final

import attrs


def _check_whole(_: object, field: "attrs.Attribute[int]", value: Any) -> None:
    """
    Refuse what no count of attempts would ever be equal to.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field.name} is an int, not {type(value).__name__}.")
    if value < 1:
        raise ValueError(f"{field.name} is 1 or more, not {value}.")


def _check_seconds(_: object, field: "attrs.Attribute[float]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{field.name} is a number of seconds, not {type(value).__name__}.")
    if not value >= 0:
        raise ValueError(f"{field.name} is 0 seconds or more, not {value}.")


@attrs.frozen
class Retry:
    """
    How often and how long a request is tried.

    Attributes:
        attempts: The most times that we send a request, the first included.

        first_wait: Seconds before the second attempt. Each further wait is twice as long,
            and each is shortened at random by up to a quarter.

        longest_wait: Seconds that a wait of our own choice never exceeds. A ``Retry-After``
            of Cloudflare's is honoured in full instead.

        budget: Seconds that all waiting for one call may take together.
    """

    attempts: int = attrs.field(default=3, validator=_check_whole)
    first_wait: float = attrs.field(default=0.5, validator=_check_seconds)
    longest_wait: float = attrs.field(default=8.0, validator=_check_seconds)
    budget: float = attrs.field(default=60.0, validator=_check_seconds)


@attrs.frozen
class RateLimit:
    """
    How many requests a client may send in how many seconds.

    The default is Cloudflare's published limit for one token.
    https://developers.cloudflare.com/fundamentals/api/reference/limits/

    Attributes:
        requests: The most requests in one *period*.

        period: Its length in seconds.
    """

    requests: int = attrs.field(default=1200, validator=_check_whole)
    period: float = attrs.field(default=300.0, validator=[_check_seconds, attrs.validators.gt(0)])


class Unset(enum.Enum):
    """
    The type of `UNSET`.
    """

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Stands for an argument that was not given, where None has a meaning of its own."""
