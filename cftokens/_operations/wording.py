"""
What messages say about policies that differ, and about tokens that could be meant.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from cftokens import _reprs as reprs
from cftokens.models import Token, TokenPolicy
from cftokens.policies import describe, difference

_MOST_TOKENS: Final = 10
_LONGEST_ACCESS: Final = 300
_LONGEST_DIFFERENCE: Final = 1000

Redact = Callable[[str], str]
"""Masks what looks like a token's value in a server's text."""


Sent = Iterable[TokenPolicy | Mapping[str, Any]]
"""Policies, as models or as JSON."""


def members_that_differ(wrong: Iterable[str], sent: Sent, got: Iterable[TokenPolicy], redact: Redact) -> str:
    """
    Return the names of members of a token, and how its policies differ if they are among them.
    """
    words = redact(access_that_differs(sent, got))
    return ", ".join(f"{key}{words}" if key == "policies" else key for key in wrong)


def access_that_differs(sent: Sent, got: Iterable[TokenPolicy]) -> str:
    """
    Return in words and in brackets how policies differ, or nothing if that cannot be said.
    """
    try:
        found = difference(map(_as_model, sent), got)
    except (RecursionError, ValueError):  # an answer can be parsed, but nested too deeply to be compared
        return ""
    return f" ({_cut(str(found), _LONGEST_DIFFERENCE)})" if found else ""


def _as_model(policy: TokenPolicy | Mapping[str, Any]) -> TokenPolicy:
    return policy if isinstance(policy, TokenPolicy) else TokenPolicy.from_dict(policy)


def listed(tokens: Iterable[Token], redact: Redact) -> str:
    """
    Return tokens as lines of a message: id, name, when they were made, and what they may do.
    """
    given = list(tokens)
    lines = [f"\n- {redact(_line(token))}" for token in given[:_MOST_TOKENS]]
    more = len(given) - len(lines)
    return "".join(lines) + (f"\n- and {more} more" if more else "")


def _line(token: Token) -> str:
    return (
        f"{reprs.printable(token.id)}, {reprs.text(token.name, 60)}, issued {reprs.moment(token.issued_on)}: "
        f"{_cut(_access(token), _LONGEST_ACCESS)}"
    )


def _access(token: Token) -> str:
    try:
        return "; ".join(describe(token.policies)) or "no access"
    except RecursionError:
        return "access that is nested too deeply to be shown"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
