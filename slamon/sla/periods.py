"""What is judged at once: a contract's periods by name and in order, the terms in force in them, and what a stretch of time is charged."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple, TypeVar

from slamon.errors import UsageError
from slamon.sla import calendar, hours
from slamon.sla.lines import Period
from slamon.sla.terms import Contract, PeriodKind, Price, Prorate
from slamon.sla.terms.times import Span
from slamon.sla.timeline import Span as Stretch

V = TypeVar("V")

_CALENDAR = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2])|-Q([1-4]))?")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ENDS = re.compile(r"(.*) to (.*)")
_DATED = re.compile(r"\d{4}-")
_JANUARY = date(1970, 1, 1)
"""Where civil months, quarters and years are counted from."""

_MONTHS: dict[Span, int] = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}
_KINDS: dict[PeriodKind, int] = {PeriodKind.MONTH: 1, PeriodKind.QUARTER: 3, PeriodKind.YEAR: 12}
_EXAMPLES: dict[PeriodKind, str] = {
    PeriodKind.BILLING_MONTH: "the first day of a billing month",
    PeriodKind.CONTRACT_YEAR: "the first day of a contract year",
    PeriodKind.ROLLING: "the instant a period ends, such as 2026-06-15 00:00",
}


class _Grid(NamedTuple):
    """Stretches of so many civil months, counted from the day `origin`; a day that a month does not have is its last one."""

    origin: date
    months: int

    def around(self, day: date) -> tuple[date, date]:
        """The first day of the stretch that `day` lies in, and of the one after it."""
        passed = (day.year - self.origin.year) * 12 + day.month - self.origin.month
        if day < _later(self.origin, passed):
            passed -= 1
        passed -= passed % self.months
        return _later(self.origin, passed), _later(self.origin, passed + self.months)

    def bounds(self, instant: int, timezone: str) -> tuple[int, int]:
        """The stretch an instant lies in."""
        first, after = self.around(calendar.day(instant, timezone))
        return calendar.midnight(first, timezone), calendar.midnight(after, timezone)


# --- by name ------------------------------------------------------------------------------------------------------------------


def period(contract: Contract, name: str) -> Period:
    """The period of that name, whatever the contract's own period is. Raises UsageError.

    `2026-06`, `2026-Q2`, `2026`; a billing month's or contract year's first DATE; the INSTANT a rolling period ends; or any SPAN. One
    stretch of time has one name, however it was written: that of the contract's own period where it is one.
    """
    zone = contract.timezone
    try:
        if match := _CALENDAR.fullmatch(name):
            return _named(contract, *_civil(match, zone))
        if " to " in name or " + " in name:
            return _named(contract, *calendar.span(name, zone))
        at = calendar.instant(name, zone) if _DATED.match(name) else None
    except ValueError as error:
        raise UsageError(f"{name!r} is not a period of {contract.name}: {error}") from error
    if at is None:
        raise _no_period(contract, name, contract.period.kind)
    length = version(contract, at - 1).period.length
    if length is not None:
        return _rolling(contract, at, length)
    kind = version(contract, at).period.kind
    if kind in {PeriodKind.BILLING_MONTH, PeriodKind.CONTRACT_YEAR} and _DATE.fullmatch(name):
        found = current(contract, at)
        if found.start != at:
            raise UsageError(f"{name!r} is not {_EXAMPLES[kind]} of {contract.name}; write {found.name}")
        return found
    raise _no_period(contract, name, kind)


def _no_period(contract: Contract, name: str, kind: PeriodKind) -> UsageError:
    example = "2026-06, 2026-Q2, 2026" + (f", {_EXAMPLES[kind]}" if kind in _EXAMPLES else "")
    return UsageError(
        f"{name!r} is not a period of {contract.name}; write {example}, or a span such as 2026-06-10 02:00 + 3h"
    )


def several(contract: Contract, text: str) -> list[Period]:
    """`PERIOD`, or `PERIOD to PERIOD`: each of them, both ends included. Raises UsageError.

    Two dates are two periods where both are first days of the contract's own periods; else, and of rolling periods, they are a SPAN.
    """
    ends = _ENDS.fullmatch(text)
    if ends is None or not (_names(contract, ends[1]) and _names(contract, ends[2])):
        return [period(contract, text)]
    found, last = [period(contract, ends[1])], period(contract, ends[2])
    while found[-1].start < last.start:
        found.append(shift(contract, found[-1], 1))
    if found[-1] != last:
        raise UsageError(
            f"{text!r} does not lead from a period to a later one of its kind; write for example 2026-01 to 2026-03"
        )
    return found


def _names(contract: Contract, text: str) -> bool:
    """It can be one end of `PERIOD to PERIOD`."""
    if _CALENDAR.fullmatch(text):
        return True
    if not _DATE.fullmatch(text) or contract.period.kind is PeriodKind.ROLLING:
        return False
    try:
        period(contract, text)
    except UsageError:
        return False
    return True


def _civil(match: re.Match[str], timezone: str) -> tuple[int, int]:
    """The bounds of a civil month, quarter or year by its name. Raises ValueError."""
    year, month, quarter = match.groups()
    if int(year) not in calendar.YEARS:
        years = calendar.YEARS
        raise ValueError(f"outside the years {years.start} to {years.stop - 1}; write a year between")
    first = date(int(year), int(month or 3 * int(quarter or 1) - 2), 1)
    after = _later(first, _grid_of(match).months)
    return calendar.midnight(first, timezone), calendar.midnight(after, timezone)


def _grid_of(match: re.Match[str]) -> _Grid:
    return _Grid(_JANUARY, 1 if match[2] else 3 if match[3] else 12)


def _named(contract: Contract, start: int, end: int) -> Period:
    """Any stretch of time by its one name."""
    zone = contract.timezone
    length = version(contract, end - 1).period.length
    if length == end - start:
        return _rolling(contract, end, length)
    if length is None and ((mine := current(contract, start)).start, mine.end) == (start, end):
        return mine
    for kind, months in _KINDS.items():
        found = _tile(zone, kind, _Grid(_JANUARY, months), calendar.day(start, zone))
        if (found.start, found.end) == (start, end):
            return found
    name = f"{calendar.written(start, zone)} to {calendar.written(end, zone)}"
    return Period(name=name, start=start, end=end)


def _written(kind: PeriodKind, first: date) -> str:
    """The name of a period by its first day."""
    match kind:
        case PeriodKind.MONTH:
            return f"{first:%Y-%m}"
        case PeriodKind.QUARTER:
            return f"{first:%Y}-Q{first.month // 3 + 1}"
        case PeriodKind.YEAR:
            return f"{first:%Y}"
        case _:
            return first.isoformat()


# --- in order -----------------------------------------------------------------------------------------------------------------


def version(contract: Contract, instant: int) -> Contract:
    """The terms in force: of the contract and its amendments the last that took force by then, at a midnight of the contract's zone."""
    found = contract
    for later in contract.amendments:
        if later.effective is None or calendar.midnight(later.effective, contract.timezone) <= instant:
            found = later
    return found


