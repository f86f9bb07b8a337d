"""
Processes that share a limit are never refused, and use it.
"""

import subprocess
import sys

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cftokens import RateLimit
from tests.fleet.simulation import Fleet, simulate

MINUTE = RateLimit(requests=1200, period=60.0)
SHORT = RateLimit(requests=240, period=20.0)


@pytest.mark.parametrize(
    "fleet",
    [
        Fleet(processes=2, limit=SHORT),
        Fleet(processes=8, in_flight=5, limit=SHORT, windows=3.3),
        Fleet(processes=16, limit=MINUTE),
        Fleet(processes=32, limit=MINUTE, late=0.5),
        Fleet(processes=32, limit=MINUTE, late=0.5, latency=(0.02, 0.02)),
        Fleet(processes=32, late=0.5, join=(0.0, 300.0), latency=(0.02, 2.0), differs="second"),
    ],
    ids=lambda fleet: f"{fleet.processes}x{fleet.in_flight}",
)
def test_a_fleet_is_not_refused_and_uses_the_limit(fleet: Fleet) -> None:
    """
    There is no 429, and it takes at most a quarter longer than with the server's own knowledge.
    """
    outcome = simulate(fleet)

    assert outcome.refused == 0
    assert outcome.longer <= 0.25


@pytest.mark.slow
@pytest.mark.parametrize("latency", [(0.2, 0.2), (0.05, 2.0)])
def test_a_process_alone_uses_the_limit(latency: tuple[float, float]) -> None:
    """
    Over many windows it takes at most three percent longer than the limit allows.
    """
    fleet = Fleet(processes=1, windows=20.0, latency=latency)
    outcome = simulate(fleet)

    assert outcome.refused == 0
    assert outcome.seconds <= 1.03 * fleet.windows * fleet.limit.period


def test_a_process_alone_leaves_room_for_newcomers() -> None:
    """
    When one process has spent all but two percent, as many others may start together.
    """
    fleet = Fleet(processes=5, late=0.8, limit=SHORT, windows=5.0, join=(10.0, 10.0), latency=(0.1, 0.2))

    assert simulate(fleet).refused == 0


def test_a_fleet_on_one_machine_heeds_the_limit_of_its_address() -> None:
    """
    32 processes, whose requests take as long as Cloudflare's, send 200 or fewer in each second.
    """
    fleet = Fleet(processes=32, late=0.5, latency=(0.1, 0.5))

    assert simulate(fleet).busiest <= 200


LATENCIES = [(0.02, 0.02), (0.2, 0.2), (2.0, 2.0), (0.02, 2.0)]


@pytest.mark.slow
@pytest.mark.parametrize("processes", [2, 32, 64])
def test_no_fleet_is_refused(processes: int) -> None:
    """
    Whatever the latencies, the windows and the server's rounding, also if half join late and some die.
    """
    half_late = Fleet(processes=processes, differs="second", late=0.5, join=(0.0, 90.0), windows=1.8)
    kinds = (
        attrs.evolve(half_late, aligned=True, dying=0.3),
        attrs.evolve(half_late, rounds_down=True, limit=MINUTE),
    )
    fleets = [attrs.evolve(kind, latency=latency) for kind in kinds for latency in LATENCIES]

    assert [fleet for fleet in fleets if simulate(fleet).refused] == []


@pytest.mark.slow
@given(
    st.builds(
        Fleet,
        processes=st.integers(1, 32),
        in_flight=st.sampled_from([1, 5, 10, 30]),
        limit=st.sampled_from([RateLimit(), MINUTE]),
        windows=st.floats(1.1, 2.9),
        latency=st.tuples(st.floats(0.02, 2.0), st.floats(0.02, 2.0)).map(
            lambda pair: (min(pair), max(pair))
        ),
        differs=st.sampled_from(["request", "process", "second"]),
        late=st.sampled_from([0.0, 0.5]),
        join=st.floats(0.0, 60.0).map(lambda join: (join, join + 1.0)),
        dying=st.sampled_from([0.0, 0.3]),
        aligned=st.booleans(),
        rounds_down=st.booleans(),
        seed=st.integers(0, 1000),
    )
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_fleet_up_to_32_is_not_refused(fleet: Fleet) -> None:
    """
    There is no 429, whatever the fleet.
    """
    assert simulate(fleet).refused == 0


@pytest.mark.parametrize(
    "fleet",
    [
        Fleet(
            processes=3, limit=SHORT, windows=1.5, late=0.5, dying=0.5, differs="process", latency=(0.1, 0.3)
        )
    ],
)
def test_a_simulation_is_repeatable(fleet: Fleet) -> None:
    """
    The same seed gives the same outcome, and another seed another one.
    """
    assert simulate(fleet) == simulate(fleet)
    assert simulate(attrs.evolve(fleet, seed=2)) != simulate(fleet)


@pytest.mark.slow
def test_real_processes_are_not_refused() -> None:
    """
    Six processes, half of them late, send two and a half times what an emulator allows.
    """
    command = [sys.executable, "-m", "tests.fleet.processes", "6x5", "--limit", "120", "--period", "3"]
    done = subprocess.run(
        [*command, "--windows", "2.5", "--late-by", "0.5"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    assert done.stdout.startswith("sent 300, refused 0, ")
