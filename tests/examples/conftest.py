"""
An emulator in a thread, which leaves the tests' event loop free to drive a program, and a web service.
"""

import sys
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from cftokens.sync.emulator import Emulator
from tests.examples.web_service import Caller

collect_ignore_glob = ["test_*.py"] if sys.platform == "win32" else []  # SIGTERM ends the programs


@pytest.fixture
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    """
    An emulator for one program, to which a change takes as many seconds as `at_once_or_later` says.
    """
    with Emulator(propagation=getattr(request, "param", 0.0)) as emulator:
        yield emulator


@pytest_asyncio.fixture(scope="class", loop_scope="class")
async def lasting_caller(request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    """
    A client of a service that runs for all tests of its class.
    """
    assert request.cls is not None
    with Emulator() as emulator:
        async with request.cls().start(emulator, deadline=9.0) as caller:
            yield caller
            assert await caller.stop() == 0


@pytest.fixture
def caller(lasting_caller: Caller) -> Caller:
    """
    A client of that service, whose emulator is as new.
    """
    lasting_caller.emulator.reset()
    return lasting_caller
