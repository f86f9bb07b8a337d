"""
The one cattrs converter: Cloudflare's JSON becomes models, and models become JSON.

Writing JSON for a request, None is left out, date-times become whole seconds in UTC with ``Z``, and members
that the model does not know are written as they were read. `_json_form` writes all of a model.

cattrs finds and combines the hooks, and generates those that write. Those that read are in `_read_hooks`.
"""

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from cftokens import _read_hooks as hooks
from cftokens._read_hooks import KEYS, UNKNOWN, Hook, known_keys
from cftokens._secret import TokenValue

T = TypeVar("T")


def structure(value: object, model: type[T]) -> T:
    """
    Turn parsed JSON into a *model*.

    Raises:
        Malformed: The JSON does not fit the model.
    """
    kind: Any = model
    result: T = structure_hook(kind)(value, None)
    return result


def structure_list(values: object, model: type[T]) -> tuple[T, ...]:
    """
    Turn parsed JSON into a tuple of *model*.

    Raises:
        Malformed: The JSON, or one of its items, does not fit the model.
    """
    result: tuple[T, ...] = structure_hook(tuple[model, ...])(values, None)  # type: ignore[valid-type]  # it is a type at run time
    return result


def unstructure(value: object) -> Any:
    """
    Turn models, and collections of them, into JSON.
    """
    return _converter().unstructure(value)


@functools.cache
def structure_hook(kind: Any) -> Hook:
    """
    Ask cattrs once for each model: its lookup takes longer than structuring a small model.
    """
    return _converter().get_structure_hook(kind)


def unknown_members(given: object) -> Mapping[str, Any]:
    """
    Return the members that a model does not know, as they were read. Anything else has none.
    """
    kept = getattr(given, UNKNOWN, None)
    if not kept:
        return {}
    model: Any = type(given)
    return {key: member for key, member in kept.items() if key not in known_keys(model)}


def is_set(value: object) -> bool:
    """
    Return whether a value is set. For one that is not, a server may send null or an empty shell.
    """
    if isinstance(value, Mapping):
        return any(map(is_set, value.values()))
    return value is not None and value != []


def keep_unknown(made: T, given: object) -> T:
    """
    Return a model that also has the members that *given* does not know.
    """
    unknown = unknown_members(given)
    model: Any = made
    kept: T = attrs.evolve(model, **{UNKNOWN: unknown}) if unknown else made
    return kept


@functools.cache
def _converter() -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    for kind in hooks.PLAIN:
        converter.register_structure_hook(kind, hooks.refuse_all_but(kind))
    converter.register_structure_hook(datetime, hooks.date_time_hook(""))
    converter.register_structure_hook(TokenValue, hooks.token_value)
    converter.register_structure_hook_func(
        lambda kind: kind == Mapping[str, str | Mapping[str, str]], hooks.resources
    )
    converter.register_structure_hook_func(lambda kind: kind == hooks.META, hooks.meta_hook(""))
    converter.register_structure_hook_factory(hooks.is_optional, hooks.optional_hook)
    converter.register_structure_hook_factory(hooks.is_tuple, hooks.tuple_hook)
    converter.register_structure_hook_factory(attrs.has, hooks.model_hook)
    converter.register_unstructure_hook(datetime, _date_time_to_json)
    converter.register_unstructure_hook_factory(attrs.has, _model_to_json)
    return converter


def _date_time_to_json(value: datetime) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _model_to_json(model: Any, converter: Converter) -> Callable[[Any], dict[str, Any]]:
    renamed: Any = {
        field.name: override(rename=KEYS[field.name]) for field in attrs.fields(model) if field.name in KEYS
    }
    renamed[UNKNOWN] = override(omit=True)
    write = make_dict_unstructure_fn(model, converter, _cattrs_omit_if_default=True, **renamed)
    return lambda value: {**unknown_members(value), **write(value)}
