"""
A `cftokens` that talks to an emulator, and whose every word is searched for a value.
"""

import secrets
import shlex
import string
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from cftokens import Client
from cftokens._settings import Timing
from cftokens.cli._program import program
from cftokens.emulator._values import PREFIXES, Kind
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator
from tests.support import Clock
from tests.vocabulary import MARK

if TYPE_CHECKING:
    from tests.cli.terminal import Start, Terminal

_WITHOUT_WINDOWS = ["test_interrupts.py", "test_places.py", "test_terminal.py"]

collect_ignore = _WITHOUT_WINDOWS if sys.platform == "win32" else []  # which has no pseudo-terminals


class Shell:
    """
    Runs the command line, and checks that no secret is printed.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.environment = {
            "CLOUDFLARE_BASE_URL": emulator.base_url,
            "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
            "CLOUDFLARE_API_TOKEN": emulator.api_token,
        }

    def __call__(self, line: str, *, reveals: bool = False, **options: Any) -> Result:
        """
        Run a line as a shell would.

        Args:
            line: What the user types after the prompt.

            reveals: Whether a value on standard output is what was asked for.

            options: Of the runner, such as *input*.
        """
        command, *arguments = shlex.split(line)
        assert command == "cftokens"
        assert MARK not in line
        result = CliRunner(env=self.environment).invoke(program, arguments, **options)
        shown = result.stderr if reveals else result.output
        assert MARK not in shown
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    @property
    def sent(self) -> list[str]:
        """
        The operations that reached the emulator, in order.
        """
        return [str(request.operation) for request in self.emulator.requests]

    @property
    def writes(self) -> list[str]:
        """
        Those that change something.
        """
        return [each for each in self.sent if each in {"create", "update", "delete", "roll"}]


def _mint(kind: Kind) -> str:
    body = MARK + "".join(secrets.choice(string.ascii_letters) for _ in range(31))
    return f"{PREFIXES[kind]}{body}0badf00d"


@pytest.fixture(autouse=True)
def in_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Run in a directory of its own.
    """
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """
    An emulator whose values can be searched for.
    """
    monkeypatch.setattr("cftokens.emulator._state.mint", _mint)
    clock = Clock()
    monkeypatch.setattr(Client, "_timing", Timing(clock, clock.sleep))
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def shell(server: Emulator) -> Shell:
    """
    A shell whose environment names the emulator.
    """
    return Shell(server)


@pytest.fixture
def tokens(server: Emulator) -> Iterator[AccountTokens]:
    """
    The tokens of the emulator's account, to prepare and to look.
    """
    with server.client() as client:
        yield client.accounts.tokens


@pytest.fixture
def start(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> "Start":
    """
    A function that starts a line on a terminal.
    """
    from tests.cli.terminal import Terminal  # noqa: PLC0415 -- Windows has none

    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))

    def start(line: str, *, redirected: int | None = None, width: int = 120, **variables: str) -> "Terminal":
        environment = {**shell.environment, **variables}
        return Terminal(shlex.split(line), environment, width=width, redirected=redirected)

    return start
