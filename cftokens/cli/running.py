"""
The command that runs another: run.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType
from typing import Final

import click

from cftokens._settings import Unset
from cftokens.cli._access import Access, durations, granting
from cftokens.cli._asking import dry_run_option
from cftokens.cli._output import note
from cftokens.cli._owner import Owner, owned
from cftokens.cli._settling import temporary
from cftokens.cli._text import safe
from cftokens.cli._wording import wanted

_FORWARDED: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@click.command("run", context_settings={"allow_interspersed_args": False})
@owned
@granting
@click.option(
    "--name", default="temporary", metavar="NAME", help="The token's name, to which a random end is added."
)
@click.option(
    "--lifetime",
    callback=durations(),
    default="15m",
    metavar="15m",
    help="How long the token works at most. By default 15 minutes.",
)
@dry_run_option
@click.argument("command", metavar="-- COMMAND...", nargs=-1, required=True, type=click.UNPROCESSED)
def run_command(
    owner: Owner, command: tuple[str, ...], *, access: Access, name: str, lifetime: timedelta, dry_run: bool
) -> None:
    """
    Run a command with a temporary token.

    The command finds the token as CLOUDFLARE_API_TOKEN, and its account as CLOUDFLARE_ACCOUNT_ID. Signals and
    the exit status are passed on. The token is deleted when the command ends, and expires in any case.

    \b
    Example:
      cftokens run --allow "Workers Scripts Write" --on-account ACCOUNT_ID -- \\
          wrangler deploy
    """  # fmt: skip
    if not isinstance(access.expires, Unset):
        raise click.UsageError("Use --lifetime: a temporary token has no --expires.")
    policies = access.required(owner)
    condition = access.condition
    program = shutil.which(command[0])
    if program is None:
        note(f"Cannot run {command[0]}: there is no such command.")
        raise click.exceptions.Exit(127)
    if dry_run:
        lines = wanted(owner, policies, access).access
        title = f"{command[0]} would run with a token that works for {lifetime}:"
        click.echo(safe("\n  ".join([title, *lines])))
        return
    with (
        temporary(owner),
        forwarding() as forwarder,
        owner.tokens.temporary(
            policies=policies,
            lifetime=lifetime,
            name=name,
            condition=None if isinstance(condition, Unset) else condition,
        ) as token,
    ):
        status = forwarder.run((program, *command[1:]), _variables(owner, token.value.reveal()))
    raise click.exceptions.Exit(status)


def _variables(owner: Owner, value: str) -> dict[str, str]:
    account = {} if owner.account_id is None else {"CLOUDFLARE_ACCOUNT_ID": owner.account_id}
    return {"CLOUDFLARE_API_TOKEN": value, **account}


class Forwarder:
    """
    Passes signals on to a child. Before there is one, they interrupt.
    """

    def __init__(self) -> None:
        self._starts = False
        self._early: list[int] = []
        self._child: subprocess.Popen[bytes] | None = None

    def run(self, command: tuple[str, ...], variables: Mapping[str, str]) -> int:
        """
        Run a command, and return its exit status as a shell would.
        """
        self._starts = True  # an interrupt would lose the child
        try:
            self._child = subprocess.Popen(command, env={**os.environ, **variables})  # noqa: S603 -- the user's
        except OSError as error:
            note(f"Cannot run {command[0]}: {error.strerror}.")
            return 126
        for number in self._early:
            self.receive(number, None)
        status = self._child.wait()
        return status if status >= 0 else 128 - status

    def receive(self, number: int, _: FrameType | None) -> None:
        """
        Handle a signal.
        """
        if self._child is None and not self._starts:
            raise KeyboardInterrupt
        if self._child is None:
            self._early.append(number)
        elif number != signal.SIGINT or not _from_terminal():  # which has sent it to the child, too
            self._child.send_signal(number)


@contextmanager
def forwarding() -> Iterator[Forwarder]:
    """
    Pass signals on while a block runs.
    """
    forwarder = Forwarder()
    before = {number: signal.signal(number, forwarder.receive) for number in _FORWARDED}
    try:
        yield forwarder
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _from_terminal() -> bool:
    """
    Return whether Ctrl-C reaches the child as well: in the foreground of a terminal, and always on Windows.
    """
    if sys.platform == "win32":
        return True
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    finally:
        os.close(terminal)
