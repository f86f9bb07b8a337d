"""
Temporary tokens: what there is after the block, and after each failure and interrupt at each step.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cftokens import CFTokensError, Client, NotActiveError, Retry, TokenCreateResponse
from cftokens import policies as p
from cftokens._operations.cleaning import finish
from cftokens.emulator import Emulator, Fault
from cftokens.errors import attempt_of
from tests.lives import (
    FAULTS,
    HELD_AFTER,
    HELD_BEFORE,
    Schedule,
    account_policy,
    interrupted_at,
    live,
    outcome,
    unknown,
)
from tests.servers import RawServer, reply
from tests.support import Clock, client_of, failure_of
from tests.vocabulary import POLICY, RESULTS, ZONE_ID, entry, failure, success

OPERATIONS = ["verify", "create", "verify", "verify", "delete"]


class World:
    """
    An emulator, and a client on its clock.
    """

    def __init__(self, emulator: Emulator, client: Client) -> None:
        self.emulator = emulator
        self.client = client
        self.inside = False

    def temporary(self, **options: Any) -> Any:
        """
        Return a temporary token that may read zones.
        """
        given = {"policies": [account_policy(self.emulator)], **options}
        return self.client.accounts.tokens.temporary(**given)

    async def use(self, **options: Any) -> TokenCreateResponse:
        """
        Run a block.
        """
        async with self.temporary(**options) as token:
            self.inside = True
            assert live(self.emulator).keys() == {token.id}
            await asyncio.sleep(0)
        assert isinstance(token, TokenCreateResponse)
        return token


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """
    An emulator, and a client on its clock.
    """
    clock = Clock()
    async with Emulator(clock=clock) as emulator, client_of(emulator, clock) as client:
        yield World(emulator, client)


async def test_a_block_has_a_token_that_is_gone_after_it(world: World) -> None:
    """
    It has a random name, works inside, and would expire by itself.
    """
    schedule = Schedule(world.emulator, {})
    token = await world.use(lifetime=timedelta(minutes=5), name="job")

    assert schedule.operations == OPERATIONS
    assert str(token.name).startswith("job-")
    assert len(str(token.name)) == len("job-01234567")
    assert token.issued_on is not None
    assert token.expires_on is not None
    assert token.expires_on - token.issued_on == timedelta(minutes=5)
    assert live(world.emulator) == {}


async def test_without_a_wait_verify_is_asked_for_the_time_alone(world: World) -> None:
    """
    Once an answer has shown the server's clock, not even for that.
    """
    schedule = Schedule(world.emulator, {})
    await world.use(wait=None)
    await world.use(wait=None)

    assert schedule.operations == ["verify", "create", "delete", "create", "delete"]


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("number", range(1, 6))
async def test_after_a_fault_every_live_token_is_known(
    world: World, number: int, name: str, lasting: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Whatever happens to whichever request, no token is left that is neither told nor unsettled.
    """
    Schedule(world.emulator, {number: FAULTS[name]()}, lasting=lasting)
    _, error = await outcome(world.use())

    assert error is None or isinstance(error, CFTokensError)
    left = unknown(world.emulator, error, world.client.unsettled, [])
    if number < 5:
        assert left == []
    else:
        assert error is None
        assert all(f"{each}, which expires on" in caplog.text for each in left)
    if number != 2:
        assert world.client.unsettled == ()


@pytest.mark.parametrize("fault", [HELD_BEFORE, HELD_AFTER], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 6))
async def test_after_a_cancellation_no_token_is_left(world: World, number: int, fault: Fault) -> None:
    """
    Wherever the task is cancelled, the token is deleted, and the cancellation raised afterwards.
    """
    schedule = Schedule(world.emulator, {number: fault} if number < 5 else {})
    task = asyncio.ensure_future(world.use())
    schedule.arrived = lambda count: task.cancel() if count == number else None
    _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert unknown(world.emulator, error, world.client.unsettled, []) == []
    assert live(world.emulator) == {}
    assert world.inside == (number == 5)
    if number > 2:
        assert "was deleted" in error.__notes__[0]


async def waited(task: "asyncio.Task[Any]") -> Any:
    """
    Await a task.
    """
    return await task


async def test_an_interrupt_at_each_await_leaves_no_token(world: World) -> None:
    """
    At no await does a cancellation leave a token.
    """
    number = 0
    reached = [0]
    while reached[-1] == number:
        number += 1
        _, error = await outcome(interrupted_at(number, world.use(), reached))
        assert unknown(world.emulator, error, world.client.unsettled, []) == [], number
        if error is not None:
            assert live(world.emulator) == {}

    assert number > 5


SCHEDULES = st.dictionaries(st.integers(1, 12), st.sampled_from(sorted(FAULTS)), max_size=5)


