"""
How a client is made, shared and closed.
"""

import asyncio
import gc
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

import aiohttp
import pytest

import cftokens.sync
from cftokens import (
    AuthenticationError,
    CFTokensError,
    Client,
    ClosedError,
    NoResponseError,
    RateLimit,
    Retry,
    TokenValue,
    WrongLoopError,
)
from cftokens._transport.session import Connector
from tests.servers import Exchange, RawServer, hang, reply
from tests.support import CALLS, assert_no_secret, client_of, failure_of
from tests.vocabulary import (
    ACCOUNT,
    CREDENTIAL,
    MARK,
    MINTED,
    NO_CREDENTIAL,
    POLICY,
    RESULTS,
    TOKEN_ID,
    entry,
    failure,
    success,
)

VERIFIED = reply(200, success(RESULTS["verify"]))
OTHER = "4793d734c0b8e484dfc37ec392b5fa8a"


def assert_no_secret_below(error: BaseException) -> None:
    """
    Look for a secret in all frames but the test's own, which contains it.
    """
    error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
    assert_no_secret(error)


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "  ",
        f" {CREDENTIAL}",
        f"{CREDENTIAL}\n",
        f"{CREDENTIAL}\r\nX-Evil: 1",
        f"Bearer {CREDENTIAL}",
        f"bearer {CREDENTIAL}",
        f'"{CREDENTIAL}"',
        f"'{CREDENTIAL}'",
        f"{CREDENTIAL}é",
        f"{CREDENTIAL[:10]} {CREDENTIAL[10:]}",
        f"{CREDENTIAL}\0",
        repr(TokenValue(CREDENTIAL)),
    ],
)
def test_a_credential_is_checked_before_it_is_sent(bad: str) -> None:
    """
    What cannot be a token is a ValueError that does not show it, not even in a frame.
    """
    with pytest.raises(ValueError, match=r"^(api_token cannot be used|There is no credential)") as caught:
        Client(bad)

    assert_no_secret_below(caught.value)


REFUSED: dict[str, dict[str, Any]] = {
    "a bad option": {"api_token": CREDENTIAL, "timeout": -1},
    "a line break": {"api_token": f"{CREDENTIAL}\n"},
    "bytes": {"api_token": CREDENTIAL.encode()},
    "a proxy and a bad option": {
        "api_token": "x",
        "proxy": f"http://u:{CREDENTIAL}@proxy.example",
        "timeout": -1,
    },
    "a proxy's user with a colon": {"api_token": "x", "proxy": f"http://u%3A:{CREDENTIAL}@proxy.example"},
    "a proxy of another kind": {"api_token": "x", "proxy": f"ftp://u:{CREDENTIAL}@proxy.example"},
}


@pytest.mark.parametrize("why", REFUSED)
@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_no_frame_of_a_refused_client_shows_a_secret(kind: Any, why: str) -> None:
    """
    Whatever is wrong, the locals of our frames hold no credential or password, in either client.
    """
    with pytest.raises((ValueError, TypeError)) as caught:
        kind(**REFUSED[why])

    assert_no_secret_below(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"api_token": CREDENTIAL, "timeout": -1},
        {"api_token": CREDENTIAL.encode()},
        {"api_token": f"{CREDENTIAL} "},
    ],
)
@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_no_frame_of_a_refused_view_shows_a_secret(kind: Any, options: dict[str, Any]) -> None:
    """
    The same holds for the settings of a view.
    """
    with pytest.raises((ValueError, TypeError)) as caught:
        kind("x").with_options(**options)

    assert_no_secret_below(caught.value)


def test_a_missing_credential_is_a_clear_error() -> None:
    """
    The error names both ways to provide one, and has the page that makes one on a line of its own.
    """
    for kind in (Client, cftokens.sync.Client):
        with pytest.raises(ValueError, match="pass api_token, or set CLOUDFLARE_API_TOKEN") as caught:
            kind()

        assert str(caught.value) == NO_CREDENTIAL


