"""
Asks what a new token may do, says it in words, and shows the command that does the same.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

import attrs
import click

from cftokens._checks import check_network, check_token_name
from cftokens.cli._access import ANY, Access, moment_of
from cftokens.cli._destinations import NewFile, Place
from cftokens.cli._owner import Owner
from cftokens.cli._text import clean, safe, typed
from cftokens.cli._wording import wanted
from cftokens.models import PermissionGroup
from cftokens.policies import ACCOUNT, R2_BUCKET, WORKER, ZONE

T = TypeVar("T")


class _Kind(NamedTuple):
    """
    A kind of resource.
    """

    title: str
    option: str
    scope: str
    """The scope of the permission groups that work on it."""


_KINDS: Final = (
    _Kind("single zones, by id", "zone", ZONE),
    _Kind("all zones", "all_zones", ZONE),
    _Kind("accounts, by id", "on_account", ACCOUNT),
    _Kind("single R2 buckets, by name", "bucket", R2_BUCKET),
    _Kind("all R2 buckets of the account", "all_buckets", R2_BUCKET),
    _Kind("single Workers, by tag", "worker", WORKER),
)


class Answers(NamedTuple):
    """
    What the user wants.
    """

    name: str
    access: Access
    place: Place


def ask_for_all(owner: Owner, name: str | None, place: Place | None) -> Answers:
    """
    Ask for everything that a new token needs, and whether it is right.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise click.UsageError("-i needs a terminal.")
    name = name or _ask("Name of the token", check_token_name)
    kind = _KINDS[_choose("On what may it work?", [each.title for each in _KINDS])]
    resource = _of(kind, _ask_for_resources(owner, kind))
    allowed = _ask_for_groups(owner, kind.scope)
    until = _ask("Expires: after a time such as 90d, at a date, or never", _expiry, "90d")
    networks = _ask("Usable from which networks, with spaces between them", _networks, ANY)
    place = place or NewFile(_ask("New file for the value", _new_file, f"{name.replace('/', '-')}.token"))
    expires = moment_of(until, or_never=True)
    access = attrs.evolve(resource, allow=tuple(allowed), ip=networks, expires=expires)
    lines = wanted(owner, access.required(owner), access).lines()
    _say("\n".join(["", f"{name} will be allowed:", *(f"  {line}" for line in lines)]))
    command = ["cftokens", "create", *owner.arguments, *access.options, "--expires", until, *place.arguments]
    _say(f"\nThis command does the same:\n{typed([*command, '--', name])}\n")
    if not click.confirm("Create it?", err=True):
        raise click.ClickException("Nothing was created.")
    return Answers(name, access, place)


def _of(kind: _Kind, names: tuple[str, ...] | bool) -> Access:
    return Access(**{kind.option: names})  # type: ignore[arg-type]


def _say(text: str) -> None:
    click.echo(safe(text), err=True)


def _ask(question: str, read: Callable[[str], T], default: str | None = None) -> T:
    """
    Ask until the answer can be read.
    """

    def process(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise click.UsageError(safe(str(error))) from None

    answer: T = click.prompt(
        question, default=default, show_default=bool(default), value_proc=process, err=True
    )
    return answer


def _choose(question: str, titles: Sequence[str]) -> int:
    _number(titles)
    return _ask(question, lambda text: _numbers(text, len(titles))[0]) - 1


def _number(titles: Sequence[str]) -> None:
    for number, title in enumerate(titles, 1):
        click.echo(f"{number:4}  {clean(title)}", err=True)


def _numbers(text: str, last: int) -> list[int]:
    words = text.split()
    if not words or not all(word.isdecimal() and 1 <= int(word) <= last for word in words):
        raise ValueError(f"Choose from 1 to {last}.")
    return [int(word) for word in words]


def _ask_for_resources(owner: Owner, kind: _Kind) -> tuple[str, ...] | bool:
    if kind.option.startswith("all_"):
        return True

    def read(text: str) -> tuple[str, ...]:
        names = tuple(text.split())
        list(_of(kind, names).resources(owner))  # raises a ValueError if one is wrong
        return names

    default = owner.account_id if kind.option == "on_account" else None
    return _ask("Which ones, with spaces between them", read, default)


def _ask_for_groups(owner: Owner, scope: str) -> list[str]:
    """
    Ask for permission groups: words filter a numbered list, from which numbers choose.
    """
    groups = [group for group in owner.catalogue if group.name and scope in (group.scopes or ())]
    chosen: list[str] = []
    while True:
        more = ", or nothing if that is all" if chosen else ", such as 'dns write'"
        words = _ask(f"Which permissions? Words of the name{more}", str.split, "" if chosen else None)
        if not words:
            return chosen
        chosen += _ask_for_some([group for group in groups if _has_all(group, words)])


def _has_all(group: PermissionGroup, words: Sequence[str]) -> bool:
    return all(word.lower() in str(group.name).lower() for word in words)


def _ask_for_some(groups: Sequence[PermissionGroup]) -> list[str]:
    names = [str(group.name) for group in groups]
    if not names:
        _say("No permission has these words.")
        return []
    _number(names)
    numbers = _ask(
        "Numbers, or nothing for none", lambda text: _numbers(text, len(names)) if text else [], ""
    )
    return [names[number - 1] for number in numbers]


def _expiry(text: str) -> str:
    moment_of(text, or_never=True)
    return text


def _networks(text: str) -> tuple[str, ...]:
    names = tuple(text.split())
    if names == (ANY,):
        return names
    return tuple(check_network(name, "the network") for name in names)


def _new_file(text: str) -> str:
    if Path(text).exists():
        raise ValueError(f"{text} exists.")
    return text
