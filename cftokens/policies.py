"""
Access policies in words.

::

    from cftokens import policies as p

    p.allow("DNS Write", "Zone Read", on=p.zone(zone_id))
    p.allow("Logs Read", on=p.all_zones(account_id))
    p.allow("Individual Workers Editor", on=p.worker(account_id, script_tag))

Permission groups are given by name, by id, or as a `PermissionGroup`. Names are looked up when a token
is created or changed. Where two groups have the same name, the resource decides between them: "Logs
Read" on a zone is the group for zones, on an account it is the one for accounts.

https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import product
from typing import Any, Final

import attrs

from cftokens import _reprs as reprs
from cftokens._access import (
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
from cftokens._checks import check_id, check_jurisdiction, check_several, check_text, is_id
from cftokens._secret import quoted
from cftokens.models import PermissionGroup, TokenPolicy

__all__ = [
    "ACCOUNT",
    "R2_BUCKET",
    "USER",
    "WORKER",
    "ZONE",
    "AccessDifference",
    "PolicyArgument",
    "PolicyDraft",
    "Resource",
    "account",
    "all_accounts",
    "all_r2_buckets",
    "all_zones",
    "all_zones_of_all_accounts",
    "allow",
    "deny",
    "describe",
    "difference",
    "r2_bucket",
    "same_access",
    "user",
    "worker",
    "zone",
]


def __dir__() -> list[str]:
    return __all__


ACCOUNT: Final = "com.cloudflare.api.account"
"""The scope of groups that work on accounts."""

ZONE: Final = "com.cloudflare.api.account.zone"
"""The scope of groups that work on zones."""

USER: Final = "com.cloudflare.api.user"
"""The scope of groups that work on a user."""

R2_BUCKET: Final = "com.cloudflare.edge.r2.bucket"
"""The scope of groups that work on R2 buckets."""

WORKER: Final = "com.cloudflare.edge.worker.script"
"""The scope of groups that work on single Workers."""

_BUCKET_NAME: Final = r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"


@attrs.frozen
class Resource:
    """
    What a policy applies to. Made by the functions of this module.

    Attributes:
        scope: The scope of the permission groups that work on it.

        name: Cloudflare's name for it.

        account: The account resource under which the name is nested, or None.

        for_users_only: Account-owned tokens cannot have it.
    """

    scope: str
    name: str
    account: str | None = None
    for_users_only: bool = False


def account(account_id: str) -> Resource:
    """
    One account.

    Raises:
        ValueError: *account_id* is not an id.
    """
    return Resource(ACCOUNT, f"{ACCOUNT}.{check_id(account_id, 'account_id')}")


def all_accounts() -> Resource:
    """
    Every account of the user, for user tokens only.
    """
    return Resource(ACCOUNT, f"{ACCOUNT}.*", for_users_only=True)


def zone(zone_id: str) -> Resource:
    """
    One zone.

    Raises:
        ValueError: *zone_id* is not an id.
    """
    return Resource(ZONE, f"{ZONE}.{check_id(zone_id, 'zone_id')}")


def all_zones(account_id: str) -> Resource:
    """
    Every zone of an account, including those added later.

    Raises:
        ValueError: *account_id* is not an id.
    """
    return Resource(ZONE, f"{ZONE}.*", account=account(account_id).name)


def all_zones_of_all_accounts() -> Resource:
    """
    Every zone of every account of the user, for user tokens only.
    """
    return Resource(ZONE, f"{ZONE}.*", for_users_only=True)


def user(user_id: str) -> Resource:
    """
    The user who owns the token, for user tokens only.

    Raises:
        ValueError: *user_id* is not an id.
    """
    return Resource(USER, f"{USER}.{check_id(user_id, 'user_id')}", for_users_only=True)


def r2_bucket(account_id: str, name: str, jurisdiction: str = "default") -> Resource:
    """
    One R2 bucket.

    https://developers.cloudflare.com/r2/api/tokens/

    Args:
        account_id: The account that owns the bucket.

        name: The bucket's name: 3 to 63 lower-case letters, digits and hyphens.

        jurisdiction: ``"default"``, ``"eu"``, ``"fedramp"``, or whatever Cloudflare adds.

    Raises:
        ValueError: An argument is wrong.
    """
    if not re.fullmatch(_BUCKET_NAME, check_text(name, "name")):
        raise ValueError(f"name must be 3 to 63 lower-case letters, digits and hyphens, not {quoted(name)}.")
    where = f"{check_id(account_id, 'account_id')}_{check_jurisdiction(jurisdiction)}"
    return Resource(R2_BUCKET, f"{R2_BUCKET}.{where}_{name}")


def all_r2_buckets(account_id: str) -> Resource:
    """
    Every R2 bucket of an account, including those added later.

    Raises:
        ValueError: *account_id* is not an id.
    """
    return Resource(R2_BUCKET, f"{R2_BUCKET}.*", account=account(account_id).name)


def worker(account_id: str, script_tag: str) -> Resource:
    """
    One Worker.

    Its bindings are not checked: an Editor of one Worker can bind it to the account's other Workers and to
    their KV namespaces, buckets and database connections, and read what is there. The grant is wider than
    it looks.

    https://developers.cloudflare.com/workers/authorization/workers/

    Args:
        account_id: The account that owns the Worker.

        script_tag: The Worker's immutable id, which is ``tag`` in the answer to
            ``GET /accounts/{account_id}/workers/scripts``, not its name.

    Raises:
        ValueError: An argument is wrong.
    """
    return Resource(WORKER, f"{WORKER}.{_check_tag(script_tag)}", account=account(account_id).name)


def _check_tag(script_tag: object) -> str:
    try:
        return check_id(script_tag, "script_tag")
    except ValueError as error:
        raise ValueError(
            f"{error} A Worker's name is not its tag: "
            "GET /accounts/{account_id}/workers/scripts shows the tag of each."
        ) from None


@attrs.frozen
class PolicyDraft:
    """
    A policy whose permission groups have not been looked up yet. Made by `allow()` and `deny()`.

    Attributes:
        effect: ``"allow"`` or ``"deny"``.

        groups: Names, ids, or `PermissionGroup` objects.

        resources: What the policy applies to.
    """

    effect: str
    groups: tuple[str | PermissionGroup, ...]
    resources: tuple[Resource, ...]

    def __repr__(self) -> str:
        groups = [each if isinstance(each, str) else each.name or each.id for each in self.groups]
        return reprs.call(
            "PolicyDraft",
            effect=reprs.text(self.effect, 10),
            groups=reprs.several(groups, 2, 28),
            resources=reprs.several(map(_path, self.resources), 1, 72),
        )


def _path(resource: Resource) -> str:
    (path,) = reprs.resource_names(
        {resource.account: {resource.name: "*"}} if resource.account else {resource.name: "*"}
    )
    return path


PolicyArgument = PolicyDraft | PlainPolicy
"""A policy in words, as a `TokenPolicy`, or in the API's own JSON shape."""


