"""
What ``cftokens[speedups]`` brings is used when it is there, and nothing else changes.
"""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens import _json
from cftokens.sync import _loop_thread

installed = vars(_json)["orjson"]
decoders = pytest.mark.parametrize("orjson", [None] if installed is None else [None, installed])


class AnotherLoop(asyncio.SelectorEventLoop):
    """
    A loop that is told from asyncio's own.
    """


@decoders
@pytest.mark.parametrize(
    "document",
    [
        b"",
        b" \n",
        b"<html>",
        b'{"a": 1} {}',
        b'{"a": NaN}',
        b"[-Infinity]",
        b"[1e999]",
        b"-1e999",
        b'"\xff"',
        b'"\\ud800"',
        b'{"\\uDFFF": 1}',
        b"9" * 5000,
        b"[" * 100_000,
    ],
)
def test_what_is_no_strict_json_is_refused(
    orjson: Any, document: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Both decoders refuse what is not JSON, not UTF-8, no number, half a character, or endless.
    """
    monkeypatch.setattr(_json, "orjson", orjson)

    with pytest.raises((ValueError, RecursionError)):
        _json.loads(document)


NUMBERS = st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@decoders
@given(value=JSON, escaped=st.booleans())
def test_json_is_read_the_same_by_both(orjson: Any, value: object, escaped: bool) -> None:
    """
    What JSON can say comes out as it went in, escaped or not.
    """
    document = json.dumps(value, ensure_ascii=escaped).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_json, "orjson", orjson)
        assert _json.loads(document) == value


def test_orjson_reads_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With orjson installed, every document goes to it.
    """
    monkeypatch.setattr(_json, "orjson", SimpleNamespace(loads=lambda document: [document]))

    assert _json.loads(b"{}") == [b"{}"]


@pytest.mark.parametrize("is_installed", [False, True])
def test_uvloop_runs_the_loop_if_it_is_there(is_installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    With uvloop installed the loop is uvloop's, and otherwise asyncio's.
    """
    uvloop = SimpleNamespace(new_event_loop=AnotherLoop) if is_installed else None
    monkeypatch.setattr(_loop_thread, "uvloop", uvloop)

    loop = _loop_thread.new_event_loop()
    loop.close()

    assert isinstance(loop, AnotherLoop) == is_installed
