"""
Runs coroutines on a private event loop, for blocking code in any number of threads.
"""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import Any, TypeVar

from cftokens.errors import ClosedError
from cftokens.sync._loop_thread import LoopThread

T = TypeVar("T")


class Portal:
    """
    Runs coroutines on its own loop, which starts with the first call.

    A forked process starts a new loop and leaves the inherited one alone: closing or collecting it would
    break the parent's connections.

    Args:
        closing: Closes what the coroutines opened; runs on the loop before it ends.
    """

    def __init__(self, closing: Callable[[], Awaitable[None]]) -> None:
        self._closing = closing
        self._closed = False
        self._threads: dict[int, LoopThread] = {}

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine and return its result.

        Raises:
            WrongLoopError: Called from the loop's own thread, which would wait for itself.

            ClosedError: The portal is closed.
        """
        if self._closed:
            coroutine.close()
            raise ClosedError("This client is closed; make a new one.")
        return self._thread().call(coroutine)

    def iterate(self, iterator: AsyncGenerator[T, None]) -> Iterator[T]:
        """
        Iterate over an async iterator.
        """
        return PortalIterator(self, iterator)

    def call_soon(self, coroutine_function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """
        Run a coroutine without waiting for it, or not at all if the loop has ended. Safe in finalisers.
        """
        if os.getpid() in self._threads:
            self._thread().call_soon(coroutine_function)

    def close(self) -> None:
        """
        Close what the coroutines opened, and end the loop and its thread. May be called again.

        Raises:
            WrongLoopError: Called from the loop's own thread.
        """
        if os.getpid() in self._threads:
            self._thread().close()
        self._closed = True

    def __del__(self) -> None:
        if os.getpid() in self._threads:
            self._thread().close_soon()

    def _thread(self) -> LoopThread:
        process = os.getpid()
        thread = self._threads.get(process)
        # setdefault() is atomic, so threads that come here at the same time agree on one.
        return thread or self._threads.setdefault(process, LoopThread(self._closing))


class PortalIterator(Iterator[T]):
    """
    The blocking side of an async iterator. Any thread may take the next item.
    """

    def __init__(self, portal: Portal, iterator: AsyncGenerator[T, None]) -> None:
        self._portal = portal
        self._iterator = iterator
        self._exhausted = False

    def __repr__(self) -> str:
        return repr(self._iterator).replace("cftokens.", "cftokens.sync.", 1)

    def __next__(self) -> T:
        page = self._portal.call(self._next())
        if not page:
            self._exhausted = True
            raise StopIteration
        return page[0]

    async def _next(self) -> tuple[T, ...]:
        async for item in self._iterator:
            return (item,)
        return ()

    def __del__(self) -> None:
        # A finaliser may run on any thread, even the loop's, so it must not wait.
        if not self._exhausted:
            self._portal.call_soon(partial(_close, self._iterator))


async def _close(iterator: AsyncGenerator[Any, None]) -> None:
    await iterator.aclose()
