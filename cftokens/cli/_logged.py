"""
What the library logs, on standard error.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cftokens.cli._text import safe


class _Echo(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        click.echo(safe(f"{record.levelname}: {record.getMessage()}"), err=True)


@contextmanager
def showing(*, verbose: bool) -> Iterator[None]:
    """
    Show warnings while a block runs, and what is sent if *verbose*.
    """
    log, handler = logging.getLogger("cftokens"), _Echo(logging.DEBUG if verbose else logging.WARNING)
    level = log.level
    log.addHandler(handler)
    if verbose:
        log.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)
