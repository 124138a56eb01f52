"""Rows → the table on the terminal and the JSON of one bench."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.frame import Bench, Figures, Row

RESULTS = Path(__file__).parent / "results"
"""Where the last run of each bench is kept."""

_HEAD = ("name", "ours", "peer", "unit", "ratio", "(lowest-highest)", "goal", "")
_LEFT = {"name", "unit", "(lowest-highest)", "goal", ""}


def text(rows: Sequence[Row]) -> str:
    """The table; medians, three significant digits."""
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if head in _LEFT else cell.rjust(width)
            for head, cell, width in zip(_HEAD, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    low, high = row.spread
    return (
        row.name,
        number(row.ours),
        number(row.peer),
        row.unit,
        number(row.ratio),
        f"({number(low)}-{number(high)})",
        row.goal or "-",
        {True: "met", False: "MISSED", None: ""}[row.met],
    )


def number(value: float) -> str:
    """Three significant digits, never an exponent."""
    digits = 0
    while digits < 6 and round(value * 10**digits) < 100:
        digits += 1
    return f"{value:.{digits}f}"


def write(
    directory: Path, name: str, bench: Bench, rows: Sequence[Row], samples: Mapping[str, Sequence[Figures]]
) -> Path:
    """`<directory>/<name>.json`: the rows, everything else that was measured, and where. Replaces the last run's file."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{name}.json"
    document = {
        "bench": name,
        "about": bench.about,
        "machine": {
            "python": platform.python_version(),
            "kernel": platform.release(),
            "cpus": os.cpu_count(),
            "load": os.getloadavg()[0],
        },
        "rows": [dataclasses.asdict(row) for row in rows],
        "samples": samples,
    }
    path.write_text(json.dumps(document, indent=2) + "\n")
    return path
