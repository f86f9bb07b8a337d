"""
Hints on what to do about a refusal.
"""

from typing import Literal

import pytest

from cftokens._transport.hints import Refusal, hint_for
from cftokens.errors import ErrorData
from tests.vocabulary import ACCOUNT, CHANGING

ACCOUNT_PATH = f"/accounts/{ACCOUNT}/tokens"
USER_PATH = "/user/tokens"


def hint(
    status: int,
    *errors: tuple[int | None, str],
    operation: str = "list",
    path: str = ACCOUNT_PATH,
    kind: Literal["account", "user"] | None = None,
) -> str:
    """
    Return the hint for a refusal, or an empty string.
    """
    data = tuple(ErrorData(code=code, message=message) for code, message in errors)
    found = hint_for(Refusal(status, data, operation, operation in CHANGING, path, kind))
    assert found != ""
    return found or ""


@pytest.mark.parametrize(
    ("status", "code", "message", "said"),
    [
        (400, 6003, "Invalid request headers", "does not look like a token"),
        (400, 6111, "Invalid format for Authorization header", "does not look like a token"),
        (
            400,
            9106,
            "Missing X-Auth-Key, X-Auth-Email or Authorization headers",
            "removed the Authorization header",
        ),
        (403, 9107, "Missing X-Auth-Key", "removed the Authorization header"),
        (400, 7003, "Could not route to /accounts/x", "is the account id right"),
        (400, 1001, "Must specify a zone for account owned tokens, or nest zone under ...", "nest them"),
        (400, 1001, "Failed common permission check against resources.", "lacks one of these permission"),
        (
            400,
            1001,
            "sub-token is not allowed to have permissions to manage other tokens",
            "make it in the dashboard, or let two such tokens roll each other",
        ),
        (
            400,
            1001,
            "com.cloudflare.edge.worker.script is not a supported resource type",
            '{"com.cloudflare.api.account.<account id>": {"com.cloudflare.edge.worker.script.<tag>": "*"}}',
        ),
        (400, None, "Must specify a zone for account owned tokens", "nest them"),
        (400, 1004, "Failed common permission check against resources.", "lacks one of these permission"),
        (403, 1000, "Invalid API Token", "unknown, rolled, deleted, expired"),
        (401, 1000, "Invalid API Token", "unknown, rolled, deleted, expired"),
        (401, None, "", "unknown, rolled, deleted, expired"),
        (403, 9109, "Invalid access token", "unknown, rolled, deleted, expired"),
        (403, 9109, "Unauthorized to access requested resource", '"Account API Tokens Read" or'),
        (403, 9109, "Cannot use the access token from location: 192.0.2.1", "request_ip condition"),
        (403, 10000, "Authentication error", '"Account API Tokens Read" or'),
        (403, 10000, "Forbidden", '"Account API Tokens Read" or'),
        (403, 10405, "Method not allowed for this authentication scheme", "try again in a few seconds"),
        (405, 10405, "Method not allowed for this authentication scheme", "try again in a few seconds"),
        (429, 10502, "Too many authentication failures", "refuses all from this machine, whichever they are"),
        (429, 10502, "Too many authentication failures", "wait some minutes before the next request"),
        (401, 10502, "Too many authentication failures", "wait some minutes before the next request"),
        (403, 10502, "Too many authentication failures", "wait some minutes before the next request"),
        (400, None, "Too many authentication failures", "wait some minutes before the next request"),
        (429, 971, "Please wait and consider throttling your request speed", "1200 requests in five minutes"),
        (429, None, "", "1200 requests in five minutes"),
    ],
)
def test_each_known_refusal_has_its_hint(status: int, code: int | None, message: str, said: str) -> None:
    """
    Status, code and message determine the hint.
    """
    assert said in hint(status, (code, message))


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, 400, "The token name must have a length of at least 1"),
        (400, 1001, "Reusing existing policies is not supported by token creation"),
        (400, None, ""),
        (403, 9103, "Unknown X-Auth-Key or X-Auth-Email"),
        (403, None, "<html>"),
        (404, 1003, "Token not found"),
        (405, 10000, "POST method with API Tokens is not supported by this API"),
        (500, 10000, "Internal error"),
        (502, None, ""),
    ],
)
def test_an_unknown_refusal_has_no_hint(status: int, code: int | None, message: str) -> None:
    """
    No advice is guessed for other statuses, codes and messages.
    """
    assert hint(status, (code, message)) == ""


def test_a_refusal_without_errors_has_no_hint() -> None:
    """
    A 403 without errors says nothing about the credential.
    """
    assert hint(403) == ""
    assert hint(403, operation="verify") == ""


@pytest.mark.parametrize(
    ("operation", "path", "group"),
    [
        ("list", ACCOUNT_PATH, '"Account API Tokens Read" or "Account API Tokens Write"'),
        ("get", ACCOUNT_PATH, '"Account API Tokens Read" or "Account API Tokens Write"'),
        ("permission_groups", ACCOUNT_PATH, '"Account API Tokens Read" or "Account API Tokens Write"'),
        ("create", ACCOUNT_PATH, 'group "Account API Tokens Write"'),
        ("update", ACCOUNT_PATH, 'group "Account API Tokens Write"'),
        ("delete", ACCOUNT_PATH, 'group "Account API Tokens Write"'),
        ("roll", ACCOUNT_PATH, 'group "Account API Tokens Write"'),
        ("list", USER_PATH, '"API Tokens Read" or "API Tokens Write"'),
        ("roll", f"{USER_PATH}/x/value", 'group "API Tokens Write"'),
    ],
)
def test_the_missing_permission_is_named(operation: str, path: str, group: str) -> None:
    """
    Reading needs the Read or the Write group, and changing needs Write.
    """
    said = hint(403, (9109, "Unauthorized to access requested resource"), operation=operation, path=path)

    assert group in said


