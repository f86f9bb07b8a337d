"""
Errors and exit statuses: 1 refused or failed, 2 wrong usage, 3 outcome unknown, 130 interrupted.
"""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import click

from cftokens.cli._text import safe
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
        raise _told(error, arguments) from None
    except (ValueError, TypeError) as error:  # an argument that the library refuses
        raise click.UsageError(safe(str(error))) from None
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(safe(f"{error.filename or 'A file'}: {error.strerror}.")) from None
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted.", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _told(error: CFTokensError, arguments: Sequence[str]) -> click.ClickException:
    if error.outcome_unknown:
        return UnknownOutcome(str(error), shlex.join(["cftokens", *arguments]))
    return click.ClickException(safe(str(error)))
