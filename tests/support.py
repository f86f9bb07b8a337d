"""
What the tests share: invented ids and secrets, a client without hurry, a clock, and a search for leaks.
"""

import asyncio
import heapq
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from cftokens import CFTokensError, Client, RateLimit
from cftokens._transport import Transport

MARK = "T0PS3CR3T"
"""Stands in every secret of the tests, and must never be seen."""

CREDENTIAL = f"cfat_{MARK}{'a' * 31}0a1b2c3d"
MINTED = f"cfat_{MARK}{'b' * 31}4e5f6a7b"
ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
ID = "ed17574386854bf78a67040be0a770b0"
GROUP = "c8fed203ed3043cba015a93ad1616f1f"

POLICY: dict[str, Any] = {
    "effect": "allow",
    "permission_groups": [{"id": GROUP}],
    "resources": {f"com.cloudflare.api.account.{ACCOUNT}": "*"},
}
TOKEN: dict[str, Any] = {
    "id": ID,
    "name": "bot",
    "status": "active",
    "issued_on": "2026-01-02T03:04:05Z",
    "modified_on": "2026-01-02T03:04:05Z",
    "last_used_on": None,
    "expires_on": None,
    "not_before": None,
    "policies": [{"id": "f267e341f3dd4697bd3b9f71dd96247f", **POLICY}],
}

CALLS: dict[str, Callable[[Client], Awaitable[object]]] = {
    "list": lambda client: client.accounts.tokens.list().page(),
    "get": lambda client: client.accounts.tokens.get(ID),
    "verify": lambda client: client.accounts.tokens.verify(),
    "permission_groups": lambda client: client.accounts.tokens.permission_groups.get(),
    "update": lambda client: client.accounts.tokens.update(
        ID, name="bot", policies=[POLICY], condition=None, expires_on=None, not_before=None
    ),
    "delete": lambda client: client.accounts.tokens.delete(ID),
    "create": lambda client: client.accounts.tokens.create(name="bot", policies=[POLICY]),
    "roll": lambda client: client.accounts.tokens.value.update(ID),
}
"""One call of each operation."""

RESULTS: dict[str, Any] = {
    "list": [TOKEN],
    "get": TOKEN,
    "verify": {"id": ID, "status": "active"},
    "permission_groups": [{"id": GROUP, "name": "Zone Read", "scopes": ["com.cloudflare.api.account.zone"]}],
    "update": TOKEN,
    "delete": {"id": ID},
    "create": {**TOKEN, "value": MINTED},
    "roll": MINTED,
}
"""What a server answers to each."""

READS = ("list", "get", "verify", "permission_groups")
REPEATED = (*READS, "update", "delete")
ONCE = ("create", "roll")


class Clock:
    """
    Time that passes only when everybody who is counted waits.

    Args:
        workers: How many tasks there are. Time stands still while one of them does something else.
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
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, len(self.waits), woken))
        self._move_on()
        await woken

    def leave(self) -> None:
        """
        Count one worker less.
        """
        self._workers -= 1
        self._move_on()

    def _move_on(self) -> None:
        if not self._sleepers or len(self._sleepers) < self._workers:
            return
        self.now = self._sleepers[0][0]
        while self._sleepers and self._sleepers[0][0] <= self.now:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)


def on_clock(client: Client, clock: Clock, *, rate_limit: RateLimit | None = None) -> Client:
    """
    Give a client that has not been used another sense of time.
    """
    transport = Transport(clock=clock, sleep=clock.sleep, spread=lambda: 0.0)
    transport._http = client._sender.transport._http
    client._open(
        transport,
        attrs.evolve(
            client._sender.options, pace=transport.pace(client._sender.options.credential, rate_limit)
        ),
    )
    return client


def client_of(base_url: str, clock: Clock | None = None, **options: Any) -> Client:
    """
    Make a client that talks to a server of the tests and waits no real time.
    """
    options = {
        "api_token": CREDENTIAL,
        "account_id": ACCOUNT,
        "base_url": base_url,
        "rate_limit": None,
        **options,
    }
    rate_limit = options["rate_limit"]
    return on_clock(Client(**options), clock or Clock(), rate_limit=rate_limit)


async def failure_of(call: Awaitable[object]) -> CFTokensError:
    """
    Return the error that a call ends with, and make sure that no secret is seen in it.
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
    Return a moment of one day.
    """
    return datetime(2026, 1, 2, number, tzinfo=UTC)
