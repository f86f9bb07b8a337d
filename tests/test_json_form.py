"""
Models become JSON and come back: what came from Cloudflare comes out as it came.
"""

import copy
import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens._arguments import condition_from, policy_from
from cftokens._converter import structure, unstructure
from cftokens.models import (
    Condition,
    ConditionRequestIP,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenVerifyResponse,
)
from tests.answers import SINGLE
from tests.samples import sample
from tests.support import assert_no_secret
from tests.vocabulary import CREDENTIAL, CREDENTIAL_VALUE, MINTED, TOKEN, TOKEN_ID, TOKEN_POLICY, ZONE_READ

SAMPLES: list[tuple[Any, Any]] = [
    *((Token, item) for item in sample("list")["result"]),
    (Token, TOKEN),
    *((model, sample(operation)["result"]) for operation, model in SINGLE.items()),
    *((PermissionGroup, item) for item in sample("permission_groups")["result"]),
]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
TEXT = st.text(min_size=1, max_size=8)
DATES = st.one_of(
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat().replace("+00:00", "Z")),
    st.times().map(lambda time: f"2026-07-01T{time.isoformat()}+02:00"),
    st.sampled_from(
        [
            "2026-07-01T05:20:00.5Z",
            "2026-07-01T05:20:00.123456789Z",
            "2026-07-01T05:20:00+00:00",
            "2026-07-01 05:20:00Z",
            "2026-W27-3T05:20:00Z",
            "20260701T052000.000Z",
            "20260701T052000+0000",
        ]
    ),
)


def objects(needed: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """
    Return objects with these members, of which the optional ones may be null, and with unknown ones.
    """
    nullable = {key: st.none() | each for key, each in optional.items()}
    unknown = st.dictionaries(TEXT.map("x-{}".format), JSON, max_size=2)
    known = st.fixed_dictionaries(needed, optional=nullable)
    return st.builds(lambda members, more: {**more, **members}, known, unknown)


NETWORKS = st.lists(st.sampled_from(["192.0.2.0/24", "::/0"]), max_size=2)
REQUEST_IPS = objects({}, {"in": NETWORKS, "not_in": NETWORKS})
CONDITIONS = objects({}, {"request_ip": REQUEST_IPS, "request.ip": REQUEST_IPS})
GROUPS = objects(
    {"id": TEXT},
    {
        "name": st.text(max_size=5),
        "scopes": st.lists(TEXT, max_size=2),
        "category": TEXT,
        "is_selectable": st.booleans(),
        "meta": st.dictionaries(TEXT, JSON, max_size=2),
    },
)
POLICIES = objects(
    {
        "effect": TEXT,
        "permission_groups": st.lists(GROUPS, max_size=2),
        "resources": st.dictionaries(TEXT, TEXT | st.dictionaries(TEXT, TEXT, max_size=2), max_size=2),
    },
    {"id": TEXT},
)
MEMBERS = {
    **dict.fromkeys(
        ["name", "status", "creator_email_at_creation", "provisioner_type", "provisioner_id"], TEXT
    ),
    **dict.fromkeys(["issued_on", "modified_on", "last_used_on", "expires_on", "not_before"], DATES),
    "policies": st.lists(POLICIES, max_size=2),
    "condition": CONDITIONS,
}
TOKENS = objects({"id": TEXT}, MEMBERS)


@pytest.mark.parametrize(("model", "value"), SAMPLES)
def test_a_sample_comes_out_as_it_came(model: Any, value: dict[str, Any]) -> None:
    """
    Each answer that Cloudflare is known to give is the same after a round trip.
    """
    before = copy.deepcopy(value)
    made = model.from_dict(value)

    assert made.to_dict() == before == value
    assert model.from_dict(made.to_dict()) == made == structure(value, model)
    assert structure(value, model).to_dict() == before


@given(value=TOKENS)
def test_any_token_comes_out_as_it_came(value: dict[str, Any]) -> None:
    """
    Unknown members, nulls, empty lists and unusual dates are the same after a round trip, at every level.
    """
    token = Token.from_dict(value)
    written = token.to_dict()

    assert written == value
    assert json.loads(json.dumps(written)) == written
    assert Token.from_dict(written) == token
    for same in (attrs.evolve(token), copy.deepcopy(token), pickle.loads(pickle.dumps(token))):
        assert same.to_dict() == value
        assert hash(same) == hash(token)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (TokenDeleteResponse, {"id": TOKEN_ID, "new": [1, {"a": None}]}),
        (TokenVerifyResponse, {"id": TOKEN_ID, "status": "active", "expires_on": None, "new": {}}),
        (ConditionRequestIP, {"in": [], "not_in": None, "new": 1}),
        (Condition, {"request.ip": None, "request_ip": None}),
        (Condition, {"request.ip": "junk", "request_ip": {"in": ["::/0"]}}),
    ],
)
def test_any_model_keeps_what_it_does_not_know(model: Any, value: dict[str, Any]) -> None:
    """
    The small models do, too.
    """
    assert model.from_dict(value).to_dict() == value


