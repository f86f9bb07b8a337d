"""
Requests and answers as data.
"""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens._transport.messages import http_date
from tests.answers import REQUESTS, TOKENS, answer
from tests.support import posix_only
from tests.vocabulary import TOKEN_ID


def test_a_request_says_what_it_is() -> None:
    """
    The log names the operation, the method and the path.
    """
    assert str(REQUESTS["roll"]()) == f"roll (PUT {TOKENS}/{TOKEN_ID}/value)"


class TestRetryAfter:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("30", 30.0),
            ("0", 0.0),
            ("1.5", 1.5),
            ("-5", 0.0),
            ("", None),
            ("soon", None),
            ("inf", None),
            ("-inf", None),
            ("nan", None),
            ("1e999", None),
            ("9" * 5000, None),
            ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
            ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
            ("Fri, 99 Jan 2027 08:00:30 GMT", None),
            ("Fri, 15 Jan 99999 08:00:30 GMT", None),
        ],
    )
    def test_it_is_seconds_or_a_date(self, value: str, expected: float | None) -> None:
        """
        Without a Date header, a date is compared with our clock; anything else is None.
        """
        assert answer(b"", 429, Retry_After=value).retry_after == expected

    def test_a_date_is_compared_with_the_servers_clock(self) -> None:
        """
        If the answer has a Date header, our clock does not matter.
        """
        late = answer(b"", Retry_After="Wed, 01 Jul 2026 05:20:30 GMT", Date="Wed, 01 Jul 2026 05:20:00 GMT")

        assert late.retry_after == 30.0

    def test_it_may_be_missing(self) -> None:
        """
        Without the header it is None.
        """
        assert answer(b"", 429).retry_after is None

    @posix_only
    @pytest.mark.parametrize(
        "date",
        [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 -0000",
        ],
    )
    def test_every_form_of_a_date_is_in_utc(self, monkeypatch: pytest.MonkeyPatch, date: str) -> None:
        """
        The time zone of this machine does not matter.
        """
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Asia/Tokyo")
            time.tzset()
            moment = http_date(date)
        time.tzset()

        assert moment == 784111777.0

    @given(value=st.text() | st.text("0123456789 ,:-+.JanFebWedGMT()", max_size=40))
    def test_any_text_is_a_number_of_seconds_or_none(self, value: str) -> None:
        """
        Whatever the header holds, the seconds are finite and not negative.
        """
        seconds = answer(b"", 429, Retry_After=value).retry_after

        assert seconds is None or 0 <= seconds < math.inf
