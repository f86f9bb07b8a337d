"""
Tables and progress on a terminal. It takes rich, and so is imported only where something is drawn.
"""

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.status import Status
from rich.table import Table
from rich.text import Text

from cftokens.cli._columns import Column, kept, narrowest

_COLOURS: Final = {"active": "green", "disabled": "yellow", "expired": "red", "revoked (exposed)": "bold red"}


def draw(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """
    Print a table as wide as the terminal.
    """
    console = Console(highlight=False)
    console.print(fitting(columns, rows, console.width))


def fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Table:
    """
    Return a table of the columns for which there is room; if it is too little, they are below each other.
    """
    table = Table(box=None, pad_edge=False, header_style="bold")
    widths = narrowest(columns, rows, width)
    if not widths:
        titles = [column.title for column in kept(columns)]
        table.add_column("\n".join(titles), overflow="fold")
        for row in rows:
            table.add_row(Text("\n".join(row[: len(titles)])))
        return table
    for column, least in zip(columns, widths, strict=False):
        table.add_column(column.title, overflow="fold", min_width=least, no_wrap=column.whole)
    for row in rows:
        table.add_row(*(Text(cell, _COLOURS.get(cell, "")) for cell in row[: len(widths)]))
    return table


def working(text: str) -> Status:
    """
    Return what says on standard error, while it is entered, that something takes a while.
    """
    console = Console(stderr=True)
    return console.status(text, spinner="line" if console.options.ascii_only else "dots")
