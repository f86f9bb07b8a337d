"""
Each operation as data.
"""

import json
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest

from cftokens import _calls as calls
from cftokens._secret import TokenValue
from cftokens._wire import Call, decipher
from cftokens.errors import UnexpectedResponseError
from cftokens.models import CreateAttempt, Token, TokenCreateResponse, TokenDeleteResponse
from tests.answers import (
    ACCOUNT,
    ATTEMPT,
    CALLS,
    CREDENTIAL,
    GROUP_ID,
    POLICY,
    TOKEN_ID,
    answer,
    body_of,
    sample_of,
    success,
)

CONDITION = {"request_ip": {"in": ["192.0.2.0/24"]}}
MOMENT = datetime(2027, 1, 1, tzinfo=UTC)


def outcome_of(call: Call[Any], body: object) -> Any:
    """
    Return what becomes of a successful answer.
    """
    return decipher(call, answer(body), CREDENTIAL)


def update(**given: Any) -> Call[Token]:
    """
    Return an update that leaves out what is not given.
    """
    return calls.update_token(ACCOUNT, TOKEN_ID, body_of(**({"name": "n", "policies": [POLICY]} | given)))


class TestRequests:
    @pytest.mark.parametrize(
        ("operation", "method", "path", "body"),
        [
            ("list", "GET", "", None),
            ("permission_groups", "GET", "/permission_groups", None),
            ("verify", "GET", "/verify", None),
            ("get", "GET", f"/{TOKEN_ID}", None),
            ("delete", "DELETE", f"/{TOKEN_ID}", b""),
            ("roll", "PUT", f"/{TOKEN_ID}/value", b"{}"),
            ("recover", "PUT", f"/{TOKEN_ID}/value", b"{}"),
        ],
    )
    def test_each_has_its_address(self, operation: str, method: str, path: str, body: bytes | None) -> None:
        """
        Method, path and body are the ones that Cloudflare documents.
        """
        call = CALLS[operation]()

        assert (call.method, call.path, call.body) == (method, f"/accounts/{ACCOUNT}/tokens{path}", body)

    @pytest.mark.parametrize(
        ("operation", "method", "path"), [("create", "POST", ""), ("update", "PUT", TOKEN_ID)]
    )
    def test_a_token_is_sent_whole(self, operation: str, method: str, path: str) -> None:
        """
        A create and an update carry the token as their body.
        """
        call = CALLS[operation]()

        assert (call.method, call.path) == (method, f"/accounts/{ACCOUNT}/tokens/{path}".rstrip("/"))
        assert json.loads(call.body or b"").keys() == {"name", "policies"}

    @pytest.mark.parametrize(
        ("call", "path"),
        [
            (calls.list_tokens(None, {}), "/user/tokens"),
            (calls.list_permission_groups(None, {}), "/user/tokens/permission_groups"),
            (calls.verify_token(None), "/user/tokens/verify"),
            (calls.get_token(None, TOKEN_ID), f"/user/tokens/{TOKEN_ID}"),
            (calls.delete_token(None, TOKEN_ID), f"/user/tokens/{TOKEN_ID}"),
            (calls.roll_token(None, TOKEN_ID), f"/user/tokens/{TOKEN_ID}/value"),
            (calls.create_token(None, body_of(name="n", policies=[POLICY])), "/user/tokens"),
        ],
    )
    def test_without_an_account_it_is_about_the_user(self, call: Call[Any], path: str) -> None:
        """
        The user's own tokens have the same operations.
        """
        assert call.path == path

    @pytest.mark.parametrize("operation", CALLS)
    def test_what_a_lost_answer_leaves_unknown(self, operation: str) -> None:
        """
        Reading changes nothing, and only create and roll are never carried out twice.
        """
        call = CALLS[operation]()

        assert call.changes is (call.method != "GET")
        assert call.repeatable is (operation not in {"create", "roll", "recover"})
        assert call.if_gone == (TokenDeleteResponse(id=TOKEN_ID) if operation == "delete" else None)

    def test_a_query_is_passed_on(self) -> None:
        """
        What a listing asks for is part of the call.
        """
        assert calls.list_tokens(ACCOUNT, {"page": "2"}).query == {"page": "2"}

    @pytest.mark.parametrize("token_id", ["", "verify", "permission_groups", f"{TOKEN_ID}/", f"{TOKEN_ID}\n"])
    @pytest.mark.parametrize("make", [calls.get_token, calls.delete_token, calls.roll_token])
    def test_a_token_id_that_would_be_another_request_is_refused(self, make: Any, token_id: str) -> None:
        """
        An empty id would turn a get into a list.
        """
        with pytest.raises(ValueError, match="token_id is 32 hexadecimal digits"):
            make(ACCOUNT, token_id)

    @pytest.mark.parametrize("account_id", ["", ACCOUNT.upper(), f"{ACCOUNT}/..", "../user"])
    @pytest.mark.parametrize(
        "make",
        [
            lambda account_id: calls.list_tokens(account_id, {}),
            lambda account_id: calls.recover_token(
                Token(id=TOKEN_ID), attrs.evolve(ATTEMPT, account_id=account_id)
            ),
        ],
    )
    def test_an_account_id_that_would_be_another_request_is_refused(self, make: Any, account_id: str) -> None:
        """
        The account of an attempt that somebody stored and read again is checked like any other.
        """
        with pytest.raises(ValueError, match="account_id is 32 hexadecimal digits"):
            make(account_id)

    def test_a_call_says_what_it_is(self) -> None:
        """
        The log names the operation and its address, or what a create was to make.
        """
        assert str(CALLS["roll"]()) == f"roll (PUT /accounts/{ACCOUNT}/tokens/{TOKEN_ID}/value)"
        assert str(CALLS["recover"]()) == "roll of 'new', started 2026-07-01T05:20:00+00:00"


