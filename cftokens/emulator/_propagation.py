"""
Propagation: how long a change of a token takes to be known, and what the endpoints see until then.

For a while, endpoints see a token as it was before a change: a new value is unknown, one that was rolled
away still works, a deleted or disabled token lives on, and a wider grant is not yet there. Then they flap:
they see the change, miss it, and see it for good. It goes by the clock, in eighths of the time it takes::

    eighth        0   1   2   3   4   5   6   7   8 …
    verify        -   -   -   -   +   -   +   +   +
    the others    -   -   -   -   -   -   +   -   +

Seen at Cloudflare: a new token was refused at first and accepted after 6 seconds; in between, one product
flapped while verify already said active; revocations took 8 to 16 seconds, wider grants up to a minute. The
fractions, and that all changes take equally long, are *chosen*.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final

import attrs

from cftokens.emulator._state import Token, Tokens
from cftokens.emulator._values import digest

_FLAP: Final = 6  # the eighth in which a change is seen for the first time
_HEAD_START: Final = 2  # eighths by which verify is ahead of other endpoints


@attrs.frozen
class _Change:
    """
    A change of a token, with what it was before; None if it is new.
    """

    at: float
    token_id: str
    before: Token | None


class SpreadingTokens(Tokens):
    """
    All tokens, and the changes that are not known everywhere yet.

    Args:
        seconds: How long a change takes to be known everywhere.
        clock: A function that returns the time in Unix seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        super().__init__()
        self._seconds = _checked(seconds)
        self._clock = clock
        self._changes: deque[_Change] = deque()

    def store(self, token: Token) -> None:
        """
        Store a token, replacing the one with the same id.
        """
        self._note(token.id)
        super().store(token)

    def remove(self, token: Token) -> None:
        """
        Remove a token and its value.
        """
        self._note(token.id)
        super().remove(token)

    def restore(self, tokens: Iterable[Token]) -> None:
        """
        Have these tokens and no others, and make that known everywhere.
        """
        super().restore(tokens)
        self.settle()

    def settle(self) -> None:
        """
        Make every change known everywhere.
        """
        self._changes.clear()

    def id_of(self, value: str) -> str:
        """
        Return the id of the token that has this value, or lately had it; empty if there is none.
        """
        had = (c.token_id for c in self._changes if c.before and c.before.digest == digest(value))
        return super().id_of(value) or next(had, "")

    def seen_with(self, value: str, *, verifying: bool) -> Token | None:
        """
        Return the token that an endpoint sees with this value, if any.
        """
        now = self._drop_known()
        token_id = self.id_of(value)
        token = self.get(token_id)
        for change in reversed(self._changes):
            if change.token_id == token_id:
                if self._arrived(now - change.at, verifying=verifying):
                    break
                token = change.before
        return token if token and token.digest == digest(value) else None

    def shown_at(self, now: datetime) -> datetime:
        """
        Return the time by which tokens are shown. An expiry, too, takes a while to be known.
        """
        return datetime.fromtimestamp(max(now.timestamp() - self._seconds, 0), now.tzinfo)

    def still_verified(self, token: Token, now: datetime) -> bool:
        """
        Return whether verify accepts an expired token, as it did an account's at Cloudflare.
        """
        lately = token.status(now) == "expired" and token.status(self.shown_at(now)) == "active"
        return lately and token.kind == "account"

    def _note(self, token_id: str) -> None:
        if self._seconds:
            self._changes.append(_Change(self._clock(), token_id, self.get(token_id)))

    def _drop_known(self) -> float:
        now = self._clock()
        while self._changes and now - self._changes[0].at >= self._seconds:
            self._changes.popleft()
        return now

    def _arrived(self, age: float, *, verifying: bool) -> bool:
        eighth = math.floor(8 * age / self._seconds) + _HEAD_START * verifying
        return eighth == _FLAP or eighth >= 8


def _checked(seconds: Any) -> float:
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not (number and 0 <= seconds < math.inf):
        raise ValueError(f"propagation must be a non-negative finite number, not {seconds!r}")
    return float(seconds)