def test_a_model_made_by_hand_is_written_in_the_api_s_shape() -> None:
    """
    None is left out, ``in_`` is ``in``, and date-times are in UTC with ``Z``.
    """
    token = Token(
        id=TOKEN_ID,
        policies=[TOKEN_POLICY],
        condition=Condition(request_ip=ConditionRequestIP(in_=["::/0"])),
        expires_on=datetime(2026, 7, 1, 7, 0, 0, 5, tzinfo=timezone(timedelta(hours=2))),
    )

    assert token.to_dict() == {
        "id": TOKEN_ID,
        "policies": [TOKEN_POLICY.to_dict()],
        "condition": {"request_ip": {"in": ["::/0"]}},
        "expires_on": "2026-07-01T05:00:00.000005Z",
    }
    assert Token.from_dict(token.to_dict()) == token


def test_a_changed_copy_is_written_as_it_is() -> None:
    """
    What attrs.evolve() changes takes precedence over the form in which it was read.
    """
    value: dict[str, Any] = {
        "id": TOKEN_ID,
        "last_used_on": None,
        "issued_on": "2026-07-01T05:20:00.5Z",
        "policies": [],
        "condition": {"request.ip": {"in": ["::/0"]}},
    }
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    token = attrs.evolve(
        Token.from_dict(value), last_used_on=moment, issued_on=moment, policies=[TOKEN_POLICY], condition=None
    )
    condition = attrs.evolve(Condition.from_dict({"request.ip": {"in": ["::/0"]}}), request_ip=None)

    assert token.to_dict() == {
        "id": TOKEN_ID,
        "last_used_on": "2026-07-01T00:00:00Z",
        "issued_on": "2026-07-01T00:00:00Z",
        "policies": [TOKEN_POLICY.to_dict()],
    }
    assert condition.to_dict() == {}


def test_a_value_is_written_only_if_asked() -> None:
    """
    to_dict(reveal=True) includes the secret of a new token, from which from_dict() makes a TokenValue.
    """
    created = TokenCreateResponse(id=TOKEN_ID, value=CREDENTIAL_VALUE)

    assert created.to_dict() == {"id": TOKEN_ID}
    assert created.to_dict(reveal=True) == {"id": TOKEN_ID, "value": CREDENTIAL}
    assert TokenCreateResponse.from_dict(created.to_dict(reveal=True)) == created


@pytest.mark.parametrize("model", dict.fromkeys(SINGLE.values()))
def test_a_value_where_it_does_not_belong_is_not_kept(model: Any) -> None:
    """
    A token that is read from the JSON of a new one has no secret in it.
    """
    made = model.from_dict({"id": TOKEN_ID, "status": "active", "value": MINTED})

    assert "value" not in made.to_dict(reveal=True)
    assert MINTED not in repr(pickle.dumps(made))


