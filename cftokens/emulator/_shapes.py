"""
JSON values of the shape that is expected, or a refusal that says where.
"""

from typing import Any, TypeGuard

from cftokens.emulator._refusals import rule_broken


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """
    Tell whether a value is an object.
    """
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """
    Tell whether a value is an array.
    """
    return isinstance(value, list)


def an_object(value: Any, pointer: str) -> dict[str, Any]:
    """
    Return a value that must be an object.
    """
    if not is_object(value):
        raise rule_broken(f"{_last(pointer)} must be present and an object", pointer)
    return value


def a_list(value: Any, pointer: str) -> list[Any]:
    """
    Return a value that must be an array.
    """
    if not is_list(value):
        raise rule_broken(f"{_last(pointer)} must be present and an array", pointer)
    return value


def a_text(value: Any, pointer: str) -> str:
    """
    Return a value that must be a string.
    """
    if not isinstance(value, str):
        raise rule_broken(f"{_last(pointer)} must be present and a string", pointer)
    return value


def _last(pointer: str) -> str:
    return pointer.rpartition("/")[2] or "the body"
