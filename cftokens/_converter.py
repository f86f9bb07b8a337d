"""
The one cattrs converter: Cloudflare's JSON becomes models, and models become JSON.

Reading JSON:

- null is the same as a missing key; members that a model does not know are kept aside, if it has a place
  for them
- a value of the wrong type is `Malformed`, and so is a missing key or an empty string where the model
  needs a value
- a date-time is RFC 3339 with a zone, and becomes UTC
- ``in`` is the attribute ``in_``; ``request.ip`` is read as ``request_ip``
- a secret becomes a `TokenValue`

Writing JSON, None is left out, date-times become whole seconds in UTC with ``Z``, and members that the
model does not know are written as they were read.

cattrs finds and combines the hooks, and generates those that write. The hooks that read are ours: they
are strict, where plain cattrs turns 5 into "5", and twice as fast as those it generates.

`Malformed` names the place and the types, never a value: values can be secrets.
"""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Final, NoReturn, TypeVar, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from cftokens._secret import TokenValue
from cftokens.models import TO_TUPLES, Condition, PermissionGroup, Resources, Token

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
"""The second argument, a type in cattrs, is here the groups that a list has so far, or None outside lists."""

_JSON_NAMES: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "a boolean",
    NoneType: "null",
}

_PLAIN: Final = (str, int, bool)
"""Types whose values need no hook."""

_KEYS: Final = {"in_": "in"}
"""The JSON keys of attributes that have another name."""

_OLD_KEYS: Final[Mapping[type, tuple[str, str]]] = {Condition: ("request.ip", "request_ip")}
"""An older name of a key, used by Cloudflare's guide and perhaps by old tokens, and the new one."""

_UNKNOWN: Final = "_unknown"
"""The attribute with the members that a model does not know."""

_NEVER_KEPT: Final[Mapping[type, tuple[str, ...]]] = {Token: ("value",)}
"""Members that are secret where they do not belong."""

_parse_date_time: Final = datetime.fromisoformat
"""Bound once: the attribute lookup costs as much as the parse."""


class Malformed(Exception):  # noqa: N818 -- never seen by users, who get an UnexpectedResponseError
    """
    JSON does not have the shape of its model; ``str()`` says where.
    """

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(f"{path or 'the result'}: {problem}")
        self.problem = problem
        self.path = path

    def inside(self, place: str) -> "Malformed":
        """
        Return the same problem, with *place* in front of its path.
        """
        joint = "" if not self.path or self.path.startswith("[") else "."
        return Malformed(self.problem, f"{place}{joint}{self.path}")


def structure(value: object, model: type[T]) -> T:
    """
    Turn parsed JSON into a *model*.

    Raises:
        Malformed: The JSON does not fit the model.
    """
    kind: Any = model
    result: T = _hook(kind)(value, None)
    return result


def structure_list(values: object, model: type[T]) -> tuple[T, ...]:
    """
    Turn parsed JSON into a tuple of *model*.

    Raises:
        Malformed: The JSON, or one of its items, does not fit the model.
    """
    result: tuple[T, ...] = _hook(tuple[model, ...])(values, {})  # type: ignore[valid-type]  # it is a type at run time
    return result


def unstructure(value: object) -> Any:
    """
    Turn models, and collections of them, into JSON.
    """
    return _converter().unstructure(value)


def unknown_members(given: object) -> Mapping[str, Any]:
    """
    Return the members that a model does not know, as they were read. Anything else has none.
    """
    return (getattr(given, _UNKNOWN) or {}) if hasattr(type(given), _UNKNOWN) else {}


def keep_unknown(made: T, given: object) -> T:
    """
    Return a model that also has the members that *given* does not know.
    """
    unknown = unknown_members(given)
    model: Any = made
    kept: T = attrs.evolve(model, **{_UNKNOWN: unknown}) if unknown else made
    return kept


@functools.cache
def _hook(kind: Any) -> Hook:
    """
    Ask cattrs once for each model: its lookup takes longer than structuring a small model.
    """
    return _converter().get_structure_hook(kind)


