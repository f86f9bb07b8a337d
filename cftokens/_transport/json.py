"""
Reads JSON strictly, with orjson if it is installed (``cftokens[speedups]``).
"""

import json
import math
import re
from typing import Any, Final, NoReturn

try:
    import orjson
except ImportError:
    orjson = None  # type: ignore[assignment]  # it is optional

# orjson makes floats of whole numbers beyond 64 bits, which have 19 digits or more. Searching for a colon and
# a run of zeros, once all digits are zeros and all that may precede a number is a colon, is ten times as fast
# as a regular expression. An id of many digits stands behind a quotation mark.
_SHAPES: Final = bytes.maketrans(b"123456789-[, \t\r\n", b"000000000:::::::")
_LONG_NUMBER: Final = b":" + b"0" * 19
_LONE_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F]")


def loads(document: bytes) -> Any:
    """
    Parse JSON in UTF-8, without lone surrogates, NaN and Infinity. Whole numbers are exact.

    Raises:
        ValueError: *document* is not such JSON.

        RecursionError: It is nested too deeply.
    """
    if orjson is None or _LONG_NUMBER in b":" + document.translate(_SHAPES):
        return _strict_loads(document)
    return orjson.loads(document)


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
