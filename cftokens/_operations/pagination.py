"""
Paginator and Page: lists that are fetched a page at a time.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import aclosing
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, NoReturn, Protocol, TypeVar

import attrs

from cftokens import _reprs as reprs
from cftokens.errors import UnexpectedResponseError

_SIDE_BY_SIDE: Final = 8

_DEFAULT_SIZE: Final = 20
"""The size of the API's pages if none is requested, or if it ignores the one requested."""


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


@attrs.define(kw_only=True)
class ResultInfo:
    """
    What Cloudflare says about a page. Token lists have no ``total_pages``; other lists do.
    """

    page: int | None = None
    per_page: int | None = None
    count: int | None = None
    total_count: int | None = None
    total_pages: int | None = None


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """
    One page of a list. Its numbers are None if Cloudflare gives none.

    Attributes:
        items (tuple[T, ...]): The items on this page.

        page: The number of this page, from 1.

        per_page: How many items a page has at most.

        count: How many items are on this page, according to Cloudflare.

        total_count: How many items are on all pages, according to Cloudflare.
    """

    items: tuple[T, ...]
    page: int | None = None
    per_page: int | None = None
    count: int | None = None
    total_count: int | None = None

    def __repr__(self) -> str:
        return reprs.call(
            "Page",
            items=f"<{len(self.items)}>",
            page=repr(self.page),
            per_page=repr(self.per_page),
            total_count=repr(self.total_count),
        )


class Batch(NamedTuple, Generic[T]):
    """
    The answer to one list request, unfiltered.
    """

    items: tuple[T, ...]
    info: ResultInfo


class Paginator(Generic[T]):
    """
    A list that is fetched while it is iterated.

    Making one sends nothing, and it cannot be awaited itself. ``async for`` iterates over the items and
    `pages()` over the pages, ``await page()`` fetches one page and ``await collect()`` all of them. Each
    starts again at the first page.

    If the list changes meanwhile, an item at the edge of a page can be skipped or repeated.
    """

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[Batch[T]]],
        *,
        first: int = 1,
        per_page: int | None = None,
        keep: Callable[[T], bool] | None = None,
    ) -> None:
        self._fetch = fetch
        self._first = first
        self._per_page = per_page
        self._keep = keep

    def __repr__(self) -> str:
        return f"<cftokens.Paginator {self._shown}>"

    @property
    def _shown(self) -> str:
        return f"page={self._first} per_page={self._per_page}"

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items()

    if not TYPE_CHECKING:  # type checkers should reject a plain "for"

        def __iter__(self) -> NoReturn:
            raise TypeError(
                "This list needs 'async for'. For a plain 'for', import Client from cftokens.sync."
            )

    def pages(self) -> AsyncGenerator[Page[T], None]:
        """
        Iterate over the pages.

        Raises:
            UnexpectedResponseError: A page arrived twice.
        """
        return _Pages(self._pages(), self._shown)

    async def _pages(self) -> AsyncGenerator[Page[T], None]:
        async with aclosing(self._batches(self._first, _Progress())) as batches:
            async for batch in batches:
                yield self._page(batch)

    async def page(self) -> Page[T]:
        """
        Fetch one page: the requested one, or the first.
        """
        return self._page(await self._fetch(self._first))

    async def collect(self) -> list[T]:
        """
        Fetch all pages, up to eight at a time after the first, and return their items.

        Raises:
            UnexpectedResponseError: A page arrived twice.
        """
        progress = _Progress()
        first = progress.note(await self._fetch(self._first))
        batches = [first, *await self._side_by_side(self._numbers_after(first), progress)]
        last = self._first + len(batches) - 1
        if not self._is_last(batches[-1], last, progress):  # the list grew, or has no totals
            batches += [batch async for batch in self._batches(last + 1, progress)]
        return [item for batch in batches for item in self._kept(batch)]

    async def _items(self) -> AsyncIterator[T]:
        async with aclosing(self._batches(self._first, _Progress())) as batches:
            async for batch in batches:
                for item in self._kept(batch):
                    yield item

    async def _batches(self, number: int, progress: "_Progress") -> AsyncGenerator[Batch[T], None]:
        while True:
            batch = progress.note(await self._fetch(number))
            yield batch
            if self._is_last(batch, number, progress):
                return
            number += 1

    async def _side_by_side(self, numbers: Iterable[int], progress: "_Progress") -> list[Batch[T]]:
        batches: dict[int, Batch[T]] = {}
        left = iter(numbers)

        async def fetch_in_turn() -> None:
            for number in left:
                batches[number] = progress.note(await self._fetch(number))
                if not batches[number].items:  # the list shrank, or its totals are wrong
                    return

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(_SIDE_BY_SIDE):
                    group.create_task(fetch_in_turn())
        except BaseExceptionGroup as failures:
            failure = failures.exceptions[0]
        else:
            return [batch for _, batch in sorted(batches.items(), key=itemgetter(0))]
        raise failure

    def _numbers_after(self, first: Batch[T]) -> range:
        """
        Return the numbers of the other pages, according to the first page's totals.
        """
        if self._per_page is None or first.info.total_count is None or not first.items:
            return range(0)
        pages = -(-first.info.total_count // len(first.items))
        return range(self._first + 1, pages + 1)

    def _is_last(self, batch: Batch[T], number: int, progress: "_Progress") -> bool:
        """
        Return whether this page is the last, counting the items that arrived.
        """
        if self._per_page is None or not batch.items:
            return True
        total, pages = batch.info.total_count, batch.info.total_pages
        if total is not None and total > 0:  # there are items, so a total of zero is no total
            return (self._first - 1) * progress.size + progress.items >= total
        if pages is not None and pages > 0:
            return number >= pages
        size = _DEFAULT_SIZE if progress.size == _DEFAULT_SIZE else self._per_page
        return len(batch.items) < (batch.info.per_page or size)

    def _kept(self, batch: Batch[T]) -> tuple[T, ...]:
        return batch.items if self._keep is None else tuple(filter(self._keep, batch.items))

    def _page(self, batch: Batch[T]) -> Page[T]:
        info = batch.info
        return Page(
            items=self._kept(batch),
            page=info.page,
            per_page=info.per_page,
            count=info.count,
            total_count=info.total_count,
        )


class _Pages(AsyncGenerator[Page[T], None]):
    """
    The pages of a list, with a repr that fits a prompt.
    """

    def __init__(self, pages: AsyncGenerator[Page[T], None], shown: str) -> None:
        self._pages = pages
        self._shown = shown

    def __repr__(self) -> str:
        return f"<cftokens.Paginator.pages() {self._shown}>"

    async def asend(self, value: None) -> Page[T]:
        return await self._pages.asend(value)

    async def athrow(self, *error: Any) -> Page[T]:
        return await self._pages.athrow(*error)

    async def aclose(self) -> None:
        await self._pages.aclose()  # the inherited one fails once the pages have ended


class _Progress:
    """
    What has arrived of a list.
    """

    def __init__(self) -> None:
        self.items = 0
        self.size = 0
        self._first_ids: set[str] = set()

    def note(self, batch: Batch[T]) -> Batch[T]:
        """
        Count a page, and refuse a repeated one: a server that ignores page numbers would never stop.
        """
        if batch.items:
            if batch.items[0].id in self._first_ids:
                raise UnexpectedResponseError(
                    "A page arrived twice, so the listing is incomplete. List again."
                )
            self._first_ids.add(batch.items[0].id)
        self.items += len(batch.items)
        self.size = max(self.size, len(batch.items))
        return batch
