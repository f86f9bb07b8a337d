"""
JSON becomes models, or an error that says where it is malformed.
"""

import re
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens._converter import structure, structure_list, unknown_members, unstructure
from cftokens._operations.pagination import ResultInfo
from cftokens._read_hooks import Malformed
from cftokens._secret import TokenValue
from cftokens.models import (
    Condition,
    ConditionRequestIP,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenPolicy,
    TokenVerifyResponse,
)
from tests.samples import sample
from tests.vocabulary import MINTED, TOKEN_ID, ZONE_READ

POLICY = {"effect": "allow", "permission_groups": [{"id": ZONE_READ}], "resources": {"a": "*"}}


def problem_of(value: object, model: type[Any] = Token) -> str:
    """
    Return what is wrong with a value.
    """
    with pytest.raises(Malformed) as caught:
        structure(value, model)
    return str(caught.value)


class TestModels:
    def test_a_whole_token(self) -> None:
        """
        Every member of a listed token is converted.
        """
        (token, _) = structure_list(sample("list")["result"], Token)

        assert token == Token(
            id=TOKEN_ID,
            name="zone reader",
            status="active",
            issued_on=datetime(2026, 7, 1, 5, 20, tzinfo=UTC),
            modified_on=datetime(2026, 7, 2, 5, 20, tzinfo=UTC),
            last_used_on=datetime(2026, 7, 3, 5, 20, tzinfo=UTC),
            not_before=datetime(2026, 7, 1, tzinfo=UTC),
            expires_on=datetime(2027, 7, 1, tzinfo=UTC),
            policies=(
                TokenPolicy(
                    id="0000000000000000000000000000b001",
                    effect="allow",
                    resources={"com.cloudflare.api.account.zone.0000000000000000000000000000c001": "*"},
                    permission_groups=(
                        PermissionGroup(
                            id=ZONE_READ,
                            name="Zone Read",
                            meta={
                                "label": "zone_read",
                                "scopes": "com.cloudflare.api.account.zone",
                                "eol_at": None,
                            },
                        ),
                    ),
                ),
            ),
            condition=Condition(
                request_ip=ConditionRequestIP(in_=("192.0.2.0/24", "2001:db8::/32"), not_in=("192.0.2.1/32",))
            ),
            creator_email_at_creation="someone@example.com",
            provisioner_type="com.cloudflare.api.oauthtoken",
        )

    def test_null_is_none(self) -> None:
        """
        A member that is null or missing is None.
        """
        (_, token) = structure_list(sample("list")["result"], Token)

        assert (token.last_used_on, token.expires_on, token.provisioner_id) == (None, None, None)

    def test_the_old_name_of_a_condition_is_read(self) -> None:
        """
        ``request.ip`` is read as ``request_ip``.
        """
        (_, token) = structure_list(sample("list")["result"], Token)

        assert token.condition == Condition(request_ip=ConditionRequestIP(in_=("198.51.100.7/32",)))

    def test_the_new_name_of_a_condition_takes_precedence(self) -> None:
        """
        If ``request_ip`` is set, ``request.ip`` is ignored, even if it is malformed.
        """
        condition = structure({"request.ip": "junk", "request_ip": {"in": ["198.51.100.7/32"]}}, Condition)

        assert condition == Condition(request_ip=ConditionRequestIP(in_=("198.51.100.7/32",)))

    @pytest.mark.parametrize(
        "condition",
        [
            {"request.ip": {"in": ["192.0.2.0/24"]}, "mtls": True},
            {"request.ip": {"in": ["192.0.2.0/24"]}, "request_ip": None, "mtls": True},
            {"request.ip": {"in": ["::/0"]}, "request_ip": {"in": ["192.0.2.0/24"]}, "mtls": True},
        ],
    )
    def test_an_old_name_is_known(self, condition: object) -> None:
        """
        ``request.ip`` is written as ``request_ip``, beside the members that are not known.
        """
        expected = {"request_ip": {"in": ["192.0.2.0/24"]}, "mtls": True}

        assert unstructure(structure(condition, Condition)) == expected

    @pytest.mark.parametrize("condition", [{}, {"request_ip": None}, {"request.ip": None}])
    def test_a_condition_may_be_empty(self, condition: object) -> None:
        """
        A condition without networks is an empty Condition.
        """
        assert structure(condition, Condition) == Condition()

    def test_unknown_words_are_accepted(self) -> None:
        """
        An unknown status, scope, effect or category is an unchanged string.
        """
        group = structure(
            {"id": ZONE_READ, "scopes": ["com.cloudflare.tomorrow"], "category": "New"}, PermissionGroup
        )
        token = structure(
            {"id": TOKEN_ID, "status": "asleep", "policies": [{**POLICY, "effect": "maybe"}]}, Token
        )

        assert (group.scopes, group.category) == (("com.cloudflare.tomorrow",), "New")
        assert (token.status, token.policies[0].effect) == ("asleep", "maybe")

    def test_a_value_becomes_a_token_value(self) -> None:
        """
        The secret of a new token is masked from the start.
        """
        token = structure(sample("create")["result"], TokenCreateResponse)

        assert token.value == TokenValue(MINTED)

    def test_meta_is_open(self) -> None:
        """
        Strings and null stay unchanged; anything else becomes its JSON.
        """
        meta = {"label": "x", "eol_at": None, "deprecated": True, "of": [1]}
        group = structure({"id": ZONE_READ, "meta": meta}, PermissionGroup)

        assert group.meta == {"label": "x", "eol_at": None, "deprecated": "true", "of": "[1]"}

    @pytest.mark.parametrize("resources", [{}, {"a": "*"}, {"a": {"b": "*"}}, {"a": {"b": "*"}, "c": "*"}])
    def test_resources_are_unchanged(self, resources: object) -> None:
        """
        Resources may be flat, nested or mixed.
        """
        assert structure({**POLICY, "resources": resources}, TokenPolicy).resources == resources

    @pytest.mark.parametrize(
        ("field", "problem"),
        [
            ({"validator": attrs.validators.min_len(1)}, "a validator"),
            ({"factory": str}, "a factory"),
            ({"converter": str}, "a converter"),
        ],
    )
    def test_a_model_has_nothing_that_would_be_skipped(self, field: dict[str, Any], problem: str) -> None:
        """
        A model whose ``__init__`` does more than fill its slots is refused.
        """
        model = attrs.make_class("Model", {"id": attrs.field(type=str, **field)}, frozen=True, slots=True)

        with pytest.raises(TypeError, match=rf"Model\.id has {problem}, which structuring would skip"):
            structure({"id": TOKEN_ID}, model)


