"""
Paginator: lists that are fetched a page at a time, for blocking code.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, NoReturn

from cftokens._operations.pagination import Page, T
from cftokens._operations.pagination import Paginator as AsyncPaginator
from cftokens.sync._portal import Portal


class Paginator(Generic[T]):
    """
    A list that is fetched while it is iterated.

    Making one sends nothing. ``for`` iterates over the items and `pages()` over the pages, `page()`
    fetches one page and `collect()` all of them. Each starts again at the first page.

    If the list changes meanwhile, an item at the edge of a page can be skipped or repeated.
    """

    def __init__(self, portal: Portal, wrapped: AsyncPaginator[T]) -> None:
        self._portal = portal
        self._wrapped = wrapped

    def __repr__(self) -> str:
        return repr(self._wrapped).replace("cftokens.", "cftokens.sync.", 1)

    def __iter__(self) -> Iterator[T]:
        # The items of one page need no trip through the portal.
        for page in self.pages():
            yield from page.items

    if not TYPE_CHECKING:  # type checkers should reject "async for"

        def __aiter__(self) -> NoReturn:
            raise TypeError("This list needs a plain 'for'. For 'async for', import Client from cftokens.")

    def pages(self) -> Iterator[Page[T]]:
        """
        Iterate over the pages.

        Raises:
            UnexpectedResponseError: A page arrived twice.
        """
        return self._portal.iterate(self._wrapped.pages())

    def page(self) -> Page[T]:
        """
        Fetch one page: the requested one, or the first.
        """
        return self._portal.call(self._wrapped.page())

    def collect(self) -> list[T]:
        """
        Fetch all pages, up to eight at a time after the first, and return their items.

        Raises:
            UnexpectedResponseError: A page arrived twice.
        """
        return self._portal.call(self._wrapped.collect())
