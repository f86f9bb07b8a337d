"""
The injected faults, and which of them applies to a request.
"""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any, Final, get_args

import attrs

from cftokens.emulator._routes import Operation
from cftokens.emulator.faults import Fault

_OPERATIONS: Final = get_args(Operation)
_MAKERS: Final[dict[str, Callable[..., Fault]]] = {
    "status": Fault.status,
    "delay": Fault.delay,
    "drop_before": Fault.drop_before,
    "drop_after": Fault.drop_after,
    "truncate": Fault.truncate,
    "rate_limited": Fault.rate_limited,
    "html": Fault.html,
    "success_false": Fault.success_false,
}


@attrs.define
class _Waiting:
    """
    A fault with its operation (None for any) and the uses left (None for no limit).
    """

    fault: Fault
    operation: Operation | None
    times: int | None


class Injection:
    """
    The injected faults, oldest first.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, fault: Fault, operation: Operation | None, times: int | None) -> None:
        """
        Add a fault.

        Raises:
            ValueError: *fault* is not a Fault, *operation* is unknown, or *times* is not positive.
        """
        if not isinstance(fault, Fault):
            raise ValueError(f"fault must be a Fault, such as Fault.status(502), not {fault!r}")  # noqa: TRY004 -- like the others
        if operation not in (None, *_OPERATIONS):
            raise ValueError(f"operation must be one of {', '.join(_OPERATIONS)}, not {operation!r}")
        if times is not None and (not isinstance(times, int) or times is True or times < 1):
            raise ValueError(f"times must be a positive whole number or None, not {times!r}")
        self._waiting.append(_Waiting(fault, operation, times))

    def clear(self) -> None:
        """
        Remove all faults.
        """
        self._waiting.clear()

    def take(self, operation: Operation | None) -> Fault | None:
        """
        Return the first fault that matches this operation, and count the use.
        """
        for waiting in self._waiting:
            if waiting.operation in (None, operation):
                self._count(waiting)
                return waiting.fault
        return None

    def _count(self, waiting: _Waiting) -> None:
        if waiting.times is not None:
            waiting.times -= 1
            if not waiting.times:
                self._waiting.remove(waiting)


def make_fault(description: Mapping[str, Any]) -> Fault:
    """
    Return the fault that a JSON object describes by its name, ``fault``, and its arguments.

    Raises:
        ValueError: The fault is unknown, or its arguments are invalid.
    """
    arguments = dict(description)
    maker = _MAKERS.get(str(arguments.pop("fault", None)))
    if maker is None:
        raise ValueError(f"fault must be one of {', '.join(_MAKERS)}")
    try:
        signature(maker).bind(**arguments)
    except TypeError as mistake:
        raise ValueError(f"{description['fault']}: {mistake}") from None
    return maker(**arguments)
