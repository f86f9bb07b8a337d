"""
A credential that is asked for before each try.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from functools import partial
from typing import Any

import attrs
import pytest

import cftokens.sync
from cftokens import (
    AuthenticationError,
    CFTokensError,
    Client,
    ClosedError,
    CredentialError,
    RateLimit,
    Retry,
    TokenValue,
    WrongLoopError,
)
from cftokens._secret import HiddenAsk
from cftokens.emulator import Emulator
from cftokens.sync._callbacks import _set_result
from cftokens.sync.emulator import Emulator as BlockingEmulator
from tests.servers import RawServer, drop, hang, reply
from tests.support import CALLS, assert_no_secret, client_of, failure_of
from tests.vocabulary import ACCOUNT, CREDENTIAL, MARK, MINTED, TOKEN, TOKEN_ID, entry, failure, success

VERIFIED = reply(200, success({"id": TOKEN_ID, "status": "active"}))
OLD_FORM = f"{MARK}-old-form-without-a-prefix"


def sent(server: RawServer) -> list[str]:
    """
    Return the credentials that a server received.
    """
    return [request.headers["authorization"].removeprefix("Bearer ") for request in server.requests]


def following(*values: Any) -> Callable[[], Any]:
    """
    Return a function that returns one value after the other.
    """
    return partial(next, iter(values))


async def soon(value: Any) -> Any:
    """
    Return a value after giving way to other tasks.
    """
    await asyncio.sleep(0)
    return value


def done(value: Any) -> "asyncio.Future[Any]":
    """
    Return a future with a result.
    """
    future = asyncio.get_running_loop().create_future()
    future.set_result(value)
    return future


class Asked:
    """
    An async function that returns a credential when the test says so, and counts its calls.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.cancelled = 0
        self.called = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self) -> str:
        self.calls += 1
        self.called.set()
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return CREDENTIAL


@pytest.mark.parametrize(
    "wrap", [lambda value: value, TokenValue, soon, lambda value: soon(TokenValue(value)), done]
)
async def test_each_request_has_the_latest_value(wrap: Callable[[str], Any]) -> None:
    """
    The function may return a str, a TokenValue, or an awaitable of one, and a change is followed.
    """
    values = iter([CREDENTIAL, MINTED])
    async with (
        RawServer(VERIFIED) as server,
        client_of(server.base_url, api_token=lambda: wrap(next(values))) as client,
    ):
        await client.accounts.tokens.verify()
        await client.accounts.tokens.verify()

    assert sent(server) == [CREDENTIAL, MINTED]


async def test_each_try_has_the_latest_value() -> None:
    """
    A request that is sent again has the value of that time.
    """
    async with (
        RawServer(reply(500), VERIFIED) as server,
        client_of(server.base_url, api_token=following(CREDENTIAL, MINTED)) as client,
    ):
        await client.accounts.tokens.verify()

    assert sent(server) == [CREDENTIAL, MINTED]


def test_the_blocking_client_asks_too() -> None:
    """
    It asks a plain function, in a thread that is neither the caller's nor the loop's.
    """
    threads: set[str] = set()

    with BlockingEmulator() as emulator:

        def ask() -> str:
            threads.add(threading.current_thread().name)
            return emulator.api_token

        with cftokens.sync.Client(ask, account_id=emulator.account_id, base_url=emulator.base_url) as client:
            client.accounts.tokens.verify()
            view = client.with_options(api_token=ask, timeout=5.0)
            view.accounts.tokens.verify()

    assert len(threads) == 1
    assert not threads & {"cftokens", threading.current_thread().name}


def test_the_function_may_use_another_blocking_client() -> None:
    """
    It runs in a thread, where that is allowed.
    """
    with BlockingEmulator() as emulator, emulator.client() as vault:

        def ask() -> str:
            vault.accounts.tokens.verify()
            return emulator.api_token

        with cftokens.sync.Client(ask, account_id=emulator.account_id, base_url=emulator.base_url) as client:
            assert client.accounts.tokens.verify().status == "active"


