"""
Comparing what policies grant, whatever their form and order.
"""

import random
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens.models import PermissionGroup, TokenPolicy
from cftokens.policies import allow, same_access, zone
from tests.vocabulary import ACCOUNT, TOKEN_POLICY, ZONE_ID, ZONE_READ

IDS = st.sampled_from([ZONE_READ, "f" * 32, "e" * 32])
GROUPS = st.builds(PermissionGroup, id=IDS, name=st.none() | st.text())
LEAVES = st.just("*") | st.dictionaries(st.sampled_from(["a", "b"]), st.just("*"), min_size=1)
POLICIES = st.builds(
    TokenPolicy,
    id=st.none() | st.text(),
    effect=st.sampled_from(["allow", "deny"]),
    permission_groups=st.lists(GROUPS, min_size=1, max_size=3),
    resources=st.dictionaries(st.sampled_from(["a", "b"]), LEAVES, min_size=1),
)
LISTS = st.lists(POLICIES, max_size=3)


def as_mapping(policy: TokenPolicy) -> dict[str, Any]:
    """
    Return a policy in the API's own form.
    """
    return {
        "id": policy.id,
        "effect": policy.effect,
        "permission_groups": [{"id": group.id, "name": group.name} for group in policy.permission_groups],
        "resources": policy.resources,
    }


def split(policy: TokenPolicy) -> list[TokenPolicy]:
    """
    Split a policy into one for each group and resource.
    """
    return [
        attrs.evolve(policy, permission_groups=[group], resources={name: leaf})
        for group in policy.permission_groups
        for name, leaf in policy.resources.items()
    ]


@given(policies=LISTS, chance=st.randoms())
def test_order_form_and_read_only_members_do_not_matter(
    policies: list[TokenPolicy], chance: random.Random
) -> None:
    """
    Policies equal themselves shuffled, split, repeated, as mappings, and with read-only ids and names.
    """
    parts = [part for policy in policies for part in split(policy)]
    changed = [
        attrs.evolve(part, id="1", permission_groups=[attrs.evolve(part.permission_groups[0], name="x")])
        for part in parts
    ]
    chance.shuffle(changed)

    assert same_access(policies, policies)
    assert same_access(policies, changed + changed)
    assert same_access(changed, map(as_mapping, policies))


@given(a=LISTS, b=LISTS, c=LISTS)
def test_it_is_an_equivalence(a: list[TokenPolicy], b: list[TokenPolicy], c: list[TokenPolicy]) -> None:
    """
    The comparison is symmetric and transitive.
    """
    assert same_access(a, b) == same_access(b, a)
    assert same_access(a, c) or not (same_access(a, b) and same_access(b, c))


@given(policies=LISTS)
def test_an_extra_grant_is_detected(policies: list[TokenPolicy]) -> None:
    """
    One more group or resource is a difference.
    """
    new = PermissionGroup(id="0" * 32)
    more = [
        attrs.evolve(TOKEN_POLICY, permission_groups=[new], resources={"a": "*"}),
        attrs.evolve(TOKEN_POLICY, resources={"c": "*"}),
        attrs.evolve(TOKEN_POLICY, resources={"a": {"c": "*"}}),
    ]

    assert not any(same_access(policies, [*policies, each]) for each in more)


@pytest.mark.parametrize(
    "other",
    [
        attrs.evolve(TOKEN_POLICY, effect="deny"),
        attrs.evolve(TOKEN_POLICY, permission_groups=[PermissionGroup(id="f" * 32)]),
        attrs.evolve(TOKEN_POLICY, resources={"com.cloudflare.api.account.*": "*"}),
        attrs.evolve(
            TOKEN_POLICY,
            resources={f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}},
        ),
        attrs.evolve(TOKEN_POLICY, resources={f"com.cloudflare.api.account.{ACCOUNT}": "read"}),
    ],
)
def test_each_part_of_a_grant_counts(other: TokenPolicy) -> None:
    """
    Effect, group, resource and the value of the resource all make a difference.
    """
    assert not same_access([TOKEN_POLICY], [other])


def test_groups_belong_to_their_resources() -> None:
    """
    The same groups and resources in another combination are a difference.
    """
    read, write = PermissionGroup(id="a" * 32), PermissionGroup(id="b" * 32)

    def grants(*pairs: tuple[PermissionGroup, str]) -> list[TokenPolicy]:
        return [
            TokenPolicy(effect="allow", permission_groups=[group], resources={name: "*"})
            for group, name in pairs
        ]

    assert not same_access(grants((read, "x"), (write, "y")), grants((read, "y"), (write, "x")))


def test_a_policy_without_groups_equals_no_policy() -> None:
    """
    Both grant nothing.
    """
    assert same_access([], [attrs.evolve(TOKEN_POLICY, permission_groups=[])])


@pytest.mark.parametrize(
    ("policies", "kind", "problem"),
    [
        (
            [TOKEN_POLICY, {**as_mapping(TOKEN_POLICY), "effect": "Allow"}],
            ValueError,
            r"policies\[1\]\.effect must be 'allow'",
        ),
        ([{**as_mapping(TOKEN_POLICY), "extra": 1}], ValueError, "has an unknown key: 'extra'"),
        (["allow"], TypeError, "must be a TokenPolicy or a mapping, not str"),
        ([allow("DNS Write", on=zone(ZONE_ID))], TypeError, "or a mapping, not PolicyDraft"),
    ],
)
def test_arguments_are_checked(policies: Any, kind: type[Exception], problem: str) -> None:
    """
    An invalid policy is an error, not a difference.
    """
    with pytest.raises(kind, match=problem):
        same_access([TOKEN_POLICY], policies)
