"""What a contract's measures come to in one period, and the time they stand for: between `measured` and the entries that compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from slamon.sla import calendar
from slamon.sla.hours import ONE_DAY
from slamon.sla.measured import Incident, Measured, excess
from slamon.sla.rounding import rounded
from slamon.sla.terms import Contract
from slamon.sla.terms.measures import Measure, Subject
from slamon.sla.terms.objectives import Objective
from slamon.sla.timeline import Span, Spans, clip, length
from slamon.units import format_duration


def written(subject: Subject) -> str:
    """As the contract writes it: `outages over 30m`, `excess of latency`, `runs of 2 bad slots`."""
    match subject.measure:
        case Measure.EXCESS:
            return f"excess of {subject.objective}"
        case Measure.RUNS:
            return f"runs of {subject.run} bad slots"
        case Measure.BREACH:
            return f"breach of {subject.duty}"
    if subject.side is None:
        return subject.measure.value
    return f"{subject.measure.value} {subject.side.value} {format_duration(subject.length or 0)}"


def value(measured: Measured, subject: Subject) -> Fraction | None:
    """The one number the period has for a subject, in the unit of its measure; None where nothing can be said.

    Raises ValueError for a measure that is no number of the period: those that apply to each outage or day, points, overdue, breach.
    """
    if subject.objective is not None:
        line = measured.objective(subject.objective)
        return excess(line) if subject.measure is Measure.EXCESS else line.value
    match subject.measure:
        case Measure.DOWNTIME:
            return measured.downtime
        case Measure.OUTAGES:
            found = len(measured.outages(subject))
        case Measure.DAYS_WITH_OUTAGE:
            found = len(outage_days(measured, subject))
        case Measure.BAD_SLOTS:
            found = len(measured.bad_slots)
        case Measure.RUNS:
            found = runs(measured.bad_slots, subject.run)
        case Measure.TICKETS:
            found = len(measured.tickets)
        case _:
            raise ValueError(f"{written(subject)} is not one number of a period")
    return Fraction(found)


def runs(slots: Spans, least: int) -> int:
    """Runs of at least `least` bad slots that touch."""
    found, size, last = 0, 0, None
    for start, end in slots:
        size = size + 1 if start == last else 1
        found += size == least
        last = end
    return found


def outage_days(measured: Measured, subject: Subject) -> dict[date, Spans]:
    """The civil days of the period with an outage `days with outage over D` speaks of → where those outages count on that day.

    What counts of an outage within the day is compared; an outage over midnight is judged on either day by its part there.
    """
    found: defaultdict[date, list[Span]] = defaultdict(list)
    for incident in measured.incidents:
        within: defaultdict[date, list[Span]] = defaultdict(list)
        for span in clip(incident.spans, measured.period.start, measured.period.end):
            for day, first, last in civil_days(*span, measured.timezone):
                within[day].append((max(span[0], first), min(span[1], last)))
        for day, spans in within.items():
            if subject.side is None or subject.side.reached(length(spans), subject.length or 0):
                found[day] += spans
    return {day: tuple(found[day]) for day in sorted(found)}


def whole_days(measured: Measured, incident: Incident) -> Iterator[tuple[date, int, int]]:
    """The civil days `[start, end)` of the period that the outage covers from midnight to midnight, if something of it counts there."""
    start, end = max(incident.start, measured.period.start), min(incident.end, measured.period.end)
    if start < end:
        for day, first, last in civil_days(start, end, measured.timezone):
            if start <= first and last <= end and clip(incident.spans, first, last):
                yield day, first, last


def civil_days(start: int, end: int, timezone: str) -> Iterator[tuple[date, int, int]]:
    """The civil days that meet `[start, end)`, each with its two midnights."""
    day = calendar.day(start, timezone)
    first = calendar.midnight(day, timezone)
    while first < end:
        last = calendar.midnight(day + ONE_DAY, timezone)
        yield day, first, last
        day, first = day + ONE_DAY, last


# --- objectives that are built on others --------------------------------------------------------------------------------------


def ancestry(contract: Contract, name: str) -> tuple[Objective, ...]:
    """The objective and those it is measured on, the first one first."""
    objective = contract.objective(name)
    return (*(() if objective.base is None else ancestry(contract, objective.base)), objective)


def judged(objectives: tuple[Objective, ...], exact: Fraction) -> Fraction:
    """The exact value as verdicts read it: rounded by each objective on the way to the last one."""
    for objective in objectives:
        if objective.round is not None:
            exact = rounded(exact, objective.round)
    return exact


def root(contract: Contract, subject: Subject) -> tuple[Subject, Objective | None]:
    """The subject without objectives between: `excess of latency` → latency, an objective of `outages over 30m` → that.

    With it the objective that defines the measure, where one does.
    """
    if subject.objective is None:
        return subject, None
    first = ancestry(contract, subject.objective)[0]
    if first.subject is not None:
        subject, inner = root(contract, first.subject)
        return subject, inner or first
    return Subject(measure=first.measure, objective=first.name), first
