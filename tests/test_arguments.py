"""
What callers pass, how it is checked, and what is sent.
"""

import json
import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cftokens import r2
from cftokens._arguments import condition_from
from cftokens._checks import (
    check_choice,
    check_date_time,
    check_id,
    check_seconds,
    check_text,
    check_token_name,
    check_whole_number,
)
from cftokens._converter import structure
from cftokens._operations.bodies import to_json
from cftokens._secret import TokenValue
from cftokens._settings import check_base_url, check_credential
from cftokens.models import Condition, ConditionRequestIP, PermissionGroup, Token, TokenPolicy
from cftokens.policies import r2_bucket
from tests.answers import body_of, policies_to_json
from tests.vocabulary import ACCOUNT, CREDENTIAL, TOKEN_POLICY, ZONE_READ

POLICY_JSON: Mapping[str, Any] = {
    "effect": "allow",
    "permission_groups": [{"id": ZONE_READ}],
    "resources": {f"com.cloudflare.api.account.{ACCOUNT}": "*"},
}
REQUEST_IP = {"in": ["192.0.2.0/24"], "not_in": ["192.0.2.1/32"]}


class Word(str, Enum):  # noqa: UP042 -- str() of this kind gives the member's name
    ALLOW = "allow"
    BUCKET = "my-bucket"
    EU = "eu"
    ID = ZONE_READ


def body(**changes: Any) -> Any:
    """
    Return the body of a create.
    """
    return body_of(**({"name": "n", "policies": [TOKEN_POLICY]} | changes))


def condition_to_json(condition: Any) -> Any:
    """
    Return a condition as it is sent.
    """
    return to_json({"condition": condition_from(condition)})["condition"]


def date_time_to_json(value: Any, name: str) -> Any:
    """
    Return a date-time as it is sent.
    """
    return to_json({name: check_date_time(value, name)})[name]


class TestIds:
    def test_a_valid_one_is_returned(self) -> None:
        """
        An id is 32 lower-case hexadecimal digits.
        """
        assert check_id(ACCOUNT, "account_id") == ACCOUNT

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "verify",
            "permission_groups",
            ACCOUNT + "\n",
            " " + ACCOUNT,
            ACCOUNT[:-1],
            ACCOUNT + "0",
            ACCOUNT.upper(),
            "../" + ACCOUNT[3:],
            "/" * 32,
            "\u0660" * 32,
            "g" * 32,
            CREDENTIAL,
        ],
    )
    def test_other_text_is_refused_without_being_shown(self, value: str) -> None:
        """
        The ValueError names the argument but does not contain the text.
        """
        with pytest.raises(ValueError, match=r"^token_id must be 32 lower-case hexadecimal digits") as caught:
            check_id(value, "token_id")

        assert not value or value not in str(caught.value)

    def test_a_token_is_not_its_id(self) -> None:
        """
        The TypeError for a whole token says to pass its id.
        """
        with pytest.raises(TypeError, match="token_id must be a str, not Token; pass its id"):
            check_id(Token(id=ACCOUNT), "token_id")

    @pytest.mark.parametrize("value", [None, 5, ACCOUNT.encode(), [ACCOUNT]])
    def test_another_type_is_a_type_error(self, value: object) -> None:
        """
        None, a number, bytes or a list is not an id.
        """
        with pytest.raises(TypeError, match="token_id must be a str, not"):
            check_id(value, "token_id")


