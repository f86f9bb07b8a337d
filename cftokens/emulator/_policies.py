"""
Validation of policies: their form, and what a token may be given.

https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from cftokens.emulator import _refusals
from cftokens.emulator._catalogue import CATALOGUE
from cftokens.emulator._shapes import a_list, an_object, is_object
from cftokens.emulator._state import Owner, Policy, Token
from cftokens.emulator._targets import EVERY_ACCOUNT, EVERY_ZONE, Target, targets_of, unsupported_in
from cftokens.emulator._values import Kind

TOKENS_WRITE: Final[dict[Kind, str]] = {
    "account": "5bc3f8b21c554832afc660159ab75fa4",
    "user": "686d18d5ac6c441c867cbf6771e58a0a",
}
"""The permission groups for creating and changing tokens, by kind of token."""


def read_policies(policies: Any, kind: Kind, *, fresh: bool) -> tuple[Policy, ...]:
    """
    Validate policies and return them reversed, so that clients do not rely on their order.

    Args:
        policies: The ``policies`` of the body.
        kind: The kind of token they belong to.
        fresh: Whether the token is new, so that its policies cannot have ids.
    """
    given = enumerate(a_list(policies, "/policies"))
    read = [_read_policy(policy, f"/policies/{index}", kind, fresh=fresh) for index, policy in given]
    return tuple(reversed(read))


def check_fit(policies: Iterable[Policy], owner: Owner) -> None:
    """
    Refuse groups that do not fit their resources, and resources that the token's owner does not have.
    """
    for policy in policies:
        for group, target in _grants(policy):
            if not (target.takes(CATALOGUE[group].scope) and owner.may_name(target)):
                raise _refusals.not_held(CATALOGUE[group].name)


def check_creator(policies: Iterable[Policy], owner: Owner, creator: Token) -> None:
    """
    Refuse to give an account token what its creator lacks, which is only checked for single zones.

    A zone nested in its account is not checked. https://github.com/cloudflare/terraform-provider-cloudflare/issues/7241
    """
    for group, target in _allowed(policies):
        if owner.kind == "account" and target.is_flat_zone and not creator.holds(group, target):
            raise _refusals.not_held(CATALOGUE[group].name)


def check_no_minter(policies: Iterable[Policy], before: Iterable[Policy] = ()) -> None:
    """
    Refuse policies that allow to manage tokens, except where the token could do so *before*.
    """
    kept = list(_allowed(before))
    for group, target in _allowed(policies):
        if group in TOKENS_WRITE.values() and not any(
            group == held and wider.covers(target) for held, wider in kept
        ):
            raise _refusals.manages_tokens()


def _allowed(policies: Iterable[Policy]) -> Iterator[tuple[str, Target]]:
    return (grant for policy in policies if policy.effect == "allow" for grant in _grants(policy))


def _grants(policy: Policy) -> Iterator[tuple[str, Target]]:
    return ((group, target) for group in policy.groups for target in policy.targets)


def _read_policy(policy: Any, pointer: str, kind: Kind, *, fresh: bool) -> Policy:
    given = an_object(policy, pointer)
    if fresh and "id" in given:
        raise _refusals.policy_reused(f"{pointer}/id")
    if given.get("effect") not in ("allow", "deny"):
        raise _refusals.rule_broken("effect must be one of allow, deny", f"{pointer}/effect")
    groups = _read_groups(given.get("permission_groups"), f"{pointer}/permission_groups")
    resources = _read_resources(given.get("resources"), f"{pointer}/resources", kind)
    return Policy(effect=given["effect"], groups=groups, resources=resources)


def _read_groups(groups: Any, pointer: str) -> tuple[str, ...]:
    given = a_list(groups, pointer)
    if not given:
        raise _refusals.rule_broken("permission_groups must not be empty", pointer)
    return tuple(sorted({_read_group(group, f"{pointer}/{index}") for index, group in enumerate(given)}))


def _read_group(group: Any, pointer: str) -> str:
    group_id = an_object(group, pointer).get("id")
    if not group_id:
        raise _refusals.rule_broken("id must be present", f"{pointer}/id")
    if not (isinstance(group_id, str) and group_id in CATALOGUE):
        # a client that is tested against Cloudflare looks for "Permission group"
        raise _refusals.rule_broken("Permission group must exist", f"{pointer}/id")
    return group_id


def _read_resources(resources: Any, pointer: str, kind: Kind) -> Mapping[str, Any]:
    given = an_object(resources, pointer)
    nested = given and all(map(_gives_all, given.values()))
    if not (nested or _gives_all(given)):
        raise _refusals.rule_broken('must map names to "*", all of them flat or all nested', pointer)
    for name in unsupported_in(given):
        raise _refusals.unsupported_resource(name, pointer)
    for target in targets_of(given):
        _check_target(target, pointer, kind)
    return given


def _gives_all(resources: Any) -> bool:
    return is_object(resources) and bool(resources) and all(leaf == "*" for leaf in resources.values())


def _check_target(target: Target | None, pointer: str, kind: Kind) -> None:
    if target is None:
        raise _refusals.rule_broken("must name resources that exist", pointer)
    if kind == "account" and target == EVERY_ZONE:
        raise _refusals.zone_not_named(pointer)
    if kind == "account" and (target == EVERY_ACCOUNT or target.kind == "user"):
        raise _refusals.rule_broken("must be resources of the account for account owned tokens", pointer)
