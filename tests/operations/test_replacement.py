"""
What counts as a difference between what was sent and what came back.
"""

import copy
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens._operations.replacement import is_as_wanted, not_as_sent, replacement
from tests.vocabulary import DNS_READ, TOKEN, ZONE_READ

Json = dict[str, Any]

SENT: Json = {
    "name": "bot",
    "status": "active",
    "expires_on": "2030-01-01T00:00:00Z",
    "not_before": "2026-01-01T00:00:00Z",
    "condition": {
        "request_ip": {"in": ["192.0.2.0/24", "2001:db8::/32"], "not_in": ["192.0.2.1/32"], "log": True},
        "request_country": {"in": ["NL", "DE"], "seen": 3},
    },
    "policies": [
        {
            "effect": "allow",
            "permission_groups": [{"id": ZONE_READ, "level": "low"}, {"id": DNS_READ}],
            "resources": {"a": "*", "b": {"c": "*", "d": "*"}},
            "only_on": ["monday", "friday"],
        },
        {"effect": "deny", "permission_groups": [{"id": "1" * 32}], "resources": {"e": "*"}},
    ],
    "max_uses": 5,
    "tags": ["x", {"y": [1, 2]}],
}
"""Every member that can be sent, and some that we do not know."""


def changed(change: Callable[[Json], object]) -> Json:
    """
    Return the answer that has one change.
    """
    answer = copy.deepcopy(SENT)
    change(answer)
    return answer


def policy_of(token: Json) -> Json:
    """
    Return the first policy of a token.
    """
    policy: Json = token["policies"][0]
    return policy


def request_ip_of(token: Json) -> Json:
    """
    Return the addresses of a token's condition.
    """
    request_ip: Json = token["condition"]["request_ip"]
    return request_ip


MEANS_THE_SAME: dict[str, Callable[[Json], object]] = {
    "expired": lambda token: token.update(status="expired"),
    "revoked": lambda token: token.update(status="revoked (exposed)"),
    "another offset": lambda token: token.update(expires_on="2030-01-01T01:00:00+01:00"),
    "a fraction of a second": lambda token: token.update(expires_on="2030-01-01T00:00:00.5Z"),
    "policies in another order": lambda token: token["policies"].reverse(),
    "groups in another order": lambda token: policy_of(token)["permission_groups"].reverse(),
    "networks in another order": lambda token: request_ip_of(token)["in"].reverse(),
    "networks in another notation": lambda token: request_ip_of(token).update(
        {"in": ["192.0.2.7/24", "2001:DB8::/32"]}
    ),
    "a policy twice": lambda token: token["policies"].append(policy_of(token)),
    "a group twice": lambda token: policy_of(token)["permission_groups"].append({"id": DNS_READ}),
    "a network twice": lambda token: request_ip_of(token)["in"].append("192.0.2.0/24"),
    "a policy in two parts": lambda token: token.update(
        policies=[
            *(
                {**policy_of(token), "permission_groups": [each]}
                for each in SENT["policies"][0]["permission_groups"]
            ),
            SENT["policies"][1],
        ]
    ),
    "the old key": lambda token: token["condition"].update(
        {"request.ip": token["condition"].pop("request_ip")}
    ),
    "a new member of the token": lambda token: token.update(description="x"),
    "a new member of a policy": lambda token: policy_of(token).update(id="x", description="x"),
    "a new member of a group": lambda token: policy_of(token)["permission_groups"][1].update(
        name="x", level=1
    ),
    "a new member of the condition": lambda token: token["condition"].update(checked=True),
    "a new member of request_ip": lambda token: request_ip_of(token).update(description="x"),
    "a counter that moved": lambda token: token.update(max_uses=4),
    "a counter that moved further inside": lambda token: token["condition"]["request_country"].update(seen=4),
    "unknown words in another order": lambda token: policy_of(token)["only_on"].reverse(),
    "an unknown list in another order": lambda token: token["tags"].reverse(),
    "an empty shell": lambda token: token["condition"]["request_country"].update(not_in=[]),
}


@pytest.mark.parametrize("change", MEANS_THE_SAME.values(), ids=MEANS_THE_SAME)
def test_what_means_the_same_is_no_difference(change: Callable[[Json], object]) -> None:
    """
    Order, notation, repetition, counters and whatever Cloudflare adds do not matter.
    """
    assert not_as_sent(SENT, {}, changed(change)) == []


