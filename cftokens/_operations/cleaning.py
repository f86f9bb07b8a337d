"""
Makes tokens that nobody else knows of, and removes them, even if the task is cancelled meanwhile.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from cftokens._operations import endpoints, recovery
from cftokens._operations.changes import Lost
from cftokens._operations.owners import Owner
from cftokens.errors import AmbiguousOutcomeError, CFTokensError, NotFoundError, RateLimitedError
from cftokens.models import CreateAttempt, Token, TokenCreateResponse

T = TypeVar("T")

_LOG: Final = logging.getLogger("cftokens")

SECONDS: Final = 10.0
"""How long a clean-up may take."""


async def make(
    owner: Owner, create: Coroutine[Any, Any, TokenCreateResponse], seconds: float
) -> TokenCreateResponse:
    """
    Await a create. Settle it if its outcome is unknown, and remove what it made if it is interrupted.

    From then on, the caller answers for the token.

    Raises:
        CFTokensError: There is no token. If the outcome is still unknown, the error has the attempt.
    """
    lost: CreateAttempt | None = None
    try:
        try:
            created = await create
        except CFTokensError as error:
            lost = error.attempt
            if lost is None:
                raise
            created = await _settle(owner, error, lost)
    except CFTokensError:
        raise
    except BaseException as interrupt:
        lost = lost or getattr(interrupt, "attempt", None)
        if lost is not None:
            await finish(_clean_up(owner, lost, interrupt), seconds)
        raise
    owner.ledger.answer_for(created.id)
    return created


async def _settle(owner: Owner, error: CFTokensError, attempt: CreateAttempt) -> TokenCreateResponse:
    """
    Return the token that a lost create made, looking for it as often as a request is tried.
    """
    retry, waited, wait = owner.retry, 0.0, 0.0
    for number in range(retry.attempts):
        waited += wait
        if waited > retry.budget:
            break
        await owner.timing.sleep(wait)
        try:
            recovered = await recovery.recover(owner, attempt)
        except CFTokensError as failure:
            error.add_note(f"It could not be settled: {failure}")
            if isinstance(failure, AmbiguousOutcomeError | RateLimitedError) or not failure.outcome_unknown:
                break
        else:
            if recovered is not None:
                owner.ledger.settled_for_good(attempt)
                return recovered
        wait = min(retry.first_wait * 2.0 ** min(number, 64), retry.longest_wait)
    raise error


async def _clean_up(owner: Owner, attempt: CreateAttempt, interrupt: BaseException) -> None:
    """
    Delete the token that an interrupted create made, and note on *interrupt* what became of it.
    """
    try:
        token = await recovery.find(owner, owner.ledger.lost(attempt) or Lost(attempt))
    except CFTokensError as failure:
        interrupt.add_note(f"Whether a token named {attempt.name!r} was made could not be told: {failure}")
        return
    if token is None:
        return
    if await _delete(owner, token, interrupt):
        owner.ledger.settled_for_good(attempt)
        interrupt.attempt = None  # type: ignore[attr-defined]  # attempt_of() reads it


async def remove(owner: Owner, token: Token, cause: BaseException | None, seconds: float) -> bool:
    """
    Delete a token, even if this task is cancelled meanwhile, and return whether it is gone.

    Args:
        owner: Whose token it is.

        token: The token.

        cause: What is being raised, which gets a note, or None.

        seconds: How long it may take.
    """
    return await finish(_delete(owner, token, cause), seconds) is True


async def _delete(owner: Owner, token: Token, cause: BaseException | None) -> bool:
    gone = False
    problem = "there was not enough time"
    try:
        await owner.change(endpoints.delete_token(owner.path_of(token.id)))
        gone = True
    except NotFoundError:
        gone = True
    except CFTokensError as failure:
        problem = str(failure)
    except Exception as error:  # noqa: BLE001 -- whatever a hook of a borrowed session raises
        problem = f"{type(error).__name__} was raised"
    finally:
        _tell(token, cause, None if gone else problem)
    return gone


def _tell(token: Token, cause: BaseException | None, problem: str | None) -> None:
    if problem is None:
        text = f"The token {token.id} was deleted."
    else:
        end = "never expires" if token.expires_on is None else f"expires on {token.expires_on.isoformat()}"
        text = f"The token {token.id}, which {end}, could not be deleted: {problem}"
        _LOG.warning("%s", text)
    if cause is not None:
        cause.add_note(text)


async def finish(work: Coroutine[Any, Any, T], seconds: float) -> T | None:
    """
    Await work to its end, even if this task is cancelled meanwhile: that is raised afterwards.

    Returns:
        The result, or None if it took longer than *seconds* and was cancelled.
    """
    task = asyncio.ensure_future(work)
    interrupt = await _outlast(task, seconds)
    if not task.done():
        task.cancel()
        interrupt = await _outlast(task, None) or interrupt
    if interrupt is not None:
        raise interrupt
    return None if task.cancelled() else task.result()


async def _outlast(task: "asyncio.Task[Any]", seconds: float | None) -> asyncio.CancelledError | None:
    """
    Wait for a task whatever happens, and return the cancellation that came meanwhile, or None.
    """
    loop = asyncio.get_running_loop()
    end = None if seconds is None else loop.time() + seconds
    interrupt: asyncio.CancelledError | None = None
    while not task.done():
        left = None if end is None else end - loop.time()
        if left is not None and left <= 0:
            break
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError as cancelled:
            interrupt = cancelled
    return interrupt
