"""
An emulator in a thread, which leaves the tests' event loop free to drive a program.
"""

from collections.abc import Iterator

import pytest

from cftokens.sync.emulator import Emulator


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """
    An emulator for one program, to which a change takes as many seconds as `at_once_or_later` says.
    """
    with Emulator(propagation=getattr(request, "param", 0.0)) as emulator:
        yield emulator
