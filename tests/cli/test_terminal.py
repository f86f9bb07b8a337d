"""
The command line on a terminal: tables, colours, questions, Ctrl-C.
"""

import os
import shlex
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cftokens.policies import allow, zone
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator, Fault
from tests.cli.conftest import Shell
from tests.cli.terminal import Start, answer
from tests.vocabulary import MARK, ZONE_ID

pytestmark = pytest.mark.slow

DNS = [allow("DNS Write", on=zone(ZONE_ID))]
CREATE = f"create dns-bot --allow 'DNS Write' --zone {ZONE_ID}"


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
    assert "a rather long" in terminal.text
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
        if answer == "\x03":
            ended = terminal.interrupt()
        else:
            terminal.press(f"{answer}\n")
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_run_passes_signals_on(start: Start, tokens: AccountTokens, number: signal.Signals) -> None:
    """
    A signal reaches the command, and at its end the token is deleted.
    """
    held = f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [{int(number)}])"  # misses none
    program = f"{held}; print('ready', flush=True); signal.sigwait([{int(number)}]); exit(9)"
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


def test_wizard(start: Start, shell: Shell, tokens: AccountTokens) -> None:
    """
    The wizard asks again after a wrong answer, says what will be granted, and shows the command for it.
    """
    with start("create -i") as terminal:
        answer(terminal, "Name of the token", "bot")
        answer(terminal, "On what may it work?", "9")
        answer(terminal, "On what may it work?", "1")
        answer(terminal, "Which ones", "nonsense")
        answer(terminal, "Which ones", ZONE_ID)
        answer(terminal, "Which permissions?", "no such thing")
        answer(terminal, "Which permissions?", "DNS settings")
        answer(terminal, "Numbers, or nothing", "")
        answer(terminal, "Which permissions?", "dns write")
        terminal.wait_for("  DNS Write")
        number = terminal.text.partition("  DNS Write")[0].split()[-1]
        answer(terminal, "Numbers, or nothing", number)
        answer(terminal, "Which permissions?", "")
        answer(terminal, "Expires", "soon")
        answer(terminal, "Expires", "")
        answer(terminal, "Usable from", "nowhere")
        answer(terminal, "Usable from", "192.0.2.0/24")
        answer(terminal, "New file", "")
        answer(terminal, "Create it?", "y")
        assert terminal.end() == 0, terminal.shown

    (made,) = tokens.list(name="bot")
    assert not made.allows_every_address
    assert MARK in Path("bot.token").read_text()


@pytest.mark.parametrize(
    ("kind", "names", "words"),
    [("2", None, "dns write"), ("3", "", "workers scripts write"), ("5", None, "bucket item read")],
)
def test_the_wizards_command(  # noqa: PLR0917
    start: Start, shell: Shell, tokens: AccountTokens, kind: str, names: str | None, words: str
) -> None:
    """
    Refused, the wizard creates nothing; the command that it shows creates the same.
    """
    Path("bot.token").write_text("mine")
    with start("create -i bot") as terminal:
        answer(terminal, "On what may it work?", kind)
        if names is not None:
            answer(terminal, "Which ones", names)
        answer(terminal, "Which permissions?", words)
        answer(terminal, "Numbers, or nothing", "1")
        answer(terminal, "Which permissions?", "")
        answer(terminal, "Expires", "never")
        answer(terminal, "Usable from", "")
        answer(terminal, "New file", "bot.token")
        answer(terminal, "New file", "other.token")
        terminal.wait_for("Create it?")
        (line,) = (each for each in terminal.text.splitlines() if each.startswith("cftokens create"))
        terminal.press("n\n")
        assert terminal.end() == 1

    assert shell.writes == []
    assert shell(line).exit_code == 0
    assert [token.name for token in tokens.list(name="bot")] == ["bot"]