@pytest.mark.parametrize("name", ["a counter that moved", "a counter that moved further inside"])
def test_before_anything_is_sent_no_counter_moves(name: str) -> None:
    """
    A number that differs from the one that was read is a change, and perhaps a restriction.
    """
    assert is_as_wanted(SENT, SENT)
    assert not is_as_wanted(SENT, changed(MEANS_THE_SAME[name]))


def test_what_cannot_be_compared_is_not_as_wanted() -> None:
    """
    A body that is nested too deeply is sent.
    """
    nested: Json = {}
    for _ in range(2000):
        nested = {"a": nested}

    assert not is_as_wanted({"condition": nested}, {"condition": nested})


@pytest.mark.parametrize(
    "name", ["a policy twice", "a group twice", "a network twice", "a policy in two parts"]
)
def test_what_was_sent_twice_may_come_back_once(name: str) -> None:
    """
    A policy, a group or a network that was named twice is no difference, and neither are merged policies.
    """
    assert not_as_sent(changed(MEANS_THE_SAME[name]), {}, SENT) == []


DIFFERS: dict[str, tuple[str, Callable[[Json], object]]] = {
    "another name": ("name", lambda token: token.update(name="20")),
    "active": ("status", lambda token: token.update(status="disabled")),
    "no status": ("status", lambda token: token.pop("status")),
    "another expiry": ("expires_on", lambda token: token.update(expires_on="2030-01-01T00:00:01Z")),
    "no expiry": ("expires_on", lambda token: token.update(expires_on=None)),
    "another start": ("not_before", lambda token: token.update(not_before="2025-01-01T00:00:00Z")),
    "no condition": ("condition", lambda token: token.pop("condition")),
    "an empty condition": ("condition", lambda token: token.update(condition={"request_ip": {}})),
    "no addresses": ("condition", lambda token: token["condition"].pop("request_ip")),
    "another network": ("condition", lambda token: request_ip_of(token)["in"].append("198.51.100.0/24")),
    "a wider network": ("condition", lambda token: request_ip_of(token)["in"].append("192.0.0.0/16")),
    "a network less": ("condition", lambda token: request_ip_of(token)["in"].pop()),
    "no networks": ("condition", lambda token: request_ip_of(token).pop("in")),
    "no exception": ("condition", lambda token: request_ip_of(token).update(not_in=[])),
    "no unknown restriction": ("condition", lambda token: token["condition"].pop("request_country")),
    "a weaker unknown restriction": (
        "condition",
        lambda token: token["condition"]["request_country"]["in"].append("FR"),
    ),
    "no unknown member of request_ip": ("condition", lambda token: request_ip_of(token).pop("log")),
    "no policies": ("policies", lambda token: token.update(policies=None)),
    "a policy less": ("policies", lambda token: token["policies"].pop()),
    "another policy": (
        "policies",
        lambda token: token["policies"].append({**policy_of(token), "resources": {"z": "*"}}),
    ),
    "another effect": ("policies", lambda token: policy_of(token).update(effect="deny")),
    "another group": (
        "policies",
        lambda token: policy_of(token)["permission_groups"].append({"id": "2" * 32}),
    ),
    "a group less": ("policies", lambda token: policy_of(token)["permission_groups"].pop()),
    "another resource": ("policies", lambda token: policy_of(token)["resources"].update(z="*")),
    "a resource less": ("policies", lambda token: policy_of(token)["resources"].pop("a")),
    "a wider resource": ("policies", lambda token: policy_of(token)["resources"].update(b="*")),
    "a nested resource less": ("policies", lambda token: policy_of(token)["resources"]["b"].pop("c")),
    "no nested resource": ("policies", lambda token: policy_of(token)["resources"].update(b={})),
    "no unknown member of a policy": ("policies", lambda token: policy_of(token).pop("only_on")),
    "a weaker unknown member of a policy": (
        "policies",
        lambda token: policy_of(token)["only_on"].append("sunday"),
    ),
    "another unknown member of a group": (
        "policies",
        lambda token: policy_of(token)["permission_groups"][0].update(level="high"),
    ),
    "an unrestricted policy beside it": (
        "policies",
        lambda token: token["policies"].append(
            {key: value for key, value in policy_of(token).items() if key != "only_on"}
        ),
    ),
    "no unknown number": ("max_uses", lambda token: token.update(max_uses=None)),
    "a flag for a number": ("max_uses", lambda token: token.update(max_uses=True)),
    "another number in a list": ("tags", lambda token: token["tags"][1]["y"].append(3)),
}


