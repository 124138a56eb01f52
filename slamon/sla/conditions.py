"""Whether a condition of the contract holds in a period, since when, and the comparison in words. For incentives and rights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from slamon.sla import periods
from slamon.sla.calendar import written as civil
from slamon.sla.growth import GROWING, RISING, Window, reached
from slamon.sla.growth import value as so_far
from slamon.sla.history import History
from slamon.sla.lines import Period
from slamon.sla.overdue import days_overdue, overdue_since
from slamon.sla.sliding import Spell, of_stretch, spells
from slamon.sla.subjects import ancestry, root, written
from slamon.sla.subjects import value as of_period
from slamon.sla.terms import Contract
from slamon.sla.terms.conditions import Condition, Where
from slamon.sla.terms.measures import Dimension, Measure, Side, Subject
from slamon.sla.terms.times import Span
from slamon.units import format_days, format_duration, round_half_up

SIDES = {Side.OVER: "over", Side.AT_LEAST: "at least", Side.BELOW: "below", Side.AT_MOST: "at most"}

PERCENT_DIGITS = 6
"""Decimals of a percent that are shown, as everywhere; trailing zeros are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Whether a condition holds in a period, as known at `as_of`."""

    value: bool | None
    """None: not known, or not known yet."""
    since: int | None = None
    """The instant it first is true, when it is: within the period, or the period's end for what only a whole period has."""
    text: str = ""
    """The comparison with its figures, for people."""


def holds(condition: Condition, history: History, period: Period) -> Truth:
    """Whether it holds in `period`, or where its `within` says, counted from `period`.

    What only a whole period has is not known before the period has ended; of what grows, the threshold may be reached before. Periods
    that end before anything is known do not hold.
    """
    within = condition.within
    around = _around(condition, history, period)
    if within.where is Where.ANY:
        return _sliding(condition, history, period)
    each = [_single(condition, history, one) for one in around]
    need = within.n if within.where is Where.OF and within.n is not None else len(each)
    true = sorted(one.since for one in each if one.value and one.since is not None)
    unknown = sum(one.value is None for one in each)
    value = True if len(true) >= need > 0 else None if len(true) + unknown >= need else False
    figures = ", ".join(
        one.text if within.where is Where.PERIOD else f"{place.name} {one.text}"
        for place, one in zip(around, each, strict=True)
    )
    since = true[need - 1] if value else None
    return Truth(value=value, since=since, text=f"{described(condition, history.contract)}: {figures}")


def _around(condition: Condition, history: History, period: Period) -> Sequence[Period]:
    """The periods in which it must hold."""
    within, contract = condition.within, history.contract
    match within.where:
        case Where.CONSECUTIVE | Where.OF:
            last = (within.n if within.where is Where.CONSECUTIVE else within.m) or 1
            return [periods.shift(contract, period, n) for n in range(1 - last, 1)]
        case Where.NEXT:
            return [periods.shift(contract, period, n) for n in range(1, (within.n or 1) + 1)]
        case Where.EVERY:
            return every(history, period, within.span or Span.PERIOD)
        case _:
            return [period]


def every(history: History, period: Period, span: Span) -> Sequence[Period]:
    """Every own period that begins in the civil quarter or year in which `period` does."""
    return periods.inside(history.contract, *periods.spanning(history.contract, period.start, span, period))


# --- one period ---------------------------------------------------------------------------------------------------------------


def _single(condition: Condition, history: History, period: Period) -> Truth:
    if period.end <= history.known_from:
        return Truth(value=False, text="nothing known")
    if period.start >= history.as_of:
        return Truth(value=None, text="not begun")
    if condition.subject.measure is Measure.OVERDUE:
        return _overdue(condition, history, period)
    if not defined(history, period, condition.subject):
        return Truth(value=None, text="not agreed")
    subject = growing(history, period, condition.subject)
    return _whole(condition, history, period) if subject is None else _grown(condition, history, period, subject)


def _whole(condition: Condition, history: History, period: Period) -> Truth:
    """Of a value only the whole period has."""
    ended = period.end <= history.as_of
    found = of_period(history.measured(period), condition.subject) if ended else None
    if found is None:
        return Truth(value=None, text="unknown" if ended else "not ended")
    value = condition.side.reached(found, condition.threshold)
    return Truth(value=value, since=period.end if value else None, text=figure(condition, found, history.contract))


def _grown(condition: Condition, history: History, period: Period, subject: Subject) -> Truth:
    """Of a value that grows: a threshold is reached for good, one not exceeded may still be until the period has ended."""
    ended = period.end <= history.as_of
    found = so_far(history, period, subject, condition.business)
    since: int | None = period.end
    if condition.side in RISING:
        reach = reached(history, period, subject, condition.side, condition.threshold, condition.business)
        value, since = (False if ended else None, None) if reach is None else (True, reach.at)
    else:
        value = condition.side.reached(found, condition.threshold) and (True if ended else None)
    return Truth(value=value, since=since if value else None, text=figure(condition, found, history.contract))


