"""
The body of a request, decompressed as its Content-Encoding says.

aiohttp would accept a truncated gzip stream, ignore an encoding that it does not know, and answer and log one
that it knows but cannot decode by itself.
"""

import zlib
from typing import Final

from aiohttp import web

LARGEST_BODY: Final = 16 * 2**20
_GZIP: Final = 16 + zlib.MAX_WBITS
_WINDOWS: Final = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


async def read_body(request: web.Request) -> bytes:
    """
    Return the body of a request.

    Raises:
        HTTPRequestEntityTooLarge: It is larger than LARGEST_BODY, compressed or not.
        HTTPUnsupportedMediaType: Its encoding is unknown.
        RequestPayloadError: It is malformed.
    """
    body = await request.read()
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    return _decode(body, encoding) if body and encoding not in ("", "identity") else body


def _decode(body: bytes, encoding: str) -> bytes:
    if encoding not in _WINDOWS:
        raise web.HTTPUnsupportedMediaType
    stream = zlib.decompressobj(_WINDOWS[encoding])
    try:
        decoded = stream.decompress(body, LARGEST_BODY + 1)
    except zlib.error:
        raise web.RequestPayloadError from None
    if len(decoded) > LARGEST_BODY:
        raise web.HTTPRequestEntityTooLarge(LARGEST_BODY, len(decoded))
    if stream.unused_data or not stream.eof:
        raise web.RequestPayloadError
    return decoded
