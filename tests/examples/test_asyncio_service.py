"""
The service that watches tokens, in its own process.
"""

import asyncio
import signal
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cftokens import Client
from cftokens.sync.emulator import Emulator, Fault
from docs.examples import asyncio_service
from tests.examples.programs import assert_clean, at_once_or_later, received, running
from tests.vocabulary import ACCOUNT, CREDENTIAL, NO_CREDENTIAL

pytestmark = pytest.mark.slow

SERVICE = "asyncio_service.py"
OFTEN = ("--every", "0.01")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_service(emulator: Emulator, number: signal.Signals) -> None:
    """
    SIGTERM and Ctrl-C stop it cleanly, with status 0.
    """
    async with running(SERVICE, emulator=emulator) as service:
        await service.says("Checked 1 tokens, 0 need attention")
        service.tell(number)
        status = await service.status()

    assert status == 0
    assert_clean(service)
    assert "INFO watch: Stopped." in service.lines


async def test_a_signal_ends_a_hanging_check(emulator: Emulator) -> None:
    """
    SIGTERM stops the service while a request waits for its answer.
    """
    emulator.inject(Fault.delay(60.0), operation="list")
    async with running(SERVICE, emulator=emulator) as service:
        await received(emulator, "list")
        service.tell(signal.SIGTERM)
        status = await service.status()

    assert status == 0
    assert_clean(service)


@at_once_or_later
async def test_it_warns_once_about_each_token_that_needs_attention(emulator: Emulator) -> None:
    """
    Expiring, disabled and deleted tokens are logged once each, as is a token that is fine again.
    """
    soon = datetime.now(UTC) + timedelta(days=3)
    with emulator.client() as client:
        tokens = client.accounts.tokens
        late = tokens.create(name="late", policies=[], expires_on=soon)
        off = tokens.create(name="off", policies=[])
        tokens.create(name="far", policies=[], expires_on=soon + timedelta(days=365))
        terms: dict[str, Any] = {"policies": [], "condition": None, "expires_on": None, "not_before": None}
        tokens.update(off.id, name="off", status="disabled", **terms)
        async with running(SERVICE, *OFTEN, emulator=emulator) as service:
            await service.says("Checked 4 tokens, 2 need attention", times=2)
            tokens.delete(late.id)
            tokens.update(off.id, name="off", status="active", **terms)
            await service.says("Checked 3 tokens, 1 need attention", times=2)
            service.tell(signal.SIGTERM)
            await service.status()

    assert_clean(service)
    said = [line for line in service.lines if " watch: Token " in line]
    assert sorted(said) == sorted(
        [
            f"WARNING watch: Token 'late' ({late.id}) expires on {soon:%Y-%m-%d at %H:%M} UTC.",
            f"WARNING watch: Token 'off' ({off.id}) is disabled.",
            f"WARNING watch: Token {late.id} is gone.",
            f"INFO watch: Token 'off' ({off.id}) is fine again.",
        ]
    )


async def test_it_watches_only_the_given_ids(emulator: Emulator) -> None:
    """
    Other tokens are ignored, and an id that does not exist is reported as gone.
    """
    with emulator.client() as client:
        mine = client.accounts.tokens.create(name="mine", policies=[], expires_on=datetime.now(UTC))
    unknown = "0" * 32
    async with running(SERVICE, mine.id, unknown, emulator=emulator) as service:
        await service.says("Checked 1 tokens, 2 need attention")

    assert f"WARNING watch: Token {unknown} is gone." in service.lines
    assert f"WARNING watch: Token 'mine' ({mine.id}) is expired." in service.lines


async def test_it_survives_failures(emulator: Emulator) -> None:
    """
    Each kind of failed check is logged, and the service goes on checking.
    """
    for fault in (Fault.status(403), Fault.html(400), Fault.success_false()):
        emulator.inject(fault, operation="list")
    emulator.inject(Fault.status(502), operation="list", times=3)  # as often as the client tries
    async with running(SERVICE, *OFTEN, emulator=emulator) as service:
        await service.says("ERROR watch: Could not check, trying again in 0.01 s: ", times=4)
        await service.says("Checked 1 tokens, 0 need attention")
        service.tell(signal.SIGTERM)
        status = await service.status()

    assert status == 0
    assert_clean(service)


async def test_it_survives_an_unreachable_api(caplog: pytest.LogCaptureFixture) -> None:
    """
    Without a server it goes on checking until it is cancelled.
    """
    with Emulator() as emulator:
        base_url = emulator.base_url
    client = Client(CREDENTIAL, account_id=ACCOUNT, base_url=base_url, retry=None)
    watch = asyncio_service.Watch(client, [], timedelta(days=1))
    async with client, asyncio.timeout(30):
        watching = asyncio.ensure_future(watch.run(0))
        while caplog.text.count("Could not check") < 3:  # noqa: ASYNC110 -- the log has no event
            await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait([watching])

    assert watching.cancelled()


async def test_it_reports_a_missing_credential() -> None:
    """
    It prints what is wrong and where to make a credential, and exits with status 2.
    """
    async with running(SERVICE, emulator=None, strict=False) as service:
        status = await service.status()

    assert status == 2
    assert service.lines == f"Stopped: {NO_CREDENTIAL}".splitlines()


async def test_it_explains_itself() -> None:
    """
    --help lists the arguments.
    """
    async with running(SERVICE, "--help", emulator=None, strict=False) as service:
        status = await service.status()

    assert status == 0
    assert "--every SECONDS" in service.log