def current(contract: Contract, instant: int) -> Period:
    """The contract's own period an instant lies in, by the terms then in force. Raises UsageError for contract years without a term.

    Periods go on before and after the term. A rolling period is the one that ends with the instant's civil day, so that all day long
    it is the same one; it holds the instant if it is at least a day long.
    """
    terms = version(contract, instant)
    day = calendar.day(instant, contract.timezone)
    if terms.period.length is not None:
        return _rolling(contract, calendar.midnight(day + hours.ONE_DAY, contract.timezone), terms.period.length)
    return _tile(contract.timezone, terms.period.kind, _grid(terms), day)


def previous(contract: Contract, instant: int) -> Period:
    """The last own period that is over: the one before `current`; of rolling periods the one that ended with the last civil day."""
    if version(contract, instant).period.length is None:
        return current(contract, _before(current(contract, instant).start))
    today = calendar.midnight(calendar.day(instant, contract.timezone), contract.timezone)
    return current(contract, _before(today))


def _before(instant: int) -> int:
    """An instant of what ends there."""
    return instant - 1


def shift(contract: Contract, period: Period, n: int) -> Period:
    """The n-th period after (negative: before) one; n = 0 is itself.

    Of the contract's own periods the own ones around it; rolling periods then stand end to end, each of the full length. Of a civil
    month, quarter or year, civil months, quarters or years. Of any other span the spans as long as it beside it.
    """
    mine = own(contract, period)
    for _ in range(n):
        period = _beside(contract, period, period.end, mine=mine)
    for _ in range(-n):
        period = _beside(contract, period, _before(period.start), mine=mine)
    return period


