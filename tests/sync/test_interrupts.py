"""
Ctrl-C, log handlers that exit, and the end of the interpreter: nothing is lost, and nothing hangs.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from cftokens import CFTokensError, ClosedError, NoResponseError, Retry
from cftokens._operations.changes import Change, Ledger
from cftokens._transport.tries import Tries
from cftokens.errors import attempt_of
from cftokens.sync import Client
from cftokens.sync._loop_thread import LoopThread, PendingCall, new_event_loop
from cftokens.sync.emulator import Emulator, Fault
from tests.answers import REQUESTS
from tests.vocabulary import CREDENTIAL_VALUE


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """
    An emulator in a thread.
    """
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Client]:
    """
    A blocking client with the account's first token.
    """
    with emulator.client(retry=Retry(first_wait=0.0)) as client:
        yield client


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """
    Let Ctrl-C come just when the next call has ended and its thread is about to take the result.
    """

    def arm() -> None:
        original = PendingCall.wait

        def wait(call: PendingCall[Any]) -> BaseException | None:
            original(call)
            monkeypatch.setattr(PendingCall, "wait", original)
            raise KeyboardInterrupt

        monkeypatch.setattr(PendingCall, "wait", wait)

    return arm


def assert_told(error: BaseException, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """
    Check that a token that was made in vain is told on the exception and in the log, and can be settled.
    """
    attempt = attempt_of(error)
    assert attempt is not None
    (made,) = client.accounts.tokens.list(name=attempt.name).collect()
    assert any(made.id in note for note in error.__notes__)
    assert "is unknown: it was interrupted" in caplog.text
    assert client.unsettled == (attempt,)
    recovered = client.accounts.tokens.recover(attempt)
    assert recovered is not None
    assert recovered.id == made.id


def test_ctrl_c_over_a_finished_clone_loses_nothing(
    client: Client, interrupted: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """
    The KeyboardInterrupt arrives, names the copy, and its attempt can be settled.
    """
    original = client.accounts.tokens.create(name="original", policies=[])
    interrupted()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.clone(original.id, name="copy")

    assert_told(caught.value, client, caplog)


def test_ctrl_c_over_a_create_that_was_sent_again_loses_nothing(
    client: Client, emulator: Emulator, interrupted: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    """
    A create that was refused with 429 before it succeeded is told like any other.
    """
    emulator.inject(Fault.rate_limited(retry_after=0), operation="create")
    interrupted()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.create(name="bot", policies=[])

    assert_told(caught.value, client, caplog)


def test_ctrl_c_over_a_finished_roll_says_which_token(
    client: Client, interrupted: Callable[[], None]
) -> None:
    """
    The new value is lost, so the note names the token to roll again.
    """
    created = client.accounts.tokens.create(name="bot", policies=[])
    interrupted()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.value.update(created.id)

    assert any(created.id in note for note in caught.value.__notes__)
    assert client.unsettled == ()


def test_ctrl_c_over_a_finished_recovery_leaves_it_unsettled(
    client: Client, emulator: Emulator, interrupted: Callable[[], None]
) -> None:
    """
    The value of the roll is lost, so the attempt can be settled again.
    """
    emulator.inject(Fault.drop_after(), operation="create")
    with pytest.raises(NoResponseError) as lost:
        client.accounts.tokens.create(name="bot", policies=[])
    assert lost.value.attempt is not None
    known = client._wrapped._owners.ledger.lost(lost.value.attempt)
    interrupted()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.recover(lost.value.attempt)

    assert attempt_of(caught.value) == lost.value.attempt
    assert client.unsettled == (lost.value.attempt,)
    assert client._wrapped._owners.ledger.lost(lost.value.attempt) == known
    assert client.accounts.tokens.recover(lost.value.attempt) is not None


def test_ctrl_c_while_a_call_is_cleaned_up_loses_nothing(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """
    An interrupt after the result has arrived, in the call's own bookkeeping, is told as well.
    """

    class Calls(set[Any]):
        def discard(self, call: Any) -> None:
            super().discard(call)
            thread._calls = set()
            raise KeyboardInterrupt

    client.accounts.tokens.verify()
    (thread,) = client._portal._threads.values()
    thread._calls = Calls()
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.create(name="bot", policies=[])

    assert_told(caught.value, client, caplog)


def test_ctrl_c_while_a_wrong_copy_is_deleted_names_it(
    client: Client, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What the cancelled coroutine noted about the copy stands on the KeyboardInterrupt.
    """
    original = client.accounts.tokens.create(name="original", policies=[])
    emulator.inject(Fault.delay(60.0), operation="delete")
    monkeypatch.setattr("cftokens._operations.editing.not_as_sent", lambda *_: ["condition"])
    wait = PendingCall.wait

    def interrupt(call: PendingCall[Any]) -> BaseException | None:
        while emulator.requests[-1].operation != "delete":
            call._done.acquire(timeout=0.01)
        monkeypatch.setattr(PendingCall, "wait", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(PendingCall, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.clone(original.id, name="copy")

    assert any("could not be deleted: delete it" in note for note in caught.value.__notes__)


class ExitingHandler(logging.Handler):
    """
    A log handler that exits at a warning.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """
        Exit.
        """
        if record.levelno >= logging.WARNING:
            raise SystemExit(3)


def test_a_log_handler_that_exits_ends_only_its_call(client: Client, emulator: Emulator) -> None:
    """
    Its SystemExit is raised in the calling thread, and the client works on.
    """
    handler = ExitingHandler()
    logger = logging.getLogger("cftokens")
    logger.addHandler(handler)
    emulator.inject(Fault.drop_after(), operation="create")
    try:
        with pytest.raises(SystemExit):
            client.accounts.tokens.create(name="bot", policies=[])
    finally:
        logger.removeHandler(handler)

    assert client.accounts.tokens.verify().status == "active"


def test_a_loop_that_ends_leaves_no_call_waiting() -> None:
    """
    If something ends the loop, the calls on it raise ClosedError.
    """

    async def nothing() -> None:
        pass

    async def stop() -> None:
        asyncio.get_running_loop().call_soon(asyncio.get_running_loop().stop)
        await asyncio.Event().wait()

    thread = LoopThread(nothing)
    with pytest.raises(ClosedError):
        thread.call(stop())


def test_a_call_that_is_cancelled_before_its_first_step_ends() -> None:
    """
    Its coroutine is closed, and the waiting thread goes on.
    """

    async def nothing() -> None:
        pass

    async def main() -> None:
        call = PendingCall(nothing())
        call._loop = asyncio.get_running_loop()
        call._start(call._loop)
        call._cancel()
        await asyncio.sleep(0.0)
        await asyncio.sleep(0.0)
        assert isinstance(call.wait(), asyncio.CancelledError)

    asyncio.run(main())


def test_threads_of_gevent_get_a_loop_that_leaves_them_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If gevent has patched the threads, the loop is asyncio's, though uvloop is installed.
    """
    patched = SimpleNamespace(is_module_patched=lambda name: name == "threading")
    monkeypatch.setattr("cftokens.sync._loop_thread.uvloop", SimpleNamespace(new_event_loop=None))
    monkeypatch.setitem(__import__("sys").modules, "gevent.monkey", patched)
    loop = new_event_loop()
    loop.close()

    assert isinstance(loop, asyncio.SelectorEventLoop)


def test_a_second_loop_in_one_thread_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where no loop can run in the thread, as under gevent, the call says so and nothing hangs.
    """

    async def nothing() -> None:
        pass

    def run(loop: Any) -> None:
        raise RuntimeError("Cannot run the event loop while another loop is running")

    def start(thread: threading.Thread) -> None:
        thread.run()

    monkeypatch.setattr(asyncio.SelectorEventLoop, "run_forever", run)
    monkeypatch.setattr(threading.Thread, "start", start)
    monkeypatch.setattr("cftokens.sync._loop_thread.uvloop", None)
    with pytest.raises(CFTokensError, match="could not run: Cannot run the event loop while another"):
        LoopThread(nothing).call(nothing())


class Writer:
    """
    Counts what is written.
    """

    def __init__(self) -> None:
        self.written = b""

    async def write(self, chunk: bytes) -> None:
        """
        Take a chunk.
        """
        self.written += chunk


@pytest.mark.parametrize("halted", ["before the try", "during the try"])
async def test_nothing_is_sent_once_the_interpreter_exits(halted: str) -> None:
    """
    A create that still waited for its turn is not sent after the exit handler has looked.
    """
    tries = Tries(REQUESTS["create"](), Retry(), CREDENTIAL_VALUE)
    change = Change(tries, Ledger())
    writer: Any = Writer()
    if halted == "before the try":
        change.halt()
    body = tries.begin(0.0, 0.0, 0.0)
    change.halt()
    assert body is not None
    with pytest.raises(aiohttp.ClientPayloadError):
        await body.write_with_length(writer, None)

    assert writer.written == b""


def test_the_exit_of_the_interpreter_halts_waiting_calls(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A create whose turn comes after the exit handler has looked is not sent, and no warning is needed.
    """
    released = threading.Event()
    sent: list[Change[Any]] = []

    async def create() -> None:
        tries = Tries(REQUESTS["create"](), Retry(), CREDENTIAL_VALUE)
        sent.append(Change(tries, Ledger()))
        call.changes.append(sent[0])
        await asyncio.to_thread(released.wait)

    call: PendingCall[None] = PendingCall(create())
    client.accounts.tokens.verify()
    (thread,) = client._portal._threads.values()
    assert thread._schedule(call) is None
    while not sent:
        call._done.acquire(timeout=0.01)
    thread.end_with_interpreter()
    released.set()
    call.wait()
    body = sent[0]._tries.begin(0.0, 0.0, 0.0)
    thread._calls.clear()
    thread._interpreter_exits = False

    assert body is not None
    assert body.halted
    assert "is unknown" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "unknown"), [(Fault.status(502, after=True), True), (Fault.rate_limited(retry_after=50), False)]
)
def test_closing_from_another_thread_says_what_may_have_happened(
    emulator: Emulator, fault: Fault, unknown: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A blocking update that close() cuts off between two tries may have taken effect, unless it was refused.
    """
    client = emulator.client(retry=Retry(first_wait=60.0))
    created = client.accounts.tokens.create(name="bot", policies=[])
    emulator.inject(fault, operation="update")
    errors: list[BaseException] = []

    def update() -> None:
        try:
            client.accounts.tokens.update(
                created.id, name="new", policies=[], condition=None, expires_on=None, not_before=None
            )
        except CFTokensError as error:
            errors.append(error)

    thread = threading.Thread(target=update)
    thread.start()
    while "update: try 1 failed" not in caplog.text:
        thread.join(0.01)
    client.close()
    thread.join()

    (error,) = errors
    assert isinstance(error, ClosedError)
    assert error.outcome_unknown is unknown


def test_a_forked_child_leaves_the_thread_of_its_parent_alone(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The exit handler of a child does nothing to the parent's loop.
    """
    client.accounts.tokens.verify()
    (thread,) = client._portal._threads.values()
    with monkeypatch.context() as patch:
        patch.setattr("cftokens.sync._loop_thread.os.getpid", lambda: -1)
        thread.end_with_interpreter()

    assert client.accounts.tokens.verify().status == "active"


def test_generators_that_were_left_open_are_closed_with_the_loop() -> None:
    """
    Their clean-up runs on the loop before it ends.
    """
    cleaned: list[str] = []
    kept: list[AsyncGenerator[int, None]] = []

    async def numbers() -> AsyncGenerator[int, None]:
        try:
            yield 1
        finally:
            cleaned.append(threading.current_thread().name)

    async def begin() -> int:
        kept.append(numbers())
        return await anext(kept[0])

    async def nothing() -> None:
        pass

    thread = LoopThread(nothing)
    thread.call(begin())
    thread.close()

    assert cleaned == ["cftokens"]


def test_closing_while_a_wrong_copy_is_deleted_names_it(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The ClosedError of a clone has the note about the copy that may still exist.
    """
    client = emulator.client(retry=Retry(first_wait=60.0))
    original = client.accounts.tokens.create(name="original", policies=[])
    emulator.inject(Fault.rate_limited(retry_after=50), operation="delete")
    monkeypatch.setattr("cftokens._operations.editing.not_as_sent", lambda *_: ["condition"])
    errors: list[BaseException] = []

    def clone() -> None:
        try:
            client.accounts.tokens.clone(original.id, name="copy")
        except CFTokensError as error:
            errors.append(error)

    thread = threading.Thread(target=clone)
    thread.start()
    while emulator.requests[-1].operation != "delete":
        thread.join(0.01)
    client.close()
    thread.join()

    (error,) = errors
    told = [str(error), *getattr(error, "__notes__", ())]
    assert any("could not be deleted: delete it" in text for text in told)


def test_an_interrupt_over_a_loop_that_is_closed_is_raised() -> None:
    """
    Ctrl-C in a call whose loop has ended meanwhile is not replaced by an error of the loop.
    """

    async def nothing() -> None:
        pass

    call = PendingCall(nothing())
    call._loop = asyncio.new_event_loop()
    call._loop.close()
    call._coroutine.close()
    call.end_with_loop()
    call.end_with_loop()
    call.abandon(KeyboardInterrupt())

    assert isinstance(call.error, asyncio.CancelledError)
