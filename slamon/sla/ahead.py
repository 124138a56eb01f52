"""How much more downtime it takes until a credit reaches its next threshold: what can still be prevented. Exact to the nanosecond."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from slamon.model import DAY
from slamon.sla.gives import units
from slamon.sla.subjects import ancestry, judged
from slamon.sla.terms import Contract
from slamon.sla.terms.credits import Count, Credit
from slamon.sla.terms.measures import Measure
from slamon.sla.terms.objectives import Objective

LONGEST = 3660 * DAY
"""Ten years, longer than any period: a threshold further away than that is not reached."""


class _Outlook(NamedTuple):
    """What a credit compares after so many further nanoseconds of downtime, at most `most`."""

    after: Callable[[int], Fraction]
    most: int
    until: Callable[[Fraction], Fraction | int]
    """How much further downtime leads to exactly a value, if nothing rounds it."""


def next_threshold(
    contract: Contract,
    figures: Mapping[str, tuple[Fraction | int, Fraction | int]],
    downtime: Fraction | int | None,
) -> int | None:
    """Further downtime, in nanoseconds, until a credit for availability or downtime reaches its next threshold or unit.

    `figures`: objective of availability or downtime → its (total, downtime), where that was measured, not given; one that is
    built on another may be left out. `downtime` is what credits about `downtime` itself compare; None = unknown or given.
    None: no credit has a further one; a credit that grows with every nanosecond has none, nor has a mean of several periods.
    """
    found = []
    for credit in contract.credits:
        outlook = _outlook(contract, credit, figures, downtime)
        distance = None if outlook is None else _distance(credit, outlook)
        found += [] if distance is None else [distance]
    return min(found, default=None)


def _outlook(
    contract: Contract,
    credit: Credit,
    figures: Mapping[str, tuple[Fraction | int, Fraction | int]],
    downtime: Fraction | int | None,
) -> _Outlook | None:
    """None where downtime does not lead to the credit, or not in a way known here."""
    subject = credit.subject
    if subject.measure not in (Measure.AVAILABILITY, Measure.DOWNTIME):
        return None
    objectives: tuple[Objective, ...] = ()
    total: Fraction | int = 0
    if subject.objective is not None:
        objectives = ancestry(contract, subject.objective)
        measured = next((figures[o.name] for o in reversed(objectives) if o.name in figures), None)
        if measured is None or any(o.mean_of > 1 for o in objectives):
            return None
        total, downtime = measured
    if downtime is None:
        return None
    down = Fraction(downtime)
    if subject.measure is Measure.DOWNTIME:
        return _Outlook(lambda more: judged(objectives, down + more), LONGEST, lambda value: value - down)
    if total <= 0:
        return None
    up = total - down
    return _Outlook(lambda more: judged(objectives, (up - more) / total), floor(up), lambda value: up - value * total)


def _distance(credit: Credit, outlook: _Outlook) -> int | None:
    """The least further downtime with which the credit has gone further than now; it never goes back as downtime grows."""
    now = _steps(credit, outlook.after(0))
    near, far = 0, outlook.most
    if far < 1 or _steps(credit, outlook.after(far)) <= now:
        return None
    # Without rounding a tier is reached at its threshold or right behind it: two looks there spare fifty between.
    for tier in credit.tiers:
        for look in (ceil(exact := outlook.until(tier.threshold)), floor(exact) + 1):
            if near < look - 1 < far and _steps(credit, outlook.after(look - 1)) <= now:
                near = look - 1
            if near < look < far and _steps(credit, outlook.after(look)) > now:
                far = look
    while far - near > 1:
        middle = (near + far) // 2
        if _steps(credit, outlook.after(middle)) > now:
            far = middle
        else:
            near = middle
    return far


def _steps(credit: Credit, value: Fraction) -> Fraction | int:
    """How far the credit has gone: thresholds reached, or units; of those counted exactly only whether there are any."""
    if credit.per is None:
        return sum(credit.side is not None and credit.side.reached(value, tier.threshold) for tier in credit.tiers)
    counted = units(credit, value)
    return counted if credit.per.count is not Count.EXACT else int(counted > 0)