def test_a_value_must_be_a_token_value() -> None:
    """
    A plain string in its place is a TypeError that says what to pass.
    """
    secret: Any = CREDENTIAL
    with pytest.raises(TypeError, match="must be a TokenValue, such as TokenValue") as caught:
        TokenCreateResponse(id=TOKEN_ID, value=secret)

    assert CREDENTIAL not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ([], "the document: expected an object, got a list"),
        ({}, "id: is missing"),
        (
            {"id": TOKEN_ID, "policies": [{**TOKEN["policies"][0], "effect": None}]},
            "policies[0].effect: is null",
        ),
        ({"id": TOKEN_ID, "new": [{"a": ()}]}, "new[0].a: expected JSON, got an object of type tuple"),
        ({"id": TOKEN_ID, 5: 1}, "the document: expected strings as keys, got an object of type int"),
        ({"id": TOKEN_ID, "issued_on": "today"}, "issued_on: not a date-time"),
    ],
)
def test_a_document_that_does_not_fit_is_a_value_error(value: Any, problem: str) -> None:
    """
    The error says where, in the words of the JSON.
    """
    with pytest.raises(ValueError, match="is not the JSON of a Token") as caught:
        Token.from_dict(value)

    assert str(caught.value) == f"This is not the JSON of a Token. {problem}."
    assert caught.value.__context__ is None


def test_the_error_about_a_document_shows_no_value() -> None:
    """
    No frame of ours has the document in its locals.
    """

    def read() -> None:
        TokenCreateResponse.from_dict({"id": TOKEN_ID, "value": MINTED, "issued_on": "today"})

    with pytest.raises(ValueError, match="issued_on: not a date-time") as caught:
        read()

    assert_no_secret(caught.value)


def test_a_document_that_is_nested_too_deeply_is_a_value_error() -> None:
    """
    It is refused before it exhausts the stack.
    """
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]

    with pytest.raises(ValueError, match="nested too deeply"):
        Token.from_dict({"id": TOKEN_ID, "new": deep})
    while deep:  # collecting it at once would be another recursion
        deep = deep.pop()


def test_a_model_shares_nothing_with_its_document() -> None:
    """
    Neither a change of the document nor one of the result of to_dict() reaches the model.
    """
    value: Any = copy.deepcopy({**TOKEN, "new": {"list": [1]}})
    token = Token.from_dict(value)
    before = token.to_dict()
    for document in (value, token.to_dict()):
        document["new"]["list"].append(2)
        document["policies"][0]["resources"]["x"] = "*"
        document["policies"][0]["permission_groups"].clear()

    assert token.to_dict() == before


def test_nothing_inside_a_model_can_be_changed() -> None:
    """
    Mappings refuse every change, whether they were read or given by hand, and what was given is copied.
    """
    given = {"account": {"zone": "*"}}
    policy = TokenPolicy(effect="allow", permission_groups=(), resources=given)
    read = TokenPolicy.from_dict({"effect": "allow", "permission_groups": [], "resources": given})
    group = PermissionGroup.from_dict({"id": ZONE_READ, "meta": {"label": "x"}})
    given["account"].clear()

    mappings: list[Any] = [
        policy.resources,
        policy.resources["account"],
        read.resources,
        read.resources["account"],
        group.meta,
    ]
    assert policy == read
    assert policy.resources == {"account": {"zone": "*"}}
    changes: list[Callable[[Any], object]] = [
        lambda each: each.update(x="*"),
        lambda each: each.__setitem__("x", "*"),
        lambda each: each.__delitem__("account"),
        lambda each: each.__ior__({"x": "*"}),
        lambda each: each.setdefault("x"),
        lambda each: each.pop("account"),
        lambda each: each.popitem(),
        lambda each: each.clear(),
    ]
    for mapping in mappings:
        for change in changes:
            with pytest.raises(TypeError, match="cannot be changed"):
                change(mapping)
        assert json.loads(json.dumps(mapping)) == mapping
        assert pickle.loads(pickle.dumps(mapping)) == mapping


def test_a_policy_from_a_file_is_sent_with_what_is_not_known() -> None:
    """
    Unknown members are carried into a request, but not nulls or read-only members; a mapping is strict.
    """
    value = {**TOKEN["policies"][0], "only_on": ["monday"], "id": None}
    sent = unstructure(policy_from(TokenPolicy.from_dict(value), "policies[0]"))
    condition = condition_from(Condition.from_dict({"request.ip": {"in": ["::/0"], "log": 1}, "mtls": True}))

    assert sent == {key: member for key, member in value.items() if key != "id"}
    assert unstructure(condition) == {"request_ip": {"in": ["::/0"], "log": 1}, "mtls": True}
    with pytest.raises(ValueError, match="only_on"):
        policy_from(value, "policies[0]")
