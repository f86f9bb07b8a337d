"""
Authentication and permissions: which token a request carries, and what that token may do.
"""

import ipaddress
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from cftokens.emulator import _refusals
from cftokens.emulator._propagation import SpreadingTokens
from cftokens.emulator._routes import Call
from cftokens.emulator._state import Token
from cftokens.emulator._targets import account_target, user_target

_BEARER: Final = re.compile(r"bearer +([A-Za-z0-9_-]{40,80})", re.IGNORECASE)
_KEY_HEADERS: Final = ("X-Auth-Key", "X-Auth-Email", "X-Auth-User-Service-Key")

# The permission groups for reading and for writing tokens, by kind of token.
_READ: Final = {"account": "eb56a6953c034b9d97dd838155666f06", "user": "0cc3a61731504c89b99ec1be78b77aa0"}
_WRITE: Final = {"account": "5bc3f8b21c554832afc660159ab75fa4", "user": "686d18d5ac6c441c867cbf6771e58a0a"}
_READING: Final = ("list", "get", "permission_groups")


def bearer_of(headers: Mapping[str, str]) -> str:
    """
    Return the token value in the headers, or an empty string.
    """
    match = _BEARER.fullmatch(headers.get("Authorization", "").strip())
    return match[1] if match else ""


class Access:
    """
    Access control for one account and one user.
    """

    def __init__(self, tokens: SpreadingTokens, account_id: str, user_id: str) -> None:
        self._tokens = tokens
        self._account_id = account_id
        self._user_id = user_id

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
        if token is None or token.kind != call.kind or not self._in_force(call, token, now):
            raise _rejected(call)
        if not _allows(token.fields.condition, peer):
            raise _refusals.wrong_place(peer)
        return token

    def _in_force(self, call: Call, token: Token, now: datetime) -> bool:
        return token.in_force(now) or (call.operation == "verify" and self._tokens.still_verified(token, now))

    def authorize(self, call: Call, token: Token) -> None:
        """
        Check that a token may make a call.

        Raises:
            RefusedError: The token belongs to another account or lacks the permission group.
        """
        if call.account_id not in (None, self._account_id):
            raise _rejected(call) if call.operation == "verify" else _refusals.other_account()
        if call.operation != "verify" and not self._permits(call, token):
            raise _refusals.not_permitted()

    def _permits(self, call: Call, token: Token) -> bool:
        here = account_target(self._account_id) if call.kind == "account" else user_target(self._user_id)
        groups = [_WRITE[call.kind]]
        if call.operation in _READING:
            groups.append(_READ[call.kind])
        return any(token.holds(group, here) for group in groups)


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