class TestCredential:
    @pytest.mark.parametrize("value", [CREDENTIAL, "8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T", "short"])
    def test_a_possible_token_passes(self, value: str) -> None:
        """
        Both of Cloudflare's forms pass, and any length.
        """
        check_credential(TokenValue(value))

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("", "it is empty"),
            (" \t\n", "it is empty"),
            (f"Bearer {CREDENTIAL}", "begins with 'Bearer '"),
            (f" bearer {CREDENTIAL}", "begins with 'Bearer '"),
            (CREDENTIAL + "\n", "line break"),
            (CREDENTIAL + "\r", "line break"),
            (f"{CREDENTIAL}\r\nX-Auth-Key: 1", "line break"),
            (f" {CREDENTIAL}", "white space"),
            (f"{CREDENTIAL}\t", "white space"),
            (f"{CREDENTIAL}\u00a0", "white space"),
            (f'"{CREDENTIAL}"', "quotes"),
            (f"'{CREDENTIAL}", "quotes"),
            (f"{CREDENTIAL}`", "quotes"),
            (f"\u201c{CREDENTIAL}\u201d", "characters that no token has"),
            (f"{CREDENTIAL}\x00", "characters that no token has"),
            (f"{CREDENTIAL}\ud800", "characters that no token has"),
            (f"{CREDENTIAL}\u200b", "characters that no token has"),
        ],
    )
    def test_anything_else_is_refused_without_being_shown(self, value: str, problem: str) -> None:
        """
        The error says what is wrong with the credential without showing it.
        """
        with pytest.raises(ValueError, match=problem) as caught:
            check_credential(TokenValue(value))

        assert CREDENTIAL[5:] not in str(caught.value)

    def test_a_masked_value_is_refused(self) -> None:
        """
        The text of a TokenValue, saved by mistake, is not a credential.
        """
        with pytest.raises(ValueError, match="api_token cannot be used"):
            check_credential(TokenValue(str(TokenValue(CREDENTIAL))))


class TestBaseUrl:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("https://api.cloudflare.com/client/v4", "https://api.cloudflare.com/client/v4"),
            ("https://api.cloudflare.com/client/v4/", "https://api.cloudflare.com/client/v4"),
            ("https://example.com", "https://example.com"),
            ("https://example.com//", "https://example.com"),
            ("HTTPS://Example.COM/V4", "https://example.com/V4"),
            ("https://example.com:8443/a%2Fb/", "https://example.com:8443/a%2Fb"),
            ("http://localhost:8787", "http://localhost:8787"),
            ("http://LOCALHOST", "http://localhost"),
            ("http://127.0.0.1:8787/", "http://127.0.0.1:8787"),
            ("http://127.9.9.9", "http://127.9.9.9"),
            ("http://[::1]:8787/v4", "http://[::1]:8787/v4"),
            (URL("https://example.com/v4/"), "https://example.com/v4"),
        ],
    )
    def test_a_valid_one_loses_its_trailing_slash(self, value: str | URL, expected: str) -> None:
        """
        A credential may go to https, or to http on loopback.
        """
        assert str(check_base_url(value)) == expected

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            ("", "does not begin with https://"),
            ("api.cloudflare.com", "does not begin with https://"),
            ("//api.cloudflare.com", "does not begin with https://"),
            ("ftp://api.cloudflare.com", "does not begin with https://"),
            ("https://", "does not begin with https://"),
            ("https:///client/v4", "does not begin with https://"),
            ("https://example.com:99999", "does not begin with https://"),
            ("https://[::1", "does not begin with https://"),
            # before 1.25, yarl takes what is in front of the @ for a user
            ("http://localhost\\@example.com", "(does not begin with https://|user or password)"),
            (5, "does not begin with https://"),
            ("https://example.com\n", "white space"),
            (" https://example.com", "white space"),
            ("https://example.com ", "white space"),
            ("https://example\n.com", "white space"),
            ("https://example\t.com/v4", "white space"),
            ("https://example.com\x00", "white space"),
            ("https://someone@example.com", "user or password"),
            ("https://:word@example.com", "user or password"),
            ("http://localhost:80@example.com", "user or password"),
            ("https://example.com/v4?a=b", "query or a fragment"),
            ("https://example.com/v4#a", "query or a fragment"),
            ("http://example.com", "unencrypted"),
            ("http://localhost.example.com", "unencrypted"),
            ("http://127.0.0.1.example.com", "unencrypted"),
            ("http://0.0.0.0", "unencrypted"),
            ("http://[::]", "unencrypted"),
            ("http://10.0.0.1", "unencrypted"),
            ("http://[fe80::1]", "unencrypted"),
            ("HTTP://example.com", "unencrypted"),
        ],
    )
    def test_anything_else_is_refused(self, value: Any, problem: str) -> None:
        """
        A URL that could expose the credential is a ValueError that says why.
        """
        with pytest.raises(ValueError, match=rf"^base_url cannot be used: .*{problem}"):
            check_base_url(value)


