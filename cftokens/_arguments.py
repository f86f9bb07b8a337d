"""
What callers pass becomes what is sent, or a `ValueError` that says what is wrong. No I/O.

Only what the API accepts is sent. A key that we don't know is refused instead of dropped: dropping
a misspelt restriction would widen a grant.
"""

import ipaddress
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

import attrs
from aiohttp import encode_basic_auth
from yarl import URL

from cftokens._options import UNSET, Unset
from cftokens._secret import HiddenProxy, MaskedStr, NotAToken, TokenValue
from cftokens.models import Condition, ConditionRequestIP, PermissionGroup, TokenPolicy

T = TypeVar("T")

PlainPolicy = TokenPolicy | Mapping[str, Any]
"""A policy as a class of ours, or in the API's own JSON shape."""

ConditionArgument = Condition | Mapping[str, Any]
"""A condition as a class of ours, or in the API's own JSON shape."""

LONGEST_NAME: Final = 120
SMALLEST_PAGE: Final = 5
LARGEST_PAGE: Final = 50

_ID = re.compile(r"[0-9a-f]{32}")
_GROUP_KEYS = tuple(field.name for field in attrs.fields(PermissionGroup))
_POLICY_KEYS = tuple(field.name for field in attrs.fields(TokenPolicy))
_NETWORK = r"[0-9a-fA-F:.]+(/[0-9]{1,3})?"
_EXAMPLE_OF_A_POLICY = "what p.allow('DNS Write', on=p.zone(zone_id)) returns"
_REQUEST_IP_KEYS = ("request_ip", "request.ip")


def check_id(value: object, name: str) -> str:
    """
    Return an id that is safe in a URL.

    It is not quoted in the error, because what is taken for an id is now and then a secret.
    """
    if not isinstance(value, str):
        advice = ": pass its id" if isinstance(getattr(value, "id", None), str) else ""
        raise TypeError(f"{name} is a str, not {type(value).__name__}{advice}.")
    if not _ID.fullmatch(value):
        capitals = ", with capitals" if _ID.fullmatch(value.lower()) else ""
        given = "it is empty" if not value else f"these are {len(value)} characters of another form{capitals}"
        raise ValueError(f"{name} is 32 hexadecimal digits in lower case; {given}.")
    return str.__str__(value)


def check_credential(credential: TokenValue | NotAToken | None) -> TokenValue:
    """
    Return what can be a token, and refuse everything else before it is sent anywhere.
    """
    if not isinstance(credential, TokenValue):
        kind = credential.kind if isinstance(credential, NotAToken) else "None"
        raise TypeError(f"api_token is a str or a TokenValue, not {kind}.")
    if problem := _problem_of_credential(credential):
        raise ValueError(f"api_token is not usable: {problem}.")
    return credential


def _problem_of_credential(credential: TokenValue) -> str | None:
    value = credential.reveal()
    checks = {
        "it is empty": not value.strip(),
        "it is what a TokenValue shows; use its reveal()": value.startswith("<TokenValue"),
        "it begins with 'Bearer '; give the token alone": value.strip().lower().startswith("bearer "),
        "it has a line break in it": "\n" in value or "\r" in value,
        "there is white space around or in it": re.search(r"\s", value),
        "there are quotes around it": value[:1] in "'\"`" or value[-1:] in "'\"`",
        "it has characters that no token has": not (value.isascii() and value.isprintable()),
    }
    return next((problem for problem, found in checks.items() if found), None)


def check_base_url(value: str | URL) -> URL:
    """
    Return the address that the credential is sent to, without a slash at its end.
    """
    try:
        url = URL(value)
    except (ValueError, TypeError):
        url = URL()
    if re.search(r"[\x00-\x20\x7f]", str(value)):  # yarl drops some of these, which makes another host
        raise ValueError("base_url is not usable: there is white space around or in it.")
    if problem := _problem_of_base_url(url):
        raise ValueError(f"base_url is not usable: {problem}.")
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


def check_proxy(proxy: object) -> tuple[URL | None, dict[str, str] | None]:
    """
    Part a proxy's address from its password, which would be seen in the reprs of the address.
    """
    if not isinstance(proxy, HiddenProxy):
        return None, None
    try:
        url = URL(proxy.reveal())
        login = None if url.user is None else encode_basic_auth(url.user, url.password or "")
        url = url.with_user(None)
    except (ValueError, TypeError):
        url, login = URL(), None
    if url.scheme not in {"http", "https"} or not _is_host(url.host):
        raise ValueError("proxy is not usable: it is no URL that begins with http:// or https:// and a host.")
    return url, None if login is None else {"Proxy-Authorization": MaskedStr(login)}


