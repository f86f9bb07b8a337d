"""
Decisions about HTTP: what an answer means and whether a request may be sent again. No I/O, no await.

Failures are returned, not raised, so that no traceback holds the locals in which a body lies.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

import attrs

from cftokens._converter import Malformed
from cftokens._hints import Refusal, hint_for
from cftokens._json import loads
from cftokens._options import Retry
from cftokens._secret import TokenValue, redact
from cftokens.errors import (
    APIError,
    AuthenticationError,
    BadRequestError,
    CFTokensError,
    ConflictError,
    ErrorData,
    NoResponseError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    RequestTimeoutError,
    ServerError,
    UnexpectedResponseError,
    UnprocessableEntityError,
)
from cftokens.models import CreateAttempt

T = TypeVar("T")

LARGEST_BODY: Final = 16 * 1024 * 1024
"""Bytes. A page of 50 tokens has about 30,000."""

_ERRORS: Final[Mapping[int, type[APIError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitedError,
}
_LONGEST_TEXT: Final = 500
_MOST_REASONS: Final = 10
_NO_CODE: Final = 10**9
_RAY_ID = re.compile(r"[0-9A-Za-z]{8,32}(-[A-Z]{3,5})?")


# What is made for every request is a NamedTuple: it takes a fraction of the time of an attrs class, here
# and at import. Its repr hides what can be a secret.


class Envelope(NamedTuple):
    """
    The two members of an answer that carry data.
    """

    result: Any
    result_info: Any

    def __repr__(self) -> str:
        return "<Envelope>"


class Call(NamedTuple, Generic[T]):
    """
    One operation as data.

    Attributes:
        operation: Its name, for the log.

        path: Below the base URL, ready for the wire.

        decode: Makes the result of the `Envelope`, or raises `Malformed`.

        changes: It has an effect, which a lost answer leaves unknown.

        repeatable: It may be sent again although it could have been carried out.

        if_gone: The result if a repeated call finds that there is nothing left.

        attempt: By what a create can be settled if its outcome stays unknown.
    """

    operation: str
    method: str
    path: str
    decode: Callable[[Envelope], T]
    query: Mapping[str, str] | None = None
    body: bytes | None = None
    changes: bool = False
    repeatable: bool = True
    if_gone: T | None = None
    attempt: CreateAttempt | None = None

    def begun(self, now: datetime) -> "Call[T]":
        """
        Return the same call, sent now. Only a create is looked for by the moment of its sending.
        """
        if self.attempt is None or self.operation != "create":
            return self
        return self._replace(attempt=attrs.evolve(self.attempt, started_on=now))

    def __str__(self) -> str:
        if self.attempt is None:
            return f"{self.operation} ({self.method} {self.path})"
        return f"{self.operation} of {self.attempt.name!r}, started {self.attempt.started_on.isoformat()}"

    def __repr__(self) -> str:
        return f"<Call: {self}>"


class Answer(NamedTuple):
    """
    What came back.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    """None if it was larger than `LARGEST_BODY`."""

    received_on: float
    """Unix time."""

    @property
    def retry_after(self) -> float | None:
        """
        The seconds that a ``Retry-After`` asks for, or None if it does not say.

        It is a number of seconds or an HTTP date, which is read by the server's own clock.
        """
        value = self.headers.get("Retry-After", "")
        try:
            seconds = float(value)
        except ValueError:
            then = http_date(value)
            if then is None:
                return None
            seconds = then - (http_date(self.headers.get("Date", "")) or self.received_on)
        return max(seconds, 0.0) if math.isfinite(seconds) else None

    @property
    def ray_id(self) -> str | None:
        """
        The number by which Cloudflare's support finds a request.
        """
        value = self.headers.get("CF-Ray", "")
        return value if _RAY_ID.fullmatch(value) else None

    def __repr__(self) -> str:
        return f"<Answer: {self.status}>"


class NoAnswer(NamedTuple):
    """
    Why nothing came back that could be read.

    Attributes:
        reason: The end of a sentence.

        cause: An exception without a secret in it.

        written: The body went out, so the server may have acted on it.
    """

    reason: str
    cause: Exception | None = None
    timed_out: bool = False
    written: bool = True


def decipher(call: Call[T], outcome: Answer | NoAnswer, credential: TokenValue) -> T | CFTokensError:
    """
    Decide what came of a call: its result, or the error to raise.
    """
    if isinstance(outcome, NoAnswer):
        return _no_response(call, outcome)
    if outcome.status >= 400:
        return _api_error(call, outcome, credential)
    if outcome.status >= 300:
        return _unexpected(call, outcome, "it is a redirect, which is never followed; is base_url right?")
    return _result(call, outcome, credential)


def may_repeat(call: Call[Any], error: CFTokensError, *, written: bool) -> bool:
    """
    Decide whether sending *call* again can do no harm and may help.
    """
    if isinstance(error, RateLimitedError):
        return True
    if isinstance(error, NoResponseError | ServerError):
        return call.repeatable or not written
    return False


def next_wait(retry: Retry, attempt: int, asked: float | None, random: float) -> float:
    """
    Return the seconds to wait after the *attempt*-th attempt.

    Args:
        asked: What the answer's ``Retry-After`` asks for.

        random: A number from 0 to 1 that spreads the attempts of many clients.
    """
    own = min(retry.first_wait * 2.0 ** min(attempt - 1, 64), retry.longest_wait) * (1 - random / 4)
    return max(own, asked or 0.0)


