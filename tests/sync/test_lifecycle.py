"""
The life of tokens in blocking code: interrupts at each request, callbacks in threads, and blocks.
"""

import asyncio
import contextlib
import contextvars
import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from cftokens import AmbiguousOutcomeError, ClosedError, NotActiveError, Retry, RotationError, Token
from cftokens import Client as AsyncClient
from cftokens import TokenCreateResponse as Created
from cftokens._settings import Timing
from cftokens.errors import attempt_of
from cftokens.sync import Client
from cftokens.sync._loop_thread import PendingCall
from cftokens.sync.emulator import Emulator, Fault
from tests.lives import HELD_AFTER, HELD_BEFORE, Schedule, account_policy, live, unknown
from tests.support import assert_no_secret

DAY = timedelta(days=1)
PATIENCE = 60.0
"""Seconds to wait for a token to be active, of which none passes."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """
    An emulator in a thread.
    """
    with Emulator() as emulator:
        yield emulator


async def no_time(seconds: float) -> None:
    """
    Wait for nothing.
    """
    await asyncio.sleep(0)


@pytest.fixture
def client(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """
    A blocking client with the account's first token, for which no time passes between its requests.
    """
    monkeypatch.setattr(AsyncClient, "_timing", Timing(time.monotonic, no_time, lambda: 0.0))
    with emulator.client(retry=Retry(first_wait=0.0)) as client:
        yield client


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], bool]], None]:
    """
    Let Ctrl-C come in the next call that waits, once a condition is true or the call has ended.
    """

    def arm(condition: Callable[[], bool]) -> None:
        original = PendingCall.wait

        def wait(call: PendingCall[Any]) -> BaseException | None:
            while not (call._ended or condition()):
                call._done.acquire(timeout=0.005)
            monkeypatch.setattr(PendingCall, "wait", original)
            raise KeyboardInterrupt

        monkeypatch.setattr(PendingCall, "wait", wait)

    return arm


Arm = Callable[[Callable[[], bool]], None]


def never() -> bool:
    """
    Let Ctrl-C come when the call has ended, and its thread is about to take the result.
    """
    return False


def schedule_of(emulator: Emulator, faults: dict[int, Fault]) -> Schedule:
    """
    Plan the faults of a blocking emulator.
    """
    return Schedule(emulator._wrapped, faults)


def tokens_of(emulator: Emulator) -> dict[str, str]:
    """
    Return the names of the live tokens by their ids.
    """
    return live(emulator._wrapped)


def make(emulator: Emulator, client: Client) -> Token:
    """
    Make a predecessor.
    """
    return client.accounts.tokens.create(name="ci", policies=[account_policy(emulator._wrapped)])


class Store:
    """
    Keeps successors.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []

    def __call__(self, successor: Created) -> None:
        self.ids.append(successor.id)


@pytest.mark.parametrize("fault", [HELD_BEFORE, HELD_AFTER], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 7))
def test_ctrl_c_in_a_rotation_leaves_what_the_table_says(
    client: Client, emulator: Emulator, interrupt: Arm, number: int, fault: Fault
) -> None:
    """
    Whichever request is under way, every live token is known, and the KeyboardInterrupt tells the state.
    """
    old, store = make(emulator, client), Store()
    schedule = schedule_of(emulator, {number: fault})
    interrupt(lambda: len(schedule.operations) >= number)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.rotate(old.id, store=store, lifetime=DAY, wait=PATIENCE)
    error = caught.value

    assert unknown(emulator._wrapped, error, client.unsettled, [old, *store.ids]) == []
    assert old.id in tokens_of(emulator)
    assert any(f"rotation of {old.id} was interrupted" in note for note in error.__notes__)
    if number < 5:
        assert (list(tokens_of(emulator)), store.ids) == ([old.id], [])
    assert client.unsettled == () or (number, fault) == (2, HELD_BEFORE)