def test_the_function_of_a_blocking_client_cannot_use_that_client() -> None:
    """
    It would wait for itself, so this is an error at once.
    """
    clients: list[cftokens.sync.Client] = []

    def ask() -> str:
        return clients[0].accounts.tokens.verify().id

    with cftokens.sync.Client(ask, account_id=ACCOUNT, base_url="http://127.0.0.1:1") as client:
        clients.append(client)
        with pytest.raises(CredentialError) as caught:
            client.accounts.tokens.verify()

    assert "uses the client that asks it" in str(caught.value.__cause__)


async def test_the_function_cannot_use_its_own_client() -> None:
    """
    It would wait for itself, even by way of another client, so this is an error at once.
    """

    async def ask(index: int) -> str:
        await clients[index].accounts.tokens.verify()
        return CREDENTIAL

    async with RawServer(VERIFIED) as server:
        clients = [client_of(server.base_url, api_token=partial(ask, index)) for index in (1, 0)]
        error: BaseException | None = await failure_of(clients[0].accounts.tokens.verify())
        for client in clients:
            await client.close()

    messages = []
    while error is not None:
        messages.append(str(error))
        error = error.__cause__
    assert "uses the client that asks it" in messages[-1]
    assert server.requests == []


async def test_a_task_that_the_function_started_may_use_the_client_later() -> None:
    """
    The call that started it has ended, so nothing waits for itself.
    """
    tasks: list[asyncio.Task[Any]] = []
    go_on = asyncio.Event()

    async def later() -> str:
        await go_on.wait()
        return (await client.accounts.tokens.verify()).status

    async def ask() -> str:
        if not tasks:
            tasks.append(asyncio.create_task(later()))
        return CREDENTIAL

    async with RawServer(VERIFIED) as server, client_of(server.base_url, api_token=ask) as client:
        await client.accounts.tokens.verify()
        go_on.set()

        assert await tasks[0] == "active"


@pytest.mark.parametrize("kind", ["function", "object", "partial"])
@pytest.mark.parametrize("place", ["client", "view"])
def test_the_blocking_client_takes_no_coroutine_function(kind: str, place: str) -> None:
    """
    An ``async def`` needs a loop of its own, so it is a TypeError at once.
    """
    ask: Any = {"function": soon, "object": Waiting(), "partial": partial(soon, CREDENTIAL)}[kind]
    take: Any = {
        "client": cftokens.sync.Client,
        "view": lambda api_token: cftokens.sync.Client("x").with_options(api_token=api_token),
    }[place]
    with pytest.raises(TypeError, match="api_token must be a plain function here") as caught:
        take(api_token=ask)

    assert_hidden_below(caught.value)


class Waiting:
    """
    An object that is called like an ``async def``.
    """

    async def __call__(self) -> str:
        return CREDENTIAL


def assert_hidden_below(error: BaseException) -> None:
    """
    Look for a secret in the frames below the test's own.
    """
    ours = error.__traceback__
    while ours is not None and not ours.tb_frame.f_globals["__name__"].startswith("cftokens"):
        ours = ours.tb_next
    assert ours is not None
    assert_no_secret(error.with_traceback(ours))


@pytest.mark.parametrize(("returned", "kind"), [(soon, "coroutine"), (lambda _: None, "None")])
def test_an_awaitable_in_the_blocking_client(returned: Callable[[str], Any], kind: str) -> None:
    """
    A plain function that returns one, or nothing, is a CredentialError.
    """
    client = cftokens.sync.Client(
        lambda: returned(CREDENTIAL), account_id=ACCOUNT, base_url="http://127.0.0.1:1"
    )
    with client, pytest.raises(CredentialError, match=rf"api_token\(\) must be a str or .*, not {kind}"):
        client.accounts.tokens.verify()


WRONG: dict[str, tuple[Any, str]] = {
    "nothing": (None, r"api_token() must be a str or a TokenValue, not None. The request was not sent."),
    "bytes": (CREDENTIAL.encode(), r"api_token() must be a str or a TokenValue, not bytes."),
    "empty": ("", "api_token() cannot be used: it is empty."),
    "a line break": (f"{CREDENTIAL}\n", "api_token() cannot be used: it has a line break in it."),
    "a prefix": (f"Bearer {CREDENTIAL}", "api_token() cannot be used: it begins with 'Bearer '"),
}


