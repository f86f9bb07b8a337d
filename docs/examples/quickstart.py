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

PAUSE = 2.0
"""Seconds between two looks at a value that should be refused."""

LOOKS = 30
"""How often we look before we give up."""


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
    tokens = client.accounts.tokens
    await tokens.wait_until_active(created.value)
    print("2. Verified it with its own value: it is active.")

    listed = [token.id async for token in tokens.list()]
    print(f"3. {'Found' if created.id in listed else 'Did not find'} it in the list of all tokens.")

    rolled = await tokens.value.update(created.id)
    await tokens.wait_until_active(rolled)
    print("4. Rolled it: the same token has a new value, and that one works.")

    await wait_until_refused(client, created.value)
    print("5. Tried the old value: it is refused.")


async def wait_until_refused(client: Client, value: TokenValue) -> None:
    """
    Wait until an old value is refused. On Cloudflare, it can work for some seconds more.
    """
    with_old_value = client.with_options(api_token=value)
    for _ in range(LOOKS):
        try:
            await with_old_value.accounts.tokens.verify()
        except (AuthenticationError, PermissionDeniedError):
            return
        print(f"   The old value still works: looking again in {PAUSE:.0f} seconds.")
        await asyncio.sleep(PAUSE)
    raise CFTokensError(f"The old value still works after {LOOKS * PAUSE:.0f} seconds.")


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