def own(contract: Contract, period: Period) -> bool:
    """It is one of the contract's own periods; of a rolling one, any window of its length."""
    length = version(contract, period.end - 1).period.length
    if length is not None:
        return period.end - period.start == length
    found = current(contract, period.start)
    return (found.start, found.end) == (period.start, period.end)


def inside(contract: Contract, start: int, end: int) -> tuple[Period, ...]:
    """The contract's own periods that begin in `[start, end)`, in order; rolling ones stand end to end, the first begins at `start`."""
    length = version(contract, start).period.length
    found = current(contract, start) if length is None else _rolling(contract, start + length, length)
    if found.start < start:
        found = shift(contract, found, 1)
    result = []
    while found.start < end:
        result.append(found)
        found = shift(contract, found, 1)
    return tuple(result)


def spanning(contract: Contract, instant: int, span: Span, period: Period | None = None) -> tuple[int, int]:
    """The civil month, quarter, year or the contract year an instant lies in, `[start, end)`; `Span.PERIOD` is `period` itself.

    Raises UsageError for a contract year of a contract without a first day.
    """
    if span is Span.PERIOD:
        assert period is not None
        return period.start, period.end
    grid = _Grid(_anniversary(contract), 12) if span is Span.CONTRACT_YEAR else _Grid(_JANUARY, _MONTHS[span])
    return grid.bounds(instant, contract.timezone)


def sharing(contract: Contract, period: Period, span: Span) -> tuple[Period, ...]:
    """The own periods that share one of the contract's own with a cap of that span: those that begin in it.

    The first contract year begins with the period in which the term does.
    """
    if span is Span.PERIOD:
        return (period,)
    if span is not Span.CONTRACT_YEAR or version(contract, period.start).period.length is not None:
        return inside(contract, *spanning(contract, period.start, span))
    first = hours.term(contract)[0]
    start, end = spanning(contract, max(period.start, first), span)
    return inside(contract, current(contract, first).start if start == first else start, end)


def _beside(contract: Contract, period: Period, beyond: int, *, mine: bool) -> Period:
    """The one on that side where `beyond` is the nearest instant."""
    length: int | None = period.end - period.start
    if mine:
        length = version(contract, beyond).period.length
        if length is None:
            return current(contract, beyond)
    elif match := _CALENDAR.fullmatch(period.name):
        return _named(contract, *_grid_of(match).bounds(beyond, contract.timezone))
    assert length is not None
    start = beyond if beyond == period.end else period.start - length
    return _named(contract, start, start + length)


def _rolling(contract: Contract, end: int, length: int) -> Period:
    return Period(name=calendar.written(end, contract.timezone), start=end - length, end=end)


@lru_cache(maxsize=1024)
def _tile(timezone: str, kind: PeriodKind, grid: _Grid, day: date) -> Period:
    first, after = grid.around(day)
    start, end = (calendar.midnight(each, timezone) for each in (first, after))
    return Period(name=_written(kind, first), start=start, end=end)


def _grid(terms: Contract) -> _Grid:
    """Of the own periods of a contract whose periods do not roll."""
    match terms.period.kind:
        case PeriodKind.CONTRACT_YEAR:
            return _Grid(_anniversary(terms), 12)
        case PeriodKind.BILLING_MONTH:
            return _Grid(_JANUARY.replace(day=terms.period.day), 1)
        case kind:
            return _Grid(_JANUARY, _KINDS[kind])


