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
from tests.benchmarks.contenders import BARE, OFFICIAL, OFFICIAL_AIOHTTP, OURS, OURS_SPED_UP, SPEEDUPS
from tests.benchmarks.fresh import Fresh
from tests.benchmarks.measuring import IN_FLIGHT, THREADS, TOKENS, Effort, Seconds, Speeds

_PAGE = """\
# How fast

`nox -s bench` measured these figures in one run on one machine, and wrote this page. Such a run shows
how many times as fast one library is as another; absolute times are those of this machine. The server is
on the same machine, and the rate limit of `{ours}` is off. A request to Cloudflare spends most of its
time on the network, whichever library sends it. What differs is how much processor time a call takes,
and how long it keeps an event loop from other work.

![Calls and tokens in a second, by library](benchmarks.svg)

## What is promised

{bars}

`{ours}` is measured without extras, and with its extra: `{sped_up}` installs
[msgspec](https://jcristharif.com/msgspec/), which reads the answers, and
[uvloop](https://github.com/MagicStack/uvloop), which runs the loop of the blocking client. Both are used
if they are installed, and never needed.

## The figures behind it

{speeds}

Smaller is better. Beside each other figure is how many times as long as `{ours}` it takes.
For such a listing `{ours}` sends {requests_ours} requests, and the official SDK {requests_official}.

Blocking calls run on a loop in a background thread. One after another, a blocking `get` takes {way:.2f}
times as long as the same call awaited ({awaited} ms). {threads} threads together make {pool:.1f} times
as many calls in a second as one.

Import and first client take {import_ours:.0f} ms and {memory_ours:.1f} MiB at the peak, `import aiohttp`
alone {import_aiohttp:.0f} ms and {memory_aiohttp:.1f} MiB. The file cache is warm and the byte code is
compiled, as after an installation by pip. The start of the interpreter is not counted, but its memory
is. `import {ours}` alone takes {import_package:.0f} ms, because the rest is imported with the first client.
A whole run of `cftokens --help` takes {help:.0f} ms, and one of `python -c 'import click, rich'`
{libraries:.0f} ms.

## Where the rest goes

This section is for contributors; its figures were found by hand, not in the run above.

A `get` executes 446,000 instructions with the extra, 510,000 without it, and 394,000 with bare aiohttp, of
which `json.loads()` takes 62,000. With the extra, msgspec parses in 25,000, and 47,000 make a token of the
JSON. The other 42,000 describe the call, check its id, keep the pace and decide what the answer means.
Garbage collection takes next to nothing. Between two requests, code takes up to twice as long as in a loop
of its own, because it is no longer in the processor's caches. So fewer calls help more than faster calls.

What helped:

- The slots of the models are filled straight from the JSON. The `__init__` of a frozen attrs class took
  as long as all the rest: 4 points of that share, and a quarter of a listing.
- An answer that has arrived whole is taken from aiohttp's buffer, without waiting for it: 5 points.
- With the extra, msgspec checks the policies and conditions of a whole page in one call, and they become
  models when they are first read: half of structuring a page. A token that is read to the last policy takes
  a fifth longer (6.1 us, not 5.1).
- Dates are read without a call for each: a tenth of structuring a page.
- The query of a listing is encoded once: 1 % of a listing.
- msgspec is as strict as the library itself. With orjson, each answer was searched for whole numbers that
  orjson would round: a third of parsing it.
- Permission groups with the same id and name are one object: a fifth of structuring a page.
- Internal objects are NamedTuples, and settings are made once for all requests: 3 points.
- Headers are made once, in aiohttp's own type: 1 point.

What did not: the functions that cattrs generates (no gain), models without slots (half a point, for 28 %
more memory), another check of ids than a regular expression (none), fewer coroutines between a call and
its request (none), comparing the keys of an object before reading them (none), and
`from __future__ import annotations` for the import (none). Functions written for each model with `exec`
took 13 % off structuring, and were left out because they are hard to read. Filling the models from msgspec's
structs took a fifth off, for a second way of reading everything. msgspec can also make attrs classes itself,
but it drops members that they do not know, and does not tell null from missing.

What is left of the import is 17 % more instructions than aiohttp's own, of which cattrs is a fifth, and the
24 attrs classes are about two fifths. With the extra, it is 18 %, and msgspec takes a mebibyte of memory.
All of it could be put off until the first answer, but then it would hold up the running loop.

## How it is measured

- One server in its own process answers every client with prepared bytes. It keeps connections open and
  waits for nothing, so only the libraries are measured. It is not the emulator, which does what
  Cloudflare does, and takes some milliseconds to do it.
- Contenders take turns, {rounds} rounds in all, and the best round of each counts, because a disturbance
  can only make a measurement slower. A round is {gets} calls, half as many where they come one after
  another, or {listings} listings.
- `cftokens` checks and converts as always; only its rate limit is off (`rate_limit=None`), because its
  purpose is to wait. The others run with their defaults, and list {per_page} tokens a page as it does,
  which is more than their own default. Bare aiohttp makes dicts of JSON and nothing more.
- `{official}` is the official SDK with its default transport, `{official_aiohttp}` the same with
  `http_client=DefaultAioHttpClient()`.
- Import and memory are the best of {rounds} fresh interpreters, the standstill is their median. A
  standstill is the longest time between two turns of a loop that is never idle.

Measured on {date} with {machine}, {system}, Python {python},
{versions}.

## Repeat it

```sh
nox -s bench
```

This takes a few minutes and needs a quiet machine with two cores or more. At the end, it prints the first
table and rewrites this page and its picture. The memory figures need Linux.
`nox -s bench -- --rounds 2 --gets 100 --output /tmp` is a quick run that does not change the page.
"""


