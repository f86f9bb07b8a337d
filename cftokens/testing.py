"""
Fixtures for pytest: an emulator for each test, and clients that use it.

::

    pytest_plugins = ["cftokens.testing"]  # in your conftest.py

- `cloudflare_emulator`: a new emulator, a `cftokens.sync.emulator.Emulator`
- `cloudflare_client`: a blocking client of it
- `cloudflare_async_client`: an async client of it, for tests that pytest-asyncio runs
- `cloudflare_environment`: environment variables that lead each ``Client()`` to it

The emulator serves from a thread, so blocking and async code can use it alike.
"""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from typing import Final, NoReturn

from cftokens._client import Client as AsyncClient
from cftokens.sync._client import Client
from cftokens.sync.emulator import Emulator

try:
    import pytest
except ModuleNotFoundError as missing:
    raise ImportError("cftokens.testing needs pytest: pip install pytest") from missing

__all__ = ["cloudflare_async_client", "cloudflare_client", "cloudflare_emulator", "cloudflare_environment"]

_HOST: Final = "127.0.0.1"


@pytest.fixture
def cloudflare_emulator() -> Iterator[Emulator]:
    """
    Serve a new emulator of Cloudflare's token API.
    """
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def cloudflare_client(cloudflare_emulator: Emulator) -> Iterator[Client]:
    """
    Open a blocking client with the first token of the emulator's account.
    """
    with cloudflare_emulator.client() as client:
        yield client


def _fixture_of_asyncio(
    function: Callable[[Emulator], AsyncIterator[AsyncClient]],
) -> Callable[[Emulator], AsyncIterator[AsyncClient]]:
    """
    Make a fixture of pytest-asyncio, or without that plugin one that says what is missing.

    A plain fixture would only do in pytest-asyncio's auto mode.
    """
    if find_spec("pytest_asyncio") is not None:
        import pytest_asyncio  # noqa: PLC0415 -- optional

        return pytest_asyncio.fixture(function)

    def fail() -> NoReturn:
        pytest.fail(f"{function.__name__} needs pytest-asyncio: pip install pytest-asyncio", pytrace=False)

    fail.__doc__ = function.__doc__
    return pytest.fixture(fail, name=function.__name__)


@_fixture_of_asyncio
async def cloudflare_async_client(cloudflare_emulator: Emulator) -> AsyncIterator[AsyncClient]:
    """
    Open an async client with the first token of the emulator's account. Needs pytest-asyncio.
    """
    async with cloudflare_emulator.async_client() as client:
        yield client


@pytest.fixture
def cloudflare_environment(cloudflare_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """
    Set the environment variables that lead each ``Client()`` to the emulator, and return them.

    ``NO_PROXY`` is set as well, so that no proxy comes in between.
    """
    variables = {
        "CLOUDFLARE_BASE_URL": cloudflare_emulator.base_url,
        "CLOUDFLARE_ACCOUNT_ID": cloudflare_emulator.account_id,
        "CLOUDFLARE_API_TOKEN": cloudflare_emulator.api_token,
        **dict.fromkeys(("NO_PROXY", "no_proxy"), _no_proxy()),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def _no_proxy() -> str:
    """
    Return the hosts that are reached without a proxy, and the emulator's. ``*`` counts only if it is alone.
    """
    hosts = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    return hosts if hosts.strip() == "*" else ",".join([*filter(None, [hosts]), _HOST])
