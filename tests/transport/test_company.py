"""
A process leaves room for others that share its budget, and learns of them by the server's count alone.
"""

import asyncio
import math

import pytest

from cftokens import RateLimit
from cftokens._settings import Timing
from cftokens._transport.budget import ServerBudget
from cftokens._transport.company import Company
from cftokens._transport.pace import BURST, Pace
from cftokens._transport.windows import Window
from tests.support import Clock

POLICY = {"Ratelimit-Policy": '"burst";q=200;w=1, "default";q=1200;w=300'}


def says(left: int, seconds: int = 200) -> dict[str, str]:
    """
    Return the headers of an answer.
    """
    return {"Ratelimit": f'"default";r={left};t={seconds}', **POLICY}


def told(left: int) -> ServerBudget:
    """
    Return a budget after one answer, at the time zero.
    """
    budget = ServerBudget()
    budget.start(0.0)
    budget.learn(says(left), 0.0, 0)
    return budget


def wait(budget: ServerBudget, now: float, in_flight: int = 0) -> float:
    """
    Return the seconds until a request starts, if it may wait that long.
    """
    return max(budget.delay(now, 0), budget.caution(now, in_flight))


def allowed(budget: ServerBudget, now: float = 5.0, in_flight: int = 0) -> int:
    """
    Return how many requests may start at once.
    """
    count = 0
    while wait(budget, now, in_flight + count) == 0:
        budget.start(now)
        count += 1
    return count


def test_the_first_request_in_a_window_goes_alone() -> None:
    """
    Until something is known of a window, another request starts two seconds after the first.
    """
    budget = ServerBudget()
    before = wait(budget, 0.0, 0)
    budget.start(0.0)

    assert (before, wait(budget, 0.5, 1), wait(budget, 2.0, 1)) == (0.0, 1.5, 0.0)


@pytest.mark.parametrize("headers", [{}, says(1199)])
def test_the_end_of_the_first_request_lets_others_start(headers: dict[str, str]) -> None:
    """
    They start at once, also if there was no answer, or none that says what is left.
    """
    budget = ServerBudget()
    budget.start(0.0)
    budget.learn(headers, 0.1, 0)

    assert wait(budget, 0.1, 50) == 0.0


def test_the_next_window_begins_with_one_request() -> None:
    """
    When the server's window has ended, nothing is known any more.
    """
    budget = told(1199)
    budget.start(201.0)

    assert wait(budget, 201.0, 1) == 2.0


def test_alone_a_process_leaves_two_percent() -> None:
    """
    Of 1200 requests 24 are left for newcomers; without company the rest may start at once.
    """
    assert allowed(told(1199)) == 1199 - 24


def test_in_company_a_process_leaves_eight_percent() -> None:
    """
    Of 1200 requests 96 are left, and the next may start when the window has ended.
    """
    assert (wait(told(97), 5.0), wait(told(96), 5.0)) == (0.0, 196.0)


def test_in_company_each_answer_allows_one_more_in_flight() -> None:
    """
    After one answer two requests may be under way, and after four five.
    """
    budget = told(1000)
    first = allowed(budget)
    for left in (990, 980, 970):
        budget.learn(says(left), 5.0, 0)

    assert (first, allowed(budget, 7.0)) == (2, 5)


def test_a_crowd_calls_for_a_pause() -> None:
    """
    After 91 requests of others in an instant nothing starts until they are old, and then one request.
    """
    budget = told(1000)
    budget.start(1.0)
    budget.learn(says(1000 - 92), 1.0, 0)
    pauses = [wait(budget, now, 0) for now in (1.0, 1.25, 1.5)]

    assert pauses == [0.5, 0.25, 0.5]
    assert allowed(budget, 2.0) == 1


@pytest.mark.parametrize(("age", "pause"), [(0, 0.5), (2, 0.5), (3, 0.0), (299, 0.0)])
def test_what_others_sent_long_ago_is_no_rush(age: int, pause: float) -> None:
    """
    A newcomer pauses only if the requests so far, had they come evenly, are more than 90 in a second.
    """
    budget = ServerBudget()
    budget.start(0.0)
    budget.learn(says(1200 - 1 - 200, 300 - age), 0.0, 0)

    assert wait(budget, 0.0) == pause


def test_a_few_others_call_for_a_pause_if_little_is_left() -> None:
    """
    With room for ten more, eleven requests of others are a crowd.
    """
    budget = told(118)
    budget.start(1.0)
    budget.learn(says(118 - 12), 1.0, 0)

    assert wait(budget, 1.0, 0) == 0.5


