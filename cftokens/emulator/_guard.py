"""
The guard before every path: it refuses requests from web pages, and bodies that are too large or malformed.

A web page can send requests to loopback, across sites or through a name that it resolves to 127.0.0.1
(DNS rebinding). The browser tells such requests apart by Host, Origin and Sec-Fetch-Site.
https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

import re
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import HttpVersion, HttpVersion11, web
from multidict import MultiMapping

from cftokens.emulator._bodies import LARGEST_BODY

_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_NO_OTHER_SITE: Final = ("same-origin", "none")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Pass a request on, unless it must be refused.
    """
    objection = objection_to(request.headers, request.version)
    if objection is not None:
        return refusal(403, objection)
    try:
        return await handler(request)
    except web.HTTPRequestEntityTooLarge:
        return refusal(413, f"The emulator accepts bodies of up to {LARGEST_BODY} bytes")
    except ConnectionResetError:
        return web.Response()  # the client has gone and does not see it
    except web.HTTPUnsupportedMediaType:
        return refusal(415, "The emulator can decode gzip and deflate, and no other Content-Encoding")
    except web.RequestPayloadError:
        return refusal(400, "The body cannot be decoded as its headers say")


def objection_to(headers: MultiMapping[str], version: HttpVersion) -> str | None:
    """
    Return why these headers cannot be those of a local program, or None.
    """
    hosts = headers.getall("Host", [])
    if not all(map(_LOOPBACK.fullmatch, hosts)) or not (hosts or version < HttpVersion11):
        return "The emulator only answers requests whose Host is 127.0.0.1, localhost or [::1]"
    own = [f"http://{host}".lower() for host in hosts]
    if not all(origin.lower() in own for origin in headers.getall("Origin", [])):
        return "The emulator does not answer requests from web pages: Origin is not its own"
    if not all(site in _NO_OTHER_SITE for site in headers.getall("Sec-Fetch-Site", [])):
        return "The emulator does not answer requests from web pages: Sec-Fetch-Site names another site"
    return None


def refusal(status: int, message: str) -> web.Response:
    """
    Return a refusal in the emulator's own words, which clients of the API can read, too.
    """
    errors = [{"code": status, "message": message}]
    envelope = {"success": False, "errors": errors, "messages": [], "result": None}
    return web.json_response({"error": message, **envelope}, status=status)
