"""
Pages of lists, and the filters and the order of the token list.

https://developers.cloudflare.com/api/resources/accounts/subresources/tokens/methods/list/
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar

from cftokens.emulator import _refusals
from cftokens.emulator._state import Token

_DEFAULT_PAGE_SIZE: Final = 20
_PAGE_SIZES: Final = range(5, 51)
_PAGES: Final = range(1, 10**9)
T = TypeVar("T")
_WHOLE: Final = re.compile(r"(\d{1,9})(\.0+)?", re.ASCII)


def list_page(
    tokens: list[Token], query: Mapping[str, str], now: datetime
) -> tuple[list[Token], dict[str, Any]]:
    """
    Return one page of tokens and its ``result_info``.
    """
    return paginate(_select(tokens, query, now), query)


def paginate(items: list[T], query: Mapping[str, str]) -> tuple[list[T], dict[str, Any]]:
    """
    Return the page of a list that the query asks for, and its ``result_info``.
    """
    page = _read_number(query, "page", 1, _PAGES)
    per_page = _read_number(query, "per_page", _DEFAULT_PAGE_SIZE, _PAGE_SIZES)
    shown = items[(page - 1) * per_page : page * per_page]
    info = {"page": page, "per_page": per_page, "count": len(shown), "total_count": len(items)}
    return shown, info


def _select(tokens: list[Token], query: Mapping[str, str], now: datetime) -> list[Token]:
    """
    Return the tokens that the query selects, sorted by date of issue.
    """
    backwards = _read_choice(query, "direction", ("asc", "desc")) == "desc"
    expired_too = _read_choice(query, "include_expired", ("false", "true")) == "true"
    name = query.get("name")
    selected = [
        token
        for token in sorted(tokens, key=lambda token: token.issued_on)
        if name in (None, token.fields.name) and (expired_too or token.status(now) != "expired")
    ]
    return selected[::-1] if backwards else selected


def _read_number(query: Mapping[str, str], key: str, default: int, allowed: range) -> int:
    match = _WHOLE.fullmatch(query.get(key, str(default)))
    number = int(match[1]) if match else -1
    if number not in allowed:
        raise _refusals.bad_query(f"{key} must be a whole number from {allowed[0]} to {allowed[-1]}")
    return number


def _read_choice(query: Mapping[str, str], key: str, choices: tuple[str, ...]) -> str:
    choice = query.get(key, choices[0])
    if choice not in choices:
        raise _refusals.bad_query(f"{key} must be one of {', '.join(choices)}")
    return choice