def test_audit_on_a_terminal(start: Start, tokens: AccountTokens) -> None:
    """
    An audit draws ages and expiries.
    """
    tokens.create(name="a", policies=DNS, expires_on=datetime.now(UTC) + timedelta(days=190))

    with start("audit") as terminal:
        assert terminal.end() == 1

    assert "██████░░░░░░ 189 d" in terminal.text
    assert "░░░░░░░░░░░░ 0 d" in terminal.text


@pytest.mark.parametrize("width", [30, 60, 120])
def test_an_audit_on_any_terminal(start: Start, tokens: AccountTokens, width: int) -> None:
    """
    However narrow, an audit says what is wrong, and its commands stay whole.
    """
    made = tokens.create(name="a", policies=DNS)

    with start("audit", width=width) as terminal:
        assert terminal.end() == 1

    assert "This token never expires." in terminal.text
    assert f'"cftokens edit {made.id} --expires 90d"' in terminal.text


def test_a_terminal_without_unicode(start: Start, tokens: AccountTokens) -> None:
    """
    Ages, progress and names are drawn with characters that the terminal has, in columns.
    """
    tokens.create(name="tökén", policies=DNS, expires_on=datetime.now(UTC) + timedelta(days=190))

    with start("audit", PYTHONIOENCODING="ascii") as terminal:
        assert terminal.end() == 1

    (row,) = (line for line in terminal.text.splitlines() if "#" in line)
    head = terminal.text.splitlines()[terminal.text.splitlines().index(row) - 2]
    assert "######...... 189 d" in row
    assert r"t\xf6k\xe9n " in row
    assert head.index("AGE") == row.index("............ 0 d")
    assert r"\u2" not in terminal.text


def test_whatis_on_a_terminal(start: Start) -> None:
    """
    A value is asked for without an echo.
    """
    with start("whatis") as terminal:
        terminal.wait_for("Value")
        terminal.press(f"{MARK}\n")
        assert terminal.end() == 0

    assert MARK not in terminal.shown


def in_bash(shell: Shell, line: str) -> "subprocess.CompletedProcess[str]":
    """
    Run a line with pipes, in which commands find the emulator.
    """
    return subprocess.run(
        ["bash", "-c", line],
        env={**os.environ, **shell.environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize(
    "line",
    [
        "groups",
        "groups --json",
        "groups --quiet",
        "list",
        "audit",
        "--help",
        "create --help",
        "completion bash",
    ],
)
@pytest.mark.parametrize("reader", ["head -1", "true"])
def test_a_pipe_that_closes(shell: Shell, line: str, reader: str) -> None:
    """
    A reader that has had enough ends a command quietly. What an audit says at its end may have been said.
    """
    program = f"{shlex.quote(sys.executable)} -m cftokens {line} | {reader}"

    ended = in_bash(shell, program)

    said = [
        line for line in ended.stderr.splitlines() if not line.startswith(("1 token, ", "What you accept "))
    ]
    assert (ended.returncode, said) == (0, [])
    assert ended.stdout.count("\n") == (reader == "head -1")


def test_xargs(shell: Shell, server: Emulator) -> None:
    """
    The ids of one command are the arguments of the next.
    """
    past = datetime.now(UTC) - timedelta(days=1)
    server.issue("account", name="old", policies=DNS, expires_on=past)
    program = f"{shlex.quote(sys.executable)} -m cftokens"

    ended = in_bash(shell, f"{program} list --quiet --expired | xargs {program} delete --yes")

    assert ended.returncode == 0
    assert shell.writes == ["delete"]


def test_xargs_without_a_line(shell: Shell) -> None:
    """
    If there is nothing to delete, the pipe ends well.
    """
    program = f"{shlex.quote(sys.executable)} -m cftokens"

    line = f"{program} list --quiet --expired | xargs {program} delete --yes"
    ended = in_bash(shell, f"set -o pipefail; {line}")

    assert (ended.returncode, shell.writes) == (0, [])