@pytest.mark.parametrize(("key", "change"), DIFFERS.values(), ids=DIFFERS)
def test_what_means_something_else_is_a_difference(key: str, change: Callable[[Json], object]) -> None:
    """
    Whatever is missing, weaker or additional is named.
    """
    assert not_as_sent(SENT, {}, changed(change)) == [key]


@pytest.mark.parametrize("key", ["policies", "condition", "expires_on", "not_before"])
def test_what_was_not_sent_must_not_be_there(key: str) -> None:
    """
    A grant, a condition or a date that was not asked for is a difference.
    """
    sent = {each: value for each, value in SENT.items() if each != key}

    assert not_as_sent(sent, {}, SENT) == [key]


def test_what_was_there_before_must_be_removed() -> None:
    """
    An unknown member that the token had and that was not sent is a difference; one that was null is not.
    """
    assert not_as_sent({}, {"quota": "x", "seen_by": None}, {"quota": "x", "seen_by": "y"}) == ["quota"]


@pytest.mark.parametrize(
    "empty", [{"permission_groups": []}, {"resources": {}}, {"permission_groups": [], "resources": {}}]
)
def test_a_policy_that_grants_nothing_is_compared_too(empty: Json) -> None:
    """
    Its other members may mean something.
    """
    policy = {**SENT["policies"][0], **empty}

    assert not_as_sent({"policies": [policy]}, {}, {"policies": [policy]}) == []
    assert not_as_sent({"policies": [policy]}, {}, {"policies": []}) == ["policies"]


def test_a_grant_that_was_sent_in_two_forms_must_come_back_in_both() -> None:
    """
    An unrestricted policy is not taken for the restricted one beside it.
    """
    restricted = SENT["policies"][0]
    free = {key: value for key, value in restricted.items() if key != "only_on"}

    assert not_as_sent({"policies": [free, restricted]}, {}, {"policies": [restricted, free]}) == []
    assert not_as_sent({"policies": [free, restricted]}, {}, {"policies": [free]}) == ["policies"]


def test_an_answer_that_is_nested_too_deeply_is_a_difference() -> None:
    """
    It is no RecursionError, which would lose the value of a new token.
    """
    nested: Json = {}
    for _ in range(100_000):
        nested = {"a": nested}

    assert not_as_sent({"name": "bot"}, {}, {"name": "bot", "condition": nested}) == ["condition"]


@pytest.mark.parametrize("status", ["expired", "revoked (exposed)", "", None])
def test_only_a_status_that_can_be_set_is_sent_back(status: str | None) -> None:
    """
    Cloudflare refuses a body with any other.
    """
    assert "status" not in replacement({**TOKEN, "status": status}, {})


@pytest.mark.parametrize("status", ["active", "disabled"])
def test_a_status_that_can_be_set_is_sent_back(status: str) -> None:
    """
    Without it, Cloudflare could enable a disabled token.
    """
    assert replacement({**TOKEN, "status": status}, {})["status"] == status


@pytest.mark.parametrize(
    "key",
    [
        "id",
        "issued_on",
        "modified_on",
        "last_used_on",
        "creator_email_at_creation",
        "provisioner_type",
        "provisioner_id",
        "value",
    ],
)
def test_a_read_only_member_is_not_sent_back(key: str) -> None:
    """
    Neither is it a difference if it has changed.
    """
    before = {**TOKEN, key: "x"}

    assert key not in replacement(before, {})
    assert not_as_sent(replacement(before, {}), before, {**TOKEN, key: "y"}) == []


@pytest.mark.parametrize("policies", [{"policies": None}, {}])
def test_policies_that_were_not_there_are_not_sent(policies: Json) -> None:
    """
    An empty list could remove what the answer did not show.
    """
    before = {key: value for key, value in TOKEN.items() if key != "policies"} | policies

    assert replacement(before, {"name": "renamed"}) == {"name": "renamed", "status": "active"}


