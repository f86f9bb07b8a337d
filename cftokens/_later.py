"""
Members of a model that stay JSON until they are first read.

msgspec checks such a member, if it is installed (``cftokens[speedups]``). What fits is left as it is, and
structured by its hook when somebody reads it; anything unusual is structured at once, or refused.
"""

import functools
import operator
from collections.abc import Callable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import attrs

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment]  # it is optional

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]


class MadeOnRead:
    """
    An attribute of a model that may be JSON in its *slot*. What it stands for is made when it is first read.

    What a hook makes of JSON is neither a dict nor a list, but may be a subclass.
    """

    def __init__(self, slot: Any, make: Callable[[Any], Any]) -> None:
        self.slot = slot
        self._make = make
        self.__doc__ = None  # help() would show that of the class

    def __get__(self, made: Any, owner: Any = None) -> Any:
        if made is None:
            return self
        value = self.slot.__get__(made)
        if type(value) is dict or type(value) is list:
            value = self._make(value)
            self.slot.__set__(made, value)
        return value

    def __set__(self, made: Any, value: Any) -> None:
        self.slot.__set__(made, value)


def made_on_read(**makers: Callable[[Any], Any]) -> Callable[[type[T]], type[T]]:
    """
    Return a decorator for a model: what makes each of these attributes when it is first read.
    """

    def decorate(model: type[T]) -> type[T]:
        for name, make in makers.items():
            setattr(model, name, MadeOnRead(getattr(model, name), make))
        return model

    return decorate


def left_as_json(hook: Hook, kind: Any, keys: Mapping[str, str]) -> Hook:
    """
    Return a hook that leaves JSON as it is, if *hook* would make a *kind* of it without any surprise.

    Args:
        hook: Structures everything else.

        kind: The type of the member.

        keys: The JSON keys of attributes that have another name.
    """
    if msgspec is None or get_origin(kind) is Mapping:  # the hook of a mapping leaves it as it is, too
        return hook
    convert, unusual = msgspec.convert, msgspec.ValidationError
    box = msgspec.defstruct("Box", [("member", _schema(kind, keys))])

    def check(member: Any, made: Any) -> Any:
        try:
            convert({"member": member}, box)
        except unusual:
            return hook(member, made)
        return member or hook(member, made)

    return check


def _schema(kind: Any, keys: Mapping[str, str]) -> Any:
    """
    Return a type for msgspec that is at least as strict as the hook of *kind*, and allows no unknown members.
    """
    if attrs.has(kind):
        fields = [_field(field, keys) for field in attrs.fields(kind) if field.name[0] != "_"]
        return msgspec.defstruct(
            kind.__name__, fields, kw_only=True, forbid_unknown_fields=True, rename=dict(keys)
        )
    inner = tuple(_schema(each, keys) for each in get_args(kind))
    if not inner:
        return kind
    origin: Any = get_origin(kind)
    return functools.reduce(operator.or_, inner) if origin is UnionType else origin[inner]


def _field(field: "attrs.Attribute[Any]", keys: Mapping[str, str]) -> tuple[Any, ...]:
    kind = _schema(field.type, keys)
    if field.default is not attrs.NOTHING:
        return field.name, kind, None
    return field.name, Annotated[str, msgspec.Meta(min_length=1)] if kind is str else kind
