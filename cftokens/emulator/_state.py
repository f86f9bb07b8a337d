"""
The tokens of one emulator, in memory.
"""

import secrets
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from cftokens.emulator._catalogue import CATALOGUE
from cftokens.emulator._targets import Target, account_target, targets_of, user_target
from cftokens.emulator._values import Kind, digest, mint


def new_id() -> str:
    """
    Return a new id in Cloudflare's format.
    """
    return secrets.token_hex(16)


def whole_second(seconds: float) -> datetime:
    """
    Return a Unix time as a datetime in UTC, without fractions of a second.
    """
    return datetime.fromtimestamp(int(seconds), UTC)


def render_time(moment: datetime | None) -> str | None:
    """
    Return a datetime as the API shows it.
    """
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


@attrs.frozen
class Owner:
    """
    The account or the user that tokens belong to.
    """

    kind: Kind
    id: str

    @property
    def name(self) -> str:
        """
        The name of the owner in a policy's resources.
        """
        return f"com.cloudflare.api.{self.kind}.{self.id}"

    @property
    def target(self) -> Target:
        """
        What the name means.
        """
        return account_target(self.id) if self.kind == "account" else user_target(self.id)

    def may_name(self, target: Target) -> bool:
        """
        Return whether a token of this owner can have this resource, as far as the name says.
        """
        if self.kind == "account":
            return target.account in (self.id, "?")
        return target.kind != "user" or target == self.target


@attrs.frozen(kw_only=True)
class Policy:
    """
    A policy: groups allowed or denied on resources, which are stored as sent.
    """

    effect: str
    groups: tuple[str, ...]
    resources: Mapping[str, Any]
    id: str = attrs.field(factory=new_id)

    @property
    def targets(self) -> tuple[Target, ...]:
        """
        The targets of the resources. A policy with unknown resources is refused earlier.
        """
        return tuple(target for target in targets_of(self.resources) if target)

    def as_json(self) -> dict[str, Any]:
        """
        Return the policy as the API shows it.
        """
        groups = [CATALOGUE[group].as_granted() for group in self.groups]
        return {
            "id": self.id,
            "effect": self.effect,
            "resources": self.resources,
            "permission_groups": groups,
        }


@attrs.frozen(kw_only=True)
class Fields:
    """
    The settable fields of a token, from the body of a create or update.
    """

    name: str
    policies: tuple[Policy, ...]
    condition: Mapping[str, Any] | None = None
    expires_on: datetime | None = None
    not_before: datetime | None = None
    disabled: bool | None = None


@attrs.frozen(kw_only=True)
class Token:
    """
    A token, with the digest of its value.
    """

    owner: Owner
    fields: Fields
    issued_on: datetime
    modified_on: datetime
    digest: bytes = attrs.field(repr=False)
    last_used_on: datetime | None = None
    exposed: bool = False
    id: str = attrs.field(factory=new_id)

    @property
    def kind(self) -> Kind:
        """
        The kind of token.
        """
        return self.owner.kind

    def status(self, now: datetime) -> str:
        """
        Return the status at this time.
        """
        if self.exposed:
            return "revoked (exposed)"
        if self.fields.expires_on is not None and now >= self.fields.expires_on:
            return "expired"
        return "disabled" if self.fields.disabled else "active"

    def in_force(self, now: datetime) -> bool:
        """
        Return whether the token is valid at this time.
        """
        begun = self.fields.not_before is None or now >= self.fields.not_before
        return begun and self.status(now) == "active"

    def holds(self, group: str, target: Target) -> bool:
        """
        Return whether the token has a permission: allowed on all of the target, denied on none of it.
        """
        policies = [policy for policy in self.fields.policies if group in policy.groups]
        denied = any(t.meets(target) for p in policies if p.effect == "deny" for t in p.targets)
        return not denied and any(
            t.covers(target) for p in policies if p.effect == "allow" for t in p.targets
        )

    def as_json(self, now: datetime) -> dict[str, Any]:
        """
        Return the token as the API shows it.
        """
        return {
            "id": self.id,
            "name": self.fields.name,
            "status": self.status(now),
            "issued_on": render_time(self.issued_on),
            "modified_on": render_time(self.modified_on),
            "last_used_on": render_time(self.last_used_on),
            "expires_on": render_time(self.fields.expires_on),
            "not_before": render_time(self.fields.not_before),
            "policies": [policy.as_json() for policy in self.fields.policies],
            "condition": self.fields.condition,
        }


class Tokens:
    """
    All tokens, by id and by the digest of their value.
    """

    def __init__(self) -> None:
        self._by_id: dict[str, Token] = {}
        self._ids: dict[bytes, str] = {}

    @property
    def all(self) -> tuple[Token, ...]:
        """
        The tokens of every owner, oldest first.
        """
        return tuple(self._by_id.values())

    def restore(self, tokens: Iterable[Token]) -> None:
        """
        Have these tokens and no others.
        """
        self._by_id = {token.id: token for token in tokens}
        self._ids = {token.digest: token.id for token in self._by_id.values()}

    def owned_by(self, owner: Owner) -> list[Token]:
        """
        Return the tokens of an account or a user, oldest first.
        """
        return [
            token
            for token in self._by_id.values()
            if token.owner.id == owner.id and token.owner == owner  # ids compare faster
        ]

    def find(self, owner: Owner, token_id: str) -> Token | None:
        """
        Return the token of this owner with this id, if any.
        """
        token = self._by_id.get(token_id)
        return token if token and token.owner == owner else None

    def get(self, token_id: str) -> Token | None:
        """
        Return the token with this id, if any.
        """
        return self._by_id.get(token_id)

    def id_of(self, value: str) -> str:
        """
        Return the id of the token that has this value; empty if there is none.
        """
        return self._ids.get(digest(value), "")

    def create(self, owner: Owner, fields: Fields, now: datetime) -> tuple[Token, str]:
        """
        Create a token and return it with its value, which is not stored.
        """
        value = mint(owner.kind)
        token = Token(owner=owner, fields=fields, issued_on=now, modified_on=now, digest=digest(value))
        self.store(token)
        return token, value

    def store(self, token: Token) -> None:
        """
        Store a token, replacing the one with the same id.
        """
        self._by_id[token.id] = token
        self._ids[token.digest] = token.id

    def touch(self, token_id: str, now: datetime) -> None:
        """
        Note that a token was used, unless it has been deleted.
        """
        if token_id in self._by_id:
            self._by_id[token_id] = attrs.evolve(self._by_id[token_id], last_used_on=now)

    def roll(self, token: Token, now: datetime) -> str:
        """
        Replace a token's value and return the new one. The old one stops working, exposed or not.
        """
        value = mint(token.kind)
        del self._ids[token.digest]
        self.store(attrs.evolve(token, digest=digest(value), modified_on=now, exposed=False))
        return value

    def remove(self, token: Token) -> None:
        """
        Remove a token and its value.
        """
        del self._by_id[token.id], self._ids[token.digest]
