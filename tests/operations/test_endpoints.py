"""
Each operation as data.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from cftokens._operations import endpoints
from cftokens._secret import TokenValue
from cftokens._transport.answers import decipher
from cftokens._transport.messages import Request
from cftokens.errors import UnexpectedResponseError
from cftokens.models import Token, TokenDeleteResponse
from tests.answers import REQUESTS, THE_TOKEN, TOKENS, answer, body_of, sample_of
from tests.vocabulary import (
    ADDRESSES,
    CHANGING,
    CREDENTIAL_VALUE,
    MARK,
    ONCE,
    TOKEN,
    TOKEN_ID,
    TOKEN_POLICY,
    success,
)

CONDITION = {"request_ip": {"in": ["192.0.2.0/24"]}}
MOMENT = datetime(2027, 1, 1, tzinfo=UTC)

BODIES = {"delete": b"", "roll": b"{}"}
WITHOUT_POLICIES = [operation for operation in REQUESTS if operation not in ("create", "update")]


def outcome_of(request: Request[Any], body: object) -> Any:
    """
    Return the outcome of a successful answer.
    """
    return decipher(request, answer(body), CREDENTIAL_VALUE)


def update(**given: Any) -> Request[Token]:
    """
    Return an update that leaves out what is not given.
    """
    return endpoints.update_token(THE_TOKEN, body_of(**({"name": "n", "policies": [TOKEN_POLICY]} | given)))


class TestRequests:
    @pytest.mark.parametrize("operation", REQUESTS)
    def test_each_has_its_address(self, operation: str) -> None:
        """
        Method and path are the ones that Cloudflare documents.
        """
        request = REQUESTS[operation]()
        method, path = ADDRESSES[operation]

        assert (request.method, request.path) == (method, f"{TOKENS}{path}")

    @pytest.mark.parametrize("operation", WITHOUT_POLICIES)
    def test_each_has_its_body(self, operation: str) -> None:
        """
        A read has no body, and the others have the one that Cloudflare documents.
        """
        body = REQUESTS[operation]().body

        assert body == BODIES.get(operation), f"Write the body of {operation} into BODIES in this file."

    @pytest.mark.parametrize("operation", ["create", "update"])
    def test_a_token_is_sent_whole(self, operation: str) -> None:
        """
        A create and an update carry the token as their body.
        """
        assert json.loads(REQUESTS[operation]().body or b"").keys() == {"name", "policies"}

    @pytest.mark.parametrize("operation", REQUESTS)
    def test_what_a_lost_answer_leaves_unknown(self, operation: str) -> None:
        """
        Reads have no effect, and what would do harm is never repeated.
        """
        request = REQUESTS[operation]()

        assert request.has_effect is (operation in CHANGING)
        assert request.repeatable is (operation not in ONCE)
        assert request.if_missing == (TokenDeleteResponse(id=TOKEN_ID) if operation == "delete" else None)

    def test_a_query_is_passed_on(self) -> None:
        """
        The query of a listing is part of its request.
        """
        assert endpoints.list_tokens(TOKENS, "page=2").target == f"{TOKENS}?page=2"

    @pytest.mark.parametrize("token_id", ["", "verify", "permission_groups", f"{TOKEN_ID}/", f"{TOKEN_ID}\n"])
    def test_a_token_id_that_would_be_another_request_is_refused(self, token_id: str) -> None:
        """
        An empty id would turn a get into a list.
        """
        with pytest.raises(ValueError, match="token_id must be 32 lower-case hexadecimal digits"):
            endpoints.token_path(TOKENS, token_id)


class TestCreate:
    def test_its_answer_has_the_value(self) -> None:
        """
        The new token comes with its secret.
        """
        created = outcome_of(REQUESTS["create"](), sample_of("create"))

        assert isinstance(created.value, TokenValue)
        assert created.value.kind == "account"

    def test_an_answer_without_the_value_is_unexpected(self) -> None:
        """
        Such a create may have made a token whose value is lost.
        """
        error = outcome_of(REQUESTS["create"](), sample_of("get"))

        assert isinstance(error, UnexpectedResponseError)
        assert "value: is missing. It may have taken effect anyway." in str(error)

    @pytest.mark.parametrize("operation", ["create", "roll"])
    @pytest.mark.parametrize(
        "value",
        [
            f"cfat_{MARK}\nPATH=.",
            f" cfat_{MARK}",
            f"cfat_{MARK}\u2028",
            f"cfat_{MARK}\0",
            f"{MARK};touch${{IFS}}x",
        ],
    )
    def test_a_value_that_no_token_has_is_unexpected(self, operation: str, value: str) -> None:
        """
        It could not be sent, and in an environment file it would add a line, or run a command.
        """
        result = value if operation == "roll" else {**TOKEN, "value": value}
        error = outcome_of(REQUESTS[operation](), success(result))

        assert isinstance(error, UnexpectedResponseError)
        assert "is not a token's value: it has " in str(error)
        assert error.outcome_unknown


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
    def test_a_restriction_that_is_still_set_is_unexpected(self, key: str, value: object) -> None:
        """
        The error names the restriction that should have been removed.
        """
        error = outcome_of(update(), success({"id": TOKEN_ID, key: value}))

        assert isinstance(error, UnexpectedResponseError)
        assert f"{key}: still set, but should have been removed" in str(error)
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
    def test_an_empty_shell_counts_as_removed(self, shell: dict[str, object]) -> None:
        """
        A condition without a network in it restricts nothing.
        """
        assert isinstance(outcome_of(update(), success({"id": TOKEN_ID, **shell})), Token)

    def test_a_restriction_that_was_sent_is_expected(self) -> None:
        """
        An answer with the restrictions of the update is a success.
        """
        request = update(condition=CONDITION, expires_on=MOMENT.replace(year=2028), not_before=MOMENT)
        answered = {
            "id": TOKEN_ID,
            "condition": CONDITION,
            "expires_on": "2028-01-01T00:00:00Z",
            "not_before": "2027-01-01T00:00:00Z",
        }

        assert isinstance(outcome_of(request, success(answered)), Token)

    def test_a_status_is_sent(self) -> None:
        """
        Disabling is an update with a status.
        """
        assert json.loads(update(status="disabled").body or b"")["status"] == "disabled"