@pytest.mark.parametrize("wrap", [lambda value: value, soon])
@pytest.mark.parametrize("what", WRONG)
async def test_what_cannot_be_a_credential_is_sent_nowhere(what: str, wrap: Callable[[Any], Any]) -> None:
    """
    It is a CredentialError that does not show it.
    """
    value, message = WRONG[what]
    async with (
        RawServer(VERIFIED) as server,
        client_of(server.base_url, api_token=lambda: wrap(value)) as client,
    ):
        error = await failure_of(client.accounts.tokens.verify())

    assert type(error) is CredentialError
    assert message in str(error)
    assert server.requests == []


def raising(error: BaseException) -> Callable[[], str]:
    """
    Return a function that raises.
    """

    def ask() -> str:
        raise error

    return ask


def raising_later(error: BaseException) -> Callable[[], Awaitable[str]]:
    """
    Return an async function that raises.
    """

    async def ask() -> str:
        await asyncio.sleep(0)
        raise error

    return ask


@pytest.mark.parametrize("make", [raising, raising_later])
@pytest.mark.parametrize(
    "original",
    [
        FileNotFoundError("gone"),
        SystemExit(1),
        asyncio.CancelledError(),
        TimeoutError("slow"),
        ClosedError("x"),
    ],
)
async def test_a_function_that_raises(make: Callable[[BaseException], Any], original: BaseException) -> None:
    """
    The call fails with a CredentialError, whose cause is the original, and nothing was sent.
    """
    async with (
        RawServer(VERIFIED) as server,
        client_of(server.base_url, api_token=make(original)) as client,
    ):
        error = await failure_of(CALLS["create"](client))

    assert type(error) is CredentialError
    assert str(error) == f"api_token() raised {type(original).__name__}, so the request was not sent."
    assert error.__cause__ is original
    assert not error.outcome_unknown
    assert server.requests == []


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_function_that_exits_leaves_the_blocking_client_usable(kind: type[BaseException]) -> None:
    """
    Neither a SystemExit nor a KeyboardInterrupt ends the client's loop.
    """
    exits = raising(kind())
    with BlockingEmulator() as emulator, emulator.client() as client:
        view = client.with_options(api_token=exits)
        for _ in range(2):
            with pytest.raises(CredentialError, match=kind.__name__):
                view.accounts.tokens.verify()

        assert client.accounts.tokens.verify().status == "active"


async def test_a_failure_after_a_lost_answer_leaves_the_outcome_unknown() -> None:
    """
    The request was not sent again, but the first one may have had an effect.
    """
    values: Iterator[str] = iter([CREDENTIAL])
    async with (
        RawServer(drop) as server,
        client_of(server.base_url, api_token=lambda: next(values)) as client,
    ):
        error = await failure_of(CALLS["update"](client))

    assert type(error) is CredentialError
    assert error.outcome_unknown
    assert len(server.requests) == 1


async def test_requests_at_the_same_time_share_one_call() -> None:
    """
    Views with other settings share it, too, and so do views that got the function again.
    """
    ask = Asked()
    async with RawServer(VERIFIED) as server, client_of(server.base_url, api_token=ask) as client:
        clients = [client, client.with_options(timeout=9.0), client.with_options(api_token=ask), client]
        calls = [asyncio.create_task(each.accounts.tokens.verify()) for each in clients]
        await ask.called.wait()
        await soon(None)
        ask.go_on.set()
        await asyncio.gather(*calls)

    assert ask.calls == 1
    assert sent(server) == [CREDENTIAL] * 4


async def test_each_of_them_gets_an_error_of_its_own() -> None:
    """
    What one call notes on it does not show up in another.
    """
    fails = raising_later(OSError("gone"))
    async with client_of("http://127.0.0.1:1", api_token=fails) as client:
        first, second = await asyncio.gather(
            client.accounts.tokens.verify(), client.accounts.tokens.verify(), return_exceptions=True
        )

    assert isinstance(first, CredentialError)
    assert first is not second
    assert first.__cause__ is not None


async def test_one_of_them_is_cancelled() -> None:
    """
    The call goes on for the others.
    """
    ask = Asked()
    async with RawServer(VERIFIED) as server, client_of(server.base_url, api_token=ask) as client:
        first, second = (asyncio.create_task(client.accounts.tokens.verify()) for _ in range(2))
        await ask.called.wait()
        await soon(None)
        first.cancel()
        await asyncio.wait({first})
        ask.go_on.set()
        await second

    assert first.cancelled()
    assert (ask.calls, ask.cancelled) == (1, 0)


