"""One entry of a contract applied to one value: the threshold or the units it reaches, and what that gives. Exact, before any cap."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from slamon.sla.rounding import rounded
from slamon.sla.terms.credits import Count, Credit, Give, Per, Tier
from slamon.sla.terms.measures import Rounding, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a credit or a bonus gives for one value."""

    value: Fraction | None
    """As compared; None: nothing was measured, so nothing is given."""
    threshold: Fraction | None
    """The furthest reached; for per unit, where counting starts. None = none was."""
    units: Fraction | None
    """None for a table."""
    share: Fraction | None
    """Of the base; None where an amount or points are given."""
    exact: Fraction
    """Money; 0 for points, and for a share of an unknown base."""
    points: int


def grant(credit: Credit, value: Fraction | None, base: Fraction | None, *, business: Fraction | None = None) -> Grant:
    """`base` is what a share is a share of. `business` is the value in business days, for thresholds that count those."""
    if credit.give is not None:
        counted = Fraction(0) if value is None else units(credit, value)
        start, side = credit.threshold, credit.side
        begun = value is not None and start is not None and (side is None or side.reached(value, start))
        return _grant(credit, credit.give, base, value=value, times=counted, threshold=start if begun else None)
    tier, value = _furthest(credit, value, business)
    if tier is None:
        return _grant(credit, credit.gives[0], base, value=value, times=Fraction(0), threshold=None)
    return _grant(credit, tier.give, base, value=value, times=Fraction(1), threshold=tier.threshold)


def units(credit: Credit, value: Fraction) -> Fraction:
    """How many units a per-unit credit counts: from its threshold (0 if none) in the direction of its side, never negative."""
    assert credit.per is not None
    threshold = credit.threshold or Fraction(0)
    beyond = threshold - value if credit.side in (Side.BELOW, Side.AT_MOST) else value - threshold
    return _counted(credit.per, max(beyond, Fraction(0)))


def money(give: Give, base: Fraction | None) -> Fraction:
    """What a give is worth, exact; points are worth nothing, nor is a share of an unknown base."""
    chosen = _chosen(give, base)
    if chosen.amount is not None:
        return chosen.amount
    return Fraction(0) if chosen.share is None or base is None else chosen.share * base


def _grant(
    credit: Credit,
    give: Give,
    base: Fraction | None,
    *,
    value: Fraction | None,
    times: Fraction,
    threshold: Fraction | None,
) -> Grant:
    chosen = _chosen(give, base)
    return Grant(
        value=value,
        threshold=threshold,
        units=times if credit.per is not None else None,
        share=None if chosen.share is None else chosen.share * times,
        exact=money(chosen, base) * times,
        points=floor(
            (chosen.points or 0) * times
        ),  # a point is whole: what `exact` or `nearest` leave of one is none yet
    )


def _furthest(credit: Credit, value: Fraction | None, business: Fraction | None) -> tuple[Tier | None, Fraction | None]:
    """The furthest threshold reached and the value it was compared with; tiers stand in order of growing severity."""
    for tier in reversed(credit.tiers):
        compared = business if tier.business else value
        if compared is not None and credit.side is not None and credit.side.reached(compared, tier.threshold):
            return tier, compared
    return None, business if all(tier.business for tier in credit.tiers) else value


def _counted(per: Per, beyond: Fraction) -> Fraction:
    """Units in a stretch of that length."""
    quotient = beyond / per.unit
    match per.count:
        case Count.STARTED:
            return Fraction(ceil(quotient))
        case Count.COMPLETED:
            return Fraction(floor(quotient))
        case Count.NEAREST:
            return rounded(quotient, Rounding(step=per.step or Fraction(1)))
        case _:  # exact, each
            return quotient


def _chosen(give: Give, base: Fraction | None) -> Give:
    """The higher of two, as money; a share wins a tie, so that what is given can be read as one."""
    if give.higher is None:
        return give
    both = [_chosen(each, base) for each in give.higher]
    return max(both, key=lambda each: (money(each, base), each.share is not None))
