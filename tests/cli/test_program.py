"""
How the command line starts and ends.
"""

import importlib
import os
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

import cftokens
from cftokens import __version__
from cftokens._transport import hints
from cftokens.cli import main
from cftokens.cli._failures import failures
from cftokens.cli._terms import TERMS, in_terms
from tests.cli.conftest import Shell
from tests.vocabulary import ACCOUNT, MARK, ZONE_ID

CACHE = "cftokens/completion.json"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Without click or rich, one sentence says how to get them, and the exit status is 2.
    """
    monkeypatch.setitem(sys.modules, "rich", None)

    assert main() == 2
    assert capsys.readouterr().err == "The command line needs its extra: pip install 'cftokens[cli]'.\n"


def test_import() -> None:
    """
    Importing the program does not run it.
    """
    assert callable(importlib.import_module("cftokens.__main__").main)


@pytest.mark.slow
def test_as_a_module() -> None:
    """
    ``python -m cftokens`` is the same program.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "cftokens", "--version"], capture_output=True, text=True, check=True
    )

    assert ended.stdout.startswith("cftokens ")


@pytest.mark.slow
def test_a_name_that_the_output_cannot_show(shell: Shell) -> None:
    """
    A pipe whose encoding lacks a character gets an escape, as in a console of Windows, and nothing fails.
    """
    create = ["create", "k\u00f6ln \u2713", "--allow", "DNS Write", "--zone", ZONE_ID, "--dry-run"]

    ended = subprocess.run(
        [sys.executable, "-m", "cftokens", *create],
        env={**os.environ, **shell.environment, "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "'k\u00f6ln \\u2713'".encode("cp1252") in ended.stdout


def test_output_that_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A caller in Python may collect the output in memory.
    """
    monkeypatch.setattr("signal.signal", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["cftokens", "--version"])

    with redirect_stdout(StringIO()) as output, pytest.raises(SystemExit) as exited:
        main()

    assert (exited.value.code, output.getvalue()) == (0, f"cftokens {__version__}\n")


def test_a_closed_pipe_is_not_an_error() -> None:
    """
    Click ends quietly if the reader of a pipe has gone, so it must hear of that.
    """
    with pytest.raises(BrokenPipeError), failures():
        raise BrokenPipeError


def complete(shell: Shell, *words: str, cache: Path) -> list[str]:
    """
    Return what bash would offer for the last word.
    """
    shell.environment |= {
        "_CFTOKENS_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["cftokens", *words]),
        "COMP_CWORD": str(len(words)),
        "XDG_CACHE_HOME": str(cache),
    }
    return [line.partition(",")[2] for line in shell("cftokens").stdout.splitlines() if line]


def test_completion_of_commands(shell: Shell, tmp_path: Path) -> None:
    """
    Commands and options are completed without a request.
    """
    assert complete(shell, "re", cache=tmp_path) == ["retire", "recover"]
    assert "--value-to-env" in complete(shell, "create", "--value-to", cache=tmp_path)
    assert shell.sent == []


def test_completion_of_groups(shell: Shell, tmp_path: Path) -> None:
    """
    Permission groups are completed from the live catalogue, once in five minutes, in any case.
    """
    first = complete(shell, "create", "--allow", "DNS", cache=tmp_path)
    second = complete(shell, "create", "--allow", "dns", cache=tmp_path)

    assert "DNS Write" in first
    assert first == second
    assert shell.sent == ["permission_groups"]


def test_completion_of_tokens(shell: Shell, tmp_path: Path) -> None:
    """
    Tokens are completed by id or by the beginning of their name, from a private cache without a secret.
    """
    (offered,) = complete(shell, "show", "The", cache=tmp_path)

    assert complete(shell, "show", offered[:5], cache=tmp_path) == [offered]
    assert len(offered) == 32
    assert MARK not in (tmp_path / CACHE).read_text()
    assert (tmp_path / CACHE).stat().st_mode & 0o077 == 0
    assert shell.sent == ["list"]


@pytest.mark.parametrize("content", ["", "[]", '{"a": 1}', '{"a": [1]}', "[[["])
def test_a_broken_cache(shell: Shell, tmp_path: Path, content: str) -> None:
    """
    A cache that cannot be read is made anew.
    """
    (tmp_path / CACHE).parent.mkdir()
    (tmp_path / CACHE).write_text(content)

    assert len(complete(shell, "show", "The", cache=tmp_path)) == 1


def test_an_old_cache(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    After five minutes, the names are fetched again.
    """
    complete(shell, "show", "The", cache=tmp_path)
    monkeypatch.setattr("cftokens.cli._completing._SECONDS", 0)
    complete(shell, "show", "The", cache=tmp_path)

    assert shell.sent == ["list", "list"]


def test_completion_that_fails(shell: Shell, tmp_path: Path) -> None:
    """
    Without a credential or an account, nothing is completed, and nothing is said.
    """
    shell.environment["CLOUDFLARE_API_TOKEN"] = ""
    assert complete(shell, "show", "The", cache=tmp_path) == []

    shell.environment["CLOUDFLARE_ACCOUNT_ID"] = ""
    assert complete(shell, "show", "The", cache=tmp_path) == []


def test_the_help_needs_no_command(shell: Shell) -> None:
    """
    The list of commands is printed without importing them.
    """
    program = (
        "import sys; from cftokens.cli._program import program; program(['--help'], standalone_mode=False)"
    )
    check = f"{program}; print(*(name for name in sys.modules if name.startswith('cftokens.cli')))"

    ended = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)

    assert ZONE_ID not in ended.stdout
    assert "cftokens.cli.making" not in ended.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("typed", "meant"), [("roate", "rotate"), ("creat", "create"), ("xyzzy", None), ("--lst", None)]
)
def test_a_misspelt_command(shell: Shell, typed: str, meant: str | None) -> None:
    """
    The nearest command is suggested, if there is one.
    """
    result = shell(f"cftokens {typed}")

    assert (result.exit_code, shell.sent) == (2, [])
    assert ("Did you mean" in result.stderr) is (meant is not None)
    assert meant is None or f"Did you mean '{meant}'?" in result.stderr


@pytest.mark.parametrize("term", TERMS)
def test_the_librarys_terms(term: str) -> None:
    """
    Each term that is replaced is in a message of the library, and nothing of it is left afterwards.
    """
    library = Path(cftokens.__file__).parent
    sources = [
        each.read_text() for each in library.rglob("*.py") if "cli" not in each.relative_to(library).parts
    ]
    in_hints = " ".join(f"use {where}" for _, where in hints._KINDS.values())

    assert any(term in text for text in [*sources, in_hints])
    assert in_terms(f"a {term}, or {term}.") == f"a {TERMS[term]}, or {TERMS[term]}."


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("list --user", "leave out --user."),
        (
            f"create a --allow 'DNS Write' --on-account {ACCOUNT} --value-to -",
            "it works on --zone or --all-zones.",
        ),
        (f"create a --allow DNS --zone {ZONE_ID} --value-to -", "The nearest names are"),
        (
            "create a --allow DNS --zone example.com --value-to -",
            "Invalid value for '--zone': zone_id must be",
        ),
    ],
)
def test_messages_in_terms_of_the_command_line(shell: Shell, line: str, said: str) -> None:
    """
    A refusal names options, not Python's functions.
    """
    result = shell(f"cftokens {line}")

    assert result.exit_code in {1, 2}
    assert said in result.stderr
    assert "()" not in result.stderr
    assert "client." not in result.stderr
