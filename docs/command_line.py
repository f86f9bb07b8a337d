"""
Writes the reference of the command line, from the commands' own help, and pictures of it.

``nox -s docs`` runs it. Nothing is sent: the pictures show tokens that are made here.
"""

import re
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import cast

import click
from rich.console import Console
from rich.text import Text

from cftokens import ConditionRequestIP
from cftokens import policies as p
from cftokens.audit import audit
from cftokens.cli._drawing import fitting
from cftokens.cli._program import COMMANDS, program
from cftokens.cli.reading import TOKEN_COLUMNS, token_row
from cftokens.cli.words import AGES, life, paragraph
from cftokens.models import Condition, PermissionGroup, Token, TokenPolicy

DOCS = Path(__file__).parent
PICTURES = DOCS / "how-to" / "command-line"
WIDTH = 100
HELP_WIDTH = 88
"""Columns that fit beside the contents of a page."""
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

HEAD = """\
<!-- Written by docs/command_line.py, from the commands' own help. -->
# cftokens, the command

Installed with `pip install 'cftokens[cli]'`; also `python -m cftokens`.
[How to use it](../how-to/command-line.md).
"""


def help_of(command: click.Command, name: str) -> str:
    """
    Return what ``--help`` prints.
    """
    with click.Context(
        command, info_name=name, max_content_width=HELP_WIDTH, terminal_width=HELP_WIDTH
    ) as context:
        return command.get_help(context)


def reference() -> str:
    """
    Return the page with the help of each command.
    """
    parts = [HEAD, f"```text\n{help_of(program, 'cftokens')}\n```\n"]
    with click.Context(program) as context:
        for name in COMMANDS:
            command = cast(click.Command, program.get_command(context, name))
            parts.append(f"## {name}\n\n```text\n{help_of(command, f'cftokens {name}')}\n```\n")
    return "\n".join(parts)


def token(number: int, name: str, group: str, **members: object) -> Token:
    """
    Return a token for the pictures.
    """
    policy = TokenPolicy(
        effect="allow",
        permission_groups=[PermissionGroup(id=f"{number:032x}", name=group)],
        resources={"com.cloudflare.api.account.zone.22b1de5f1c0e4b3ea97bb1e963b06a43": "*"},
    )
    made = {"id": f"{number * 0x1D0C5EED:032x}", "name": name, "status": "active", "policies": [policy]}
    return Token(**{**made, **members})  # type: ignore[arg-type]


def days(number: int) -> datetime:
    """
    Return a moment some days from the date of the pictures.
    """
    return NOW + timedelta(days=number)


OFFICE = Condition(request_ip=ConditionRequestIP(in_=("192.0.2.0/24",)))

TOKENS = [
    token(
        0x51F3A, "dns-bot", "DNS Write", issued_on=days(-20), modified_on=days(-20), last_used_on=days(0),
        expires_on=days(70), condition=OFFICE,
    ),
    token(
        0x8C21D, "deploy", "Zone Read", issued_on=days(-420), modified_on=days(-400), last_used_on=days(-1),
        expires_on=days(12), condition=OFFICE,
    ),
    token(
        0x1A9B7, "old laptop", "DNS Write", issued_on=days(-200), modified_on=days(-200),
        last_used_on=days(-130), condition=OFFICE,
    ),
]  # fmt: skip


def picture(name: str, line: str, *shown: object) -> None:
    """
    Write a picture of a terminal.
    """
    console = Console(record=True, width=WIDTH, file=StringIO(), force_terminal=True, highlight=False)
    console.print(Text(f"$ {line}"))
    for each in shown:
        console.print(each)
    svg = console.export_svg(title=line, unique_id=name)
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # which would be fetched
    (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")


def main() -> None:
    """
    Write everything.
    """
    (DOCS / "reference" / "command-line.md").write_text(reference(), encoding="utf-8", newline="\n")
    picture("list", "cftokens list", fitting(TOKEN_COLUMNS, [token_row(each) for each in TOKENS], WIDTH))
    found = ["\n".join(["", *paragraph(each, [])]) for each in audit(TOKENS, now=NOW)]
    lives = [life(each, NOW) for each in TOKENS]
    picture("audit", "cftokens audit", fitting(AGES, lives, WIDTH), *map(Text, found))
    wanted = p.describe([p.allow("DNS Write", on=p.zone("22b1de5f1c0e4b3ea97bb1e963b06a43"))])
    lines = [
        "A token 'dns-bot' would be created:",
        *wanted,
        "from 192.0.2.0/24",
        "until 2027-02-22T12:00:00Z",
    ]
    command = "cftokens create dns-bot --allow 'DNS Write' --zone … --ip 192.0.2.0/24 --expires 90d --dry-run"
    picture("dry-run", command, Text("\n  ".join(lines)))


if __name__ == "__main__":
    main()
