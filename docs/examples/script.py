"""
An audit of the tokens of an account, for cron, that tells which are more dangerous than they need to be.

    pip install rich
    python -m cftokens.emulator -- python docs/examples/script.py     without an account
    python docs/examples/script.py                                    on Cloudflare

Prints a line for each active token that never expires, may be used from every address, was not used for a
long time, or expires soon. On a terminal there is a progress bar.

Exit status: 0 if all is fine, 1 if a token needs attention, 2 if not all could be checked.

For Cloudflare, set CLOUDFLARE_ACCOUNT_ID, and CLOUDFLARE_API_TOKEN to an account-owned token that has
the permission group "Account API Tokens Read".
"""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from rich.console import Console
from rich.progress import Progress

from cftokens import CFTokensError, Token
from cftokens.sync import Client


def main(arguments: list[str]) -> int:
    """
    Audit the account, and return the exit status.
    """
    options = parse(arguments)
    unused, notice = timedelta(days=options.unused), timedelta(days=options.notice)
    try:
        with Client() as client:
            tokens = fetch(client)
    except (CFTokensError, ValueError) as error:
        print(f"Could not check: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Could not check: interrupted.", file=sys.stderr)
        return 2
    findings = [report(token, list(problems(token, datetime.now(UTC), unused, notice))) for token in tokens]
    return 1 if any(findings) else 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Read the command line.
    """
    parser = argparse.ArgumentParser(
        description="Audit the tokens of an account.",
        epilog="Exit status: 0 all fine, 1 a token needs attention, 2 not all could be checked.",
    )
    parser.add_argument(
        "--unused", default=90.0, type=float, metavar="DAYS", help="too long without use (%(default)s)"
    )
    parser.add_argument(
        "--notice", default=14.0, type=float, metavar="DAYS", help="too soon to expire (%(default)s)"
    )
    return parser.parse_args(arguments)


def fetch(client: Client) -> list[Token]:
    """
    Fetch every token, a page at a time, and show on a terminal how far we are.
    """
    tokens: list[Token] = []
    console = Console(stderr=True)  # what is found goes to stdout, which may be a file
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Tokens", total=None)
        for page in client.accounts.tokens.list().pages():
            tokens += page.items
            progress.update(task, total=page.total_count, completed=len(tokens))
    return tokens


def report(token: Token, found: list[str]) -> bool:
    """
    Print what was found about a token, and tell whether there is something.
    """
    if found:
        print(f"{token.id}  {token.name!r}: {', '.join(found)}")
    return bool(found)


def problems(token: Token, now: datetime, unused: timedelta, notice: timedelta) -> Iterator[str]:
    """
    Find what is wrong with a token that works.
    """
    if token.status != "active":
        return
    if token.expires_on is None:
        yield "never expires"
    elif token.expires_on <= now + notice:
        yield f"expires on {token.expires_on:%Y-%m-%d}"
    if not is_tied_to_addresses(token):
        yield "may be used from every address"
    if (last := token.last_used_on or token.issued_on) is not None and last <= now - unused:
        yield f"not used since {last:%Y-%m-%d}" if token.last_used_on else "never used"


def is_tied_to_addresses(token: Token) -> bool:
    """
    Tell whether a token works only from some addresses. A list of exceptions alone ties it to none.
    """
    return (
        token.condition is not None
        and token.condition.request_ip is not None
        and bool(token.condition.request_ip.in_)
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
