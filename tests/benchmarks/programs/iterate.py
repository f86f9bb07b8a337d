"""
Print the peak memory in KiB after a tenth of a long list, and after all of it.

Usage: iterate.py BASE_URL ACCOUNT CREDENTIAL TOTAL
"""

import asyncio
import sys
from pathlib import Path

from cftokens import Client


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


async def _main(base_url: str, account_id: str, credential: str, total: str) -> None:
    number = 0
    async with Client(credential, account_id=account_id, base_url=base_url, rate_limit=None) as client:
        async for _ in client.accounts.tokens.list():
            number += 1
            if number in {int(total) // 10, int(total)}:
                print(_peak())


asyncio.run(_main(*sys.argv[1:]))
