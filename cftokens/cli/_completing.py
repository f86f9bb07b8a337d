"""
Names and ids for the shell's completion, from the live catalogue, remembered for five minutes.
"""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

from cftokens.cli._owner import Owner, opened
from cftokens.cli._text import clean
from cftokens.errors import CFTokensError

_SECONDS: Final = 300

Names = list[list[str]]
"""Pairs of what is completed, and what explains it."""


def group_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """
    Complete the name of a permission group.
    """
    return _matching(_remembered(ctx, "groups", _list_groups), incomplete)


def token_names(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """
    Complete the id of a token, explained by its name.
    """
    return _matching(_remembered(ctx, "tokens", _list_tokens), incomplete)


def _matching(names: Names, incomplete: str) -> list[CompletionItem]:
    return [
        CompletionItem(name, help=clean(meaning))
        for name, meaning in names
        if name.lower().startswith(incomplete.lower()) or meaning.lower().startswith(incomplete.lower())
    ]


def _list_groups(owner: Owner) -> Names:
    return [[name, ""] for name in sorted({group.name for group in owner.catalogue if group.name})]


def _list_tokens(owner: Owner) -> Names:
    return [[token.id, token.name or ""] for token in owner.tokens.list()]


def _remembered(ctx: click.Context, what: str, fetch: Callable[[Owner], Names]) -> Names:
    """
    Return names from the cache, or fetch them. Completion that fails completes nothing.
    """
    try:
        with opened(ctx.params.get("account"), user=bool(ctx.params.get("user"))) as owner:
            key = f"{owner.client.base_url} {owner.account_id or 'user'} {what}"
            known = _read(key)
            if known is None:
                known = fetch(owner)
                _write(key, known)
            return known
    except (CFTokensError, ValueError, OSError, click.ClickException):
        return []


def _path() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "cftokens" / "completion.json"


def _entries() -> dict[str, tuple[float, Names]]:
    """
    Return what is still fresh. A file that cannot be read, or is of another form, is ignored.
    """
    try:
        entries = json.loads(_path().read_text(encoding="utf-8"))
        now = time.time()
        return {key: (then, names) for key, (then, names) in entries.items() if 0 <= now - then < _SECONDS}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _read(key: str) -> Names | None:
    return _entries().get(key, (0, None))[1]


def _write(key: str, names: Names) -> None:
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.touch(mode=0o600)
    new.write_text(json.dumps({**_entries(), key: (time.time(), names)}), encoding="utf-8")
    new.replace(path)
