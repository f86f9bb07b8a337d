"""
Starting, using and closing an emulator.
"""

import asyncio
import inspect
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from cftokens import Client, RateLimit, RateLimitedError, Retry
from cftokens.emulator import Emulator, Fault, RecordedRequest, _emulator, _server
from cftokens.sync.emulator import Emulator as BlockingEmulator
from tests.support import failure_of

from .caller import UNKNOWN_VALUE, Caller


@pytest.mark.parametrize(
    "name",
    ["base_url", "account_id", "account_ids", "user_id", "api_token", "api_tokens", "user_api_token"],
)
def test_before_start(name: str) -> None:
    """
    The URL, ids and tokens are not available before the emulator starts.
    """
    with pytest.raises(RuntimeError, match="The emulator has not been started"):
        getattr(Emulator(), name)


async def test_start_twice() -> None:
    """
    An emulator can be started only once, even after it is closed.
    """
    async with Emulator() as emulator:
        with pytest.raises(RuntimeError, match="This emulator has already been started"):
            await emulator.__aenter__()

    with pytest.raises(RuntimeError, match="This emulator has already been started"):
        await emulator.__aenter__()


async def test_after_close(session: aiohttp.ClientSession) -> None:
    """
    A closed emulator no longer answers but still has its requests, and closing it again does nothing.
    """
    async with Emulator() as emulator:
        await Caller(emulator, session).send("GET")
    await emulator.__aexit__(None, None, None)

    with pytest.raises(aiohttp.ClientConnectorError):
        await Caller(emulator, session).send("GET")

    assert len(emulator.requests) == 1


async def test_close_before_start() -> None:
    """
    Closing an emulator that was never started does nothing.
    """
    emulator = Emulator()

    await emulator.__aexit__(None, None, None)

    assert emulator.requests == []


async def test_repr() -> None:
    """
    An emulator's repr shows its address once it has one.
    """
    emulator = Emulator()
    before = repr(emulator)
    async with emulator:
        during = repr(emulator)

    assert before == "<Emulator, not started>"
    assert during == f"<Emulator at {emulator.base_url}>"


async def test_two_at_once(emulator: Emulator, session: aiohttp.ClientSession) -> None:
    """
    Two emulators share nothing.
    """
    async with Emulator() as other:
        answer = await Caller(emulator, session).send("GET", bearer=other.api_token)

    assert answer.refusal[:2] == (403, 9109)
    assert other.account_id != emulator.account_id
    assert other.requests == []


async def test_port_in_use(emulator: Emulator) -> None:
    """
    A port in use raises OSError and leaves nothing open.
    """
    port = int(emulator.base_url.removesuffix("/client/v4").rpartition(":")[2])

    with pytest.raises(OSError, match="address already in use"):
        await Emulator(port=port).__aenter__()


async def test_requests(account: Caller) -> None:
    """
    Requests are recorded in order.
    """
    await account.send("GET", params={"page": "2", "name": "ci"})
    await account.send("GET", path="/nothing")

    recorded = account.emulator.requests

    assert recorded == [
        RecordedRequest(
            method="GET",
            path=account.tokens,
            query={"page": "2", "name": "ci"},
            operation="list",
            status=200,
        ),
        RecordedRequest(method="GET", path="/nothing", query={}, operation=None, status=404),
    ]


async def test_most_requests(monkeypatch: pytest.MonkeyPatch, account: Caller) -> None:
    """
    Of too many requests, the oldest are dropped from the record, which stays the same list.
    """
    monkeypatch.setattr(_server, "MOST_RECORDED", 2)
    recorded = account.emulator.requests

    for page in (1, 2, 3):
        await account.send("GET", params={"page": str(page)})

    assert [request.query["page"] for request in recorded] == ["2", "3"]
    assert recorded is account.emulator.requests


