"""Holidays of a contract: dates, calendar files, public holidays of a country or region."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from slamon.config.holidays import calendar_file
from tests.config.contracts import HEAD, contract, mistakes

TERM = "term: {from: 2026-01-01, to: 2027-12-31}\n"
CALENDAR = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//
%s
END:VCALENDAR
"""
EVENT = """BEGIN:VEVENT
UID:1
SUMMARY:A day
%s
END:VEVENT"""


def calendar(folder: Path, *events: str) -> Path:
    path = folder / "days.ics"
    text = CALENDAR % "\n".join(EVENT % event for event in events)
    path.write_bytes(text.replace("\n", "\r\n").encode())
    return path


@pytest.mark.parametrize(
    ("event", "days"),
    [
        ("DTSTART;VALUE=DATE:20261225", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20261225\nDTEND;VALUE=DATE:20261227", ["2026-12-25", "2026-12-26"]),
        ("DTSTART:20261225T100000Z\nDTEND:20261225T120000Z", ["2026-12-25"]),
        ("DTSTART;TZID=Europe/Paris:20261225T000000", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:19991225\nRRULE:FREQ=YEARLY", ["2026-12-25", "2027-12-25"]),
        ("DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;COUNT=2", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;UNTIL=20261225T000000Z", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20261126\nRRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", ["2026-11-26", "2027-11-25"]),
        (
            "DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261225",
            ["2027-12-25"],
        ),
        (
            "DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY\nEXDATE;VALUE=DATE:20261225\nEXDATE;VALUE=DATE:20271225",
            [],
        ),
        ("DTSTART;VALUE=DATE:20251231\nDTEND;VALUE=DATE:20260102", ["2026-01-01"]),
        ("DTSTART;VALUE=DATE:20301225", []),
        ("DTSTART;VALUE=DATE:20301225\nRRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:23001225\nRRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:99991231", []),
        ("DTSTART;VALUE=DATE:00010101", []),
        ("DTSTART;VALUE=DATE:16010101\nRRULE:FREQ=DAILY;BYMONTH=5;BYMONTHDAY=1", ["2026-05-01", "2027-05-01"]),
        ("DTSTART;VALUE=DATE:20240229\nRRULE:FREQ=YEARLY", []),
        ("DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;UNTIL=20261225", ["2026-12-25"]),
        # the bound, and what is left out, are instants; the day is that of the event's own clock
        ("DTSTART;TZID=Europe/Paris:20251225T000000\nRRULE:FREQ=YEARLY;UNTIL=20261224T230000Z", ["2026-12-25"]),
        ("DTSTART;TZID=Europe/Paris:20251225T000000\nRRULE:FREQ=YEARLY;UNTIL=20261224T225959Z", []),
        ("DTSTART;TZID=Europe/Paris:20251225T000000\nRRULE:FREQ=YEARLY\nEXDATE:20261224T230000Z", ["2027-12-25"]),
        ("DTSTART;TZID=Europe/Paris:20270101T000000\nDTEND:20270102T230000Z", ["2027-01-01", "2027-01-02"]),
        ("DTSTART;TZID=Europe/Paris:20271231T000000\nDTEND:99991231T235959Z", ["2027-12-31"]),
        ("DTSTART;VALUE=DATE:20261225\nDURATION:P2D", ["2026-12-25", "2026-12-26"]),
        ("DTSTART:20261225T220000Z\nDURATION:PT4H", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:99991231\nDURATION:P2D", []),
        ("DTSTART;VALUE=DATE:20261225\nSTATUS:CANCELLED", []),
        ("DTSTART;VALUE=DATE:20261225\nSTATUS:CONFIRMED", ["2026-12-25"]),
        ("DTSTART;VALUE=DATE:20261225\nRDATE;VALUE=DATE:20261228,20270104", ["2026-12-25", "2026-12-28", "2027-01-04"]),
        (
            "DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY;COUNT=2\nRDATE;VALUE=DATE:20270104",
            ["2026-12-25", "2027-01-04"],
        ),
    ],
)
def test_events_of_a_calendar_file(tmp_path: Path, event: str, days: list[str]) -> None:
    found = calendar_file(calendar(tmp_path, event), range(2026, 2028))
    assert sorted(map(str, found)) == days


YEARLY = "DTSTART;VALUE=DATE:20251225\nRRULE:FREQ=YEARLY"


@pytest.mark.parametrize(
    ("changed", "days"),
    [
        ("DTSTART;VALUE=DATE:20261228\nRECURRENCE-ID;VALUE=DATE:20261225", ["2026-12-28", "2027-12-25"]),
        ("DTSTART;VALUE=DATE:20261225\nRECURRENCE-ID;VALUE=DATE:20261225\nSTATUS:CANCELLED", ["2027-12-25"]),
        (
            "DTSTART;VALUE=DATE:20270701\nRECURRENCE-ID;VALUE=DATE:20271225\nDURATION:P2D",
            ["2026-12-25", "2027-07-01", "2027-07-02"],
        ),
    ],
)
def test_one_time_of_an_event_is_moved_or_cancelled(tmp_path: Path, changed: str, days: list[str]) -> None:
    for events in ((YEARLY, changed), (changed, YEARLY)):
        assert sorted(map(str, calendar_file(calendar(tmp_path, *events), range(2026, 2028)))) == days


def test_several_events_and_files_are_joined(tmp_path: Path) -> None:
    calendar(tmp_path, "DTSTART;VALUE=DATE:20260101", "DTSTART;VALUE=DATE:20261225")
    terms, _ = contract(HEAD + TERM + "holidays: [days.ics, 2026-07-04]\n", folder=tmp_path)
    assert terms.holidays == {date(2026, 1, 1), date(2026, 7, 4), date(2026, 12, 25)}
    alone, _ = contract(HEAD + TERM + "holidays: days.ics\n", folder=tmp_path)
    assert alone.holidays == {date(2026, 1, 1), date(2026, 12, 25)}


NEVER = "it never occurs; mend its parts or its end"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("SUMMARY:New year", "an event without the day it is on; give it a DTSTART"),
        ("DTSTART;VALUE=TEXT:New year", "the DTSTART of an event is neither a day nor a time; see DTSTART in RFC 5545"),
        ("DTSTART:20260101\nDTSTART:20260102", "an event has two DTSTART; leave one"),
        ("DTSTART:20260101\nSTATUS:CONFIRMED\nSTATUS:CANCELLED", "an event has two STATUS; leave one"),
        ("DTSTART:20260101\nDTEND:20260102\nDURATION:P1D", "an event has two ends; leave DTEND or DURATION"),
        (
            "DTSTART:20260101\nDURATION:one day",
            "the DURATION of an event cannot be read (Expected time, got: one day); see DURATION in RFC 5545",
        ),
        (
            "DTSTART;VALUE=DATE:20260101\nRECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260101",
            "a change of all that follow cannot be read; end the event and begin another",
        ),
        (
            "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY;BYMONTH=5",
            "an event has two RRULE; leave one",
        ),
        (
            "DTSTART;VALUE=DATE:20260101\nEXDATE;VALUE=PERIOD:20260101T000000Z/P1D\nRRULE:FREQ=YEARLY",
            "the EXDATE of an event is neither a day nor a time; see EXDATE in RFC 5545",
        ),
        (
            "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=HOURLY",
            (
                "the event of 2026-01-01 repeats by FREQ=HOURLY: it does not say how often; "
                "write FREQ=DAILY or FREQ=WEEKLY or FREQ=MONTHLY or FREQ=YEARLY"
            ),
        ),
        (
            "DTSTART;VALUE=DATE:20260405\nRRULE:FREQ=YEARLY;BYEASTER=0",
            (
                "the event of 2026-04-05 repeats by FREQ=YEARLY;BYEASTER=0: BYEASTER is no part of a rule; write FREQ, "
                "INTERVAL, COUNT, UNTIL, WKST, BYDAY, BYSETPOS, BYMONTH, BYMONTHDAY, BYYEARDAY, BYWEEKNO, BYHOUR, BYMINUTE, BYSECOND"
            ),
        ),
        (
            "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
            f"the event of 2026-01-01 repeats by FREQ=YEARLY;BYMONTHDAY=30;BYMONTH=2: {NEVER}",
        ),
        (
            "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=YEARLY;UNTIL=20251231",
            f"the event of 2026-01-01 repeats by FREQ=YEARLY;UNTIL=20251231: {NEVER}",
        ),
        (
            "DTSTART;VALUE=DATE:15000101\nRRULE:FREQ=YEARLY",
            (
                "the event of 1500-01-01 repeats by FREQ=YEARLY: it begins before 1583, the first whole year of this calendar; "
                "write a later DTSTART"
            ),
        ),
    ],
)
def test_an_event_whose_days_cannot_be_told(tmp_path: Path, event: str, reason: str) -> None:
    calendar(tmp_path, event)
    reason, _, fix = reason.partition("; ")
    said = mistakes(HEAD + "holidays: days.ics\n", folder=tmp_path)
    assert said == [f"f.yml:4:11: contracts.hq.holidays: {reason} (got 'days.ics'); {fix}"]


@pytest.mark.parametrize("name", ["DTSTART", "DTEND", "RRULE", "EXDATE"])
def test_a_part_of_an_event_that_cannot_be_read(tmp_path: Path, name: str) -> None:
    parts = {"DTSTART": "20260101", "DTEND": "20260102", "RRULE": "FREQ=YEARLY", "EXDATE": "20270101"}
    parts[name] = "FREQ=SOMETIMES"
    calendar(tmp_path, "\n".join(f"{key}:{value}" for key, value in parts.items()))
    (said,) = mistakes(HEAD + "holidays: days.ics\n", folder=tmp_path)
    assert said.startswith(f"f.yml:4:11: contracts.hq.holidays: the {name} of an event cannot be read (")
    assert said.endswith(f"(got 'days.ics'); see {name} in RFC 5545")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:a\nTZID:b\nEND:VTIMEZONE\nEND:VCALENDAR\n",
            "not a calendar (RFC 5545) (got 'days.ics'); export it again as .ics",
        ),
        (
            CALENDAR % (EVENT % "DTSTART;TZID=Europe:20260101T000000"),
            "it names a time zone that is none: Europe (got 'days.ics'); write one of the tz database, such as Europe/Berlin",
        ),
        ("BEGIN:VCARD\nEND:VCARD\n", "not a calendar (RFC 5545) (got 'days.ics'); export it again as .ics"),
        ("no calendar", "not a calendar (RFC 5545) (got 'days.ics'); export it again as .ics"),
    ],
)
def test_a_faulty_calendar_is_one_problem_at_the_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "days.ics").write_text(text)
    problems = mistakes(HEAD + "holidays: [2026-01-01, days.ics]\n", folder=tmp_path)
    assert problems == [f"f.yml:4:24: contracts.hq.holidays[1]: {said}"]


