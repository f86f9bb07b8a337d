"""
An emulator in a thread, which leaves the tests' event loop free to drive a program.
"""

import sys
from collections.abc import Iterator

import pytest

from cftokens.sync.emulator import Emulator

collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []  # SIGTERM ends the programs


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """
    An emulator for one program, to which a change takes as many seconds as `at_once_or_later` says.
    """
    with Emulator(propagation=getattr(request, "param", 0.0)) as emulator:
        yield emulator
