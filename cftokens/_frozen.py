"""
FrozenDict: a dict that cannot be changed.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

K = TypeVar("K")
V = TypeVar("V")


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


def plain(value: Any) -> Any:
    """
    Return a copy of JSON that shares nothing that can be changed with *value*.
    """
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value
