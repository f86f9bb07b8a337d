"""
An emulator with a clock that stands still, and callers of it.
"""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cftokens.emulator import Emulator

from .caller import Caller, Clock


@pytest.fixture
def clock() -> Clock:
    """
    Return the time that the emulator goes by.
    """
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    """
    Serve an emulator.
    """
    async with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """
    Open a session of plain aiohttp that sends nothing twice.
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
    Return a caller of the account's endpoints, and one of the user's.
    """
    return Caller(emulator, session, request.param)
