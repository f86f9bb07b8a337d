"""
What an answer means.
"""

import json
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens._operations.pagination import Batch
from cftokens._secret import TokenValue
from cftokens._transport.answers import decipher
from cftokens._transport.messages import LARGEST_BODY, Answer, Envelope, NoAnswer, Request
from cftokens.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CFTokensError,
    ConflictError,
    ErrorData,
    NoResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
    UnprocessableEntityError,
)
from cftokens.models import TokenDeleteResponse
from tests.answers import MODELS, REQUESTS, TOKENS, answer, refused, sample_of
from tests.samples import sample
from tests.vocabulary import CHANGING, CREDENTIAL, CREDENTIAL_VALUE, MINTED, TOKEN_ID, failure, success

each_operation = pytest.mark.parametrize("operation", REQUESTS)


def outcome_of(body: object, status: int = 200, *, operation: str = "list", **headers: str) -> Any:
    """
    Return the outcome of an answer.
    """
    return decipher(REQUESTS[operation](), answer(body, status, **headers), CREDENTIAL_VALUE)


def all_seen_of(error: CFTokensError) -> str:
    """
    Return all that an error tracker can show: text, arguments, attributes and locals.
    """
    try:
        raise error
    except CFTokensError as caught:
        shown = traceback.TracebackException.from_exception(caught, capture_locals=True)
        return f"{caught} {caught!r} {caught.args!r} {vars(caught)!r} {''.join(shown.format())}"