@given(faults=SCHEDULES, cancelled=st.integers(0, 12), cancelled_again=st.integers(1, 4), held=st.booleans())
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_no_schedule_of_faults_leaves_an_unknown_token(
    faults: dict[int, str], cancelled: int, cancelled_again: int, held: bool
) -> None:
    """
    Any faults, and two cancellations, at any requests leave no live token that nothing tells of.
    """

    async def main() -> None:
        clock = Clock()
        async with Emulator(clock=clock) as emulator, client_of(emulator, clock) as client:
            world = World(emulator, client)
            plan = {number: FAULTS[name]() for number, name in faults.items()}
            if cancelled:
                plan[cancelled] = HELD_AFTER if held else HELD_BEFORE
            schedule = Schedule(emulator, plan)
            task = asyncio.ensure_future(world.use(delete_timeout=0.05))
            numbers = (cancelled, cancelled + cancelled_again) if cancelled else ()
            schedule.arrived = lambda count: task.cancel() if count in numbers else None
            logged = Records()
            logging.getLogger("cftokens").addHandler(logged)
            try:
                _, error = await outcome(waited(task))
            finally:
                logging.getLogger("cftokens").removeHandler(logged)
            left = unknown(emulator, error, client.unsettled, [])
            assert all(any(f"{each}, which expires on" in text for text in logged.texts) for each in left)

    asyncio.run(main())


class Records(logging.Handler):
    """
    Keeps what is logged.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """
        Keep a record.
        """
        self.texts.append(record.getMessage())


async def test_a_failed_delete_is_a_warning_and_a_note(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The block's own exception is raised with a note; without one, nothing is raised.
    """
    Schedule(world.emulator, {5: Fault.status(403)}, lasting=True)
    with pytest.raises(KeyError) as caught:
        await fail_inside(world)
    (left,) = live(world.emulator)
    async with world.temporary():
        pass

    assert f"The token {left}, which expires on " in caught.value.__notes__[0]
    assert caplog.text.count("could not be deleted") == 2


async def fail_inside(world: World) -> None:
    """
    Raise inside a block.
    """
    async with world.temporary():
        raise KeyError


async def test_the_blocks_exception_says_that_the_token_was_deleted(world: World) -> None:
    """
    It is raised unchanged, with a note.
    """
    with pytest.raises(KeyError) as caught:
        await fail_inside(world)

    (note,) = caught.value.__notes__
    assert note.endswith("was deleted.")
    assert live(world.emulator) == {}


