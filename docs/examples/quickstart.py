"""
The life of a token: made, checked, found, rolled, and deleted.

    python docs/examples/quickstart.py                on an emulator that it starts itself
    python docs/examples/quickstart.py --cloudflare   on Cloudflare, with the credential of the environment

For Cloudflare, set CLOUDFLARE_ACCOUNT_ID, and CLOUDFLARE_API_TOKEN to an account-owned token that has
the permission group "Account API Tokens Write".
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from cftokens import (
    AuthenticationError,
    CFTokensError,
    Client,
    PermissionDeniedError,
    TokenCreateResponse,
    TokenValue,
)
from cftokens.emulator import Emulator

LONGEST_WAIT = 60.0
"""Seconds that Cloudflare may take to know a change everywhere, before we give up."""

PAUSE = 2.0
"""Seconds between two looks."""


async def main(arguments: list[str]) -> int:
    """
    Run the story where the arguments say, and return the exit status.
    """
    parser = argparse.ArgumentParser(description="The life of a token, in six steps.")
    parser.add_argument("--cloudflare", action="store_true", help="on the real API instead of an emulator")
    try:
        if parser.parse_args(arguments).cloudflare:
            await on_cloudflare()
        else:
            await on_an_emulator()
    except (CFTokensError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    return 0


async def on_an_emulator() -> None:
    """
    Run the story without an account, and without a network.
    """
    async with Emulator() as emulator, emulator.client() as client:
        print(f"This runs on an emulator at {emulator.base_url}; Cloudflare is not asked.")
        await life_of_a_token(client)


async def on_cloudflare() -> None:
    """
    Run the story with the credential of the environment.
    """
    async with Client() as client:
        print(f"This runs on the API at {client.base_url}.")
        await life_of_a_token(client)


async def life_of_a_token(client: Client) -> None:
    """
    Make a token, use it, and leave nothing behind.
    """
    created = await make(client)
    try:
        await use(client, created)
    finally:
        await client.accounts.tokens.delete(created.id)
        print("6. Deleted it. Nothing is left behind.")


async def make(client: Client) -> TokenCreateResponse:
    """
    Make a token that may do one thing, in one account, for one hour.
    """
    tokens = client.accounts.tokens
    (read_tokens,) = await tokens.permission_groups.get(name="Account API Tokens Read")
    created = await tokens.create(
        name=f"cftokens quickstart {datetime.now(UTC):%Y-%m-%d %H:%M:%S}",
        policies=[
            {
                "effect": "allow",
                "permission_groups": [{"id": read_tokens.id}],
                "resources": {f"com.cloudflare.api.account.{client.account_id}": "*"},
            }
        ],
        expires_on=datetime.now(UTC) + timedelta(hours=1),
    )
    print(f"1. Made {created.name!r}. It may list tokens, no more, until {created.expires_on:%H:%M:%S} UTC.")
    return created


async def use(client: Client, created: TokenCreateResponse) -> None:
    """
    Check, find and roll a token.
    """
    await wait_for(lambda: works(client, created.value), "The new token is not known everywhere yet")
    print("2. Verified it with its own value: it is active.")

    await wait_for(lambda: is_listed(client, created), "The new token is not in the list yet")
    print("3. Found it in the list of all tokens.")

    rolled = await client.accounts.tokens.value.update(created.id)
    await wait_for(lambda: works(client, rolled), "The new value is not known everywhere yet")
    print("4. Rolled it: the same token has a new value, and that one works.")

    await wait_for(lambda: is_dead(client, created.value), "The old value is not dead everywhere yet")
    print("5. Tried the old value: it is refused.")


async def works(client: Client, value: TokenValue) -> bool:
    """
    Tell whether a value is accepted.
    """
    try:
        answer = await client.with_options(api_token=value).accounts.tokens.verify()
    except (AuthenticationError, PermissionDeniedError):
        return False
    return answer.status == "active"


async def is_listed(client: Client, created: TokenCreateResponse) -> bool:
    """
    Tell whether a token is in the list.
    """
    return created.id in [token.id async for token in client.accounts.tokens.list()]


async def is_dead(client: Client, value: TokenValue) -> bool:
    """
    Tell whether a value is refused.
    """
    return not await works(client, value)


async def wait_for(is_so: Callable[[], Awaitable[bool]], until_then: str) -> None:
    """
    Look until something is so, and give up in bounded time.
    """
    give_up = time.monotonic() + LONGEST_WAIT
    while not await is_so():
        if time.monotonic() + PAUSE > give_up:
            raise CFTokensError(f"{until_then}, after {LONGEST_WAIT:.0f} seconds.")
        print(f"   {until_then}: looking again in {PAUSE:.0f} seconds.")
        await asyncio.sleep(PAUSE)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
