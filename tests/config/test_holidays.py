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
    ],
)
def test_events_of_a_calendar_file(tmp_path: Path, event: str, days: list[str]) -> None:
    found = calendar_file(calendar(tmp_path, event), range(2026, 2028))
    assert sorted(map(str, found)) == days


def test_several_events_and_files_are_joined(tmp_path: Path) -> None:
    calendar(tmp_path, "DTSTART;VALUE=DATE:20260101", "DTSTART;VALUE=DATE:20261225")
    terms, _ = contract(HEAD + TERM + "holidays: [days.ics, 2026-07-04]\n", folder=tmp_path)
    assert terms.holidays == {date(2026, 1, 1), date(2026, 7, 4), date(2026, 12, 25)}
    alone, _ = contract(HEAD + TERM + "holidays: days.ics\n", folder=tmp_path)
    assert alone.holidays == {date(2026, 1, 1), date(2026, 12, 25)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no calendar", "not a calendar (RFC 5545); export it again as .ics"),
        (CALENDAR % (EVENT % "DTSTART;VALUE=DATE:tomorrow"), "an event without the day it is on; give it a DTSTART"),
        (
            CALENDAR % (EVENT % "DTSTART;VALUE=DATE:20260101\nRRULE:FREQ=SOMETIMES"),
            "an event repeats by a rule that is none: FREQ=SOMETIMES; see RRULE in RFC 5545",
        ),
    ],
)
def test_a_file_that_is_no_calendar(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "days.ics"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole text is compared
        calendar_file(path, range(2026, 2027))
    assert str(caught.value) == reason


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
