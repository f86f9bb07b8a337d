"""
What a token may do, and what would change, in words.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import attrs

from cftokens import policies as p
from cftokens._access import terms_of
from cftokens._operations.groups import resolve
from cftokens._operations.replacement import same_condition
from cftokens._settings import Unset
from cftokens.cli._access import NEVER, Access
from cftokens.cli._owner import Owner
from cftokens.cli._text import iso
from cftokens.models import Condition, ConditionRequestIP, PermissionGroup, Token, TokenPolicy
from cftokens.policies import AccessDifference, PolicyDraft

T = TypeVar("T")


def addresses(condition: Condition | None) -> str:
    """
    Return from where a token may be used.
    """
    request_ip = request_ip_of(condition)
    inside = ", ".join(request_ip.in_ or ()) or "any address"
    outside = f", but not {', '.join(request_ip.not_in)}" if request_ip.not_in else ""
    terms = other_terms(condition)
    return f"{inside}{outside}{f', with {terms}' if terms else ''}"


def request_ip_of(condition: Condition | None) -> ConditionRequestIP:
    """
    Return the networks of a condition, which may have none.
    """
    found = None if condition is None else condition.request_ip
    return found or ConditionRequestIP()


def same_terms(a: Condition | None, b: Condition | None) -> bool:
    """
    Return whether two conditions mean the same. The order of their networks does not matter.
    """
    return same_condition(a, b) and other_terms(a) == other_terms(b)


def other_terms(condition: Condition | None) -> str:
    """
    Return the members of a condition that cftokens does not know, as JSON, or nothing if there are none.
    """
    return terms_of(condition, request_ip_of(condition))


@attrs.frozen
class Wanted:
    """
    What options ask for, with the permission groups looked up.

    Attributes:
        policies: What the token may do.

        groups: The catalogue.

        condition: From where it may be used; UNSET if nothing is said.

        expires_on: When it stops working; UNSET if nothing is said.
    """

    policies: tuple[TokenPolicy, ...]
    groups: tuple[PermissionGroup, ...]
    condition: Condition | Unset | None
    expires_on: datetime | Unset | None

    @property
    def access(self) -> list[str]:
        """
        What the policies grant.
        """
        return described(self.policies, self.groups)

    def lines(self) -> list[str]:
        """
        Say what a new token may do.
        """
        condition = None if isinstance(self.condition, Unset) else self.condition
        expires_on = None if isinstance(self.expires_on, Unset) else self.expires_on
        return [
            *self.access,
            f"from {addresses(condition)}",
            f"until {iso(expires_on)}" if expires_on else "without an end: it never expires",
        ]

    def changes(self, token: Token) -> list[str]:
        """
        Say what becomes different in a token.
        """
        difference = self.difference(token)
        return [
            *([str(difference)] if difference else []),
            *changed("addresses", addresses(token.condition), self.condition, addresses),
            *changed(
                "expiry", iso(token.expires_on, NEVER), self.expires_on, lambda moment: iso(moment, NEVER)
            ),
        ]

    def difference(self, token: Token) -> AccessDifference:
        """
        Return how the access of a token becomes different. Without policies, it stays as it is.
        """
        return p.difference(token.policies, self.policies or token.policies, self.groups)


def wanted(owner: Owner, policies: Sequence[PolicyDraft | TokenPolicy], access: Access) -> Wanted:
    """
    Look up the permission groups that options name.
    """
    groups = owner.catalogue
    return Wanted(resolve(policies, groups), groups, access.condition, access.expires)


def described(policies: Iterable[TokenPolicy], groups: Iterable[PermissionGroup]) -> list[str]:
    """
    Say what policies grant, which may be nothing.
    """
    return p.describe(policies, groups) or ["nothing at all"]


def changed(what: str, before: str, after: T | Unset, say: Callable[[T], str]) -> list[str]:
    """
    Say how a field becomes different, if it does.
    """
    if isinstance(after, Unset) or say(after) == before:
        return []
    return [f"{what}: {before}, afterwards {say(after)}"]


def widens(difference: AccessDifference) -> bool:
    """
    Return whether there is more access afterwards: something is allowed, or not denied any more.
    """
    more = [policy.effect == "allow" for policy in difference.added]
    return any(more) or any(policy.effect == "deny" for policy in difference.removed)
