"""
Waits until a new value works.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from cftokens._checks import check_seconds
from cftokens._operations import endpoints
from cftokens._operations.owners import Owner
from cftokens._secret import TokenValue
from cftokens._settings import check_credential
from cftokens._transport.hints import kind_and_door, refuses_address
from cftokens.errors import (
    APIError,
    AuthenticationError,
    CFTokensError,
    ClosedError,
    NoResponseError,
    NotActiveError,
    PermissionDeniedError,
    ServerError,
    WrongLoopError,
)
from cftokens.models import TokenVerifyResponse

MOST_REQUESTS: Final = 8
"""Refusals count towards a lock-out of the whole machine, so the requests are few."""

_GROWTH: Final = 1.75
"""How much longer each pause is than the one before."""

Heard = TokenVerifyResponse | CFTokensError


def check_wait(wait: float | None) -> float | None:
    """
    Return how many seconds to wait, or None.

    Raises:
        ValueError: It is not positive.

        TypeError: It is not a number.
    """
    return None if wait is None else check_seconds(wait, "wait")


async def wait_until_active(owner: Owner, credential: TokenValue, patience: float) -> TokenVerifyResponse:
    """
    Ask *verify* with a value until it says twice in a row that the token is active.

    Raises:
        NotActiveError: It did not in time, or never will.
    """
    _check_kind(owner, check_credential(credential, "value"))
    clock, sleep, _ = owner.timing
    deadline = clock() + patience
    pauses = _pauses(patience)
    confirmed, asked = False, 0
    while True:
        asked += 1
        heard = await _ask(owner.using(credential, max(deadline - clock(), _shortest(patience))))
        active = _is_active(heard, owner.now())
        if active and confirmed and isinstance(heard, TokenVerifyResponse):
            return heard
        left = deadline - clock()
        if problem := _hopeless(heard, owner.now(), left):
            raise _not_active(f"The token is not active, and waiting does not help: {problem}", heard)
        if left <= 0 or asked == MOST_REQUESTS:
            raise _not_active(f"The token did not become active within {patience:g} s.", heard)
        confirmed = active
        await sleep(min(_shortest(patience) if active else next(pauses), left))


def _pauses(patience: float) -> Iterator[float]:
    """
    Yield the pauses between requests, whose sum is the whole time.

    The last is short, so that an answer near the end can still be confirmed.
    """
    for number in range(MOST_REQUESTS - 2):
        yield _shortest(patience) * _GROWTH**number
    yield _shortest(patience)


def _shortest(patience: float) -> float:
    return patience / (1 + (_GROWTH ** (MOST_REQUESTS - 2) - 1) / (_GROWTH - 1))


def _check_kind(owner: Owner, credential: TokenValue) -> None:
    world = "user" if owner.account_id is None else "account"
    if credential.kind is not None and credential.kind != world:
        kind, door = kind_and_door(credential.kind)
        raise ValueError(f"value is that of {kind} token; use {door}.")


async def _ask(owner: Owner) -> Heard:
    try:
        return await owner.send(endpoints.verify_token(owner.tokens_path))
    except (ClosedError, WrongLoopError):
        raise
    except CFTokensError as error:
        return error


def _is_active(heard: Heard, now: datetime) -> bool:
    return (
        isinstance(heard, TokenVerifyResponse)
        and heard.status == "active"
        and (heard.not_before is None or heard.not_before <= now)
        and (heard.expires_on is None or heard.expires_on > now)
    )


def _hopeless(heard: Heard, now: datetime, left: float) -> str | None:
    """
    Return why the token will not become active in the seconds that are left, or None.
    """
    if isinstance(heard, CFTokensError):
        return None if _may_pass(heard) else str(heard)
    if heard.status in ("expired", "disabled") or heard.status.startswith("revoked"):
        return f"its status is {heard.status!r}."
    if heard.expires_on is not None and heard.expires_on <= now:
        return f"it expired on {heard.expires_on.isoformat()}."
    if heard.not_before is not None and (heard.not_before - now).total_seconds() > max(left, 0.0):
        return f"it is not valid before {heard.not_before.isoformat()}."
    return None


def _may_pass(error: CFTokensError) -> bool:
    """
    Return whether an error is one that a new value can meet, or that passes.
    """
    if isinstance(error, NoResponseError | ServerError | AuthenticationError):
        return True
    if isinstance(error, PermissionDeniedError):
        return not refuses_address(error)
    return isinstance(error, APIError) and any(each.code == 10405 for each in error.errors)


def _not_active(problem: str, heard: Heard) -> NotActiveError:
    if isinstance(heard, TokenVerifyResponse):
        return NotActiveError(problem, status=heard.status)
    return NotActiveError(problem, last_error=heard)
