"""
The functions of the page on proxies and certificates, behind a proxy and with an authority of our own.
"""

import asyncio
import base64
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from cftokens import NoResponseError
from cftokens.sync.emulator import Emulator
from tests.examples.programs import environment_for, names_of
from tests.servers import RawServer, reply
from tests.vocabulary import ACCOUNT, CREDENTIAL, MARK, TOKEN_ID, success

pytestmark = pytest.mark.slow

VERIFIED = reply(200, success({"id": TOKEN_ID, "status": "active"}))
LOGIN = base64.b64encode(f"user:{MARK}".encode()).decode()
PROGRAM = """
from cftokens.sync import Client

with Client() as client:
    print(client.accounts.tokens.verify().status)
"""
FUNCTIONS = ("status_behind_a_proxy", "status_from_a_script", "status_over_a_session")

Environment = pytest.MonkeyPatch


@pytest.fixture
def names(emulator: Emulator, monkeypatch: Environment) -> dict[str, Any]:
    """
    What the page defines.
    """
    for name, value in environment_for(emulator).items():
        monkeypatch.setenv(name, value)
    return names_of("proxies-and-certificates.md")


class Tunnel:
    """
    A proxy that leads every connection to one port, and records the heads of the requests for it.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.heads: list[str] = []

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """
        Yield its address, with a login.
        """
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        async with server:
            yield f"http://user:{MARK}@127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_copy(reader, to_writer), _copy(to_reader, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                target.write(data)
                await target.drain()
    finally:
        target.close()


async def run(function: Callable[[Path], Any], authority: Path) -> str:
    """
    Call a function of the page, in a thread if it is a plain one.
    """
    if inspect.iscoroutinefunction(function):
        coroutine: Awaitable[str] = function(authority)
        return await coroutine
    return await asyncio.to_thread(function, authority)


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_the_proxy_and_the_authority_are_used(
    names: dict[str, Any], function: str, tmp_path: Path, monkeypatch: Environment
) -> None:
    """
    With them in the environment and in a file, the request arrives through the proxy, which gets its login.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with RawServer(VERIFIED, authority=authority) as server:
        proxy = Tunnel(server.port)
        async with proxy.serve() as address:
            monkeypatch.setenv("HTTPS_PROXY", address)
            monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.base_url)
            monkeypatch.setenv("CLOUDFLARE_ACCOUNT_ID", ACCOUNT)
            monkeypatch.setenv("CLOUDFLARE_API_TOKEN", CREDENTIAL)
            status = await run(names[function], tmp_path / "authority.pem")

    assert status == "active"
    (head,) = proxy.heads
    assert head.startswith(f"CONNECT localhost:{server.port} ")
    assert f"Proxy-Authorization: Basic {LOGIN}" in head
    assert CREDENTIAL not in head
    assert server.requests[0].headers["authorization"] == f"Bearer {CREDENTIAL}"


@pytest.mark.parametrize("function", FUNCTIONS)
async def test_another_authority_is_not_trusted(
    names: dict[str, Any], function: str, tmp_path: Path, monkeypatch: Environment
) -> None:
    """
    A certificate that another authority signed is refused in the words of the page, and nothing is sent.
    """
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with RawServer(VERIFIED, authority=trustme.CA()) as server:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.base_url)
        with pytest.raises(NoResponseError, match="the certificate of localhost is not valid"):
            await run(names[function], tmp_path / "authority.pem")

    assert server.requests == []


async def test_a_variable_names_the_authority(tmp_path: Path) -> None:
    """
    SSL_CERT_FILE, set before the program starts, makes the certificate valid without a change to the program.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with RawServer(VERIFIED, authority=authority) as server:
        variables = {
            "CLOUDFLARE_BASE_URL": server.base_url,
            "CLOUDFLARE_ACCOUNT_ID": ACCOUNT,
            "CLOUDFLARE_API_TOKEN": CREDENTIAL,
            "SSL_CERT_FILE": str(tmp_path / "authority.pem"),
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-c", PROGRAM),
            env=environment_for(None) | variables,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()

    assert (process.returncode, printed) == (0, b"active\n")


async def test_a_netrc_file_is_refused_with_a_borrowed_session(
    names: dict[str, Any], tmp_path: Path, monkeypatch: Environment
) -> None:
    """
    A session that trusts the environment would send the entry of the host along, so nothing is sent.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    (tmp_path / "netrc").write_text("machine localhost login user password other\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    async with RawServer(VERIFIED, authority=authority) as server:
        monkeypatch.setenv("CLOUDFLARE_BASE_URL", server.base_url)
        with pytest.raises(ValueError, match="netrc"):
            await names["status_over_a_session"](tmp_path / "authority.pem")

    assert server.requests == []


def test_a_proxy_is_passed(names: dict[str, Any], monkeypatch: Environment) -> None:
    """
    The argument overrides the environment.
    """
    monkeypatch.setenv("HTTPS_PROXY", "http://other.example")
    monkeypatch.setenv("CLOUDFLARE_BASE_URL", "https://api.cloudflare.com/client/v4")
    client = names["client_behind"]("http://proxy.example:3128")

    assert str(client._wrapped._owners.sender.settings.proxy.url) == "http://proxy.example:3128"
