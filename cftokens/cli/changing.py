"""
Commands that change tokens: edit, retire, delete, rotate.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Literal

import attrs
import click

from cftokens._settings import UNSET, Unset
from cftokens.cli._access import Access, durations, granting
from cftokens.cli._asking import ask, dry_run_option, yes_option
from cftokens.cli._completing import token_names
from cftokens.cli._destinations import Place, deliver, needed, placing, reserved
from cftokens.cli._output import Output, document, note, printing, progress, token_document
from cftokens.cli._owner import Owner, owned
from cftokens.cli._settling import temporary
from cftokens.cli._text import iso, safe
from cftokens.cli._wording import changed, wanted, widens
from cftokens.errors import RotationError
from cftokens.models import Condition, ConditionRequestIP, Token, TokenCreateResponse

several_tokens = click.argument(
    "names", metavar="TOKEN...", nargs=-1, required=True, shell_complete=token_names
)


@click.command("retire")
@owned
@printing
@click.option("--after", callback=durations(), default="0s", metavar="1h", help="Let it work so long.")
@yes_option
@dry_run_option
@several_tokens
def retire_command(
    owner: Owner, names: tuple[str, ...], *, output: Output, after: timedelta, yes: bool, dry_run: bool
) -> None:
    """
    End tokens in a way that can be taken back.

    At once, a token is disabled: "cftokens edit TOKEN --status active" takes it back. With --after, it
    expires after a while, but never later than it would. Each TOKEN is an id or an exact name.

    \b
    Example:
      cftokens retire dns-bot --after 1h
    """
    found = [owner.find(name) for name in names]
    how = f"retired; they stop working after {after}" if after else "disabled at once"
    if dry_run:
        _list_all(found, f"These tokens would be {how}:")
        return
    ask(_question(found, f"{_count(found)} will be {how}."), yes=yes)
    with progress("Retiring tokens"):
        retired = [owner.tokens.retire(token.id, after=after) for token in found]
    _tell_all(output, retired, "Retired")


@click.command("delete")
@owned
@printing
@yes_option
@dry_run_option
@several_tokens
def delete_command(owner: Owner, names: tuple[str, ...], *, output: Output, yes: bool, dry_run: bool) -> None:
    """
    Delete tokens for good. They stop working at once. Each TOKEN is an id or an exact name.

    \b
    Examples:
      cftokens delete dns-bot
      cftokens list --quiet --expired | xargs cftokens delete --yes
    """
    found = [owner.find(name) for name in names]
    if dry_run:
        _list_all(found, "These tokens would be deleted:")
        return
    ask(_question(found, f"{_count(found)} will be deleted for good."), yes=yes)
    with progress("Deleting tokens"):
        for token in found:
            owner.tokens.delete(token.id)
    _tell_all(output, found, "Deleted")


def _count(tokens: Sequence[Token]) -> str:
    return "1 token" if len(tokens) == 1 else f"{len(tokens)} tokens"


def _list_all(tokens: Iterable[Token], title: str) -> None:
    click.echo(safe("\n".join([title, *(f"  {token.id}  {token.name}" for token in tokens)])))


def _question(tokens: Iterable[Token], sentence: str) -> str:
    return "\n".join([sentence, *(f"  {token.id}  {token.name}" for token in tokens), "Go on?"])


def _tell_all(output: Output, tokens: Iterable[Token], done: str) -> None:
    if output.json:
        document([token_document(token) for token in tokens])
        return
    for token in tokens:
        output.token(token, f"{done} {token.name} ({token.id}).")


@click.command("edit")
@owned
@granting
@printing
@click.option("--rename", metavar="NAME", help="Another name.")
@click.option("--status", type=click.Choice(["active", "disabled"]), help="Disable it, or take that back.")
@yes_option
@dry_run_option
@click.argument("token", metavar="TOKEN", shell_complete=token_names)
def edit_command(
    owner: Owner,
    token: str,
    *,
    access: Access,
    output: Output,
    rename: str | None,
    status: Literal["active", "disabled"] | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """
    Change some of a token's fields. The others, and its value, are unchanged.

    What the token may do is replaced as a whole, and so are its addresses. Asks if the token could do more
    afterwards. TOKEN is an id or an exact name.

    \b
    Examples:
      cftokens edit dns-bot --expires 30d
      cftokens edit dns-bot --allow "DNS Write" --zone ZONE_ID --ip 192.0.2.0/24
    """
    policies = access.policies(owner)
    change = Change(
        name=rename or UNSET,
        status=status or UNSET,
        condition=access.condition,
        expires_on=access.expires,
    )
    if not policies and not change:
        raise click.UsageError("What is to change? See 'cftokens edit --help'.")
    found = owner.find(token)
    asked = wanted(owner, policies, access)
    if dry_run:
        lines = [*change.renamed(found), *asked.changes(found)] or ["nothing"]
        click.echo(safe("\n".join([f"In {found.name} ({found.id}), this would change:", *lines])))
        return
    permissions = ["the permissions"] if widens(asked.difference(found)) else []
    wider = [*permissions, *change.wider_than(found)]
    if wider:
        ask(f"This widens {', '.join(wider)} of {found.name} ({found.id}). Go on?", yes=yes)
    edited = owner.tokens.edit(
        found.id,
        name=change.name,
        policies=policies or UNSET,
        condition=change.condition,
        expires_on=change.expires_on,
        status=change.status,
    )
    output.token(edited, f"Changed {edited.name} ({edited.id}).")


@attrs.frozen(kw_only=True)
class Change:
    """
    What becomes of a token's fields, without its policies.
    """

    name: str | Unset
    status: Literal["active", "disabled"] | Unset
    condition: Condition | Unset | None
    expires_on: datetime | Unset | None

    def __bool__(self) -> bool:
        return any(not isinstance(each, Unset) for each in attrs.astuple(self, recurse=False))

    def renamed(self, token: Token) -> list[str]:
        """
        Say how name and status become different.
        """
        return [
            *changed("name", str(token.name), self.name, str),
            *changed("status", str(token.status), self.status, str),
        ]

    def wider_than(self, token: Token) -> list[str]:
        """
        Return in which respects the token could do more afterwards.
        """
        found = {
            "the status": self.status == "active" and token.status != "active",
            "the expiry": not isinstance(self.expires_on, Unset)
            and _is_later(self.expires_on, token.expires_on),
            "the addresses": not isinstance(self.condition, Unset)
            and not _is_within(_request_ip(self.condition), _request_ip(token.condition)),
        }
        return [what for what, wider in found.items() if wider]


def _is_later(new: datetime | None, old: datetime | None) -> bool:
    return old is not None and (new is None or new > old)


def _request_ip(condition: Condition | None) -> ConditionRequestIP:
    found = None if condition is None else condition.request_ip
    return found or ConditionRequestIP()


def _is_within(new: ConditionRequestIP, old: ConditionRequestIP) -> bool:
    """
    Return whether a condition certainly accepts no address that another one does not.
    """
    inside = not old.in_ or (bool(new.in_) and all(_is_in(each, old.in_) for each in new.in_ or ()))
    return inside and all(_is_in(each, new.not_in or ()) for each in old.not_in or ())


def _is_in(network: str, networks: Iterable[str]) -> bool:
    small = ipaddress.ip_network(network, strict=False)
    large = (ipaddress.ip_network(each, strict=False) for each in networks)
    return any(
        small.version == each.version
        and int(each.network_address) <= int(small.network_address)
        and int(small.broadcast_address) <= int(each.broadcast_address)
        for each in large
    )


@click.command("rotate")
@owned
@placing
@printing
@click.option(
    "--lifetime",
    callback=durations(or_never=True),
    required=True,
    metavar="90d|never",
    help="How long the successor works.",
)
@click.option(
    "--overlap",
    callback=durations(),
    default="1h",
    metavar="1h",
    help="How long the old token still works. By default an hour.",
)
@click.option("--name", metavar="NAME", help="The successor's name. By default the old one's, with the date.")
@dry_run_option
@click.argument("token", metavar="TOKEN", shell_complete=token_names)
def rotate_command(
    owner: Owner,
    token: str,
    *,
    place: Place | None,
    output: Output,
    lifetime: timedelta | None,
    overlap: timedelta,
    name: str | None,
    dry_run: bool,
) -> None:
    """
    Replace a token by a successor, without a gap.

    The successor has the same access. When its value is stored, the old token's life is shortened, so that
    Cloudflare itself ends it. TOKEN is an id or an exact name.

    \b
    Example:
      cftokens rotate dns-bot --lifetime 90d --overlap 1h --value-to new.token
    """  # fmt: skip
    chosen = needed(place, output)
    found = owner.find(token)
    if dry_run:
        click.echo(safe(f"{found.name} ({found.id}) would get a successor, and would end {overlap} later."))
        return

    def store(successor: TokenCreateResponse) -> None:
        sentence = f"Created the successor {successor.name} ({successor.id})."
        deliver(chosen, output, successor, successor.value, sentence)

    with reserved(chosen), temporary(owner):
        try:
            rotation = owner.tokens.rotate(
                found.id, store=store, lifetime=lifetime, overlap=overlap, name=name
            )
        except RotationError as error:
            raise _with_cause(error) from error.__cause__
    note(f"The token {found.name} ({found.id}) stops working on {iso(rotation.retires_on)}.")


def _with_cause(error: RotationError) -> RotationError:
    """
    Return the error; its message says what there is now, but a failed *store* is ours to explain.
    """
    if isinstance(error.__cause__, OSError) and error.successor is not None:
        return RotationError(
            f"{error} {error.__cause__.strerror}. "
            f"The value of {error.successor.id} is lost: delete that token.",
            stage=error.stage,
            predecessor_id=error.predecessor_id,
            successor=error.successor,
        )
    return error
