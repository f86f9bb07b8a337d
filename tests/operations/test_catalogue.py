"""
The catalogue of permission groups: what is remembered, and who shares a fetch.
"""

import asyncio
import gc
import os
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import cftokens.sync
from cftokens import (
    AuthenticationError,
    CFTokensError,
    Client,
    ErrorData,
    NoResponseError,
    PermissionDeniedError,
    PermissionGroup,
    PermissionGroupError,
    RateLimitedError,
    RequestTimeoutError,
    Retry,
    UnexpectedResponseError,
)
from cftokens import policies as p
from cftokens._operations.catalogue import Catalogue, Source
from cftokens.emulator import Emulator
from tests.answers import ATTEMPT
from tests.servers import Exchange, RawServer, hang, reply
from tests.support import Clock, client_of, failure_of
from tests.vocabulary import (
    ACCOUNT,
    CREDENTIAL,
    DNS_READ,
    TOKEN,
    ZONE_ID,
    ZONE_READ,
    failure,
    success,
)

OTHER_ACCOUNT = "1" * 32
GROUPS = (PermissionGroup(id=ZONE_READ, name="Zone Read", scopes=(p.ZONE,)),)
USER = Source(None, 30.0, Retry())


def listed(group_id: str, name: str, scope: str) -> dict[str, Any]:
    """
    Return a group as the catalogue has it.
    """
    return {"id": group_id, "name": name, "scopes": [scope]}


class Fetches:
    """
    Fetches of a catalogue that end when they are told to.
    """

    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.began = asyncio.Event()
        self.outcome: asyncio.Future[tuple[PermissionGroup, ...]] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> tuple[PermissionGroup, ...]:
        self.started += 1
        self.began.set()
        try:
            return await asyncio.shield(self.outcome)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # as a connection takes to close
            self.cancelled += 1
            raise

    async def callers(self, catalogue: Catalogue, number: int) -> "list[asyncio.Task[int]]":
        """
        Return callers that all wait for a fetch.
        """
        tasks = [asyncio.create_task(catalogue.look_up(USER, self, len)) for _ in range(number)]
        await self.began.wait()
        return tasks


async def test_names_cost_one_request(client: Client, emulator: Emulator) -> None:
    """
    The catalogue is fetched for the first of two creates with names, and not for one without.
    """
    for _ in range(2):
        await client.accounts.tokens.create(name="x", policies=[p.allow("DNS Read", on=p.zone(ZONE_ID))])
    await client.accounts.tokens.create(name="x", policies=[])

    assert [request.operation for request in emulator.requests] == ["permission_groups", *["create"] * 3]


async def test_concurrent_creates_share_the_catalogue(client: Client, emulator: Emulator) -> None:
    """
    Ten creates at once fetch it once, also through views with equal settings.
    """
    draft = p.allow("DNS Read", on=p.zone(ZONE_ID))
    views = [client, *(client.with_options(timeout=30) for _ in range(9))]
    await asyncio.gather(*(view.accounts.tokens.create(name="x", policies=[draft]) for view in views))

    assert [request.operation for request in emulator.requests].count("permission_groups") == 1


async def test_another_credential_sees_another_catalogue(client: Client, emulator: Emulator) -> None:
    """
    A view with another token fetches its own; one with other settings, or the same token, does not.
    """
    draft = p.allow("DNS Read", on=p.zone(ZONE_ID))
    minter = p.allow("Account API Tokens Write", on=p.account(emulator.account_id))
    other = emulator.issue("account", policies=[minter, draft])
    views = [client, client.with_options(timeout=5.0), client.with_options(api_token=emulator.api_token)]
    for view in (*views, client.with_options(api_token=other.value)):
        await view.accounts.tokens.create(name="x", policies=[draft])

    assert [request.operation for request in emulator.requests].count("permission_groups") == 2


async def test_each_owner_has_its_own_catalogue() -> None:
    """
    Two accounts and the user may see different groups, so each catalogue is fetched and remembered by itself.
    """
    answers = [
        reply(200, success([listed(group_id, "Zone Read", p.ZONE)]))
        for group_id in ("a" * 32, "b" * 32, "c" * 32)
    ]
    async with RawServer(*answers, hang) as server, client_of(server.base_url) as client:

        async def found() -> list[str]:
            groups = client.accounts.tokens.permission_groups
            finds = (
                groups.find("Zone Read"),
                groups.find("Zone Read", account_id=OTHER_ACCOUNT),
                client.user.tokens.permission_groups.find("Zone Read"),
            )
            return [(await find).id for find in finds]

        assert [await found(), await found()] == [["a" * 32, "b" * 32, "c" * 32]] * 2
        owners = [f"/accounts/{ACCOUNT}", f"/accounts/{OTHER_ACCOUNT}", "/user"]
        assert [request.path for request in server.requests] == [
            f"{owner}/tokens/permission_groups" for owner in owners
        ]


async def test_owners_share_no_fetch(emulator: Emulator) -> None:
    """
    Lookups for an account and for the user at the same time each get their own groups.
    """
    async with emulator.client(api_token=emulator.user_api_token) as client:
        await asyncio.gather(
            client.user.tokens.permission_groups.find("User Details Read"),
            failure_of(client.accounts.tokens.permission_groups.find("Nonsense")),
        )

    assert len(emulator.requests) == 2


async def test_an_unknown_name_refreshes_the_catalogue() -> None:
    """
    If the remembered catalogue lacks a name, each lookup fetches it again once.
    """
    old = reply(200, success([listed(ZONE_READ, "Zone Read", p.ZONE)]))
    new = reply(200, success([listed(DNS_READ, "DNS Read", p.ZONE)]))
    async with RawServer(old, new) as server, client_of(server.base_url) as client:
        groups = client.accounts.tokens.permission_groups
        await groups.find("Zone Read")
        found = await groups.find("DNS Read")
        with pytest.raises(PermissionGroupError):
            await groups.find("Nonsense")
        with pytest.raises(PermissionGroupError):
            await groups.find("Nonsense")

    assert found.id == DNS_READ
    assert len(server.requests) == 4


ZONE_LOGS = listed("1" * 32, "Logs Read", p.ZONE)
ACCOUNT_LOGS = listed("2" * 32, "Logs Read", p.ACCOUNT)


async def test_a_new_scope_of_a_known_name_is_found() -> None:
    """
    If the remembered catalogue has the name, but not with that scope, find() fetches it again.
    """
    old, new = reply(200, success([ZONE_LOGS])), reply(200, success([ZONE_LOGS, ACCOUNT_LOGS]))
    async with RawServer(old, new) as server, client_of(server.base_url) as client:
        groups = client.accounts.tokens.permission_groups
        await groups.find("Logs Read", scope=p.ZONE)
        found = await groups.find("Logs Read", scope=p.ACCOUNT)
        with pytest.raises(PermissionGroupError, match=r"has the scope .*, not 'com.cloudflare.api.user'"):
            await groups.find("Logs Read", scope=p.USER)

    assert found.id == "2" * 32
    assert len(server.requests) == 3


async def test_a_new_scope_of_a_known_name_can_be_granted() -> None:
    """
    If the remembered group does not work on the resource, a create fails only by a fresh catalogue.
    """
    old, new = reply(200, success([ZONE_LOGS])), reply(200, success([ZONE_LOGS, ACCOUNT_LOGS]))
    created = reply(200, success({**TOKEN, "value": CREDENTIAL}))
    async with RawServer(old, new, created, new) as server, client_of(server.base_url) as client:
        await client.accounts.tokens.permission_groups.find("Logs Read")
        await client.accounts.tokens.create(
            name="bot", policies=[p.allow("Logs Read", on=[p.account(ACCOUNT), p.zone(ZONE_ID)])]
        )
        with pytest.raises(PermissionGroupError, match=r"grants nothing on r2_bucket\(\)"):
            await client.accounts.tokens.create(
                name="bot", policies=[p.allow("Logs Read", on=p.r2_bucket(ACCOUNT, "abc"))]
            )

    assert [request.method for request in server.requests] == ["GET", "GET", "POST", "GET"]
    assert b"2" * 32 in server.requests[2].body


async def test_no_group_is_picked_from_two_of_one_name_and_scope() -> None:
    """
    Neither find() nor a create chooses between them.
    """
    twins = [listed("1" * 32, "Twin", p.ZONE), listed("2" * 32, "Twin", p.ZONE)]
    async with RawServer(reply(200, success(twins))) as server, client_of(server.base_url) as client:
        tokens = client.accounts.tokens
        errors = [
            await failure_of(tokens.permission_groups.find("Twin")),
            await failure_of(tokens.permission_groups.find("Twin", scope=p.ZONE)),
            await failure_of(tokens.create(name="x", policies=[p.allow("Twin", on=p.zone(ZONE_ID))])),
        ]

    assert ["There are 2 permission groups 'Twin'" in str(error) for error in errors] == [True] * 3
    assert {request.method for request in server.requests} == {"GET"}


async def test_a_catalogue_is_remembered_for_five_minutes() -> None:
    """
    Three lookups 200 seconds apart fetch it twice.
    """
    clock = Clock()
    catalogue = Catalogue(clock)
    fetched = []

    async def fetch() -> tuple[PermissionGroup, ...]:
        fetched.append(clock.now)
        return GROUPS

    for _ in range(3):
        await catalogue.look_up(USER, fetch, len)
        clock.now += 200

    assert len(fetched) == 2


async def test_a_refused_catalogue_fails_the_create() -> None:
    """
    The create raises the refusal, and sends no request of its own.
    """
    async with RawServer(reply(403)) as server, client_of(server.base_url) as client:
        error = await failure_of(
            client.accounts.tokens.create(name="x", policies=[p.allow("DNS Read", on=p.zone(ZONE_ID))])
        )

    assert "403" in str(error)
    assert len(server.requests) == 1


async def test_callers_of_a_hanging_catalogue_time_out_together() -> None:
    """
    Ten calls at once send one request, and each raises its own time-out error.
    """
    async with RawServer(hang) as server, client_of(server.base_url, timeout=0.5, retry=None) as client:
        find = client.accounts.tokens.permission_groups.find
        errors = await asyncio.gather(*(failure_of(find("Zone Read")) for _ in range(10)))

        assert len(server.requests) == 1
    assert {type(error) for error in errors} == {RequestTimeoutError}
    assert len({id(error) for error in errors}) == 10
    assert {str(error) for error in errors} == {str(errors[0])}
    assert len({len(traceback.extract_tb(error.__traceback__)) for error in errors}) == 1


async def test_threads_share_a_fetch_and_its_failure() -> None:
    """
    Ten threads with one blocking client send one request, and each raises its own error.
    """

    async def refuse(exchange: Exchange) -> None:
        (shared,) = client._wrapped._owners.catalogue._under_way.values()
        while shared.callers < 10:  # noqa: ASYNC110 -- they wait on another loop
            await asyncio.sleep(0)
        await reply(403, failure())(exchange)

    async with RawServer(refuse) as server:
        with (
            cftokens.sync.Client(CREDENTIAL, account_id=ACCOUNT, base_url=server.base_url) as client,
            ThreadPoolExecutor(10) as pool,
        ):
            find = client.accounts.tokens.permission_groups.find
            loop = asyncio.get_running_loop()
            calls = [loop.run_in_executor(pool, find, "Zone Read") for _ in range(10)]
            errors = await asyncio.gather(*calls, return_exceptions=True)

    assert {type(error) for error in errors} == {PermissionDeniedError}
    assert len({id(error) for error in errors}) == 10
    assert len(server.requests) == 1


