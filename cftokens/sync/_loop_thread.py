"""
An event loop in a thread, and the calls that wait for it.

What goes wrong with such threads, and how it is met here: Ctrl-C (the coroutine is cancelled and
its clean-up awaited), the end of the interpreter (waiters stay parked, for waking them would print
tracebacks), and calls from the loop itself (refused, for they would wait for ever).
"""

import asyncio
import atexit
import contextlib
import contextvars
import logging
import os
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from cftokens._transport import SENT_ONCE, SentOnce, annotate, mark_as_lost
from cftokens.errors import CFTokensError, ClosedError, WrongLoopError, attempt_of

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]  # it is optional

T = TypeVar("T")

_LOG: Final = logging.getLogger("cftokens")

_SLICE: Final = 1.0
"""Seconds between two looks for Ctrl-C, on systems where it does not wake a thread that waits."""

_LAST_MOMENT: Final = 1.0
"""Seconds that connections are given to close when the interpreter exits."""


class PendingCall(Generic[T]):
    """
    A coroutine on its way through the loop, and the thread that waits for it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.sent: list[SentOnce] = []
        self.value: T
        self.error: BaseException | None = None
        self._coroutine = coroutine
        self._context = contextvars.copy_context()
        self._context.run(SENT_ONCE.set, self.sent)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[T] | None = None
        self._ended = False
        self._done = threading.Lock()
        self._done.acquire()

    def schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """
        Hand the coroutine to a loop.
        """
        self._loop = loop
        loop.call_soon_threadsafe(self._start, loop)

    def wait(self) -> BaseException | None:
        """
        Wait until the coroutine has ended. Return its error, if it has one.

        An interrupt may come at any point of a wait, and another wait follow it.
        """
        while not self._ended:
            self._done.acquire(timeout=_SLICE)
        return self.error

    def drop(self, reason: CFTokensError) -> CFTokensError:
        """
        Close the coroutine, which was never scheduled. Return why.
        """
        self._coroutine.close()
        return reason

    def abandon(self, interrupt: BaseException) -> None:
        """
        Cancel the coroutine and wait for its clean-up; say on *interrupt* what may have been done.
        """
        try:
            if self._loop is None:
                self._coroutine.close()
            else:
                self._loop.call_soon_threadsafe(self._cancel)
                self.wait()
        finally:
            self._say_what_was_done(interrupt)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._coroutine, context=self._context)
        self._task.add_done_callback(self._finish)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self._ended:  # the interrupt came before the coroutine was handed over
            self._coroutine.close()
            self._end()

    def _finish(self, task: "asyncio.Task[T]") -> None:
        try:
            self.value = task.result()
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that waits
            self.error = error
        self._end()

    def _end(self) -> None:
        # Dropped here, for in the waiting thread its weak references would be called back: Python ignores
        # an interrupt that comes in the middle of that.
        self._task = None
        self._ended = True
        self._done.release()

    def _say_what_was_done(self, interrupt: BaseException) -> None:
        if isinstance(self.error, CFTokensError) and not self.error.outcome_unknown:
            return
        succeeded_in_vain = hasattr(self, "value")  # a failure was told in the log where it came up
        for sent in self.sent:
            if succeeded_in_vain:
                sent.forget(self.value)
                mark_as_lost(interrupt, sent.call)
            elif sent.may_have_effect:
                annotate(interrupt, sent.call)


class LoopThread:
    """
    A daemon thread with an event loop, from the first call to `close()`.

    Args:
        closing: Gives back what the coroutines opened; runs on the loop before it ends.
    """

    def __init__(self, closing: Callable[[], Awaitable[None]]) -> None:
        self._closing = closing
        self._process = os.getpid()
        self._lock = threading.RLock()  # a finaliser may come in between
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._calls: set[PendingCall[Any]] = set()
        self._ended = False
        self._interpreter_exits = False

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine and return its result.
        """
        call = PendingCall(coroutine)
        try:
            error = self._begin(call) or call.wait()
            if error is None:
                return call.value
        except BaseException as interrupt:
            call.abandon(interrupt)
            raise
        finally:
            self._calls.discard(call)
        if isinstance(error, asyncio.CancelledError):
            raise _closed_meanwhile(error)
        raise error

    def call_soon(self, coroutine_function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """
        Run a coroutine without waiting for it, or not at all if the loop has ended.
        """
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(lambda: loop.create_task(coroutine_function()))

    def close(self, patience: float | None = None) -> None:
        """
        End the loop after what is open on it.

        Args:
            patience: The most seconds to wait; None for as long as it takes.
        """
        if self._is_own():
            raise WrongLoopError(
                "close() was called from the client's own loop, which would wait for itself."
            )
        self.close_soon()
        if self._thread is not None:
            self._thread.join(patience)

    def close_soon(self) -> None:
        """
        End the loop after what is open on it, without waiting for that. Fit for finalisers.
        """
        with self._lock:
            ended, self._ended = self._ended, True
        if not ended:
            self.call_soon(self._end)

    def end_with_interpreter(self) -> None:
        """
        Close what is open if nobody waits for it, and otherwise leave all as it is.

        Whoever waits in a daemon thread stays parked, for waking it would print a traceback.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            self._interpreter_exits = True
            calls = list(self._calls)
        for sent in (sent for call in calls for sent in call.sent if sent.may_have_effect):
            _LOG.warning("The outcome of %s is unknown: the interpreter exits before its answer.", sent.call)
        if not calls:
            self.close(_LAST_MOMENT)

    def _begin(self, call: PendingCall[Any]) -> CFTokensError | None:
        """
        Schedule a call, or return why that cannot be.
        """
        if self._is_own():
            return call.drop(
                WrongLoopError("This call comes from the client's own loop, which would wait for itself.")
            )
        with self._lock:
            if not self._ended and not self._interpreter_exits:
                return self._schedule(call)
        if self._interpreter_exits and threading.current_thread().daemon:
            threading.Event().wait()
        return call.drop(ClosedError("This client is closed: make another one."))

    def _schedule(self, call: PendingCall[Any]) -> CFTokensError | None:
        try:
            loop = self._loop or self._start()
        except (OSError, RuntimeError) as error:
            return call.drop(CFTokensError(f"The background loop of the client could not start: {error}."))
        self._calls.add(call)
        call.schedule(loop)
        return None

    def _is_own(self) -> bool:
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = new_event_loop()
        thread = threading.Thread(target=_run, args=(loop,), name="cftokens", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            loop.close()
            raise
        self._thread, self._loop = thread, loop
        _close_at_exit(self)
        return loop

    async def _end(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await self._closing()
        finally:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await loop.shutdown_asyncgens()
            loop.stop()


def new_event_loop() -> asyncio.AbstractEventLoop:
    """
    Return a loop of uvloop's if it is installed, as ``cftokens[speedups]`` does, or of asyncio's.
    """
    return asyncio.new_event_loop() if uvloop is None else uvloop.new_event_loop()


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


def _closed_meanwhile(cancelled: asyncio.CancelledError) -> ClosedError:
    error = ClosedError("The client was closed while this call was under way.")
    error.attempt = attempt_of(cancelled)
    error.outcome_unknown = bool(getattr(cancelled, "__notes__", None))
    return error


_AT_EXIT: Final[weakref.WeakSet[LoopThread]] = weakref.WeakSet()


def _close_at_exit(thread: LoopThread) -> None:
    _AT_EXIT.add(thread)
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)


def _at_exit() -> None:
    for thread in list(_AT_EXIT):
        thread.end_with_interpreter()
