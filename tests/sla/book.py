"""A contract's history written down by hand: outages, values of periods, and money, as conditions, rights and claims ask for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from slamon.sla import calendar, credit, periods
from slamon.sla.facts import Facts
from slamon.sla.history import Charged
from slamon.sla.lines import CreditLine, ObjectiveLine, Period, Status
from slamon.sla.measured import Incident, Measured
from slamon.sla.terms import Contract, PeriodKind, PeriodRule
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.conditions import Condition, Party, Termination, Where, Within
from slamon.sla.terms.measures import Dimension, Measure, Side, Subject
from slamon.sla.terms.objectives import Objective
from slamon.sla.terms.outages import BelongsTo
from slamon.sla.terms.times import Deadline
from slamon.sla.timeline import Spans, clip, length, union
from slamon.units import duration

HERE = Clause(path="contracts.test")
ROLLING_30 = PeriodRule(kind=PeriodKind.ROLLING, length=duration("720h"))
AVAILABILITY = Subject(measure=Measure.AVAILABILITY, objective="availability")
CHRONIC = Subject(measure=Measure.OUTAGES, side=Side.OVER, length=duration("30m"))


def at(text: str, zone: str = "UTC") -> int:
    """`2026-06-20 00:00` → nanoseconds."""
    return calendar.instant(text, zone)


def outage(text: str, *, weight: Fraction | int = 1, excluded: Spans = (), open_: bool = False) -> Incident:
    """`2026-06-20 00:00 + 31m`; the exclusions are cut out of what counts."""
    start, end = calendar.span(text, "UTC")
    return incident(start, end, weight=Fraction(weight), excluded=excluded, open_=open_)


def incident(
    start: int, end: int, *, weight: Fraction = Fraction(1), excluded: Spans = (), open_: bool = False
) -> Incident:
    edges = sorted({start, end, *(edge for span in excluded for edge in span if start < edge < end)})
    spans = union((a, b) for a, b in pairwise(edges) if not any(first <= a < last for first, last in excluded))
    return Incident(
        start=start,
        end=end,
        open=open_,
        raw=end - start,
        charged=weight * length(spans),
        spans=spans,
        counted=True,
    )


def objective(name: str = "availability", **rest: Any) -> Objective:
    return Objective(name=name, clause=HERE, **{"measure": Measure.AVAILABILITY, **rest})


def contract(**rest: Any) -> Contract:
    values: dict[str, Any] = {"timezone": "UTC", "objectives": (objective(),), **rest}
    return Contract(name="test", service="link", provider="Example", clause=HERE, **values)


def condition(subject: Subject, side: Side, threshold: Fraction | int | str, **rest: Any) -> Condition:
    """The threshold is a number, `99.5%` or `24h`."""
    name = rest.pop("name", "right")
    return Condition(name=name, subject=subject, side=side, threshold=quantity(threshold), clause=HERE, **rest)


def quantity(value: Fraction | int | str) -> Fraction:
    if not isinstance(value, str):
        return Fraction(value)
    return Fraction(value[:-1]) / 100 if value.endswith("%") else Fraction(duration(value))


def sliding(length: str) -> Within:
    return Within(where=Where.ANY, length=duration(length), text=f"any {length}")


def consecutive(n: int) -> Within:
    return Within(where=Where.CONSECUTIVE, n=n, text=f"{n} consecutive periods")


def termination(condition: Condition, **rest: Any) -> Termination:
    return Termination(**{"party": Party.CUSTOMER, "condition": condition, **rest})


def deadline(anchor: Any, *, days: int | None = None, elapsed: str | None = None) -> Deadline:
    return Deadline(text="", anchor=anchor, days=days, elapsed=None if elapsed is None else duration(elapsed))


def percents(**values: str) -> dict[str, dict[str, Fraction]]:
    """`m2026_01="99.2"` → the availability of 2026-01."""
    return {name[1:].replace("_", "-"): {"availability": Fraction(value) / 100} for name, value in values.items()}


@dataclass(kw_only=True)
class Book:
    """Implements `History`. Values that are not given are worked out for availability from the outages, all other time being up."""

    contract: Contract
    as_of: int
    known_from: int = 0
    outages: Sequence[Incident] = ()
    values: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    facts: Facts = field(default_factory=Facts)
    slots: Spans = ()
    owed: Mapping[str, Decimal] = field(default_factory=dict)
    asked: list[Period] = field(default_factory=list)
    """Periods that were measured."""

    def version(self, period: Period) -> Contract:
        return periods.version(self.contract, period.start)

    def _known(self) -> list[Incident]:
        """As they are at `as_of`."""
        found = []
        for one in self.outages:
            if one.start < self.as_of:
                spans = clip(one.spans, one.start, self.as_of)
                own = one.charged / length(one.spans) if one.spans else Fraction(0)
                found.append(
                    Incident(
                        start=one.start,
                        end=min(one.end, self.as_of),
                        open=one.open,
                        raw=one.raw,
                        charged=own * length(spans),
                        spans=spans,
                        counted=bool(spans),
                    )
                )
        return found

    def measured(self, period: Period) -> Measured:
        assert period.start < self.as_of, "nothing can be measured that has not begun"
        self.asked.append(period)
        end = min(period.end, self.as_of)
        found = []
        for one in self._known():
            if one.start < period.end and period.start < one.end:
                belongs = one.start if self.version(period).outage.belongs_to is BelongsTo.START else one.end - 1
                counted = one.counted and period.start <= belongs < period.end
                found.append(
                    Incident(
                        start=one.start,
                        end=one.end,
                        open=one.open,
                        raw=one.raw,
                        charged=one.charged,
                        spans=one.spans,
                        counted=counted,
                    )
                )
        downtime = sum(
            (
                one.charged / length(one.spans) * length(clip(one.spans, period.start, end))
                for one in found
                if one.spans
            ),
            start=Fraction(0),
        )
        given = self.values.get(period.name, {})
        lines = {}
        for own in self.version(period).objectives:
            value = given.get(own.name)
            if value is None and own.measure is Measure.AVAILABILITY and not self.values:
                value = 1 - downtime / (end - period.start)
            lines[own.name] = line(own, value, provisional=period.end > self.as_of)
        return Measured(
            period=period,
            settled=end,
            open=end < period.end,
            timezone=self.contract.timezone,
            objectives=lines,
            incidents=tuple(found),
            downtime=downtime,
            bad_slots=tuple(slot for slot in self.slots if period.start <= slot[0] < end),
            tickets=tuple(t.opened for t in self.facts.tickets if period.start <= t.opened < end),
            given=given,
        )

    def charged(self, period: Period) -> Charged:
        charge = periods.charge(self.contract, period.start, period.end)
        return Charged(charge=charge, base=charge)

    def lines(self, period: Period) -> tuple[CreditLine, ...]:
        return credit.lines(self.version(period), self.measured(period), self.charged(period).base)

    def credit(self, period: Period) -> Decimal:
        return self.owed.get(period.name, Decimal("0.00"))

    def incidents(self, start: int, end: int) -> tuple[Incident, ...]:
        return tuple(one for one in self._known() if start <= one.start < end and one.counted)

    def downtime(self, start: int, end: int) -> Spans:
        return clip(union(span for one in self._known() for span in one.spans), start, end)

    def period(self, name: str) -> Period:
        return periods.period(self.contract, name)


def line(objective: Objective, value: Fraction | None, *, provisional: bool = False) -> ObjectiveLine:
    return ObjectiveLine(
        name=objective.name,
        measure=objective.measure.value,
        dimension=Dimension.RATIO,
        clause=HERE,
        statistic=None,
        value=value,
        exact=value,
        shown=value,
        value_so_far=value,
        target=None if objective.target is None else objective.target.value,
        minimum=None,
        target_side=None,
        minimum_side=None,
        status=Status.UNKNOWN,
        samples=0,
        worst=None,
        provisional=provisional,
    )


def day(text: str) -> date:
    return date.fromisoformat(text)
