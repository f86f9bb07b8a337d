"""
The HTTP side of the emulated API: from requests to operations, from answers and faults to responses.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Final

import attrs
from aiohttp import web

from cftokens.emulator import _refusals
from cftokens.emulator._access import bearer_of
from cftokens.emulator._bodies import read_body
from cftokens.emulator._guard import Handler
from cftokens.emulator._injection import Injection
from cftokens.emulator._operations import Answer, Message, Operations, refuse
from cftokens.emulator._rate import Limits, Reading
from cftokens.emulator._routes import BASE, Call, Operation, route
from cftokens.emulator._values import hide_values
from cftokens.emulator.faults import Fault, Reply

MOST_RECORDED: Final = 10_000


@attrs.frozen(kw_only=True)
class RecordedRequest:
    """
    A request that an emulator received. Token values in it are cut to their prefix.

    Attributes:
        method: The HTTP method.
        path: The raw path after the base URL, like ``/user/tokens``.
        query: The query parameters.
        operation: The operation, like ``"create"``; None if the request matches none.
        status: The HTTP status of the answer; None if there was none.
    """

    method: str
    path: str
    query: Mapping[str, str]
    operation: str | None
    status: int | None


class Server:
    """
    The request handler of the emulated API.
    """

    def __init__(self, operations: Operations, limits: Limits, injection: Injection) -> None:
        self.requests: list[RecordedRequest] = []
        self._operations = operations
        self._limits = limits
        self._injection = injection

    @web.middleware
    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """
        Answer a request below the base URL, whatever its path; pass any other on.

        A route of aiohttp would not do: its pattern is matched against the decoded path.
        """
        raw_path = request.rel_url.raw_path
        below = raw_path == BASE or raw_path.startswith(f"{BASE}/")
        return await (self._answer(request) if below else handler(request))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        message = await _read(request)
        call = _route(message)
        operation = call.operation if isinstance(call, Call) else None
        reading = self._count(message)
        fault = self._choose_fault(operation, reading)
        reply = self._play(call, message, fault)
        self._keep(_record(message, operation, reply))  # before any delay
        await asyncio.sleep(fault.seconds)
        return await _send(request, reply, reading, whole=fault.sent == "all")

    def _keep(self, recorded: RecordedRequest) -> None:
        self.requests.append(recorded)
        del self.requests[:-MOST_RECORDED]

    def _count(self, message: Message) -> Reading:
        token_id = self._operations.tokens.id_of(bearer_of(message.headers))
        return self._limits.count(token_id or None, message.peer)

    def _choose_fault(self, operation: Operation | None, reading: Reading) -> Fault:
        if reading.refused:
            return Fault(runs=False, reply=_encode(refuse(_refusals.too_fast())))
        return self._injection.take(operation) or Fault()

    def _play(self, call: Call | _refusals.RefusedError, message: Message, fault: Fault) -> Reply | None:
        """
        Run the operation, unless the fault prevents it, and return the reply, if any.
        """
        own = _encode(self._operate(call, message)) if fault.runs else None
        return None if fault.sent == "nothing" else fault.reply or own

    def _operate(self, call: Call | _refusals.RefusedError, message: Message) -> Answer:
        return self._operations.answer(call, message) if isinstance(call, Call) else refuse(call)


async def _read(request: web.Request) -> Message:
    return Message(
        method=request.method,
        path=request.rel_url.raw_path.removeprefix(BASE),
        headers=request.headers,
        query=request.query,
        body=await read_body(request),
        peer=request.remote or "",
    )


def _route(message: Message) -> Call | _refusals.RefusedError:
    try:
        return route(message.method, message.path)
    except _refusals.RefusedError as refused:
        return refused


def _encode(answer: Answer) -> Reply:
    return Reply(answer.status, {"Content-Type": "application/json"}, json.dumps(answer.envelope).encode())


def _record(message: Message, operation: Operation | None, reply: Reply | None) -> RecordedRequest:
    return RecordedRequest(
        method=message.method,
        path=hide_values(message.path),
        query={hide_values(key): hide_values(value) for key, value in message.query.items()},
        operation=operation,
        status=reply.status if reply else None,
    )


async def _send(
    request: web.Request, reply: Reply | None, reading: Reading, *, whole: bool
) -> web.StreamResponse:
    if reply is None:
        return _hang_up(request, web.Response())
    headers = {**reading.headers(), "CF-Ray": f"{secrets.token_hex(8)}-AMS"}
    if whole:
        response = web.Response(status=reply.status, headers=headers, body=reply.body)
        response.headers.update(reply.headers)
        return response
    return await _send_half(request, reply, headers)


async def _send_half(request: web.Request, reply: Reply, headers: Mapping[str, str]) -> web.StreamResponse:
    """
    Announce the whole body, send half of it, and close the connection.
    """
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.headers.update(reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    return _hang_up(request, response)


def _hang_up(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """
    Close the connection once what has been written is sent.
    """
    request.protocol.force_close()
    return response
