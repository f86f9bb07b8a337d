"""
Fork, Ctrl-C and the exit of the interpreter, each in its own process with a deadline.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from cftokens.emulator._routes import Operation
from cftokens.sync.emulator import Emulator, Fault
from tests.servers import Exchange, RawServer, reply
from tests.support import posix_only
from tests.vocabulary import success

pytestmark = pytest.mark.slow

DEADLINE = 30.0
"""Seconds after which a program counts as hanging."""

LAST_MOMENT = 2.0
"""Seconds that the interpreter may take to exit."""


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """
    An emulator in the test process, which the programs talk to.
    """
    with Emulator() as emulator:
        yield emulator


def start(emulator: Emulator, program: str, *flags: str) -> "subprocess.Popen[str]":
    """
    Start a program that finds the emulator in its environment.
    """
    variables = {
        "CLOUDFLARE_BASE_URL": emulator.base_url,
        "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
        "CLOUDFLARE_API_TOKEN": emulator.api_token,
    }
    return subprocess.Popen(
        [sys.executable, *flags, "-c", program],
        env=os.environ | variables,
        stderr=subprocess.PIPE,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def end(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """
    Return exit status, output and error output, or fail after the deadline.
    """
    try:
        output, errors = process.communicate(timeout=DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        output, errors = process.communicate()
        raise AssertionError(f"the program hangs: {output} {errors}") from None
    return process.returncode, output, errors


def wait_for_request(emulator: Emulator, operation: str) -> None:
    """
    Return when an operation has been requested.
    """
    deadline = time.monotonic() + DEADLINE
    while operation not in [request.operation for request in emulator.requests]:
        assert time.monotonic() < deadline


FORK = """
import os, sys
from cftokens.sync import Client

client = Client(rate_limit=None)
before = client.accounts.tokens.verify().id
child = os.fork()
if child == 0:
    after = client.accounts.tokens.verify().id
    listed = [token.id for token in client.accounts.tokens.list()]
    ok = after == before and before in listed
    END
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
for _ in range(3):
    assert client.accounts.tokens.verify().id == before
