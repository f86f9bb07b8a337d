"""
The command that replaces a token: rotate.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import attrs
import click

from cftokens.cli._access import durations, seconds
from cftokens.cli._asking import dry_run_option
from cftokens.cli._completing import token_names
from cftokens.cli._destinations import Place, announce, deliver, needed, placing, reserved
from cftokens.cli._failures import Interrupted, UnknownOutcome
from cftokens.cli._output import Output, note, printing
from cftokens.cli._owner import Owner, owned
from cftokens.cli._settling import line_of, settled, temporary
from cftokens.cli._text import iso, safe, titled, typed
from cftokens.errors import RotationError
from cftokens.models import Token, TokenCreateResponse


@click.command("rotate")
@owned
@placing
@printing
@click.option(
    "--lifetime",
    callback=durations(or_never=True),
    required=True,
    metavar="90d|never",
    help="How long the successor works.",
)
@click.option(
    "--overlap",
    callback=durations(),
    default="1h",
    metavar="1h",
    help="How long the old token still works. By default an hour.",
)
@click.option("--name", metavar="NAME", help="The successor's name. By default the old one's, with the date.")
@dry_run_option
@click.argument("token", metavar="TOKEN", shell_complete=token_names)
def rotate_command(
    owner: Owner,
    token: str,
    *,
    place: Place | None,
    output: Output,
    lifetime: timedelta | None,
    overlap: timedelta,
    name: str | None,
    dry_run: bool,
) -> None:
    """
    Replace a token by a successor, without a gap.

    The successor has the same access. When its value is stored, the old token's life is shortened, so that
    Cloudflare itself ends it. TOKEN is an id or an exact name.

    \b
    Example:
      cftokens rotate dns-bot --lifetime 90d --overlap 1h --value-to new.token
    """  # fmt: skip
    chosen = needed(place, output)
    found = owner.find(token)
    if dry_run:
        output.plan(f"{titled(found)} would get a successor, and would end {overlap} later.", ())
        return
    handing = Handing(owner, found, overlap, chosen, output)
    with reserved(chosen), handing.told(), lost(owner, unique=name is None):
        rotation = owner.tokens.rotate(
            found.id, store=handing.store, lifetime=lifetime, overlap=overlap, name=name
        )
    made = rotation.successor
    announce(chosen, output, made, f"Created the successor {titled(made)}.")
    note(f"The token {titled(found)} stops working on {iso(rotation.retires_on)}.")


@contextmanager
def lost(owner: Owner, *, unique: bool) -> Iterator[None]:
    """
    End with the exit status 3 and a line if it is unknown whether a successor was made.

    Args:
        owner: Whose token it is.

        unique: Whether no other token can have its name. If not, the line only shows what there is.
    """
    if unique:
        with temporary(owner):
            yield
        return
    with settled(lambda attempt: typed(["cftokens", "list", "--name", attempt.name, *owner.arguments])):
        yield


@attrs.define
class Handing:
    """
    Hands the value of a successor over, and says what there is if the rotation stops.
    """

    owner: Owner
    old: Token
    overlap: timedelta
    place: Place
    output: Output
    successor: Token | None = None
    is_stored: bool = False

    def store(self, successor: TokenCreateResponse) -> None:
        """
        Put the successor's value where it goes.
        """
        self.successor = successor
        deliver(self.place, self.output, successor, successor.value)
        self.is_stored = True

    @contextmanager
    def told(self) -> Iterator[None]:
        """
        Explain what stops a rotation after the successor was made.
        """
        try:
            yield
        except (RotationError, KeyboardInterrupt) as error:
            if self.successor is None:
                raise
            raise self._explained(error, self.successor) from None

    def _explained(self, error: BaseException, successor: Token) -> click.ClickException:
        if self.is_stored:
            options = ["--after", seconds(self.overlap), "--yes", *self.owner.arguments]
            line = line_of("retire", self.old.id, options)
            state = f"The successor {successor.id} is stored {self.place.where}, the old token not retired"
            is_unknown = getattr(error, "outcome_unknown", True)
        else:
            line = line_of("delete", successor.id, ["--yes", *self.owner.arguments])
            state = f"The value of the successor {successor.id} is lost, and the old token is unchanged"
            is_unknown = isinstance(error, KeyboardInterrupt)  # it may be on its way to the disk
        if is_unknown:
            return UnknownOutcome(f"{_reason(error)} Perhaps this is so: {state}.", line)
        kind = Interrupted if isinstance(error, KeyboardInterrupt) else click.ClickException
        return kind(f"{safe(f'{_reason(error)} {state}.')} This ends it:\n{line}")


def _reason(error: BaseException) -> str:
    cause = error.__cause__ or error
    return f"{cause.strerror}." if isinstance(cause, OSError) else str(cause) or "Interrupted."
