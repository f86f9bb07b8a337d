"""
Rotation: replaces a token by a successor without a gap.

What fails before the successor may have been stored deletes it, and the error tells what there is.
"""

import inspect
import logging
import re
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from cftokens._checks import LONGEST_NAME, check_duration, check_token_name
from cftokens._operations import editing, endpoints
from cftokens._operations.activation import check_wait, wait_until_active
from cftokens._operations.cleaning import SECONDS, make, remove
from cftokens._operations.groups import may_manage_tokens
from cftokens._operations.lifecycle import is_over, retire
from cftokens._operations.owners import Owner
from cftokens.errors import CFTokensError, RotationError, Stage
from cftokens.models import Rotation, Token, TokenCreateResponse

Callback = Callable[[TokenCreateResponse], object]
"""A function of the caller's, or a coroutine function."""

_LOG: Final = logging.getLogger("cftokens")

_SUCCESSOR_END: Final = re.compile(r" \d{4}-\d{2}-\d{2} [0-9a-f]{8}$")
_LONGEST_SUCCESSOR_END: Final = len(" 2026-01-02 01234567")

_HOW_TO: Final = "the how-to 'Rotate a token that makes tokens'"


class Plan(NamedTuple):
    """
    How to rotate a token.
    """

    store: Callback
    check: Callback | None
    lifetime: timedelta | None
    overlap: timedelta
    name: str | None
    wait: float | None


def plan_from(
    *,
    store: Callback,
    check: Callback | None,
    lifetime: timedelta | None,
    overlap: timedelta,
    name: str | None,
    wait: float | None,
) -> Plan:
    """
    Return a checked plan.

    Raises:
        ValueError: An argument is wrong.

        TypeError: An argument has the wrong type.
    """
    for function, argument in ((store, "store"), (check, "check")):
        if not callable(function) and not (argument == "check" and function is None):
            raise TypeError(f"{argument} must be a function, not {type(function).__name__}.")
    return Plan(
        store=store,
        check=check,
        lifetime=None if lifetime is None else check_duration(lifetime, "lifetime", timedelta(seconds=1)),
        overlap=check_duration(overlap, "overlap", timedelta(0)),
        name=None if name is None else check_token_name(name),
        wait=check_wait(wait),
    )


class _StoppedError(Exception):
    """
    A reason to stop that is no failure of a request.
    """


async def rotate(owner: Owner, token_id: str, plan: Plan) -> Rotation:
    """
    Replace a token by a successor without a gap.
    """
    path = owner.path_of(token_id)
    progress = _Progress(owner, token_id)
    async with progress.at("read"):
        predecessor, before = await owner.send(endpoints.read_token(path))
        _refuse(predecessor, owner.now())
    async with progress.at("create"):
        changes = _changes(predecessor, owner.now(), plan)
        copying = editing.copy(owner, predecessor, before, changes)
        progress.successor = successor = await make(owner, copying, SECONDS, unique=plan.name is None)
    async with progress.at("wait"):
        if plan.wait is not None:
            await wait_until_active(owner, successor.value, plan.wait)
    async with progress.at("check"):
        if plan.check is not None and await _call(plan.check, successor) is False:
            raise _StoppedError("check() returned False.")
    async with progress.at("store"):
        await _call(plan.store, successor)
    async with progress.at("retire"):
        ended = await retire(owner, token_id, plan.overlap)
    return Rotation(
        predecessor=ended,
        successor=successor,
        retires_on=owner.now() if ended.expires_on is None or not plan.overlap else ended.expires_on,
    )


def _refuse(token: Token, now: datetime) -> None:
    """
    Refuse a token that cannot be replaced by a copy.
    """
    if may_manage_tokens(token.policies):
        raise _StoppedError(
            "it makes tokens, and no token that does can be made through the API. "
            f"Use two that roll each other: see {_HOW_TO}."
        )
    if token.status != "active":
        raise _StoppedError(f"its status is {token.status!r}, so a copy would work where it does not.")
    if is_over(token, now):
        raise _StoppedError("it has expired, so a copy would work where it does not.")


