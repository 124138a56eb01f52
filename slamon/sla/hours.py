"""When a contract is in force: its term and its weekly hours as spans of instants."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache

from slamon.sla import calendar
from slamon.sla.terms import Contract
from slamon.sla.terms.times import Weekly
from slamon.sla.timeline import Span, Spans, clip, union

ONE_DAY = timedelta(days=1)


def term(contract: Contract) -> Span:
    """From the first midnight of the term to the one that ends its last day; open ends are 1970 and `calendar.FOREVER`."""
    first, last = contract.term.start, contract.term.end
    return (
        0 if first is None else calendar.midnight(first, contract.timezone),
        calendar.FOREVER if last is None else calendar.midnight(last + ONE_DAY, contract.timezone),
    )


def scope(contract: Contract, start: int, end: int) -> Spans:
    """`[start, end)` ∩ term ∩ service hours: the time that is judged."""
    first, last = term(contract)
    start, end = max(start, first), min(end, last)
    if not contract.service_hours:
        return union(((start, end),))
    return union(span for rule in contract.service_hours for span in weekly(rule, contract, start, end))


def weekly(rule: Weekly, contract: Contract, start: int, end: int) -> Spans:
    """The hours of a rule inside `[start, end)`, by the wall clock of the contract's zone.

    An hour that is skipped is not there, one that occurs twice is there twice: a start is the first instant its reading is shown, an
    end the last one, and 24:00 the midnight that ends the day. Hours that end at or before they start run into the next day; they
    belong, also for `except holidays`, to the day they begin.
    """
    return clip(union(_openings(rule, contract, start, end)), start, end)


def _openings(rule: Weekly, contract: Contract, start: int, end: int) -> Iterator[Span]:
    zone = contract.timezone
    # Hours that run overnight began the day before; an end that occurs twice may lie beyond its own midnight.
    day, last = calendar.day(start, zone) - 2 * ONE_DAY, calendar.day(end, zone)
    while day <= last:
        if day.weekday() in rule.weekdays and not (rule.except_holidays and day in contract.holidays):
            yield _opening(day, rule.start, rule.end, zone)
        day += ONE_DAY


@lru_cache(maxsize=8192)
def _opening(day: date, start: int, end: int, timezone: str) -> Span:
    closing = day if end > start else day + ONE_DAY
    first = calendar.at(day, start, timezone)
    # 00:00 is where a day begins, so that hours up to 24:00 and hours up to 00:00 are the same.
    return first, calendar.at(closing, end, timezone, last=end > 0)
