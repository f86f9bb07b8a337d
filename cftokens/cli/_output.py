"""
Tables for people, JSON for programs, ids for other commands.
"""

import functools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import attrs
import click

from cftokens.cli._columns import Column
from cftokens.cli._text import clean, iso, safe, showable
from cftokens.models import Token

_TOKEN_KEYS: Final = tuple(field.name for field in attrs.fields(Token) if not field.name.startswith("_"))


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

    def token(self, token: Token, sentence: str) -> None:
        """
        Print what became of a token: its document, its id, or a sentence on standard error.
        """
        if not self.json and not self.quiet:
            note(sentence)
            return
        with said(sentence):
            if self.json:
                document(token_document(token))
            else:
                click.echo(token.id)

    def plan(self, title: str, lines: Iterable[str]) -> None:
        """
        Print what would be done: a title and lines in words, also within a document.
        """
        if self.json:
            document({"title": title, "lines": [*lines]})
        else:
            click.echo(safe("\n".join([title, *(f"  {line}" for line in lines)])))


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


@contextmanager
def said(sentence: str) -> Iterator[None]:
    """
    Say what was done, if a block that prints it fails.
    """
    try:
        yield
    except OSError:
        note(sentence)
        raise


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
    if not sys.stdout.isatty():
        show_lines(rows)
    elif rows:
        from cftokens.cli._drawing import draw  # noqa: PLC0415 -- rich takes as long as all of a short command

        draw(columns, [[showable(clean(cell)) for cell in row] for row in rows])


def show_lines(rows: Iterable[Sequence[str]]) -> None:
    """
    Print rows for a pipe: lines with tabs.
    """
    for row in rows:
        click.echo("\t".join(showable(clean(cell)) for cell in row))


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
    from cftokens.cli._drawing import working  # noqa: PLC0415 -- likewise

    with working(text):
        yield
