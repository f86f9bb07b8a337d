"""
Each operation as data: method, path, body, and what becomes of the answer. No I/O.

Without an account id it is about the user's own tokens.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
https://developers.cloudflare.com/api/resources/user/subresources/tokens/
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

import attrs

from cftokens._arguments import ConditionArgument, PolicyArgument, check_id, token_body
from cftokens._converter import Malformed, structure, structure_list
from cftokens._pagination import Batch, ResultInfo
from cftokens._secret import TokenValue
from cftokens._wire import Call, Envelope
from cftokens.models import (
    CreateAttempt,
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenPolicy,
    TokenVerifyResponse,
)

T = TypeVar("T")
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
    return Call(operation="get", method="GET", path=_token_path(account_id, token_id), decode=_decode_token)


def create_token(
    account_id: str | None,
    *,
    name: str,
    policies: Iterable[PolicyArgument],
    condition: ConditionArgument | None,
    expires_on: datetime | None,
    not_before: datetime | None,
) -> Call[TokenCreateResponse]:
    """
    Make a token, at most once.
    """
    body = token_body(
        name=name, policies=policies, condition=condition, expires_on=expires_on, not_before=not_before
    )
    return Call(
        operation="create",
        method="POST",
        path=_tokens_path(account_id),
        body=body,
        decode=lambda envelope: structure(envelope.result, TokenCreateResponse),
        changes=True,
        repeatable=False,
        attempt=CreateAttempt(
            name=name,
            policies=structure_list(json.loads(body)["policies"], TokenPolicy),
            account_id=account_id,
            started_on=datetime.now(UTC),
        ),
    )


def update_token(
    account_id: str | None,
    token_id: str,
    *,
    name: str,
    policies: Iterable[PolicyArgument],
    condition: ConditionArgument | None,
    expires_on: datetime | None,
    not_before: datetime | None,
    status: str | None,
) -> Call[Token]:
    """
    Replace a token, and make sure that what was left out is gone.
    """
    body = token_body(
        name=name,
        policies=policies,
        condition=condition,
        expires_on=expires_on,
        not_before=not_before,
        status=status,
    )
    left_out = {"condition", "expires_on", "not_before"} - json.loads(body).keys()

    def decode(envelope: Envelope) -> Token:
        token = structure(envelope.result, Token)
        for key in sorted(left_out):
            if _says_something(envelope.result.get(key)):
                raise Malformed(
                    "it is still there, although the update was to leave the token without it", key
                )
        return token

    return Call(
        operation="update",
        method="PUT",
        path=_token_path(account_id, token_id),
        body=body,
        decode=decode,
        changes=True,
    )


def delete_token(account_id: str | None, token_id: str) -> Call[TokenDeleteResponse]:
    """
    Delete a token.
    """
    return Call(
        operation="delete",
        method="DELETE",
        path=_token_path(account_id, token_id),
        body=b"",
        decode=lambda envelope: structure(envelope.result, TokenDeleteResponse),
        changes=True,
        if_gone=TokenDeleteResponse(id=token_id),
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


def _decode_token(envelope: Envelope) -> Token:
    return structure(envelope.result, Token)


def _says_something(value: object) -> bool:
    """
    Tell a restriction from the empty shells in which a server may say that there is none.
    """
    if isinstance(value, dict):
        return any(map(_says_something, value.values()))
    return value is not None and value != []
