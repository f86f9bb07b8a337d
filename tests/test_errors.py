"""
Errors keep their attributes, even when copied or pickled.
"""

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest

import cftokens
from cftokens import errors
from cftokens.errors import (
    AmbiguousOutcomeError,
    APIError,
    AuthenticationError,
    BadRequestError,
    CFTokensError,
    ClosedError,
    ConflictError,
    ErrorData,
    NoResponseError,
    NotActiveError,
    NotFoundError,
    PermissionDeniedError,
    PermissionGroupError,
    RateLimitedError,
    RequestTimeoutError,
    RotationError,
    ServerError,
    TooManyFailuresError,
    UnexpectedResponseError,
    UnprocessableEntityError,
    WrongLoopError,
    attempt_of,
)
from cftokens.models import PermissionGroup, Token
from tests.answers import ATTEMPT
from tests.vocabulary import TOKEN_ID, ZONE_READ

KINDS = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, CFTokensError)]
DATA = ErrorData(code=9109, message="Forbidden", pointer="/policies/0", documentation_url="https://x.test")


def full() -> Iterator[CFTokensError]:
    """
    Make one error of each class, with every attribute set.
    """
    api: dict[str, Any] = {"errors": (DATA,), "ray_id": "8f00b4", "hint": "Do.", "outcome_unknown": True}
    for kind in KINDS:
        error: CFTokensError
        if kind is RateLimitedError:
            error = RateLimitedError("said", **api, retry_after=2.5, sent=False)
        elif issubclass(kind, APIError):
            error = kind("said", status=418, **api)
        elif kind is PermissionGroupError:
            error = PermissionGroupError(
                "said", candidates=(PermissionGroup(id=ZONE_READ, meta={"a": None}),)
            )
        elif kind is AmbiguousOutcomeError:
            error = AmbiguousOutcomeError("said", candidates=(Token(id=TOKEN_ID),))
        elif kind is NotActiveError:
            error = NotActiveError("said", status="disabled")
        elif kind is RotationError:
            error = RotationError("said", stage="store", predecessor_id=TOKEN_ID, outcome_unknown=True)
        else:
            error = kind("said", outcome_unknown=True)
        error.attempt = ATTEMPT
        error.add_note("a note")
        yield error


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (NoResponseError, [CFTokensError]),
        (RequestTimeoutError, [NoResponseError, TimeoutError]),
        (APIError, [CFTokensError]),
        (BadRequestError, [APIError]),
        (AuthenticationError, [APIError]),
        (PermissionDeniedError, [APIError]),
        (NotFoundError, [APIError]),
        (ConflictError, [APIError]),
        (UnprocessableEntityError, [APIError]),
        (RateLimitedError, [APIError]),
        (ServerError, [APIError]),
        (TooManyFailuresError, [APIError]),
        (UnexpectedResponseError, [CFTokensError]),
        (PermissionGroupError, [CFTokensError, LookupError]),
        (AmbiguousOutcomeError, [CFTokensError]),
        (NotActiveError, [CFTokensError]),
        (RotationError, [CFTokensError]),
        (WrongLoopError, [CFTokensError, RuntimeError]),
        (ClosedError, [CFTokensError]),
    ],
)
def test_each_error_has_its_base_classes(kind: type, parents: list[type]) -> None:
    """
    Catching a base class catches its subclasses.
    """
    assert list(kind.__bases__) == parents


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_is_documented_and_exported(kind: type) -> None:
    """
    The module's docstring names every class, and the package exports it.
    """
    assert kind.__name__ in str(errors.__doc__)
    assert getattr(cftokens, kind.__name__) is kind


@pytest.mark.parametrize("error", list(full()), ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "travel", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_error_can_be_copied_and_pickled(travel: Any, error: CFTokensError) -> None:
    """
    The copy has the same class, text, attributes and notes.
    """
    other = travel(error)

    assert type(other) is type(error)
    assert (str(other), other.args) == ("said", ("said",))
    assert vars(other) == vars(error)
    assert other.__notes__ == ["a note"]


@pytest.mark.parametrize("error", list(full()), ids=lambda error: type(error).__name__)
def test_an_error_shows_its_message(error: CFTokensError) -> None:
    """
    Its str() is the message alone, and its repr() adds the class.
    """
    assert str(error) == "said"
    assert repr(error) == f"{type(error).__name__}('said')"


def test_attributes_have_defaults() -> None:
    """
    An error made from a message alone, as in a user's test, has every attribute.
    """
    error = RateLimitedError("slow down")

    assert (error.status, error.errors, error.ray_id, error.hint) == (429, (), None, None)
    assert (error.retry_after, error.sent, error.outcome_unknown, error.attempt) == (None, True, False, None)
    assert (PermissionGroupError("none").candidates, AmbiguousOutcomeError("two").candidates) == ((), ())


def chained(inner: BaseException, *, cause: bool) -> BaseException:
    """
    Return a TimeoutError that was raised because of, or while handling, another exception.
    """
    outer = TimeoutError()
    if cause:
        outer.__cause__ = inner
    else:
        outer.__context__ = inner
    return outer


class TestAttemptOf:
    def test_it_is_found_on_an_error(self) -> None:
        """
        A CFTokensError has it as an attribute.
        """
        error = NoResponseError("none")
        error.attempt = ATTEMPT

        assert attempt_of(error) is ATTEMPT

    @pytest.mark.parametrize("cause", [True, False])
    def test_it_is_found_behind_an_interruption(self, cause: bool) -> None:
        """
        A TimeoutError leads to it through a chain of causes or contexts.
        """
        cancelled = BaseException()
        cancelled.attempt = ATTEMPT  # type: ignore[attr-defined]

        assert attempt_of(chained(chained(cancelled, cause=cause), cause=cause)) is ATTEMPT

    def test_there_may_be_none(self) -> None:
        """
        Other errors give None, even with another kind of attempt attribute.
        """
        stranger = ValueError()
        stranger.attempt = 3  # type: ignore[attr-defined]

        assert attempt_of(chained(stranger, cause=True)) is None
        assert attempt_of(NoResponseError("none")) is None
