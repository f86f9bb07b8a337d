"""
What policies grant in words, and how two lists of policies differ.
"""

import random
from collections.abc import Iterable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cftokens
from cftokens import AccessDifference, PermissionGroup, TokenPolicy
from cftokens import policies as p
from cftokens._access import grants_of
from tests.vocabulary import ACCOUNT, DNS_READ, ZONE_ID, ZONE_READ

OTHER = "0000000000000000000000000000f001"
LOGS_OF_ACCOUNT = "6a315a56f18441e59ed03352369ae956"
LOGS_OF_ZONE = "c4a30cd58c5d42619c86a3c36c441e2d"

CATALOGUE = [
    PermissionGroup(id=ZONE_READ, name="Zone Read", scopes=[p.ZONE]),
    PermissionGroup(id=DNS_READ, name="DNS Read", scopes=[p.ZONE]),
    PermissionGroup(id=LOGS_OF_ACCOUNT, name="Logs Read", scopes=[p.ACCOUNT]),
    PermissionGroup(id=LOGS_OF_ZONE, name="Logs Read", scopes=[p.ZONE]),
]


def policy(group_id: str, *resources: p.Resource, effect: str = "allow", **members: Any) -> TokenPolicy:
    """
    Return a policy as Cloudflare answers it, with members of its own.
    """
    nested: dict[str, Any] = {}
    for resource in resources:
        inner = nested.setdefault(resource.account, {}) if resource.account else nested
        inner[resource.name] = "*"
    groups = [{"id": group_id}]
    return TokenPolicy.from_dict(
        {"effect": effect, "permission_groups": groups, "resources": nested, **members}
    )


ZONE, ZONES, THE_ACCOUNT = p.zone(ZONE_ID), p.all_zones(ACCOUNT), p.account(ACCOUNT)


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        ([], []),
        ([p.allow("Zone Read", "DNS Read", on=ZONE)], [f"DNS Read, Zone Read on the zone {ZONE_ID}"]),
        (
            [p.allow("Zone Read", on=[p.zone(OTHER), ZONE])],
            [f"Zone Read on the zones {OTHER} and {ZONE_ID}"],
        ),
        (
            [p.allow("Zone Read", on=[p.zone(OTHER), ZONE, p.zone(ACCOUNT)])],
            [f"Zone Read on the zones {ACCOUNT}, {OTHER} and {ZONE_ID}"],
        ),
        ([p.allow("Logs Read", on=ZONES)], [f"Logs Read on all zones of the account {ACCOUNT}"]),
        ([p.allow(LOGS_OF_ACCOUNT, on=THE_ACCOUNT)], [f"Logs Read on the account {ACCOUNT}"]),
        ([p.allow("X", on=p.all_accounts())], ["X on all accounts"]),
        ([p.allow("X", on=p.all_zones_of_all_accounts())], ["X on all zones of all accounts"]),
        ([p.allow("X", on=p.user(OTHER))], [f"X on the user {OTHER}"]),
        (
            [p.allow("X", on=p.r2_bucket(ACCOUNT, "backups"))],
            [f"X on the R2 bucket backups of the account {ACCOUNT}"],
        ),
        (
            [p.allow("X", on=p.r2_bucket(ACCOUNT, "backups", "eu"))],
            [f"X on the R2 bucket backups of the account {ACCOUNT} in the jurisdiction eu"],
        ),
        ([p.allow("X", on=p.all_r2_buckets(ACCOUNT))], [f"X on all R2 buckets of the account {ACCOUNT}"]),
        (
            [p.allow("X", on=p.worker(ACCOUNT, OTHER))],
            [f"X on the Worker {OTHER} of the account {ACCOUNT}"],
        ),
        (
            [p.deny("Zone Read", on=ZONE), p.allow("X", on=[ZONE, THE_ACCOUNT])],
            [
                f"X on the account {ACCOUNT} and the zone {ZONE_ID}",
                f"denied: Zone Read on the zone {ZONE_ID}",
            ],
        ),
        ([policy("f" * 32, ZONE)], [f"{'f' * 32} on the zone {ZONE_ID}"]),
        (
            [policy(ZONE_READ, ZONE, effect="audit", until="noon")],
            [f'audit: Zone Read on the zone {ZONE_ID}, with {{"until": "noon"}}'],
        ),
    ],
)
def test_policies_are_said_in_words(given: Any, lines: list[str]) -> None:
    """
    A line has the effect, the groups by name, and the resources with their whole ids.
    """
    assert p.describe(given, CATALOGUE) == lines


