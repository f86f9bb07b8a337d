"""
Partial changes on an API that only replaces: makes the body, and compares the answer with it.

This works on JSON as it was read. An unknown member is sent back verbatim: it may be a new kind of
condition, and dropping it could widen a grant.
"""

import ipaddress
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cftokens._converter import unstructure
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
"""Members of a token that only Cloudflare sets."""

_GROUP_READ_ONLY: Final = frozenset({"name", "meta", "scopes", "category", "is_selectable"})
_SETTABLE_STATUS: Final = ("active", "disabled")


def replacement(token: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the body that makes *changes* to a token, and no others.

    Args:
        token: The token as it was read.

        changes: New values in JSON; None removes a field.
    """
    body = {key: value for key, value in token.items() if key not in READ_ONLY and value is not None}
    body["policies"] = [_writable_policy(policy) for policy in token.get("policies") or []]
    if body.get("status") not in _SETTABLE_STATUS:  # only Cloudflare sets "expired" and the like
        body.pop("status", None)
    return {key: value for key, value in {**body, **changes}.items() if value is not None}


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
    Return the members of a token that differ between what was sent and the answer.

    Args:
        sent: The body.

        before: The token as it was read. Its members that were not sent should be removed.

        after: The token in the answer.
    """
    expected = {**dict.fromkeys(before.keys() - READ_ONLY - {"status"}), **sent}
    return sorted(
        key for key, value in expected.items() if _comparable(key, value) != _comparable(key, after.get(key))
    )


def same_condition(a: Condition | None, b: Condition | None) -> bool:
    """
    Return whether two conditions allow the same addresses.
    """
    return bool(_comparable("condition", unstructure(a)) == _comparable("condition", unstructure(b)))


def _comparable(key: str, value: Any) -> Any:
    """
    Return a form in which values that mean the same are equal.
    """
    if not is_set(value):
        return None
    if key == "policies":
        return sorted(_canonical(_sorted_groups(_writable_policy(policy))) for policy in value)
    if key in {"expires_on", "not_before"}:
        return _moment(value)
    if key == "condition":
        return _canonical(_condition(value))
    return _canonical(value)


def is_set(value: object) -> bool:
    """
    Return whether a value is set. For one that is not, a server may send null or an empty shell.
    """
    if isinstance(value, Mapping):
        return any(map(is_set, value.values()))
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
    Sort the networks and write them uniformly; ``request.ip`` is ``request_ip``.
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
