"""
Commands that judge: explain, diff, audit, whatis.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from cftokens import policies as p
from cftokens._inspection import ValueInfo, inspect_value
from cftokens._secret import TokenValue
from cftokens.audit import Finding, audit
from cftokens.cli._access import Access, granting, policies_of
from cftokens.cli._columns import Column
from cftokens.cli._completing import token_names
from cftokens.cli._output import (
    Output,
    document,
    note,
    printing,
    progress,
    show_fields,
    show_lines,
    show_table,
)
from cftokens.cli._owner import Owner, owned
from cftokens.cli._remedies import message_of, owner_options
from cftokens.cli._text import clean, counted, showable
from cftokens.cli._wording import addresses, described, same_terms, wanted
from cftokens.models import Token
from cftokens.sync import Client

_FOUND: Final = 1
_SEEN: Final = "The list shows what this credential may see."
AGES: Final = (
    Column("NAME", kept=True),
    Column("AGE", whole=True, kept=True),
    Column("EXPIRES", whole=True),
    Column("ID", whole=True),
)
_BAR: Final = 12


@click.command("explain")
@owned
@granting
@printing
@click.argument("token", metavar="[TOKEN]", required=False, shell_complete=token_names)
def explain_command(owner: Owner, token: str | None, *, access: Access, output: Output) -> None:
    """
    Say in words what a token may do, or what options would grant.

    \b
    Examples:
      cftokens explain dns-bot
      cftokens explain --allow "DNS Write" --all-zones
      cftokens explain --policy-file policies.json
    """
    if token is None:
        lines = wanted(owner, access.required(owner), access).access
    else:
        lines = described(owner.find(token).policies, owner.catalogue)
    if output.json:
        document(lines)
        return
    for line in lines:
        click.echo(clean(line))


@click.command("diff")
@owned
@printing
@click.option(
    "--policy-file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Compare with the policies in this file.",
)
@click.argument("token", metavar="TOKEN", shell_complete=token_names)
@click.argument("other", metavar="[OTHER]", required=False, shell_complete=token_names)
def diff_command(
    owner: Owner, token: str, other: str | None, *, output: Output, policy_file: str | None
) -> None:
    """
    Show how the access and addresses of two tokens differ.

    A token can also be compared with a policy file, which says nothing of addresses. The order of policies
    does not matter. The exit status is 1 if there is a difference. TOKEN and OTHER are ids or exact names.

    \b
    Examples:
      cftokens diff dns-bot dns-bot-2
      cftokens diff dns-bot --policy-file policies.json
    """  # fmt: skip
    if (other is None) == (policy_file is None):
        raise click.UsageError("Compare with what? Name another token, or use --policy-file FILE.")
    one = owner.find(token)
    if policy_file is not None:
        policies, condition = tuple(policies_of(policy_file, owner)), one.condition
    else:
        two = owner.find(str(other))
        policies, condition = two.policies, two.condition
    groups = owner.catalogue
    difference = p.difference(one.policies, policies, groups)
    same = same_terms(one.condition, condition)
    here, there = addresses(one.condition), addresses(condition)
    if output.json:
        added, removed = (p.describe(each, groups) for each in (difference.added, difference.removed))
        others = {} if same else {"addresses": [here, there]}
        document({"added": added, "removed": removed, **others})
    elif not output.quiet:
        if difference or same:
            click.echo(clean(str(difference)))
        if not same:
            click.echo(clean(f"Addresses: {here}; of the other: {there}."))
    if difference or not same:
        raise click.exceptions.Exit(_FOUND)


@click.command("audit")
@owned
@printing
@click.option(
    "--ignore",
    "waivers",
    multiple=True,
    metavar="ID=REASON",
    help="Accept what is found about this token. Repeatable.",
)
@click.option(
    "--ignore-file",
    type=click.Path(exists=True, dir_okay=False),
    metavar="FILE",
    help="Read such lines from this file; '#' begins a comment.",
)
def audit_command(owner: Owner, *, output: Output, waivers: tuple[str, ...], ignore_file: str | None) -> None:
    """
    Find what is wrong with the tokens.

    The exit status is 1 if something was found. The list shows what your credential may see, which may not
    be all tokens.

    \b
    Examples:
      cftokens audit
      cftokens audit --ignore-file accepted.txt --json
    """  # fmt: skip
    lines = Path(ignore_file).read_text(encoding="utf-8").splitlines() if ignore_file else []
    ignored = dict(_waiver(line) for line in [*waivers, *_without_comments(lines)])
    whose = owner_options(owner)
    with progress("Listing tokens"):
        tokens = owner.tokens.list(include_expired=True).collect()
        found = audit(tokens, groups=owner.catalogue, ignore=ignored)
    if output.json:
        document([{**finding.to_dict(), "message": message_of(finding, whose)} for finding in found])
    elif output.quiet:
        for token_id in dict.fromkeys(finding.token.id for finding in found if finding.token):
            click.echo(token_id)
    else:
        _report(tokens, found, whose)
    unknown = ignored.keys() - {token.id for token in tokens}
    if unknown:
        note(f"No token has the id of these waivers: {', '.join(sorted(unknown))}.")
    if found:
        raise click.exceptions.Exit(_FOUND)


def _without_comments(lines: Iterable[str]) -> Iterator[str]:
    return (line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))


def _waiver(text: str) -> tuple[str, str]:
    token_id, _, reason = text.partition("=")
    if not token_id.strip() or not reason.strip():
        raise click.UsageError(f"A waiver is ID=REASON, not {text!r}.")
    return token_id.strip(), reason.strip()


def _report(tokens: Sequence[Token], found: Sequence[Finding], whose: Sequence[str]) -> None:
    if sys.stdout.isatty():
        show_table(AGES, [life(token, datetime.now(UTC)) for token in tokens])
        for finding in found:
            click.echo("\n" + "\n".join(map(showable, paragraph(finding, whose))))
    else:
        show_lines([finding_row(finding, whose) for finding in found])
    note(f"{counted(len(tokens), 'token')}, {counted(len(found), 'finding')}. {_SEEN}")
    if found:
        note("What you accept for good goes into a file, a line ID=REASON each: --ignore-file FILE.")


def paragraph(finding: Finding, whose: Sequence[str]) -> list[str]:
    """
    Return a finding in two lines: the token, and the message on one line, so that commands can be pasted.
    """
    severity, name, message, token_id, rule = map(clean, finding_row(finding, whose))
    return ["  ".join(part for part in (severity, name, token_id, f"({rule})") if part), message]


def finding_row(finding: Finding, whose: Sequence[str]) -> list[str]:
    """
    Return a finding's fields in a line of a pipe.
    """
    token_id, name = (finding.token.id, finding.token.name) if finding.token else ("", "")
    return [finding.severity, name or "", message_of(finding, whose), token_id, finding.rule]


def life(token: Token, now: datetime) -> list[str]:
    """
    Draw how old a token's value is, and how long it still works. A full bar is a year.
    """
    changed = token.modified_on or token.issued_on
    age = (now - changed).days if changed else 0
    left = "never" if token.expires_on is None else _bar((token.expires_on - now).days)
    return [token.name or "", _bar(age), left, token.id]


def _bar(days: int) -> str:
    full, empty = "█░" if showable("█░") == "█░" else "#."
    filled = max(0, min(_BAR, round(days * _BAR / 365)))
    return f"{full * filled}{empty * (_BAR - filled)} {days} d"


@click.command("whatis")
@printing
@click.option("--online", is_flag=True, help="Ask Cloudflare whose token it is. This sends the value there.")
@click.option(
    "--account",
    multiple=True,
    metavar="ID",
    help="With --online: an account that could own it, besides CLOUDFLARE_ACCOUNT_ID. Repeatable.",
)
def whatis_command(*, output: Output, online: bool, account: tuple[str, ...]) -> None:
    """
    Say what kind of value you found somewhere.

    The value is asked for without an echo, or read from standard input. Nothing is sent, unless you say
    --online; then the exit status is 1 if no token has this value.

    \b
    Examples:
      cftokens whatis
      cftokens whatis --online < found.txt
    """  # fmt: skip
    value = _read_value()
    info = inspect_value(value)
    if output.quiet and not online:
        raise click.UsageError("--quiet needs --online: only Cloudflare knows the id.")
    if online:
        _identify(value, account, output)
    elif output.json:
        document({"kind": info.kind, "checksum": info.checksum, "advice": _advice(info)})
    else:
        show_fields({"kind": info.kind, "checksum": _checksum(info), "advice": _advice(info)})


def _read_value() -> TokenValue:
    if sys.stdin.isatty():
        return TokenValue(click.prompt("Value", hide_input=True, err=True))
    return TokenValue(sys.stdin.read().removesuffix("\n").removesuffix("\r"))


def _advice(info: ValueInfo) -> str:
    return info.advice.replace("identify()", '"cftokens whatis --online"')


def _checksum(info: ValueInfo) -> str:
    return {True: "fits", False: "does not fit", None: "none"}[info.checksum]


def _identify(value: TokenValue, accounts: Iterable[str], output: Output) -> None:
    with Client(trust_env=True) as client:
        identity = client.identify(value, account_ids=accounts)
    if identity.id is None:
        raise click.ClickException("No token of the user and of these accounts has this value.")
    fields = {
        "id": identity.id,
        "kind": identity.kind,
        "status": identity.status,
        "account": identity.account_id,
    }
    if output.json:
        document(fields)
    elif output.quiet:
        click.echo(identity.id)
    else:
        show_fields({name: str(found) for name, found in fields.items() if found is not None})
