"""
Whose token a value is: asks the endpoints that could know.
"""

from collections.abc import Iterable
from datetime import datetime

import attrs

from cftokens import _reprs as reprs
from cftokens._checks import check_id, check_several, is_id
from cftokens._inspection import ValueKind, inspect_value
from cftokens._operations import endpoints
from cftokens._operations.owners import Owner, Owners
from cftokens._secret import TokenValue
from cftokens._settings import check_credential
from cftokens._transport.hints import refuses_address
from cftokens.errors import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PermissionDeniedError,
)
from cftokens.models import Token, TokenVerifyResponse

_REFUSALS = (AuthenticationError, BadRequestError, NotFoundError, PermissionDeniedError)


@attrs.frozen(kw_only=True, repr=False)
class Identity:
    """
    Whose token a value is. Holds nothing of the value itself.

    Attributes:
        kind: ``"account"``, ``"user"``, ``"global_key"``, or ``"unknown"`` if the value has no prefix and no
            endpoint knew it.

        id: Identifier of the token, or None if no endpoint that was asked knows the value.

        status: As in a `Token`, or None.

        expires_on: None if the token never expires, or is not known.

        account_id: The account that owns the token, or None.

        token: The token, if the client's own credential may read it; otherwise None.
    """

    kind: ValueKind
    id: str | None = None
    status: str | None = None
    expires_on: datetime | None = None
    account_id: str | None = None
    token: Token | None = None

    def __repr__(self) -> str:
        return reprs.call(
            "Identity",
            kind=reprs.text(self.kind),
            id=reprs.text(self.id),
            status=reprs.text(self.status, 20),
            account_id=reprs.text(self.account_id),
        )


async def identify(owners: Owners, value: TokenValue, account_ids: Iterable[str]) -> Identity:
    """
    Ask one endpoint after the other with a value, until one knows it.
    """
    kind = inspect_value(check_credential(value, "value")).kind
    for owner in _candidates(owners, kind, account_ids):
        verified = await _verify(owner.with_credential(value))
        if verified is not None:
            return Identity(
                kind="user" if owner.account_id is None else "account",
                id=verified.id,
                status=verified.status,
                expires_on=verified.expires_on,
                account_id=owner.account_id,
                token=await _read(owner, verified.id),
            )
    return Identity(kind=kind)


def _candidates(owners: Owners, kind: ValueKind, account_ids: Iterable[str]) -> list[Owner]:
    """
    Return the owners that can have a token of a kind. A global API key is no token.

    Raises:
        ValueError: An account token does not name its account, and there is none to ask.
    """
    given = [
        check_id(each, "account_ids") for each in check_several(account_ids, "account_ids", "account ids")
    ]
    known = dict.fromkeys([*filter(None, [owners.account_id]), *given])
    if kind == "account" and not known:
        raise ValueError("An account-owned token does not name its account: pass account_ids.")
    users = [owners.user()] if kind in ("user", "unknown") else []
    accounts = map(owners.account, known) if kind in ("account", "unknown") else ()
    return [*users, *accounts]


async def _verify(owner: Owner) -> TokenVerifyResponse | None:
    """
    Return what *verify* says, or None if the endpoint does not know the value.
    """
    try:
        return await owner.send(endpoints.verify_token(owner.tokens_path))
    except _REFUSALS as error:
        if refuses_address(error):  # it is known, but not usable here
            raise
        return None


async def _read(owner: Owner, token_id: str) -> Token | None:
    """
    Return a token, or None if the client's credential may not read it.
    """
    if not is_id(token_id) or (owner.account_id is None and owner.credential_kind == "account"):
        return None
    try:
        return await owner.send(endpoints.get_token(owner.path_of(token_id)))
    except _REFUSALS:
        return None
