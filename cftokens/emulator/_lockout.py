"""
The lock-out: after too many failures to authenticate, an address is refused whatever it sends.

Seen at Cloudflare: repeated refusals with 9109 or 1000 from one machine lock out every token there for
minutes; verify does not add to them. *Chosen*: all refusals with these codes count, those of the last five
minutes; the lock-out lasts five minutes from the last of them; requests meanwhile do not prolong it.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from cftokens.emulator import _refusals
from cftokens.emulator._routes import Call

PERIOD: Final = 300.0  # seconds
_CODES: Final = (1000, 9109)


class Lockout:
    """
    The latest failures of each address.

    Args:
        failures: How many of them lock an address out; None for no lock-out.
        clock: A function that returns the time in Unix seconds.
    """

    def __init__(self, failures: int | None, clock: Callable[[], float]) -> None:
        if failures is not None and (not isinstance(failures, int) or failures is True or failures < 1):
            raise ValueError(f"lockout must be a positive whole number or None, not {failures!r}")
        self._most = failures
        self._clock = clock
        self._failed_at: dict[str, deque[float]] = {}

    def reset(self) -> None:
        """
        Forget all failures.
        """
        self._failed_at.clear()

    def check(self, address: str) -> None:
        """
        Check that an address may send requests.

        Raises:
            RefusedError: It is locked out.
        """
        failed_at = self._failed_at.get(address)
        if failed_at is None or len(failed_at) != self._most:
            return
        if failed_at[-1] < failed_at[0] + PERIOD and self._clock() < failed_at[-1] + PERIOD:
            raise _refusals.too_many_failures()

    def note(self, address: str, call: Call, refused: _refusals.RefusedError) -> None:
        """
        Count a refused call, if it is a failure to authenticate.
        """
        if self._most is None or call.operation == "verify" or refused.error["code"] not in _CODES:
            return
        self._failed_at.setdefault(address, deque(maxlen=self._most)).append(self._clock())
