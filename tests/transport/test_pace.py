"""
A client stays within the limits, by its own count and by what the server says is left.
"""

import asyncio
import math
import random

import pytest

from cftokens import CFTokensError, Client, RateLimit, RateLimitedError, Retry, ServerError
from cftokens._settings import Timing
from cftokens._transport.pace import BURST, Pace
from cftokens._transport.windows import Window
from cftokens.emulator import Emulator
from tests.servers import RawServer, reply
from tests.support import CALLS, Clock, client_of, failure_of
from tests.vocabulary import RESULTS, TOKEN_ID, entry, failure, success

VERIFIED = success(RESULTS["verify"])


def pace_of(clock: Clock, requests: int = 3, period: float = 10.0) -> Pace:
    """
    Make a pace with a small limit, for a server that does not say what is left.
    """
    limit = RateLimit(requests=requests, period=period)
    return by_own_count(Pace(limit, Window(BURST), Timing(clock, clock.sleep)))


def by_own_count(pace: Pace) -> Pace:
    """
    Tell a pace of an answer without a Ratelimit header.
    """
    assert pace._counts is not None
    pace._counts.learn({}, 0.0, 0)
    return pace


class CountingClock(Clock):
    """
    A clock that counts how often it is read.
    """

    reads = 0

    def __call__(self) -> float:
        self.reads += 1
        return self.now


class SharedClock(Clock):
    """
    Time that passes only while all workers wait for a turn, first in a queue or behind another.
    """

    def __init__(self, workers: int, *paces: Pace) -> None:
        super().__init__(workers)
        self.paces = paces
        self._ends: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """
        Wait until the clock has moved on.
        """
        self.waits.append(seconds)
        end = self.now + seconds
        self._ends.append(end)
        try:
            while self.now < end:
                await asyncio.sleep(0)
                if self._all_wait():
                    self.now = min(self._ends)
        finally:
            self._ends.remove(end)

    def _all_wait(self) -> bool:
        queues = [len(pace._waiting) for pace in self.paces]
        asleep = len(self._ends) == sum(length > 0 for length in queues) and min(self._ends) > self.now
        return asleep and sum(queues) == self._workers


def pace_in(client: Client) -> Pace:
    """
    Return the pace of a client.
    """
    return client._owners.sender.settings.pace


async def test_there_is_no_wait_within_the_limit() -> None:
    """
    With a limit of three, the first three requests go out at once.
    """
    clock = Clock()
    pace = pace_of(clock)
    waits = [await pace.turn(0.0) for _ in range(3)]

    assert waits == [0.0, 0.0, 0.0]


async def test_a_request_counts_until_one_period_after_its_answer() -> None:
    """
    With the limit used up, the next one waits until one period after the oldest answer.
    """
    clock = Clock()
    pace = pace_of(clock)
    for seconds in (0.0, 1.0, 2.0):
        await pace.turn(0.0)
        clock.now += seconds
        pace.finish(None, None)
    waited = await pace.turn(60.0)

    assert waited == 7.0


async def test_a_wait_beyond_the_patience_is_an_error() -> None:
    """
    The error is raised without waiting, and says how long the wait would have been.
    """
    clock = Clock()
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    pace.finish(None, None)
    with pytest.raises(RateLimitedError, match=r"not sent: .* in 10\.0 s, longer than the 9 s") as caught:
        await pace.turn(9.0)

    assert (caught.value.retry_after, caught.value.sent, clock.waits) == (10.0, False, [])


async def test_with_all_requests_in_flight_the_wait_is_at_least_a_period() -> None:
    """
    Since none has been answered yet, a shorter patience is an error.
    """
    pace = pace_of(Clock(), requests=1)
    await pace.turn(0.0)
    with pytest.raises(RateLimitedError) as caught:
        await pace.turn(9.0)

    assert caught.value.retry_after == 10.0


async def test_a_slow_answer_does_not_stretch_the_patience() -> None:
    """
    After ten of fifteen seconds, with the request ahead still in flight, another ten are an error at once.
    """
    clock = Clock()
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    with pytest.raises(RateLimitedError, match="longer than the 5 s") as caught:
        await pace.turn(15.0)

    assert (clock.waits, caught.value.retry_after) == ([10.0], 10.0)


