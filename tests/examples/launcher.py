"""
Run a program in which a blocking call on the event loop raises an error.

``launcher.py PROGRAM ARGUMENTS…`` runs it as Python would. The last line on stderr gives the longest time
that the loop computed in one callback, which does not depend on what else the machine does.
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
    Run a callback or a step of a task, and time it.
    """
    global longest  # noqa: PLW0603 -- one number for one process
    start = time.thread_time()
    run_handle(handle)
    longest = max(longest, time.thread_time() - start)


def leave(_number: int, _frame: FrameType | None) -> None:
    """
    Exit normally, with Python's warnings. Uvicorn sends itself SIGTERM after it has shut down.
    """
    sys.exit(0)


def main() -> None:
    """
    Run the program with BlockBuster active and its callbacks timed.
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
