"""
The command itself: its commands, which are imported when they are needed, and how it ends.
"""

import importlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from typing import Final

import click

from cftokens._version import __version__

COMMANDS: Final = {
    "list": ("reading", "List tokens."),
    "show": ("reading", "Show a token: what it may do, from where, until when."),
    "create": ("making", "Create a token, and put its value where you say."),
    "ensure": ("making", "Create a token unless it exists, and edit it if it differs."),
    "edit": ("changing", "Change some of a token's fields."),
    "roll": ("making", "Replace a token's value. The old one stops working at once."),
    "rotate": ("rotating", "Replace a token by a successor, without a gap."),
    "retire": ("changing", "End tokens in a way that can be taken back."),
    "delete": ("changing", "Delete tokens for good."),
    "run": ("running", "Run a command with a temporary token."),
    "recover": ("making", "Settle a create whose outcome is unknown."),
    "verify": ("reading", "Check whether your credential works, and until when."),
    "explain": ("words", "Say in words what a token may do, or what options would grant."),
    "diff": ("words", "Show how the access and addresses of two tokens differ."),
    "audit": ("words", "Find what is wrong with the tokens."),
    "whatis": ("words", "Say what kind of value you found somewhere."),
    "groups": ("reading", "List the permission groups: everything that a token can be allowed to do."),
    "bootstrap": ("helping", "Print the address where a first token is made, in the dashboard."),
    "emulator": ("emulating", "Serve Cloudflare's token API on this machine, for trying things out."),
    "completion": ("helping", "Print the script that completes commands in your shell."),
}
"""The module and the summary of each command, so that help needs no import."""

_ARGUMENTS: Final = "cftokens.arguments"
"""The key in a context's *meta* of what the user typed."""


class Program(click.Group):
    """
    The group of all commands.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's
        """
        Return the names in the order of the table.
        """
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's
        """
        Import a command.
        """
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"cftokens.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """
        Find a command, or suggest the nearest.
        """
        name = args[0]
        near = [] if name in COMMANDS or name.startswith("-") else get_close_matches(name, COMMANDS, 1)
        if near:
            ctx.fail(f"No such command {name!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's
        """
        Write the list of commands.
        """
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: object
    ) -> click.Context:
        """
        Parse the arguments, and remember them.
        """
        typed = list(args)
        try:
            context = super().make_context(info_name, args, parent, **extra)
        except click.UsageError:
            with _failures(typed):
                raise
        context.meta[_ARGUMENTS] = typed
        return context

    def invoke(self, ctx: click.Context) -> object:
        """
        Run a command, and end as its failure says.
        """
        try:
            with _failures(ctx.meta[_ARGUMENTS]):
                return super().invoke(ctx)
        except KeyboardInterrupt:  # before there was a request, or a second one while the first was told
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(130) from None


def _failures(arguments: Sequence[str]) -> AbstractContextManager[None]:
    from cftokens.cli._failures import failures  # noqa: PLC0415 -- it imports the errors, and help has none

    return failures(arguments)


@click.group(
    "cftokens",
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="cftokens %(version)s")
@click.option("-v", "--verbose", is_flag=True, help="Show on standard error what is sent, without secrets.")
@click.pass_context
def program(context: click.Context, *, verbose: bool) -> None:
    """
    Manage Cloudflare's API tokens.

    The credential is CLOUDFLARE_API_TOKEN, and the account CLOUDFLARE_ACCOUNT_ID. "cftokens bootstrap" shows
    where a first token is made.

    \b
    Example:
      cftokens create dns-bot --allow "DNS Write" --zone ZONE_ID --expires 90d \\
          --value-to dns.token

    Exit status: 0 done; 1 refused, failed, or found something; 2 wrong usage; 3 the outcome is unknown, and a
    line says how to settle it; 130 interrupted.
    """
    from cftokens.cli._logged import showing  # noqa: PLC0415 -- help logs nothing

    context.with_resource(showing(verbose=verbose))
