"""
Looks up permission groups by name in Cloudflare's catalogue.

Nothing is guessed: a name that is not in the catalogue, or that could mean two groups, is an error.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from cftokens._secret import quoted
from cftokens.errors import PermissionGroupError
from cftokens.models import PermissionGroup, Resources, TokenPolicy
from cftokens.policies import ACCOUNT, R2_BUCKET, USER, WORKER, ZONE, PolicyDraft, Resource

Groups = tuple[PermissionGroup, ...]

_ID: Final = re.compile(r"[0-9a-f]{32}")

_MANAGING_TOKENS: Final = {
    "5bc3f8b21c554832afc660159ab75fa4": "Account API Tokens Write",
    "686d18d5ac6c441c867cbf6771e58a0a": "API Tokens Write",
}
"""The groups that let a token make and change tokens."""

_RESOURCES: Final = {
    ACCOUNT: "account()",
    ZONE: "zone() or all_zones()",
    USER: "user()",
    R2_BUCKET: "r2_bucket() or all_r2_buckets()",
    WORKER: "worker()",
}
"""The functions of `policies` that make resources of a scope."""


def may_manage_tokens(policies: Iterable[TokenPolicy]) -> bool:
    """
    Return whether policies let a token make and change tokens.

    Cloudflare grants that only in the dashboard, never to a token that is made by another one.
    https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
    """
    return any(
        group.id in _MANAGING_TOKENS or group.name in _MANAGING_TOKENS.values()
        for policy in policies
        if policy.effect == "allow"
        for group in policy.permission_groups
    )


def find_group(groups: Groups, name: str, scope: str | None) -> PermissionGroup:
    """
    Return the one group with that name and scope.

    Raises:
        PermissionGroupError: There is none, or more than one.
    """
    named = _named(groups, name)
    found = named if scope is None else tuple(group for group in named if scope in (group.scopes or ()))
    if not found:
        raise PermissionGroupError(
            f"The permission group {name!r} has the scope {_scopes_of(named)}, not {quoted(scope)}.",
            candidates=named,
        )
    choice = "; pass scope= to choose" if scope is None else ""
    return _only(found, name, f" with scopes {_scopes_of(found)}{choice}")


def search_groups(groups: Groups, words: str) -> list[PermissionGroup]:
    """
    Return the groups whose names contain all words, in any case and order.
    """
    wanted = words.casefold().split()
    found = [group for group in groups if all(word in (group.name or "").casefold() for word in wanted)]
    return sorted(found, key=lambda group: (group.name or "", group.id))


Checked = Iterable[TokenPolicy | PolicyDraft]
"""Policies, of which some may be drafts."""


def needs_catalogue(policies: Checked) -> bool:
    """
    Return whether resolving *policies* needs the catalogue.
    """
    groups = (group for draft in _drafts(policies) for group in draft.groups)
    return any(isinstance(group, str) or not group.scopes for group in groups)


def refuse_for_accounts(policies: Checked) -> None:
    """
    Refuse drafts that an account-owned token cannot have.

    Raises:
        ValueError: A resource is for user tokens only.
    """
    for resource in (resource for draft in _drafts(policies) for resource in draft.resources):
        if resource.for_users_only:
            instead = " Use all_zones(account_id)." if resource.scope == ZONE else ""
            raise ValueError(
                f"An account-owned token cannot have {resource.name!r}; only a user token can.{instead}"
            )


def resolve(policies: Checked, groups: Groups) -> tuple[TokenPolicy, ...]:
    """
    Replace each draft with policies: one per scope, and separate ones for flat and nested resources.

    Raises:
        PermissionGroupError: A group does not exist, does not apply to the resource, or is ambiguous.
    """
    resolved: list[TokenPolicy] = []
    for policy in policies:
        resolved += _resolve_draft(policy, groups) if isinstance(policy, PolicyDraft) else [policy]
    return tuple(resolved)


def _drafts(policies: Checked) -> Iterator[PolicyDraft]:
    return (policy for policy in policies if isinstance(policy, PolicyDraft))


def _resolve_draft(draft: PolicyDraft, groups: Groups) -> list[TokenPolicy]:
    return [
        TokenPolicy(
            effect=draft.effect,
            permission_groups=[
                PermissionGroup(id=_group_for(group, groups, resources[0].scope).id) for group in draft.groups
            ],
            resources=_as_mapping(resources),
        )
        for resources in _alike(draft.resources)
    ]


def _group_for(given: str | PermissionGroup, groups: Groups, scope: str) -> PermissionGroup:
    if isinstance(given, PermissionGroup):
        known = given if given.scopes else next((group for group in groups if group.id == given.id), given)
        return _fitting((known,), known.name or known.id, scope)
    if _ID.fullmatch(given):
        known = next((group for group in groups if group.id == given), PermissionGroup(id=given))
        return _fitting((known,), known.name or given, scope)
    return _fitting(_named(groups, given), given, scope)


def _fitting(named: Groups, name: str, scope: str) -> PermissionGroup:
    """
    Return the one group that works on resources of a scope. A group with unknown scopes fits.
    """
    fitting = tuple(group for group in named if not group.scopes or scope in group.scopes)
    if not fitting:
        needed = " or ".join(
            sorted({_RESOURCES.get(each, each) for group in named for each in group.scopes or ()})
        )
        raise PermissionGroupError(
            f"The permission group {name!r} grants nothing on {_RESOURCES.get(scope, scope)}; "
            f"it works on {needed}.",
            candidates=named,
        )
    return _only(fitting, name, " for this resource; pass the id instead")


def _named(groups: Groups, name: str) -> Groups:
    named = tuple(group for group in groups if group.name == name)
    if not named:
        near = _nearest(groups, name)
        names = ", ".join(dict.fromkeys(repr(group.name) for group in near))
        advice = f"The nearest names are {names}." if near else "permission_groups.list() has them all."
        if "edit" in name.lower():
            advice += ' "Edit" in the dashboard is "Write" in the API.'
        raise PermissionGroupError(f"There is no permission group {quoted(name)}. {advice}", candidates=near)
    return named


def _nearest(groups: Groups, name: str) -> Groups:
    import difflib  # noqa: PLC0415 -- only mistakes need it

    by_name = {(group.name or "").lower(): group.name for group in groups}
    as_the_api_says = re.sub(r"\bedit\b", "write", name.lower())
    near = difflib.get_close_matches(as_the_api_says, by_name, n=5, cutoff=0.5)
    return tuple(group for each in near for group in groups if group.name == by_name[each])


def _only(found: Groups, name: str, which: str) -> PermissionGroup:
    if len(found) > 1:
        ids = " and ".join(group.id for group in found)
        raise PermissionGroupError(
            f"There are {len(found)} permission groups {name!r}{which}. Their ids are {ids}.",
            candidates=found,
        )
    return next(iter(found))


def _scopes_of(groups: Iterable[PermissionGroup]) -> str:
    return " and ".join(sorted({repr(scope) for group in groups for scope in group.scopes or ()}))


def _alike(resources: Iterable[Resource]) -> Iterator[list[Resource]]:
    """
    Group resources by scope, and flat and nested ones separately, because the API accepts no mixture.
    """
    parts: dict[tuple[str, bool], list[Resource]] = {}
    for resource in resources:
        parts.setdefault((resource.scope, resource.account is None), []).append(resource)
    return iter(parts.values())


def _as_mapping(resources: list[Resource]) -> Resources:
    mapping: dict[str, str | dict[str, str]] = {
        resource.name: "*" for resource in resources if resource.account is None
    }
    for account in {resource.account: None for resource in resources if resource.account is not None}:
        mapping[account] = {resource.name: "*" for resource in resources if resource.account == account}
    return mapping
