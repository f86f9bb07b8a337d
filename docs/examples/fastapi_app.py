r"""
A service on FastAPI that hands out short-lived tokens and revokes them.

    POST /tokens          {"name": "ci", "zone": "…", "minutes": 15}: a new token, with its value, which is
                          shown only here
    GET /tokens/{id}      what is known of a token
    DELETE /tokens/{id}   revoke it
    GET /health           whether this process answers

    pip install fastapi uvicorn
    python -m cftokens.emulator -- python docs/examples/fastapi_app.py     without an account
    python docs/examples/fastapi_app.py                                    on Cloudflare

    curl http://127.0.0.1:8080/tokens -H 'Content-Type: application/json' \
        -d '{"name": "ci", "zone": "22b1de5f1c0e4b3ea97bb1e963b06a43", "minutes": 15}'

For Cloudflare, set CLOUDFLARE_ACCOUNT_ID, and CLOUDFLARE_API_TOKEN to an account-owned token that has the
permission groups "Account API Tokens Write" and, for these zones, "DNS Write". The service does not
authenticate its callers: let only those reach it who may have such a token. A new value works after some
seconds: callers wait, as wait_until_active() does.
"""

import argparse
import asyncio
import logging
import math
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import uvicorn
from fastapi import APIRouter, FastAPI, HTTPException, Path, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

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

TokenId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]

router = APIRouter()


class Order(BaseModel):
    """
    What a caller may choose.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=r"^[\w .-]{1,80}$")]
    zone: str
    minutes: Annotated[int, Field(ge=1, le=60)]


class Issued(BaseModel):
    """
    A new token.
    """

    id: str
    value: Annotated[str, Field(repr=False)]  # a plain string here, which a log line would show
    expires_on: datetime | None


class Shown(BaseModel):
    """
    What is known of a token.
    """

    id: str
    name: str | None
    status: str | None
    expires_on: datetime | None


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
    patience = math.ceil(options.deadline) + 1  # every request is over by then, so that none is cut off
    uvicorn.run(
        app, host=options.host, port=options.port, log_config=None, timeout_graceful_shutdown=patience
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


def make_app(client: Client, deadline: float) -> FastAPI:
    """
    Make the application, which closes the client in the end.
    """
    app = FastAPI(title="Short-lived tokens", lifespan=close_client)
    app.state.client = client
    app.state.deadline = deadline
    app.add_exception_handler(CFTokensError, explain)
    app.add_exception_handler(TimeoutError, explain)
    app.include_router(router)
    return app


@asynccontextmanager
async def close_client(app: FastAPI) -> AsyncIterator[None]:
    """
    Close the client when no request needs it any more.
    """
    async with client_of(app):
        yield


def client_of(app: FastAPI) -> Client:
    """
    Return the client that all requests share.
    """
    client: Client = app.state.client
    return client


@router.post("/tokens", status_code=201)
async def create(order: Order, request: Request, response: Response) -> Issued:
    """
    Hand out a token.
    """
    policy = policy_for(order.zone)
    async with asyncio.timeout(request.app.state.deadline):
        created = await issue(client_of(request.app), order, policy)
    LOG.info("Issued %s: %r, until %s.", created.id, created.name, created.expires_on)
    response.headers["Cache-Control"] = "no-store"
    return Issued(id=created.id, value=created.value.reveal(), expires_on=created.expires_on)


@router.get("/tokens/{token_id}")
async def show(token_id: TokenId, request: Request) -> Shown:
    """
    Tell what is known of a token.
    """
    async with asyncio.timeout(request.app.state.deadline):
        token = await find(client_of(request.app), token_id)
    return Shown(id=token.id, name=token.name, status=token.status, expires_on=token.expires_on)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke(token_id: TokenId, request: Request) -> None:
    """
    Revoke a token.
    """
    async with asyncio.timeout(request.app.state.deadline):
        token = await find(client_of(request.app), token_id)
        await client_of(request.app).accounts.tokens.delete(token.id)
    LOG.info("Revoked %s: %r.", token.id, token.name)


@router.get("/health")
async def health() -> dict[str, str]:
    """
    Tell that this process answers. Cloudflare is not asked: its failures are no reason to restart us.
    """
    return {"status": "ok"}


async def issue(client: Client, order: Order, policy: p.PolicyDraft) -> TokenCreateResponse:
    """
    Make a token. If the answer is lost, find out what became of it.
    """
    try:
        return await client.accounts.tokens.create(
            name=f"{PREFIX}{order.name} {secrets.token_hex(4)}",  # used once, so that recover() finds one
            policies=[policy],
            expires_on=datetime.now(UTC) + timedelta(minutes=order.minutes),
        )
    except CFTokensError as error:
        if error.attempt is None:  # surely not made
            raise
        recovered = await client.accounts.tokens.recover(error.attempt)
        if recovered is None:
            raise
        return recovered


def policy_for(zone: str) -> p.PolicyDraft:
    """
    Return what a token may do. A caller chooses only the zone, and a ValueError here is the caller's mistake.
    """
    try:
        return p.allow(PERMISSION, on=p.zone(zone))
    except ValueError as error:
        raise HTTPException(400, str(error)) from None


async def find(client: Client, token_id: str) -> Token:
    """
    Return a token if it is one of ours.
    """
    token = await client.accounts.tokens.get(token_id)
    if not (token.name or "").startswith(PREFIX):
        raise NotFoundError(f"{token_id} was not issued here.")
    return token


async def explain(request: Request, error: Exception) -> JSONResponse:
    """
    Answer with a status that says whose fault it was, and log the rest.
    """
    status, text = meaning_of(error)
    LOG.warning("%s %s: %d, %s", request.method, request.url.path, status, error or "out of time")
    return JSONResponse({"error": text}, status, headers=wait_for(error))


def meaning_of(error: Exception) -> tuple[int, str]:  # noqa: PLR0911 -- a table
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
