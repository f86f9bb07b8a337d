"""
Lists, a page at a time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import attrs
import pytest

from cftokens._pagination import Batch, Page, Paginator, ResultInfo
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
    A list of *total* items in pages of *per_page*, which counts who asks.

    With *info* it says what it knows about each page, and without it nothing.
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
        Answer with one page.
        """
        self.asked.append(page)
        start = (page - 1) * self.per_page
        return Batch(items(*range(start, min(start + self.per_page, self.total))), self.info(page))


def with_totals(total: int, per_page: int | None = 5) -> Callable[[int], ResultInfo]:
    """
    Return what Cloudflare says about a page of its token lists.
    """
    return lambda page: ResultInfo(page=page, per_page=per_page, count=5, total_count=total)


def paginator(server: Server, first: int = 1) -> Paginator[Item]:
    """
    Return a paginator that asks a server.
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
    Read a list at once.
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
    async def test_totals_end_a_list_without_one_more_request(
        self, read: Read, total: int, requests: int, per_page: int | None
    ) -> None:
        """
        Every item comes in order, and the page size that was asked for serves if the answer has none.
        """
        server = Server(total, info=with_totals(total, per_page))

        assert await read(paginator(server)) == list(items(*range(total)))
        assert sorted(server.asked) == list(range(1, requests + 1))

    @pytest.mark.parametrize(("total", "requests"), [(0, 1), (4, 1), (5, 2), (6, 2), (10, 3)])
    async def test_without_totals_a_short_page_is_the_last(
        self, read: Read, total: int, requests: int
    ) -> None:
        """
        A page with fewer items than were asked for, or with none, ends the list.
        """
        server = Server(total)

        assert await read(paginator(server)) == list(items(*range(total)))
        assert server.asked == list(range(1, requests + 1))

    async def test_the_number_of_pages_ends_a_list_too(self, read: Read) -> None:
        """
        Other lists of Cloudflare's say total_pages instead.
        """
        server = Server(10, info=lambda _: ResultInfo(total_pages=2))

        assert await read(paginator(server)) == list(items(*range(10)))
        assert server.asked == [1, 2]

    async def test_a_page_size_of_the_servers_own_is_followed(self, read: Read) -> None:
        """
        If pages are smaller than asked for, the totals are read with the size that the answer names.
        """
        server = Server(12, 5, info=with_totals(12, 5))

        assert await read(Paginator(server.fetch, per_page=50)) == list(items(*range(12)))
        assert sorted(server.asked) == [1, 2, 3]

    @pytest.mark.parametrize("totals", [True, False])
    async def test_it_starts_where_it_is_told(self, read: Read, totals: bool) -> None:
        """
        The pages before the first one asked for are left out.
        """
        server = Server(12, info=with_totals(12)) if totals else Server(12)

        assert await read(paginator(server, first=2)) == list(items(*range(5, 12)))
        assert server.asked == [2, 3]

    @pytest.mark.parametrize("first", [3, 1000])
    async def test_there_may_be_nothing_where_it_starts(self, read: Read, first: int) -> None:
        """
        A page behind the end of the list is empty, and the last.
        """
        server = Server(10, info=with_totals(10))

        assert await read(paginator(server, first=first)) == []
        assert server.asked == [first]

    @pytest.mark.parametrize("promised", [7, 1000, -5, 0])
    async def test_wrong_totals_do_not_hold_it_up(self, read: Read, promised: int) -> None:
        """
        Too high a total ends with an empty page, and too low a one ends early.
        """
        server = Server(12, info=with_totals(promised))
        numbers = range(12) if promised > 12 else range(10) if promised > 5 else range(5)

        assert await read(paginator(server)) == list(items(*numbers))
        assert len(server.asked) <= 12

    @pytest.mark.parametrize("per_page", [0, -1])
    async def test_a_senseless_page_size_ends_with_the_list(self, read: Read, per_page: int) -> None:
        """
        A page size that cannot be does not loop.
        """
        server = Server(12, info=lambda _: ResultInfo(per_page=per_page, total_count=12))

        assert await read(paginator(server)) == list(items(*range(12)))

    async def test_a_list_without_pages_is_one(self, read: Read) -> None:
        """
        The catalogue of permission groups comes in one answer, whatever its length.
        """
        server = Server(300, 300)

        assert await read(Paginator(server.fetch)) == list(items(*range(300)))
        assert server.asked == [1]

    async def test_a_whole_list_in_one_answer_is_whole(self, read: Read) -> None:
        """
        Numbers that Cloudflare may give for the catalogue some day do not ask for it again.
        """
        server = Server(300, 300, info=lambda _: ResultInfo(page=1, per_page=20, count=300, total_count=300))

        assert await read(Paginator(server.fetch)) == list(items(*range(300)))
        assert server.asked == [1]

    @pytest.mark.parametrize("info", [ResultInfo(), ResultInfo(per_page=5, total_count=1000)])
    async def test_a_page_that_comes_twice_is_an_error(self, read: Read, info: ResultInfo) -> None:
        """
        A server that ignores the page number does not keep us for ever.
        """

        async def fetch(_: int) -> Batch[Item]:
            return Batch(items(1, 2, 3, 4, 5), info)

        with pytest.raises(UnexpectedResponseError, match="sent a page of the list twice"):
            await read(Paginator(fetch, per_page=5))

    async def test_a_page_of_long_ago_is_remembered(self, read: Read) -> None:
        """
        A server that goes round in circles is found out.
        """

        async def fetch(page: int) -> Batch[Item]:
            return Batch(items(page % 4, 10, 11, 12, 13), ResultInfo())

        with pytest.raises(UnexpectedResponseError, match="list again"):
            await read(Paginator(fetch, per_page=5))

    async def test_items_are_not_deduplicated(self, read: Read) -> None:
        """
        An item that moved to the next page meanwhile comes twice, as Cloudflare sent it.
        """
        pages = {1: items(1, 2, 3, 4, 5), 2: items(5, 6)}

        async def fetch(page: int) -> Batch[Item]:
            return Batch(pages[page], ResultInfo(per_page=5, total_count=7))

        assert await read(Paginator(fetch, per_page=5)) == list(items(1, 2, 3, 4, 5, 5, 6))

    async def test_a_filter_does_not_end_a_list(self, read: Read) -> None:
        """
        A page of which nothing is kept is not an empty page.
        """
        server = Server(12)
        pages = Paginator(server.fetch, per_page=5, keep=lambda item: item.id in {"0", "11"})

        assert await read(pages) == list(items(0, 11))

    async def test_an_error_comes_as_it_is(self, read: Read) -> None:
        """
        What a request fails with is what the reader gets.
        """
        failure = NoResponseError("none")

        async def fetch(page: int) -> Batch[Item]:
            if page == 2:
                raise failure
            return Batch(items(page, 0, 0, 0, 0), ResultInfo(per_page=5, total_count=100))

        with pytest.raises(NoResponseError) as caught:
            await read(Paginator(fetch, per_page=5))

        assert caught.value is failure

    async def test_each_reading_starts_anew(self, read: Read) -> None:
        """
        A paginator can be read again, and pages seen before are no repetition then.
        """
        pages = paginator(Server(12, info=with_totals(12)))

        assert await read(pages) == await read(pages)


class TestPages:
    async def test_nothing_is_sent_before_it_is_read(self) -> None:
        """
        Making a paginator, its iterator and its pages asks for nothing.
        """
        server = Server(12)
        pages = paginator(server)
        aiter(pages)
        pages.pages()

        assert server.asked == []

    async def test_a_page_says_what_cloudflare_says(self) -> None:
        """
        The numbers of an answer stand on the page, and only kept items are on it.
        """
        server = Server(12, info=with_totals(12))
        page = await Paginator(server.fetch, first=3, per_page=5, keep=lambda item: item.id == "11").page()

        assert page == Page(items=items(11), page=3, per_page=5, count=5, total_count=12)

    async def test_numbers_that_are_not_given_are_none(self) -> None:
        """
        The catalogue of permission groups has no numbers.
        """
        assert await Paginator(Server(3, 3).fetch).page() == Page(items=items(0, 1, 2))

    async def test_one_page_is_one_request(self) -> None:
        """
        The first page alone is asked for, whatever the totals promise.
        """
        server = Server(100, info=with_totals(100))
        await paginator(server).page()

        assert server.asked == [1]

    async def test_a_reader_that_stops_asks_for_no_more(self) -> None:
        """
        An iteration that is left does not fetch the next page, and closes quietly.
        """
        server = Server(100, info=with_totals(100))
        async for item in paginator(server):
            if item.id == "6":
                break

        assert server.asked == [1, 2]

    @pytest.mark.parametrize("read", [list, tuple, lambda pages: [*pages], lambda pages: next(iter(pages))])
    async def test_a_plain_for_points_to_the_blocking_client(self, read: Callable[[object], object]) -> None:
        """
        Without async there is another Client to import.
        """
        with pytest.raises(TypeError, match=r"'async for'.*import Client from cftokens\.sync"):
            read(paginator(Server(1)))

    async def test_it_is_not_awaitable(self) -> None:
        """
        Awaiting a list is a mistake.
        """
        assert not hasattr(Paginator, "__await__")


class Gate:
    """
    A server that answers a page only when it is let through.
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
        Return as soon as just these pages wait.
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
    async def test_eight_pages_are_on_their_way_at_a_time(self) -> None:
        """
        The ninth waits for one of the eight, and the order of the answers does not matter.
        """
        gate = Gate(50)
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5).collect())
        await gate.until_waiting(*range(2, 10))
        gate.let_through(9)
        await gate.until_waiting(*range(2, 9), 10)
        gate.let_through(10, 8, 7, 6, 5, 4, 3, 2)

        assert await reading == list(items(*range(5, 55)))

    async def test_an_error_cancels_the_others_and_comes_bare(self) -> None:
        """
        The first failure is raised as it is and not in a group, when nothing is left behind.
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

    async def test_cancelling_it_cancels_them_all(self) -> None:
        """
        A reader that gives up leaves no request behind.
        """
        gate = Gate(100)
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5).collect())
        await gate.until_waiting(*range(2, 10))
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

        assert sorted(gate.cancelled) == list(range(2, 10))

    async def test_pages_behind_an_empty_one_are_not_all_asked_for(self) -> None:
        """
        If the list is shorter than promised, each of the eight ends with its first empty page.
        """
        server = Server(12, info=with_totals(10**9))

        assert await paginator(server).collect() == list(items(*range(12)))
        assert len(server.asked) <= 3 + 8

    async def test_a_list_that_grows_is_read_to_its_end(self) -> None:
        """
        If the last page promises more than the first did, the rest is read as well.
        """
        server = Server(17, info=lambda page: ResultInfo(per_page=5, total_count=10 if page == 1 else 17))

        assert await paginator(server).collect() == list(items(*range(17)))
        assert server.asked == [1, 2, 3, 4]

    async def test_a_page_seen_twice_among_them_is_found(self) -> None:
        """
        It does not matter which of the two answers comes first.
        """
        gate = Gate(20, {2: items(1), 4: items(1)})
        reading = asyncio.ensure_future(Paginator(gate.fetch, per_page=5).collect())
        await gate.until_waiting(2, 3, 4)
        gate.let_through(4, 3, 2)
        with pytest.raises(UnexpectedResponseError, match="twice"):
            await reading
