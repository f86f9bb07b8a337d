"""
Whether a request is sent again: the table in docs/explanation/sending.md, and the cases around it.
"""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cftokens._settings import Retry
from cftokens._transport.messages import Answer, NoAnswer
from cftokens._transport.tries import Again, Tries
from cftokens.errors import CFTokensError, ClosedError, NotFoundError, RateLimitedError
from cftokens.models import TokenDeleteResponse
from tests.answers import REQUESTS, answer, sample_of
from tests.vocabulary import CREDENTIAL_VALUE, TOKEN_ID, entry, failure

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "sending.md"
NOW = datetime(2026, 1, 2, tzinfo=UTC)

LOST: dict[str, Answer | NoAnswer] = {
    "no answer": NoAnswer("the connection was lost"),
    "timed out": NoAnswer("timed out", timed_out=True),
    "500": answer(b"", 500),
    "502": answer(b"<html>", 502),
}
HARMLESS: dict[str, Answer | NoAnswer] = {
    "never sent": NoAnswer("no connection", written=False),
    "429": answer(failure(entry(971, "Please wait")), 429),
}
REFUSED: dict[str, Answer | NoAnswer] = {
    "400": answer(failure(entry(1001)), 400),
    "404": answer(failure(), 404),
    "418": answer(b"", 418),
    "an odd success": answer(b"[]"),
    "a redirect": answer(b"", 302),
}


def table() -> list[Any]:
    """
    Read the table at the top of the page: each operation, and whether it is sent again in either case.
    """
    top = PAGE.read_text().partition("\n## ")[0]
    rows = re.findall(r"^\| (.*?) \| (.*?) \| (.*?) \|$", top, re.MULTILINE)[1:]
    return [
        pytest.param(operation.replace(" ", "_"), *(cell.startswith("again") for cell in cells), id=operation)
        for operations, *cells in rows
        for operation in operations.strip("*").split(", ")
        if not operations.startswith("-")
    ]


def tries_of(operation: str, **retry: Any) -> Tries[Any]:
    """
    Return the tries of an operation, before the first one.
    """
    return Tries(REQUESTS[operation](), Retry(**retry), CREDENTIAL_VALUE)


async def decide(tries: Tries[Any], outcome: Answer | NoAnswer, *, waited: float = 0.0) -> Any:
    """
    Begin a try, write its body unless the outcome says otherwise, and return the decision.
    """
    body = tries.begin(waited, NOW.timestamp(), 1.0)
    if body is not None:
        body.written = not isinstance(outcome, NoAnswer) or outcome.written
    return tries.decide(outcome, 0.0)


def test_the_table_has_every_operation() -> None:
    """
    The page says for each operation whether it is sent again.
    """
    differing = REQUESTS.keys() ^ {row.values[0] for row in table()}

    assert not differing, f"In the first table of docs/explanation/sending.md, add or remove {differing}."


@pytest.mark.parametrize(("operation", "after_a_lost_answer", "_"), table())
@pytest.mark.parametrize("outcome", LOST.values(), ids=LOST)
async def test_after_a_lost_answer_the_table_holds(
    operation: str, after_a_lost_answer: bool, _: bool, outcome: Answer | NoAnswer
) -> None:
    """
    A request that may have been carried out is sent again where the page says "again".
    """
    decision = await decide(tries_of(operation), outcome)

    assert isinstance(decision, Again) is after_a_lost_answer
    assert isinstance(decision, Again) or decision.outcome_unknown


@pytest.mark.parametrize(("operation", "_", "after_no_effect"), table())
@pytest.mark.parametrize("outcome", HARMLESS.values(), ids=HARMLESS)
async def test_after_a_request_without_effect_the_table_holds(
    operation: str, _: bool, after_no_effect: bool, outcome: Answer | NoAnswer
) -> None:
    """
    A request that was never sent, or was answered with 429, is sent again where the page says "again".
    """
    tries = tries_of(operation)
    has_body = tries.request.body is not None
    decision = await decide(tries, outcome)

    assert isinstance(decision, Again) is after_no_effect
    assert not (has_body and tries.may_have_effect)


@pytest.mark.parametrize("operation", REQUESTS)
@pytest.mark.parametrize("outcome", REFUSED.values(), ids=REFUSED)
async def test_a_refusal_is_final(operation: str, outcome: Answer | NoAnswer) -> None:
    """
    A request with another refusal, or an unreadable answer, is not sent again.
    """
    assert isinstance(await decide(tries_of(operation), outcome), CFTokensError)


