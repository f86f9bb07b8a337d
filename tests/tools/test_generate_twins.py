"""
The generator of the twins, and whether its output is up to date.
"""

import runpy
from pathlib import Path

import pytest

from cftokens._tools import generate_twins

SMALL = '''
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from cftokens._operations import endpoints
from cftokens._operations.pagination import Paginator
from cftokens._operations.owners import Owners
from cftokens.models import Token, TokenPolicy


class Helper:
    """
    No resource.
    """

    def __init__(self, sender: object, settings: object) -> None:
        pass


class AccountKeys:
    """
    Some keys.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self.locks = AccountLocks(owners)

    def list(
        self, *, account_id: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Paginator[Token]:
        """
        List them.

        https://developers.cloudflare.com/api/resources/accounts/subresources/keys/

        Args:
            account_id: The account,
                by default the client's.

            since: The first.
        """
        return Paginator(self._owners.account(account_id), since, until)

    async def turn(
        self,
        key_id: str,
        /,
        way: Literal["left", "right"],
        *,
        times: int = 1,
        account_id: str | None = None,
    ) -> Token:
        """
        Turn one.
        """
        owner = self._owners.account(account_id)
        return await owner.send(endpoints.turn(owner.path_of(key_id), way, times))

    async def count(self, *, account_id: str | None = None) -> int:
        """
        Count them.

        Args:
            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.
        """
        return await self._owners.account(account_id).count()

    async def undo(self, attempt: Token) -> Token:
        """
        Undo one.
        """
        return await self._owners.account_of(attempt).undo(attempt)

    async def _hidden(self) -> None:
        pass


class AccountLocks:
    """
    Some locks.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners


class Accounts:
    """
    The resources of one kind of owner.
    """

    def __init__(self, owners: Owners) -> None:
        self.keys = AccountKeys(owners)
'''

USER = '''
from datetime import datetime
from typing import Literal

from cftokens._operations import endpoints
from cftokens._operations.pagination import Paginator
from cftokens._operations.owners import Owners
from cftokens.models import Token


class UserKeys:
    """
    Some keys.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self.locks = UserLocks(owners)

    def list(self, *, since: datetime | None = None, until: datetime | None = None) -> Paginator[Token]:
        """
        List them.

        https://developers.cloudflare.com/api/resources/user/subresources/keys/

        Args:
            since: The first.
        """
        return Paginator(self._owners.user(), since, until)

    async def turn(
        self,
        key_id: str,
        /,
        way: Literal["left", "right"],
        *,
        times: int = 1,
    ) -> Token:
        """
        Turn one.
        """
        owner = self._owners.user()
        return await owner.send(endpoints.turn(owner.path_of(key_id), way, times))

    async def count(self) -> int:
        """
        Count them.

        Raises:
            ValueError: An argument is wrong.
        """
        return await self._owners.user().count()

    async def undo(self, attempt: Token) -> Token:
        """
        Undo one.
        """
        return await self._owners.user_of(attempt).undo(attempt)

    async def _hidden(self) -> None:
        pass


class UserLocks:
    """
    Some locks.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners


class User:
    """
    The resources of one kind of owner.
    """

    def __init__(self, owners: Owners) -> None:
        self.keys = UserKeys(owners)
'''

