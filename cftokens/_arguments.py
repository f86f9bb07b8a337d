"""
Turns policies and conditions from callers into models, or raises an error that says where the mistake is.

Callers pass our classes, or mappings in the API's own JSON shape. In a mapping, an unknown key is refused:
ignoring a misspelt restriction would widen a grant. A class keeps the members that it does not know, because
they came from Cloudflare. Members that only Cloudflare sets are left out.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import attrs

from cftokens._checks import check_choice, check_id, check_network, check_several, check_text
from cftokens._converter import keep_unknown, unknown_members
from cftokens._secret import quoted
from cftokens.models import Condition, ConditionRequestIP, PermissionGroup, Resources, TokenPolicy

PlainPolicy = TokenPolicy | Mapping[str, Any]
"""A policy as a `TokenPolicy`, or in the API's own JSON shape."""

PlainCondition = Condition | Mapping[str, Any]
"""A condition as a `Condition`, or in the API's own JSON shape."""

_POLICIES: Final = "a TokenPolicy, a mapping, or what p.allow('DNS Write', on=p.zone(zone_id)) returns"
_GROUP_KEYS: Final = ("id", "name", "scopes", "category", "is_selectable", "meta")
_POLICY_KEYS: Final = ("effect", "permission_groups", "resources", "id")
_REQUEST_IP_KEYS: Final = ("request_ip", "request.ip")
_SIDES: Final = {"in": "in_", "not_in": "not_in"}


def policy_from(policy: object, where: str, instead: str = _POLICIES) -> TokenPolicy:
    """
    Return a checked policy.

    Args:
        policy: What the caller passed.

        where: Its place, for errors.

        instead: What it must be, for errors.
    """
    members = _check_keys(
        attrs.asdict(policy, recurse=False, filter=_is_known) if isinstance(policy, TokenPolicy) else policy,
        where,
        allowed=_POLICY_KEYS,
        needed=("effect", "permission_groups", "resources"),
        instead=instead,
    )
    checked = TokenPolicy(
        effect=check_choice(members["effect"], f"{where}.effect", ("allow", "deny")),
        permission_groups=_groups_from(members["permission_groups"], f"{where}.permission_groups"),
        resources=_resources_from(members["resources"], f"{where}.resources"),
    )
    return keep_unknown(checked, policy)


def _is_known(field: "attrs.Attribute[Any]", _: object) -> bool:
    return not field.name.startswith("_")


def _groups_from(groups: Any, where: str) -> list[PermissionGroup]:
    given = check_several(groups, where, "permission groups")
    checked = [_group_from(group, f"{where}[{index}]") for index, group in enumerate(given)]
    if not checked:
        raise ValueError(f"{where} must not be empty: the policy would grant nothing.")
    return checked


def _group_from(group: object, where: str) -> PermissionGroup:
    members = _check_keys(
        {"id": group.id} if isinstance(group, PermissionGroup) else group,
        where,
        allowed=_GROUP_KEYS,
        needed=("id",),
        instead="a PermissionGroup or a mapping",
    )
    return keep_unknown(PermissionGroup(id=check_id(members["id"], f"{where}.id")), group)


def _resources_from(resources: object, where: str) -> Resources:
    if not isinstance(resources, Mapping) or not resources:
        raise ValueError(f"{where} must be a mapping of at least one resource, such as {{name: '*'}}.")
    return {
        check_text(name, f"a key of {where}"): _names_from(leaf, f"{where}[{quoted(name)}]")
        if isinstance(leaf, Mapping)
        else check_text(leaf, f"{where}[{quoted(name)}]")
        for name, leaf in resources.items()
    }


def _names_from(names: Mapping[Any, Any], where: str) -> dict[str, str]:
    if not names:
        raise ValueError(f"{where} must not be empty.")
    return {
        check_text(name, f"a key of {where}"): check_text(leaf, f"{where}[{quoted(name)}]")
        for name, leaf in names.items()
    }


def condition_from(condition: PlainCondition) -> Condition:
    """
    Return a checked condition.

    An empty one is refused: with some clients it made a token that worked nowhere, with others one that
    worked anywhere.
    """
    members = _check_keys(
        {"request_ip": condition.request_ip} if isinstance(condition, Condition) else condition,
        "condition",
        allowed=_REQUEST_IP_KEYS,
        instead="a Condition or a mapping",
    )
    given = [key for key in _REQUEST_IP_KEYS if members.get(key) is not None]
    if len(given) > 1 or not (given or unknown_members(condition)):
        raise ValueError("condition must have one request_ip; pass None for a token without conditions.")
    request_ip = [_request_ip_from(members[key], f"condition.{key}") for key in given]
    return keep_unknown(Condition(request_ip=next(iter(request_ip), None)), condition)


def _request_ip_from(request_ip: object, where: str) -> ConditionRequestIP:
    members = _check_keys(
        {"in": request_ip.in_, "not_in": request_ip.not_in}
        if isinstance(request_ip, ConditionRequestIP)
        else request_ip,
        where,
        allowed=tuple(_SIDES),
        instead="a mapping such as {'in': ['192.0.2.0/24']}",
    )
    sides = {
        _SIDES[key]: _networks_from(networks, f"{where}.{key}")
        for key, networks in members.items()
        if networks is not None
    }
    if not sides and not unknown_members(request_ip):
        raise ValueError(f"{where} must have networks under 'in' or 'not_in'.")
    return keep_unknown(ConditionRequestIP(**sides), request_ip)


def _networks_from(networks: Iterable[Any], where: str) -> list[str]:
    given = check_several(networks, where, "networks, such as ['192.0.2.0/24']")
    if not given:
        raise ValueError(f"{where} must not be empty; leave it out for no restriction.")
    return [check_network(network, f"{where}[{index}]") for index, network in enumerate(given)]


def _check_keys(
    value: object, where: str, *, allowed: tuple[str, ...], needed: tuple[str, ...] = (), instead: str
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{where} must be {instead}, not {type(value).__name__}.")
    for key in value:
        if key not in allowed:
            known = ", ".join(map(repr, allowed))
            raise ValueError(f"{where} has an unknown key: {quoted(key, 40)}. It may have only {known}.")
    for key in needed:
        if value.get(key) is None:
            raise ValueError(f"{where} must have {key!r}.")
    return value
