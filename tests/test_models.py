"""
Models are frozen, and their sequences are tuples.
"""

import copy
import pickle
from typing import Any

import attrs
import pytest

import cftokens
from cftokens import models
from cftokens._converter import structure, unstructure
from cftokens.models import (
    Condition,
    ConditionRequestIP,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenPolicy,
)
from tests.answers import ATTEMPT
from tests.vocabulary import CREDENTIAL, CREDENTIAL_VALUE, TOKEN_ID, TOKEN_POLICY, ZONE_READ

MODELS = [
    each
    for name, each in vars(models).items()
    if not name.startswith("_") and isinstance(each, type) and attrs.has(each)
]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_be_imported_from_the_package(model: type) -> None:
    """
    Each one is in the package's __all__ too.
    """
    assert getattr(cftokens, model.__name__) is model
    assert model.__name__ in cftokens.__all__


@pytest.mark.parametrize("model", [PermissionGroup(id=ZONE_READ), TOKEN_POLICY, Token(id=TOKEN_ID), ATTEMPT])
def test_a_model_is_frozen(model: Any) -> None:
    """
    Setting an attribute raises FrozenInstanceError.
    """
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        model.id = "other"


def test_lists_become_tuples() -> None:
    """
    A model made with lists or an iterator holds tuples.
    """
    policy = TokenPolicy(
        effect="allow", permission_groups=[PermissionGroup(id=ZONE_READ)], resources=TOKEN_POLICY.resources
    )
    token = Token(
        id=TOKEN_ID,
        policies=iter([policy]),
        condition=Condition(request_ip=ConditionRequestIP(in_=["192.0.2.0/24"])),
    )

    assert policy == TOKEN_POLICY
    assert token.policies == (TOKEN_POLICY,)
    assert token.condition == Condition(request_ip=ConditionRequestIP(in_=("192.0.2.0/24",)))


@pytest.mark.parametrize(
    "make",
    [
        lambda text: ConditionRequestIP(in_=text),
        lambda text: ConditionRequestIP(not_in=text),
        lambda text: PermissionGroup(id=ZONE_READ, scopes=text),
    ],
)
def test_a_single_string_is_not_a_list(make: Any) -> None:
    """
    A string in place of a list is a TypeError, not a tuple of its characters.
    """
    with pytest.raises(TypeError, match="not a single string"):
        make("192.0.2.0/24")


def test_a_new_token_hides_its_value() -> None:
    """
    A TokenCreateResponse is a Token that can be printed without showing its secret.
    """
    token = TokenCreateResponse(id=TOKEN_ID, value=CREDENTIAL_VALUE)

    assert isinstance(token, Token)
    assert CREDENTIAL not in f"{token}{token!r}"
    assert "cfat_…f00d" in repr(token)


@pytest.mark.parametrize("model", [TOKEN_POLICY, ATTEMPT, Token(id=TOKEN_ID, policies=[TOKEN_POLICY])])
def test_a_model_without_a_secret_can_be_copied_and_pickled(model: Any) -> None:
    """
    A policy, an attempt and a token equal their copies.
    """
    assert copy.deepcopy(model) == model
    assert pickle.loads(pickle.dumps(model)) == model


UNKNOWN: dict[type, dict[str, Any]] = {
    PermissionGroup: {"id": ZONE_READ, "level": 3},
    TokenPolicy: {"effect": "allow", "permission_groups": [], "resources": {}, "only_on": ["monday"]},
    ConditionRequestIP: {"in": ["192.0.2.0/24"], "log": None},
    Condition: {"request_ip": {"in": ["192.0.2.0/24"]}, "mtls": {"required": True}},
    Token: {"id": TOKEN_ID, "name": "bot", "policies": [], "max_uses": 5},
}
"""JSON with a member that the model does not know."""


@pytest.mark.parametrize(("model", "value"), UNKNOWN.items())
def test_a_model_keeps_what_it_does_not_know(model: type[Any], value: dict[str, Any]) -> None:
    """
    Such a member survives evolve, copies and pickles; it is not shown, and does not count for equality.
    """
    made = structure(value, model)
    *known, unknown = value
    without = structure({key: value[key] for key in known}, model)
    written = {unknown: value[unknown]}

    for same in (made, attrs.evolve(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
        assert unstructure(same).items() >= written.items()
    assert made == without
    assert repr(made) == repr(without)
    assert unstructure(without).keys().isdisjoint(written)


def test_a_token_keeps_no_value_that_it_does_not_know() -> None:
    """
    A secret where it does not belong is left out.
    """
    token = structure({"id": TOKEN_ID, "value": CREDENTIAL, "new": 1}, Token)

    assert unstructure(token) == {"id": TOKEN_ID, "new": 1}
