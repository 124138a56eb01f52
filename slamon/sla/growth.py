"""Measures that only grow while time passes, as steps and ramps: what they came to, and the instant they came to it. For conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import accumulate
from math import ceil, floor
from typing import NamedTuple, TypeAlias

from slamon.sla import calendar, deadlines, periods
from slamon.sla.history import History
from slamon.sla.lines import CreditLine, Period
from slamon.sla.measured import Incident
from slamon.sla.subjects import civil_days
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.timeline import Span, Spans, clip, length, overlaps, union

GROWING = frozenset(
    {
        Measure.DOWNTIME,
        Measure.EACH_OUTAGE,
        Measure.OUTAGES,
        Measure.DAYS_WITH_OUTAGE,
        Measure.EACH_DAY_OUT,
        Measure.BAD_SLOTS,
        Measure.RUNS,
        Measure.POINTS,
        Measure.TICKETS,
        Measure.BREACH,
    }
)
"""What has been reached of these in a window stays reached, whatever follows in it."""

RISING = frozenset({Side.OVER, Side.AT_LEAST})
"""The sides a growing measure reaches; the others it leaves."""


class Window(NamedTuple):
    """A stretch of time that is no period: it holds the outages that begin in it, whichever period counts them."""

    start: int
    end: int


Place: TypeAlias = Period | Window


class Step(NamedTuple):
    """The measure grows by `amount`."""

    begins: int
    """Windows that hold this instant have it."""
    at: int
    """When it is there."""
    first: int
    """When it can first be seen: a nanosecond after `at` where it takes more than just so long, else `at`."""
    amount: Fraction


class Ramp(NamedTuple):
    """The measure grows by `weight` a nanosecond over `[start, end)`."""

    start: int
    end: int
    weight: Fraction


class Reach(NamedTuple):
    """A threshold was reached: the instant for people, and the first at which the comparison is true."""

    at: int
    first: int


# --- what there is in a place -------------------------------------------------------------------------------------------------


def known(history: History, place: Place) -> Span:
    """The part of a place that has passed; empty (start ≥ end) where none has."""
    return max(place.start, history.known_from), min(place.end, history.as_of)


def own_periods(history: History, start: int, end: int) -> tuple[Period, ...]:
    """The contract's own periods that meet `[start, end)`, in order."""
    if start >= end:
        return ()
    first = periods.current(history.contract, start)
    return (first, *periods.inside(history.contract, first.end, end))


def counted(history: History, place: Place) -> tuple[Incident, ...]:
    """The outages a place counts."""
    if isinstance(place, Period):
        return history.measured(place).counted
    return history.incidents(place.start, place.end)


def touching(history: History, place: Place) -> tuple[Incident, ...]:
    """The outages that reach into a place, whole; of which something counts."""
    if isinstance(place, Period):
        found: Iterable[Incident] = history.measured(place).incidents
    else:
        measured = map(history.measured, own_periods(history, *known(history, place)))
        found = {incident.start: incident for each in measured for incident in each.incidents}.values()
    return tuple(incident for incident in found if clip(incident.spans, place.start, place.end))


def weight(incident: Incident) -> Fraction:
    """What a nanosecond of it counts, on average."""
    return incident.charged / length(incident.spans) if incident.spans else Fraction(0)


def ramps(history: History, place: Place) -> list[Ramp]:
    """The chargeable downtime of a place, in time order."""
    start, end = known(history, place)
    spans = history.downtime(start, end) if start < end else ()
    rule = periods.version(history.contract, start).outage
    if rule.weigh_by is None and not rule.degraded_counts:
        return [Ramp(*span, Fraction(1)) for span in spans]
    weights = [(*span, weight(incident)) for incident in touching(history, place) for span in incident.spans]
    return [Ramp(a, b, own) for a, b, (_, own) in overlaps([(*span, None) for span in spans], sorted(weights))]


# --- steps --------------------------------------------------------------------------------------------------------------------


def after(ramp: Sequence[Ramp], side: Side, amount: Fraction | int) -> Reach | None:
    """When a sum of ramps comes over, or at least to, `amount`; None = it does not."""
    rest = Fraction(amount)
    for start, end, own in ramp:
        if own and side.reached(own * (end - start), rest):
            at = start + ceil(rest / own)
            # Nothing counts of a stretch at its very start, not even where any of it is enough.
            return Reach(at, start + floor(rest / own) + 1 if side is Side.OVER else max(at, start + 1))
        rest -= own * (end - start)
    return None


