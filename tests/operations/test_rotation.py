"""
Rotations: what there is after each step, and after each failure and interrupt at each step.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cftokens import Client, RotationError, Token, TokenCreateResponse
from cftokens import policies as p
from cftokens.emulator import Emulator, Fault
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
from tests.support import Clock, client_of, failure_of

STAGES = ["read", "create", "wait", "wait", "retire", "retire"]
"""The stage of each request of a rotation."""

OPERATIONS = ["get", "create", "verify", "verify", "get", "update"]

DAY = timedelta(days=1)


class World:
    """
    An emulator with a token to rotate, a client, and a store.
    """

    def __init__(self, emulator: Emulator, client: Client) -> None:
        self.emulator = emulator
        self.client = client
        self.stored: list[str] = []

    async def make(self) -> Token:
        """
        Make a predecessor.
        """
        return await self.client.accounts.tokens.create(name="ci", policies=[account_policy(self.emulator)])

    async def store(self, successor: TokenCreateResponse) -> None:
        """
        Keep a successor.
        """
        self.stored.append(successor.id)
        await asyncio.sleep(0)

    def rotate(self, token: Token, **options: Any) -> Any:
        """
        Rotate a token.
        """
        given: dict[str, Any] = {"store": self.store, "lifetime": DAY, **options}
        return self.client.accounts.tokens.rotate(token.id, **given)

    def unknown(self, error: BaseException | None, *known: Any) -> list[str]:
        """
        Return the live tokens that are neither returned, stored, told, nor unsettled.
        """
        return unknown(self.emulator, error, self.client.unsettled, [*known, *self.stored])


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    """
    Start an emulator whose clock is the client's.
    """
    clock = Clock()
    async with Emulator(clock=clock) as emulator, client_of(emulator, clock) as client:
        yield World(emulator, client)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """
    An emulator whose clock is the client's.
    """
    async with a_world() as world:
        yield world


async def test_a_rotation_sends_six_requests(world: World) -> None:
    """
    The successor has the same access and a life of its own, and the old token's is shortened.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {})
    rotation = await world.rotate(old)

    assert schedule.operations == OPERATIONS
    assert world.stored == [rotation.successor.id]
    assert rotation.successor.policies[0].resources == old.policies[0].resources
    assert (rotation.predecessor.id, rotation.predecessor.expires_on) == (old.id, rotation.retires_on)
    assert (rotation.retires_on - old.issued_on).total_seconds() == pytest.approx(3600, abs=10)
    assert (rotation.successor.expires_on - old.issued_on).total_seconds() == pytest.approx(86400, abs=10)
    assert rotation.successor.not_before is None


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("number", range(1, 7))
async def test_after_a_fault_every_live_token_is_known(
    world: World, number: int, name: str, lasting: bool
) -> None:
    """
    Whatever happens to whichever request, the error has the stage, and what there is agrees with the table.
    """
    old = await world.make()
    Schedule(world.emulator, {number: FAULTS[name]()}, lasting=lasting)
    rotation, error = await outcome(world.rotate(old))

    assert world.unknown(error, old) == []
    assert old.id in live(world.emulator)
    if error is None:
        assert live(world.emulator).keys() == {old.id, rotation.successor.id}
        return
    assert isinstance(error, RotationError)
    assert error.stage == STAGES[number - 1]
    assert error.predecessor_id == old.id
    if error.stage in ("read", "wait"):
        assert live(world.emulator).keys() == {old.id}
    if error.stage == "retire":
        assert error.successor is not None
        assert live(world.emulator).keys() == {old.id, error.successor.id}
        assert world.stored == [error.successor.id]
    if error.stage == "create":
        assert error.successor is None
        assert error.outcome_unknown or live(world.emulator).keys() == {old.id}
        assert error.outcome_unknown == bool(world.client.unsettled)


