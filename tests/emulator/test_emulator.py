"""
Starting, using and closing an emulator.
"""

import asyncio
import inspect
import io
import json
from typing import Any

import aiohttp
import pytest

from cftokens import RateLimit
from cftokens.emulator import Emulator, Fault, RecordedRequest, _emulator, _server
from cftokens.sync.emulator import Emulator as BlockingEmulator

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
