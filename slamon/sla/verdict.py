"""A value and its levels → the verdict. Equality is met unless the level names the other side."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from slamon.model import MS
from slamon.sla.availability import Sums
from slamon.sla.lines import ObjectiveLine, Status
from slamon.sla.rounding import rounded
from slamon.sla.terms import Contract
from slamon.sla.terms.measures import SAMPLED, Dimension, Measure, Rounding
from slamon.sla.terms.objectives import Form, Level, Objective
from slamon.sla.values import EACH, LONGEST, Figure

_BADNESS = (Status.MET, Status.UNKNOWN, Status.BELOW_TARGET, Status.BELOW_MINIMUM)

PRINTED: dict[Dimension, Rounding] = {
    Dimension.RATIO: Rounding(step=Fraction(1, 10**8)),  # 0.000001 %
    Dimension.DURATION: Rounding(step=Fraction(MS, 10**6)),  # 1 ns
}
"""How a value is printed where the contract does not say."""


def coverage_suffices(contract: Contract, time: Sums) -> bool:
    """Enough of the elapsed time that counts was measured to say anything."""
    if time.counted_coverage is None:
        return time.elapsed > 0  # all of it is excluded
    return time.counted_coverage >= contract.min_coverage


def overall(lines: Iterable[ObjectiveLine], *, said: bool) -> Status:
    """The worst of the objectives that promise something; unknown while too little was measured."""
    if not said:
        return Status.UNKNOWN
    promised = (line.status for line in lines if line.target is not None or line.minimum is not None)
    return max(promised, key=_BADNESS.index, default=Status.MET)


def verdict(value: Fraction | None, target: Level | None, minimum: Level | None) -> Status:
    """Of a value that may be unknown."""
    if value is None:
        return Status.UNKNOWN
    if minimum is not None and not minimum.side.reached(value, minimum.value):
        return Status.BELOW_MINIMUM
    if target is not None and not target.side.reached(value, target.value):
        return Status.BELOW_TARGET
    return Status.MET


def may_improve(objective: Objective) -> bool:
    """What follows in an open period may make the value better: it is a mean or a share of what is measured, not a sum."""
    if objective.measure in EACH:
        return (objective.statistic or LONGEST).form is not Form.MAX
    return objective.measure in SAMPLED or objective.measure is Measure.EXCESS


def objective_line(objective: Objective, found: Figure, *, given: bool, said: bool, open_period: bool) -> ObjectiveLine:
    """`given`: the value was stated instead of measured; `said`: enough was measured to say anything."""
    value = found.value if found.value is None or objective.round is None else rounded(found.value, objective.round)
    status = Status.UNKNOWN
    if found.idle and value is None:
        status = Status.MET if said else Status.UNKNOWN
    elif said or given:
        status = verdict(value, objective.target, objective.minimum)
    show = objective.display or PRINTED.get(objective.dimension)
    return ObjectiveLine(
        name=objective.name,
        measure=objective.measure.value,
        dimension=objective.dimension,
        clause=objective.clause,
        statistic=None if objective.statistic is None else objective.statistic.text,
        value=value,
        exact=found.value,
        shown=value if value is None or show is None else rounded(value, show),
        value_so_far=found.so_far,
        target=None if objective.target is None else objective.target.value,
        minimum=None if objective.minimum is None else objective.minimum.value,
        target_side=None if objective.target is None else objective.target.side.value,
        minimum_side=None if objective.minimum is None else objective.minimum.side.value,
        status=status,
        samples=found.samples,
        worst=found.worst,
        provisional=open_period and not given and may_improve(objective),
    )
