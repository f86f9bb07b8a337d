"""
An event loop whose time passes only while nothing else happens.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Instant(selectors.DefaultSelector):
    """
    A selector that moves the time on instead of waiting.
    """

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("All tasks wait for each other.")
        self.now += max(timeout, 1e-6)
        return super().select(0.0)


class MovedTimeLoop(asyncio.SelectorEventLoop):
    """
    A loop whose sleeps take no time. Its clock starts at zero.
    """

    def __init__(self) -> None:
        self._instant = _Instant()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now


def run(main: Coroutine[Any, Any, T]) -> T:
    """
    Run a coroutine to its end without waiting.
    """
    with asyncio.Runner(loop_factory=MovedTimeLoop) as runner:
        return runner.run(main)
