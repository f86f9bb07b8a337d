"""
Requests that do not come from a local program.
"""

import asyncio
import gzip
import io
import json
import zlib
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import HttpVersion10, HttpVersion11
from multidict import CIMultiDict

from cftokens import PermissionDeniedError
from cftokens.emulator import Emulator, Fault
from cftokens.emulator._bodies import LARGEST_BODY
from cftokens.emulator._guard import objection_to

from .caller import Answer, Caller

HOST = "The emulator only answers requests whose Host is 127.0.0.1, localhost or [::1]"
ORIGIN = "The emulator does not answer requests from web pages: Origin is not its own"
SITE = "The emulator does not answer requests from web pages: Sec-Fetch-Site names another site"

FOREIGN = [
    ({"Host": "evil.example"}, HOST),
    ({"Host": "evil.example:8787"}, HOST),
    ({"Host": "127.0.0.1.evil.example"}, HOST),
    ({"Host": "localhost.evil.example"}, HOST),
    ({"Host": "evil.example@127.0.0.1"}, HOST),
    ({"Host": "127.0.0.1:80:80"}, HOST),
    ({"Host": "127.0.0.10"}, HOST),
    ({"Host": "::1"}, HOST),
    ({"Host": ""}, HOST),
    ({"Origin": "https://evil.example"}, ORIGIN),
    ({"Origin": "null"}, ORIGIN),
    ({"Origin": ""}, ORIGIN),
    ({"Origin": "http://localhost:3000"}, ORIGIN),
    ({"Host": "localhost", "Origin": "http://127.0.0.1"}, ORIGIN),
    ({"Host": "localhost", "Origin": "https://localhost"}, ORIGIN),
    ({"Host": "evil.example", "Origin": "http://evil.example"}, HOST),
    ({"Sec-Fetch-Site": "cross-site"}, SITE),
    ({"Sec-Fetch-Site": "same-site"}, SITE),
]
LOCAL = [
    {},
    {"Host": "127.0.0.1"},
    {"Host": "127.0.0.1:1"},
    {"Host": "localhost:65535"},
    {"Host": "LocalHost"},
    {"Host": "[::1]"},
    {"Host": "[::1]:8787"},
    {"Host": "localhost:8787", "Origin": "http://localhost:8787", "Sec-Fetch-Site": "same-origin"},
    {"Host": "LOCALHOST", "Origin": "http://localhost"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Mode": "cors"},
]
PATHS = ["/client/v4/user/tokens", "/emulator/requests", "/emulator/faults", "/", "/nothing"]


async def ask(caller: Caller, path: str, headers: dict[str, str], method: str = "GET") -> Answer:
    """
    Send a request with these headers and the user's first token.
    """
    root = caller.emulator.base_url.removesuffix("/client/v4")
    headers = {"Authorization": f"Bearer {caller.value}", **headers}
    async with caller.session.request(method, root + path, headers=headers) as response:
        return Answer(response.status, response.headers.copy(), json.loads(await response.read()))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("headers", "message"), FOREIGN)
async def test_foreign_requests(user: Caller, path: str, headers: dict[str, str], message: str) -> None:
    """
    A request from a web page, or to another host, is refused on every path.
    """
    answer = await ask(user, path, headers)

    assert answer.refusal == (403, 403, message)
    assert answer.content["error"] == message


@pytest.mark.parametrize("headers", LOCAL)
async def test_local_requests(user: Caller, headers: dict[str, str]) -> None:
    """
    A request from a local program, or of the emulator's own address in a browser, is answered.
    """
    answers = [await ask(user, path, headers) for path in PATHS[:2]]

    assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize("path", PATHS)
async def test_preflight(user: Caller, path: str) -> None:
    """
    The question of a browser, whether a page may send a request, is answered without permission.
    """
    asking = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}

    answer = await ask(user, path, asking, "OPTIONS")

    assert answer.status == 403
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


async def test_no_effect(user: Caller) -> None:
    """
    A refused request has no effect, is not recorded and uses up no fault.
    """
    user.emulator.inject(Fault.status(503))
    page = {"Origin": "https://evil.example", "Content-Type": "application/json"}

    await ask(user, "/client/v4/user/tokens", page, "POST")
    await ask(user, "/emulator/faults", page, "DELETE")
    requests = user.emulator.requests.copy()
    answers = [await user.send("GET") for _ in range(2)]

    assert requests == []
    assert [answer.status for answer in answers] == [503, 200]
    assert len(answers[1].result) == 1


@pytest.mark.parametrize(("version", "message"), [(HttpVersion10, None), (HttpVersion11, HOST)])
def test_no_host(version: aiohttp.HttpVersion, message: str | None) -> None:
    """
    Only HTTP/1.0, which no browser speaks, has no Host.
    """
    assert objection_to(CIMultiDict(), version) == message


