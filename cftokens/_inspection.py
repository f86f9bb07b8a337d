"""
What can be said of a value without asking Cloudflare.

https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/
"""

import re
import zlib
from typing import Final, Literal

import attrs

from cftokens import _reprs as reprs
from cftokens._secret import TokenValue, hide
from cftokens._settings import problem_of_credential

ValueKind = Literal["account", "user", "global_key", "unknown"]

_KINDS: Final[dict[str, ValueKind]] = {"cfat_": "account", "cfut_": "user", "cfk_": "global_key"}
_FORM: Final = re.compile(r"(cf[au]t_|cfk_)(?:([A-Za-z0-9]{40})([0-9a-f]{8})\Z)?")
_OLD_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{40}")
_OLD_GLOBAL_KEY: Final = re.compile(r"[0-9a-f]{37}")

_LEAKED: Final = "If it has leaked, roll or delete that token first."
_ADVICE: Final[dict[ValueKind, str]] = {
    "account": "It has the form of an account-owned token. identify() says which one it is, given its "
    f"account. {_LEAKED}",
    "user": f"It has the form of a user token. identify() says which one it is. {_LEAKED}",
    "global_key": "It has the form of a global API key, which may do all that its user may. It cannot be "
    "used here. If it has leaked, change it at once, in the dashboard under My Profile, API Tokens, Global "
    "API Key. Use tokens instead.",
    "unknown": "It has no prefix that says what it is.",
}
_OLD_ADVICE: Final = (
    "It could be an older token, of an account or of a user: those have no prefix. identify() says which one "
    f"it is. A roll gives it a value with a prefix. {_LEAKED}"
)


@attrs.frozen(repr=False)
class ValueInfo:
    """
    What the form of a value says. Holds nothing of the value itself.

    Attributes:
        kind: ``"account"`` or ``"user"`` for a token, ``"global_key"``, or ``"unknown"``: older tokens have
            no prefix.

        checksum: Whether the checksum fits, or None if the value has none. Cloudflare does not document how
            it is computed, so a value may work although its checksum does not fit.

        advice: What it seems to be, and what to do about it.
    """

    kind: ValueKind
    checksum: bool | None
    advice: str

    def __repr__(self) -> str:
        return reprs.call(
            "ValueInfo",
            kind=reprs.text(self.kind),
            checksum=repr(self.checksum),
            advice=reprs.text(self.advice, 100),
        )


def inspect_value(text: str | TokenValue) -> ValueInfo:
    """
    Say what a value seems to be, by its form alone. Nothing is sent, and nothing of the value is kept.

    https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/

    Args:
        text: A value that was found somewhere.

    Raises:
        TypeError: *text* is not a string.
    """
    text = hide(text)  # a traceback may show the locals of this frame
    if not isinstance(text, TokenValue):
        raise TypeError(f"text must be a str or a TokenValue, not {getattr(text, 'kind', 'None')}.")
    form = _FORM.match(text.reveal())
    if form is None:
        return _without_prefix(text)
    kind, checksum = _KINDS[form[1]], _checksum(form)
    problem = problem_of_credential(text)
    if checksum is None:
        problem = problem or f"it has {len(text.reveal())} characters, of which some are missing or wrong"
    elif not checksum:
        problem = "its checksum does not fit, so it may have been mistyped or made up"
    return ValueInfo(kind, checksum, _ADVICE[kind] + _but(problem))


def _without_prefix(text: TokenValue) -> ValueInfo:
    if _OLD_GLOBAL_KEY.fullmatch(text.reveal()):
        return ValueInfo("global_key", None, _ADVICE["global_key"])
    if _OLD_TOKEN.fullmatch(text.reveal()):
        return ValueInfo("unknown", None, _OLD_ADVICE)
    return ValueInfo("unknown", None, _ADVICE["unknown"] + _but(problem_of_credential(text)))


def _checksum(form: "re.Match[str]") -> bool | None:
    """
    Return whether a checksum fits: the CRC-32 of what is between it and the prefix, as far as is known.
    """
    return None if form[2] is None else f"{zlib.crc32(form[2].encode()):08x}" == form[3]


def _but(problem: str | None) -> str:
    return f" But {problem}." if problem else ""
