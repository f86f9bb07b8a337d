"""
The errors: one base class, and a class for each way that a request can fail.

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
    │   ├── ServerError                5xx
    │   └── TooManyFailuresError       any status: this machine is locked out for some minutes
    ├── UnexpectedResponseError
    ├── PermissionGroupError (also a LookupError)
    ├── AmbiguousOutcomeError
    ├── CredentialError
    ├── NotActiveError
    ├── RotationError
    ├── WrongLoopError (also a RuntimeError)
    └── ClosedError

A wrong argument is a `ValueError` or a `TypeError`, raised before anything is sent.
"""

from typing import Literal

import attrs

from cftokens.models import CreateAttempt, PermissionGroup, Token, TokenCreateResponse

Stage = Literal["read", "create", "wait", "check", "store", "retire"]
"""The steps of a rotation, in order."""

__all__ = [
    "APIError",
    "AmbiguousOutcomeError",
    "AuthenticationError",
    "BadRequestError",
    "CFTokensError",
    "ClosedError",
    "ConflictError",
    "CredentialError",
    "ErrorData",
    "NoResponseError",
    "NotActiveError",
    "NotFoundError",
    "PermissionDeniedError",
    "PermissionGroupError",
    "RateLimitedError",
    "RequestTimeoutError",
    "RotationError",
    "ServerError",
    "TooManyFailuresError",
    "UnexpectedResponseError",
    "UnprocessableEntityError",
    "WrongLoopError",
    "attempt_of",
]


def __dir__() -> list[str]:
    return __all__


@attrs.frozen
class ErrorData:
    """
    One entry of ``errors`` in an answer from Cloudflare.

    Attributes:
        code: Cloudflare's number for the error, or None if it gave none.

        message: Cloudflare's text.

        pointer: The place in the request, such as ``/policies/0``.

        documentation_url: A page about the error.
    """

    code: int | None = None
    message: str = ""
    pointer: str | None = None
    documentation_url: str | None = None


class CFTokensError(Exception):
    """
    The base class of all errors that a request can raise.

    Attributes:
        outcome_unknown (bool): The request may have taken effect although no success was seen.

        attempt: What `recover()` needs, if this is a create with an unknown outcome.

        hint: What to do about it, or None.
    """

    attempt: CreateAttempt | None = None
    hint: str | None = None

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


def attempt_of(error: BaseException) -> CreateAttempt | None:
    """
    Return the create whose outcome *error* left unknown, or None.

    *error* is an error of this module, or what interrupted the create: a cancellation, the
    `TimeoutError` from ``asyncio.timeout()``, or a `KeyboardInterrupt`. Its causes, its context and the
    exceptions of a group are searched as well, and the first attempt found is returned. A
    `asyncio.TaskGroup` does not keep the exceptions of tasks that it cancels: see the client's *unsettled*.
    """
    seen: set[int] = set()
    links: list[BaseException | None] = [error]
    while links:
        link = links.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        attempt = getattr(link, "attempt", None)
        if isinstance(attempt, CreateAttempt):
            return attempt
        inner = reversed(link.exceptions) if isinstance(link, BaseExceptionGroup) else ()
        links += [link.__context__, link.__cause__, *inner]
    return None


class NoResponseError(CFTokensError):
    """
    No answer arrived: the connection was refused or dropped, or the host or its certificate is wrong.
    """


class RequestTimeoutError(NoResponseError, TimeoutError):
    """
    No answer arrived within the client's *timeout*.
    """


class APIError(CFTokensError):
    """
    Cloudflare refused the request, or failed.

    Attributes:
        status (int): The HTTP status.

        errors (tuple[ErrorData, ...]): Cloudflare's reasons; empty if it gave none.

        ray_id (str | None): The ID by which Cloudflare's support finds the request, or None.
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
    400: the request is wrong.
    """


class AuthenticationError(APIError):
    """
    401: the credential is not accepted, or of the other kind.
    """


class PermissionDeniedError(APIError):
    """
    403: the credential may not do this, or not from this address.
    """


class NotFoundError(APIError):
    """
    404: there is no such token.
    """


class ConflictError(APIError):
    """
    409: the request conflicts with another change.
    """


class UnprocessableEntityError(APIError):
    """
    422: the request is understood, but not accepted.
    """


class RateLimitedError(APIError):
    """
    429: too many requests.

    https://developers.cloudflare.com/fundamentals/api/reference/limits/

    Attributes:
        retry_after (float | None): Seconds to wait before the next request, or None if unknown.

        sent (bool): False if the client's own pace refused the request before it was sent.
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


class TooManyFailuresError(APIError):
    """
    10502, with any status: Cloudflare refuses every credential from this machine for some minutes.

    This follows repeated requests with credentials that were refused. Stop sending: the client never
    retries after it. It is not a `RateLimitedError`, although its status may be 429, because no
    ``Retry-After`` says when it ends. The request had no effect.
    """


class UnexpectedResponseError(CFTokensError):
    """
    An answer of unknown shape, ``success: false`` without an error status, or a redirect.
    """


class PermissionGroupError(CFTokensError, LookupError):
    """
    No such permission group, or more than one.

    Attributes:
        candidates (tuple[PermissionGroup, ...]): The groups with the nearest names, or those that all match.
    """

    def __init__(self, message: str, *, candidates: tuple[PermissionGroup, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class AmbiguousOutcomeError(CFTokensError):
    """
    More than one token could be the lost one. None was changed.

    Attributes:
        candidates (tuple[Token, ...]): The tokens that could be it.
    """

    def __init__(self, message: str, *, candidates: tuple[Token, ...] = ()) -> None:
        super().__init__(message)
        self.candidates = candidates


class CredentialError(CFTokensError):
    """
    The function that was given as *api_token* raised, or returned what cannot be a credential.

    The request was not sent. What the function raised is the error's ``__cause__``.
    """


class NotActiveError(CFTokensError):
    """
    A token did not become active in time, or never will.

    Attributes:
        status (str | None): The last status received, such as ``"disabled"``, or None.

        last_error (CFTokensError | None): The last refusal or failure, or None.
    """

    def __init__(
        self, message: str, *, status: str | None = None, last_error: CFTokensError | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.last_error = last_error
        self.hint = None if last_error is None else last_error.hint


class RotationError(CFTokensError):
    """
    A rotation stopped before its end. What went wrong is its ``__cause__``.

    Attributes:
        stage (str): The step that failed: ``"read"``, ``"create"``, ``"wait"``, ``"check"``, ``"store"`` or
            ``"retire"``. From ``"store"`` on, both tokens work and nothing was deleted.

        predecessor_id (str): The token to be replaced.

        successor (TokenCreateResponse | None): The new token with its value, if it is still there.
    """

    def __init__(
        self,
        message: str,
        *,
        stage: Stage = "read",
        predecessor_id: str = "",
        successor: TokenCreateResponse | None = None,
        outcome_unknown: bool = False,
    ) -> None:
        super().__init__(message, outcome_unknown=outcome_unknown)
        self.stage: Stage = stage
        self.predecessor_id = predecessor_id
        self.successor = successor


class WrongLoopError(CFTokensError, RuntimeError):
    """
    An async client was used from another running loop, or a blocking client from its own loop.
    """


class ClosedError(CFTokensError):
    """
    A client was used after `close()`.
    """