BLOCKING = '''
from datetime import datetime
from typing import Literal

from cftokens import _resources as resources
from cftokens.models import Token
from cftokens.sync._pagination import Paginator
from cftokens.sync._portal import Portal


class AccountKeys:
    """
    Some keys.
    """

    def __init__(self, portal: Portal, wrapped: resources.AccountKeys) -> None:
        self._portal = portal
        self._wrapped = wrapped
        self.locks = AccountLocks(portal, wrapped.locks)

    def list(
        self, *, account_id: str | None = None, since: datetime | None = None, until: datetime | None = None
    ) -> Paginator[Token]:
        """
        List them.

        https://developers.cloudflare.com/api/resources/accounts/subresources/keys/

        Args:
            account_id: The account,
                by default the client's.

            since: The first.
        """
        return Paginator(self._portal, self._wrapped.list(account_id=account_id, since=since, until=until))

    def turn(
        self,
        key_id: str,
        /,
        way: Literal["left", "right"],
        *,
        times: int = 1,
        account_id: str | None = None,
    ) -> Token:
        """
        Turn one.
        """
        return self._portal.call(self._wrapped.turn(key_id, way, times=times, account_id=account_id))

    def count(self, *, account_id: str | None = None) -> int:
        """
        Count them.

        Args:
            account_id: The account, by default the client's.

        Raises:
            ValueError: An argument is wrong.
        """
        return self._portal.call(self._wrapped.count(account_id=account_id))

    def undo(self, attempt: Token) -> Token:
        """
        Undo one.
        """
        return self._portal.call(self._wrapped.undo(attempt))


class AccountLocks:
    """
    Some locks.
    """

    def __init__(self, portal: Portal, wrapped: resources.AccountLocks) -> None:
        self._portal = portal
        self._wrapped = wrapped


class Accounts:
    """
    The resources of one kind of owner.
    """

    def __init__(self, portal: Portal, wrapped: resources.Accounts) -> None:
        self._portal = portal
        self._wrapped = wrapped
        self.keys = AccountKeys(portal, wrapped.keys)
'''

HEADER = """\
# Generated by cftokens/_tools/generate_twins.py; edits here will be lost.
# Change cftokens/_resources.py and run `nox -s sync`.
"""


@pytest.mark.parametrize("path", generate_twins.render(SMALL))
def test_the_generated_files_are_up_to_date(path: str) -> None:
    """
    Each twin is what the generator makes of the source.
    """
    current = (generate_twins.PACKAGE / path).read_text()
    fresh = generate_twins.render(generate_twins.SOURCE.read_text())[path]

    assert current == fresh, f"cftokens/{path} is stale: run `nox -s sync` and commit it."


def test_user_tokens_have_no_account() -> None:
    """
    The argument is dropped from signatures, docstrings and calls, and the rest is copied.
    """
    rendered = generate_twins.render(SMALL)["_user_resources.py"]

    assert rendered.startswith(HEADER)
    assert rendered.endswith(USER)


def test_blocking_twins_forward_every_call() -> None:
    """
    Signatures and docstrings are copied, the bodies forward, and only resources have twins.
    """
    rendered = generate_twins.render(SMALL)["sync/_resources.py"]

    assert rendered.startswith(HEADER)
    assert rendered.endswith(BLOCKING)


def test_a_new_method_needs_nothing_else() -> None:
    """
    A method that is added to one class appears in the other three, each with its own signature.
    """
    method = '''
    async def melt(self, key_id: str, *, account_id: str | None = None, hot: bool = True) -> Token:
        """
        Melt one.
        """
        return await self._owners.account(account_id).melt(key_id, hot)
'''
    rendered = generate_twins.render(
        SMALL.replace("    async def count(", method.lstrip("\n") + "\n    async def count(")
    )

    assert (
        "    async def melt(self, key_id: str, *, hot: bool = True) -> Token:"
        in rendered["_user_resources.py"]
    )
    assert "self._wrapped.melt(key_id, account_id=account_id, hot=hot)" in rendered["sync/_resources.py"]
    assert (
        "    def melt(self, key_id: str, *, hot: bool = True) -> Token:"
        in rendered["sync/_user_resources.py"]
    )
    assert "self._wrapped.melt(key_id, hot=hot)" in rendered["sync/_user_resources.py"]


NAMES = [
    "a_rather_long_name",
    "another_rather_long_name",
    "yet_another_long_name",
    "the_last_of_the_long_names",
]
LONG = SMALL.replace(
    "account_id: str | None = None, since: datetime | None = None, until: datetime | None = None",
    "account_id: str | None = None,\n        " + ", ".join(f"{name}: int | None = None" for name in NAMES),
).replace("since, until", ", ".join(NAMES))


