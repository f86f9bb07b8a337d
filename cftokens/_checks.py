"""
Checks of single values: ids, text, numbers, dates and networks.
"""

import ipaddress
import re
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cftokens._secret import quoted

LONGEST_NAME: Final = 120

LONGEST_DURATION: Final = timedelta(days=36525)
"""A hundred years, so that no date in reach overflows."""

_ID: Final = re.compile(r"[0-9a-f]{32}")
_JURISDICTION: Final = re.compile(r"[a-z][a-z0-9-]{0,30}")
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]+")
_NETWORK: Final = re.compile(r"[0-9a-fA-F:.]+(/[0-9]{1,3})?")


def is_id(value: str) -> bool:
    """
    Return whether a text has the form of an id.
    """
    return _ID.fullmatch(value) is not None


def check_id(value: object, name: str) -> str:
    """
    Return an id that is safe in a URL.

    The error does not quote the value, because callers sometimes pass a secret in its place.
    """
    if not isinstance(value, str):
        advice = "; pass its id" if isinstance(getattr(value, "id", None), str) else ""
        raise TypeError(f"{name} must be a str, not {type(value).__name__}{advice}.")
    if not _ID.fullmatch(value):
        raise ValueError(f"{name} must be 32 lower-case hexadecimal digits; got {_instead_of_an_id(value)}.")
    return str.__str__(value)


def _instead_of_an_id(value: str) -> str:
    if not value:
        return "an empty string"
    if _HEXADECIMAL.fullmatch(value):
        return f"{len(value)} digits"
    if _ID.fullmatch(value.lower()):
        return "capital letters"
    if len(value) == 1:
        return "a single character"
    return f"{len(value)} characters that are not all hexadecimal digits"


def check_text(value: object, name: str) -> str:
    """
    Return a string that is not empty and can be encoded.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}.")
    if not value:
        raise ValueError(f"{name} must not be empty.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be valid Unicode.") from None
    return str.__str__(value)


def check_jurisdiction(value: object) -> str:
    """
    Return the name of a jurisdiction that is safe in a host name.
    """
    text = check_text(value, "jurisdiction")
    if not _JURISDICTION.fullmatch(text):
        raise ValueError(f"jurisdiction must be a word such as 'default' or 'eu', not {quoted(text, 40)}.")
    return text


def check_token_name(value: object) -> str:
    """
    Return a token's name that Cloudflare accepts.
    """
    text = check_text(value, "name")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"name must be at most {LONGEST_NAME} characters long; got {len(text)}.")
    return text


def check_choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """
    Return the one of *choices* that *value* equals.
    """
    for choice in choices:
        if value == choice:
            return choice  # not value: str() of an enum member is its name
    raise ValueError(f"{name} must be {' or '.join(map(repr, choices))}, not {quoted(value, 40)}.")


def check_flag(value: object, name: str) -> str:
    """
    Return a bool as it is written in a query.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be a bool, not {type(value).__name__}.")
    return "true" if value else "false"


def check_whole_number(value: object, name: str, least: int, most: int | None = None) -> int:
    """
    Return an int within its bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} must be an int, not {type(value).__name__}.")
    if value < least or (most is not None and value > most):
        bounds = f"between {least} and {most}" if most is not None else f"{least} or more"
        raise ValueError(f"{name} must be {bounds}, not {value}.")
    return value


def check_seconds(value: object, name: str) -> float:
    """
    Return a positive, finite number of seconds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} must be a number of seconds, not {type(value).__name__}.")
    if not 0 < value <= sys.float_info.max:
        raise ValueError(f"{name} must be a positive number of seconds, not {value}.")
    return float(value)


def check_date_time(value: object, name: str) -> datetime:
    """
    Return an aware date-time as whole seconds in UTC, the only form known to be accepted.
    """
    if not isinstance(value, datetime):
        raise TypeError(
            f"{name} must be a datetime, such as datetime.now(UTC) + timedelta(hours=1), "
            f"not {type(value).__name__}."
        )
    if value.utcoffset() is None:
        raise ValueError(f"{name} must have a time zone; datetime.now(UTC) has one.")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} is out of range in UTC.") from None
    return datetime(utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second, tzinfo=UTC)


def check_duration(value: object, name: str, least: timedelta) -> timedelta:
    """
    Return a duration in whole seconds that is not below its bound.
    """
    if not isinstance(value, timedelta):
        raise TypeError(
            f"{name} must be a timedelta, such as timedelta(hours=1), not {type(value).__name__}."
        )
    if not least <= value <= LONGEST_DURATION:
        raise ValueError(f"{name} must be between {least} and {LONGEST_DURATION.days} days, not {value}.")
    return timedelta(seconds=value // timedelta(seconds=1))


def check_moment(value: datetime | None, name: str) -> datetime:
    """
    Return an aware date-time; None is now, by this machine's clock.
    """
    if value is None:
        return datetime.now(UTC)
    check_date_time(value, name)
    return value


def check_network(value: object, name: str) -> str:
    """
    Return a network in CIDR notation as it was written; an address becomes a network of one.
    """
    text = str(value)
    address, slash, _ = text.partition("/")
    try:
        ipaddress.ip_network(text, strict=False)
        length = ipaddress.ip_address(address).max_prefixlen
    except ValueError:
        raise ValueError(f"{name} must be an address or a network, not {quoted(text)}.") from None
    if not _NETWORK.fullmatch(text):  # a mask in place of a length, or an IPv6 zone
        raise ValueError(f"{name} must be in CIDR notation, such as '192.0.2.0/24', not {quoted(text)}.")
    return text if slash else f"{text}/{length}"


def check_several(values: Iterable[Any], name: str, what: str) -> list[Any]:
    """
    Return several values as a list. A string or a mapping is refused, because it is a single value.
    """
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be a list of {what}, not {type(values).__name__}.")
    return list(values)