async def test_a_refusal_behind_others_counts_them() -> None:
    """
    Two wait for an answer that does not come: the second, whose patience ends, comes after the first.
    """
    clock = SharedClock(2)
    pace = pace_of(clock, requests=1)
    clock.paces = (pace,)
    await pace.turn(0.0)
    first = asyncio.ensure_future(pace.turn(math.inf))
    await asyncio.sleep(0)
    with pytest.raises(RateLimitedError) as caught:
        await pace.turn(25.0)
    first.cancel()

    assert caught.value.retry_after == 20.0


async def test_waiting_requests_are_sent_in_order() -> None:
    """
    Of four tasks that wait for one slot, the first to wait is the first to send.
    """
    pace = pace_of(Clock(), requests=1)
    await pace.turn(0.0)
    pace.finish(None, None)
    order = []

    async def work(number: int) -> None:
        await pace.turn(1000.0)
        order.append(number)
        pace.finish(None, None)

    await asyncio.gather(*(work(number) for number in range(4)))

    assert order == [0, 1, 2, 3]


async def test_a_newcomer_does_not_overtake() -> None:
    """
    A request that comes when a slot is free, but another waits for it, is sent second.
    """
    clock = Clock(workers=2)  # time stands still
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    pace.finish(None, None)
    order = []

    async def work(number: int) -> None:
        await pace.turn(1000.0)
        order.append(number)
        pace.finish(None, None)

    first = asyncio.ensure_future(work(1))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(work(2))
    clock.leave()  # time passes, and the second runs before the first wakes up
    await asyncio.gather(first, second)

    assert order == [1, 2]


async def test_a_turn_costs_the_same_however_many_wait() -> None:
    """
    Twenty thousand waiters use the whole burst limit, in order, and look at the time a few times each.
    """
    clock = CountingClock()
    enough = RateLimit(requests=100_000)
    pace = by_own_count(Pace(enough, Window(BURST), Timing(clock, clock.sleep)))
    start, order = clock.now, list[int]()

    async def work(number: int) -> None:
        await pace.turn(math.inf)
        order.append(number)
        pace.finish(None, None)

    await asyncio.gather(*(work(number) for number in range(20_000)))

    assert order == list(range(20_000))
    assert clock.now - start <= 20_000 / 200 / 0.8
    assert clock.reads <= 8 * 20_000
    assert len(clock.waits) <= 20_000
    assert (len(pace._waiting), pace._waiting._deadlines) == (0, [])


@pytest.mark.parametrize("patience", [98.0, 99.0])
async def test_the_last_of_many_knows_its_wait(patience: float) -> None:
    """
    Behind 19 900 others a request that may wait 98 s is refused at once, and one that may wait 99 s is not.
    """
    pace = Pace(RateLimit(requests=100_000), Window(BURST), Timing(clock := Clock(2), clock.sleep))
    others = [asyncio.ensure_future(pace.turn(math.inf)) for _ in range(19_900)]
    await asyncio.sleep(0)
    last = asyncio.ensure_future(pace.turn(patience))
    await asyncio.sleep(0)
    refused = last.done()
    last.cancel()
    for other in others:
        other.cancel()
    await asyncio.gather(*others, last, return_exceptions=True)

    assert refused == (patience < 99.0)
    assert len(pace._waiting) == 0


