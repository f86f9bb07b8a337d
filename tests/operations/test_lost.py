"""
Lost creates in rare cases: each is told, and nothing that a caller has is ever rolled.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from cftokens import (
    CFTokensError,
    Client,
    ClosedError,
    CreateAttempt,
    NoResponseError,
    Retry,
    TokenCreateResponse,
    TokenValue,
    UnexpectedResponseError,
)
from cftokens._operations.changes import Ledger
from cftokens.emulator import Emulator, Fault
from cftokens.errors import attempt_of
from tests.answers import ATTEMPT
from tests.servers import Exchange, RawServer, drop, hang, reply
from tests.support import CALLS, Clock, RunningClock, client_of, failure_of
from tests.vocabulary import (
    MINTED,
    POLICY,
    TOKEN,
    TOKEN_ID,
    entry,
    failure,
    success,
)

COPY_ID = "1" * 32
RESTRICTED = {**TOKEN, "condition": {"request_ip": {"in": ["192.0.2.0/24"]}}}
WIDER = {**TOKEN, "id": COPY_ID, "name": "copy", "value": MINTED}


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    """
    A client that waits no real time.
    """
    async with client_of(emulator, RunningClock()) as client:
        yield client


async def lose(client: Client, emulator: Emulator, **fields: Any) -> CreateAttempt:
    """
    Create a token, lose the answer, and return the attempt.
    """
    emulator.inject(Fault.drop_after(), operation="create")
    error = await failure_of(client.accounts.tokens.create(**{"name": "bot", "policies": [], **fields}))
    assert error.attempt is not None
    return error.attempt


async def works(client: Client, created: TokenCreateResponse) -> bool:
    """
    Return whether a value is accepted.
    """
    view = client.with_options(api_token=created.value)
    return (await view.accounts.tokens.verify()).id == created.id


class TestNothingLiveIsRolled:
    async def test_the_value_of_a_clone_is_left_alone(self, client: Client, emulator: Emulator) -> None:
        """
        A clone of the same name and access as a lost create is not taken for it.
        """
        original = await client.accounts.tokens.create(name="original", policies=[])
        emulator.inject(Fault.drop_before(), operation="create")
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))
        cloned = await client.accounts.tokens.clone(original.id, name="bot")

        assert error.attempt is not None
        assert await client.accounts.tokens.recover(error.attempt) is None
        assert await works(client, cloned)

    async def test_a_value_that_came_by_a_roll_is_left_alone(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        A token of another client that this one rolled is not taken for a lost create.
        """
        emulator.inject(Fault.drop_before(), operation="create")
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))
        async with emulator.client() as another:
            created = await another.accounts.tokens.create(name="bot", policies=[])
        value = await client.accounts.tokens.value.update(created.id)

        assert error.attempt is not None
        assert await client.accounts.tokens.recover(error.attempt) is None
        assert await works(client, attrs.evolve(created, value=value))

    async def test_a_roll_in_flight_is_left_alone(self, client: Client, emulator: Emulator) -> None:
        """
        A token whose new value is on its way to this client is not taken for a lost create.
        """
        emulator.inject(Fault.drop_before(), operation="create")
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))
        async with emulator.client() as another:
            created = await another.accounts.tokens.create(name="bot", policies=[])
        emulator.inject(Fault.delay(0.3), operation="roll")
        rolling = asyncio.ensure_future(client.accounts.tokens.value.update(created.id))
        while emulator.requests[-1].operation != "roll":  # noqa: ASYNC110 -- the emulator has no event
            await asyncio.sleep(0)
        assert error.attempt is not None
        recovered = await client.accounts.tokens.recover(error.attempt)

        assert recovered is None
        assert await works(client, attrs.evolve(created, value=await rolling))

    async def test_a_token_that_is_rolled_while_it_is_settled_is_left_alone(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        If a caller's roll comes before that of recover(), the caller's value is the one that works.
        """
        attempt = await lose(client, emulator)
        (found,) = await client.accounts.tokens.list(name="bot").collect()
        emulator.inject(Fault.delay(0.2), operation="list")
        settling = asyncio.ensure_future(client.accounts.tokens.recover(attempt))
        listed = len(emulator.requests)
        while len(emulator.requests) <= listed:  # noqa: ASYNC110 -- the emulator has no event
            await asyncio.sleep(0)
        emulator.inject(Fault.delay(0.5), operation="roll")
        value = await client.accounts.tokens.value.update(found.id)

        assert await settling is None
        view = client.with_options(api_token=value)
        assert (await view.accounts.tokens.verify()).id == found.id

    async def test_a_roll_waits_for_a_settling_that_came_first(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        While recover() waits to send its roll again, a caller's roll of the same token waits as well.
        """
        attempt = await lose(client, emulator)
        (found,) = await client.accounts.tokens.list(name="bot").collect()
        emulator.inject(Fault.delay(0.2), operation="roll")
        settling = asyncio.ensure_future(client.accounts.tokens.recover(attempt))
        while emulator.requests[-1].operation != "roll":  # noqa: ASYNC110 -- the emulator has no event
            await asyncio.sleep(0)
        value = await client.accounts.tokens.value.update(found.id)

        assert settling.done()
        view = client.with_options(api_token=value)
        assert (await view.accounts.tokens.verify()).id == found.id

    async def test_a_value_that_arrives_while_settling_waits_is_left_alone(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        If another roll of the token gets its turn first, and succeeds, recover() does not roll it.
        """
        attempt = await lose(client, emulator)
        (found,) = await client.accounts.tokens.list(name="bot").collect()
        ledger = client._owners.ledger
        async with ledger.rolls_of(found.id):
            settling = asyncio.ensure_future(client.accounts.tokens.recover(attempt))
            lock = ledger.rolls_of(found.id)
            while not lock._waiters:  # noqa: ASYNC110 -- a lock has no event for those that wait
                await asyncio.sleep(0)
            ledger.note(found.id)

        assert await settling is None
        assert "roll" not in [request.operation for request in emulator.requests]

    async def test_a_failed_roll_forgets_no_value_of_another(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        Of two rolls at once, one that is refused does not make the other's value look lost.
        """
        attempt = await lose(client, emulator)
        (found,) = await client.accounts.tokens.list(name="bot").collect()
        emulator.inject(Fault.status(403), operation="roll")
        refused, value = await asyncio.gather(
            client.accounts.tokens.value.update(found.id),
            client.accounts.tokens.value.update(found.id),
            return_exceptions=True,
        )

        assert isinstance(refused, CFTokensError)
        assert await client.accounts.tokens.recover(attempt) is None
        assert isinstance(value, TokenValue)
        view = client.with_options(api_token=value)
        assert (await view.accounts.tokens.verify()).id == found.id

    async def test_a_refused_roll_makes_no_token_known(self, client: Client, emulator: Emulator) -> None:
        """
        A roll that had no effect does not keep a lost create from being found.
        """
        attempt = await lose(client, emulator)
        (found,) = await client.accounts.tokens.list(name="bot").collect()
        emulator.inject(Fault.status(403), operation="roll")
        await failure_of(client.accounts.tokens.value.update(found.id))
        recovered = await client.accounts.tokens.recover(attempt)

        assert recovered is not None
        assert recovered.id == found.id

    async def test_a_create_in_flight_is_left_alone(self, client: Client, emulator: Emulator) -> None:
        """
        While a create of the same name is at the server, settling waits until its value has arrived.
        """
        emulator.inject(Fault.drop_before(), operation="create")
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))
        emulator.inject(Fault.delay(0.3), operation="create")
        creating = asyncio.ensure_future(client.accounts.tokens.create(name="bot", policies=[]))
        while not [each async for each in client.accounts.tokens.list(name="bot")]:  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0)
        assert error.attempt is not None
        recovered = await client.accounts.tokens.recover(error.attempt)

        assert recovered is None
        assert await works(client, await creating)

    async def test_settling_twice_at_once_gives_one_value(self, client: Client, emulator: Emulator) -> None:
        """
        Concurrent calls for one attempt return the same token, and its value works.
        """
        attempt = await lose(client, emulator)
        first, second = await asyncio.gather(
            client.accounts.tokens.recover(attempt), client.accounts.tokens.recover(attempt)
        )

        assert first is not None
        assert first is second
        assert await works(client, first)
        assert [request.operation for request in emulator.requests].count("roll") == 1

    async def test_two_attempts_do_not_share_a_token(self, client: Client, emulator: Emulator) -> None:
        """
        Of two lost creates of one name, of which only one made a token, only one is settled.
        """
        attempt = await lose(client, emulator)
        emulator.inject(Fault.drop_before(), operation="create")
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))
        assert error.attempt is not None
        settled = await asyncio.gather(
            client.accounts.tokens.recover(attempt), client.accounts.tokens.recover(error.attempt)
        )

        (recovered,) = [each for each in settled if each is not None]
        assert await works(client, recovered)

    async def test_a_call_that_gives_up_leaves_the_settling_to_others(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        If the first of two concurrent calls is cancelled, the other one settles the attempt.
        """
        attempt = await lose(client, emulator)
        first = asyncio.ensure_future(client.accounts.tokens.recover(attempt))
        second = asyncio.ensure_future(client.accounts.tokens.recover(attempt))
        await asyncio.sleep(0)
        first.cancel()
        recovered = await second

        assert first.cancelled()
        assert recovered is not None
        assert await works(client, recovered)

    async def test_a_token_that_is_listed_twice_is_one_token(self) -> None:
        """
        A list that shifts between two pages causes no ambiguity.
        """
        lost = {**TOKEN, "issued_on": "2999-01-01T00:00:00Z"}
        pages = reply(200, success([lost, lost], result_info={"total_count": 2}))
        async with (
            RawServer(drop, pages, reply(200, success(MINTED))) as server,
            client_of(server.base_url) as client,
        ):
            error = await failure_of(CALLS["create"](client))
            assert error.attempt is not None
            recovered = await client.accounts.tokens.recover(error.attempt)

        assert recovered is not None
        assert recovered.id == TOKEN_ID


class TestClocks:
    @pytest.mark.parametrize("hours", [-1, 1])
    async def test_a_wall_clock_that_jumps_does_not_matter(
        self, hours: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """
        The lost token is found, and an older one is not taken, even if our wall clock was set meanwhile.
        """
        now = 1_800_000_000.0
        async with Emulator(clock=lambda: now) as emulator, client_of(emulator) as client:
            async with emulator.client() as another:
                old = await another.accounts.tokens.create(name="bot", policies=[])
            now += 5
            await client.accounts.tokens.verify()
            with monkeypatch.context() as patch:
                shifted = SimpleNamespace(time=lambda: time.time() + hours * 3600)
                patch.setattr("cftokens._transport.sending.time", shifted)
                attempt = await lose(client, emulator)
            recovered = await client.accounts.tokens.recover(attempt)

        assert recovered is not None
        assert recovered.id != old.id

    async def test_a_slow_list_does_not_widen_the_window(self) -> None:
        """
        A stranger's token that is two seconds older is not taken, though the list took three.
        """
        clock, start = Clock(), 1_800_000_000
        stranger = {**TOKEN, "issued_on": "2027-01-15T07:59:58Z"}

        async def slowly(exchange: Exchange) -> None:
            clock.now += 3
            await reply(200, success([stranger]), Date=_date(start))(exchange)

        quick = reply(200, success([stranger]), Date=_date(start + 3))
        async with RawServer(drop, slowly, quick) as server, client_of(server.base_url, clock) as client:
            error = await failure_of(CALLS["create"](client))
            assert error.attempt is not None
            recovered = await client.accounts.tokens.recover(error.attempt)

        assert recovered is None
        assert len(server.requests) == 3

    async def test_an_attempt_of_another_process_is_settled_by_its_wall_clock(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        A stored attempt is found by a new client, and its start is compared with the server's time.
        """
        attempt = await lose(client, emulator)
        later = attrs.evolve(attempt, started_on=attempt.started_on + timedelta(seconds=3))
        async with client_of(emulator, RunningClock()) as another:
            missed = await another.accounts.tokens.recover(later)
            recovered = await another.accounts.tokens.recover(attempt)

        assert missed is None
        assert recovered is not None

    async def test_a_server_without_dates_is_taken_to_have_our_time(self) -> None:
        """
        The wall clock then decides, for attempts of this client and of others.
        """
        now = datetime.now(UTC)
        mine = {**TOKEN, "issued_on": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        answers = [drop, reply(200, success([mine])), reply(200, success(MINTED)), reply(200, success([]))]
        async with RawServer(*answers) as server, client_of(server.base_url) as client:
            error = await failure_of(CALLS["create"](client))
            assert error.attempt is not None
            recovered = await client.accounts.tokens.recover(error.attempt)
            nothing = await client.accounts.tokens.recover(attrs.evolve(error.attempt, name="other"))

        assert recovered is not None
        assert nothing is None


def _date(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


class TestUnsettled:
    async def test_a_task_group_loses_none(self, client: Client, emulator: Emulator) -> None:
        """
        The creates that a TaskGroup cancels are in no exception, but in client.unsettled.
        """
        emulator.inject(Fault.delay(60.0), operation="create", times=9)
        emulator.inject(Fault.status(400), operation="create")

        async def create(number: int) -> None:
            await client.accounts.tokens.create(name=f"bot {number}", policies=[])

        async def create_all() -> None:
            async with asyncio.TaskGroup() as group:
                for number in range(1, 10):
                    group.create_task(create(number))
                while len(emulator.requests) < 9:  # noqa: ASYNC110 -- the emulator has no event
                    await asyncio.sleep(0)
                group.create_task(create(0))

        with pytest.raises(ExceptionGroup):
            await create_all()

        assert sorted(attempt.name for attempt in client.unsettled) == [f"bot {n}" for n in range(1, 10)]
        for attempt in client.unsettled:
            assert await client.accounts.tokens.recover(attempt) is not None
        assert client.unsettled == ()

    async def test_views_share_what_is_unsettled(self, client: Client, emulator: Emulator) -> None:
        """
        What a view lost is known to its client, oldest first, until it is settled.
        """
        first = await lose(client.with_options(timeout=5.0), emulator, name="first")
        second = await lose(client, emulator, name="second")
        known = client.unsettled
        await client.accounts.tokens.recover(first)

        assert known == (first, second)
        assert client.unsettled == (second,)

    async def test_a_create_that_was_never_made_stays_unsettled(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        None is not final, so the attempt is still in the list.
        """
        emulator.inject(Fault.drop_before(), operation="create")
        error = await failure_of(client.accounts.tokens.create(name="bot", policies=[]))
        assert error.attempt is not None
        await client.accounts.tokens.recover(error.attempt)

        assert client.unsettled == (error.attempt,)

    async def test_the_oldest_are_forgotten_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        There is a limit to how many are remembered.
        """
        monkeypatch.setattr("cftokens._operations.changes._MOST_LOST", 3)
        async with RawServer(drop) as server, client_of(server.base_url) as client:
            for number in range(5):
                await failure_of(client.accounts.tokens.create(name=f"{number}", policies=[POLICY]))

        assert [attempt.name for attempt in client.unsettled] == ["2", "3", "4"]

    @pytest.mark.parametrize("levels", [1, 2])
    def test_an_attempt_is_found_in_groups(self, levels: int) -> None:
        """
        The exceptions of a group, their causes and nested groups are searched.
        """
        attempt = CreateAttempt(name="x", policies=(), account_id=None, started_on=datetime.now(UTC))
        lost = CFTokensError("lost")
        lost.attempt = attempt
        outer = ValueError("outer")
        outer.__cause__ = lost
        group: BaseException = outer
        for _ in range(levels):
            inner: list[BaseException] = [KeyboardInterrupt(), group]
            group = BaseExceptionGroup("some", inner)

        assert attempt_of(group) is attempt

    def test_a_circle_of_causes_ends(self) -> None:
        """
        Two exceptions that are each other's context have no attempt.
        """
        first, second = ValueError("1"), ValueError("2")
        first.__context__, second.__context__ = second, first

        assert attempt_of(first) is None


class TestClone:
    @pytest.mark.parametrize("made_id", [COPY_ID, "verify"], ids=["id", "odd id"])
    async def test_a_wider_copy_that_cannot_be_deleted_is_told(
        self, made_id: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        If its deletion is refused, or its id is odd, an error and a warning name the copy.
        """
        answers = [
            reply(200, success(RESTRICTED)),
            reply(200, success({**WIDER, "id": made_id})),
            reply(403, failure()),
        ]
        async with RawServer(*answers) as server, client_of(server.base_url) as client:
            error = await failure_of(client.accounts.tokens.clone(TOKEN_ID, name="copy"))

        assert isinstance(error, UnexpectedResponseError)
        assert error.outcome_unknown
        assert f"{made_id} could not be deleted: delete it" in str(error)
        assert f"{made_id} could not be deleted: delete it" in caplog.text

    async def test_a_wider_copy_whose_deletion_is_cut_off_is_told(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        """
        A time-out around the call has a note with the copy's id, and the log a warning.
        """
        answers = [reply(200, success(RESTRICTED)), reply(200, success(WIDER)), hang]
        async with RawServer(*answers) as server, client_of(server.base_url) as client:
            call = asyncio.ensure_future(client.accounts.tokens.clone(TOKEN_ID, name="copy"))
            while len(server.requests) < 3:  # noqa: ASYNC110 -- its event is set by the first request
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await call

        assert any(COPY_ID in note for note in caught.value.__notes__)
        assert f"{COPY_ID} could not be deleted" in caplog.text

    async def test_a_lost_clone_is_compared_when_it_is_settled(self) -> None:
        """
        A copy without a restriction that only Cloudflare knows is deleted, and never rolled.
        """
        original = {**TOKEN, "condition": {"mtls": {"required": True}}}
        lost = {**TOKEN, "id": COPY_ID, "name": "copy", "issued_on": "2999-01-01T00:00:00Z"}
        answers = [
            reply(200, success(original)),
            drop,
            reply(200, success([lost])),
            reply(200, success(lost)),
            reply(200, success({"id": COPY_ID})),
        ]
        async with RawServer(*answers) as server, client_of(server.base_url) as client:
            error = await failure_of(client.accounts.tokens.clone(TOKEN_ID, name="copy"))
            assert error.attempt is not None
            wrong = await failure_of(client.accounts.tokens.recover(error.attempt))

        assert isinstance(wrong, UnexpectedResponseError)
        assert "differs from what was asked for in condition, so it was deleted" in str(wrong)
        assert [request.method for request in server.requests][-1] == "DELETE"
        assert client.unsettled == ()

    async def test_a_lost_clone_that_is_like_its_original_is_settled(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        It is compared with the original, rolled and returned.
        """
        original = await client.accounts.tokens.create(name="original", policies=[])
        emulator.inject(Fault.drop_after(), operation="create")
        error = await failure_of(client.accounts.tokens.clone(original.id, name="copy"))
        assert error.attempt is not None
        recovered = await client.accounts.tokens.recover(error.attempt)

        assert recovered is not None
        assert recovered.name == "copy"
        assert await works(client, recovered)


class TestInterrupted:
    async def test_a_wait_after_a_429_has_no_effect_to_tell(self, caplog: pytest.LogCaptureFixture) -> None:
        """
        A create that is cancelled while it waits to be sent again had no effect, and nothing says so.
        """
        waiting = asyncio.Event()

        class Waits(Clock):
            async def sleep(self, seconds: float) -> None:
                waiting.set()
                await asyncio.Event().wait()

        limited = reply(429, failure(entry(971)), Retry_After="7")
        async with RawServer(limited) as server, client_of(server.base_url, Waits()) as client:
            call = asyncio.ensure_future(CALLS["create"](client))
            await waiting.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await call

        assert attempt_of(caught.value) is None
        assert not hasattr(caught.value, "__notes__")
        assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert client.unsettled == ()

    @pytest.mark.parametrize("operation", ["update", "delete"])
    async def test_closing_while_a_change_is_at_the_server_leaves_it_unknown(self, operation: str) -> None:
        """
        An update or delete that close() cuts off may have taken effect.
        """
        async with RawServer(hang) as server:
            client = client_of(server.base_url)
            call = asyncio.ensure_future(failure_of(CALLS[operation](client)))
            await server.arrived.wait()
            await client.close()
            error = await call

        assert error.outcome_unknown

    async def test_closing_between_two_tries_leaves_the_first_unknown(self) -> None:
        """
        An update whose answer was lost, and that is not tried again, may have taken effect.
        """
        clients: list[Client] = []

        class Closes(Clock):
            async def sleep(self, seconds: float) -> None:
                await clients[0].close()

        async with RawServer(drop) as server:
            clients.append(client_of(server.base_url, Closes(), retry=Retry()))
            error = await failure_of(CALLS["update"](clients[0]))

        assert isinstance(error, ClosedError)
        assert error.outcome_unknown
        assert len(server.requests) == 1

    async def test_a_lost_recovery_leaves_the_attempt_unsettled(
        self, client: Client, emulator: Emulator
    ) -> None:
        """
        If the answer to the roll is lost, the attempt is in the list until it is settled.
        """
        attempt = await lose(client, emulator)
        emulator.inject(Fault.drop_after(), operation="roll")
        with pytest.raises(NoResponseError) as caught:
            await client.accounts.tokens.recover(attempt)

        assert caught.value.attempt == attempt
        assert client.unsettled == (attempt,)


async def test_a_forked_process_forgets_what_its_parent_had_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    It waits neither for a roll nor for a settling of its parent's, which will never end there.
    """
    ledger = Ledger()
    rolls = ledger.rolls_of(TOKEN_ID)
    await rolls.acquire()
    with ledger.settling(ATTEMPT) as of_the_parent:
        monkeypatch.setattr("cftokens._operations.changes.os.getpid", lambda: -1)
        with ledger.settling(ATTEMPT) as of_the_child:
            assert of_the_child is not of_the_parent
        assert not ledger.rolls_of(TOKEN_ID).locked()
    assert rolls.locked()
