"""Payments that were due and are not made: for how many days, and since when they have been so many."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor

from slamon.sla import calendar, deadlines, periods
from slamon.sla.history import History
from slamon.sla.hours import ONE_DAY
from slamon.sla.terms.measures import Side
from slamon.sla.timeline import Spans, union


def days_overdue(history: History, at: int, *, business: bool, due_before: int = calendar.FOREVER) -> int:
    """(Business) days since the oldest due date, of those before `due_before`, that had come and was not paid at `at`; 0 without one."""
    unpaid = [
        each.due
        for each in history.facts.payments
        if each.due <= at and each.due < due_before and (each.paid is None or each.paid > at)
    ]
    return deadlines.days_between(periods.version(history.contract, at), min(unpaid), at, business) if unpaid else 0


def overdue_since(history: History, side: Side, threshold: Fraction, until: int, *, business: bool) -> Spans:
    """When the oldest unpaid due date lay over, or at least, so many days back: `[start, end)`, not beyond `until`."""
    least = floor(threshold) + 1 if side is Side.OVER else ceil(threshold)
    found = []
    for payment in history.facts.payments:
        end = until if payment.paid is None else min(payment.paid, until)
        start = next((at for at, days in _mornings(history, payment.due, end, business) if days >= least), end)
        found.append((start, end))
    return union(found)


def _mornings(history: History, due: int, end: int, business: bool) -> Iterator[tuple[int, int]]:
    """From the due instant on each midnight before `end`, and how many days it is since."""
    zone = history.contract.timezone
    contract = periods.version(history.contract, due)
    at, day = due, calendar.day(due, zone)
    while at < end:
        yield at, deadlines.days_between(contract, due, at, business)
        day += ONE_DAY
        at = calendar.midnight(day, zone)