class TestDateTimes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("2026-07-01T05:20:00Z", datetime(2026, 7, 1, 5, 20, tzinfo=UTC)),
            ("2026-07-01T05:20:00+00:00", datetime(2026, 7, 1, 5, 20, tzinfo=UTC)),
            ("2026-07-01T05:20:00+02:00", datetime(2026, 7, 1, 3, 20, tzinfo=UTC)),
            ("2026-07-01T05:20:00.5Z", datetime(2026, 7, 1, 5, 20, 0, 500_000, tzinfo=UTC)),
            ("2026-07-01T05:20:00.123456789Z", datetime(2026, 7, 1, 5, 20, 0, 123_456, tzinfo=UTC)),
        ],
    )
    def test_one_with_a_zone_becomes_utc(self, text: str, expected: datetime) -> None:
        """
        Fractions and offsets are read, and the zone of the result is UTC.
        """
        issued_on = structure({"id": TOKEN_ID, "issued_on": text}, Token).issued_on

        assert (issued_on, issued_on and issued_on.tzinfo) == (expected, UTC)

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("", "not a date-time"),
            ("tomorrow", "not a date-time"),
            ("2026-13-01T00:00:00Z", "not a date-time"),
            ("0001-01-01T00:00:00+23:59", "not a date-time"),
            ("9999-12-31T23:59:59-23:59", "not a date-time"),
            ("2026-07-01T05:20:00", "a date-time without a zone"),
            ("2026-07-01", "a date-time without a zone"),
            (1_782_883_200, "expected a date-time, got a whole number"),
            (False, "expected a date-time, got a boolean"),
        ],
    )
    def test_anything_else_is_malformed(self, value: object, problem: str) -> None:
        """
        An invalid date-time, one without a zone, or another type is refused.
        """
        assert problem_of({"id": TOKEN_ID, "issued_on": value}) == f"issued_on: {problem}"