@pytest.mark.parametrize("value", [b"bytes", 5, ["x"]])
def test_a_credential_is_a_string(value: Any) -> None:
    """
    Bytes, a number or a list is a TypeError.
    """
    with pytest.raises(TypeError, match="api_token must be a str or a TokenValue, not"):
        Client(value)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.cloudflare.com/client/v4",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "https://user:s3same@api.cloudflare.com",
        "https://api.cloudflare.com?x=1",
        "https://api.cloudflare.com#x",
        "ftp://api.cloudflare.com",
        "api.cloudflare.com",
        "https://",
        "",
        "https://a..com",
        f"https://{'a' * 64}.example",
        "http://[::1",
        "//api.cloudflare.com",
    ],
)
def test_an_unsafe_base_url_is_refused(base_url: str) -> None:
    """
    A base URL must be https or loopback, and have no user, query or fragment.
    """
    with pytest.raises(ValueError, match="base_url cannot be used") as caught:
        Client("x", base_url=base_url)

    assert "s3same" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.example.com/client/v4/", "https://api.example.com/client/v4"),
        ("http://localhost:8787", "http://localhost:8787"),
        ("http://127.0.0.9:1/x", "http://127.0.0.9:1/x"),
        ("http://[::1]:8787", "http://[::1]:8787"),
        ("HTTPS://API.example.com", "https://api.example.com"),
    ],
)
def test_the_base_url_is_normalised(given: str, used: str) -> None:
    """
    The host is in lower case, without a trailing slash, and loopback may be http.
    """
    assert Client("x", base_url=given).base_url == used


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"account_id": "short"}, ValueError),
        ({"account_id": ""}, ValueError),
        ({"account_id": ACCOUNT.upper()}, ValueError),
        ({"account_id": f"{ACCOUNT}\n"}, ValueError),
        ({"account_id": 5}, TypeError),
        ({"timeout": 0}, ValueError),
        ({"timeout": -1}, ValueError),
        ({"timeout": float("inf")}, ValueError),
        ({"timeout": float("nan")}, ValueError),
        ({"timeout": True}, TypeError),
        ({"timeout": "30"}, TypeError),
        ({"retry": 3}, TypeError),
        ({"rate_limit": 1200}, TypeError),
        ({"ssl": False}, TypeError),
        ({"session": "session"}, TypeError),
        ({"proxy": "proxy.example.com:3128"}, ValueError),
        ({"proxy": "socks5://proxy.example.com"}, ValueError),
        ({"proxy": 5}, ValueError),
        ({"proxy": "http://a..b"}, ValueError),
        ({"proxy": "http://a..b", "base_url": "http://localhost:1"}, ValueError),
    ],
)
def test_settings_are_checked(options: dict[str, Any], kind: type[Exception]) -> None:
    """
    An unusable setting is an error when the client is made.
    """
    with pytest.raises(kind, match=next(iter(options))):
        Client("x", **options)


async def test_defaults_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Credential, account id and base URL are read from variables.
    """
    async with RawServer(VERIFIED) as server:
        monkeypatch.setenv("CLOUDFLARE_API_TOKEN", CREDENTIAL)
        monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.base_url)
        async with Client() as client:
            await client.accounts.tokens.verify()

    assert server.requests[0].path == f"/accounts/{ACCOUNT}/tokens/verify"
    assert server.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"


async def test_an_argument_overrides_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No variable changes which credential is sent, or for which account.
    """
    for name in ("API_TOKEN", "API_KEY", "EMAIL", "API_USER_SERVICE_KEY", "ACCOUNT_ID", "BASE_URL"):
        monkeypatch.setenv(f"CLOUDFLARE_{name}", "wrong")
    async with RawServer(VERIFIED) as server:
        async with Client(CREDENTIAL, account_id=ACCOUNT, base_url=server.base_url) as client:
            await client.accounts.tokens.verify()

    request = server.requests[0]
    assert request.headers["authorization"] == f"Bearer {CREDENTIAL}"
    assert "wrong" not in f"{request.path} {request.headers}"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It leaves the defaults, and an empty credential is a missing one.
    """
    for name in ("API_TOKEN", "ACCOUNT_ID", "BASE_URL"):
        monkeypatch.setenv(f"CLOUDFLARE_{name}", "")

    assert Client("x").base_url == "https://api.cloudflare.com/client/v4"
    assert Client("x").account_id is None
    with pytest.raises(ValueError, match="There is no credential"):
        Client()


def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    If the account id in the environment is invalid, the error names the variable.
    """
    monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", "my account")
    with pytest.raises(ValueError, match="CLOUDFLARE_ACCOUNT_ID must be 32 lower-case hexadecimal digits"):
        Client("x")


