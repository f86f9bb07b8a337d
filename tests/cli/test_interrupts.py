"""
Ctrl-C at each request and at each question: what is true afterwards, and the exit status.
"""

import os
import subprocess
import sys
from collections.abc import Callable
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
ACCESS = f"--allow 'DNS Write' --zone {ZONE_ID}"
OTHER = f"--allow 'Zone Read' --zone {ZONE_ID}"
ROTATE = "rotate a --lifetime 90d --value-to f"
RECOVER = f"recover a --since 2026-01-01 {ACCESS} --expires never --value-to f"
LONG = 60
"""Seconds that an answer takes, which is longer than a test."""

Names = Callable[[], list[str]]


@pytest.fixture
def names(tokens: AccountTokens) -> Names:
    """
    A function that returns the names of the active tokens. At first there are a and b.
    """
    first = {token.id for token in tokens.list()}
    for name in ("a", "b"):
        tokens.create(name=name, policies=DNS)
    return lambda: sorted(
        str(token.name) for token in tokens.list() if token.id not in first and token.status == "active"
    )


def press_in(start: Start, server: Emulator, line: str, operation: str, count: int = 1) -> tuple[int, str]:
    """
    Press Ctrl-C while the answer to a request is awaited. Return the exit status, and what was shown.

    Args:
        start: Starts a line.

        server: Answers it.

        line: The line.

        operation: That of the request.

        count: Which of its requests it is, from 1.
    """
    if count > 1:
        server.inject(Fault.delay(0), operation=operation, times=count - 1)  # type: ignore[arg-type]
    server.inject(Fault.delay(LONG), operation=operation)  # type: ignore[arg-type]
    before = len(server.requests)
    with start(line) as terminal:
        while [str(each.operation) for each in server.requests[before:]].count(operation) < count:
            assert terminal.runs, terminal.shown
        terminal.press("\x03")
        ended = terminal.end()
    server.clear_faults()
    assert "Traceback" not in terminal.text
    assert MARK not in terminal.text
    return ended, terminal.text


@pytest.mark.parametrize(
    ("line", "operation", "count"),
    [
        ("list", "list", 1),
        ("show a", "permission_groups", 1),
        ("verify", "verify", 1),
        ("audit", "list", 1),
        (f"create c {ACCESS} --value-to f", "permission_groups", 1),
        (f"ensure c {ACCESS} --value-to f", "list", 1),
        (f"ensure c {ACCESS} --value-to f", "permission_groups", 1),
        (f"ensure c {ACCESS} --value-to f", "list", 2),
        (f"ensure a {OTHER} --value-to f", "get", 1),
        (f"edit a {OTHER} --yes", "list", 1),
        (f"edit a {OTHER} --yes", "permission_groups", 1),
        (f"edit a {OTHER} --yes", "get", 1),
        ("retire a b --yes", "list", 2),
        ("retire a --yes", "get", 1),
        ("delete a --yes", "list", 1),
        ("roll a --yes --value-to f", "list", 1),
        (ROTATE, "list", 1),
        (ROTATE, "get", 1),
        (f"run {ACCESS} -- true", "verify", 1),
        (f"run {ACCESS} -- true", "permission_groups", 1),
        (RECOVER, "list", 1),
        (RECOVER, "permission_groups", 1),
    ],
)
def test_before_a_change(  # noqa: PLR0917
    start: Start, server: Emulator, shell: Shell, names: Names, line: str, operation: str, count: int
) -> None:
    """
    Ctrl-C in a request before the one that changes something has the exit status 130, and changes nothing.
    """
    made = len(shell.writes)

    status, shown = press_in(start, server, line, operation, count)

    assert (status, shell.writes[made:], names()) == (130, [], ["a", "b"])
    assert "Interrupted" in shown
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("line", "operation", "settles", "left"),
    [
        (f"create c {ACCESS} --value-to f", "create", "recover c --since ", ["a", "b", "c"]),
        (f"create c {ACCESS} --value-to-env f X", "create", "recover c --since ", ["a", "b", "c"]),
        (f"ensure c {ACCESS} --value-to f", "create", "recover c --since ", ["a", "b", "c"]),
        (f"ensure a {OTHER} --value-to f", "update", f"ensure a {OTHER}", ["a", "b"]),
        ("edit a --rename c", "update", "edit ", ["b", "c"]),
        (f"edit a {OTHER} --ip 192.0.2.0/24 --yes", "update", "edit ", ["a", "b"]),
        ("edit a --expires 90d --status disabled", "update", "edit ", ["b"]),
        ("retire a --yes", "update", "retire ", ["b"]),
        ("roll a --yes --value-to f", "roll", "roll ", ["a", "b"]),
        (RECOVER, "roll", "recover a --since ", ["a", "b"]),
    ],
)
def test_in_a_change(  # noqa: PLR0917
    start: Start,
    server: Emulator,
    shell: Shell,
    names: Names,
    line: str,
    operation: str,
    settles: str,
    left: list[str],
) -> None:
    """
    Ctrl-C in a request that changes something has the exit status 3; the last line settles it when pasted.
    """
    status, shown = press_in(start, server, line, operation)
    pasted = shown.splitlines()[-1]
    files = list(Path().iterdir())
    settled = shell(pasted)

    assert (status, files) == (3, [])
    assert pasted.startswith(f"cftokens {settles}")
    assert (settled.exit_code, names()) == (0, left), settled.output


