"""
Remembers Cloudflare's catalogue of permission groups, and fetches it once for all callers that wait.
"""

import asyncio
import contextlib
import copy
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, NamedTuple, TypeVar

from cftokens._operations.groups import Groups
from cftokens._settings import Retry
from cftokens.errors import CFTokensError, PermissionGroupError

T = TypeVar("T")

Fetch = Callable[[], Awaitable[Groups]]

_REMEMBERED: Final = 300.0
"""Seconds. Cloudflare adds groups a few times a month."""


class Source(NamedTuple):
    """
    Where a caller's catalogue comes from, and how long the caller waits for it.
    """

    account_id: str | None
    """The account whose catalogue it is, or None for the user's."""

    timeout: float
    """Seconds for one try."""

    retry: Retry
    """How often and how long the request is tried."""


class Catalogue:
    """
    The permission groups that a credential can see, remembered for five minutes.

    Calls that need the same catalogue at the same time share one fetch, or its error. Only calls with
    equal settings share it, so that none waits longer than its own settings say. What any of them fetched
    is remembered for all.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str | None, tuple[float, Groups]] = {}
        self._under_way: dict[Source, SharedFetch] = {}

    async def look_up(self, source: Source, fetch: Fetch, find: Callable[[Groups], T]) -> T:
        """
        Call *find* with the remembered catalogue, or else with a fresh one, and return its result.

        Args:
            source: Whose catalogue it is, and how long to wait for it.

            fetch: Fetches the catalogue.

            find: Called with the groups of the catalogue.

        Raises:
            PermissionGroupError: *find* raised it, given a fresh catalogue.

            CFTokensError: The catalogue could not be fetched.
        """
        remembered = self._remembered(source.account_id)
        if remembered is not None:
            with contextlib.suppress(PermissionGroupError):  # Cloudflare may have added the group meanwhile
                return find(remembered)
        return find(await self._shared(source, fetch))

    async def _shared(self, source: Source, fetch: Fetch) -> Groups:
        """
        Fetch the catalogue, or wait for a fetch that is under way.
        """
        shared = self._under_way.get(source)
        if shared is None or not shared.can_be_joined:
            shared = self._under_way[source] = SharedFetch(self._fetch(source.account_id, fetch))
        try:
            return await shared.wait()
        finally:
            if not shared.callers and self._under_way.get(source) is shared:
                del self._under_way[source]

    async def _fetch(self, account_id: str | None, fetch: Fetch) -> Groups:
        groups = await fetch()
        self._known[account_id] = (self._clock() + _REMEMBERED, groups)
        return groups

    def _remembered(self, account_id: str | None) -> Groups | None:
        until, groups = self._known.get(account_id, (0.0, ()))
        return groups if self._clock() < until else None


class SharedFetch:
    """
    A fetch in a task of its own, for any number of callers. If all are cancelled, so is the fetch.

    Attributes:
        callers: How many are waiting.
    """

    def __init__(self, fetch: Coroutine[Any, Any, Groups]) -> None:
        self.callers = 0
        self._task = asyncio.get_running_loop().create_task(fetch)
        self._task.add_done_callback(_retrieve)

    @property
    def can_be_joined(self) -> bool:
        """
        Whether it is under way, and on the running loop: a fetch from before a fork never ends.
        """
        ending = self._task.done() or self._task.cancelling() > 0
        return not ending and self._task.get_loop() is asyncio.get_running_loop()

    async def wait(self) -> Groups:
        """
        Wait for the result.

        Raises:
            CFTokensError: The fetch failed.
        """
        self.callers += 1
        try:
            await asyncio.wait({self._task})
        except asyncio.CancelledError:
            if self.callers == 1:
                await self._cancel()
            raise
        finally:
            self.callers -= 1
        error = self._task.exception()
        if isinstance(error, CFTokensError):
            raise _copied(error)
        return self._task.result()

    async def _cancel(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


def _retrieve(task: "asyncio.Task[Groups]") -> None:
    """
    Mark the error of a task as seen. If it fails while it is being cancelled, no caller is left to see it.
    """
    if not task.cancelled():
        task.exception()


def _copied(error: CFTokensError) -> CFTokensError:
    """
    Copy an error, so that each caller can raise and annotate its own.
    """
    twin = copy.copy(error)
    if notes := getattr(error, "__notes__", None):
        twin.__notes__ = [*notes]
    if error.__cause__ is not None:
        twin.__cause__ = error.__cause__
    return twin.with_traceback(error.__traceback__)
