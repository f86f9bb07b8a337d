"""
What the form of a value says.
"""

from typing import Any

import attrs
import pytest

from cftokens import TokenValue, inspect_value
from tests.support import assert_no_secret
from tests.vocabulary import MARK

BODY = "ZE4CrcFhEIDXk9vL2sTLeARsFp2ZZYbydVDhhIUq"
SUM = "8573bbfe"
"""The one public vector: a fixture of TruffleHog, which is no real token."""


@pytest.mark.parametrize(
    ("text", "kind", "checksum", "words"),
    [
        (f"cfut_{BODY}{SUM}", "user", True, "a user token"),
        (f"cfat_{BODY}{SUM}", "account", True, "an account-owned token"),
        (f"cfk_{BODY}{SUM}", "global_key", True, "change it at once"),
        (f"cfut_{BODY}00000000", "user", False, "its checksum does not fit"),
        (f"cfut_{BODY[:-1]}", "user", None, "it has 44 characters, of which some are missing or wrong"),
        (f"cfut_{BODY}{SUM}\n", "user", None, "But it has a line break in it."),
        (f"cfut_{BODY}{SUM}0", "user", None, "it has 54 characters"),
        ("8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T", "unknown", None, "an older token"),
        ("0123456789abcdef0123456789abcdef01234", "global_key", None, "a global API key"),
        ("", "unknown", None, "But it is empty."),
        (f" cfut_{BODY}{SUM}", "unknown", None, "white space"),
        (f"Bearer cfut_{BODY}{SUM}", "unknown", None, "it begins with 'Bearer '"),
        ("hunter2", "unknown", None, "no prefix"),
    ],
)
def test_a_value_is_known_by_its_form(text: str, kind: str, checksum: bool | None, words: str) -> None:
    """
    The prefix tells the kind; what is wrong with the value is advice, and no error.
    """
    info = inspect_value(text)

    assert (info.kind, info.checksum) == (kind, checksum)
    assert words in info.advice
    assert inspect_value(TokenValue(text)) == info


def test_nothing_of_the_value_is_kept() -> None:
    """
    The information has only words.
    """
    info = inspect_value(f"cfut_{MARK}{BODY}")

    assert MARK not in repr(info)
    assert MARK not in str(attrs.asdict(info))


@pytest.mark.parametrize("text", [5, None, MARK.encode()])
def test_other_types_are_refused(text: Any) -> None:
    """
    The error has the type, and not the value.
    """
    with pytest.raises(
        TypeError, match=r"text must be a str or a TokenValue, not (int|None|bytes)"
    ) as caught:
        inspect_value(text)

    caught.value.__traceback__ = caught.value.__traceback__ and caught.value.__traceback__.tb_next
    assert_no_secret(caught.value)