async def test_a_call_may_name_another_account() -> None:
    """
    The account id is used for that call alone, and is checked before anything is sent.
    """
    async with RawServer(VERIFIED) as server, client_of(server.base_url) as client:
        await client.accounts.tokens.verify(account_id=OTHER)
        for bad in ("", "..", f"{OTHER}/x", OTHER.upper()):
            with pytest.raises(ValueError, match="account_id must be 32"):
                await client.accounts.tokens.verify(account_id=bad)

    assert [request.path for request in server.requests] == [f"/accounts/{OTHER}/tokens/verify"]


async def test_an_account_is_needed_for_account_tokens() -> None:
    """
    Without an account id, the error lists the ways to provide one.
    """
    async with Client("x") as client:
        with pytest.raises(
            ValueError, match="pass account_id here or to the client, or set CLOUDFLARE_ACCOUNT_ID"
        ):
            await client.accounts.tokens.get(TOKEN_ID)


@pytest.mark.parametrize(
    "token_id",
    ["", "verify", "permission_groups", "..", f"{TOKEN_ID}/value", TOKEN_ID.upper(), f"{TOKEN_ID}\n", MINTED],
)
@pytest.mark.parametrize("call", ["get", "delete", "roll", "update"])
async def test_ids_are_checked_before_a_url_is_built(token_id: str, call: str) -> None:
    """
    An invalid id is a ValueError that shows no secret, and nothing is sent.
    """
    calls: dict[str, Callable[[Client], Awaitable[object]]] = {
        "get": lambda client: client.accounts.tokens.get(token_id),
        "delete": lambda client: client.user.tokens.delete(token_id),
        "roll": lambda client: client.user.tokens.value.update(token_id),
        "update": lambda client: client.accounts.tokens.update(
            token_id, name="x", policies=[POLICY], condition=None, expires_on=None, not_before=None
        ),
    }
    async with RawServer(VERIFIED) as server, client_of(server.base_url) as client:
        with pytest.raises(ValueError, match="token_id must be 32 lower-case hexadecimal digits") as caught:
            await calls[call](client)

    assert MARK not in str(caught.value)
    assert server.requests == []


async def test_a_view_shares_the_session() -> None:
    """
    A view sends its own credential and account over the connection of the client.
    """
    async with RawServer(VERIFIED) as server, client_of(server.base_url) as client:
        view = client.with_options(api_token=TokenValue("another"), account_id=OTHER)
        await view.accounts.tokens.verify()
        await view.close()
        await client.accounts.tokens.verify()

    ours, theirs = server.requests[1], server.requests[0]
    assert (theirs.path, theirs.headers["authorization"]) == (
        f"/accounts/{OTHER}/tokens/verify",
        "Bearer another",
    )
    assert (ours.path, ours.headers["authorization"]) == (
        f"/accounts/{ACCOUNT}/tokens/verify",
        f"Bearer {CREDENTIAL}",
    )
    assert ours.connection == theirs.connection


async def test_a_view_without_an_account() -> None:
    """
    None removes the default account, and user tokens still work.
    """
    async with RawServer(VERIFIED) as server, client_of(server.base_url) as client:
        view = client.with_options(account_id=None)
        await view.user.tokens.verify()
        with pytest.raises(ValueError, match="There is no account id"):
            await view.accounts.tokens.verify()

    assert server.requests[0].path == "/user/tokens/verify"


