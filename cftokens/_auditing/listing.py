"""
Rules about a whole list: tokens that are alike, and too many of them.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from cftokens import _reprs as reprs
from cftokens._auditing.context import Context
from cftokens._auditing.findings import Finding, Remedy
from cftokens._operations.groups import may_manage_tokens
from cftokens.models import Token

_NEARLY: Final = 0.9


def same_name(token: Token, context: Context) -> Iterator[Finding]:
    """
    Another token has the same name.

    Names need not be unique, and tokens of one name are easily mixed up when one is deleted. A token that is
    disabled, or that a successor is replacing, does not count.

    https://github.com/cloudflare/cloudflared/issues/398
    """
    if token.name and (others := _others(token, context._named_like(token))):
        remedy = Remedy("Give each its own name", "edit", ["name"])
        yield Finding("same-name", "low", token, f"{others} the same name.", [remedy])


def same_access(token: Token, context: Context) -> Iterator[Finding]:
    """
    Another token that works grants the same access.

    It may be left over from a create that was sent twice. The CIS AWS Foundations Benchmark allows a user
    one active key (v1.4.0, 1.13). A token that a successor is replacing does not count.

    https://www.cisecurity.org/benchmark/amazon_web_services
    """
    alike = context._granting_like(token)
    if not (others := _others(token, alike)):
        return
    last = alike[-1].id
    used = "This one was used last." if token.id == last else f"{reprs.printable(last)} was used last."
    remedies = _remedies(token, is_spare=token.id != last)
    yield Finding("same-access", "low", token, f"{others} the same access. {used}", remedies)


def _remedies(token: Token, *, is_spare: bool) -> list[Remedy]:
    """
    Return what to do about one of several tokens. At least one of them must go on working.
    """
    if may_manage_tokens(token.policies):
        return [Remedy("If they roll each other, accept it", "waive")]
    disable = [Remedy("If they have the same user, disable this one", "retire")] if is_spare else []
    return [*disable, Remedy("If each has its own user, accept it", "waive")]


def _others(token: Token, alike: Sequence[Token]) -> str:
    """
    Return the beginning of a sentence about the others; empty if there are none.
    """
    other = next((each.id for each in alike if each.id != token.id), None)
    if other is None:
        return ""
    more = len(alike) - 2
    return f"The token {reprs.printable(other)}{f' and {more} more have' if more else ' has'}"


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
            f"There are {count} tokens, and there can be {context.quota}. Cloudflare may allow more.",
            [Remedy("Delete those that are not needed, such as expired ones", "delete")],
        )
