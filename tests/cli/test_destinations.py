"""
The places for a value, while other programs change the files beside them.
"""

import os
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cftokens import TokenValue
from cftokens.cli._destinations import EnvironmentFile, NewFile, Place, reserved
from cftokens.cli._text import titled, typed
from cftokens.models import Token
from tests.support import posix_only
from tests.vocabulary import CREDENTIAL, TOKEN_ID


@pytest.mark.parametrize("by_another", [None, "theirs"])
def test_a_new_file_that_is_gone(by_another: str | None) -> None:
    """
    A value whose file was removed or replaced meanwhile is not taken for stored, and the other file stays.
    """
    place = NewFile("value")
    place.prepare()
    Path("value").unlink()
    if by_another is not None:
        Path("value").write_text(by_another)

    with pytest.raises(OSError, match="removed or replaced"):
        place.store(TokenValue(CREDENTIAL))
    place.discard()
    assert [path.read_text() for path in Path().iterdir()] == ([by_another] if by_another else [])


@posix_only
def test_an_environment_file_that_is_led_astray() -> None:
    """
    A link in place of the file that is prepared gets no value.
    """
    Path("theirs").touch()
    place = EnvironmentFile(".env", "CF_TOKEN")
    place.prepare()
    (prepared,) = Path().glob("..env.*")
    prepared.unlink()
    prepared.symlink_to("theirs")

    with pytest.raises(OSError, match="removed or replaced"):
        place.store(TokenValue(CREDENTIAL))
    place.discard()
    assert Path("theirs").read_text() == ""
    assert not Path(".env").exists()


@posix_only
@pytest.mark.parametrize(("is_allowed", "mode"), [(True, 0o640), (False, 0o600)])
def test_the_group_of_an_environment_file(
    is_allowed: bool, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The file keeps its group. Where that is not allowed, no group may read it.
    """
    Path(".env").touch()
    Path(".env").chmod(0o640)
    groups: list[int] = []

    def chown(_: int, __: int, group: int) -> None:
        groups.append(group)
        if not is_allowed:
            raise PermissionError

    monkeypatch.setattr(os, "chown", chown)
    EnvironmentFile(".env", "CF_TOKEN").store(TokenValue(CREDENTIAL))

    assert groups == [Path(".env").stat().st_gid]
    assert stat.S_IMODE(Path(".env").stat().st_mode) == mode


def test_an_environment_file_that_cannot_be_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No file with the value is left beside it.
    """
    place = EnvironmentFile(".env", "CF_TOKEN")
    place.prepare()

    def replace(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(PermissionError):
        place.store(TokenValue(CREDENTIAL))
    place.discard()

    assert list(Path().iterdir()) == []


def interrupt(*_: object) -> None:
    """
    Be interrupted with Ctrl-C.
    """
    raise KeyboardInterrupt


@pytest.mark.parametrize("place_of", [lambda: NewFile("value"), lambda: EnvironmentFile(".env", "CF_TOKEN")])
def test_an_interrupt_while_a_place_is_tried(
    place_of: Callable[[], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nothing is left there, so that the command can be repeated.
    """
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt), reserved(place_of()):
        pass

    assert list(Path().iterdir()) == []


def test_an_interrupt_while_an_environment_file_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    No file with the value is left beside it.
    """
    place = EnvironmentFile(".env", "CF_TOKEN")
    place.prepare()
    with monkeypatch.context() as patched:
        patched.setattr(os, "close", interrupt)
        with pytest.raises(KeyboardInterrupt):
            place.store(TokenValue(CREDENTIAL))
    place.discard()

    assert list(Path().iterdir()) == []


HOSTILE = "it's \\ \x1b]0;x\x07\n\x85\u202e$(touch x)"


def test_a_hostile_name_is_one_line() -> None:
    """
    Neither a sentence nor a command with a token's name in it acts on a terminal.
    """
    shown = titled(Token(id=TOKEN_ID, name=HOSTILE)) + typed(["cftokens", "delete", HOSTILE])

    assert shown.isprintable()


@posix_only
@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "it's", "a b", HOSTILE])
def test_a_command_names_exactly_that_token(name: str) -> None:
    """
    Pasted into a shell, the command has the name as its argument.
    """
    line = typed(["printf", "%s", name])

    ended = subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        check=True,
        timeout=30,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert ended.stdout.decode() == name
