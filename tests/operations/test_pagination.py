"""
Lists that come in pages.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing

import attrs
import pytest

from cftokens._operations.pagination import Batch, Page, Paginator, ResultInfo
from cftokens.errors import NoResponseError, UnexpectedResponseError


@attrs.frozen
class Item:
    """
    Something with an id.
    """

    id: str


def items(*numbers: int) -> tuple[Item, ...]:
    """
    Return items with these numbers as ids.
    """
    return tuple(Item(str(number)) for number in numbers)


class Server:
    """
    Serves *total* items in pages of *per_page*, and records the pages requested.

    *info* returns what an answer says about its page, by default nothing.
    """

    def __init__(
        self, total: int, per_page: int = 5, *, info: Callable[[int], ResultInfo] = lambda _: ResultInfo()
    ) -> None:
        self.total = total
        self.per_page = per_page
        self.info = info
        self.asked: list[int] = []

    async def fetch(self, page: int) -> Batch[Item]:
        """
        Return one page.
        """
        self.asked.append(page)
        start = (page - 1) * self.per_page
        return Batch(items(*range(start, min(start + self.per_page, self.total))), self.info(page))


def with_totals(total: int, per_page: int | None = 5) -> Callable[[int], ResultInfo]:
    """
    Return what Cloudflare says about each page of a token list.
    """
    return lambda page: ResultInfo(page=page, per_page=per_page, count=5, total_count=total)


def paginator(server: Server, first: int = 1) -> Paginator[Item]:
    """
    Return a paginator over a server's list.
    """
    return Paginator(server.fetch, per_page=server.per_page, first=first)


async def by_items(pages: Paginator[Item]) -> list[Item]:
    """
    Read a list item by item.
    """
    return [item async for item in pages]


async def by_pages(pages: Paginator[Item]) -> list[Item]:
    """
    Read a list page by page.
    """
    return [item async for page in pages.pages() for item in page.items]


async def collected(pages: Paginator[Item]) -> list[Item]:
    """
    Read a list all at once.
    """
    return await pages.collect()


Read = Callable[[Paginator[Item]], Awaitable[list[Item]]]
each_way = pytest.mark.parametrize("read", [by_items, by_pages, collected])


@each_way
class TestEveryWay:
    @pytest.mark.parametrize(
        ("total", "requests"), [(0, 1), (1, 1), (5, 1), (6, 2), (10, 2), (11, 3), (62, 13)]
    )
    @pytest.mark.parametrize("per_page", [5, None])
    async def test_totals_end_a_list_without_an_extra_request(
        self, read: Read, total: int, requests: int, per_page: int | None
    ) -> None:
        """
        Items come in order, and an answer without a page size is taken to have the requested one.
        """
        server = Server(total, info=with_totals(total, per_page))

        assert await read(paginator(server)) == list(items(*range(total)))
        assert sorted(server.asked) == list(range(1, requests + 1))

    @pytest.mark.parametrize(("total", "requests"), [(0, 1), (4, 1), (5, 2), (6, 2), (10, 3)])
    async def test_without_totals_a_short_page_is_the_last(
        self, read: Read, total: int, requests: int
    ) -> None:
        """
        A page with fewer items than requested, or with none, ends the list.
        """
        server = Server(total)

        assert await read(paginator(server)) == list(items(*range(total)))
        assert server.asked == list(range(1, requests + 1))

    async def test_the_number_of_pages_ends_a_list_too(self, read: Read) -> None:
        """
        With total_pages, no page beyond the last is requested.
        """
        server = Server(10, info=lambda _: ResultInfo(total_pages=2))

        assert await read(paginator(server)) == list(items(*range(10)))
        assert server.asked == [1, 2]

    async def test_the_servers_own_page_size_is_used(self, read: Read) -> None:
        """
        If pages are smaller than requested, their number follows from the size in the answer.
        """
        server = Server(12, 5, info=with_totals(12, 5))

        assert await read(Paginator(server.fetch, per_page=50)) == list(items(*range(12)))
        assert sorted(server.asked) == [1, 2, 3]

    @pytest.mark.parametrize("totals", [True, False])
    async def test_it_starts_at_the_first_page_requested(self, read: Read, totals: bool) -> None:
        """
        Earlier pages are not requested.
        """
        server = Server(12, info=with_totals(12)) if totals else Server(12)

        assert await read(paginator(server, first=2)) == list(items(*range(5, 12)))
        assert server.asked == [2, 3]

    @pytest.mark.parametrize("first", [3, 1000])
    async def test_it_may_start_beyond_the_end(self, read: Read, first: int) -> None:
        """
        A page beyond the end is empty, and no other is requested.
        """
        server = Server(10, info=with_totals(10))

        assert await read(paginator(server, first=first)) == []
        assert server.asked == [first]

    @pytest.mark.parametrize("promised", [7, 1000, -5, 0])
    async def test_wrong_totals_do_no_harm(self, read: Read, promised: int) -> None:
        """
        Too high a total ends with an empty page, too low a total ends early, and one below 1 is ignored.
        """
        server = Server(12, info=with_totals(promised))
        numbers = range(10) if promised == 7 else range(12)

        assert await read(paginator(server)) == list(items(*numbers))
        assert len(server.asked) <= 12

    @pytest.mark.parametrize("info", [ResultInfo(total_pages=0), ResultInfo(total_pages=-1, total_count=0)])
    async def test_a_number_of_pages_below_one_is_not_believed(self, read: Read, info: ResultInfo) -> None:
        """
        A full page is followed by the next, and a short one is the last.
        """
        server = Server(12, info=lambda _: info)

        assert await read(paginator(server)) == list(items(*range(12)))
        assert server.asked == [1, 2, 3]

    @pytest.mark.parametrize(("total", "requests"), [(20, 2), (21, 2), (40, 3), (45, 3)])
    @pytest.mark.parametrize("asked", [50, 21, 5])
    async def test_a_page_of_the_default_size_is_full(
        self, read: Read, total: int, requests: int, asked: int
    ) -> None:
        """
        A server that ignores the requested size and gives no totals is read to its end.
        """
        server = Server(total, 20)

        assert await read(Paginator(server.fetch, per_page=asked)) == list(items(*range(total)))
        assert server.asked == list(range(1, requests + 1))

    async def test_a_page_of_the_default_size_after_a_larger_one_is_the_last(self, read: Read) -> None:
        """
        A server that honours the requested size is not asked for a page after a short one.
        """
        server = Server(70, 50)

        assert await read(paginator(server)) == list(items(*range(70)))
        assert server.asked == [1, 2]

    @pytest.mark.parametrize("per_page", [0, -1])
    async def test_an_impossible_page_size_does_no_harm(self, read: Read, per_page: int) -> None:
        """
        A page size of zero or less still gives each item once.
        """
        server = Server(12, info=lambda _: ResultInfo(per_page=per_page, total_count=12))

        assert await read(paginator(server)) == list(items(*range(12)))

    async def test_a_list_without_pages_is_one_page(self, read: Read) -> None:
        """
        A list without a page size, such as the permission groups, takes one request.
        """
        server = Server(300, 300)

        assert await read(Paginator(server.fetch)) == list(items(*range(300)))
        assert server.asked == [1]

    async def test_a_list_without_pages_ignores_totals(self, read: Read) -> None:
        """
        Page numbers in the answer, which Cloudflare may add some day, cause no second request.
        """
        server = Server(300, 300, info=lambda _: ResultInfo(page=1, per_page=20, count=300, total_count=300))

        assert await read(Paginator(server.fetch)) == list(items(*range(300)))
        assert server.asked == [1]

    @pytest.mark.parametrize(
        "info",
        [ResultInfo(), ResultInfo(per_page=5, total_count=1000), ResultInfo(total_count=0, total_pages=0)],
    )
    async def test_a_repeated_page_is_an_error(self, read: Read, info: ResultInfo) -> None:
        """
        A server that ignores the page number causes no endless loop.
        """

        async def fetch(_: int) -> Batch[Item]:
            return Batch(items(1, 2, 3, 4, 5), info)

        with pytest.raises(UnexpectedResponseError, match="A page arrived twice"):
            await read(Paginator(fetch, per_page=5))

    async def test_a_repeated_page_of_the_default_size_is_an_error(self, read: Read) -> None:
        """
        A server that ignores both the size and the page number causes no endless loop.
        """

        async def fetch(_: int) -> Batch[Item]:
            return Batch(items(*range(20)), ResultInfo())

        with pytest.raises(UnexpectedResponseError, match="A page arrived twice"):
            await read(Paginator(fetch, per_page=50))

    async def test_every_earlier_page_is_remembered(self, read: Read) -> None:
        """
        A server that repeats a cycle of four pages is detected.
        """

        async def fetch(page: int) -> Batch[Item]:
            return Batch(items(page % 4, 10, 11, 12, 13), ResultInfo())

        with pytest.raises(UnexpectedResponseError, match="List again"):
            await read(Paginator(fetch, per_page=5))

    async def test_items_are_not_deduplicated(self, read: Read) -> None:
        """
        An item that moves to the next page between two requests is returned twice.
        """
        pages = {1: items(1, 2, 3, 4, 5), 2: items(5, 6)}

        async def fetch(page: int) -> Batch[Item]:
            return Batch(pages[page], ResultInfo(per_page=5, total_count=7))

        assert await read(Paginator(fetch, per_page=5)) == list(items(1, 2, 3, 4, 5, 5, 6))

    async def test_a_filter_does_not_end_a_list(self, read: Read) -> None:
        """
        A page whose items are all filtered out does not count as empty.
        """
        server = Server(12)
        pages = Paginator(server.fetch, per_page=5, keep=lambda item: item.id in {"0", "11"})

        assert await read(pages) == list(items(0, 11))

    async def test_an_error_is_passed_on(self, read: Read) -> None:
        """
        The reader gets the very exception that a request raised.
        """
        failure = NoResponseError("none")

        async def fetch(page: int) -> Batch[Item]:
            if page == 2:
                raise failure
            return Batch(items(page, 0, 0, 0, 0), ResultInfo(per_page=5, total_count=100))

        with pytest.raises(NoResponseError) as caught:
            await read(Paginator(fetch, per_page=5))

        assert caught.value is failure

    async def test_a_paginator_can_be_read_again(self, read: Read) -> None:
        """
        A second reading starts over, and does not count pages of the first as repeated.
        """
        pages = paginator(Server(12, info=with_totals(12)))

        assert await read(pages) == await read(pages)


class TestPages:
    async def test_nothing_is_sent_before_it_is_read(self) -> None:
        """
        Making a paginator, its iterator and its pages sends no request.
        """
        server = Server(12)
        pages = paginator(server)
        aiter(pages)
        pages.pages()

        assert server.asked == []

    async def test_pages_can_be_left_early(self) -> None:
        """
        Closing them ends them, and asks for no more.
        """
        server = Server(12)
        async with aclosing(paginator(server).pages()) as pages:
            await anext(pages)

        assert [page async for page in pages] == []
        assert server.asked == [1]

    async def test_pages_that_have_ended_can_be_closed(self) -> None:
        """
        Closing them again, or after the last page, does nothing.
        """
        async with aclosing(paginator(Server(12)).pages()) as pages:
            assert len([page async for page in pages]) == 3
        await pages.aclose()

    async def test_an_error_thrown_in_ends_them(self) -> None:
        """
        An error that is thrown into the pages comes out, and they have ended.
        """
        pages = paginator(Server(12)).pages()
        await anext(pages)

        with pytest.raises(LookupError):
            await pages.athrow(LookupError())
        assert [page async for page in pages] == []

    async def test_a_page_has_cloudflares_numbers(self) -> None:
        """
        A page has the numbers of its answer, and only the items that pass the filter.
        """
        server = Server(12, info=with_totals(12))
        page = await Paginator(server.fetch, first=3, per_page=5, keep=lambda item: item.id == "11").page()

        assert page == Page(items=items(11), page=3, per_page=5, count=5, total_count=12)

    async def test_missing_numbers_are_none(self) -> None:
        """
        If the answer has no numbers, the page has only its items.
        """
        assert await Paginator(Server(3, 3).fetch).page() == Page(items=items(0, 1, 2))

    async def test_one_page_is_one_request(self) -> None:
        """
        page() requests only the first page, whatever the totals say.
        """
        server = Server(100, info=with_totals(100))
        await paginator(server).page()

        assert server.asked == [1]

    async def test_a_reader_that_stops_requests_no_more(self) -> None:
        """
        Breaking out of a loop on the second page leaves the third unrequested.
        """
        server = Server(100, info=with_totals(100))
        async for item in paginator(server):
            if item.id == "6":
                break

        assert server.asked == [1, 2]

    @pytest.mark.parametrize("read", [list, tuple, lambda pages: [*pages], lambda pages: next(iter(pages))])
    async def test_a_plain_for_points_to_the_blocking_client(self, read: Callable[[object], object]) -> None:
        """
        The TypeError names "async for" and the client to import instead.
        """
        with pytest.raises(TypeError, match=r"'async for'.*import Client from cftokens\.sync"):
            read(paginator(Server(1)))

    async def test_it_is_not_awaitable(self) -> None:
        """
        A paginator has no __await__.
        """
        assert not hasattr(Paginator, "__await__")


class Gate:
    """
    A server that holds back each page after the first until it is let through.
    """

    def __init__(self, total: int, answers: Mapping[int, tuple[Item, ...]] | None = None) -> None:
        self.total = total
        self.answers = answers or {}
        self.waiting: dict[int, asyncio.Event] = {}
        self.cancelled: list[int] = []
        self.changed = asyncio.Condition()

    async def fetch(self, page: int) -> Batch[Item]:
        """
        Wait to be let through, and answer.
        """
        if page > 1:
            self.waiting[page] = asyncio.Event()
            async with self.changed:
                self.changed.notify_all()
            try:
                await self.waiting[page].wait()
            except asyncio.CancelledError:
                self.cancelled.append(page)
                raise
            del self.waiting[page]
        if page == 13:
            raise NoResponseError("page 13")
        numbers = items(*range(page * 5, page * 5 + 5))
        return Batch(self.answers.get(page, numbers), ResultInfo(per_page=5, total_count=self.total))

    async def until_waiting(self, *pages: int) -> None:
        """
        Return as soon as exactly these pages are waiting.
        """
        async with self.changed:
            await self.changed.wait_for(lambda: sorted(self.waiting) == list(pages))

    def let_through(self, *pages: int) -> None:
        """
        Answer these pages, in this order.
        """
        for page in pages:
            self.waiting[page].set()


class TestSideBySide:
    async def test_eight_pages_are_fetched_at_a_time(self) -> None:
        """
        The ninth waits for one of the eight, and the answers may come in any order.
        """
        gate = Gate(50)
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5).collect())
        await gate.until_waiting(*range(2, 10))
        gate.let_through(9)
        await gate.until_waiting(*range(2, 9), 10)
        gate.let_through(10, 8, 7, 6, 5, 4, 3, 2)

        assert await reading == list(items(*range(5, 55)))

    async def test_an_error_cancels_the_other_requests(self) -> None:
        """
        It is raised outside any group, after the other requests have been cancelled.
        """
        gate = Gate(100)
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5, first=1).collect())
        await gate.until_waiting(*range(2, 10))
        gate.let_through(*range(2, 8))
        await gate.until_waiting(*range(8, 16))
        gate.let_through(13)
        with pytest.raises(NoResponseError, match="page 13") as caught:
            await reading

        assert sorted(gate.cancelled) == [8, 9, 10, 11, 12, 14, 15]
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)

    async def test_cancelling_it_cancels_every_request(self) -> None:
        """
        A cancelled collect() leaves no request in flight.
        """
        gate = Gate(100)
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5).collect())
        await gate.until_waiting(*range(2, 10))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

        assert sorted(gate.cancelled) == list(range(2, 10))

    async def test_pages_after_an_empty_one_are_not_all_requested(self) -> None:
        """
        If the list is shorter than its total, each of the eight workers stops at its first empty page.
        """
        server = Server(12, info=with_totals(10**9))

        assert await paginator(server).collect() == list(items(*range(12)))
        assert len(server.asked) <= 3 + 8

    async def test_a_list_that_grows_is_read_to_its_end(self) -> None:
        """
        If the last page gives a higher total than the first, the rest is read as well.
        """
        server = Server(17, info=lambda page: ResultInfo(per_page=5, total_count=10 if page == 1 else 17))

        assert await paginator(server).collect() == list(items(*range(17)))
        assert server.asked == [1, 2, 3, 4]

    async def test_a_repeated_page_among_them_is_detected(self) -> None:
        """
        The fourth page repeats the second, although its answer comes first.
        """
        gate = Gate(20, {2: items(1), 4: items(1)})
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5).collect())
        await gate.until_waiting(2, 3, 4)
        gate.let_through(4, 3, 2)
        with pytest.raises(UnexpectedResponseError, match="twice"):
            await reading
