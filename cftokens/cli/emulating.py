"""
The command that serves the emulator: emulator.
"""

import click

from cftokens.emulator.__main__ import main as serve


@click.command("emulator", context_settings={"allow_interspersed_args": False})
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8787,
    metavar="PORT",
    help="By default 8787; 0 for a free port.",
)
@click.option(
    "--propagation",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Seconds until a change of a token is known everywhere. By default 0.",
)
@click.argument("command", metavar="[-- COMMAND...]", nargs=-1, type=click.UNPROCESSED)
def emulator_command(port: int, propagation: float, command: tuple[str, ...]) -> None:
    """
    Serve Cloudflare's token API on this machine, for trying things out.

    With a COMMAND, runs it with the environment set, and exits with its status. Without one, prints the
    variables as "export NAME=value" lines and serves until interrupted.

    \b
    Examples:
      cftokens emulator -- bash
      cftokens emulator -- cftokens list
    """  # fmt: skip
    options = ["--port", str(port), "--propagation", str(propagation)]
    raise click.exceptions.Exit(serve([*options, *(["--", *command] if command else [])]))
