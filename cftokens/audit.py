"""
Finds what is wrong with tokens.

::

    from cftokens.audit import audit

    tokens = client.accounts.tokens.list(include_expired=True).collect()
    for finding in audit(tokens, groups=client.accounts.tokens.permission_groups.get()):
        print(finding.severity, finding.rule, finding.token and finding.token.name, finding.message)

Nothing is sent and nothing is changed. **A list shows what its credential may see**: one that may only see
the tokens that it made gets a short list, and an audit of that says nothing about the other tokens. List with
a credential that sees all, of each account and of each user.

A rule is a function that takes a token and a `Context`, and yields each `Finding`. `RULES` has those of this
module; pass ``rules=[*RULES, my_rule]`` to add one. The ids of rules are stable.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Literal, TypeVar

import attrs

from cftokens import _reprs as reprs
from cftokens._access import Grant, grants_of, scope_of
from cftokens._checks import check_moment, check_several, check_text, check_whole_number
from cftokens._operations.groups import may_manage_tokens
from cftokens._secret import quoted
from cftokens.models import PermissionGroup, Token
from cftokens.policies import ACCOUNT, USER, ZONE

__all__ = [
    "RULES",
    "Context",
    "Finding",
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


T = TypeVar("T")

Severity = Literal["critical", "high", "medium", "low"]
"""How bad a finding is, from ``"critical"`` through ``"high"`` and ``"medium"`` to ``"low"``."""

_SEVERITIES: Final = ("critical", "high", "medium", "low")
_SOON: Final = timedelta(days=30)
_UNUSED: Final = timedelta(days=90)
_OLD: Final = timedelta(days=365)
_USER_QUOTA: Final = 50
_ACCOUNT_QUOTA: Final = 500
_NEARLY: Final = 0.9
_NO: Final = ("", "false", "no", "0")


@attrs.frozen(repr=False)
class Finding:
    """
    Something that is wrong with a token.

    Attributes:
        rule: The stable id of the rule, such as ``"never-expires"``.

        severity: ``"critical"``, ``"high"``, ``"medium"`` or ``"low"``.

        token: The token, or None if the finding is about the whole list.

        message: What is wrong, and what to do about it.
    """

    rule: str
    severity: Severity
    token: Token | None
    message: str

    def to_dict(self) -> dict[str, Any]:
        """
        Return the finding as JSON, with the token's id and name.
        """
        token_id, name = (None, None) if self.token is None else (self.token.id, self.token.name)
        return {
            "rule": self.rule,
            "severity": self.severity,
            "token_id": token_id,
            "token_name": name,
            "message": self.message,
        }

    def __repr__(self) -> str:
        return reprs.call(
            "Finding",
            rule=reprs.text(self.rule),
            severity=reprs.text(self.severity),
            token=reprs.text(None if self.token is None else self.token.id),
            message=reprs.text(self.message, 80),
        )


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

    @cached_property
    def _catalogue(self) -> dict[str, PermissionGroup]:
        return {group.id: group for group in self.groups}

    @cached_property
    def _names(self) -> Counter[str | None]:
        return Counter(token.name for token in self.tokens if not _has_ended(token, self.now))

    @cached_property
    def _grants(self) -> dict[str, frozenset[Grant]]:
        return {token.id: frozenset(grants_of(token.policies)) for token in self.tokens}

    @cached_property
    def _twins(self) -> dict[frozenset[Grant], list[Token]]:
        found: dict[frozenset[Grant], list[Token]] = {}
        for token in self.tokens:
            if token.is_active(self.now):
                found.setdefault(self._grants[token.id], []).append(token)
        return found


Rule = Callable[[Token, Context], Iterable[Finding]]
"""A function that takes a `Token` and a `Context`, and yields what is wrong with the token."""


def _has_ended(token: Token, now: datetime) -> bool:
    """
    Return whether a token will never work again, so that only its being there matters.
    """
    is_late = token.expires_on is not None and token.expires_on <= now
    return is_late or token.status == "expired" or _is_revoked(token)


def _is_revoked(token: Token) -> bool:
    return token.status is not None and ("revoked" in token.status or "exposed" in token.status)


def _days(duration: timedelta) -> str:
    return f"{duration.days} day{'' if duration.days == 1 else 's'}"


def _grants(token: Token, context: Context) -> frozenset[Grant]:
    return context._grants.get(token.id) or frozenset(grants_of(token.policies))  # noqa: SLF001 -- of this module


def _listed(group_id: str, context: Context) -> PermissionGroup | None:
    return context._catalogue.get(group_id)  # noqa: SLF001 -- of this module


def _called(group: PermissionGroup, context: Context) -> str:
    listed = _listed(group.id, context)
    return (listed and listed.name) or group.name or group.id


def exposed(token: Token, _: Context) -> Iterator[Finding]:
    """
    Cloudflare revoked the token, because its value was found in public.

    What the value could do, others may have done. This finding cannot be waived.

    https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/
    """
    if _is_revoked(token):
        yield Finding(
            "exposed",
            "critical",
            token,
            f"Cloudflare revoked this token, with the status {token.status!r}: its value has leaked. Find "
            "out where it was published and what was done with it, give its users another token, and "
            "delete() this one.",
        )


def expired(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token has expired, but is still there.

    It counts towards the quota, and an edit can revive it. NIST SP 800-53 rev. 5, AC-2(3), has accounts
    disabled once they have expired.

    https://doi.org/10.6028/NIST.SP.800-53r5
    """
    if _has_ended(token, context.now) and not _is_revoked(token):
        yield Finding("expired", "low", token, "This token has expired. If nothing needs it, delete() it.")


