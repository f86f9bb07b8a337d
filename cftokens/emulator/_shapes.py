"""
Type checks of JSON values; a wrong type is refused.
"""

from typing import Any, TypeGuard

from cftokens.emulator._refusals import rule_broken


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """
    Return whether a value is an object.
    """
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """
    Return whether a value is an array.
    """
    return isinstance(value, list)


def an_object(value: Any, pointer: str) -> dict[str, Any]:
    """
    Return a value if it is an object, else refuse it.
    """
    if not is_object(value):
        raise rule_broken(f"{_last(pointer)} must be present and an object", pointer)
    return value


def a_list(value: Any, pointer: str) -> list[Any]:
    """
    Return a value if it is an array, else refuse it.
    """
    if not is_list(value):
        raise rule_broken(f"{_last(pointer)} must be present and an array", pointer)
    return value


def a_text(value: Any, pointer: str) -> str:
    """
    Return a value if it is a string, else refuse it.
    """
    if not isinstance(value, str):
        raise rule_broken(f"{_last(pointer)} must be present and a string", pointer)
    return value


def _last(pointer: str) -> str:
    return pointer.rpartition("/")[2] or "the body"
