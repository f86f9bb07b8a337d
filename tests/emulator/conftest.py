"""
Fixtures: an emulator with a clock that only tests move, and its callers.
"""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cftokens.emulator import Emulator

from .caller import Caller, ManualClock


@pytest.fixture
def clock() -> ManualClock:
    """
    Return the emulator's clock.
    """
    return ManualClock()


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    """
    Serve an emulator.
    """
    async with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """
    Open a plain aiohttp session that never resends a request.
    """
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        yield session


@pytest.fixture
def account(emulator: Emulator, session: aiohttp.ClientSession) -> Caller:
    """
    Return a caller of the account's endpoints.
    """
    return Caller(emulator, session)


@pytest.fixture
def user(emulator: Emulator, session: aiohttp.ClientSession) -> Caller:
    """
    Return a caller of the user's endpoints.
    """
    return Caller(emulator, session, "user")


@pytest.fixture(params=["account", "user"])
def caller(request: pytest.FixtureRequest, emulator: Emulator, session: aiohttp.ClientSession) -> Caller:
    """
    Return a caller of the account's endpoints, then one of the user's.
    """
    return Caller(emulator, session, request.param)
