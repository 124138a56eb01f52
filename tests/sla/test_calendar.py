"""Months of any zone: through clock changes, skipped midnights and midnights written twice they partition time."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slamon.errors import UsageError
from slamon.model import DAY, HOUR, S
from slamon.sla import calendar
from slamon.sla.lines import Period
from tests.sla.build import contract

ZONES = sorted(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def wall(text: str) -> datetime:
    """What the clocks show, without a zone."""
    return datetime.fromisoformat(text)


def month(zone: str, name: str) -> Period:
    return calendar.period(contract(timezone=zone), name)


def test_a_month_runs_from_local_midnight_to_local_midnight() -> None:
    assert month("America/New_York", "2026-03") == Period(
        name="2026-03", start=utc("2026-03-01 05:00"), end=utc("2026-04-01 04:00")
    )
    months = [month("America/New_York", name) for name in ("2026-03", "2026-06", "2026-11")]
    assert [(each.end - each.start) // HOUR for each in months] == [743, 720, 721]
    assert (month("Europe/Berlin", "2026-03").end - month("Europe/Berlin", "2026-03").start) // HOUR == 743
    assert (month("UTC", "2028-02").end - month("UTC", "2028-02").start) // DAY == 29


def test_the_day_begins_where_the_clocks_jump_over_midnight() -> None:
    # Paraguay: on 1 October 2017 00:00 never was, the day began at 01:00 local, 04:00 UTC.
    assert month("America/Asuncion", "2017-10").start == utc("2017-10-01 04:00")
    # Kathmandu moved from 5:30 to 5:45 at the midnight that began 1986: it became 00:15.
    assert calendar.midnight(date(1986, 1, 1), "Asia/Kathmandu") == utc("1985-12-31 18:30")
    # Samoa left out 30 December 2011: that day has no time at all.
    assert calendar.midnight(date(2011, 12, 30), "Pacific/Apia") == calendar.midnight(
        date(2011, 12, 31), "Pacific/Apia"
    )


def test_no_zone_skips_midnight_from_before_it() -> None:
    """The first of every month of every zone: the day begins exactly where the date changes."""
    firsts = [date(year, number, 1) for year in range(1970, 2038) for number in range(1, 13)][1:]
    skipped = 0
    for zone in ZONES:
        rules = calendar.zone(zone)
        for first in firsts:
            at = wall(first.isoformat()).replace(tzinfo=rules)
            if at.utcoffset() != at.replace(fold=1).utcoffset():
                start = calendar.midnight(first, zone)
                skipped += calendar.civil(start, zone).hour > 0
                assert calendar.civil(start - 1, zone).date() < first <= calendar.civil(start, zone).date()
    assert skipped > 100


def test_a_midnight_written_twice_counts_once() -> None:
    # Havana puts 01:00 back to 00:00 on 1 November 2015: the month begins at the first of the two.
    assert month("America/Havana", "2015-11").start == utc("2015-11-01 04:00")
    assert calendar.instants(wall("2015-11-01"), "America/Havana") == (
        utc("2015-11-01 04:00"),
        utc("2015-11-01 05:00"),
    )
    assert calendar.instants(wall("2017-10-01"), "America/Asuncion") == ()
    assert calendar.instants(wall("2026-06-01"), "Europe/Paris") == (utc("2026-05-31 22:00"),)


def test_current_and_previous() -> None:
    utc_contract = contract(timezone="UTC")
    assert calendar.current(utc_contract, utc("2026-01-01 00:00")).name == "2026-01"
    assert calendar.current(utc_contract, utc("2026-01-01 00:00") - 1).name == "2025-12"
    assert calendar.previous(utc_contract, utc("2026-01-15 12:00")).name == "2025-12"
    assert calendar.current(contract(timezone="Pacific/Auckland"), utc("2026-01-31 12:00")).name == "2026-02"


def test_an_hour_of_the_old_month_may_come_after_the_first_midnight_of_the_new_one() -> None:
    # Newfoundland put 00:01 of 1 November 2009 back to 23:01 of 31 October: those 59 minutes belong to November.
    zone, start = "America/St_Johns", utc("2009-11-01 02:30")
    assert month(zone, "2009-11").start == start
    for second in (0, 59, 60, 61, 3659, 3660, 3661):
        assert calendar.current(contract(timezone=zone), start + second * S).name == "2009-11"
    assert calendar.civil(start + 61 * S, zone).date() == date(2009, 10, 31)
    assert calendar.current(contract(timezone=zone), start - 1).name == "2009-10"


@given(st.sampled_from(ZONES), st.integers(1970, 2060), st.integers(1, 12))
@example("America/Asuncion", 2017, 9)
@example("Pacific/Apia", 2011, 12)
@example("Pacific/Kiritimati", 1994, 12)
@example("America/St_Johns", 2009, 10)
@example("Antarctica/Vostok", 1994, 10)
def test_months_partition_time(zone: str, year: int, number: int) -> None:
    this = month(zone, f"{year}-{number:02}")
    after = month(zone, f"{year + number // 12}-{number % 12 + 1:02}")
    assert this.end == after.start
    assert this.start < this.end
    assert 27 * DAY < this.end - this.start < 32 * DAY
    # The civil date really changes there, and not before.
    first = date(year, number, 1)
    assert calendar.civil(this.start, zone).date() >= first
    assert calendar.civil(this.start - 1, zone).date() < first


@given(st.sampled_from(ZONES), st.integers(utc("1970-03-01 00:00"), utc("2060-01-01 00:00")))
def test_every_instant_is_in_the_current_month_and_after_the_previous(zone: str, instant: int) -> None:
    of = contract(timezone=zone)
    this, before = calendar.current(of, instant), calendar.previous(of, instant)
    assert this.start <= instant < this.end
    assert before.end == this.start
    assert calendar.period(of, this.name) == this


@given(st.sampled_from(ZONES), st.dates(date(1970, 1, 2), date(2060, 12, 31)))
def test_days_begin_where_the_date_changes(zone: str, day: date) -> None:
    start = calendar.midnight(day, zone)
    assert calendar.civil(start, zone).date() >= day
    assert start < calendar.midnight(day + timedelta(days=1), zone) or calendar.civil(start, zone).date() > day


@pytest.mark.parametrize("name", ["2026-13", "2026", "2026-6", "June", "0000-01", "2262-01", "1969-12", "2026-06 "])
def test_other_names_are_no_periods(name: str) -> None:
    with pytest.raises(UsageError, match="write a month such as 2026-10"):
        month("UTC", name)


def test_the_last_period_fits_the_store() -> None:
    assert month("America/New_York", "2261-12").end < 2**63


def test_only_the_pinned_rules_are_used() -> None:
    assert zoneinfo.TZPATH == ()
    assert calendar.TZDATA[:2] == "20"
    for name in ("Europe/Nowhere", "../etc/passwd"):
        with pytest.raises(UsageError, match="not a time zone"):
            calendar.zone(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-06-10", "2026-06-10 04:00"),
        ("2026-06-10 02:00", "2026-06-10 06:00"),
        ("2026-06-10 02:00:05", "2026-06-10 06:00:05"),
        ("2026-06-10 02:00Z", "2026-06-10 02:00"),
        ("2026-06-10 02:00:05+05:30", "2026-06-09 20:30:05"),
        ("2026-11-01 01:30-05:00", "2026-11-01 06:30"),
    ],
)
def test_instants_are_of_the_zone_unless_they_say_their_offset(text: str, expected: str) -> None:
    assert calendar.instant(text, "America/New_York") == utc(expected)


@pytest.mark.parametrize(
    ("text", "seconds", "nanoseconds"),
    [
        ("2026-06-10T02:00Z", "2026-06-10 02:00", 0),
        ("2026-06-10T02:00:05.5", "2026-06-10 06:00:05", 500_000_000),
        ("2026-06-10 02:00:05.123456789-04:00", "2026-06-10 06:00:05", 123_456_789),
        ("2026-06-10 02:00:05.000000001Z", "2026-06-10 02:00:05", 1),
    ],
)
def test_instants_as_reports_and_rfc_3339_write_them_are_exact(text: str, seconds: str, nanoseconds: int) -> None:
    assert calendar.instant(text, "America/New_York") == utc(seconds) + nanoseconds


OUTSIDE = "outside the years 1970 to 2261; write an instant in them"
NOT_AN_INSTANT = "not an instant; write for example 2026-06-10 02:00, or 2026-06-10 02:00Z"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-02-30 02:00", NOT_AN_INSTANT),
        ("2026-06-10 24:00", NOT_AN_INSTANT),
        ("2026-06-10T", NOT_AN_INSTANT),
        ("2026-06-10 02:00.5", NOT_AN_INSTANT),
        ("2026-06-10 02:00:00.", NOT_AN_INSTANT),
        ("2026-06-10 02:00:00.0123456789", NOT_AN_INSTANT),
        ("2026-06-10 02:00+99:00", NOT_AN_INSTANT),
        ("2026-06-10Z", NOT_AN_INSTANT),
        ("1969-12-31", OUTSIDE),
        ("1970-01-01 00:00+14:00", OUTSIDE),
        ("2262-01-01", OUTSIDE),
        ("2261-12-31 23:00-05:00", OUTSIDE),
        ("noon", NOT_AN_INSTANT),
        (
            "2026-03-08 02:30",
            "the clocks of America/New_York never show this time; they go forward there, write an earlier or later one",
        ),
        (
            "2026-11-01 01:30",
            "the clocks of America/New_York show this time twice; write 2026-11-01 01:30-04:00 or 2026-11-01 01:30-05:00",
        ),
    ],
)
def test_other_instants_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        calendar.instant(text, "America/New_York")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-06-10 02:00 to 2026-06-11 03:00", "2026-06-10 06:00", "2026-06-11 07:00"),
        ("2026-06-10 02:00 to 03:00:30", "2026-06-10 06:00", "2026-06-10 07:00:30"),
        ("2026-06-10T02:00 to 2026-06-11T03:00Z", "2026-06-10 06:00", "2026-06-11 03:00"),
        ("2026-06-10 + 1h30m", "2026-06-10 04:00", "2026-06-10 05:30"),
        ("2026-11-01 00:30 to 02:30", "2026-11-01 04:30", "2026-11-01 07:30"),
        ("2026-06-09 23:30Z to 20:00", "2026-06-09 23:30", "2026-06-10 00:00"),
    ],
)
def test_spans(text: str, start: str, end: str) -> None:
    assert calendar.span(text, "America/New_York") == (utc(start), utc(end))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-06-10 02:00", "not a span of time"),
        ("2026-06-10 02:00 to 02:00", "ends before it begins, or at once"),
        ("2026-06-10 02:00 to 01:00", "ends before it begins, or at once"),
        ("2026-06-10 + 0s", "ends before it begins, or at once"),
        ("2026-06-10 + 3", "a duration needs a unit"),
        ("2026-06-10 02:00 to 3 pm", "not an instant"),
        ("2026-06-10 + 90000d", "outside the years 1970 to 2261"),
    ],
)
def test_other_spans_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        calendar.span(text, "America/New_York")