@pytest.mark.parametrize("fault", [HELD_BEFORE, HELD_AFTER], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, 7))
async def test_after_a_cancellation_every_live_token_is_known(
    world: World, number: int, fault: Fault
) -> None:
    """
    A task that is cancelled while a request is under way leaves what the table says.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {number: fault})
    task = asyncio.ensure_future(world.rotate(old))
    schedule.arrived = lambda count: task.cancel() if count == number else None
    _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert world.unknown(error, old) == []
    assert old.id in live(world.emulator)
    assert any(f"rotation of {old.id} was interrupted" in note for note in error.__notes__)
    if STAGES[number - 1] != "retire":
        assert len(live(world.emulator)) == 1
        assert world.stored == []


async def waited(task: "asyncio.Task[Any]") -> Any:
    """
    Await a task.
    """
    return await task


async def test_an_interrupt_at_each_await_leaves_every_live_token_known(world: World) -> None:
    """
    At no await does a cancellation leave a token that nothing tells of.
    """
    old = await world.make()
    known: list[Any] = [old]
    number = 0
    reached = [0]
    while reached[-1] == number:
        number += 1
        rotation, error = await outcome(interrupted_at(number, world.rotate(old), reached))
        assert world.unknown(error, *known) == [], number
        known += live(world.emulator)
        if error is None:
            assert rotation.successor.id in world.stored

    assert number > 7


SCHEDULES = st.dictionaries(st.integers(1, 14), st.sampled_from(sorted(FAULTS)), max_size=5)


@given(faults=SCHEDULES, cancelled=st.integers(0, 14), cancelled_again=st.integers(1, 4), held=st.booleans())
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
        async with a_world() as world:
            old = await world.make()
            plan = {number: FAULTS[name]() for number, name in faults.items()}
            if cancelled:
                plan[cancelled] = HELD_AFTER if held else HELD_BEFORE
            schedule = Schedule(world.emulator, plan)
            task = asyncio.ensure_future(world.rotate(old))
            numbers = (cancelled, cancelled + cancelled_again) if cancelled else ()
            schedule.arrived = lambda count: task.cancel() if count in numbers else None
            rotation, error = await outcome(waited(task))

            known = [old] if rotation is None else [old, rotation.successor]
            assert world.unknown(error, *known) == []
            assert old.id in live(world.emulator)

    asyncio.run(main())


async def test_a_second_cancellation_while_the_successor_is_deleted_is_told(world: World) -> None:
    """
    It is raised after the delete, and has the notes.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {})
    task = asyncio.ensure_future(world.rotate(old, check=lambda successor: False))
    schedule.arrived = lambda count: task.cancel() if count == 5 else None
    _, error = await outcome(waited(task))

    assert isinstance(error, asyncio.CancelledError)
    assert live(world.emulator).keys() == {old.id}
    assert "was deleted" in error.__notes__[0]
    assert "there is no successor" in error.__notes__[1]


async def refused(world: World, old: Token, **options: Any) -> RotationError:
    """
    Return the error of a rotation.
    """
    error = await failure_of(world.rotate(old, **options))
    assert isinstance(error, RotationError)
    return error


async def test_a_minter_is_refused_before_anything_is_made(world: World) -> None:
    """
    Only the read is sent, and the message names the way.
    """
    page = await world.client.accounts.tokens.list().page()
    schedule = Schedule(world.emulator, {})
    error = await refused(world, page.items[0])

    assert (error.stage, schedule.operations) == ("read", ["get"])
    assert "Rotate a token that makes tokens" in str(error)
    assert str(error).endswith("Nothing was changed.")
    assert error.__cause__ is None


@pytest.mark.parametrize("state", ["disabled", "expired", "revoked (exposed)"])
async def test_a_token_that_does_not_work_is_refused(world: World, state: str) -> None:
    """
    A copy would work where the token does not.
    """
    old = await world.make()
    if state == "revoked (exposed)":
        world.emulator.expose(old.id)
    elif state == "disabled":
        await world.client.accounts.tokens.retire(old.id)
    else:
        await world.client.accounts.tokens.retire(old.id, after=timedelta(seconds=5))
        await world.client._timing.sleep(6)
    error = await refused(world, old)

    assert (error.stage, live(world.emulator)) == ("read", {})
    assert state in str(error)


async def test_a_check_refuses_by_false_or_an_exception(world: World) -> None:
    """
    The successor is deleted and nothing is stored. An exception is the cause, and its text is not repeated.
    """

    async def fail(successor: TokenCreateResponse) -> None:
        raise ValueError(successor.value.reveal())

    old = await world.make()
    by_false = await refused(world, old, check=lambda successor: False)
    _, by_error = await outcome(world.rotate(old, check=fail))

    assert isinstance(by_error, RotationError)
    assert (by_false.stage, by_error.stage) == ("check", "check")
    assert "check() returned False" in str(by_false)
    assert "ValueError was raised." in str(by_error)
    assert isinstance(by_error.__cause__, ValueError)
    assert (by_false.successor, by_error.successor, world.stored) == (None, None, [])
    assert live(world.emulator).keys() == {old.id}


async def test_a_check_that_returns_none_passes(world: World) -> None:
    """
    Sync and async functions are both called, with the successor.
    """
    old = await world.make()
    seen: list[str] = []
    rotation = await world.rotate(old, check=lambda successor: seen.append(successor.id), store=world.store)

    assert seen == world.stored == [rotation.successor.id]