def test_the_group_that_the_creator_lacks_is_named() -> None:
    """
    Its name is taken from Cloudflare's message.
    """
    text = 'Failed common permission check against resources. (Permission group: "DNS Write")'

    assert 'lacks the permission group "DNS Write"' in hint(400, (1001, text), operation="create")


def test_the_creator_is_not_said_to_need_all_that_it_grants() -> None:
    """
    Only single zones of an account-owned token are checked against what its creator holds.
    """
    said = hint(400, (1001, "Failed common permission check against resources."), operation="create")

    assert said == (
        "The credential lacks one of these permission groups on a single zone, where the creator of an "
        "account-owned token must hold what it grants, or the group does not apply to this kind of resource."
    )


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("operation", "kind", "path", "door"),
    [
        ("verify", "account", USER_PATH, "client.accounts.tokens"),
        ("list", "account", USER_PATH, "client.accounts.tokens"),
        ("verify", "user", ACCOUNT_PATH, "client.user.tokens"),
    ],
)
def test_the_wrong_kind_of_credential_has_its_hint(
    status: int, operation: str, kind: Literal["account", "user"], path: str, door: str
) -> None:
    """
    The hint names the attribute of the client that takes the credential.
    """
    code = (1000, "Invalid API Token") if operation == "verify" else (9109, "Invalid access token")

    assert f"use {door}" in hint(status, code, operation=operation, path=path, kind=kind)


def test_a_token_used_from_elsewhere_was_recognised() -> None:
    """
    The hint names the request_ip condition, whatever the kind of the token.
    """
    error = (9109, "Cannot use the access token from location: 192.0.2.1")

    assert "request_ip condition" in hint(403, error, operation="verify", kind="user")
    assert "request_ip condition" in hint(403, error, path=USER_PATH, kind="account")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("operation", ["list", "get", "create"])
def test_an_account_accepts_user_tokens(status: int, operation: str) -> None:
    """
    A user token that an account's endpoint refuses is not said to be of the wrong kind, except to verify it.
    """
    said = hint(status, (9109, "Invalid access token"), operation=operation, kind="user")

    assert said.startswith("The credential is unknown, rolled, deleted, expired")


@pytest.mark.parametrize("error", [(9109, "Unauthorized to access requested resource"), (10000, "Forbidden")])
def test_a_user_token_may_lack_a_permission_on_an_account(error: tuple[int, str]) -> None:
    """
    The hint names the permission group that a user token lacks on an account.
    """
    assert 'group "Account API Tokens Write"' in hint(403, error, operation="create", kind="user")


@pytest.mark.parametrize("error", [(9109, "Unauthorized to access requested resource"), (10000, "Forbidden")])
def test_an_account_token_never_reaches_user_tokens(error: tuple[int, str]) -> None:
    """
    No permission would help, so the hint is to use client.accounts.tokens.
    """
    assert "use client.accounts.tokens" in hint(403, error, path=USER_PATH, kind="account")


@pytest.mark.parametrize("kind", ["account", None])
def test_verify_needs_no_permission(kind: Literal["account"] | None) -> None:
    """
    The hint for a refused verify() is not about permissions but about the token itself.
    """
    said = hint(403, (10000, "Authentication error"), operation="verify", kind=kind)

    assert "unknown, rolled" in said


def test_a_user_path_has_no_account_id() -> None:
    """
    An unknown path without an account id gets no hint to check the account id.
    """
    assert hint(400, (7003, "Could not route to /user/tokens/x"), path=f"{USER_PATH}/x") == ""


@pytest.mark.parametrize(("kind", "path"), [("account", ACCOUNT_PATH), ("user", USER_PATH)])
def test_the_right_kind_is_not_blamed(kind: Literal["account", "user"], path: str) -> None:
    """
    A refused credential of the right kind is said to be unknown, rolled or expired.
    """
    assert "unknown, rolled" in hint(401, (1000, "Invalid API Token"), path=path, kind=kind)


@pytest.mark.parametrize("kind", ["account", "user", None])
def test_other_statuses_do_not_blame_the_kind(kind: Literal["account", "user"] | None) -> None:
    """
    A 404 has no hint, whatever the kind of the credential.
    """
    assert hint(404, (1003, "Token not found"), path=USER_PATH, kind=kind) == ""


@pytest.mark.parametrize("error", [(1000, "Invalid API Token"), (9109, "Invalid access token")])
def test_a_token_that_is_not_valid_yet_is_thought_of(error: tuple[int, str]) -> None:
    """
    Cloudflare refuses it like an unknown one, so the hint has this reason, too.
    """
    assert "expired, not valid yet (not_before), disabled" in hint(403, error)
