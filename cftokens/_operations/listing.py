"""
Lists: their arguments and their paginators.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

from cftokens._checks import check_choice, check_flag, check_text, check_whole_number
from cftokens._operations import endpoints
from cftokens._operations.owners import Owner
from cftokens._operations.pagination import Batch, Paginator
from cftokens.models import PermissionGroup, Token

SMALLEST_PAGE: Final = 5
LARGEST_PAGE: Final = 50


def list_tokens(
    owner: Owner,
    *,
    direction: str | None = None,
    include_expired: bool | None = None,
    name: str | None = None,
    page: int | None = None,
    per_page: int | None = None,
) -> Paginator[Token]:
    """
    List tokens, page by page.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    size = check_whole_number(
        LARGEST_PAGE if per_page is None else per_page, "per_page", SMALLEST_PAGE, LARGEST_PAGE
    )
    first = check_whole_number(1 if page is None else page, "page", 1)
    query = {"per_page": str(size)}
    if direction is not None:
        query["direction"] = check_choice(direction, "direction", ("asc", "desc"))
    if include_expired is not None:
        query["include_expired"] = check_flag(include_expired, "include_expired")
    if name is not None:
        query["name"] = check_text(name, "name")

    encoded = _encoded(query)

    async def fetch(number: int) -> Batch[Token]:
        return await owner.send(endpoints.list_tokens(owner.tokens_path, f"{encoded}&page={number}"))

    keep = None if name is None else lambda token: token.name == name
    return Paginator(fetch, first=first, per_page=size, keep=keep)


def list_permission_groups(
    owner: Owner, *, name: str | None = None, scope: str | None = None
) -> Paginator[PermissionGroup]:
    """
    List the catalogue, which has one page.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    given = {"name": name, "scope": scope}
    query = _encoded({key: check_text(value, key) for key, value in given.items() if value is not None})

    async def fetch(_: int) -> Batch[PermissionGroup]:
        return await owner.send(endpoints.list_permission_groups(owner.tokens_path, query))

    def keep(group: PermissionGroup) -> bool:
        return (name is None or group.name == name) and (scope is None or scope in (group.scopes or ()))

    return Paginator(fetch, keep=keep)


def _encoded(query: Mapping[str, str]) -> str:
    return urlencode(query, quote_via=quote)
