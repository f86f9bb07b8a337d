"""
Functions of the caller's that a coroutine calls.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar, cast, overload

from cftokens._secret import HiddenAsk, hide

T = TypeVar("T")


@overload
def in_thread(function: None, name: str) -> None: ...


@overload
def in_thread(function: Callable[[T], object], name: str) -> Callable[[T], Awaitable[object]]: ...


def in_thread(function: Callable[[T], object] | None, name: str) -> Callable[[T], Awaitable[object]] | None:
    """
    Return a coroutine function that calls a plain one in a thread, where it may use the blocking client.

    Raises:
        TypeError: It is a coroutine function, which needs a loop of its own.
    """
    if function is None:
        return None
    if not callable(function):
        raise TypeError(f"{name} must be a function, not {type(function).__name__}.")
    if _is_coroutine_function(function):
        raise _not_plain(name)

    async def call(argument: T) -> object:
        return _not_awaitable(await asyncio.to_thread(function, argument), name)

    return call


def asked_in_thread(credential: T) -> T:
    """
    Let a function that returns the credential run in a thread, where it may use another blocking client.

    Raises:
        TypeError: It is a coroutine function, which needs a loop of its own.
    """
    if not isinstance(credential, HiddenAsk):
        return credential
    ask = credential
    if _is_coroutine_function(ask.function):
        raise _not_plain("api_token")

    async def call() -> object:
        # Not a thread of the loop's own: functions that wait for a request could occupy all of those.
        thread = ThreadPoolExecutor(1, "cftokens-api_token")
        try:
            asking = partial(copy_context().run, _hidden_result, ask)
            return await asyncio.get_running_loop().run_in_executor(thread, asking)
        finally:
            thread.shutdown(wait=False)

    return cast(T, HiddenAsk(call, ask.key))


def _hidden_result(ask: HiddenAsk) -> object:
    # Hidden already here, because the future that brings it to the loop would show it.
    return hide(cast(str, _closed(ask.function())))


def _closed(result: object) -> object:
    if inspect.iscoroutine(result):
        result.close()
    return result


def _is_coroutine_function(function: Callable[..., object]) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _not_plain(name: str) -> TypeError:
    return TypeError(f"{name} must be a plain function here; for 'async def', import Client from cftokens.")


def _not_awaitable(result: object, name: str) -> object:
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(f"{name} returned an awaitable, which was not awaited; use a plain function here.")
    return result
