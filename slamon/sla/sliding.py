"""Windows that slide: when what the last 30 days hold is on the bad side of a threshold, to the nanosecond."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from math import ceil, floor
from typing import NamedTuple

from slamon.model import S
from slamon.sla.calendar import written as civil
from slamon.sla.growth import RISING, Ramp, Reach, Step, Window, needed, ramps, steps, summed
from slamon.sla.history import History
from slamon.sla.lines import Period
from slamon.sla.subjects import civil_days
from slamon.sla.subjects import value as whole
from slamon.sla.terms.conditions import Condition
from slamon.sla.terms.measures import Measure, Side, Subject

COMPLEMENT = {Side.BELOW: Side.AT_LEAST, Side.AT_MOST: Side.OVER}


class Spell(NamedTuple):
    """A longest stretch of truth."""

    begins: int
    """Where the first window that satisfies the condition ends. Windows are closed: `[begins − length, begins]`."""
    last: int
    """Where the last one does."""
    since: int
    """The instant it became true, for people."""
    first: int
    """The first instant at which the comparison is true: after `since` where more than just so much is needed."""


def spells(condition: Condition, history: History, period: Period, subject: Subject | None) -> tuple[Spell, ...]:
    """The stretches in which the window that ends now satisfies the condition, as known at `as_of`, that reach into the period.

    `subject` is what grows, None for a value only a whole window has. Of outages and other things that begin, two are in one window
    when they begin at most its length apart. One that lasts longer than two windows may be given a later beginning.
    """
    size = condition.within.length
    assert size is not None, "any window has a length"
    start, end = max(history.known_from, period.start - size), min(period.end, history.as_of)
    if start >= end:
        return ()
    if subject is None:
        found = _of_values(condition, history, Window(start, end), size)
    elif condition.side in RISING:
        found = _growing(condition, history, Window(start, end), size, subject, condition.side)
    else:
        found = _growing(condition, history, Window(start, end), size, subject, COMPLEMENT[condition.side])
        found = _between(found, max(start, history.known_from + size), end)
    return tuple(spell for spell in found if spell.last >= period.start)


def _growing(
    condition: Condition, history: History, ends: Window, size: int, subject: Subject, side: Side
) -> list[Spell]:
    """Windows that end in `ends`, of a measure that comes over, or at least to, the threshold."""
    everything = Window(max(history.known_from, ends.start - size), ends.end)
    threshold = condition.threshold
    if side.reached(0, threshold):
        return [Spell(ends.start, ends.end, ends.start, ends.start)]
    if subject.measure is Measure.DOWNTIME:
        return of_ramps(ramps(history, everything), ends, size, side, threshold)
    found = steps(history, everything, subject, condition.business, (side, threshold))
    return of_steps(found, size, *needed(subject, side, threshold))


def of_steps(found: Iterable[Step], size: int, side: Side, least: Fraction) -> list[Spell]:
    """Longest stretches of window ends in which the steps that begin in a window come over, or at least to, `least` (> 0)."""
    ordered = sorted(found, key=lambda step: step.begins)
    totals = [Fraction(0), *accumulate(step.amount for step in ordered)]
    result: list[Spell] = []
    oldest = 0
    for newest, step in enumerate(ordered):
        while oldest < newest and side.reached(totals[newest + 1] - totals[oldest + 1], least):
            oldest += 1
        last = ordered[oldest].begins + size
        if last < step.begins or not side.reached(totals[newest + 1] - totals[oldest], least):
            continue
        reach = summed((each for each in ordered[: newest + 1] if each.begins >= step.begins - size), side, least)
        assert reach is not None, "these steps come to it"
        if result and step.begins <= result[-1].last + 1:
            before = result.pop()
            earliest = min(Reach(before.since, before.first), reach, key=lambda each: each.first)
            result.append(Spell(before.begins, last, *earliest))
        else:
            result.append(Spell(step.begins, last, *reach))
    return result


def of_ramps(found: Sequence[Ramp], ends: Window, size: int, side: Side, threshold: Fraction) -> list[Spell]:
    """Longest stretches of window ends in which the ramps, clipped to a window, come over, or at least to, the threshold."""
    total = _cumulative(found)
    edges = {edge + shift for ramp in found for edge in (ramp.start, ramp.end) for shift in (0, size)}
    points = sorted({ends.start, ends.end, *(edge for edge in edges if ends.start < edge < ends.end)})
    at = [(point, total(point) - total(point - size)) for point in points]
    result: list[Spell] = []
    for (a, before), (b, after) in pairwise(at):
        piece = _straight(a, before, b, after, side, threshold)
        if piece is None:
            continue
        if result and piece.begins <= result[-1].last + 1:
            result[-1] = result[-1]._replace(last=piece.last)
        else:
            result.append(piece)
    return result


def _cumulative(found: Sequence[Ramp]) -> Callable[[int], Fraction]:
    starts = [ramp.start for ramp in found]
    sums = [Fraction(0), *accumulate(ramp.weight * (ramp.end - ramp.start) for ramp in found)]

    def total(instant: int) -> Fraction:
        index = bisect_right(starts, instant)
        if not index:
            return Fraction(0)
        start, end, weight = found[index - 1]
        return sums[index - 1] + weight * (min(instant, end) - start)

    return total


def _straight(a: int, before: Fraction, b: int, after: Fraction, side: Side, threshold: Fraction) -> Spell | None:
    """Where a straight line from (a, before) to (b, after) satisfies the comparison: instants `begins` to `last`, both included."""
    if side.reached(before, threshold):
        first, since = a, a
    elif side.reached(after, threshold):
        crossing = a + (threshold - before) * (b - a) / (after - before)
        since = ceil(crossing)
        first = floor(crossing) + 1 if side is Side.OVER else since
    else:
        return None
    last = b
    if not side.reached(after, threshold):
        crossing = a + (threshold - before) * (b - a) / (after - before)
        last = ceil(crossing) - 1 if side is Side.OVER else floor(crossing)
    return Spell(first, last, since, first)


def _between(found: Sequence[Spell], start: int, end: int) -> list[Spell]:
    """The rest of the windows that end in `[start, end]`."""
    result = []
    for spell in (*found, Spell(end + 1, end + 1, end + 1, end + 1)):
        if start < spell.begins:
            result.append(Spell(start, spell.begins - 1, start, start))
        start = max(start, spell.last + 1)
    return result


def _of_values(condition: Condition, history: History, ends: Window, size: int) -> list[Spell]:
    """For values only a whole window has: windows that end at midnight, and where downtime in them is most; availability to the second."""

    def true(at: int) -> bool:
        return compared(condition, history, at - size, at)

    down = history.downtime(ends.start, ends.end)
    edges = {last for _, last in down} | {first + size for first, _ in down}
    edges |= {midnight for _, _, midnight in civil_days(*ends, history.contract.timezone)}
    points = sorted({*ends, *(edge for edge in edges if ends.start < edge < ends.end)})
    result: list[Spell] = []
    before: int | None = None
    for point in points:
        if not true(point):
            before = point
        elif result and before is None:
            result[-1] = result[-1]._replace(last=point)
        else:
            at = (
                point
                if before is None or condition.subject.measure is not Measure.AVAILABILITY
                else _turn(true, before, point)
            )
            result.append(Spell(at, point, at, at))
            before = None
    return result


def _turn(true: Callable[[int], bool], before: int, after: int) -> int:
    """Between an instant at which it is false and one at which it is true, one at which it turned true, to the second."""
    while after - before > S:
        middle = (before + after) // 2
        before, after = (before, middle) if true(middle) else (middle, after)
    return after


def compared(condition: Condition, history: History, start: int, end: int) -> bool:
    """The comparison over any stretch of time; what is not known is not on the condition's side."""
    found = of_stretch(condition, history, start, end)
    return found is not None and condition.side.reached(found, condition.threshold)


def of_stretch(condition: Condition, history: History, start: int, end: int) -> Fraction | None:
    """The value of a condition's subject over any stretch of time."""
    zone = history.contract.timezone
    name = f"{civil(start, zone)} to {civil(end, zone)}"
    return whole(history.measured(Period(name=name, start=start, end=end)), condition.subject)
