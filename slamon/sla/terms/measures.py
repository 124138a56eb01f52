"""What can be measured, in which unit, and what is compared with a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Dimension(StrEnum):
    """The unit a measure's quantities are in."""

    RATIO = "ratio"
    DURATION = "duration"
    """Nanoseconds."""
    COUNT = "count"
    DAYS = "days"
    """Civil days of the contract's zone."""


class Measure(StrEnum):
    """What a number is of. The values are the words of the contract language up to their argument."""

    AVAILABILITY = "availability"
    DOWNTIME = "downtime"
    """Chargeable, cumulative."""
    EACH_OUTAGE = "each outage"
    """An entry about it applies to each outage by itself."""
    OUTAGES = "outages"
    DAYS_WITH_OUTAGE = "days with outage"
    EACH_DAY_OUT = "each day out"
    LATENCY = "latency"
    JITTER = "jitter"
    LOSS = "loss"
    RESTORE = "restore"
    NOTIFY = "notify"
    EXCESS = "excess of"
    """(value − target) / target of an objective."""
    BAD_SLOTS = "bad slots"
    """In available time."""
    RUNS = "runs of bad slots"
    """Runs of at least n bad slots in available time."""
    POINTS = "points"
    TICKETS = "tickets"
    OVERDUE = "overdue"
    BREACH = "breach of"


DIMENSION: dict[Measure, Dimension] = {
    Measure.AVAILABILITY: Dimension.RATIO,
    Measure.DOWNTIME: Dimension.DURATION,
    Measure.EACH_OUTAGE: Dimension.DURATION,
    Measure.OUTAGES: Dimension.COUNT,
    Measure.DAYS_WITH_OUTAGE: Dimension.COUNT,
    Measure.EACH_DAY_OUT: Dimension.DAYS,
    Measure.LATENCY: Dimension.DURATION,
    Measure.JITTER: Dimension.DURATION,
    Measure.LOSS: Dimension.RATIO,
    Measure.RESTORE: Dimension.DURATION,
    Measure.NOTIFY: Dimension.DURATION,
    Measure.EXCESS: Dimension.RATIO,
    Measure.BAD_SLOTS: Dimension.COUNT,
    Measure.RUNS: Dimension.COUNT,
    Measure.POINTS: Dimension.COUNT,
    Measure.TICKETS: Dimension.COUNT,
    Measure.OVERDUE: Dimension.DAYS,
    Measure.BREACH: Dimension.DAYS,
}

FALLING = frozenset({Measure.AVAILABILITY})
"""Measures that get worse as they fall; all others get worse as they rise."""

SAMPLED = frozenset({Measure.LATENCY, Measure.JITTER, Measure.LOSS})
"""Measures read from packets."""


class Side(StrEnum):
    """On which side of a threshold a value must lie; equality satisfies `at_least` and `at_most` only."""

    BELOW = "below"
    AT_MOST = "at_most"
    OVER = "over"
    AT_LEAST = "at_least"

    def reached(self, value: Fraction | int, threshold: Fraction | int) -> bool:
        match self:
            case Side.BELOW:
                return value < threshold
            case Side.AT_MOST:
                return value <= threshold
            case Side.OVER:
                return value > threshold
            case _:  # at least
                return value >= threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a credit, a bonus or a condition compares with its thresholds."""

    measure: Measure
    objective: str | None = None
    """The objective whose value it is: for availability, latency, jitter, loss, restore, notify and `excess of` always set."""
    side: Side | None = None
    length: int | None = None
    """`outages over D`, `days with outage at_least D`: nanoseconds; both None = every outage."""
    run: int = 1
    """`runs of n bad slots`."""
    duty: str = ""
    """`breach of <duty>`."""

    @property
    def dimension(self) -> Dimension:
        return DIMENSION[self.measure]


class RoundingMode(StrEnum):
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """To a multiple of `step`, in the unit of the measure (0.01 % is 1/10000). Ties and signs: away from zero is up."""

    step: Fraction
    mode: RoundingMode = RoundingMode.HALF_UP