@functools.cache
def _converter() -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    for kind in _PLAIN:
        converter.register_structure_hook(kind, _refuse_all_but(kind))
    converter.register_structure_hook(datetime, _date_time)
    converter.register_structure_hook(TokenValue, _token_value)
    converter.register_structure_hook_func(lambda kind: kind == Resources, _resources)
    converter.register_structure_hook_func(lambda kind: kind == Mapping[str, str | None], _meta)
    converter.register_structure_hook_factory(_is_optional, _optional_hook)
    converter.register_structure_hook_factory(_is_tuple, _tuple_hook)
    converter.register_structure_hook_factory(attrs.has, _model_hook)
    converter.register_unstructure_hook(datetime, _date_time_to_json)
    converter.register_unstructure_hook_factory(attrs.has, _model_to_json)
    return converter


def _expected(what: str, value: object) -> Malformed:
    return Malformed(f"expected {what}, got {_JSON_NAMES[type(value)]}")


def _refuse_all_but(kind: type) -> Hook:
    """
    Return a hook that refuses a value. It is called only for values that are not of *kind*.
    """

    def refuse(value: Any, _: Any) -> NoReturn:
        raise _expected(_JSON_NAMES[kind], value)

    return refuse


def _date_time(value: Any, _: Any) -> datetime:
    if type(value) is not str:
        raise _expected("a date-time", value)
    try:
        moment = _parse_date_time(value)
        if moment.tzinfo is UTC:
            return moment
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Malformed("not a date-time") from None
    raise Malformed("a date-time without a zone")


