"""
Strings that must not be seen: a token's value, and the header that carries one.
"""

import hmac
import re
from typing import Any, Final, Literal, NoReturn, Self, final

_KINDS: Final[dict[str, Literal["account", "user"]]] = {"cfat_": "account", "cfut_": "user"}
_SHORTEST_VALUE: Final = 40
_VALUE_FORM = re.compile(r"cf(?:[au]t|k)_[A-Za-z0-9]{8,}")


@final
class TokenValue:
    """
    The secret of a token, hidden until `reveal()` is called.

    ``str()``, ``repr()``, ``format()`` and logging show a mark with the prefix and the last four
    characters, which no credential check accepts. It equals only another `TokenValue` (compared in
    constant time), cannot be hashed or pickled, and copying returns the same object.

    https://developers.cloudflare.com/fundamentals/api/get-started/token-formats/

    Args:
        value: The secret string.

    Raises:
        TypeError: *value* is not a string.
    """

    __slots__ = ("__value",)

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            kind = type(value).__name__
            del self, value  # a traceback may show the locals of this frame
            raise TypeError(f"A token value is a str, not {kind}.")
        self.__value = value

    def reveal(self) -> str:
        """
        Return the secret itself.
        """
        return self.__value

    @property
    def kind(self) -> Literal["account", "user"] | None:
        """
        ``"account"`` or ``"user"`` by the prefix; None for values made before there were prefixes.
        """
        return _KINDS.get(self.__value[:5])

    def __repr__(self) -> str:
        value = self.__value
        prefix = value[:5] if value.startswith(("cfat_", "cfut_")) else ""
        tail = value[-4:] if len(value) >= _SHORTEST_VALUE else ""  # of less, four characters are too much
        return f"<TokenValue {prefix}…{tail}: use reveal()>"

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TokenValue):
            return NotImplemented
        return hmac.compare_digest(
            self.__value.encode("utf-8", "surrogatepass"), other.__value.encode("utf-8", "surrogatepass")
        )

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A TokenValue is not pickled, so that no secret is stored unseen: reveal() it first.")


class MaskedStr(str):
    """
    A string that goes out as it is and shows nothing in a repr, such as that of aiohttp's headers.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'<hidden>'"


def redact(text: str, credential: TokenValue) -> str:
    """
    Take *credential*, and whatever else looks like a token's value, out of *text*.
    """
    return _VALUE_FORM.sub("<hidden>", text.replace(credential.reveal(), "<hidden>"))