def _is_host(host: str | None) -> bool:
    """
    Tell whether a name can be looked up at all, which would otherwise come up within a request.
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


def check_seconds(value: object, name: str) -> float:
    """
    Return a positive, finite number of seconds.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds, not {type(value).__name__}.")
    if not 0 < value <= sys.float_info.max:
        raise ValueError(f"{name} is a positive number of seconds, not {value}.")
    return float(value)


def check_whole_number(value: object, name: str, least: int, most: int | None = None) -> int:
    """
    Return an int that is within its bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is an int, not {type(value).__name__}.")
    if value < least or (most is not None and value > most):
        bounds = f"{least} to {most}" if most is not None else f"{least} or more"
        raise ValueError(f"{name} is {bounds}, not {value}.")
    return value


def check_flag(value: object, name: str) -> str:
    """
    Return a bool as it stands in a query.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{name} is a bool, not {type(value).__name__}.")
    return "true" if value else "false"


def check_choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """
    Return a string that is one of *choices*.
    """
    for choice in choices:
        if value == choice:
            return choice  # and not value: str() of an enum's member is its name
    raise ValueError(f"{name} is {' or '.join(map(repr, choices))}, not {value!r:.40}.")


def check_text(value: object, name: str) -> str:
    """
    Return a string that can be sent.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} is a str, not {type(value).__name__}.")
    if not value:
        raise ValueError(f"{name} is empty.")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} is not valid Unicode.") from None
    return str.__str__(value)


def settings_to_json(
    *,
    name: object | Unset = UNSET,
    condition: ConditionArgument | Unset | None = UNSET,
    expires_on: datetime | Unset | None = UNSET,
    not_before: datetime | Unset | None = UNSET,
    status: str | Unset | None = UNSET,
) -> dict[str, Any]:
    """
    Return all of a token but its policies as the API takes it. What is not given stays away.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    settings = {
        "name": name if isinstance(name, Unset) else check_token_name(name),
        "condition": _unless_empty(condition, condition_to_json),
        "expires_on": _unless_empty(expires_on, partial(date_time, name="expires_on")),
        "not_before": _unless_empty(not_before, partial(date_time, name="not_before")),
        "status": _unless_empty(status, partial(check_choice, name="status", choices=("active", "disabled"))),
    }
    check_order(settings)
    return {key: value for key, value in settings.items() if not isinstance(value, Unset)}


def _unless_empty(value: Any, to_json: Callable[[Any], Any]) -> Any:
    return value if value is None or isinstance(value, Unset) else to_json(value)


def check_order(settings: Mapping[str, Any]) -> None:
    """
    Refuse a token that would never work. Dates in the form of `date_time()` are in order as strings.
    """
    start, end = settings.get("not_before"), settings.get("expires_on")
    if isinstance(start, str) and isinstance(end, str) and end <= start:
        raise ValueError("expires_on is not after not_before, so the token would never work.")


def check_token_name(name: object) -> str:
    """
    Return a name that Cloudflare accepts.
    """
    text = check_text(name, "name")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"name is at most {LONGEST_NAME} characters long; these are {len(text)}.")
    return text


def date_time(value: object, name: str) -> str:
    """
    Return whole seconds in UTC with ``Z``, the only form that is known to be accepted.
    """
    if not isinstance(value, datetime):
        raise TypeError(
            f"{name} is a datetime, not {type(value).__name__}; say datetime.now(UTC) + …, for example."
        )
    if value.utcoffset() is None:
        raise ValueError(f"{name} has no time zone; say datetime.now(UTC), for example.")
    try:
        utc = value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{name} is out of range in UTC.") from None
    return utc.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def list_of_policies(policies: Iterable[T]) -> list[T]:
    """
    Return several policies as a list, and refuse a single one.
    """
    if isinstance(policies, str | Mapping) or not isinstance(policies, Iterable):
        raise TypeError(
            f"policies is a list of policies, not {type(policies).__name__}; put a single one into a list."
        )
    return list(policies)


def policy_to_json(policy: object, where: str) -> dict[str, Any]:
    """
    Return a policy as the API takes it, without what is read-only; a mistake in it is said to be *where*.
    """
    if isinstance(policy, TokenPolicy):
        policy = attrs.asdict(policy, recurse=False)
    members = _check_keys(
        policy,
        where,
        allowed=_POLICY_KEYS,
        needed=("effect", "permission_groups", "resources"),
        example=_EXAMPLE_OF_A_POLICY,
    )
    return {
        "effect": check_choice(members["effect"], f"{where}.effect", ("allow", "deny")),
        "permission_groups": _groups_to_json(members["permission_groups"], f"{where}.permission_groups"),
        "resources": _resources_to_json(members["resources"], f"{where}.resources"),
    }


