"""
What a secret shows, and what it hides.
"""

import copy
import hmac
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from typing import Any

import attrs
import cattrs
import pytest
import rich.pretty
from aiohttp.http_writer import _py_serialize_headers, _serialize_headers
from multidict import CIMultiDict

from cftokens import policies
from cftokens._arguments import policy_from
from cftokens._checks import check_choice, check_network
from cftokens._operations.groups import find_group
from cftokens._secret import MaskedStr, TokenValue, redact
from cftokens.audit import audit
from cftokens.errors import PermissionGroupError
from cftokens.models import PermissionGroup, TokenCreateResponse, TokenPolicy
from tests.vocabulary import ACCOUNT, CREDENTIAL, POLICY, TOKEN_ID, ZONE_READ

OLD = "8M7wS6hCpXVc-DoRnPPY_UCWPgy8aea4Wy6kCe5T"
OLDER = "Sn3lZJTBX6kkg7OdcBUAxOO963GEIyGQqnFTOFYY"
MARK = "<TokenValue cfat_…f00d: use reveal()>"


class TestTokenValue:
    def test_reveal_returns_the_string(self) -> None:
        """
        It is the string that was passed in.
        """
        assert TokenValue(CREDENTIAL).reveal() == CREDENTIAL

    def test_a_subclass_of_str_has_no_say(self) -> None:
        """
        What is checked and sent are the characters, not what a subclass, such as an enum, formats.
        """

        class Other(str):
            __slots__ = ()

            def __format__(self, _: str) -> str:
                return "other"

            def __str__(self) -> str:
                return "other"

        value = TokenValue(Other(CREDENTIAL)).reveal()

        assert (type(value), f"{value}") == (str, CREDENTIAL)

    @pytest.mark.parametrize(
        "shown",
        [str, repr, format, "{}".format, "{!r}".format, "%s".__mod__, "%r".__mod__, lambda value: f"{value}"],
    )
    def test_every_conversion_to_text_is_masked(self, shown: Any) -> None:
        """
        str, repr and format show the prefix and the last four characters.
        """
        assert shown(TokenValue(CREDENTIAL)) == MARK

    def test_the_mask_can_be_aligned(self) -> None:
        """
        Width and alignment work as they do for a string.
        """
        assert f"{TokenValue(CREDENTIAL):>40}" == MARK.rjust(40)

    @pytest.mark.parametrize(
        ("value", "mark"),
        [
            (CREDENTIAL.replace("cfat_", "cfut_"), "<TokenValue cfut_…f00d: use reveal()>"),
            (OLD, "<TokenValue …Ce5T: use reveal()>"),
            ("cfk_" + "x" * 44 + "9f2c", "<TokenValue …9f2c: use reveal()>"),
            ("x" * 39, "<TokenValue …: use reveal()>"),
            ("cfat_short", "<TokenValue cfat_…: use reveal()>"),
            ("", "<TokenValue …: use reveal()>"),
        ],
    )
    def test_the_mask_depends_on_the_value(self, value: str, mark: str) -> None:
        """
        Only the prefix of an account or user token is shown, and only a long value shows its tail.
        """
        assert repr(TokenValue(value)) == mark

    def test_logging_shows_the_mask(self, caplog: pytest.LogCaptureFixture) -> None:
        """
        A value is masked as an argument of a log call, alone or in a list.
        """
        logging.getLogger("test").warning("made %s and %r", TokenValue(CREDENTIAL), [TokenValue(CREDENTIAL)])

        assert caplog.messages == [f"made {MARK} and [{MARK}]"]

    @pytest.mark.parametrize(
        ("value", "kind"),
        [
            (CREDENTIAL, "account"),
            ("cfut_x", "user"),
            ("cfk_x", None),
            (OLD, None),
            ("", None),
            ("CFAT_x", None),
        ],
    )
    def test_kind_comes_from_the_prefix(self, value: str, kind: str | None) -> None:
        """
        The prefixes cfat_ and cfut_ have a kind; other values have none.
        """
        assert TokenValue(value).kind == kind

    def test_it_equals_only_another_with_the_same_secret(self) -> None:
        """
        A string with the same characters is not equal.
        """
        same, other = TokenValue(CREDENTIAL), TokenValue(OLD)

        assert TokenValue(CREDENTIAL) == same
        assert same != other
        assert same != CREDENTIAL
        assert same != TokenValue(CREDENTIAL + "x")

    def test_it_is_compared_in_constant_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The comparison uses hmac.compare_digest(), and accepts lone surrogates.
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
        It cannot become a dictionary key.
        """
        with pytest.raises(TypeError, match="unhashable"):
            hash(TokenValue(CREDENTIAL))

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_cannot_be_pickled(self, protocol: int) -> None:
        """
        Pickling a token with a value is a TypeError that says to reveal it first.
        """
        token = TokenCreateResponse(id=TOKEN_ID, value=TokenValue(CREDENTIAL))
        with pytest.raises(TypeError, match=r"reveal\(\) it first"):
            pickle.dumps(token, protocol)

    def test_it_has_no_state(self) -> None:
        """
        __getstate__(), which serialisers use, raises TypeError.
        """
        with pytest.raises(TypeError, match="reveal"):
            TokenValue(CREDENTIAL).__getstate__()

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_copying_returns_itself(self, copied: Any) -> None:
        """
        Neither a shallow nor a deep copy duplicates the secret.
        """
        value = TokenValue(CREDENTIAL)

        assert copied(value) is value

    @pytest.mark.parametrize("opened", [attrs.asdict, cattrs.unstructure, vars, json.dumps, dict])
    def test_no_serialiser_reveals_it(self, opened: Any) -> None:
        """
        Each one leaves it masked or raises an error.
        """
        try:
            seen = repr(opened(TokenValue(CREDENTIAL)))
        except (TypeError, attrs.exceptions.NotAnAttrsClassError) as error:
            seen = repr(error)

        assert CREDENTIAL[5:] not in seen

    def test_a_serialised_token_masks_it(self) -> None:
        """
        attrs.asdict() and cattrs leave the TokenValue in a model unchanged.
        """
        token = TokenCreateResponse(id=TOKEN_ID, value=TokenValue(CREDENTIAL))

        assert attrs.asdict(token)["value"] is token.value
        assert cattrs.unstructure(token)["value"] is token.value
        assert CREDENTIAL not in repr(token)

    @pytest.mark.parametrize("value", [None, CREDENTIAL.encode(), [CREDENTIAL], 5])
    def test_another_type_is_refused_without_being_shown(self, value: Any) -> None:
        """
        The TypeError names the type; neither it nor the frame that raised it shows the secret.
        """
        with pytest.raises(
            TypeError, match=f"A token's value must be a str, not {type(value).__name__}"
        ) as caught:
            TokenValue(value)
        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack

        assert CREDENTIAL not in f"{caught.value!r} {frames[-1].locals}"


class TestMaskedStr:
    LONG = MaskedStr(f"Basic {OLD * 8}")

    @pytest.mark.parametrize(
        "shown",
        [
            repr,
            format,
            "{}".format,
            "{:>5}".format,
            lambda value: f"{value}",
            lambda value: f"{value!r}",
            lambda value: " ".join(CIMultiDict({"A": value}).values()),
            lambda value: value[:80] + value[80:],
            lambda value: value + "",
            lambda value: "".join(iter(value)),
            lambda value: json.dumps({"header": value}),
            lambda value: value.encode().decode(),
            lambda value: value.strip().replace("Basic", "").title(),
            lambda value: repr(CIMultiDict({"Authorization": value})),
            lambda value: pickle.loads(pickle.dumps(value)),
        ],
    )
    def test_its_characters_are_a_mask(self, shown: Any) -> None:
        """
        Slicing, joining, formatting, encoding and pickling it give the mask, however long the secret is.
        """
        assert "hidden" in shown(self.LONG).lower()
        assert OLD[:4].lower() not in shown(self.LONG).lower()

    def test_rich_shows_the_mask(self) -> None:
        """
        Rich slices strings of more than 80 characters before it takes their repr.
        """
        shown = rich.pretty.pretty_repr({"Proxy-Authorization": self.LONG}, max_string=80)

        assert shown == "{'Proxy-Authorization': '<hidden>'}"

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_a_copy_of_the_headers_has_the_secret(self, copied: Any) -> None:
        """
        A session's middleware may copy the headers that it sends.
        """
        headers = copied(CIMultiDict({"Authorization": self.LONG}))

        assert str(headers["Authorization"]) == f"Basic {OLD * 8}"
        assert copied(self.LONG) is self.LONG

    @pytest.mark.parametrize("write", [_serialize_headers, _py_serialize_headers])
    def test_aiohttp_writes_the_secret(self, write: Any) -> None:
        """
        Both writers of headers do, the one in C and the one in Python.
        """
        assert write("GET", CIMultiDict({"A": self.LONG})) == f"GET\r\nA: Basic {OLD * 8}\r\n\r\n".encode()

    def test_it_equals_the_secret(self) -> None:
        """
        It equals, and has the hash of, the plain string.
        """
        header = MaskedStr(f"Bearer {CREDENTIAL}")

        assert header == f"Bearer {CREDENTIAL}"
        assert header == MaskedStr(f"Bearer {CREDENTIAL}")
        assert header != MaskedStr("<hidden>")
        assert header != "<hidden>"
        assert hash(header) == hash(f"Bearer {CREDENTIAL}")


class TestRedact:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("nothing to hide", "nothing to hide"),
            (f"is {OLD} a token", "is <hidden> a token"),
            (f"{OLD}{OLD}", "<hidden><hidden>"),
            (f"token={CREDENTIAL}.", "token=<hidden>."),
            (f"escaped\\n{CREDENTIAL}", "escaped\\n<hidden>"),
            (f"%20{CREDENTIAL}_x", "%20<hidden>_x"),
            ("cfut_12345678", "<hidden>"),
            ("cfk_12345678", "<hidden>"),
            (f"an older one: {OLDER}, {OLDER}x", f"an older one: <hidden>, {OLDER}x"),
            (f"an older key: {'0a1b2' * 7}cd", "an older key: <hidden>"),
            (f"an id: {TOKEN_ID}", f"an id: {TOKEN_ID}"),
            ("a-name-of-forty-characters-and-no-digits", "a-name-of-forty-characters-and-no-digits"),
            ("the prefix is cfat_ or cfat_1", "the prefix is cfat_ or cfat_1"),
        ],
    )
    def test_secrets_are_removed(self, text: str, expected: str) -> None:
        """
        The credential itself, and anything that looks like a token value, is hidden.
        """
        assert redact(text, TokenValue(OLD)) == expected

    def test_without_a_credential_the_form_counts(self) -> None:
        """
        Before a credential was asked for, only what looks like a token value is hidden.
        """
        assert redact(f"token={CREDENTIAL}.", None) == "token=<hidden>."

    @pytest.mark.parametrize("secret", [CREDENTIAL, OLD])
    @pytest.mark.parametrize(
        "misuse",
        [
            lambda secret: policies.r2_bucket(ACCOUNT, secret),
            policies.account,
            lambda secret: TokenPolicy.from_dict({secret: secret}),
            lambda secret: audit([], ignore={secret: ""}),
            lambda secret: check_network(secret, "in"),
            lambda secret: check_choice(secret, "status", ("active",)),
            lambda secret: find_group((), secret, None),
            lambda secret: find_group((PermissionGroup(id=ZONE_READ, name="a"),), "a", secret),
            lambda secret: policy_from({**POLICY, secret: 1}, "policies[0]"),
            lambda secret: policy_from({**POLICY, "resources": {secret: 1}}, "policies[0]"),
        ],
    )
    def test_a_secret_in_the_wrong_place_is_not_quoted(
        self, misuse: Callable[[str], object], secret: str
    ) -> None:
        """
        Errors about an argument show what was passed, but not if it may be a secret.
        """
        with pytest.raises((ValueError, TypeError, PermissionGroupError)) as caught:
            misuse(secret)
        assert secret[5:] not in str(caught.value)