def test_company_is_remembered_for_a_window() -> None:
    """
    A process that is the first in a window still leaves eight percent if there was company before.
    """
    budget = told(1000)
    kept = []
    for now in (300.0, 600.0):
        budget.start(now)
        budget.learn(says(1199), now, 0)
        kept.append(budget._company.kept(1200))

    assert kept == [96, 24]


def test_own_requests_under_way_are_no_company() -> None:
    """
    Those that were sent before the first answer may be counted in it.
    """
    budget = ServerBudget()
    for _ in range(10):
        budget.start(0.0)
    budget.learn(says(1190), 0.1, 9)

    assert budget._company.kept(1200) == 24


def test_an_older_answer_is_not_believed() -> None:
    """
    It says that more is left in the same window, or that the window ends later.
    """
    budget = told(97)
    budget.start(3.0)
    budget.learn(says(150), 3.0, 0)
    budget.learn(says(96), 8.0, 0)

    assert wait(budget, 8.0, 0) == 201.0 - 8.0


def test_an_answer_that_says_nothing_changes_nothing() -> None:
    """
    Within a window, what an earlier answer said still holds.
    """
    budget = told(96)
    budget.start(1.0)
    budget.learn({}, 1.0, 0)

    assert wait(budget, 1.0, 0) == 200.0


def test_a_window_that_ends_much_later_is_another_one() -> None:
    """
    The server may have started to count again, for instance after a block.
    """
    budget = told(96)
    budget.learn(says(1199, 300), 50.0, 0)

    assert wait(budget, 50.0, 0) == 0.0


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        ('"default";q=1200;w=300', 24.0),
        ('"burst";q=200;w=1, "default";q=1200;w=300', 24.0),
        ('"short";q=120;w=300, "default";q=1200;w=300', 2.4),
        ('"burst";q=50;w=300', 2.0),
        ("", 2.0),
    ],
)
def test_the_limit_is_that_of_a_policy_that_fits(policy: str, kept: float) -> None:
    """
    It is the smallest with as much as is left, in a window as long. Without one, what is left counts.
    """
    budget = ServerBudget()
    budget.start(0.0)
    budget.learn({"Ratelimit": '"default";r=99;t=200', "Ratelimit-Policy": policy}, 0.0, 0)
    budget._company = Company()

    assert budget._company.kept(budget._quota) == kept


def pace_of(clock: Clock) -> Pace:
    """
    Make a pace with Cloudflare's limit.
    """
    return Pace(RateLimit(), Window(BURST), Timing(clock, clock.sleep))


async def test_an_answer_ends_a_wait() -> None:
    """
    A request that waits for the first answer starts when it comes, not when the time is over.
    """
    clock = Clock(workers=2)  # time stands still
    pace = pace_of(clock)
    await pace.turn(0.0)
    waiting = asyncio.ensure_future(pace.turn(60.0))
    await asyncio.sleep(0)
    pace.finish(says(1199), None)

    assert await waiting == 0.0


async def test_a_request_that_is_given_up_says_nothing() -> None:
    """
    After its end others still start one by one.
    """
    clock = Clock()
    pace = pace_of(clock)
    await pace.turn(0.0)
    pace.finish(None, None)

    assert [await pace.turn(60.0) for _ in range(3)] == [2.0, 2.0, 2.0]


async def test_after_a_block_requests_start_one_by_one() -> None:
    """
    A refusal does not say what is left when the block has ended.
    """
    clock = Clock()
    pace = pace_of(clock)
    await pace.turn(0.0)
    pace.finish(says(0), 300.0)

    assert [await pace.turn(math.inf) for _ in range(3)] == [300.0, 2.0, 2.0]


async def test_a_forked_process_does_not_wait_for_its_parents_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    It sends a first request of its own.
    """
    pace = pace_of(Clock())
    await pace.turn(0.0)
    monkeypatch.setattr("cftokens._transport.pace.os.getpid", lambda: -1)

    assert await pace.turn(0.0) == 0.0


@pytest.mark.parametrize(("patience", "waited"), [(0.0, 0.0), (1.5, 1.5), (60.0, 2.0)])
async def test_caution_delays_and_never_refuses(patience: float, waited: float) -> None:
    """
    A request that may not wait long enough for the first answer goes out when its patience ends.
    """
    pace = pace_of(Clock())
    await pace.turn(0.0)

    assert await pace.turn(patience) == pytest.approx(waited, abs=0.11)
