"""
Rotates the token that is a secret of a Worker.

    python docs/examples/worker_secret.py SCRIPT SECRET TOKEN_NAME

A Worker's secret cannot be read, so the token is found by its name: that of the newest active token which
is TOKEN_NAME, or TOKEN_NAME with the end that a rotation adds. A new secret takes effect in some seconds,
without a deployment.

The credential is a minter's: CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID. The
secret is written with WORKERS_API_TOKEN, which needs the permission group "Workers Scripts Write".
"""

import asyncio
import os
import re
import sys
from datetime import UTC, datetime, timedelta

import aiohttp

from cftokens import CFTokensError, Client, Token, TokenCreateResponse

API = "https://api.cloudflare.com/client/v4"


async def main(script: str, secret: str, token_name: str) -> int:
    """
    Rotate the token, and return the exit status.
    """
    try:
        async with Client() as client:
            url = f"{API}/accounts/{client.account_id}/workers/scripts/{script}/secrets"

            async def store(successor: TokenCreateResponse) -> None:
                value = successor.value.reveal()
                await put(url, {"name": secret, "text": value, "type": "secret_text"})

            old = await newest(client, token_name)
            tokens = client.accounts.tokens
            await tokens.rotate(old.id, store=store, lifetime=timedelta(days=30))
    except (CFTokensError, LookupError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


async def newest(client: Client, name: str) -> Token:
    """
    Return the active token of a name that was made last.
    """
    ours = re.compile(re.escape(name) + r"( \d{4}-\d\d-\d\d [0-9a-f]{8})?")
    tokens = [
        token
        async for token in client.accounts.tokens.list()
        if token.status == "active" and ours.fullmatch(token.name or "")
    ]
    if not tokens:
        raise LookupError(f"There is no active token named {name!r}.")
    return max(tokens, key=lambda token: token.issued_on or datetime.min.replace(tzinfo=UTC))


async def put(url: str, body: dict[str, str]) -> None:
    """
    Write a secret. aiohttp's exceptions hold the credential, so they are replaced.
    """
    headers = {"Authorization": f"Bearer {os.environ['WORKERS_API_TOKEN']}"}
    try:
        async with aiohttp.request("PUT", url, json=body, headers=headers) as answer:
            status = answer.status
    except aiohttp.ClientError as error:
        problem = f"{type(error).__name__} while the secret was written"
        raise RuntimeError(problem) from None
    if status != 200:
        raise RuntimeError(f"The secret was refused with status {status}")


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:])))
