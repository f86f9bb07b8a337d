"""
Real processes that share the limit of an emulator: ``python -m tests.fleet.processes 8x5``.
"""

import argparse
import asyncio
import math
import multiprocessing
import time
from multiprocessing.connection import Connection

from cftokens import Client, RateLimit, RateLimitedError, Retry
from cftokens.emulator import Emulator

FORK = multiprocessing.get_context("fork")  # a new interpreter for each of 32 processes would take long


def main() -> None:
    """
    Run the fleet that the arguments name, and print what came of it.
    """
    given = _arguments()
    processes, in_flight = map(int, given.fleet.split("x"))
    limit = RateLimit(requests=given.limit, period=given.period)
    each = math.ceil(given.windows * limit.requests / processes)
    ours, theirs = FORK.Pipe()
    server = FORK.Process(target=lambda: asyncio.run(_serve(limit, theirs)), daemon=True)
    server.start()
    where = ours.recv()
    start = time.monotonic()
    fleet = [
        FORK.Process(target=_live, args=(where, limit, in_flight, each, given.late_by if late else 0.0))
        for late in (number >= processes / 2 for number in range(processes))
    ]
    for process in fleet:
        process.start()
    for process in fleet:
        process.join()
    seconds = time.monotonic() - start
    ours.send("stop")
    sent, refused = ours.recv()
    own = (each * processes - 1) // limit.requests * limit.period
    print(f"sent {sent}, refused {refused}, {seconds:.1f} s, of which the limit's own {own:.1f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet.processes", description=__doc__)
    parser.add_argument("fleet", help="processes and requests in flight of each, like 8x5")
    parser.add_argument("--limit", type=int, default=1200, help="requests in a period")
    parser.add_argument("--period", type=float, default=60.0, help="seconds")
    parser.add_argument(
        "--windows", type=float, default=1.5, help="how many times the limit all send together"
    )
    parser.add_argument("--late-by", type=float, default=0.0, help="seconds by which half of them join late")
    return parser.parse_args()


async def _serve(limit: RateLimit, pipe: Connection) -> None:
    async with Emulator(rate_limit=limit) as emulator:
        pipe.send((emulator.base_url, emulator.api_token, emulator.account_id))
        await asyncio.to_thread(pipe.recv)
        statuses = [request.status for request in emulator.requests]
        pipe.send((len(statuses), statuses.count(429)))


def _live(where: tuple[str, str, str], limit: RateLimit, in_flight: int, requests: int, delay: float) -> None:
    time.sleep(delay)
    asyncio.run(_send(where, limit, in_flight, requests))


async def _send(where: tuple[str, str, str], limit: RateLimit, in_flight: int, requests: int) -> None:
    base_url, api_token, account_id = where
    todo = iter(range(requests))

    async def work(client: Client) -> None:
        for _ in todo:
            try:
                await client.accounts.tokens.verify()
            except RateLimitedError:
                return  # the server counts what it refuses

    async with Client(
        api_token,
        account_id=account_id,
        base_url=base_url,
        rate_limit=limit,
        retry=Retry(attempts=1, budget=math.inf),
    ) as client:
        await asyncio.gather(*(work(client) for _ in range(in_flight)))


if __name__ == "__main__":
    main()