@pytest.mark.parametrize(
    "options",
    [
        {"api_token": ""},
        {"api_token": None},
        {"account_id": ""},
        {"account_id": "x"},
        {"timeout": 0},
        {"retry": 1},
    ],
    ids=lambda each: next(iter(each)),
)
async def test_the_settings_of_a_view_are_checked(options: dict[str, Any]) -> None:
    """
    An unusable setting is an error when the view is made.
    """
    async with Client("x") as client:
        with pytest.raises((ValueError, TypeError), match=next(iter(options))):
            client.with_options(**options)


def test_another_credential_has_its_own_pace() -> None:
    """
    Only views with the same credential share a pace, but all have the client's limit.
    """
    client = Client("x", rate_limit=RateLimit(requests=7))
    same, other = client.with_options(timeout=1.0), client.with_options(api_token="y")
    paces = [each._owners.sender.settings.pace for each in (client, same, other)]

    assert paces[0] is paces[1]
    assert paces[2] is not paces[0]
    assert paces[2].limit == RateLimit(requests=7)


async def test_closing_is_final_and_may_be_repeated() -> None:
    """
    After close(), every call of the client and its views raises ClosedError.
    """
    async with RawServer(VERIFIED) as server:
        client = client_of(server.base_url)
        view = client.with_options(timeout=1.0)
        await client.accounts.tokens.verify()
        await client.close()
        await client.close()
        for each in (client, view):
            with pytest.raises(ClosedError, match="closed"):
                await each.accounts.tokens.verify()


async def test_a_closed_view_leaves_the_client_open() -> None:
    """
    Calls on the view raise ClosedError, and the client still works.
    """
    async with RawServer(VERIFIED) as server, client_of(server.base_url) as client:
        async with client.with_options(timeout=1.0) as view:
            await view.accounts.tokens.verify()
        with pytest.raises(ClosedError):
            await view.accounts.tokens.verify()
        await client.accounts.tokens.verify()


async def test_a_view_of_a_closed_view_is_closed() -> None:
    """
    A new view does not reopen it.
    """
    async with Client("x", account_id=ACCOUNT) as client:
        view = client.with_options(timeout=1.0)
        await view.close()
        with pytest.raises(ClosedError):
            await view.with_options(timeout=2.0).accounts.tokens.verify()


async def test_views_of_a_credential_share_its_pace() -> None:
    """
    Five views with another credential share a pace, and one with the client's own has the client's.
    """
    client = Client("x")
    paces = {id(client.with_options(api_token="y")._owners.sender.settings.pace) for _ in range(5)}
    same = client.with_options(api_token="x")._owners.sender.settings.pace

    assert len(paces) == 1
    assert same is client._owners.sender.settings.pace