def _date_time_to_json(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _model_to_json(model: Any, converter: Converter) -> Callable[[Any], dict[str, Any]]:
    renamed: Any = {
        field.name: override(rename=_KEYS[field.name]) for field in attrs.fields(model) if field.name in _KEYS
    }
    renamed[_UNKNOWN] = override(omit=True)
    write = make_dict_unstructure_fn(model, converter, _cattrs_omit_if_default=True, **renamed)
    return lambda value: {**unknown_members(value), **write(value)}


def _token_value(value: Any, _: Any) -> TokenValue:
    if type(value) is not str or not value:
        raise _expected("a token's value", value)
    return TokenValue(value)


def _resources(value: Any, _: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _expected("an object", value)
    for leaf in value.values():
        if type(leaf) is not str and not _is_mapping_of_strings(leaf):
            raise Malformed("expected a string or an object of strings under every name")
    return value


def _is_mapping_of_strings(value: Any) -> bool:
    return type(value) is dict and {*map(type, value.values())} <= {str}


def _meta(value: Any, _: Any) -> dict[str, str | None]:
    if type(value) is not dict:
        raise _expected("an object", value)
    for item in value.values():
        if type(item) is not str and item is not None:
            return {key: _text(item) for key, item in value.items()}
    return value


def _text(item: Any) -> str | None:
    return item if item is None or type(item) is str else json.dumps(item)


def _is_optional(kind: Any) -> bool:
    return get_origin(kind) is UnionType and NoneType in get_args(kind)


def _is_tuple(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def _optional_hook(kind: Any, converter: Converter) -> Hook:
    """
    Null never gets here: `_model_hook` treats it as a missing key.
    """
    return converter.get_structure_hook(_without_none(kind))


def _tuple_hook(kind: Any, converter: Converter) -> Hook:
    (item, _) = get_args(kind)
    plain, hook = _plain_type(item), converter.get_structure_hook(item)
    if item is PermissionGroup:
        hook = _sharing(hook)

    def structure_tuple(values: Any, groups: Any) -> tuple[Any, ...]:
        if type(values) is not list:
            raise _expected("a list", values)
        structured = []
        try:
            for value in values:
                made = value if type(value) is plain else hook(value, groups)
                structured.append(made)
        except Malformed as malformed:
            raise malformed.inside(f"[{len(structured)}]") from None
        return tuple(structured)

    return structure_tuple


def _sharing(structure_group: Hook) -> Hook:
    """
    Return a hook that makes one object of equal groups, because the tokens of a list name the same few.
    """

    def structure_shared(value: Any, groups: Any) -> Any:
        if groups is None or type(value) is not dict or len(value) != 2:
            return structure_group(value, groups)
        key = value.get("id"), value.get("name")
        if type(key[0]) is not str or type(key[1]) is not str:
            return structure_group(value, groups)
        made = groups.get(key)
        if made is None:
            made = groups[key] = structure_group(value, groups)
        return made

    return structure_shared


def _model_hook(model: Any, converter: Converter) -> Hook:
    """
    Return a hook that fills the slots of a new object.

    The ``__init__`` of a frozen class calls ``object.__setattr__`` for each, which took half the time.
    """
    fields = [field for field in attrs.fields(model) if field.name != _UNKNOWN]
    members = [_member(model, field, converter) for field in fields]
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    keys = [key for key, *_ in members]
    keep = getattr(model, _UNKNOWN).__set__ if hasattr(model, _UNKNOWN) else None
    known = frozenset([*keys, *_NEVER_KEPT.get(model, ())])
    count, new = len(members), object.__new__

    def structure_model(value: Any, groups: Any) -> Any:
        if type(value) is not dict:
            raise _expected("an object", value)
        made = new(model)
        get = value.get
        there, key = count, ""
        try:
            for key, fill, plain, hook, blank in members:
                member = get(key)
                if member is None:
                    there -= 1
                    fill(made, blank)
                elif type(member) is plain:
                    fill(made, member)
                else:
                    fill(made, hook(member, groups))
        except Malformed as malformed:
            raise malformed.inside(key) from None
        for name in required:
            if getattr(made, name) == "":
                raise Malformed(_not_filled(value, name), name)
        if keep is not None:
            keep(made, None if len(value) == there or value.keys() <= known else _others(value, known))
        return made

    return _renaming(structure_model, *_OLD_KEYS[model]) if model in _OLD_KEYS else structure_model


def _others(value: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {key: member for key, member in value.items() if key not in known}


def _renaming(structure_model: Hook, old_key: str, new_key: str) -> Hook:
    """
    Return a hook that also reads an older key, if the new one is not set.
    """

    def structure_renamed(value: Any, groups: Any) -> Any:
        if type(value) is dict and old_key in value:
            older, value = value[old_key], {key: value[key] for key in value if key != old_key}
            if value.get(new_key) is None:
                value[new_key] = older
        return structure_model(value, groups)

    return structure_renamed


def _member(model: Any, field: "attrs.Attribute[Any]", converter: Converter) -> tuple[Any, ...]:
    """
    Return an attribute's JSON key, how to fill its slot, and with what.

    Raises:
        TypeError: The attribute has something that only ``__init__`` applies.
    """
    skipped = {
        "validator": field.validator is not None,
        "factory": type(field.default) is attrs.Factory,
        "converter": field.converter is not None and field.converter not in TO_TUPLES,
    }
    for what, is_there in skipped.items():
        if is_there:
            raise TypeError(f"{model.__name__}.{field.name} has a {what}, which structuring would skip.")
    fill = getattr(model, field.name).__set__
    hook = converter.get_structure_hook(field.type)
    blank = "" if field.default is attrs.NOTHING else field.default
    return _KEYS.get(field.name, field.name), fill, _plain_type(field.type), hook, blank


def _not_filled(value: dict[str, Any], key: str) -> str:
    if key not in value:
        return "is missing"
    return "is null" if value[key] is None else "is empty"


def _plain_type(kind: Any) -> type | None:
    """
    Return a field's type if it is a plain one, or None.
    """
    plain = _without_none(kind)
    return plain if plain in _PLAIN else None


def _without_none(kind: Any) -> Any:
    (inner,) = (each for each in get_args(kind) if each is not NoneType) if _is_optional(kind) else (kind,)
    return inner