class TestSuccess:
    @each_operation
    def test_a_sample_becomes_its_model(self, operation: str) -> None:
        """
        The answer to each operation, as Cloudflare sends it, can be read.
        """
        assert type(outcome_of(sample_of(operation), operation=operation)) is MODELS[operation]

    @each_operation
    def test_unknown_keys_pass(self, operation: str) -> None:
        """
        Keys that Cloudflare may add to an envelope or a result are ignored.
        """
        body = sample_of(operation)
        body["tomorrow"] = [{}]
        if isinstance(body["result"], dict):
            body["result"]["tomorrow"] = {"a": [1]}

        assert type(outcome_of(body, operation=operation)) is MODELS[operation]

    @each_operation
    @pytest.mark.parametrize(
        ("body", "problem"),
        [
            (b"", "it is empty"),
            (b" \n", "it is empty"),
            (b"<html>oops</html>", "it cannot be read as JSON"),
            (b'{"success": true, "result": {', "it cannot be read as JSON"),
            (b'{"success": true, "result": NaN}', "it cannot be read as JSON"),
            (b'{"success": true, "result": [-Infinity]}', "it cannot be read as JSON"),
            (b'{"success": true, "result": ' + b"9" * 5000 + b"}", "it cannot be read as JSON"),
            (b'{"success": true, "result": "\xff"}', "it cannot be read as JSON"),
            (b'{"success": true, "result": "\\ud800"}', "it cannot be read as JSON"),
            (b'{"success": true, "result": {"\\uDFFF": 1}}', "it cannot be read as JSON"),
            (b"[" * 100_000, "it cannot be read as JSON"),
            (b'{"success": true, "result": ' + b'{"a":' * 100_000, "it cannot be read as JSON"),
            (b"null", "it is not an envelope with 'success' and 'result'"),
            (b"[]", "it is not an envelope with 'success' and 'result'"),
            (b'"ok"', "it is not an envelope with 'success' and 'result'"),
            ({}, "it does not say that it succeeded: no reason is given"),
            ({"success": 1, "result": {}}, "it does not say that it succeeded: no reason is given"),
            ({"success": "true", "result": {}}, "it does not say that it succeeded: no reason is given"),
            (
                failure({"code": 1001, "message": "No."}),
                "it does not say that it succeeded: No (code 1001)",
            ),
        ],
    )
    def test_an_unreadable_success_is_unexpected(self, operation: str, body: object, problem: str) -> None:
        """
        The error says why, and whether the request may have taken effect.
        """
        error = outcome_of(body, operation=operation)

        assert isinstance(error, UnexpectedResponseError)
        assert f" was answered with 200, but not as expected: {problem}." in str(error)
        assert error.outcome_unknown is (operation in CHANGING)
        assert ("It may have taken effect anyway." in str(error)) is error.outcome_unknown

    @each_operation
    @pytest.mark.parametrize(
        "result", [5, True, [None], [[]], {"id": None}, {"id": 5}, {"id": ""}, {"id": ["None"]}]
    )
    def test_another_result_is_unexpected(self, operation: str, result: object) -> None:
        """
        A result of another shape is an error and never a model with a made-up id.
        """
        error = outcome_of(success(result), operation=operation)

        assert isinstance(error, UnexpectedResponseError)

    @pytest.mark.parametrize("operation", [each for each in REQUESTS if each != "delete"])
    def test_no_result_is_unexpected(self, operation: str) -> None:
        """
        A success without a result is an error.
        """
        assert isinstance(outcome_of(success(None), operation=operation), UnexpectedResponseError)

    def test_a_delete_needs_no_result(self) -> None:
        """
        Cloudflare's schema allows null, and the id is known from the request.
        """
        assert outcome_of(success(None), operation="delete") == TokenDeleteResponse(id=TOKEN_ID)

    def test_it_says_which_item_of_a_listing(self) -> None:
        """
        The place in the answer is part of the message.
        """
        error = outcome_of(success([{"id": "a"}, {"id": None}]))

        assert str(error) == f"GET {TOKENS} was answered with 200, but not as expected: [1].id: is null."

    @pytest.mark.parametrize("info", [[], "x", {"page": 1e999}, {"total_count": True}])
    def test_totals_of_another_shape_are_unexpected(self, info: object) -> None:
        """
        The totals must be an object of whole numbers.
        """
        assert isinstance(outcome_of(success([], result_info=info)), UnexpectedResponseError)

    def test_a_pair_of_surrogates_is_one_character(self) -> None:
        """
        JSON may write a character outside the BMP as two escapes.
        """
        batch = outcome_of(b'{"success": true, "result": [{"id": "a", "name": "\\ud83d\\udddd"}]}')

        assert batch.items[0].name == "\U0001f5dd"

    def test_meta_that_is_nested_too_deeply_is_unexpected(self) -> None:
        """
        It is an error of ours, or the result if the stack is large enough.
        """
        deep = b'{"a":' * 900 + b"1" + b"}" * 900
        body = b'{"success": true, "result": [{"id": "a", "meta": {"deep": ' + deep + b"}}]}"
        results = [outcome_of(body, operation="permission_groups"), recursing(body, 100)]

        assert all(isinstance(each, Batch | UnexpectedResponseError) for each in results)

    def test_decoding_that_recurses_too_deep_is_unexpected(self) -> None:
        """
        A RecursionError while decoding does not escape.
        """

        def decode(_: Envelope) -> object:
            raise RecursionError

        call = Request(operation="get", method="GET", path="/x", decode=decode)
        error = decipher(call, answer(success({})), CREDENTIAL_VALUE)

        assert str(error) == "GET /x was answered with 200, but not as expected: it is nested too deeply."

    def test_a_body_that_was_not_read_is_too_large(self) -> None:
        """
        The error gives the largest size that is read.
        """
        error = decipher(REQUESTS["get"](), Answer(200, {}, None, 0.0), CREDENTIAL_VALUE)

        assert f"it is larger than {LARGEST_BODY} bytes" in str(error)

    @each_operation
    @pytest.mark.parametrize("status", [300, 302, 307, 399])
    def test_a_redirect_is_unexpected(self, operation: str, status: int) -> None:
        """
        A redirect is not followed, whatever it says.
        """
        error = outcome_of(sample_of(operation), status, operation=operation, Location="https://x.test")

        assert isinstance(error, UnexpectedResponseError)
        assert f"answered with {status}, but not as expected: it is a redirect" in str(error)
        assert error.outcome_unknown is (operation in CHANGING)


def recursing(body: bytes, levels: int) -> Any:
    """
    Decipher *body* with less of the stack left.
    """
    return recursing(body, levels - 1) if levels else outcome_of(body, operation="permission_groups")