def reaching(history: History, incident: Incident, side: Side | None, amount: Fraction | int) -> Reach | None:
    """When what counts of an outage came to that length, and to the least length of any outage."""
    if side is None or side not in RISING:
        if side is not None and not side.reached(incident.charged, amount):
            return None
        side, amount = Side.AT_LEAST, 0
    own = weight(incident)
    reach = after([Ramp(*span, own) for span in incident.spans], side, amount)
    rule = periods.version(history.contract, incident.start).outage
    if reach is None or rule.side is None:
        return reach
    least = min(incident.start + rule.length, incident.end)
    return Reach(max(reach.at, least), max(reach.first, min(least + (rule.side is Side.OVER), incident.end)))


def steps(
    history: History, place: Place, subject: Subject, business: bool = False, to: tuple[Side, Fraction] | None = None
) -> list[Step]:
    """What a place has of a measure that is counted, in no order.

    `each outage` and `each day out` have a step of 1 for each outage that comes `to` the threshold.
    """
    start, end = known(history, place)
    match subject.measure:
        case Measure.OUTAGES:
            found = _outages(history, place, subject.side, Fraction(subject.length or 0))
        case Measure.EACH_OUTAGE:
            assert to is not None
            found = _outages(history, place, *to)
        case Measure.DAYS_WITH_OUTAGE:
            found = _days(history, place, subject)
        case Measure.EACH_DAY_OUT:
            assert to is not None
            found = _days_out(history, place, business, *to)
        case Measure.TICKETS:
            found = _ones(ticket.opened for ticket in history.facts.tickets if start <= ticket.opened < end)
        case Measure.BREACH:
            found = _ones(breach_days(history, place, subject.duty, business))
        case Measure.BAD_SLOTS:
            found = _runs(history, place, None)
        case Measure.RUNS:
            found = _runs(history, place, subject.run)
        case _:
            assert subject.measure is Measure.POINTS, f"{subject.measure} is not counted"
            found = _points(history, place)
    return [step for step in found if step.first <= history.as_of]


def _ones(instants: Iterable[int]) -> list[Step]:
    """Of things that happen at an instant: seen from then on, and so in the period that begins with it."""
    return [Step(at, at, at + 1, Fraction(1)) for at in instants]


def _outages(history: History, place: Place, side: Side | None, amount: Fraction) -> list[Step]:
    found = []
    for incident in counted(history, place):
        reach = reaching(history, incident, side, amount)
        if reach is not None:
            found.append(Step(incident.start, *reach, Fraction(1)))
    return found


def _days(history: History, place: Place, subject: Subject) -> list[Step]:
    """Each local day once; the part of one outage within the day is what is compared, whatever it weighs."""
    found: dict[int, Step] = {}
    rising = subject.side in RISING
    for incident in touching(history, place):
        here = clip(incident.spans, place.start, place.end)
        for _, first, last in civil_days(here[0][0], here[-1][1], history.contract.timezone):
            part = [Ramp(*span, Fraction(1)) for span in clip(here, first, last)]
            if part and (subject.side is None or subject.side.reached(_sum(part), subject.length or 0)):
                side, least = (subject.side, subject.length) if rising else (Side.AT_LEAST, 0)
                reach = after(part, side or Side.AT_LEAST, least or 0)
                assert reach is not None, "the part is as long"
                step = Step(part[0].start, *reach, Fraction(1))
                found[first] = min(found.get(first, step), step, key=lambda each: each.first)
    return list(found.values())


def _sum(ramp: Sequence[Ramp]) -> Fraction:
    return sum((own * (end - start) for start, end, own in ramp), start=Fraction(0))


def days_out(history: History, place: Place, incident: Incident, business: bool) -> Iterator[tuple[int, int]]:
    """The whole local days of an outage inside a place: (its end, the number of days since the outage's start)."""
    contract = periods.version(history.contract, place.start)
    start, end = max(incident.start, place.start), min(incident.end, place.end)
    for _, first, last in civil_days(start, end, contract.timezone):
        if start <= first and last <= end and clip(incident.spans, first, last):
            yield last, deadlines.days_between(contract, incident.start, first, business)


def _days_out(history: History, place: Place, business: bool, side: Side, number: Fraction) -> list[Step]:
    found = []
    for incident in touching(history, place):
        ends = [end for end, nth in days_out(history, place, incident, business) if side.reached(nth, number)]
        if ends:
            found.append(Step(incident.start, ends[0], ends[0], Fraction(1)))
    return found


