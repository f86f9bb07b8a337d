"""
Rules about what a token may do, and from where.
"""

import re
from collections.abc import Iterator
from typing import Final

from cftokens import _reprs as reprs
from cftokens._access import EVERYTHING, scope_of
from cftokens._auditing.context import Context
from cftokens._auditing.findings import Finding, Remedy
from cftokens._networks import EVERY_VERSION
from cftokens._operations.groups import may_manage_tokens
from cftokens.models import PermissionGroup, Token, versions_open_to

_MOST_NAMES: Final = 5
_NO: Final = ("", "false", "no", "0")
_READS: Final = re.compile(r".* read(-only)?", re.IGNORECASE)


def every_address(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token may be used from every address, which is Cloudflare's default, or from every IPv4 address.

    A value that leaks works from anywhere. Cloudflare recommends filtering addresses; prowler has the check
    ``api_token_ip_restriction_enabled``.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/

    https://github.com/prowler-cloud/prowler/pull/10624
    """
    if (open_to := _open_to(token)) and context.is_usable(token):
        yield Finding(
            "every-address",
            "medium",
            token,
            f"This token may be used from every {open_to}.",
            [
                Remedy("Restrict it to all networks of its users, IPv4 and IPv6", "edit", ["condition"]),
                Remedy("If these are not known, accept it", "waive"),
            ],
        )


def _open_to(token: Token) -> str:
    """
    Return of which kind every address may use a token; empty if there is none.
    """
    versions = versions_open_to(token)
    return "address" if versions == EVERY_VERSION else "".join(f"IPv{each} address" for each in versions)


def manages_tokens(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token may make and change tokens.

    It can grant nearly everything else, so it is worth as much as all of that. Cloudflare recommends to give
    such a token no other permission, and to restrict its addresses and its time.

    https://developers.cloudflare.com/fundamentals/api/how-to/create-via-api/
    """
    if may_manage_tokens(token.policies) and context.is_usable(token):
        yield Finding(
            "manages-tokens",
            "high",
            token,
            "This token may make and change tokens, and so reach nearly everything. It should do nothing "
            "else. If it loses that right, only the dashboard gives it back.",
            [
                Remedy("If it is needed, and may do nothing else, accept it", "waive"),
                _replacement("If it may do more, leave only that right"),
                Remedy("If nothing needs it, disable it, and delete it later", "retire"),
            ],
        )


def writes_everywhere(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token may write in all zones of an account, or in all zones or accounts of a user.

    That includes those added later. NIST SP 800-53 rev. 5, AC-6, asks for no more access than the task needs.

    https://doi.org/10.6028/NIST.SP.800-53r5
    """
    if not context.is_usable(token):
        return
    groups = {group.id: group for policy in token.policies for group in policy.permission_groups}
    names = {
        context.name_of(groups[grant.group.id])
        for grant in context._allowed(token)
        if grant.path[-2] in EVERYTHING
    }
    if written := sorted(name for name in names if not _READS.fullmatch(name)):
        yield Finding(
            "writes-everywhere",
            "high",
            token,
            "This token may write in all zones or accounts, also in those added later: "
            f"{reprs.printable(_some(written))}.",
            [_replacement("Name the zones or accounts that it needs")],
        )


def _some(names: list[str]) -> str:
    """
    Name a few permission groups: a token may have all of the catalogue.
    """
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f", and {more} more" if more > 0 else "")


def no_access(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token grants nothing: it has no policy that allows, or none whose groups work on its resources.

    Cloudflare accepts such tokens, and their users meet refusals. With a catalogue, groups of another scope
    than their resource are found as well.

    https://github.com/alchemy-run/alchemy/issues/496
    """
    useful = (
        grant
        for grant in context._allowed(token)
        if _fits(context._listed(grant.group.id), scope_of(grant.path))
    )
    if next(useful, None) is None and context.is_usable(token):
        yield Finding(
            "no-access",
            "low",
            token,
            "This token grants nothing: all it allows, if anything, is denied or does not fit its resources.",
            [
                Remedy("If nothing needs it, delete it", "delete"),
                _replacement("Otherwise grant what it needs"),
            ],
        )


def _fits(group: PermissionGroup | None, scope: str) -> bool:
    return group is None or not group.scopes or scope in group.scopes


def deprecated_group(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token has a permission group that is deprecated, or that ends on a day.

    Cloudflare says so in the *meta* of a group. The token loses the access when the group ends.

    https://github.com/ChrispyBacon-dev/DockFlare/issues/353
    """
    ending = {
        f"{context.name_of(group)} {end}"
        for policy in token.policies
        for group in policy.permission_groups
        if (end := _end_of(group) or _end_of(context._listed(group.id)))
    }
    if ending and context.is_usable(token):
        yield Finding(
            "deprecated-group",
            "medium",
            token,
            f"This token has permission groups that go away: {reprs.printable('; '.join(sorted(ending)))}.",
            [_replacement("Use others in their place")],
        )


def _end_of(group: PermissionGroup | None) -> str | None:
    meta = (group and group.meta) or {}
    if ends := meta.get("eol_at"):
        return f"ends on {ends}"
    is_deprecated = (meta.get("deprecated") or "").lower() not in _NO
    return "is deprecated" if is_deprecated else None


def _replacement(purpose: str) -> Remedy:
    return Remedy(f"{purpose}; this replaces all of its policies", "edit", ["policies"])
