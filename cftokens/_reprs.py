"""
Reprs that fit a prompt: what one looks for, in 200 characters at most.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

_LONGEST: Final = 200


def call(kind: str, /, **members: str) -> str:
    """
    Return a repr that looks like a call. Members are texts from the other functions of this module.
    """
    text = ", ".join(f"{name}={member}" for name, member in members.items())
    room = _LONGEST - len(kind) - 2
    return f"{kind}({text if len(text) <= room else text[: room - 1] + '…'})"


def text(value: object, longest: int = 40) -> str:
    """
    Return a value's repr, cut to a length. That of a string has no escape sequence in it.
    """
    shown = repr(value[:longest] if isinstance(value, str) else value)
    if len(shown) <= longest and not (isinstance(value, str) and len(value) > longest):
        return shown
    return f"{shown[: longest - 2]}…{shown[0] if isinstance(value, str) else ''}"


def moment(value: datetime | None) -> str:
    """
    Return a date-time in UTC, to the second.
    """
    return "None" if value is None else f"{value.astimezone(UTC).replace(tzinfo=None).isoformat()[:19]}Z"


def printable(value: str) -> str:
    """
    Return a text as it is, with escapes in place of control characters and the like.
    """
    if value.isprintable():
        return value
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in value
    )


def several(values: Iterable[object] | None, most: int, longest: int) -> str:
    """
    Return the first values of a list, and how many more there are.
    """
    if values is None:
        return "None"
    items = list(values)
    shown = [text(item, longest) for item in items[:most]]
    if len(items) > most:
        shown.append(f"… {len(items) - most} more")
    return f"[{', '.join(shown)}]"


def resource_names(resources: object) -> list[str]:
    """
    Return the names of resources without their common beginning; a nested one comes after its account.
    """
    names: list[str] = []
    for name, leaf in resources.items() if isinstance(resources, Mapping) else ():
        inner = [f"{name}/{each}" for each in leaf] if isinstance(leaf, Mapping) else [str(name)]
        names += [each.replace("com.cloudflare.", "") for each in inner]
    return names
