"""
Whether a request is sent again: the pure decisions about the tries of one call. No I/O, no await.
"""

from datetime import UTC, datetime
from typing import Generic, NamedTuple, TypeVar

from cftokens._secret import TokenValue
from cftokens._settings import Retry, longest_wait
from cftokens._transport.answers import decipher
from cftokens._transport.messages import Answer, NoAnswer, Request
from cftokens._transport.one_shot import OneShotBody
from cftokens.errors import CFTokensError, NoResponseError, NotFoundError, RateLimitedError, ServerError

T = TypeVar("T")


class Again(NamedTuple):
    """
    The decision to send a request again.
    """

    seconds: float
    """How long to wait first."""

    error: CFTokensError
    """What went wrong this time."""


class Tries(Generic[T]):
    """
    The tries of one call: what they spent, what they may have done, and whether another one follows.

    Args:
        request: What is sent.

        retry: How often and how long it may be tried.

        credential: What the errors must not show; None if each try has its own.
    """

    __slots__ = (
        "_body",
        "_failure",
        "_halted",
        "_now",
        "_retry",
        "_unknown",
        "_waited",
        "count",
        "credential",
        "request",
        "started_at",
    )

    def __init__(self, request: Request[T], retry: Retry, credential: TokenValue | None) -> None:
        self.request = request
        self.count = 0
        self.credential = credential
        self._now: float | None = None
        self.started_at = 0.0
        self._halted = False
        self._body: OneShotBody | None = None
        self._retry = retry
        self._waited = 0.0
        self._unknown = False
        self._failure: CFTokensError | None = None

    @property
    def patience(self) -> float:
        """
        The seconds that may still be spent waiting.
        """
        return self._retry.budget - self._waited

    @property
    def may_have_effect(self) -> bool:
        """
        Whether the server may have carried out the request, as far as is known.
        """
        under_way = self._body is not None and self._body.written
        return self.request.has_effect and (self._unknown or under_way)

    def begin(self, waited: float, now: float, moment: float) -> OneShotBody | None:
        """
        Count a try, and return the body to send.

        Args:
            waited: Seconds spent waiting for the turn.

            now: The Unix time, which becomes `started_on`.

            moment: The same in seconds of a clock that never jumps, which becomes `started_at`.
        """
        self._waited += waited
        self.count += 1
        self._now, self.started_at = now, moment
        content = self.request.body
        if content is None:
            return None
        self._body = OneShotBody(content)
        if self._halted:  # looked up after halt(), in another thread, can see the body
            self._body.halted = True
        return self._body

    @property
    def started_on(self) -> datetime | None:
        """
        When the latest try was begun, or None.
        """
        return None if self._now is None else datetime.fromtimestamp(self._now, UTC)

    def halt(self) -> None:
        """
        Send no body from now on. Any thread may call this.
        """
        self._halted = True
        if (body := self._body) is not None:
            body.halted = True

    def decide(self, outcome: Answer | NoAnswer, random: float) -> T | CFTokensError | Again:
        """
        Return the call's result, its error, or the decision to send it again.

        Args:
            outcome: The answer, or why there is none.

            random: A number from 0 to 1 that keeps clients from retrying in step.
        """
        written = self._body is None or self._body.written
        result = decipher(self.request, outcome, self.credential)
        self._body = None
        if not isinstance(result, CFTokensError):
            self._unknown = False
            return result
        if self._unknown and isinstance(result, NotFoundError) and self.request.if_missing is not None:
            self._unknown = False
            return self.request.if_missing
        self._unknown = self._unknown or result.outcome_unknown
        self._failure = result
        wait = self._next_wait(outcome, random)
        exhausted = self.count >= self._retry.attempts or wait > self.patience
        if exhausted or not self._may_repeat(result, written):
            return self.end(result)
        self._waited += wait
        return Again(wait, result)

    def end(self, error: CFTokensError) -> CFTokensError:
        """
        Return *error*, with a note if an earlier try may have taken effect.
        """
        if self.may_have_effect and not error.outcome_unknown:
            error.outcome_unknown = True
            error.add_note("An earlier try got no answer and may have taken effect.")
        return error

    def end_without_turn(self, error: RateLimitedError) -> CFTokensError:
        """
        Return the error of a call that cannot wait for its turn: the last try's, if there was one.
        """
        return self.end(self._failure or error)

    def _may_repeat(self, error: CFTokensError, written: bool) -> bool:
        """
        Return whether sending the request again is harmless and may help.
        """
        if isinstance(error, RateLimitedError):
            return True
        if isinstance(error, NoResponseError | ServerError):
            return self.request.repeatable or not written
        return False

    def _next_wait(self, outcome: Answer | NoAnswer, random: float) -> float:
        asked = outcome.retry_after if isinstance(outcome, Answer) else None
        return max(longest_wait(self._retry, self.count) * (1 - random / 4), asked or 0.0)
