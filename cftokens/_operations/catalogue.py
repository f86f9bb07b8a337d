"""
Remembers Cloudflare's catalogue of permission groups, and fetches it once for all callers that wait.
"""

import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple, TypeVar

from cftokens._operations.groups import Groups
from cftokens._settings import Retry
from cftokens._sharing import Shared
from cftokens.errors import PermissionGroupError

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
        self._under_way: dict[Source, Shared[Groups]] = {}

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
            shared = self._under_way[source] = Shared(self._fetch(source.account_id, fetch))
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
