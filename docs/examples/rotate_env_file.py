"""
Rotates the token in an env file. For cron.

    python docs/examples/rotate_env_file.py FILE NAME

    23 4 * * 1  set -a; . /etc/minter.env; rotate_env_file.py /etc/bot.env TOKEN && systemctl restart bot

The line NAME=... gets the value of a successor with the same access; every other line is unchanged. The old
value works for an hour more: restart the program that reads the file within that time.

The credential is a minter's: CLOUDFLARE_API_TOKEN, which makes tokens, and CLOUDFLARE_ACCOUNT_ID.

Exit status: 0 if the token was rotated, 1 if not, or not completely: the message says what there is.
"""

import re
import sys
from datetime import timedelta
from pathlib import Path

from cftokens import CFTokensError, TokenCreateResponse
from cftokens.sync import Client

LIFETIME = timedelta(days=30)
"""Longer than the time between two runs, so that one run may fail."""


def main(path: Path, name: str) -> int:
    """
    Rotate the token, and return the exit status.
    """

    def store(successor: TokenCreateResponse) -> None:
        write(path, name, successor.value.reveal())

    try:
        with Client() as client:
            tokens = client.accounts.tokens
            stored = client.with_options(api_token=read(path, name))
            in_use = stored.accounts.tokens.verify().id
            rotation = tokens.rotate(in_use, store=store, lifetime=LIFETIME)
    except (CFTokensError, OSError, ValueError) as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 1
    ids = f"{rotation.successor.id} replaces {in_use}"
    print(f"{path}: {ids}, which works until {rotation.retires_on}.")
    return 0


def read(path: Path, name: str) -> str:
    """
    Return the value of a variable.
    """
    match = re.search(rf"^{re.escape(name)}=(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    if match is None:
        raise ValueError(f"{path} has no line that starts with {name}=")
    return match[1]


def write(path: Path, name: str, value: str) -> None:
    """
    Replace the value of a variable, in a new file that replaces the old one at once.
    """
    line = re.compile(rf"^{re.escape(name)}=.*$", re.MULTILINE)
    text = line.sub(f"{name}={value}", path.read_text(encoding="utf-8"))
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text, encoding="utf-8")
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