async def test_a_store_that_fails_leaves_both(world: World) -> None:
    """
    It may have written, so the error has the successor with its value, and nothing is deleted.
    """

    def fail(successor: TokenCreateResponse) -> None:
        raise OSError

    old = await world.make()
    error = await refused(world, old, store=fail)

    assert error.stage == "store"
    assert error.successor is not None
    assert error.successor.value.reveal().startswith("cfat_")
    assert live(world.emulator).keys() == {old.id, error.successor.id}
    assert f"The successor is {error.successor.id}." in str(error)


async def test_a_cancelled_store_is_told_in_the_log_too(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A TaskGroup drops the exceptions of the tasks that it cancels, so a note alone would be lost.
    """

    async def stall(successor: TokenCreateResponse) -> None:
        stalled.set()
        await asyncio.Event().wait()

    async def fail() -> None:
        await stalled.wait()
        raise KeyError

    old = await world.make()
    stalled = asyncio.Event()
    with contextlib.suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            group.create_task(world.rotate(old, store=stall))
            group.create_task(fail())
    (new,) = live(world.emulator).keys() - {old.id}

    assert f"Both tokens work, and nothing was deleted. The successor is {new}." in caplog.text


async def test_an_error_of_a_callback_does_not_make_the_successor_unknown(world: World) -> None:
    """
    If check() loses a request of its own, the message still says what became of the successor.
    """

    async def check(successor: TokenCreateResponse) -> None:
        await world.client.accounts.tokens.create(name="another", policies=[])

    old = await world.make()
    Schedule(world.emulator, {5: Fault.drop_before()})
    error = await refused(world, old, check=check)

    assert error.stage == "check"
    assert error.attempt is not None
    assert error.attempt.name == "another"
    assert str(error).endswith("The token is unchanged, and there is no successor.")


async def test_a_lost_create_is_settled_and_used(world: World) -> None:
    """
    The name is random, so the token that was made is found, and its value replaced.
    """
    old = await world.make()
    Schedule(world.emulator, {2: Fault.drop_after()})
    rotation = await world.rotate(old)

    assert live(world.emulator).keys() == {old.id, rotation.successor.id}
    assert world.client.unsettled == ()
    verified = await world.client.with_options(api_token=rotation.successor.value).accounts.tokens.verify()
    assert verified.id == rotation.successor.id


async def test_a_lost_recovery_is_repeated(world: World) -> None:
    """
    A roll whose answer is lost is followed by another, whose value is the only valid one.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {2: Fault.drop_after(), 5: Fault.drop_after()})
    rotation = await world.rotate(old)

    assert schedule.operations[2:8] == ["list", "get", "roll"] * 2
    verified = await world.client.with_options(api_token=rotation.successor.value).accounts.tokens.verify()
    assert verified.id == rotation.successor.id


async def test_a_successor_that_cannot_be_deleted_is_on_the_error(world: World) -> None:
    """
    With its value, and the message says to delete it.
    """
    old = await world.make()
    Schedule(world.emulator, {5: Fault.status(403)})
    error = await refused(world, old, check=lambda successor: False)

    assert error.successor is not None
    assert live(world.emulator).keys() == {old.id, error.successor.id}
    assert str(error).endswith(f"Delete its successor {error.successor.id}.")


async def test_a_token_that_expired_but_is_called_active_is_refused() -> None:
    """
    Cloudflare may show an expiry late.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=60) as emulator, client_of(emulator, clock) as client:
        world = World(emulator, client)
        old = await world.make()
        await client.accounts.tokens.retire(old.id, after=timedelta(seconds=5))
        clock.now += 30
        error = await refused(world, old)

    assert error.stage == "read"
    assert "it has expired" in str(error)


async def test_a_users_token_is_rotated_and_retired_too(world: World) -> None:
    """
    The same for the user, with the user's credential.
    """
    client = world.client.with_options(api_token=world.emulator.user_api_token)
    policies = [p.allow("User Details Read", on=p.user(world.emulator.user_id))]
    old = await client.user.tokens.create(name="ci", policies=policies)
    rotation = await client.user.tokens.rotate(old.id, store=world.store, lifetime=DAY)
    async with client.user.tokens.temporary(policies=policies) as token:
        assert (await client.user.tokens.get(token.id)).status == "active"
    retired = await client.user.tokens.retire(rotation.successor.id)

    assert (rotation.predecessor.id, retired.status) == (old.id, "disabled")
    assert "/accounts" not in "".join(each.path for each in world.emulator.requests)


async def test_a_lost_create_with_a_given_name_is_not_settled(world: World) -> None:
    """
    A token of that name may be another process's, whose value a recovery would replace.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {2: Fault.drop_after()})
    error = await refused(world, old, name="fixed")

    assert schedule.operations == OPERATIONS[:2]
    assert (error.stage, error.outcome_unknown) == ("create", True)
    assert error.attempt is not None
    assert world.client.unsettled == (error.attempt,)
    assert str(error).endswith("Whether its successor was made is unknown.")


