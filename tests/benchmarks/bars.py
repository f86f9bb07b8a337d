"""
The targets, and whether they are met.
"""

from collections.abc import Iterable

import attrs

from tests.benchmarks.contenders import BARE, OFFICIAL, OFFICIAL_AIOHTTP, OURS_SPED_UP
from tests.benchmarks.fresh import LONG_LIST, Fresh
from tests.benchmarks.measuring import IN_FLIGHT, THREADS, TOKENS, Speeds

LONGEST_BLOCK = 10
"""Milliseconds."""

LARGEST_GROWTH = 1024
"""KiB, to allow for a fragmented heap; the tokens alone would take a hundred times as much."""


@attrs.frozen
class Bar:
    """
    One target, and the figure measured.
    """

    what: str
    measured: float
    bar: float
    text: str
    """The format of a figure, such as ``{:.1f} times``."""

    at_least: bool = True

    @property
    def is_met(self) -> bool:
        """
        Whether the target is met.
        """
        return self.measured >= self.bar if self.at_least else self.measured <= self.bar


def bars(speeds: Speeds, fresh: Fresh, ours: str) -> Iterable[Bar]:
    """
    Compare the figures of one of our contenders with the targets.
    """
    get, listing, is_sped_up = speeds.get, speeds.listing, ours == OURS_SPED_UP
    in_flight = f"`get`, {IN_FLIGHT} in flight"
    return [
        Bar(f"{in_flight}: speed against the official SDK", get[OFFICIAL] / get[ours], 8, "{:.1f} times"),
        Bar(
            f"{in_flight}: speed against the official SDK with its aiohttp extra",
            get[OFFICIAL_AIOHTTP] / get[ours],
            2.7,
            "{:.1f} times",
        ),
        Bar(
            f"{in_flight}: share of bare aiohttp's speed",
            100 * get[BARE] / get[ours],
            85 if is_sped_up else 75,
            "{:.0f} %",
        ),
        Bar(
            f"listing {TOKENS} tokens: speed against the official SDK",
            listing[OFFICIAL] / listing[ours],
            8 if is_sped_up else 5,
            "{:.1f} times",
        ),
        Bar(
            f"listing {TOKENS} tokens: requests, of which the official SDK makes {speeds.requests[OFFICIAL]}",
            speeds.requests[ours],
            10,
            "{:.0f}",
            at_least=False,
        ),
        *_blocking_bars(speeds, ours),
        *_fresh_bars(fresh, ours),
    ]


def _blocking_bars(speeds: Speeds, ours: str) -> Iterable[Bar]:
    one, many = speeds.blocking, speeds.threads
    return [
        Bar(
            "blocking `get`, one after another: speed against the official SDK",
            one[OFFICIAL] / one[ours],
            2,
            "{:.1f} times",
        ),
        Bar(
            f"blocking `get` from {THREADS} threads: speed against the official SDK",
            many[OFFICIAL] / many[ours],
            4.5,
            "{:.1f} times",
        ),
    ]


def _fresh_bars(fresh: Fresh, ours: str) -> Iterable[Bar]:
    return [
        Bar(
            "import and first client: time against `import aiohttp`",
            fresh.ours[ours].seconds / fresh.aiohttp.seconds,
            1.15,
            "{:.2f} times",
            at_least=False,
        ),
        Bar(
            "import and first client: peak memory against `import aiohttp`",
            fresh.ours[ours].kibibytes / fresh.aiohttp.kibibytes,
            1.1,
            "{:.2f} times",
            at_least=False,
        ),
        Bar(
            f"longest standstill of the loop in a first `get` and a list of {TOKENS}",
            fresh.block[ours],
            LONGEST_BLOCK,
            "{:.1f} ms",
            at_least=False,
        ),
        Bar(
            f"iterating {LONG_LIST:,} tokens: growth of memory over the last nine tenths",
            fresh.growth[ours],
            LARGEST_GROWTH,
            "{:.0f} KiB",
            at_least=False,
        ),
        Bar(
            "`cftokens --help`: time against `python -c 'import click, rich'`",
            fresh.help / fresh.libraries,
            1.5,
            "{:.2f} times",
            at_least=False,
        ),
    ]
