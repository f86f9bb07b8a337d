"""
The lock-out of an address after too many failures to authenticate.
"""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from cftokens.emulator import Emulator, Fault

from .caller import UNKNOWN_VALUE, Caller, ManualClock

LOCKED = (429, 10502, "Too many authentication failures")
INVALID = (403, 9109, "Invalid access token")


@pytest.fixture
async def emulator(clock: ManualClock) -> AsyncIterator[Emulator]:
    """
    Serve an emulator that locks an address out after three failures.
    """
    async with Emulator(clock=clock, lockout=3) as emulator:
        yield emulator


async def fail(caller: Caller, times: int = 3) -> None:
    """
    Send an unknown value several times.
    """
    answers = [await caller.send("GET", bearer=UNKNOWN_VALUE) for _ in range(times)]

    assert [answer.refusal for answer in answers] == [INVALID] * times


@pytest.mark.parametrize("below", ["", "/verify"])
async def test_locked_out(account: Caller, user: Caller, below: str) -> None:
    """
    After so many failures, every token at that address is refused, on verify too, without Retry-After.
    """
    await fail(account, 2)
    before = await user.send("GET", below)
    await fail(account, 1)
    answers = [await caller.send("GET", below) for caller in (account, user)]

    assert before.status == 200
    assert [answer.refusal for answer in answers] == [LOCKED, LOCKED]
    assert "Retry-After" not in answers[0].headers


async def test_end(account: Caller, clock: ManualClock) -> None:
    """
    A lock-out lasts five minutes from the last failure, and requests do not prolong it.
    """
    await fail(account, 2)
    clock.now += 299
    await fail(account, 1)
    clock.now += 299
    still = await account.send("GET", bearer=UNKNOWN_VALUE)
    clock.now += 1
    await fail(account, 2)
    over = await account.send("GET")
    await fail(account, 1)
    again = await account.send("GET")

    assert (still.refusal, over.status, again.refusal) == (LOCKED, 200, LOCKED)


async def test_slow_failures(account: Caller, clock: ManualClock) -> None:
    """
    Failures five minutes apart do not add up.
    """
    await fail(account, 2)
    clock.now += 300
    await fail(account, 2)

    assert (await account.send("GET")).status == 200


async def test_missing_permission(account: Caller) -> None:
    """
    Refusals for want of permission have the same code and count, too.
    """
    token = await account.create()
    for _ in range(3):
        await account.send("GET", bearer=token["value"])

    assert (await account.send("GET")).refusal == LOCKED


async def test_other_refusals(account: Caller) -> None:
    """
    Failures of verify do not count, nor do refusals with another code, nor injected ones.
    """
    account.emulator.inject(Fault.status(403), operation="get", times=5)
    for _ in range(5):
        await account.send("GET", "/verify", bearer=UNKNOWN_VALUE)
        await account.send("GET", headers={})
        await account.send("GET", "/" + "0" * 32)

    assert (await account.send("GET")).status == 200


async def test_another_address(account: Caller) -> None:
    """
    Another address is not locked out.
    """
    await fail(account)
    elsewhere = aiohttp.TCPConnector(local_addr=("127.0.0.2", 0), force_close=True)
    async with aiohttp.ClientSession(connector=elsewhere) as session:
        answer = await Caller(account.emulator, session).send("GET")

    assert answer.status == 200


async def test_no_effect(account: Caller, clock: ManualClock) -> None:
    """
    A request of a locked-out address has no effect.
    """
    await fail(account)
    refused = await account.send("POST", json=account.body())
    clock.now += 300

    assert refused.refusal == LOCKED
    assert len((await account.send("GET")).result) == 1


async def test_off(session: aiohttp.ClientSession, clock: ManualClock) -> None:
    """
    Unless asked for, there is no lock-out.
    """
    async with Emulator(clock=clock) as emulator:
        account = Caller(emulator, session)
        await fail(account, 50)

        assert (await account.send("GET")).status == 200