class TestNumbers:
    @pytest.mark.parametrize("value", [1, 0.5, 1e300])
    def test_seconds_become_a_float(self, value: float) -> None:
        """
        A positive number of seconds is returned as a float.
        """
        seconds = check_seconds(value, "timeout")

        assert (seconds, type(seconds)) == (value, float)

    @pytest.mark.parametrize("value", [0, -1, -0.0, math.inf, -math.inf, math.nan, 10**400])
    def test_seconds_are_positive_and_finite(self, value: float) -> None:
        """
        Zero, a negative number, infinity or NaN is a ValueError.
        """
        with pytest.raises(ValueError, match="timeout must be a positive number of seconds"):
            check_seconds(value, "timeout")

    @pytest.mark.parametrize("value", [True, "1", None, 1j, timedelta(seconds=1)])
    def test_seconds_are_a_number(self, value: object) -> None:
        """
        A bool, a string or a timedelta is a TypeError.
        """
        with pytest.raises(TypeError, match="timeout must be a number of seconds, not"):
            check_seconds(value, "timeout")

    @pytest.mark.parametrize(("value", "most"), [(5, 50), (50, 50), (5, None), (10**9, None)])
    def test_an_int_within_its_bounds_is_returned(self, value: int, most: int | None) -> None:
        """
        Bounds are inclusive, and the upper one is optional.
        """
        assert check_whole_number(value, "per_page", 5, most) == value

    @pytest.mark.parametrize(
        ("value", "most", "bounds"),
        [(4, 50, "between 5 and 50"), (51, 50, "between 5 and 50"), (4, None, "5 or more")],
    )
    def test_an_int_outside_its_bounds_is_refused(self, value: int, most: int | None, bounds: str) -> None:
        """
        The error gives the bounds and the number.
        """
        with pytest.raises(ValueError, match=rf"^per_page must be {bounds}, not {value}\.$"):
            check_whole_number(value, "per_page", 5, most)

    @pytest.mark.parametrize("value", [True, 5.0, "5", None])
    def test_anything_but_an_int_is_a_type_error(self, value: object) -> None:
        """
        A bool, a float or a string is not accepted as an int.
        """
        with pytest.raises(TypeError, match="page must be an int, not"):
            check_whole_number(value, "page", 1)


class TestText:
    @pytest.mark.parametrize("value", ["allow", "deny"])
    def test_a_choice_is_returned(self, value: str) -> None:
        """
        One of the choices passes.
        """
        assert check_choice(value, "effect", ("allow", "deny")) == value

    @pytest.mark.parametrize("value", ["", "Allow", "allow\n", None, True, ["allow"], {}, "x" * 1000])
    def test_no_other_value_is_a_choice(self, value: object) -> None:
        """
        The error lists the choices, and quotes at most 40 characters of the value.
        """
        with pytest.raises(ValueError, match=r"^effect must be 'allow' or 'deny', not .{1,40}\.$"):
            check_choice(value, "effect", ("allow", "deny"))

    def test_an_enum_member_counts_as_its_value(self) -> None:
        """
        The value of a string enum is sent, never the name.
        """
        sent = policies_to_json(
            [
                {
                    "effect": Word.ALLOW,
                    "permission_groups": [PermissionGroup(id=Word.ID)],
                    "resources": {Word.ALLOW: Word.ALLOW},
                }
            ]
        )

        assert sent[0]["effect"] == str(sent[0]["effect"]) == "allow"
        assert sent[0]["permission_groups"] == [{"id": str(check_id(Word.ID, "id"))}] == [{"id": ZONE_READ}]
        assert {str(key): str(leaf) for key, leaf in sent[0]["resources"].items()} == {"allow": "allow"}

    def test_an_enum_member_names_a_bucket_and_its_jurisdiction(self) -> None:
        """
        The bucket that is granted, and the host that gets requests, have the value in their names.
        """
        bucket = r2_bucket(ACCOUNT, Word.BUCKET, Word.EU)
        credentials = r2.credentials(ACCOUNT, CREDENTIAL, ACCOUNT, Word.EU)

        assert bucket.name == f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_my-bucket"
        assert credentials.endpoint_url == f"https://{ACCOUNT}.eu.r2.cloudflarestorage.com"

    def test_text_is_returned(self) -> None:
        """
        Any valid Unicode passes.
        """
        assert check_text("tökén 🗝", "name") == "tökén 🗝"

    @pytest.mark.parametrize(
        ("value", "problem"), [("", "must not be empty"), ("a\ud800", "must be valid Unicode")]
    )
    def test_text_that_cannot_be_sent_is_refused(self, value: str, problem: str) -> None:
        """
        An empty string or a lone surrogate is a ValueError.
        """
        with pytest.raises(ValueError, match=rf"^name {problem}\.$"):
            check_text(value, "name")

    @pytest.mark.parametrize("value", [None, 5, b"name", ["name"]])
    def test_text_is_a_string(self, value: object) -> None:
        """
        Another type is a TypeError.
        """
        with pytest.raises(TypeError, match="name must be a str, not"):
            check_text(value, "name")

    def test_a_name_has_up_to_120_characters(self) -> None:
        """
        120 characters are accepted, however many bytes they take.
        """
        assert check_token_name("ö" * 120) == "ö" * 120

    def test_a_longer_name_is_refused(self) -> None:
        """
        The ValueError for 121 characters gives their number.
        """
        with pytest.raises(ValueError, match="at most 120 characters long; got 121"):
            check_token_name("x" * 121)


