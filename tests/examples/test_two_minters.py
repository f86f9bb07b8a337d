"""
Two minters that roll each other.
"""

import io
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cftokens import AuthenticationError
from cftokens.sync.emulator import Emulator, Fault
from docs.examples import two_minters
from docs.examples.two_minters import Minter
from tests.examples.programs import at_once_or_later, environment_for

pytestmark = pytest.mark.slow


class Time:
    """
    The real time, and more.
    """

    more = 0.0

    def __call__(self) -> float:
        return time.time() + self.more


@pytest.fixture
def clock() -> Time:
    """
    The emulator's clock.
    """
    return Time()


@pytest.fixture
def emulator(
    clock: Time, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Emulator]:
    """
    An emulator to which the environment points, without a credential.
    """
    with Emulator(clock=clock, propagation=getattr(request, "param", 0.0)) as emulator:
        for name, value in environment_for(emulator).items():
            if name.startswith("CLOUDFLARE_"):
                monkeypatch.setenv(name, value)
        monkeypatch.delenv("CLOUDFLARE_API_TOKEN")
        yield emulator


@pytest.fixture
def kept(emulator: Emulator, clock: Time, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A directory with two minters that were made in the dashboard a minute ago.
    """
    for label in ("a", "b"):
        add(emulator, tmp_path, label, monkeypatch)
    clock.more += 60
    return tmp_path


def add(emulator: Emulator, directory: Path, label: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Make a minter in the dashboard, and keep it.
    """
    issued = emulator.issue("account")
    with emulator.client() as client:
        client.accounts.tokens.wait_until_active(issued.value, timeout=10.0)
    monkeypatch.setattr("sys.stdin", io.StringIO(issued.value + "\n"))
    assert two_minters.main([str(directory), "--add", label]) == 0


def values(kept: Path) -> list[str]:
    """
    Return the stored values.
    """
    return [two_minters.read(kept, label).value.reveal() for label in ("a", "b")]


def working(emulator: Emulator, kept: Path) -> list[bool]:
    """
    Return for each stored value whether it works.
    """
    works = []
    for value in values(kept):
        with emulator.client(api_token=value) as client:
            try:
                works.append(client.accounts.tokens.verify().status == "active")
            except AuthenticationError:
                works.append(False)
    return works


def test_a_minter_is_added(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    A minter is kept with its id where only its owner can read it, and its value is not shown.
    """
    add(emulator, tmp_path, "a", monkeypatch)
    printed = capsys.readouterr()

    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    minter = two_minters.read(tmp_path, "a")
    assert printed.out == f"Minter 'a' is {minter.id}; its status is 'active'.\n"
    assert "cfat_" not in printed.err


@at_once_or_later
def test_each_run_rolls_the_older_one(emulator: Emulator, kept: Path, clock: Time) -> None:
    """
    Three runs roll one minter, the other, and the first again; each new value is stored and works.
    """
    seen = [values(kept)]
    for _ in range(3):
        clock.more += 60
        assert two_minters.main([str(kept)]) == 0
        seen.append(values(kept))

    changed = [[old != new for old, new in zip(*pair, strict=True)] for pair in itertools.pairwise(seen)]
    assert changed == [[True, False], [False, True], [True, False]]
    assert working(emulator, kept) == [True, True]


@at_once_or_later
def test_a_lost_answer_is_mended_at_once(emulator: Emulator, kept: Path) -> None:
    """
    If the answer to the roll is lost, the other minter rolls again, and both stored values work.
    """
    emulator.inject(Fault.drop_after(), operation="roll")

    assert two_minters.main([str(kept)]) == 0
    assert [request.operation for request in emulator.requests].count("roll") == 2
    assert working(emulator, kept) == [True, True]


def test_two_lost_answers_are_mended_by_the_next_run(emulator: Emulator, kept: Path) -> None:
    """
    If the second answer is lost as well, the other minter still works, and the next run uses it.
    """
    emulator.inject(Fault.drop_after(), operation="roll", times=2)

    assert two_minters.main([str(kept)]) == 1
    assert working(emulator, kept) == [False, True]
    assert two_minters.main([str(kept)]) == 0
    assert working(emulator, kept) == [True, True]


@pytest.mark.parametrize("problem", [OSError("The disk is full."), KeyboardInterrupt()])
def test_a_value_that_was_not_stored_is_replaced_by_the_next_run(
    emulator: Emulator, kept: Path, problem: BaseException
) -> None:
    """
    If a run ends before the new value is stored, the other minter still works, and the next run uses it.
    """

    def store(_: Minter) -> None:
        raise problem

    with pytest.raises(type(problem)):
        two_minters.roll_one(two_minters.read(kept, "a"), two_minters.read(kept, "b"), store)
    assert working(emulator, kept) == [False, True]

    assert two_minters.main([str(kept)]) == 0
    assert working(emulator, kept) == [True, True]


def test_the_second_minter_is_mended_by_the_first(emulator: Emulator, kept: Path) -> None:
    """
    It does not matter which of the stored values does not work.
    """
    with emulator.client(api_token=values(kept)[0]) as client:
        client.accounts.tokens.value.update(two_minters.read(kept, "b").id)

    assert two_minters.main([str(kept)]) == 0
    assert working(emulator, kept) == [True, True]


@pytest.mark.parametrize("fault", [Fault.status(403), Fault.status(502), Fault.rate_limited(retry_after=900)])
def test_a_refused_roll_changes_nothing(
    emulator: Emulator, kept: Path, fault: Fault, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    If Cloudflare does not roll, the run says why, and both values work as before.
    """
    before = values(kept)
    emulator.inject(fault, operation="roll", times=None)

    assert two_minters.main([str(kept)]) == 1
    assert "Stopped: PUT /accounts/" in capsys.readouterr().err
    assert values(kept) == before
    assert working(emulator, kept) == [True, True]


def test_without_a_minter_that_works_it_points_to_the_dashboard(
    emulator: Emulator, kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """
    If neither stored value works, the exit status is 2, and the message has the dashboard's address.
    """
    with emulator.client() as client:
        for label in ("a", "b"):
            client.accounts.tokens.delete(two_minters.read(kept, label).id)

    assert two_minters.main([str(kept)]) == 2
    assert "https://dash.cloudflare.com/" in capsys.readouterr().err
