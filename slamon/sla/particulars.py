"""What stands in a statement besides the verdict and the money: outages, declarations, what is left, what the promise rests on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from fractions import Fraction
from math import floor

from slamon.sla import promise, values
from slamon.sla.account import Account
from slamon.sla.ahead import next_threshold
from slamon.sla.availability import Availability, availability
from slamon.sla.exclusions import Decision, decide
from slamon.sla.facts import Facts
from slamon.sla.lines import (
    DEGRADED,
    LOCAL_FAULT,
    NOT_ELAPSED,
    PROVIDER_DOWN,
    UNKNOWN,
    UP,
    ExclusionLine,
    OutageLine,
    Period,
)
from slamon.sla.measured import Measured
from slamon.sla.stated import is_stated
from slamon.sla.subjects import ancestry, judged
from slamon.sla.tally import Applied, Tally
from slamon.sla.terms import Contract
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import names
from slamon.sla.terms.measures import SAMPLED, Measure
from slamon.sla.terms.objectives import Objective


def primary_of(contract: Contract) -> Objective | None:
    """The availability the statement's head figures are of: the objective of that name, else the first that measures it."""
    of_time = [o for o in contract.objectives if o.measure is Measure.AVAILABILITY and o.service is None]
    return next((o for o in of_time if o.name == Measure.AVAILABILITY), of_time[0] if of_time else None)


def given(objective: Objective, measured: Measured) -> bool:
    return objective.name in measured.given


def all_given(measured: Measured) -> bool:
    """Every promise was stated by hand: how much was measured says nothing."""
    promised = [
        line.name for line in measured.objectives.values() if line.target is not None or line.minimum is not None
    ]
    return bool(promised) and all(name in measured.given for name in promised)


def budget(contract: Contract, objective: Objective, figures: Availability) -> dict[str, int]:
    """Level → downtime that may still come before the value, as verdicts read it, falls below; negative = overrun.

    Of a mean of several periods the downtime of this one alone says nothing.
    """
    objectives = ancestry(contract, objective.name)
    if figures.total <= 0 or any(each.mean_of > 1 for each in objectives):
        return {}
    levels = {"target": objective.target, "minimum": objective.minimum}
    return {name: _left(objectives, figures, level.value) for name, level in levels.items() if level is not None}


def _left(objectives: tuple[Objective, ...], figures: Availability, level: Fraction) -> int:
    if all(each.round is None for each in objectives):
        return figures.left(level)
    total = figures.total

    def below(down: int) -> bool:
        return judged(objectives, Fraction(total - down, total)) < level

    allowed = bisect_left(range(total + 1), True, key=below) - 1
    return floor(allowed - figures.downtime)


def ahead(account: Account, period: Period, contract: Contract) -> int | None:
    measured, time = account.measured(period), account.sums(period)
    figures = {}
    for objective in contract.objectives:
        if objective.name in measured.given or objective.base is not None or objective.service is not None:
            continue
        if objective.measure is Measure.AVAILABILITY:
            found = availability(time, objective.total, contract.unknown)
            figures[objective.name] = (Fraction(found.total), found.downtime)
        elif objective.measure is Measure.DOWNTIME:
            figures[objective.name] = (Fraction(0), measured.downtime)
    return next_threshold(contract, figures, measured.downtime)


def ordered(contract: Contract, time: Mapping[str, int]) -> dict[str, int]:
    """Every category, also those with nothing in them, in the order of display; degraded only where there is some."""
    classes = (entry.name for entry in contract.exclusions)
    degraded = (DEGRADED,) if time.get(DEGRADED) else ()
    order = (UP, *degraded, PROVIDER_DOWN, *classes, LOCAL_FAULT, UNKNOWN, NOT_ELAPSED)
    return {name: time.get(name, 0) for name in order}


def outages(contract: Contract, sums: Tally, measured: Measured) -> tuple[OutageLine, ...]:
    return tuple(
        OutageLine(
            start=outage.start,
            end=None if measured.open and outage.end == sums.settled else outage.end,
            duration=sum(outage.by_cause.values()),
            by_cause={cause: ns for cause, ns in ordered(contract, outage.by_cause).items() if ns},
            began=outage.began if outage.began < outage.start else None,
            counted=incident.counted,
            charged=outage.charged,
        )
        for outage, incident in zip(sums.outages, measured.incidents, strict=True)
    )


def exclusions(contract: Contract, facts: Facts, sums: Tally) -> tuple[ExclusionLine, ...]:
    """In the order declared. A declaration of a class the contract does not have is shown with nothing applied, at the contract itself."""
    clauses = {entry.name: entry.clause for entry in contract.exclusions}
    decisions = decide(
        contract, [exclusion for exclusion in facts.exclusions if exclusion in sums.exclusions], facts.tickets
    )
    return tuple(
        _exclusion(
            decision, sums.exclusions[decision.exclusion], clauses.get(decision.exclusion.cause, contract.clause)
        )
        for decision in sorted(decisions, key=lambda decision: decision.exclusion.declared_at)
    )


def _exclusion(decision: Decision, applied: Applied, clause: Clause) -> ExclusionLine:
    made = decision.exclusion
    return ExclusionLine(
        id=made.id,
        cause=made.cause,
        start=made.start,
        end=made.end,
        applied=applied.owned,
        downtime_removed=applied.downtime,
        note=made.note,
        declared_by=made.declared_by,
        clause=clause,
        declared_at=made.declared_at if made.stated_at is None else made.stated_at,
        accepted=decision.accepted,
        reason=decision.reason,
        notice_given=decision.notice_given,
        role=made.role,
        ticket=made.ticket,
        evidence=made.evidence,
    )


def samples(account: Account, period: Period, contract: Contract) -> dict[str, tuple[Fraction | None, ...]]:
    if not is_stated(account.facts):
        return {}
    return {
        objective.name: values.series(contract, objective, account.tally(period, objective.service))
        for objective in contract.objectives
        if objective.measure in SAMPLED
    }


def promised(contract: Contract) -> Fraction | None:
    """The availability a contract promises to those that rest on it: its target, or else its minimum."""
    objective = primary_of(contract)
    level = None if objective is None else objective.target or objective.minimum
    return None if level is None else level.value


def supportable(contract: Contract, others: Mapping[str, Contract]) -> Fraction | None:
    if contract.supported_by is None:
        return None
    promises = {name: level for name, other in others.items() if (level := promised(other)) is not None}
    if not set(names(contract.supported_by)) <= set(promises):
        return None
    return promise.supportable(contract.supported_by, promises)


def kept(primary: Objective | None, supportable: Fraction) -> bool | None:
    level = None if primary is None else primary.target
    return None if level is None else level.side.reached(supportable, level.value)