def test_what_is_not_known_is_verbatim() -> None:
    """
    A resource of an unknown kind, its value, and the members of a group are shown as they came.
    """
    strange = {
        "effect": "allow",
        "permission_groups": [{"id": ZONE_READ, "level": 2}],
        "resources": {"com.cloudflare.new.thing.7": "read", "a.b": {"com.cloudflare.edge.r2.bucket.x": "*"}},
    }

    assert p.describe([TokenPolicy.from_dict(strange)], CATALOGUE) == [
        'Zone Read with {"level": 2} on com.cloudflare.edge.r2.bucket.x in a.b',
        'Zone Read with {"level": 2} on com.cloudflare.new.thing.7 as "read"',
    ]


def test_no_escape_sequence_is_smuggled() -> None:
    """
    What is not printable is escaped, wherever it comes from.
    """
    evil = "\x1b[2J\u202e\n"
    document = {
        "effect": evil,
        "permission_groups": [{"id": ZONE_READ, "name": evil, evil: evil}],
        "resources": {evil: {evil: evil}},
        evil: evil,
    }
    (line,) = p.describe([TokenPolicy.from_dict(document)])

    assert line.isprintable()
    assert p.describe([p.allow(evil, on=ZONE)]) == [f"\\x1b[2J\\u202e\\n on the zone {ZONE_ID}"]


def test_names_come_from_the_catalogue_then_from_the_policies() -> None:
    """
    A name in the catalogue counts more than one in a policy, in whatever form the policy is.
    """
    groups = [{"id": ZONE_READ, "name": "Lie"}, {"id": "f" * 32, "name": "New Write"}]
    document = {"effect": "allow", "permission_groups": groups, "resources": {ZONE.name: "*"}}
    line = f"New Write, Zone Read on the zone {ZONE_ID}"
    objects = [PermissionGroup(id=group["id"], name=group["name"]) for group in groups]

    assert p.describe([document], CATALOGUE) == [line]
    assert p.describe([{**document, "permission_groups": objects}], CATALOGUE) == [line]
    assert p.describe([TokenPolicy.from_dict(document)], CATALOGUE) == [line]
    assert p.describe([p.allow(*objects, on=ZONE)], CATALOGUE) == [line]
    assert p.describe([document]) == [f"Lie, New Write on the zone {ZONE_ID}"]


def test_a_name_that_the_catalogue_gives_to_other_groups_is_given_with_the_id() -> None:
    """
    Neither group named Logs Read works on a bucket, so the name alone does not say which one was granted.
    """
    bucket = p.r2_bucket(ACCOUNT, "logs", "eu")

    assert p.describe([policy(LOGS_OF_ZONE, bucket)], CATALOGUE) == [
        f"Logs Read ({LOGS_OF_ZONE}) on the R2 bucket logs of the account {ACCOUNT} in the jurisdiction eu"
    ]


def test_a_name_of_two_groups_is_given_with_the_id() -> None:
    """
    On one kind of resource two groups of a name cannot be told apart without it.
    """
    on_one = [policy(LOGS_OF_ACCOUNT, ZONE), policy(LOGS_OF_ZONE, ZONE)]
    on_two = [policy(LOGS_OF_ACCOUNT, THE_ACCOUNT), policy(LOGS_OF_ZONE, ZONES)]

    assert p.describe(on_one, CATALOGUE) == [
        f"Logs Read ({LOGS_OF_ACCOUNT}), Logs Read ({LOGS_OF_ZONE}) on the zone {ZONE_ID}"
    ]
    assert p.describe(on_two, CATALOGUE) == [
        f"Logs Read on all zones of the account {ACCOUNT}",
        f"Logs Read on the account {ACCOUNT}",
    ]


