"""
What needs a fresh interpreter: import, memory, and stalls of the loop.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import attrs

from tests.benchmarks.contenders import OURS, OURS_SPED_UP, SPEEDUPS
from tests.benchmarks.measuring import TOKENS
from tests.benchmarks.server import ACCOUNT, CREDENTIAL, ID

LONG_LIST: Final = 50_000

_PROGRAMS: Final = Path(__file__).parent / "programs"
_FIRST_CLIENT: Final = f"from cftokens import Client; client = Client({CREDENTIAL!r})"
_BEFORE: Final = {
    OURS: f"import sys; sys.modules.update(dict.fromkeys({SPEEDUPS})); ",
    OURS_SPED_UP: "",
}
_LIBRARIES: Final = ("-c", "import click, rich")
_HELP: Final = ("-m", "cftokens", "--help")
_PEAK: Final = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"


@attrs.frozen
class Start:
    """
    The time of an import without starting the interpreter, and the peak memory with it.
    """

    seconds: float
    kibibytes: int


@attrs.frozen(kw_only=True)
class Fresh:
    """
    The best of each figure, but the median of the stalls. Ours are keyed by contender.
    """

    aiohttp: Start

    package: Start
    """Of `import cftokens`, without a client."""

    ours: Mapping[str, Start]

    block: Mapping[str, float]
    """Milliseconds."""

    growth: Mapping[str, int]
    """KiB gained between a tenth of a long list and its end."""

    libraries: float
    """Seconds of a process that imports click and rich."""

    help: float
    """Seconds of a process that prints the help of the command line."""


def measure_fresh(origin: str, rounds: int) -> Fresh:
    """
    Measure in fresh interpreters, one after another.

    Bytecode is cached beforehand, as pip does when it installs a package.
    """
    with tempfile.TemporaryDirectory() as cache:
        interpreter = Interpreter(cache)
        interpreter.start("", "import aiohttp")
        interpreter.start("", _FIRST_CLIENT)
        interpreter.run(*_LIBRARIES)
        interpreter.run(*_HELP)
        turns = [_turn(interpreter, origin) for _ in range(rounds)]
        package = _best(interpreter.start("", "import cftokens") for _ in range(rounds))
        commands = [(interpreter.run(*_LIBRARIES), interpreter.run(*_HELP)) for _ in range(rounds)]
        growth = {name: interpreter.growth(before, origin) for name, before in _BEFORE.items()}
    return Fresh(
        package=package,
        aiohttp=_best(aiohttp for aiohttp, _, _ in turns),
        ours={name: _best(ours[name] for _, ours, _ in turns) for name in _BEFORE},
        block={name: statistics.median(block[name] for _, _, block in turns) for name in _BEFORE},
        growth=growth,
        libraries=min(libraries for libraries, _ in commands),
        help=min(shown for _, shown in commands),
    )


def _turn(interpreter: "Interpreter", origin: str) -> tuple[Start, Mapping[str, Start], Mapping[str, float]]:
    return (
        interpreter.start("", "import aiohttp"),
        {name: interpreter.start(before, _FIRST_CLIENT) for name, before in _BEFORE.items()},
        {name: interpreter.block(before, origin) for name, before in _BEFORE.items()},
    )


def _best(starts: Iterable[Start]) -> Start:
    each = list(starts)
    return Start(min(start.seconds for start in each), min(start.kibibytes for start in each))


@attrs.frozen
class Interpreter:
    """
    Fresh interpreters that share a bytecode cache.
    """

    cache: str

    def start(self, before: str, statement: str) -> Start:
        """
        Measure a statement, after *before*, which may hide modules.
        """
        program = (
            f"{before}import time; start = time.perf_counter(); {statement}; "
            f"print(time.perf_counter() - start); print({_PEAK})"
        )
        seconds, kibibytes = self._output("-W", "ignore", "-c", program).split()
        return Start(float(seconds), int(kibibytes))

    def run(self, *arguments: str) -> float:
        """
        Measure a whole process in seconds.
        """
        start = time.perf_counter()
        self._output(*arguments)
        return time.perf_counter() - start

    def block(self, before: str, origin: str) -> float:
        """
        Measure the longest stall in milliseconds.
        """
        return float(self._run(before, "longest_block.py", f"{origin}/{TOKENS}", ID))

    def growth(self, before: str, origin: str) -> int:
        """
        Measure how much the peak memory grows between a tenth of a long list and its end.
        """
        early, late = self._run(before, "iterate.py", f"{origin}/{LONG_LIST}", str(LONG_LIST)).split()
        return int(late) - int(early)

    def _run(self, before: str, program: str, base_url: str, argument: str) -> str:
        statement = f"{before}import runpy; runpy.run_path({str(_PROGRAMS / program)!r})"
        return self._output("-c", statement, base_url, ACCOUNT, CREDENTIAL, argument)

    def _output(self, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": self.cache, "PYTHONDONTWRITEBYTECODE": ""}
        return subprocess.run(
            [sys.executable, *arguments], check=True, capture_output=True, text=True, env=environment
        ).stdout
