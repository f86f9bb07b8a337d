"""
The columns of a table, and for how many of them there is room.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

_NARROWEST: Final = 12
"""The fewest characters in a line, if there are as many."""

_GAP: Final = 2


class Column(NamedTuple):
    """
    A column of a table.
    """

    title: str
    whole: bool = False
    """Never cut or wrapped."""

    kept: bool = False
    """Never left out."""


def narrowest(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """
    Return the least widths of the columns for which there is room; the last ones are left out first.

    There are none if not all that must be kept fit.
    """
    titles = [column.title for column in columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    needed = [
        wide if each.whole else min(wide, _NARROWEST) for each, wide in zip(columns, widths, strict=True)
    ]
    shown = len(columns)
    while shown and sum(needed[:shown]) + _GAP * (shown - 1) > width:
        shown -= 1
    return needed[:shown] if shown >= len(kept(columns)) else []


def kept(columns: Sequence[Column]) -> list[Column]:
    """
    Return the columns that are never left out, which come first.
    """
    return [column for column in columns if column.kept]
