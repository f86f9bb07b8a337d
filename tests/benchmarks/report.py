"""
The figures as a page of the documentation.
"""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.bars import Bar
from tests.benchmarks.contenders import BARE, OFFICIAL, OFFICIAL_AIOHTTP, OURS
from tests.benchmarks.fresh import Fresh
from tests.benchmarks.measuring import IN_FLIGHT, THREADS, TOKENS, Effort, Seconds, Speeds

_PAGE = """\
# How fast

Everything here was measured in one run on one machine. What such a run can say is how many times as fast one
library is as another; absolute times are those of this machine. This page is written by `nox -s bench`.

![Calls and tokens in a second, by library](benchmarks.svg)

## What is promised

{bars}

## The figures behind it

{speeds}

The smaller, the better. Beside each figure of another stands how many times as long as `cftokens` it takes.

Blocking calls run on a loop in a background thread. One after another, a blocking `get` takes {way:.2f}
times as long as the same call awaited ({awaited} ms). {threads} threads together make {pool:.1f} times
as many calls in a second as one.

Import and first client take {import_ours:.0f} ms and {memory_ours:.1f} MiB at the peak,
`import aiohttp` alone {import_aiohttp:.0f} ms and {memory_aiohttp:.1f} MiB. That is with a warm cache of
files and without the start of the interpreter, whose memory is counted.

## Where the rest goes

Beside bare aiohttp, a `get` spends some 60 µs on the machine named below: 12 on parsing JSON, as bare
aiohttp does, 28 on structuring a token with one policy, about half of which is the making of frozen attrs
classes, 8 on describing the call and checking its ids, and the rest on deciding what the answer means.
Tried, without a gain worth its price: one `try` around all fields (a few per cent), `from __future__ import
annotations` in every module (none). Internal objects as NamedTuples and settings made once for all requests
took 10 µs and 11 ms of the import; what is left of that is cattrs (14 ms) and about a millisecond for each
attrs class.

## How it is measured

- One server in a process of its own answers everybody with bytes that are ready. It keeps connections
  open and waits for nothing, so what is measured is the libraries.
- Contenders take turns, {rounds} rounds in all, and the best round of each counts: what disturbs a
  measurement only ever makes it slower. A round is {gets} calls, half as many where they come one after
  another, or {listings} listings.
- `cftokens` checks and converts as it always does; only its rate limit is off (`rate_limit=None`), for
  to wait is its purpose. The others run with their defaults, and list {per_page} tokens a page as it
  does. Bare aiohttp makes dicts of JSON and nothing more.
- `{official}` is the official SDK with its default transport, `{official_aiohttp}` the same with
  `http_client=DefaultAioHttpClient()`.
- Import, memory and standstill are the best of {rounds} fresh interpreters. A standstill is the longest
  time between two turns of a loop that is never idle.

Measured on {date} with {machine}, {system}, Python {python},
{versions}.

## Repeat it

```sh
nox -s bench
```

It takes a few minutes, and a quiet machine with two cores or more. Linux is needed for the figures on memory.
`nox -s bench -- --rounds 2 --gets 100` is a quick look.
"""


def page(speeds: Speeds, fresh: Fresh, bars: Iterable[Bar], effort: Effort) -> str:
    """
    Write the page.
    """
    return _PAGE.format(
        bars=_table(("", "measured", "bar", "met"), map(_bar, bars)),
        speeds=_speeds(speeds),
        way=speeds.blocking[OURS] / speeds.awaited[OURS],
        awaited=_milliseconds(speeds.awaited[OURS]),
        threads=THREADS,
        pool=speeds.blocking[OURS] / speeds.threads[OURS],
        import_ours=1000 * fresh.ours.seconds,
        import_aiohttp=1000 * fresh.aiohttp.seconds,
        memory_ours=fresh.ours.kibibytes / 1024,
        memory_aiohttp=fresh.aiohttp.kibibytes / 1024,
        rounds=effort.rounds,
        gets=effort.gets,
        listings=effort.listings,
        per_page=TOKENS // speeds.requests[OURS],
        official=OFFICIAL,
        official_aiohttp=OFFICIAL_AIOHTTP,
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        machine=_machine(),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions=_versions(),
    )


def _bar(bar: Bar) -> tuple[str, ...]:
    sign = "≥" if bar.at_least else "≤"
    return (
        bar.what,
        bar.text.format(bar.measured),
        f"{sign} {bar.bar}{bar.text.rpartition('}')[2]}",
        "yes" if bar.is_met else "**no**",
    )


def _speeds(speeds: Speeds) -> str:
    names = (OURS, OFFICIAL, OFFICIAL_AIOHTTP, BARE)
    rows = {
        f"`get`, {IN_FLIGHT} in flight": speeds.get,
        f"a listing of {TOKENS}": speeds.listing,
        "blocking `get`, one after another": speeds.blocking,
        f"blocking `get`, {THREADS} threads": speeds.threads,
    }
    body = [(what, *(_figure(seconds, name) for name in names)) for what, seconds in rows.items()]
    requests = ("requests for such a listing", *(str(speeds.requests[name]) for name in names))
    return _table(("ms for one", *(f"`{name}`" for name in names)), [*body, requests])


def _figure(seconds: Seconds, name: str) -> str:
    if name not in seconds:
        return ""
    times = "" if name == OURS else f" ({seconds[name] / seconds[OURS]:.2f} times)"
    return f"{_milliseconds(seconds[name])}{times}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _machine() -> str:
    cpu = Path("/proc/cpuinfo")
    lines = cpu.read_text().splitlines() if cpu.exists() else []
    facts: Mapping[str, str] = {
        key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)
    }
    return f"{os.cpu_count()} cores ({facts.get('model name', platform.machine())})"


def _versions() -> str:
    packages = ("cftokens", "cloudflare", "httpx", "aiohttp", "attrs", "cattrs")
    return ", ".join(f"{name} {version(name)}" for name in packages)
