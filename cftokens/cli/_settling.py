"""
The line that settles an unknown outcome, to be pasted.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cftokens.cli._access import Access
from cftokens.cli._destinations import Place
from cftokens.cli._failures import UnknownOutcome, told
from cftokens.cli._owner import Owner
from cftokens.cli._text import iso, typed
from cftokens.errors import CFTokensError, attempt_of
from cftokens.models import CreateAttempt


@contextmanager
def creating(owner: Owner, access: Access, place: Place) -> Iterator[None]:
    """
    End with the exit status 3 and a line if it is unknown whether a token was created.
    """
    with settled(lambda attempt: recover_line(owner, attempt, access, place)):
        yield


@contextmanager
def temporary(owner: Owner) -> Iterator[None]:
    """
    The same for a token with a name of its own, which is not needed any more.
    """
    with settled(lambda attempt: line_of("delete", attempt.name, ["--yes", *owner.arguments])):
        yield


@contextmanager
def settled(line: Callable[[CreateAttempt], str]) -> Iterator[None]:
    """
    End with the exit status 3 and a line if a create was lost.
    """
    try:
        yield
    except (CFTokensError, KeyboardInterrupt) as error:
        attempt = attempt_of(error)
        if attempt is None or (isinstance(error, CFTokensError) and not error.outcome_unknown):
            raise
        raise UnknownOutcome(told(error), line(attempt)) from None


@contextmanager
def repeated(line: str) -> Iterator[None]:
    """
    The same for a change that can be repeated, which is all that a block does.

    An interrupt that no request is under way for comes after it, so its result is lost as well.
    """
    try:
        yield
    except (CFTokensError, KeyboardInterrupt) as error:
        if not getattr(error, "outcome_unknown", True):
            raise
        raise UnknownOutcome(told(error), line) from None


def recover_line(owner: Owner, attempt: CreateAttempt, access: Access, place: Place) -> str:
    """
    Return the command that finds a lost token, with the same access and the same place.
    """
    options = ["--since", iso(attempt.started_on), *owner.arguments, *access.arguments(attempt.expires_on)]
    return line_of("recover", attempt.name, [*options, *place.arguments])


def line_of(command: str, name: str, options: list[str]) -> str:
    """
    Return a command on a token as it is typed.
    """
    named = [*options, "--", name] if name.startswith("-") else [name, *options]
    return typed(["cftokens", command, *named])
