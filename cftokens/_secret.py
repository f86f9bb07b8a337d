"""
Hides secrets: a token's value, a header with one in it, the password of a proxy.
"""

import contextlib
import hmac
import re
import sys
import traceback
from collections.abc import Awaitable, Callable, Hashable
from types import FrameType, MethodType
from typing import TYPE_CHECKING, Any, Final, Literal, NoReturn, Self, TypeVar, cast, final, overload

if TYPE_CHECKING:
    from yarl import URL

T = TypeVar("T")

_KINDS: Final[dict[str, Literal["account", "user"]]] = {"cfat_": "account", "cfut_": "user"}
_SHORTEST_VALUE: Final = 40
_VALUE_FORM: Final = re.compile(
    r"""
    cf(?:[au]t|k)_[A-Za-z0-9]{8,}
    | (?<![\w-])(?: # older ones have no prefix
        [0-9a-f]{37}  # a global key
        | (?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*[0-9])[A-Za-z0-9_-]{40}  # a token, and hardly a word
    )(?![\w-])
    """,
    re.VERBOSE | re.ASCII,
)


@final
class TokenValue:
    """
    The secret of a token, hidden until `reveal()` is called.

    ``str()``, ``repr()``, ``format()`` and logging show only the prefix and the last four characters,
    in a form that no credential check accepts. A `TokenValue` equals only another one (compared in
    constant time), and cannot be hashed or pickled. Copying returns the same object.

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
            raise TypeError(f"A token's value must be a str, not {kind}.")
        self.__value = str.__str__(value)  # a subclass, such as an enum, may format itself as another text

    def reveal(self) -> str:
        """
        Return the secret itself.
        """
        return self.__value

    @property
    def kind(self) -> Literal["account", "user"] | None:
        """
        ``"account"`` or ``"user"``, by the prefix; None for older values, which have none.
        """
        return _KINDS.get(self.__value[:5])

    def __repr__(self) -> str:
        value = self.__value
        prefix = value[:5] if value.startswith(("cfat_", "cfut_")) else ""
        tail = value[-4:] if len(value) >= _SHORTEST_VALUE else ""  # too short to show four characters
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

    def __getstate__(self) -> NoReturn:
        self.__reduce_ex__(None)

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("A TokenValue cannot be pickled, as that would store a secret; reveal() it first.")


@final
class NotAToken:
    """
    A placeholder for an argument that is not a credential. Holds only its type.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind


Ask = Callable[[], str | TokenValue | Awaitable[str | TokenValue]]
"""A function that returns the credential."""


class HiddenAsk:
    """
    A function that returns the credential. Its own repr could show a secret, such as a `partial`'s.

    Args:
        function: What is called.

        key: What stands for it in comparisons, by default the function itself.
    """

    def __init__(self, function: Callable[[], object], key: Hashable | None = None) -> None:
        self.function = function
        self.key = _key_of(function) if key is None else key


def _key_of(function: Callable[[], object]) -> Hashable:
    try:
        hash(function)
    except TypeError:  # an instance of a dataclass, for example; methods compare by identity
        return MethodType(_key_of, function)
    return function


@overload
def hide(given: None) -> None: ...


@overload
def hide(given: str | TokenValue) -> TokenValue: ...


def hide(given: str | TokenValue | None) -> TokenValue | None:
    """
    Wrap a credential before anything can fail, so that no traceback shows it. None stays None.

    Callers overwrite their own variable with the result. Another type becomes a `NotAToken`, which
    `check_credential()` refuses.
    """
    if given is None or isinstance(given, TokenValue | NotAToken):
        return given
    if isinstance(given, str):
        return TokenValue(given)
    return cast(TokenValue, NotAToken(type(given).__name__))


def hide_credential(given: T) -> T:
    """
    Wrap a client's credential before anything can fail. A function that returns it becomes a `HiddenAsk`.
    """
    if isinstance(given, HiddenAsk):
        return given
    return cast(T, HiddenAsk(given) if callable(given) else hide(cast(str, given)))


class HiddenProxy:
    """
    The URL of a proxy, which may contain a password.
    """

    def __init__(self, url: "str | URL") -> None:
        self._url = url

    def reveal(self) -> "str | URL":
        """
        Return the URL itself.
        """
        return self._url


def hide_proxy(given: "str | URL | None") -> "str | URL | None":
    """
    Wrap the URL of a proxy before anything can fail. `check_proxy()` unwraps it.
    """
    return given if given is None or isinstance(given, HiddenProxy) else cast(str, HiddenProxy(given))


_MASK: Final = "<hidden>"
_OLD_FORM: Final = re.compile(r"[A-Za-z0-9_-]{40,80}")


def quoted(value: object, most: int = 80) -> str:
    """
    Return the repr of an argument for an error message: cut short, and masked if it may be a secret.
    """
    if isinstance(value, str) and _OLD_FORM.fullmatch(value):
        return repr(_MASK)
    return _VALUE_FORM.sub(_MASK, repr(value))[:most]


@final
class MaskedStr(str):
    """
    The value of a header, whose characters are a mask.

    Only ``str()``, with which aiohttp writes a header, returns the secret. Error trackers read the
    characters of a string, in whatever container they find it, so they find the mask. It equals the
    secret. Copying returns the same object, and pickling stores the mask.
    """

    __slots__ = ("__secret",)

    def __new__(cls, secret: str) -> Self:  # noqa: ARG004 -- for __init__()
        return super().__new__(cls, _MASK)

    def __init__(self, secret: str) -> None:
        self.__secret = secret

    def __str__(self) -> str:
        return self.__secret

    def __radd__(self, head: str) -> str:
        return head + self.__secret  # this is how aiohttp without its C extension writes a header

    def __format__(self, spec: str) -> str:
        return format(_MASK, spec)

    def __eq__(self, other: object) -> bool:
        return self.__secret == (other.__secret if isinstance(other, MaskedStr) else other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.__secret)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[type[str], tuple[str]]:
        return str, (_MASK,)


def clear_frames(error: BaseException, handled: BaseException | None) -> None:
    """
    Clear the local variables of finished frames in the tracebacks of an exception and its chain.

    These are the frames of cftokens, aiohttp and the standard library, which hold headers and answers.
    Those of other packages, such as the hooks of a borrowed session, are unchanged.

    Args:
        error: An exception on its way out.

        handled: What the caller was handling before *error* was raised. It and its chain are unchanged.
    """
    left: list[BaseException | None] = [error]
    seen = {id(None), id(handled)}
    while left:
        link = left.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        left += (link.__cause__, link.__context__)
        if isinstance(link, BaseExceptionGroup):
            left += link.exceptions
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if _may_hold_secrets(frame):
                with contextlib.suppress(RuntimeError):  # it is still running
                    frame.clear()


def _may_hold_secrets(frame: FrameType) -> bool:
    package = str(frame.f_globals.get("__name__")).partition(".")[0]
    return package in {"cftokens", "aiohttp"} or package in sys.stdlib_module_names


def redact(text: str, credential: TokenValue | None) -> str:
    """
    Mask *credential*, and anything else that looks like a token's value, in *text*.
    """
    if credential is not None:
        text = text.replace(credential.reveal(), _MASK)
    return _VALUE_FORM.sub(_MASK, text)
