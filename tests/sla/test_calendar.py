"""Days and clocks of any zone: through clock changes, skipped midnights and midnights written twice the days partition time."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slamon.errors import UsageError
from slamon.model import S
from slamon.sla import calendar

ZONES = sorted(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def wall(text: str) -> datetime:
    """What the clocks show, without a zone."""
    return datetime.fromisoformat(text)


def test_the_day_begins_where_the_clocks_jump_over_midnight() -> None:
    # Paraguay: on 1 October 2017 00:00 never was, the day began at 01:00 local, 04:00 UTC.
    assert calendar.midnight(date(2017, 10, 1), "America/Asuncion") == utc("2017-10-01 04:00")
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
    # Havana puts 01:00 back to 00:00 on 1 November 2015: the day begins at the first of the two.
    assert calendar.midnight(date(2015, 11, 1), "America/Havana") == utc("2015-11-01 04:00")
    assert calendar.instants(wall("2015-11-01"), "America/Havana") == (
        utc("2015-11-01 04:00"),
        utc("2015-11-01 05:00"),
    )
    assert calendar.instants(wall("2017-10-01"), "America/Asuncion") == ()
    assert calendar.instants(wall("2026-06-01"), "Europe/Paris") == (utc("2026-05-31 22:00"),)


def test_an_hour_of_the_old_day_may_come_after_the_first_midnight_of_the_new_one() -> None:
    # Newfoundland put 00:01 of 1 November 2009 back to 23:01 of 31 October: those 59 minutes belong to November.
    zone, start = "America/St_Johns", utc("2009-11-01 02:30")
    assert calendar.midnight(date(2009, 11, 1), zone) == start
    for second in (0, 59, 60, 61, 3659, 3660, 3661):
        assert calendar.day(start + second * S, zone) == date(2009, 11, 1)
    assert calendar.civil(start + 61 * S, zone).date() == date(2009, 10, 31)
    assert calendar.day(start - 1, zone) == date(2009, 10, 31)
    assert calendar.at(date(2009, 10, 31), 86_400, zone) == start
    assert calendar.at(date(2009, 10, 31), 23 * 3600 + 1800, zone) == start - 1800 * S
    assert calendar.at(date(2009, 10, 31), 23 * 3600 + 1800, zone, last=True) == start + 1800 * S


@given(st.sampled_from(ZONES), st.integers(utc("1970-03-01 00:00"), utc("2060-01-01 00:00")))
@example("Pacific/Apia", utc("2011-12-30 10:00"))
@example("America/St_Johns", utc("2009-11-01 02:32"))
def test_every_instant_lies_in_its_day(zone: str, instant: int) -> None:
    found = calendar.day(instant, zone)
    assert calendar.midnight(found, zone) <= instant < calendar.midnight(found + timedelta(days=1), zone)


@given(st.sampled_from(ZONES), st.dates(date(1970, 1, 2), date(2060, 12, 31)), st.integers(0, 86_399))
@example("America/New_York", date(2026, 3, 8), 9000)
@example("America/New_York", date(2026, 11, 1), 5400)
@example("Australia/Lord_Howe", date(2026, 10, 4), 7500)
@example("Pacific/Apia", date(2011, 12, 30), 30_000)
def test_a_reading_of_the_clock_is_met_or_jumped_over(zone: str, day: date, second: int) -> None:
    reading = wall(day.isoformat()) + timedelta(seconds=second)
    shown = [calendar.civil(each, zone).replace(tzinfo=None, fold=0) for each in calendar.instants(reading, zone)]
    first, last = (calendar.at(day, second, zone, last=last) for last in (False, True))
    if shown:
        assert shown == [reading] * len(shown)
        assert (first, last) == (calendar.instants(reading, zone)[0], calendar.instants(reading, zone)[-1])
    else:
        assert first == last
        assert calendar.civil(first - S, zone).replace(tzinfo=None) < reading
        assert reading < calendar.civil(first, zone).replace(tzinfo=None)


def test_a_reading_the_clocks_skip_is_the_jump() -> None:
    jump = utc("2026-03-08 07:00")
    assert calendar.at(date(2026, 3, 8), 2 * 3600, "America/New_York") == jump
    assert calendar.at(date(2026, 3, 8), 3 * 3600 - 1, "America/New_York") == jump
    assert calendar.at(date(2026, 3, 8), 3 * 3600, "America/New_York") == jump
    assert calendar.at(date(2026, 3, 8), 86_400, "America/New_York") == utc("2026-03-09 04:00")


def test_days_are_counted_by_where_they_begin() -> None:
    zone = "America/New_York"
    begin, end = (calendar.midnight(date(2026, 3, day), zone) for day in (1, 31))
    assert calendar.days(begin, end, zone) == 30
    assert calendar.days(begin + 1, end, zone) == 29
    assert calendar.days(begin, end + 1, zone) == 31
    assert calendar.days(begin + 1, begin + 2, zone) == 0


@given(st.sampled_from(ZONES), st.dates(date(1970, 1, 2), date(2060, 12, 31)))
def test_days_begin_where_the_date_changes(zone: str, day: date) -> None:
    start = calendar.midnight(day, zone)
    assert calendar.civil(start, zone).date() >= day
    assert start < calendar.midnight(day + timedelta(days=1), zone) or calendar.civil(start, zone).date() > day


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
        ("2026-06-10T02:00", "2026-06-10 06:00"),
        ("2026-06-10T02:00:05Z", "2026-06-10 02:00:05"),
    ],
)
def test_instants_are_of_the_zone_unless_they_say_their_offset(text: str, expected: str) -> None:
    assert calendar.instant(text, "America/New_York") == utc(expected)


def test_instants_have_fractions_down_to_a_nanosecond() -> None:
    for text in ("2026-06-10 02:00:05.25", "2026-06-10T02:00:05.250-04:00", "2026-06-10 06:00:05.250000000Z"):
        assert calendar.instant(text, "America/New_York") == utc("2026-06-10 06:00:05") + S // 4
    assert calendar.instant("2026-06-10 00:00:00.000000001", "UTC") == utc("2026-06-10") + 1


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("2026-11-01 01:30-04:00", "America/New_York"),
        ("2026-11-01 01:30-05:00", "America/New_York"),
        ("2026-06-10 00:00+05:30", "Asia/Kolkata"),
        ("2026-06-10 00:00:01.5+01:00", "Europe/London"),
        ("2026-01-10 00:00Z", "Europe/London"),
        ("1970-01-10 00:00:30Z", "Africa/Monrovia"),
    ],
)
def test_instants_are_written_as_they_are_read(text: str, zone: str) -> None:
    assert calendar.written(calendar.instant(text, "UTC"), zone) == text


@given(st.sampled_from(ZONES), st.integers(utc("1970-01-02 00:00"), utc("2060-01-01 00:00")))
def test_what_is_written_is_the_same_instant(zone: str, instant: int) -> None:
    assert calendar.instant(calendar.written(instant, zone), zone) == instant


NOT_AN_INSTANT = "not an instant; write for example 2026-06-10 02:00, or 2026-06-10 02:00Z"
NOT_A_SPAN = "not a span of time; write for example 2026-06-10 02:00 to 05:00, or 2026-06-10 02:00 + 3h"
ENDLESS = "the span ends before it begins, or at once; exchange its ends or write its length"
OUTSIDE = "outside the years 1970 to 2261; write an instant in them"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-02-30 02:00", NOT_AN_INSTANT),
        ("2026-06-10 24:00", NOT_AN_INSTANT),
        ("2026-06-10t02:00", NOT_AN_INSTANT),
        ("2026-06-10 02:60", NOT_AN_INSTANT),
        ("2026-06-10 02:00.5", NOT_AN_INSTANT),
        ("2026-06-10 02:00:00.", NOT_AN_INSTANT),
        ("2026-06-10 02:00:00.0000000001", NOT_AN_INSTANT),
        ("9999-01-01", OUTSIDE),
        ("2026-06-10 02:00+99:00", NOT_AN_INSTANT),
        ("2026-06-10Z", NOT_AN_INSTANT),
        ("1969-12-31", OUTSIDE),
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
        ("2026-06-10 02:00", NOT_A_SPAN),
        ("2026-06-10 02:00 to 02:00", ENDLESS),
        ("2026-06-10 02:00 to 01:00", ENDLESS),
        ("2026-06-10 + 9999999d", OUTSIDE),
        ("1900-01-01 to 05:00 to 06:00", OUTSIDE),
        ("1900-01-01 + 3h + 3h", OUTSIDE),
        ("2026-06-10 + 0s", ENDLESS),
        ("2026-06-10 + 3", "a duration needs a unit"),
        ("2026-06-10 02:00 to 3 pm", "not an instant"),
    ],
)
def test_other_spans_are_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}"):
        calendar.span(text, "America/New_York")


def test_the_midnight_that_ends_a_day_is_the_first_of_two_also_where_the_last_is_asked_for() -> None:
    found = calendar.at(date(2015, 10, 31), 86_400, "America/Havana", last=True)
    assert found == utc("2015-11-01 04:00")


def test_the_years_end_before_their_last_instant() -> None:
    assert calendar.checked(calendar.END - 1) == calendar.END - 1
    with pytest.raises(ValueError, match=f"^{re.escape(OUTSIDE)}$"):
        calendar.checked(calendar.END)
