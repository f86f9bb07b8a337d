"""
Lost creates: what may have taken effect, how it is reported, and how it is settled.

A `Change` carries out a request with an effect. If its outcome stays unknown, the log and the
exception say so, and the exception carries a `CreateAttempt`. `Ledger.settle()` finds the token that
the attempt made. The `Ledger` holds the ids of all tokens whose value arrived, because these are not lost.
"""

import logging
import math
from collections.abc import Awaitable, Callable, Container, Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Final, Generic, TypeVar

import attrs

from cftokens._checks import check_date_time
from cftokens._operations.replacement import same_condition
from cftokens._secret import TokenValue
from cftokens._transport.sending import Sender
from cftokens._transport.tries import Tries
from cftokens.errors import AmbiguousOutcomeError, CFTokensError
from cftokens.models import CreateAttempt, Token, TokenCreateResponse
from cftokens.policies import same_access

T = TypeVar("T")

AttemptFactory = Callable[[datetime], CreateAttempt]
"""Returns the attempt of a create, given the time when its request went out."""

_MOST_ARRIVED: Final = 1000

_LOG: Final = logging.getLogger("cftokens")

SENT_ONCE: Final[ContextVar["list[Change[object]] | None"]] = ContextVar("SENT_ONCE", default=None)
"""Collects the changes that are never repeated, for callers that may have to discard a result."""


class Ledger:
    """
    The ids of the last thousand tokens whose value arrived. Views share their client's.
    """

    def __init__(self) -> None:
        self._arrived: dict[str, None] = {}

    def __contains__(self, token_id: object) -> bool:
        return token_id in self._arrived

    def note(self, token_id: str) -> None:
        """
        Remember that the value of a token arrived.
        """
        self._arrived[token_id] = None
        if len(self._arrived) > _MOST_ARRIVED:
            del self._arrived[next(iter(self._arrived))]

    def forget(self, token_id: str) -> None:
        """
        Forget that the value of a token arrived. May be called again.
        """
        self._arrived.pop(token_id, None)

    async def settle(
        self,
        attempt: CreateAttempt,
        tokens: Iterable[Token],
        seconds_ahead: float,
        roll: Callable[[Token], Awaitable[TokenValue]],
    ) -> TokenCreateResponse | None:
        """
        Return the token that *attempt* made, with a new value, or None if there is none yet.

        Args:
            attempt: The lost create.

            tokens: The tokens with its name.

            seconds_ahead: How far the server's clock is ahead of ours, in seconds.

            roll: Replaces a token's value.

        Raises:
            AmbiguousOutcomeError: More than one token could be it. None was changed.

            CFTokensError: The roll failed.
        """
        earliest = attempt.started_on.timestamp() + seconds_ahead
        candidates = [token for token in tokens if could_be(token, attempt, earliest, self)]
        if not candidates:
            return None
        if len(candidates) > 1:
            raise AmbiguousOutcomeError(
                f"{len(candidates)} tokens named {attempt.name!r} could be the lost one. None was changed. "
                "Compare their ids with the tokens you know, and delete the one that is not yours.",
                candidates=tuple(candidates),
            )
        token = candidates[0]
        value = await roll(token)
        _LOG.info("The create of %r is settled: it made the token %s.", attempt.name, token.id)
        return TokenCreateResponse(**attrs.asdict(token, recurse=False), value=value)


class Change(Generic[T]):
    """
    Carries out a request with an effect.

    Args:
        tries: The tries of the request.

        ledger: Notes the id of a token whose value arrives.

        asked: Makes the attempt of a create, or of the roll that settles one.
    """

    def __init__(self, tries: Tries[T], ledger: Ledger, asked: AttemptFactory | None = None) -> None:
        self._tries = tries
        self._ledger = ledger
        self._asked = asked
        self._arrived: str | None = None

    async def carry_out(self, sender: Sender) -> T:
        """
        Send the request, and return its result.

        Raises:
            CFTokensError: It failed, or may have failed.
        """
        if not self._tries.request.repeatable and (sent := SENT_ONCE.get()) is not None:
            sent.append(self)  # type: ignore[arg-type]  # a list of changes with any result
        try:
            return await sender.carry_out(self._tries)
        except CFTokensError as error:
            if error.outcome_unknown:
                error.attempt = self.attempt
                _LOG.warning("The outcome of %s is unknown: %s", self, error)
            raise
        except BaseException as interrupt:
            if self.may_have_effect:
                self.annotate(interrupt)
                self.warn("it was interrupted after its request was sent")
            raise

    @property
    def attempt(self) -> CreateAttempt | None:
        """
        What `Ledger.settle()` needs, or None if the request was not sent or there is nothing to settle.
        """
        started_on = self._tries.started_on
        return None if self._asked is None or started_on is None else self._asked(started_on)

    @property
    def may_have_effect(self) -> bool:
        """
        Whether the request may have taken effect, and must not be repeated.
        """
        return not self._tries.request.repeatable and self._tries.may_have_effect

    def arrived(self, token_id: str) -> None:
        """
        Note that the value of a token arrived.
        """
        self._arrived = token_id
        self._ledger.note(token_id)

    def discard(self, interrupt: BaseException) -> None:
        """
        Report that the request succeeded, but *interrupt* lost its result.
        """
        if self._arrived is not None:
            self._ledger.forget(self._arrived)
        self.annotate(interrupt)
        self.warn("it was interrupted after its request was sent")

    def annotate(self, interrupt: BaseException) -> None:
        """
        Note on *interrupt* that the request had been sent.
        """
        interrupt.add_note(f"{self} was interrupted after its request was sent, and may have taken effect.")
        if (attempt := self.attempt) is not None:
            interrupt.attempt = attempt  # type: ignore[attr-defined]  # attempt_of() reads it

    def warn(self, reason: str) -> None:
        """
        Log that the outcome is unknown, and why.
        """
        _LOG.warning("The outcome of %s is unknown: %s.", self, reason)

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


def could_be(token: Token, attempt: CreateAttempt, earliest: float, arrived: Container[str]) -> bool:
    """
    Return whether *attempt* may have made *token*.

    Args:
        token: A token of the account or user.

        attempt: The lost create.

        earliest: Unix time of the attempt by the server's clock. Tokens have whole seconds.

        arrived: Ids of tokens whose value arrived.
    """
    return (
        token.name == attempt.name
        and token.id not in arrived
        and token.status == "active"
        and token.last_used_on is None
        and token.issued_on is not None
        and token.issued_on.timestamp() >= math.floor(earliest)
        and (token.expires_on, token.not_before) == (attempt.expires_on, attempt.not_before)
        and same_condition(token.condition, attempt.condition)
        and same_access(token.policies, attempt.policies)
    )
