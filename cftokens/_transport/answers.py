"""
What an answer means: the result, or the error to raise. No I/O, no await.

Errors are returned, not raised, so that no traceback holds a body in its locals.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from cftokens._read_hooks import Malformed
from cftokens._secret import TokenValue, redact
from cftokens._transport.hints import Refusal, hint_for
from cftokens._transport.json import loads
from cftokens._transport.messages import LARGEST_BODY, Answer, Envelope, NoAnswer, Request
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
    TooManyFailuresError,
    UnexpectedResponseError,
    UnprocessableEntityError,
)

T = TypeVar("T")

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
_START_OF_HTML: Final = re.compile(rb"\s*<(!doctype html|html|head|body|title|h1|center)\b", re.IGNORECASE)


def decipher(
    request: Request[T], outcome: Answer | NoAnswer, credential: TokenValue | None
) -> T | CFTokensError:
    """
    Return the result of a request, or the error to raise.
    """
    if isinstance(outcome, NoAnswer):
        return _no_response(request, outcome)
    if outcome.status >= 400:
        return _api_error(request, outcome, credential)
    if outcome.status >= 300:
        return _unexpected(request, outcome, "it is a redirect, which is never followed; is base_url right?")
    return _result(request, outcome, credential)


def _result(request: Request[T], answer: Answer, credential: TokenValue | None) -> T | CFTokensError:
    parsed = _parse(answer.body)
    if isinstance(parsed, str):
        return _unexpected(request, answer, parsed)
    if parsed.get("success") is not True:
        reasons = _reasons(_error_data(parsed, credential)) or "no reason is given"
        return _unexpected(request, answer, f"it does not say that it succeeded: {reasons}")
    try:
        return request.decode(Envelope(parsed.get("result"), parsed.get("result_info")))
    except Malformed as malformed:
        problem = redact(str(malformed), credential)
    except RecursionError:
        problem = "it is nested too deeply"
    return _unexpected(request, answer, problem)


def _parse(body: bytes | None) -> dict[str, Any] | str:
    """
    Return the body as a dict, or what is wrong with it.
    """
    if body is None:
        return f"it is larger than {LARGEST_BODY} bytes"
    try:
        parsed = loads(body)
    except (ValueError, RecursionError):
        return "it cannot be read as JSON" if body.strip() else "it is empty"
    return parsed if type(parsed) is dict else "it is not an envelope with 'success' and 'result'"


def _no_response(request: Request[Any], outcome: NoAnswer) -> NoResponseError:
    error = RequestTimeoutError if outcome.timed_out else NoResponseError
    unknown = request.has_effect and outcome.written
    subject = f"{request.method} {request.target}"  # with the query: which page of a list, which mock
    failure = error(
        f"{subject} got no answer: {outcome.reason}.{_warning(request) if unknown else ''}",
        outcome_unknown=unknown,
    )
    failure.__cause__ = outcome.cause
    return failure


def _api_error(request: Request[Any], answer: Answer, credential: TokenValue | None) -> APIError:
    parsed = _parse(answer.body)
    errors = () if isinstance(parsed, str) else _error_data(parsed, credential)
    kind = credential and credential.kind
    refusal = Refusal(answer.status, errors, request.operation, request.has_effect, request.path, kind)
    hint = hint_for(refusal)
    failed = answer.status >= 500 and not refusal.is_lock_out
    unknown = request.has_effect and failed
    verb = "failed" if failed else "was refused"
    sentences = [
        f"{_subject(request)} {verb} with {answer.status}{_because(errors)}.",
        *_html(answer),
        *_ray(answer),
        *([hint] if hint else []),
        *([] if refusal.is_lock_out else _retry_after(answer)),
    ]
    error = _error_class(refusal)(
        " ".join(sentences) + (_warning(request) if unknown else ""),
        status=answer.status,
        errors=errors,
        ray_id=answer.ray_id,
        hint=hint,
        outcome_unknown=unknown,
    )
    if isinstance(error, RateLimitedError):
        error.retry_after = answer.retry_after
    return error


def _error_class(refusal: Refusal) -> type[APIError]:
    if refusal.is_lock_out:
        return TooManyFailuresError
    return _ERRORS.get(refusal.status, ServerError if refusal.status >= 500 else APIError)


def _error_data(parsed: dict[str, Any], credential: TokenValue | None) -> tuple[ErrorData, ...]:
    """
    Read the errors, which sometimes have no code, or one that is not a number.
    """
    entries = parsed.get("errors")
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


def _text(value: object, credential: TokenValue | None) -> str | None:
    """
    Make a server's text safe for a log: one line, not too long, and without a secret.
    """
    if not isinstance(value, str):
        return None
    printable = "".join(
        each if each.isprintable() else " " for each in redact(value, credential)[:_LONGEST_TEXT]
    )
    return printable.strip()


def _because(errors: tuple[ErrorData, ...]) -> str:
    return f": {_reasons(errors)}" if errors else " and no reason"


def _reasons(errors: tuple[ErrorData, ...]) -> str:
    left_out = len(errors) - _MOST_REASONS
    more = [f"and {left_out} more"] if left_out > 0 else []
    return "; ".join([*map(_reason, errors[:_MOST_REASONS]), *more])


def _reason(error: ErrorData) -> str:
    text = error.message.rstrip(".") or "no text"
    return f"{text} (code {error.code})" if error.code is not None else text


def _html(answer: Answer) -> list[str]:
    if answer.body is None or not _START_OF_HTML.match(answer.body):
        return []
    return ["The answer is an HTML page, perhaps from a proxy or gateway on the way."]


def _ray(answer: Answer) -> list[str]:
    return [f"Ray ID {answer.ray_id}."] if answer.ray_id else []


def _retry_after(answer: Answer) -> list[str]:
    if answer.status != 429 or (seconds := answer.retry_after) is None:
        return []
    return [f"Retry-After: {seconds:g} second{'' if seconds == 1 else 's'}."]


def _unexpected(request: Request[Any], answer: Answer, problem: str) -> UnexpectedResponseError:
    sentences = [
        f"{_subject(request)} was answered with {answer.status}, but not as expected: {problem}.",
        *_html(answer),
        *_ray(answer),
    ]
    return UnexpectedResponseError(
        " ".join(sentences) + (_warning(request) if request.has_effect else ""),
        outcome_unknown=request.has_effect,
    )


def _warning(request: Request[Any]) -> str:
    """
    Say that the outcome is unknown, and what to do about it.
    """
    advice = f" {request.if_unknown}" if request.if_unknown else ""
    return f" It may have taken effect anyway.{advice}"


def _subject(request: Request[Any]) -> str:
    return f"{request.method} {request.path}"
