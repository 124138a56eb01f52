"""By when something has to be done: a deadline's rule and its anchor become a civil day or an instant; days and business days counted."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from itertools import islice

from slamon.errors import UsageError
from slamon.sla import calendar, periods
from slamon.sla.hours import ONE_DAY
from slamon.sla.lines import Due, Period
from slamon.sla.terms import Contract
from slamon.sla.terms.times import Anchor, Deadline, Lead
from slamon.units import format_days, format_duration


def due(deadline: Deadline, contract: Contract, *, anchor: int | None, period: Period) -> Due | None:
    """When a deadline ends, or None while its anchor is not known. Whether something is then in time says `in_time`.

    `anchor` is the instant of the deadline's anchor. For `period end` and for deadlines without an anchor it is not read, `period` is:
    days are counted from the period's last civil day, hours from the instant it ends. The day of the anchor is day 0; business days
    are counted from the next one on, so that 0 of them end with the anchor's day, whatever day it is. `28th of next month`
    is in the month that follows the one of the period's last day, on that month's last day if it is too short. `end of 2nd next period` is
    the last civil day of the second of the contract's own periods after this one.
    """
    zone = contract.timezone
    if deadline.day_of_next_month is not None:
        return _until(_next_month(_last_day(period, zone), deadline.day_of_next_month), zone)
    if deadline.end_of_period is not None:
        own = period if periods.own(contract, period) else periods.current(contract, period.end - 1)
        return _until(_last_day(periods.shift(contract, own, deadline.end_of_period), zone), zone)
    if deadline.anchor is Anchor.PERIOD_END:
        day, at = _last_day(period, zone), period.end
    elif anchor is None:
        return None
    else:
        day, at = calendar.day(anchor, zone), anchor
    if deadline.elapsed is not None:
        return Due(at=at + deadline.elapsed)
    return _until(_later(contract, day, deadline.days or 0, business=deadline.business), zone)


def in_time(due: Due, instant: int) -> bool:
    """A civil day lasts until the midnight that ends it; an instant is itself in time."""
    return instant <= due.at if due.day is None else instant < due.at


def enough(lead: Lead, contract: Contract, notified: int, start: int) -> bool:
    """Something announced at `notified` and beginning at `start` was announced early enough; equality is enough.

    The day of the announcement is day 0: ten days' notice given on the 5th, at any hour, is enough for the 15th, at any hour.
    """
    if lead.elapsed is not None:
        return start - notified >= lead.elapsed
    told, begins = (calendar.day(each, contract.timezone) for each in (notified, start))
    return _later(contract, told, lead.days or 0, business=lead.business) <= begins


def lead_text(lead: Lead) -> str:
    """`3d`, `10 days`, `1 business day`."""
    if lead.elapsed is not None:
        return format_duration(lead.elapsed)
    return format_days(lead.days or 0, business=lead.business)


def business_day(contract: Contract, day: date) -> bool:
    return day.weekday() in contract.business_days and day not in contract.holidays


def days_between(contract: Contract, start: int, end: int, business: bool) -> int:
    """How many civil days, or business days, the day of `end` is after the day of `start`, which is day 0; never negative."""
    first, last = (calendar.day(each, contract.timezone) for each in (start, end))
    if not business:
        return max(0, (last - first).days)
    return sum(business_day(contract, date.fromordinal(n)) for n in range(first.toordinal() + 1, last.toordinal() + 1))


def _until(day: date, timezone: str) -> Due:
    return Due(at=calendar.midnight(day + ONE_DAY, timezone), day=day)


def _last_day(period: Period, timezone: str) -> date:
    return calendar.day(period.end - 1, timezone)


def _later(contract: Contract, day: date, n: int, *, business: bool) -> date:
    """The n-th (business) day after `day`."""
    if not business:
        return day + n * ONE_DAY
    if not contract.business_days:
        raise UsageError(f"{contract.name} has no business days to count; write for example business_days: mon-fri")
    return next(islice(_business_days(contract, day), n - 1, None)) if n else day


def _business_days(contract: Contract, day: date) -> Iterator[date]:
    """Those after `day`."""
    while True:
        day += ONE_DAY
        if business_day(contract, day):
            yield day


def _next_month(day: date, number: int) -> date:
    year, month = divmod(day.year * 12 + day.month, 12)
    return date(year, month + 1, min(number, monthrange(year, month + 1)[1]))