WORDS = st.sampled_from(["a", "b", "c"])
UNKNOWN = st.recursive(
    st.booleans() | WORDS,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3) | st.dictionaries(WORDS, inner, min_size=1, max_size=2)
    ),
    max_leaves=4,
)
OTHERS = st.dictionaries(st.sampled_from(["later", "new"]), UNKNOWN, max_size=2)
NETWORKS = st.lists(
    st.sampled_from(["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]), min_size=1, max_size=3, unique=True
)
LEAVES = st.just("*") | st.dictionaries(WORDS, st.just("*"), min_size=1)


@st.composite
def tokens(draw: st.DrawFn) -> Json:
    """
    Make a body in which no policy repeats a group of another, so that each part matters.
    """
    ids = iter([f"{number:032x}" for number in range(20)])
    policies = [
        {
            **draw(OTHERS),
            "effect": draw(st.sampled_from(["allow", "deny"])),
            "permission_groups": [{**draw(OTHERS), "id": next(ids)} for _ in range(draw(st.integers(1, 3)))],
            "resources": draw(st.dictionaries(WORDS, LEAVES, min_size=1)),
        }
        for _ in range(draw(st.integers(1, 3)))
    ]
    request_ip = {**draw(OTHERS), "in": draw(NETWORKS), "not_in": draw(NETWORKS)}
    condition = {**draw(OTHERS), "request_ip": request_ip}
    return {
        **draw(OTHERS),
        "name": "n",
        "expires_on": SENT["expires_on"],
        "condition": condition,
        "policies": policies,
    }


def objects(token: Json) -> list[Json]:
    """
    Return the objects to which Cloudflare may add members.
    """
    policies = token["policies"]
    groups = [group for policy in policies for group in policy["permission_groups"]]
    return [token, token["condition"], request_ip_of(token), *policies, *groups]


def shuffled(value: Any, chance: random.Random) -> Any:
    """
    Return a value with every list and object in another order.
    """
    if isinstance(value, dict):
        items = [(key, shuffled(each, chance)) for key, each in value.items()]
        return dict(chance.sample(items, len(items)))
    if isinstance(value, list):
        return [shuffled(each, chance) for each in chance.sample(value, len(value))]
    return value


@given(token=tokens(), chance=st.randoms(use_true_random=False), addition=UNKNOWN | st.none() | st.integers())
def test_a_permuted_answer_with_additions_is_the_same(
    token: Json, chance: random.Random, addition: object
) -> None:
    """
    Whatever the order and the additions, nothing differs.
    """
    answer = shuffled(token, chance)
    for each in objects(answer):
        if chance.random() < 0.5:
            each["added"] = addition
        if isinstance(groups := each.get("permission_groups"), list):
            groups.append(copy.deepcopy(chance.choice(groups)))

    assert not_as_sent(token, {}, answer) == []


def parts(value: Any) -> list[tuple[Any, Any]]:
    """
    Return each part of a value, as the list or object that it is in, and its index or key.
    """
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, each in list(inside) for found in [(value, key), *parts(each)]]


def meaning(value: Any) -> Any:
    """
    Return a form of JSON in which neither the order of lists nor repetition counts.
    """
    if isinstance(value, dict):
        return frozenset((key, meaning(each)) for key, each in value.items())
    return frozenset(map(meaning, value)) if isinstance(value, list) else (type(value), value)


@given(token=tokens(), data=st.data())
def test_any_removal_is_a_difference(token: Json, data: st.DataObject) -> None:
    """
    A single part that is missing is noticed, unless its list has it twice.
    """
    answer = copy.deepcopy(token)
    removable = [
        (inside, key)
        for inside, key in parts(answer)
        if key not in {"id", "effect", "permission_groups", "resources"}
        and not (isinstance(inside, list) and [*map(meaning, inside)].count(meaning(inside[key])) > 1)
    ]
    inside, key = data.draw(st.sampled_from(removable))
    del inside[key]

    assert not_as_sent(token, {}, answer) != []


@given(token=tokens(), data=st.data())
def test_any_widening_is_a_difference(token: Json, data: st.DataObject) -> None:
    """
    A policy, group, resource, network or word in an unknown list that was not sent is noticed.
    """
    answer = copy.deepcopy(token)
    policy = data.draw(st.sampled_from(answer["policies"]))
    unknown = [
        inside
        for place in objects(answer)
        for name in {"later", "new"} & place.keys()
        for inside, key in parts({name: place[name]})
        if isinstance(inside, list) and key == 0
    ]
    widenings: list[Callable[[], object]] = [
        lambda: answer["policies"].append({**policy, "resources": {"z": "*"}}),
        lambda: policy["permission_groups"].append({"id": "f" * 32}),
        lambda: policy["resources"].update(z="*"),
        lambda: request_ip_of(answer)["in"].append("203.0.113.0/24"),
        request_ip_of(answer)["not_in"].pop,
        lambda: answer.update(expires_on="2031-01-01T00:00:00Z"),
        *[partial(each.append, "z") for each in unknown],
    ]
    data.draw(st.sampled_from(widenings))()

    assert not_as_sent(token, {}, answer) != []