class TestDateTimes:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (datetime(2027, 1, 1, tzinfo=UTC), "2027-01-01T00:00:00Z"),
            (datetime(2027, 1, 1, 0, 0, 0, 999_999, tzinfo=UTC), "2027-01-01T00:00:00Z"),
            (datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-12-31T23:00:00Z"),
            (datetime(2027, 1, 1, tzinfo=timezone(timedelta(seconds=-1))), "2027-01-01T00:00:01Z"),
            (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
        ],
    )
    def test_an_aware_one_is_sent_as_whole_seconds_in_utc(self, value: datetime, expected: str) -> None:
        """
        Fractions are cut off, and offsets become Z.
        """
        assert date_time_to_json(value, "expires_on") == expected

    @given(st.datetimes(timezones=st.timezones()))
    def test_any_aware_one_is_sent_or_out_of_range(self, value: datetime) -> None:
        """
        Whatever the zone, the same moment is sent, without its fraction.
        """
        try:
            sent = date_time_to_json(value, "expires_on")
        except ValueError as error:
            assert str(error) == "expires_on is out of range in UTC."  # noqa: PT017 -- most do not raise
        else:
            moment = datetime.strptime(sent, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)

            assert moment == value.astimezone(UTC).replace(microsecond=0)

    @pytest.mark.parametrize(
        ("value", "problem"),
        [
            (datetime(2027, 1, 1), "must have a time zone"),  # noqa: DTZ001 -- that is the point
            (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "out of range"),
            (datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-2))), "out of range"),
        ],
    )
    def test_an_ambiguous_or_impossible_one_is_refused(self, value: datetime, problem: str) -> None:
        """
        A naive datetime, or one that UTC cannot express, is a ValueError.
        """
        with pytest.raises(ValueError, match=rf"^not_before .*{problem}"):
            check_date_time(value, "not_before")

    @pytest.mark.parametrize("value", ["2027-01-01T00:00:00Z", date(2027, 1, 1), 0])
    def test_another_type_is_a_type_error(self, value: object) -> None:
        """
        A string or a date is a TypeError.
        """
        with pytest.raises(TypeError, match=r"^expires_on must be a datetime, .*, not"):
            check_date_time(value, "expires_on")


