"""
An emulator that serves from a thread, while the tests' own loop drives a program.
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
