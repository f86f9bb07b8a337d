"""
What policies grant, one by one, and in words.

A grant is an effect, a permission group and a resource. Two lists of policies give the same access if their
grants are equal, whatever their order, repetition and division into policies.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from cftokens import _reprs as reprs
from cftokens._converter import is_set, unknown_members
from cftokens._frozen import plain
from cftokens.models import PermissionGroup, TokenPolicy

_ID: Final = "[0-9a-f]{32}"
_ACCOUNT: Final = re.compile(rf"com\.cloudflare\.api\.account\.({_ID})")
_BUCKET: Final = re.compile(rf"com\.cloudflare\.edge\.r2\.bucket\.({_ID})_([a-z][a-z0-9-]*)_([a-z0-9-]+)")

ACCOUNT: Final = "com.cloudflare.api.account"
ZONE: Final = "com.cloudflare.api.account.zone"
USER: Final = "com.cloudflare.api.user"
R2_BUCKET: Final = "com.cloudflare.edge.r2.bucket"
WORKER: Final = "com.cloudflare.edge.worker.script"

_KINDS: Final = {
    ACCOUNT: ("account", "accounts"),
    ZONE: ("zone", "zones"),
    USER: ("user", "users"),
    R2_BUCKET: ("R2 bucket", "R2 buckets"),
    WORKER: ("Worker", "Workers"),
}
"""What the kinds of resource are called, by their scope."""

EVERYTHING: Final = (f"{ACCOUNT}.*", f"{ZONE}.*")
"""All accounts, and all zones: of a user unless an account is named around them."""

_OWN_NOTHING: Final = (ACCOUNT, USER)
"""Kinds that belong to no account."""

_EFFECTS: Final = {"allow": "", "deny": "denied: "}

Path = tuple[str, ...]
"""The names of a resource, from the outside in, and then its value, which is ``*``."""


class GroupKey(NamedTuple):
    """
    A permission group: its id, or its name if the id is not known.
    """

    id: str
    name: str = ""
    terms: str = ""
    """The members that the library does not know, as JSON. They may restrict the grant."""


class Grant(NamedTuple):
    """
    One thing that is allowed or denied.
    """

    effect: str
    group: GroupKey
    path: Path
    terms: str = ""
    """The members of its policy that the library does not know, as JSON."""


class Bundle(NamedTuple):
    """
    Grants that fit into one policy: the same groups, on resources of one form.
    """

    effect: str
    terms: str
    groups: tuple[GroupKey, ...]
    paths: tuple[Path, ...]


def grants_of(policies: Iterable[TokenPolicy]) -> Iterator[Grant]:
    """
    Yield what policies grant.
    """
    for policy in policies:
        terms = terms_of(policy)
        groups = [GroupKey(group.id, terms=terms_of(group)) for group in policy.permission_groups]
        for path in paths_of(policy.resources):
            for group in groups:
                yield Grant(policy.effect, group, path, terms)


def known_grants(policies: Iterable[TokenPolicy]) -> set[tuple[str, ...]]:
    """
    Return what policies grant without the members that the library does not know.

    Cloudflare may add such members to an answer. Where they would matter, compare `grants_of()`.
    """
    return {
        (policy.effect, group.id, *path)
        for policy in policies
        for path in paths_of(policy.resources)
        for group in policy.permission_groups
    }


def paths_of(resources: Mapping[str, Any]) -> Iterator[Path]:
    """
    Yield the resources of a policy.
    """
    for name, leaf in resources.items():
        for path in leaf.items() if isinstance(leaf, Mapping) else [(leaf,)]:
            yield (name, *path)


def scope_of(path: Path) -> str:
    """
    Return the scope of the permission groups that work on a resource.
    """
    return path[-2].rpartition(".")[0]


def terms_of(*models: object) -> str:
    """
    Return the members of models that the library does not know, as JSON, or nothing if there are none.
    """
    unknown = (item for model in models for item in unknown_members(model).items())
    members = {key: plain(member) for key, member in unknown if is_set(member)}
    return json.dumps(members, sort_keys=True) if members else ""


def bundles_of(grants: Iterable[Grant]) -> list[Bundle]:
    """
    Put grants together: first the groups of each resource, then the resources that have the same groups.

    The result is the same for every order of the grants.
    """
    groups: dict[tuple[str, str, Path], set[GroupKey]] = {}
    for grant in grants:
        groups.setdefault((grant.effect, grant.terms, grant.path), set()).add(grant.group)
    paths: dict[tuple[str, str, tuple[GroupKey, ...], int, str], list[Path]] = {}
    for (effect, terms, path), found in groups.items():
        paths.setdefault((effect, terms, tuple(sorted(found)), len(path), path[-1]), []).append(path)
    return [
        Bundle(effect, terms, found, tuple(sorted(paths[effect, terms, found, depth, leaf])))
        for effect, terms, found, depth, leaf in sorted(paths)
    ]


class KnownGroups:
    """
    What permission groups are called, and which one a name means.

    Args:
        catalogue: Groups with their scopes. What it says counts first.

        seen: Groups in policies, which may have names, each with the scope of a resource.
    """

    def __init__(
        self, catalogue: Iterable[PermissionGroup], seen: Iterable[tuple[PermissionGroup, str]]
    ) -> None:
        self._catalogue = tuple(catalogue)
        self._seen: dict[tuple[str, str], set[str]] = {}
        names: dict[str, str] = {}
        for group, scope in seen:
            if group.name:
                names[group.id] = min(group.name, names.get(group.id, group.name))
                self._seen.setdefault((group.name, scope), set()).add(group.id)
        self._names = names | {group.id: group.name for group in self._catalogue if group.name}

    def name_of(self, group_id: str) -> str | None:
        """
        Return the name of a group, or None if it is not known.
        """
        return self._names.get(group_id)

    def find(self, name: str, scope: str) -> GroupKey:
        """
        Return the one group of that name that works on resources of a scope, or else just the name.
        """
        found = self._fitting(name, scope) or self._seen.get((name, scope), set())
        return GroupKey(next(iter(found))) if len(found) == 1 else GroupKey("", name)

    def is_clear(self, name: str, group_id: str, scope: str) -> bool:
        """
        Tell whether a name leaves no doubt which group on resources of a scope it means.
        """
        namesakes = {group.id for group in self._catalogue if group.name == name}
        return (self._fitting(name, scope) or namesakes) <= {group_id}

    def _fitting(self, name: str, scope: str) -> set[str]:
        return {
            group.id
            for group in self._catalogue
            if group.name == name and (not group.scopes or scope in group.scopes)
        }


def policy_of(bundle: Bundle, known: KnownGroups) -> TokenPolicy:
    """
    Return a bundle as a policy, with the names of its groups where they are known.
    """
    resources: dict[str, Any] = {}
    for *outer, name, leaf in bundle.paths:
        inner = resources.setdefault(outer[0], {}) if outer else resources
        inner[name] = leaf
    groups = [
        {**_members(group.terms), "id": group.id, "name": known.name_of(group.id)} for group in bundle.groups
    ]
    return TokenPolicy.from_dict(
        {
            **_members(bundle.terms),
            "effect": bundle.effect,
            "permission_groups": groups,
            "resources": resources,
        }
    )


def _members(terms: str) -> dict[str, object]:
    members: dict[str, object] = json.loads(terms) if terms else {}
    return members


class Wording:
    """
    Says grants in words, with the names of their groups.

    Args:
        known: What the groups are called.

        grants: All that will be said. A name that two groups have on one kind of resource, here or in the
            catalogue, is given with its id.
    """

    def __init__(self, known: KnownGroups, grants: Iterable[Grant]) -> None:
        self._known = known
        self._ids: dict[tuple[str, str], set[str]] = {}
        for grant in grants:
            name = self._name(grant.group)
            self._ids.setdefault((name, scope_of(grant.path)), set()).add(grant.group.id)

    def lines(self, grants: Iterable[Grant]) -> list[str]:
        """
        Return a line for each bundle of grants: what is allowed first, and then what is denied.
        """
        bundles = bundles_of(grants)
        return [line for _, line in sorted((bundle.effect, self._line(bundle)) for bundle in bundles)]

    def _line(self, bundle: Bundle) -> str:
        scopes = {scope_of(path) for path in bundle.paths}
        effect = _EFFECTS.get(bundle.effect, f"{reprs.printable(bundle.effect)}: ")
        groups = ", ".join(sorted(self._group(group, scopes) for group in bundle.groups))
        terms = f", with {bundle.terms}" if bundle.terms else ""
        return f"{effect}{groups} on {_resources(bundle.paths)}{terms}"

    def _group(self, group: GroupKey, scopes: set[str]) -> str:
        name = self._name(group)
        is_clear = all(
            self._ids[name, scope] == {group.id} and self._known.is_clear(name, group.id, scope)
            for scope in scopes
        )
        which = "" if is_clear else f" ({group.id or 'not looked up'})"
        return f"{reprs.printable(name)}{which}{' with ' + group.terms if group.terms else ''}"

    def _name(self, group: GroupKey) -> str:
        return group.name or self._known.name_of(group.id) or group.id


class _Phrase(NamedTuple):
    """
    A resource in words: "the zone" or "the zones", its name, and whose it is.
    """

    one: str
    several: str
    whose: str
    name: str


def _resources(paths: Iterable[Path]) -> str:
    alike: dict[tuple[str, str, str], list[str]] = {}
    for one, several, whose, name in sorted(map(_phrase, paths)):
        alike.setdefault((one, several, whose), []).append(name)
    return _joined(
        [
            f"{one if len(names) == 1 else several}{_joined(names)}{whose}"
            for (one, several, whose), names in alike.items()
        ]
    )


def _phrase(path: Path) -> _Phrase:
    *outer, name, leaf = path
    whose = _whose(outer[0]) if outer else ""
    value = "" if leaf == "*" else f' as "{reprs.printable(leaf)}"'
    scope, _, last = name.rpartition(".")
    one, several = _KINDS.get(scope, ("", ""))
    if bucket := _BUCKET.fullmatch(name):
        account_id, jurisdiction, last = bucket.groups()
        where = "" if jurisdiction == "default" else f" in the jurisdiction {jurisdiction}"
        whose = f" of the account {account_id}{where}{whose}"
    elif one and last == "*":
        whose = whose or ("" if scope in _OWN_NOTHING else " of all accounts")
        return _Phrase(f"all {several}", f"all {several}", f"{whose}{value}", "")
    elif not (one and re.fullmatch(_ID, last)):
        return _Phrase("", "", f"{whose}{value}", reprs.printable(name))
    return _Phrase(f"the {one} ", f"the {several} ", f"{whose}{value}", last)


def _whose(outer: str) -> str:
    account = _ACCOUNT.fullmatch(outer)
    return f" of the account {account[1]}" if account else f" in {reprs.printable(outer)}"


def _joined(items: list[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} and {last}" if others else last
