"""
Commands that run others, and those that help to start.
"""

import os
import shlex
import signal
import subprocess
import sys
from typing import Any

import pytest

from cftokens import bootstrap_url
from cftokens.cli.running import _from_terminal
from cftokens.sync import AccountTokens
from cftokens.sync.emulator import Emulator, Fault
from tests.cli.conftest import Shell
from tests.support import posix_only
from tests.vocabulary import ZONE_ID

DNS = f"--allow 'DNS Write' --zone {ZONE_ID}"
RUN = f"cftokens run {DNS} --name job --"


def python(program: str) -> str:
    """
    Return a command that runs a program.
    """
    return shlex.join([sys.executable, "-c", program])


def test_run(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    The command's status is passed on, and its token is deleted.
    """
    program = (
        "import os, sys, urllib.request as r\n"
        "url = '{CLOUDFLARE_BASE_URL}/accounts/{CLOUDFLARE_ACCOUNT_ID}/tokens/verify'.format(**os.environ)\n"
        "headers = {'Authorization': 'Bearer ' + os.environ['CLOUDFLARE_API_TOKEN']}\n"
        "sys.exit(r.urlopen(r.Request(url, headers=headers)).status - 193)"
    )
    shell.environment["PYTHONDONTWRITEBYTECODE"] = "1"

    result = shell(f"{RUN} {python(program)}")

    assert result.exit_code == 7, result.stderr
    assert shell.writes == ["create", "delete"]
    assert "job" not in "".join(str(token.name) for token in tokens.list())


@posix_only
def test_run_a_command_that_is_killed(shell: Shell) -> None:
    """
    A command that a signal ends has the status that a shell gives.
    """
    assert shell(f"{RUN} {python('import os; os.kill(os.getpid(), 9)')}").exit_code == 137


def test_run_a_missing_command(shell: Shell) -> None:
    """
    A command that does not exist is found before a token is made.
    """
    result = shell(f"{RUN} ./no-such-command")

    assert (result.exit_code, shell.sent) == (127, [])


def test_run_an_impossible_command(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A command that cannot be started has the status 126, and its token is deleted.
    """
    monkeypatch.setattr("shutil.which", str)

    assert shell(f"{RUN} /").exit_code == 126
    assert shell.writes == ["create", "delete"]


@posix_only
def test_a_signal_while_the_command_starts(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A signal that comes while the command starts is passed on as soon as it runs.
    """

    class Popen(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("subprocess.Popen", Popen)

    assert shell(f"{RUN} {python('import time; time.sleep(30)')}").exit_code == 143
    assert shell.writes == ["create", "delete"]


def test_run_finds_the_program(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What runs is the file that was found, because Windows starts no script by its bare name.
    """
    monkeypatch.setattr("shutil.which", {"deploy": sys.executable}.get)

    assert shell(f"{RUN} deploy -c 'exit(7)'").exit_code == 7


def test_a_console_of_windows_sends_ctrl_c_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    So that nothing has to send it again, which Windows could not do.
    """
    monkeypatch.setattr("sys.platform", "win32")
    reached = _from_terminal()
    monkeypatch.undo()

    assert reached


def test_run_dry(shell: Shell) -> None:
    """
    --dry-run makes no token, and --expires is refused.
    """
    assert shell(f"cftokens run --dry-run {DNS} -- true").exit_code == 0
    assert shell(f"cftokens run --expires 1d {DNS} -- true").exit_code == 2
    assert shell.writes == []


def test_a_lost_temporary_token(shell: Shell, server: Emulator, tokens: AccountTokens) -> None:
    """
    A token that may have been made is settled by deleting it.
    """
    server.inject(Fault.drop_after(), operation="create")
    server.inject(Fault.status(403), operation="list", times=None)

    lost = shell(f"{RUN} true")
    server.clear_faults()

    assert lost.exit_code == 3
    assert shell(lost.stderr.splitlines()[-1]).exit_code == 0
    assert "job" not in "".join(str(token.name) for token in tokens.list())


@posix_only
@pytest.mark.slow
def test_an_interrupt_without_a_terminal(shell: Shell) -> None:
    """
    SIGINT reaches the command, too, where no terminal sends it.
    """
    program = (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [2]); print('ready', flush=True); "
        "signal.sigwait([2]); exit(9)"
    )
    line = shlex.split(f"{RUN} {python(program)}".removeprefix("cftokens "))

    with subprocess.Popen(
        [sys.executable, "-m", "cftokens", *line],
        env={**os.environ, **shell.environment},
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 9


@pytest.mark.slow
def test_emulator(shell: Shell) -> None:
    """
    The emulator runs a command with its variables, and passes its status on.
    """
    program = (
        "import os, sys; sys.exit(9 if os.environ['CLOUDFLARE_BASE_URL'].startswith('http://127') else 1)"
    )

    ended = subprocess.run(
        [sys.executable, "-m", "cftokens", "emulator", "--port", "0", "--", sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (9, "", "")


@pytest.mark.parametrize(("options", "kind"), [("", "account"), ("--user", "user")])
def test_bootstrap(shell: Shell, options: str, kind: str) -> None:
    """
    The address is that of the form in the dashboard.
    """
    url = bootstrap_url("user" if kind == "user" else "account", "me")

    assert shell(f"cftokens bootstrap --name me {options}").stdout == f"{url}\n"


@pytest.mark.parametrize(
    ("name", "word"), [("bash", "complete "), ("zsh", "#compdef"), ("fish", "complete ")]
)
def test_completion(shell: Shell, name: str, word: str) -> None:
    """
    Each shell has its script.
    """
    script = shell(f"cftokens completion {name}").stdout

    assert word in script
    assert "_CFTOKENS_COMPLETE" in script
