"""
A server that does as little as possible: it reads the path of a request and sends a prepared answer.

``/<total>/accounts/<account>/tokens`` lists that many tokens in pages, ``/requests`` is the number of
requests so far, and any other path is one token.
"""

import asyncio
import contextlib
import functools
import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any, Final

ACCOUNT: Final = "023e105f4ecef8ad9ca31a8372d0c353"
ID: Final = "ed17574386854bf78a67040be0a770b0"
CREDENTIAL: Final = f"cfat_{'a' * 40}"
PER_PAGE: Final = 50

_LISTING = re.compile(r"/(\d+)/accounts/\w+/tokens\?")
_PAGE = re.compile(r"[?&]page=(\d+)")


class CannedAnswers(asyncio.Protocol):
    """
    One connection, whose requests have no body.
    """

    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        *requests, self._received = (self._received + data).split(b"\r\n\r\n")
        for request in requests:
            path = request.split(b" ", 2)[1]
            if path == b"/requests":
                self._transport.write(_answer(CannedAnswers.requests))
            else:
                CannedAnswers.requests += 1
                self._transport.write(_canned(path))


@functools.lru_cache(maxsize=64)
def _canned(path: bytes) -> bytes:
    text = path.decode()
    if listing := _LISTING.match(text):
        page = _PAGE.search(text)
        return _page(total=int(listing[1]), page=int(page[1]) if page else 1)
    return _answer({"success": True, "errors": [], "messages": [], "result": token(ID)})


def _page(*, total: int, page: int) -> bytes:
    numbers = range((page - 1) * PER_PAGE, min(page * PER_PAGE, total))
    return _answer(
        {
            "success": True,
            "errors": [],
            "messages": [],
            "result": [token(f"{number:032x}") for number in numbers],
            "result_info": {"page": page, "per_page": PER_PAGE, "count": len(numbers), "total_count": total},
        }
    )


def _answer(document: object) -> bytes:
    body = json.dumps(document, separators=(",", ":")).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )


def token(token_id: str) -> dict[str, Any]:
    """
    Return a token in Cloudflare's form.
    """
    return {
        "id": token_id,
        "name": "zone reader",
        "status": "active",
        "issued_on": "2026-07-01T05:20:00Z",
        "modified_on": "2026-07-02T05:20:00Z",
        "last_used_on": "2026-07-03T05:20:00Z",
        "not_before": None,
        "expires_on": "2027-07-01T00:00:00Z",
        "policies": [
            {
                "id": "f267e341f3dd4697bd3b9f71dd96247f",
                "effect": "allow",
                "resources": {
                    f"com.cloudflare.api.account.{ACCOUNT}": {"com.cloudflare.api.account.zone.*": "*"}
                },
                "permission_groups": [
                    {"id": "c8fed203ed3043cba015a93ad1616f1f", "name": "Zone Read"},
                    {"id": "82e64a83756745bbbb1c9c2701bf816b", "name": "DNS Read"},
                ],
            }
        ],
        "condition": {"request_ip": {"in": ["192.0.2.0/24", "2001:db8::/32"]}},
    }


@contextlib.contextmanager
def serving() -> Iterator[str]:
    """
    Run the server in its own process, and yield its address.
    """
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def requests_so_far(origin: str) -> int:
    """
    Ask the server how many requests it has answered.
    """
    with urllib.request.urlopen(f"{origin}/requests") as response:
        return int(json.load(response))


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(CannedAnswers, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve())