def test_ctrl_c_over_a_finished_rotation_leaves_a_stored_successor(
    client: Client, emulator: Emulator, interrupt: Arm
) -> None:
    """
    Its result is lost, but everything was done, and nothing is unsettled.
    """
    old, store = make(emulator, client), Store()
    interrupt(never)
    with pytest.raises(KeyboardInterrupt):
        client.accounts.tokens.rotate(old.id, store=store, lifetime=DAY, wait=PATIENCE)

    assert list(tokens_of(emulator)) == [old.id, *store.ids]
    assert client.unsettled == ()


def test_ctrl_c_over_a_failed_rotation_tells_its_error(
    client: Client, emulator: Emulator, interrupt: Arm
) -> None:
    """
    The RotationError that is discarded is a note, because it names the successor.
    """

    def fail(_: Created) -> None:
        raise OSError

    old = make(emulator, client)
    interrupt(never)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.rotate(old.id, store=fail, lifetime=DAY, wait=PATIENCE)
    (new,) = tokens_of(emulator).keys() - {old.id}

    assert any(note.startswith("The call had failed: ") and new in note for note in caught.value.__notes__)


@pytest.mark.parametrize("role", ["store", "check"])
def test_ctrl_c_while_a_callback_runs_tells_the_stage(
    client: Client, emulator: Emulator, interrupt: Arm, role: str
) -> None:
    """
    What store() may have written stays, and its id is on the KeyboardInterrupt; after check(), it is deleted.
    """
    running, released = threading.Event(), threading.Event()

    def stall(_: Created) -> None:
        running.set()
        released.wait()

    old = make(emulator, client)
    interrupt(running.is_set)
    callbacks: dict[str, Any] = {"store": Store(), role: stall}
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.rotate(old.id, lifetime=DAY, wait=PATIENCE, **callbacks)
    released.set()
    left = tokens_of(emulator).keys() - {old.id}

    if role == "store":
        (new,) = left
        assert f"nothing was deleted. The successor is {new}." in caught.value.__notes__[-1]
    else:
        assert left == set()
        assert caught.value.__notes__[-1].endswith("there is no successor.")


class Async:
    async def __call__(self, successor: Created) -> None:
        raise AssertionError


async def stored(successor: Created) -> None:
    """
    Store in the way of async code.
    """
    raise AssertionError


@pytest.mark.parametrize("role", ["store", "check"])
@pytest.mark.parametrize("function", [stored, functools.partial(stored), Async()])
def test_a_coroutine_function_is_refused_at_once(
    client: Client, emulator: Emulator, role: str, function: Any
) -> None:
    """
    Before anything is sent, with a hint at the async client.
    """
    old = make(emulator, client)
    schedule = schedule_of(emulator, {})
    callbacks = {"store": Store(), role: function}
    with pytest.raises(TypeError, match=f"{role} must be a plain function here; for 'async def'"):
        client.accounts.tokens.rotate(old.id, lifetime=DAY, **callbacks)

    assert schedule.operations == []


@pytest.mark.parametrize("wrong", [None, 5])
def test_what_is_no_function_is_refused(client: Client, emulator: Emulator, wrong: Any) -> None:
    """
    Before anything is sent.
    """
    old = make(emulator, client)
    schedule = schedule_of(emulator, {})
    with pytest.raises(TypeError, match="store must be a function, not"):
        client.accounts.tokens.rotate(old.id, store=wrong, lifetime=DAY)

    assert schedule.operations == []


def later(successor: Created) -> Any:
    """
    Return a coroutine.
    """
    return stored(successor)


class Awaitable:
    def __await__(self) -> Iterator[None]:
        raise AssertionError


@pytest.mark.parametrize("function", [later, lambda _: Awaitable()])
def test_an_awaitable_that_a_callback_returns_is_an_error(
    client: Client, emulator: Emulator, function: Any
) -> None:
    """
    It was not awaited, so the successor was not stored.
    """
    old = make(emulator, client)
    with pytest.raises(RotationError) as caught:
        client.accounts.tokens.rotate(old.id, store=function, lifetime=DAY, wait=PATIENCE)

    assert caught.value.stage == "store"
    assert isinstance(caught.value.__cause__, TypeError)
    assert "store returned an awaitable" in str(caught.value.__cause__)
    assert_no_secret(caught.value)


