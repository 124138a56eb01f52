"""What a bench is, and how samples become rows: values and arithmetic only, nothing here measures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

MIN_REPEATS = 3
"""Fewer samples have no median worth the name."""

Figures = Mapping[str, float]
"""Name of a figure → its value in one trial; the same names from every subject of a bench."""

Subject = Callable[[], Figures]
"""One trial: prepares, measures, cleans up. Runs in a process of its own, so that nobody inherits another one's heap.

Raises CannotRun; any other exception also ends the bench.
"""

_GOAL = re.compile(r"(<=|>=) (\d+(?:\.\d+)?)")


class CannotRun(Exception):  # noqa: N818 - a word about the machine, nothing of ours failed
    """The bench cannot run on this machine, or not now; the text says why and what would mend it."""


class Goal(NamedTuple):
    """A bound on a ratio, written `<= 0.5` or `>= 10`."""

    sign: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> Goal:
        """Raises ValueError."""
        match = _GOAL.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a goal; write for example '<= 0.5'")
        return cls(match[1], float(match[2]))

    def met(self, ratio: float) -> bool:
        return ratio <= self.bound if self.sign == "<=" else ratio >= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One row to be: a figure of `ours` divided by the same figure of `peer`."""

    peer: str
    figure: str
    unit: str
    goal: str
    ours: str = "slamon"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A program that must be on the PATH, and the Debian package that brings it."""

    program: str
    package: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """The one constant `BENCH` of a file in bench/cases; the file's name is the bench's name."""

    about: str
    subjects: Mapping[str, Subject]
    """Name → one trial. What is compared is measured alternately."""
    comparisons: Sequence[Comparison]
    packages: Sequence[Package] = ()
    own_network: bool = False
    """Every trial runs in a network namespace of its own, with loopback up and ICMP sockets open to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `ours` and `peer` are medians over the repeats, `ratio` is the one divided by the other."""

    name: str
    """`bench/figure/peer`, unique."""
    ratio: float
    goal: str
    met: bool
    ours: float
    peer: float
    unit: str
    repeats: int
    ours_samples: tuple[float, ...]
    peer_samples: tuple[float, ...]

    @property
    def spread(self) -> tuple[float, float]:
        """Smallest and largest ratio of the single repeats: how much to believe the ratio of the medians."""
        ratios = [a / b for a, b in zip(self.ours_samples, self.peer_samples, strict=True)]
        return min(ratios), max(ratios)


def order(subjects: Sequence[str], repeat: int) -> list[str]:
    """The order of one repeat: everybody comes first once, so that nobody always follows the same neighbour."""
    first = repeat % len(subjects)
    return [*subjects[first:], *subjects[:first]]


def rows(name: str, bench: Bench, samples: Mapping[str, Sequence[Figures]]) -> list[Row]:
    """`samples`: subject → its figures, one per repeat. Raises ValueError for too few, unequally many or useless samples."""
    made = []
    for comparison in bench.comparisons:
        ours = tuple(figures[comparison.figure] for figures in samples[comparison.ours])
        peer = tuple(figures[comparison.figure] for figures in samples[comparison.peer])
        if len(ours) != len(peer) or len(ours) < MIN_REPEATS:
            raise ValueError(f"{name}: {len(ours)} and {len(peer)} samples; at least {MIN_REPEATS} of each are needed")
        if min(*ours, *peer) <= 0:
            raise ValueError(f"{name}: a {comparison.figure} of 0 or less was measured, so nothing was measured")
        ratio = median(ours) / median(peer)
        made.append(
            Row(
                name=f"{name}/{comparison.figure}/{comparison.peer}",
                ratio=ratio,
                goal=comparison.goal,
                met=Goal.parse(comparison.goal).met(ratio),
                ours=median(ours),
                peer=median(peer),
                unit=comparison.unit,
                repeats=len(ours),
                ours_samples=ours,
                peer_samples=peer,
            )
        )
    return made
