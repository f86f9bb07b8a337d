"""
Cloudflare's answers as frozen attrs classes, with Cloudflare's own names.

Nothing in a model can be changed: `attrs.evolve()` returns a changed copy. All can be hashed.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TYPE_CHECKING, Any, ClassVar, Self

import attrs

from cftokens import _reprs as reprs
from cftokens._checks import check_moment
from cftokens._converter import structure, structure_list
from cftokens._frozen import freeze
from cftokens._json_form import from_json_form, to_json_form
from cftokens._later import made_on_read
from cftokens._networks import EVERY_VERSION, versions_open
from cftokens._read_hooks import AS_STRUCTURED
from cftokens._secret import TokenValue

__all__ = [
    "Condition",
    "ConditionRequestIP",
    "CreateAttempt",
    "Ensured",
    "Network",
    "PermissionGroup",
    "Resources",
    "Rotation",
    "Token",
    "TokenCreateResponse",
    "TokenDeleteResponse",
    "TokenPolicy",
    "TokenVerifyResponse",
]

Resources = Mapping[str, str | Mapping[str, str]]
"""``{name: "*"}``, or ``{account: {name: "*"}}`` for everything of a kind in one account."""

Network = IPv4Address | IPv6Address | IPv4Network | IPv6Network
"""An address or a network from the standard library."""


def __dir__() -> list[str]:
    return __all__


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


def _resources(values: Resources) -> Resources:
    frozen: Resources = freeze(values)
    return frozen


def _meta(values: Mapping[str, str | None] | None) -> Mapping[str, str | None] | None:
    frozen: Mapping[str, str | None] | None = freeze(values)
    return frozen


def _token_value(value: TokenValue) -> TokenValue:
    if not isinstance(value, TokenValue):
        kind = type(value).__name__
        del value  # a traceback may show the locals of this frame
        raise TypeError(f"value must be a TokenValue, such as TokenValue(text), not {kind}.")
    return value


def _unknown_last(_: type, fields: "list[attrs.Attribute[Any]]") -> "list[attrs.Attribute[Any]]":
    """
    Put the private attribute behind those that users pass.
    """
    return sorted(fields, key=lambda field: field.name == "_unknown")


@attrs.frozen(kw_only=True, repr=False)
class _Model:
    """
    A model that also keeps what its other attributes do not say.

    These are the members of its JSON that it does not know, so that they can be sent back, and the form in
    which others came, for `to_dict()`. They are neither compared nor shown.
    """

    _never_kept: ClassVar[tuple[str, ...]] = ()
    _shared: ClassVar[bool] = False

    if not TYPE_CHECKING:  # only attrs.evolve() passes it
        _unknown: Mapping[str, object] | None = attrs.field(
            default=None, alias="_unknown", eq=False, repr=False, converter=freeze, metadata=AS_STRUCTURED
        )

    def to_dict(self, *, reveal: bool = False) -> dict[str, Any]:
        """
        Return the model as JSON, in the API's own shape, with the members that it does not know.

        What came from Cloudflare comes out as it came, except for the order of keys. The result shares
        nothing with the model.

        Args:
            reveal: Include the value of a new token, which is left out otherwise.
        """
        return to_json_form(self, reveal=reveal)

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> Self:
        """
        Make a model from JSON in the API's own shape: the inverse of `to_dict()`.

        Members that the model does not know are kept, so that a policy that was read from a file can be
        sent as it is. A token's value is kept only where it belongs.

        Raises:
            ValueError: *document* does not fit. The message says where.
        """
        try:
            return from_json_form(document, cls)
        finally:
            del document  # a traceback may show the locals of this frame


@made_on_read(meta=freeze)
@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class PermissionGroup(_Model):
    """
    A named set of permissions, in the catalogue and in policies.

    https://developers.cloudflare.com/fundamentals/api/reference/permissions/

    Attributes:
        id: Identifier of the group. In a policy, only this is certain to be there.

        name: Not unique: seven names exist both for accounts and for zones.

        scopes: The kinds of resource that the group works on; None inside a policy.

        category: Where the dashboard lists it, such as ``"DNS"``.

        is_selectable: Whether the caller may grant it. Only creating a token proves it.

        meta: What else Cloudflare says about it.
    """

    _shared: ClassVar[bool] = True

    id: str
    name: str | None = None
    scopes: tuple[str, ...] | None = attrs.field(default=None, converter=_strings, metadata=AS_STRUCTURED)
    category: str | None = None
    is_selectable: bool | None = None
    meta: Mapping[str, str | None] | None = attrs.field(default=None, converter=_meta, metadata=AS_STRUCTURED)

    def __repr__(self) -> str:
        return reprs.call(
            "PermissionGroup",
            id=reprs.text(self.id),
            name=reprs.text(self.name, 60),
            scopes=reprs.several(self.scopes, 1, 40),
        )


@made_on_read(resources=freeze)
@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class TokenPolicy(_Model):
    """
    What is allowed or denied, on which resources.

    https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/

    Attributes:
        effect: ``"allow"`` or ``"deny"``. A deny overrides every allow.

        permission_groups: What is allowed or denied.

        resources: ``{name: "*"}``, or ``{account: {name: "*"}}`` for everything of a kind in one account.

        id: Set by Cloudflare, and never sent back.
    """

    effect: str
    permission_groups: tuple[PermissionGroup, ...] = attrs.field(converter=_groups, metadata=AS_STRUCTURED)
    resources: Resources = attrs.field(converter=_resources, metadata=AS_STRUCTURED)
    id: str | None = None

    def __repr__(self) -> str:
        groups = [group.name or group.id for group in self.permission_groups]
        return reprs.call(
            "TokenPolicy",
            effect=reprs.text(self.effect, 10),
            permission_groups=reprs.several(groups, 2, 28),
            resources=reprs.several(reprs.resource_names(self.resources), 1, 72),
        )


@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class ConditionRequestIP(_Model):
    """
    The addresses from which a token may be used: IPv4 and IPv6 networks in CIDR notation.

    Takes strings and `ipaddress` objects. A single address means a network of one.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/

    Attributes:
        in_: Only these networks may use the token.

        not_in: These may not, even if they lie within *in_*.
    """

    in_: tuple[str, ...] | None = attrs.field(default=None, converter=_networks, metadata=AS_STRUCTURED)
    not_in: tuple[str, ...] | None = attrs.field(default=None, converter=_networks, metadata=AS_STRUCTURED)

    def __repr__(self) -> str:
        shown = {"in_": reprs.several(self.in_, 2, 20), "not_in": reprs.several(self.not_in, 2, 20)}
        return reprs.call("ConditionRequestIP", **shown)


@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class Condition(_Model):
    """
    The conditions under which a token is accepted.

    Attributes:
        request_ip: From where the token may be used.
    """

    request_ip: ConditionRequestIP | None = None

    def __repr__(self) -> str:
        return reprs.call("Condition", request_ip=repr(self.request_ip))


@made_on_read(
    policies=lambda policies: structure_list(policies, TokenPolicy),
    condition=lambda condition: structure(condition, Condition),
)
@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class Token(_Model):
    """
    An API token without its value, which Cloudflare shows only once.

    Attributes:
        id: Identifier of the token, not its value.

        name: Names need not be unique.

        status: ``active``, ``disabled`` or ``expired``; ``revoked (exposed)`` after a leak; Cloudflare may
            add others.

        issued_on: When the token was created.

        modified_on: When the token was last changed or rolled.

        last_used_on: None until the token is used for the first time.

        expires_on: None if the token never expires.

        not_before: None if the token works at once.

        policies: In Cloudflare's order, which is not the order in which they were sent.

        condition: None if the token may be used from anywhere.

        creator_email_at_creation: The address of its creator, if Cloudflare knew one.

        provisioner_type: The kind of client that made the token, if it was not a person.

        provisioner_id: The client that made the token.
    """

    _never_kept: ClassVar[tuple[str, ...]] = ("value",)

    id: str
    name: str | None = None
    status: str | None = None
    issued_on: datetime | None = None
    modified_on: datetime | None = None
    last_used_on: datetime | None = None
    expires_on: datetime | None = None
    not_before: datetime | None = None
    policies: tuple[TokenPolicy, ...] = attrs.field(default=(), converter=_policies, metadata=AS_STRUCTURED)
    condition: Condition | None = None
    creator_email_at_creation: str | None = None
    provisioner_type: str | None = None
    provisioner_id: str | None = None

    @property
    def allows_every_address(self) -> bool:
        """
        Whether the token may be used from every IPv4 and IPv6 address.
        """
        return versions_open_to(self) == EVERY_VERSION

    def expires_within(self, duration: timedelta, now: datetime | None = None) -> bool:
        """
        Return whether the token expires within this time, or has expired.

        Args:
            duration: How far to look ahead.

            now: From when, with a time zone; None for this machine's clock.

        Raises:
            ValueError: *now* has no time zone.

            TypeError: *now* is not a date-time.
        """
        return self.expires_on is not None and self.expires_on - check_moment(now, "now") <= duration

    def is_active(self, now: datetime | None = None) -> bool:
        """
        Return whether the token works, by its status and its dates.

        The dates count, too: Cloudflare may report an expired token as active for a while.

        Args:
            now: When, with a time zone; None for this machine's clock.

        Raises:
            ValueError: *now* has no time zone.

            TypeError: *now* is not a date-time.
        """
        at = check_moment(now, "now")
        is_early = self.not_before is not None and at < self.not_before
        is_late = self.expires_on is not None and at >= self.expires_on
        return self.status == "active" and not is_early and not is_late

    def __repr__(self) -> str:
        return reprs.call(
            "Token",
            id=reprs.text(self.id),
            name=reprs.text(self.name, 60),
            status=reprs.text(self.status, 20),
            expires_on=reprs.moment(self.expires_on),
            policies=f"<{len(self.policies)}>",
        )


def versions_open_to(token: Token) -> frozenset[int]:
    """
    Return the versions of IP of which every address may use a token.
    """
    request_ip = None if token.condition is None else token.condition.request_ip
    return EVERY_VERSION if request_ip is None else versions_open(request_ip.in_, request_ip.not_in)


@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class TokenCreateResponse(Token):
    """
    A new token with its value. Its other attributes are those of a `Token`.

    Attributes:
        value: Shown here and never again: store it before anything else can fail.
    """

    value: TokenValue = attrs.field(converter=_token_value, metadata=AS_STRUCTURED, hash=False)

    def __repr__(self) -> str:
        return reprs.call(
            "TokenCreateResponse",
            id=reprs.text(self.id),
            value=repr(self.value),
            name=reprs.text(self.name, 32),
            expires_on=reprs.moment(self.expires_on),
            policies=f"<{len(self.policies)}>",
        )


@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class TokenDeleteResponse(_Model):
    """
    The id of a deleted token.

    Attributes:
        id: Identifier of the token.
    """

    _never_kept: ClassVar[tuple[str, ...]] = ("value",)

    id: str

    def __repr__(self) -> str:
        return reprs.call("TokenDeleteResponse", id=reprs.text(self.id))


@attrs.frozen(kw_only=True, field_transformer=_unknown_last)
class TokenVerifyResponse(_Model):
    """
    What Cloudflare says about the credential that sent the request.

    Attributes:
        id: Identifier of the credential's token.

        status: As in a `Token`.

        expires_on: None if the token never expires.

        not_before: None if the token works at once.
    """

    _never_kept: ClassVar[tuple[str, ...]] = ("value",)

    id: str
    status: str
    expires_on: datetime | None = None
    not_before: datetime | None = None

    def __repr__(self) -> str:
        return reprs.call(
            "TokenVerifyResponse",
            id=reprs.text(self.id),
            status=reprs.text(self.status),
            expires_on=reprs.moment(self.expires_on),
            not_before=reprs.moment(self.not_before),
        )


@attrs.frozen(kw_only=True)
class CreateAttempt:
    """
    A create whose outcome is unknown: what was asked for, and when.

    Attributes:
        name: The name that was asked for.

        policies: The access that was asked for.

        account_id: None for a user token.

        started_on: When the request went out, by this machine's clock.

        condition: The condition that was asked for, or None.

        expires_on: The expiry that was asked for, or None.

        not_before: The start that was asked for, or None.
    """

    name: str
    policies: tuple[TokenPolicy, ...]
    account_id: str | None
    started_on: datetime
    condition: Condition | None = None
    expires_on: datetime | None = None
    not_before: datetime | None = None

    def __repr__(self) -> str:
        return reprs.call(
            "CreateAttempt",
            name=reprs.text(self.name, 60),
            account_id=reprs.text(self.account_id),
            started_on=reprs.moment(self.started_on),
            policies=f"<{len(self.policies)}>",
        )


@attrs.frozen(kw_only=True)
class Rotation:
    """
    The result of `rotate()`: a token and the one that replaced it.

    Attributes:
        predecessor: The old token as it is now.

        successor: The new token, which was stored.

        retires_on: When the old token stops working, by Cloudflare's clock.
    """

    predecessor: Token
    successor: TokenCreateResponse
    retires_on: datetime

    def __repr__(self) -> str:
        return reprs.call(
            "Rotation",
            predecessor=reprs.text(self.predecessor.id),
            successor=reprs.text(self.successor.id),
            retires_on=reprs.moment(self.retires_on),
        )


@attrs.frozen(kw_only=True)
class Ensured:
    """
    The result of `ensure()`: a token with the access that was asked for.

    Attributes:
        token: The token.

        value: Its value, only if it was created.

        created: Whether it was created.

        changed: Whether an existing token was edited.
    """

    token: Token
    value: TokenValue | None = attrs.field(default=None, hash=False)
    created: bool = False
    changed: bool

    def __repr__(self) -> str:
        return reprs.call(
            "Ensured",
            token=reprs.text(self.token.id),
            value=repr(self.value),
            created=repr(self.created),
            changed=repr(self.changed),
        )
