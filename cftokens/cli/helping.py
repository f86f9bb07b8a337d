"""
Commands that help to start: bootstrap, completion.
"""

from typing import cast

import click
from click.shell_completion import get_completion_class

from cftokens._dashboard import bootstrap_url


@click.command("bootstrap")
@click.option("--user", is_flag=True, help="A user token, instead of one that an account owns.")
@click.option("--name", default="cftokens", metavar="NAME", help="The token's name.")
def bootstrap_command(*, user: bool, name: str) -> None:
    """
    Print the address where a first token is made, in the dashboard.

    A token that can create tokens cannot be made through the API. The form is filled in: check that it shows
    "API Tokens: Edit", choose an expiry, and create the token.

    \b
    Example:
      cftokens bootstrap --name token-minter
    """
    click.echo(bootstrap_url("user" if user else "account", name))


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """
    Print the script that completes commands in your shell.

    It also completes permission groups and tokens, whose names are remembered for five minutes.

    \b
    Examples:
      cftokens completion bash > ~/.local/share/bash-completion/completions/cftokens
      cftokens completion fish > ~/.config/fish/completions/cftokens.fish
    """
    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 -- click has these three
    group = cast(click.Group, context.find_root().command)
    click.echo(script(group, {}, "cftokens", "_CFTOKENS_COMPLETE").source())
