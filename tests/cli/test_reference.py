"""
The reference of the command line is complete.
"""

from pathlib import Path
from typing import cast

import click
import pytest

from cftokens.cli._program import COMMANDS, program

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "command-line.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_is_in_the_reference(name: str) -> None:
    """
    The page has each command with its options. If it has not, run ``docs/command_line.py``.
    """
    section = PAGE.read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]
    with click.Context(program) as context:
        command = cast(click.Command, program.get_command(context, name))

    assert [
        option
        for each in command.params
        for option in each.opts
        if option.startswith("--") and option not in section
    ] == []
    assert [
        each.help
        for each in command.params
        if isinstance(each, click.Option)
        and " ".join(str(each.help).split()) not in " ".join(section.split())
    ] == []
