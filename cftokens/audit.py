"""
Finds what is wrong with tokens.

::

    from cftokens.audit import audit

    tokens = client.accounts.tokens.list(include_expired=True).collect()
    for finding in audit(tokens, groups=client.accounts.tokens.permission_groups.get()):
        print(finding.severity, finding.rule, finding.message)

Nothing is sent and nothing is changed. **A list shows what its credential may see**: one that may only see
the tokens that it made gets a short list, and an audit of that says nothing about the other tokens. List with
a credential that sees all, of each account and of each user.

A finding says what is wrong and, as each `Remedy`, what to do. `Finding.message` says both, with the calls of
``client.accounts.tokens`` or ``client.user.tokens``.

A rule is a function that takes a token and a `Context`, and yields each `Finding`. `RULES` has those of this
module; pass ``rules=[*RULES, my_rule]`` to add one. The ids of rules are stable.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeVar

import attrs

from cftokens._access import EVERYTHING
from cftokens._auditing import findings
from cftokens._auditing.access import (
    deprecated_group,
    every_address,
    manages_tokens,
    no_access,
    writes_everywhere,
)
from cftokens._auditing.context import Context
from cftokens._auditing.findings import Finding, Remedy
from cftokens._auditing.life import expired, expires_soon, exposed, never_expires, unchanged_value, unused
from cftokens._auditing.listing import quota, same_access, same_name
from cftokens._checks import check_moment, check_several, check_text, check_whole_number
from cftokens._secret import quoted
from cftokens.models import PermissionGroup, Token
from cftokens.policies import USER

__all__ = [
    "RULES",
    "Context",
    "Finding",
    "Operation",
    "Remedy",
    "Rule",
    "Severity",
    "Waiver",
    "audit",
    "deprecated_group",
    "every_address",
    "expired",
    "expires_soon",
    "exposed",
    "manages_tokens",
    "never_expires",
    "no_access",
    "quota",
    "same_access",
    "same_name",
    "unchanged_value",
    "unused",
    "writes_everywhere",
]


def __dir__() -> list[str]:
    return __all__


for _public in (Context, Finding, Remedy):
    _public.__module__ = __name__  # where users import it from, in help() and in pickles


T = TypeVar("T")

Severity = findings.Severity
"""How bad a finding is, from ``"critical"`` through ``"high"`` and ``"medium"`` to ``"low"``."""

Operation = findings.Operation
"""What can be done about a finding."""

_SEVERITIES: Final = ("critical", "high", "medium", "low")
_USER_QUOTA: Final = 50
_ACCOUNT_QUOTA: Final = 500


@attrs.frozen
class Waiver:
    """
    Why the findings about a token are accepted, and until when.

    Attributes:
        reason: Why, for those who read the waiver later.

        until: When the findings come back, with a time zone; None for never.
    """

    reason: str
    until: datetime | None = None


Rule = Callable[[Token, Context], Iterable[Finding]]
"""A function that takes a `Token` and a `Context`, and yields what is wrong with the token."""

RULES: Final[tuple[Rule, ...]] = (
    exposed,
    expired,
    expires_soon,
    never_expires,
    every_address,
    unused,
    unchanged_value,
    manages_tokens,
    writes_everywhere,
    no_access,
    deprecated_group,
    same_name,
    same_access,
    quota,
)
"""
The rules of this module.

:meta hide-value:
"""

_NEVER_WAIVED: Final = ("exposed",)


def audit(
    tokens: Iterable[Token],
    *,
    now: datetime | None = None,
    groups: Iterable[PermissionGroup] = (),
    rules: Iterable[Rule] = RULES,
    ignore: Mapping[str, str | Waiver] = MappingProxyType({}),
    quota: int | None = None,
) -> list[Finding]:
    """
    Return what is wrong with tokens, the worst first.

    Args:
        tokens: A whole list, of one account or of one user, best with ``include_expired=True``. A token that
            is listed twice counts once.

        now: The time, with a time zone; None for this machine's clock.

        groups: The catalogue: what ``permission_groups.get()`` returns. Some rules find more with it.

        rules: The rules to follow.

        ignore: Ids of tokens whose findings are accepted, each with the reason, or with a `Waiver` that ends.
            That a token is exposed is reported all the same.

        quota: How many tokens there can be; None for Cloudflare's default, which is 500 for an account, or 50
            for a user where the tokens show that they are a user's.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    listed = tuple({token.id: token for token in _models(tokens, Token, "tokens", "tokens")}.values())
    at = check_moment(now, "now")
    catalogue = _models(groups, PermissionGroup, "groups", "permission groups")
    context = Context(at, catalogue, listed, _quota(listed, quota))
    waived = _waived(ignore, at)
    checked = tuple(rules)
    found = [
        finding
        for token in listed
        for rule in checked
        for finding in rule(token, context)
        if finding.token is None or token.id not in waived or finding.rule in _NEVER_WAIVED
    ]
    return sorted(found, key=lambda finding: _SEVERITIES.index(finding.severity))


def _models(given: Iterable[T], kind: type[T], name: str, what: str) -> tuple[T, ...]:
    listed = tuple(check_several(given, name, what))
    for model in listed:
        if not isinstance(model, kind):
            raise TypeError(f"{name} must be {kind.__name__} objects, not {type(model).__name__}.")
    return listed


def _waived(ignore: Mapping[str, str | Waiver], now: datetime) -> set[str]:
    if not isinstance(ignore, Mapping):
        raise TypeError(f"ignore must be a mapping of token ids to reasons, not {type(ignore).__name__}.")
    return {token_id for token_id, waiver in ignore.items() if _is_in_force(token_id, waiver, now)}


def _is_in_force(token_id: str, waiver: str | Waiver, now: datetime) -> bool:
    where = f"ignore[{quoted(token_id, 40)}]"
    reason, until = (waiver.reason, waiver.until) if isinstance(waiver, Waiver) else (waiver, None)
    check_text(reason, f"the reason of {where}")
    return until is None or check_moment(until, f"until of {where}") > now


def _quota(tokens: Iterable[Token], given: int | None) -> int:
    if given is not None:
        return check_whole_number(given, "quota", 1)
    return _USER_QUOTA if any(map(_is_a_users, tokens)) else _ACCOUNT_QUOTA


def _is_a_users(token: Token) -> bool:
    """
    Return whether a token has a resource that only a user's tokens can have.
    """
    return any(
        name.startswith(f"{USER}.") or (name in EVERYTHING and isinstance(leaf, str))
        for policy in token.policies
        for name, leaf in policy.resources.items()
    )
