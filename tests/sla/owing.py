"""Credits, and what they are measured against, for the tests of money: written down by hand, in seconds and percents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from slamon.model import S
from slamon.sla.credit import CapRoom, Settlement, lines, settle
from slamon.sla.history import Charged
from slamon.sla.lines import ObjectiveLine, Period, Status
from slamon.sla.measured import Incident, Measured, Window
from slamon.sla.terms import Contract
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.credits import Cap, Count, Credit, Give, Per, Tier
from slamon.sla.terms.measures import DIMENSION, Measure, Side, Subject
from slamon.sla.terms.objectives import Objective
from slamon.sla.terms.times import Span
from slamon.sla.timeline import Spans
from slamon.units import duration

HERE = Clause(path="contracts.test")
MONTH = Period(name="2026-06", start=1_780_272_000 * S, end=1_782_864_000 * S)
"""June 2026, UTC: 720 hours."""

_OBJECTIVES = {
    Measure.AVAILABILITY,
    Measure.LATENCY,
    Measure.JITTER,
    Measure.LOSS,
    Measure.RESTORE,
    Measure.NOTIFY,
    Measure.EXCESS,
}


def give(text: str) -> Give:
    """`10%`, `1/30`, `5 EUR`, `2 points`, `higher of 5 EUR and 10%`."""
    both = re.fullmatch(r"higher of (.+?) and (.+)", text)
    if both:
        return Give(higher=(give(both[1]), give(both[2])))
    if text.endswith(" points"):
        return Give(points=int(text.split(maxsplit=1)[0]))
    if text.endswith("%"):
        return Give(share=Fraction(text[:-1]) / 100)
    return Give(share=Fraction(text)) if "/" in text else Give(amount=Fraction(text.split(maxsplit=1)[0]))


def quantity(text: str) -> Fraction:
    """`99.9%`, `1h30m`, `3 days`, `5`."""
    if text.endswith("%"):
        return Fraction(text[:-1]) / 100
    if text[-1].isalpha() and " " not in text:
        return Fraction(duration(text))
    return Fraction(text.split(maxsplit=1)[0])


def subject(measure: Measure, objective: str | None = None, **rest: Any) -> Subject:
    if objective is None and measure in _OBJECTIVES:
        objective = measure.value
    return Subject(measure=measure, objective=objective, **rest)


def table(about: Measure | Subject, side: Side, tiers: Mapping[str, str], **rest: Any) -> Credit:
    """`{"99.9%": "10%", "3 business days": "9.98 GBP"}`."""
    own = about if isinstance(about, Subject) else subject(about)
    made = tuple(
        Tier(threshold=quantity(threshold), give=give(gives), business="business" in threshold)
        for threshold, gives in tiers.items()
    )
    values: dict[str, Any] = {"name": own.measure.value, "cap": None, **rest}
    cap = values.pop("cap")
    return Credit(subject=own, side=side, tiers=made, clause=HERE, cap=None if cap is None else give(cap), **values)


def per_unit(
    about: Measure | Subject,
    per: str,
    gives: str,
    *,
    side: Side | None = None,
    threshold: str | None = None,
    **rest: Any,
) -> Credit:
    """`started 1h`, `nearest 0.0001 of 720h`, `each`."""
    own = about if isinstance(about, Subject) else subject(about)
    word, _, of = per.partition(" ")
    step, _, unit = of.rpartition(" of ")
    values: dict[str, Any] = {"name": own.measure.value, "cap": None, **rest}
    cap = values.pop("cap")
    return Credit(
        subject=own,
        side=side,
        per=Per(
            count=Count(word),
            unit=quantity(unit) if unit else Fraction(1),
            step=Fraction(step) if step else None,
            text=per,
        ),
        threshold=None if threshold is None else quantity(threshold),
        give=give(gives),
        clause=HERE,
        cap=None if cap is None else give(cap),
        **values,
    )


def below(tiers: Mapping[str, str], **rest: Any) -> Credit:
    """Of availability."""
    return table(Measure.AVAILABILITY, Side.BELOW, tiers, **rest)


def over(measure: Measure | Subject, tiers: Mapping[str, str], **rest: Any) -> Credit:
    return table(measure, Side.OVER, tiers, **rest)


def objective(measure: Measure, **rest: Any) -> Objective:
    return Objective(**{"name": measure.value, "measure": measure, "clause": HERE, **rest})


def contract(*clauses: Credit, **rest: Any) -> Contract:
    """With an objective for every measure a credit reads from one, unless they are given."""
    needed = {c.subject.objective: c.subject.measure for c in clauses if c.subject.objective is not None}
    values: dict[str, Any] = {
        "objectives": tuple(objective(measure, name=name) for name, measure in needed.items()),
        "currency": "USD",
        "timezone": "UTC",
        **rest,
    }
    return Contract(name="test", service="link", provider="Example", clause=HERE, credits=clauses, **values)


def reading(
    name: str, value: Fraction | None, measure: Measure, *, target: Fraction | None = None, provisional: bool = False
) -> ObjectiveLine:
    """The line of an objective that came to this value."""
    return ObjectiveLine(
        name=name,
        measure=measure.value,
        dimension=DIMENSION[measure],
        clause=HERE,
        statistic=None,
        value=value,
        exact=value,
        shown=value,
        value_so_far=value,
        target=target,
        minimum=None,
        target_side=None,
        minimum_side=None,
        status=Status.MET,
        samples=0,
        worst=None,
        provisional=provisional,
    )


def outage(
    start: int, end: int, *, counted: bool = True, counts: Spans | None = None, weight: Fraction | int = 1
) -> Incident:
    """In nanoseconds; `counts` is where it does, by default everywhere."""
    spans = ((start, end),) if counts is None else counts
    length = sum(last - first for first, last in spans)
    return Incident(
        start=start,
        end=end,
        open=False,
        raw=end - start,
        charged=length * Fraction(weight),
        spans=spans,
        counted=counted,
    )


def measured(*incidents: Incident, period: Period = MONTH, **rest: Any) -> Measured:
    """With the downtime of the incidents inside the period, unless it is given."""
    inside = sum(
        max(0, min(end, period.end) - max(start, period.start))
        for incident in incidents
        for start, end in incident.spans
    )
    values: dict[str, Any] = {
        "settled": period.end,
        "open": False,
        "timezone": "UTC",
        "objectives": {},
        "downtime": Fraction(inside),
        **rest,
    }
    return Measured(period=period, incidents=incidents, **values)


def down(*stretches: tuple[str, str], **rest: Any) -> Measured:
    """`("9d10h", "2h")`: outages of June, each by when it began in the month and how long it was; with their availability."""
    incidents = []
    for at, lasts in stretches:
        start = MONTH.start + (0 if at == "0" else duration(at))
        incidents.append(outage(start, start + duration(lasts)))
    found = measured(*incidents, **rest)
    value = 1 - found.downtime / (MONTH.end - MONTH.start)
    objectives = {"availability": reading("availability", value, Measure.AVAILABILITY), **found.objectives}
    return replace(found, objectives=objectives)


def values(**given: str | None) -> Measured:
    """Objectives by their names with the values of the period, `availability="99.9%"`; None was not measured."""
    return measured(
        objectives={
            name: reading(name, None if text is None else quantity(text), Measure(name)) for name, text in given.items()
        }
    )


def room(span: Span, limit: Fraction | int, spent: str = "0") -> CapRoom:
    return CapRoom(cap=Cap(span=span, clause=HERE), limit=Fraction(limit), spent=Decimal(spent))


def paid(
    terms: Contract, facts: Measured, base: Fraction | int | None = 1000, caps: Iterable[CapRoom] = ()
) -> Settlement:
    """Lines and settlement at once."""
    exact = None if base is None else Fraction(base)
    return settle(terms, lines(terms, facts, exact), Charged(charge=exact, base=exact), tuple(caps), terms.currency)


def owed(terms: Contract, facts: Measured, base: Fraction | int | None = 1000, caps: Sequence[CapRoom] = ()) -> str:
    return str(paid(terms, facts, base, caps).credit)


def seen(*figures: object) -> tuple[object, ...]:
    """Figures side by side; numbers equal each other whatever their type."""
    return figures


def window(start: int, end: int, value: Fraction) -> Window:
    return Window(start=start, end=end, value=value)
