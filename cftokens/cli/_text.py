"""
Text that is safe on a terminal: without control characters, and without a token's value.
"""

import re
import shlex
import sys
import unicodedata
from collections.abc import Iterable
from datetime import datetime

from cftokens import _reprs as reprs
from cftokens._secret import redact
from cftokens.models import Token

_HARMLESS = "\n"
_OLD_VALUE = re.compile(r"(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9_-]{40}")


def clean(text: str) -> str:
    """
    Return text in which control characters, and those that turn the direction of text, are escaped.
    """
    return "".join(each if _is_plain(each) else ascii(each)[1:-1] for each in text)


def safe(text: str) -> str:
    """
    Return a message that may be shown: several lines, but nothing that acts on a terminal, and no value.
    """
    return redact("\n".join(clean(line) for line in text.split(_HARMLESS)), None)


def titled(token: Token) -> str:
    """
    Return a token's name, in one line, and its id.
    """
    return f"{clean(str(token.name))} ({token.id})"


def typed(parts: Iterable[str]) -> str:
    """
    Return a command as it is typed in a shell, in one line, and without anything that acts on a terminal.
    """
    return " ".join(map(_quoted, parts))


def _quoted(part: str) -> str:
    if clean(part) == part:
        return shlex.quote(part)
    escaped = part.replace("\\", r"\\").replace("'", r"\'")
    return "$'" + "".join(each if _is_plain(each) else f"\\U{ord(each):08x}" for each in escaped) + "'"


def counted(number: int, noun: str) -> str:
    """
    Return a number of things, like ``1 token`` or ``2 tokens``.
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def showable(text: str) -> str:
    """
    Return text in which characters that standard output does not have are escaped, as wide as it will be.
    """
    encoding = sys.stdout.encoding or "utf-8"  # a StringIO has none
    return text.encode(encoding, "backslashreplace").decode(encoding)


def looks_like_value(text: str) -> bool:
    """
    Return whether *text* could be the value of a token, which must not be an argument.
    """
    return redact(text, None) != text or _OLD_VALUE.fullmatch(text) is not None


def iso(moment: datetime | None, instead: str = "") -> str:
    """
    Return a date-time as the API writes it.
    """
    return instead if moment is None else reprs.moment(moment)


def _is_plain(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