@pytest.mark.parametrize("cancelled", [[0], [1], [3], [0, 1, 2], [3, 2, 1], [1, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("woken", [False, True])
async def test_a_cancelled_wait_leaves_the_queue(cancelled: list[int], woken: bool) -> None:
    """
    Whichever of four waiters are cancelled, asleep or just woken, the others are sent in order.
    """
    clock = Clock(workers=2)  # time stands still
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    pace.finish(None, None)
    order = []

    async def work(number: int) -> None:
        await pace.turn(1000.0)
        order.append(number)
        pace.finish(None, None)

    waiting = [asyncio.ensure_future(work(number)) for number in range(4)]
    await asyncio.sleep(0)
    if woken:
        clock.leave()  # time passes
    for number in cancelled:
        waiting[number].cancel()
    if not woken:
        clock.leave()
    await asyncio.gather(*waiting, return_exceptions=True)

    assert order == [number for number in range(4) if number not in cancelled]
    assert (len(pace._waiting), pace._waiting._deadlines) == (0, [])


async def test_a_waiter_woken_and_cancelled_wakes_the_next() -> None:
    """
    If the second of three is cancelled just as its turn comes, the third has it.
    """
    clock = Clock(workers=2)  # time stands still
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    pace.finish(None, None)

    async def give_up() -> None:
        try:
            await pace.turn(1000.0)
        finally:
            second.cancel()

    first = asyncio.ensure_future(give_up())
    second, third = (asyncio.ensure_future(pace.turn(1000.0)) for _ in range(2))
    await asyncio.sleep(0)
    clock.leave()  # time passes
    first.cancel()
    results = await asyncio.gather(first, second, return_exceptions=True)

    assert [type(result) for result in results] == [asyncio.CancelledError] * 2
    assert await third == 10.0


async def test_caution_refuses_none_that_waits_behind_another() -> None:
    """
    While the first of two waits for an answer, the second goes out when its patience ends.
    """
    clock = SharedClock(2)
    pace = Pace(RateLimit(), Window(BURST), Timing(clock, clock.sleep))
    clock.paces = (pace,)
    await pace.turn(0.0)
    first = asyncio.ensure_future(pace.turn(60.0))
    await asyncio.sleep(0)
    waited = await pace.turn(1.0)
    first.cancel()

    assert waited == pytest.approx(1.1)


async def test_patience_ends_behind_one_who_is_patient() -> None:
    """
    A block makes the queue longer than promised: the impatient ones in it are refused, in time.
    """
    clock = SharedClock(5)
    pace = pace_of(clock, requests=6)
    clock.paces = (pace,)
    for _ in range(6):
        await pace.turn(0.0)
    for _ in range(5):
        pace.finish(None, None)
    patiences = (1000.0, 20.0, 12.0, 1000.0, 30.0)
    errors: list[RateLimitedError] = []
    refused_after: dict[int, float] = {}
    start = clock.now

    async def work(number: int) -> None:
        try:
            await pace.turn(patiences[number])
        except RateLimitedError as error:
            errors.append(error)
            refused_after[number] = clock.now - start
        clock.leave()

    waiting = [asyncio.ensure_future(work(number)) for number in range(5)]
    await asyncio.sleep(0)
    pace.finish({}, 300.0)
    await asyncio.gather(*waiting)

    assert {number: round(seconds) for number, seconds in refused_after.items()} == {1: 20, 2: 12, 4: 30}
    assert not any(error.sent for error in errors)
    assert [round(error.retry_after or 0.0) for error in errors] == [288, 280, 270]


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ('"default";r=1;t=30', 31.0),
        ('"default";r=0;t=30', 31.0),
        ('"default";r=40;t=30', 0.0),
        ('"burst";r=9;t=2, "default";r=1;t=30', 31.0),
        ("", 0.0),
        ("nonsense", 0.0),
        ('"default";r=-1;t=x', 0.0),
    ],
)
async def test_the_servers_count_matters(header: str, wait: float) -> None:
    """
    If no more than a reserve is left, the client waits until one second after the server's window.
    """
    clock = Clock()
    pace = pace_of(clock, requests=100)
    await pace.turn(0.0)
    pace.finish({"Ratelimit": header}, None)
    waited = await pace.turn(60.0)

    assert waited == wait


async def test_own_requests_are_not_taken_for_others() -> None:
    """
    With a hundred in flight and answered out of order, two percent of the limit stay unspent, not more.
    """
    clock = Clock()
    unlimited = RateLimit(requests=10_000)
    pace = by_own_count(Pace(unlimited, Window(unlimited), Timing(clock, clock.sleep)))
    left, order = 1200, random.Random(1)
    in_flight: list[int] = []
    policy = {"Ratelimit-Policy": '"default";q=1200;w=300'}
    for _ in range(1050):
        await pace.turn(0.0)
        left -= 1
        in_flight.append(left)
        if len(in_flight) == 100:
            answered = in_flight.pop(order.randrange(100))
            pace.finish({"Ratelimit": f'"default";r={answered};t=300', **policy}, None)

    assert pace._counts is not None
    assert pace._counts._server._company.kept(1200) == 24


async def test_a_late_answer_does_not_lift_a_block() -> None:
    """
    A budget in an answer that arrives after the 429 does not shorten the wait.
    """
    pace = pace_of(Clock(), requests=100)
    for _ in range(2):
        await pace.turn(0.0)
    pace.finish({}, 300.0)
    pace.finish({"Ratelimit": '"default";r=90;t=120'}, None)
    with pytest.raises(RateLimitedError) as caught:
        await pace.turn(60.0)

    assert caught.value.retry_after == 300.0


async def test_a_late_answer_does_not_raise_what_is_left() -> None:
    """
    An older answer, with more left in the same window, is not believed.
    """
    pace = pace_of(Clock(), requests=100)
    for _ in range(3):
        await pace.turn(0.0)
    for left in (61, 1, 60):
        pace.finish({"Ratelimit": f'"default";r={left};t=30'}, None)

    assert await pace.turn(60.0) == 31.0


async def test_a_shorter_block_does_not_end_a_longer_one() -> None:
    """
    A 429 that asks for a minute, after one that asked for five, leaves the wait at five.
    """
    pace = pace_of(Clock(), requests=100)
    for _ in range(2):
        await pace.turn(0.0)
    pace.finish({}, 300.0)
    pace.finish({}, 60.0)

    assert await pace.turn(600.0) == 300.0


async def test_a_block_of_years_is_cut_to_an_hour(caplog: pytest.LogCaptureFixture) -> None:
    """
    A Retry-After of a year blocks requests for an hour, and the log says so once.
    """
    pace = pace_of(Clock(), requests=100)
    for _ in range(2):
        await pace.turn(0.0)
    for _ in range(2):
        pace.finish({}, 31_536_000.0)

    assert await pace.turn(4000.0) == 3600.0
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "Retry-After: 31536000 seconds. Requests with this token are sent again after an hour."
    ]


