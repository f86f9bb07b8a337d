"""
``python -m cftokens.emulator``, run as a program.
"""

import importlib
import json
import signal
import socket
import subprocess
import sys
import urllib.request

import pytest

from cftokens.emulator.__main__ import main
from tests.support import posix_only

pytestmark = pytest.mark.slow

DEADLINE = 30
WAITING = "print('ready', flush=True); input()"  # a command that ends when it reads a line
USAGE = "[-h] [--port PORT] [--propagation SECONDS] [-- COMMAND ...]"
EMULATOR = [sys.executable, "-m", "cftokens.emulator"]
NAMES = [
    "CLOUDFLARE_BASE_URL",
    "CLOUDFLARE_ACCOUNT_ID",
    "CLOUDFLARE_API_TOKEN",
    "CLOUDFLARE_USER_ID",
    "CLOUDFLARE_USER_API_TOKEN",
]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run the emulator until it exits.
    """
    return subprocess.run(
        [*EMULATOR, *arguments], capture_output=True, text=True, timeout=DEADLINE, check=False
    )


def start(*arguments: str) -> subprocess.Popen[str]:
    """
    Start the emulator and leave it running.
    """
    return subprocess.Popen(
        [*EMULATOR, "--port", "0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_lines(process: subprocess.Popen[str], number: int) -> list[str]:
    """
    Read the next lines that a running program prints.
    """
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(number)]


def verify(base_url: str, account_id: str, api_token: str) -> int:
    """
    Verify a token and return the HTTP status.
    """
    request = urllib.request.Request(
        f"{base_url}/accounts/{account_id}/tokens/verify", headers={"Authorization": f"Bearer {api_token}"}
    )
    with urllib.request.urlopen(request, timeout=DEADLINE) as response:
        return int(response.status)


def test_command() -> None:
    """
    A command finds the emulator's variables in its environment.
    """
    script = f"import json, os; print(json.dumps([os.environ[name] for name in {NAMES}]))"

    ended = run("--port", "0", "--", sys.executable, "-c", script)
    base_url, account_id, api_token, user_id, user_api_token = json.loads(ended.stdout)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert base_url.startswith("http://127.0.0.1:")
    assert (len(account_id), api_token[:5]) == (32, "cfat_")
    assert (len(user_id), user_api_token[:5]) == (32, "cfut_")


def test_command_calls_emulator() -> None:
    """
    The emulator answers while its command runs.
    """
    script = (
        "import os, urllib.request\n"
        "url = '{CLOUDFLARE_BASE_URL}/accounts/{CLOUDFLARE_ACCOUNT_ID}/tokens/verify'.format(**os.environ)\n"
        "headers = {'Authorization': 'Bearer ' + os.environ['CLOUDFLARE_API_TOKEN']}\n"
        "print(urllib.request.urlopen(urllib.request.Request(url, headers=headers)).status)\n"
    )

    ended = run("--port", "0", "--", sys.executable, "-c", script)

    assert (ended.stdout, ended.stderr) == ("200\n", "")


def test_propagation() -> None:
    """
    With ``--propagation``, a value that was just created is refused.
    """
    script = (
        "import json, os, urllib.error, urllib.request\n"
        "url = '{CLOUDFLARE_BASE_URL}/user/tokens'.format(**os.environ)\n"
        "def ask(url, value, data=None):\n"
        "    headers = {'Authorization': 'Bearer ' + value, 'Content-Type': 'application/json'}\n"
        "    return json.load(urllib.request.urlopen(urllib.request.Request(url, data, headers)))\n"
        'body = b\'{"name": "ci", "policies": []}\'\n'
        "value = ask(url, os.environ['CLOUDFLARE_USER_API_TOKEN'], body)['result']['value']\n"
        "try:\n"
        "    ask(url + '/verify', value)\n"
        "except urllib.error.HTTPError as error:\n"
        "    print(json.load(error)['errors'][0]['code'])\n"
    )

    ended = run("--port", "0", "--propagation", "600", "--", sys.executable, "-c", script)

    assert (ended.stdout, ended.stderr) == ("1000\n", "")


@pytest.mark.parametrize(("script", "status"), [("exit(7)", 7), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_status_of_command(script: str, status: int) -> None:
    """
    The emulator exits with its command's status, or with 128 plus the signal that ended the command.
    """
    ended = run("--port", "0", "--", sys.executable, "-c", script)

    assert ended.returncode == status


def test_arguments_of_command() -> None:
    """
    Everything after the first ``--`` belongs to the command.
    """
    script = "import sys; print(sys.argv[1:])"

    ended = run("--port=0", "--", sys.executable, "-c", script, "--port", "1", "--", "-h")

    assert ended.stdout == "['--port', '1', '--', '-h']\n"


@pytest.mark.parametrize(
    ("command", "status", "reason"),
    [("./no-such-command", 127, "No such file or directory"), ("/", 126, "Permission denied")],
)
def test_impossible_command(command: str, status: int, reason: str) -> None:
    """
    A command that cannot run is reported in one sentence, with the status that a shell gives.
    """
    ended = run("--port", "0", "--", command)

    assert (ended.returncode, ended.stderr) == (status, f"Cannot run {command}: {reason}.\n")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--"], "no COMMAND after --"),
        (["--port", "65536"], "argument --port: must be a whole number from 0 to 65535"),
        (["--port", "http"], "argument --port: must be a whole number from 0 to 65535"),
        (["--propagation", "-1"], "argument --propagation: must be a non-negative finite number"),
        (["--propagation", "nan"], "argument --propagation: must be a non-negative finite number"),
        (["--propagation", "inf"], "argument --propagation: must be a non-negative finite number"),
        (["--propagation", "soon"], "argument --propagation: must be a non-negative finite number"),
        (["true"], "unrecognized arguments: true"),
    ],
)
def test_bad_arguments(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Invalid arguments are reported together with the usage.
    """
    with pytest.raises(SystemExit, match=r"^2$"):
        main(arguments)

    errors = capsys.readouterr().err
    assert complaint in errors
    assert f"usage: python -m cftokens.emulator {USAGE}" in errors


