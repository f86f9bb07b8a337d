"""
A service that keeps an eye on tokens and says in its log which of them need somebody's attention.

    python -m cftokens.emulator -- python docs/examples/asyncio_service.py --every 5     without an account
    python docs/examples/asyncio_service.py                                              all tokens
    python docs/examples/asyncio_service.py ID ID                                        these only

It warns of tokens that expire soon, that are disabled, expired or revoked, and that vanished; once each,
until something changes. SIGTERM and Ctrl-C end it, with exit status 0.

For Cloudflare, set CLOUDFLARE_ACCOUNT_ID, and CLOUDFLARE_API_TOKEN to an account-owned token that has
the permission group "Account API Tokens Read".
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from cftokens import CFTokensError, Client, Token

LOG = logging.getLogger("watch")


def main(arguments: list[str]) -> int:
    """
    Watch until told to stop, and return the exit status.
    """
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        client = Client()
    except ValueError as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 2
    asyncio.run(serve(client, options))
    LOG.info("Stopped.")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(description="Warn of tokens that need attention, until told to stop.")
    parser.add_argument("ids", nargs="*", metavar="ID", help="tokens to watch; all of the account if none")
    parser.add_argument(
        "--every", default=300.0, type=float, metavar="SECONDS", help="pause between checks (%(default)s)"
    )
    parser.add_argument(
        "--days", default=14.0, type=float, help="warn so long before a token expires (%(default)s)"
    )
    return parser.parse_args(arguments)


async def serve(client: Client, options: argparse.Namespace) -> None:
    """
    Watch until SIGTERM or SIGINT, and close the client.
    """
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    watch = Watch(client, options.ids, timedelta(days=options.days))
    async with client, asyncio.TaskGroup() as group:  # a watch that fails ends the wait, too
        watching = group.create_task(watch.run(options.every))
        await told.wait()
        watching.cancel()


class Watch:
    """
    An eye on some tokens, with a memory of what it saw and said.
    """

    def __init__(self, client: Client, ids: Iterable[str], notice: timedelta) -> None:
        self._client = client
        self._only = frozenset(ids)
        self._notice = notice
        self._expected = set(self._only)
        self._said: dict[str, str] = {}

    async def run(self, every: float) -> None:
        """
        Check for ever, whatever happens to Cloudflare meanwhile.
        """
        while True:
            try:
                await self.check()
            except CFTokensError as error:
                LOG.error("Could not check, trying again in %g s: %s", every, error)  # noqa: TRY400 -- it says all
            await asyncio.sleep(every)

    async def check(self) -> None:
        """
        Look at every token once. One list is cheaper than a request for each.
        """
        listed = await self._client.accounts.tokens.list(include_expired=True).collect()
        tokens = {token.id: token for token in listed if not self._only or token.id in self._only}
        for token in tokens.values():
            self._say(token.id, f"{token.name!r} ({token.id})", problem(token, self._notice))
        for token_id in self._expected - tokens.keys():
            self._say(token_id, token_id, "is gone")
        self._expected |= tokens.keys()
        LOG.info("Checked %d tokens, %d need attention.", len(tokens), len(self._said))

    def _say(self, token_id: str, name: str, news: str | None) -> None:
        """
        Log what is new about a token, and nothing twice.
        """
        if news == self._said.get(token_id):
            return
        if news is None:
            LOG.info("Token %s is fine again.", name)
            del self._said[token_id]
        else:
            LOG.warning("Token %s %s.", name, news)
            self._said[token_id] = news


def problem(token: Token, notice: timedelta) -> str | None:
    """
    Return what is wrong with a token, or will be soon.
    """
    if token.status != "active":
        return f"is {token.status}"
    if token.expires_on is not None and token.expires_on <= datetime.now(UTC) + notice:
        return f"expires on {token.expires_on:%Y-%m-%d at %H:%M} UTC"
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
