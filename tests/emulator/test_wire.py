"""
Malformed and broken-off requests, byte by byte.
"""

import asyncio

import pytest

from cftokens.emulator import Emulator

from .caller import Caller, ManualClock


async def exchange(emulator: Emulator, data: bytes, *, more: bool = False) -> bytes:
    """
    Send bytes and return all that comes back; without *more*, sending ends with them.
    """
    port = int(emulator.base_url.removesuffix("/client/v4").rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    if not more:
        writer.write_eof()
    try:
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


def head(caller: Caller, method: str, *lines: str) -> bytes:
    """
    Return a request up to its body.
    """
    authorization = f"Authorization: Bearer {caller.value}"
    path = f"/client/v4{caller.tokens}"
    return "\r\n".join(
        [f"{method} {path} HTTP/1.1", "Host: localhost", authorization, *lines, "", ""]
    ).encode()


@pytest.mark.parametrize(
    ("header", "begun"),
    [("Content-Length: 100", b'{"name": '), ("Transfer-Encoding: chunked", b"ff\r\n{")],
    ids=["length", "chunked"],
)
async def test_client_that_breaks_off(
    account: Caller, header: str, begun: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A request whose client leaves before the end of the body has no effect, and nothing is logged.
    """
    await exchange(account.emulator, head(account, "POST", header) + begun)

    assert len((await account.send("GET")).result) == 1
    assert [request.operation for request in account.emulator.requests] == ["list"]
    assert caplog.records == []


@pytest.mark.parametrize(
    "line",
    ["Bad\x01: {value}", "Authorization: Bearer {value}\x01", "X-Long: {value}" + "a" * 9000],
)
async def test_malformed_header(account: Caller, line: str, caplog: pytest.LogCaptureFixture) -> None:
    """
    A malformed header is answered with 400, and the log does not show it.
    """
    request = head(account, "GET", line.format(value=account.value))

    answer = await exchange(account.emulator, request, more=True)

    assert answer.startswith(b"HTTP/1.0 400 ")
    assert caplog.records == []


async def test_own_failure(account: Caller, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    """
    A failure of the emulator itself, such as a clock without a time, is logged.
    """
    clock.now = float("nan")

    answer = await exchange(account.emulator, head(account, "GET", "Connection: close"), more=True)

    assert answer.startswith(b"HTTP/1.1 500 ")
    assert [record.name for record in caplog.records] == ["aiohttp.server"]
