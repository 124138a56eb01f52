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

_GOAL = re.compile(r"(<=|>=|=) (\d+(?:\.\d+)?)")


class CannotRun(Exception):  # noqa: N818 - a word about the machine, nothing of ours failed
    """The bench cannot run on this machine, or not now; the text says why and what would mend it."""


class Disturbed(CannotRun):
    """This trial did not measure what it should have: other work was in the way. The next one may."""


class Goal(NamedTuple):
    """A bound on a ratio, written `<= 0.5` or `>= 10`; or `= 1` where two counts must agree."""

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
        if self.sign == "=":
            return ratio == self.bound
        return ratio <= self.bound if self.sign == "<=" else ratio >= self.bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One row to be: a figure of `ours` divided by the same figure of `peer`.

    Or by the figure `by` of the same trial of `ours`: what was counted by what was true. Then `peer` only names it.
    """

    peer: str
    figure: str
    unit: str
    goal: str | None
    """None: a figure people ask for, that nobody set a goal for."""
    ours: str = "slamon"
    by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A program that must be on the PATH, and the Debian package that brings it."""

    program: str
    package: str
    unpacked: bool = False
    """It brings a service: its files are unpacked beside the benches, and nothing is installed."""


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
    repeats: int | None = None
    """So many whatever was asked for: of a long run that counts, and whose counts must be right every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table. `ours` and `peer` are medians over the repeats, `ratio` is the one divided by the other.

    Where two counts must agree, they are those of the repeat that agreed least: no median hides a wrong count.
    """

    name: str
    """`bench/figure/peer`, unique."""
    ratio: float
    goal: str | None
    met: bool | None
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
    least = MIN_REPEATS if bench.repeats is None else bench.repeats
    made = []
    for comparison in bench.comparisons:
        ours = tuple(figures[comparison.figure] for figures in samples[comparison.ours])
        if comparison.by is None:
            peer = tuple(figures[comparison.figure] for figures in samples[comparison.peer])
        else:
            peer = tuple(figures[comparison.by] for figures in samples[comparison.ours])
        if len(ours) != len(peer) or len(ours) < least:
            raise ValueError(f"{name}: {len(ours)} and {len(peer)} samples; at least {least} of each are needed")
        goal = None if comparison.goal is None else Goal.parse(comparison.goal)
        counted = goal is not None and goal.sign == "="
        if min(peer) <= 0 or (min(ours) <= 0 and not counted):
            raise ValueError(f"{name}: a {comparison.figure} of 0 or less was measured, so nothing was measured")
        one, other = _worst(ours, peer, goal.bound) if goal and counted else (median(ours), median(peer))
        made.append(
            Row(
                name=f"{name}/{comparison.figure}/{comparison.peer}",
                ratio=one / other,
                goal=comparison.goal,
                met=None if goal is None else goal.met(one / other),
                ours=one,
                peer=other,
                unit=comparison.unit,
                repeats=len(ours),
                ours_samples=ours,
                peer_samples=peer,
            )
        )
    return made


def _worst(ours: Sequence[float], peer: Sequence[float], bound: float) -> tuple[float, float]:
    return max(zip(ours, peer, strict=True), key=lambda pair: abs(pair[0] / pair[1] - bound))
