"""
The libraries measured: all make the same calls with their defaults, but our rate limit is off.
"""

import functools
import importlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from typing import Final
from unittest.mock import patch

import aiohttp
import attrs
import cloudflare  # pyright: ignore[reportMissingImports]  # only the benchmark installs it

import cftokens
import cftokens.sync
from tests.benchmarks.server import ACCOUNT, CREDENTIAL, ID, PER_PAGE

OURS: Final = "cftokens"
OURS_SPED_UP: Final = "cftokens[speedups]"
OFFICIAL: Final = "cloudflare"
OFFICIAL_AIOHTTP: Final = "cloudflare[aiohttp]"
BARE: Final = "aiohttp + json.loads"

SPEEDUPS: Final = ("msgspec", "uvloop")


@attrs.frozen
class Contender:
    """
    The calls of an async library.
    """

    get: Callable[[], Awaitable[object]]
    count: Callable[[], Awaitable[int]]
    """Lists all tokens, and reads the id of each."""


@attrs.frozen
class BlockingContender:
    """
    The calls of a blocking library.
    """

    get: Callable[[], object]


@asynccontextmanager
async def contenders(base_url: str) -> AsyncIterator[Mapping[str, Contender]]:
    """
    Open all async contenders.
    """
    async with AsyncExitStack() as stack:
        http_client = cloudflare.DefaultAioHttpClient()
        plain, _ = _without_speedups()
        yield {
            OURS: await stack.enter_async_context(_ours(base_url, plain)),
            OURS_SPED_UP: await stack.enter_async_context(_ours(base_url, cftokens.Client)),
            OFFICIAL: await stack.enter_async_context(_official(base_url, None)),
            OFFICIAL_AIOHTTP: await stack.enter_async_context(_official(base_url, http_client)),
            BARE: await stack.enter_async_context(_bare(base_url)),
        }


@contextmanager
def blocking_contenders(base_url: str) -> Iterator[Mapping[str, BlockingContender]]:
    """
    Open all blocking contenders.
    """
    with ExitStack() as stack:
        _, plain = _without_speedups()
        ours, sped_up = (
            stack.enter_context(each(CREDENTIAL, account_id=ACCOUNT, base_url=base_url, rate_limit=None))
            for each in (plain, cftokens.sync.Client)
        )
        official = stack.enter_context(cloudflare.Cloudflare(api_token=CREDENTIAL, base_url=base_url))
        yield {
            OURS: BlockingContender(lambda: ours.accounts.tokens.get(ID)),
            OURS_SPED_UP: BlockingContender(lambda: sped_up.accounts.tokens.get(ID)),
            OFFICIAL: BlockingContender(lambda: official.accounts.tokens.get(ID, account_id=ACCOUNT)),
        }


@functools.cache
def _without_speedups() -> tuple[type[cftokens.Client], type[cftokens.sync.Client]]:
    """
    Import the package again, as if its extra were not installed.
    """
    others = {name: module for name, module in sys.modules.items() if name.partition(".")[0] != "cftokens"}
    hidden = dict.fromkeys(SPEEDUPS)
    with patch.dict(sys.modules, {**others, **hidden}, clear=True):
        return importlib.import_module("cftokens").Client, importlib.import_module("cftokens.sync").Client


@asynccontextmanager
async def _ours(base_url: str, client_class: type[cftokens.Client]) -> AsyncIterator[Contender]:
    async with client_class(CREDENTIAL, account_id=ACCOUNT, base_url=base_url, rate_limit=None) as client:

        async def count() -> int:
            return sum([1 async for token in client.accounts.tokens.list() if token.id])

        yield Contender(lambda: client.accounts.tokens.get(ID), count)


@asynccontextmanager
async def _official(
    base_url: str, http_client: cloudflare.DefaultAsyncHttpxClient | None
) -> AsyncIterator[Contender]:
    async with cloudflare.AsyncCloudflare(
        api_token=CREDENTIAL, base_url=base_url, http_client=http_client
    ) as client:

        async def count() -> int:
            listing = client.accounts.tokens.list(account_id=ACCOUNT, per_page=PER_PAGE)
            return sum([1 async for token in listing if token.id])

        yield Contender(lambda: client.accounts.tokens.get(ID, account_id=ACCOUNT), count)


@asynccontextmanager
async def _bare(base_url: str) -> AsyncIterator[Contender]:
    url = f"{base_url}/accounts/{ACCOUNT}/tokens"
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {CREDENTIAL}"}) as session:

        async def get(url: str = f"{url}/{ID}") -> dict[str, object]:
            async with session.get(url) as response:
                document: dict[str, object] = json.loads(await response.read())
                return document

        async def count() -> int:
            number, total = 0, 1
            while number < total:
                page = await get(f"{url}?per_page={PER_PAGE}&page={number // PER_PAGE + 1}")
                result, info = page["result"], page["result_info"]
                assert isinstance(result, list)
                assert isinstance(info, dict)
                number += sum(1 for token in result if token["id"])
                total = info["total_count"]
            return number

        yield Contender(get, count)
