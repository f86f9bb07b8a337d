"""
Routing: from method and path to an operation.
"""

import re
from typing import Final, Literal

import attrs

from cftokens.emulator import _refusals
from cftokens.emulator._values import Kind

Operation = Literal[
    "list",
    "get",
    "create",
    "update",
    "delete",
    "verify",
    "permission_groups",
    "roll",
    "user",
    "accounts",
]

BASE: Final = "/client/v4"
_PATH: Final = re.compile(r"(?:/user|/accounts/(?P<account>[^/]*))/tokens(?:/(?P<rest>.*))?")
_ID: Final = re.compile(r"[0-9a-f]{32}")

_OWNERS: Final[dict[str, dict[str, Operation]]] = {
    "/user": {"GET": "user"},
    "/accounts": {"GET": "accounts"},
}
_COLLECTION: Final[dict[str, Operation]] = {"GET": "list", "POST": "create"}
_WORDS: Final[dict[str, dict[str, Operation]]] = {
    "verify": {"GET": "verify"},
    "permission_groups": {"GET": "permission_groups"},
}
_TOKEN: Final[dict[str, Operation]] = {"GET": "get", "PUT": "update", "DELETE": "delete"}
_BELOW_TOKEN: Final[dict[str, dict[str, Operation]]] = {"value": {"PUT": "roll"}}


@attrs.frozen(kw_only=True)
class Call:
    """
    An operation, with what its path says.

    Attributes:
        kind: Whose path it is: an account's or a user's.
        operation: The operation to run.
        account_id: The account in the path; None for a user's tokens.
        token_id: The token in the path; empty if there is none.
    """

    kind: Kind
    operation: Operation
    account_id: str | None
    token_id: str


def route(method: str, path: str) -> Call:
    """
    Return the call that a request makes; *path* is the raw path after the base URL.

    Raises:
        RefusedError: The path is unknown or malformed, or does not support the method.
    """
    account_id, token_id, operations = _parse(path)
    if not all(_ID.fullmatch(identifier) for identifier in (account_id, token_id) if identifier is not None):
        raise _refusals.bad_identifier(path)
    if method not in operations:
        raise _refusals.no_method(method)
    kind: Kind = "user" if account_id is None else "account"
    return Call(kind=kind, operation=operations[method], account_id=account_id, token_id=token_id or "")


def _parse(path: str) -> tuple[str | None, str | None, dict[str, Operation]]:
    """
    Return the account id and the token id in a path, and its operations by method.
    """
    if path in _OWNERS:
        return None, None, _OWNERS[path]
    match = _PATH.fullmatch(path)
    if match is None:
        raise _refusals.no_route()
    return match["account"], *_find(match["rest"] or "")


def _find(rest: str) -> tuple[str | None, dict[str, Operation]]:
    """
    Return the token id in the rest of a path, and its operations by method.
    """
    if not rest:
        return None, _COLLECTION
    if rest in _WORDS:
        return None, _WORDS[rest]
    token_id, slash, below = rest.partition("/")
    if not slash:
        return token_id, _TOKEN
    if below not in _BELOW_TOKEN:
        raise _refusals.no_route()
    return token_id, _BELOW_TOKEN[below]
