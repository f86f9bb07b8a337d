"""
From blocking code to the private loop: threads, iterators, interrupts and closing.
"""

import asyncio
import contextvars
import gc
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from cftokens import CFTokensError, ClosedError, NotFoundError, TokenValue, WrongLoopError
from cftokens._operations.changes import Change, Ledger
from cftokens._settings import Retry
from cftokens._transport.tries import Tries
from cftokens.emulator import Emulator as AsyncEmulator
from cftokens.errors import attempt_of
from cftokens.sync import Client
from cftokens.sync._loop_thread import LoopThread, PendingCall
from cftokens.sync._portal import Portal
from cftokens.sync.emulator import Emulator, Fault
from tests.answers import REQUESTS
from tests.vocabulary import ACCOUNT, CREDENTIAL_VALUE, TOKEN_ID


async def nothing() -> None:
    """
    Close nothing.
    """


@pytest.fixture
def portal() -> Iterator[Portal]:
    """
    A portal that is closed after the test.
    """
    portal = Portal(nothing)
    yield portal
    portal.close()


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """
    An emulator in a thread.
    """
    with Emulator() as emulator:
        yield emulator


def loops() -> list[str]:
    """
    Return the names of our running threads.
    """
    return [thread.name for thread in threading.enumerate() if thread.name == "cftokens"]


async def value(result: Any) -> Any:
    """
    Return the argument after one iteration of the loop.
    """
    await asyncio.sleep(0)
    return result


def test_a_client_does_the_whole_job(emulator: Emulator) -> None:
    """
    Create, verify, list, roll and delete work without await.
    """
    with emulator.client() as client:
        created = client.accounts.tokens.create(name="bot", policies=[])
        verified = client.with_options(api_token=created.value).accounts.tokens.verify()
        listed = [token.id for token in client.accounts.tokens.list(name="bot")]
        rolled = client.accounts.tokens.value.update(created.id)
        client.accounts.tokens.delete(created.id)
        with pytest.raises(NotFoundError):
            client.accounts.tokens.get(created.id)

    assert verified.id == created.id
    assert listed == [created.id]
    assert isinstance(rolled, TokenValue)


def test_lists_can_be_read_in_every_way(emulator: Emulator) -> None:
    """
    Items, pages, one page and collect() give the same tokens.
    """
    with emulator.client() as client:
        for number in range(6):
            client.accounts.tokens.create(name=f"bot {number}", policies=[])
        tokens = client.accounts.tokens.list(per_page=5)
        items = list(tokens)
        pages = list(tokens.pages())
        page = tokens.page()
        collected = tokens.collect()

    ids = [token.id for token in items]
    assert len(ids) == 7
    assert [token.id for token in collected] == ids
    assert [token.id for each in pages for token in each.items] == ids
    assert [token.id for token in page.items] == ids[:5]


def test_nothing_starts_before_the_first_call() -> None:
    """
    Making a client starts no thread, and an unused client can be closed.
    """
    client = Client("x", account_id=ACCOUNT)
    running = loops()
    client.close()

    assert running == []


def test_the_thread_has_a_name_and_ends(portal: Portal) -> None:
    """
    It is called cftokens, and close() ends it.
    """
    portal.call(value(1))
    running = loops()
    portal.close()

    assert (running, loops()) == (["cftokens"], [])


def test_many_threads_can_call_at_once(portal: Portal) -> None:
    """
    Each call gets its own result, and all share one loop.
    """
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda number: portal.call(value(number)), range(200)))

    assert results == list(range(200))
    assert loops() == ["cftokens"]


VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def test_the_callers_context_is_seen_and_not_changed(portal: Portal) -> None:
    """
    A coroutine sees the caller's context variables, and what it sets is not seen by the caller.
    """

    async def look() -> str:
        seen = VARIABLE.get()
        VARIABLE.set("changed")
        return seen

    VARIABLE.set("the caller's")
    seen = portal.call(look())

    assert (seen, VARIABLE.get()) == ("the caller's", "the caller's")


def test_an_error_is_raised_where_it_was_called(portal: Portal) -> None:
    """
    The exception of the coroutine is raised by the call.
    """

    async def fail() -> None:
        raise NotFoundError("gone")

    with pytest.raises(NotFoundError, match="gone"):
        portal.call(fail())


