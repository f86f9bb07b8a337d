"""
Runs a command with a token that exists only as long as the command. For CI jobs.

    python docs/examples/temporary_token.py npx wrangler deploy

The command gets the token as CLOUDFLARE_API_TOKEN, in place of the minter that this program has. Edit
what_it_may_do() for your command. Its exit status is the command's.

The credential is a minter's: CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta

from cftokens import CFTokensError, TokenValue
from cftokens import policies as p
from cftokens.sync import Client


def what_it_may_do(account_id: str) -> list[p.PolicyDraft]:
    """
    Return the policies of the token.
    """
    return [p.allow("Workers Scripts Write", "Account Settings Read", on=p.account(account_id))]


def main(command: list[str]) -> int:
    """
    Run the command, and return its exit status.
    """
    job = os.environ.get("GITHUB_RUN_ID") or os.environ.get("CI_JOB_ID") or "by hand"
    try:
        with (
            Client() as client,
            client.accounts.tokens.temporary(
                policies=what_it_may_do(client.account_id or ""),
                lifetime=timedelta(minutes=30),
                name=f"deploy {job}",
            ) as token,
        ):
            return run(command, token.value)
    except (CFTokensError, OSError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1


def run(command: list[str], value: TokenValue) -> int:
    """
    Run the command with a token's value, and return its exit status.
    """
    if "GITHUB_ACTIONS" in os.environ:
        print(f"::add-mask::{value.reveal()}", flush=True)  # GitHub then hides it in the job's log
    variables = os.environ | {"CLOUDFLARE_API_TOKEN": value.reveal()}
    return subprocess.run(command, env=variables, check=False).returncode  # noqa: S603 -- the caller's own


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a cancelled job deletes its token, too
    sys.exit(main(sys.argv[1:]))