def test_in_a_delete(start: Start, server: Emulator, shell: Shell, names: Names) -> None:
    """
    The line deletes a token again; that there is none is the proof.
    """
    status, shown = press_in(start, server, "delete a --yes", "delete")
    settled = shell(shown.splitlines()[-1])

    assert (status, settled.exit_code, names()) == (3, 1, ["b"])
    assert "404" in settled.stderr
    assert "If there is no such token any more, it was deleted." in shown


@pytest.mark.parametrize(("command", "operation"), [("delete", "delete"), ("retire", "update")])
def test_in_the_second_of_three(  # noqa: PLR0917
    start: Start, server: Emulator, names: Names, tokens: AccountTokens, command: str, operation: str
) -> None:
    """
    What was done to the first is told, the line settles the second, and the third is named as unchanged.
    """
    first, second = (next(iter(tokens.list(name=name))) for name in ("a", "b"))
    third = tokens.create(name="c", policies=DNS)

    status, shown = press_in(start, server, f"{command} a b c --yes", operation, 2)

    assert (status, names()) == (3, ["c"])
    assert f"{command.capitalize()}d a ({first.id})." in shown
    assert f"Not {command}d: c ({third.id})." in shown
    assert shown.splitlines()[-1].startswith(f"cftokens {command} {second.id} ")


@pytest.mark.parametrize(
    ("line", "operation", "count"),
    [
        (f"ensure c {ACCESS} --value-to f", "list", 3),
        (ROTATE, "create", 1),
        (ROTATE, "verify", 1),
        (f"run {ACCESS} -- true", "create", 1),
        (f"run {ACCESS} -- true", "verify", 2),
    ],
)
def test_before_a_new_token_is_known_to_work(  # noqa: PLR0917
    start: Start, server: Emulator, names: Names, line: str, operation: str, count: int
) -> None:
    """
    A token that is made on the way to something else is found and deleted, and that is said.
    """
    status, shown = press_in(start, server, line, operation, count)

    assert (status, names()) == (130, ["a", "b"])
    assert "was deleted." in shown
    assert list(Path().iterdir()) == []


def test_in_the_create_of_a_successor_with_a_name(
    start: Start, server: Emulator, shell: Shell, tokens: AccountTokens
) -> None:
    """
    A successor whose name others may have is not deleted unseen; the line shows what has that name.
    """
    tokens.create(name="a", policies=DNS)
    tokens.create(name="c", policies=DNS)

    status, shown = press_in(start, server, f"{ROTATE} --name c", "create")
    pasted = shell(shown.splitlines()[-1])

    assert status == 3
    assert pasted.stdout.count("\tc\t") == 2