async def test_all_of_them_are_cancelled() -> None:
    """
    Then the call is cancelled, and the next request asks again.
    """
    ask = Asked()
    async with RawServer(VERIFIED) as server, client_of(server.base_url, api_token=ask) as client:
        calls = [asyncio.create_task(client.accounts.tokens.verify()) for _ in range(2)]
        await ask.called.wait()
        await soon(None)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
        assert (ask.calls, ask.cancelled) == (1, 1)

        ask.go_on.set()
        await client.accounts.tokens.verify()

    assert ask.calls == 2


def test_a_loop_may_end_while_the_function_is_called(caplog: pytest.LogCaptureFixture) -> None:
    """
    The call ends as cancelled, so that asyncio has no error of a task to report.
    """

    async def main() -> None:
        ask = Asked()
        client = client_of("http://127.0.0.1:1", api_token=ask)
        left = asyncio.ensure_future(client.accounts.tokens.verify())
        await ask.called.wait()
        assert not left.done()

    asyncio.run(main())

    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_the_function_has_as_long_as_a_try() -> None:
    """
    After *timeout* the call fails, and the function is cancelled.
    """
    ask = Asked()
    async with client_of("http://127.0.0.1:1", api_token=ask, timeout=0.02) as client:
        error = await failure_of(client.accounts.tokens.verify())

    assert type(error) is CredentialError
    assert str(error) == "api_token() took more than 0.02 seconds, so the request was not sent."
    assert ask.cancelled == 1


async def test_a_client_that_is_closed_meanwhile_sends_nothing() -> None:
    """
    A value that arrives afterwards is not used.
    """
    ask = Asked()
    async with RawServer(VERIFIED) as server:
        client = client_of(server.base_url, api_token=ask)
        call = asyncio.create_task(client.accounts.tokens.verify())
        await ask.called.wait()
        await client.close()
        ask.go_on.set()
        error = await failure_of(call)

    assert isinstance(error, ClosedError)
    assert server.requests == []


@attrs.define
class Mounted:
    """
    A function that cannot be hashed.
    """

    value: str

    def __call__(self) -> str:
        return self.value

    def read(self) -> str:
        """
        Return the value.
        """
        return self.value


@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_the_pace_belongs_to_the_function(kind: Any) -> None:
    """
    Views with the same function, or the same method of one object, share it; other functions do not.
    """
    mounted = Mounted(CREDENTIAL)
    client = kind(mounted, account_id=ACCOUNT)

    def pace_of(ask: Any) -> Any:
        view = client.with_options(api_token=ask)
        return getattr(view, "_wrapped", view)._owners.sender.settings.pace

    same = getattr(client, "_wrapped", client)._owners.sender.settings.pace
    assert pace_of(mounted) is same
    assert pace_of(mounted.read) is pace_of(mounted.read)
    assert pace_of(mounted.read) is not same
    assert pace_of(Mounted(CREDENTIAL)) is not same


async def test_the_catalogue_belongs_to_the_function(emulator: Emulator) -> None:
    """
    A view with the same function, and a client whose value changes, use the remembered groups.
    """

    def ask() -> str:
        return emulator.api_token

    async with client_of(emulator, api_token=ask) as client:
        await client.accounts.tokens.permission_groups.find("DNS Write")
        before = len(emulator.requests)
        await client.with_options(api_token=ask).accounts.tokens.permission_groups.find("DNS Write")

        assert len(emulator.requests) == before


async def test_the_value_of_the_try_is_masked() -> None:
    """
    An error shows no value, not even one in the old form that the answer repeats.
    """
    refusal = reply(400, failure(entry(1, f"{OLD_FORM} is wrong")))
    values = iter([OLD_FORM, "x"])
    async with (
        RawServer(refusal) as server,
        client_of(server.base_url, api_token=lambda: next(values)) as client,
    ):
        error = await failure_of(client.accounts.tokens.verify())

    assert "<hidden> is wrong" in str(error)