class TestProblems:
    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            (None, "the result: expected an object, got null"),
            ([], "the result: expected an object, got a list"),
            ("x", "the result: expected an object, got a string"),
            (1.5, "the result: expected an object, got a number"),
            ({}, "id: is missing"),
            ({"id": None}, "id: is null"),
            ({"id": ""}, "id: is empty"),
            ({"id": 5}, "id: expected a string, got a whole number"),
            ({"id": TOKEN_ID, "name": False}, "name: expected a string, got a boolean"),
            ({"id": TOKEN_ID, "policies": {}}, "policies: expected a list, got an object"),
            ({"id": TOKEN_ID, "policies": [POLICY, []]}, "policies[1]: expected an object, got a list"),
            ({"id": TOKEN_ID, "policies": [{**POLICY, "effect": None}]}, "policies[0].effect: is null"),
            (
                {"id": TOKEN_ID, "policies": [{**POLICY, "permission_groups": [{"id": True}]}]},
                "policies[0].permission_groups[0].id: expected a string, got a boolean",
            ),
            (
                {"id": TOKEN_ID, "policies": [{**POLICY, "permission_groups": [{"id": "x", "meta": 1}]}]},
                "policies[0].permission_groups[0].meta: expected an object, got a whole number",
            ),
            (
                {"id": TOKEN_ID, "policies": [{**POLICY, "resources": []}]},
                "policies[0].resources: expected an object, got a list",
            ),
            ({"id": TOKEN_ID, "condition": []}, "condition: expected an object, got a list"),
            (
                {"id": TOKEN_ID, "condition": {"request_ip": []}},
                "condition.request_ip: expected an object, got a list",
            ),
            (
                {"id": TOKEN_ID, "condition": {"request_ip": {"in": "::/0"}}},
                "condition.request_ip.in: expected a list, got a string",
            ),
            (
                {"id": TOKEN_ID, "condition": {"request_ip": {"not_in": ["::1/128", None]}}},
                "condition.request_ip.not_in[1]: expected a string, got null",
            ),
        ],
    )
    def test_it_says_where_in_wire_names(self, value: object, problem: str) -> None:
        """
        The problem names its place and the types in the words of the JSON.
        """
        assert problem_of(value) == problem

    @pytest.mark.parametrize("leaf", [None, 1, ["*"], {"b": None}, {"b": {"c": "*"}}])
    def test_resources_are_strings_or_objects_of_strings(self, leaf: object) -> None:
        """
        A value of another type is malformed, and its key is not quoted.
        """
        problem = problem_of({**POLICY, "resources": {"a": "*", "b": leaf}}, TokenPolicy)

        assert problem == "resources: expected a string or an object of strings under every name"

    @pytest.mark.parametrize("value", [None, "", 5, {}, []])
    def test_a_new_token_has_a_value(self, value: object) -> None:
        """
        A missing, empty or mistyped value is malformed.
        """
        assert problem_of({"id": TOKEN_ID, "value": value}, TokenCreateResponse).startswith("value: ")

    def test_the_value_is_never_quoted(self) -> None:
        """
        A secret in the wrong place is not in the problem.
        """
        assert problem_of({"id": TOKEN_ID, "policies": MINTED}) == "policies: expected a list, got a string"

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            (None, "the result: expected a list, got null"),
            ({}, "the result: expected a list, got an object"),
            ([{"id": TOKEN_ID}, {"name": "x"}], "[1].id: is missing"),
            ([None], "[0]: expected an object, got null"),
        ],
    )
    def test_a_list_says_which_item(self, values: object, problem: str) -> None:
        """
        The problem of an item begins with its index.
        """
        with pytest.raises(Malformed) as caught:
            structure_list(values, Token)

        assert str(caught.value) == problem

    @pytest.mark.parametrize("member", ["page", "per_page", "count", "total_count", "total_pages"])
    @pytest.mark.parametrize("value", [True, "1", [], {}, 1.0, 1e999])
    def test_totals_are_whole_numbers(self, member: str, value: object) -> None:
        """
        A total of another type, even a bool, is malformed.
        """
        assert problem_of({member: value}, ResultInfo).startswith(f"{member}: expected a whole number, got")


NAMED = {"id": ZONE_READ, "name": "Zone Read"}


class TestGroupsOfTokens:
    def test_equal_groups_are_one_object(self) -> None:
        """
        Tokens share the groups that they name alike.
        """
        policy = {**POLICY, "permission_groups": [NAMED]}
        tokens = structure_list(
            [{"id": "a", "policies": [policy]}, {"id": "b", "policies": [dict(policy)]}], Token
        )

        (first, second) = (token.policies[0].permission_groups[0] for token in tokens)
        assert first is second

    @pytest.mark.parametrize(
        "other",
        [
            {"id": ZONE_READ},
            {"id": ZONE_READ, "name": None},
            {"id": ZONE_READ, "name": "Zone Write"},
            {"id": TOKEN_ID, "name": "Zone Read"},
            {"id": ZONE_READ, "scopes": ["a"]},
            {**NAMED, "scopes": ["a"]},
            {**NAMED, "surprise": 1},
        ],
    )
    def test_other_groups_are_others(self, other: dict[str, Any]) -> None:
        """
        A group that differs in any member is read by itself, in whatever order they come.
        """
        groups = structure_list([NAMED, other, NAMED], PermissionGroup)

        assert groups == tuple(structure(group, PermissionGroup) for group in (NAMED, other, NAMED))
        assert unknown_members(groups[1]) == unknown_members(structure(other, PermissionGroup))

    @pytest.mark.parametrize("wrong", [5, {"id": ZONE_READ, "name": 5}, {"id": [], "name": "Zone Read"}])
    def test_a_malformed_group_is_refused(self, wrong: object) -> None:
        """
        A group that was read before does not excuse another.
        """
        with pytest.raises(Malformed, match=re.escape("[1]")):
            structure_list([NAMED, wrong], PermissionGroup)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "model",
    [Token, TokenCreateResponse, TokenVerifyResponse, PermissionGroup, TokenPolicy, Condition, ResultInfo],
)
@given(data=st.data())
def test_any_json_is_a_model_or_malformed(model: type[Any], data: st.DataObject) -> None:
    """
    Members of any type raise Malformed, or give a valid model with the id that was sent.
    """
    names = [*(field.name for field in attrs.fields(model)), "in", "request.ip"]
    value = data.draw(st.dictionaries(st.sampled_from(names), JSON))
    try:
        made = structure(value, model)
    except Malformed as malformed:
        assert str(malformed)  # noqa: PT017 -- both ways are right
    else:
        assert attrs.evolve(made) == made
        assert getattr(made, "id", None) == (value.get("id") if "id" in dir(made) else None)
