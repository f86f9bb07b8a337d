"""
Each operation as data: method, path, body, and how to read the answer. No I/O.

The path of all tokens is ``/accounts/{account_id}/tokens``, or ``/user/tokens`` for a user's own.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
https://developers.cloudflare.com/api/resources/user/subresources/tokens/
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from cftokens._checks import check_id
from cftokens._converter import is_set, structure, structure_list
from cftokens._operations.bodies import encode
from cftokens._operations.pagination import Batch, ResultInfo
from cftokens._operations.replacement import not_as_sent
from cftokens._operations.wording import access_that_differs
from cftokens._read_hooks import Malformed
from cftokens._secret import TokenValue
from cftokens._transport.messages import Envelope, Request
from cftokens.models import (
    PermissionGroup,
    Token,
    TokenCreateResponse,
    TokenDeleteResponse,
    TokenVerifyResponse,
)

T = TypeVar("T")
N = TypeVar("N", Token, TokenDeleteResponse)
M = TypeVar("M", Token, PermissionGroup)

Json = dict[str, Any]

_REMOVABLE: Final = ("condition", "expires_on", "not_before")

_SETTLE: Final = "Do not repeat it: recover(error.attempt) settles it."


class TokenPath(NamedTuple):
    """
    The path of one token, made from a checked id.
    """

    path: str
    id: str


def token_path(tokens_path: str, token_id: str) -> TokenPath:
    """
    Return the path of one token.

    Raises:
        ValueError: *token_id* is not an id, and would make the path of another request.
    """
    return TokenPath(f"{tokens_path}/{check_id(token_id, 'token_id')}", token_id)


def list_tokens(tokens_path: str, query: str) -> Request[Batch[Token]]:
    """
    Fetch one page of tokens.
    """
    return _list("list", tokens_path, query, Token)


def list_permission_groups(tokens_path: str, query: str = "") -> Request[Batch[PermissionGroup]]:
    """
    Fetch the catalogue, which has only one page.
    """
    return _list("permission_groups", f"{tokens_path}/permission_groups", query, PermissionGroup)


def _list(operation: str, path: str, query: str, model: type[M]) -> Request[Batch[M]]:
    def decode(envelope: Envelope) -> Batch[M]:
        info = ResultInfo() if envelope.result_info is None else structure(envelope.result_info, ResultInfo)
        return Batch(structure_list(envelope.result, model), info)

    return Request(operation=operation, method="GET", path=path, query=query, decode=decode)


def get_token(token: TokenPath) -> Request[Token]:
    """
    Fetch one token.
    """
    return _get(token, lambda envelope: _the_token(structure(envelope.result, Token), token))


def read_token(token: TokenPath) -> Request[tuple[Token, Json]]:
    """
    Fetch one token, also as JSON.
    """

    def decode(envelope: Envelope) -> tuple[Token, Json]:
        read = _the_token(structure(envelope.result, Token), token)
        return read, {key: value for key, value in envelope.result.items() if key != "value"}

    return _get(token, decode)


def _get(token: TokenPath, decode: Callable[[Envelope], T]) -> Request[T]:
    return Request("get", "GET", token.path, decode)


def create_token(tokens_path: str, body: Json) -> Request[TokenCreateResponse]:
    """
    Make a token.
    """
    return _create(tokens_path, body, _created)


def clone_token(
    tokens_path: str, body: Json, check: Callable[[Json], list[str]]
) -> Request[tuple[TokenCreateResponse, list[str]]]:
    """
    Copy a token, and also return what a *check* of the answer finds.
    """
    return _create(tokens_path, body, lambda result: (_created(result), check(result)))


def _created(result: Any) -> TokenCreateResponse:
    return structure(result, TokenCreateResponse)


def _create(tokens_path: str, body: Json, decode: Callable[[Any], T]) -> Request[T]:
    return Request(
        operation="create",
        method="POST",
        path=tokens_path,
        body=encode(body),
        decode=lambda envelope: decode(envelope.result),
        has_effect=True,
        repeatable=False,
        if_unknown=_SETTLE,
    )


def update_token(token: TokenPath, body: Json) -> Request[Token]:
    """
    Replace a token, and check that what was left out is removed.
    """

    def left_over(after: Json) -> list[str]:
        return [key for key in _REMOVABLE if body.get(key) is None and is_set(after.get(key))]

    return _update(token, body, left_over)


def edit_token(token: TokenPath, body: Json, before: Json) -> Request[Token]:
    """
    Replace a token, and check that all of it came out as it was sent.
    """
    return _update(token, body, partial(not_as_sent, body, before))


def _update(token: TokenPath, body: Json, check: Callable[[Json], list[str]]) -> Request[Token]:
    def decode(envelope: Envelope) -> Token:
        updated = _the_token(structure(envelope.result, Token), token)
        wrong = check(envelope.result)
        if wrong:
            key = wrong[0]
            raise Malformed(_difference(key, body, updated), key)
        return updated

    return Request(
        operation="update", method="PUT", path=token.path, body=encode(body), decode=decode, has_effect=True
    )


def _difference(key: str, body: Json, updated: Token) -> str:
    if body.get(key) is None:
        return "still set, but should have been removed"
    words = access_that_differs(body[key], updated.policies) if key == "policies" else ""
    return f"differs from what was sent{words}"


def delete_token(token: TokenPath) -> Request[TokenDeleteResponse]:
    """
    Delete a token. A successful answer may have no result.
    """
    deleted = TokenDeleteResponse(id=token.id)

    def decode(envelope: Envelope) -> TokenDeleteResponse:
        if envelope.result is None:
            return deleted
        return _the_token(structure(envelope.result, TokenDeleteResponse), token)

    return Request(
        operation="delete",
        method="DELETE",
        path=token.path,
        body=b"",
        decode=decode,
        has_effect=True,
        if_missing=deleted,
    )


def verify_token(tokens_path: str) -> Request[TokenVerifyResponse]:
    """
    Check the credential that sends the request.
    """
    return Request(
        operation="verify",
        method="GET",
        path=f"{tokens_path}/verify",
        decode=lambda envelope: structure(envelope.result, TokenVerifyResponse),
    )


def roll_token(token: TokenPath, *, settles_a_create: bool = False) -> Request[TokenValue]:
    """
    Replace a token's value.
    """
    return Request(
        operation="roll",
        method="PUT",
        path=f"{token.path}/value",
        body=b"{}",
        decode=lambda envelope: structure(envelope.result, TokenValue),
        has_effect=True,
        repeatable=False,
        if_unknown=_SETTLE if settles_a_create else "Roll again: only the last value counts.",
    )


def _the_token(answered: N, token: TokenPath) -> N:
    """
    Refuse an answer about a different token.
    """
    if answered.id != token.id:
        raise Malformed("is another token's", "id")
    return answered
