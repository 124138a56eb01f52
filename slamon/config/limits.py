"""The round-trip times that contracts compare with: where the distributions that are kept must be exact."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction

from slamon.sla.terms import Contract
from slamon.sla.terms.credits import Credit
from slamon.sla.terms.measures import Measure
from slamon.sla.terms.objectives import Form, Objective


def latency_limits(contracts: Collection[Contract]) -> tuple[int, ...]:
    """Every round-trip time any version of the contracts compares a latency with, in nanoseconds, ascending."""
    found: set[Fraction] = set()
    for contract in contracts:
        for version in (contract, *contract.amendments):
            found.update(_limits(version))
    return tuple(sorted({int(limit) for limit in found if limit > 0}))


def _limits(contract: Contract) -> Iterator[Fraction]:
    for objective in contract.objectives:
        if objective.measure is not Measure.LATENCY:
            continue
        statistic = objective.statistic
        if statistic is not None and statistic.limit is not None:
            yield Fraction(statistic.limit)
        if _is_time(objective):
            yield from (level.value for level in (objective.target, objective.minimum) if level is not None)
    times = {objective.name for objective in contract.objectives if _is_time(objective)}
    for credit in (*contract.credits, *(bonus.credit for bonus in contract.bonuses)):
        if credit.subject.measure is Measure.LATENCY and credit.subject.objective in times:
            yield from _thresholds(credit)
    terminations = (termination.condition for termination in contract.terminations)
    for condition in (*contract.earn_back, *contract.withhold, *terminations):
        if condition.subject.measure is Measure.LATENCY and condition.subject.objective in times:
            yield condition.threshold


def _thresholds(credit: Credit) -> Iterator[Fraction]:
    yield from (tier.threshold for tier in credit.tiers)
    if credit.threshold is not None:
        yield credit.threshold


def _is_time(objective: Objective) -> bool:
    """A share of the packets is no time."""
    return objective.measure is Measure.LATENCY and (
        objective.statistic is None or objective.statistic.form is not Form.SHARE
    )