def test_a_rule_of_seconds_ends(tmp_path: Path) -> None:
    every = ",".join(map(str, range(60)))
    calendar(tmp_path, f"DTSTART:20260101T000000Z\nRRULE:FREQ=DAILY;BYMINUTE={every};BYSECOND={every}")
    (said,) = mistakes(HEAD + TERM + "holidays: days.ics\n", folder=tmp_path)
    assert "it occurs more than 250000 times" in said
    assert said.endswith("leave out BYHOUR, BYMINUTE and BYSECOND")


def test_public_holidays_of_the_years_of_the_term() -> None:
    terms, _ = contract(HEAD + "term: {from: 2026-07-01, to: 2026-12-31}\nholidays: US-NY\n")
    assert {date(2026, 11, 26), date(2026, 12, 25), date(2026, 2, 12)} <= terms.holidays
    assert {day.year for day in terms.holidays} == {2026}
    country, _ = contract(HEAD + "holidays: [US]\n")
    assert date(2026, 2, 12) not in country.holidays
    assert {day.year for day in country.holidays} >= set(range(2015, 2041))


def test_a_word_that_is_nothing_of_it() -> None:
    assert mistakes(HEAD + "holidays: christmas\n") == [
        (
            "f.yml:4:11: contracts.hq.holidays: neither a date, a calendar file nor a country (got 'christmas'); "
            "write for example 2026-12-25, holidays.ics or US-NY"
        )
    ]
