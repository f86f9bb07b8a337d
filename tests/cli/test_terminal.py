"""
The command line on a terminal: tables, colours, questions, Ctrl-C.
"""

import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cftokens.policies import allow, zone
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator, Fault
from tests.cli.conftest import Shell
from tests.cli.terminal import Terminal
from tests.vocabulary import MARK, ZONE_ID

pytestmark = pytest.mark.slow

DNS = [allow("DNS Write", on=zone(ZONE_ID))]
CREATE = f"create dns-bot --allow 'DNS Write' --zone {ZONE_ID}"

Start = Callable[..., Terminal]


@pytest.fixture
def start(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Start:
    """
    A function that starts a line on a terminal, in a directory of its own.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))

    def start(line: str, *, redirected: int | None = None, width: int = 120, **variables: str) -> Terminal:
        environment = {**shell.environment, **variables}
        return Terminal(shlex.split(line), environment, width=width, redirected=redirected)

    return start


@pytest.mark.parametrize("width", [34, 50, 80, 140])
def test_a_table_fits(start: Start, tokens: AccountTokens, width: int) -> None:
    """
    A table is as wide as the terminal, and no id is cut.
    """
    made = tokens.create(name="a rather long name of a token that has to be folded somewhere", policies=DNS)

    with start("list", width=width) as terminal:
        assert terminal.end() == 0

    assert max(map(len, terminal.text.splitlines())) <= width
    assert made.id in terminal.text
    assert ("EXPIRES" in terminal.text) is (width > 70)


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours(start: Start, tokens: AccountTokens, variables: dict[str, str], coloured: bool) -> None:
    """
    A table has colours, unless NO_COLOR or TERM says otherwise.
    """
    with start("list", **variables) as terminal:
        assert terminal.end() == 0

    assert ("\x1b[32m" in terminal.shown) is coloured


def test_escape_sequences_in_names(start: Start, tokens: AccountTokens) -> None:
    """
    A name's escape sequences and markup are shown, not obeyed.
    """
    tokens.create(name="\x1b[2J[bold]b\u202e", policies=DNS)

    with start("list") as terminal:
        assert terminal.end() == 0

    assert "\x1b[2J" not in terminal.shown
    assert "\\x1b[2J[bold]b\\u202e" in terminal.text


@pytest.mark.parametrize(
    ("answer", "status", "left"), [("y", 0, 0), ("n", 1, 1), ("", 1, 1), ("\x03", 130, 1)]
)
def test_a_question(start: Start, tokens: AccountTokens, answer: str, status: int, left: int) -> None:
    """
    A delete asks; only a yes deletes, and Ctrl-C has the exit status 130.
    """
    tokens.create(name="a", policies=DNS)

    with start("delete a") as terminal:
        terminal.wait_for("[y/N]")
        terminal.press(answer if answer == "\x03" else f"{answer}\n")
        ended = terminal.end()

    assert ended == status
    assert len(tokens.list(name="a").collect()) == left
    assert "Traceback" not in terminal.text


def test_a_value_on_a_terminal(start: Start, shell: Shell) -> None:
    """
    A value is shown on a terminal only with --reveal, without which no token is made.
    """
    with start(f"{CREATE} --value-to -") as terminal:
        refused = terminal.end()
    writes = shell.writes
    with start(f"{CREATE} --value-to - --reveal") as revealing:
        assert revealing.end() == 0

    assert (refused, writes) == (2, [])
    assert MARK not in terminal.text
    assert MARK in revealing.text


@pytest.mark.parametrize(
    ("line", "operation", "status"),
    [
        ("list", "list", 130),
        ("verify", "verify", 130),
        ("groups", "permission_groups", 130),
        (f"{CREATE} --value-to a", "permission_groups", 130),
        (f"{CREATE} --value-to a", "create", 3),
        ("roll a --yes --value-to a", "roll", 3),
        ("delete a --yes", "delete", 130),
        ("edit a --rename b", "update", 130),
    ],
)
def test_ctrl_c_in_a_request(  # noqa: PLR0917
    start: Start,
    server: Emulator,
    tokens: AccountTokens,
    shell: Shell,
    line: str,
    operation: str,
    status: int,
) -> None:
    """
    Ctrl-C ends a request at once; a create or roll that may have happened has a line that settles it.
    """
    tokens.create(name="a", policies=DNS)
    server.inject(Fault.delay(20), operation=operation)  # type: ignore[arg-type]
    before = len(server.requests)

    with start(line) as terminal:
        while operation not in [str(request.operation) for request in server.requests[before:]]:
            pass
        terminal.press("\x03")
        ended = terminal.end()

    assert ended == status
    assert "Traceback" not in terminal.text
    assert list(Path().iterdir()) == []
    assert (f"cftokens {'roll' if operation == 'roll' else 'recover'} " in terminal.text) is (status == 3)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_run_passes_signals_on(start: Start, tokens: AccountTokens, number: signal.Signals) -> None:
    """
    A signal reaches the command, and at its end the token is deleted.
    """
    handler = f"import signal; signal.signal({int(number)}, lambda *_: exit(9))"
    program = f"{handler}; print('ready', flush=True); input()"
    line = shlex.join([sys.executable, "-c", program])

    with start(f"run --allow 'DNS Write' --zone {ZONE_ID} -- {line}") as terminal:
        terminal.wait_for("ready")
        if number == signal.SIGINT:
            terminal.press("\x03")
        else:
            os.kill(terminal.pid, number)
        ended = terminal.end()

    assert ended == 9
    assert [token.name for token in tokens.list() if str(token.name).startswith("temporary")] == []


def test_run_interrupted_before_its_command(start: Start, server: Emulator, tokens: AccountTokens) -> None:
    """
    A signal that comes before the command starts leaves no token.
    """
    server.inject(Fault.delay(2), operation="verify", times=None)

    with start(f"run --allow 'DNS Write' --zone {ZONE_ID} -- true") as terminal:
        while "create" not in [str(request.operation) for request in server.requests]:
            pass
        os.kill(terminal.pid, signal.SIGTERM)
        ended = terminal.end()

    assert ended in {3, 130}
    assert [token.name for token in tokens.list() if str(token.name).startswith("temporary")] == []


@pytest.mark.parametrize("stream", ["/dev/full", "closed"])
def test_standard_output_that_cannot_be_written(
    start: Start, tokens: AccountTokens, shell: Shell, stream: str
) -> None:
    """
    If the value cannot be printed, the token is deleted.
    """
    reader, writer = os.pipe()
    os.close(reader)
    full = os.open("/dev/full", os.O_WRONLY)

    with start(f"{CREATE} --value-to -", redirected=full if stream == "/dev/full" else writer) as terminal:
        ended = terminal.end()
    os.close(full)
    os.close(writer)

    assert ended == 1
    assert tokens.list(name="dns-bot").collect() == []
    assert "Traceback" not in terminal.text


def test_an_empty_table(start: Start) -> None:
    """
    Nothing is printed if there is nothing.
    """
    with start("list --name nothing") as terminal:
        assert terminal.end() == 0

    assert "ID" not in terminal.text
