"""Earn-back, withholding and terminations → terms: named comparisons with a consequence."""

from __future__ import annotations

from collections.abc import Mapping

from slamon.config.clauses import Bonus as BonusKeys
from slamon.config.clauses import Condition as Keys
from slamon.config.clauses import Terminate as TerminateKeys
from slamon.config.clauses import Termination as TerminationKeys
from slamon.config.credits import Reading, credit
from slamon.config.deadlines import AFTER_NOTICE, NOTICE
from slamon.config.edge import Report, written
from slamon.config.objectives import clause, parsed
from slamon.sla.terms.conditions import Bonus, Condition, Party, Scope, Termination, Where, Within
from slamon.sla.terms.measures import Measure, Side


def conditions(keys: Mapping[str, Keys], report: Report, reading: Reading) -> tuple[Condition, ...]:
    """Those that could be read; `report` is that of their map."""
    found = (_condition(name, own, report.below(name), reading) for name, own in keys.items())
    return tuple(condition for condition in found if condition is not None)


def bonuses(keys: Mapping[str, BonusKeys], report: Report, reading: Reading) -> tuple[Bonus, ...]:
    found = []
    for name, own in keys.items():
        made = credit(name, own, report.below(name), reading, bonus=True)
        if made is not None:
            if not made.money:
                report.say((name,), "a bonus is money: points are given by credits", fix="write a share or an amount")
            found.append(Bonus(credit=made, within=own.within or Within()))
    return tuple(found)


def terminations(keys: TerminateKeys | None, report: Report, reading: Reading) -> tuple[Termination, ...]:
    """The customer's rights, then the provider's; `report` is that of the contract."""
    found: list[Termination] = []
    if keys is None:
        return ()
    for party in Party:
        rights: Mapping[str, TerminationKeys] = getattr(keys, party)
        for name, own in rights.items():
            below = report.below("terminate", party, name)
            if party is Party.PROVIDER and name in keys.customer:
                reason = "a right of the customer has this name: a notice would not say which is meant"
                below.say((), reason, fix="rename one of them", show=False)
            for key, anchors in (("notice", NOTICE), ("cure", AFTER_NOTICE), ("exercise", AFTER_NOTICE)):
                reading.calendar.check(getattr(own, key), anchors, below, key)
            condition = _condition(name, own, below, reading)
            if condition is not None:
                found.append(
                    Termination(
                        party=party,
                        condition=condition,
                        notice=own.notice,
                        cure=own.cure,
                        exercise=own.exercise,
                        scope=Scope(own.scope),
                    )
                )
    return tuple(found)


def _condition(name: str, own: Keys, report: Report, reading: Reading) -> Condition | None:
    comparison = reading.subjects.find(name, own.measure, report)
    if comparison is None:
        return None
    sides = [side for side in Side if side in written(report)]
    if not sides:
        report.missing((), "over", "a condition says with what it compares, by over, at_least, below or at_most")
        return None
    if len(sides) > 1:
        reason = f"two sides in one condition: {' and '.join(sides)}"
        report.say((sides[1],), reason, fix="write two", show=False, at_key=True)
        return None
    side = sides[0]
    found = parsed(getattr(own, side), comparison.scale.quantity, report, side)
    if found is None:
        return None
    reading.calendar.business(found.business, report, side)
    within = own.within or Within()
    if within.where is Where.ANY and comparison.subject.measure in {Measure.OVERDUE, Measure.BREACH}:
        report.say(("within",), f"{comparison.scale.name} is of one day, not of a window", fix="leave `within` out")
    return Condition(
        name=name,
        subject=comparison.subject,
        side=side,
        threshold=found.value,
        clause=clause(report),
        within=within,
        business=found.business,
    )