def _anniversary(contract: Contract) -> date:
    if contract.term.start is None:
        raise UsageError(
            f"{contract.name} has no contract years without a first day; write for example term: {{from: 2026-01-01}}"
        )
    return contract.term.start


def _later(day: date, months: int) -> date:
    """The same day so many months later, or the month's last: 31 January + 1 = 28 February."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


# --- charges ------------------------------------------------------------------------------------------------------------------


def charge(contract: Contract, start: int, end: int) -> Fraction | None:
    """What `[start, end)` is charged by the contract's prices, exact; None without a price.

    It is added up over units as large as fit the stretch and at most what the price is for, so that of a yearly price each whole
    month is 1/12, each quarter 1/4 and a whole year all of it. Units are civil months, quarters and years; months from the billing day
    where these are the contract's periods; months, quarters and years since the term's first day where its periods are contract years.
    What lies outside the term is free, by `prorate`:

    - `day`: a unit is charged by the share of its civil days; a day cut in two belongs to the part in which it begins.
    - `second`: by the share of its elapsed time.
    - `none`: a unit of which any part lies in the term is charged as if all of it did.

    Two prices share a unit by its civil days, always. Time before the first price is free.
    """
    if not contract.prices:
        return None
    # Versions differ in their term, period and `prorate`; the prices of all of them are the same.
    versions = (contract, *contract.amendments)
    return Fraction(
        sum(
            _part(terms, force, price, paid, (start, end))
            for terms, force in _in_turn(
                versions, [None, *(each.effective for each in contract.amendments)], contract.timezone
            )
            for price, paid in _in_turn(contract.prices, [each.since for each in contract.prices], contract.timezone)
        )
    )


def _part(terms: Contract, force: Stretch, price: Price, paid: Stretch, asked: Stretch) -> Fraction:
    """What of a charge comes from one version, while in force, and one price, while paid."""
    zone = terms.timezone
    grid = _units(terms, price.per, *asked)
    rate = price.amount * grid.months / _MONTHS[price.per]
    wanted, owed = _common(asked, force), hours.term(terms)
    total = Fraction(0)
    at, end = _common(wanted, owed)
    while at < end:
        unit = grid.bounds(at, zone)
        at = unit[1]
        priced = _common(unit, paid)
        counted = _common(priced, wanted if terms.prorate is Prorate.NONE else _common(wanted, owed))
        if counted[0] < counted[1]:
            share = Fraction(calendar.days(*counted, zone), calendar.days(*unit, zone))
            if terms.prorate is Prorate.SECOND:
                share = Fraction(calendar.days(*priced, zone), calendar.days(*unit, zone))
                share *= Fraction(counted[1] - counted[0], priced[1] - priced[0])
            total += rate * share
    return total


def _in_turn(values: tuple[V, ...], since: list[date | None], timezone: str) -> Iterator[tuple[V, Stretch]]:
    """Each value with when it holds, from the start of its day (None = always) until the next one does."""
    starts = [0 if day is None else calendar.midnight(day, timezone) for day in since]
    starts.append(calendar.FOREVER)
    for n, value in enumerate(values):
        yield value, (starts[n], starts[n + 1])


def _common(one: Stretch, other: Stretch) -> Stretch:
    """Start and end of what both cover; the end is not after the start where that is nothing."""
    return max(one[0], other[0]), min(one[1], other[1])


def _units(contract: Contract, per: Span, start: int, end: int) -> _Grid:
    """The largest units, at most what the price is for, at whose bounds the stretch begins and ends; else months."""
    kind, zone = contract.period.kind, contract.timezone
    monthly = _Grid(_JANUARY, 1)
    if kind is PeriodKind.BILLING_MONTH:
        monthly = _grid(contract)
    elif kind is PeriodKind.CONTRACT_YEAR:
        monthly = _Grid(_anniversary(contract), 1)
    origin = monthly.origin if kind is PeriodKind.CONTRACT_YEAR else _JANUARY
    for months in (12, 3):
        grid = _Grid(origin, months)
        if months <= _MONTHS[per] and all(grid.bounds(edge, zone)[0] == edge for edge in (start, end)):
            return grid
    return monthly
