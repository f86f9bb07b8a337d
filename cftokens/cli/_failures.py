"""
Errors and exit statuses: 1 refused or failed, 2 wrong usage, 3 outcome unknown, 130 interrupted.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from cftokens.cli._terms import in_terms
from cftokens.cli._text import safe, typed
from cftokens.errors import CFTokensError

UNKNOWN: Final = 3
INTERRUPTED: Final = 130


class UnknownOutcome(click.ClickException):
    """
    A request may have taken effect. The last line of the message settles it.

    Args:
        message: What happened.

        line: What the user can paste.
    """

    exit_code = UNKNOWN

    def __init__(self, message: str, line: str) -> None:
        super().__init__(f"{safe(message)}\nThe outcome is unknown. This settles it:\n{line}")


class Interrupted(click.ClickException):
    """
    A command was interrupted, and there is something to say about what it left.
    """

    exit_code = INTERRUPTED


@contextmanager
def failures(arguments: Sequence[str] = ()) -> Iterator[None]:
    """
    Turn what a command raises into one message and an exit status.

    Args:
        arguments: What the user typed, which is repeated if a change has an unknown outcome.
    """
    try:
        yield
    except click.UsageError as error:
        message = error.format_message()
        if safe(message) == message:
            raise
        raise click.UsageError(safe(message), error.ctx) from None
    except CFTokensError as error:
        raise _failure(error, arguments) from None
    except (ValueError, TypeError) as error:  # an argument that the library refuses
        raise click.UsageError(safe(told(error))) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(
            safe(f"{error.filename or 'Standard output'}: {error.strerror}.")
        ) from None
    except (KeyboardInterrupt, click.Abort) as error:
        if getattr(error, "outcome_unknown", False):
            raise UnknownOutcome(told(error), _typed(arguments)) from None
        click.echo(safe(told(error)), err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def told(error: BaseException) -> str:
    """
    Return what happened, and what the library noted on what is true now.
    """
    return in_terms("\n".join([str(error) or "Interrupted.", *getattr(error, "__notes__", ())]))


def _failure(error: CFTokensError, arguments: Sequence[str]) -> click.ClickException:
    if error.outcome_unknown:
        return UnknownOutcome(told(error), _typed(arguments))
    return click.ClickException(safe(told(error)))


def _typed(arguments: Sequence[str]) -> str:
    return typed(["cftokens", *arguments])
