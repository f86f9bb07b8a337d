"""
Calls and listings: contenders take turns, and the best round of each counts.

The best, because a busy machine can only make a measurement slower.
"""

import asyncio
import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import attrs

from tests.benchmarks.contenders import OURS, BlockingContender, Contender, blocking_contenders, contenders
from tests.benchmarks.server import requests_so_far

IN_FLIGHT: Final = 50
THREADS: Final = 16
TOKENS: Final = 500

Seconds = Mapping[str, float]
"""Keyed by contender."""


@attrs.frozen
class Effort:
    """
    How much to measure.
    """

    rounds: int = 15
    gets: int = 500
    listings: int = 4


@attrs.frozen(kw_only=True)
class Speeds:
    """
    Seconds per call or per listing.
    """

    get: Seconds
    awaited: Seconds
    listing: Seconds
    requests: Mapping[str, int]
    """Per listing."""

    blocking: Seconds
    threads: Seconds


def measure_speeds(origin: str, effort: Effort) -> Speeds:
    """
    Measure async and blocking calls, and async listings.
    """
    base_url = f"{origin}/{TOKENS}"
    with asyncio.Runner() as runner:
        get, awaited, listing, requests = runner.run(_measure_async(origin, base_url, effort))
    with blocking_contenders(base_url) as blocking, ThreadPoolExecutor(THREADS) as pool:
        one = _best_blocking(effort, blocking, lambda each: _one_after_another(each, effort.gets // 2))
        many = _best_blocking(effort, blocking, lambda each: _from_threads(pool, each, effort.gets))
    return Speeds(get=get, awaited=awaited, listing=listing, requests=requests, blocking=one, threads=many)


async def _measure_async(
    origin: str, base_url: str, effort: Effort
) -> tuple[Seconds, Seconds, Seconds, Mapping[str, int]]:
    async with contenders(base_url) as everyone:
        requests = {name: await _count_requests(origin, each) for name, each in everyone.items()}
        get = await _best(effort, everyone, lambda each: _in_flight(each, effort.gets))
        ours = {OURS: everyone[OURS]}
        awaited = await _best(effort, ours, lambda each: _awaited(each, effort.gets // 2))
        listing = await _best(effort, everyone, lambda each: _listings(each, effort.listings))
    return get, awaited, listing, requests


async def _count_requests(origin: str, contender: Contender) -> int:
    before = requests_so_far(origin)
    assert await contender.count() == TOKENS
    return requests_so_far(origin) - before


async def _best(
    effort: Effort, everyone: Mapping[str, Contender], run: Callable[[Contender], Awaitable[int]]
) -> Seconds:
    """
    Return the seconds per call of each contender in its best round.
    """
    best = dict.fromkeys(everyone, float("inf"))
    for _ in range(effort.rounds):
        for name, contender in everyone.items():
            tidy_up()
            start = time.perf_counter()
            calls = await run(contender)
            best[name] = min(best[name], (time.perf_counter() - start) / calls)
    return best


def _best_blocking(
    effort: Effort, everyone: Mapping[str, BlockingContender], run: Callable[[BlockingContender], int]
) -> Seconds:
    best = dict.fromkeys(everyone, float("inf"))
    for _ in range(effort.rounds):
        for name, contender in everyone.items():
            tidy_up()
            start = time.perf_counter()
            calls = run(contender)
            best[name] = min(best[name], (time.perf_counter() - start) / calls)
    return best


def tidy_up() -> None:
    """
    Keep the garbage and the many classes of one contender from slowing down another.
    """
    gc.collect()
    gc.freeze()


async def _in_flight(contender: Contender, calls: int) -> int:
    left = iter(range(calls))

    async def work() -> None:
        for _ in left:
            await contender.get()

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(work())
    return calls


async def _awaited(contender: Contender, calls: int) -> int:
    for _ in range(calls):
        await contender.get()
    return calls


async def _listings(contender: Contender, calls: int) -> int:
    for _ in range(calls):
        await contender.count()
    return calls


def _one_after_another(contender: BlockingContender, calls: int) -> int:
    for _ in range(calls):
        contender.get()
    return calls


def _from_threads(pool: ThreadPoolExecutor, contender: BlockingContender, calls: int) -> int:
    each = calls // THREADS
    done = pool.map(lambda _: _one_after_another(contender, each), range(THREADS))
    return sum(done)
