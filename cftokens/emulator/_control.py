"""
The emulator's own paths: faults and recorded requests for programs in other languages.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import attrs
from aiohttp import web

from cftokens.emulator._bodies import read_body
from cftokens.emulator._injection import Injection, make_fault
from cftokens.emulator._server import RecordedRequest
from cftokens.emulator._shapes import is_object

_MOST_FAULTS: Final = 1000


class Control:
    """
    The handlers of ``/emulator/…``. They need no credential: the guard lets only local programs in.
    """

    def __init__(self, injection: Injection, requests: Sequence[RecordedRequest]) -> None:
        self._injection = injection
        self._requests = requests

    def routes(self) -> list[web.RouteDef]:
        """
        Return the paths and their handlers.
        """
        return [
            web.post("/emulator/faults", self.inject),
            web.delete("/emulator/faults", self.clear),
            web.get("/emulator/requests", self.recorded),
        ]

    async def inject(self, request: web.Request) -> web.Response:
        """
        Inject the fault that the body describes.

        The Content-Type must be one that a web page cannot send across sites without asking.
        """
        if request.content_type != "application/json":
            return web.json_response({"error": "Content-Type must be application/json"}, status=415)
        try:
            self._inject(_read_object(await read_body(request)))
        except ValueError as mistake:
            return web.json_response({"error": str(mistake)}, status=400)
        return web.json_response({})

    async def clear(self, _request: web.Request) -> web.Response:
        """
        Remove all faults.
        """
        self._injection.clear()
        return web.json_response({})

    async def recorded(self, _request: web.Request) -> web.Response:
        """
        Return the recorded requests.
        """
        return web.json_response([attrs.asdict(request) for request in self._requests])

    def _inject(self, description: dict[str, Any]) -> None:
        if len(self._injection) >= _MOST_FAULTS:
            raise ValueError(f"There are {_MOST_FAULTS} faults already; remove them first")
        operation, times = description.pop("operation", None), description.pop("times", 1)
        self._injection.add(make_fault(description), operation, times)


def _read_object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    if not is_object(content):
        raise ValueError('The body must be a JSON object, like {"fault": "drop_after"}')
    return content
