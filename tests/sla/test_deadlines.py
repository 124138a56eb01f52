"""Deadlines in days end with a civil day, deadlines in hours at an instant; business days skip weekends and holidays."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.errors import UsageError
from slamon.model import DAY, HOUR, S
from slamon.sla import calendar, deadlines, periods
from slamon.sla.lines import Due, Period
from slamon.sla.terms import Contract, PeriodKind, PeriodRule, Term
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.times import Anchor, Deadline, Lead

ZONES = sorted(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
HOLIDAYS = frozenset({date(2026, 4, 3), date(2026, 4, 6), date(2026, 4, 11)})
"""Easter, and a Saturday."""


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def terms(timezone: str = "UTC", **rest: Any) -> Contract:
    return Contract(
        name="test", service="link", provider="Example", timezone=timezone, clause=Clause(path="contracts.test"), **rest
    )


def after(anchor: Anchor, *, days: int | None = None, **rest: Any) -> Deadline:
    return Deadline(text="", anchor=anchor, days=days, **rest)


MARCH = periods.period(terms(), "2026-03")
START = utc("2026-03-10 14:00")
CLOSED = utc("2026-03-11 09:00")


def day(deadline: Deadline, contract: Contract, anchor: int | None = None, period: Period = MARCH) -> str:
    found = deadlines.due(deadline, contract, anchor=anchor, period=period)
    assert found is not None
    assert found.day is not None
    assert found.at == calendar.midnight(found.day + timedelta(days=1), contract.timezone)
    return found.day.isoformat()


def test_one_outage_and_seven_deadlines() -> None:
    contract = terms()
    assert day(after(Anchor.PERIOD_END, days=7, business=True), contract) == "2026-04-09"
    assert day(after(Anchor.OUTAGE_START, days=30), contract, START) == "2026-04-09"
    assert day(after(Anchor.OUTAGE_START, days=2), contract, START) == "2026-03-12"
    assert day(Deadline(text="28th of next month", day_of_next_month=28), contract) == "2026-04-28"
    found = deadlines.due(after(Anchor.OUTAGE_START, elapsed=72 * HOUR), contract, anchor=START, period=MARCH)
    assert found == Due(at=utc("2026-03-13 14:00"))
    assert day(after(Anchor.TICKET_CLOSED, days=30), contract, CLOSED) == "2026-04-10"
    assert day(Deadline(text="end of 2nd next period", end_of_period=2), contract) == "2026-05-31"
    assert day(after(Anchor.PERIOD_END, days=45), contract) == "2026-05-15"


def test_an_unknown_anchor_sets_no_deadline() -> None:
    for deadline in (after(Anchor.TICKET_CLOSED, days=30), after(Anchor.NOTICE, elapsed=HOUR)):
        assert deadlines.due(deadline, terms(), anchor=None, period=MARCH) is None


def test_business_days_skip_weekends_and_holidays() -> None:
    contract = terms(holidays=HOLIDAYS)
    # 1, 2, then after Easter 7, 8, 9, 10, 13 April.
    assert day(after(Anchor.PERIOD_END, days=7, business=True), contract) == "2026-04-13"
    sixth = terms(holidays=HOLIDAYS, business_days=frozenset(range(6)))
    # With Saturdays 1, 2, 4, 7, 8, 9, 10; the 11th is a holiday.
    assert day(after(Anchor.PERIOD_END, days=7, business=True), sixth) == "2026-04-10"
    saturday = utc("2026-04-04 10:00")
    assert day(after(Anchor.NOTICE, days=0, business=True), contract, saturday) == "2026-04-04"
    assert day(after(Anchor.NOTICE, days=1, business=True), contract, saturday) == "2026-04-07"
    assert day(after(Anchor.NOTICE, days=0), contract, saturday) == "2026-04-04"
    assert [deadlines.business_day(contract, date(2026, 4, n)) for n in (2, 3, 4, 6, 7)] == [
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_contract_without_business_days_cannot_count_them() -> None:
    message = "test has no business days to count; write for example business_days: mon-fri"
    with pytest.raises(UsageError, match=re.escape(message)):
        day(after(Anchor.PERIOD_END, days=7, business=True), terms(business_days=frozenset()))


def test_the_anchor_is_a_day_of_the_contracts_zone() -> None:
    late = utc("2026-03-10 23:30")
    assert day(after(Anchor.OUTAGE_START, days=2), terms("Asia/Tokyo"), late) == "2026-03-13"
    assert day(after(Anchor.OUTAGE_START, days=2), terms("America/New_York"), late) == "2026-03-12"
    # A right that arises with the end of March arises on 1 April; the period's own last day is 31 March.
    assert day(after(Anchor.RIGHT_ARISES, days=30), terms(), MARCH.end) == "2026-05-01"
    assert day(after(Anchor.PERIOD_END, days=30), terms(), MARCH.end) == "2026-04-30"
    assert deadlines.due(after(Anchor.PERIOD_END, elapsed=HOUR), terms(), anchor=None, period=MARCH) == Due(
        at=MARCH.end + HOUR
    )


@pytest.mark.parametrize(
    ("period", "number", "expected"),
    [
        ("2026-01", 28, "2026-02-28"),
        ("2026-01", 31, "2026-02-28"),
        ("2028-01", 30, "2028-02-29"),
        ("2026-12", 15, "2027-01-15"),
        ("2026-11", 1, "2026-12-01"),
        ("2026-Q1", 28, "2026-04-28"),
    ],
)
def test_a_day_of_next_month(period: str, number: int, expected: str) -> None:
    deadline = Deadline(text="", day_of_next_month=number)
    assert day(deadline, terms(), period=periods.period(terms(), period)) == expected


def test_next_month_follows_the_month_a_billing_period_ends_in() -> None:
    billing = terms(period=PeriodRule(kind=PeriodKind.BILLING_MONTH, day=15))
    found = periods.period(billing, "2026-06-15")
    assert day(Deadline(text="", day_of_next_month=28), billing, period=found) == "2026-08-28"
    assert day(Deadline(text="", end_of_period=1), billing, period=found) == "2026-08-14"


def test_the_end_of_a_next_period() -> None:
    second = Deadline(text="end of 2nd next period", end_of_period=2)
    quarterly = terms(period=PeriodRule(kind=PeriodKind.QUARTER))
    assert day(second, quarterly, period=periods.period(quarterly, "2026-Q1")) == "2026-09-30"
    yearly = terms(period=PeriodRule(kind=PeriodKind.CONTRACT_YEAR), term=Term(start=date(2026, 4, 16)))
    assert day(second, yearly, period=periods.period(yearly, "2026-04-16")) == "2029-04-15"
    # Of a quarter in a contract by the month, the months are counted.
    assert day(second, terms(), period=periods.period(terms(), "2026-Q1")) == "2026-05-31"
    rolling = terms(period=PeriodRule(kind=PeriodKind.ROLLING, length=30 * DAY))
    assert day(second, rolling, period=periods.period(rolling, "2026-06-01")) == "2026-07-30"


def test_a_day_is_in_time_until_its_midnight_and_an_instant_is_itself() -> None:
    here = terms("America/New_York")
    found = deadlines.due(after(Anchor.OUTAGE_START, days=2), here, anchor=START, period=MARCH)
    assert found == Due(at=utc("2026-03-13 04:00"), day=date(2026, 3, 12))
    assert deadlines.in_time(found, found.at - 1)
    assert not deadlines.in_time(found, found.at)
    instant = Due(at=START)
    assert deadlines.in_time(instant, START)
    assert not deadlines.in_time(instant, START + 1)


def test_elapsed_notice_is_enough_to_the_nanosecond() -> None:
    lead = Lead(elapsed=240 * HOUR)
    start = utc("2026-06-22 02:00")
    assert deadlines.enough(lead, terms(), utc("2026-06-12 02:00"), start)
    assert not deadlines.enough(lead, terms(), utc("2026-06-12 02:00") + 1, start)
    assert not deadlines.enough(lead, terms(), utc("2026-06-05 12:00"), utc("2026-06-15 02:00"))


@pytest.mark.parametrize(
    ("days", "business", "notified", "start", "expected"),
    [
        (10, False, "2026-06-05 23:59", "2026-06-15 00:00", True),
        (10, False, "2026-06-06 00:00", "2026-06-15 23:59", False),
        (0, False, "2026-06-06 12:00", "2026-06-06 12:00", True),
        (5, True, "2026-03-27 12:00", "2026-04-07 02:00", True),  # 30, 31, 1, 2, then Easter and 7 April
        (5, True, "2026-03-27 12:00", "2026-04-06 23:00", False),
        (4, True, "2026-03-27 12:00", "2026-04-02 02:00", True),
        (4, True, "2026-03-27 12:00", "2026-04-04 02:00", True),
        (4, True, "2026-03-28 12:00", "2026-04-02 02:00", True),  # told on a Saturday
        (4, True, "2026-03-30 12:00", "2026-04-04 02:00", False),
        (0, True, "2026-04-04 12:00", "2026-04-04 12:00", True),
    ],
)
def test_notice_in_days(days: int, business: bool, notified: str, start: str, expected: bool) -> None:
    contract = terms(holidays=HOLIDAYS)
    lead = Lead(days=days, business=business)
    assert deadlines.enough(lead, contract, utc(notified), utc(start)) is expected


@pytest.mark.parametrize(
    ("start", "end", "days", "business"),
    [
        ("2026-04-01 10:00", "2026-04-01 23:00", 0, 0),
        ("2026-04-01 10:00", "2026-04-02 00:00", 1, 1),
        ("2026-04-01 10:00", "2026-04-08 00:00", 7, 3),
        ("2026-04-04 10:00", "2026-04-07 00:00", 3, 1),
        ("2026-04-03 00:00", "2026-04-06 12:00", 3, 0),
        ("2026-04-08 10:00", "2026-04-01 10:00", 0, 0),
    ],
)
def test_days_between(start: str, end: str, days: int, business: int) -> None:
    contract = terms(holidays=HOLIDAYS)
    assert deadlines.days_between(contract, utc(start), utc(end), False) == days
    assert deadlines.days_between(contract, utc(start), utc(end), True) == business


def test_days_between_are_days_of_the_zone() -> None:
    found = [
        deadlines.days_between(terms(zone), utc("2026-03-10 20:00"), utc("2026-03-11 02:00"), False)
        for zone in ("UTC", "America/New_York", "Asia/Tokyo")
    ]
    assert found == [1, 0, 0]


instants = st.integers(utc("1971-01-01"), utc("2060-01-01"))


@given(
    st.sampled_from(ZONES), instants, st.integers(0, 60), st.booleans(), st.frozensets(st.integers(0, 6), min_size=1)
)
def test_notice_deadline_and_count_agree(
    zone: str, anchor: int, n: int, business: bool, weekdays: frozenset[int]
) -> None:
    contract = terms(zone, holidays=HOLIDAYS, business_days=weekdays)
    found = deadlines.due(after(Anchor.NOTICE, days=n, business=business), contract, anchor=anchor, period=MARCH)
    assert found is not None
    assert found.day is not None
    lead = Lead(days=n, business=business)
    begins = calendar.midnight(found.day, zone)
    assert deadlines.days_between(contract, anchor, found.at - 1, business) == n
    assert deadlines.in_time(found, max(anchor, begins))
    assert deadlines.enough(lead, contract, anchor, begins)
    assert n == 0 or not deadlines.enough(lead, contract, anchor, begins - 1)
    assert n == 0 or not business or deadlines.business_day(contract, found.day)


def test_a_rolling_period_that_ends_at_noon_is_followed_by_one_that_begins_there() -> None:
    rolling = terms(period=PeriodRule(kind=PeriodKind.ROLLING, length=36 * HOUR))
    found = periods.period(rolling, "2026-06-01 12:00")
    assert day(Deadline(text="", end_of_period=1), rolling, period=found) == "2026-06-02"


def test_a_span_that_ends_a_nanosecond_into_a_month_ends_in_that_month() -> None:
    found = Period(name="a span", start=utc("2026-03-05"), end=utc("2026-04-01") + 1)
    assert day(Deadline(text="", end_of_period=1), terms(), period=found) == "2026-05-31"
    assert day(Deadline(text="", day_of_next_month=28), terms(), period=found) == "2026-05-28"
