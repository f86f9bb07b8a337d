"""
What a rule may look at besides the token.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final, TypeVar

import attrs

from cftokens._access import Grant, GroupKey, grants_of
from cftokens.models import PermissionGroup, Token

_HANDOVER: Final = timedelta(hours=1)
"""The longest that a rotation takes, from making the successor to shortening the old token's life."""

_OVERLAP: Final = timedelta(days=7)
"""The longest that the old token still works after that."""

K = TypeVar("K")

Access = frozenset[Grant]

_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Context:
    """
    What a rule may look at besides the token.

    Attributes:
        now: The time of the audit.

        groups: The catalogue of permission groups, or nothing.

        tokens: All tokens of the list.

        quota: How many tokens there can be.
    """

    now: datetime
    groups: tuple[PermissionGroup, ...]
    tokens: tuple[Token, ...]
    quota: int

    def has_ended(self, token: Token) -> bool:
        """
        Return whether a token has expired or was revoked, so that only its being there matters.
        """
        is_late = token.expires_on is not None and token.expires_on <= self.now
        return is_late or token.status == "expired" or is_revoked(token)

    def is_usable(self, token: Token) -> bool:
        """
        Return whether a token works, or will: it has not ended, and is not disabled.
        """
        return token.status != "disabled" and not self.has_ended(token)

    def is_replaced(self, token: Token) -> bool:
        """
        Return whether a token is at the end of a rotation: it still works, and so does its successor.

        The successor has the same access, was made later and ends later. The old token was changed within an
        hour after that, so that it ends within a week.
        """
        return token.id in self._replaced

    def name_of(self, group: PermissionGroup) -> str:
        """
        Return what a permission group is called: its id, if nothing else is known.
        """
        listed = self._listed(group.id)
        return (listed and listed.name) or group.name or group.id

    def _named_like(self, token: Token) -> Sequence[Token]:
        """
        Return the usable tokens with this one's name, itself among them.

        A token that is not usable or is replaced has none.
        """
        return self._names.get(token.name, ()) if self._counts(token) else ()

    def _granting_like(self, token: Token) -> Sequence[Token]:
        """
        Return the tokens that work and grant what this one does, itself among them.

        The one used last is at the end. A token that does not work or is replaced has none.
        """
        works = token.is_active(self.now) and not self.is_replaced(token)
        return self._alike.get(self._access_of(token), ()) if works else ()

    def _allowed(self, token: Token) -> list[Grant]:
        """
        Return what a token allows and does not deny at the same time.
        """
        access = self._access_of(token)
        return [each for each in access if each.effect == "allow" and _denial(each) not in access]

    def _listed(self, group_id: str) -> PermissionGroup | None:
        """
        Return a permission group of the catalogue.
        """
        return self._catalogue.get(group_id)

    @cached_property
    def _catalogue(self) -> dict[str, PermissionGroup]:
        return {group.id: group for group in self.groups}

    @cached_property
    def _access(self) -> dict[str, Access]:
        return {token.id: frozenset(grants_of(token.policies)) for token in self.tokens}

    def _access_of(self, token: Token) -> Access:
        return self._access.get(token.id) or frozenset(grants_of(token.policies))

    def _counts(self, token: Token) -> bool:
        return self.is_usable(token) and not self.is_replaced(token)

    @cached_property
    def _names(self) -> dict[str | None, list[Token]]:
        return _grouped((token.name, token) for token in self.tokens if self._counts(token))

    @cached_property
    def _alike(self) -> dict[Access, list[Token]]:
        return {
            access: sorted((each for each in alike if not self.is_replaced(each)), key=_last_use)
            for access, alike in self._working.items()
        }

    @cached_property
    def _working(self) -> dict[Access, list[Token]]:
        """
        The tokens that work, by what they grant, if that is anything.
        """
        active = (token for token in self.tokens if token.is_active(self.now) and self._access[token.id])
        return _grouped((self._access[token.id], token) for token in active)

    @cached_property
    def _replaced(self) -> frozenset[str]:
        return frozenset(token.id for alike in self._working.values() for token in _replaced(alike))


def _grouped(pairs: Iterable[tuple[K, Token]]) -> dict[K, list[Token]]:
    found: dict[K, list[Token]] = {}
    for key, token in pairs:
        found.setdefault(key, []).append(token)
    return found


def _last_use(token: Token) -> datetime:
    return token.last_used_on or token.issued_on or _LONG_AGO


def _denial(grant: Grant) -> Grant:
    """
    Return what takes a grant back, whatever its terms.
    """
    return Grant("deny", GroupKey(grant.group.id), grant.path)


def _replaced(alike: Sequence[Token]) -> Iterator[Token]:
    """
    Yield those of tokens with the same access that another one replaces.
    """
    made = sorted((token.issued_on, token.id, token) for token in alike if token.issued_on)
    dates = [issued_on for issued_on, *_ in made]
    for issued_on, _, old in made:
        if old.modified_on and old.expires_on and old.expires_on - old.modified_on <= _OVERLAP:
            first = bisect_right(dates, max(issued_on, old.modified_on - _HANDOVER))
            last = bisect_right(dates, old.modified_on)
            if any(_outlives(new, old.expires_on) for *_, new in made[first:last]):
                yield old


def _outlives(token: Token, end: datetime) -> bool:
    return token.expires_on is None or token.expires_on > end


def is_revoked(token: Token) -> bool:
    """
    Return whether Cloudflare revoked a token, whose value has then leaked.
    """
    status = (token.status or "").casefold()
    return "revoked" in status or "exposed" in status
