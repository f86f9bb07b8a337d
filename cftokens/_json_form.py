"""
The whole of a model as JSON, and back: `to_dict()` and `from_dict()`.

A request's body is another matter: `_converter` leaves out of it what may not be sent. Here, what came from
Cloudflare comes out as it came, except for the order of keys, and except for secrets.
"""

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from types import NoneType
from typing import Any, Final, TypeVar, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn, override

from cftokens._converter import structure, structure_hook
from cftokens._frozen import plain
from cftokens._read_hooks import KEYS, OLD_KEYS, UNKNOWN, Malformed, exact_date_time, known_keys
from cftokens._secret import TokenValue

T = TypeVar("T")

_SCALARS: Final = (str, int, float, bool, NoneType)
_NAMES: Final = {key: name for name, key in KEYS.items()}


def to_json_form(model: object, *, reveal: bool) -> dict[str, Any]:
    """
    Return all of a model as JSON. Its secret, if it has one, is included only with *reveal*.
    """
    written: dict[str, Any] = _writer(reveal).unstructure(model)
    return written


def from_json_form(document: object, model: type[T]) -> T:
    """
    Make a *model* from JSON, sharing nothing with the document.

    Raises:
        ValueError: The document does not fit the model. The message says where, and quotes no value.
    """
    try:
        return structure(_copied(document), model)
    except Malformed as malformed:
        problem = f"{malformed.path or 'the document'}: {malformed.problem}"
    except RecursionError:
        problem = "the document: nested too deeply"
    del document  # a traceback may show the locals of this frame
    raise ValueError(f"This is not the JSON of a {model.__name__}. {problem}.")


def _copied(value: Any) -> Any:
    """
    Return a copy of JSON.

    Raises:
        Malformed: It contains something else.
    """
    if isinstance(value, Mapping):
        return {_key(key): _copied_inside(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied_inside(item, f"[{index}]") for index, item in enumerate(value)]
    if type(value) not in _SCALARS:
        raise Malformed(f"expected JSON, got an object of type {type(value).__name__}")
    return value


def _copied_inside(value: Any, place: str) -> Any:
    try:
        return _copied(value)
    except Malformed as malformed:
        raise malformed.inside(place) from None


def _key(key: object) -> str:
    if type(key) is not str:
        raise Malformed(f"expected strings as keys, got an object of type {type(key).__name__}")
    return key


@functools.cache
def _writer(reveal: bool) -> Converter:
    converter = Converter(unstruct_collection_overrides={tuple: list})
    converter.register_unstructure_hook(datetime, exact_date_time)
    converter.register_unstructure_hook(TokenValue, TokenValue.reveal)
    converter.register_unstructure_hook_func(_is_mapping, plain)
    converter.register_unstructure_hook_factory(
        attrs.has, functools.partial(_model_writer, () if reveal else (TokenValue,))
    )
    return converter


def _is_mapping(kind: Any) -> bool:
    origin: Any = get_origin(kind)
    return origin is Mapping


def _model_writer(
    hidden: tuple[type, ...], model: Any, converter: Converter
) -> Callable[[Any], dict[str, Any]]:
    overrides: Any = {
        field.name: override(omit=field.type in hidden or field.name == UNKNOWN, rename=KEYS.get(field.name))
        for field in attrs.fields(model)
    }
    write = make_dict_unstructure_fn(model, converter, _cattrs_omit_if_default=True, **overrides)
    return lambda value: _as_it_came(value, write(value))


def _as_it_came(model: Any, written: dict[str, Any]) -> dict[str, Any]:
    """
    Add what a model's attributes do not say, unless an attribute was changed since it was read.
    """
    kept = getattr(model, UNKNOWN) or {}
    kind: Any = type(model)
    known = known_keys(kind)
    forms = {key: kept[key] for key in kept if key in known}
    for name, old_key in OLD_KEYS.items():
        if old_key in forms:
            form = forms.pop(old_key)
            newer = forms.pop(name, None)
            if _still_says(model, name, form if newer is None else newer):
                written.pop(name, None)
                written |= {key: plain(kept[key]) for key in (old_key, name) if key in kept}
    written |= {key: plain(form) for key, form in forms.items() if _still_says(model, key, form)}
    return written | {key: plain(member) for key, member in kept.items() if key not in known}


def _still_says(model: Any, key: str, form: object) -> bool:
    """
    Return whether an attribute still has the value that was read from this form.
    """
    name = _NAMES.get(key, key)
    field = getattr(attrs.fields(type(model)), name)
    value = getattr(model, name)
    return bool(value == (field.default if form is None else structure_hook(field.type)(plain(form), None)))