@pytest.mark.parametrize(
    ("value", "shown"), [(UNKNOWN_VALUE, "cfat_…"), ("8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T", "…")]
)
async def test_no_secret_is_recorded(account: Caller, value: str, shown: str) -> None:
    """
    Token values in the path, query and headers are not recorded.
    """
    await account.send("GET", f"/{value}?name={value}&{value}=x")

    (recorded,) = account.emulator.requests

    assert recorded.path == f"{account.tokens}/{shown}"
    assert recorded.query == {"name": shown, shown: "x"}
    assert account.value[5:] not in repr(recorded)


async def test_large_body(account: Caller) -> None:
    """
    A large body is read and validated like any other.
    """
    body = io.BytesIO(json.dumps(account.body(name="x" * 5_000_000)).encode())

    answer = await account.send("POST", data=body)

    assert answer.refusal[:2] == (400, 400)


async def test_idle_connection(account: Caller) -> None:
    """
    Closing does not wait for idle connections.
    """
    async with asyncio.timeout(5), aiohttp.ClientSession() as keeping, Emulator() as emulator:
        answer = await Caller(emulator, keeping).send("GET")

    assert answer.status == 200


@pytest.mark.parametrize(
    ("argument", "mistake", "rule"),
    [
        *(("propagation", each, "a non-negative finite number") for each in (-1, float("inf"), "2", True)),
        *(("lockout", each, "a positive whole number or None") for each in (0, -1, 1.5, True)),
    ],
)
@pytest.mark.parametrize("make", [Emulator, BlockingEmulator])
def test_bad_argument(make: Any, argument: str, mistake: Any, rule: str) -> None:
    """
    An impossible time or number is refused at once.
    """
    with pytest.raises(ValueError, match=f"{argument} must be {rule}, not {mistake!r}"):
        make(**{argument: mistake})


def test_blocking_twin() -> None:
    """
    Both emulators take the same arguments and have the same methods.
    """
    ours, theirs = [
        {name: inspect.signature(member) for name, member in inspect.getmembers(each, inspect.isfunction)}
        for each in (Emulator, BlockingEmulator)
    ]
    theirs["client"] = theirs["client"].replace(return_annotation=ours["client"].return_annotation)
    public = [name for name in ours if not name.startswith("_") and name != "client_options"]

    assert [theirs[name] for name in ["__init__", *public]] == [ours[name] for name in ["__init__", *public]]


def test_blocking_expose() -> None:
    """
    The blocking emulator exposes a token, too.
    """
    with BlockingEmulator() as emulator, emulator.client() as client:
        token = client.accounts.tokens.create(name="ci", policies=[])
        emulator.expose(token.id)
        shown = client.accounts.tokens.get(token.id)

    assert shown.status == "revoked (exposed)"


@pytest.mark.parametrize("limit", [None, RateLimit(requests=5, period=1)])
async def test_client(monkeypatch: pytest.MonkeyPatch, limit: RateLimit | None) -> None:
    """
    A client has the account's first token and the emulator's rate limit.
    """
    monkeypatch.setattr(_emulator, "Client", dict)

    async with Emulator(rate_limit=limit) as emulator:
        options: Any = emulator.client()

    assert options == {
        "api_token": emulator.api_token,
        "account_id": emulator.account_id,
        "base_url": emulator.base_url,
        "rate_limit": limit,
    }


async def test_client_of_an_emulator_with_a_burst_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If only the limit of addresses is on, a client keeps Cloudflare's pace, which includes that limit.
    """
    monkeypatch.setattr(_emulator, "Client", dict)

    async with Emulator(burst_limit=RateLimit(requests=200, period=1)) as emulator:
        options: Any = emulator.client()

    assert options["rate_limit"] == RateLimit()


async def test_a_client_waits_after_a_429(emulator: Emulator) -> None:
    """
    After an injected 429, the next call of a client without a limit is not sent either.
    """
    emulator.inject(Fault.rate_limited(retry_after=300))
    async with emulator.client(retry=Retry(budget=0)) as client:
        errors = [await failure_of(client.accounts.tokens.verify()) for _ in range(2)]

    assert [isinstance(error, RateLimitedError) and error.sent for error in errors] == [True, False]
    assert len(emulator.requests) == 1


async def test_blocking_emulator_lends_an_async_client() -> None:
    """
    The blocking emulator's async client has the settings of its blocking one, and works on any loop.
    """
    with BlockingEmulator(accounts=2) as emulator:
        account_id = emulator.account_ids[1]
        async with emulator.async_client(account_id=account_id) as client:
            verified = await client.accounts.tokens.verify()

    assert isinstance(client, Client)
    assert (client.account_id, verified.status) == (account_id, "active")


async def roll(emulator: Emulator, client: Client) -> None:
    """
    Replace the value of the account's first token.
    """
    verified = await client.accounts.tokens.verify()
    await client.accounts.tokens.value.update(verified.id)


async def fail_to_authenticate(emulator: Emulator, client: Client) -> None:
    """
    Send an unknown value.
    """
    await failure_of(client.with_options(api_token=UNKNOWN_VALUE).accounts.tokens.get("0" * 32))


async def inject(emulator: Emulator, client: Client) -> None:
    """
    Inject a fault that always strikes.
    """
    emulator.inject(Fault.status(502), times=None)


async def spend(emulator: Emulator, client: Client) -> None:
    """
    Send a request.
    """
    await client.accounts.tokens.verify()


@pytest.mark.parametrize(
    ("settings", "change"),
    [
        ({}, roll),
        ({"propagation": 60}, roll),
        ({"lockout": 1}, fail_to_authenticate),
        ({}, inject),
        ({"rate_limit": RateLimit(requests=1)}, spend),
        ({"burst_limit": RateLimit(requests=1)}, spend),
    ],
)
async def test_reset(settings: dict[str, Any], change: Callable[[Emulator, Client], Awaitable[None]]) -> None:
    """
    A reset emulator has the same address, ids and first values, and accepts these as if nothing had happened.
    """
    async with Emulator(**settings) as emulator:
        before = (emulator.base_url, emulator.account_ids, emulator.user_id, emulator.api_tokens)
        async with emulator.client(retry=None) as client:
            await change(emulator, client)
        emulator.reset()
        recorded = list(emulator.requests)
        async with emulator.client(retry=None) as client:
            verified = await client.accounts.tokens.verify()

    assert verified.status == "active"
    assert recorded == []
    assert before == (emulator.base_url, emulator.account_ids, emulator.user_id, emulator.api_tokens)


async def test_reset_forgets_that_the_first_tokens_were_used(emulator: Emulator) -> None:
    """
    After a reset the user's first token has never been used, and a deleted one is there again.
    """
    user = emulator.client(api_token=emulator.user_api_token)
    async with emulator.client() as client, user:
        verified = await client.accounts.tokens.verify()
        await client.accounts.tokens.delete(verified.id)
        await user.user.tokens.verify()
        emulator.reset()
        (shown,) = await user.with_options(api_token=emulator.user_api_token).user.tokens.list().collect()
        emulator.reset()
        again = await client.accounts.tokens.verify()

    assert shown.last_used_on is not None
    assert again == verified


def test_blocking_reset() -> None:
    """
    The blocking emulator is reset, too, but not before it is started.
    """
    with pytest.raises(RuntimeError, match="has not been started"):
        BlockingEmulator().reset()
    with BlockingEmulator() as emulator, emulator.client() as client:
        client.accounts.tokens.create(name="ci", policies=[])
        emulator.reset()
        tokens = list(client.accounts.tokens.list())

    assert len(tokens) == 1


async def test_client_with_options(monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> None:
    """
    Settings passed to ``client()`` override the emulator's.
    """
    monkeypatch.setattr(_emulator, "Client", dict)

    options: Any = emulator.client(api_token="mine", timeout=1)

    assert (options["api_token"], options["timeout"]) == ("mine", 1)


async def test_client_calls(emulator: Emulator) -> None:
    """
    The client can call the emulator.
    """
    async with emulator.client() as client:
        verified = await client.accounts.tokens.verify()

    assert verified.status == "active"


def test_repr_of_fault() -> None:
    """
    A fault's repr shows its attributes.
    """
    shown = repr(Fault.drop_after())

    assert shown == "Fault(runs=True, reply=None, seconds=0, sent='nothing')"
