r"""
A service on aiohttp that hands out short-lived tokens and revokes them.

    POST /tokens          {"name": "ci", "zone": "…", "minutes": 15}: a new token, with its value, which is
                          shown only here
    GET /tokens/{id}      what is known of a token
    DELETE /tokens/{id}   revoke it
    GET /health           whether this process answers

    python -m cftokens.emulator -- python docs/examples/aiohttp_web.py     without an account
    python docs/examples/aiohttp_web.py                                    on Cloudflare

    curl http://127.0.0.1:8080/tokens -H 'Content-Type: application/json' \
        -d '{"name": "ci", "zone": "22b1de5f1c0e4b3ea97bb1e963b06a43", "minutes": 15}'

For Cloudflare, set CLOUDFLARE_ACCOUNT_ID, and CLOUDFLARE_API_TOKEN to an account-owned token that has the
permission groups "Account API Tokens Write" and, for these zones, "DNS Write". The service does not
authenticate its callers: let only those reach it who may have such a token. A new value works after some
seconds: callers wait, as wait_until_active() does.
"""

import argparse
import asyncio
import json
import logging
import math
import re
import secrets
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import web
from aiohttp.typedefs import Handler

from cftokens import (
    BadRequestError,
    CFTokensError,
    Client,
    ClosedError,
    NotFoundError,
    PermissionGroupError,
    RateLimitedError,
    Retry,
    Token,
    TokenCreateResponse,
    TooManyFailuresError,
    UnprocessableEntityError,
)
from cftokens import policies as p
from cftokens.errors import attempt_of

LOG = logging.getLogger("tokens")

PERMISSION = "DNS Write"
"""What every token may do in the zone that was asked for, and nothing else."""

PREFIX = "issued: "
"""How the names of our tokens begin. Callers reach no other token, and above all not our own credential."""

NAME = re.compile(r"[\w .-]{1,80}")
LONGEST = 60
"""Minutes that a token may live."""

CLIENT = web.AppKey("client", Client)
DEADLINE = web.AppKey("deadline", float)

routes = web.RouteTableDef()


def main(arguments: list[str]) -> int:
    """
    Serve until SIGTERM or Ctrl-C, and return the exit status.
    """
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        app = make_app(make_client(options.deadline), options.deadline)
    except ValueError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 2
    web.run_app(
        app,
        host=options.host,
        port=options.port,
        shutdown_timeout=options.deadline + 1,  # every request is over by then, so that none is cut off
        print=LOG.info,
    )
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(description="Hand out short-lived tokens over HTTP.")
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", default=8080, type=int, help="0 for a free one (%(default)s)")
    parser.add_argument("--deadline", default=15.0, type=float, help="seconds for a request (%(default)s)")
    return parser.parse_args(arguments)


def make_client(deadline: float) -> Client:
    """
    Make a client that leaves two thirds of the deadline to settle a create whose answer is lost.
    """
    return Client(timeout=deadline / 3, retry=Retry(attempts=2, budget=deadline / 3))


def make_app(client: Client, deadline: float) -> web.Application:
    """
    Make the application, which closes the client in the end.
    """
    app = web.Application(middlewares=[explain_failures, keep_the_deadline], client_max_size=4096)
    app[CLIENT] = client
    app[DEADLINE] = deadline
    app.cleanup_ctx.append(close_client)
    app.add_routes(routes)
    return app


async def close_client(app: web.Application) -> AsyncIterator[None]:
    """
    Close the client when no request needs it any more.
    """
    async with app[CLIENT]:
        yield


@routes.post("/tokens")
async def create(request: web.Request) -> web.Response:
    """
    Hand out a token.
    """
    name, policy, minutes = order_of(await request.read())
    created = await issue(request.app[CLIENT], name, policy, minutes)
    LOG.info("Issued %s: %r, until %s.", created.id, created.name, created.expires_on)
    body = {"id": created.id, "value": created.value.reveal(), "expires_on": iso(created.expires_on)}
    return web.json_response(body, status=201, headers={"Cache-Control": "no-store"})


@routes.get("/tokens/{id:[0-9a-f]{32}}")
async def show(request: web.Request) -> web.Response:
    """
    Tell what is known of a token.
    """
    token = await find(request.app[CLIENT], request.match_info["id"])
    body = {"id": token.id, "name": token.name, "status": token.status, "expires_on": iso(token.expires_on)}
    return web.json_response(body)


