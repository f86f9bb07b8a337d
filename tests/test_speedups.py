"""
The packages of ``cftokens[speedups]`` are used if installed, and nothing else changes.
"""

import asyncio
import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cftokens import _later
from cftokens._transport import json as fast_json
from cftokens.sync import _loop_thread

installed = vars(fast_json)["msgspec"]
decoders = pytest.mark.parametrize("msgspec", [None] if installed is None else [None, installed])


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
def test_invalid_json_is_refused(msgspec: Any, document: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Both decoders refuse NaN, infinity, lone surrogates, invalid UTF-8 and endless nesting.
    """
    monkeypatch.setattr(fast_json, "msgspec", msgspec)

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
def test_both_decoders_read_the_same(msgspec: Any, value: object, escaped: bool, indent: int | None) -> None:
    """
    Any JSON value survives a round trip with its types, escaped or not, however long its numbers.
    """
    document = json.dumps(value, ensure_ascii=escaped, indent=indent).encode()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_json, "msgspec", msgspec)
        assert repr(fast_json.loads(document)) == repr(value)


@decoders
@pytest.mark.parametrize("number", [2**63, 2**64, 10**400, -(2**63), -(2**63) - 1, -(10**19)])
def test_long_whole_numbers_are_exact(msgspec: Any, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A whole number beyond 64 bits stays a whole number.
    """
    monkeypatch.setattr(fast_json, "msgspec", msgspec)

    parsed = fast_json.loads(b'{"a": [%d]}' % number)

    assert repr(parsed) == repr({"a": [number]})


def test_msgspec_is_used_if_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A document is passed to its decode().
    """
    stand_in = SimpleNamespace(json=SimpleNamespace(decode=lambda document: [document]))
    monkeypatch.setattr(fast_json, "msgspec", stand_in)

    assert fast_json.loads(b"{}") == [b"{}"]


@pytest.mark.parametrize(
    ("module", "package"), [(fast_json, "msgspec"), (_later, "msgspec"), (_loop_thread, "uvloop")]
)
def test_no_package_is_needed(module: ModuleType, package: str) -> None:
    """
    A module that uses one of them can be imported without it.
    """
    assert module.__spec__ is not None
    assert module.__spec__.loader is not None
    another = importlib.util.module_from_spec(module.__spec__)
    with patch.dict(sys.modules, {package: None}):
        module.__spec__.loader.exec_module(another)

    assert vars(another)[package] is None


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
