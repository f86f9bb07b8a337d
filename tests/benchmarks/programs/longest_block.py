"""
Print the longest stall of the loop in milliseconds, from a client's first call on.

Usage: longest_block.py BASE_URL ACCOUNT CREDENTIAL TOKEN_ID
"""

import asyncio
import sys
import time

from cftokens import Client


async def _longest_block() -> float:
    """
    Return the longest time in seconds between two iterations of a loop that is never idle.
    """
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest


async def _main(base_url: str, account_id: str, credential: str, token_id: str) -> None:
    async with Client(credential, account_id=account_id, base_url=base_url, rate_limit=None) as client:
        watch = asyncio.create_task(_longest_block())
        await asyncio.sleep(0)
        await client.accounts.tokens.get(token_id)
        async for _ in client.accounts.tokens.list():
            pass
        watch.cancel()
        print(1000 * await watch)


asyncio.run(_main(*sys.argv[1:]))