def _changes(predecessor: Token, now: datetime, plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name or _successor_name(predecessor.name or "token", now),
        "expires_on": None if plan.lifetime is None else now + plan.lifetime,
        "not_before": None,
    }


def _successor_name(name: str, now: datetime) -> str:
    base = _SUCCESSOR_END.sub("", name)[: LONGEST_NAME - _LONGEST_SUCCESSOR_END].rstrip()
    return f"{base} {now:%Y-%m-%d} {secrets.token_hex(4)}"


async def _call(callback: Callback, successor: TokenCreateResponse) -> object:
    result = callback(successor)
    return await result if inspect.isawaitable(result) else result


class _Progress:
    """
    How far a rotation has come, and what is told and removed if it stops.
    """

    def __init__(self, owner: Owner, predecessor_id: str) -> None:
        self.successor: TokenCreateResponse | None = None
        self._owner = owner
        self._predecessor_id = predecessor_id

    @asynccontextmanager
    async def at(self, stage: Stage) -> AsyncIterator[None]:
        """
        Run one stage.

        Raises:
            RotationError: It failed.
        """
        try:
            yield
        except BaseException as error:
            stopped = await self._stop(stage, error)
            if stopped is error:
                raise
            raise stopped from (None if isinstance(error, _StoppedError) else error)

    async def _stop(self, stage: Stage, error: BaseException) -> BaseException:
        """
        Delete the successor, unless it may have been stored, and return what to raise.
        """
        interrupt = None
        if self.successor is not None and stage not in ("store", "retire"):
            gone, interrupt = await remove(self._owner, self.successor, error, SECONDS)
            self.successor = None if gone else self.successor
        if interrupt is None and isinstance(error, Exception) and _is_failure(stage, error):
            return self._error(stage, error)
        return self._interrupted(stage, interrupt or error)

    def _error(self, stage: Stage, error: Exception) -> RotationError:
        known = error if isinstance(error, CFTokensError) else None
        unknown = known is not None and known.outcome_unknown
        ours = isinstance(error, CFTokensError | _StoppedError)  # another's text could hold a secret
        reason = error if ours else f"{type(error).__name__} was raised."
        stopped = RotationError(
            f"The rotation of {self._predecessor_id} stopped at {stage!r}: {reason} "
            f"{self._state(stage, unknown=unknown)}",
            stage=stage,
            predecessor_id=self._predecessor_id,
            successor=self.successor,
            outcome_unknown=unknown,
        )
        if known is not None:
            stopped.attempt, stopped.hint = known.attempt, known.hint
        return stopped

    def _interrupted(self, stage: Stage, interrupt: BaseException) -> BaseException:
        """
        Note on what interrupts a rotation what there is.
        """
        state = self._state(stage, unknown=getattr(interrupt, "attempt", None) is not None)
        text = f"The rotation of {self._predecessor_id} was interrupted. {state}"
        interrupt.add_note(text)
        if self.successor is not None:  # a TaskGroup drops the exceptions of the tasks that it cancels
            _LOG.warning("%s", text)
        return interrupt

    def _state(self, stage: Stage, *, unknown: bool) -> str:
        """
        Return what there is after a stage that failed.
        """
        successor_id = None if self.successor is None else self.successor.id
        if stage == "read":
            return "Nothing was changed."
        if stage == "store":
            return f"Both tokens work, and nothing was deleted. The successor is {successor_id}."
        if stage == "retire":
            return f"The successor {successor_id} is stored, but the old token may not retire: call retire()."
        if stage == "create" and unknown:
            return "The token is unchanged. Whether its successor was made is unknown."
        if successor_id is None:
            return "The token is unchanged, and there is no successor."
        return f"The token is unchanged. Delete its successor {successor_id}."


def _is_failure(stage: Stage, error: Exception) -> bool:
    """
    Return whether an exception means that a stage failed. Others are those of a borrowed session's hooks.
    """
    return isinstance(error, CFTokensError | _StoppedError) or stage in ("check", "store")
