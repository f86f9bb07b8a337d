"""
Whose tokens a command works on, and how it finds one of them.
"""

import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import attrs
import click

from cftokens._checks import check_id
from cftokens.cli._text import looks_like_value
from cftokens.models import PermissionGroup, Token
from cftokens.sync import AccountTokens, Client, UserTokens

AnyTokens = AccountTokens | UserTokens
Command = Callable[..., None]

_IS_A_VALUE = (
    "This looks like a token's value, which must not be an argument: others on this machine can see it, and "
    "your shell remembers it. Use the token's id or name, and roll the token."
)


@attrs.frozen
class Owner:
    """
    An account or a user, and its tokens.

    Attributes:
        client: The client.

        account_id: The account, or None for the user.
    """

    client: Client
    account_id: str | None

    @property
    def tokens(self) -> AnyTokens:
        """
        The owner's tokens.
        """
        return self.client.user.tokens if self.account_id is None else self.client.accounts.tokens

    @property
    def arguments(self) -> list[str]:
        """
        The options that name this owner.
        """
        return ["--user"] if self.account_id is None else ["--account", self.account_id]

    @property
    def kind(self) -> str:
        """
        What to call it.
        """
        return "the user" if self.account_id is None else f"the account {self.account_id}"

    @functools.cached_property
    def catalogue(self) -> tuple[PermissionGroup, ...]:
        """
        All permission groups, which are fetched once.
        """
        return tuple(self.tokens.permission_groups.get())

    def find(self, named: str) -> Token:
        """
        Return the token with this id, or with exactly this name.
        """
        if _is_id(named):
            return self.tokens.get(named)
        if looks_like_value(named):
            raise click.UsageError(_IS_A_VALUE)
        found = list(self.tokens.list(name=named)) or list(self.tokens.list(name=named, include_expired=True))
        if not found:
            raise click.ClickException(f"No token of {self.kind} is named {named!r}.")
        if len(found) > 1:
            ids = "\n".join(token.id for token in found)
            raise click.ClickException(f"{len(found)} tokens are named {named!r}. Use an id:\n{ids}")
        return found[0]


def owned(function: Command) -> Command:
    """
    Give a command the options that say whose tokens it works on, and the `Owner` as its first argument.
    """

    @click.option("--account", metavar="ID", help="The account. By default CLOUDFLARE_ACCOUNT_ID.")
    @click.option("--user", is_flag=True, help="The user's own tokens, instead of an account's.")
    @functools.wraps(function)
    def command(*args: object, account: str | None, user: bool, **options: object) -> None:
        with opened(account, user=user) as owner:
            function(owner, *args, **options)

    return command


@contextmanager
def opened(account: str | None, *, user: bool) -> Iterator[Owner]:
    """
    Open a client for an owner's tokens.
    """
    if user and account is not None:
        raise click.UsageError("--account and --user exclude each other.")
    account_id = account if account is not None else environment_account()
    if not user and account_id is None:
        raise click.UsageError("Whose tokens? Use --account ID or --user, or set CLOUDFLARE_ACCOUNT_ID.")
    with Client(account_id=account_id, trust_env=True) as client:
        yield Owner(client, None if user else account_id)


def environment_account() -> str | None:
    """
    Return the account that the environment names.
    """
    return os.environ.get("CLOUDFLARE_ACCOUNT_ID") or None


def _is_id(text: str) -> bool:
    try:
        return bool(check_id(text, "TOKEN"))
    except ValueError:
        return False
