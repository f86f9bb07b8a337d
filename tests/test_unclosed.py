"""
A client that is not closed is reported in our words alone.
"""

import os
import subprocess
import sys

import pytest

from cftokens.sync.emulator import Emulator

PREAMBLE = """
import asyncio, gc, cftokens

gc.disable()  # a warning names the line at which the collector happens to run, perhaps one of aiohttp's
client = cftokens.Client()

async def verify():
    await client.accounts.tokens.verify()
"""

THE_END = """
gc.enable()
"""

DROPPED = {
    "in its loop": """
async def main():
    global client
    await verify()
    del client
    gc.collect()
asyncio.run(main())
""",
    "after its loop": """
asyncio.run(verify())
del client
""",
    "after its second loop": """
asyncio.run(verify())
asyncio.run(verify())
del client
""",
    "in a cycle": """
asyncio.run(verify())
client.itself = client
del client
gc.collect()
""",
    "at the end": """
asyncio.run(verify())
""",
}

CLOSED = {
    "in its loop": """
async def main():
    async with client:
        await verify()
asyncio.run(main())
""",
    "in its second loop": """
async def main():
    async with client:
        await verify()
asyncio.run(verify())
asyncio.run(main())
""",
    "in a loop of its own": """
asyncio.run(verify())
asyncio.run(client.close())
""",
}


def errors_of(program: str) -> str:
    """
    Run a program, and return what it writes to standard error.
    """
    with Emulator() as emulator:
        variables = {
            "CLOUDFLARE_BASE_URL": emulator.base_url,
            "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
            "CLOUDFLARE_API_TOKEN": emulator.api_token,
        }
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-W", "always", "-c", PREAMBLE + program + THE_END],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    return done.stderr


@pytest.mark.parametrize("how", DROPPED)
def test_an_unclosed_client_is_named_in_our_words(how: str) -> None:
    """
    There is one notice, about the client, and none of aiohttp's about what it had opened.
    """
    said = errors_of(DROPPED[how])

    assert said.count("was not closed; use 'async with', or call its close()") == 1
    assert "Unclosed" not in said
    assert "aiohttp" not in said


@pytest.mark.parametrize("how", CLOSED)
def test_a_closed_client_leaves_no_notice(how: str) -> None:
    """
    Nor does one that moved from one asyncio.run() to another.
    """
    said = errors_of(CLOSED[how])

    assert "closed;" not in said
    assert "Unclosed" not in said
    assert "aiohttp" not in said
