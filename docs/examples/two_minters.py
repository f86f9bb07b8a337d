"""
Two minters that roll each other: the value of neither grows old, and no lost answer locks you out. For cron.

    python docs/examples/two_minters.py DIRECTORY --add a    reads the value of a minter, and keeps it as "a"
    python docs/examples/two_minters.py DIRECTORY --add b    likewise
    python docs/examples/two_minters.py DIRECTORY            rolls one of them with the other

    17 3 * * 0  CLOUDFLARE_ACCOUNT_ID=... flock DIRECTORY python two_minters.py DIRECTORY

A minter is a token that makes tokens. Make both in the dashboard; cftokens.bootstrap_url() is where. Each run
rolls the one whose value is older, or the one whose stored value does not work: that is how an answer
that was lost, or a run that was killed before it stored a value, is mended.

Exit status: 0 if it is done, 1 if not although a minter may work, 2 if none works or the usage is wrong.
"""

import argparse
import getpass
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import attrs

from cftokens import AuthenticationError, CFTokensError, PermissionDeniedError, TokenValue, bootstrap_url
from cftokens.sync import Client

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@attrs.frozen
class Minter:
    """
    A token that makes tokens, as it is kept.
    """

    label: str
    id: str
    value: TokenValue


Store = Callable[[Minter], None]
"""Keeps a minter in place of the one with the same label."""


def main(arguments: list[str]) -> int:
    """
    Add a minter or roll one, and return the exit status.
    """
    options = parse(arguments)

    def store(minter: Minter) -> None:
        write(options.directory, minter)

    try:
        if options.add:
            return add(options.add, store)
        return roll_one(read(options.directory, "a"), read(options.directory, "b"), store)
    except (CFTokensError, OSError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(
        description="Roll one of two minters with the other.",
        epilog="Exit status: 0 done, 1 not done although a minter may work, 2 no minter works.",
    )
    parser.add_argument("directory", type=Path, help="where the minters are kept")
    parser.add_argument("--add", choices=["a", "b"], help="read a minter's value from standard input")
    return parser.parse_args(arguments)


def add(label: str, store: Store) -> int:
    """
    Keep a minter that was made in the dashboard.
    """
    text = getpass.getpass("Value: ") if sys.stdin.isatty() else sys.stdin.readline().strip()
    value = TokenValue(text)
    with Client(value) as client:
        verified = client.accounts.tokens.verify()
    store(Minter(label, verified.id, value))
    print(f"Minter {label!r} is {verified.id}; its status is {verified.status!r}.")
    return 0


def roll_one(first: Minter, second: Minter, store: Store) -> int:
    """
    Roll the minter that needs it more with the other one.
    """
    match works(first), works(second):
        case False, False:
            problem = f"Neither minter works. Make new ones: {bootstrap_url()}"
            print(problem, file=sys.stderr)
            return 2
        case False, True:
            roll(first, second, store)
        case True, False:
            roll(second, first, store)
        case _:
            roll(*by_age(first, second), store)
    return 0


def works(minter: Minter) -> bool:
    """
    Return whether the stored value of a minter works.
    """
    try:
        with Client(minter.value) as client:
            return client.accounts.tokens.verify().status == "active"
    except (AuthenticationError, PermissionDeniedError):
        return False


def by_age(first: Minter, second: Minter) -> tuple[Minter, Minter]:
    """
    Return both, the one that was rolled longer ago first.
    """
    with Client(first.value) as client:
        rolled = [client.accounts.tokens.get(minter.id).modified_on or LONG_AGO for minter in (first, second)]
    return (first, second) if rolled[0] <= rolled[1] else (second, first)


def roll(old: Minter, other: Minter, store: Store) -> None:
    """
    Roll a minter with the other one, and store the new value before all else.
    """
    with Client(other.value) as client:
        tokens = client.accounts.tokens
        try:
            value = tokens.value.update(old.id)
        except CFTokensError as error:
            if not error.outcome_unknown:
                raise
            value = tokens.value.update(old.id)  # only the last value counts
        store(attrs.evolve(old, value=value))
        tokens.wait_until_active(value)
    print(f"Rolled minter {old.label!r} with {other.label!r}.")


def read(directory: Path, label: str) -> Minter:
    """
    Read a minter.
    """
    kept = json.loads((directory / f"{label}.json").read_text())
    return Minter(label, kept["id"], TokenValue(kept["value"]))


def write(directory: Path, minter: Minter) -> None:
    """
    Write a minter, all of it or nothing, where only this user can read it.
    """
    path = directory / f"{minter.label}.json"
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(json.dumps({"id": minter.id, "value": minter.value.reveal()}))
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