class TestCreate:
    def test_it_remembers_what_was_asked_for(self) -> None:
        """
        The attempt has the name, the policies as classes, the account and the start.
        """
        before = datetime.now(UTC)
        policies = (
            each
            for each in [
                {
                    "effect": "allow",
                    "permission_groups": [{"id": GROUP_ID, "name": "x"}],
                    "resources": {"a": {"b": "*"}},
                }
            ]
        )
        attempt = calls.create_token(ACCOUNT, body_of(name="n", policies=policies)).attempt

        assert isinstance(attempt, CreateAttempt)
        assert (attempt.name, attempt.account_id) == ("n", ACCOUNT)
        assert attempt.policies[0].permission_groups[0].id == GROUP_ID
        assert attempt.policies[0].resources == {"a": {"b": "*"}}
        assert before <= attempt.started_on <= datetime.now(UTC)

    def test_its_answer_has_the_value(self) -> None:
        """
        The new token comes with its secret.
        """
        created = outcome_of(CALLS["create"](), sample_of("create"))

        assert isinstance(created.value, TokenValue)
        assert created.value.kind == "account"

    def test_an_answer_without_the_value_is_unexpected(self) -> None:
        """
        A create that shows no value may have made a token that nobody can use.
        """
        error = outcome_of(CALLS["create"](), sample_of("get"))

        assert isinstance(error, UnexpectedResponseError)
        assert "value: is missing. It may have taken effect all the same." in str(error)


class TestUpdate:
    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("condition", CONDITION),
            ("condition", {"request.ip": {"not_in": ["192.0.2.1/32"]}}),
            ("expires_on", "2027-01-01T00:00:00Z"),
            ("not_before", "2027-01-01T00:00:00Z"),
        ],
    )
    def test_what_was_to_be_gone_and_is_not_is_unexpected(self, key: str, value: object) -> None:
        """
        A restriction that was left out and still stands in the answer is an error that names it.
        """
        error = outcome_of(update(), success({"id": TOKEN_ID, key: value}))

        assert isinstance(error, UnexpectedResponseError)
        assert f"{key}: it is still there, but was to be gone" in str(error)
        assert error.outcome_unknown

    @pytest.mark.parametrize(
        "shell",
        [
            {},
            {"condition": None, "expires_on": None, "not_before": None},
            {"condition": {}},
            {"condition": {"request_ip": None}},
            {"condition": {"request_ip": {}}},
            {"condition": {"request_ip": {"in": None, "not_in": []}, "request.ip": None}},
        ],
    )
    def test_an_empty_shell_says_that_there_is_none(self, shell: dict[str, object]) -> None:
        """
        A condition without a network in it restricts nothing.
        """
        assert isinstance(outcome_of(update(), success({"id": TOKEN_ID, **shell})), Token)

    def test_what_was_sent_may_be_there(self) -> None:
        """
        Restrictions that the update asked for are what the answer should show.
        """
        call = update(condition=CONDITION, expires_on=MOMENT.replace(year=2028), not_before=MOMENT)
        answered = {
            "id": TOKEN_ID,
            "condition": CONDITION,
            "expires_on": "2028-01-01T00:00:00Z",
            "not_before": "2027-01-01T00:00:00Z",
        }

        assert isinstance(outcome_of(call, success(answered)), Token)

    def test_a_status_is_sent(self) -> None:
        """
        Disabling is an update with a status.
        """
        assert json.loads(update(status="disabled").body or b"")["status"] == "disabled"


def test_recovering_gives_the_token_with_its_new_value() -> None:
    """
    What was found of a lost create is completed by the value that the roll returns.
    """
    token = Token(id=TOKEN_ID, name="new", policies=(POLICY,), expires_on=MOMENT)
    call = calls.recover_token(token, ATTEMPT)
    recovered = outcome_of(call, sample_of("roll"))

    assert recovered == TokenCreateResponse(
        id=TOKEN_ID,
        name="new",
        policies=(POLICY,),
        expires_on=MOMENT,
        value=TokenValue(sample_of("roll")["result"]),
    )
    assert call.attempt is ATTEMPT
