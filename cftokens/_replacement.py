"""
Partial changes, on an API that only replaces: what of a token goes back, and whether it was kept.

All of it works on JSON as it was read. A member that we don't know goes back verbatim, because
dropping it could widen a grant: it may be a new kind of condition.
"""

import ipaddress
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cftokens._options import Unset
from cftokens.models import Condition

READ_ONLY: Final = frozenset(
    {
        "id",
        "issued_on",
        "modified_on",
        "last_used_on",
        "creator_email_at_creation",
        "provisioner_type",
        "provisioner_id",
        "value",
    }
)
"""Members of a token that are Cloudflare's to say."""

_GROUP_READ_ONLY: Final = frozenset({"name", "meta", "scopes", "category", "is_selectable"})
_SETTABLE_STATUS: Final = ("active", "disabled")


def replacement(token: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the body that leaves a token as it is, but for *changes*.

    Args:
        token: As it was read.

        changes: New values in JSON; None for without one, `UNSET` for as it was.
    """
    body = {key: value for key, value in token.items() if key not in READ_ONLY and value is not None}
    body["policies"] = [_writable_policy(policy) for policy in token.get("policies") or []]
    if body.get("status") not in _SETTABLE_STATUS:  # "expired" and its like are Cloudflare's to say
        body.pop("status", None)
    given = {key: value for key, value in changes.items() if not isinstance(value, Unset)}
    return {key: value for key, value in {**body, **given}.items() if value is not None}


def _writable_policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: value for key, value in policy.items() if key != "id"},
        "permission_groups": [
            {key: value for key, value in group.items() if key not in _GROUP_READ_ONLY}
            for group in policy["permission_groups"]
        ],
    }


def not_as_sent(sent: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """
    Return the members of a token that an answer does not show as they were sent.

    Args:
        sent: The body.

        before: The token as it was read; what of it was not sent is to be gone.

        after: The token as it was answered.
    """
    expected = {**dict.fromkeys(before.keys() - READ_ONLY - {"status"}), **sent}
    return sorted(
        key for key, value in expected.items() if _comparable(key, value) != _comparable(key, after.get(key))
    )


def same_condition(a: Condition | None, b: Condition | None) -> bool:
    """
    Tell whether two conditions accept the same addresses, however they are written.
    """
    return bool(_comparable("condition", _as_json(a)) == _comparable("condition", _as_json(b)))


def _as_json(condition: Condition | None) -> Any:
    if condition is None or condition.request_ip is None:
        return None
    networks = {"in": condition.request_ip.in_, "not_in": condition.request_ip.not_in}
    return {"request_ip": {side: list(each) for side, each in networks.items() if each}}


def _comparable(key: str, value: Any) -> Any:
    """
    Return a form in which two values are equal if they mean the same.
    """
    if not says_something(value):
        return None
    if key == "policies":
        return sorted(_canonical(_sorted_groups(_writable_policy(policy))) for policy in value)
    if key in {"expires_on", "not_before"}:
        return _moment(value)
    if key == "condition":
        return _canonical(_condition(value))
    return _canonical(value)


def says_something(value: object) -> bool:
    """
    Tell a value from the empty shells in which a server may say that there is none.
    """
    if isinstance(value, Mapping):
        return any(map(says_something, value.values()))
    return value is not None and value != []


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def _sorted_groups(policy: dict[str, Any]) -> dict[str, Any]:
    return {**policy, "permission_groups": sorted(policy["permission_groups"], key=_canonical)}


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return value


def _condition(condition: Any) -> Any:
    """
    Sort the networks, and write each as a server may: ``request.ip`` is ``request_ip``.
    """
    if not isinstance(condition, Mapping):
        return condition
    return {
        key.replace("request.ip", "request_ip"): {
            side: _networks(each) for side, each in value.items() if each
        }
        if key in {"request_ip", "request.ip"} and isinstance(value, Mapping)
        else value
        for key, value in condition.items()
        if value is not None
    }


def _networks(networks: Any) -> Any:
    return sorted(map(_network, networks)) if isinstance(networks, list) else networks


def _network(network: Any) -> str:
    try:
        return str(ipaddress.ip_network(network, strict=False))
    except ValueError:
        return str(network)
