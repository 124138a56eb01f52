"""The results of the last runs as two pictures: what a probe costs by number of targets, and the error of round trips idle and busy."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from math import ceil, floor, log10
from pathlib import Path
from statistics import median
from typing import NamedTuple

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 90, 190, 50, 60
COLOURS = ("#0b6e4f", "#3a86c8", "#c1440e", "#6b6b6b", "#b58900", "#7b2d8b", "#d33682")

COSTS = {100: "cost_100", 1000: "cost", 5000: "cost_5000"}
"""Targets → the bench that measured them at one probe a second."""
COST_LINES = {
    "slamon": "slamon, the whole daemon",
    "engine": "slamon, the probing loop",
    "fping": "fping",
    "floor": "the floor in C",
    "icmplib": "icmplib",
    "smokeping_prober": "smokeping_prober",
    "blackbox_exporter": "blackbox_exporter",
}
ERROR_BARS = (
    ("rtt_error", "slamon_idle", "ICMP, idle"),
    ("rtt_error", "slamon_busy", "ICMP, busy"),
    ("rtt_error", "userspace_clock_busy", "userspace clock, busy"),
    ("rtt_error_tcp", "slamon_idle", "TCP, idle"),
    ("rtt_error_tcp", "slamon_busy", "TCP, busy"),
    ("rtt_error_tcp", "connect_busy", "TCP connect, busy"),
)

Samples = Mapping[str, Sequence[Mapping[str, float]]]
"""Subject → the figures of each repeat."""


class Axis(NamedTuple):
    """A logarithmic one: values `low` to `high` between two places on the paper."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def around(cls, values: Sequence[float], start: float, end: float) -> Axis:
        """Whole powers of ten around all values."""
        low = 10.0 ** floor(log10(min(values)))
        return cls(low, max(10.0 ** ceil(log10(max(values))), low * 10), start, end)

    def place(self, value: float) -> float:
        share = log10(value / self.low) / log10(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def powers(self) -> Iterator[float]:
        for power in range(round(log10(self.low)), round(log10(self.high)) + 1):
            yield 10.0**power


class Bar(NamedTuple):
    name: str
    colour: str
    middle: float
    high: float


def write(results: Path) -> list[Path]:
    """Draws what the results hold; a picture without any is left out."""
    made = []
    for name, picture in (("cost.svg", cost(results)), ("rtt_error.svg", rtt_error(results))):
        if picture is not None:
            (results / name).write_text(picture)
            made.append(results / name)
    return made


def cost(results: Path) -> str | None:
    """Microseconds of processor time a probe against targets, one line a prober."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for targets, bench in COSTS.items():
        for subject, trials in _samples(results, bench).items():
            costs = [trial["cpu"] for trial in trials if "cpu" in trial]
            if costs:  # else it is no prober
                lines.setdefault(subject, []).append((targets, median(costs)))
    if not lines:
        return None
    across = Axis(min(COSTS) / 1.5, max(COSTS) * 1.5, LEFT, WIDTH - RIGHT)
    up = Axis.around([cpu for points in lines.values() for _, cpu in points], HEIGHT - BOTTOM, TOP)
    parts = [*_frame("Processor time of one ICMP probe whose reply comes after 5 to 50 ms", up, WIDTH - RIGHT)]
    for targets in COSTS:
        x = across.place(targets)
        parts.append(_text(x, HEIGHT - BOTTOM + 20, f"{targets}", anchor="middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 15, "targets, each probed once a second", anchor="middle"))
    labels = []
    for colour, (subject, name) in zip(COLOURS, COST_LINES.items(), strict=True):
        if subject not in lines:
            continue
        points = [(across.place(targets), up.place(cpu)) for targets, cpu in lines[subject]]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in points]
        labels.append((points[-1][1], colour, name))
    parts += _legend(labels)
    return _picture(parts)


def rtt_error(results: Path) -> str | None:
    """Bars: the 50th percentile in full colour, and from it up to the 99th in pale."""
    bars: list[Bar] = []
    for bench, subject, name in ERROR_BARS:
        trials = _samples(results, bench).get(subject)
        if trials:
            middle, high = (median(trial[figure] for trial in trials) for figure in ("error_p50", "error_p99"))
            bars.append(Bar(name, COLOURS[0] if "slamon" in subject else COLOURS[2], middle, high))
    if not bars:
        return None
    up = Axis.around([value for bar in bars for value in (bar.middle, bar.high)], HEIGHT - BOTTOM, TOP)
    parts = [
        *_frame(
            "Error of round trips against the far side's log: median (full), 99th percentile (pale)", up, WIDTH - 20
        )
    ]
    step = (WIDTH - LEFT - 20) / len(bars)
    for i, (name, colour, middle, high) in enumerate(bars):
        x, bottom = LEFT + (i + 0.2) * step, HEIGHT - BOTTOM
        for value, opacity in ((high, 0.35), (middle, 1)):
            y = up.place(value)
            parts.append(
                f'<rect x="{x:.1f}" y="{y:.1f}" width="{step * 0.6:.1f}" height="{bottom - y:.1f}" '
                f'fill="{colour}" opacity="{opacity}"/>'
            )
        parts.append(_text(x + step * 0.3, up.place(high) - 6, f"{high:.0f}", anchor="middle"))
        for row, word in enumerate(name.split(", ")):
            parts.append(_text(x + step * 0.3, bottom + 18 + 15 * row, word, anchor="middle", size=11))
    return _picture(parts)


def _samples(results: Path, bench: str) -> Samples:
    path = results / f"{bench}.json"
    if not path.exists():
        return {}
    found: Samples = json.loads(path.read_text())["samples"]
    return found


def _frame(title: str, up: Axis, right: float) -> Iterator[str]:
    yield _text(LEFT, 28, title, size=15)
    for power in up.powers():
        y = up.place(power)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}" stroke="#ddd"/>'
        yield _text(LEFT - 8, y + 4, f"{power:g} µs", anchor="end")


def _legend(labels: Sequence[tuple[float, str, str]]) -> Iterator[str]:
    """Beside the ends of the lines, far enough apart to be read."""
    last = TOP - 16.0
    for y, colour, name in sorted(labels):
        last = max(y + 4, last + 16)
        yield _text(WIDTH - RIGHT + 10, last, name, colour=colour)


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12, colour: str = "#222") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="{colour}">{escape(text)}</text>'
    )


def _picture(parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>', *parts, "</svg>", ""])
