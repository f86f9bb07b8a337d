"""
Commands that change tokens: edit, retire, delete.
"""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal

import attrs
import click

from cftokens._settings import UNSET, Unset
from cftokens.cli._access import NEVER, Access, durations, granting, seconds
from cftokens.cli._asking import ask, dry_run_option, yes_option
from cftokens.cli._completing import token_names
from cftokens.cli._failures import UnknownOutcome
from cftokens.cli._output import Output, document, note, printing, progress, said, token_document
from cftokens.cli._owner import Owner, owned
from cftokens.cli._settling import line_of, repeated
from cftokens.cli._text import clean, counted, iso, titled
from cftokens.cli._wording import changed, other_terms, request_ip_of, wanted, widens
from cftokens.errors import CFTokensError
from cftokens.models import Condition, ConditionRequestIP, Token

several_tokens = click.argument("names", metavar="TOKEN...", nargs=-1, shell_complete=token_names)


@click.command("retire")
@owned
@printing
@click.option("--after", callback=durations(), default="0s", metavar="1h", help="Keep it working this long.")
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
    found = _find_all(owner, names, yes=yes)
    how = f"retired; they stop working after {after}" if after else "disabled at once"
    if dry_run:
        output.plan(f"These tokens would be {how}:", _named(found))
        return
    ask(_question(found, f"{counted(len(found), 'token')} will be {how}."), yes=yes)
    options = ["--after", seconds(after), "--yes", *owner.arguments]
    with progress("Retiring tokens"):
        _one_by_one(
            found,
            lambda token: owner.tokens.retire(token.id, after=after),
            lambda token: line_of("retire", token.id, options),
            Told(output, "retired", with_end=bool(after)),
        )


@click.command("delete")
@owned
@printing
@yes_option
@dry_run_option
@several_tokens
def delete_command(owner: Owner, names: tuple[str, ...], *, output: Output, yes: bool, dry_run: bool) -> None:
    """
    Delete tokens for good. They may work for some seconds more. Each TOKEN is an id or an exact name.

    \b
    Examples:
      cftokens delete dns-bot
      cftokens list --quiet --expired | xargs cftokens delete --yes
    """
    found = _find_all(owner, names, yes=yes)
    if dry_run:
        output.plan("These tokens would be deleted:", _named(found))
        return
    ask(_question(found, f"{counted(len(found), 'token')} will be deleted for good."), yes=yes)
    with progress("Deleting tokens"):
        _one_by_one(
            found,
            lambda token: _delete(owner, token),
            lambda token: line_of("delete", token.id, ["--yes", *owner.arguments]),
            Told(output, "deleted"),
        )


def _delete(owner: Owner, token: Token) -> Token:
    try:
        owner.tokens.delete(token.id)
    except (CFTokensError, KeyboardInterrupt) as error:
        if getattr(error, "outcome_unknown", True):
            error.add_note("If there is no such token any more, it was deleted.")
        raise
    return token


def _find_all(owner: Owner, names: Sequence[str], *, yes: bool) -> list[Token]:
    """
    Return each token that is named, once. With ``--yes`` there may be none, as at the end of an empty pipe.
    """
    if not names and not yes:
        raise click.UsageError("Missing argument 'TOKEN...'.")
    found = {token.id: token for token in map(owner.find, names)}
    if not found:
        note("No token was named, so nothing was changed.")
    return [*found.values()]


def _named(tokens: Iterable[Token]) -> list[str]:
    return [f"{token.id}  {clean(str(token.name))}" for token in tokens]


def _question(tokens: Iterable[Token], sentence: str) -> str:
    return "\n".join([sentence, *(f"  {line}" for line in _named(tokens)), "Go on?"])


@attrs.frozen
class Told:
    """
    Says which tokens were changed, and which were not.

    Attributes:
        output: What is printed.

        done: What became of a token, such as ``deleted``.

        with_end: Say until when it works, if it is active.
    """

    output: Output
    done: str
    with_end: bool = False

    def changed(self, tokens: Sequence[Token]) -> None:
        """
        Print the tokens that were changed.
        """
        sentences = [f"{self.done.capitalize()} {titled(token)}.{self._end_of(token)}" for token in tokens]
        if not self.output.json:
            for token, sentence in zip(tokens, sentences, strict=True):
                self.output.token(token, sentence)
        else:
            with said("\n".join(sentences)):
                document([token_document(token) for token in tokens])

    def _end_of(self, token: Token) -> str:
        works = self.with_end and token.status == "active"
        return f" It works until {iso(token.expires_on)}." if works else ""

    def unchanged(self, tokens: Iterable[Token]) -> None:
        """
        Name the tokens that were not.
        """
        for token in tokens:
            note(f"Not {self.done}: {titled(token)}.")


def _one_by_one(
    tokens: Sequence[Token],
    change: Callable[[Token], Token],
    line: Callable[[Token], str],
    told: Told,
) -> None:
    """
    Change tokens, and say how far it came if it stops.
    """
    done: list[Token] = []
    left = [*tokens]
    try:
        while left:
            with repeated(line(left[0])):
                done.append(change(left[0]))
            left.pop(0)
    except UnknownOutcome:
        left.pop(0)
        raise
    finally:
        told.changed(done)
        told.unchanged(left)


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
        output.plan(f"In {titled(found)}, this would change:", lines)
        return
    permissions = ["the permissions"] if widens(asked.difference(found)) else []
    wider = [*permissions, *change.wider_than(found)]
    if wider:
        ask(f"This widens {', '.join(wider)} of {titled(found)}. Go on?", yes=yes)
    with repeated(line_of("edit", found.id, [*access.options, *change.options, "--yes", *owner.arguments])):
        edited = owner.tokens.edit(
            found.id,
            name=change.name,
            policies=policies or UNSET,
            condition=change.condition,
            expires_on=change.expires_on,
            status=change.status,
        )
    output.token(edited, f"Changed {titled(edited)}.")


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

    @property
    def options(self) -> Iterator[str]:
        """
        The options that say the same, but for the addresses, with an expiry that does not depend on the time.
        """
        if not isinstance(self.name, Unset):
            yield from ("--rename", self.name)
        if not isinstance(self.status, Unset):
            yield from ("--status", self.status)
        if not isinstance(self.expires_on, Unset):
            yield from ("--expires", iso(self.expires_on, NEVER))

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
            and not _is_within(request_ip_of(self.condition), request_ip_of(token.condition)),
            "the conditions": not isinstance(self.condition, Unset) and bool(other_terms(token.condition)),
        }
        return [what for what, wider in found.items() if wider]


def _is_later(new: datetime | None, old: datetime | None) -> bool:
    return old is not None and (new is None or new > old)


def _is_within(new: ConditionRequestIP, old: ConditionRequestIP) -> bool:
    """
    Return whether a condition certainly accepts no address that another one does not.
    """
    inside = old.in_ is None or (bool(new.in_) and all(_is_in(each, old.in_) for each in new.in_ or ()))
    return inside and all(_is_in(each, new.not_in or ()) for each in old.not_in or ())


def _is_in(network: str, networks: Iterable[str]) -> bool:
    try:
        small = ipaddress.ip_network(network, strict=False)
        large = [ipaddress.ip_network(each, strict=False) for each in networks]
    except ValueError:  # Cloudflare has a form of network that we don't know
        return False
    return any(
        small.version == each.version
        and int(each.network_address) <= int(small.network_address)
        and int(small.broadcast_address) <= int(each.broadcast_address)
        for each in large
    )
