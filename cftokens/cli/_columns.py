"""
The columns of a table, and for how many of them there is room.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

_NARROWEST: Final = 12
_GAP: Final = 2
_ALWAYS: Final = 2
"""How many columns are never left out."""


class Column(NamedTuple):
    """
    A column of a table.
    """

    title: str
    whole: bool = False
    """Never cut or wrapped."""

    least: int = _NARROWEST
    """The fewest characters in a line, if there are as many."""


def narrowest(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """
    Return the least widths of the columns for which there is room; the last ones are left out first.
    """
    titles = [column.title for column in columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    needed = [
        wide if each.whole else min(wide, each.least) for each, wide in zip(columns, widths, strict=True)
    ]
    shown = len(columns)
    while shown > _ALWAYS and sum(needed[:shown]) + _GAP * (shown - 1) > width:
        shown -= 1
    return [min(least, width) for least in needed[:shown]]
