"""
Authentication and permissions: which token a request carries, and what that token may do.
"""

import ipaddress
import re
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any, Final

from cftokens.emulator import _refusals
from cftokens.emulator._policies import TOKENS_WRITE
from cftokens.emulator._propagation import SpreadingTokens
from cftokens.emulator._routes import Call, Operation
from cftokens.emulator._state import Owner, Token
from cftokens.emulator._values import Kind

_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9_-]{40,80})", re.IGNORECASE)
_KEY_HEADERS: Final = ("X-Auth-Key", "X-Auth-Email", "X-Auth-User-Service-Key")

_TOKENS_READ: Final[dict[Kind, str]] = {
    "account": "eb56a6953c034b9d97dd838155666f06",
    "user": "0cc3a61731504c89b99ec1be78b77aa0",
}
_USER_DETAILS: Final = ("8acbe5bb0d54464ab867149d7f7cf8ac", "55a5e17cc99e4a3fa1f3432d262f2e55")
_OPEN_TO_ALL: Final[tuple[Operation, ...]] = ("verify", "accounts")
_READING: Final[tuple[Operation, ...]] = ("list", "get", "permission_groups", "user")


def bearer_of(headers: Mapping[str, str]) -> str:
    """
    Return the token value in the headers, or an empty string.
    """
    match = _BEARER.fullmatch(headers.get("Authorization", "").strip())
    return match[1] if match else ""


class Access:
    """
    Access control for some accounts and the user who is a member of all of them.
    """

    def __init__(self, tokens: SpreadingTokens, accounts: Container[Owner]) -> None:
        self._tokens = tokens
        self._accounts = accounts

    def authenticate(self, call: Call, headers: Mapping[str, str], peer: str, now: datetime) -> Token:
        """
        Return the token that a request carries.

        Raises:
            RefusedError: There is no token, or it is not valid at this time or from this address.
        """
        value = bearer_of(headers)
        if not value:
            raise _without_token(call, headers)
        token = self._tokens.seen_with(value, verifying=call.operation == "verify")
        if token is None or not self._in_force(call, token, now) or not _admits(call, token):
            raise _rejected(call)
        if not _allows(token.fields.condition, peer):
            raise _refusals.wrong_place(peer)
        return token

    def _in_force(self, call: Call, token: Token, now: datetime) -> bool:
        return token.in_force(now) or (call.operation == "verify" and self._tokens.still_verified(token, now))

    def authorize(self, call: Call, owner: Owner, token: Token) -> None:
        """
        Check that a token may make a call about the tokens of *owner*.

        Raises:
            RefusedError: The token is for another account or lacks the permission group.
        """
        if call.operation == "accounts" and token.kind == "account":
            raise _refusals.accounts_are_for_users()
        if not self._belongs(token, owner):
            raise _rejected(call) if call.operation == "verify" else _refusals.other_account()
        if not _permits(call, owner, token):
            raise _refusals.not_permitted()

    def _belongs(self, token: Token, owner: Owner) -> bool:
        return token.owner == owner or (token.kind == "user" and owner in self._accounts)


def _admits(call: Call, token: Token) -> bool:
    """
    Return whether a path takes tokens of this kind.

    User tokens work on account paths, too; only verify tells the kinds apart.
    """
    if call.operation == "verify":
        return token.kind == call.kind
    return token.kind == "user" or call.kind == "account" or call.operation == "accounts"


def _permits(call: Call, owner: Owner, token: Token) -> bool:
    if call.operation in _OPEN_TO_ALL:
        return True
    groups = [TOKENS_WRITE[call.kind]]
    if call.operation in _READING:
        groups.append(_TOKENS_READ[call.kind])
    if call.operation == "user":
        groups.extend(_USER_DETAILS)
    return any(token.holds(group, owner.target) for group in groups)


def _without_token(call: Call, headers: Mapping[str, str]) -> _refusals.RefusedError:
    if "Authorization" in headers:
        return _refusals.malformed_authorization()
    if not any(name in headers for name in _KEY_HEADERS):
        return _refusals.no_credential()
    return _refusals.key_instead_of_token() if call.operation == "verify" else _refusals.unknown_key()


def _rejected(call: Call) -> _refusals.RefusedError:
    return _refusals.nothing_to_verify() if call.operation == "verify" else _refusals.invalid_token()


def _allows(condition: Mapping[str, Any] | None, peer: str) -> bool:
    """
    Return whether a condition allows an address; ``not_in`` overrides ``in``.
    """
    request_ip = (condition or {}).get("request_ip", {})
    inside = "in" not in request_ip or _among(peer, request_ip["in"])
    return inside and not _among(peer, request_ip.get("not_in", []))


def _among(peer: str, networks: list[str]) -> bool:
    address = ipaddress.ip_address(peer)
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)
