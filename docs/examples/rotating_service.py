"""
A service that rotates the token it works with, and loses no request.

    python -m cftokens.emulator -- python docs/examples/rotating_service.py --every 5     without an account
    python docs/examples/rotating_service.py                                              every six hours

It has two credentials. That of the environment makes tokens, and does nothing else: it makes a token for the
worker when the service starts, rotates it, and deletes it at the end. The worker's credential is a function,
so that each request has the value of its time. Requests that are under way during a rotation end with the
old value, which works for some minutes more.

The worker's value is stored nowhere outside this process. If the process is killed, its token expires. What
the worker does here, listing tokens, stands for your own work. SIGTERM and Ctrl-C end the service, with exit
status 0, after the requests that are under way.

For Cloudflare, set CLOUDFLARE_ACCOUNT_ID, and CLOUDFLARE_API_TOKEN to an account-owned token that makes
tokens.
"""

import argparse
import asyncio
import logging
import signal
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cftokens import CFTokensError, Client, TokenCreateResponse, TokenValue
from cftokens import policies as p

LOG = logging.getLogger("service")

LIFETIME = timedelta(days=1)
"""Longer than the time between rotations, so that some may fail."""

OVERLAP = timedelta(minutes=5)
"""Longer than one try of a request, which has the value of its time."""


def main(arguments: list[str]) -> int:
    """
    Serve until told to stop, and return the exit status.
    """
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        client = Client()
    except ValueError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(serve(client, options))
    except CFTokensError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    LOG.info("Stopped.")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(description="Work with a token that is rotated, until told to stop.")
    parser.add_argument(
        "--every", default=21600.0, type=float, metavar="SECONDS", help="between rotations (%(default)s)"
    )
    parser.add_argument(
        "--settle",
        default=60.0,
        type=float,
        metavar="SECONDS",
        help="before a new value is used, because products may know it later than verify (%(default)s)",
    )
    parser.add_argument("--jobs", default=20, type=int, help="requests at the same time (%(default)s)")
    parser.add_argument(
        "--pause", default=10.0, type=float, metavar="SECONDS", help="after these requests (%(default)s)"
    )
    return parser.parse_args(arguments)


async def serve(client: Client, options: argparse.Namespace) -> None:
    """
    Work and rotate until SIGTERM or SIGINT. Delete the worker's token, and close the client.
    """
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with client:
        service = Service(client, await make_token(client), options.settle)
        try:
            await client.accounts.tokens.wait_until_active(service.token.value)
            async with asyncio.TaskGroup() as group:  # a rotation loop that fails ends the work, too
                rotating = group.create_task(service.keep_rotating(options.every))
                await service.keep_working(options.jobs, options.pause, told)
                rotating.cancel()
        finally:
            await client.accounts.tokens.delete(service.token.id)


async def make_token(client: Client) -> TokenCreateResponse:
    """
    Make the worker's first token.
    """
    access = p.allow("Account API Tokens Read", on=p.account(client.account_id or ""))
    ends = datetime.now(UTC) + LIFETIME
    return await client.accounts.tokens.create(name="worker", policies=[access], expires_on=ends)


class Service:
    """
    The work, and the rotation of the token that it needs.

    Args:
        client: A client whose credential makes tokens.

        token: The worker's first token.

        settle: Seconds before a new value is used.
    """

    def __init__(self, client: Client, token: TokenCreateResponse, settle: float) -> None:
        self.token = token
        self._client = client
        self._settle = settle
        self._worker = client.with_options(api_token=self.credential)

    def credential(self) -> TokenValue:
        """
        Return the value to work with. The client calls this before each try of a request.
        """
        return self.token.value

    async def keep_working(self, jobs: int, pause: float, told: asyncio.Event) -> None:
        """
        Work until told to stop.
        """
        while not told.is_set():
            results = await asyncio.gather(*(self.work() for _ in range(jobs)))
            LOG.info("%d requests succeeded, %d failed.", results.count(True), results.count(False))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await told.wait()

    async def work(self) -> bool:
        """
        Send one request of the worker, and return whether it succeeded.
        """
        try:
            await self._worker.accounts.tokens.list().page()
        except CFTokensError as error:
            LOG.error("A request failed: %s", error)  # noqa: TRY400 -- it says all
            return False
        return True

    async def keep_rotating(self, every: float) -> None:
        """
        Rotate the token again and again. If one rotation fails, the old token works until the next.
        """
        while True:
            await asyncio.sleep(every)
            await self.rotate()

    async def rotate(self) -> None:
        """
        Rotate the token once.
        """
        try:
            rotation = await self._client.accounts.tokens.rotate(
                self.token.id,
                check=self._check,
                store=self._store,
                lifetime=LIFETIME,
                overlap=OVERLAP,
            )
        except CFTokensError as error:
            LOG.error("Trying again later: %s", error)  # noqa: TRY400 -- it says all
        else:
            old, new, ends = rotation.predecessor.id, self.token.id, rotation.retires_on
            LOG.info("Token %s replaces %s, which works until %s.", new, old, ends)

    async def _check(self, successor: TokenCreateResponse) -> None:
        """
        Try the successor as the worker will use it. If that fails, it is deleted.
        """
        await asyncio.sleep(self._settle)
        worker = self._client.with_options(api_token=successor.value)
        await worker.accounts.tokens.list().page()

    def _store(self, successor: TokenCreateResponse) -> None:
        """
        Let the worker's next request have the new value.
        """
        self.token = successor


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
