"""
A simulation of processes that share a limit, each with a real `Pace`.
"""

import asyncio
import contextlib
import math
import random
from collections import Counter
from collections.abc import Mapping
from typing import Literal

import attrs

from cftokens._settings import RateLimit, Timing
from cftokens._transport.pace import BURST, Pace
from cftokens._transport.windows import Window
from cftokens.emulator._rate import Meter, _Window
from tests.fleet.moved_time import run


@attrs.frozen(kw_only=True)
class Fleet:
    """
    What is simulated. Times are in seconds.

    Attributes:
        processes: How many processes there are. Each has the same number of requests to send.
        in_flight: How many requests each wants to have under way.
        limit: The limit that they share.
        windows: How many times the limit they want to send together.
        latency: The least and the most from a request to its answer.
        differs: What the latency differs by: each request, each process, or every second process.
        late: The share of the processes that join late.
        join: When these join, at the earliest and at the latest.
        dying: The share of the processes that die, with requests under way.
        aligned: Whether windows end at multiples of the period, instead of starting with a request.
        rounds_down: Whether the server rounds the seconds down that it names.
        seed: Where random numbers start.
    """

    processes: int
    in_flight: int = 10
    limit: RateLimit = RateLimit()
    windows: float = 2.5
    latency: tuple[float, float] = (0.2, 0.2)
    differs: Literal["request", "process", "second"] = "request"
    late: float = 0.0
    join: tuple[float, float] = (5.0, 5.0)
    dying: float = 0.0
    aligned: bool = False
    rounds_down: bool = False
    seed: int = 1


@attrs.frozen
class Outcome:
    """
    What happened.

    Attributes:
        refused: How many requests were answered 429.
        seconds: How long it took.
        own: How long it takes processes that know what the server knows.
        busiest: The most requests that arrived within a second of the clock.
    """

    refused: int
    seconds: float
    own: float
    busiest: int

    @property
    def longer(self) -> float:
        """
        The share by which it took longer than the limit's own time.
        """
        return self.seconds / self.own - 1


class AlignedMeter(Meter):
    """
    A count in windows that end at multiples of the period.
    """

    def _window(self, caller: str, now: float) -> _Window:
        window = super()._window(caller, now)
        if window.used == 0 and not window.blocked:
            window.ends = (now // self._limit.period + 1) * self._limit.period
        return window


class Server:
    """
    The emulator's own count of requests.
    """

    def __init__(self, fleet: Fleet) -> None:
        self.clock = asyncio.get_running_loop().time
        self.rounds_down = fleet.rounds_down
        self.meter = (AlignedMeter if fleet.aligned else Meter)(fleet.limit, lambda: self.clock() + 1000.5)
        self.refused = 0
        self.arrived: Counter[int] = Counter()

    def answer(self) -> tuple[Mapping[str, str], float | None]:
        """
        Count a request. Return headers, and for how many seconds the server refuses requests.
        """
        reading = self.meter.count("a token")
        self.refused += reading.refused
        self.arrived[int(self.clock())] += 1
        if self.rounds_down:
            reading = attrs.evolve(reading, seconds=max(0, reading.seconds - 1))
        return reading.headers(), float(reading.seconds) if reading.refused else None


class KnowingPace:
    """
    A pace that all processes share, and that knows what the server knows.
    """

    def __init__(self, server: Server, limit: RateLimit) -> None:
        self._server = server
        self._limit = limit
        self._started = 0

    async def turn(self, _: float) -> float:
        """
        Wait until the server has room for another request.
        """
        while (delay := self._delay()) > 0:  # noqa: ASYNC110 -- only time makes room
            await asyncio.sleep(delay)
        self._started += 1
        return 0.0

    def _delay(self) -> float:
        now = self._server.meter._clock()
        window = self._server.meter._windows.get("a token")
        ends, used = (window.ends, window.used) if window and now < window.ends else (now + 0.1, 0)
        on_the_way = self._started - self._server.arrived.total()
        return ends - now if used + on_the_way >= self._limit.requests else 0.0

    def finish(self, *_: object) -> None:
        """
        Learn nothing.
        """


class Process:
    """
    A process with a clock, a pace and a latency of its own.
    """

    def __init__(self, fleet: Fleet, number: int, server: Server, pace: KnowingPace | None) -> None:
        self.random = random.Random(f"{fleet.seed} {number}")
        self.fleet, self.server = fleet, server
        self.is_late = number >= fleet.processes * (1 - fleet.late)
        self.latency = self._latency(number)
        offset = self.random.uniform(0.0, 1e6)
        timing = Timing(lambda: server.clock() + offset, asyncio.sleep)
        self.pace = pace or Pace(fleet.limit, Window(BURST), timing)

    def _latency(self, number: int) -> tuple[float, float]:
        low, high = self.fleet.latency
        if self.fleet.differs == "request":
            return low, high
        mine = (low, high)[number % 2]
        if self.fleet.differs == "process":
            mine = low * (high / low) ** self.random.random()
        return mine, mine

    async def live(self, requests: int) -> None:
        """
        Join, send all requests, or die in the middle.
        """
        await asyncio.sleep(self.random.uniform(*(self.fleet.join if self.is_late else (0.0, 0.05))))
        self.todo = requests
        work = asyncio.gather(*(self._work() for _ in range(self.fleet.in_flight)))
        if self.random.random() < self.fleet.dying:
            death = self.random.uniform(0.0, 2 * self.fleet.limit.period)
            asyncio.get_running_loop().call_later(death, work.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def _work(self) -> None:
        while self.todo > 0:
            self.todo -= 1
            await self.pace.turn(math.inf)
            await self._exchange()

    async def _exchange(self) -> None:
        seconds = self.random.uniform(*self.latency)
        there = seconds * self.random.random()
        await asyncio.sleep(there)
        headers, blocked_for = self.server.answer()
        await asyncio.sleep(seconds - there)
        self.pace.finish(headers, blocked_for)


async def _live(fleet: Fleet, *, knowing: bool) -> tuple[Server, float]:
    server = Server(fleet)
    pace = KnowingPace(server, fleet.limit) if knowing else None
    processes = [Process(fleet, number, server, pace) for number in range(fleet.processes)]
    each = math.ceil(fleet.windows * fleet.limit.requests / fleet.processes)
    await asyncio.gather(*(process.live(each) for process in processes))
    return server, server.clock()


def simulate(fleet: Fleet) -> Outcome:
    """
    Let all processes send their requests, and compare with processes that know everything.
    """
    server, seconds = run(_live(fleet, knowing=False))
    _, own = run(_live(attrs.evolve(fleet, dying=0.0), knowing=True))
    return Outcome(server.refused, seconds, own, max(server.arrived.values()))
