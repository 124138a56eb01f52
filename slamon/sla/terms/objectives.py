"""What is promised: one number over the period and the level it must reach."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor

from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.measures import DIMENSION, Dimension, Measure, Rounding, Side, Subject


class Total(StrEnum):
    """The denominator of availability."""

    IN_SCOPE = "in_scope"
    """Time in scope − unmeasured; excluded time counts as available."""
    NET = "net"
    """That − excluded."""
    WHOLE_PERIOD = "whole_period"
    """Not cut to the contract's term: the days before and after it count as up."""


class Form(StrEnum):
    """How many samples become one number."""

    MEAN = "mean"
    MEDIAN = "median"
    MAX = "max"
    MIN = "min"
    RANGE = "range"
    MEAN_ABS = "mean_abs"
    LAST = "last"
    POOLED = "pooled"
    PERCENTILE = "percentile"
    WORST = "worst"
    SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    form: Form
    text: str
    """As written: `p95`, `worst 15m`, `share over 10ms`."""
    p: Fraction | None = None
    """`p95` = 95/100: the smallest x with EDF(x) ≥ p."""
    window: int | None = None
    """`worst D`: of any continuous window of that length, nanoseconds."""
    side: Side | None = None
    threshold: Fraction | None = None
    """`share over Q`: the share of samples on that side."""

    @property
    def limit(self) -> int | None:
        """`share over Q`: the largest nanosecond on the lower side of it."""
        if self.threshold is None:
            return None
        return ceil(self.threshold) - 1 if self.side in {Side.BELOW, Side.AT_LEAST} else floor(self.threshold)


class Variation(StrEnum):
    """What `jitter` means (RFC 3393, RFC 5481, RFC 3550)."""

    PDV = "pdv"
    """D(i) − D(min) over the period."""
    IPDV = "ipdv"
    """D(i) − D(i−1); undefined beside a lost packet."""
    RFC3550 = "rfc3550"
    """J += (|D| − J)/16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What an objective must reach: `side` is the good one. A bare level is met on equality."""

    value: Fraction
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One number over the period."""

    name: str
    measure: Measure
    clause: Clause
    subject: Subject | None = None
    """For a measure with an argument (`outages over 30m`, `runs of 2 bad slots`, `excess of latency`); else None."""
    base: str | None = None
    """The objective it is measured on, when it only averages, rounds or shows that one's judged value."""
    service: Composition | None = None
    """None = the contract's."""
    target: Level | None = None
    minimum: Level | None = None
    statistic: Statistic | None = None
    definition: Variation | None = None
    packets_all: bool = False
    """A lost packet is infinitely late: a percentile may be undefined."""
    always: bool = False
    """Outages and exclusions are judged as well; False = available time only."""
    total: Total | int = Total.IN_SCOPE
    """Availability only; an int is a fixed denominator in nanoseconds."""
    mean_of: int = 1
    """Plain mean of the values of so many periods, this one included; undefined until there are so many."""
    round: Rounding | None = None
    """Of the value that verdicts, conditions and objectives built on it read."""
    display: Rounding | None = None
    over: str = "worst"
    """Several targets: `worst` (the worst measured target is the value and is named), `pooled`, or a target's name."""

    @property
    def dimension(self) -> Dimension:
        """Of its value and levels; a share of samples is a ratio, whatever is sampled."""
        shares = self.statistic is not None and self.statistic.form is Form.SHARE
        return Dimension.RATIO if shares else DIMENSION[self.measure]