def expires_soon(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token expires within 30 days.

    Cloudflare sends no warning, and jobs fail when it happens.

    https://github.com/jenkins-infra/helpdesk/issues/4024
    """
    if token.is_active(context.now) and token.expires_within(_SOON, context.now) and token.expires_on:
        left = token.expires_on - context.now
        yield Finding(
            "expires-soon",
            "medium",
            token,
            f"This token expires in {_days(left)}, on {token.expires_on:%Y-%m-%d}. "
            "Replace it with rotate(), or give it more time with edit(expires_on=...).",
        )


def never_expires(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token never expires, which is Cloudflare's default.

    A value that leaks works until it is noticed. Cloudflare recommends a time to live.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/
    """
    if token.expires_on is None and not _has_ended(token, context.now):
        yield Finding(
            "never-expires",
            "medium",
            token,
            "This token never expires. Give it an end with edit(expires_on=...), and replace it in time with "
            "rotate(lifetime=...).",
        )


def every_address(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token may be used from every address, which is Cloudflare's default.

    A value that leaks works from anywhere. Cloudflare recommends filtering addresses; prowler has the check
    ``api_token_ip_restriction_enabled``.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/
    https://github.com/prowler-cloud/prowler/pull/10624
    """
    if token.allows_every_address and not _has_ended(token, context.now):
        yield Finding(
            "every-address",
            "medium",
            token,
            "This token may be used from every address. If its users have fixed ones, restrict it with "
            "edit(condition=...). Hosts with IPv4 and IPv6 need both.",
        )


def unused(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token was not used for 90 days.

    An unused credential is only a risk. The CIS AWS Foundations Benchmark v1.2.0 (1.3) has
    credentials disabled after 90 days; later versions, after 45.

    https://hub.steampipe.io/mods/turbot/aws_compliance/controls/control.cis_v120_1_3
    """
    since = token.last_used_on or token.issued_on
    if since is None or context.now - since < _UNUSED or _has_ended(token, context.now):
        return
    how = "was not used for" if token.last_used_on else "was never used in"
    yield Finding(
        "unused",
        "medium",
        token,
        f"This token {how} {_days(context.now - since)}. If nothing needs it, retire() it, and later "
        "delete() it.",
    )


def unchanged_value(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token's value has not changed for 365 days.

    The longer a value is around, the more places it has reached. The CIS AWS Foundations Benchmark has keys
    replaced every 90 days (v7.0.0, 2.12); steampipe lists Cloudflare's tokens by age. A roll changes only
    *modified_on*, and so does an edit: after one, the value may be older than this rule can see.

    https://hub.steampipe.io/plugins/turbot/cloudflare/tables/cloudflare_api_token
    https://github.com/mondoohq/cnspec/issues/2467
    """
    since = token.modified_on or token.issued_on
    if since is None or context.now - since < _OLD or _has_ended(token, context.now):
        return
    yield Finding(
        "unchanged-value",
        "medium",
        token,
        f"The value of this token is at least {_days(context.now - since)} old. Replace the token with "
        "rotate(), or only its value with value.update().",
    )


def manages_tokens(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token may make and change tokens.

    It can grant nearly everything else, so it is worth as much as all of that. Cloudflare recommends to give
    such a token no other permission, and to restrict its addresses and its time.

    https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
    """
    if may_manage_tokens(token.policies) and not _has_ended(token, context.now):
        yield Finding(
            "manages-tokens",
            "high",
            token,
            "This token may make and change tokens. Check that this is its job and that it has no other, and "
            "restrict it with edit(condition=..., expires_on=...). If it is needed, waive this finding.",
        )


def writes_everywhere(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token may write in all zones of an account, or in all zones or accounts of a user.

    That includes those added later. NIST SP 800-53 rev. 5, AC-6, asks for no more access than the task needs.

    https://doi.org/10.6028/NIST.SP.800-53r5
    """
    if _has_ended(token, context.now):
        return
    denied = {(grant.group.id, grant.path) for grant in _grants(token, context) if grant.effect == "deny"}
    groups = {group.id: group for policy in token.policies for group in policy.permission_groups}
    names = {
        _called(groups[grant.group.id], context)
        for grant in _grants(token, context)
        if grant.effect == "allow"
        and grant.path[-2] in (f"{ZONE}.*", f"{ACCOUNT}.*")
        and (grant.group.id, grant.path) not in denied
    }
    if written := sorted(name for name in names if not _only_reads(name)):
        yield Finding(
            "writes-everywhere",
            "high",
            token,
            f"This token may write in all zones or accounts: {reprs.printable(', '.join(written))}. "
            "Name those that it needs, with edit(policies=...).",
        )


def _only_reads(name: str) -> bool:
    return name.endswith((" Read", " Read-Only"))


def no_access(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token grants nothing: it has no policy that allows, or none whose groups work on its resources.

    Cloudflare accepts such tokens, and their users meet refusals. With a catalogue, groups of another scope
    than their resource are found as well.

    https://github.com/alchemy-run/alchemy/issues/496
    """
    useful = (
        grant
        for grant in _grants(token, context)
        if grant.effect == "allow" and _fits(_listed(grant.group.id, context), scope_of(grant.path))
    )
    if next(useful, None) is None and not _has_ended(token, context.now):
        yield Finding(
            "no-access",
            "low",
            token,
            "This token grants nothing. Give it what it needs with edit(policies=...), or delete() it.",
        )


def _fits(group: PermissionGroup | None, scope: str) -> bool:
    return group is None or not group.scopes or scope in group.scopes


def deprecated_group(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token has a permission group that is deprecated, or that ends on a day.

    Cloudflare says so in the *meta* of a group. The token loses the access when the group ends.

    https://github.com/ChrispyBacon-dev/DockFlare/issues/353
    """
    ending: set[str] = set()
    for policy in token.policies:
        for group in policy.permission_groups:
            if end := _end_of(group) or _end_of(_listed(group.id, context)):
                ending.add(f"{_called(group, context)} {end}")
    if ending and not _has_ended(token, context.now):
        yield Finding(
            "deprecated-group",
            "medium",
            token,
            f"This token has permission groups that go away: {reprs.printable('; '.join(sorted(ending)))}. "
            "Replace them with edit(policies=...).",
        )


def _end_of(group: PermissionGroup | None) -> str | None:
    meta = (group and group.meta) or {}
    if ends := meta.get("eol_at"):
        return f"ends on {ends}"
    is_deprecated = (meta.get("deprecated") or "").lower() not in _NO
    return "is deprecated" if is_deprecated else None


def same_name(token: Token, context: Context) -> Iterator[Finding]:
    """
    Another token has the same name.

    Names need not be unique, and tokens of one name are easily mixed up when one is deleted.

    https://github.com/cloudflare/cloudflared/issues/398
    """
    others = context._names[token.name] - 1  # noqa: SLF001 -- of this module
    if token.name and others > 0 and not _has_ended(token, context.now):
        yield Finding(
            "same-name",
            "low",
            token,
            f"{others} other token{'s have' if others > 1 else ' has'} the same name. "
            "Give each its own with edit(name=...).",
        )


def same_access(token: Token, context: Context) -> Iterator[Finding]:
    """
    Another token that works grants the same access.

    It may be left over from a rotation, or from a create that was sent twice. The CIS AWS Foundations
    Benchmark allows a user one active key (v1.4.0, 1.13).

    https://www.cisecurity.org/benchmark/amazon_web_services
    """
    grants = _grants(token, context)
    alike = context._twins.get(grants, ()) if grants and token.is_active(context.now) else ()  # noqa: SLF001 -- of this module
    if others := [each.id for each in alike if each.id != token.id]:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        yield Finding(
            "same-access",
            "low",
            token,
            f"The token {reprs.printable(others[0])}{more} may do the same. Unless they have different "
            "users, retire() one.",
        )


def quota(token: Token, context: Context) -> Iterator[Finding]:
    """
    The list has at least nine tenths of the quota. Found once for a list.

    Without room, the next create or rotation fails.

    https://developers.cloudflare.com/fundamentals/api/reference/limits/
    """
    count = len(context.tokens)
    if token is context.tokens[0] and count >= _NEARLY * context.quota:
        yield Finding(
            "quota",
            "medium",
            None,
            f"There are {count} tokens, and there can be {context.quota}. Delete those that are not needed, "
            "or ask Cloudflare for more.",
        )


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

_NO_WAIVERS: Final[Mapping[str, str | Waiver]] = MappingProxyType({})
_NEVER_WAIVED: Final = ("exposed",)


def audit(
    tokens: Iterable[Token],
    *,
    now: datetime | None = None,
    groups: Iterable[PermissionGroup] = (),
    rules: Iterable[Rule] = RULES,
    ignore: Mapping[str, str | Waiver] = _NO_WAIVERS,
    quota: int | None = None,
) -> list[Finding]:
    """
    Return what is wrong with tokens, the worst first.

    Args:
        tokens: A whole list, of one account or of one user, best with ``include_expired=True``.

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
    listed = _models(tokens, Token, "tokens", "tokens")
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
        name.startswith(f"{USER}.") or (name in (f"{ZONE}.*", f"{ACCOUNT}.*") and isinstance(leaf, str))
        for policy in token.policies
        for name, leaf in policy.resources.items()
    )