class TestRefusal:
    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, BadRequestError),
            (401, AuthenticationError),
            (403, PermissionDeniedError),
            (404, NotFoundError),
            (409, ConflictError),
            (422, UnprocessableEntityError),
            (429, RateLimitedError),
            (405, APIError),
            (418, APIError),
            (500, ServerError),
            (502, ServerError),
            (530, ServerError),
            (599, ServerError),
        ],
    )
    @each_operation
    def test_the_status_decides_the_class(self, operation: str, status: int, kind: type[APIError]) -> None:
        """
        Each status has its class, and a 5xx leaves the outcome of a change unknown.
        """
        error = refused(outcome_of(sample("refusal"), status, operation=operation))

        assert type(error) is kind
        assert error.status == status
        assert error.outcome_unknown is (operation in CHANGING and status >= 500)
        assert ("It may have taken effect anyway." in str(error)) is error.outcome_unknown

    @pytest.mark.parametrize("operation", [each for each in REQUESTS if each != "verify"])
    def test_a_change_needs_a_permission_to_write(self, operation: str) -> None:
        """
        The hint for a refused change names the group to write tokens alone, that for a read both groups.
        """
        said = str(refused(outcome_of(sample("refusal"), 403, operation=operation)))

        assert '"Account API Tokens Write"' in said
        assert ('"Account API Tokens Read"' in said) is (operation not in CHANGING)

    def test_the_errors_have_all_that_cloudflare_said(self) -> None:
        """
        Code, text, pointer and page of each error are attributes.
        """
        assert refused(outcome_of(sample("refusal"), 403)).errors == (
            ErrorData(
                code=10000,
                message="Authentication error",
                pointer="/policies/0",
                documentation_url="https://developers.cloudflare.com/fundamentals/api/reference/permissions/",
            ),
        )

    def test_the_message_is_a_sentence(self) -> None:
        """
        It has the request, status, texts, codes, ray id and hint.
        """
        body = failure({"code": 10000, "message": "Authentication error."}, {"message": "Really"})
        error = refused(outcome_of(body, 403, CF_Ray="8f0f1c2b3a4d5e6f-FRA"))

        assert str(error) == (
            f"GET {TOKENS} was refused with 403: Authentication error (code 10000); Really. "
            "Ray ID 8f0f1c2b3a4d5e6f-FRA. "
            'The credential needs the permission group "Account API Tokens Read" or '
            '"Account API Tokens Write" for this account, or more time if it is new.'
        )
        assert error.ray_id == "8f0f1c2b3a4d5e6f-FRA"
        assert error.hint is not None
        assert str(error).endswith(error.hint)

    def test_the_hint_depends_on_the_kind_of_the_credential(self) -> None:
        """
        For a user token at an account's endpoint, it names client.user.tokens.
        """
        user = TokenValue("cfut_Invented")
        body = failure({"code": 1000, "message": "Invalid API Token"})
        error = decipher(REQUESTS["verify"](), answer(body, 401), user)

        assert "use client.user.tokens" in str(error)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"\xff",
            b"[" * 100_000,
            b"null",
            b"[]",
            {},
            {"errors": None},
            {"errors": {}},
            {"errors": "no"},
            {"errors": []},
            {"errors": ["no", 5, None, []]},
        ],
    )
    @pytest.mark.parametrize(("status", "verb"), [(400, "was refused"), (502, "failed")])
    def test_a_refusal_may_have_no_reason(self, body: object, status: int, verb: str) -> None:
        """
        Without readable errors in its body, the message says that there is no reason.
        """
        error = refused(outcome_of(body, status))

        assert error.errors == ()
        assert str(error) == f"GET {TOKENS} {verb} with {status} and no reason."

    @pytest.mark.parametrize(
        "body",
        [
            b"<html>502 Bad Gateway</html>",
            b"\r\n<!DOCTYPE html>\n<html>",
            b"<!doctype HTML PUBLIC>",
            b"<head>",
            b"<center>",
        ],
    )
    @pytest.mark.parametrize(("status", "verb"), [(403, "was refused"), (502, "failed")])
    def test_a_refusal_may_be_html(self, body: bytes, status: int, verb: str) -> None:
        """
        Then the message says so.
        """
        error = refused(outcome_of(body, status))

        assert str(error).startswith(
            f"GET {TOKENS} {verb} with {status} and no reason. "
            "The answer is an HTML page, perhaps from a proxy or gateway on the way."
        )

    @pytest.mark.parametrize("body", [b"<htmlx>", b"no <html>", b"<xml>", {"errors": "<html>"}, b""])
    def test_other_refusals_are_not_html(self, body: object) -> None:
        """
        A tag elsewhere, or another one, is no HTML page.
        """
        assert "HTML" not in str(outcome_of(body, 502))

    def test_a_success_may_be_html(self) -> None:
        """
        A page for signing in, such as a hotel's, is named as well.
        """
        error = outcome_of(b"<!DOCTYPE html><title>Sign in</title>")

        assert "it cannot be read as JSON. The answer is an HTML page, perhaps from a proxy" in str(error)

    @pytest.mark.parametrize(
        ("entry", "data", "text"),
        [
            ({}, ErrorData(), "no text"),
            ({"code": "7003", "message": 5}, ErrorData(), "no text"),
            ({"code": True, "message": None}, ErrorData(), "no text"),
            ({"code": 1.5, "message": ["x"]}, ErrorData(), "no text"),
            ({"code": 0, "message": ""}, ErrorData(code=0), "no text (code 0)"),
            ({"code": -1, "source": []}, ErrorData(code=-1), "no text (code -1)"),
            ({"source": {}}, ErrorData(), "no text"),
            ({"source": {"pointer": 5}}, ErrorData(), "no text"),
            ({"message": "two\r\nlines\x00"}, ErrorData(message="two  lines"), "two  lines"),
            ({"message": "\u202eevil\u2028"}, ErrorData(message="evil"), "evil"),
            ({"message": "x" * 1000}, ErrorData(message="x" * 500), "x" * 500),
        ],
    )
    def test_an_error_of_any_shape_is_read_as_far_as_it_goes(
        self, entry: object, data: ErrorData, text: str
    ) -> None:
        """
        Missing and mistyped members are None, and a text is one line of at most 500 characters.
        """
        error = refused(outcome_of(failure(entry), 418))

        assert error.errors == (data,)
        assert str(error) == f"GET {TOKENS} was refused with 418: {text}."

    @pytest.mark.parametrize(("count", "end"), [(10, "; 9 (code 9)."), (13, "; 9 (code 9); and 3 more.")])
    def test_the_message_has_at_most_ten_reasons(self, count: int, end: str) -> None:
        """
        The message counts the others, and the attribute has every error.
        """
        entries = [{"code": number, "message": str(number)} for number in range(count)]
        error = refused(outcome_of(failure(*entries), 418))

        assert str(error).endswith(end)
        assert len(error.errors) == count

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("8f0f1c2b3a4d5e6f-FRA", "8f0f1c2b3a4d5e6f-FRA"),
            ("8f0f1c2b3a4d5e6f", "8f0f1c2b3a4d5e6f"),
            ("", None),
            (CREDENTIAL, None),
            ("8f0f1c2b3a4d5e6f-FRA\nforged", None),
            ("<script>", None),
        ],
    )
    def test_a_ray_id_has_its_form(self, value: str, expected: str | None) -> None:
        """
        Anything that does not look like a ray id is left out.
        """
        assert answer({}, CF_Ray=value).ray_id == expected

    def test_a_429_says_when_to_come_back(self) -> None:
        """
        The seconds of Retry-After are an attribute.
        """
        error = outcome_of(b"", 429, Retry_After="300")

        assert isinstance(error, RateLimitedError)
        assert (error.retry_after, error.sent) == (300.0, True)