def test_long_calls_have_one_argument_per_line() -> None:
    """
    A call that does not fit on one line is split.
    """
    rendered = generate_twins.render(LONG)["sync/_resources.py"]

    assert (
        "        return Paginator(\n"
        "            self._portal,\n"
        "            self._wrapped.list(\n"
        "                account_id=account_id,\n"
        "                a_rather_long_name=a_rather_long_name,\n"
    ) in rendered


def test_long_signatures_have_one_argument_per_line() -> None:
    """
    The signature of a user's twin is split if it does not fit on two lines.
    """
    rendered = generate_twins.render(LONG)["_user_resources.py"]

    assert (
        "    def list(\n"
        "        self,\n"
        "        *,\n"
        "        a_rather_long_name: int | None = None,\n"
        "        another_rather_long_name: int | None = None,\n"
    ) in rendered


def test_long_imports_have_one_name_per_line() -> None:
    """
    An import that does not fit on one line is split.
    """
    names = [f"AModelWithALongNameAndTheNumber{number}" for number in range(4)]
    source = SMALL.replace("import Token, TokenPolicy", f"import {', '.join(names)}").replace(
        "-> Token:", f"-> {' | '.join(names)}:"
    )
    rendered = generate_twins.render(source)["sync/_resources.py"]

    assert "from cftokens.models import (\n    AModelWithALongNameAndTheNumber0,\n" in rendered


def test_a_method_without_a_docstring_is_refused() -> None:
    """
    There is nothing to copy, and users would have nothing to read.
    """
    with pytest.raises(ValueError, match="turn has no docstring"):
        generate_twins.render(SMALL.replace('"""\n        Turn one.\n        """', "pass"))


def test_a_method_without_a_known_result_is_refused() -> None:
    """
    A plain method must return something that has a blocking twin.
    """
    with pytest.raises(ValueError, match="list has no return type"):
        generate_twins.render(SMALL.replace(") -> Paginator[Token]:", "):"))


def test_another_use_of_the_account_is_refused() -> None:
    """
    A method that needs the account id itself cannot work for a user.
    """
    with pytest.raises(ValueError, match="AccountKeys uses account_id"):
        generate_twins.render(
            SMALL.replace("return await self._owners.account(account_id).count()", "account_id")
        )


def test_it_writes_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    Run as a program, it replaces the files and says so.
    """
    (tmp_path / "sync").mkdir()
    monkeypatch.setattr(generate_twins, "PACKAGE", tmp_path)
    generate_twins.main()
    fresh = generate_twins.render(generate_twins.SOURCE.read_text())

    assert {path: (tmp_path / path).read_text() for path in fresh} == fresh
    assert capsys.readouterr().out == "".join(f"Wrote cftokens/{path}.\n" for path in fresh)


def test_it_is_a_program() -> None:
    """
    Run by its path, which needs no importable package, it leaves up-to-date files unchanged.
    """
    paths = [generate_twins.PACKAGE / path for path in generate_twins.render(SMALL)]
    before = [path.read_text() for path in paths]
    runpy.run_path(str(generate_twins.__file__), run_name="__main__")

    assert [path.read_text() for path in paths] == before


def test_the_twin_of_a_resource_shows_its_own_package() -> None:
    """
    It has no base class, a repr of its own, and what is hidden from type checkers.
    """
    hidden = "    if not TYPE_CHECKING:  # why\n        keys = AccountKeys\n"
    source = (
        'class AccountKeys(Resource):\n    """\n    Keys.\n    """\n\n'
        f"{hidden}\n    def __init__(self, owners: Owners) -> None:\n        super().__init__(owners)\n"
    )
    twin = generate_twins.render(source)["sync/_resources.py"]

    assert "class AccountKeys:\n" in twin
    assert hidden in twin
    assert 'return repr(self._wrapped).replace("cftokens.", "cftokens.sync.", 1)' in twin
