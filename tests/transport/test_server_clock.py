"""
What the server's clock showed, by the dates of its answers.
"""

import pytest

from cftokens._transport.server_clock import Reading, ServerClock

DATE = "Fri, 15 Jan 2027 08:00:{:02} GMT"
EIGHT = 1_800_000_000.0


def clock_that_heard(*answers: tuple[int, float, float]) -> ServerClock:
    """
    Return a clock that heard answers: the seconds of their date, and when they were sent and received.
    """
    clock = ServerClock()
    for seconds, sent, received in answers:
        clock.hear(DATE.format(seconds), sent, received)
    return clock


@pytest.mark.parametrize(
    "date", [None, "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"]
)
def test_without_an_answer_nothing_is_known(date: str | None) -> None:
    """
    There is no reading, nor after an answer without a usable date.
    """
    clock = ServerClock()
    clock.hear(date, 0.0, 1.0)

    assert clock.at(1.0) is None


@pytest.mark.parametrize(
    ("answers", "moment", "expected"),
    [
        ([(10, 100.0, 100.5)], 101.0, Reading(EIGHT + 10.5, 0.5)),
        ([(10, 100.0, 104.0), (15, 105.0, 105.25)], 106.0, Reading(EIGHT + 15.75, 0.25)),
        ([(10, 100.0, 100.5), (59, 102.0, 102.5)], 101.0, Reading(EIGHT + 10.5, 0.5)),
        ([(10, 90.0, 94.0), (25, 105.0, 105.25)], 101.0, Reading(EIGHT + 20.75, 0.25)),
        ([(12, 102.0, 102.5), (59, 103.0, 103.5)], 101.0, Reading(EIGHT + 10.5, 0.5)),
        ([(20, 102.0, 110.0), (22, 111.0, 111.25)], 101.0, Reading(EIGHT + 11.75, 0.25)),
    ],
    ids=[
        "one",
        "a slow one",
        "a later one",
        "a slow one and a later one",
        "two later ones",
        "a slow later one",
    ],
)
def test_the_closest_answer_counts(
    answers: list[tuple[int, float, float]], moment: float, expected: Reading
) -> None:
    """
    Of the answers before a moment, the one that shows the latest time is used; if all were slow, or there
    were none, also later ones, up to the first quick one.
    """
    assert clock_that_heard(*answers).at(moment) == expected


def test_only_the_latest_answers_are_remembered() -> None:
    """
    A misleading answer is forgotten after sixteen others.
    """
    clock = clock_that_heard((59, 0.0, 0.0), *[(10, 100.0, 100.0)] * 16)

    assert clock.at(100.0) == Reading(EIGHT + 10, 0.0)
