"""
A client's settings: retries, pace, and checks of the credential, the base URL and the proxy.
"""

import asyncio
import enum
import ipaddress
import math
import os
import random
import re
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import attrs
from aiohttp import encode_basic_auth
from yarl import URL

from cftokens._secret import HiddenProxy, MaskedStr, NotAToken, TokenValue


def _check_count(_: object, field: "attrs.Attribute[int]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{field.name} must be an int, not {type(value).__name__}.")
    if value < 1:
        raise ValueError(f"{field.name} must be 1 or more, not {value}.")


def _check_duration(_: object, field: "attrs.Attribute[float]", value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{field.name} must be a number of seconds, not {type(value).__name__}.")
    if not value >= 0:
        raise ValueError(f"{field.name} must be 0 seconds or more, not {value}.")
    if sys.float_info.max < value < math.inf:  # an int; arithmetic with it would be an OverflowError
        raise ValueError(f"{field.name} must be a number of seconds that fits in a float.")


def _check_finite(_: object, field: "attrs.Attribute[float]", value: float) -> None:
    if math.isinf(value):
        raise ValueError(f"{field.name} must be a finite number of seconds, not {value}.")


@attrs.frozen
class Retry:
    """
    How often a request is tried, and how long the waits between tries are.

    Attributes:
        attempts: The most tries, including the first.

        first_wait: Seconds before the second try. Each further wait is twice as long, and each is
            shortened at random by up to a quarter.

        longest_wait: The longest wait in seconds. A ``Retry-After`` from Cloudflare is honoured in
            full, even if it is longer. ``math.inf`` for no limit.

        budget: The most seconds that one call may spend waiting. ``math.inf`` for no limit: then a
            call may wait for as long as Cloudflare says.
    """

    attempts: int = attrs.field(default=3, validator=_check_count)
    first_wait: float = attrs.field(default=0.5, validator=[_check_duration, _check_finite])
    longest_wait: float = attrs.field(default=8.0, validator=_check_duration)
    budget: float = attrs.field(default=60.0, validator=_check_duration)


def longest_wait(retry: Retry, failed: int) -> float:
    """
    Return the seconds before the next try, after so many that failed, not yet shortened at random.
    """
    return min(retry.first_wait * 2.0 ** min(failed - 1, 64), retry.longest_wait)


@attrs.frozen
class RateLimit:
    """
    How many requests a client may send in how many seconds.

    The default is Cloudflare's published limit for one token.

    https://developers.cloudflare.com/fundamentals/api/reference/limits/

    Attributes:
        requests: The most requests in one *period*.

        period: The length of a period in seconds.
    """

    requests: int = attrs.field(default=1200, validator=_check_count)
    period: float = attrs.field(
        default=300.0, validator=[_check_duration, _check_finite, attrs.validators.gt(0)]
    )


class Timing(NamedTuple):
    """
    How a client reads the time, waits, and spreads its waits.
    """

    clock: Callable[[], float] = time.monotonic
    """Returns seconds that never decrease."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for a number of seconds."""

    spread: Callable[[], float] = random.random
    """Returns a number from 0 to 1 that keeps clients from retrying in step."""


class Unset(enum.Enum):
    """
    The type of `UNSET`.
    """

    UNSET = "UNSET"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET
"""The default of an argument for which None has a meaning of its own."""


def check_credential(credential: object, name: str = "api_token") -> TokenValue:
    """
    Return a credential that could be a token. Anything else is refused before it is sent.
    """
    if not isinstance(credential, TokenValue):
        kind = credential.kind if isinstance(credential, NotAToken) else "None"
        raise TypeError(f"{name} must be a str or a TokenValue, not {kind}.")
    if problem := problem_of_credential(credential):
        raise ValueError(f"{name} cannot be used: {problem}.")
    return credential


_CREDENTIAL: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""https://www.rfc-editor.org/rfc/rfc6750#section-2.1"""


def problem_of_credential(credential: TokenValue) -> str | None:
    """
    Return why a credential cannot be a token, or None.
    """
    value = credential.reveal()
    checks = {
        "it is empty": not value.strip(),
        "it is the repr of a TokenValue; pass its reveal()": value.startswith("<TokenValue"),
        "it begins with 'Bearer '; pass the token alone": value.strip().lower().startswith("bearer "),
        "it has a line break in it": "\n" in value or "\r" in value,
        "it has white space in or around it": re.search(r"\s", value),
        "it has quotes around it": value[:1] in "'\"`" or value[-1:] in "'\"`",
        "it has characters that no token has": not _CREDENTIAL.fullmatch(value),
    }
    return next((problem for problem, found in checks.items() if found), None)


def check_base_url(value: str | URL) -> URL:
    """
    Return the URL that the credential is sent to, without a trailing slash.
    """
    try:
        url = URL(value)
    except (ValueError, TypeError):
        url = URL()
    if re.search(r"[\x00-\x20\x7f]", str(value)):  # yarl drops some of these, which gives another host
        raise ValueError("base_url cannot be used: it has white space in or around it.")
    if problem := _problem_of_base_url(url):
        raise ValueError(f"base_url cannot be used: {problem}.")
    return url.with_path(url.raw_path.rstrip("/"), encoded=True)


def _problem_of_base_url(url: URL) -> str | None:
    if url.scheme not in {"http", "https"} or not url.host or not _is_host(url.host):
        return "it does not begin with https:// and a host"
    if url.raw_user is not None or url.raw_password is not None:
        return "it has a user or password in it"
    if url.raw_query_string or url.raw_fragment:
        return "it has a query or a fragment"
    if url.scheme == "http" and not _is_loopback(url.host):
        return "the credential would travel unencrypted; only a loopback address may use http://"
    return None


class _FoundProxy(NamedTuple):
    """
    A proxy that the environment names.
    """

    variable: str
    url: HiddenProxy


@attrs.frozen
class Proxy:
    """
    The proxy that a client uses, if any.
    """

    url: URL | None = None

    headers: dict[str, str] | None = attrs.field(default=None, repr=False)
    """Its login."""

    unused: str | None = None
    """The variable that names a proxy which is not used."""


def choose_proxy(proxy: object, base_url: URL, *, trust_env: bool) -> Proxy:
    """
    Return the proxy that was given, or else the environment's if that is to be trusted.
    """
    if isinstance(proxy, HiddenProxy):
        return Proxy(*check_proxy(proxy, base_url))
    found = _find_proxy(base_url)
    if found is None:
        return Proxy()
    if not trust_env:
        return Proxy(unused=found.variable)
    return Proxy(*check_proxy(found.url, base_url, found.variable))


def _find_proxy(base_url: URL) -> _FoundProxy | None:
    """
    Return the proxy that the environment names for a URL, or None, by the rules of `urllib.request`.
    """
    proxies = {scheme: HiddenProxy(_with_scheme(url)) for scheme, url in urllib.request.getproxies().items()}
    url = proxies.get(base_url.scheme)
    if url is None or urllib.request.proxy_bypass(base_url.raw_authority):
        return None
    name = f"{base_url.scheme}_proxy"
    set_as = {each for each in os.environ if each.lower() == name and os.environ[each]}
    # Lower case counts more. macOS and Windows have settings beside the variables.
    return _FoundProxy(max(set_as, default="the system's proxy"), url)


def _with_scheme(url: str) -> str:
    return url if "://" in url else f"http://{url}"


def check_proxy(proxy: HiddenProxy, base_url: URL, name: str = "proxy") -> tuple[URL, dict[str, str] | None]:
    """
    Return a proxy's URL without its password, and the header that carries the password.
    """
    try:
        url = URL(proxy.reveal())
        login = None if url.user is None else MaskedStr(encode_basic_auth(url.user, url.password or ""))
        url = url.with_user(None)
    except (ValueError, TypeError):
        url, login = URL(), None
    if problem := _problem_of_proxy(url, base_url):
        raise ValueError(f"{name} cannot be used: {problem}.")
    return url, None if login is None else {"Proxy-Authorization": login}


def _problem_of_proxy(url: URL, base_url: URL) -> str | None:
    if url.scheme not in {"http", "https"} or not url.host or not _is_host(url.host):
        return "it does not begin with http:// or https:// and a host"
    if base_url.scheme == "http" and not _is_loopback(url.host):
        return "the credential would reach it unencrypted; with an http:// base_url it must be on loopback"
    return None


def _is_host(host: str | None) -> bool:
    """
    Return whether a name can be looked up. If not, aiohttp would fail in the middle of a request.
    """
    try:
        return bool(host) and bool(str(host).encode("idna"))
    except UnicodeError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