class TestBody:
    def test_unset_fields_are_left_out(self) -> None:
        """
        Without restrictions only the name and the policies are sent.
        """
        assert body() == {"name": "n", "policies": [POLICY_JSON]}

    def test_every_given_field_is_sent(self) -> None:
        """
        The body has every field of a create or update.
        """
        sent = body(
            condition={"request_ip": REQUEST_IP},
            expires_on=datetime(2027, 1, 2, tzinfo=UTC),
            not_before=datetime(2027, 1, 1, tzinfo=UTC),
            status="disabled",
        )

        assert sent == {
            "name": "n",
            "policies": [POLICY_JSON],
            "condition": {"request_ip": REQUEST_IP},
            "expires_on": "2027-01-02T00:00:00Z",
            "not_before": "2027-01-01T00:00:00Z",
            "status": "disabled",
        }

    def test_an_empty_list_of_policies_is_sent(self) -> None:
        """
        Cloudflare accepts it, and makes a token without permissions.
        """
        assert body(policies=[])["policies"] == []

    @pytest.mark.parametrize("status", ["expired", "", "Active", True])
    def test_a_status_is_active_or_disabled(self, status: object) -> None:
        """
        Only Cloudflare can set another one, so it is a ValueError.
        """
        with pytest.raises(ValueError, match="status must be 'active' or 'disabled'"):
            body(status=status)

    @pytest.mark.parametrize("seconds", [0, -1])
    def test_a_token_that_would_never_work_is_refused(self, seconds: int) -> None:
        """
        An expiry that is not after the start in whole seconds is a ValueError.
        """
        start = datetime(2027, 1, 1, tzinfo=UTC)
        with pytest.raises(ValueError, match="would never work"):
            body(not_before=start, expires_on=start + timedelta(seconds=seconds, milliseconds=1))


class TestOfficialExamples:
    """
    Bodies from Cloudflare's documentation are accepted unchanged.
    """

    def test_the_guide_to_creating_tokens(self) -> None:
        """
        Group names are left out, and ``request.ip`` is sent as ``request_ip``.
        """
        zones = {
            "com.cloudflare.api.account.zone.0000000000000000000000000000c001": "*",
            "com.cloudflare.api.account.zone.0000000000000000000000000000c002": "*",
        }
        groups = [{"id": ZONE_READ, "name": "Zone Read"}, {"id": ACCOUNT, "name": "DNS Read"}]
        networks = {"in": ["199.27.128.0/21", "2400:cb00::/32"], "not_in": ["199.27.128.1/32"]}
        sent = body(
            name="readonly token",
            policies=[{"effect": "allow", "resources": zones, "permission_groups": groups}],
            not_before=datetime(2020, 4, 1, 5, 20, tzinfo=UTC),
            expires_on=datetime(2020, 4, 10, tzinfo=UTC),
            condition={"request.ip": networks},
        )

        assert sent == {
            "name": "readonly token",
            "policies": [
                {
                    "effect": "allow",
                    "permission_groups": [{"id": ZONE_READ}, {"id": ACCOUNT}],
                    "resources": zones,
                }
            ],
            "not_before": "2020-04-01T05:20:00Z",
            "expires_on": "2020-04-10T00:00:00Z",
            "condition": {"request_ip": networks},
        }

    @pytest.mark.parametrize(
        "resources",
        [
            {f"com.cloudflare.api.account.{ACCOUNT}": "*"},
            {"com.cloudflare.api.account.zone.*": "*"},
            {f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}},
            {f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.edge.r2.bucket.*": "*"}},
            {
                f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_default_my-bucket": "*",
                f"com.cloudflare.edge.r2.bucket.{ACCOUNT}_eu_my-eu-bucket": "*",
            },
        ],
    )
    def test_every_form_of_resources(self, resources: object) -> None:
        """
        Flat and nested resources are sent unchanged.
        """
        sent = policies_to_json([{**POLICY_JSON, "resources": resources}])

        assert sent[0]["resources"] == resources

    def test_a_policy_from_an_answer(self) -> None:
        """
        The read-only members of a policy and its groups are accepted but not sent.
        """
        group = {
            "id": ZONE_READ,
            "name": "Zone Read",
            "meta": {"label": "zone_read", "scopes": "com.cloudflare.api.account.zone"},
            "scopes": ["com.cloudflare.api.account.zone"],
            "category": "General",
            "is_selectable": True,
        }

        assert policies_to_json([{**POLICY_JSON, "id": ACCOUNT, "permission_groups": [group]}]) == [
            POLICY_JSON
        ]