class TestNoAnswer:
    @each_operation
    @pytest.mark.parametrize("written", [True, False])
    @pytest.mark.parametrize(("timed_out", "kind"), [(True, RequestTimeoutError), (False, NoResponseError)])
    def test_it_says_why_and_what_may_have_happened(
        self, operation: str, written: bool, timed_out: bool, kind: type[NoResponseError]
    ) -> None:
        """
        The outcome is unknown if the request has an effect and was written.
        """
        cause = OSError(111, "refused")
        error = decipher(
            REQUESTS[operation](),
            NoAnswer("the connection was lost", cause, timed_out, written),
            CREDENTIAL_VALUE,
        )

        assert type(error) is kind
        assert " got no answer: the connection was lost." in str(error)
        assert error.__cause__ is cause
        assert error.outcome_unknown is (operation in CHANGING and written)
        assert ("recover(error.attempt)" in str(error)) is (operation == "create" and written)
        assert ("It may have taken effect anyway." in str(error)) is error.outcome_unknown


class TestSecrets:
    @pytest.mark.parametrize("secret", [CREDENTIAL, MINTED, "8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T"])
    @pytest.mark.parametrize("status", [200, 302, 400, 403, 429, 500])
    @each_operation
    def test_an_echoed_secret_is_hidden(self, operation: str, status: int, secret: str) -> None:
        """
        No error shows the credential or a new value, wherever the server puts it.
        """
        entry = {
            "code": 1001,
            "message": f"bad\\n{secret} {secret}",
            "source": {"pointer": f"/{secret}"},
            "documentation_url": f"https://x.test/?t={secret}",
            secret: secret,
        }
        body = {**failure(entry), "result": {secret: secret, "id": [secret]}}
        credential = CREDENTIAL_VALUE if secret == MINTED else TokenValue(secret)
        error = decipher(REQUESTS[operation](), answer(body, status, CF_Ray=secret), credential)

        assert isinstance(error, CFTokensError)
        assert secret not in all_seen_of(error)
        assert status in {200, 302} or "bad\\n<hidden> <hidden>" in str(error)

    def test_an_echoed_secret_is_hidden_before_the_text_is_cut(self) -> None:
        """
        No part of a secret is left where a long text ends.
        """
        old = "8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T"
        body = failure({"message": "x" * 480 + old})
        error = refused(decipher(REQUESTS["get"](), answer(body, 400), TokenValue(old)))

        assert old[:8] not in all_seen_of(error)

    @each_operation
    @pytest.mark.parametrize(
        "result",
        [
            {"id": 5, "value": MINTED},
            {"id": "a", "policies": [{"effect": "allow", "permission_groups": [], "resources": {MINTED: 5}}]},
            {"id": "a", "expires_on": MINTED},
            {"id": "a", "value": {MINTED: MINTED}},
            [MINTED],
            [{MINTED: MINTED}],
            {"value": MINTED},
        ],
    )
    def test_a_success_that_cannot_be_read_is_not_quoted(self, operation: str, result: object) -> None:
        """
        The error does not show a value, wherever in the body it is.
        """
        outcome = outcome_of(success(result), operation=operation)

        assert MINTED not in (all_seen_of(outcome) if isinstance(outcome, CFTokensError) else repr(outcome))

    @pytest.mark.parametrize(
        "shown",
        [
            Envelope(MINTED, {"page": MINTED}),
            answer(MINTED.encode(), Authorization=CREDENTIAL),
            Request(operation="x", method="GET", path="/", body=MINTED.encode(), decode=lambda _: MINTED),
        ],
    )
    def test_what_is_passed_around_does_not_show_it(self, shown: object) -> None:
        """
        The reprs of an answer, an envelope and a request leave out bodies and headers.
        """
        assert MINTED not in repr(shown)
        assert CREDENTIAL not in repr(shown)