async def test_a_block_of_an_hour_is_waited_out(caplog: pytest.LogCaptureFixture) -> None:
    """
    The longest block that is believed is not worth a warning.
    """
    pace = pace_of(Clock(), requests=100)
    await pace.turn(0.0)
    pace.finish({}, 3600.0)

    assert await pace.turn(4000.0) == 3600.0
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


async def test_a_window_of_years_is_cut_to_an_hour() -> None:
    """
    A server that says that nothing is left for 31 years blocks requests for an hour.
    """
    pace = pace_of(Clock(), requests=100)
    await pace.turn(0.0)
    pace.finish({"Ratelimit": '"default";r=0;t=999999999'}, None)

    assert await pace.turn(4000.0) == 3601.0


async def test_a_small_server_budget_is_used_up() -> None:
    """
    The reserve is a share of the server's budget, not of the configured limit.
    """
    pace = pace_of(Clock(), requests=1200)
    await pace.turn(0.0)
    pace.finish({"Ratelimit": '"burst";r=9;t=10'}, None)
    waits = [await pace.turn(60.0) for _ in range(8)]

    assert waits == [0.0] * 8


async def test_a_forked_process_forgets_requests_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The parent's requests do not count in the child, where they would never end.
    """
    clock = Clock()
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    monkeypatch.setattr("cftokens._transport.pace.os.getpid", lambda: -1)

    assert await pace.turn(0.0) == 0.0


async def test_a_block_holds_in_a_forked_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Without a limit, too, a child waits as long as its parent would after a 429.
    """
    clock = Clock()
    pace = Pace(None, Window(BURST), Timing(clock, clock.sleep))
    await pace.turn(0.0)
    pace.finish({}, 20.0)
    monkeypatch.setattr("cftokens._transport.pace.os.getpid", lambda: -1)

    assert await pace.turn(30.0) == 20.0


