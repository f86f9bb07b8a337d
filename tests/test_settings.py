"""
The settings for retries and for the pace.
"""

import math
from typing import Any

import attrs
import pytest

from cftokens import UNSET, RateLimit, Retry, Unset


def test_the_defaults_are_the_published_ones() -> None:
    """
    Three tries, a minute of waiting, and Cloudflare's limit for one token.
    """
    assert Retry() == Retry(attempts=3, first_wait=0.5, longest_wait=8.0, budget=60.0)
    assert RateLimit() == RateLimit(requests=1200, period=300.0)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        *((lambda value: Retry(attempts=value), value) for value in (0, -1)),
        *((lambda value: Retry(first_wait=value), value) for value in (-0.1, math.nan, math.inf, -math.inf)),
        *((lambda value: Retry(longest_wait=value), value) for value in (-1, math.nan)),
        *((lambda value: Retry(budget=value), value) for value in (-1, math.nan)),
        *((lambda value: RateLimit(requests=value), value) for value in (0, -1)),
        *(
            (lambda value: RateLimit(period=value), value)
            for value in (0, -1.0, math.nan, math.inf, -math.inf)
        ),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(make: Any, value: float) -> None:
    """
    A number that is too small, not a number, or infinite without a meaning, is a ValueError.
    """
    with pytest.raises(ValueError, match=str(value)):
        make(value)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda value: Retry(first_wait=value), "first_wait"),
        (lambda value: Retry(longest_wait=value), "longest_wait"),
        (lambda value: Retry(budget=value), "budget"),
        (lambda value: RateLimit(period=value), "period"),
    ],
)
@pytest.mark.parametrize("digits", [309, 400, 5000])
def test_a_duration_beyond_floats_is_refused(make: Any, name: str, digits: int) -> None:
    """
    An int that no float can hold is a ValueError here, not an OverflowError in the middle of a request.
    """
    with pytest.raises(ValueError, match=f"^{name} must be a number of seconds that fits in a float"):
        make(10**digits)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Retry(first_wait=0, longest_wait=0, budget=0),
        lambda: Retry(budget=math.inf),
        lambda: Retry(longest_wait=math.inf),
        lambda: Retry(first_wait=1e308, longest_wait=10**308, budget=10**308),
    ],
)
def test_waits_can_be_zero_or_unlimited(make: Any) -> None:
    """
    Zero switches waiting off, and infinity lifts the limit.
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
    A bool, None or a string is not a number.
    """
    with pytest.raises(TypeError, match=f"^{problem}, not {type(value).__name__}\\.$"):
        make(value)


@pytest.mark.parametrize("make", [lambda: Retry(attempts=2.5), lambda: RateLimit(requests=1e3)])  # type: ignore[arg-type]
def test_a_count_is_whole(make: Any) -> None:
    """
    A float is a TypeError, even if its value is whole.
    """
    with pytest.raises(TypeError, match="must be an int, not float"):
        make()


@pytest.mark.parametrize("settings", [Retry(), RateLimit()])
def test_settings_are_frozen(settings: Any) -> None:
    """
    They cannot be changed, so clients can share them.
    """
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        settings.attempts = 5


def test_unset_says_its_name() -> None:
    """
    Signatures show this default as UNSET.
    """
    assert repr(UNSET) == "UNSET"
    assert isinstance(UNSET, Unset)
