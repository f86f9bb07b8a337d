"""
After a create with an unknown outcome, recover() leads to exactly one live token, or none.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest

from cftokens import (
    AmbiguousOutcomeError,
    CFTokensError,
    Client,
    CreateAttempt,
    NoResponseError,
    PermissionGroup,
    Retry,
    TokenCreateResponse,
    TokenPolicy,
)
from cftokens.emulator import Emulator, Fault
from cftokens.errors import attempt_of
from tests.support import Clock, RunningClock, client_of, interrupted_once
from tests.vocabulary import DNS_READ, ZONE_READ


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    """
    A client that waits no real time.
    """
    async with client_of(emulator, RunningClock()) as client:
        yield client


def policy(emulator: Emulator, group: str = ZONE_READ) -> TokenPolicy:
    """
    Allow one group on all zones of the account.
    """
    account = f"com.cloudflare.api.account.{emulator.account_id}"
    return TokenPolicy(
        effect="allow",
        permission_groups=[PermissionGroup(id=group)],
        resources={account: {"com.cloudflare.api.account.zone.*": "*"}},
    )


async def lose(client: Client, emulator: Emulator, fault: Fault | None = None) -> CreateAttempt:
    """
    Create a token and lose the answer.
    """
    emulator.inject(fault or Fault.drop_after(), operation="create")
    with pytest.raises(CFTokensError) as caught:
        await client.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    assert caught.value.outcome_unknown
    assert caught.value.attempt is not None
    return caught.value.attempt


async def live_tokens(client: Client) -> list[str]:
    """
    Return the ids of all tokens named "bot".
    """
    return [token.id async for token in client.accounts.tokens.list(name="bot")]


@pytest.mark.parametrize(
    "fault",
    [
        Fault.drop_after,
        Fault.truncate,
        lambda: Fault.status(502, after=True),
        lambda: Fault.html(504, after=True),
        lambda: Fault.html(200, after=True),
        Fault.success_false,
    ],
    ids=["dropped", "cut short", "502", "504 from a proxy", "HTML", "success: false"],
)
async def test_a_lost_token_is_found_and_its_value_replaced(
    client: Client, emulator: Emulator, fault: Callable[[], Fault]
) -> None:
    """
    However the answer was lost, there is exactly one token in the end, and its new value works.
    """
    attempt = await lose(client, emulator, fault())
    recovered = await client.accounts.tokens.recover(attempt)

    assert isinstance(recovered, TokenCreateResponse)
    assert await live_tokens(client) == [recovered.id]
    verified = await client.with_options(api_token=recovered.value).accounts.tokens.verify()
    assert verified.id == recovered.id


async def test_the_log_ends_with_the_outcome(
    client: Client, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """
    After the warning of an unknown outcome, a line names the token that was made.
    """
    attempt = await lose(client, emulator)
    recovered = await client.accounts.tokens.recover(attempt)

    assert recovered is not None
    told = [each.getMessage() for each in caplog.records if each.name == "cftokens" and each.levelno > 10]
    assert told[-1] == f"The create of 'bot' is settled: it made the token {recovered.id}."


async def test_a_timeout_around_a_create_can_be_settled(client: Client, emulator: Emulator) -> None:
    """
    The attempt on the TimeoutError leads to the only token.
    """

    async def arrived() -> None:
        while not emulator.requests:  # noqa: ASYNC110 -- the emulator has no event
            await asyncio.sleep(0)

    emulator.inject(Fault.delay(60.0), operation="create")
    create = client.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    with pytest.raises(TimeoutError) as caught:
        await interrupted_once(arrived(), create)
    attempt = attempt_of(caught.value)
    assert attempt is not None
    recovered = await client.accounts.tokens.recover(attempt)

    assert recovered is not None
    assert await live_tokens(client) == [recovered.id]


async def test_a_create_that_never_arrived_has_no_token(client: Client, emulator: Emulator) -> None:
    """
    recover() returns None and rolls nothing.
    """
    attempt = await lose(client, emulator, Fault.drop_before())

    assert await client.accounts.tokens.recover(attempt) is None
    assert "roll" not in [request.operation for request in emulator.requests]


async def test_an_older_token_is_left_alone(client: Client, emulator: Emulator) -> None:
    """
    The same name and access do not count if the token is older than the attempt.
    """
    async with emulator.client() as another:
        await another.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    attempt = await lose(client, emulator, Fault.drop_before())
    later = attrs.evolve(attempt, started_on=attempt.started_on + timedelta(seconds=2))

    assert await client.accounts.tokens.recover(later) is None


async def test_a_token_whose_value_arrived_is_left_alone(client: Client, emulator: Emulator) -> None:
    """
    A token whose value this client received, just before or after the attempt, is not the lost one.
    """
    await client.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    attempt = await lose(client, emulator, Fault.drop_before())
    await client.accounts.tokens.create(name="bot", policies=[policy(emulator)])

    assert await client.accounts.tokens.recover(attempt) is None


async def test_an_attempt_begins_when_it_is_sent(emulator: Emulator) -> None:
    """
    Its started_on is the time of the last try, not that of the call.
    """
    emulator.inject(Fault.rate_limited(retry_after=4), operation="create")
    emulator.inject(Fault.drop_before(), operation="create")
    before = datetime.now(UTC)

    class BusyClock(Clock):
        async def sleep(self, seconds: float) -> None:
            nonlocal before
            await another.accounts.tokens.verify()
            self.now += seconds
            before = datetime.now(UTC)

    async with client_of(emulator, BusyClock()) as client, emulator.client() as another:
        with pytest.raises(NoResponseError) as caught:
            await client.accounts.tokens.create(name="bot", policies=[policy(emulator)])

    assert caught.value.attempt is not None
    assert caught.value.attempt.started_on >= before


async def test_a_less_restricted_token_is_not_the_lost_one(client: Client, emulator: Emulator) -> None:
    """
    A token without the requested condition and expiry is not recovered.
    """
    emulator.inject(Fault.drop_before(), operation="create")
    with pytest.raises(NoResponseError) as caught:
        await client.accounts.tokens.create(
            name="bot",
            policies=[policy(emulator)],
            condition={"request_ip": {"in": ["192.0.2.0/24"]}},
            expires_on=datetime.now(UTC) + timedelta(hours=1),
        )
    async with emulator.client() as another:
        await another.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    assert caught.value.attempt is not None

    assert await client.accounts.tokens.recover(caught.value.attempt) is None


async def test_a_restricted_token_is_found(client: Client, emulator: Emulator) -> None:
    """
    A token with the requested condition and dates is recovered.
    """
    emulator.inject(Fault.drop_after(), operation="create")
    with pytest.raises(NoResponseError) as caught:
        await client.accounts.tokens.create(
            name="bot",
            policies=[policy(emulator)],
            condition={"request_ip": {"in": ["192.0.2.0/24", "::1"]}},
            not_before=datetime.now(UTC),
            expires_on=datetime.now(UTC) + timedelta(hours=1),
        )
    assert caught.value.attempt is not None

    assert await client.accounts.tokens.recover(caught.value.attempt) is not None


async def test_a_token_with_other_access_is_not_the_lost_one(client: Client, emulator: Emulator) -> None:
    """
    The same name is not enough.
    """
    attempt = await lose(client, emulator, Fault.drop_before())
    async with emulator.client() as another:
        await another.accounts.tokens.create(name="bot", policies=[policy(emulator, DNS_READ)])

    assert await client.accounts.tokens.recover(attempt) is None


async def test_a_token_that_was_used_is_not_the_lost_one(client: Client, emulator: Emulator) -> None:
    """
    Its value must be known, so it is not lost.
    """
    attempt = await lose(client, emulator, Fault.drop_before())
    async with emulator.client() as another:
        known = await another.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    await client.with_options(api_token=known.value).accounts.tokens.verify()

    assert await client.accounts.tokens.recover(attempt) is None


async def test_two_candidates_are_too_many(client: Client, emulator: Emulator) -> None:
    """
    If two tokens could be the lost one, the error has and lists both, and neither is rolled.
    """
    attempt = await lose(client, emulator)
    async with emulator.client() as another:
        other = await another.accounts.tokens.create(name="bot", policies=[policy(emulator)])
    with pytest.raises(AmbiguousOutcomeError) as caught:
        await client.accounts.tokens.recover(attempt)

    ids = {token.id for token in caught.value.candidates}
    assert len(ids) == 2
    assert other.id in ids
    assert all(f"\n- {token_id}, 'bot', issued " in str(caught.value) for token_id in ids)
    assert "roll" not in [request.operation for request in emulator.requests]


async def test_a_lost_recovery_can_be_recovered(client: Client, emulator: Emulator) -> None:
    """
    If the answer to the roll is lost as well, its error has the same attempt.
    """
    attempt = await lose(client, emulator)
    emulator.inject(Fault.drop_after(), operation="roll")
    with pytest.raises(NoResponseError) as caught:
        await client.accounts.tokens.recover(attempt)
    assert caught.value.attempt is not None
    recovered = await client.accounts.tokens.recover(caught.value.attempt)

    assert caught.value.attempt == attempt
    assert recovered is not None
    assert await live_tokens(client) == [recovered.id]


@pytest.mark.parametrize("hours", [-3, 3])
async def test_the_servers_clock_decides(hours: int) -> None:
    """
    A client whose clock is hours off finds its own token and no older one.
    """
    server_now = datetime.now(UTC) + timedelta(hours=hours)
    async with Emulator(clock=lambda: server_now.timestamp()) as emulator:  # noqa: PLW0108 -- it changes
        async with client_of(emulator) as client:
            await client.accounts.tokens.create(name="bot", policies=[policy(emulator)])
            server_now += timedelta(seconds=5)
            attempt = await lose(client, emulator)
            recovered = await client.accounts.tokens.recover(attempt)

    assert recovered is not None
    assert recovered.issued_on == server_now.replace(microsecond=0)


async def test_user_tokens_can_be_settled(emulator: Emulator) -> None:
    """
    A lost user token is recovered with a value of a user token.
    """
    emulator.inject(Fault.drop_after(), operation="create")
    async with emulator.client(api_token=emulator.user_api_token, retry=Retry()) as client:
        with pytest.raises(NoResponseError) as caught:
            await client.user.tokens.create(name="bot", policies=[policy(emulator)])
        assert caught.value.attempt is not None
        recovered = await client.user.tokens.recover(caught.value.attempt)

    assert recovered is not None
    assert recovered.value.kind == "user"


async def test_an_attempt_is_settled_where_it_was_made(client: Client) -> None:
    """
    An attempt at an account token is refused for user tokens, and the other way round.
    """
    attempt = CreateAttempt(name="x", policies=(), account_id=client.account_id, started_on=datetime.now(UTC))
    with pytest.raises(ValueError, match="for an account-owned token"):
        await client.user.tokens.recover(attempt)
    with pytest.raises(ValueError, match="for a user token"):
        await client.accounts.tokens.recover(attrs.evolve(attempt, account_id=None))


async def test_the_documented_recipe_ends_with_one_token(client: Client, emulator: Emulator) -> None:
    """
    Creating again whenever recover() finds nothing leads to exactly one token.
    """

    async def create_for_certain(**settings: Any) -> TokenCreateResponse:
        while True:
            try:
                return await client.accounts.tokens.create(**settings)
            except CFTokensError as error:
                if error.attempt is None:
                    raise
                recovered = await client.accounts.tokens.recover(error.attempt)
                if recovered is not None:
                    return recovered

    emulator.inject(Fault.drop_before(), operation="create")
    emulator.inject(Fault.drop_after(), operation="create")
    created = await create_for_certain(name="bot", policies=[policy(emulator)])

    assert await live_tokens(client) == [created.id]