def http_date(value: str) -> float | None:
    """
    Return the Unix time of an HTTP date, or None if it is none.

    The oldest of the three forms has no zone, which means UTC and not the zone of this machine.
    """
    try:
        moment = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _result(call: Call[T], answer: Answer, credential: TokenValue) -> T | CFTokensError:
    envelope = _parse(answer.body)
    if isinstance(envelope, str):
        return _unexpected(call, answer, envelope)
    if envelope.get("success") is not True:
        reasons = _reasons(_error_data(envelope, credential))
        return _unexpected(call, answer, f"it does not say that it succeeded: {reasons}")
    try:
        return call.decode(Envelope(envelope.get("result"), envelope.get("result_info")))
    except Malformed as malformed:
        problem = str(malformed)
    except RecursionError:
        problem = "it is nested too deep"
    return _unexpected(call, answer, problem)


def _parse(body: bytes | None) -> dict[str, Any] | str:
    """
    Return the answer as a dict, or what is wrong with it.
    """
    if body is None:
        return f"it is larger than {LARGEST_BODY} bytes"
    try:
        parsed = loads(body)
    except (ValueError, RecursionError):
        return "it cannot be read as JSON" if body.strip() else "it is empty"
    return parsed if type(parsed) is dict else "it is not an envelope with 'success' and 'result'"


def _no_response(call: Call[Any], outcome: NoAnswer) -> NoResponseError:
    error = RequestTimeoutError if outcome.timed_out else NoResponseError
    unknown = call.changes and outcome.written
    failure = error(
        f"{_subject(call)} got no answer: {outcome.reason}.{_warning(call) if unknown else ''}",
        outcome_unknown=unknown,
    )
    failure.__cause__ = outcome.cause
    return failure


def _api_error(call: Call[Any], answer: Answer, credential: TokenValue) -> APIError:
    envelope = _parse(answer.body)
    errors = () if isinstance(envelope, str) else _error_data(envelope, credential)
    is_theirs = answer.status >= 500
    hint = hint_for(
        Refusal(
            status=answer.status,
            errors=errors,
            operation=call.operation,
            path=call.path,
            kind=credential.kind,
        )
    )
    advice = f" {hint}" if hint else ""
    asked = answer.retry_after if answer.status == 429 else None
    advice += f" Retry-After says {asked:g} seconds." if asked is not None else ""
    error = _ERRORS.get(answer.status, ServerError if is_theirs else APIError)(
        f"{_subject(call)} was refused with {answer.status}: {_reasons(errors)}.{_ray(answer)}{advice}"
        f"{_warning(call) if call.changes and is_theirs else ''}",
        status=answer.status,
        errors=errors,
        ray_id=answer.ray_id,
        hint=hint,
        outcome_unknown=call.changes and is_theirs,
    )
    if isinstance(error, RateLimitedError):
        error.retry_after = asked
    return error


def _error_data(envelope: dict[str, Any], credential: TokenValue) -> tuple[ErrorData, ...]:
    """
    Read what there is to read: Cloudflare's errors now and then lack a code, or hold one that is no number.
    """
    entries = envelope.get("errors")
    return tuple(
        ErrorData(
            code=code if type(code := entry.get("code")) is int and abs(code) < _NO_CODE else None,
            message=_text(entry.get("message"), credential) or "",
            pointer=_text(source.get("pointer"), credential)
            if isinstance(source := entry.get("source"), dict)
            else None,
            documentation_url=_text(entry.get("documentation_url"), credential),
        )
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    )


def _text(value: object, credential: TokenValue) -> str | None:
    """
    Make a server's text safe for a log: one line, not endless, and without a secret.
    """
    if not isinstance(value, str):
        return None
    printable = "".join(
        each if each.isprintable() else " " for each in redact(value, credential)[:_LONGEST_TEXT]
    )
    return printable.strip()


def _reasons(errors: tuple[ErrorData, ...]) -> str:
    left_out = len(errors) - _MOST_REASONS
    more = [f"and {left_out} more"] if left_out > 0 else []
    return "; ".join([*map(_reason, errors[:_MOST_REASONS]), *more]) or "without a reason"


def _reason(error: ErrorData) -> str:
    text = error.message.rstrip(".") or "no text"
    return f"{text} (code {error.code})" if error.code is not None else text


def _ray(answer: Answer) -> str:
    number = answer.ray_id
    return f" Ray ID {number}." if number else ""


def _unexpected(call: Call[Any], answer: Answer, problem: str) -> UnexpectedResponseError:
    return UnexpectedResponseError(
        f"{_subject(call)} was answered with {answer.status}, but not as expected: {problem}."
        f"{_ray(answer)}{_warning(call) if call.changes else ''}",
        outcome_unknown=call.changes,
    )


def _warning(call: Call[Any]) -> str:
    """
    Say that the outcome is unknown, and what to do about it where a second try would do harm.
    """
    advice = "" if call.attempt is None else " Do not repeat it: recover(error.attempt) settles it."
    return f" It may have taken effect all the same.{advice}"


def _subject(call: Call[Any]) -> str:
    return f"{call.method} {call.path}"
