"""
Tables for people, JSON for programs, ids for other commands.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

import attrs
import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cftokens.cli._text import clean, iso, safe
from cftokens.models import Token

_NARROWEST: Final = 12
_GAP: Final = 2
_ALWAYS: Final = 2
"""How many columns are never left out."""

_TOKEN_KEYS: Final = tuple(field.name for field in attrs.fields(Token) if not field.name.startswith("_"))
_COLOURS: Final = {"active": "green", "disabled": "yellow", "expired": "red", "revoked (exposed)": "bold red"}


class Column(NamedTuple):
    """
    A column of a table.
    """

    title: str
    whole: bool = False
    """Never cut or wrapped."""

    least: int = _NARROWEST
    """The fewest characters in a line, if there are as many."""


@attrs.frozen
class Output:
    """
    What a command prints on standard output.

    Attributes:
        json: One JSON document.

        quiet: Only ids.
    """

    json: bool
    quiet: bool

    def token(self, token: Token, sentence: str, **members: object) -> None:
        """
        Print what became of a token: its document, its id, or a sentence on standard error.
        """
        if self.json:
            document({**token_document(token), **members})
        elif self.quiet:
            click.echo(token.id)
        else:
            note(sentence)


def printing(function: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command the options ``--json`` and ``--quiet``, as an `Output` called *output*.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @click.option("-q", "--quiet", is_flag=True, help="Print ids only.")
    @functools.wraps(function)
    def command(*args: object, as_json: bool, quiet: bool, **options: object) -> None:
        if as_json and quiet:
            raise click.UsageError("--json and --quiet exclude each other.")
        function(*args, output=Output(as_json, quiet), **options)

    return command


def note(text: str) -> None:
    """
    Say something to a person, on standard error.
    """
    click.echo(safe(text), err=True)


def document(content: object) -> None:
    """
    Print a JSON document, in ASCII, so that nothing in it acts on a terminal.
    """
    click.echo(json.dumps(content, indent=2))


def token_document(token: Token) -> dict[str, object]:
    """
    Return a token as JSON, with all its members, whether Cloudflare sent them or not.
    """
    return {**dict.fromkeys(_TOKEN_KEYS), **token.to_dict()}


def when(moment: datetime | None, instead: str = "") -> str:
    """
    Return a date for people, or a date-time for programs.
    """
    return iso(moment, instead)[: 10 if moment is not None and sys.stdout.isatty() else None]


def show_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """
    Print rows: a table that fits on a terminal, or lines with tabs in a pipe.
    """
    cleaned = [[clean(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in cleaned:
            click.echo("\t".join(row))
    elif cleaned:
        Console(highlight=False).print(fitting(columns, cleaned, Console().width))


def fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Table:
    """
    Return a table of the columns for which there is room; the last ones are left out first.
    """
    titles = [column.title for column in columns]
    widths = [max(map(len, cells)) for cells in zip(titles, *rows, strict=True)]
    needed = [
        wide if each.whole else min(wide, each.least) for each, wide in zip(columns, widths, strict=True)
    ]
    shown = len(columns)
    while shown > _ALWAYS and sum(needed[:shown]) + _GAP * (shown - 1) > width:
        shown -= 1
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title, least in zip(titles[:shown], needed, strict=False):
        table.add_column(title, overflow="fold", min_width=min(least, width))
    for row in rows:
        table.add_row(*(Text(cell, _COLOURS.get(cell, "")) for cell in row[:shown]))
    return table


def show_fields(fields: Mapping[str, str]) -> None:
    """
    Print names and values, one a line.
    """
    widest = max(map(len, fields))
    for name, value in fields.items():
        click.echo(f"{name:{widest}}  {clean(value)}")


@contextmanager
def progress(text: str) -> Iterator[None]:
    """
    Say on a terminal what takes a while.
    """
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(text):
        yield
