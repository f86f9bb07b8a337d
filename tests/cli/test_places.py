"""
Places that really cannot hold a value: nothing is made, and nothing is lost.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cftokens.policies import allow, zone
from cftokens.sync import AccountTokens
from tests.cli.conftest import Shell
from tests.vocabulary import MARK, ZONE_ID

pytestmark = pytest.mark.slow

ACCESS = f"--allow 'DNS Write' --zone {ZONE_ID}"
DNS = [allow("DNS Write", on=zone(ZONE_ID))]
COMMANDS = (
    f"create c {ACCESS}",
    f"ensure c {ACCESS}",
    f"recover a --since 2026-01-01 {ACCESS} --expires never",
    "roll a --yes",
    "rotate a --lifetime 90d",
)


def run(shell: Shell, line: str, *, before: str = "", after: str = "") -> subprocess.CompletedProcess[str]:
    """
    Run a line with bash, after something else.
    """
    measured = {name for name in os.environ if name.startswith("COVERAGE_")}  # its file would have no room
    inherited = {name: value for name, value in os.environ.items() if not before or name not in measured}
    return subprocess.run(
        ["bash", "-c", f"{before} exec {shlex.quote(sys.executable)} -m cftokens {line} {after}"],
        env={**inherited, **shell.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tokens: AccountTokens) -> None:
    """
    Run in a directory with a file, with a token that exists.
    """
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent.parent))
    Path("file").write_text("mine\n")
    tokens.create(name="a", policies=DNS)


@pytest.mark.parametrize("line", COMMANDS)
@pytest.mark.parametrize(
    ("before", "place", "reason"),
    [
        ("ulimit -f 1;", "--value-to new", "File too large"),
        ("ulimit -f 1;", "--value-to-env file X", "File too large"),
        ("", "--value-to file/new", "Not a directory"),
        ("", "--value-to-env file/new X", "Not a directory"),
        ("", "--value-to /sys/new", "Permission denied"),
        ("", "--value-to-env /sys/new X", "Permission denied"),
        ("", "--value-to /dev/full", "exists"),
        ("", "--value-to-env /dev/full X", "not a regular file"),
        ("", "--value-to-env . X", "not a regular file"),
    ],
)
def test_a_place_without_room(shell: Shell, line: str, before: str, place: str, reason: str) -> None:
    """
    A disk without room, a path below a file, a directory that root cannot write to, and a device: one
    sentence, the exit status 1, no write, and no file that was not there before.
    """
    made = len(shell.writes)

    ended = run(shell, f"{line} {place}", before=before)

    assert (ended.returncode, ended.stdout, shell.writes[made:]) == (1, "", [])
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [each.name for each in Path().iterdir()] == ["file"]
    assert Path("file").read_text() == "mine\n"


@pytest.mark.parametrize("line", COMMANDS)
def test_a_standard_output_without_room(shell: Shell, tokens: AccountTokens, line: str) -> None:
    """
    A value that cannot be printed is lost, and the message says what to do, if the token is not deleted.
    """
    ended = run(shell, f"{line} --value-to -", after=">/dev/full")

    assert ended.returncode == 1
    assert "No space left on device" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert MARK not in ended.stderr
    left = [str(token.name) for token in tokens.list(name="c")]
    assert left == []
    assert any(
        word in ended.stderr for word in ("deleted", "roll again", "recover again", "cftokens delete ")
    )


@pytest.mark.parametrize("line", ["list", "list --json", "groups", "show a", "audit", "explain a"])
def test_a_list_without_room(shell: Shell, line: str) -> None:
    """
    What cannot be printed is an error in one sentence, not half a list that looks whole.
    """
    ended = run(shell, line, after=">/dev/full")

    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1].endswith("No space left on device.")
    assert "Traceback" not in ended.stderr


def test_a_value_that_is_stored_is_kept(shell: Shell, tokens: AccountTokens) -> None:
    """
    If only the id cannot be printed, the token and its value stay, and a sentence says so.
    """
    ended = run(shell, f"create c {ACCESS} --value-to new --quiet", after=">/dev/full")

    (made,) = tokens.list(name="c")
    assert ended.returncode == 1
    assert MARK in Path("new").read_text()
    assert f"Created the token c ({made.id})." in ended.stderr


def test_a_delete_that_cannot_be_printed(shell: Shell, tokens: AccountTokens) -> None:
    """
    What was done is said on standard error if it cannot be printed.
    """
    (made,) = tokens.list(name="a")

    ended = run(shell, "delete a --yes --json", after=">/dev/full")

    assert ended.stderr == f"Deleted a ({made.id}).\nError: Standard output: No space left on device.\n"
