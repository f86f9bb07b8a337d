"""
Makes tokens that nobody else knows of, and removes them, even if the task is cancelled meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from cftokens._operations import endpoints, recovery
from cftokens._operations.changes import Lost
from cftokens._operations.owners import Owner
from cftokens._settings import longest_wait
from cftokens.errors import CFTokensError, NotFoundError
from cftokens.models import CreateAttempt, Token, TokenCreateResponse

T = TypeVar("T")

_LOG: Final = logging.getLogger("cftokens")

SECONDS: Final = 10.0
"""How long a clean-up may take."""


class Removal(NamedTuple):
    """
    What came of deleting a token.
    """

    gone: bool

    interrupt: BaseException | None
    """What came meanwhile, and must be raised."""


async def make(
    owner: Owner, create: Coroutine[Any, Any, TokenCreateResponse], seconds: float, *, unique: bool
) -> TokenCreateResponse:
    """
    Await a create. Settle it if its outcome is unknown, and remove what it made if it is interrupted.

    From then on, the caller answers for the token.

    Args:
        owner: Whose token it is.

        create: The create.

        seconds: How long removing may take.

        unique: Whether only this create can have made a token of its name. If not, nothing is settled or
            removed, because it might be another's.

    Raises:
        CFTokensError: There is no token. If the outcome is still unknown, the error has the attempt.
    """
    lost: CreateAttempt | None = None
    try:
        try:
            created = await create
        except CFTokensError as error:
            lost = error.attempt
            if lost is None or not unique:
                raise
            created = await _settle(owner, error, lost)
    except CFTokensError:
        raise
    except BaseException as interrupt:
        lost = lost or getattr(interrupt, "attempt", None)
        if lost is not None and unique:
            _, second = await finish(partial(_clean_up, owner, lost, interrupt), seconds)
            if second is not None and isinstance(interrupt, Exception):
                raise second from interrupt
        raise
    owner.ledger.answer_for(created.id)
    return created


async def _settle(owner: Owner, error: CFTokensError, attempt: CreateAttempt) -> TokenCreateResponse:
    """
    Return the token that a lost create made, looking for it as often as a request is tried.
    """
    retry, waited, wait = owner.retry, 0.0, 0.0
    for looked in range(1, retry.attempts + 1):
        waited += wait
        if waited > retry.budget:
            break
        await owner.timing.sleep(wait)
        try:
            recovered = await recovery.recover(owner, attempt)
        except CFTokensError as failure:
            if owner.ledger.lost(attempt) is None:  # the token was found, but is not as it should be
                raise
            error.add_note(f"It could not be settled: {failure}")
            if failure.attempt is None:  # only a roll without an answer is worth another try
                break
        else:
            if recovered is not None:
                owner.ledger.settled_for_good(attempt)
                return recovered
        wait = longest_wait(retry, looked)
    raise error


async def _clean_up(owner: Owner, attempt: CreateAttempt, interrupt: BaseException) -> None:
    """
    Delete the token that an interrupted create made, and note on *interrupt* what became of it.
    """
    try:
        token = await recovery.find(owner, owner.ledger.lost(attempt) or Lost(attempt))
    except Exception as failure:  # noqa: BLE001 -- whatever a hook of a borrowed session raises
        interrupt.add_note(f"Whether a token named {attempt.name!r} was made is unknown: {_told(failure)}")
        return
    if token is None:
        return
    problem = await _delete(owner, token)
    tell(token, problem, interrupt)
    if not problem:
        owner.ledger.settled_for_good(attempt)
        interrupt.attempt = None  # type: ignore[attr-defined]  # attempt_of() reads it
        interrupt.outcome_unknown = False  # type: ignore[attr-defined]


async def remove(owner: Owner, token: Token, cause: BaseException | None, seconds: float) -> Removal:
    """
    Delete a token, even if this task is cancelled meanwhile.

    Args:
        owner: Whose token it is.

        token: The token.

        cause: What is being raised, which gets a note, or None.

        seconds: How long it may take.
    """
    outcome, interrupt = await finish(partial(_delete, owner, token), seconds)
    problem = "there was not enough time." if outcome is None else outcome
    tell(token, problem, cause, interrupt)
    return Removal(not problem, interrupt)


async def _delete(owner: Owner, token: Token) -> str:
    """
    Delete a token, and return what went wrong.
    """
    try:
        await owner.change(endpoints.delete_token(owner.path_of(token.id)))
    except NotFoundError:
        return ""
    except Exception as failure:  # noqa: BLE001 -- whatever a hook of a borrowed session raises
        return _told(failure)
    return ""


def _told(failure: Exception) -> str:
    """
    Return the text of an error of ours. Another's text could hold a secret.
    """
    return str(failure) if isinstance(failure, CFTokensError) else f"{type(failure).__name__} was raised."


def tell(token: Token, problem: str, *raised: BaseException | None) -> None:
    """
    Note on what is being raised that a token was deleted, or log and note that it was not.
    """
    text = f"The token {token.id} was deleted."
    if problem:
        end = "never expires" if token.expires_on is None else f"expires on {token.expires_on.isoformat()}"
        text = f"The token {token.id}, which {end}, could not be deleted: {problem}"
    for each in raised:
        if each is not None:
            each.add_note(text)
    if problem:
        _LOG.warning("%s", text)


async def finish(
    work: Callable[[], Coroutine[Any, Any, T]], seconds: float
) -> tuple[T | None, BaseException | None]:
    """
    Carry out work to its end, even if this task is cancelled meanwhile.

    Returns:
        The result, or None if it took longer than *seconds* and was cancelled; and what came meanwhile, to be
        raised afterwards, or None.
    """
    task = asyncio.ensure_future(_contain(work))
    interrupt = await _outlast(task, seconds)
    if not task.done():
        task.cancel()
        interrupt = await _outlast(task, None) or interrupt
    if task.cancelled():  # before its first step
        return None, interrupt
    result, error = task.result()
    return result, interrupt or error


async def _contain(work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T | None, BaseException | None]:
    """
    Return the result of work, or what it raised: a SystemExit, such as a log handler's, would end the loop.
    """
    try:
        return await work(), None
    except asyncio.CancelledError:
        return None, None
    except BaseException as error:  # noqa: BLE001 -- raised again where the work is awaited
        return None, error


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
