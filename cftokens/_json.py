"""
Reading JSON strictly: with orjson if it is installed, as ``cftokens[speedups]`` does, or without.
"""

import json
import re
from typing import Any, Final

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # it is optional

_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(document: bytes) -> Any:
    """
    Return what *document* says, which is UTF-8 without lone surrogates, NaN and Infinity.

    Raises:
        ValueError: It is something else.

        RecursionError: It is nested too deep.
    """
    return _strict_loads(document) if orjson is None else orjson.loads(document)


def _strict_loads(document: bytes) -> Any:
    parsed = _DECODER.decode(document.decode())
    if _LONE_SURROGATE.search(document):
        json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def _refuse_constant(_: str) -> None:
    raise ValueError


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