def allow(*groups: str | PermissionGroup, on: Resource | Iterable[Resource]) -> PolicyDraft:
    """
    Allow everything in some permission groups, on one or more resources.

    Args:
        groups: Names as the API has them ("Write", where the dashboard says "Edit"), ids, or
            `PermissionGroup` objects.

        on: One or more resources: what `zone()`, `account()` and the others return.

    Raises:
        ValueError: There is no group or no resource.

        TypeError: An argument has the wrong type.
    """
    return _draft("allow", groups, on)


def deny(*groups: str | PermissionGroup, on: Resource | Iterable[Resource]) -> PolicyDraft:
    """
    Deny everything in some permission groups, on one or more resources. A deny overrides every allow.

    Args:
        groups: Names as the API has them, ids, or `PermissionGroup` objects.

        on: One or more resources: what `zone()`, `account()` and the others return.

    Raises:
        ValueError: There is no group or no resource.

        TypeError: An argument has the wrong type.
    """
    return _draft("deny", groups, on)


def _draft(
    effect: str, groups: tuple[str | PermissionGroup, ...], on: Resource | Iterable[Resource]
) -> PolicyDraft:
    if isinstance(on, str | Mapping) or not isinstance(on, Resource | Iterable):
        raise TypeError(_not_a_resource(on))
    resources = (on,) if isinstance(on, Resource) else tuple(on)
    for resource in resources:
        if not isinstance(resource, Resource):
            raise TypeError(_not_a_resource(resource))
    if not groups or not resources:
        raise ValueError(f"{effect}() needs at least one permission group and one resource.")
    for group in groups:
        if not isinstance(group, str | PermissionGroup):
            raise TypeError(
                f"A permission group must be a name, an id or a PermissionGroup, not {type(group).__name__}. "
                "Pass several as separate arguments."
            )
        if isinstance(group, str):
            check_text(group, "a permission group")
    return PolicyDraft(effect, groups, resources)


def _not_a_resource(given: object) -> str:
    return f"on must be what zone(), account() and the others return, not {type(given).__name__}."


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
    22b1de5f1c0e4b3ea97bb1e963b06a43". What is denied comes last and begins with "denied: ". The lines are
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
    everywhere = not outer and name in (f"{ACCOUNT}.*", f"{ZONE}.*")
    return Resource(scope, name, next(iter(outer), None), for_users_only=everywhere or scope == USER)