def breach_days(history: History, place: Place, duty: str, business: bool) -> list[int]:
    """When each day of breach began, of the breaches that reach into a place, from their very start."""
    contract = periods.version(history.contract, place.start)
    _, end = known(history, place)
    breaches = union((each.start, min(each.end, end)) for each in history.facts.breaches if each.duty == duty)
    found: dict[int, int] = {}
    for first, last in breaches:
        if last > place.start:
            for _, day, _ in civil_days(first, last, contract.timezone):
                found.setdefault(day, max(day, first))
    return [
        at
        for at in found.values()
        if not business or deadlines.business_day(contract, calendar.day(at, contract.timezone))
    ]


def _runs(history: History, place: Place, least: int | None) -> list[Step]:
    """A run of at least so many slots is there with the last that it needs; None = each slot is one."""
    if isinstance(place, Period):
        each: tuple[Spans, ...] = (history.measured(place).bad_slots,)
    else:
        each = tuple(history.measured(one).bad_slots for one in own_periods(history, *known(history, place)))
    found = []
    for slots in each:
        begins, size, last = 0, 0, None
        for start, end in slots:
            if least is None or start != last:
                begins, size = start, 0
            size, last = size + 1, end
            if size == (least or 1) and place.start <= begins < place.end:
                found.append(Step(begins, end, end, Fraction(1)))
    return found


def _points(history: History, place: Place) -> list[Step]:
    """Those an open period may still take back are not there yet."""
    if isinstance(place, Period):
        return [step for line in history.lines(place) for step in _given(history, place, line)]
    own = own_periods(history, *known(history, place))
    found = [step for period in own for line in history.lines(period) for step in _given(history, period, line)]
    return [step for step in found if place.start <= step.begins < place.end]


def _given(history: History, period: Period, line: CreditLine) -> Iterator[Step]:
    """What is given for one outage is there at its end, what is given for the period when its value was reached."""
    if line.at_stake or not line.applied:
        return
    credit = next(each for each in history.version(period).credits if each.name == line.name)
    for part in line.parts:
        at, first = part.end, part.end
        if (part.start, part.end) == (period.start, period.end) and credit.subject.measure in GROWING - {
            Measure.POINTS
        }:
            table = credit.per is None and credit.side is not None
            side, amount = (credit.side, part.threshold) if table else (Side.AT_LEAST, part.value)
            reach = reached(history, period, credit.subject, side or Side.AT_LEAST, amount or Fraction(0))
            at, first = reach or (at, first)
        if part.points:
            yield Step(min(part.start, at), min(at, history.as_of), min(first, history.as_of), Fraction(part.points))


# --- what it came to ----------------------------------------------------------------------------------------------------------


def value(history: History, place: Place, subject: Subject, business: bool = False) -> Fraction:
    """What a growing measure has come to. Of `each outage` and `each day out` it is the greatest, 0 without an outage."""
    match subject.measure:
        case Measure.DOWNTIME:
            return history.measured(place).downtime if isinstance(place, Period) else _sum(ramps(history, place))
        case Measure.EACH_OUTAGE:
            return max((incident.charged for incident in counted(history, place)), default=Fraction(0))
        case Measure.EACH_DAY_OUT:
            found = [
                number
                for incident in touching(history, place)
                for _, number in days_out(history, place, incident, business)
            ]
            return Fraction(max(found, default=0))
        case _:
            return sum((step.amount for step in steps(history, place, subject, business)), start=Fraction(0))


def reached(
    history: History, place: Place, subject: Subject, side: Side, threshold: Fraction, business: bool = False
) -> Reach | None:
    """When a growing measure came over, or at least to, a threshold; None = it has not."""
    if side.reached(0, threshold):
        return Reach(place.start, place.start)
    if subject.measure is Measure.DOWNTIME:
        if not side.reached(value(history, place, subject), threshold):
            return None
        reach = after(ramps(history, place), side, threshold)
        if reach is None:  # what counts without an outage to date it is there when the place has passed
            end = known(history, place)[1]
            reach = Reach(end, end)
        return reach
    need, least = needed(subject, side, threshold)
    return summed(steps(history, place, subject, business, (side, threshold)), need, least)


def needed(subject: Subject, side: Side, threshold: Fraction) -> tuple[Side, Fraction]:
    """What the steps of a measure have to come to for its value to be on that side of the threshold."""
    if subject.measure in (Measure.EACH_OUTAGE, Measure.EACH_DAY_OUT):
        return Side.AT_LEAST, Fraction(1)
    return side, threshold


def summed(found: Iterable[Step], side: Side, threshold: Fraction) -> Reach | None:
    """When the sum of steps came over, or at least to, a threshold."""
    ordered = sorted(found, key=lambda step: (step.first, step.at))
    for step, total in zip(ordered, accumulate(step.amount for step in ordered), strict=True):
        if side.reached(total, threshold):
            return Reach(step.at, step.first)
    return None
