"""
Each operation as data: method, path, body, and what becomes of the answer. No I/O.

Without an account id it is about the user's own tokens.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
https://developers.cloudflare.com/api/resources/user/subresources/tokens/
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeVar

import attrs

from cftokens._arguments import check_id
from cftokens._converter import Malformed, structure, structure_list
from cftokens._pagination import Batch, ResultInfo
from cftokens._replacement import not_as_sent, says_something
from cftokens._secret import TokenValue
from cftokens._wire import Call, Envelope
from cftokens.models import (
    Condition,
    CreateAttempt,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenVerifyResponse,
)

T = TypeVar("T")
_REMOVABLE: Final = ("condition", "expires_on", "not_before")

N = TypeVar("N", Token, TokenDeleteResponse)
M = TypeVar("M", Token, PermissionGroup)


def list_tokens(account_id: str | None, query: Mapping[str, str]) -> Call[Batch[Token]]:
    """
    Fetch one page of tokens.
    """
    return _list("list", _tokens_path(account_id), query, Token)


def list_permission_groups(account_id: str | None, query: Mapping[str, str]) -> Call[Batch[PermissionGroup]]:
    """
    Fetch the catalogue, which has no pages.
    """
    return _list("permission_groups", f"{_tokens_path(account_id)}/permission_groups", query, PermissionGroup)


def _list(operation: str, path: str, query: Mapping[str, str], model: type[M]) -> Call[Batch[M]]:
    def decode(envelope: Envelope) -> Batch[M]:
        info = ResultInfo() if envelope.result_info is None else structure(envelope.result_info, ResultInfo)
        return Batch(structure_list(envelope.result, model), info)

    return Call(operation=operation, method="GET", path=path, query=query, decode=decode)


def get_token(account_id: str | None, token_id: str) -> Call[Token]:
    """
    Fetch one token.
    """
    return Call(
        operation="get",
        method="GET",
        path=_token_path(account_id, token_id),
        decode=lambda envelope: _the_token(structure(envelope.result, Token), token_id),
    )


def read_token(account_id: str | None, token_id: str) -> Call[dict[str, Any]]:
    """
    Fetch one token as JSON, with the members that we don't know.
    """

    def decode(envelope: Envelope) -> dict[str, Any]:
        _the_token(structure(envelope.result, Token), token_id)
        return {key: value for key, value in envelope.result.items() if key != "value"}

    return Call(operation="get", method="GET", path=_token_path(account_id, token_id), decode=decode)


def create_token(account_id: str | None, body: Mapping[str, Any]) -> Call[TokenCreateResponse]:
    """
    Make a token, at most once.
    """
    return _create(account_id, body, _decode_created)


def copy_token(
    account_id: str | None, body: Mapping[str, Any], original: Mapping[str, Any]
) -> Call[tuple[TokenCreateResponse, list[str]]]:
    """
    Make a token like another, at most once, and tell which members did not come out as sent.
    """

    def decode(envelope: Envelope) -> tuple[TokenCreateResponse, list[str]]:
        return _decode_created(envelope), not_as_sent(body, original, envelope.result)

    return _create(account_id, body, decode)


def _create(account_id: str | None, body: Mapping[str, Any], decode: Callable[[Envelope], T]) -> Call[T]:
    return Call(
        operation="create",
        method="POST",
        path=_tokens_path(account_id),
        body=json.dumps(body).encode(),
        decode=decode,
        changes=True,
        repeatable=False,
        attempt=CreateAttempt(
            name=body["name"],
            policies=structure_list(body["policies"], TokenPolicy),
            account_id=account_id,
            started_on=datetime.now(UTC),
            condition=structure(body.get("condition"), Condition) if body.get("condition") else None,
            **{key: datetime.fromisoformat(body[key]) for key in ("expires_on", "not_before") if key in body},
        ),
    )


def _decode_created(envelope: Envelope) -> TokenCreateResponse:
    return structure(envelope.result, TokenCreateResponse)


def update_token(account_id: str | None, token_id: str, body: Mapping[str, Any]) -> Call[Token]:
    """
    Replace a token, and make sure that what was left out is gone.
    """

    def left_over(after: Mapping[str, Any]) -> list[str]:
        return [key for key in _REMOVABLE if key not in body and says_something(after.get(key))]

    return _update(account_id, token_id, body, left_over)


def replace_token(
    account_id: str | None, token_id: str, body: Mapping[str, Any], before: Mapping[str, Any]
) -> Call[Token]:
    """
    Replace a token, and make sure that all of it is as it was sent.
    """
    return _update(account_id, token_id, body, partial(not_as_sent, body, before))


def _update(
    account_id: str | None,
    token_id: str,
    body: Mapping[str, Any],
    check: Callable[[Mapping[str, Any]], list[str]],
) -> Call[Token]:
    def decode(envelope: Envelope) -> Token:
        token = _the_token(structure(envelope.result, Token), token_id)
        for key in check(envelope.result):
            raise Malformed(
                "it is not as it was sent" if key in body else "it is still there, but was to be gone", key
            )
        return token

    return Call(
        operation="update",
        method="PUT",
        path=_token_path(account_id, token_id),
        body=json.dumps(body).encode(),
        decode=decode,
        changes=True,
    )


def delete_token(account_id: str | None, token_id: str) -> Call[TokenDeleteResponse]:
    """
    Delete a token. The answer to a success may be without a result.
    """
    gone = TokenDeleteResponse(id=token_id)

    def decode(envelope: Envelope) -> TokenDeleteResponse:
        if envelope.result is None:
            return gone
        return _the_token(structure(envelope.result, TokenDeleteResponse), token_id)

    return Call(
        operation="delete",
        method="DELETE",
        path=_token_path(account_id, token_id),
        body=b"",
        decode=decode,
        changes=True,
        if_gone=gone,
    )


def verify_token(account_id: str | None) -> Call[TokenVerifyResponse]:
    """
    Ask about the credential that asks.
    """
    return Call(
        operation="verify",
        method="GET",
        path=f"{_tokens_path(account_id)}/verify",
        decode=lambda envelope: structure(envelope.result, TokenVerifyResponse),
    )


def roll_token(account_id: str | None, token_id: str) -> Call[TokenValue]:
    """
    Replace a token's value, at most once.
    """
    return _roll(account_id, token_id, _decode_value)


def recover_token(token: Token, attempt: CreateAttempt) -> Call[TokenCreateResponse]:
    """
    Roll a token that a lost create made, which makes its value known and no other valid.
    """

    def decode(envelope: Envelope) -> TokenCreateResponse:
        return TokenCreateResponse(**attrs.asdict(token, recurse=False), value=_decode_value(envelope))

    return _roll(attempt.account_id, token.id, decode, attempt)


def _roll(
    account_id: str | None,
    token_id: str,
    decode: Callable[[Envelope], T],
    attempt: CreateAttempt | None = None,
) -> Call[T]:
    return Call(
        operation="roll",
        method="PUT",
        path=f"{_token_path(account_id, token_id)}/value",
        body=b"{}",
        decode=decode,
        changes=True,
        repeatable=False,
        attempt=attempt,
    )


def _decode_value(envelope: Envelope) -> TokenValue:
    return structure(envelope.result, TokenValue)


def _tokens_path(account_id: str | None) -> str:
    return "/user/tokens" if account_id is None else f"/accounts/{check_id(account_id, 'account_id')}/tokens"


def _token_path(account_id: str | None, token_id: str) -> str:
    return f"{_tokens_path(account_id)}/{check_id(token_id, 'token_id')}"


def _the_token(answered: N, token_id: str) -> N:
    """
    Refuse an answer that is about another token than the one asked about.
    """
    if answered.id != token_id:
        raise Malformed("is another token's", "id")
    return answered