async def test_a_cancelled_create_with_a_given_name_deletes_nothing(world: World) -> None:
    """
    The cancellation has the attempt, and says that the outcome is unknown.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {2: HELD_AFTER})
    task = asyncio.ensure_future(world.rotate(old, name="fixed"))
    schedule.arrived = lambda count: task.cancel() if count == 2 else None
    _, error = await outcome(waited(task))

    assert schedule.operations == OPERATIONS[:2]
    assert error is not None
    assert error.__notes__[-1].endswith("Whether its successor was made is unknown.")
    assert len(world.client.unsettled) == 1


async def test_a_lost_copy_that_is_not_as_sent_is_not_used(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    If it cannot even be deleted, the error names it, and it is not taken for the successor.
    """
    old = await world.make()
    monkeypatch.setattr("cftokens._operations.editing.not_as_sent", lambda *_: ["condition"])
    Schedule(world.emulator, {2: Fault.drop_after(), 5: Fault.drop_before()}, lasting=True)
    error = await refused(world, old)
    (copy,) = live(world.emulator).keys() - {old.id}

    assert error.stage == "create"
    assert f"{copy} could not be deleted" in str(error)
    assert world.stored == []


async def test_the_name_does_not_grow(world: World) -> None:
    """
    Each rotation replaces the date and the random end, within 120 characters.
    """
    old = await world.client.accounts.tokens.create(name="n" * 120, policies=[account_policy(world.emulator)])
    names = [old.name]
    token: Token = old
    for _ in range(5):
        token = (await world.rotate(token)).successor
        names.append(token.name)

    assert [len(str(name)) for name in names] == [120] * 6
    assert len({*names}) == 6
    assert {str(name)[:100] for name in names} == {"n" * 100}


async def test_the_given_name_and_no_lifetime_are_taken(world: World) -> None:
    """
    A successor may live for ever, and be called what one likes. Without a wait, verify is not asked.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {})
    rotation = await world.rotate(old, name="mine", lifetime=None, wait=None)

    assert (rotation.successor.name, rotation.successor.expires_on) == ("mine", None)
    assert schedule.operations == ["get", "create", "get", "update"]


async def test_an_overlap_does_not_lengthen_a_life(world: World) -> None:
    """
    A token that ends before the overlap does is left as it is.
    """
    old = await world.make()
    old = await world.client.accounts.tokens.retire(old.id, after=timedelta(minutes=5))
    schedule = Schedule(world.emulator, {})
    rotation = await world.rotate(old)

    assert rotation.retires_on == rotation.predecessor.expires_on == old.expires_on
    assert schedule.operations == OPERATIONS[:-1]


async def test_without_an_overlap_the_old_token_is_disabled(world: World) -> None:
    """
    It stops working at once, and retires_on says so.
    """
    old = await world.make()
    rotation = await world.rotate(old, overlap=timedelta(0))

    assert rotation.predecessor.status == "disabled"
    assert rotation.retires_on - old.issued_on < timedelta(seconds=10)


@pytest.mark.parametrize("wrong", [{"store": None}, {"store": "s"}, {"check": 1}])
async def test_what_is_no_function_is_refused(world: World, wrong: dict[str, Any]) -> None:
    """
    A mistake in an argument is raised before anything is sent.
    """
    old = await world.make()
    schedule = Schedule(world.emulator, {})
    with pytest.raises(TypeError, match="must be a function, not"):
        await world.rotate(old, **wrong)

    assert schedule.operations == []


async def test_the_wait_takes_as_long_as_a_new_value_needs() -> None:
    """
    With values that need three seconds, a rotation succeeds within its wait and eight verify requests.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=3) as emulator, client_of(emulator, clock) as client:
        world = World(emulator, client)
        old = await world.make()
        clock.now += 3
        start = clock.now
        schedule = Schedule(emulator, {})
        rotation = await world.rotate(old)

    assert clock.now - start < 15
    assert schedule.operations.count("verify") <= 8
    assert world.stored == [rotation.successor.id]


async def test_a_wait_that_is_too_short_deletes_the_successor() -> None:
    """
    The error says that it did not become active, and the old token is untouched.
    """
    clock = Clock()
    async with Emulator(clock=clock, propagation=30) as emulator, client_of(emulator, clock) as client:
        world = World(emulator, client)
        old = await world.make()
        clock.now += 30
        error = await refused(world, old, wait=2.0)

    assert error.stage == "wait"
    assert "did not become active within 2 s" in str(error)
    assert live(emulator).keys() == {old.id}