def test_help() -> None:
    """
    The help names the five variables.
    """
    ended = run("--help")

    assert ended.returncode == 0
    assert all(name in ended.stdout for name in NAMES)


def test_port_in_use() -> None:
    """
    A port in use is reported in one sentence.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("--port", str(port), "--", sys.executable, "-c", "print('never')")

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"Cannot serve on 127.0.0.1:{port}: Address already in use.\n"


def test_the_program_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What runs is the file that was found, because Windows starts no script by its bare name.
    """
    program = importlib.import_module("cftokens.emulator.__main__")
    monkeypatch.setattr(program, "_on_signals", lambda _: None)
    monkeypatch.setattr("shutil.which", {"deploy": sys.executable}.get)

    assert program.main(["--port", "0", "--", "deploy", "-c", "exit(7)"]) == 7


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving(number: signal.Signals) -> None:
    """
    Without a command, the emulator prints the variables and serves until interrupted.
    """
    with start() as process:
        lines = read_lines(process, len(NAMES))
        variables = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        status = verify(*(variables[name] for name in NAMES[:3]))
        process.send_signal(number)
        rest = process.communicate(timeout=DEADLINE)

    assert list(variables) == NAMES
    assert status == 200
    assert (process.returncode, rest) == (0, ("", ""))


@posix_only
def test_ctrl_c() -> None:
    """
    On Ctrl-C, which the terminal also sends to the command, the emulator waits for the command to end.
    """
    with start("--", sys.executable, "-c", WAITING) as process:
        read_lines(process, 1)
        process.send_signal(signal.SIGINT)
        rest = process.communicate("go on\n", timeout=DEADLINE)

    assert (process.returncode, rest) == (0, ("", ""))


@posix_only
def test_sigterm() -> None:
    """
    SIGTERM is forwarded to the command, and its end also ends the emulator.
    """
    with start("--", sys.executable, "-c", WAITING) as process:
        read_lines(process, 1)
        process.send_signal(signal.SIGTERM)
        status = process.wait(DEADLINE)

    assert status == 128 + signal.SIGTERM
