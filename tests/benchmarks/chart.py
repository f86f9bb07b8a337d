"""
The figures as a bar chart, with a colour for each library, for light and dark mode.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from xml.sax.saxutils import escape

from tests.benchmarks.contenders import BARE, OFFICIAL, OFFICIAL_AIOHTTP, OURS, OURS_SPED_UP
from tests.benchmarks.measuring import IN_FLIGHT, THREADS, TOKENS, Speeds

_WIDTH: Final = 800
_MARGIN: Final = 24
_LABELS: Final = 170
_BARS: Final = 320
_LINE: Final = 24
_TITLE: Final = 40

_CLASSES: Final = {
    OURS: "ours",
    OURS_SPED_UP: "ours",
    OFFICIAL: "official",
    OFFICIAL_AIOHTTP: "official",
    BARE: "bare",
}
_STYLE: Final = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; }
  .card { fill: #ffffff; stroke: #d1d9e0; }
  .ours { fill: #c2560c; } .official { fill: #6e7781; } .bare { fill: #afb8c1; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .card { fill: #151b23; stroke: #3d444d; }
    .ours { fill: #f0883e; } .official { fill: #8b949e; } .bare { fill: #59636e; }
  }
"""


def chart(speeds: Speeds) -> str:
    """
    Draw how much each library does per second.
    """
    groups = {
        f"get, {IN_FLIGHT} in flight: calls in a second": _rates(speeds.get, 1),
        f"listing {TOKENS}: tokens in a second": _rates(speeds.listing, TOKENS),
        "blocking get, one after another: calls in a second": _rates(speeds.blocking, 1),
        f"blocking get, {THREADS} threads: calls in a second": _rates(speeds.threads, 1),
    }
    parts: list[str] = []
    top = _MARGIN
    for title, rates in groups.items():
        parts += _group(title, rates, top)
        top += _TITLE + _LINE * len(rates)
    return "\n".join([*_frame(top + _MARGIN // 2), *parts, "</svg>", ""])


def _rates(seconds: Mapping[str, float], unit: int) -> dict[str, float]:
    return {name: unit / each for name, each in seconds.items()}


def _frame(height: int) -> Iterable[str]:
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        "<title>Calls and tokens in a second, by library; longer is faster</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="0.5" y="0.5" width="{_WIDTH - 1}" height="{height - 1}" rx="8"/>',
    ]


def _group(title: str, rates: Mapping[str, float], top: int) -> Iterable[str]:
    yield f'<text class="title" x="{_MARGIN}" y="{top + 12}">{escape(title)}</text>'
    for number, (name, rate) in enumerate(rates.items()):
        y = top + 24 + number * _LINE
        length = _BARS * rate / max(rates.values())
        left = _MARGIN + _LABELS
        yield f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>'
        yield f'<rect class="{_CLASSES[name]}" x="{left}" y="{y}" width="{length:.1f}" height="18" rx="2"/>'
        yield f'<text x="{left + length + 8:.1f}" y="{y + 13}">{_label(name, rates)}</text>'


def _label(name: str, rates: Mapping[str, float]) -> str:
    figure = f"{rates[name]:,.0f}"
    if name == OURS:
        return figure
    return f"{figure} (cftokens: {rates[OURS] / rates[name]:.3g} times as fast)"