class TestPolicies:
    @pytest.mark.parametrize(
        "policies",
        [
            [TOKEN_POLICY],
            (TOKEN_POLICY,),
            iter([TOKEN_POLICY]),
            (each for each in [POLICY_JSON]),
            [{**POLICY_JSON, "permission_groups": (each for each in [PermissionGroup(id=ZONE_READ)])}],
            [{**POLICY_JSON, "permission_groups": ({"id": ZONE_READ},)}],
        ],
    )
    def test_classes_and_mappings_in_any_iterable_are_accepted(self, policies: Any) -> None:
        """
        Lists, tuples and generators of policies and groups give the same body.
        """
        assert policies_to_json(policies) == [POLICY_JSON]

    @pytest.mark.parametrize("policies", [TOKEN_POLICY, POLICY_JSON, "allow"])
    def test_a_single_policy_is_not_a_list(self, policies: Any) -> None:
        """
        The TypeError says to put it into a list.
        """
        with pytest.raises(TypeError, match="must be a list of policies, not"):
            policies_to_json(policies)

    @pytest.mark.parametrize("policies", [None, 5, PermissionGroup(id=ZONE_READ)])
    def test_anything_but_an_iterable_is_a_type_error(self, policies: Any) -> None:
        """
        The error names the argument and the type.
        """
        with pytest.raises(TypeError, match=r"^policies must be a list of policies, not \w+\.$"):
            policies_to_json(policies)

    @pytest.mark.parametrize(
        ("change", "kind", "problem"),
        [
            ({"effect": None}, ValueError, r"policies\[1\] must have 'effect'"),
            (
                {"effect": "Allow"},
                ValueError,
                r"policies\[1\]\.effect must be 'allow' or 'deny', not 'Allow'",
            ),
            ({"resource": {}}, ValueError, r"policies\[1\] has an unknown key: 'resource'"),
            ({5: {}}, ValueError, r"policies\[1\] has an unknown key: 5"),
            ({"permission_groups": None}, ValueError, "must have 'permission_groups'"),
            ({"permission_groups": []}, ValueError, r"permission_groups must not be empty: .* grant nothing"),
            ({"permission_groups": iter(())}, ValueError, r"permission_groups must not be empty"),
            ({"permission_groups": ZONE_READ}, TypeError, "must be a list of permission groups, not str"),
            (
                {"permission_groups": {"id": ZONE_READ}},
                TypeError,
                "must be a list of permission groups, not dict",
            ),
            ({"permission_groups": PermissionGroup(id=ZONE_READ)}, TypeError, "not PermissionGroup"),
            (
                {"permission_groups": [ZONE_READ]},
                TypeError,
                r"permission_groups\[0\] must be a PermissionGroup or a mapping",
            ),
            ({"permission_groups": [{}]}, ValueError, r"permission_groups\[0\] must have 'id'"),
            ({"permission_groups": [{"ID": ZONE_READ}]}, ValueError, "unknown key: 'ID'"),
            (
                {"permission_groups": [{"id": "Zone Read"}]},
                ValueError,
                r"\[0\]\.id must be 32 lower-case hexadecimal",
            ),
            (
                {"permission_groups": [PermissionGroup(id="")]},
                ValueError,
                r"\[0\]\.id must be .*; got an empty string",
            ),
            ({"resources": None}, ValueError, "must have 'resources'"),
            ({"resources": {}}, ValueError, "resources must be a mapping of at least one resource"),
            ({"resources": [ACCOUNT]}, ValueError, "resources must be a mapping of at least one resource"),
            ({"resources": {"a": None}}, TypeError, r"resources\['a'\] must be a str, not NoneType"),
            ({"resources": {"a": ["*"]}}, TypeError, r"resources\['a'\] must be a str, not list"),
            ({"resources": {"a": ""}}, ValueError, r"resources\['a'\] must not be empty"),
            ({"resources": {"": "*"}}, ValueError, r"a key of policies\[1\]\.resources must not be empty"),
            ({"resources": {5: "*"}}, TypeError, "a key of .* must be a str, not int"),
            ({"resources": {"a": {}}}, ValueError, r"resources\['a'\] must not be empty"),
            ({"resources": {"a": {"": "*"}}}, ValueError, r"a key of .*resources\['a'\] must not be empty"),
            ({"resources": {"a": {"b": {}}}}, TypeError, r"resources\['a'\]\['b'\] must be a str, not dict"),
        ],
    )
    def test_a_mistake_is_named_with_its_place(
        self, change: Mapping[Any, Any], kind: type[Exception], problem: str
    ) -> None:
        """
        A missing, unknown or invalid member of a policy is an error that says where it is.
        """
        with pytest.raises(kind, match=problem):
            policies_to_json([TOKEN_POLICY, {**POLICY_JSON, **change}])

    @pytest.mark.parametrize("policy", ["allow", 5, None, [TOKEN_POLICY]])
    def test_anything_but_a_policy_is_a_type_error(self, policy: Any) -> None:
        """
        A string, a number, None or a nested list is not a policy.
        """
        with pytest.raises(TypeError, match=r"policies\[0\] must be a TokenPolicy, a mapping, or .*, not"):
            policies_to_json([policy])


