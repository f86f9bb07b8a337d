"""
What needs an interpreter of its own: import, memory, and how long the loop stands still.
"""

import subprocess
import sys
from pathlib import Path
from typing import Final

import attrs

from tests.benchmarks.measuring import TOKENS
from tests.benchmarks.server import ACCOUNT, CREDENTIAL, ID

LONG_LIST: Final = 50_000

_PROGRAMS: Final = Path(__file__).parent / "programs"
_IMPORTS: Final = {
    "ours": f"from cftokens import Client; client = Client({CREDENTIAL!r})",
    "aiohttp": "import aiohttp",
}
_PEAK: Final = "next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM'))"


@attrs.frozen
class Start:
    """
    An import, without the start of the interpreter, and the peak of memory with it.
    """

    seconds: float
    kibibytes: int


@attrs.frozen(kw_only=True)
class Fresh:
    """
    The best of each.
    """

    ours: Start
    aiohttp: Start
    block: float
    """Milliseconds."""

    growth: int
    """KiB between a tenth of a long list and its end."""


def measure_fresh(origin: str, rounds: int) -> Fresh:
    """
    Measure in interpreters that are started for it, in turns.
    """
    starts: dict[str, list[Start]] = {name: [] for name in _IMPORTS}
    blocks = []
    for _ in range(rounds):
        for name, statement in _IMPORTS.items():
            starts[name].append(_start(statement))
        blocks.append(float(_run("longest_block.py", f"{origin}/{TOKENS}", ID)))
    early, late = map(int, _run("iterate.py", f"{origin}/{LONG_LIST}", str(LONG_LIST)).split())
    return Fresh(
        ours=_best(starts["ours"]), aiohttp=_best(starts["aiohttp"]), block=min(blocks), growth=late - early
    )


def _best(starts: list[Start]) -> Start:
    return Start(min(each.seconds for each in starts), min(each.kibibytes for each in starts))


def _start(statement: str) -> Start:
    program = (
        f"import time; start = time.perf_counter(); {statement}; "
        f"print(time.perf_counter() - start); print({_PEAK})"
    )
    seconds, kibibytes = _output("-W", "ignore", "-c", program).split()
    return Start(float(seconds), int(kibibytes))


def _run(program: str, base_url: str, argument: str) -> str:
    return _output(str(_PROGRAMS / program), base_url, ACCOUNT, CREDENTIAL, argument)


def _output(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout
