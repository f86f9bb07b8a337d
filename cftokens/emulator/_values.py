"""
Token values: how they are made, stored as digests, and hidden in text.

https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import Final, Literal

Kind = Literal["account", "user"]

PREFIXES: Final[dict[Kind, str]] = {"account": "cfat_", "user": "cfut_"}
_ALPHANUMERICS: Final = string.ascii_letters + string.digits
_VALUE: Final = re.compile(r"(cf[a-z]{1,2}_)?[A-Za-z0-9_-]{40,}")


def mint(kind: Kind) -> str:
    """
    Return a new value: a prefix, 40 alphanumerics and their CRC-32 in hexadecimal.
    """
    body = "".join(secrets.choice(_ALPHANUMERICS) for _ in range(40))
    return f"{PREFIXES[kind]}{body}{zlib.crc32(body.encode()):08x}"


def digest(value: str) -> bytes:
    """
    Return the digest that is stored instead of a value.

    Looking up a digest in a dict is safe: the timing reveals nothing about the value.
    """
    return hashlib.sha256(value.encode()).digest()


def hide_values(text: str) -> str:
    """
    Return the text with every possible token value, in the new or old format, cut to its prefix.
    """
    return _VALUE.sub(r"\1…", text)
