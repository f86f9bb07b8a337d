"""
What can and cannot be seen of a secret.
"""

import copy
import hmac
import json
import logging
import pickle
import traceback
from typing import Any

import attrs
import cattrs
import pytest

from cftokens._secret import MaskedStr, TokenValue, redact
from cftokens.models import TokenCreateResponse
from tests.answers import SECRET, TOKEN_ID

OLD = "8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T"
MARK = "<TokenValue cfat_…f00d: use reveal()>"


class TestTokenValue:
    def test_reveal_gives_the_string(self) -> None:
        """
        The secret comes out where it is asked for by name.
        """
        assert TokenValue(SECRET).reveal() == SECRET

    @pytest.mark.parametrize(
        "shown",
        [str, repr, format, "{}".format, "{!r}".format, "%s".__mod__, "%r".__mod__, lambda value: f"{value}"],
    )
    def test_every_way_to_text_gives_the_mark(self, shown: Any) -> None:
        """
        str, repr and format show the prefix and the last four characters.
        """
        assert shown(TokenValue(SECRET)) == MARK

    def test_the_mark_fits_into_a_table(self) -> None:
        """
        A width and an alignment work as they do for a string.
        """
        assert f"{TokenValue(SECRET):>40}" == MARK.rjust(40)

    @pytest.mark.parametrize(
        ("value", "mark"),
        [
            (SECRET.replace("cfat_", "cfut_"), "<TokenValue cfut_…f00d: use reveal()>"),
            (OLD, "<TokenValue …Ce5T: use reveal()>"),
            ("cfk_" + "x" * 44 + "9f2c", "<TokenValue …9f2c: use reveal()>"),
            ("x" * 39, "<TokenValue …: use reveal()>"),
            ("cfat_short", "<TokenValue cfat_…: use reveal()>"),
            ("", "<TokenValue …: use reveal()>"),
        ],
    )
    def test_the_mark_shows_no_more_of_other_values(self, value: str, mark: str) -> None:
        """
        A prefix is shown if it is one of Cloudflare's, and a tail only of a long value.
        """
        assert repr(TokenValue(value)) == mark

    def test_logging_shows_the_mark(self, caplog: pytest.LogCaptureFixture) -> None:
        """
        A value that is logged as an argument is masked.
        """
        logging.getLogger("test").warning("made %s and %r", TokenValue(SECRET), [TokenValue(SECRET)])

        assert caplog.messages == [f"made {MARK} and [{MARK}]"]

    @pytest.mark.parametrize(
        ("value", "kind"),
        [(SECRET, "account"), ("cfut_x", "user"), ("cfk_x", None), (OLD, None), ("", None), ("CFAT_x", None)],
    )
    def test_kind_comes_from_the_prefix(self, value: str, kind: str | None) -> None:
        """
        The prefix tells whose token it is; older values do not.
        """
        assert TokenValue(value).kind == kind

    def test_it_equals_only_another_of_the_same_secret(self) -> None:
        """
        A string with the same characters is not equal.
        """
        same, other = TokenValue(SECRET), TokenValue(OLD)

        assert TokenValue(SECRET) == same
        assert same != other
        assert same != SECRET
        assert same != TokenValue(SECRET + "x")

    def test_it_is_compared_in_constant_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The comparison is hmac.compare_digest, and takes lone surrogates.
        """
        compared = []

        def compare(a: bytes, b: bytes) -> bool:
            compared.append((a, b))
            return False

        monkeypatch.setattr(hmac, "compare_digest", compare)

        assert TokenValue("\ud800") != TokenValue("a")
        assert compared == [(b"\xed\xa0\x80", b"a")]

    def test_it_is_not_hashable(self) -> None:
        """
        It cannot become a key, whose order would depend on the secret.
        """
        with pytest.raises(TypeError, match="unhashable"):
            hash(TokenValue(SECRET))

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_not_pickled(self, protocol: int) -> None:
        """
        Pickling, alone or within a token, says to reveal it first.
        """
        token = TokenCreateResponse(id=TOKEN_ID, value=TokenValue(SECRET))
        with pytest.raises(TypeError, match=r"reveal\(\) it first"):
            pickle.dumps(token, protocol)

    def test_its_state_is_not_to_be_had(self) -> None:
        """
        Serialisers that ask for the state get none.
        """
        with pytest.raises(TypeError, match="reveal"):
            TokenValue(SECRET).__getstate__()

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_copying_returns_itself(self, copied: Any) -> None:
        """
        There is one secret, however often it is copied.
        """
        value = TokenValue(SECRET)

        assert copied(value) is value

    @pytest.mark.parametrize("opened", [attrs.asdict, cattrs.unstructure, vars, json.dumps, dict])
    def test_no_serialiser_opens_it(self, opened: Any) -> None:
        """
        What takes objects apart leaves it whole or fails.
        """
        try:
            seen = repr(opened(TokenValue(SECRET)))
        except (TypeError, attrs.exceptions.NotAnAttrsClassError) as error:
            seen = repr(error)

        assert SECRET[5:] not in seen

    def test_a_token_taken_apart_keeps_it_whole(self) -> None:
        """
        attrs.asdict and cattrs leave a TokenValue within a model as it is.
        """
        token = TokenCreateResponse(id=TOKEN_ID, value=TokenValue(SECRET))

        assert attrs.asdict(token)["value"] is token.value
        assert cattrs.unstructure(token)["value"] is token.value
        assert SECRET not in repr(token)

    @pytest.mark.parametrize("value", [None, SECRET.encode(), [SECRET], 5])
    def test_another_type_is_refused_unseen(self, value: Any) -> None:
        """
        The TypeError names the type; neither it nor the frame that raised it shows the secret.
        """
        with pytest.raises(TypeError, match=f"A token value is a str, not {type(value).__name__}") as caught:
            TokenValue(value)
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack

        assert SECRET not in f"{caught.value!r} {frames[-1].locals}"


class TestMaskedStr:
    def test_it_is_the_string_and_does_not_show_it(self) -> None:
        """
        A header's value goes out as it is and is hidden in a repr.
        """
        header = MaskedStr(f"Bearer {SECRET}")

        assert header == f"Bearer {SECRET}"
        assert repr({"Authorization": header}) == "{'Authorization': '<hidden>'}"


class TestRedact:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("nothing to hide", "nothing to hide"),
            (f"is {OLD} a token", "is <hidden> a token"),
            (f"{OLD}{OLD}", "<hidden><hidden>"),
            (f"token={SECRET}.", "token=<hidden>."),
            (f"escaped\\n{SECRET}", "escaped\\n<hidden>"),
            (f"%20{SECRET}_x", "%20<hidden>_x"),
            ("cfut_12345678", "<hidden>"),
            ("cfk_12345678", "<hidden>"),
            ("the prefix is cfat_ or cfat_1", "the prefix is cfat_ or cfat_1"),
        ],
    )
    def test_secrets_are_taken_out(self, text: str, expected: str) -> None:
        """
        The credential, of whatever form, and all that has the form of a value are hidden.
        """
        assert redact(text, TokenValue(OLD)) == expected
