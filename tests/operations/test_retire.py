"""
The end of a token, in a way that can be taken back.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from cftokens import Client, NotFoundError, Token
from cftokens.emulator import Emulator
from tests.lives import account_policy
from tests.support import Clock, client_of, failure_of
from tests.vocabulary import TOKEN_ID

HOUR = timedelta(hours=1)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    """
    An emulator on a test clock.
    """
    async with Emulator(clock=Clock()) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[Client]:
    """
    A client that keeps no pace.
    """
    async with client_of(emulator) as client:
        yield client


async def make(client: Client, emulator: Emulator, expires_on: datetime | None = None) -> Token:
    """
    Make a token.
    """
    return await client.accounts.tokens.create(
        name="bot", policies=[account_policy(emulator)], expires_on=expires_on
    )


def now(emulator: Emulator) -> datetime:
    """
    Return the time by the emulator's clock.
    """
    return emulator._operations._now()


def writes(emulator: Emulator) -> int:
    """
    Return how many updates were requested.
    """
    return [each.operation for each in emulator.requests].count("update")


async def test_at_once_a_token_is_disabled(client: Client, emulator: Emulator) -> None:
    """
    It can be enabled again, and a repeated call sends no write.
    """
    token = await make(client, emulator)
    retired = await client.accounts.tokens.retire(token.id)
    again = await client.accounts.tokens.retire(token.id)

    assert (retired.status, again.status, retired.expires_on) == ("disabled", "disabled", None)
    assert writes(emulator) == 1
    assert (await client.accounts.tokens.edit(token.id, status="active")).status == "active"


@pytest.mark.parametrize("days", [None, 10], ids=["never", "later"])
async def test_after_a_while_a_token_expires(client: Client, emulator: Emulator, days: int | None) -> None:
    """
    By the server's clock, and earlier than it would have.
    """
    token = await make(client, emulator, None if days is None else now(emulator) + timedelta(days=days))
    retired = await client.accounts.tokens.retire(token.id, after=HOUR)

    assert retired.expires_on is not None
    assert abs(retired.expires_on - (now(emulator) + HOUR)) <= timedelta(seconds=1)
    assert retired.status == "active"


async def test_a_life_is_never_lengthened(client: Client, emulator: Emulator) -> None:
    """
    A token that would expire earlier is left alone, without a write.
    """
    end = now(emulator) + timedelta(minutes=5)
    token = await make(client, emulator, end)
    retired = await client.accounts.tokens.retire(token.id, after=HOUR)

    assert retired.expires_on == end
    assert writes(emulator) == 0


async def test_a_later_call_does_not_lengthen_the_first(client: Client, emulator: Emulator) -> None:
    """
    Repeating it, even with a longer time, changes nothing.
    """
    token = await make(client, emulator)
    first = await client.accounts.tokens.retire(token.id, after=HOUR)
    second = await client.accounts.tokens.retire(token.id, after=2 * HOUR)

    assert second.expires_on == first.expires_on
    assert writes(emulator) == 1


async def test_a_token_that_expired_stays_so(client: Client, emulator: Emulator) -> None:
    """
    Giving it an hour does not bring it back.
    """
    token = await make(client, emulator, datetime(2026, 1, 2, tzinfo=UTC))
    retired = await client.accounts.tokens.retire(token.id, after=HOUR)

    assert retired.status == "expired"
    assert writes(emulator) == 0


async def test_a_token_that_does_not_exist_cannot_be_retired(client: Client) -> None:
    """
    It is a NotFoundError.
    """
    assert isinstance(await failure_of(client.accounts.tokens.retire(TOKEN_ID)), NotFoundError)


async def test_the_time_must_not_be_negative(client: Client, emulator: Emulator) -> None:
    """
    Mistakes are raised before anything is sent.
    """
    with pytest.raises(ValueError, match="after must be between"):
        await client.accounts.tokens.retire(TOKEN_ID, after=-HOUR)
    with pytest.raises(TypeError, match="after must be a timedelta"):
        await client.accounts.tokens.retire(TOKEN_ID, after=3600)  # type: ignore[arg-type]

    assert emulator.requests == []