def test_a_call_from_the_loops_own_thread_is_refused(portal: Portal) -> None:
    """
    It would wait for itself, so it raises WrongLoopError, and so does close().
    """

    async def call_back() -> None:
        portal.call(value(1))

    async def close() -> None:
        portal.close()

    for coroutine in (call_back(), close()):
        with pytest.raises(WrongLoopError, match="would wait for itself"):
            portal.call(coroutine)

    assert portal.call(value("still works")) == "still works"


def test_a_call_after_close_is_refused(portal: Portal) -> None:
    """
    It raises ClosedError, whether the loop ever ran or not, and close() may be repeated.
    """
    unused = Portal(nothing)
    portal.call(value(1))
    for each in (portal, unused):
        each.close()
        each.close()
        with pytest.raises(ClosedError):
            each.call(value(1))


def test_a_closed_client_says_so(emulator: Emulator) -> None:
    """
    Every call of the client, its views and its lists raises ClosedError.
    """
    client = emulator.client()
    view = client.with_options(timeout=5.0)
    tokens = client.accounts.tokens.list()
    client.accounts.tokens.verify()
    client.close()
    for call in (
        client.accounts.tokens.verify,
        view.accounts.tokens.verify,
        tokens.page,
        lambda: list(tokens),
    ):
        with pytest.raises(ClosedError):
            call()


def test_a_closed_view_leaves_the_client_open(emulator: Emulator) -> None:
    """
    Calls on the view raise ClosedError, and the client still works.
    """
    with emulator.client() as client:
        with client.with_options(timeout=5.0) as view:
            view.accounts.tokens.verify()
        with pytest.raises(ClosedError):
            view.accounts.tokens.verify()
        client.accounts.tokens.verify()


