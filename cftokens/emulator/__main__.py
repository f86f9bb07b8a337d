"""
``python -m cftokens.emulator``: serve an emulator, alone or while a command runs.
"""

import argparse
import asyncio
import math
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final

from cftokens.emulator import Emulator

_DESCRIPTION: Final = """\
Serve Cloudflare's token API on 127.0.0.1, in memory.

With a COMMAND, run it with CLOUDFLARE_BASE_URL, CLOUDFLARE_ACCOUNT_ID, CLOUDFLARE_API_TOKEN,
CLOUDFLARE_USER_ID and CLOUDFLARE_USER_API_TOKEN set, and exit with its status. Without one, print these
five as `export NAME=value` lines and serve until interrupted.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line and return the exit status.

    Args:
        arguments: Those of the program, unless others are given.
    """
    return asyncio.run(_serve(*_parse(list(sys.argv[1:] if arguments is None else arguments))))


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """
    Return the options and the command: everything after the first ``--``.
    """
    parser = argparse.ArgumentParser(
        prog="python -m cftokens.emulator",
        usage="%(prog)s [-h] [--port PORT] [--propagation SECONDS] [-- COMMAND ...]",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=_port, default=8787, help="default: 8787; 0 for a free port")
    parser.add_argument(
        "--propagation",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="seconds until a change of a token is known everywhere; default: 0",
    )
    at = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:at])
    if at == len(arguments) - 1:
        parser.error("no COMMAND after --")
    return options, arguments[at + 1 :]


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) not in range(65536):
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError("must be a non-negative finite number")
    return seconds


async def _serve(options: argparse.Namespace, command: Sequence[str]) -> int:
    async with AsyncExitStack() as stack:
        try:
            emulator = await stack.enter_async_context(
                Emulator(port=options.port, propagation=options.propagation)
            )
        except OSError as error:
            sys.stderr.write(f"Cannot serve on 127.0.0.1:{options.port}: {os.strerror(error.errno or 0)}.\n")
            return 1
        variables = _variables(emulator)
        return await (_run(command, variables) if command else _wait(variables))


def _variables(emulator: Emulator) -> dict[str, str]:
    return {
        "CLOUDFLARE_BASE_URL": emulator.base_url,
        "CLOUDFLARE_ACCOUNT_ID": emulator.account_id,
        "CLOUDFLARE_API_TOKEN": emulator.api_token,
        "CLOUDFLARE_USER_ID": emulator.user_id,
        "CLOUDFLARE_USER_API_TOKEN": emulator.user_api_token,
    }


async def _wait(variables: Mapping[str, str]) -> int:
    """
    Print the variables and wait for SIGINT or SIGTERM.
    """
    interrupted = asyncio.Event()
    _on_signals(lambda _number: interrupted.set())
    sys.stdout.writelines(f"export {name}={value}\n" for name, value in variables.items())
    sys.stdout.flush()
    await interrupted.wait()
    return 0


async def _run(command: Sequence[str], variables: Mapping[str, str]) -> int:
    """
    Run a command and return its exit status, as a shell would.
    """
    started: asyncio.Future[asyncio.subprocess.Process] = asyncio.get_running_loop().create_future()
    _on_signals(lambda number: started.add_done_callback(lambda _: _pass_on(started.result(), number)))
    program = shutil.which(command[0]) or command[0]  # Windows starts no script by its bare name
    try:
        child = await asyncio.create_subprocess_exec(program, *command[1:], env={**os.environ, **variables})
    except OSError as error:
        sys.stderr.write(f"Cannot run {command[0]}: {error.strerror}.\n")
        return 127 if isinstance(error, FileNotFoundError) else 126
    started.set_result(child)
    status = await child.wait()
    return status if status >= 0 else 128 - status


def _pass_on(child: asyncio.subprocess.Process, number: int) -> None:
    """
    Forward SIGTERM to the child. Ctrl-C reaches it from the terminal.
    """
    if number == signal.SIGTERM and child.returncode is None:
        child.terminate()


def _on_signals(act: Callable[[int], None]) -> None:
    """
    Call a function with the number of each SIGINT and SIGTERM.
    """
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: loop.call_soon_threadsafe(act, received))


if __name__ == "__main__":
    sys.exit(main())
