"""
Cloudflare's answers as frozen attrs classes, with Cloudflare's own names.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Final

import attrs

from cftokens._secret import TokenValue

Resources = Mapping[str, str | Mapping[str, str]]
"""``{name: "*"}``, or ``{account: {name: "*"}}`` for everything of a kind in one account."""

Network = IPv4Address | IPv6Address | IPv4Network | IPv6Network
"""An address or a network from the standard library."""


# One converter for each type of item: with tuple() alone, mypy would lose the type.


def _strings(values: Iterable[str] | None) -> tuple[str, ...] | None:
    if isinstance(values, str):
        raise TypeError("Expected several strings, such as a list of networks, not a single string.")
    return None if values is None else tuple(values)


def _networks(values: Iterable[str | Network] | None) -> tuple[str, ...] | None:
    return _strings(values) if values is None or isinstance(values, str) else tuple(map(str, values))


def _groups(values: "Iterable[PermissionGroup]") -> "tuple[PermissionGroup, ...]":
    return tuple(values)


def _policies(values: "Iterable[TokenPolicy]") -> "tuple[TokenPolicy, ...]":
    return tuple(values)


TO_TUPLES: Final[tuple[object, ...]] = (_strings, _networks, _groups, _policies)
"""The converters that leave a tuple as it is, so that structuring may skip them."""


@attrs.frozen(kw_only=True)
class _Model:
    """
    A model that keeps the members of its JSON that it does not know, so that they can be sent back.

    They are neither compared nor shown.
    """

    if not TYPE_CHECKING:  # only attrs.evolve() passes it
        _unknown: Mapping[str, object] | None = attrs.field(
            default=None, alias="_unknown", eq=False, repr=False
        )


@attrs.frozen(kw_only=True)
class PermissionGroup(_Model):
    """
    A named set of permissions, in the catalogue and in policies.

    https://developers.cloudflare.com/fundamentals/api/reference/permissions/
    """

    id: str

    name: str | None = None
    """Not unique: seven names exist both for accounts and for zones."""

    scopes: tuple[str, ...] | None = attrs.field(default=None, converter=_strings)
    """The kinds of resource that the group works on; None inside a policy."""

    category: str | None = None

    is_selectable: bool | None = None
    """Whether the caller may grant it. Only creating a token proves it."""

    meta: Mapping[str, str | None] | None = None


@attrs.frozen(kw_only=True)
class TokenPolicy(_Model):
    """
    What is allowed or denied, on which resources.

    https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
    """

    effect: str
    """``"allow"`` or ``"deny"``. A deny overrides every allow."""

    permission_groups: tuple[PermissionGroup, ...] = attrs.field(converter=_groups)

    resources: Resources

    id: str | None = None
    """Set by Cloudflare, and never sent back."""


@attrs.frozen(kw_only=True)
class ConditionRequestIP(_Model):
    """
    The addresses from which a token may be used: IPv4 and IPv6 networks in CIDR notation.

    Takes strings and `ipaddress` objects. A single address means a network of one.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/
    """

    in_: tuple[str, ...] | None = attrs.field(default=None, converter=_networks)
    """Only these networks may use the token."""

    not_in: tuple[str, ...] | None = attrs.field(default=None, converter=_networks)
    """These may not, even if they lie within *in_*."""


@attrs.frozen(kw_only=True)
class Condition(_Model):
    """
    The conditions under which a token is accepted.
    """

    request_ip: ConditionRequestIP | None = None


@attrs.frozen(kw_only=True)
class Token(_Model):
    """
    An API token without its value, which Cloudflare shows only once.
    """

    id: str

    name: str | None = None

    status: str | None = None
    """
    ``active``, ``disabled`` or ``expired``; ``revoked (exposed)`` after a leak; Cloudflare may add others.
    """

    issued_on: datetime | None = None

    modified_on: datetime | None = None
    """When the token was last changed or rolled."""

    last_used_on: datetime | None = None
    """None until the token is used for the first time."""

    expires_on: datetime | None = None
    """None if the token never expires."""

    not_before: datetime | None = None
    """None if the token works at once."""

    policies: tuple[TokenPolicy, ...] = attrs.field(default=(), converter=_policies)
    """In Cloudflare's order, which is not the order in which they were sent."""

    condition: Condition | None = None
    """None if the token may be used from anywhere."""

    creator_email_at_creation: str | None = None

    provisioner_type: str | None = None

    provisioner_id: str | None = None


@attrs.frozen(kw_only=True)
class TokenCreateResponse(Token):
    """
    A new token with its value.
    """

    value: TokenValue
    """Shown here and never again: store it before anything else can fail."""


@attrs.frozen(kw_only=True)
class TokenDeleteResponse:
    """
    The id of a deleted token.
    """

    id: str


@attrs.frozen(kw_only=True)
class TokenVerifyResponse:
    """
    What Cloudflare says about the credential that sent the request.
    """

    id: str

    status: str

    expires_on: datetime | None = None

    not_before: datetime | None = None


@attrs.frozen(kw_only=True)
class CreateAttempt:
    """
    A create whose outcome is unknown: what was asked for, and when.
    """

    name: str

    policies: tuple[TokenPolicy, ...]

    account_id: str | None
    """None for a user token."""

    started_on: datetime
    """When the request went out, by this machine's clock."""

    condition: Condition | None = None

    expires_on: datetime | None = None

    not_before: datetime | None = None


@attrs.frozen(kw_only=True)
class Rotation:
    """
    A token that was replaced by another one.
    """

    predecessor: Token
    """The old token as it is now."""

    successor: TokenCreateResponse
    """The new token, which was stored."""

    retires_on: datetime
    """When the old token stops working, by Cloudflare's clock."""


@attrs.frozen(kw_only=True)
class Ensured:
    """
    A token that is as it was asked for.
    """

    token: Token

    value: TokenValue | None = None
    """Only if the token was created."""

    created: bool = False

    changed: bool
    """Whether an existing token was edited."""
