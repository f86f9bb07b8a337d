"""
What a client can be told about trying again and about its pace.
"""

import math
from typing import Any

import attrs
import pytest

from cftokens import UNSET, RateLimit, Retry, Unset


def test_the_defaults_are_the_published_ones() -> None:
    """
    Three attempts within a minute, and Cloudflare's limit for one token.
    """
    assert Retry() == Retry(attempts=3, first_wait=0.5, longest_wait=8.0, budget=60.0)
    assert RateLimit() == RateLimit(requests=1200, period=300.0)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        *((lambda value: Retry(attempts=value), value) for value in (0, -1)),
        *((lambda value: Retry(first_wait=value), value) for value in (-0.1, math.nan)),
        *((lambda value: Retry(longest_wait=value), value) for value in (-1, math.nan)),
        *((lambda value: Retry(budget=value), value) for value in (-1, math.nan)),
        *((lambda value: RateLimit(requests=value), value) for value in (0, -1)),
        *((lambda value: RateLimit(period=value), value) for value in (0, -1.0, math.nan)),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(make: Any, value: float) -> None:
    """
    Too small a number, and NaN, are a ValueError.
    """
    with pytest.raises(ValueError, match=str(value)):
        make(value)


@pytest.mark.parametrize(
    "make", [lambda: Retry(first_wait=0, longest_wait=0, budget=0), lambda: Retry(budget=math.inf)]
)
def test_no_wait_and_no_end_are_possible(make: Any) -> None:
    """
    Waiting can be switched off, or be without a limit.
    """
    assert isinstance(make(), Retry)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda value: Retry(attempts=value), "attempts must be an int"),
        (lambda value: Retry(first_wait=value), "first_wait must be a number of seconds"),
        (lambda value: Retry(longest_wait=value), "longest_wait must be a number of seconds"),
        (lambda value: Retry(budget=value), "budget must be a number of seconds"),
        (lambda value: RateLimit(requests=value), "requests must be an int"),
        (lambda value: RateLimit(period=value), "period must be a number of seconds"),
    ],
)
@pytest.mark.parametrize("value", [True, None, "3"])
def test_another_type_is_a_type_error(make: Any, problem: str, value: object) -> None:
    """
    A bool, None or a string is no number.
    """
    with pytest.raises(TypeError, match=f"^{problem}, not {type(value).__name__}\\.$"):
        make(value)


@pytest.mark.parametrize("make", [lambda: Retry(attempts=2.5), lambda: RateLimit(requests=1e3)])  # type: ignore[arg-type]
def test_a_count_is_whole(make: Any) -> None:
    """
    Two and a half attempts would never be over.
    """
    with pytest.raises(TypeError, match="must be an int, not float"):
        make()


@pytest.mark.parametrize("options", [Retry(), RateLimit()])
def test_options_are_frozen(options: Any) -> None:
    """
    Clients can share them.
    """
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        options.attempts = 5


def test_unset_says_its_name() -> None:
    """
    A default that stands for nothing reads well in a signature.
    """
    assert repr(UNSET) == "UNSET"
    assert isinstance(UNSET, Unset)