@pytest.mark.parametrize("operation", REQUESTS)
async def test_a_success_ends_it(operation: str) -> None:
    """
    The result of a success is returned, and nothing is left unknown.
    """
    tries = tries_of(operation)
    decision = await decide(tries, answer(sample_of(operation)))

    assert not isinstance(decision, Again | CFTokensError)
    assert not tries.may_have_effect


@pytest.mark.parametrize(
    ("before", "random", "asked", "expected"),
    [
        (0, 0.0, None, 0.5),
        (0, 1.0, None, 0.375),
        (1, 0.0, None, 1.0),
        (2, 0.5, None, 1.75),
        (4, 0.0, None, 8.0),
        (5, 0.0, None, 8.0),
        (99_999, 1.0, None, 6.0),
        (0, 0.0, 0.0, 0.5),
        (0, 0.0, 300.0, 300.0),
        (4, 0.0, 0.1, 8.0),
    ],
)
def test_waits_double_up_to_a_limit(before: int, random: float, asked: float | None, expected: float) -> None:
    """
    The wait doubles with each try, is shortened at random, and is never shorter than Retry-After.
    """
    tries = tries_of("get", attempts=10**6, budget=10**6)
    tries.count = before
    tries.begin(0.0, NOW.timestamp(), 1.0)
    decision = tries.decide(
        answer(b"", 429, **({} if asked is None else {"Retry_After": str(asked)})), random
    )

    assert isinstance(decision, Again)
    assert decision.seconds == expected


async def test_the_number_of_tries_is_limited() -> None:
    """
    After the last of the allowed tries, its error is final.
    """
    tries = tries_of("get", attempts=2)

    assert isinstance(await decide(tries, LOST["500"]), Again)
    assert isinstance(await decide(tries, LOST["500"]), CFTokensError)


async def test_all_waiting_spends_from_the_budget() -> None:
    """
    Waiting for a turn leaves less for back-off, and a wait longer than what is left is not begun.
    """
    tries = tries_of("get", attempts=10, first_wait=1.0, budget=4.0)

    assert isinstance(await decide(tries, LOST["500"], waited=2.0), Again)
    assert tries.patience == 1.0
    assert isinstance(await decide(tries, LOST["500"]), CFTokensError)


@pytest.mark.parametrize("lost", LOST)
async def test_a_delete_that_then_finds_nothing_has_succeeded(lost: str) -> None:
    """
    A 404 after a delete whose answer was lost means that the delete succeeded.
    """
    tries = tries_of("delete")
    await decide(tries, LOST[lost])

    assert await decide(tries, REFUSED["404"]) == TokenDeleteResponse(id=TOKEN_ID)


async def test_a_delete_that_finds_nothing_at_first_has_failed() -> None:
    """
    A 404 is final if no earlier delete can have had an effect.
    """
    tries = tries_of("delete")
    await decide(tries, HARMLESS["429"])
    error = await decide(tries, REFUSED["404"])

    assert isinstance(error, NotFoundError)
    assert not error.outcome_unknown


async def test_an_earlier_try_is_not_forgotten() -> None:
    """
    A refusal after an update whose answer was lost has an unknown outcome, and says why.
    """
    tries = tries_of("update")
    await decide(tries, LOST["no answer"])
    error = await decide(tries, REFUSED["400"])

    assert error.outcome_unknown
    assert error.__notes__ == ["An earlier try got no answer and may have taken effect."]


async def test_without_a_turn_the_last_failure_is_the_error() -> None:
    """
    If a retry gets no turn, the error is that of the try before; if there was none, that of the turn.
    """
    no_turn = RateLimitedError("later", sent=False)
    fresh, tried = tries_of("update"), tries_of("update")
    again = await decide(tried, LOST["500"])

    assert fresh.end_without_turn(no_turn) is no_turn
    assert tried.end_without_turn(no_turn) is again.error


async def test_closing_after_a_lost_answer_leaves_the_outcome_unknown() -> None:
    """
    An update that is not repeated because its client was closed may have taken effect.
    """
    tries = tries_of("update")
    await decide(tries, LOST["502"])

    assert tries.end(ClosedError("closed")).outcome_unknown


@pytest.mark.parametrize("operation", REQUESTS)
def test_what_is_under_way_may_have_an_effect(operation: str) -> None:
    """
    A change may have taken effect once its body is written; a read never has.
    """
    tries = tries_of(operation)
    body = tries.begin(0.0, NOW.timestamp(), 1.0)
    before = tries.may_have_effect
    if body is not None:
        body.written = True

    assert not before
    assert tries.may_have_effect is tries.request.has_effect
    assert tries.started_on == NOW