async def test_a_token_that_is_gone_already_is_fine(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """
    404 at the end is a success.
    """
    async with world.temporary() as token:
        await world.client.accounts.tokens.delete(token.id)

    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


async def test_leaving_is_bounded(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """
    A delete that gets no answer is given up after *delete_timeout*.
    """
    Schedule(world.emulator, {5: HELD_BEFORE})
    async with asyncio.timeout(5):
        await world.use(delete_timeout=0.05)

    assert "could not be deleted: there was not enough time." in caplog.text


async def test_a_wait_in_vain_deletes_the_token() -> None:
    """
    The block is not entered, and the error has a note.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=30) as emulator, client_of(emulator, clock) as client:
        world = World(emulator, client)
        error = await failure_of(world.use(wait=2.0))

    assert isinstance(error, NotActiveError)
    assert "was deleted" in error.__notes__[0]
    assert (world.inside, live(emulator)) == (False, {})


async def test_a_value_that_needs_three_seconds_works_inside() -> None:
    """
    The block begins once the value works.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=3) as emulator, client_of(emulator, clock) as client:
        start = clock.now
        await World(emulator, client).use()

    assert clock.now - start < 15


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_local_clock_an_hour_off_changes_nothing(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The expiry is by the server's clock.
    """
    clock = Clock()
    server_clock = Clock()
    async with Emulator(clock=server_clock) as emulator, client_of(emulator, clock) as client:
        wrong = SimpleNamespace(time=lambda: server_clock.now + 3600 * hours, monotonic=None)
        monkeypatch.setattr("cftokens._operations.owners.time", wrong)
        monkeypatch.setattr("cftokens._transport.sending.time", wrong)
        token = await World(emulator, client).use(lifetime=timedelta(minutes=1))
        old = await client.accounts.tokens.create(name="ci", policies=[account_policy(emulator)])
        rotation = await client.accounts.tokens.rotate(
            old.id, store=lambda _: None, lifetime=timedelta(minutes=2), overlap=timedelta(minutes=1)
        )

    assert token.expires_on is not None
    assert token.expires_on.timestamp() == pytest.approx(server_clock.now + 60, abs=3)
    assert rotation.successor.expires_on is not None
    assert rotation.successor.expires_on.timestamp() == pytest.approx(server_clock.now + 120, abs=3)
    assert rotation.retires_on.timestamp() == pytest.approx(server_clock.now + 60, abs=3)


async def test_it_cannot_be_entered_twice(world: World) -> None:
    """
    The second block raises, and the first keeps its token.
    """
    temporary = world.temporary()
    async with temporary as token:
        with pytest.raises(RuntimeError, match="call temporary\\(\\) again"):
            await temporary.__aenter__()
        assert live(world.emulator).keys() == {token.id}

    assert repr(temporary) == f"<cftokens temporary token {token.name!r}>"


async def test_it_can_be_left_twice(world: World) -> None:
    """
    The second time, there is nothing to delete.
    """
    temporary = world.temporary()
    async with temporary:
        await temporary.__aexit__(None, None, None)

    assert [each.operation for each in world.emulator.requests].count("delete") == 1


async def test_a_plain_with_is_refused(world: World) -> None:
    """
    The message points to the blocking client.
    """
    temporary = world.temporary()
    with pytest.raises(TypeError, match="needs 'async with'"):
        with temporary:
            pass
    temporary.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"lifetime": timedelta(0)}, "lifetime must be between"),
        ({"delete_timeout": 0}, "delete_timeout must be a positive"),
        ({"wait": -1}, "wait must be a positive"),
        ({"name": "n" * 112}, "name must be at most 111 characters"),
        ({"name": ""}, "name must not be empty"),
    ],
)
async def test_wrong_arguments_are_refused_at_once(world: World, wrong: dict[str, Any], message: str) -> None:
    """
    Before the block, and before anything is sent.
    """
    with pytest.raises(ValueError, match=message):
        world.temporary(**wrong)

    assert world.emulator.requests == []


async def test_groups_are_looked_up_on_entering(world: World) -> None:
    """
    A group that does not exist is an error before anything is made.
    """
    policies = [p.allow("Zone Raed", on=p.zone(ZONE_ID))]
    error = await failure_of(world.use(policies=policies))

    assert "There is no permission group 'Zone Raed'" in str(error)
    assert "create" not in [each.operation for each in world.emulator.requests]


async def test_a_lost_create_that_cannot_be_settled_is_told(world: World) -> None:
    """
    The error has the attempt, and why it could not be settled.
    """
    schedule = Schedule(world.emulator, {2: Fault.drop_after(), 3: Fault.status(403)}, lasting=True)
    error = await failure_of(world.use())

    assert schedule.operations == ["verify", "create", "list"]
    assert error.attempt is not None
    assert world.client.unsettled == (error.attempt,)
    assert "It could not be settled: " in error.__notes__[0]


async def test_a_create_that_never_arrived_is_looked_for_three_times(world: World) -> None:
    """
    None is not final, so the error has the attempt.
    """
    schedule = Schedule(world.emulator, {2: Fault.drop_before()})
    error = await failure_of(world.use())

    assert schedule.operations == ["verify", "create", "list", "list", "list"]
    assert world.client.unsettled == (error.attempt,)


async def test_looking_for_a_lost_create_stays_within_the_budget(world: World) -> None:
    """
    It does not wait longer than a request would.
    """
    client = client_of(world.emulator, retry=Retry(first_wait=5.0, budget=1.0))
    Schedule(world.emulator, {2: Fault.drop_before()})
    async with client:
        error = await failure_of(World(world.emulator, client).use())

    assert error.attempt is not None
    assert [each.operation for each in world.emulator.requests] == ["verify", "create", "list"]


async def test_a_settled_create_is_cleaned_up_when_the_wait_is_cancelled(world: World) -> None:
    """
    A cancellation during the search deletes the token that was made.
    """
    schedule = Schedule(world.emulator, {2: Fault.drop_after(), 3: HELD_BEFORE})
    task = asyncio.ensure_future(world.use())
    schedule.arrived = lambda count: task.cancel() if count == 3 else None
    _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert (live(world.emulator), world.client.unsettled) == ({}, ())


async def test_a_clean_up_that_fails_is_told(world: World) -> None:
    """
    If a cancelled create cannot be looked for, the attempt stays, and a note says why.
    """
    schedule = Schedule(world.emulator, {2: HELD_AFTER, 3: Fault.status(403)})
    task = asyncio.ensure_future(world.use())
    schedule.arrived = lambda count: task.cancel() if count == 2 else None
    _, error = await outcome(waited(task))

    assert error is not None
    assert any("was made is unknown: " in note for note in error.__notes__)
    assert world.client.unsettled == (attempt_of(error),)


async def test_a_token_that_a_clean_up_cannot_delete_is_named(world: World) -> None:
    """
    If the token of a cancelled create is found, but not deleted, a note has its id, and the attempt stays.
    """
    schedule = Schedule(world.emulator, {2: HELD_AFTER, 4: Fault.status(403)})
    task = asyncio.ensure_future(world.use())
    schedule.arrived = lambda count: task.cancel() if count == 2 else None
    _, error = await outcome(waited(task))
    (left,) = live(world.emulator)

    assert error is not None
    assert any(f"The token {left}, which expires on " in note for note in error.__notes__)
    assert world.client.unsettled == (attempt_of(error),)


@pytest.mark.parametrize("operation", ["list", "delete"])
async def test_a_hook_that_fails_does_not_replace_a_cancellation(world: World, operation: str) -> None:
    """
    What a borrowed session's hook raises while the token is removed is a note.
    """

    async def fail(*_: object) -> None:
        if failing:
            raise ZeroDivisionError

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(fail)
    failing: list[bool] = []
    number = {"list": 2, "delete": 3}[operation]
    schedule = Schedule(world.emulator, {number: HELD_AFTER})

    def arrived(count: int) -> None:
        if count == number:
            failing.append(True)
            task.cancel()

    schedule.arrived = arrived
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        async with client_of(world.emulator, session=session) as client:
            task = asyncio.ensure_future(World(world.emulator, client).use())
            _, error = await outcome(waited(task))
            unsettled = client.unsettled

    assert isinstance(error, asyncio.CancelledError)
    assert any("ZeroDivisionError was raised." in note for note in error.__notes__)
    assert unknown(world.emulator, error, unsettled, []) == []


async def test_a_hook_that_fails_over_a_create_does_not_hide_a_cancellation(world: World) -> None:
    """
    If the clean-up of a create is cancelled whose hook failed, the cancellation is raised from that.
    """

    async def fail(*_: object) -> None:
        if len(schedule.operations) == 2:
            raise ZeroDivisionError

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(fail)
    schedule = Schedule(world.emulator, {})
    schedule.arrived = lambda count: task.cancel() if count == 3 else None
    async with aiohttp.ClientSession(trace_configs=[trace]) as session:
        async with client_of(world.emulator, session=session) as client:
            task = asyncio.ensure_future(World(world.emulator, client).use())
            _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert live(world.emulator) == {}


async def test_finish_returns_what_a_log_handler_raises() -> None:
    """
    A SystemExit does not end the loop, and is raised where the work is awaited.
    """

    async def exits() -> None:
        raise SystemExit(3)

    result, error = await finish(exits, 5.0)

    assert result is None
    assert isinstance(error, SystemExit)


async def test_finish_can_be_cut_off_before_its_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    When the loop is closed, it cancels the work, which is then left out.
    """

    async def never() -> None:
        raise AssertionError

    async def cancel_all(tasks: set["asyncio.Task[Any]"], **options: Any) -> None:
        for task in tasks:
            task.cancel()
        await wait(tasks, **options)

    wait = asyncio.wait
    monkeypatch.setattr("cftokens._operations.cleaning.asyncio.wait", cancel_all)

    assert await finish(never, 5.0) == (None, None)


@pytest.mark.parametrize("refusal", [entry(10502, "Too many authentication failures"), entry(971)])
async def test_nothing_is_sent_after_a_lock_out_or_a_rate_limit(refusal: dict[str, Any]) -> None:
    """
    The request that shows the server's clock is the last.
    """
    refused = reply(429, failure(refusal), Retry_After="1000", Date="Thu, 02 Jan 2026 03:04:05 GMT")
    async with RawServer(refused) as server, client_of(server.base_url) as client:
        await failure_of(client.accounts.tokens.temporary(policies=[POLICY]).__aenter__())

    assert len(server.requests) == 1


async def test_a_refused_verify_shows_the_clock_as_well() -> None:
    """
    A user's token cannot be verified as an account's, but may make tokens.
    """
    refused = reply(401, failure(entry(1000)), Date="Thu, 01 Jan 2026 00:00:00 GMT")
    created = success(RESULTS["create"])
    async with RawServer(refused, reply(200, created)) as server, client_of(server.base_url) as client:
        await client.accounts.tokens.temporary(policies=[POLICY], wait=None).__aenter__()

    assert b'"expires_on":"2026-01-01T00:15:00Z"' in server.requests[1].body.replace(b": ", b":")


async def test_a_refusal_without_a_date_is_raised() -> None:
    """
    Without the server's clock, no expiry can be computed.
    """
    async with RawServer(reply(401, failure(entry(1000)))) as server, client_of(server.base_url) as client:
        await failure_of(client.accounts.tokens.temporary(policies=[POLICY]).__aenter__())

    assert len(server.requests) == 1
