"""
Lists, a page at a time, for blocking code.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Generic, NoReturn

from cftokens._pagination import Page, T
from cftokens._pagination import Paginator as AsyncPaginator
from cftokens.sync._portal import Portal


class Paginator(Generic[T]):
    """
    A list that is fetched while it is iterated.

    Making one sends nothing. ``for`` goes through every item, `pages()` through every page, `page()`
    fetches one and `collect()` all. Each starts at the first page anew.

    A list that changes meanwhile can skip or repeat an item at the border of two pages.
    """

    def __init__(self, portal: Portal, wrapped: AsyncPaginator[T]) -> None:
        self._portal = portal
        self._wrapped = wrapped

    def __iter__(self) -> Iterator[T]:
        # Items of one page need no way through the portal.
        for page in self.pages():
            yield from page.items

    if not TYPE_CHECKING:  # a type checker shall see that it is not there

        def __aiter__(self) -> NoReturn:
            raise TypeError(
                "This list is read with a plain 'for'. For 'async for', import Client from cftokens."
            )

    def pages(self) -> Iterator[Page[T]]:
        """
        Iterate over the pages.

        Raises:
            UnexpectedResponseError: Cloudflare sent the same page twice.
        """
        return self._portal.iterate(self._wrapped.pages())

    def page(self) -> Page[T]:
        """
        Fetch one page: the one that was asked for, or else the first.
        """
        return self._portal.call(self._wrapped.page())

    def collect(self) -> list[T]:
        """
        Fetch all pages, those after the first up to eight side by side, and return their items.

        Raises:
            UnexpectedResponseError: Cloudflare sent the same page twice.
        """
        return self._portal.call(self._wrapped.collect())
