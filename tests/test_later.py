"""
What msgspec finds usual stays JSON until it is read, and nothing else changes.
"""

import copy
import json
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens import _converter, _later
from cftokens._converter import structure, structure_list
from cftokens._frozen import FrozenDict
from cftokens._read_hooks import Malformed
from cftokens.models import Condition, ConditionRequestIP, Token
from tests.vocabulary import TOKEN_ID, ZONE_READ

installed = vars(_later)["msgspec"]

GROUP = {"id": ZONE_READ, "name": "Zone Read"}
POLICY = {"id": "a", "effect": "allow", "permission_groups": [GROUP], "resources": {"a": {"b": "*"}}}
CONDITION = {"request_ip": {"in": ["192.0.2.0/24"]}}
TOKEN = {"id": TOKEN_ID, "policies": [POLICY], "condition": CONDITION}

ODD: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        "",
        "a",
        0,
        5,
        10**20,
        1.5,
        True,
        [],
        ["a"],
        [None],
        [[]],
        {},
        {"a": "*"},
        {"a": 5},
        {"a": {"b": "*"}},
    ]
)
SURPRISES = {"surprise": ODD, "\ud800": ODD, "in_": ODD, "request.ip": ODD, "_unknown": ODD}


def objects(needed: dict[str, Any], others: dict[str, Any]) -> st.SearchStrategy[Any]:
    """
    Return objects that mostly have their usual members, rarely odd ones, and more rarely are something else.
    """
    members = {key: st.just(usual) | ODD for key, usual in {**needed, **others}.items()}
    usual = st.fixed_dictionaries({}, optional={**members, **SURPRISES})
    return st.just(needed) | usual.map(lambda each: {**needed, **each}) | usual | ODD


GROUPS = objects(GROUP, {"scopes": ["a"], "category": "DNS", "is_selectable": True, "meta": {"a": None}})
POLICIES = objects(POLICY, {}).flatmap(
    lambda policy: st.lists(GROUPS, max_size=2).map(
        lambda groups: {**policy, "permission_groups": groups} if isinstance(policy, dict) else policy
    )
)
RANGES = objects({"in": ["192.0.2.0/24"]}, {"not_in": ["192.0.2.1/32"]})
CONDITIONS = RANGES.map(lambda ranges: {"request_ip": ranges}) | objects(CONDITION, {})


@contextmanager
def reading_with(msgspec: Any) -> Iterator[None]:
    """
    Read JSON with msgspec, or with None in its place.
    """
    with patch.object(_later, "msgspec", msgspec):
        _forget_hooks()
        yield
    _forget_hooks()


def _forget_hooks() -> None:
    _converter._converter.cache_clear()
    _converter.structure_hook.cache_clear()


def outcome(*documents: Any) -> list[tuple[object, ...]]:
    """
    Return what becomes of tokens on a page, with all of them read, or what is wrong with them.
    """
    try:
        tokens = structure_list(json.loads(json.dumps(documents)), Token)
    except Malformed as malformed:
        return [(str(malformed),)]
    alone = [structure(document, Token) for document in documents]
    assert tokens == tuple(alone)
    return [(repr((each.policies, each.condition, hash(each))), each.to_dict()) for each in tokens]


@given(policies=st.lists(POLICIES, max_size=3) | ODD, condition=CONDITIONS | ODD)
def test_reading_later_changes_nothing(policies: Any, condition: Any) -> None:
    """
    Any policies and condition, alone and among others, become the same with msgspec as without it.
    """
    document = {"id": TOKEN_ID, "policies": policies, "condition": condition}
    with reading_with(None):
        expected = outcome(document), outcome(TOKEN, document, TOKEN)
    with reading_with(installed):
        assert (outcome(document), outcome(TOKEN, document, TOKEN)) == expected


def test_usual_json_is_left_as_it_is() -> None:
    """
    Policies and conditions stay JSON until they are read, if msgspec is there to check them.
    """
    with reading_with(installed):
        token = structure(TOKEN, Token)

    unread = [getattr(Token, name).slot.__get__(token) for name in ("policies", "condition")]
    assert [type(each) for each in unread] == ([tuple, Condition] if installed is None else [list, dict])
    assert token.policies[0].permission_groups[0].name == "Zone Read"
    assert token.condition == Condition(request_ip=ConditionRequestIP(in_=["192.0.2.0/24"]))


@pytest.mark.parametrize("name", ["policies", "condition"])
def test_what_was_read_stays(name: str) -> None:
    """
    Each look at an attribute shows the same object.
    """
    with reading_with(installed):
        token = structure(TOKEN, Token)

    assert getattr(token, name) is getattr(token, name)


@pytest.mark.parametrize(
    "twin", [copy.copy, copy.deepcopy, attrs.evolve, lambda token: pickle.loads(pickle.dumps(token))]
)
def test_an_unread_token_can_be_copied(twin: Callable[[Token], Token]) -> None:
    """
    A copy of a token that nobody has read is equal to it, and has the same hash and JSON.
    """
    with reading_with(installed):
        token, other = structure(TOKEN, Token), structure(TOKEN, Token)
    copied = twin(token)

    assert copied == other
    assert hash(copied) == hash(other)
    assert copied.to_dict() == TOKEN


@pytest.mark.parametrize(
    "unusual",
    [
        {"policies": [{**POLICY, "surprise": 1}]},
        {"policies": [{**POLICY, "\ud800": 1}]},
        {"policies": [{**POLICY, "permission_groups": [{**GROUP, "meta": {"a": 5}}]}]},
        {"policies": []},
        {"condition": {"request.ip": {"in": ["192.0.2.0/24"]}}},
    ],
)
def test_unusual_json_is_read_at_once(unusual: dict[str, Any]) -> None:
    """
    What a model would have to remember, or may refuse, is structured when it arrives.
    """
    with reading_with(installed):
        token = structure({**TOKEN, **unusual}, Token)

    (name,) = unusual
    assert type(getattr(Token, name).slot.__get__(token)) in (tuple, Condition)
    assert token.to_dict() == {**TOKEN, **unusual}


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"policies": [{**POLICY, "effect": ""}]}, "policies[0].effect: is empty"),
        ({"policies": [{**POLICY, "id": 5}]}, "policies[0].id: expected a string, got a whole number"),
        (
            {"policies": [{**POLICY, "permission_groups": [{"id": ""}]}]},
            "policies[0].permission_groups[0].id: is empty",
        ),
        (
            {"condition": {"request_ip": {"in": [None]}}},
            "condition.request_ip.in[0]: expected a string, got null",
        ),
        ({"condition": []}, "condition: expected an object, got a list"),
    ],
)
def test_malformed_json_is_refused_at_once(wrong: dict[str, Any], problem: str) -> None:
    """
    An error says where when the answer arrives, not when somebody reads the model.
    """
    with reading_with(installed), pytest.raises(Malformed) as caught:
        structure({**TOKEN, **wrong}, Token)

    assert str(caught.value) == problem


def test_json_in_a_token_made_by_hand_stays_as_it_is() -> None:
    """
    A condition that is no Condition, which no hook has checked, is frozen and never fails when read.
    """
    unchecked: Any = {"request_ip": 3}
    condition: Any = Token(id=TOKEN_ID, condition=unchecked).condition

    assert condition == unchecked
    assert type(condition) is FrozenDict