client.close()
print("child", status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize(
    "ending",
    [
        "os._exit(not ok)",
        "sys.exit(not ok)",
        "client.close(); sys.exit(not ok)",
        "del client; sys.exit(not ok)",
    ],
)
def test_a_client_works_in_a_forked_child_and_in_its_parent(emulator: Emulator, ending: str) -> None:
    """
    A child can use the client that it inherits, and the parent's still works after it has exited.
    """
    process = start(emulator, FORK.replace("END", ending), "-W", "ignore::DeprecationWarning")

    assert end(process) == (0, "child 0\n", "")


FORK_DURING_A_CHANGE = """
import os, sys, threading
from datetime import UTC, datetime
from cftokens import CreateAttempt
from cftokens.sync import Client

client = Client(rate_limit=None)
tokens = client.accounts.tokens
lost = CreateAttempt(name="bot", policies=(), account_id=client.account_id, started_on=datetime.now(UTC))
threading.Thread(target=lambda: UNDER_WAY, daemon=True).start()
sys.stdin.readline()
child = os.fork()
if child == 0:
    IN_THE_CHILD
    os._exit(0)
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
os._exit(0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize(
    ("operation", "under_way", "in_the_child"),
    [
        ("create", 'tokens.create(name="bot", policies=[])', "tokens.recover(lost)"),
        ("roll", 'tokens.value.update("TOKEN_ID")', 'tokens.value.update("TOKEN_ID")'),
    ],
)
def test_a_child_does_not_wait_for_a_change_of_its_parent(
    emulator: Emulator, operation: Operation, under_way: str, in_the_child: str
) -> None:
    """
    A create or roll that was under way at the fork never ends in the child.
    """
    emulator.inject(Fault.delay(60.0), operation=operation)
    program = FORK_DURING_A_CHANGE.replace("UNDER_WAY", under_way).replace("IN_THE_CHILD", in_the_child)
    program = program.replace("TOKEN_ID", emulator.issue("account").id)
    process = start(emulator, program, "-W", "ignore::DeprecationWarning")
    wait_for_request(emulator, operation)

    assert end(process) == (0, "child 0\n", "")


IN_FLIGHT = """
import os, ssl, sys, threading
from cftokens.sync import Client

context = ssl.create_default_context(cafile=os.environ["AUTHORITY"])
client = Client(rate_limit=None, retry=None, ssl=context)
before = client.accounts.tokens.verify().id
answers = []
call = threading.Thread(target=lambda: answers.append(client.accounts.tokens.get("1" * 32).id))
call.start()
sys.stdin.readline()
child = os.fork()
if child == 0:
    ok = client.accounts.tokens.verify().id == before
    END
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
call.join()
print(answers == ["1" * 32], client.accounts.tokens.verify().id == before)
client.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("ending", ["os._exit(not ok)", "del client; sys.exit(not ok)"])
async def test_a_call_over_tls_survives_a_fork(ending: str, tmp_path: Path) -> None:
    """
    A waiting thread gets its answer, although a forked child has used the client and exited.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    arrived, release = asyncio.Event(), asyncio.Event()

    async def wait(exchange: Exchange) -> None:
        arrived.set()
        await release.wait()
        await reply(200, success({"id": "1" * 32}))(exchange)

    verified = reply(200, success({"id": "2" * 32, "status": "active"}))
    async with RawServer(verified, wait, verified, authority=authority) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", IN_FLIGHT.replace("END", ending)),
            env=os.environ
            | {
                "AUTHORITY": str(tmp_path / "authority.pem"),
                "CLOUDFLARE_BASE_URL": server.base_url,
                "CLOUDFLARE_ACCOUNT_ID": "0" * 32,
                "CLOUDFLARE_API_TOKEN": "a" * 40,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(DEADLINE):
                await arrived.wait()
                process.stdin.write(b"\n")
                assert await process.stdout.readline() == b"child 0\n"
                release.set()
                output, errors = await process.communicate()
        except BaseException:
            process.kill()
            release.set()
            raise

    assert (process.returncode, output, errors) == (0, b"True True\n", b"")


POOL = """
import multiprocessing, os
from cftokens.sync import Client

client = Client(rate_limit=None)

def verify(_):
    return client.accounts.tokens.verify().id

if __name__ == "__main__":
    before = verify(0)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print({*pool.map(verify, range(20))} == {before})
    print(verify(0) == before)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_pool_of_forked_workers(emulator: Emulator) -> None:
    """
    Workers can use the client of their parent, as with gunicorn's preload or celery.
    """
    process = start(emulator, POOL, "-W", "ignore::DeprecationWarning")

    assert end(process) == (0, "True\nTrue\n", "")


CALL = """
from cftokens.sync import Client
client = Client()
client.accounts.tokens.verify()
"""

ITERATE = """
from cftokens.sync import Client
client = Client()
tokens = iter(client.accounts.tokens.list())
next(tokens)
pages = client.accounts.tokens.list().pages()
next(pages)
"""

DAEMON = """
import sys, threading
from cftokens.sync import Client
client = Client()
client.accounts.tokens.verify()
threading.Thread(target=CALL, daemon=True).start()
sys.stdin.readline()
"""

LOOPING_DAEMON = """
import sys, threading
from cftokens.sync import Client
client = Client(rate_limit=None)

def work():
    while True:
        client.accounts.tokens.verify()
        called.set()

called = threading.Event()
threading.Thread(target=work, daemon=True).start()
called.wait()
"""


@pytest.mark.parametrize(
    "program", [CALL, ITERATE, LOOPING_DAEMON], ids=["a call", "an iteration", "a busy thread"]
)
def test_the_interpreter_exits_quietly_without_close(emulator: Emulator, program: str) -> None:
    """
    Whatever is open, it exits in time, with status 0 and no error output.
    """
    process = start(emulator, program + "import time; print(time.monotonic())")
    status, output, errors = end(process)

    assert (status, errors) == (0, "")
    assert time.monotonic() - float(output) < LAST_MOMENT


@pytest.mark.parametrize(
    ("operation", "call", "said"),
    [
        ("get", 'lambda: client.accounts.tokens.get("0" * 32)', []),
        (
            "create",
            'lambda: client.accounts.tokens.create(name="bot", policies=[])',
            ["The outcome of create of 'bot'"],
        ),
    ],
)
def test_a_call_in_a_daemon_thread_does_not_delay_the_exit(
    emulator: Emulator, operation: str, call: str, said: list[str]
) -> None:
    """
    The interpreter exits in time, and reports only a create, whose outcome is unknown.
    """
    emulator.inject(Fault.delay(60.0), operation=operation, times=None)  # type: ignore[arg-type]  # a str here
    process = start(emulator, DAEMON.replace("CALL", call) + "import time; print(time.monotonic())")
    wait_for_request(emulator, operation)
    status, output, errors = end(process)

    assert status == 0
    assert [words in line for words, line in zip(said, errors.splitlines(), strict=True)] == [True] * len(
        said
    )
    assert time.monotonic() - float(output) < LAST_MOMENT


HANGING_FUNCTION = """
import time
from cftokens import CredentialError
from cftokens.sync import Client

client = Client(lambda: time.sleep(60), timeout=0.1)
try:
    client.accounts.tokens.verify()
except CredentialError:
    print(time.monotonic())
"""


def test_a_function_that_hangs_does_not_delay_the_exit(emulator: Emulator) -> None:
    """
    The call fails after its time-out, and the interpreter does not wait for *api_token* either.
    """
    status, output, errors = end(start(emulator, HANGING_FUNCTION))

    assert (status, errors) == (0, "")
    assert time.monotonic() - float(output) < LAST_MOMENT


OTHER_THREAD = """
import threading
from cftokens.sync import Client
client = Client()
client.accounts.tokens.verify()  # from 3.12 on, Python starts no thread when the main one has ended

def work():
    print(client.accounts.tokens.create(name="bot", policies=[]).name)
    print(client.accounts.tokens.verify().status)

threading.Thread(target=work).start()
"""


def test_calls_in_other_threads_are_finished_first(emulator: Emulator) -> None:
    """
    While Python waits for its threads before it exits, their calls still work.
    """
    emulator.inject(Fault.delay(0.3), operation="create")
    process = start(emulator, OTHER_THREAD)

    assert end(process) == (0, "bot\nactive\n", "")


CTRL_C = """
from cftokens.errors import attempt_of
from cftokens.sync import Client

with Client() as client:
    try:
        CALL
    except KeyboardInterrupt as interrupt:
        attempt = attempt_of(interrupt)
        print(attempt and attempt.name, len(getattr(interrupt, "__notes__", [])))
    print(client.accounts.tokens.verify().status)
    if attempt:
        print(client.accounts.tokens.recover(attempt).name)
"""


@posix_only
@pytest.mark.parametrize(
    ("operation", "call", "printed"),
    [
        ("list", "list(client.accounts.tokens.list())", "None 0\nactive\n"),
        ("create", 'client.accounts.tokens.create(name="bot", policies=[])', "bot 1\nactive\nbot\n"),
    ],
)
def test_ctrl_c_cancels_a_call_and_the_client_still_works(
    emulator: Emulator, operation: str, call: str, printed: str
) -> None:
    """
    After a create, the KeyboardInterrupt has an attempt that recover() can settle.
    """
    emulator.inject(Fault.delay(60.0), operation=operation)  # type: ignore[arg-type]  # a str here
    process = start(emulator, CTRL_C.replace("CALL", call))
    wait_for_request(emulator, operation)
    process.send_signal(signal.SIGINT)
    status, output, errors = end(process)

    assert (status, output) == (0, printed)
    assert ("outcome of create of 'bot'" in errors) == (operation == "create")


SECOND_CTRL_C = """
import asyncio
from cftokens.sync._portal import Portal

async def nothing():
    pass

async def stubborn():
    try:
        print("waiting", flush=True)
        await asyncio.sleep(60)
    finally:
        print("cleaning", flush=True)
        await asyncio.sleep(60)

portal = Portal(nothing)
try:
    portal.call(stubborn())
except KeyboardInterrupt:
    print("out", flush=True)
"""


@posix_only
def test_a_second_ctrl_c_skips_the_clean_up(emulator: Emulator) -> None:
    """
    A clean-up that the first Ctrl-C started is not waited for.
    """
    process = start(emulator, SECOND_CTRL_C)
    assert process.stdout is not None
    for word in ("waiting", "cleaning"):
        assert process.stdout.readline() == f"{word}\n"
        process.send_signal(signal.SIGINT)
    status, output, errors = end(process)

    assert (status, output, errors) == (0, "out\n", "")


DEBUG = """
import asyncio
from cftokens.sync import Client
from tests.vocabulary import success

async def main():
    with Client() as client:
        print(client.accounts.tokens.verify().status, len(list(client.accounts.tokens.list())))

asyncio.run(main(), debug=True)
"""


def test_it_works_in_a_running_loop_under_the_strictest_settings(emulator: Emulator) -> None:
    """
    In development mode, with warnings as errors, a blocking call in asyncio.run() leaves nothing open.
    """
    process = start(emulator, DEBUG, "-X", "dev", "-W", "error")
    status, output, errors = end(process)

    assert (status, output) == (0, "active 1\n")
    assert "Error" not in errors
    assert "Warning" not in errors


ROTATING = """
import sys, threading
from datetime import timedelta
from cftokens.sync import Client

def rotate():
    tokens.rotate(old.id, store=print, lifetime=timedelta(days=1))

tokens = Client().accounts.tokens
old = tokens.create(name="ci", policies=[])
threading.Thread(target=rotate, daemon=True).start()
sys.stdin.read()
"""


def test_the_interpreter_exits_quietly_during_a_rotation(emulator: Emulator) -> None:
    """
    A rotation in a daemon thread ends with the process, and what it made is logged.
    """
    emulator.inject(Fault.delay(60.0), operation="verify", times=None)
    process = start(emulator, ROTATING)
    wait_for_request(emulator, "verify")
    status, output, errors = end(process)

    assert (status, output) == (0, "")
    assert re.fullmatch(
        "The interpreter exits before the call returns that gave [0-9a-f]{32} its value.\n", errors
    )
