"""
Requests with an effect: what may have taken effect, how callers learn of it, and which values arrived.

A `Change` carries out one such request. If its outcome stays unknown, the log and the exception say so.
If it was a create, the exception carries a `CreateAttempt`, and the `Ledger` remembers it.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar
from weakref import WeakValueDictionary

from cftokens._checks import check_date_time
from cftokens._transport.sending import Sender
from cftokens._transport.tries import Tries
from cftokens.errors import CFTokensError
from cftokens.models import CreateAttempt, TokenCreateResponse

T = TypeVar("T")

AttemptFactory = Callable[[datetime], CreateAttempt]
"""Returns the attempt of a create, given the time when its request went out."""

Check = Callable[[Mapping[str, Any]], list[str]]
"""Returns which members of a token in JSON differ from what was asked for."""

_MOST_ARRIVED: Final = 100_000
_MOST_LOST: Final = 1000

_LOG: Final = logging.getLogger("cftokens")

CHANGES: Final[ContextVar["list[Change[Any]] | None"]] = ContextVar("CHANGES", default=None)
"""Collects the changes of a blocking call, whose thread may have to discard a result that arrived."""


class Lost(NamedTuple):
    """
    A create whose outcome is unknown.
    """

    attempt: CreateAttempt

    started_at: float | None = None
    """When its request went out, in seconds of a clock that never jumps; None if another process sent it."""

    check: Check | None = None
    """What the token must also fulfil, if it is to be like another."""


class Settling:
    """
    The settling of creates of one name and owner, one after the other.

    Calls for the same attempt share its result, so that it is settled once.
    """

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.calls = 0
        self.results: list[tuple[CreateAttempt, TokenCreateResponse]] = []


class Ledger:
    """
    What a client and its views know of values: which arrived, which are on their way, which may be lost.
    """

    def __init__(self) -> None:
        self._arrived: dict[str, None] = {}
        self._lost: dict[tuple[object, ...], Lost] = {}
        self._settled: dict[tuple[object, ...], None] = {}
        self._answered_for: dict[str, None] = {}
        self._creates: dict[Change[Any], asyncio.Event] = {}
        self._rolls: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._settling: dict[tuple[str | None, str], Settling] = {}
        self._process = os.getpid()

    def __contains__(self, token_id: object) -> bool:
        return token_id in self._arrived

    def note(self, token_id: str) -> None:
        """
        Remember that the value of a token arrived, or is about to.
        """
        _remember(self._arrived, token_id, None, _MOST_ARRIVED)

    def forget(self, token_id: str) -> None:
        """
        Forget that the value of a token arrived. May be called again.
        """
        self._arrived.pop(token_id, None)

    @property
    def unsettled(self) -> tuple[CreateAttempt, ...]:
        """
        The creates whose outcome is unknown, oldest first.
        """
        return tuple(lost.attempt for lost in list(self._lost.values()))

    def answer_for(self, token_id: str) -> None:
        """
        Leave it to the caller to say what becomes of a token, if its blocking call is interrupted.
        """
        _remember(self._answered_for, token_id, None, _MOST_ARRIVED)

    def give_back(self, token_id: str) -> None:
        """
        Take an interrupted call again for the loss of the token's value.
        """
        self._answered_for.pop(token_id, None)

    def is_answered_for(self, token_id: str) -> bool:
        """
        Return whether somebody says what becomes of a token.
        """
        return token_id in self._answered_for

    def lose(self, lost: Lost) -> None:
        """
        Remember a create whose outcome is unknown. May be called again.
        """
        if _key(lost.attempt) not in self._lost:
            _remember(self._lost, _key(lost.attempt), lost, _MOST_LOST)

    def lost(self, attempt: CreateAttempt) -> Lost | None:
        """
        Return what is remembered of a lost create, or None.
        """
        return self._lost.get(_key(attempt))

    def settled(self, attempt: CreateAttempt) -> None:
        """
        Forget a lost create. May be called again.
        """
        self._lost.pop(_key(attempt), None)

    def settled_for_good(self, attempt: CreateAttempt) -> None:
        """
        Forget a lost create, even if its blocking call is interrupted later.
        """
        self.settled(attempt)
        _remember(self._settled, _key(attempt), None, _MOST_LOST)

    def is_settled_for_good(self, attempt: CreateAttempt) -> bool:
        """
        Return whether a create need not be reported any more.
        """
        return _key(attempt) in self._settled

    @contextmanager
    def carrying_out(self, create: "Change[Any]") -> Iterator[None]:
        """
        Remember that a create is on its way.
        """
        self._forget_parent()
        ended = self._creates[create] = asyncio.Event()
        try:
            yield
        finally:
            self._creates.pop(create, None)  # a fork may have cleared it
            ended.set()

    @contextmanager
    def settling(self, attempt: CreateAttempt) -> Iterator[Settling]:
        """
        Return what the calls that settle creates of the same name and owner share.
        """
        self._forget_parent()
        key = attempt.account_id, attempt.name
        shared = self._settling.setdefault(key, Settling())
        shared.calls += 1
        try:
            yield shared
        finally:
            shared.calls -= 1
            if not shared.calls and self._settling.get(key) is shared:
                del self._settling[key]

    def rolls_of(self, token_id: str) -> asyncio.Lock:
        """
        Return the lock that lets the rolls of one token run one after the other.
        """
        self._forget_parent()
        return self._rolls.setdefault(token_id, asyncio.Lock())

    @contextmanager
    def rolling(self, roll: "Change[Any]", token_id: str) -> Iterator[None]:
        """
        Remember that the value of a token is about to arrive, unless the roll has no effect.
        """
        known = token_id in self
        self.note(token_id)
        try:
            yield
        except BaseException:
            if not known and not roll.may_have_effect:
                self.forget(token_id)
            raise

    async def creates_that_may_have_made(self, attempt: CreateAttempt) -> None:
        """
        Wait until no create is on its way that may have made a token of the same name and owner.
        """
        ends = [ended for create, ended in self._creates.items() if create.may_have_made(attempt)]
        for ended in ends:
            await ended.wait()

    def _forget_parent(self) -> None:
        """
        Forget the parent's calls, which will not end in this forked process.
        """
        if self._process != os.getpid():
            self._process = os.getpid()
            self._creates.clear()
            self._rolls.clear()
            self._settling.clear()


def _key(attempt: CreateAttempt) -> tuple[object, ...]:
    return attempt.account_id, attempt.name, attempt.started_on


def _remember(memory: dict[Any, Any], key: object, value: object, most: int) -> None:
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > most:
        del memory[next(iter(memory))]


class Change(Generic[T]):
    """
    Carries out a request with an effect.

    Args:
        tries: The tries of the request.

        ledger: Remembers what becomes of values.

        asked: Makes the attempt of a create.

        check: What the token of a create must also fulfil.

        settles: The lost create that a roll settles.
    """

    def __init__(
        self,
        tries: Tries[T],
        ledger: Ledger,
        asked: AttemptFactory | None = None,
        check: Check | None = None,
        settles: Lost | None = None,
    ) -> None:
        self._tries = tries
        self._ledger = ledger
        self._asked = asked
        self._check = check
        self._settles = settles
        self._made: str | None = None

    async def carry_out(self, sender: Sender) -> T:
        """
        Send the request, and return its result.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        if (changes := CHANGES.get()) is not None:
            changes.append(self)
        try:
            return await sender.carry_out(self._tries)
        except CFTokensError as error:
            if error.outcome_unknown:
                self._lose(error)
                _LOG.warning("The outcome of %s is unknown: %s", self, error)
            raise
        except BaseException as interrupt:
            if self.may_have_effect:
                interrupt.outcome_unknown = True  # type: ignore[attr-defined]  # as errors have it
            if self.may_be_lost:
                self.annotate(interrupt)
                self.warn("it was interrupted after its request was sent")
            raise

    @property
    def attempt(self) -> CreateAttempt | None:
        """
        What `recover()` needs, or None if the request was not sent or there is nothing to settle.
        """
        lost = self._lost
        return None if lost is None else lost.attempt

    @property
    def _lost(self) -> Lost | None:
        started_on = self._tries.started_on
        if self._settles is not None or self._asked is None or started_on is None:
            return self._settles
        return Lost(self._asked(started_on), self._tries.started_at, self._check)

    @property
    def may_have_effect(self) -> bool:
        """
        Whether the request may have taken effect although no success was seen.
        """
        return self._tries.may_have_effect

    @property
    def may_be_lost(self) -> bool:
        """
        Whether the request may have taken effect, and must not be repeated.
        """
        return self.may_have_effect and not self._tries.request.repeatable

    def may_have_made(self, attempt: CreateAttempt) -> bool:
        """
        Return whether this create may have made a token of the same name and owner.
        """
        mine = self.attempt if self.may_have_effect else None
        return mine is not None and (mine.account_id, mine.name) == (attempt.account_id, attempt.name)

    def arrived(self, token_id: str) -> None:
        """
        Note that the value of a token arrived.
        """
        self._made = token_id
        self._ledger.note(token_id)

    def leave(self, interrupt: BaseException) -> None:
        """
        Report on *interrupt*, which takes the call's result from its caller, what may have been made.
        """
        if self.attempt is not None and self._ledger.is_settled_for_good(self.attempt):
            return
        if self.may_be_lost:  # and the log has a warning
            self.annotate(interrupt)
        elif self._made is not None and not self._ledger.is_answered_for(self._made):
            if self.attempt is not None:
                self._ledger.forget(self._made)
            self.annotate(interrupt)
            self.warn("it was interrupted after its request was sent")

    def annotate(self, interrupt: BaseException) -> None:
        """
        Note on *interrupt* that the request had been sent.
        """
        made = "" if self._made is None else f" The token's id is {self._made}."
        note = f"{self} was interrupted after its request was sent, and may have taken effect.{made}"
        if note not in getattr(interrupt, "__notes__", ()):
            interrupt.add_note(note)
        self._lose(interrupt)

    def warn(self, reason: str) -> None:
        """
        Log that the outcome is unknown, and why.
        """
        _LOG.warning("The outcome of %s is unknown: %s.", self, reason)

    def halt(self) -> None:
        """
        Send nothing from now on.
        """
        self._tries.halt()

    def end_with_interpreter(self) -> None:
        """
        Send nothing from now on, and log what the call cannot report any more.
        """
        self.halt()
        if self.may_be_lost:
            self.warn("the interpreter exits before its answer")
        elif self._made is not None:
            _LOG.warning("The interpreter exits before the call returns that gave %s its value.", self._made)

    def _lose(self, error: BaseException) -> None:
        if (lost := self._lost) is not None:
            error.attempt = lost.attempt  # type: ignore[attr-defined]  # attempt_of() reads it
            self._ledger.lose(lost)

    def __str__(self) -> str:
        request, attempt = self._tries.request, self.attempt
        if attempt is None:
            return str(request)
        return f"{request.operation} of {attempt.name!r}, started {attempt.started_on.isoformat()}"


def check_attempt(attempt: object) -> CreateAttempt:
    """
    Return an attempt that can be settled.

    Raises:
        ValueError: Its start has no time zone.

        TypeError: It is not an attempt.
    """
    if not isinstance(attempt, CreateAttempt):
        raise TypeError(
            f"attempt must be a CreateAttempt, such as error.attempt, not {type(attempt).__name__}."
        )
    check_date_time(attempt.started_on, "started_on")
    return attempt
