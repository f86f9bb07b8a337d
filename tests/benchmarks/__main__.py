"""
Run the benchmarks, and write the page and its chart.
"""

import argparse
from pathlib import Path

from tests.benchmarks.auditing import measure_audit
from tests.benchmarks.bars import bars
from tests.benchmarks.chart import chart
from tests.benchmarks.contenders import OURS, OURS_SPED_UP
from tests.benchmarks.fresh import measure_fresh
from tests.benchmarks.measuring import Effort, measure_speeds
from tests.benchmarks.report import page
from tests.benchmarks.server import serving

DOCS = Path(__file__).parents[2] / "docs"


def main() -> None:
    """
    Run all measurements against one server.
    """
    effort, output = _arguments()
    with serving() as origin:
        speeds = measure_speeds(origin, effort)
        fresh = measure_fresh(origin, effort.rounds)
    audited = measure_audit(effort.rounds)
    checked = {name: [*bars(speeds, fresh, name), audited] for name in (OURS, OURS_SPED_UP)}
    (output / "benchmarks.md").write_text(page(speeds, fresh, checked, effort))
    (output / "benchmarks.svg").write_text(chart(speeds))
    for name, each in checked.items():
        print(name)
        for bar in each:
            print(f"  {'met' if bar.is_met else 'NOT MET':8}{bar.what}: {bar.text.format(bar.measured)}")


def _arguments() -> tuple[Effort, Path]:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--rounds", type=int, default=Effort().rounds, help="how often each is measured")
    parser.add_argument("--gets", type=int, default=Effort().gets, help="calls in a round")
    parser.add_argument("--listings", type=int, default=Effort().listings, help="listings in a round")
    parser.add_argument("--output", type=Path, default=DOCS, help="the folder of the page and the picture")
    given = parser.parse_args()
    return Effort(given.rounds, given.gets, given.listings), given.output


if __name__ == "__main__":
    main()
