"""
The audit, run as by cron and as in a terminal.
"""

import os
import pty
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cftokens.sync import Client
from cftokens.sync.emulator import Emulator, Fault
from tests.examples.programs import DEADLINE, EXAMPLES, PYTHON, ROOT, at_once_or_later, environment_for
from tests.vocabulary import NO_CREDENTIAL

pytestmark = pytest.mark.slow

SCRIPT = str(EXAMPLES / "script.py")
HOME: dict[str, Any] = {"request_ip": {"in": ["127.0.0.0/8"]}}
EXCEPT: dict[str, Any] = {"request_ip": {"not_in": ["192.0.2.0/24"]}}


def command(*arguments: str) -> list[str]:
    """
    Return the command that runs the audit.
    """
    return [*PYTHON, SCRIPT, *arguments]


def audit(emulator: Emulator | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """
    Run the audit without a terminal.
    """
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=environment_for(emulator),
        text=True,
        timeout=DEADLINE,
    )


def read_all(terminal: int) -> str:
    """
    Read a terminal until its other end is closed.
    """
    shown = b""
    with suppress(OSError), open(terminal, "rb", buffering=0) as stream:
        while some := stream.read(4096):
            shown += some
    return shown.decode()


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    """
    A client for an account whose only token passes the audit.
    """
    with emulator.client() as client:
        tokens = client.accounts.tokens
        first = tokens.get(tokens.verify().id)
        tokens.update(
            first.id,
            name="first",
            policies=first.policies,
            condition=HOME,
            expires_on=datetime.now(UTC) + timedelta(days=60),
            not_before=None,
        )
        yield client


@pytest.mark.usefixtures("client")
def test_all_is_fine(emulator: Emulator) -> None:
    """
    Without findings it prints nothing, as cron prefers, and exits with 0.
    """
    done = audit(emulator)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@at_once_or_later
def test_each_finding_is_a_line(emulator: Emulator, client: Client) -> None:
    """
    Each risky token is one line, expired ones are left out, and the exit status is 1.
    """
    now = datetime.now(UTC)
    create = client.accounts.tokens.create
    create(name="fine", policies=[], condition=HOME, expires_on=now + timedelta(days=60))
    create(name="dead", policies=[], expires_on=now - timedelta(days=1))
    found = [
        (create(name="eternal", policies=[], condition=HOME), "never expires"),
        (
            create(name="open", policies=[], expires_on=now + timedelta(days=60), condition=EXCEPT),
            "may be used from every address",
        ),
        (
            create(name="late", policies=[], expires_on=now + timedelta(days=3), condition=HOME),
            f"expires on {now + timedelta(days=3):%Y-%m-%d}",
        ),
    ]

    done = audit(emulator)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines() == [f"{token.id}  {token.name!r}: {words}" for token, words in found]


def test_an_unused_token_is_a_finding() -> None:
    """
    A token that was not used for so many days is reported, as is one that was never used.
    """
    now = datetime.now(UTC)
    with Emulator(clock=lambda: now.timestamp() - 100 * 86400) as emulator:
        with emulator.client() as client:
            client.accounts.tokens.create(name="forgotten", policies=[], condition=HOME)
        done, patient = audit(emulator), audit(emulator, "--unused", "101")

    assert done.returncode == 1
    first, forgotten = done.stdout.splitlines()
    assert first.endswith(f"not used since {now - timedelta(days=100):%Y-%m-%d}")
    assert forgotten.endswith("never used")
    assert "used since" not in patient.stdout


@pytest.mark.usefixtures("client")
def test_a_failed_audit_is_not_a_success(emulator: Emulator) -> None:
    """
    If Cloudflare refuses the listing, the audit says so and exits with 2.
    """
    emulator.inject(Fault.status(403), operation="list")
    done = audit(emulator)

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Could not check: GET /accounts/\w+/tokens was refused with 403.*\n", done.stderr)


def test_it_reports_a_missing_credential() -> None:
    """
    It prints what is wrong and where to make a credential, and exits with status 2.
    """
    done = audit(None)

    assert done.returncode == 2
    assert done.stderr == f"Could not check: {NO_CREDENTIAL}\n"


def test_it_explains_itself() -> None:
    """
    --help lists the exit statuses.
    """
    done = audit(None, "--help")

    assert done.returncode == 0
    assert "Exit status: 0 all fine" in done.stdout


def test_a_terminal_shows_progress(emulator: Emulator, client: Client) -> None:
    """
    The progress bar goes to the terminal, and stdout has only the findings.
    """
    for number in range(60):
        client.accounts.tokens.create(name=f"token {number}", policies=[], condition=HOME)
    terminal, end = pty.openpty()
    with ThreadPoolExecutor() as pool:
        watching = pool.submit(read_all, terminal)  # an unread terminal blocks its writer
        done = subprocess.run(
            command(),
            check=False,
            cwd=ROOT,
            env=environment_for(emulator) | {"TERM": "xterm", "COLUMNS": "80"},
            stderr=end,
            stdout=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
        )
        os.close(end)
    shown, found = watching.result(), done.stdout

    assert done.returncode == 1
    assert "Tokens" in shown
    assert "━" in shown
    assert len(found.splitlines()) == 60
    assert "\x1b" not in found