async def test_a_short_timeout_does_not_wait_for_a_long_one() -> None:
    """
    A view with other settings fetches by itself, and what it fetched is remembered for all.
    """
    answer = reply(200, success([listed(ZONE_READ, "Zone Read", p.ZONE)]))
    async with RawServer(hang, hang, answer, hang) as server, client_of(server.base_url) as client:
        patient = asyncio.create_task(client.accounts.tokens.permission_groups.find("Zone Read"))
        await server.arrived.wait()
        view = client.with_options(timeout=0.5, retry=None)
        error = await failure_of(view.accounts.tokens.permission_groups.find("Zone Read"))
        await client.with_options(retry=None).accounts.tokens.permission_groups.find("Zone Read")
        found = await view.accounts.tokens.permission_groups.find("Zone Read")
        await client.accounts.tokens.permission_groups.find("Zone Read")
        waiting = not patient.done()
        patient.cancel()
        await asyncio.wait({patient})

        assert len(server.requests) == 3
    assert isinstance(error, RequestTimeoutError)
    assert waiting
    assert found.id == ZONE_READ


async def test_a_call_after_a_failure_fetches_again() -> None:
    """
    An error is not remembered.
    """
    answer = reply(200, success([listed(ZONE_READ, "Zone Read", p.ZONE)]))
    async with RawServer(reply(403, failure()), answer) as server, client_of(server.base_url) as client:
        error = await failure_of(client.accounts.tokens.permission_groups.find("Zone Read"))
        found = await client.accounts.tokens.permission_groups.find("Zone Read")

    assert isinstance(error, PermissionDeniedError)
    assert found.id == ZONE_READ


def refusal() -> RateLimitedError:
    """
    Return an error with all attributes.
    """
    return RateLimitedError(
        "Too many.",
        errors=(ErrorData(971, "Slow down."),),
        ray_id="8f0",
        hint="Wait.",
        outcome_unknown=True,
        retry_after=3.0,
        sent=False,
    )


def lost() -> CFTokensError:
    """
    Return an error with a cause, a note and an attempt.
    """
    error = NoResponseError("No answer.", outcome_unknown=True)
    error.__cause__ = OSError(104, "reset")
    error.attempt = ATTEMPT
    error.add_note("An earlier try got no answer.")
    return error


