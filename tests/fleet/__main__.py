"""
Write the table of the documentation: fleets in a simulation, and as real processes. It takes four minutes.
"""

import re
import subprocess
import sys

from cftokens import RateLimit
from tests.fleet.simulation import Fleet, simulate

MINUTE = RateLimit(requests=1200, period=60.0)
SHORT = RateLimit(requests=240, period=20.0)
FLEETS = (
    Fleet(processes=2, limit=SHORT),
    Fleet(processes=8, in_flight=5, limit=SHORT),
    Fleet(processes=16, limit=MINUTE, windows=1.5),
    Fleet(processes=32, limit=MINUTE, windows=1.5, late=0.5),
)


def main() -> None:
    """
    Print a row for each fleet.
    """
    print(
        "| processes x in flight | limit | requests | simulated: refused | longer | real: refused | longer |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for fleet in FLEETS:
        print(_row(fleet), flush=True)


def _row(fleet: Fleet) -> str:
    simulated = simulate(fleet)
    sent, refused, longer = _measured(fleet)
    name = f"{fleet.processes} x {fleet.in_flight}{', half of them 5 s late' if fleet.late else ''}"
    limit = f"{fleet.limit.requests} in {fleet.limit.period:g} s"
    shown = (name, limit, sent, simulated.refused, f"{simulated.longer:.0%}", refused, f"{longer:.0%}")
    return f"| {' | '.join(map(str, shown))} |"


def _measured(fleet: Fleet) -> tuple[int, int, float]:
    options = {
        "--limit": fleet.limit.requests,
        "--period": fleet.limit.period,
        "--windows": fleet.windows,
        "--late-by": fleet.join[0] if fleet.late else 0.0,
    }
    program = [sys.executable, "-m", "tests.fleet.processes", f"{fleet.processes}x{fleet.in_flight}"]
    given = [text for name, value in options.items() for text in (name, str(value))]
    output = subprocess.run(
        [*program, *given], capture_output=True, text=True, timeout=600, check=True
    ).stdout
    sent, refused, seconds, own = re.findall(r"[\d.]+", output)
    return int(sent), int(refused), float(seconds) / float(own) - 1


if __name__ == "__main__":
    main()
