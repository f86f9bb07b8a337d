"""
Everything that a request can fail with.

::

    CFTokensError
    ├── NoResponseError
    │   └── RequestTimeoutError (also a TimeoutError)
    ├── APIError
    │   ├── BadRequestError            400
    │   ├── AuthenticationError        401
    │   ├── PermissionDeniedError      403
    │   ├── NotFoundError              404
    │   ├── ConflictError              409
    │   ├── UnprocessableEntityError   422
    │   ├── RateLimitedError           429
    │   └── ServerError                5xx
    ├── UnexpectedResponseError
    ├── PermissionGroupError (also a LookupError)
    ├── AmbiguousOutcomeError
    ├── WrongLoopError (also a RuntimeError)
    └── ClosedError

Wrong arguments are a `ValueError` or `TypeError`, before anything is sent.
"""

import attrs

from cftokens.models import CreateAttempt, PermissionGroup, Token


@attrs.frozen
class ErrorData:
    """
    One entry of the ``errors`` in an answer of Cloudflare's.

    Attributes:
        code: Cloudflare's number, which is not always given.

        message: Its text.

        pointer: Where in the request the mistake is, such as ``/policies/0``.

        documentation_url: A page about it.
    """

    code: int | None = None
    message: str = ""
    pointer: str | None = None
    documentation_url: str | None = None


class CFTokensError(Exception):
    """
    The root: every failure of a request is one of its kinds.

    Attributes:
        outcome_unknown: The request may have taken effect although no success was seen.

        attempt: What was asked for, if it was a create with an unknown outcome.

        hint: What to do about it, or None where we don't know.
    """

    attempt: CreateAttempt | None = None
    hint: str | None = None

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


def attempt_of(error: BaseException) -> CreateAttempt | None:
    """
    Find the create that *error* left with an unknown outcome, or None.

    It is found on the errors of this module and on what interrupted the create: a cancellation,
    the `TimeoutError` that ``asyncio.timeout()`` makes of one, or a `KeyboardInterrupt`. The exceptions of
    a group each have their own.
    """
    link: BaseException | None = error
    while link is not None:
        attempt = getattr(link, "attempt", None)
        if isinstance(attempt, CreateAttempt):
            return attempt
        link = link.__cause__ or link.__context__
    return None


class NoResponseError(CFTokensError):
    """
    No answer came: the connection was refused or dropped, or the name or certificate is wrong.
    """


class RequestTimeoutError(NoResponseError, TimeoutError):
    """
    No answer came within the client's *timeout*.
    """


class APIError(CFTokensError):
    """
    Cloudflare said no.

    Attributes:
        status: The HTTP status.

        errors: What Cloudflare said, as a tuple of `ErrorData`; empty if it gave no reason.

        ray_id: The number by which Cloudflare's support finds the request, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        errors: tuple[ErrorData, ...] = (),
        ray_id: str | None = None,
        hint: str | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message, outcome_unknown=outcome_unknown)
        self.status = status
        self.errors = errors
        self.ray_id = ray_id
        self.hint = hint


class BadRequestError(APIError):
    """
    400: Cloudflare does not accept what was sent.
    """


class AuthenticationError(APIError):
    """
    401: the credential is unknown, or of the other kind.
    """


class PermissionDeniedError(APIError):
    """
    403: the credential may not do this, not from here, or not now.
    """


class NotFoundError(APIError):
    """
    404: there is no such token.
    """


class ConflictError(APIError):
    """
    409: something else was changed at the same time.
    """


class UnprocessableEntityError(APIError):
    """
    422: Cloudflare understands what was sent and does not accept it.
    """


class RateLimitedError(APIError):
    """
    429: too many requests.

    https://developers.cloudflare.com/fundamentals/api/reference/limits/

    Attributes:
        retry_after: Seconds until the next attempt makes sense, or None if nobody said.

        sent: False if the client's own pace said no before anything was sent.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 429,
        errors: tuple[ErrorData, ...] = (),
        ray_id: str | None = None,
        hint: str | None = None,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
        sent: bool = True,
    ) -> None:
        super().__init__(
            message, status=status, errors=errors, ray_id=ray_id, hint=hint, outcome_unknown=outcome_unknown
        )
        self.retry_after = retry_after
        self.sent = sent


class ServerError(APIError):
    """
    5xx: Cloudflare failed.
    """


class UnexpectedResponseError(CFTokensError):
    """
    An answer in a shape that we don't know, `success: false` without an error status, or a redirect.
    """


class PermissionGroupError(CFTokensError, LookupError):
    """
    No such permission group, or more than one.

    Attributes:
        candidates: The permission groups that come nearest, or between which nothing decides.
    """

    def __init__(self, message: str, *, candidates: tuple[PermissionGroup, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class AmbiguousOutcomeError(CFTokensError):
    """
    More than one token could be the lost one; none was touched.

    Attributes:
        candidates: The tokens in question.
    """

    def __init__(self, message: str, *, candidates: tuple[Token, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class WrongLoopError(CFTokensError, RuntimeError):
    """
    An async client used from another running loop, or a blocking one from its own loop.
    """


class ClosedError(CFTokensError):
    """
    A client used after `close()`.
    """
