"""
Commands that only read: list, show, groups, verify.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import click

from cftokens.cli._columns import Column
from cftokens.cli._completing import group_names, token_names
from cftokens.cli._output import (
    Output,
    document,
    printing,
    progress,
    show_fields,
    show_table,
    token_document,
    when,
)
from cftokens.cli._owner import Owner, owned
from cftokens.cli._text import iso
from cftokens.cli._wording import addresses, described
from cftokens.models import Token

TOKEN_COLUMNS = (
    Column("ID", whole=True, kept=True),
    Column("NAME", kept=True),
    Column("STATUS", whole=True),
    Column("EXPIRES", whole=True),
    Column("LAST USED", whole=True),
    Column("ISSUED", whole=True),
)
_GROUP_COLUMNS = (
    Column("ID", whole=True, kept=True),
    Column("NAME", kept=True),
    Column("SCOPES"),
    Column("CATEGORY"),
)


@click.command("list")
@owned
@printing
@click.option("--name", metavar="NAME", help="Only tokens with this exact name.", shell_complete=token_names)
@click.option("--expired", is_flag=True, help="Only tokens that have expired.")
@click.option("--include-expired", is_flag=True, help="Also tokens that expired recently.")
def list_command(
    owner: Owner, *, output: Output, name: str | None, expired: bool, include_expired: bool
) -> None:
    """
    List tokens.

    In a pipe, each token is a line of id, name, status, expiry, last use and issue, with tabs between them.

    \b
    Examples:
      cftokens list
      cftokens list --quiet --expired | xargs cftokens delete --yes
    """
    with progress("Listing tokens"):
        found = owner.tokens.list(name=name, include_expired=expired or include_expired or None).collect()
    now = datetime.now(UTC)
    tokens = [token for token in found if not expired or _has_expired(token, now)]
    if output.json:
        document([token_document(token) for token in tokens])
    elif output.quiet:
        _echo_ids(token.id for token in tokens)
    else:
        show_table(TOKEN_COLUMNS, [token_row(token) for token in tokens])


def _has_expired(token: Token, now: datetime) -> bool:
    return token.status == "expired" or (token.expires_on is not None and token.expires_on <= now)


def token_row(token: Token) -> list[str]:
    """
    Return a token's line in the table.
    """
    return [
        token.id,
        token.name or "",
        token.status or "",
        when(token.expires_on, "never"),
        when(token.last_used_on, "never"),
        when(token.issued_on),
    ]


def _echo_ids(ids: Iterable[str]) -> None:
    for each in ids:
        click.echo(each)


@click.command("show")
@owned
@printing
@click.argument("token", metavar="TOKEN", shell_complete=token_names)
def show_command(owner: Owner, token: str, *, output: Output) -> None:
    """
    Show a token: what it may do, from where, until when. TOKEN is an id or an exact name.

    \b
    Example:
      cftokens show dns-bot
    """
    found = owner.find(token)
    if output.json:
        document(token_document(found))
    elif output.quiet:
        click.echo(found.id)
    else:
        lines = described(found.policies, owner.catalogue)
        show_fields({**fields_of(found), "may do": "; ".join(lines)})


def fields_of(token: Token) -> dict[str, str]:
    """
    Return what a token is, in words.
    """
    return {
        "id": token.id,
        "name": token.name or "",
        "status": token.status or "",
        "issued": iso(token.issued_on),
        "modified": iso(token.modified_on),
        "last used": iso(token.last_used_on, "never"),
        "not before": iso(token.not_before, "at once"),
        "expires": iso(token.expires_on, "never"),
        "addresses": addresses(token.condition),
    }


@click.command("groups")
@owned
@printing
@click.argument("words", metavar="[WORD]...", nargs=-1, shell_complete=group_names)
def groups_command(owner: Owner, words: tuple[str, ...], *, output: Output) -> None:
    """
    List the permission groups: everything that a token can be allowed to do.

    With words, only those whose name contains all of them, in any case.

    \b
    Example:
      cftokens groups dns write
    """
    groups = owner.tokens.permission_groups
    found = groups.search(" ".join(words)) if words else groups.get()
    if output.json:
        document([group.to_dict() for group in found])
    elif output.quiet:
        _echo_ids(group.id for group in found)
    else:
        rows = [
            [each.id, each.name or "", " ".join(each.scopes or ()), each.category or ""] for each in found
        ]
        show_table(_GROUP_COLUMNS, rows)


@click.command("verify")
@owned
@printing
def verify_command(owner: Owner, *, output: Output) -> None:
    """
    Check whether your credential works, and until when. The exit status is 1 if it does not.

    \b
    Example:
      cftokens verify --quiet
    """
    answer = owner.tokens.verify()
    if output.json:
        document({"expires_on": None, "not_before": None, **answer.to_dict()})
    elif output.quiet:
        click.echo(answer.id)
    else:
        show_fields({"id": answer.id, "status": answer.status, "expires": iso(answer.expires_on, "never")})
    if answer.status != "active":
        raise click.exceptions.Exit(1)