class TestCondition:
    @pytest.mark.parametrize(
        "condition",
        [
            {"request_ip": REQUEST_IP},
            {"request.ip": REQUEST_IP},
            {"request_ip": None, "request.ip": REQUEST_IP},
            {"request_ip": {"in": iter(["192.0.2.0/24"]), "not_in": ("192.0.2.1/32",)}},
            {"request_ip": ConditionRequestIP(in_=["192.0.2.0/24"], not_in=["192.0.2.1/32"])},
            Condition(request_ip=ConditionRequestIP(in_=("192.0.2.0/24",), not_in=("192.0.2.1/32",))),
        ],
    )
    def test_each_form_gives_the_same(self, condition: Any) -> None:
        """
        Classes, mappings and the old key all become ``request_ip``.
        """
        assert condition_to_json(condition) == {"request_ip": REQUEST_IP}

    @pytest.mark.parametrize("network", ["123.123.123.100/24", "192.0.2.1/32", "::/0", "2400:CB00::/32"])
    def test_networks_are_sent_as_written(self, network: str) -> None:
        """
        CIDR notation is unchanged, even with host bits or capitals.
        """
        assert condition_to_json({"request_ip": {"in": [network]}}) == {"request_ip": {"in": [network]}}

    @pytest.mark.parametrize(
        ("given", "sent"),
        [
            ("192.0.2.1", "192.0.2.1/32"),
            ("2400:cb00::1", "2400:cb00::1/128"),
            (ip_address("192.0.2.1"), "192.0.2.1/32"),
            (ip_address("2400:cb00::1"), "2400:cb00::1/128"),
            (ip_network("192.0.2.0/24"), "192.0.2.0/24"),
            (ip_network("2400:cb00::/32"), "2400:cb00::/32"),
        ],
    )
    def test_addresses_and_objects_become_networks(self, given: Any, sent: str) -> None:
        """
        A single address is a network of one, as a string or an object, in a class or a mapping.
        """
        assert condition_to_json({"request_ip": {"not_in": [given]}}) == {"request_ip": {"not_in": [sent]}}
        assert condition_to_json(Condition(request_ip=ConditionRequestIP(in_=[given]))) == {
            "request_ip": {"in": [sent]}
        }

    @pytest.mark.parametrize(
        "network",
        [
            "",
            " 192.0.2.1",
            "192.0.2.0/33",
            "192.0.2",
            "::/129",
            "example.com",
            "192.0.2.0/255.255.255.0",
            "fe80::1%eth0",
            "*",
        ],
    )
    def test_an_invalid_network_is_quoted(self, network: str) -> None:
        """
        The error gives its place and its text.
        """
        with pytest.raises(ValueError, match=r"in\[0\] must be (an address or a network|in CIDR)") as caught:
            condition_to_json({"request_ip": {"in": [network]}})

        assert repr(network) in str(caught.value)

    @pytest.mark.parametrize(
        ("condition", "kind", "problem"),
        [
            ({}, ValueError, "must have one request_ip; pass None"),
            (Condition(), ValueError, "must have one request_ip; pass None"),
            ({"request_ip": None}, ValueError, "must have one request_ip"),
            ({"request_ip": REQUEST_IP, "request.ip": REQUEST_IP}, ValueError, "must have one request_ip"),
            ({"requestip": REQUEST_IP}, ValueError, "condition has an unknown key: 'requestip'"),
            ("192.0.2.0/24", TypeError, "condition must be a Condition or a mapping, not str"),
            ([REQUEST_IP], TypeError, "condition must be a Condition or a mapping"),
            ({"request_ip": {}}, ValueError, r"condition\.request_ip must have networks"),
            ({"request.ip": {"in": None}}, ValueError, r"condition\.request\.ip must have networks"),
            ({"request_ip": ConditionRequestIP()}, ValueError, "must have networks under 'in' or 'not_in'"),
            ({"request_ip": {"in_": ["192.0.2.0/24"]}}, ValueError, "an unknown key: 'in_'"),
            ({"request_ip": ["192.0.2.0/24"]}, TypeError, r"condition\.request_ip must be a mapping"),
            ({"request_ip": {"in": "192.0.2.0/24"}}, TypeError, r"request_ip\.in must be a list of networks"),
            ({"request_ip": {"in": {"192.0.2.0/24": 1}}}, TypeError, "list of networks, .* not dict"),
            ({"request_ip": {"in": 5}}, TypeError, "list of networks, .* not int"),
            ({"request_ip": {"in": []}}, ValueError, r"request_ip\.in must not be empty; leave it out"),
            ({"request_ip": {"in": iter(())}}, ValueError, "must not be empty"),
            (
                {"request_ip": {"not_in": ["::1", None]}},
                ValueError,
                r"not_in\[1\] must be an address or a network, not .*'None'",
            ),
            (
                {"request_ip": {"in": b"192"}},
                ValueError,
                r"in\[0\] must be an address or a network, not .*'49'",
            ),
        ],
    )
    def test_a_mistake_is_refused(self, condition: Any, kind: type[Exception], problem: str) -> None:
        """
        An empty, misspelt or mistyped restriction is an error, and is never left out.
        """
        with pytest.raises(kind, match=problem):
            condition_to_json(condition)


