"""
Commands that make a value: create, ensure, recover, roll.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, TypeVar

import click

from cftokens._operations.groups import resolve
from cftokens._settings import Unset
from cftokens.cli._access import Access, granting, moments
from cftokens.cli._asking import ask, dry_run_option, yes_option
from cftokens.cli._completing import token_names
from cftokens.cli._destinations import Place, announce, deliver, needed, placing, reserved
from cftokens.cli._output import Output, printing
from cftokens.cli._owner import Owner, owned
from cftokens.cli._settling import creating, line_of, recover_line, repeated
from cftokens.cli._text import iso, safe, titled
from cftokens.cli._wizard import ask_for_all
from cftokens.cli._wording import Wanted, wanted
from cftokens.errors import CFTokensError
from cftokens.models import CreateAttempt, Ensured, Token, TokenCreateResponse

T = TypeVar("T")
M = TypeVar("M", TokenCreateResponse, Ensured)

_EXPIRES: Final = "It expires on {}."
_NEVER: Final = "It never expires."


@click.command("create")
@owned
@granting
@placing
@printing
@dry_run_option
@click.option("-i", "--interactive", is_flag=True, help="Ask for everything, and show the command for it.")
@click.argument("name", metavar="NAME", required=False)
def create_command(
    owner: Owner,
    name: str | None,
    *,
    access: Access,
    place: Place | None,
    output: Output,
    dry_run: bool,
    interactive: bool,
) -> None:
    """
    Create a token, and put its value where you say. Without --expires, it never expires.

    \b
    Examples:
      cftokens create -i
      cftokens create dns-bot --allow "DNS Write" --zone ZONE_ID --expires 90d \\
          --value-to dns.token
      cftokens create ci --allow "Workers Scripts Write" --on-account ACCOUNT_ID \\
          --value-to-env .env CLOUDFLARE_API_TOKEN
    """
    if interactive:
        name, access, place = ask_for_all(owner, name, place)
    if name is None:
        raise click.UsageError("Missing argument 'NAME'.")
    policies = access.required(owner)
    if dry_run:
        output.plan(f"A token {name!r} would be created:", wanted(owner, policies, access).lines())
        return
    chosen = needed(place, output)
    condition, expires_on = _or_none(access.condition), _or_none(access.expires)
    with reserved(chosen):
        token = _make(
            lambda: owner.tokens.create(
                name=name, policies=policies, condition=condition, expires_on=expires_on
            ),
            owner,
            access,
            chosen,
            output,
        )
    _announce(chosen, output, token)


@click.command("ensure")
@owned
@granting
@placing
@printing
@dry_run_option
@click.argument("name", metavar="NAME")
def ensure_command(
    owner: Owner, name: str, *, access: Access, place: Place | None, output: Output, dry_run: bool
) -> None:
    """
    Create a token unless it exists, and edit it if it differs.

    For scripts that run again: a second run changes nothing. Only a new token has a value, so the file for
    it may exist if the token does. Without --expires, an existing token keeps its own; a duration counts
    from now, so that each run renews it.

    \b
    Example:
      cftokens ensure dns-bot --allow "DNS Write" --zone ZONE_ID --value-to dns.token
    """
    policies = access.required(owner)
    if dry_run:
        _plan_ensured(owner, output, name, wanted(owner, policies, access))
        return
    chosen = needed(place, output)
    condition = _or_none(access.condition)
    with reserved(chosen, now=not _exists(owner, name)):
        ensured = _make(
            lambda: owner.tokens.ensure(
                name=name, policies=policies, condition=condition, expires_on=access.expires
            ),
            owner,
            access,
            chosen,
            output,
        )
    if ensured.value is None:
        _say_what_was(output, ensured)
    else:
        _announce(chosen, output, ensured.token)


def _exists(owner: Owner, name: str) -> bool:
    return bool(_active(owner, name))


def _active(owner: Owner, name: str) -> list[Token]:
    now = datetime.now(UTC)
    return [token for token in owner.tokens.list(name=name) if token.is_active(now)]


def _plan_ensured(owner: Owner, output: Output, name: str, wanted: Wanted) -> None:
    found = _active(owner, name)
    if not found:
        output.plan(f"A token {name!r} would be created:", wanted.lines())
    elif len(found) > 1:
        raise click.ClickException(safe(f"{len(found)} active tokens are named {name!r}: none would change."))
    else:
        changes = wanted.changes(found[0])
        what = "would be changed:" if changes else "is already as it should be."
        output.plan(f"The token {name!r} ({found[0].id}) {what}", changes)


def _say_what_was(output: Output, ensured: Ensured) -> None:
    what = "was edited" if ensured.changed else "is already as it should be"
    output.token(ensured.token, f"The token {titled(ensured.token)} {what}.")


def _make(make: Callable[[], M], owner: Owner, access: Access, place: Place, output: Output) -> M:
    """
    Make a token unless it exists, and store its value. A new token whose value is lost is deleted.
    """
    made: M | None = None  # an interrupt may come as soon as there is a token
    try:
        with creating(owner, access, place):
            made = make()
        if made.value is not None:
            deliver(place, output, _token_in(made), made.value)
    except BaseException as error:
        if made is None or made.value is None:
            raise
        _delete(owner, _token_in(made).id)
        if not isinstance(error, OSError):
            error.add_note(f"The token {_token_in(made).id} was deleted.")
            raise
        raise click.ClickException(
            f"The value could not be stored {place.where}: {error.strerror}. The token was deleted."
        ) from None
    return made


def _token_in(made: TokenCreateResponse | Ensured) -> Token:
    return made.token if isinstance(made, Ensured) else made


def _announce(place: Place, output: Output, token: Token) -> None:
    expiry = _NEVER if token.expires_on is None else _EXPIRES.format(iso(token.expires_on))
    announce(place, output, token, f"Created the token {titled(token)}. {expiry}")


def _delete(owner: Owner, token_id: str) -> None:
    try:
        with repeated(line_of("delete", token_id, ["--yes", *owner.arguments])):
            owner.tokens.delete(token_id)
    except CFTokensError as error:
        raise click.ClickException(
            f"The value is lost, but the token {token_id} is still there: {error}"
        ) from None


def _or_none(given: T | Unset) -> T | None:
    return None if isinstance(given, Unset) else given


@click.command("recover")
@owned
@granting
@placing
@printing
@click.option("--since", callback=moments(), required=True, metavar="TIME", help="When the create was sent.")
@click.argument("name", metavar="NAME")
def recover_command(
    owner: Owner, name: str, *, since: datetime, access: Access, place: Place | None, output: Output
) -> None:
    """
    Settle a create whose outcome is unknown.

    Looks for an unused token of that name, with that access, made since that time. If there is one, it is
    rolled, and its new value goes where you say. A command whose outcome is unknown prints the line to paste.

    \b
    Example:
      cftokens recover dns-bot --since 2026-11-24T10:00:00Z --allow "DNS Write" \\
          --zone ZONE_ID --expires never --value-to dns.token
    """
    policies = access.required(owner)
    chosen = needed(place, output)
    attempt = CreateAttempt(
        name=name,
        policies=resolve(policies, owner.catalogue),
        account_id=owner.account_id,
        started_on=since,
        condition=_or_none(access.condition),
        expires_on=_or_none(access.expires),
    )
    again = recover_line(owner, attempt, access, chosen)
    with reserved(chosen), repeated(again):
        found = owner.tokens.recover(attempt)
        if found is None:
            raise click.ClickException(
                safe(
                    f"There is no such token named {name!r}. If there is none in a minute, none was created."
                )
            )
        try:
            deliver(chosen, output, found, found.value)
        except OSError as error:
            raise click.ClickException(
                f"The value could not be stored {chosen.where}: {error.strerror}. It is lost: recover again."
            ) from None
    announce(chosen, output, found, f"Recovered the token {titled(found)}.")


@click.command("roll")
@owned
@placing
@printing
@yes_option
@dry_run_option
@click.argument("token", metavar="TOKEN", shell_complete=token_names)
def roll_command(
    owner: Owner, token: str, *, place: Place | None, output: Output, yes: bool, dry_run: bool
) -> None:
    """
    Replace a token's value. The old one stops working at once.

    To replace a token without a gap, use "cftokens rotate". TOKEN is an id or an exact name.

    \b
    Example:
      cftokens roll dns-bot --value-to new.token
    """
    if dry_run:
        found = owner.find(token)
        output.plan(f"The token {found.name!r} ({found.id}) would get a new value.", ())
        return
    chosen = needed(place, output)
    found = owner.find(token)
    ask(f"Roll {titled(found)}? Its present value stops working at once.", yes=yes)
    again = line_of("roll", found.id, ["--yes", *owner.arguments, *chosen.arguments])
    with reserved(chosen), repeated(again):
        value = owner.tokens.value.update(found.id)
        try:
            deliver(chosen, output, found, value)
        except OSError as error:
            raise click.ClickException(
                f"The new value could not be stored {chosen.where}: {error.strerror}. It is lost, and "
                "the old one no longer works: roll again."
            ) from None
    announce(chosen, output, found, f"Rolled the token {titled(found)}.")
