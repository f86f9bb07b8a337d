"""
Starts a program in which a blocking call on the event loop is an error.

``launcher.py PROGRAM ARGUMENTS…`` starts it as Python would. The last line on stderr tells how long, at
most, the loop was busy with one thing.
"""

import asyncio
import runpy
import signal
import sys
import time
from types import FrameType

from blockbuster import BlockBuster

longest = 0.0
run_handle = asyncio.Handle._run


def timed(handle: asyncio.Handle) -> None:
    """
    Run a callback or a step of a task, and look at the clock.
    """
    global longest  # noqa: PLW0603 -- one number for one process
    start = time.perf_counter()
    run_handle(handle)
    longest = max(longest, time.perf_counter() - start)


def leave(_number: int, _frame: FrameType | None) -> None:
    """
    End as Python ends, with its warnings; uvicorn sends SIGTERM to itself when it has shut down.
    """
    sys.exit(0)


def main() -> None:
    """
    Turn the program into one that cannot block unseen, and run it.
    """
    asyncio.Handle._run = timed  # type: ignore[method-assign, assignment]
    signal.signal(signal.SIGTERM, leave)
    blockbuster = BlockBuster()
    for function in blockbuster.functions.values():
        function.can_block_in("logging/__init__.py", {"emit", "flush"})  # a log line to stderr
    blockbuster.activate()
    sys.argv = sys.argv[1:]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        blockbuster.deactivate()
        sys.stderr.write(f"longest stall: {longest:.3f} s\n")


if __name__ == "__main__":
    main()
