"""
What Cloudflare answers, as frozen attrs classes with Cloudflare's own names.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import attrs

from cftokens._secret import TokenValue

Resources = Mapping[str, str | Mapping[str, str]]
"""``{name: "*"}``, or ``{account: {name: "*"}}`` for everything of a kind in one account."""


Network = IPv4Address | IPv6Address | IPv4Network | IPv6Network
"""An address or a network, as the standard library has them."""


# Converters have types of their own, because that of tuple() leaves mypy without the type of an item.


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


@attrs.frozen(kw_only=True)
class PermissionGroup:
    """
    A named set of permissions, as it stands in the catalogue and in policies.

    https://developers.cloudflare.com/fundamentals/api/reference/permissions/
    """

    id: str

    name: str | None = None
    """It is not unique. Seven names exist both for accounts and for zones."""

    scopes: tuple[str, ...] | None = attrs.field(default=None, converter=_strings)
    """The kinds of resource that the group works on; None inside a policy."""

    category: str | None = None

    is_selectable: bool | None = None
    """Whether the caller may grant it. Only creating a token tells for certain."""

    meta: Mapping[str, str | None] | None = None


@attrs.frozen(kw_only=True)
class TokenPolicy:
    """
    What is allowed or denied, on which resources.

    https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
    """

    effect: str
    """``"allow"`` or ``"deny"``; a deny wins over every allow."""

    permission_groups: tuple[PermissionGroup, ...] = attrs.field(converter=_groups)

    resources: Resources

    id: str | None = None
    """Cloudflare's, and never sent back."""


@attrs.frozen(kw_only=True)
class ConditionRequestIP:
    """
    From where a token may be used, as networks in CIDR notation, IPv4 and IPv6 side by side.

    Strings and `ipaddress` objects are taken. An address alone means a network of one.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/
    """

    in_: tuple[str, ...] | None = attrs.field(default=None, converter=_networks)
    """Only from these networks."""

    not_in: tuple[str, ...] | None = attrs.field(default=None, converter=_networks)
    """Not from these, even if they lie within the others."""


@attrs.frozen(kw_only=True)
class Condition:
    """
    What must hold for a token to be accepted.
    """

    request_ip: ConditionRequestIP | None = None


@attrs.frozen(kw_only=True)
class Token:
    """
    An API token without its value, which Cloudflare shows only once.
    """

    id: str

    name: str | None = None

    status: str | None = None
    """
    ``active``, ``disabled`` or ``expired``; also ``revoked (exposed)`` after a leak, and whatever
    Cloudflare adds.
    """

    issued_on: datetime | None = None

    modified_on: datetime | None = None
    """When the token was last changed or rolled."""

    last_used_on: datetime | None = None
    """None until the token is used for the first time."""

    expires_on: datetime | None = None
    """None means that it never expires."""

    not_before: datetime | None = None
    """None means that it works at once."""

    policies: tuple[TokenPolicy, ...] = attrs.field(default=(), converter=_policies)
    """In Cloudflare's order, which is not the order that was sent."""

    condition: Condition | None = None
    """None means that it may be used from everywhere."""

    creator_email_at_creation: str | None = None

    provisioner_type: str | None = None

    provisioner_id: str | None = None


@attrs.frozen(kw_only=True)
class TokenCreateResponse(Token):
    """
    A new token with its value.
    """

    value: TokenValue
    """It is shown here and never again, so store it before anything else can fail."""


@attrs.frozen(kw_only=True)
class TokenDeleteResponse:
    """
    The id of a token that is gone.
    """

    id: str


@attrs.frozen(kw_only=True)
class TokenVerifyResponse:
    """
    What Cloudflare says of the credential that asked.
    """

    id: str

    status: str

    expires_on: datetime | None = None

    not_before: datetime | None = None


@attrs.frozen(kw_only=True)
class CreateAttempt:
    """
    A create whose outcome is not known: what was asked for, and when.
    """

    name: str

    policies: tuple[TokenPolicy, ...]

    account_id: str | None
    """None for a user token."""

    started_on: datetime
    """When it was sent, by this machine's clock."""

    condition: Condition | None = None

    expires_on: datetime | None = None

    not_before: datetime | None = None
