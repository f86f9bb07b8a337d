"""
Proxies from the environment.
"""

import base64
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import cftokens.sync
from cftokens import Client, NoResponseError
from tests.servers import RawServer, drop, hang, reply
from tests.support import assert_no_secret, client_of, failure_of
from tests.vocabulary import CREDENTIAL, MARK, TOKEN_ID, success

VERIFIED = reply(200, success({"id": TOKEN_ID, "status": "active"}))
PASSWORD = f"pass-{MARK}"
UNREACHABLE = "https://127.0.0.1:1"
"""Nothing listens there."""

Environment = pytest.MonkeyPatch


def proxy_of(client: Any) -> str | None:
    """
    Return the proxy that a client uses.
    """
    wrapped = getattr(client, "_wrapped", client)
    proxy = wrapped._owners.sender.settings.proxy.url
    return None if proxy is None else str(proxy)


@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
@pytest.mark.parametrize(
    ("variables", "used"),
    [
        ({"HTTPS_PROXY": "http://a.example:3128"}, "http://a.example:3128"),
        ({"https_proxy": "http://a.example:3128"}, "http://a.example:3128"),
        ({"https_proxy": "http://a.example", "HTTPS_PROXY": "http://b.example"}, "http://a.example"),
        ({"HTTPS_PROXY": "a.example:3128"}, "http://a.example:3128"),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTP_PROXY": "http://a.example"}, None),
        ({"ALL_PROXY": "http://a.example"}, None),
        ({"HTTPS_PROXY": "http://a.example", "NO_PROXY": "localhost, .cloudflare.com"}, None),
        ({"HTTPS_PROXY": "http://a.example", "no_proxy": "*"}, None),
        ({"HTTPS_PROXY": "http://a.example", "NO_PROXY": "example.com"}, "http://a.example"),
    ],
)
def test_the_environment_names_the_proxy(
    kind: Any, variables: dict[str, str], used: str | None, monkeypatch: Environment
) -> None:
    """
    With *trust_env*, either client reads the variables as `urllib.request` does; without it, none.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_of(kind("x", trust_env=True)) == used
    assert proxy_of(kind("x")) is None


def test_an_explicit_proxy_wins(monkeypatch: Environment) -> None:
    """
    The variable is not even checked.
    """
    monkeypatch.setenv("HTTPS_PROXY", "socks5://a.example")

    assert proxy_of(Client("x", proxy="http://b.example", trust_env=True)) == "http://b.example"


@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_trust_env_is_a_bool(kind: Any) -> None:
    """
    Words such as "false" are a TypeError.
    """
    with pytest.raises(TypeError, match="trust_env must be a bool, not str"):
        kind("x", trust_env="false")


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HTTPS_PROXY", f"socks5://u:{PASSWORD}@a.example", "does not begin with http"),
        ("https_proxy", f"http://u:{PASSWORD}@a..b", "does not begin with http"),
        ("HTTP_PROXY", f"http://u:{PASSWORD}@a.example", "unencrypted"),
    ],
)
@pytest.mark.parametrize("kind", [Client, cftokens.sync.Client])
def test_a_bad_variable_is_named(
    kind: Any, name: str, value: str, problem: str, monkeypatch: Environment
) -> None:
    """
    A proxy from the environment is checked like an explicit one, and the error does not show its password.
    """
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=f"{name} cannot be used: .*{problem}") as caught:
        kind("x", base_url="http://[::1]" if name == "HTTP_PROXY" else "https://a.example", trust_env=True)

    caught.value.with_traceback(caught.value.__traceback__.tb_next if caught.value.__traceback__ else None)
    assert_no_secret(caught.value)


async def test_the_password_goes_to_the_proxy_alone(monkeypatch: Environment) -> None:
    """
    The proxy gets its login in the header that it reads, and the client shows neither.
    """
    async with RawServer(reply(407)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
        async with client_of("https://api.cloudflare.invalid", trust_env=True, retry=None) as client:
            error = await failure_of(client.accounts.tokens.verify())
            shown = repr(client._owners.sender.settings)

    login = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
    assert proxy.requests[0].headers["proxy-authorization"] == f"Basic {login}"
    assert "authorization" not in proxy.requests[0].headers
    assert "the proxy refused with 407" in str(error)
    assert login not in shown
    assert MARK not in shown


async def test_netrc_is_never_read(tmp_path: Path, monkeypatch: Environment) -> None:
    """
    Neither the host's entry nor the proxy's is sent.
    """
    netrc = tmp_path / "netrc"
    netrc.write_text("default login user password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    async with RawServer(VERIFIED) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        async with client_of("http://127.0.0.1:1", trust_env=True) as client:
            await client.accounts.tokens.verify()

    assert proxy.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"
    assert "proxy-authorization" not in proxy.requests[0].headers


async def test_the_proxy_of_a_borrowed_session_is_checked(monkeypatch: Environment) -> None:
    """
    A session with its own *trust_env* sends the credential to no proxy that we would refuse.
    """
    monkeypatch.setenv("HTTP_PROXY", f"http://u:{PASSWORD}@a.example")
    async with aiohttp.ClientSession(trust_env=True) as session:
        with pytest.raises(ValueError, match=r"HTTP_PROXY cannot be used: .*unencrypted"):
            Client("x", base_url="http://127.0.0.1:80", session=session)


async def test_the_proxy_of_a_borrowed_session_is_used(monkeypatch: Environment) -> None:
    """
    A session with its own *trust_env* goes through the environment's proxy.
    """
    async with RawServer(VERIFIED) as proxy, aiohttp.ClientSession(trust_env=True) as session:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        async with client_of("http://127.0.0.1:1", session=session) as client:
            await client.accounts.tokens.verify()

    assert len(proxy.requests) == 1


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
async def test_a_proxy_that_was_not_used_is_named(name: str, monkeypatch: Environment) -> None:
    """
    Without *trust_env*, an error about a connection says that the variable is set.
    """
    monkeypatch.setenv(name, f"http://u:{PASSWORD}@a.example")
    async with client_of(UNREACHABLE, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert type(error) is NoResponseError
    assert str(error).endswith(
        "no connection to 127.0.0.1:1 could be made; "
        f"{name} is set, but was not used: pass trust_env=True to the client."
    )


async def test_a_time_out_names_the_proxy_that_was_not_used(monkeypatch: Environment) -> None:
    """
    A firewall that drops packets looks like a slow server.
    """
    monkeypatch.setenv("HTTP_PROXY", "http://a.example")
    async with RawServer(hang) as server, client_of(server.base_url, timeout=0.05, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert "HTTP_PROXY is set, but was not used" in str(error)


@pytest.mark.parametrize(
    ("variables", "settings"),
    [
        ({}, {}),
        ({"HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "127.0.0.1"}, {}),
        ({"HTTP_PROXY": "http://127.0.0.1:1"}, {}),
        ({"HTTPS_PROXY": "http://127.0.0.1:1"}, {"trust_env": True}),
        ({"HTTPS_PROXY": "http://a.example"}, {"proxy": "http://127.0.0.1:1"}),
    ],
)
async def test_a_proxy_that_does_not_apply_is_not_named(
    variables: dict[str, str], settings: dict[str, Any], monkeypatch: Environment
) -> None:
    """
    The error names no variable that is excluded, for another scheme, used, or overridden.
    """
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    async with client_of(UNREACHABLE, retry=None, **settings) as client:
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert "_PROXY" not in str(error)


async def test_a_lost_connection_names_no_proxy(monkeypatch: Environment) -> None:
    """
    It was made without one, so a proxy would not help.
    """
    monkeypatch.setenv("HTTP_PROXY", "http://a.example")
    async with RawServer(drop) as server, client_of(server.base_url, retry=None) as client:
        error = await failure_of(client.accounts.tokens.get(TOKEN_ID))

    assert "HTTP_PROXY" not in str(error)
