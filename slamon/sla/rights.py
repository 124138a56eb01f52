"""Who may terminate: the rights that arose in a period, by when each has to be used, and whether it still stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from slamon.sla import calendar, periods
from slamon.sla.anchors import earliest, instants
from slamon.sla.conditions import (
    defined,
    every,
    growing,
    holds,
    overdue_spells,
    stretches,
    told,
)
from slamon.sla.deadlines import in_time
from slamon.sla.growth import RISING, Window, own_periods, touching
from slamon.sla.growth import value as so_far
from slamon.sla.history import History
from slamon.sla.lines import Due, Period, RightLine, RightState
from slamon.sla.overdue import days_overdue
from slamon.sla.sliding import of_stretch
from slamon.sla.subjects import ancestry
from slamon.sla.terms.conditions import Condition, Termination, Where, Within
from slamon.sla.terms.measures import Measure
from slamon.sla.terms.times import Anchor, Deadline, Span


def rights(history: History, period: Period) -> tuple[RightLine, ...]:
    """The rights that arose in a period, in the contract's order, in the state they are in at `as_of`.

    A right arises when its condition turns true, once as long as it stays true: of conditions about periods in the first of them for
    which it is. Of a span that is no period of the contract: the rights of the contract's periods that end in it.
    """
    if not periods.own(history.contract, period):
        own = own_periods(history, period.start, period.end)
        return tuple(line for one in own if one.end <= period.end for line in rights(history, one))
    return tuple(
        _line(history, period, termination, since, because)
        for termination in history.version(period).terminations
        for since, because in _arising(termination.condition, history, period)
    )


# --- when it arises -----------------------------------------------------------------------------------------------------------


def _arising(condition: Condition, history: History, period: Period) -> Iterator[tuple[int, str]]:
    """The instants at which the condition turned true, each with its figures."""
    where = condition.within.where
    until = min(period.end, history.as_of)
    overdue = condition.subject.measure is Measure.OVERDUE
    if where is Where.ANY or (overdue and where is Where.PERIOD and condition.side in RISING):
        found = overdue_spells(condition, history, until + 1) if overdue else stretches(condition, history, period)
        for spell in found:
            if period.start < spell.first <= until:
                yield spell.since, told(condition, history, spell)
        return
    if overdue and until < period.end:  # what is paid before the period ends was not overdue in it
        return
    if where is Where.NEXT:  # seen from the last of the periods, in which it turns true
        condition = replace(condition, within=replace(condition.within, where=Where.CONSECUTIVE))
    before = _before(history, period)
    if where is Where.EVERY:
        whole = every(history, period, condition.within.span or Span.PERIOD)
        if period != whole[-1]:
            return
        before = _before(history, whole[0])
    truth = holds(condition, history, period)
    if truth.value and truth.since is not None and not holds(condition, history, before).value:
        yield max(truth.since, period.start), truth.text


def _before(history: History, period: Period) -> Period:
    """The period judged before this one; rolling ones are judged every day."""
    contract = history.contract
    if periods.version(contract, period.end - 1).period.length is not None:
        return periods.previous(contract, period.end - 1)
    return periods.shift(contract, period, -1)


# --- what becomes of it -------------------------------------------------------------------------------------------------------


def _line(history: History, period: Period, termination: Termination, since: int, because: str) -> RightLine:
    condition, zone = termination.condition, history.contract.timezone
    arises = calendar.day(since, zone)
    opens = calendar.midnight(arises, zone)
    notices = history.facts.notices
    given = min(
        (each.at for each in notices if each.right == condition.name and opens <= each.at <= history.as_of),
        default=None,
    )

    def by(deadline: Deadline | None) -> Due | None:
        return None if deadline is None else _due(history, period, deadline, since, given)

    notice_by, cure_ends, exercise_by = by(termination.notice), by(termination.cure), by(termination.exercise)
    return RightLine(
        name=condition.name,
        party=termination.party,
        scope=termination.scope,
        clause=condition.clause,
        arises=arises,
        arose_at=since,
        notice_by=notice_by,
        notice_given=given,
        cure_ends=cure_ends,
        exercise_by=exercise_by,
        state=_state(history, period, termination, since, given, notice_by, cure_ends, exercise_by),
        because=because,
    )


def _due(history: History, period: Period, deadline: Deadline, since: int, given: int | None) -> Due | None:
    match deadline.anchor:
        case Anchor.RIGHT_ARISES:
            anchors = [since]
        case Anchor.NOTICE:
            anchors = [] if given is None else [given]
        case _:  # of the outages, the last that had begun
            begun = [one for one in touching(history, period) if one.start <= since]
            anchors = instants(history, period, deadline.anchor, begun[-1:])
    return earliest(history, deadline, period, anchors)


def _state(
    history: History,
    period: Period,
    termination: Termination,
    since: int,
    given: int | None,
    notice_by: Due | None,
    cure_ends: Due | None,
    exercise_by: Due | None,
) -> RightState:
    now = history.as_of
    if notice_by is not None and not in_time(notice_by, now if given is None else given):
        return RightState.LAPSED
    begun = given
    if given is None and termination.notice is None and cure_ends is not None and not _noticed(termination):
        begun = since
    curing = False
    if cure_ends is not None and begun is not None:
        curing = now < cure_ends.at
        if not curing and _cured(termination.condition, history, period, begun, cure_ends.at):
            return RightState.CURED
    if exercise_by is not None and not in_time(exercise_by, now):
        return RightState.LAPSED
    return RightState.CURING if curing else RightState.OPEN


def _noticed(termination: Termination) -> bool:
    """The time for the cure begins with a notice."""
    return termination.cure is not None and termination.cure.anchor is Anchor.NOTICE


# --- cure ---------------------------------------------------------------------------------------------------------------------


def _cured(condition: Condition, history: History, period: Period, start: int, end: int) -> bool:
    """The comparison does not hold over `[start, end)`. What is not known cures nothing."""
    measure = condition.subject.measure
    if measure is Measure.OVERDUE:
        days = days_overdue(history, end, business=condition.business)
        return not condition.side.reached(days, condition.threshold)
    own = own_periods(history, start, end)
    if _by_periods(condition, history, own):
        alone = replace(condition, within=Within())
        found = [holds(alone, history, one).value for one in own if one.end <= end]
        return bool(found) and not any(value is not False for value in found)
    subject = growing(history, period, condition.subject)
    value: Fraction | None
    if subject is None:
        value = of_stretch(condition, history, start, end)
    elif measure is Measure.BREACH:  # one that goes on counts from its start, one that has ended is cured
        value = so_far(history, Window(end - 1, end), subject, condition.business)
    elif any(one.start < start and end <= one.end for one in touching(history, Window(start, end))):
        return False  # it has been down all the time
    else:
        value = so_far(history, Window(start, end), subject, condition.business)
    return value is not None and not condition.side.reached(value, condition.threshold)


def _by_periods(condition: Condition, history: History, own: tuple[Period, ...]) -> bool:
    """Only periods have the value: it was given for them, or is a mean of them."""
    name = condition.subject.objective
    if name is None:
        return False
    return any(
        one.mean_of > 1 or one.name in history.measured(period).given
        for period in own
        if defined(history, period, condition.subject)
        for one in ancestry(history.version(period), name)
    )