def defined(history: History, period: Period, subject: Subject) -> bool:
    """The terms in force in a period have the subject's objective; versions of a contract may differ in them."""
    return subject.objective is None or any(one.name == subject.objective for one in history.version(period).objectives)


def growing(history: History, period: Period, subject: Subject) -> Subject | None:
    """The measure a subject comes to in the course of a period; None when only the whole period has its value.

    An objective that averages, rounds, is about another service or was given is a value of the whole period.
    """
    if subject.objective is None:
        return subject if subject.measure in GROWING else None
    contract = history.version(period)
    found, _ = root(contract, subject)
    objectives = ancestry(contract, subject.objective)
    given = history.measured(period).given
    if (
        subject.measure is Measure.EXCESS
        or found.measure not in GROWING
        or any(one.mean_of > 1 or one.round or one.service not in (None, contract.service) for one in objectives)
        or any(one.name in given for one in objectives)
    ):
        return None
    return replace(found, objective=None)


# --- payments -----------------------------------------------------------------------------------------------------------------


def _overdue(condition: Condition, history: History, period: Period) -> Truth:
    """Judged when the period ends, or now."""
    at = min(period.end, history.as_of)
    days = days_overdue(history, at, business=condition.business)
    value = condition.side.reached(days, condition.threshold)
    return Truth(value=value, since=at if value else None, text=figure(condition, Fraction(days), history.contract))


def overdue_spells(condition: Condition, history: History, until: int) -> tuple[Spell, ...]:
    """When payments were overdue for over, or at least, so long: from the midnight that begins the day, and so in that day's period."""
    spans = overdue_since(history, condition.side, condition.threshold, until, business=condition.business)
    return tuple(Spell(start, end - 1, start, start + 1) for start, end in spans)


# --- sliding windows ----------------------------------------------------------------------------------------------------------


def stretches(condition: Condition, history: History, period: Period) -> tuple[Spell, ...]:
    """When the window that ends now satisfied a condition about any window, of the stretches that reach into the period."""
    return spells(condition, history, period, growing(history, period, condition.subject))


def _sliding(condition: Condition, history: History, period: Period) -> Truth:
    found = stretches(condition, history, period)
    if found:
        return Truth(value=True, since=found[0].since, text=told(condition, history, found[0]))
    return Truth(
        value=None if history.as_of < period.end else False,
        text=f"{described(condition, history.contract)}: in no window",
    )


def told(condition: Condition, history: History, spell: Spell) -> str:
    """What the first window of a stretch comes to."""
    until = civil(spell.since, history.contract.timezone)
    if condition.subject.measure is Measure.OVERDUE:
        return f"{described(condition, history.contract)}: since {until}"
    size = condition.within.length or 0
    subject = growing(history, periods.current(history.contract, spell.begins), condition.subject)
    if subject is None:
        found = of_stretch(condition, history, spell.begins - size, spell.begins)
    elif subject.measure is Measure.DOWNTIME:
        found = so_far(history, Window(spell.since - size, spell.since), subject)
    else:  # closed: what begins as it ends is in it
        found = so_far(history, Window(spell.begins - size, spell.begins + 1), subject, condition.business)
    return f"{described(condition, history.contract)}: {figure(condition, found or Fraction(0), history.contract)} by {until}"


# --- words --------------------------------------------------------------------------------------------------------------------


def described(condition: Condition, contract: Contract) -> str:
    """`availability below 99.5% within 3 consecutive periods`."""
    subject = condition.subject
    name = written(subject) if subject.objective is None or subject.measure is Measure.EXCESS else subject.objective
    where = condition.within
    text = f"{name} {SIDES[condition.side]} {figure(condition, condition.threshold, contract)}"
    return text if where.where is Where.PERIOD else f"{text} within {where.text}"


def figure(condition: Condition, value: Fraction, contract: Contract) -> str:
    """A value of the condition's subject in its unit, no more than shortened."""
    match _dimension(condition, contract):
        case Dimension.RATIO:
            text = f"{round_half_up(value * 100, PERCENT_DIGITS):f}"
            return f"{text.rstrip('0').rstrip('.')}%"
        case Dimension.DURATION:
            return format_duration(int(value))
        case Dimension.DAYS:
            return format_days(value, business=condition.business)
        case _:
            return str(value)


def _dimension(condition: Condition, contract: Contract) -> Dimension:
    """Of what is compared: by the first terms that have its objective, which need not be those in force."""
    subject = condition.subject
    terms = next(
        (
            each
            for each in (contract, *contract.amendments)
            if any(o.name == subject.objective for o in each.objectives)
        ),
        None,
    )
    return subject.dimension if terms is None else terms.dimension(subject)
