"""
Fixtures for all tests: a clean environment, a check of the logs for secrets, and an emulator.
"""

import asyncio
import inspect
import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import aioresponses.core
import pytest
from aiohttp import ClientResponse

from cftokens import Client
from cftokens.emulator import Emulator
from cftokens.sync._loop_thread import new_event_loop
from tests.vocabulary import MARK


def pytest_configure() -> None:
    """
    Let the programs that tests start heed Ctrl-C: a shell makes what it runs in the background ignore it.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """
    Run tests on the blocking client's loop, which is uvloop's if that is installed.
    """
    return {"loop": new_event_loop}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Remove Cloudflare's variables, and those about proxies, from the environment.
    """
    for name in ("CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True)
def no_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """
    Assert that no log record, at any level and from any library, shows a secret.
    """
    caplog.set_level(logging.DEBUG)
    yield
    for when in ("setup", "call"):
        for record in caplog.get_records(when):
            assert MARK not in record.getMessage()
            assert MARK not in repr(record.args)


@pytest.fixture(scope="session", autouse=True)
def repaired_aioresponses() -> Iterator[None]:
    """
    Give aioresponses 0.7.9 an argument that aiohttp 3.14 requires.

    https://github.com/pnuckowski/aioresponses/issues/289
    """
    needs_it = "stream_writer" in inspect.signature(ClientResponse.__init__).parameters

    class Response(ClientResponse):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
            super().__init__(*args, **kwargs)

    patch = pytest.MonkeyPatch()
    if needs_it:
        patch.setattr(aioresponses.core, "ClientResponse", Response)
    yield
    patch.undo()


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    A new emulator for each test.
    """
    async with Emulator() as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    """
    A client with the account's first token.
    """
    async with emulator.client() as client:
        yield client
