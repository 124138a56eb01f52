"""Weekly hours on the wall clock of any zone, through the nights the clocks change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MINUTE, S
from slamon.sla import calendar, hours
from slamon.sla.terms import Contract, Term
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.times import Weekly
from slamon.sla.timeline import length, union

ZONES = sorted(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())
WEEKDAYS = frozenset(range(5))
EVERY_DAY = frozenset(range(7))


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def terms(timezone: str = "UTC", **rest: Any) -> Contract:
    return Contract(
        name="test", service="link", provider="Example", timezone=timezone, clause=Clause(path="contracts.test"), **rest
    )


def weekly(start: str, end: str, weekdays: frozenset[int] = EVERY_DAY, **rest: Any) -> Weekly:
    first, last = (int(text[:2]) * 3600 + int(text[3:5]) * 60 for text in (start, end))
    return Weekly(weekdays=weekdays, start=first, end=last, **rest)


def month(zone: str, year: int, number: int) -> tuple[int, int]:
    after = date(year + number // 12, number % 12 + 1, 1)
    return calendar.midnight(date(year, number, 1), zone), calendar.midnight(after, zone)


def test_business_hours_of_a_month_with_a_clock_change() -> None:
    office = terms("Europe/London", service_hours=(weekly("08:00", "18:00", WEEKDAYS),))
    found = hours.scope(office, *month("Europe/London", 2026, 3))
    assert length(found) == 792_000 * S
    assert len(found) == 22
    # Before and after the last Sunday of March, 08:00 is another instant.
    assert (found[0][0], found[-1]) == (utc("2026-03-02 08:00"), (utc("2026-03-31 07:00"), utc("2026-03-31 17:00")))
    # An outage from Friday 17:30 to Monday 08:45.
    outage = hours.scope(office, utc("2026-03-13 17:30"), utc("2026-03-16 08:45"))
    assert [(end - start) // MINUTE for start, end in outage] == [30, 45]


def test_without_service_hours_the_term_is_judged() -> None:
    zone = "America/New_York"
    april = month(zone, 2026, 4)
    assert hours.scope(terms(zone), *april) == (april,)
    contract = terms(zone, term=Term(start=date(2026, 4, 16), end=date(2026, 4, 30)))
    assert hours.term(contract) == (utc("2026-04-16 04:00"), utc("2026-05-01 04:00"))
    assert hours.scope(contract, *april) == ((utc("2026-04-16 04:00"), april[1]),)
    assert hours.scope(contract, *month(zone, 2026, 5)) == ()
    assert hours.scope(contract, *month(zone, 2026, 3)) == ()
    assert hours.term(terms(zone)) == (0, calendar.FOREVER)


def test_hours_and_term_are_cut_together() -> None:
    contract = terms(term=Term(start=date(2026, 4, 16)), service_hours=(weekly("08:00", "18:00", WEEKDAYS),))
    assert hours.scope(contract, *month("UTC", 2026, 4))[0] == (utc("2026-04-16 08:00"), utc("2026-04-16 18:00"))
    assert hours.scope(contract, *month("UTC", 2026, 3)) == ()


def test_several_rules_are_one_set_of_hours() -> None:
    contract = terms(
        service_hours=(
            weekly("08:00", "12:00", WEEKDAYS),
            weekly("12:00", "18:00", WEEKDAYS),
            weekly("10:00", "20:00", frozenset({0})),
        )
    )
    monday = utc("2026-06-08")
    assert hours.scope(contract, monday, monday + 2 * DAY) == (
        (monday + 8 * HOUR, monday + 20 * HOUR),
        (monday + 32 * HOUR, monday + 42 * HOUR),
    )


@pytest.mark.parametrize(
    ("day", "start", "end", "elapsed"),
    [
        ("2026-03-08", "00:00", "06:00", 5),  # 02:00 became 03:00
        ("2026-03-08", "02:30", "06:00", 3),  # begins at the jump
        ("2026-03-08", "00:00", "02:30", 2),  # ends at the jump
        ("2026-03-08", "02:00", "03:00", 0),  # never was
        ("2026-11-01", "00:00", "06:00", 7),  # 02:00 became 01:00
        ("2026-11-01", "01:00", "02:00", 2),  # both
        ("2026-11-01", "01:30", "02:00", 1.5),  # from the first half past one
        ("2026-11-01", "00:00", "01:30", 2.5),  # to the last
        ("2026-11-01", "00:00", "24:00", 25),
        ("2026-03-08", "00:00", "24:00", 23),
        ("2026-10-31", "22:00", "01:30", 4.5),  # the next day's last half past one
        ("2026-03-07", "22:00", "02:30", 4),
        ("2026-03-07", "22:00", "06:00", 7),
        ("2026-10-31", "22:00", "06:00", 9),
        ("2026-06-10", "06:00", "06:00", 24),  # round the clock
    ],
)
def test_nights_the_clocks_change_are_shorter_and_longer(day: str, start: str, end: str, elapsed: float) -> None:
    zone = "America/New_York"
    on = date.fromisoformat(day)
    rule = weekly(start, end, frozenset({on.weekday()}))
    around = calendar.midnight(on - timedelta(days=1), zone), calendar.midnight(on + timedelta(days=3), zone)
    assert length(hours.weekly(rule, terms(zone), *around)) == elapsed * HOUR


def test_hours_over_midnight_belong_to_the_day_they_begin() -> None:
    rule = weekly("22:00", "06:00", frozenset({0}), except_holidays=True)
    week = utc("2026-06-08"), utc("2026-06-15")
    night = (utc("2026-06-08 22:00"), utc("2026-06-09 06:00"))
    assert hours.weekly(rule, terms(), *week) == (night,)
    assert hours.weekly(rule, terms(holidays=frozenset({date(2026, 6, 9)})), *week) == (night,)
    assert hours.weekly(rule, terms(holidays=frozenset({date(2026, 6, 8)})), *week) == ()
    # Tuesday morning by itself still lies in Monday's night.
    assert hours.weekly(rule, terms(), utc("2026-06-09 05:00"), week[1]) == ((utc("2026-06-09 05:00"), night[1]),)


def test_holidays_close_only_hours_that_say_so() -> None:
    closed = terms(holidays=frozenset({date(2026, 6, 10)}))
    week = utc("2026-06-08"), utc("2026-06-15")
    assert length(hours.weekly(weekly("08:00", "18:00", WEEKDAYS, except_holidays=True), closed, *week)) == 40 * HOUR
    assert length(hours.weekly(weekly("08:00", "18:00", WEEKDAYS), closed, *week)) == 50 * HOUR


def test_hours_that_end_in_the_part_of_the_day_shown_again_after_midnight() -> None:
    # Newfoundland put 00:01 of 1 November 2009 back to 23:01: half past eleven of the 31st came again inside the next day.
    zone = "America/St_Johns"
    saturday = weekly("20:00", "23:30", frozenset({5}))
    begin = calendar.midnight(date(2009, 10, 31), zone)
    assert length(hours.weekly(saturday, terms(zone), begin, begin + 3 * DAY)) == 4 * HOUR + 30 * MINUTE
    again = calendar.midnight(date(2009, 11, 1), zone) + 10 * MINUTE
    assert hours.weekly(saturday, terms(zone), again, begin + 3 * DAY) == ((again, again + 20 * MINUTE),)
    to_the_second = replace(saturday, end=1)
    assert length(hours.weekly(to_the_second, terms(zone), begin, begin + 3 * DAY)) == 5 * HOUR + S


@pytest.mark.parametrize("end", ["24:00", "00:00"])
def test_a_midnight_shown_twice_ends_the_day_the_first_time(end: str) -> None:
    zone = "America/Havana"
    saturday = weekly("20:00", end, frozenset({5}))
    begin = calendar.midnight(date(2015, 10, 31), zone)
    assert length(hours.weekly(saturday, terms(zone), begin, begin + 3 * DAY)) == 4 * HOUR


def test_nothing_is_in_an_empty_span() -> None:
    assert hours.weekly(weekly("00:00", "24:00"), terms(), 5, 5) == ()
    assert hours.scope(terms(), 7, 5) == ()


@given(st.sampled_from(ZONES), st.dates(date(1970, 1, 3), date(2060, 12, 1)), st.integers(1, 20 * DAY))
@example("Pacific/Apia", date(2011, 12, 29), 3 * DAY)
@example("America/St_Johns", date(2009, 10, 31), 3 * DAY)
@example("America/Havana", date(2015, 10, 31), 3 * DAY)
def test_the_days_of_every_zone_cover_all_time(zone: str, day: date, elapsed: int) -> None:
    start = calendar.midnight(day, zone)
    whole = ((start, start + elapsed),)
    assert hours.weekly(weekly("00:00", "24:00"), terms(zone), *whole[0]) == whole
    assert hours.weekly(weekly("22:00", "22:00"), terms(zone), *whole[0]) == whole
    parts = [
        span
        for rule in (weekly("00:00", "08:00"), weekly("08:00", "20:15"), weekly("20:15", "00:00"))
        for span in hours.weekly(rule, terms(zone), *whole[0])
    ]
    assert union(parts) == whole


@given(
    st.sampled_from(ZONES),
    st.integers(utc("1970-02-01"), utc("2060-01-01")),
    st.lists(st.integers(0, 20 * DAY), min_size=3, max_size=3),
    st.integers(0, 86_399),
    st.integers(0, 86_400),
    st.frozensets(st.integers(0, 6)),
)
def test_cutting_time_first_or_the_hours_later_is_the_same(
    zone: str, start: int, cuts: list[int], begin: int, finish: int, weekdays: frozenset[int]
) -> None:
    rule = Weekly(weekdays=weekdays, start=begin, end=finish)
    a, b, c = (start + cut for cut in sorted(cuts))
    parts = [*hours.weekly(rule, terms(zone), a, b), *hours.weekly(rule, terms(zone), b, c)]
    assert union(parts) == hours.weekly(rule, terms(zone), a, c)
