"""
The hooks that read JSON into models, for the converter.

- null is the same as a missing key
- what the attributes do not say is kept aside: members that the model does not know, which ones were
  null, and what would be written in another form than it was read
- a value of the wrong type is `Malformed`, and so is a missing key or an empty string where the model
  needs a value
- a date-time is RFC 3339 with a zone, and becomes UTC
- ``in`` is the attribute ``in_``; ``request.ip`` is read as ``request_ip``
- a secret becomes a `TokenValue`

They are strict, where plain cattrs turns 5 into "5", and twice as fast as those that it generates.

`Malformed` names the place and the types, never a value: values can be secrets.
"""

import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Final, NamedTuple, NoReturn, get_args, get_origin

import attrs
from cattrs import Converter

from cftokens._frozen import FrozenDict
from cftokens._later import MadeOnRead, check_of, left_as_json
from cftokens._secret import TokenValue
from cftokens._settings import problem_of_credential

Hook = Callable[[Any, Any], Any]

_JSON_NAMES: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "a boolean",
    NoneType: "null",
}

PLAIN: Final = (str, int, bool)
"""Types whose values need no hook."""

_MOST_SHARED: Final = 1000
"""Objects that are remembered. The catalogue has about 300 permission groups."""

KEYS: Final = {"in_": "in"}
"""The JSON keys of attributes that have another name."""

OLD_KEYS: Final = {"request_ip": "request.ip"}
"""Older JSON keys, used by Cloudflare's guide and perhaps by old tokens."""

UNKNOWN: Final = "_unknown"
"""The attribute with what a model's other attributes do not say."""

_NEVER_KEPT: Final = "_never_kept"
"""The attribute of a class with the members that are secret where they do not belong."""

_SHARED: Final = "_shared"
"""The attribute of a class that says whether equal items with an id and a name only are one object."""

AS_STRUCTURED: Final[Mapping[str, bool]] = {"as_structured": True}
"""Metadata of a field whose converter leaves what structuring makes as it is, so that it may be skipped."""

_SIGNS: Final = slice(None, 3, -3)
"""What separates the numbers of a usual date-time. From its end, so that a longer one has others there."""

_USUAL_SIGNS: Final = "2026-07-01T05:20:00Z"[_SIGNS]
"""Of a date-time that is written as it was read."""

META: Final = Mapping[str, str | None]


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


@functools.cache
def known_keys(model: type) -> frozenset[str]:
    """
    Return the JSON keys that a model knows, older ones as well.
    """
    names: list[str] = [field.name for field in attrs.fields(model) if field.name != UNKNOWN]
    return frozenset(
        [*(KEYS.get(name, name) for name in names), *(OLD_KEYS[name] for name in names if name in OLD_KEYS)]
    )


class _Leaving(NamedTuple):
    """
    A hook that leaves members as JSON, for objects of which a function says that they *fit*.
    """

    fit: Callable[[list[Any]], bool]
    hook: Hook


def model_hook(model: Any, converter: Converter) -> Hook:
    """
    Return the hook of a model.
    """
    careful, leaving = _hooks_of(model, converter)
    if leaving is None:
        return careful
    fit, quick = leaving
    return lambda value, made: (quick if fit([value]) else careful)(value, made)


@functools.cache
def _hooks_of(model: Any, converter: Converter) -> tuple[Hook, _Leaving | None]:
    """
    Return the hook of a model, or of an item of another type, and the one that leaves members as JSON.
    """
    if not attrs.has(model):
        return converter.get_structure_hook(model), None
    hook, left = _filling(model, converter, {}), left_as_json(model)
    if left:
        return hook, _Leaving(check_of(model, left, KEYS), _filling(model, converter, left))
    return hook, None


def _filling(model: Any, converter: Converter, left: Mapping[str, type]) -> Hook:  # noqa: C901 -- further calls took a twentieth longer
    """
    Return a hook that fills the slots of a new object.

    The ``__init__`` of a frozen class calls ``object.__setattr__`` for each, which took half the time.

    Args:
        left: The members that stay JSON, with the type of that JSON.
    """
    required, optional = _members(model, converter, left)
    parse, signs, usual = datetime.fromisoformat, _SIGNS, _USUAL_SIGNS
    unsaid: Any = getattr(model, UNKNOWN, None) or _Nowhere()
    keep, kept = unsaid.__set__, unsaid.__get__
    count, new = len(required) + len(optional), object.__new__
    missing, no_nulls = object(), _Nulls()

    def structure_model(value: Any, _: Any) -> Any:  # noqa: C901, PLR0912 -- likewise
        if type(value) is not dict:
            raise _expected("an object", value)
        made, get = new(model), value.get
        keep(made, None)
        there, key, nulls = count, "", no_nulls
        try:
            for key, fill, plain, hook, _ in required:
                member = get(key)
                if type(member) is not plain or not member:
                    member = hook(member, made) if member else _structure_falsy(value, key, hook)
                fill(made, member)
            for key, fill, plain, hook, blank in optional:
                member = get(key, missing)
                if type(member) is plain:
                    fill(made, member)
                elif member is missing:
                    there -= 1
                    fill(made, blank)
                elif member is None:
                    nulls = nulls[key]
                    fill(made, blank)
                elif plain is datetime:  # here, because a call for each date took a tenth of the time
                    try:
                        moment = parse(member)
                        if member[signs] != usual:
                            moment = hook(member, made)
                    except (TypeError, ValueError):
                        moment = hook(member, made)  # which says what is wrong
                    fill(made, moment)
                else:
                    fill(made, hook(member, made))
        except Malformed as malformed:
            raise malformed.inside(key) from None
        if len(value) != there:
            keep(made, _unsaid(model, value, nulls, kept(made)))
        elif nulls is not no_nulls:
            keep(made, nulls.members if kept(made) is None else _unsaid(model, value, nulls, kept(made)))
        return made

    return _reading_old_keys(structure_model, model)


