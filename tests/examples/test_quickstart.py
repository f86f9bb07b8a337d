"""
The quickstart of the documentation, run as a reader would run it.
"""

import asyncio
import subprocess
import sys

import pytest

from cftokens import CFTokensError, NotActiveError
from cftokens.emulator import Emulator, Fault
from docs.examples import quickstart
from tests.examples.programs import DEADLINE, EXAMPLES, PYTHON, ROOT, environment_for
from tests.support import Clock, client_of
from tests.vocabulary import NO_CREDENTIAL

pytestmark = pytest.mark.slow

QUICKSTART = EXAMPLES / "quickstart.py"
STEPS = ["1. Made", "2. Verified", "3. Found", "4. Rolled", "5. Tried the old value", "6. Deleted"]


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """
    Run a program with a clean environment and a deadline.
    """
    return subprocess.run(
        [*PYTHON, *arguments],
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=environment_for(None) | variables,
        text=True,
        timeout=DEADLINE,
    )


def test_the_quickstart_shows_the_life_of_a_token() -> None:
    """
    It runs without an account, prints each step, and shows no value.
    """
    done = run(str(QUICKSTART))

    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "Cloudflare is not asked" in lines[0]
    assert [step for step, line in zip(STEPS, lines[1:], strict=True) if not line.startswith(step)] == []
    assert "cfat_" not in done.stdout


def test_the_quickstart_does_not_ask_cloudflare_by_default() -> None:
    """
    Even with credentials in the environment it runs on its emulator.
    """
    done = run(
        str(QUICKSTART),
        CLOUDFLARE_API_TOKEN="a-real-one",
        CLOUDFLARE_ACCOUNT_ID="0" * 32,
        CLOUDFLARE_BASE_URL="https://api.cloudflare.invalid",
    )

    assert done.returncode == 0
    assert "http://127.0.0.1" in done.stdout


@pytest.mark.parametrize("seconds", ["0", "1"])
def test_the_quickstart_can_use_the_environment(seconds: str) -> None:
    """
    With --cloudflare it takes the base URL and the credential from variables, and waits for changes.
    """
    emulator = ("-m", "cftokens.emulator", "--port", "0", "--propagation", seconds)
    done = run(*emulator, "--", sys.executable, str(QUICKSTART), "--cloudflare")

    assert (done.returncode, done.stderr) == (0, "")
    assert [step for step in STEPS if step not in done.stdout] == []


def test_the_quickstart_reports_a_missing_credential() -> None:
    """
    It prints what is wrong and where to make a credential, and exits with status 1.
    """
    done = run(str(QUICKSTART), "--cloudflare")

    assert done.returncode == 1
    assert done.stderr == f"Stopped: {NO_CREDENTIAL}\n"


INVALID = '{"success": false, "errors": [{"code": 1000, "message": "Invalid API Token"}], "result": null}'


async def test_the_quickstart_waits_for_a_token_that_is_too_new(capsys: pytest.CaptureFixture[str]) -> None:
    """
    A token that is refused at first is asked for again until it is active.
    """
    async with Emulator() as emulator, client_of(emulator) as client:
        emulator.inject(Fault.status(401, body=INVALID), operation="verify", times=2)
        await quickstart.life_of_a_token(client)

    printed = capsys.readouterr().out
    assert [step for step in STEPS if step not in printed] == []


async def test_the_quickstart_gives_up_in_bounded_time(capsys: pytest.CaptureFixture[str]) -> None:
    """
    If the new token never works, it stops after a minute and deletes the token.
    """
    clock = Clock()
    async with Emulator() as emulator, client_of(emulator, clock) as client:
        emulator.inject(Fault.status(401, body=INVALID), operation="verify", times=None)
        with pytest.raises(NotActiveError, match="within 60 s"):
            await quickstart.life_of_a_token(client)
        left = await client.accounts.tokens.list().collect()

    assert sum(clock.waits) == pytest.approx(60)
    assert len(left) == 1
    assert "6. Deleted" in capsys.readouterr().out


@pytest.mark.parametrize("looks", [3, 9])
async def test_the_quickstart_waits_until_the_old_value_is_refused(
    looks: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    It looks again while an old value works, and gives up after so many looks.
    """
    now = 1_800_000_000.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("docs.examples.quickstart.asyncio.sleep", sleep)
    monkeypatch.setattr(quickstart, "LOOKS", looks)
    async with Emulator(clock=lambda: now, propagation=16) as emulator, emulator.client() as client:
        created = await client.accounts.tokens.create(name="old", policies=[])
        now += 16
        await client.accounts.tokens.value.update(created.id)
        waiting = quickstart.wait_until_refused(client, created.value)
        if looks == 3:
            with pytest.raises(CFTokensError, match="after 6 seconds"):
                await waiting
        else:
            await waiting

    assert capsys.readouterr().out.count("The old value still works: looking again") == min(looks, 4)


async def test_an_interrupted_quickstart_leaves_nothing_behind() -> None:
    """
    Cancelling it, as Ctrl-C does, still deletes the token.
    """
    async with Emulator() as emulator, emulator.client() as client:
        emulator.inject(Fault.delay(60.0), operation="verify")
        story = asyncio.ensure_future(quickstart.life_of_a_token(client))
        while "verify" not in [request.operation for request in emulator.requests]:  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0)
        story.cancel()
        with pytest.raises(asyncio.CancelledError):
            await story
        left = await client.accounts.tokens.list().collect()

    assert len(left) == 1