@pytest.mark.parametrize(
    "failed",
    [
        refusal(),
        lost(),
        AuthenticationError("No.", status=401, ray_id="8f0", hint="Another credential."),
        UnexpectedResponseError("What?"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_each_caller_has_a_copy_of_the_error(failed: CFTokensError) -> None:
    """
    It has every attribute, note and cause of the original, and a note on one is not on the others.
    """
    fetches, catalogue = Fetches(), Catalogue()
    expected = (str(failed), {**vars(failed)}, failed.__cause__, failed.__suppress_context__)
    callers = await fetches.callers(catalogue, 3)
    fetches.outcome.set_exception(failed)
    errors = [await failure_of(caller) for caller in callers]
    seen = [(str(each), {**vars(each)}, each.__cause__, each.__suppress_context__) for each in errors]

    assert seen == [expected] * 3
    assert [type(error) for error in errors] == [type(failed)] * 3
    assert ["__call__" in str(traceback.extract_tb(error.__traceback__)) for error in errors] == [True] * 3

    errors[0].add_note("mine")
    assert ["mine" in getattr(error, "__notes__", []) for error in errors] == [True, False, False]


async def test_an_error_of_a_borrowed_session_passes_through() -> None:
    """
    An exception that is not ours reaches every caller as it is.
    """
    fetches, catalogue = Fetches(), Catalogue()
    callers = await fetches.callers(catalogue, 2)
    problem = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "of a hook")
    fetches.outcome.set_exception(problem)

    assert await asyncio.gather(*callers, return_exceptions=True) == [problem] * 2


async def test_a_cancelled_caller_leaves_the_fetch_to_the_others() -> None:
    """
    Whether it is the first or another, the rest and later ones get the catalogue from the same fetch.
    """
    fetches, catalogue = Fetches(), Catalogue()
    first, second, third = await fetches.callers(catalogue, 3)
    first.cancel()
    third.cancel()
    await asyncio.wait({first, third})
    (late,) = await fetches.callers(catalogue, 1)
    await asyncio.sleep(0)
    fetches.outcome.set_result(GROUPS)

    assert [await second, await late] == [1, 1]
    assert [first.cancelled(), third.cancelled()] == [True, True]
    assert (fetches.started, fetches.cancelled) == (1, 0)


async def test_a_timeout_of_the_caller_ends_its_wait_only() -> None:
    """
    Under asyncio.timeout() one caller gets a TimeoutError, and the other gets the catalogue.
    """
    fetches, catalogue = Fetches(), Catalogue()
    (other,) = await fetches.callers(catalogue, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await catalogue.look_up(USER, fetches, len)
    fetches.outcome.set_result(GROUPS)

    assert await other == 1
    assert fetches.started == 1


@pytest.mark.parametrize("number", [1, 3])
async def test_the_last_cancelled_caller_cancels_the_fetch(number: int) -> None:
    """
    It ends only after the fetch has cleaned up, so no task outlives it.
    """
    fetches, catalogue = Fetches(), Catalogue()
    callers = await fetches.callers(catalogue, number)
    cleaned_up: list[int] = []
    callers[-1].add_done_callback(lambda _: cleaned_up.append(fetches.cancelled))
    for caller in callers:
        caller.cancel()
    await asyncio.wait(callers)

    assert cleaned_up == [1]
    assert all(caller.cancelled() for caller in callers)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_fetch_that_is_being_cancelled_is_not_joined() -> None:
    """
    A call that comes while it cleans up starts another, which later calls join.
    """
    fetches, catalogue = Fetches(), Catalogue()
    (first,) = await fetches.callers(catalogue, 1)
    first.cancel()
    await asyncio.sleep(0)
    second, third = await fetches.callers(catalogue, 2)
    await asyncio.wait({first})
    fourth = asyncio.create_task(catalogue.look_up(USER, fetches, len))
    await asyncio.sleep(0)
    fetches.outcome.set_result(GROUPS)

    assert [await second, await third, await fourth] == [1] * 3
    assert (fetches.started, fetches.cancelled) == (2, 1)


async def test_a_second_cancellation_does_not_wait_for_the_clean_up() -> None:
    """
    The caller ends at once, and the fetch ends by itself.
    """
    fetches, catalogue = Fetches(), Catalogue()
    (caller,) = await fetches.callers(catalogue, 1)
    caller.cancel()
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    left = asyncio.all_tasks() - {asyncio.current_task()}
    await asyncio.gather(*left, return_exceptions=True)

    assert caller.cancelled()
    assert fetches.cancelled == 1


async def test_a_fetch_that_fails_while_it_is_cancelled_is_not_reported() -> None:
    """
    Asyncio logs no exception that was never retrieved.
    """
    reported: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    began = asyncio.Event()

    async def fail() -> tuple[PermissionGroup, ...]:
        began.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise NoResponseError("No answer.") from None
        return GROUPS

    callers = [asyncio.create_task(Catalogue().look_up(USER, fail, len))]
    await began.wait()
    callers[0].cancel()
    await asyncio.wait(callers)
    cancelled = callers.pop().cancelled()
    gc.collect()

    assert cancelled
    assert reported == []


@pytest.mark.parametrize("outcome", ["a result", "an error", "a cancellation"])
async def test_nothing_is_left_of_a_fetch(outcome: str) -> None:
    """
    Once its callers have their result, its error or their cancellation, the catalogue holds no task.
    """
    fetches, catalogue = Fetches(), Catalogue()
    callers = await fetches.callers(catalogue, 2)
    if outcome == "a result":
        fetches.outcome.set_result(GROUPS)
    elif outcome == "an error":
        fetches.outcome.set_exception(NoResponseError("No answer."))
    else:
        for caller in callers:
            caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)

    assert catalogue._under_way == {}


async def test_a_failed_fetch_is_not_joined() -> None:
    """
    A call that comes after the failure, even before any caller has seen it, fetches for itself.
    """
    catalogue, failed = Catalogue(), asyncio.Event()

    async def fail() -> tuple[PermissionGroup, ...]:
        await asyncio.sleep(0)
        failed.set()
        raise NoResponseError("No answer.")

    async def succeed() -> tuple[PermissionGroup, ...]:
        return GROUPS

    async def late() -> int:
        await failed.wait()
        return await catalogue.look_up(USER, succeed, len)

    second = asyncio.create_task(late())
    first = await failure_of(catalogue.look_up(USER, fail, len))

    assert isinstance(first, NoResponseError)
    assert await second == 1


async def test_a_cancelled_fetch_cancels_its_callers() -> None:
    """
    When a loop shuts down, it cancels the fetch too, and nothing hangs.
    """
    fetches, catalogue = Fetches(), Catalogue()
    callers = await fetches.callers(catalogue, 2)
    for task in asyncio.all_tasks() - {*callers, asyncio.current_task()}:
        task.cancel()
    await asyncio.wait(callers)

    assert [caller.cancelled() for caller in callers] == [True, True]


def test_a_catalogue_survives_its_loop() -> None:
    """
    A second event loop uses what was fetched in the first, and fetches the rest.
    """
    clock = Clock()
    catalogue = Catalogue(clock)
    fetched = []

    async def fetch() -> tuple[PermissionGroup, ...]:
        fetched.append(clock.now)
        return GROUPS

    async def both(*accounts: str) -> list[int]:
        sources = [Source(account, 30.0, Retry()) for account in accounts]
        return list(await asyncio.gather(*(catalogue.look_up(source, fetch, len) for source in sources)))

    assert asyncio.run(both("a", "b")) == [1, 1]
    assert asyncio.run(both("a", "b")) == [1, 1]
    assert len(fetched) == 2
    assert asyncio.run(both("b", "c")) == [1, 1]
    assert len(fetched) == 3
    clock.now += 301
    assert asyncio.run(both("a", "b")) == [1, 1]
    assert len(fetched) == 5


def test_a_fetch_of_another_loop_is_not_joined() -> None:
    """
    A call does not wait for a loop that stands still or is closed, and that loop's own call is undisturbed.
    """
    catalogue = Catalogue()
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()

    async def start() -> "tuple[Fetches, asyncio.Task[int]]":
        fetches = Fetches()
        (caller,) = await fetches.callers(catalogue, 1)
        return fetches, caller

    async def call() -> int:
        return await catalogue.look_up(USER, fetch, len)

    async def fetch() -> tuple[PermissionGroup, ...]:
        return GROUPS

    fetches, caller = first.run_until_complete(start())
    there = second.run_until_complete(asyncio.wait_for(call(), 10))
    fetches.outcome.set_result(GROUPS)
    here = first.run_until_complete(asyncio.wait_for(caller, 10))
    first.close()
    second.close()

    assert (there, here, fetches.started) == (1, 1, 1)


FORK = """
import os, sys, threading
from cftokens.sync import Client

client = Client(rate_limit=None)
find = client.accounts.tokens.permission_groups.find
found = []
call = threading.Thread(target=lambda: found.append(find("Zone Read").name))
call.start()
sys.stdin.readline()
child = os.fork()
if child == 0:
    os._exit(find("Zone Read").name != "Zone Read")
print("child", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
call.join()
print(found)
client.close()
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
async def test_a_forked_child_does_not_wait_for_its_parents_fetch() -> None:
    """
    The child fetches the catalogue itself, and the parent's call still gets its answer.
    """
    arrived, release = asyncio.Event(), asyncio.Event()
    answer = reply(200, success([listed(ZONE_READ, "Zone Read", p.ZONE)]))

    async def wait(exchange: Exchange) -> None:
        arrived.set()
        await release.wait()
        await answer(exchange)

    async with RawServer(wait, answer) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORK),
            env=os.environ
            | {
                "CLOUDFLARE_BASE_URL": server.base_url,
                "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
                "CLOUDFLARE_API_TOKEN": CREDENTIAL,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            async with asyncio.timeout(20):
                await arrived.wait()
                process.stdin.write(b"\n")
                child = await process.stdout.readline()
                release.set()
                output, errors = await process.communicate()
        except BaseException:
            process.kill()
            release.set()
            raise

    assert (child, process.returncode, output, errors) == (b"child 0\n", 0, b"['Zone Read']\n", b"")
    assert len(server.requests) == 2
