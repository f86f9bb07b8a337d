"""
Questions before what cannot be undone.
"""

import sys

import click

from cftokens.cli._text import safe


def ask(question: str, *, yes: bool) -> None:
    """
    Go on only if the answer is yes. Without a terminal, ``--yes`` must have been given.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError(f"{safe(question)} There is no terminal to ask on: add --yes.")
    if not click.confirm(safe(question), err=True):
        raise click.ClickException("Nothing was changed.")


yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option(
    "-n", "--dry-run", is_flag=True, help="Show what would change, and send no write."
)
