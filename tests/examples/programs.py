"""
The documentation's programs, each in its own process, and what its pages define.
"""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from cftokens.sync.emulator import Emulator

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
LAUNCHER = Path(__file__).parent / "launcher.py"
DEADLINE = 120.0
"""Seconds after which a program hangs, also on a machine with ten times as much to do."""

PYTHON = (sys.executable, "-W", "error")
"""Without the development mode, in which asyncio reports slow steps on stderr: a busy machine has them."""

at_once_or_later = pytest.mark.parametrize("emulator", [0.0, 1.0], ids=["at-once", "later"], indirect=True)
"""Runs a test with a change known at once, and again with one that takes a second to be known."""


class Program:
    """
    A running program and its output so far.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._heard = asyncio.Condition()
        self._ended = False
        self.lines: list[str] = []

    @property
    def log(self) -> str:
        """
        Its output so far.
        """
        return "\n".join(self.lines)

    async def listen(self) -> None:
        """
        Collect its output, so that its pipe never fills up.
        """
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            async with self._heard:
                self.lines.append(line.decode().rstrip())
                self._heard.notify_all()
        async with self._heard:
            self._ended = True
            self._heard.notify_all()

    async def says(self, pattern: str, times: int = 1) -> str:
        """
        Wait until a pattern has matched that many lines, and return the last match.
        """

        def found() -> list[str]:
            return [match[0] for line in self.lines if (match := re.search(pattern, line))]

        with suppress(TimeoutError):
            async with asyncio.timeout(DEADLINE), self._heard:
                await self._heard.wait_for(lambda: self._ended or len(found()) >= times)
        assert len(found()) >= times, f"{pattern!r} was not said {times} times:\n{self.log}"
        return found()[times - 1]

    def tell(self, number: signal.Signals) -> None:
        """
        Send it a signal.
        """
        self._process.send_signal(number)

    async def status(self) -> int:
        """
        Wait until it has exited and its output is complete, and return its exit status.
        """
        async with asyncio.timeout(DEADLINE), self._heard:
            await self._heard.wait_for(lambda: self._ended)
            return await self._process.wait()

    async def kill(self) -> None:
        """
        Kill it if it is still running.
        """
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()


def names_of(page: str) -> dict[str, Any]:
    """
    Run the blocks of Python of a how-to, and return the names that they define.
    """
    path = ROOT / "docs" / "how-to" / page
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(path.parent)).parse(path)
    for example in document.examples():
        example.evaluate()
    return document.namespace


async def received(emulator: Emulator, operation: str, times: int = 1) -> None:
    """
    Wait until an emulator has received an operation that many times.
    """
    async with asyncio.timeout(DEADLINE):
        while sum(request.operation == operation for request in emulator.requests) < times:  # noqa: ASYNC110 -- a thread
            await asyncio.sleep(0.01)


def environment_for(emulator: Emulator | None) -> dict[str, str]:
    """
    Return an environment that points to an emulator, or to nothing.
    """
    unwanted = ("CLOUDFLARE_", "COVERAGE_PROCESS", "PYTHONDEVMODE")  # the examples are not what is measured
    clean = {name: value for name, value in os.environ.items() if not name.startswith(unwanted)}
    if emulator is None:
        return clean
    return clean | {
        "CLOUDFLARE_API_TOKEN": emulator.api_token,
        "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
        "CLOUDFLARE_BASE_URL": emulator.base_url,
    }


@asynccontextmanager
async def running(
    name: str, *arguments: str, emulator: Emulator | None, strict: bool = True, dev: bool = True
) -> AsyncIterator[Program]:
    """
    Run one of the documentation's programs against an emulator.

    Args:
        strict: Make it an error to block the loop.

        dev: Use Python's development mode, which reports what was left open but is slow.
    """
    process = await asyncio.create_subprocess_exec(
        *PYTHON,
        *(["-X", "dev"] if dev else []),
        *([str(LAUNCHER)] if strict else []),
        *(str(EXAMPLES / name), *arguments),
        cwd=ROOT,
        env=environment_for(emulator),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    program = Program(process)
    listening = asyncio.ensure_future(program.listen())
    try:
        yield program
    finally:
        await program.kill()
        await listening


def assert_clean(program: Program) -> None:
    """
    Assert that the output mentions no blocking call, open session, lost task or secret.
    """
    for sign in ("BlockingError", "ResourceWarning", "Unclosed", "never retrieved", "Traceback", "cfat_"):
        assert sign not in program.log, program.log


def longest_stall(program: Program) -> float:
    """
    Return the longest time in seconds that the loop computed in one callback.
    """
    match = re.search(r"^longest stall: ([\d.]+) s$", program.log, re.MULTILINE)
    assert match is not None, program.log
    return float(match[1])
