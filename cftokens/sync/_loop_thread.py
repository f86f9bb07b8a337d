"""
An event loop in a thread, and the calls that wait for it.

Three things need care. Ctrl-C: the coroutine is cancelled, and its clean-up awaited. The end of the
interpreter: waiting threads stay parked, because waking them would print tracebacks. Calls from the
loop itself: they would wait forever, so they are refused.
"""

import asyncio
import atexit
import contextlib
import contextvars
import os
import sys
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Generic, TypeVar

from cftokens._operations.changes import CHANGES, Change
from cftokens.errors import CFTokensError, ClosedError, WrongLoopError

try:
    import uvloop
except ImportError:
    uvloop = None  # type: ignore[assignment]  # it is optional

T = TypeVar("T")

_SLICE: Final = 1.0
"""Seconds between checks for Ctrl-C, on systems where it does not wake a waiting thread."""

_LAST_MOMENT: Final = 1.0
"""Seconds that connections may take to close when the interpreter exits."""


class PendingCall(Generic[T]):
    """
    A coroutine on the loop, and the thread that waits for it.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.changes: list[Change[Any]] = []
        self.value: T
        self.error: BaseException | None = None
        self._coroutine = coroutine
        self._context = contextvars.copy_context()
        self._context.run(CHANGES.set, self.changes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._ended = False
        self._done = threading.Lock()
        self._done.acquire()

    def schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        """
        Schedule the coroutine on a loop.

        Raises:
            RuntimeError: The loop is closed.
        """
        self._loop = loop
        try:
            loop.call_soon_threadsafe(self._start, loop)
        except RuntimeError:
            self._loop = None
            raise

    def wait(self) -> BaseException | None:
        """
        Wait until the coroutine has ended, and return its error or None.

        After an interrupt, which may come at any point, it may be called again.
        """
        while not self._ended:
            self._done.acquire(timeout=_SLICE)
        return self.error

    def drop(self, reason: CFTokensError) -> CFTokensError:
        """
        Close the coroutine, which was never scheduled, and return the reason.
        """
        self._coroutine.close()
        return reason

    def abandon(self, interrupt: BaseException) -> None:
        """
        Cancel the coroutine, wait for its clean-up, and note on *interrupt* what may have taken effect.
        """
        try:
            if self._loop is None:
                self._coroutine.close()
            else:
                with contextlib.suppress(RuntimeError):  # the loop is closed, which ended the call
                    self._loop.call_soon_threadsafe(self._cancel)
                self.wait()
        finally:
            self._annotate(interrupt)

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = loop.create_task(self._run(), context=self._context)
        self._task.add_done_callback(self._finish)

    async def _run(self) -> None:
        # Nothing may leave the task: a SystemExit, such as a log handler's, would end the loop.
        try:
            self.value = await self._coroutine
        except BaseException as error:  # noqa: BLE001 -- raised again in the thread that waits
            self.error = error

    def _finish(self, task: "asyncio.Task[None]") -> None:
        if task.cancelled():  # before its first step
            self._coroutine.close()
            self.error = asyncio.CancelledError()
        self._end()

    def end_with_loop(self) -> None:
        """
        End the wait, because the loop ended before the coroutine did.
        """
        if not self._ended:
            self.error = asyncio.CancelledError()
            self._end()

    def copy_notes(self, error: BaseException) -> None:
        """
        Add what the coroutine noted on its own error, such as its cancellation.
        """
        for note in getattr(self.error, "__notes__", ()):
            error.add_note(note)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        elif not self._ended:  # the interrupt came before the coroutine was handed over
            self._coroutine.close()
            self._end()

    def _end(self) -> None:
        # Dropped here: in the waiting thread, callbacks of its weak references would run, and Python ignores
        # an interrupt during one.
        self._task = None
        self._ended = True
        self._done.release()

    @property
    def _outcome_unknown(self) -> bool:
        """
        Whether a change may have taken effect although the caller saw no success.
        """
        if self.error is None:  # the result arrived, but too late
            return bool(self.changes)
        return bool(getattr(self.error, "outcome_unknown", False))

    def _annotate(self, interrupt: BaseException) -> None:
        interrupt.outcome_unknown = self._outcome_unknown  # type: ignore[attr-defined]  # as errors have it
        if isinstance(self.error, CFTokensError):
            interrupt.add_note(f"The call had failed: {self.error}")
            if not self.error.outcome_unknown:
                return
        self.copy_notes(interrupt)
        for change in self.changes:
            change.leave(interrupt)


class LoopThread:
    """
    A daemon thread with an event loop, from the first call to `close()`.

    Args:
        closing: Closes what the coroutines opened; runs on the loop before it ends.
    """

    def __init__(self, closing: Callable[[], Awaitable[None]]) -> None:
        self._closing = closing
        self._process = os.getpid()
        self._lock = threading.RLock()  # a finaliser may run in between
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._calls: set[PendingCall[Any]] = set()
        self._ended = False
        self._interpreter_exits = False
        self._failure: RuntimeError | None = None

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """
        Run a coroutine and return its result.
        """
        call = PendingCall(coroutine)
        try:
            error = self._begin(call) or call.wait()
            self._calls.discard(call)
            if error is None:
                return call.value
        except BaseException as interrupt:
            call.abandon(interrupt)
            self._calls.discard(call)
            raise
        if isinstance(error, asyncio.CancelledError):
            raise _closed_meanwhile(call)
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
        End the loop, after closing what is open on it.

        Args:
            patience: The most seconds to wait; None for no limit.
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
        End the loop, after closing what is open on it, without waiting. Safe in finalisers.
        """
        with self._lock:
            ended, self._ended = self._ended, True
        if not ended:
            self.call_soon(self._end)

    def end_with_interpreter(self) -> None:
        """
        Close what is open, unless a call is under way.

        The daemon threads that wait for one stay parked, because waking them would print tracebacks.
        """
        if self._process != os.getpid():
            return
        with self._lock:
            self._interpreter_exits = True
            calls = list(self._calls)
        for change in (change for call in calls for change in list(call.changes)):
            change.end_with_interpreter()
        if not calls:
            self.close(_LAST_MOMENT)

    def _begin(self, call: PendingCall[Any]) -> CFTokensError | None:
        """
        Schedule a call, or return why it cannot be scheduled.
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
        return call.drop(ClosedError("This client is closed; make a new one."))

    def _schedule(self, call: PendingCall[Any]) -> CFTokensError | None:
        self._calls.add(call)
        try:
            call.schedule(self._loop or self._start())
        except (OSError, RuntimeError) as error:
            self._calls.discard(call)
            return call.drop(
                CFTokensError(f"The background loop of the client could not run: {self._failure or error}.")
            )
        return None

    def _is_own(self) -> bool:
        return self._thread is not None and self._thread.ident == threading.get_ident()

    def _start(self) -> asyncio.AbstractEventLoop:
        loop = new_event_loop()
        thread = threading.Thread(target=self._run, args=(loop,), name="cftokens", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            loop.close()
            raise
        self._thread, self._loop = thread, loop
        _close_at_exit(self)
        return loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_forever()
        except RuntimeError as error:  # gevent's threads share one, in which only one loop can run
            self._failure = error
        finally:
            loop.close()
            for call in list(self._calls):
                call.end_with_loop()

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
    Return an event loop from uvloop, if it is installed (``cftokens[speedups]``), or from asyncio.

    If gevent has patched the threads, they are greenlets of one thread, which uvloop would stop for good.
    """
    if uvloop is None or _gevent_has_patched_threads():
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _gevent_has_patched_threads() -> bool:
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading"))


def _closed_meanwhile(call: PendingCall[Any]) -> ClosedError:
    error = ClosedError("The client was closed while this call was under way.")
    call.copy_notes(error)
    for change in call.changes:
        if change.may_have_effect:
            error.outcome_unknown = True
            error.attempt = change.attempt
    return error


_AT_EXIT: Final[weakref.WeakSet[LoopThread]] = weakref.WeakSet()


def _close_at_exit(thread: LoopThread) -> None:
    _AT_EXIT.add(thread)
    atexit.unregister(_at_exit)
    atexit.register(_at_exit)


def _at_exit() -> None:
    for thread in list(_AT_EXIT):
        thread.end_with_interpreter()
