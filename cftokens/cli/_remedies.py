"""
The commands that mend what an audit finds.
"""

from collections.abc import Sequence
from typing import Final

from cftokens.audit import Finding, Remedy
from cftokens.cli._owner import Owner, environment_account
from cftokens.cli._text import typed

_OPTIONS: Final = {
    "rotate": ["--lifetime", "90d", "--value-to", "FILE"],
    "roll": ["--value-to", "FILE"],
    "expires_on": ["--expires", "90d"],
    "condition": ["--ip", "CIDR"],
    "policies": ["--policy-file", "FILE"],
    "name": ["--rename", "NAME"],
}
"""Of commands, and of the fields that ``edit`` changes."""


def owner_options(owner: Owner) -> list[str]:
    """
    Return the options that name an owner, unless it is the one of the environment.
    """
    is_default = owner.account_id is not None and owner.account_id == environment_account()
    return [] if is_default else owner.arguments


def message_of(finding: Finding, whose: Sequence[str]) -> str:
    """
    Return what is wrong, and the commands for it.

    Args:
        finding: What is wrong.

        whose: The options that name the owner of the tokens.
    """
    token_id = "TOKEN" if finding.token is None else finding.token.id
    return finding.message_with(lambda remedy: f'"{_command(remedy, token_id, whose)}"')


def _command(remedy: Remedy, token_id: str, whose: Sequence[str]) -> str:
    if remedy.operation == "waive":
        return typed(["cftokens", "audit", "--ignore", f"{token_id}=REASON", *whose])
    changed = [option for field in remedy.fields for option in _OPTIONS[field]]
    options = [*_OPTIONS.get(remedy.operation, ()), *changed]
    return typed(["cftokens", remedy.operation, token_id, *options, *whose])