def test_callbacks_run_in_a_thread_and_may_use_the_client(client: Client, emulator: Emulator) -> None:
    """
    It is not the loop's thread, and sees the caller's context variables.
    """
    seen: list[Any] = []
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    variable.set("here")

    def check(successor: Created) -> bool:
        view = client.with_options(api_token=successor.value)
        seen.extend([view.accounts.tokens.verify().id, threading.current_thread().name, variable.get()])
        return True

    def store(successor: Created) -> None:
        seen.append(client.accounts.tokens.get(successor.id).id)

    old = make(emulator, client)
    rotation = client.accounts.tokens.rotate(old.id, store=store, check=check, lifetime=DAY, wait=PATIENCE)
    id_, thread, context, again = seen

    assert (id_, again) == (rotation.successor.id, rotation.successor.id)
    assert thread not in ("cftokens", threading.main_thread().name)
    assert context == "here"


def test_a_check_that_returns_false_refuses(client: Client, emulator: Emulator) -> None:
    """
    The successor is deleted, and nothing is stored.
    """
    old, store = make(emulator, client), Store()
    with pytest.raises(RotationError, match=r"check\(\) returned False"):
        client.accounts.tokens.rotate(old.id, store=store, check=lambda _: False, lifetime=DAY, wait=PATIENCE)

    assert (list(tokens_of(emulator)), store.ids) == ([old.id], [])


def temporary(emulator: Emulator, client: Client, **options: Any) -> Any:
    """
    Return a temporary token.
    """
    given = {"policies": [account_policy(emulator._wrapped)], "wait": PATIENCE, **options}
    return client.accounts.tokens.temporary(**given)


def use(emulator: Emulator, client: Client, **options: Any) -> None:
    """
    Run a block.
    """
    with temporary(emulator, client, **options) as token:
        assert list(tokens_of(emulator)) == [token.id]


def test_a_block_has_a_token_that_is_gone_after_it(client: Client, emulator: Emulator) -> None:
    """
    The blocking block sends the same requests.
    """
    schedule = schedule_of(emulator, {})
    use(emulator, client)

    assert schedule.operations == ["verify", "create", "verify", "verify", "delete"]
    assert tokens_of(emulator) == {}
    assert repr(temporary(emulator, client, name="job")).startswith("<cftokens temporary token 'job-")


@pytest.mark.parametrize("fault", [HELD_BEFORE, HELD_AFTER], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 6))
def test_ctrl_c_in_a_temporary_block_leaves_no_token(
    client: Client, emulator: Emulator, interrupt: Arm, number: int, fault: Fault
) -> None:
    """
    Whichever request is under way, the token is deleted before the KeyboardInterrupt arrives.
    """
    schedule = schedule_of(emulator, {number: fault if number < 5 else Fault.delay(0.05)})
    block = temporary(emulator, client)
    if number < 5:
        interrupt(lambda: len(schedule.operations) >= number)
    with pytest.raises(KeyboardInterrupt) as caught:
        with block:
            interrupt(lambda: len(schedule.operations) >= 5)

    assert tokens_of(emulator) == {}
    assert unknown(emulator._wrapped, caught.value, client.unsettled, []) == []
    if number > 2:
        assert any("was deleted" in note for note in caught.value.__notes__)


def test_ctrl_c_over_a_finished_entry_deletes_the_token(
    client: Client, emulator: Emulator, interrupt: Arm
) -> None:
    """
    The block is not run, so nothing else would delete it.
    """
    interrupt(never)
    with pytest.raises(KeyboardInterrupt) as caught:
        use(emulator, client)

    assert tokens_of(emulator) == {}
    assert any("was deleted" in note for note in caught.value.__notes__)
    assert client.unsettled == ()


def raise_in_block(prepare: Callable[[], object]) -> None:
    """
    Interrupt a block.
    """
    prepare()
    raise KeyboardInterrupt


def test_a_second_ctrl_c_waits_for_the_delete(client: Client, emulator: Emulator, interrupt: Arm) -> None:
    """
    After Ctrl-C inside the block, one more while it is left arrives once the token is gone.
    """
    schedule = schedule_of(emulator, {5: Fault.delay(0.05)})
    with pytest.raises(KeyboardInterrupt) as caught:
        with temporary(emulator, client):
            raise_in_block(lambda: interrupt(lambda: len(schedule.operations) >= 5))
    first = caught.value.__context__

    assert isinstance(first, KeyboardInterrupt)
    assert tokens_of(emulator) == {}
    assert any("was deleted" in note for note in first.__notes__)
    assert any("was deleted" in note for note in caught.value.__notes__)


