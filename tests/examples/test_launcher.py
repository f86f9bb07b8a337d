"""
The program tests detect the faults that they are there to detect.
"""

from pathlib import Path

import pytest

from tests.examples.programs import assert_clean, running

pytestmark = pytest.mark.slow

BLOCKS = """
import asyncio, time

async def main():
    time.sleep(0.001)

asyncio.run(main())
"""
LEAVES_OPEN = """
import asyncio, aiohttp

async def main():
    session = aiohttp.ClientSession()
    assert not session.closed

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("text", "sign"),
    [(BLOCKS, "BlockingError"), (LEAVES_OPEN, "Unclosed client session")],
    ids=["blocks", "leaves-open"],
)
async def test_a_bad_program_is_detected(tmp_path: Path, text: str, sign: str) -> None:
    """
    A program that blocks its loop or leaves a session open fails assert_clean().
    """
    path = tmp_path / "program.py"
    path.write_text(text)
    async with running(str(path), emulator=None) as program:
        await program.status()

    assert sign in program.log
    with pytest.raises(AssertionError):
        assert_clean(program)
