"""
Partial changes on an API that only replaces: makes the body, and compares the answer with it.

This works on JSON as it was read. An unknown member is sent back verbatim: it may be a new kind of
condition, and dropping it could widen a grant.
"""

import ipaddress
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from cftokens._access import paths_of
from cftokens._converter import is_set
from cftokens.models import Condition, ConditionRequestIP

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
_OPTIONAL: Final = ("policies", "condition", "expires_on", "not_before")
_REQUEST_IP_KEYS: Final = ("request_ip", "request.ip")
_SIDES: Final = ("in", "not_in")
_POLICY_KEYS: Final = ("effect", "permission_groups", "resources")

Json = Mapping[str, Any]


def replacement(token: Json, changes: Json) -> dict[str, Any]:
    """
    Return the body that makes *changes* to a token, and no others.

    Args:
        token: The token as it was read.

        changes: New values in JSON; None removes a field.
    """
    body = {key: value for key, value in token.items() if key not in READ_ONLY and value is not None}
    if "policies" in body:
        body["policies"] = [_writable_policy(policy) for policy in body["policies"]]
    if body.get("status") not in _SETTABLE_STATUS:  # only Cloudflare sets "expired" and the like
        body.pop("status", None)
    return {key: value for key, value in {**body, **changes}.items() if value is not None}


def _writable_policy(policy: Json) -> dict[str, Any]:
    groups = [_without(group, _GROUP_READ_ONLY) for group in policy["permission_groups"]]
    return {**_without(policy, ("id",)), "permission_groups": groups}


def not_as_sent(sent: Json, before: Json, after: Json) -> list[str]:
    """
    Return the members of a token that differ between what was sent and the answer.

    - What was sent must be there, and mean the same.
    - What was not sent must not be there, if it can be set or was there before.
    - What Cloudflare adds does not matter.

    Args:
        sent: The body.

        before: The token as it was read, or an empty mapping if there was none.

        after: The token in the answer.
    """
    had = [key for key, value in before.items() if key not in {*READ_ONLY, "status"} and is_set(value)]
    expected = {**dict.fromkeys([*_OPTIONAL, *had]), **sent}
    return sorted(key for key, value in expected.items() if not _is_same(key, value, after.get(key)))


def are_alike(a: Json, b: Json) -> bool:
    """
    Return whether two bodies mean the same.
    """
    return is_as_wanted(a, b) and is_as_wanted(b, a)


def is_as_wanted(wanted: Json, token: Json) -> bool:
    """
    Return whether a token that was read has what a body would set.

    Numbers count, too: nothing was sent since it was read, so one that differs is no counter that has moved.
    """
    try:
        return not not_as_sent(_with_exact_numbers(wanted), {}, _with_exact_numbers(token))
    except RecursionError:
        return False


def _with_exact_numbers(value: Any) -> Any:
    """
    Return JSON with numbers as text, which is compared exactly.
    """
    if isinstance(value, Mapping):
        return {key: _with_exact_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_exact_numbers(item) for item in value]
    return f"the number {value}" if _is_number(value) else value


def _is_same(key: str, sent: Any, got: Any) -> bool:
    compare = _COMPARISONS.get(key, _is_unchanged)
    try:
        return compare(sent, got) if is_set(sent) else not is_set(got)
    except RecursionError:
        return False


def _is_same_status(sent: Any, got: Any) -> bool:
    """
    Accept a status that only Cloudflare sets: it hides the one that was sent.
    """
    return sent == got or (got is not None and got not in _SETTABLE_STATUS)


def _is_same_moment(sent: Any, got: Any) -> bool:
    return bool(_moment(sent) == _moment(got))


def _moment(value: Any) -> Any:
    try:
        return datetime.fromisoformat(value).replace(microsecond=0)
    except (ValueError, TypeError):
        return value


def _are_same_policies(sent: Any, got: Any) -> bool:
    """
    Compare grants, so that neither order, repetition nor the division into policies matters.
    """
    asked, given = _grants(sent), _grants(got or ())
    return asked.keys() == given.keys() and all(
        each == given[key] or _are_kept(each, given[key]) for key, each in asked.items()
    )


def _are_kept(sent: set[frozenset[str]], got: set[frozenset[str]]) -> bool:
    """
    Return whether each set of members that was sent came back, and each that came back was sent.

    A set that came back may be larger.
    """
    return all(any(one <= other for other in got) for one in sent) and all(
        any(one <= other for one in sent) for other in got
    )


def _grants(policies: Iterable[Json]) -> dict[tuple[Any, ...], set[frozenset[str]]]:
    """
    Return each single grant, an effect, a group and a resource, with the other members of its policies.
    """
    grants: dict[tuple[Any, ...], set[frozenset[str]]] = {}
    for policy in policies:
        paths = list(paths_of(policy["resources"])) or [()]
        conditions = _other_members(policy, _POLICY_KEYS, "policy")
        for group in policy["permission_groups"] or [{}]:
            members = conditions | _other_members(group, ("id",), "group")
            for path in paths:
                grants.setdefault((policy["effect"], group.get("id"), *path), set()).add(members)
    return grants


def _other_members(value: Json, known: Iterable[str], where: str) -> frozenset[str]:
    return frozenset(
        json.dumps([where, key, _constant(member)], sort_keys=True)
        for key, member in _without(value, known).items()
        if is_set(member)
    )


def _is_same_condition(sent: Any, got: Any) -> bool:
    if not (isinstance(sent, Mapping) and isinstance(got, Mapping)):
        return bool(sent == got)
    return _is_same_request_ip(_request_ip(sent), _request_ip(got)) and _has(
        got, _without(sent, _REQUEST_IP_KEYS)
    )


def _request_ip(condition: Json) -> Any:
    return next((condition[key] for key in _REQUEST_IP_KEYS if condition.get(key) is not None), {})


def _is_same_request_ip(sent: Any, got: Any) -> bool:
    if not (isinstance(sent, Mapping) and isinstance(got, Mapping)):
        return bool(sent == got)
    return all(_networks(sent.get(side)) == _networks(got.get(side)) for side in _SIDES) and _has(
        got, _without(sent, _SIDES)
    )


def _networks(networks: Any) -> Any:
    return networks if isinstance(networks, str) else frozenset(map(_network, networks or ()))


def _network(network: Any) -> Any:
    try:
        return ipaddress.ip_network(network, strict=False)
    except ValueError:
        return network


def same_condition(a: Condition | None, b: Condition | None) -> bool:
    """
    Return whether two conditions allow the same addresses.
    """
    return _allowed(a) == _allowed(b)


def _allowed(condition: Condition | None) -> tuple[Any, Any]:
    request_ip = (condition and condition.request_ip) or ConditionRequestIP()
    return _networks(request_ip.in_), _networks(request_ip.not_in)


def _has(got: Json, sent: Json) -> bool:
    return all(_is_unchanged(value, got.get(key)) for key, value in sent.items() if is_set(value))


def _is_unchanged(sent: Any, got: Any) -> bool:
    """
    Compare a member that we do not know. A number may be a counter that has moved.
    """
    return json.dumps(_constant(sent), sort_keys=True) == json.dumps(_constant(got), sort_keys=True)


def _constant(member: Any) -> Any:
    return 0 if _is_number(member) else _normal(member)


def _normal(value: Any) -> Any:
    """
    Return a form without counters in which the order of lists, repetition and what is not set do not matter.
    """
    if isinstance(value, Mapping):
        return {key: _constant(member) for key, member in value.items() if is_set(member)}
    if isinstance(value, list):
        items = {json.dumps(item, sort_keys=True): item for item in map(_normal, value)}
        return [items[text] for text in sorted(items)]
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _without(value: Json, keys: Iterable[str]) -> dict[str, Any]:
    return {key: member for key, member in value.items() if key not in keys}


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "condition": _is_same_condition,
    "expires_on": _is_same_moment,
    "name": lambda sent, got: bool(sent == got),
    "not_before": _is_same_moment,
    "policies": _are_same_policies,
    "status": _is_same_status,
}
"""How to compare the members that we know."""
