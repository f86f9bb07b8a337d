"""
Validation of the body of a create or update.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/create/
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import attrs

from cftokens.emulator import _refusals
from cftokens.emulator._policies import read_policies
from cftokens.emulator._shapes import a_list, a_text, an_object
from cftokens.emulator._state import Fields, Policy
from cftokens.emulator._values import Kind

LONGEST_NAME: Final = 120
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")
_TIME_RULE: Final = "must be a date-time with whole seconds and an offset, like 2018-07-01T05:20:00Z"


def read_json(body: bytes) -> dict[str, Any]:
    """
    Return the JSON object in a body.
    """
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise _refusals.malformed_json() from None
    return an_object(content, "")


def read_creation(body: bytes, kind: Kind) -> Fields:
    """
    Return the fields of a new token. A status in the body is ignored.
    """
    content = read_json(body)
    return _read_fields(content, read_policies(content.get("policies"), kind, fresh=True))


def read_update(body: bytes, kind: Kind) -> Fields:
    """
    Return the fields that replace a token's. Omitted ones are unset, except the status.
    """
    content = read_json(body)
    fields = _read_fields(content, read_policies(content.get("policies"), kind, fresh=False))
    return attrs.evolve(fields, disabled=_read_status(content))


def _read_fields(content: Mapping[str, Any], policies: tuple[Policy, ...]) -> Fields:
    return Fields(
        name=_read_name(content),
        policies=policies,
        condition=_read_condition(content.get("condition")),
        expires_on=_read_time(content.get("expires_on"), "/expires_on"),
        not_before=_read_time(content.get("not_before"), "/not_before"),
    )


def _read_name(content: Mapping[str, Any]) -> str:
    name = a_text(content.get("name"), "/name")
    if not 1 <= len(name) <= LONGEST_NAME:
        raise _refusals.bad_name()
    return name


def _read_status(content: Mapping[str, Any]) -> bool | None:
    if "status" not in content:
        return None
    if content["status"] not in ("active", "disabled"):
        raise _refusals.rule_broken("status must be one of active, disabled", "/status")
    return bool(content["status"] == "disabled")


def _read_time(text: Any, pointer: str) -> datetime | None:
    if text is None:
        return None
    if not _TIME.fullmatch(a_text(text, pointer)):
        raise _refusals.rule_broken(_TIME_RULE, pointer)
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _refusals.rule_broken(_TIME_RULE, pointer) from None


def _read_condition(condition: Any) -> dict[str, Any] | None:
    """
    Return the condition in its current form. The old key ``request.ip`` is also accepted.
    """
    if condition is None or condition == {}:
        return None
    given = an_object(condition, "/condition")
    if len(given) != 1 or not given.keys() <= {"request_ip", "request.ip"}:
        raise _refusals.rule_broken("only request_ip is known", "/condition")
    return {"request_ip": _read_addresses(*given.values())}


def _read_addresses(request_ip: Any) -> dict[str, Any]:
    pointer = "/condition/request_ip"
    given = an_object(request_ip, pointer)
    if not given.keys() <= {"in", "not_in"}:
        raise _refusals.rule_broken("only in and not_in are known", pointer)
    for side, networks in given.items():
        for index, network in enumerate(a_list(networks, f"{pointer}/{side}")):
            _check_network(network, f"{pointer}/{side}/{index}")
    return given


def _check_network(network: Any, pointer: str) -> None:
    text = a_text(network, pointer)
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        text = ""
    if "/" not in text:
        raise _refusals.rule_broken("must be a network in CIDR notation, like 192.0.2.1/32", pointer)
