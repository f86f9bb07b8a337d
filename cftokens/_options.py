"""
What a client can be told about trying again and about its pace.
"""

import enum
from typing import Final

import attrs


@attrs.frozen
class Retry:
    """
    How often and how long a request is tried.

    Attributes:
        attempts: The most times a request is sent, the first included.

        first_wait: Seconds before the second attempt. Each further wait is twice as long,
            and each is shortened at random by up to a quarter.

        longest_wait: Seconds that a wait of our own choice never exceeds. A ``Retry-After``
            of Cloudflare's is honoured in full instead.

        budget: Seconds that all waiting for one call may take together.
    """

    attempts: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    first_wait: float = attrs.field(default=0.5, validator=attrs.validators.ge(0))
    longest_wait: float = attrs.field(default=8.0, validator=attrs.validators.ge(0))
    budget: float = attrs.field(default=60.0, validator=attrs.validators.ge(0))


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

    requests: int = attrs.field(default=1200, validator=attrs.validators.ge(1))
    period: float = attrs.field(default=300.0, validator=attrs.validators.gt(0))


class Unset(enum.Enum):
    """
    The type of `UNSET`.
    """

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""Stands for an argument that was not given, where None has a meaning of its own."""