FLAT = st.sampled_from([ZONE, p.zone(OTHER), THE_ACCOUNT, p.r2_bucket(ACCOUNT, "logs", "eu")])
NESTED = st.sampled_from([ZONES, p.all_zones(OTHER), p.all_r2_buckets(ACCOUNT)])
GROUPS = st.sampled_from([*(group.id for group in CATALOGUE), "f" * 32])
MEMBERS: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.just({"until": "noon"}) | st.just({"limit": 3})
POLICIES = st.builds(
    lambda group, resources, effect, members: policy(group, *resources, effect=effect, **members),
    GROUPS,
    st.lists(FLAT, min_size=1, max_size=3) | st.lists(NESTED, min_size=1, max_size=3),
    st.sampled_from(["allow", "deny"]),
    MEMBERS,
)
LISTS = st.lists(POLICIES, max_size=4)


def split(policies: Iterable[TokenPolicy]) -> list[TokenPolicy]:
    """
    Return a policy for each single grant.
    """
    parts = []
    for each in policies:
        for name, leaf in each.resources.items():
            inner = leaf.items() if not isinstance(leaf, str) else [(None, leaf)]
            for key, value in inner:
                resources = {name: {key: value}} if key else {name: value}
                parts += [
                    attrs.evolve(each, resources=resources, permission_groups=[group])
                    for group in each.permission_groups
                ]
    return parts


@given(policies=LISTS, chance=st.randoms())
def test_a_description_has_one_order(policies: list[TokenPolicy], chance: random.Random) -> None:
    """
    It is the same for every order of policies, groups and resources, and for every division.
    """
    parts = split(policies)
    chance.shuffle(parts)
    catalogue = CATALOGUE[:]
    chance.shuffle(catalogue)
    turned = [
        attrs.evolve(each, resources=dict(reversed([*each.resources.items()]))) for each in reversed(policies)
    ]

    assert p.describe(parts * 2, catalogue) == p.describe(policies, CATALOGUE)
    assert p.describe(turned, CATALOGUE) == p.describe(policies, CATALOGUE)


@given(a=LISTS, b=LISTS)
def test_a_difference_is_empty_exactly_for_the_same_access(
    a: list[TokenPolicy], b: list[TokenPolicy]
) -> None:
    """
    It is false then, and its words and those of the two lists say so.
    """
    found = p.difference(a, b, CATALOGUE)

    assert bool(found) is not p.same_access(a, b)
    assert (str(found) == "No difference.") is p.same_access(a, b)
    assert (p.describe(a, CATALOGUE) == p.describe(b, CATALOGUE)) is p.same_access(a, b)
    assert not p.difference(a, split(a))


@given(a=LISTS, b=LISTS)
def test_a_difference_can_be_applied(a: list[TokenPolicy], b: list[TokenPolicy]) -> None:
    """
    The first list without what is removed, and with what is added, is the second.
    """
    found = p.difference(a, b)
    removed = set(grants_of([each for each in found.removed if isinstance(each, TokenPolicy)]))
    left = [part for part in split(a) if not set(grants_of([part])) & removed]
    added = [each for each in found.added if isinstance(each, TokenPolicy)]

    assert removed <= set(grants_of(a))
    assert p.same_access([*left, *added], b)


def test_a_name_and_an_id_can_be_one_group() -> None:
    """
    The catalogue tells, or else a policy in which the group has both, on the same kind of resource.
    """
    ids = [policy(ZONE_READ, ZONE)]
    named = [attrs.evolve(ids[0], permission_groups=[PermissionGroup(id=ZONE_READ, name="Zone Read")])]
    words = [p.allow("Zone Read", on=ZONE)]

    assert not p.difference(words, ids, CATALOGUE)
    assert not p.difference(named, words)
    assert not p.difference([p.allow("Logs Read", on=ZONES)], [policy(LOGS_OF_ZONE, ZONES)], CATALOGUE)
    assert p.difference(words, ids)
    assert p.difference(named, [p.allow("Zone Read", on=THE_ACCOUNT)])
    assert not p.difference([p.allow(ZONE_READ, on=ZONE)], [p.allow(CATALOGUE[0], on=ZONE)])


