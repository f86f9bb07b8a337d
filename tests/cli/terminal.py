"""
The command line as a program on a pseudo-terminal.
"""

import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

DEADLINE = 30.0
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """
    A program that thinks it has a terminal.

    Args:
        arguments: Those of ``python -m cftokens``.

        environment: Variables.

        width: The terminal's width.

        redirected: A file descriptor for standard output; None for the terminal.
    """

    def __init__(
        self,
        arguments: list[str],
        environment: Mapping[str, str],
        *,
        width: int = 120,
        redirected: int | None = None,
    ) -> None:
        self.shown = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._terminal, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        inherited = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "COLUMNS"}}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cftokens", *arguments],
            stdin=slave,
            stdout=slave if redirected is None else redirected,
            stderr=slave,
            env={**inherited, "TERM": "xterm-256color", **environment},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 -- Ctrl-C needs it
        )
        os.close(slave)

    @property
    def pid(self) -> int:
        """
        The program's process.
        """
        return self._process.pid

    @property
    def runs(self) -> bool:
        """
        Whether the program has not ended.
        """
        return self._process.poll() is None

    def wait_for(self, text: str) -> None:
        """
        Read until *text* is shown.
        """
        deadline = time.monotonic() + DEADLINE
        while text not in self.shown:
            assert self._read(deadline), self.shown

    def press(self, keys: str) -> None:
        """
        Type on the keyboard; ETX is Ctrl-C.
        """
        os.write(self._terminal, keys.encode())

    def interrupt(self) -> int:
        """
        Press Ctrl-C when the program waits for an answer, and return its exit status.

        Python misses one that comes just before it begins to read a line.
        """
        state = Path(f"/proc/{self.pid}/stat")
        while state.read_text().rpartition(")")[2].split()[0] != "S":
            pass
        self.press("\x03")
        return self.end()

    def end(self) -> int:
        """
        Read until the program ends, and return its exit status.
        """
        deadline = time.monotonic() + DEADLINE
        while self._read(deadline):
            pass
        return self._process.wait(DEADLINE)

    @property
    def text(self) -> str:
        """
        What is shown, without escape sequences.
        """
        return ESCAPE.sub("", self.shown).replace("\r", "")

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, self.shown
        try:
            found = self._decoder.decode(os.read(self._terminal, 65536))
        except OSError:  # how Linux says that the other side is closed
            return False
        self.shown += found
        return bool(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        os.close(self._terminal)


Start = Callable[..., Terminal]


def answer(terminal: Terminal, question: str, text: str) -> None:
    """
    Answer a question when it is asked, and forget what was shown before.
    """
    terminal.wait_for(question)
    terminal.shown = terminal.shown.partition(question)[2]
    terminal.press(f"{text}\n")