@pytest.mark.parametrize(("operation", "count", "status"), [("get", 2, 130), ("update", 1, 3)])
def test_in_the_end_of_a_rotation(  # noqa: PLR0917
    start: Start,
    server: Emulator,
    shell: Shell,
    tokens: AccountTokens,
    operation: str,
    count: int,
    status: int,
) -> None:
    """
    When the successor's value is stored, all that is left is to retire the old token, which the line does.
    """
    made = tokens.create(name="a", policies=DNS)

    ended, shown = press_in(start, server, ROTATE, operation, count)

    assert ended == status
    assert MARK in Path("f").read_text()
    assert shell(shown.splitlines()[-1]).exit_code == 0
    assert tokens.get(made.id).expires_on is not None
    assert len(tokens.list().collect()) == 3


@pytest.mark.parametrize(
    "line", ["delete a b", "retire a", "roll a --value-to f", f"edit a {OTHER}", "edit b --status active"]
)
def test_at_a_question(start: Start, shell: Shell, tokens: AccountTokens, names: Names, line: str) -> None:
    """
    Ctrl-C at a question has the exit status 130, and changes nothing.
    """
    tokens.edit(next(iter(tokens.list(name="b"))).id, status="disabled")
    before = len(shell.writes)

    with start(line) as terminal:
        terminal.wait_for("[y/N]")
        ended = terminal.interrupt()

    assert (ended, shell.writes[before:]) == (130, [])
    assert "Interrupted" in terminal.text
    assert "Traceback" not in terminal.text
    assert list(Path().iterdir()) == []


def test_at_the_question_for_a_value(start: Start) -> None:
    """
    Ctrl-C where a value is asked for has the exit status 130.
    """
    with start("whatis") as terminal:
        terminal.wait_for("Value")

        assert terminal.interrupt() == 130

    assert "Traceback" not in terminal.text


def test_in_the_delete_of_a_temporary_token(start: Start, server: Emulator, names: Names) -> None:
    """
    The token of a command that has ended is deleted all the same, and the command's exit status counts.
    """
    server.inject(Fault.delay(1), operation="delete")

    with start(f"run {ACCESS} -- sh -c 'exit 7'") as terminal:
        while "delete" not in [str(request.operation) for request in server.requests]:
            assert terminal.runs, terminal.shown
        terminal.press("\x03")
        ended = terminal.end()

    assert (ended, names()) == (7, ["a", "b"])
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("questions", [0, 1, 2, 3, 4, 5, 6, 7])
def test_ctrl_c_in_the_wizard(start: Start, shell: Shell, questions: int) -> None:
    """
    Ctrl-C at each question has the exit status 130 and creates nothing.
    """
    asked = [
        ("Name of the token", "bot"),
        ("On what may it work?", "2"),
        ("Which permissions?", "dns write"),
        ("Numbers, or nothing", "1"),
        ("Which permissions?", ""),
        ("Expires", ""),
        ("Usable from", ""),
        ("New file", ""),
        ("Create it?", ""),
    ]
    with start("create -i") as terminal:
        for question, text in asked[:questions]:
            answer(terminal, question, text)
        terminal.wait_for(asked[questions][0])
        assert terminal.interrupt() == 130

    assert shell.writes == []
    assert "Traceback" not in terminal.text
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("module", ["click", "cattrs", "aiohttp"])
def test_while_the_program_starts(shell: Shell, tmp_path: Path, module: str) -> None:
    """
    An interrupt while something is imported has the exit status 130, and no traceback.
    """
    (tmp_path / f"{module}.py").write_text("raise KeyboardInterrupt")

    ended = subprocess.run(
        [sys.executable, "-m", "cftokens", "list"],
        env={**os.environ, **shell.environment, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "Interrupted.\n")
