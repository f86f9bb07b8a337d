"""
An emulator in a thread, which leaves the tests' event loop free to drive a program.
"""

from collections.abc import Iterator

import pytest

from cftokens.sync.emulator import Emulator


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """
    An emulator for one program.
    """
    with Emulator() as emulator:
        yield emulator