def page(speeds: Speeds, fresh: Fresh, bars: Mapping[str, Sequence[Bar]], effort: Effort) -> str:
    """
    Return the page as Markdown.
    """
    return _PAGE.format(
        bars=_bars(bars[OURS], bars[OURS_SPED_UP]),
        speeds=_speeds(speeds),
        ours=OURS,
        sped_up=OURS_SPED_UP,
        requests_ours=speeds.requests[OURS],
        requests_official=speeds.requests[OFFICIAL],
        way=speeds.blocking[OURS] / speeds.awaited[OURS],
        awaited=_milliseconds(speeds.awaited[OURS]),
        threads=THREADS,
        pool=speeds.blocking[OURS] / speeds.threads[OURS],
        import_ours=1000 * fresh.ours[OURS].seconds,
        import_package=1000 * fresh.package.seconds,
        help=1000 * fresh.help,
        libraries=1000 * fresh.libraries,
        import_aiohttp=1000 * fresh.aiohttp.seconds,
        memory_ours=fresh.ours[OURS].kibibytes / 1024,
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


def _bars(plain: Iterable[Bar], sped_up: Iterable[Bar]) -> str:
    rows = [
        (bar.what, _promised(bar, other), _kept(bar), _kept(other))
        for bar, other in zip(plain, sped_up, strict=True)
    ]
    return _table(("", "bar", f"`{OURS}`", f"`{OURS_SPED_UP}`"), rows)


def _promised(bar: Bar, sped_up: Bar) -> str:
    sign, unit = "≥" if bar.at_least else "≤", bar.text.rpartition("}")[2]
    with_speedups = "" if bar.bar == sped_up.bar else f"; {sped_up.bar}{unit} with the extra"
    return f"{sign} {bar.bar}{unit}{with_speedups}"


def _kept(bar: Bar) -> str:
    return bar.text.format(bar.measured) if bar.is_met else f"**{bar.text.format(bar.measured)}: not met**"


def _speeds(speeds: Speeds) -> str:
    names = (OURS, OURS_SPED_UP, OFFICIAL, OFFICIAL_AIOHTTP, BARE)
    rows = {
        f"`get`, {IN_FLIGHT} in flight": speeds.get,
        f"a listing of {TOKENS}": speeds.listing,
        "blocking `get`, one after another": speeds.blocking,
        f"blocking `get`, {THREADS} threads": speeds.threads,
    }
    body = [(what, *(_figure(seconds, name) for name in names)) for what, seconds in rows.items()]
    return _table(("ms for one", *(f"`{name}`" for name in names)), body)


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
    packages = ("cftokens", "cloudflare", "httpx", "aiohttp", "attrs", "cattrs", *SPEEDUPS)
    return ", ".join(f"{name} {version(name)}" for name in packages)
