"""
Members of a model that stay JSON until they are first read.

msgspec checks such a member, if it is installed (``cftokens[speedups]``). What fits is left as it is, and
structured by its hook when somebody reads it; anything unusual is structured at once, or refused.
"""

import functools
import operator
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, TypeVar, get_args, get_origin

import attrs

from cftokens._frozen import freeze

try:
    import msgspec
except ImportError:
    msgspec = None  # type: ignore[assignment]  # it is optional

T = TypeVar("T")


class MadeOnRead:
    """
    An attribute of a model that may be JSON in its *slot*. What it stands for is made when it is first read.

    What a hook makes of JSON is neither a dict nor a list, but may be a subclass. A mapping that
    somebody else puts in is only frozen, because no hook has checked it.
    """

    def __init__(self, slot: Any, make: Callable[[Any], Any]) -> None:
        self.slot = slot
        self.make = make
        self.__doc__ = None  # help() would show that of the class

    def __get__(self, made: Any, owner: Any = None) -> Any:
        if made is None:
            return self
        value = self.slot.__get__(made)
        if type(value) is dict or type(value) is list:
            value = self.make(value)
            self.slot.__set__(made, value)
        return value

    def __set__(self, made: Any, value: Any) -> None:
        self.slot.__set__(made, freeze(value))


def made_on_read(**makers: Callable[[Any], Any]) -> Callable[[type[T]], type[T]]:
    """
    Return a decorator for a model: what makes each of these attributes when it is first read.
    """

    def decorate(model: type[T]) -> type[T]:
        for name, make in makers.items():
            setattr(model, name, MadeOnRead(getattr(model, name), make))
        return model

    return decorate


def left_as_json(model: Any) -> Mapping[str, type]:
    """
    Return the members of a model that may stay JSON, with the type of that JSON. Without msgspec, none may.
    """
    if msgspec is None:
        return {}
    # What is only frozen when it is read is left as it is anyway.
    attributes = {field: getattr(model, field.name, None) for field in attrs.fields(model)}
    return {
        field.name: list if field.default == () else dict
        for field, attribute in attributes.items()
        if isinstance(attribute, MadeOnRead) and attribute.make is not freeze
    }


def check_of(model: Any, left: Iterable[str], keys: Mapping[str, str]) -> Callable[[list[Any]], bool]:
    """
    Return a function that tells whether these members of all objects in a list may stay JSON.

    They may if their hooks would make models of them without any surprise. All at once, because a call for
    each took a fifth of the time of structuring it.

    Args:
        model: What the objects stand for.

        left: The names of the members.

        keys: The JSON keys of attributes that have another name.
    """
    assert msgspec is not None  # noqa: S101 -- for pyright: without it, nothing is left
    convert = msgspec.convert
    unusual = (msgspec.ValidationError, UnicodeEncodeError)  # the latter for a key with a lone surrogate
    members: list[Any] = [_field(getattr(attrs.fields(model), name), keys) for name in left]
    part: Any = msgspec.defstruct(model.__name__, members)
    parts = msgspec.defstruct("Parts", [("objects", list[part])])

    def fit(objects: list[Any]) -> bool:
        try:
            convert({"objects": objects}, parts)
        except unusual:
            return False
        return True

    return fit


def _schema(kind: Any, keys: Mapping[str, str]) -> Any:
    """
    Return a type for msgspec that is at least as strict as the hook of *kind*, and allows no unknown members.
    """
    assert msgspec is not None  # noqa: S101 -- for pyright: only check_of() comes here
    if attrs.has(kind):
        fields = [_field(field, keys) for field in attrs.fields(kind) if field.name[0] != "_"]
        return msgspec.defstruct(  # pyright: ignore[reportOptionalMemberAccess]  # only called with msgspec
            kind.__name__, fields, kw_only=True, forbid_unknown_fields=True, rename=dict(keys)
        )
    inner = tuple(_schema(each, keys) for each in get_args(kind))
    if not inner:
        return kind
    origin: Any = get_origin(kind)
    return functools.reduce(operator.or_, inner) if origin is UnionType else origin[inner]


def _field(field: "attrs.Attribute[Any]", keys: Mapping[str, str]) -> tuple[Any, ...]:
    assert msgspec is not None  # noqa: S101 -- as above
    kind = _schema(field.type, keys)
    if field.default not in (attrs.NOTHING, ()):
        return field.name, kind, None
    not_empty = msgspec.Meta(min_length=1)  # pyright: ignore[reportOptionalMemberAccess]  # likewise
    if field.default is attrs.NOTHING:
        return field.name, Annotated[str, not_empty] if kind is str else kind
    several: Any = Annotated[kind, not_empty]  # an empty list is not a missing one
    return field.name, several | None, None
