"""
The service that rotates the token it works with.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from cftokens import Client, Token
from cftokens.emulator import Emulator as AsyncEmulator
from cftokens.sync.emulator import Emulator, Fault
from docs.examples import rotating_service
from docs.examples.rotating_service import OVERLAP, Service
from tests.examples.programs import assert_clean, at_once_or_later, received, running
from tests.support import RunningClock, client_of
from tests.vocabulary import NO_CREDENTIAL

pytestmark = pytest.mark.slow

PROGRAM = "rotating_service.py"
SHORTLY = timedelta(minutes=1)
IN_FLIGHT = 200


@pytest.fixture
def clock() -> RunningClock:
    """
    The time of day, plus the time that was waited.
    """
    clock = RunningClock()
    clock.now = time.time() - time.monotonic()
    return clock


@pytest.fixture(params=[0.0, 1.0], ids=["at-once", "later"])
async def cloudflare(clock: RunningClock, request: pytest.FixtureRequest) -> AsyncIterator[AsyncEmulator]:
    """
    An emulator to which a change is known at once, or after a second.
    """
    async with AsyncEmulator(propagation=request.param, clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def client(cloudflare: AsyncEmulator, clock: RunningClock) -> AsyncIterator[Client]:
    """
    A client whose credential makes tokens.
    """
    async with client_of(cloudflare, clock) as client:
        yield client


@pytest.fixture
async def service(client: Client) -> Service:
    """
    The service, with a token that works.
    """
    token = await rotating_service.make_token(client)
    await client.accounts.tokens.wait_until_active(token.value)
    return Service(client, token, settle=0.0)


async def workers(client: Client) -> list[Token]:
    """
    Return the tokens that the service made.
    """
    listed = await client.accounts.tokens.list().collect()
    return [token for token in listed if (token.name or "").startswith("worker")]


async def test_a_rotation_loses_no_request(client: Client, service: Service) -> None:
    """
    200 requests are in flight before, during and after a rotation, and all of them succeed.
    """
    first = service.token
    rotated = asyncio.Event()

    async def keep_working() -> list[bool]:
        before = [await service.work()]
        while not rotated.is_set():
            before.append(await service.work())
        return [*before, await service.work()]

    working = [asyncio.create_task(keep_working()) for _ in range(IN_FLIGHT)]
    await service.work()
    began = datetime.now(UTC)
    await service.rotate()
    rotated.set()
    results = [result for each in await asyncio.gather(*working) for result in each]

    assert len(results) >= 2 * IN_FLIGHT
    assert all(results)
    old, new = await workers(client)
    assert (old.id, new.id) == (first.id, service.token.id)
    assert old.expires_on is not None
    assert began - SHORTLY < old.expires_on - OVERLAP < datetime.now(UTC) + SHORTLY


async def test_the_next_request_has_the_new_value(client: Client, service: Service) -> None:
    """
    After a rotation, the service goes on even if the old token is deleted.
    """
    first = service.token
    await service.rotate()
    await client.accounts.tokens.delete(first.id)
    await client.accounts.tokens.wait_until_active(service.token.value)

    assert first.id != service.token.id
    assert await service.work()


async def test_a_failed_rotation_changes_nothing(
    cloudflare: AsyncEmulator, client: Client, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """
    If the new value is refused, its token is deleted, and the service works on with the old one.
    """
    first = service.token
    cloudflare.inject(Fault.status(403), operation="list")
    await service.rotate()

    assert service.token is first
    assert await service.work()
    assert [(token.id, token.expires_on) for token in await workers(client)] == [(first.id, first.expires_on)]
    assert "Trying again later: The rotation of" in caplog.text


async def test_a_failed_request_is_reported(
    cloudflare: AsyncEmulator, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A request that fails is logged, and counts as failed.
    """
    cloudflare.inject(Fault.status(403), operation="list")

    assert not await service.work()
    assert "A request failed: GET /accounts/" in caplog.text


@at_once_or_later
async def test_the_program_rotates_under_load(emulator: Emulator) -> None:
    """
    The requests that wait for their answers during a rotation succeed; at the end no token works on for long.
    """
    emulator.inject(Fault.delay(4.0), operation="list", times=IN_FLIGHT)
    options = ("--every", "0.5", "--settle", "0", "--jobs", str(IN_FLIGHT), "--pause", "1")
    async with running(PROGRAM, *options, emulator=emulator, dev=False) as service:
        await service.says("requests succeeded")
        await service.says("replaces", times=service.log.count("replaces") + 1)  # between two rotations
        service.tell(signal.SIGTERM)
        status = await service.status()

    assert status == 0
    assert_clean(service)
    done = [line for line in service.lines if "requests succeeded" in line]
    assert {*done} == {f"INFO service: {IN_FLIGHT} requests succeeded, 0 failed."}
    with emulator.client() as client:
        left = [token for token in client.accounts.tokens.list() if (token.name or "").startswith("worker")]
    assert left
    assert all(token.expires_on and token.expires_on < datetime.now(UTC) + OVERLAP for token in left)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_during_a_rotation_leaves_no_token(emulator: Emulator, number: signal.Signals) -> None:
    """
    SIGTERM and Ctrl-C end the service cleanly, and it deletes its token and the one that was to follow.
    """
    async with running(PROGRAM, "--every", "0", "--settle", "60", emulator=emulator) as service:
        await received(emulator, "create", times=2)
        service.tell(number)
        status = await service.status()

    assert status == 0
    assert_clean(service)
    with emulator.client() as client:
        assert len(client.accounts.tokens.list().collect()) == 1


async def test_it_reports_a_missing_credential() -> None:
    """
    It prints what is wrong and where to make a credential, and exits with status 2.
    """
    async with running(PROGRAM, emulator=None, strict=False) as service:
        status = await service.status()

    assert status == 2
    assert service.lines == f"Stopped: {NO_CREDENTIAL}".splitlines()


async def test_it_reports_that_it_got_no_token(emulator: Emulator) -> None:
    """
    If Cloudflare refuses the first token, it says so, and exits with status 1.
    """
    emulator.inject(Fault.status(403), operation="create")
    async with running(PROGRAM, emulator=emulator) as service:
        status = await service.status()

    assert status == 1
    assert_clean(service)
    assert service.lines[0].startswith("Stopped: POST /accounts/")


async def test_it_explains_itself() -> None:
    """
    --help lists the arguments.
    """
    async with running(PROGRAM, "--help", emulator=None, strict=False) as service:
        status = await service.status()

    assert status == 0
    assert "--every SECONDS" in service.log
