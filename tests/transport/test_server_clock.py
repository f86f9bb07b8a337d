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


def test_without_an_answer_nothing_is_known() -> None:
    """
    There is no reading, nor after an answer without a usable date.
    """
    clock = ServerClock()
    clock.hear(None, 0.0, 1.0)
    clock.hear("soon", 0.0, 1.0)

    assert clock.at(1.0) is None


@pytest.mark.parametrize(
    ("answers", "moment", "expected"),
    [
        ([(10, 100.0, 100.5)], 101.0, Reading(EIGHT + 10.5, 0.5)),
        ([(10, 100.0, 104.0), (15, 105.0, 105.25)], 106.0, Reading(EIGHT + 15.75, 0.25)),
        ([(15, 105.0, 105.25), (20, 106.0, 114.0)], 104.0, Reading(EIGHT + 13.75, 0.25)),
        ([(10, 100.0, 100.5), (59, 102.0, 102.5)], 101.0, Reading(EIGHT + 57.5, 0.5)),
        ([(12, 102.0, 102.5), (59, 103.0, 103.5)], 101.0, Reading(EIGHT + 10.5, 0.5)),
    ],
    ids=[
        "one answer",
        "the quickest counts",
        "a slow one widens nothing",
        "the first later one",
        "and no other",
    ],
)
def test_the_closest_answer_counts(
    answers: list[tuple[int, float, float]], moment: float, expected: Reading
) -> None:
    """
    Of all answers before a moment and the first after it, the one that shows the latest time is used.
    """
    assert clock_that_heard(*answers).at(moment) == expected


def test_only_the_latest_answers_are_remembered() -> None:
    """
    A misleading answer is forgotten after sixteen others.
    """
    clock = clock_that_heard((59, 0.0, 0.0), *[(10, 100.0, 100.0)] * 16)

    assert clock.at(100.0) == Reading(EIGHT + 10, 0.0)