def test_a_loop_that_cannot_start_says_so(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If no thread can start, the call raises one of our errors, and the next one can succeed.
    """

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(CFTokensError, match="could not run: can't start new thread"):
            portal.call(value(1))

    assert portal.call(value(1)) == 1


def test_close_ends_calls_in_other_threads(emulator: Emulator) -> None:
    """
    A create that waits for its answer raises an error with an attempt and an unknown outcome.
    """
    emulator.inject(Fault.delay(60.0), operation="create")
    client = emulator.client()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.accounts.tokens.create, name="bot", policies=[])
        while not emulator.requests:
            pass
        client.close()
        error = waiting.exception()

    assert isinstance(error, CFTokensError)
    assert error.outcome_unknown
    assert attempt_of(error) is not None


def test_close_cancels_what_is_left_on_the_loop() -> None:
    """
    The caller of a hanging coroutine gets a ClosedError.
    """
    portal = Portal(nothing)
    started = threading.Event()

    async def hang() -> None:
        started.set()
        await asyncio.get_running_loop().create_future()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(portal.call, hang())
        started.wait()
        portal.close()
        error = waiting.exception()

    assert isinstance(error, ClosedError)
    assert not error.outcome_unknown


async def numbers(closed: threading.Event) -> AsyncGenerator[int, None]:
    """
    Yield three numbers, and set *closed* when that is over.
    """
    try:
        for number in range(3):
            yield number
    finally:
        await asyncio.sleep(0)
        closed.set()


def test_an_iterator_stays_at_its_end(portal: Portal) -> None:
    """
    Its items come in order, and then no more come.
    """
    iterator = portal.iterate(numbers(threading.Event()))

    assert list(iterator) == [0, 1, 2]
    assert next(iterator, "over") == "over"


def test_an_abandoned_iterator_is_closed(portal: Portal) -> None:
    """
    When it is garbage-collected, its generator is closed on the loop.
    """
    closed = threading.Event()
    iterator = portal.iterate(numbers(closed))
    assert next(iterator) == 0
    del iterator
    gc.collect()

    assert closed.wait(10)


def test_an_iterator_may_be_collected_on_the_loop(portal: Portal) -> None:
    """
    A finaliser in the loop's own thread does not wait for itself.
    """
    closed = threading.Event()
    holder = [portal.iterate(numbers(closed))]
    next(holder[0])

    async def collect() -> None:
        holder.clear()
        gc.collect()

    portal.call(collect())

    assert closed.wait(10)


def test_an_iterator_may_be_consumed_by_another_thread(emulator: Emulator) -> None:
    """
    A second thread can finish a list that the first one began.
    """
    with emulator.client() as client:
        for number in range(5):
            client.accounts.tokens.create(name=f"bot {number}", policies=[])
        tokens = iter(client.accounts.tokens.list(per_page=5))
        first = next(tokens)
        with ThreadPoolExecutor(1) as pool:
            rest = pool.submit(list, tokens).result()

    assert len({first.id, *(token.id for token in rest)}) == 6


def test_a_list_that_fails_logs_nothing_else(emulator: Emulator, caplog: pytest.LogCaptureFixture) -> None:
    """
    The error is raised, and asyncio does not warn of another when what has ended is closed.
    """
    with emulator.client() as client:
        emulator.inject(Fault.status(403), operation="list")
        with pytest.raises(CFTokensError):
            list(client.accounts.tokens.list())
        gc.collect()
        client.accounts.tokens.verify()

    # Unless uvloop is installed, asyncio also notes each connection, at DEBUG.
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record for record in warnings if record.name == "asyncio"] == []


def test_an_iterator_that_outlives_its_client_is_harmless() -> None:
    """
    Collecting it after close() does nothing.
    """
    portal = Portal(nothing)
    iterator = portal.iterate(numbers(threading.Event()))
    next(iterator)
    portal.close()
    del iterator
    gc.collect()


def test_a_forgotten_portal_ends_its_thread() -> None:
    """
    When a portal is garbage-collected, what it opened is closed and its thread ends.
    """
    closed = threading.Event()

    async def closing() -> None:
        closed.set()

    portal = Portal(closing)
    portal.call(value(1))
    (thread,) = (each for each in threading.enumerate() if each.name == "cftokens")
    del portal
    gc.collect()
    thread.join(10)

    assert closed.is_set()
    assert not thread.is_alive()


async def test_it_works_inside_a_running_loop() -> None:
    """
    A blocking call in a coroutine works, as in Jupyter, IPython or a debugger.
    """

    def serve() -> Emulator:
        return Emulator().__enter__()

    emulator = await asyncio.to_thread(serve)
    with emulator.client() as client:
        verified = client.accounts.tokens.verify()
        tokens = list(client.accounts.tokens.list())
    await asyncio.to_thread(emulator.__exit__, None, None, None)

    assert verified.id == tokens[0].id


def test_async_syntax_points_to_the_async_client() -> None:
    """
    The TypeError for async with or async for says what to import.
    """

    async def misuse() -> None:
        client: Any = Client("x", account_id=ACCOUNT)  # a type checker would see the mistake
        with pytest.raises(TypeError, match="import Client from cftokens"):
            async with client:
                pass
        with pytest.raises(TypeError, match="import Client from cftokens"):
            aiter(client.accounts.tokens.list())

    asyncio.run(misuse())


def test_invalid_arguments_are_refused_as_in_the_async_client() -> None:
    """
    The errors are the same, and an invalid list starts no thread.
    """
    with Client("x", account_id=ACCOUNT) as client:
        with pytest.raises(ValueError, match="per_page"):
            client.accounts.tokens.list(per_page=500)
        assert loops() == []
        with pytest.raises(ValueError, match="token_id"):
            client.accounts.tokens.get(f"{TOKEN_ID}\n")


def test_a_client_shows_its_address_but_no_secret() -> None:
    """
    Its repr has the account and the base URL, and even a refused client has a repr.
    """
    client = Client("s3cret-token", account_id=ACCOUNT)
    unmade = Client.__new__(Client)

    assert repr(client) == (
        f"<cftokens.sync.Client account_id={ACCOUNT} base_url=https://api.cloudflare.com/client/v4>"
    )
    assert repr(unmade) == "<cftokens.sync.Client that was not made>"


def test_an_emulator_has_the_attributes_of_the_async_one(emulator: Emulator) -> None:
    """
    Its addresses, ids, requests and faults are those of the emulator behind it.
    """
    emulator.inject(Fault.status(502), times=None)
    emulator.clear_faults()
    with emulator.client(api_token=emulator.user_api_token) as client:
        client.user.tokens.verify()

    assert emulator.base_url in repr(emulator)
    assert len(emulator.account_id) == len(emulator.user_id) == 32
    assert emulator.api_token.startswith("cfat_")
    assert [request.operation for request in emulator.requests] == ["verify"]


def test_the_emulators_point_to_each_other() -> None:
    """
    The TypeError for the wrong kind of with says which emulator to import.
    """
    blocking: Any = Emulator()
    asynchronous: Any = AsyncEmulator()

    async def misuse() -> None:
        with pytest.raises(TypeError, match=r"import Emulator from cftokens\.emulator"):
            async with blocking:
                pass
        with pytest.raises(TypeError, match=r"import Emulator from cftokens\.sync\.emulator"), asynchronous:
            pass

    asyncio.run(misuse())


class Interrupt(BaseException):
    """
    Stands in for whatever a signal handler raises.
    """


def interrupt_after(event: Callable[[PendingCall[Any]], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Interrupt the next call while it waits, as soon as *event* has returned.
    """
    wait = PendingCall.wait

    def interrupt(call: PendingCall[Any]) -> None:
        monkeypatch.setattr(PendingCall, "wait", wait)
        event(call)
        raise Interrupt

    monkeypatch.setattr(PendingCall, "wait", interrupt)


def test_an_interrupt_cancels_and_waits_for_the_clean_up(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The coroutine's finally has run when the interrupt is raised, and the loop still works.
    """
    started, cleaned = threading.Event(), threading.Event()

    async def work() -> None:
        try:
            started.set()
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    with monkeypatch.context() as patch:
        interrupt_after(lambda _: started.wait(), patch)
        with pytest.raises(Interrupt):
            portal.call(work())

    assert cleaned.is_set()
    assert portal.call(value("works")) == "works"


def test_an_interrupt_after_a_create_has_the_attempt(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    If the create finished but its result is lost, recover() finds the only token.
    """
    with emulator.client() as client:
        with monkeypatch.context() as patch:
            interrupt_after(PendingCall.wait, patch)
            with pytest.raises(Interrupt) as caught:
                client.accounts.tokens.create(name="bot", policies=[])
        attempt = attempt_of(caught.value)
        assert attempt is not None
        recovered = client.accounts.tokens.recover(attempt)
        live = [token.id for token in client.accounts.tokens.list(name="bot")]

    assert recovered is not None
    assert live == [recovered.id]
    assert len(caught.value.__notes__) == 1
    assert caplog.text.count("The outcome of create of 'bot'") == 1


def test_an_interrupt_after_a_roll_is_reported(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    If the roll finished but its value is lost, the interrupt and the log say that it may have worked.
    """
    with emulator.client() as client:
        created = client.accounts.tokens.create(name="bot", policies=[])
        with monkeypatch.context() as patch:
            interrupt_after(PendingCall.wait, patch)
            with pytest.raises(Interrupt) as caught:
                client.accounts.tokens.value.update(created.id)

    assert "may have taken effect" in caught.value.__notes__[0]
    assert "The outcome of roll" in caplog.text


@pytest.mark.parametrize(("status", "unknown"), [(None, True), (400, False)])
def test_an_interrupt_says_whether_a_change_may_have_taken_effect(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, status: int | None, unknown: bool
) -> None:
    """
    It does if a delete finished but its result is lost; it does not if Cloudflare refused, or only read.
    """
    with emulator.client() as client:
        created = client.accounts.tokens.create(name="bot", policies=[])
        if status is not None:
            emulator.inject(Fault.status(status), operation="delete")
        found = []
        for call in (client.accounts.tokens.get, client.accounts.tokens.delete):
            with monkeypatch.context() as patch:
                interrupt_after(PendingCall.wait, patch)
                with pytest.raises(Interrupt) as caught:
                    call(created.id)
            found.append(caught.value.outcome_unknown)  # type: ignore[attr-defined]

    assert found == [False, unknown]


def test_an_interrupt_of_a_refused_create_has_nothing_to_settle(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If Cloudflare has already refused, the interrupt has no attempt.
    """
    emulator.inject(Fault.status(400), operation="create")
    with emulator.client() as client, monkeypatch.context() as patch:
        interrupt_after(PendingCall.wait, patch)
        with pytest.raises(Interrupt) as caught:
            client.accounts.tokens.create(name="bot", policies=[])

    assert attempt_of(caught.value) is None


def test_an_interrupt_between_the_answer_and_its_reader_does_not_hang(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A signal that comes after a wait is over, but before it returns, is raised.
    """
    wait = PendingCall.wait

    def wait_and_interrupt(call: PendingCall[Any]) -> None:
        monkeypatch.setattr(PendingCall, "wait", wait)
        wait(call)
        raise Interrupt

    monkeypatch.setattr(PendingCall, "wait", wait_and_interrupt)
    with pytest.raises(Interrupt):
        portal.call(value(1))

    assert portal.call(value(2)) == 2


def test_an_interrupt_during_scheduling_does_not_hang(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A coroutine that was not handed over is closed, and the next call works.
    """
    portal.call(value(1))
    thread = portal._thread()
    loop = thread._loop
    assert loop is not None
    hand_over = loop.call_soon_threadsafe

    def interrupt(*_: object) -> None:
        monkeypatch.setattr(loop, "call_soon_threadsafe", hand_over)
        raise Interrupt

    monkeypatch.setattr(loop, "call_soon_threadsafe", interrupt)
    with pytest.raises(Interrupt):
        portal.call(value(1))

    assert portal.call(value(2)) == 2


def test_an_interrupt_before_scheduling_does_not_hang(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A coroutine that never reached the loop is closed, and the next call works.
    """

    def interrupt(*_: object) -> None:
        raise Interrupt

    monkeypatch.setattr(LoopThread, "_begin", interrupt)
    with pytest.raises(Interrupt):
        portal.call(value(1))
    monkeypatch.undo()

    assert portal.call(value(1)) == 1


def test_a_wait_times_out_every_second() -> None:
    """
    On systems where Ctrl-C does not wake a waiting thread, it is noticed in between.
    """
    coroutine = value(1)
    call = PendingCall(coroutine)
    looks = []

    class Lock:
        def acquire(self, *, timeout: float) -> bool:
            looks.append(timeout)
            call._ended = len(looks) == 3
            return call._ended

    call._done = Lock()  # type: ignore[assignment]  # all that is needed of one
    call.wait()
    coroutine.close()

    assert looks == [1.0, 1.0, 1.0]


def test_a_request_that_was_never_written_needs_no_settling() -> None:
    """
    An interrupt while a create waits for a connection has no note.
    """
    coroutine = value(1)
    call = PendingCall(coroutine)
    tries = Tries(REQUESTS["create"](), Retry(), CREDENTIAL_VALUE)
    tries.begin(0.0, 0.0, 0.0)
    call.changes.append(Change(tries, Ledger()))
    interrupt = KeyboardInterrupt()
    call.abandon(interrupt)

    assert not hasattr(interrupt, "__notes__")


def test_a_portal_that_could_not_start_can_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Closing it does nothing.
    """

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    portal = Portal(nothing)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(CFTokensError, match="could not run"):
        portal.call(value(1))
    portal.close()


def test_an_unused_iterator_is_harmless() -> None:
    """
    Collecting it before its first item starts no thread.
    """
    portal = Portal(nothing)
    iterator = portal.iterate(numbers(threading.Event()))
    del iterator
    gc.collect()

    assert loops() == []


def test_a_call_on_a_closed_thread_is_refused() -> None:
    """
    A call after the end of the thread raises ClosedError.
    """
    thread = LoopThread(nothing)
    thread.call(value(1))
    thread.close()
    with pytest.raises(ClosedError):
        thread.call(value(1))


def test_a_daemon_thread_is_parked_when_the_interpreter_exits(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its next call never returns, because an error would print a traceback; other threads get one.
    """

    class Parked(BaseException):
        pass

    class Event:
        def wait(self) -> None:
            raise Parked

    thread = LoopThread(nothing)
    thread.call(value(1))
    thread.end_with_interpreter()
    with pytest.raises(ClosedError):
        thread.call(value(1))
    monkeypatch.setattr(threading, "Event", Event)
    monkeypatch.setattr(threading, "current_thread", lambda: SimpleNamespace(daemon=True))
    with pytest.raises(Parked):
        thread.call(value(1))
