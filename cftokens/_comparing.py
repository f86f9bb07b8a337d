"""
What policies grant in words, and how the access of two lists of them differs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any

import attrs

from cftokens._access import (
    EVERYTHING,
    USER,
    Grant,
    GroupKey,
    KnownGroups,
    Path,
    Wording,
    bundles_of,
    grants_of,
    paths_of,
    policy_of,
    scope_of,
)
from cftokens._arguments import PlainPolicy, policy_from
from cftokens._checks import check_several, is_id
from cftokens._drafts import PolicyArgument, PolicyDraft, Resource
from cftokens.models import PermissionGroup, TokenPolicy


def same_access(a: Iterable[PlainPolicy], b: Iterable[PlainPolicy]) -> bool:
    """
    Return whether two lists of policies grant the same access.

    Cloudflare's answers have their own order and additional read-only members. Neither matters here. A
    member that this library does not know does matter, because it may restrict the access.

    Args:
        a: Policies from a `Token`, or in the API's own JSON shape. What `allow()` and `deny()` return
            can be compared by `difference()`, which looks their groups up.

        b: The policies to compare with.

    Raises:
        ValueError: A policy is wrong.

        TypeError: A policy, or a part of it, has the wrong type.
    """
    return set(grants_of(_models(a))) == set(grants_of(_models(b)))


def _models(policies: Iterable[PlainPolicy]) -> Iterator[TokenPolicy]:
    """
    Yield policies from Cloudflare as they are, and checked ones in place of plain mappings.
    """
    for index, policy in enumerate(policies):
        where, instead = f"policies[{index}]", "a TokenPolicy or a mapping"  # a draft may name its groups
        yield policy if isinstance(policy, TokenPolicy) else policy_from(policy, where, instead)


def describe(policies: Iterable[PolicyArgument], groups: Iterable[PermissionGroup] = ()) -> list[str]:
    """
    Say in words what policies grant, for people to read.

    Each line has groups and the resources on which they are allowed: "DNS Write, Zone Read on the zone
    22b1de5f1c0e4b3ea97bb1e963b06a43". What is denied comes last and begins with ``denied:``. The lines are
    the same whatever the order of the policies, and how they are divided. No line means no access.

    Args:
        policies: Policies from a `Token`, what `allow()` and `deny()` return, or mappings in the API's
            own JSON shape.

        groups: The catalogue, for the names of groups: what ``permission_groups.get()`` returns. Other
            names are those that the policies have, and a group without a name is given by its id.

    Raises:
        ValueError: A policy is wrong.

        TypeError: A policy, or a part of it, has the wrong type.
    """
    listed = _listed(policies)
    known = _known(groups, listed)
    grants = list(_grants(listed, known.find))
    return Wording(known, grants).lines(grants)


@attrs.frozen
class AccessDifference:
    """
    How the access of two lists of policies differs. False if it does not. ``str()`` says it in words.

    Attributes:
        added: What only the second list grants, as policies that can be sent. A group whose id is not known
            is in a `PolicyDraft`.

        removed: What only the first list grants. Like *added*, this includes what is denied.
    """

    added: tuple[TokenPolicy | PolicyDraft, ...] = ()
    removed: tuple[TokenPolicy | PolicyDraft, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)

    def __str__(self) -> str:
        known = _known((), [*self.added, *self.removed])
        added, removed = list(_grants(self.added, _unknown)), list(_grants(self.removed, _unknown))
        wording = Wording(known, [*added, *removed])
        parts = [
            f"{title}: {'; '.join(wording.lines(grants))}."
            for title, grants in (("Added", added), ("Removed", removed))
            if grants
        ]
        return " ".join(parts) or "No difference."

    def __repr__(self) -> str:
        return f"AccessDifference(added=<{len(self.added)}>, removed=<{len(self.removed)}>)"


def difference(
    a: Iterable[PolicyArgument], b: Iterable[PolicyArgument], groups: Iterable[PermissionGroup] = ()
) -> AccessDifference:
    """
    Return how the access of two lists of policies differs.

    Neither the order of policies, groups and resources matters, nor how they are divided. A name and an id
    are the same group if *groups* or one of the policies says so. A member that this library does not know
    matters, because it may restrict the access.

    Args:
        a: Policies from a `Token`, what `allow()` and `deny()` return, or mappings in the API's own JSON
            shape.

        b: The policies to compare with.

        groups: The catalogue, for the names of groups: what ``permission_groups.get()`` returns.

    Raises:
        ValueError: A policy is wrong.

        TypeError: A policy, or a part of it, has the wrong type.
    """
    before, after = _listed(a), _listed(b)
    known = _known(groups, [*before, *after])
    had, has = set(_grants(before, known.find)), set(_grants(after, known.find))
    return AccessDifference(added=_policies(has - had, known), removed=_policies(had - has, known))


_Listed = TokenPolicy | PolicyDraft

_Find = Callable[[str, str], GroupKey]
"""Returns the group that a name means on resources of a scope."""


def _listed(policies: Iterable[PolicyArgument]) -> list[_Listed]:
    given = check_several(policies, "policies", "policies")
    return [
        policy
        if isinstance(policy, PolicyDraft | TokenPolicy)
        else _with_names(policy_from(policy, f"policies[{index}]"), policy)
        for index, policy in enumerate(given)
    ]


def _with_names(policy: TokenPolicy, given: Mapping[str, Any]) -> TokenPolicy:
    """
    Add the names of groups that a mapping has, which are left out of requests.
    """
    members = [
        (group.id, group.name) if isinstance(group, PermissionGroup) else (group["id"], group.get("name"))
        for group in given["permission_groups"]
    ]
    names = {group_id: name for group_id, name in members if isinstance(name, str)}
    groups = [attrs.evolve(group, name=names.get(group.id)) for group in policy.permission_groups]
    return attrs.evolve(policy, permission_groups=groups)


def _known(groups: Iterable[PermissionGroup], listed: Iterable[_Listed]) -> KnownGroups:
    catalogue = check_several(groups, "groups", "permission groups")
    for group in catalogue:
        if not isinstance(group, PermissionGroup):
            raise TypeError(f"groups must be PermissionGroup objects, not {type(group).__name__}.")
    return KnownGroups(catalogue, [pair for policy in listed for pair in _seen(policy)])


def _seen(policy: _Listed) -> Iterator[tuple[PermissionGroup, str]]:
    """
    Yield the groups of a policy that have an id, each with the scope of a resource.
    """
    if isinstance(policy, TokenPolicy):
        yield from product(policy.permission_groups, {scope_of(path) for path in paths_of(policy.resources)})
    else:
        groups = [group for group in policy.groups if isinstance(group, PermissionGroup)]
        yield from product(groups, {resource.scope for resource in policy.resources})


def _grants(listed: Iterable[_Listed], find: _Find) -> Iterator[Grant]:
    for policy in listed:
        if isinstance(policy, TokenPolicy):
            yield from grants_of([policy])
        else:
            for resource, group in product(policy.resources, policy.groups):
                yield Grant(policy.effect, _key_of(group, resource.scope, find), _path_of(resource))


def _key_of(group: str | PermissionGroup, scope: str, find: _Find) -> GroupKey:
    if isinstance(group, PermissionGroup):
        return GroupKey(group.id)
    return GroupKey(group) if is_id(group) else find(group, scope)


def _unknown(name: str, _: str) -> GroupKey:
    return GroupKey("", name)


def _path_of(resource: Resource) -> Path:
    outer = () if resource.account is None else (resource.account,)
    return (*outer, resource.name, "*")


def _policies(grants: Iterable[Grant], known: KnownGroups) -> tuple[_Listed, ...]:
    """
    Return grants as policies that can be sent. Only drafts have names that were not looked up.
    """
    made: list[_Listed] = []
    for bundle in bundles_of(grants):
        found = tuple(group for group in bundle.groups if group.id)
        names = tuple(group.name for group in bundle.groups if not group.id)
        if found:
            made.append(policy_of(bundle._replace(groups=found), known))
        if names:
            made.append(PolicyDraft(bundle.effect, names, tuple(map(_resource_of, bundle.paths))))
    return tuple(made)


def _resource_of(path: Path) -> Resource:
    *outer, name, _ = path
    scope = scope_of(path)
    everywhere = not outer and name in EVERYTHING
    return Resource(scope, name, next(iter(outer), None), for_users_only=everywhere or scope == USER)