async def test_a_client_remembers_a_limited_number_of_paces(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With room for three, five credentials leave three paces.
    """
    monkeypatch.setattr("cftokens._transport.sending._MOST_PACES", 3)
    client = Client("x")
    for number in range(5):
        client.with_options(api_token=f"token-{number}")

    assert len(client._owners.sender.transport._paces) == 3


async def test_closing_ends_a_call_that_reads_its_answer() -> None:
    """
    The call does not wait for its timeout, and its outcome is unknown.
    """
    begun = asyncio.Event()

    async def begin(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await exchange.writer.drain()
        begun.set()
        await exchange.closing.wait()

    async with RawServer(begin) as server:
        client = client_of(server.base_url, retry=None)
        call = asyncio.ensure_future(failure_of(CALLS["create"](client)))
        await begun.wait()
        while not client._owners.sender.transport._session._responses:  # noqa: ASYNC110 -- no event
            await asyncio.sleep(0)
        await client.close()
        error = await asyncio.wait_for(call, 10)

    assert error.outcome_unknown


async def test_closing_ends_a_call_that_waits_for_its_answer() -> None:
    """
    A create raises one of our errors, with an unknown outcome.
    """
    async with RawServer(hang) as server:
        client = client_of(server.base_url)
        call = asyncio.ensure_future(failure_of(CALLS["create"](client)))
        await server.arrived.wait()
        await client.close()
        error = await call

    assert error.outcome_unknown


async def test_plain_with_and_for_point_to_the_blocking_client() -> None:
    """
    The TypeError for a missing async says what to write instead.
    """
    async with Client("x", account_id=ACCOUNT) as client:
        mistaken: Any = client  # a type checker would see it
        with pytest.raises(TypeError, match="'async with'"), mistaken:
            pass
        with pytest.raises(TypeError, match=r"from cftokens\.sync"):
            list(mistaken.accounts.tokens.list())


async def test_a_borrowed_session_is_unchanged() -> None:
    """
    It stays open with its own headers, although the client's take precedence in requests.
    """
    async with (
        RawServer(VERIFIED) as server,
        aiohttp.ClientSession(headers={"X-Team": "a", "Authorization": "Bearer theirs"}) as session,
    ):
        async with client_of(server.base_url, session=session) as client:
            await client.accounts.tokens.verify()
        still_open, headers = not session.closed, dict(session.headers)

    assert still_open
    assert headers == {"X-Team": "a", "Authorization": "Bearer theirs"}
    assert server.requests[0].headers["x-team"] == "a"
    assert server.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"


@pytest.mark.parametrize(
    "headers", [{"X-Auth-Key": "k"}, {"x-auth-email": "e"}, {"X-Auth-User-Service-Key": "k"}]
)
async def test_a_session_with_another_credential_is_refused(headers: dict[str, str]) -> None:
    """
    A session that sends an X-Auth header is a ValueError.
    """
    async with aiohttp.ClientSession(headers=headers) as session:
        with pytest.raises(ValueError, match="another credential"):
            Client("x", session=session)


@pytest.mark.parametrize(
    "headers", [{"X-Auth-Key": "k"}, {"x-auth-email": "e"}, {"X-Auth-User-Service-Key": "k"}]
)
async def test_a_credential_that_a_session_gets_later_is_refused(headers: dict[str, str]) -> None:
    """
    A session that was lent without an X-Auth header, and then gets one, is a ValueError before anything
    is sent.
    """
    async with (
        RawServer(VERIFIED) as server,
        aiohttp.ClientSession() as session,
        client_of(server.base_url, session=session) as client,
    ):
        await client.accounts.tokens.verify()
        session.headers.update(headers)
        with pytest.raises(ValueError, match="session must not send another credential along") as caught:
            await client.accounts.tokens.create(name="n", policies=[POLICY])

    assert next(iter(headers)) in str(caught.value)
    assert not hasattr(caught.value, "__notes__")
    assert len(server.requests) == 1


async def test_a_session_with_basic_auth_is_refused() -> None:
    """
    Aiohttp would send it in place of the client's credential.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # aiohttp's, about what is tested here
        session = aiohttp.ClientSession(auth=aiohttp.BasicAuth("user", "password"))
    async with session:
        with pytest.raises(ValueError, match="its auth"):
            Client("x", session=session)


async def test_a_borrowed_session_that_raises_for_status() -> None:
    """
    Our error is raised, because aiohttp's would contain the credential.
    """
    refused = reply(401, failure(entry(1000, "Invalid API Token")))
    async with (
        RawServer(refused) as server,
        aiohttp.ClientSession(raise_for_status=True) as session,
        client_of(server.base_url, session=session) as client,
    ):
        error = await failure_of(client.accounts.tokens.verify())

    assert isinstance(error, AuthenticationError)


async def test_a_closed_borrowed_session() -> None:
    """
    If its owner has closed it, a call raises ClosedError.
    """
    session = aiohttp.ClientSession()
    await session.close()
    async with client_of("http://localhost:1", session=session) as client:
        error = await failure_of(client.accounts.tokens.verify())

    assert isinstance(error, ClosedError)


async def test_a_borrowed_session_that_does_not_decompress() -> None:
    """
    The client asks for an uncompressed answer.
    """
    async with (
        RawServer(VERIFIED) as server,
        aiohttp.ClientSession(auto_decompress=False) as session,
        client_of(server.base_url, session=session) as client,
    ):
        await client.accounts.tokens.verify()

    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_a_header_added_by_a_tracer_is_sent_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A header that is added to one request is not in the next.
    """
    request = aiohttp.ClientSession._request

    async def traced(*arguments: Any, headers: Any, **more: Any) -> aiohttp.ClientResponse:
        headers[f"X-Trace-{len(server.requests)}"] = "1"
        return await request(*arguments, headers=headers, **more)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", traced)
    async with (
        RawServer(VERIFIED) as server,
        aiohttp.ClientSession() as session,
        client_of(server.base_url, session=session) as client,
    ):
        await client.accounts.tokens.verify()
        await client.accounts.tokens.verify()

    traces = [[name for name in each.headers if name.startswith("x-trace")] for each in server.requests]
    assert traces == [["x-trace-0"], ["x-trace-1"]]


async def test_a_borrowed_session_with_a_netrc_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Its credential would replace the client's, so the error says what to lend instead.
    """
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with (
        RawServer(VERIFIED) as server,
        aiohttp.ClientSession(trust_env=True) as session,
        client_of(server.base_url, session=session) as client,
    ):
        with pytest.raises(ValueError, match="pass one without trust_env"):
            await client.accounts.tokens.verify()

    assert server.requests == []


def test_a_loop_that_is_shutting_down() -> None:
    """
    Without its threads asyncio cannot resolve a name, so a create fails with a known outcome.
    """

    async def create() -> CFTokensError:
        await asyncio.get_running_loop().shutdown_default_executor()
        async with client_of("https://api.cloudflare.invalid", retry=None) as client:
            return await failure_of(client.accounts.tokens.create(name="n", policies=[POLICY]))

    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        error = runner.run(create())

    assert isinstance(error, NoResponseError)
    assert "the event loop of this client is shutting down" in str(error)
    assert not error.outcome_unknown


async def test_an_unexpected_error_in_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It becomes a NoResponseError that gives its type but not its text, which may contain a secret.
    """

    async def connect(*_: object, **__: object) -> NoReturn:
        raise ValueError("surprise")

    monkeypatch.setattr(Connector, "connect", connect)
    async with client_of("http://localhost:1", retry=None) as client:
        error = await failure_of(client.accounts.tokens.verify())

    assert isinstance(error, NoResponseError)
    assert "the request could not be sent, or its answer could not be read (ValueError)" in str(error)
    assert "surprise" not in f"{error} {error.__cause__}"


def test_the_wrong_loop_is_detected_before_the_pace_is_asked() -> None:
    """
    The error is a WrongLoopError, even though the limit is used up.
    """

    async def verify(client: Client) -> object:
        return await failure_of(client.accounts.tokens.verify())

    client = client_of("http://127.0.0.1:1", retry=None, rate_limit=RateLimit(requests=1))
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(verify(client))
        error = second.run(verify(client))
        first.run(client.close())

    assert isinstance(error, WrongLoopError)


def test_a_client_can_move_to_a_new_loop() -> None:
    """
    Two calls of asyncio.run(), one after the other, can use the same client.
    """

    async def verify(client: Client | None) -> Client:
        async with RawServer(VERIFIED) as server:
            client = client or client_of("http://127.0.0.1:1")
            view = client_of(server.base_url)
            await client_of_server(client, view)
            return client

    async def client_of_server(client: Client, view: Client) -> None:
        client._owners.sender.settings = view._owners.sender.settings
        await client.accounts.tokens.verify()

    client = asyncio.run(verify(None))
    asyncio.run(verify(client))
    asyncio.run(client.close())


def test_a_client_cannot_be_shared_between_open_loops() -> None:
    """
    While the first loop is open, a call on another one raises WrongLoopError.
    """

    async def verify(client: Client) -> object:
        return await failure_of(client.accounts.tokens.verify())

    client = client_of("http://127.0.0.1:1", retry=None)
    with asyncio.Runner() as first, asyncio.Runner() as second:
        first.run(verify(client))
        error = second.run(verify(client))
        first.run(client.close())

    assert isinstance(error, WrongLoopError)
    assert isinstance(error, RuntimeError)


def test_a_session_of_another_loop_is_refused() -> None:
    """
    A session borrowed from another open loop raises WrongLoopError too.
    """

    async def make() -> aiohttp.ClientSession:
        return aiohttp.ClientSession()

    async def verify(client: Client) -> object:
        return await failure_of(client.accounts.tokens.verify())

    with asyncio.Runner() as first:
        session = first.run(make())
        client = client_of("http://127.0.0.1:1", session=session, retry=None)
        error = asyncio.run(verify(client))
        first.run(session.close())

    assert isinstance(error, WrongLoopError)


async def test_an_unclosed_client_is_reported() -> None:
    """
    A ResourceWarning names the client.
    """
    async with RawServer(VERIFIED) as server:
        client = client_of(server.base_url)
        await client.accounts.tokens.verify()
        transport = client._owners.sender.transport
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            del client
            gc.collect()
        await transport.close()

    assert any(
        "cftokens.Client" in str(warning.message) and warning.category is ResourceWarning
        for warning in caught
    )


def test_a_client_shows_no_secret() -> None:
    """
    The reprs of a client, its settings and its headers hide the credential.
    """
    client = Client(CREDENTIAL, account_id=ACCOUNT, proxy=f"http://user:{CREDENTIAL}@proxy.example.com")
    shown = (
        f"{client!r} {client._owners.sender.settings!r} {client._owners.sender.settings.defaults.headers!r}"
    )

    assert MARK not in shown
    assert ACCOUNT in repr(client)


@pytest.mark.parametrize(
    "proxy", ["http://proxy.example:3128", "https://proxy.example", "http://10.0.0.1:80"]
)
@pytest.mark.parametrize("base_url", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:8080"])
@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_a_proxy_elsewhere_needs_https(kind: Any, base_url: str, proxy: str) -> None:
    """
    It would receive the credential of a request to an http URL unencrypted, so this is a ValueError.
    """
    with pytest.raises(ValueError, match="the credential would reach it unencrypted"):
        kind("x", base_url=base_url, proxy=proxy)


def test_a_proxy_elsewhere_is_refused_for_a_base_url_from_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The same holds if the URL comes from CLOUDFLARE_BASE_URL.
    """
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", "http://127.0.0.1:8080")
    with pytest.raises(ValueError, match="the credential would reach it unencrypted"):
        Client("x", proxy="http://proxy.example")


@pytest.mark.parametrize("proxy", ["http://127.0.0.2:3128", "http://localhost:3128", "http://[::1]:1"])
def test_a_proxy_on_loopback_may_be_used_without_https(proxy: str) -> None:
    """
    What goes to it does not leave the machine.
    """
    client = Client("x", base_url="http://127.0.0.1:8080", proxy=proxy)

    assert str(client._owners.sender.settings.proxy.url) == proxy


def test_a_proxy_without_a_password_sends_none() -> None:
    """
    Its URL is used unchanged, without extra headers.
    """
    used = Client("x", proxy="http://proxy.example.com:3128")._owners.sender.settings.proxy

    assert (str(used.url), used.headers) == ("http://proxy.example.com:3128", None)


def test_a_client_can_be_made_without_a_loop() -> None:
    """
    Nothing is opened before the first request.
    """
    assert not Client("x", retry=Retry(), rate_limit=None)._owners.sender.transport.abandon()
