"""
A credential that is asked for before each try, so that one which changes is followed.
"""

import asyncio
import inspect
import threading
from contextvars import ContextVar
from typing import Any, Final

from cftokens._secret import HiddenAsk, TokenValue, hide
from cftokens._settings import check_credential
from cftokens._sharing import Shared
from cftokens.errors import CredentialError

_CALLS: Final[ContextVar[tuple[object, ...]]] = ContextVar("CALLS", default=())
"""Marks of the calls that led here: none may wait for itself, but a task that it started may outlast it."""


class CredentialSource:
    """
    Asks a caller's function for the credential. Tries that need it at the same time share one call.

    Attributes:
        latest: What was returned last, or None.
    """

    def __init__(self, ask: HiddenAsk) -> None:
        self.latest: TokenValue | None = None
        self._ask = ask
        self._under_way: Shared[TokenValue] | None = None
        self._mark = object()

    async def ask(self, seconds: float) -> TokenValue:
        """
        Return the credential for one try.

        Args:
            seconds: How long it may take.

        Raises:
            CredentialError: There is none that can be used.
        """
        if self._under_way is None or not self._under_way.can_be_joined:
            self._mark = object()
            self._under_way = Shared(self._call(self._mark))
        elif self._mark in _CALLS.get():
            raise CredentialError("api_token() uses the client that asks it; give it a client of its own.")
        try:
            async with asyncio.timeout(seconds):
                return await self._under_way.wait()
        except TimeoutError as error:
            raise CredentialError(
                f"api_token() took more than {seconds:g} seconds, so the request was not sent."
            ) from error

    async def _call(self, mark: object) -> TokenValue:
        _CALLS.set((*_CALLS.get(), mark))
        try:
            value = _hidden(self._ask.function())
            if inspect.isawaitable(value):
                value = hide(await value)
        except (Exception, SystemExit, KeyboardInterrupt, asyncio.CancelledError) as error:
            if _is_cancelled() or _is_ctrl_c(error):
                raise
            raise CredentialError(
                f"api_token() raised {type(error).__name__}, so the request was not sent."
            ) from error
        try:
            self.latest = check_credential(value, "api_token()")
        except (TypeError, ValueError) as error:
            raise CredentialError(f"{error} The request was not sent.") from error
        return self.latest


def _hidden(given: Any) -> Any:
    return given if inspect.isawaitable(given) else hide(given)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _is_ctrl_c(error: BaseException) -> bool:
    """
    Return whether an exception is an interrupt. In another thread's loop, it can only be the function's own.
    """
    return isinstance(error, KeyboardInterrupt) and threading.current_thread() is threading.main_thread()
