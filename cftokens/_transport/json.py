"""
Reads JSON strictly, with msgspec if it is installed (``cftokens[speedups]``).
"""

import json
import math
import re
from typing import Any, Final, NoReturn

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment]  # it is optional

_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(document: bytes) -> Any:
    """
    Parse JSON in UTF-8, without lone surrogates, NaN and Infinity. Whole numbers are exact.

    Raises:
        ValueError: *document* is not such JSON.

        RecursionError: It is nested too deeply.
    """
    return _strict_loads(document) if msgspec is None else msgspec.json.decode(document)


def _strict_loads(document: bytes) -> Any:
    parsed = _DECODER.decode(document.decode())
    if b"\\" in document and _LONE_SURROGATE.search(document):  # the regular expression is ten times as slow
        json.dumps(parsed, ensure_ascii=False).encode()
    return parsed


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _finite(number: str) -> float:
    return value if math.isfinite(value := float(number)) else _refuse(number)


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
