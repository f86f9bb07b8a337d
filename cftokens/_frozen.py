"""
FrozenDict: a dict that cannot be changed.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")


class FrozenDict(dict[K, V]):
    """
    A dict that cannot be changed. It can be hashed if its values can, and pickled.

    A dict rather than a ``MappingProxyType``, which neither `json` nor `pickle` accepts.
    """

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("This mapping belongs to a model and cannot be changed; copy it with dict() first.")

    if not TYPE_CHECKING:  # what a dict declares is more general
        __setitem__ = __delitem__ = __ior__ = _refuse
        clear = pop = popitem = setdefault = update = _refuse


def freeze(value: Any) -> Any:
    """
    Return a mapping, and those directly inside it, as frozen copies. Other values stay as they are.
    """
    if not isinstance(value, Mapping):
        return value
    return FrozenDict(
        {key: FrozenDict(item) if isinstance(item, Mapping) else item for key, item in value.items()}
    )


class FrozenOnRead:
    """
    An attribute of a model with a mapping in it, which is frozen when it is first read.

    Structuring stores the parsed dict in the *slot*: freezing them all at once would cost a twentieth more.
    """

    def __init__(self, slot: Any) -> None:
        self.slot = slot
        self.__doc__ = None  # help() would show that of the class

    def __get__(self, made: Any, owner: Any = None) -> Any:
        if made is None:
            return self
        value = self.slot.__get__(made)
        if value is None or type(value) is FrozenDict:
            return value
        frozen = freeze(value)
        self.slot.__set__(made, frozen)
        return frozen

    def __set__(self, made: Any, value: Any) -> None:
        self.slot.__set__(made, value)


def frozen_on_read(name: str) -> Callable[[type[T]], type[T]]:
    """
    Return a decorator that freezes the mapping in one attribute of a model when it is first read.
    """

    def decorate(model: type[T]) -> type[T]:
        setattr(model, name, FrozenOnRead(getattr(model, name)))
        return model

    return decorate


def plain(value: Any) -> Any:
    """
    Return a copy of JSON that shares nothing that can be changed with *value*.
    """
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