class TestUnknownMembers:
    """
    Classes from an answer keep the members that they do not know; a mapping may not have any.
    """

    def test_a_policy_keeps_them(self) -> None:
        """
        They are sent as they were read, and read-only members are not.
        """
        group = {"id": ZONE_READ, "name": "Zone Read", "meta": {"a": "b"}, "level": {"of": [3, None]}}
        read = {**POLICY_JSON, "id": ACCOUNT, "permission_groups": [group], "only_on": ["monday"]}
        policy = structure(read, TokenPolicy)

        expected = {
            **POLICY_JSON,
            "permission_groups": [{"id": ZONE_READ, "level": {"of": [3, None]}}],
            "only_on": ["monday"],
        }
        assert policies_to_json([policy]) == [expected]
        assert policies_to_json([{**POLICY_JSON, "permission_groups": policy.permission_groups}]) == [
            {**POLICY_JSON, "permission_groups": expected["permission_groups"]}
        ]

    @pytest.mark.parametrize(
        "read",
        [
            {"request_ip": REQUEST_IP, "mtls": {"required": True}},
            {"mtls": {"required": True}},
            {"request_ip": {**REQUEST_IP, "log": False}},
            {"request_ip": {"log": False}, "mtls": None},
        ],
    )
    def test_a_condition_keeps_them(self, read: dict[str, Any]) -> None:
        """
        They are sent as they were read, even without a network beside them.
        """
        assert condition_to_json(structure(read, Condition)) == read

    def test_the_parts_of_a_mapping_keep_theirs(self) -> None:
        """
        A mapping is strict, and the class in it is not.
        """
        request_ip = structure({**REQUEST_IP, "log": False}, ConditionRequestIP)

        assert condition_to_json({"request_ip": request_ip}) == {"request_ip": {**REQUEST_IP, "log": False}}
        with pytest.raises(ValueError, match="condition has an unknown key: 'mtls'"):
            condition_to_json({"request_ip": request_ip, "mtls": {}})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(TOKEN_POLICY),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["effect", "permission_groups", "resources", "id", "request_ip", "in", "not_in"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("check", [policies_to_json, condition_to_json])
@given(argument=ANYTHING)
def test_any_argument_is_sent_or_refused(check: Callable[[Any], Any], argument: Any) -> None:
    """
    Whatever is passed becomes JSON, or raises ValueError or TypeError.
    """
    try:
        sent = check(argument)
    except (ValueError, TypeError) as error:
        assert str(error)  # noqa: PT017 -- both ways are right
    else:
        assert json.loads(json.dumps(sent)) == sent