def replaced(body: Any, path: Iterable[Any], value: object) -> Any:
    """
    Put *value* into a copy of *body*.
    """
    copied = json.loads(json.dumps(body))
    *way, last = path
    inner = copied
    for step in way:
        inner = inner[step]
    inner[last] = value
    return copied


def paths(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """
    Iterate over the paths to every member within *body*.
    """
    members = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from paths(member, (*path, key))


def ids_of(result: object) -> list[object]:
    """
    Return every id that a result has.
    """
    if isinstance(result, Batch):
        return [item.id for item in result.items]
    return [getattr(result, "id", "no id")]


TEXT = st.text(st.characters(), max_size=8).filter(lambda text: text != "None")
NUMBERS = st.integers() | st.floats() | st.just(10**4000)
DATES = st.sampled_from(["0001-01-01T00:00:00+23:59", "2026-07-01T05:20:00Z", "9999-12-31T23:59:59-01:00"])
KEYS = st.sampled_from(["id", "request_ip", "in", "value", "code", "message"]) | TEXT
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | DATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
STATUSES = st.sampled_from([200, 204, 302, 400, 401, 403, 404, 405, 409, 422, 429, 500, 503])


@each_operation
class TestAnyAnswer:
    """
    Every answer gives the model or an error of ours.
    """

    @given(data=st.data(), status=STATUSES)
    def test_one_with_a_member_replaced(self, operation: str, data: st.DataObject, status: int) -> None:
        """
        With any JSON in any place, the outcome is the model or a CFTokensError, and no id is made up.
        """
        whole = data.draw(st.sampled_from([sample_of(operation), sample("refusal")]))
        body = replaced(whole, data.draw(st.sampled_from(list(paths(whole)))), data.draw(VALUES))
        result = outcome_of(body, status, operation=operation)

        assert isinstance(result, CFTokensError | MODELS[operation])
        assert not {"None", "", None} & set(ids_of(result))

    @given(body=st.binary(), status=STATUSES)
    def test_one_of_any_bytes(self, operation: str, body: bytes, status: int) -> None:
        """
        Any bytes are a CFTokensError, or within an envelope perhaps a listing.
        """
        inside = b'{"success":true,"result":[' + body + b"]}"

        assert isinstance(outcome_of(body, status, operation=operation), CFTokensError)
        assert isinstance(outcome_of(inside, status, operation=operation), CFTokensError | Batch)

    @given(errors=VALUES | st.lists(VALUES), status=STATUSES)
    def test_one_with_errors_of_any_shape(self, operation: str, errors: object, status: int) -> None:
        """
        Whatever the errors are, the outcome is an error whose message is one printable line.
        """
        error = outcome_of({"success": False, "errors": errors}, status, operation=operation)

        assert isinstance(error, CFTokensError)
        assert str(error).isprintable()
