"""Outage and exclusion clauses → terms: what of the observed down time counts, and what does not."""

from __future__ import annotations

from collections.abc import Sequence

from slamon.config.clauses import Exclusion as ExclusionKeys
from slamon.config.clauses import Outage as Keys
from slamon.config.deadlines import LODGE, Calendar
from slamon.config.edge import Report, written
from slamon.config.objectives import clause
from slamon.sla.lines import CATEGORIES
from slamon.sla.terms.measures import Side
from slamon.sla.terms.outages import BelongsTo, Clock, ExclusionClass, OutageRule, SlotRule
from slamon.units import format_duration


def outage(keys: Keys, report: Report) -> OutageRule:
    """The rule; what contradicts itself in it is reported."""
    said = written(report)
    if keys.at_least is not None and keys.over is not None:
        reason = "two least lengths of an outage: at_least and over"
        report.say(("over",), reason, fix="keep one", show=False, at_key=True)
    if "slot" in said and "bad_slot" not in said:
        report.missing((), "bad_slot", "a contract that judges slots says when one is bad")
    if "bad_slot" in said and "slot" not in said:
        report.missing((), "slot", "a contract that says when a slot is bad says how long one is")
    for key, plural in (("after", "failures"), ("until", "successes")):
        found: tuple[int, bool] | None = getattr(keys, key)
        if found is None:
            continue
        count, slots = found
        if slots and "slot" not in said:
            report.say((key,), "slots are counted, and no `slot` is judged", fix=f"write {count} {plural}")
        elif not slots and "slot" in said:
            report.say((key,), f"{plural} are counted, and slots are judged", fix=f"write {count} slots")
    _possible(keys, report)
    return OutageRule(
        after=None if keys.after is None else keys.after[0],
        until=None if keys.until is None else keys.until[0],
        slot=keys.slot,
        bad_slot=keys.bad_slot,
        vantages=keys.vantages,
        side=Side.AT_LEAST if keys.at_least is not None else Side.OVER if keys.over is not None else None,
        length=keys.at_least or keys.over or 0,
        merge_within=keys.merge_within,
        starts=Clock(keys.starts),
        ends=Clock(keys.ends),
        degraded_counts=keys.degraded_counts,
        weigh_by=keys.weigh_by[0] if keys.weigh_by else None,
        weigh_noun=keys.weigh_by[1] if keys.weigh_by else "",
        belongs_to=BelongsTo(keys.belongs_to),
    )


def _possible(keys: Keys, report: Report) -> None:
    """A slot cannot be down for longer than it is."""
    rule = keys.bad_slot
    if rule is None or keys.slot is None or rule.rule is not SlotRule.DOWN:
        return
    if rule.threshold > keys.slot or (rule.side is Side.OVER and rule.threshold == keys.slot):
        length = format_duration(keys.slot)
        report.say(("bad_slot",), f"no slot of {length} is ever bad by this rule", fix=f"write less than {length}")


def exclusions(keys: Sequence[ExclusionKeys], report: Report, calendar: Calendar) -> tuple[ExclusionClass, ...]:
    """The classes in the order written, which is that of attribution. `report` is that of the contract."""
    classes: dict[str, ExclusionClass] = {}
    for at, entry in enumerate(keys):
        where = ("exclusions", at)
        if entry.class_ in classes:
            report.say((*where, "class"), "a class listed twice", fix="keep one")
        elif entry.class_ in CATEGORIES:
            report.say((*where, "class"), "a statement has a category of this name", fix="choose another name")
        if entry.notice is not None:
            calendar.business(entry.notice.business, report, *where, "notice")
        if entry.hours is not None:
            calendar.hours(entry.hours.except_holidays, report, *where, "hours")
        calendar.check(entry.lodge, LODGE, report, *where, "lodge")
        classes[entry.class_] = ExclusionClass(
            name=entry.class_,
            clause=clause(report, *where),
            notice=entry.notice,
            hours=entry.hours,
            allowance=None if entry.allowance is None else entry.allowance[0],
            allowance_per=None if entry.allowance is None else entry.allowance[1],
            lodge=entry.lodge,
        )
    return tuple(classes.values())