def _groups_to_json(groups: object, where: str) -> list[dict[str, str]]:
    if isinstance(groups, str | Mapping) or not isinstance(groups, Iterable):
        raise TypeError(f"{where} is a list of groups, not {type(groups).__name__}.")
    checked = [_group_to_json(group, f"{where}[{index}]") for index, group in enumerate(groups)]
    if not checked:
        raise ValueError(f"{where} is empty, so the policy would grant nothing.")
    return checked


def _group_to_json(group: object, where: str) -> dict[str, str]:
    if isinstance(group, PermissionGroup):
        return {"id": check_id(group.id, f"{where}.id")}
    members = _check_keys(group, where, allowed=_GROUP_KEYS, needed=("id",))
    return {"id": check_id(members["id"], f"{where}.id")}


def _resources_to_json(resources: object, where: str) -> dict[str, Any]:
    if not isinstance(resources, Mapping) or not resources:
        raise ValueError(f"{where} is a mapping of at least one resource, such as {{name: '*'}}.")
    return {
        check_text(name, f"a key of {where}"): _names_to_json(leaf, f"{where}[{name!r}]")
        if isinstance(leaf, Mapping)
        else check_text(leaf, f"{where}[{name!r}]")
        for name, leaf in resources.items()
    }


def _names_to_json(names: Mapping[Any, Any], where: str) -> dict[str, str]:
    if not names:
        raise ValueError(f"{where} is empty.")
    return {
        check_text(name, f"a key of {where}"): check_text(leaf, f"{where}[{name!r}]")
        for name, leaf in names.items()
    }


def condition_to_json(condition: ConditionArgument) -> dict[str, Any]:
    """
    Return a condition as the API takes it.

    An empty one is refused: some clients once made it a token that nobody could use, others one
    that everybody could.
    """
    if isinstance(condition, Condition):
        condition = {"request_ip": condition.request_ip}
    members = _check_keys(
        condition, "condition", allowed=_REQUEST_IP_KEYS, example="{'request_ip': {'in': ['192.0.2.0/24']}}"
    )
    given = [key for key in _REQUEST_IP_KEYS if members.get(key) is not None]
    if len(given) != 1:
        raise ValueError("condition needs one request_ip; pass None for a token without conditions.")
    return {"request_ip": _request_ip_to_json(members[given[0]], f"condition.{given[0]}")}


def _request_ip_to_json(request_ip: object, where: str) -> dict[str, list[str]]:
    if isinstance(request_ip, ConditionRequestIP):
        request_ip = {"in": request_ip.in_, "not_in": request_ip.not_in}
    members = _check_keys(request_ip, where, allowed=("in", "not_in"), example="{'in': ['192.0.2.0/24']}")
    lists = {key: _networks(value, f"{where}.{key}") for key, value in members.items() if value is not None}
    if not lists:
        raise ValueError(f"{where} needs networks under 'in' or 'not_in'.")
    return lists


def _networks(networks: object, where: str) -> list[str]:
    if isinstance(networks, str | Mapping) or not isinstance(networks, Iterable):
        raise TypeError(
            f"{where} is a list of networks, such as ['192.0.2.0/24'], not {type(networks).__name__}."
        )
    checked = [_network(network, f"{where}[{index}]") for index, network in enumerate(networks)]
    if not checked:
        raise ValueError(f"{where} is an empty list; leave it out if it is not meant to restrict.")
    return checked


def _network(network: object, where: str) -> str:
    """
    Return a network in CIDR notation as it was written; an address alone becomes a network of one.
    """
    text = str(network)
    address, slash, _ = text.partition("/")
    try:
        ipaddress.ip_network(text, strict=False)
        length = ipaddress.ip_address(address).max_prefixlen
    except ValueError:
        raise ValueError(f"{where} is no address or network: {text[:80]!r}.") from None
    if not re.fullmatch(_NETWORK, text):  # a mask in the place of a length, or a zone of IPv6
        raise ValueError(f"{where} is not in CIDR notation, such as '192.0.2.0/24': {text[:80]!r}.")
    return text if slash else f"{text}/{length}"


def _check_keys(
    value: object,
    where: str,
    *,
    allowed: Iterable[str],
    needed: Iterable[str] = (),
    example: str = "{'id': '…'}",
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise TypeError(f"{where} is a mapping or a class of cftokens, not {kind}; for example {example}.")
    for key in value:
        if key not in allowed:
            known = ", ".join(map(repr, allowed))
            raise ValueError(f"{where} has a key that is not known: {key!r:.40}. Known are {known}.")
    for key in needed:
        if value.get(key) is None:
            raise ValueError(f"{where} has no {key!r}.")
    return value
