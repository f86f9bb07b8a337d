"""
Functions of the caller's that a coroutine calls.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

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
    if inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__):
        raise TypeError(
            f"{name} must be a plain function here; for 'async def', import Client from cftokens."
        )

    async def call(argument: T) -> object:
        return _not_awaitable(await asyncio.to_thread(function, argument), name)

    return call


def _not_awaitable(result: object, name: str) -> object:
    if inspect.isawaitable(result):
        if inspect.iscoroutine(result):
            result.close()
        raise TypeError(f"{name} returned an awaitable, which was not awaited; use a plain function here.")
    return result
