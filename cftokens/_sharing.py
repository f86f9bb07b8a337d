"""
Shares the result of a coroutine among all callers that wait for it.
"""

import asyncio
import copy
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

from cftokens.errors import CFTokensError

T = TypeVar("T")


class Shared(Generic[T]):
    """
    A coroutine in a task of its own, for any number of callers. If all are cancelled, so is the task.

    Attributes:
        callers: How many are waiting.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.callers = 0
        self._task = asyncio.get_running_loop().create_task(coroutine)
        self._task.add_done_callback(_retrieve)

    @property
    def can_be_joined(self) -> bool:
        """
        Whether it is under way, and on the running loop: a task from before a fork never ends.
        """
        ending = self._task.done() or self._task.cancelling() > 0
        return not ending and self._task.get_loop() is asyncio.get_running_loop()

    async def wait(self) -> T:
        """
        Wait for the result.

        Raises:
            CFTokensError: The coroutine raised it.
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


def _retrieve(task: "asyncio.Task[Any]") -> None:
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
