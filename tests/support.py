"""
What the tests share: a client and its clock, a call of each operation, and a search for leaked secrets.
"""

import asyncio
import heapq
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from cftokens import CFTokensError, Client
from cftokens._settings import Timing
from cftokens.emulator import Emulator
from tests.vocabulary import ACCOUNT, CREDENTIAL, MARK, POLICY, TOKEN_ID

posix_only = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no such signals, modes or time zones"
)
"""Marks what Windows cannot do."""

CALLS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "list": lambda client: client.accounts.tokens.list().page(),
    "get": lambda client: client.accounts.tokens.get(TOKEN_ID),
    "verify": lambda client: client.accounts.tokens.verify(),
    "permission_groups": lambda client: client.accounts.tokens.permission_groups.get(),
    "update": lambda client: client.accounts.tokens.update(
        TOKEN_ID, name="bot", policies=[POLICY], condition=None, expires_on=None, not_before=None
    ),
    "delete": lambda client: client.accounts.tokens.delete(TOKEN_ID),
    "create": lambda client: client.accounts.tokens.create(name="bot", policies=[POLICY]),
    "roll": lambda client: client.accounts.tokens.value.update(TOKEN_ID),
}
"""One call of each operation."""


class Clock:
    """
    Time that passes only while all workers wait.

    Args:
        workers: The number of tasks. Time stands still while one of them is not waiting.
    """

    def __init__(self, workers: int = 1) -> None:
        self.now = 1_800_000_000.0
        self.waits: list[float] = []
        self._workers = workers
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """
        Wait until the clock has moved on.
        """
        self.waits.append(seconds)
        sleeper = (self.now + seconds, len(self.waits), asyncio.get_running_loop().create_future())
        heapq.heappush(self._sleepers, sleeper)
        self._move_on()
        try:
            await sleeper[-1]
        except asyncio.CancelledError:
            self._forget(sleeper)
            raise

    def leave(self) -> None:
        """
        Remove one worker.
        """
        self._workers -= 1
        self._move_on()

    def _forget(self, sleeper: tuple[float, int, "asyncio.Future[None]"]) -> None:
        if sleeper in self._sleepers:  # or its time came as it was cancelled
            self._sleepers.remove(sleeper)
            heapq.heapify(self._sleepers)

    def _move_on(self) -> None:
        if not self._sleepers or len(self._sleepers) < self._workers:
            return
        self.now = self._sleepers[0][0]
        while self._sleepers and self._sleepers[0][0] <= self.now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


class RunningClock(Clock):
    """
    Real time, as the emulator has it, plus the time that was waited.
    """

    def __call__(self) -> float:
        return self.now + time.monotonic()


def client_of(server: str | Emulator, clock: Clock | None = None, **settings: Any) -> Client:
    """
    Return a client of a test server, which keeps no pace and waits on a test clock.

    Args:
        server: The base URL, or an emulator.

        clock: Its clock; None for a new one.

        settings: Arguments for the client, which override the defaults.
    """
    times = clock or Clock()

    class ClockedClient(Client):
        _timing = Timing(times, times.sleep, lambda: 0.0)

    where = (
        {"base_url": server, "api_token": CREDENTIAL, "account_id": ACCOUNT}
        if isinstance(server, str)
        else {"base_url": server.base_url, "api_token": server.api_token, "account_id": server.account_id}
    )
    return ClockedClient(**{**where, "rate_limit": None, **settings})


async def interrupted_once(arrived: Awaitable[object], call: Awaitable[object]) -> object:
    """
    Interrupt a call with `asyncio.timeout()` once its request has arrived.
    """
    async with asyncio.timeout(None) as limit:
        task = asyncio.ensure_future(call)
        await arrived
        limit.reschedule(0)
        return await task


async def failure_of(call: Awaitable[object]) -> CFTokensError:
    """
    Return the error that a call raises, and check that it shows no secret.
    """
    try:
        result = await call
    except CFTokensError as error:
        assert_no_secret(error)
        return error
    raise AssertionError(f"expected an error, got {result!r}")


def assert_no_secret(error: BaseException) -> None:
    """
    Look for a secret in an exception, its chain, and the locals of every frame.
    """
    text = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert MARK not in text, text
    link: BaseException | None = error
    while link is not None:
        seen = f"{link!r} {link} {link.args!r} {vars(link)!r}"
        assert MARK not in seen, seen
        for frame, _ in traceback.walk_tb(link.__traceback__):
            for name, value in frame.f_locals.items():
                assert MARK not in repr(value), f"{name} in {frame.f_code.co_qualname}"
        link = link.__cause__ or link.__context__


def hour(number: int) -> datetime:
    """
    Return an hour of a fixed day.
    """
    return datetime(2026, 1, 2, number, tzinfo=UTC)