def test_a_name_without_an_id_stays_a_draft() -> None:
    """
    It can be sent like any other policy, and the resource is as it was given.
    """
    resources = [ZONE, ZONES, p.all_zones_of_all_accounts(), p.all_accounts(), p.user(OTHER)]
    found = p.difference([], [p.allow("New Write", LOGS_OF_ZONE, on=each) for each in resources])
    drafts = [each for each in found.added if isinstance(each, p.PolicyDraft)]

    assert {each for draft in drafts for each in draft.resources} == {*resources}
    assert {group for draft in drafts for group in draft.groups} == {"New Write"}
    assert len(found.added) > len(drafts)


def test_an_ambiguous_name_is_no_group() -> None:
    """
    If two groups fit, neither is taken.
    """
    twice = [*CATALOGUE, PermissionGroup(id="f" * 32, name="Zone Read")]
    words, ids = [p.allow("Zone Read", on=ZONE)], [policy(ZONE_READ, ZONE)]

    assert str(p.difference(words, ids, twice)) == (
        f"Added: Zone Read ({ZONE_READ}) on the zone {ZONE_ID}. "
        f"Removed: Zone Read (not looked up) on the zone {ZONE_ID}."
    )
    assert str(p.difference(ids, words, twice)) == (
        f"Added: Zone Read (not looked up) on the zone {ZONE_ID}. "
        f"Removed: Zone Read ({ZONE_READ}) on the zone {ZONE_ID}."
    )


def test_a_difference_is_prose() -> None:
    """
    It says what is added and what is removed, in the words of `describe()`.
    """
    before = [p.allow("Zone Read", on=ZONE)]
    after = [p.allow("DNS Read", on=ZONE), p.deny("Logs Read", on=THE_ACCOUNT)]
    found = p.difference(before, after, CATALOGUE)

    assert str(found) == (
        f"Added: DNS Read on the zone {ZONE_ID}; denied: Logs Read on the account {ACCOUNT}. "
        f"Removed: Zone Read on the zone {ZONE_ID}."
    )
    assert str(p.difference(after, after)) == "No difference."
    assert repr(found) == "AccessDifference(added=<2>, removed=<1>)"
    assert cftokens.AccessDifference is p.AccessDifference is AccessDifference
    assert hash(found) == hash(p.difference(before, after, CATALOGUE))


@pytest.mark.parametrize(
    ("policies", "groups", "kind", "problem"),
    [
        ("allow", [], TypeError, "policies must be a list of policies, not str"),
        ([policy(ZONE_READ, ZONE).to_dict(), {}], [], ValueError, r"policies\[1\]"),
        ([1], [], TypeError, r"policies\[0\] must be a TokenPolicy"),
        ([], ["x"], TypeError, "groups must be PermissionGroup objects, not str"),
        ([], "x", TypeError, "groups must be a list"),
    ],
)
def test_arguments_are_checked(policies: Any, groups: Any, kind: type[Exception], problem: str) -> None:
    """
    A mistake is an error that says where.
    """
    with pytest.raises(kind, match=problem):
        p.describe(policies, groups)
    with pytest.raises(kind, match=problem):
        p.difference([], policies, groups)


def test_a_member_that_is_not_known_counts() -> None:
    """
    It may restrict the access. One that is null or empty says nothing.
    """
    plain, limited = policy(ZONE_READ, ZONE), policy(ZONE_READ, ZONE, until="noon")
    blank = policy(ZONE_READ, ZONE, until=None, more=[], others={"a": None})

    assert not p.same_access([plain], [limited])
    assert p.difference([plain], [limited]).added == (limited,)
    assert p.same_access([plain], [blank])
    assert not p.difference([plain], [blank])
