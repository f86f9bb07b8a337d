"""
Rules about the life of a token: leaked, ended, ending, forgotten, old.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cftokens import _reprs as reprs
from cftokens._auditing.context import Context, is_revoked
from cftokens._auditing.findings import Finding, Remedy
from cftokens._operations.groups import may_manage_tokens
from cftokens.models import Token

_SOON: Final = timedelta(days=30)
_SHORT: Final = timedelta(days=1)
_UNUSED: Final = timedelta(days=90)
_OLD: Final = timedelta(days=365)


def exposed(token: Token, context: Context) -> Iterator[Finding]:  # noqa: ARG001 -- as every rule
    """
    Cloudflare revoked the token, because its value was found in public.

    What the value could do, others may have done. This finding cannot be waived.

    https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/
    """
    if not is_revoked(token):
        return
    manages = " It could make tokens: look at those made since then, too." if _is_minter(token) else ""
    yield Finding(
        "exposed",
        "critical",
        token,
        f"Cloudflare revoked this token: its status is {reprs.text(token.status)}, so its value was found "
        "in public. Find out where it was published, and in Cloudflare's audit log what was done with it."
        f"{manages}",
        [
            Remedy("If something needs the token, give it a new value", "roll"),
            Remedy("Otherwise delete it", "delete"),
        ],
    )


def expired(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token has expired, but is still there.

    It counts towards the quota, and an edit can revive it. NIST SP 800-53 rev. 5, AC-2(3), has accounts
    disabled once they have expired.

    https://doi.org/10.6028/NIST.SP.800-53r5
    """
    if context.has_ended(token) and not is_revoked(token):
        remedy = Remedy("If nothing needs it any more, delete it", "delete")
        yield Finding("expired", "low", token, "This token has expired, but is still there.", [remedy])


def expires_soon(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token expires within 30 days.

    Cloudflare sends no warning, and jobs fail when it happens. Tokens that were made for a day or less, and
    those that a successor is replacing, are meant to.

    https://github.com/jenkins-infra/helpdesk/issues/4024
    """
    if not context.is_usable(token) or context.is_replaced(token) or token.expires_on is None:
        return
    left = token.expires_on - context.now
    is_short = token.issued_on is not None and token.expires_on - token.issued_on <= _SHORT
    if left <= _SOON and not is_short:
        yield Finding(
            "expires-soon",
            "medium",
            token,
            f"This token expires in {_days(left)}, on {reprs.moment(token.expires_on)}.",
            [
                *_replacement("If it is needed for longer, replace it", token, context.now),
                Remedy("Or only move its end", "edit", ["expires_on"]),
            ],
        )


def never_expires(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token never expires, which is Cloudflare's default.

    A value that leaks works until it is noticed. Cloudflare recommends a time to live.

    https://developers.cloudflare.com/fundamentals/api/how-to/restrict-tokens/
    """
    if token.expires_on is not None or not context.is_usable(token):
        return
    given = "Let it expire: an audit warns you 30 days before"
    renewed = "If another token can renew it in time, let it expire"
    yield Finding(
        "never-expires",
        "medium",
        token,
        "This token never expires.",
        [
            Remedy(renewed if _is_minter(token) else given, "edit", ["expires_on"]),
            *_replacement("Or replace it by one that has an end", token, context.now),
        ],
    )


def unused(token: Token, context: Context) -> Iterator[Finding]:
    """
    The token was not used for 90 days.

    An unused credential is only a risk. The CIS AWS Foundations Benchmark v1.2.0 (1.3) has
    credentials disabled after 90 days; later versions, after 45. Once disabled, a token has another 90 days.

    https://hub.steampipe.io/mods/turbot/aws_compliance/controls/control.cis_v120_1_3
    """
    since = _last_sign(token)
    if since is None or context.now - since < _UNUSED or context.has_ended(token):
        return
    used = "was not used for" if token.last_used_on else "was never used in"
    is_disabled = token.status == "disabled"
    yield Finding(
        "unused",
        "medium",
        token,
        f"This token {'has been disabled for' if is_disabled else used} {_days(context.now - since)}.",
        [
            Remedy("If nothing needs it, delete it", "delete")
            if is_disabled
            else Remedy("If nothing needs it, disable it, and delete it later", "retire"),
            Remedy("If it is kept for emergencies, accept it", "waive"),
        ],
    )


def _last_sign(token: Token) -> datetime | None:
    """
    Return when a token was last used, or could be used first, or was disabled.
    """
    changed = token.modified_on if token.status == "disabled" else None
    dates = (token.last_used_on or token.issued_on, token.not_before, changed)
    return max((date for date in dates if date is not None), default=None)


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
    if since is None or context.now - since < _OLD or not context.is_usable(token):
        return
    yield Finding(
        "unchanged-value",
        "medium",
        token,
        f"The value of this token is at least {_days(context.now - since)} old.",
        [
            *_replacement("Replace the token without a gap", token, context.now),
            Remedy("If the old value may stop working at once, replace only the value", "roll"),
        ],
    )


def _replacement(purpose: str, token: Token, now: datetime) -> list[Remedy]:
    """
    Return how to replace a token, if it can be: not a minter, nor one that does not work yet.
    """
    return [Remedy(purpose, "rotate")] if token.is_active(now) and not _is_minter(token) else []


def _is_minter(token: Token) -> bool:
    return may_manage_tokens(token.policies)


def _days(duration: timedelta) -> str:
    return f"{duration.days} day{'' if duration.days == 1 else 's'}" if duration.days else "less than a day"