@routes.delete("/tokens/{id:[0-9a-f]{32}}")
async def revoke(request: web.Request) -> web.Response:
    """
    Revoke a token.
    """
    token = await find(request.app[CLIENT], request.match_info["id"])
    await request.app[CLIENT].accounts.tokens.delete(token.id)
    LOG.info("Revoked %s: %r.", token.id, token.name)
    return web.Response(status=204)


@routes.get("/health")
async def health(_: web.Request) -> web.Response:
    """
    Tell that this process answers. Cloudflare is not asked: its failures are no reason to restart us.
    """
    return web.json_response({"status": "ok"})


def order_of(body: bytes) -> tuple[str, p.PolicyDraft, int]:
    """
    Return the name, what the token may do, and the minutes that were ordered, and nothing that was not.
    """
    try:
        order = json.loads(body)
    except (ValueError, RecursionError):
        order = None
    match order:
        case {"name": str(name), "zone": str(zone), "minutes": int(minutes), **others} if not others:
            if NAME.fullmatch(name) and 1 <= minutes <= LONGEST and minutes is not True:
                return name, policy_for(zone), minutes
    raise bad_request(
        'Send {"name": 1 to 80 letters, digits, blanks or ._-, "zone": the id of a zone, '
        f'"minutes": 1 to {LONGEST}}}.'
    )


def policy_for(zone: str) -> p.PolicyDraft:
    """
    Return what a token may do. A caller chooses only the zone, and a ValueError here is the caller's mistake.
    """
    try:
        return p.allow(PERMISSION, on=p.zone(zone))
    except ValueError as error:
        raise bad_request(str(error)) from None


def bad_request(text: str) -> web.HTTPBadRequest:
    """
    Return the answer to an order that cannot be filled.
    """
    return web.HTTPBadRequest(text=json.dumps({"error": text}), content_type="application/json")


async def issue(client: Client, name: str, policy: p.PolicyDraft, minutes: int) -> TokenCreateResponse:
    """
    Make a token. If the answer is lost, find out what became of it.
    """
    try:
        return await client.accounts.tokens.create(
            name=f"{PREFIX}{name} {secrets.token_hex(4)}",  # used once, so that recover() finds one
            policies=[policy],
            expires_on=datetime.now(UTC) + timedelta(minutes=minutes),
        )
    except CFTokensError as error:
        if error.attempt is None:  # surely not made
            raise
        recovered = await client.accounts.tokens.recover(error.attempt)
        if recovered is None:
            raise
        return recovered


async def find(client: Client, token_id: str) -> Token:
    """
    Return a token if it is one of ours.
    """
    token = await client.accounts.tokens.get(token_id)
    if not (token.name or "").startswith(PREFIX):
        raise NotFoundError(f"{token_id} was not issued here.")
    return token


@web.middleware
async def keep_the_deadline(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Let no request take longer than the deadline.
    """
    async with asyncio.timeout(request.app[DEADLINE]):
        return await handler(request)


@web.middleware
async def explain_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """
    Answer with a status that says whose fault it was, and log the rest.
    """
    try:
        return await handler(request)
    except (CFTokensError, TimeoutError) as error:
        status, text = meaning_of(error)
        LOG.warning("%s %s: %d, %s", request.method, request.path, status, error or "out of time")
        return web.json_response({"error": text}, status=status, headers=wait_for(error))


def meaning_of(error: CFTokensError | TimeoutError) -> tuple[int, str]:  # noqa: PLR0911 -- a table
    """
    Return a status for our caller, and what to say. Cloudflare's own words stay in our log.
    """
    if (attempt := attempt_of(error)) is not None:
        return 502, f"It is not known whether token {attempt.name!r} was made. It would expire by itself."
    match error:
        case NotFoundError():
            return 404, "There is no such token."
        case BadRequestError() | UnprocessableEntityError():
            return 400, "Cloudflare does not accept this."
        case PermissionGroupError():
            return 500, "This service asks for a permission that does not exist."
        case RateLimitedError() | TooManyFailuresError() | ClosedError():
            return 503, "Too much to do: try again later."
        case TimeoutError():
            return 504, "Cloudflare did not answer in time."
    return 502, "Cloudflare failed, or does not let this service do that."


def wait_for(error: Exception) -> dict[str, str]:
    """
    Hand on when to try again.
    """
    if isinstance(error, RateLimitedError):
        return {"Retry-After": str(math.ceil(error.retry_after or 1))}
    return {}


def iso(moment: datetime | None) -> str | None:
    """
    Write a moment down as JSON has it.
    """
    return None if moment is None else moment.isoformat()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