async def test_a_forked_process_forgets_its_parents_waiters(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The parent's waiters do not hold up the child, where they would never wake up.
    """
    clock = Clock(workers=2)  # time stands still
    pace = pace_of(clock, requests=1)
    await pace.turn(0.0)
    pace.finish(None, None)
    parents = [asyncio.ensure_future(pace.turn(60.0)) for _ in range(2)]
    await asyncio.sleep(0)
    clock.now += 10.0
    monkeypatch.setattr("cftokens._transport.pace.os.getpid", lambda: -1)

    assert await asyncio.wait_for(pace.turn(0.0), 1.0) == 0.0
    for parent in parents:
        parent.cancel()
    await asyncio.gather(*parents, return_exceptions=True)
    assert len(pace._waiting) == 0


async def test_a_forked_process_counts_its_own_requests_of_every_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    The first request with another credential does not reset the burst limit that they share.
    """
    clock = Clock()
    burst = Window(BURST)
    paces = [by_own_count(Pace(RateLimit(), burst, Timing(clock, clock.sleep))) for _ in range(2)]
    for pace in paces:
        await pace.turn(0.0)
    clock.now += 1.0
    monkeypatch.setattr("cftokens._transport.pace.os.getpid", lambda: -1)
    waits = [await paces[0].turn(60.0) for _ in range(200)]
    waits.append(await paces[1].turn(60.0))

    assert waits == [0.0] * 200 + [1.0]


async def test_a_retry_after_of_the_whole_budget_is_waited_out() -> None:
    """
    After the wait the pace lets the request go out, although the budget is spent.
    """
    clock = Clock()
    limited = reply(429, failure(), Retry_After="60")
    async with RawServer(limited, reply(200, VERIFIED)) as server:
        async with client_of(server.base_url, clock, rate_limit=RateLimit()) as client:
            await client.accounts.tokens.verify()

    assert clock.waits == [60.0]


@pytest.mark.parametrize("limit", [RateLimit(), None])
async def test_a_block_holds_for_every_call_with_its_credential(limit: RateLimit | None) -> None:
    """
    After a 429 a view with that credential sends nothing, and one with another still sends, limit or not.
    """
    clock = Clock()
    blocked = reply(429, failure(entry(971)), Retry_After="300")
    async with RawServer(blocked, reply(200, VERIFIED)) as server:
        async with client_of(server.base_url, clock, rate_limit=limit) as client:
            first = await failure_of(client.accounts.tokens.verify())
            second = await failure_of(client.with_options(timeout=5.0).accounts.tokens.get(TOKEN_ID))
            await client.with_options(api_token="another").accounts.tokens.verify()

    assert isinstance(first, RateLimitedError)
    assert isinstance(second, RateLimitedError)
    assert (first.sent, second.sent, second.retry_after) == (True, False, 300.0)
    assert len(server.requests) == 2


async def test_without_a_limit_nothing_but_a_block_is_heeded() -> None:
    """
    A client without a limit sends on when a header says that nothing is left, and waits after a 429.
    """
    clock = Clock()
    spent = reply(200, VERIFIED, Ratelimit='"default";r=0;t=300')
    blocked = reply(429, failure(), Retry_After="20")
    async with RawServer(spent, spent, blocked, reply(200, VERIFIED)) as server:
        async with client_of(server.base_url, clock, rate_limit=None, retry=None) as client:
            await client.accounts.tokens.verify()
            await client.accounts.tokens.verify()
            await failure_of(client.accounts.tokens.verify())
            await client.accounts.tokens.verify()

    assert clock.waits == [20.0]


async def test_only_a_429_blocks_other_calls() -> None:
    """
    After a 503 with a Retry-After the next call goes out at once.
    """
    clock = Clock()
    failed = reply(503, failure(), Retry_After="300")
    async with RawServer(failed, reply(200, VERIFIED)) as server:
        async with client_of(server.base_url, clock, rate_limit=RateLimit(), retry=None) as client:
            await failure_of(client.accounts.tokens.verify())
            await client.accounts.tokens.verify()

    assert clock.waits == []


async def test_a_turn_may_take_what_is_left_of_the_budget() -> None:
    """
    After half a second of ten, a turn in 9.75 seconds is refused, and the error is that of the first try.
    """
    clock = Clock()
    limit = RateLimit(requests=1, period=10.25)
    async with RawServer(reply(500)) as server:
        async with client_of(server.base_url, clock, rate_limit=limit, retry=Retry(budget=10.0)) as client:
            error = await failure_of(client.accounts.tokens.verify())

    assert isinstance(error, ServerError)
    assert clock.waits == [0.5]


async def test_the_pace_spends_from_the_budget() -> None:
    """
    Waits for a turn and waits before a retry share one budget.
    """
    clock = Clock()
    limit = RateLimit(requests=1, period=10.0)
    retry = Retry(budget=10.4)
    async with RawServer(reply(200, VERIFIED), reply(500)) as server:
        async with client_of(server.base_url, clock, rate_limit=limit, retry=retry) as client:
            await client.accounts.tokens.verify()
            await failure_of(client.accounts.tokens.verify())

    assert clock.waits == [10.0]


async def test_an_unknown_outcome_survives_a_refused_turn() -> None:
    """
    If there is no time for another turn, the error is that of the first try, which may have worked.
    """
    clock = Clock()
    limit = RateLimit(requests=1, period=100.0)
    async with RawServer(reply(502)) as server:
        async with client_of(server.base_url, clock, rate_limit=limit) as client:
            error = await failure_of(CALLS["update"](client))

    assert isinstance(error, ServerError)
    assert error.outcome_unknown


async def test_the_burst_limit_holds_for_all_credentials_together() -> None:
    """
    Two credentials together send 200 requests at once, and the next one waits for a second.
    """
    clock = Clock()
    burst = Window(BURST)
    paces = [by_own_count(Pace(RateLimit(), burst, Timing(clock, clock.sleep))) for _ in range(2)]
    waits = []
    for number in range(201):
        waits.append(await paces[number % 2].turn(60.0))
        paces[number % 2].finish(None, None)

    assert waits == [0.0] * 200 + [1.0]


async def test_the_burst_limit_counts_starts() -> None:
    """
    While 200 slow requests are in flight, another 200 start a second later.
    """
    clock = Clock()
    pace = by_own_count(Pace(RateLimit(), Window(BURST), Timing(clock, clock.sleep)))
    waits = [await pace.turn(60.0) for _ in range(401)]

    assert waits == [0.0] * 200 + [1.0] + [0.0] * 199 + [1.0]


async def test_a_start_counts_for_a_second_even_if_it_is_answered() -> None:
    """
    Requests that are answered at once do not make room before their second has passed.
    """
    clock = Clock()
    pace = by_own_count(Pace(RateLimit(), Window(BURST), Timing(clock, clock.sleep)))
    for _ in range(200):
        await pace.turn(0.0)
        clock.now += 1 / 1024
        pace.finish(None, None)

    assert await pace.turn(60.0) == 1.0 - 200 / 1024


async def work(client: Client, clock: Clock, jobs: "list[int]", refused: "list[int]") -> None:
    """
    Send requests until there are no more jobs.
    """
    while jobs:
        jobs.pop()
        try:
            await client.accounts.tokens.verify()
        except CFTokensError:
            refused.append(1)
    clock.leave()


async def time_for(
    emulator: Emulator, clock: SharedClock, clients: "list[Client]", jobs: "list[list[int]]"
) -> float:
    """
    Return the seconds that the clients need for their jobs, each with ten requests in flight.
    """
    start, refused = clock.now, list[int]()
    clock.paces = tuple(map(pace_in, clients))
    await asyncio.gather(
        *(
            work(client, clock, job, refused)
            for client, job in zip(clients, jobs, strict=True)
            for _ in range(10)
        )
    )
    assert refused == []
    assert 429 not in [request.status for request in emulator.requests]
    return clock.now - start


PATIENT = Retry(budget=math.inf)


async def test_three_thousand_requests_are_never_refused() -> None:
    """
    Under an enforced limit there is no 429, and the client is at most 5 percent slower than allowed.
    """
    clock = SharedClock(10)
    limit = RateLimit()
    async with Emulator(clock=clock, rate_limit=limit) as emulator:
        async with client_of(emulator, clock, retry=PATIENT, rate_limit=limit) as client:
            seconds = await time_for(emulator, clock, [client], [list(range(3000))])

    windows = 3000 // 1200
    assert seconds <= windows * 300 * 1.05


async def test_two_clients_share_a_budget_without_a_refusal() -> None:
    """
    With one credential there is no 429, and each is at most 10 percent slower than half the budget allows.
    """
    clock = SharedClock(20)
    limit = RateLimit()
    async with Emulator(clock=clock, rate_limit=limit) as emulator:
        clients = [client_of(emulator, clock, retry=PATIENT, rate_limit=limit) for _ in range(2)]
        seconds = await time_for(emulator, clock, clients, [list(range(3000)), list(range(3000))])
        for client in clients:
            await client.close()

    assert seconds <= 3000 / (1200 / 2) * 300 * 1.10