def test_repeated_headers() -> None:
    """
    Each of several headers must be a local program's.
    """
    hosts = CIMultiDict([("Host", "localhost"), ("Host", "evil.example")])
    origins = CIMultiDict(
        [("Host", "localhost"), ("Origin", "http://localhost"), ("Origin", "http://evil.example")]
    )

    assert objection_to(hosts, HttpVersion11) == HOST
    assert objection_to(origins, HttpVersion11) == ORIGIN


@pytest.mark.parametrize(("version", "recorded"), [(b"1.0", 1), (b"1.1", 0)])
async def test_no_host_on_the_wire(emulator: Emulator, version: bytes, recorded: int) -> None:
    """
    A request without Host reaches the API in HTTP/1.0 only.
    """
    port = int(emulator.base_url.removesuffix("/client/v4").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    writer.write(b"GET /client/v4/user/tokens HTTP/" + version + b"\r\n\r\n")
    await reader.readline()
    writer.close()
    await writer.wait_closed()

    assert len(emulator.requests) == recorded


async def test_error_of_a_client(emulator: Emulator) -> None:
    """
    A cftokens client that sends another Host shows why it is refused.
    """

    async def rename(_session: Any, _context: Any, params: aiohttp.TraceRequestStartParams) -> None:
        params.headers["Host"] = "host.docker.internal"

    renaming = aiohttp.TraceConfig()
    renaming.on_request_start.append(rename)
    async with aiohttp.ClientSession(trace_configs=[renaming]) as session:
        async with emulator.client(session=session) as client:
            with pytest.raises(PermissionDeniedError, match="only answers requests whose Host is"):
                await client.accounts.tokens.verify()


@pytest.mark.parametrize("path", ["/client/v4/user/tokens", "/emulator/faults"])
async def test_too_large_body(user: Caller, path: str) -> None:
    """
    A body beyond the largest is refused and not recorded.
    """
    root = user.emulator.base_url.removesuffix("/client/v4")
    body = io.BytesIO(b" " * (LARGEST_BODY + 1))

    async with user.session.post(root + path, data=body, headers={"Content-Type": "application/json"}) as got:
        answer = Answer(got.status, got.headers.copy(), await got.json())

    assert answer.refusal == (413, 413, f"The emulator accepts bodies of up to {LARGEST_BODY} bytes")
    assert user.emulator.requests == []


@pytest.mark.parametrize(
    "body",
    [
        b"not gzip",
        gzip.compress(b"{}")[:10] + b"garbage",
        gzip.compress(b"{}")[:-4],
        gzip.compress(b"{}") + b"{}",
    ],
    ids=["all", "rest", "truncated", "followed"],
)
@pytest.mark.parametrize("path", ["/client/v4/user/tokens", "/emulator/faults"])
async def test_undecodable_body(user: Caller, path: str, body: bytes) -> None:
    """
    A body that is not in its Content-Encoding is refused and not recorded.
    """
    root = user.emulator.base_url.removesuffix("/client/v4")
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    async with user.session.post(root + path, data=body, headers=headers) as got:
        answer = Answer(got.status, got.headers.copy(), await got.json())

    assert answer.refusal == (400, 400, "The body cannot be decoded as its headers say")
    assert user.emulator.requests == []


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
async def test_encoded_body(account: Caller, encoding: str, compress: Callable[[bytes], bytes]) -> None:
    """
    A body may be compressed by gzip or deflate.
    """
    body = compress(json.dumps(account.body()).encode())
    headers = {"Authorization": f"Bearer {account.value}", "Content-Encoding": encoding}

    answer = await account.send("POST", data=body, headers=headers)

    assert answer.result["name"] == "ci"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "none"])
async def test_unknown_encoding(account: Caller, encoding: str) -> None:
    """
    A body in an unknown encoding is refused in an envelope, and creates nothing.
    """
    headers = {"Authorization": f"Bearer {account.value}", "Content-Encoding": encoding}

    answer = await account.send("POST", json=account.body(), headers=headers)

    text = "The emulator can decode gzip and deflate, and no other Content-Encoding"
    assert answer.refusal == (415, 415, text)
    assert account.emulator.requests == []


async def test_compressed_bomb(account: Caller) -> None:
    """
    A small body that is too large once decompressed is refused.
    """
    headers = {"Authorization": f"Bearer {account.value}", "Content-Encoding": "gzip"}
    body = gzip.compress(b" " * (LARGEST_BODY + 1), 1)

    answer = await account.send("POST", data=body, headers=headers)

    assert answer.refusal[:2] == (413, 413)