def test_a_failed_delete_raises_nothing(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    It is a warning, and a note on the block's own exception.
    """
    emulator.inject(Fault.status(403), operation="delete", times=2)
    use(emulator, client)
    with pytest.raises(KeyError) as caught:
        with temporary(emulator, client):
            raise KeyError

    assert "could not be deleted" in caught.value.__notes__[0]
    assert caplog.text.count("could not be deleted") == 2


@pytest.mark.parametrize("fails", [False, True])
def test_a_client_that_is_closed_inside_the_block_leaves_the_token(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture, fails: bool
) -> None:
    """
    Leaving raises nothing of its own; a warning and a note name the token.
    """
    expected: Any = pytest.raises(KeyError) if fails else contextlib.nullcontext()
    with expected as caught:
        with temporary(emulator, client):
            client.close()
            if fails:
                raise KeyError
    (left,) = tokens_of(emulator)

    assert f"The token {left}, which expires on " in caplog.text
    if fails:
        assert f"The token {left}, which expires on " in caught.value.__notes__[0]


def test_closing_from_another_thread_while_a_block_is_left_raises_nothing(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The delete that is cut off is a warning.
    """
    schedule = schedule_of(emulator, {5: HELD_BEFORE})
    closing = threading.Thread(target=client.close)
    schedule.arrived = lambda count: closing.start() if count == 5 else None
    use(emulator, client)
    closing.join()

    assert "could not be deleted" in caplog.text


def test_closing_between_two_tries_of_the_delete_raises_nothing(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The token is told once, by the delete that is cut off.
    """
    client = emulator.client(retry=Retry(first_wait=60.0))
    emulator.inject(Fault.status(503), operation="delete")

    def close() -> None:
        while "delete: try 1 failed" not in caplog.text:
            waiting.wait(0.01)
        client.close()

    waiting = threading.Event()
    closing = threading.Thread(target=close)
    closing.start()
    use(emulator, client)
    closing.join()

    assert caplog.text.count("could not be deleted") == 1


def test_the_exit_of_the_interpreter_names_a_successor_that_is_not_stored(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A rotation in a daemon thread cannot report it any more.
    """
    running, released = threading.Event(), threading.Event()

    def stall(_: Created) -> None:
        running.set()
        released.wait()

    old = make(emulator, client)
    options: dict[str, Any] = {"store": stall, "lifetime": DAY, "wait": PATIENCE}
    rotating = threading.Thread(target=client.accounts.tokens.rotate, args=(old.id,), kwargs=options)
    rotating.start()
    running.wait()
    (thread,) = client._portal._threads.values()
    thread.end_with_interpreter()
    thread._interpreter_exits = False
    released.set()
    rotating.join()
    (new,) = tokens_of(emulator).keys() - {old.id}

    assert f"The interpreter exits before the call returns that gave {new} its value." in caplog.text


def test_it_cannot_be_entered_twice(client: Client, emulator: Emulator) -> None:
    """
    The second block raises, and the first keeps its token.
    """
    block = temporary(emulator, client)
    with block as token:
        with pytest.raises(RuntimeError, match="call temporary"):
            block.__enter__()
        assert list(tokens_of(emulator)) == [token.id]


def test_a_wait_in_vain_deletes_the_token(emulator: Emulator, client: Client) -> None:
    """
    The error of the wait is raised on entering.
    """
    emulator.inject(Fault.status(401), operation="verify", times=None)
    with pytest.raises(NotActiveError) as caught:
        use(emulator, client)

    assert "was deleted" in caught.value.__notes__[0]
    assert tokens_of(emulator) == {}


def test_async_with_is_refused(emulator: Emulator, client: Client) -> None:
    """
    The message points to the async client.
    """
    block = temporary(emulator, client)

    async def main() -> None:
        async with block:
            raise AssertionError

    with pytest.raises(TypeError, match="needs a plain 'with'"):
        asyncio.run(main())
    asyncio.run(block.__aexit__(None, None, None))


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


def test_a_log_handler_that_exits_ends_only_its_block(client: Client, emulator: Emulator) -> None:
    """
    Its SystemExit leaves the block, with a note, and the client works on.
    """
    handler = ExitingHandler()
    emulator.inject(Fault.drop_after(), operation="delete", times=3)
    logging.getLogger("cftokens").addHandler(handler)
    try:
        with pytest.raises(SystemExit):
            use(emulator, client)
    finally:
        logging.getLogger("cftokens").removeHandler(handler)

    assert client.accounts.tokens.verify().status == "active"


@pytest.mark.parametrize("fault", [HELD_BEFORE, HELD_AFTER], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 4))
def test_ctrl_c_in_ensure_leaves_every_live_token_known(
    client: Client, emulator: Emulator, interrupt: Arm, number: int, fault: Fault
) -> None:
    """
    A lost create has its attempt, and a token whose name could not be checked is deleted.
    """
    schedule = schedule_of(emulator, {number: fault})
    interrupt(lambda: len(schedule.operations) >= number)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.ensure(name="ci", policies=[account_policy(emulator._wrapped)])

    assert unknown(emulator._wrapped, caught.value, client.unsettled, []) == []
    assert (attempt_of(caught.value) is not None) == (number == 2)
    if number == 3:
        assert tokens_of(emulator) == {}


def test_ctrl_c_over_a_finished_ensure_can_be_settled(
    client: Client, emulator: Emulator, interrupt: Arm
) -> None:
    """
    The value is lost, so the KeyboardInterrupt has the attempt.
    """
    interrupt(never)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.ensure(name="ci", policies=[account_policy(emulator._wrapped)])
    attempt = attempt_of(caught.value)

    assert client.unsettled == (attempt,)
    assert attempt is not None
    recovered = client.accounts.tokens.recover(attempt)
    assert recovered is not None
    assert list(tokens_of(emulator)) == [recovered.id]


def test_ctrl_c_over_a_lost_create_has_its_error_and_its_attempt(
    client: Client, emulator: Emulator, interrupt: Arm
) -> None:
    """
    The error that is discarded is a note, and what it left unknown can be settled.
    """
    emulator.inject(Fault.drop_after(), operation="create")
    interrupt(never)
    with pytest.raises(KeyboardInterrupt) as caught:
        client.accounts.tokens.ensure(name="ci", policies=[account_policy(emulator._wrapped)])

    assert caught.value.__notes__[0].startswith("The call had failed: ")
    assert client.unsettled == (attempt_of(caught.value),)


def test_two_threads_that_ensure_end_with_one_token_or_a_clear_error(
    client: Client, emulator: Emulator
) -> None:
    """
    As two processes would.
    """
    outcomes: list[Any] = []

    def ensure() -> None:
        try:
            policies = [account_policy(emulator._wrapped)]
            outcomes.append(client.accounts.tokens.ensure(name="ci", policies=policies).token.id)
        except AmbiguousOutcomeError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=ensure) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert list(tokens_of(emulator)) == list(
        dict.fromkeys(each for each in outcomes if isinstance(each, str))
    )


def test_the_twins_wait_and_retire(client: Client, emulator: Emulator) -> None:
    """
    They return what the async ones do, for accounts and users.
    """
    token = client.accounts.tokens.create(name="ci", policies=[account_policy(emulator._wrapped)])

    assert client.accounts.tokens.wait_until_active(token.value, timeout=PATIENCE).id == token.id
    assert client.accounts.tokens.retire(token.id).status == "disabled"
    with client.with_options(api_token=emulator.user_api_token) as user:
        value = emulator.user_api_token
        assert user.user.tokens.wait_until_active(value, timeout=PATIENCE).status == "active"
    assert not inspect.iscoroutinefunction(user.user.tokens.rotate)


def test_a_closed_client_enters_no_block(emulator: Emulator, client: Client) -> None:
    """
    Entering raises ClosedError.
    """
    client.close()
    with pytest.raises(ClosedError):
        use(emulator, client)
