"""Sums of time → availability and what surrounds it: denominators, bounds, coverage, what is left of the budget. Exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from slamon.sla.facts import State
from slamon.sla.lines import CATEGORIES, LOCAL_FAULT, NOT_ELAPSED, UNKNOWN
from slamon.sla.tally import Tally
from slamon.sla.terms import UnknownTime
from slamon.sla.terms.objectives import Total


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """One reading of the sums by one denominator and one policy for unmeasured time; nanoseconds and ratios.

    Time after settled counts as up. Ratios are None where nothing that counts was measured, or nothing is in scope.
    """

    total: int
    downtime: Fraction
    """What counts, weighed."""
    raw_downtime: Fraction
    """Before exclusions."""
    value: Fraction | None
    so_far: Fraction | None
    raw: Fraction | None
    """Before exclusions."""
    low: Fraction | None
    """Unmeasured time as down."""
    high: Fraction | None
    """Unmeasured time as up."""

    def left(self, level: Fraction) -> int:
        """Downtime that may still come before the value falls below `level`; negative = overrun."""
        return floor(self.total * (1 - level) - self.downtime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The time of a tally in the terms the arithmetic is written in, nanoseconds."""

    scope: int
    elapsed: int
    """Settled."""
    excluded: int
    excluded_elapsed: int
    down: Fraction
    """What counts, weighed."""
    unmeasured: int
    raw_down: Fraction
    raw_unmeasured: int
    beyond_term: int = 0
    """Of the period's hours, outside the contract's term."""

    @classmethod
    def of(cls, tally: Tally, *, beyond_term: int = 0) -> Sums:
        scope = sum(tally.time.values())
        plain = {category: tally.time.get(category, 0) for category in CATEGORIES}
        excluded = scope - sum(plain.values())
        states = tally.states
        return cls(
            scope=scope,
            elapsed=scope - plain[NOT_ELAPSED] - tally.ahead,
            excluded=excluded,
            excluded_elapsed=excluded - tally.ahead,
            down=tally.charged,
            unmeasured=plain[LOCAL_FAULT] + plain[UNKNOWN],
            raw_down=tally.raw_charged,
            raw_unmeasured=states.get(State.LOCAL_FAULT, 0) + states.get(State.UNKNOWN, 0),
            beyond_term=beyond_term,
        )

    @property
    def measured(self) -> bool:
        """Something that counts was measured; or something elapsed and none of it counts."""
        counted = self.elapsed - self.excluded_elapsed
        return counted > self.unmeasured or (counted == 0 and self.elapsed > 0)

    @property
    def coverage(self) -> Fraction | None:
        """Not left unmeasured / elapsed; None before anything elapsed. What is excluded is not left unmeasured."""
        return Fraction(self.elapsed - self.unmeasured, self.elapsed) if self.elapsed else None

    @property
    def counted_coverage(self) -> Fraction | None:
        """Measured / elapsed, of the time that counts: excluded time is in neither. None when nothing counts yet.

        This is what a least coverage is compared with: excluding what nobody measured must not make a month look measured.
        """
        counted = self.elapsed - self.excluded_elapsed
        return Fraction(counted - self.unmeasured, counted) if counted else None


def charged(down: Fraction, unmeasured: int, unknown: UnknownTime) -> Fraction:
    """The downtime that counts: unmeasured time is a part of it where the contract says so."""
    return down + unmeasured if unknown is UnknownTime.DOWN else down


def availability(time: Sums, total: Total | int, unknown: UnknownTime) -> Availability:
    """`total`: what the contract divides by; an int is a fixed number of nanoseconds, whatever was measured or excluded."""

    def denominator(total: Total | int, scope: int, excluded: int, unmeasured: int) -> int:
        if isinstance(total, int):
            return total
        left_out = unmeasured if unknown is UnknownTime.EXCLUDED else 0
        more = time.beyond_term if total is Total.WHOLE_PERIOD else 0
        return scope + more - left_out - (excluded if total is Total.NET else 0)

    downtime = charged(time.down, time.unmeasured, unknown)
    raw_downtime = charged(time.raw_down, time.raw_unmeasured, unknown)
    whole = denominator(total, time.scope, time.excluded, time.unmeasured)
    bounds = denominator(total, time.scope, time.excluded, 0)
    value = _ratio(whole, downtime) if time.measured else None
    so_far = value
    if time.measured and time.elapsed < time.scope:
        kind = Total.IN_SCOPE if isinstance(total, int) else total
        so_far = _ratio(denominator(kind, time.elapsed, time.excluded_elapsed, time.unmeasured), downtime)
    raw_measured = time.elapsed > time.raw_unmeasured
    return Availability(
        total=whole,
        downtime=downtime,
        raw_downtime=raw_downtime,
        value=value,
        so_far=so_far,
        raw=_ratio(denominator(total, time.scope, 0, time.raw_unmeasured), raw_downtime) if raw_measured else None,
        low=_ratio(bounds, time.down + time.unmeasured) if time.elapsed else None,
        high=_ratio(bounds, time.down) if time.elapsed else None,
    )


def _ratio(total: int, downtime: Fraction) -> Fraction | None:
    return (total - downtime) / total if total > 0 else None
