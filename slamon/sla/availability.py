"""Sums of time → availability and what surrounds it: denominators, bounds, coverage, what is left of the budget. Exact."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import floor

from slamon.sla.facts import State
from slamon.sla.lines import LOCAL_FAULT, NOT_ELAPSED, PROVIDER_DOWN, UNKNOWN, UP
from slamon.sla.tally import Tally
from slamon.sla.terms import Side, Total, UnknownTime


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """One reading of the sums by one denominator and one policy for unmeasured time; nanoseconds and ratios.

    Time after settled counts as up. Ratios are None where nothing that counts was measured, or nothing is in scope.
    """

    total: int
    downtime: int
    raw_downtime: int
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
        return _allowed(self.total, level) - self.downtime

    def until(self, side: Side, threshold: Fraction) -> int:
        """Further downtime until the value is on that side of the threshold, for a side that downtime leads to."""
        allowed = _allowed(self.total, threshold)
        exactly = side is Side.AT_MOST and self.total * (1 - threshold) == allowed
        return allowed + (0 if exactly else 1) - self.downtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """The time of a tally in the terms the arithmetic is written in, nanoseconds."""

    scope: int
    elapsed: int
    """Settled."""
    excluded: int
    excluded_elapsed: int
    down: int
    unmeasured: int
    raw_down: int
    raw_unmeasured: int

    @classmethod
    def of(cls, tally: Tally) -> Sums:
        scope = sum(tally.time.values())
        plain = {
            category: tally.time.get(category, 0) for category in (UP, PROVIDER_DOWN, LOCAL_FAULT, UNKNOWN, NOT_ELAPSED)
        }
        excluded = scope - sum(plain.values())
        states = tally.states
        return cls(
            scope=scope,
            elapsed=scope - plain[NOT_ELAPSED] - tally.ahead,
            excluded=excluded,
            excluded_elapsed=excluded - tally.ahead,
            down=plain[PROVIDER_DOWN],
            unmeasured=plain[LOCAL_FAULT] + plain[UNKNOWN],
            raw_down=states.get(State.DOWN, 0),
            raw_unmeasured=states.get(State.LOCAL_FAULT, 0) + states.get(State.UNKNOWN, 0),
        )

    @property
    def measured(self) -> bool:
        """Something that counts was measured; or something elapsed and none of it counts."""
        counted = self.elapsed - self.excluded_elapsed
        return counted > self.unmeasured or (counted == 0 and self.elapsed > 0)

    @property
    def coverage(self) -> Fraction | None:
        """Measured or excluded / elapsed; None before anything elapsed."""
        return Fraction(self.elapsed - self.unmeasured, self.elapsed) if self.elapsed else None


def availability(time: Sums, total: Total | int, unknown: UnknownTime) -> Availability:
    """`total`: what the contract divides by; an int is a fixed number of nanoseconds, whatever was measured or excluded."""

    def denominator(total: Total | int, scope: int, excluded: int, unmeasured: int) -> int:
        if isinstance(total, int):
            return total
        left_out = unmeasured if unknown is UnknownTime.EXCLUDED else 0
        return scope - left_out - (excluded if total is Total.NET else 0)

    def charged(down: int, unmeasured: int) -> int:
        return down + unmeasured if unknown is UnknownTime.DOWN else down

    downtime = charged(time.down, time.unmeasured)
    raw_downtime = charged(time.raw_down, time.raw_unmeasured)
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


def _ratio(total: int, downtime: int) -> Fraction | None:
    return Fraction(total - downtime, total) if total > 0 else None


def _allowed(total: int, level: Fraction) -> int:
    """The most downtime with which the value is still at least `level`."""
    return floor(total * (1 - level))
