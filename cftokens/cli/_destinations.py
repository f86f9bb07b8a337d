"""
Where a new value goes: a new file, a line of an environment file, or standard output.

The place is tried before a token is made, with as much room as a value needs, so that a full disk or a
directory that cannot be written costs no token.
"""

import errno
import functools
import os
import re
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol, cast

import click

from cftokens._secret import TokenValue
from cftokens.cli._output import Output, document, note, token_document
from cftokens.cli._text import clean
from cftokens.models import Token

_ROOM: Final = 4096
"""Bytes that are written before there is a value, which is shorter."""


class Place(Protocol):
    """
    Where a value goes.
    """

    @property
    def where(self) -> str:
        """
        What to call it.
        """
        ...

    @property
    def arguments(self) -> list[str]:
        """
        The options that name it.
        """
        ...

    def prepare(self) -> None:
        """
        Try the place.
        """

    def store(self, value: TokenValue) -> None:
        """
        Put a value there.
        """

    def discard(self) -> None:
        """
        Leave nothing behind, unless a value was stored.
        """


class NewFile:
    """
    A new file that only its owner may read. On Windows, its directory decides who may.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def where(self) -> str:
        """
        What to call it.
        """
        return f"in {self._path}"

    @property
    def arguments(self) -> list[str]:
        """
        The options that name it.
        """
        return ["--value-to", self._path]

    def prepare(self) -> None:
        """
        Make the file, with room in it.
        """
        try:
            self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise click.ClickException(f"{self._path} exists, and is never overwritten.") from None
        try:
            _write(self._file, b" " * _ROOM)
        except OSError as error:
            self.discard()
            raise OSError(error.errno, error.strerror, self._path) from None

    def store(self, value: TokenValue) -> None:
        """
        Write a value, and nothing else.
        """
        if self._file is None:
            self.prepare()
        file = cast(int, self._file)
        _write(file, value.reveal().encode())
        _check_place(file, self._path)
        os.close(file)
        self._file = None

    def discard(self) -> None:
        """
        Remove the file.
        """
        if self._file is not None:
            file, self._file = self._file, None
            _remove(file, self._path)


class EnvironmentFile:
    """
    A line ``NAME=value`` of a file whose other lines are kept.
    """

    def __init__(self, path: str, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise click.UsageError(
                "--value-to-env needs FILE and NAME, which is a variable's name such as CF_TOKEN."
            )
        self._given = path
        self._name = name
        self._path = Path(os.path.realpath(path))
        self._new: tuple[int, str] | None = None

    @property
    def where(self) -> str:
        """
        What to call it.
        """
        return f"in {self._given} as {self._name}"

    @property
    def arguments(self) -> list[str]:
        """
        The options that name it.
        """
        return ["--value-to-env", self._given, self._name]

    def prepare(self) -> None:
        """
        Write the new file beside the old one, with room for a value.
        """
        head, tail, old = self._split()
        mode = _mode_of(old)
        try:
            self._new = tempfile.mkstemp(prefix=f".{self._path.name}.", dir=self._path.parent)
            _write(self._new[0], head + b" " * _ROOM + tail)
        except OSError as error:
            self.discard()
            raise OSError(error.errno, error.strerror, self._given) from None
        if sys.platform != "win32" and mode & (stat.S_IRGRP | stat.S_IROTH):  # Windows always shows both
            note(f"{self._given} can be read by others on this machine (mode {mode:04o}).")

    def store(self, value: TokenValue) -> None:
        """
        Replace the line, in one step.
        """
        if self._new is None:
            self.prepare()
        file, name = cast(tuple[int, str], self._new)
        head, tail, old = self._split()  # again, because the file may have changed since
        _write(file, head + f"{self._name}={value.reveal()}".encode() + tail)
        _check_place(file, name)
        _own_alike(file, name, old)
        try:
            os.close(file)  # Windows replaces no open file
            Path(name).replace(self._path)
        finally:
            self._new = None
            Path(name).unlink(missing_ok=True)

    def discard(self) -> None:
        """
        Remove the new file.
        """
        if self._new is not None:
            (file, name), self._new = self._new, None
            _remove(file, name)

    def _split(self) -> tuple[bytes, bytes, os.stat_result | None]:
        """
        Return what comes before and after the assignment, and the file's mode and owners.
        """
        if self._path.exists() and not self._path.is_file():
            raise click.ClickException(f"{self._given} is not a regular file.")
        try:
            with self._path.open("r+b") as file:  # if it cannot be written, no token is made
                content, old = file.read(), os.fstat(file.fileno())
        except FileNotFoundError:
            return b"", b"\n", None
        found = list(
            re.finditer(
                rb"^(?:[ \t]*export[ \t]+|[ \t]*)(%s=[^\r\n]*)" % self._name.encode(), content, re.MULTILINE
            )
        )
        if len(found) > 1:
            raise click.ClickException(f"{self._given} has {len(found)} lines that set {self._name}.")
        if not found:
            end = b"" if not content or content.endswith(b"\n") else b"\n"
            return content + end, b"\n", old
        line = found[0]
        if _continues(line[1]):
            raise click.ClickException(
                f"In {self._given}, the value of {self._name} goes on in the next line."
            )
        return content[: line.start(1)], content[line.end(1) :], old


def _continues(assignment: bytes) -> bool:
    value = assignment.partition(b"=")[2].strip()
    quote = value[:1]
    return value.endswith(b"\\") or (quote in {b"'", b'"'} and value.count(quote) == 1)


class StandardOutput:
    """
    Standard output: a pipe or a file, or a terminal if that is wanted.
    """

    where = "on standard output"

    def __init__(self, *, reveal: bool) -> None:
        self._reveal = reveal

    @property
    def arguments(self) -> list[str]:
        """
        The options that name it.
        """
        return ["--value-to", "-", *(["--reveal"] if self._reveal else [])]

    def prepare(self) -> None:
        """
        Refuse a terminal.
        """
        if sys.stdout.isatty() and not self._reveal:
            raise click.UsageError("Standard output is a terminal. To show the value there, add --reveal.")

    def store(self, value: TokenValue) -> None:
        """
        Print a value.
        """
        click.echo(value.reveal())

    def discard(self) -> None:
        """
        There is nothing to remove.
        """


def _write(file: int, content: bytes) -> None:
    """
    Write this and nothing else, and onto the disk.
    """
    size = len(content)
    os.lseek(file, 0, os.SEEK_SET)
    while content:
        content = content[os.write(file, content) :]
    os.ftruncate(file, size)
    os.fsync(file)


def _check_place(file: int, path: str) -> None:
    """
    Refuse a path that leads to another file by now.
    """
    if not _is_at(file, path):
        raise OSError(errno.ENOENT, "Another program removed or replaced this file meanwhile", path)


def _remove(file: int, path: str) -> None:
    is_ours = _is_at(file, path)
    os.close(file)
    if is_ours:
        Path(path).unlink()


def _is_at(file: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path))
    except FileNotFoundError:
        return False


def _mode_of(old: os.stat_result | None) -> int:
    return 0o600 if old is None else stat.S_IMODE(old.st_mode)


def _own_alike(file: int, name: str, old: os.stat_result | None) -> None:
    """
    Give a new file the group and the mode of the old one. If its group cannot be given, no group gets access.
    """
    mode = _mode_of(old)
    if sys.platform != "win32" and old is not None:
        try:
            os.chown(file, -1, old.st_gid)
        except PermissionError:
            mode &= ~stat.S_IRWXG
    os.chmod(file if os.chmod in os.supports_fd else name, mode)  # noqa: PTH101 -- the path may lead elsewhere


def placing(function: Callable[..., None]) -> Callable[..., None]:
    """
    Give a command the options that say where the value goes, as a `Place` called *place*, or None.
    """

    @click.option(
        "--value-to", metavar="FILE", help="Write the value to this new file; '-' for standard output."
    )
    @click.option("--value-to-env", nargs=2, metavar="FILE NAME", help="Set NAME to the value in this file.")
    @click.option("--reveal", is_flag=True, help="With --value-to -, also show the value on a terminal.")
    @functools.wraps(function)
    def command(
        *args: object,
        value_to: str | None,
        value_to_env: tuple[str, str] | None,
        reveal: bool,
        **options: object,
    ) -> None:
        if value_to is not None and value_to_env is not None:
            raise click.UsageError("--value-to and --value-to-env exclude each other.")
        if reveal and value_to != "-":
            raise click.UsageError("--reveal belongs to --value-to -.")
        function(*args, place=_place(value_to, value_to_env, reveal=reveal), **options)

    return command


def _place(value_to: str | None, value_to_env: tuple[str, str] | None, *, reveal: bool) -> Place | None:
    if value_to_env is not None:
        return EnvironmentFile(*value_to_env)
    if value_to is None:
        return None
    return StandardOutput(reveal=reveal) if value_to == "-" else NewFile(value_to)


def needed(place: Place | None, output: Output) -> Place:
    """
    Return the place for a value, without which nothing is made.
    """
    if place is None:
        raise click.UsageError(
            "Where does the value go? Use --value-to FILE, --value-to-env FILE NAME, or --value-to -. "
            "Cloudflare shows it only once."
        )
    if output.quiet and isinstance(place, StandardOutput):
        raise click.UsageError("--quiet and --value-to - exclude each other.")
    return place


@contextmanager
def reserved(place: Place, *, now: bool = True) -> Iterator[None]:
    """
    Keep a place for a value. If none comes, nothing is left there.

    Args:
        place: The place.

        now: Try it at once; otherwise only when there is a value.
    """
    try:
        if now:
            place.prepare()
        yield
    finally:
        with suppress(OSError):
            place.discard()


def deliver(place: Place, output: Output, token: Token, value: TokenValue) -> None:
    """
    Put a value where it goes, on standard output within the document if there is one.
    """
    if _is_in_document(place, output):
        document({**token_document(token), "value": value.reveal()})
    else:
        place.store(value)


def announce(place: Place, output: Output, token: Token, sentence: str) -> None:
    """
    Print what *output* asks for, after a value was delivered.
    """
    if _is_in_document(place, output):
        note(sentence)
    else:
        output.token(token, f"{sentence} Its value is {clean(place.where)}.")


def _is_in_document(place: Place, output: Output) -> bool:
    return output.json and isinstance(place, StandardOutput)
