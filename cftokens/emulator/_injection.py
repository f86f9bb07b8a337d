"""
The faults that wait for their request.
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
    A fault, the operation that it is for, and how often it strikes; None means any and always.
    """

    fault: Fault
    operation: Operation | None
    times: int | None


class Injection:
    """
    Faults in the order in which they were injected.
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    def add(self, fault: Fault, operation: Operation | None, times: int | None) -> None:
        """
        Let a fault wait for an operation.

        Raises:
            ValueError: That is no fault, there is no such operation, or *times* is no positive number.
        """
        if not isinstance(fault, Fault):
            raise ValueError(f"fault must be a Fault, such as Fault.status(502), not {fault!r}")  # noqa: TRY004 -- as for the others
        if operation not in (None, *_OPERATIONS):
            raise ValueError(f"operation must be one of {', '.join(_OPERATIONS)}, not {operation!r}")
        if times is not None and (not isinstance(times, int) or times is True or times < 1):
            raise ValueError(f"times must be a positive whole number or None, not {times!r}")
        self._waiting.append(_Waiting(fault, operation, times))

    def clear(self) -> None:
        """
        Forget all faults.
        """
        self._waiting.clear()

    def take(self, operation: Operation | None) -> Fault | None:
        """
        Return the first fault that waits for this operation, and count it.
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
    Return the fault that a JSON object describes: its name as ``fault`` beside its arguments.

    Raises:
        ValueError: There is no such fault, or the arguments are not its own.
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