class _Nulls(dict[str, "_Nulls"]):
    """
    The members that were null, in a form that tokens with the same ones share: one more is looked up.
    """

    def __init__(self, *keys: str) -> None:
        self.members = FrozenDict(dict.fromkeys(keys)) or None

    def __missing__(self, key: str) -> "_Nulls":
        return self.setdefault(key, _Nulls(*(self.members or ()), key))


class _Nowhere:
    """
    Stands for the private attribute in a class that has none.
    """

    def __set__(self, made: object, kept: object) -> None:
        pass

    def __get__(self, made: object, _: object = None) -> None:
        pass


def _unsaid(
    model: Any, value: dict[str, Any], nulls: _Nulls, kept: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """
    Return what a new model's attributes do not say: nulls, unusual forms, and members that it does not know.
    """
    known = known_keys(model).union(getattr(model, _NEVER_KEPT, ()))
    others = {key: member for key, member in value.items() if key not in known}
    unsaid: dict[str, Any] = {**dict(nulls.members or {}), **(kept or {}), **others}
    return FrozenDict(unsaid) or None


def _reading_old_keys(structure_model: Hook, model: Any) -> Hook:
    for field in attrs.fields(model):
        if field.name in OLD_KEYS:
            return _renaming(structure_model, OLD_KEYS[field.name], field.name)
    return structure_model


def _renaming(structure_model: Hook, old_key: str, new_key: str) -> Hook:
    """
    Return a hook that also reads an older key, if the new one is not set.
    """

    def structure_renamed(value: Any, _: Any) -> Any:
        if type(value) is not dict or old_key not in value:
            return structure_model(value, None)
        read = {key: member for key, member in value.items() if key != old_key}
        if read.get(new_key) is None and value[old_key] is not None:
            read[new_key] = value[old_key]
        made = structure_model(read, None)
        for key in (old_key, new_key):
            if key in value:
                _keep_form(made, key, value[key])
        return made

    return structure_renamed


def _members(
    model: Any, converter: Converter, left: Mapping[str, type]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """
    Return what to know of the members that a model needs, and of the others.
    """
    required: list[tuple[Any, ...]] = []
    optional: list[tuple[Any, ...]] = []
    for field in attrs.fields(model):
        if field.name != UNKNOWN:
            members = required if field.default is attrs.NOTHING else optional
            members.append(_member(model, field, converter, left))
    return required, optional


def _member(
    model: Any, field: "attrs.Attribute[Any]", converter: Converter, left: Mapping[str, type]
) -> tuple[Any, ...]:
    """
    Return an attribute's JSON key, how to fill its slot, and with what.

    Raises:
        TypeError: The attribute has something that only ``__init__`` applies.
    """
    skipped = {
        "validator": field.validator is not None,
        "factory": type(field.default) is attrs.Factory,
        "converter": field.converter is not None and field.metadata != AS_STRUCTURED,
    }
    for what, is_there in skipped.items():
        if is_there:
            raise TypeError(f"{model.__name__}.{field.name} has a {what}, which structuring would skip.")
    key = KEYS.get(field.name, field.name)
    attribute, hook = getattr(model, field.name), _member_hook(field, key, converter)
    fill = attribute.__set__
    if isinstance(attribute, MadeOnRead):
        fill = attribute.slot.__set__
    plain = datetime if _without_none(field.type) is datetime else _plain_type(field.type)
    return key, fill, left.get(field.name, plain), hook, field.default


def _member_hook(field: "attrs.Attribute[Any]", key: str, converter: Converter) -> Hook:
    """
    Return the hook of a member. One that may lose the form in which the member was read knows its key.
    """
    kind = _without_none(field.type)
    if kind is datetime:
        return date_time_hook(key)
    if kind == META:
        return meta_hook(key)
    if field.default == ():
        return tuple_hook(kind, converter, key)
    return converter.get_structure_hook(kind)


def _structure_falsy(value: dict[str, Any], key: str, hook: Hook) -> Any:
    """
    Structure a member that must be there, and must be neither null nor an empty string.
    """
    if key not in value:
        raise Malformed("is missing")
    if value[key] is None or value[key] == "":
        raise Malformed("is null" if value[key] is None else "is empty")
    return hook(value[key], None)


def tuple_hook(kind: Any, converter: Converter, key_if_empty: str = "") -> Hook:
    """
    Return a hook for a list. If a missing one would be empty as well, *key_if_empty* tells them apart.
    """
    (kind_of_item, _) = get_args(kind)
    plain, (careful, leaving) = _plain_type(kind_of_item), _hooks_of(kind_of_item, converter)
    if getattr(kind_of_item, _SHARED, False):
        careful = _sharing(careful)

    def structure_tuple(values: Any, made: Any) -> tuple[Any, ...]:
        if type(values) is not list:
            raise _expected("a list", values)
        if key_if_empty and not values:
            _keep_form(made, key_if_empty, values)
        structured = []
        hook = careful if leaving is None or not leaving.fit(values) else leaving.hook
        try:
            for value in values:
                item = value if type(value) is plain else hook(value, None)
                structured.append(item)
        except Malformed as malformed:
            raise malformed.inside(f"[{len(structured)}]") from None
        return tuple(structured)

    return structure_tuple


def _sharing(structure_model: Hook) -> Hook:
    """
    Return a hook that remembers objects with an id and a name only, such as the groups of policies.

    Most tokens name the same few groups, and the models are frozen.
    """

    @functools.lru_cache(maxsize=_MOST_SHARED)
    def shared(model_id: str, name: str) -> Any:
        return structure_model({"id": model_id, "name": name}, None)

    def structure_shared(value: Any, made: Any) -> Any:
        if type(value) is dict and len(value) == 2:
            model_id, name = value.get("id"), value.get("name")
            if type(model_id) is str and type(name) is str:
                return shared(model_id, name)
        return structure_model(value, made)

    return structure_shared


def optional_hook(kind: Any, converter: Converter) -> Hook:
    """
    Null never gets here: `model_hook` treats it as a missing key.
    """
    return converter.get_structure_hook(_without_none(kind))


def refuse_all_but(kind: type) -> Hook:
    """
    Return a hook that refuses a value. It is called only for values that are not of *kind*.
    """

    def refuse(value: Any, _: Any) -> NoReturn:
        raise _expected(_JSON_NAMES[kind], value)

    return refuse


def date_time_hook(key: str) -> Hook:
    def date_time(value: Any, made: Any) -> datetime:
        if type(value) is not str:
            raise _expected("a date-time", value)
        try:
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is not None:
                moment = moment.astimezone(UTC)
                if value != exact_date_time(moment):
                    _keep_form(made, key, value)
                return moment
        except (ValueError, OverflowError):
            raise Malformed("not a date-time") from None
        raise Malformed("a date-time without a zone")

    return date_time


def token_value(value: Any, _: Any) -> TokenValue:
    if type(value) is not str or not value:
        raise _expected("a token's value", value)
    secret = TokenValue(value)
    if problem := problem_of_credential(secret):  # a file or a shell may get it
        raise Malformed(f"is not a token's value: {problem}")
    return secret


def resources(value: Any, _: Any) -> dict[str, Any]:
    if type(value) is not dict:
        raise _expected("an object", value)
    for leaf in value.values():
        if type(leaf) is not str and not _is_mapping_of_strings(leaf):
            raise Malformed("expected a string or an object of strings under every name")
    return value


def _is_mapping_of_strings(value: Any) -> bool:
    return type(value) is dict and {*map(type, value.values())} <= {str}


def meta_hook(key: str) -> Hook:
    def meta(value: Any, made: Any) -> dict[str, str | None]:
        if type(value) is not dict:
            raise _expected("an object", value)
        for item in value.values():
            if type(item) is not str and item is not None:
                _keep_form(made, key, value)
                return {name: _text(item) for name, item in value.items()}
        return value

    return meta


def _text(item: Any) -> str | None:
    return item if item is None or type(item) is str else json.dumps(item)


def _keep_form(made: Any, key: str, member: Any) -> None:
    """
    Keep a member as it was read, because it would be written in another form.
    """
    if hasattr(type(made), UNKNOWN):
        kept = getattr(made, UNKNOWN) or {}
        object.__setattr__(made, UNKNOWN, FrozenDict({**kept, key: member}))


def _expected(what: str, value: object) -> Malformed:
    return Malformed(f"expected {what}, got {_JSON_NAMES[type(value)]}")


def exact_date_time(value: datetime) -> str:
    """
    Return a date-time in UTC with ``Z``, with its fraction of a second if it has one.
    """
    return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def is_optional(kind: Any) -> bool:
    return get_origin(kind) is UnionType and NoneType in get_args(kind)


def is_tuple(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is tuple


def _plain_type(kind: Any) -> type | None:
    """
    Return a field's type if it is a plain one, or None.
    """
    plain = _without_none(kind)
    return plain if plain in PLAIN else None


def _without_none(kind: Any) -> Any:
    (inner,) = (each for each in get_args(kind) if each is not NoneType) if is_optional(kind) else (kind,)
    return inner