async def test_an_id_that_repeats_the_latest_value_is_masked(caplog: pytest.LogCaptureFixture) -> None:
    """
    The warning about a token that came out differently does not show it.
    """
    odd = {**TOKEN, "id": OLD_FORM, "name": "another", "value": MINTED}
    async with (
        RawServer(reply(200, success(odd))) as server,
        client_of(server.base_url, api_token=lambda: OLD_FORM) as client,
    ):
        await CALLS["create"](client)

    assert "<hidden>" in caplog.text


@pytest.mark.parametrize(("value", "hint"), [(CREDENTIAL, "account-owned"), ("cfut_" + "b" * 40, None)])
async def test_a_hint_is_about_the_value_of_the_try(value: str, hint: str | None) -> None:
    """
    Its kind decides what is said about a refusal.
    """
    refusal = reply(401, failure(entry(1000, "Invalid API Token")))
    async with RawServer(refusal) as server, client_of(server.base_url, api_token=lambda: value) as client:
        error = await failure_of(client.user.tokens.verify())

    assert isinstance(error, AuthenticationError)
    assert ("The credential is an account-owned token" in str(error)) is (hint is not None)


async def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Even if the function fails, no other credential is sent.
    """
    monkeypatch.setenv("CLOUDFLARE_API_TOKEN", MINTED)
    async with RawServer(VERIFIED) as server, client_of(server.base_url, api_token=lambda: "") as client:
        await failure_of(client.accounts.tokens.verify())

    assert server.requests == []


@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_no_repr_shows_what_a_function_holds(kind: Any) -> None:
    """
    Neither the client's repr nor a frame of ours shows the arguments of a partial.
    """
    ask: Any = partial(str, CREDENTIAL)
    client = kind(ask, account_id=ACCOUNT)
    settings = getattr(client, "_wrapped", client)._owners.sender.settings
    assert MARK not in f"{client!r} {settings!r} {vars(settings.source)!r}"

    with pytest.raises(ValueError, match="timeout") as caught:
        kind(ask, timeout=-1)
    assert_hidden_below(caught.value)


def test_a_client_moves_to_a_new_loop_while_its_function_is_called() -> None:
    """
    What was under way on a loop that ended is forgotten.
    """

    async def main() -> None:
        async with RawServer(VERIFIED) as server:
            asks.append(Asked())
            clients.append(clients[0] if clients else client_of(server.base_url, api_token=latest))
            call = asyncio.create_task(clients[0].accounts.tokens.verify())
            await asks[-1].called.wait()
            call.cancel()
            await asyncio.wait({call})

    clients: list[Client] = []
    asks: list[Asked] = []

    async def latest() -> str:
        return await asks[-1]()

    asyncio.run(main())
    asyncio.run(main())

    assert [ask.calls for ask in asks] == [1, 1]


def test_another_loop_is_refused_before_the_function_is_called() -> None:
    """
    A request from another running loop is a WrongLoopError, as without a function.
    """
    calls: list[int] = []

    def ask() -> str:
        calls.append(1)
        return CREDENTIAL

    async def first() -> None:
        async with RawServer(hang) as server:
            client = client_of(server.base_url, api_token=ask)
            call = asyncio.create_task(client.accounts.tokens.verify())
            await server.arrived.wait()
            error = await asyncio.to_thread(lambda: asyncio.run(failure_of(client.accounts.tokens.verify())))
            call.cancel()
            await asyncio.wait({call})
            await client.close()
            assert isinstance(error, WrongLoopError)

    asyncio.run(first())
    assert calls == [1]


def test_another_value_has_the_same_pace() -> None:
    """
    Another value does not make a second request of one in a period possible.
    """

    async def main() -> CFTokensError:
        async with (
            RawServer(VERIFIED) as server,
            client_of(
                server.base_url,
                api_token=following(CREDENTIAL, MINTED),
                rate_limit=RateLimit(1, 100.0),
                retry=Retry(budget=0.0),
            ) as client,
        ):
            await client.accounts.tokens.verify()
            return await failure_of(client.accounts.tokens.verify())

    assert "the rate limit allows it in 100.0 s" in str(asyncio.run(main()))


def test_a_function_whose_call_was_cancelled_in_time_is_not_called() -> None:
    """
    A thread that starts after its request was given up asks for nothing.
    """
    asked: list[None] = []
    given_up: Future[object] = Future()
    given_up.cancel()
    _set_result(given_up, HiddenAsk(lambda: asked.append(None)))

    assert asked == []
