"""
The packages of ``cftokens[speedups]`` are used if installed, and nothing else changes.
"""

import asyncio
import json
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens._transport import json as fast_json
from cftokens.sync import _loop_thread

installed = vars(fast_json)["orjson"]
decoders = pytest.mark.parametrize("orjson", [None] if installed is None else [None, installed])


class AnotherLoop(asyncio.SelectorEventLoop):
    """
    A loop that can be told from asyncio's own.
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
def test_invalid_json_is_refused(orjson: Any, document: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Both decoders refuse NaN, infinity, lone surrogates, invalid UTF-8 and endless nesting.
    """
    monkeypatch.setattr(fast_json, "orjson", orjson)

    with pytest.raises((ValueError, RecursionError)):
        fast_json.loads(document)


EDGES = st.sampled_from(
    [sign * 2**bits + step for sign in (-1, 1) for bits in (63, 64) for step in (-1, 0, 1)]
)
INTEGERS = st.integers() | EDGES | st.integers(-(10**400), 10**400)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@decoders
@given(value=JSON, escaped=st.booleans(), indent=st.sampled_from([None, 0, 1]))
def test_both_decoders_read_the_same(orjson: Any, value: object, escaped: bool, indent: int | None) -> None:
    """
    Any JSON value survives a round trip with its types, escaped or not, however long its numbers.
    """
    document = json.dumps(value, ensure_ascii=escaped, indent=indent).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_json, "orjson", orjson)
        assert repr(fast_json.loads(document)) == repr(value)


@decoders
@pytest.mark.parametrize("number", [2**63, 2**64, 10**400, -(2**63), -(2**63) - 1, -(10**19)])
def test_long_whole_numbers_are_exact(orjson: Any, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A whole number beyond 64 bits stays a whole number.
    """
    monkeypatch.setattr(fast_json, "orjson", orjson)

    parsed = fast_json.loads(b'{"a": [%d]}' % number)

    assert repr(parsed) == repr({"a": [number]})


@pytest.mark.parametrize(
    ("document", "parsed"),
    [
        (b"18446744073709551616", 2**64),
        (b"\n-9223372036854775809", -(2**63) - 1),
        (b"[-9223372036854775809]", [-(2**63) - 1]),
        (b'{"a":18446744073709551616}', {"a": 2**64}),
        (b"[1,18446744073709551616]", [1, 2**64]),
    ],
)
def test_orjson_reads_no_long_numbers(
    document: bytes, parsed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A document with a number of 19 digits is never passed to orjson, which would round it.
    """
    monkeypatch.setattr(fast_json, "orjson", SimpleNamespace(loads=lambda _: "rounded"))

    assert fast_json.loads(document) == parsed


def test_orjson_reads_ids_of_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An id that happens to consist of digits is no long number.
    """
    monkeypatch.setattr(fast_json, "orjson", SimpleNamespace(loads=lambda _: "read by orjson"))

    assert fast_json.loads(b'[{"id": "00000000000000000000000000000001"}]') == "read by orjson"


def test_orjson_is_used_if_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A document is passed to its loads().
    """
    monkeypatch.setattr(fast_json, "orjson", SimpleNamespace(loads=lambda document: [document]))

    assert fast_json.loads(b"{}") == [b"{}"]


@pytest.mark.parametrize("is_installed", [False, True])
def test_uvloop_is_used_if_installed(is_installed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    The loop is uvloop's if that is installed, and asyncio's otherwise.
    """
    uvloop = SimpleNamespace(new_event_loop=AnotherLoop) if is_installed else None
    monkeypatch.setattr(_loop_thread, "uvloop", uvloop)

    loop = _loop_thread.new_event_loop()
    loop.close()

    assert isinstance(loop, AnotherLoop) == is_installed
