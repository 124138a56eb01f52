"""Calendar files: which spans their events take, and every mistake with its line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from slamon.cli import calendar_file
from slamon.cli.calendar_file import Calendar
from slamon.errors import UsageError
from slamon.sla import calendar

ZONE = "Europe/Berlin"
VTIMEZONE = """BEGIN:VTIMEZONE
TZID:Our own
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE"""


def written(path: Path, *events: str, head: str = "") -> Path:
    """A file of these events; the lines of each stand between BEGIN and END."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    lines += head.splitlines()
    for event in events:
        lines += ["BEGIN:VEVENT", *event.strip().splitlines(), "END:VEVENT"]
    file = path / "windows.ics"
    file.write_bytes("\r\n".join([*lines, "END:VCALENDAR", ""]).encode())
    return file


def read(path: Path, *events: str, head: str = "", before: int | None = None) -> Calendar:
    return calendar_file.read(written(path, *events, head=head), ZONE, before=before)


def spans(found: Calendar) -> list[tuple[str, str]]:
    return [(calendar.written(each.start, ZONE), calendar.written(each.end, ZONE)) for each in found.occurrences]


def test_an_event(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "UID:a@x\nDTSTART;TZID=America/New_York:20261206T020000\nDTEND;TZID=America/New_York:20261206T040000\n"
        "SUMMARY:Fibre\\, moved and a long line that is folded over its end so that it goes on\n  behind it\n"
        "URL:https://example.com/1\nX-JUNK;VALUE=DATE-TIME:nonsense\n"
        "BEGIN:VALARM\nTRIGGER:-PT15M\nACTION:DISPLAY\nDESCRIPTION:x\nDURATION:PT1M\nREPEAT:1\nEND:VALARM",
    )
    (one,) = found.occurrences
    assert spans(found) == [("2026-12-06 08:00+01:00", "2026-12-06 10:00+01:00")]
    assert one.summary == "Fibre, moved and a long line that is folded over its end so that it goes on behind it"
    assert (one.uid, one.original, one.url, one.repeated) == ("a@x", one.start, "https://example.com/1", False)
    assert found.uids == {"a@x"}
    assert found.parts == frozenset()
    assert (found.name, found.sha256) == (
        "windows.ics", hashlib.sha256((tmp_path / "windows.ics").read_bytes()).hexdigest()
    )  # fmt: skip


@pytest.mark.parametrize(
    ("times", "first", "last"),
    [
        ("DTSTART:20261206T010000Z\nDTEND:20261206T020000Z", "2026-12-06 02:00+01:00", "2026-12-06 03:00+01:00"),
        ("DTSTART:20261206T010000\nDURATION:PT1H30M", "2026-12-06 01:00+01:00", "2026-12-06 02:30+01:00"),
        ("DTSTART;VALUE=DATE:20270328", "2027-03-28 00:00+01:00", "2027-03-29 00:00+02:00"),
        (
            "DTSTART;VALUE=DATE:20270327\nDTEND;VALUE=DATE:20270329",
            "2027-03-27 00:00+01:00",
            "2027-03-29 00:00+02:00",
        ),
        ("DTSTART;VALUE=DATE:20270327\nDURATION:P1W", "2027-03-27 00:00+01:00", "2027-04-03 00:00+02:00"),
        # the day of a DURATION is one of the calendar, here of 23 hours; 24 hours and a DTEND are elapsed time
        ("DTSTART:20270327T120000\nDURATION:P1D", "2027-03-27 12:00+01:00", "2027-03-28 12:00+02:00"),
        ("DTSTART:20270327T120000\nDURATION:PT24H", "2027-03-27 12:00+01:00", "2027-03-28 13:00+02:00"),
        ("DTSTART:20270327T120000\nDURATION:P1DT30S", "2027-03-27 12:00+01:00", "2027-03-28 12:00:30+02:00"),
        (
            "DTSTART;TZID=W. Europe Standard Time:20270328T033000\nDTEND:20270328T020000Z",
            "2027-03-28 03:30+02:00",
            "2027-03-28 04:00+02:00",
        ),
        ("DTSTART:20270328T023000\nDURATION:PT1H", "2027-03-28 03:30+02:00", "2027-03-28 04:30+02:00"),
    ],
)
def test_when_an_event_begins_and_ends(tmp_path: Path, times: str, first: str, last: str) -> None:
    assert spans(read(tmp_path, f"UID:a\n{times}")) == [(first, last)]


def test_what_others_wrote_moves_no_cursor(tmp_path: Path) -> None:
    (one,) = read(
        tmp_path, "UID:a\x1b\nDTSTART:20270310T020000\nDURATION:PT1H\nSUMMARY:works\\n\x1b[2Jexclusion 9: fake\u202e"
    ).occurrences
    assert (one.uid, one.summary) == ("a", "works [2Jexclusion 9: fake")


def test_a_zone_of_the_files_own(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "UID:a\nDTSTART;TZID=Our own:20270321T023000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=3",
        head=VTIMEZONE,
    )
    assert [first for first, _ in spans(found)] == [
        "2027-03-21 02:30+01:00", "2027-03-28 03:30+02:00", "2027-04-04 02:30+02:00"
    ]  # fmt: skip


WEEKLY = "UID:w\nDTSTART;TZID=Europe/Berlin:20270314T020000\nDTEND;TZID=Europe/Berlin:20270314T040000\nRRULE:FREQ=WEEKLY;COUNT=5"


def test_a_repeated_event_without_some_and_with_one_moved(tmp_path: Path) -> None:
    moved = "UID:w\nRECURRENCE-ID:20270328T010000Z\nDTSTART:20270330T020000\nDURATION:PT1H\nSUMMARY:later"
    gone = "UID:w\nRECURRENCE-ID;TZID=Europe/Berlin:20270411T020000\nDTSTART:20270411T020000\nSTATUS:CANCELLED"
    left_out = (
        "EXDATE;TZID=Europe/Berlin:20270321T020000,20270322T020000\nEXDATE:20270404T000000Z\nRDATE:20270501T000000Z"
    )
    found = read(tmp_path, f"{WEEKLY}\n{left_out}", moved, gone)
    assert spans(found) == [
        ("2027-03-14 02:00+01:00", "2027-03-14 04:00+01:00"),
        ("2027-03-30 02:00+02:00", "2027-03-30 03:00+02:00"),
        ("2027-05-01 02:00+02:00", "2027-05-01 04:00+02:00"),
    ]
    assert all(each.repeated for each in found.occurrences)


def test_an_override_takes_the_place_of_what_it_overrides(tmp_path: Path) -> None:
    moved = "UID:w\nRECURRENCE-ID;TZID=Europe/Berlin:20270321T020000\nDTSTART:20270323T020000\nDURATION:PT1H"
    found = read(tmp_path, WEEKLY, moved)
    assert [first[:10] for first, _ in spans(found)] == [
        "2027-03-14", "2027-03-23", "2027-03-28", "2027-04-04", "2027-04-11"
    ]  # fmt: skip
    assert calendar.written(found.occurrences[1].original, ZONE) == "2027-03-21 02:00+01:00"
    assert found.uids == {"w"}
    assert not found.parts
    alone = read(tmp_path, moved)
    assert alone.uids == frozenset()
    assert alone.parts == {("w", found.occurrences[1].original)}


def test_days_repeat_as_days(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "UID:d\nDTSTART;VALUE=DATE:20270327\nRRULE:FREQ=DAILY;UNTIL=20270330\nEXDATE;VALUE=DATE:20270329\n"
        "RDATE;VALUE=DATE:20270401",
    )
    assert spans(found) == [
        ("2027-03-27 00:00+01:00", "2027-03-28 00:00+01:00"),
        ("2027-03-28 00:00+01:00", "2027-03-29 00:00+02:00"),
        ("2027-03-30 00:00+02:00", "2027-03-31 00:00+02:00"),
        ("2027-04-01 00:00+02:00", "2027-04-02 00:00+02:00"),
    ]


def test_the_latest_version_of_an_event(tmp_path: Path) -> None:
    def version(day: int, sequence: int) -> str:
        return f"UID:v\nSEQUENCE:{sequence}\nDTSTART:202703{day}T020000\nDURATION:PT1H"

    assert [first[:10] for first, _ in spans(read(tmp_path, version(10, 1), version(12, 3), version(11, 2)))] == [
        "2027-03-12"
    ]


def test_cancelled_events_are_known_and_do_not_occur(tmp_path: Path) -> None:
    event = "UID:c\nDTSTART:20270310T020000\nSTATUS:CANCELLED"
    found = read(tmp_path, event)
    assert not found.occurrences
    assert found.uids == {"c"}
    found = read(tmp_path, WEEKLY, head="METHOD:CANCEL")
    assert not found.occurrences
    assert found.uids == {"w"}


def test_nothing_from_an_instant_on(tmp_path: Path) -> None:
    endless = WEEKLY.replace(";COUNT=5", "")
    before = calendar.instant("2027-03-28 00:00", ZONE)
    late = "UID:l\nDTSTART:20270401T020000\nDURATION:PT1H"
    later = "UID:m\nDTSTART:20270401T020000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY"
    assert [first[:10] for first, _ in spans(read(tmp_path, endless, late, later, before=before))] == [
        "2027-03-14",
        "2027-03-21",
    ]


@pytest.mark.parametrize(
    ("event", "line", "said"),
    [
        ("DTSTART:20270310T020000\nDURATION:PT1H", 4, "UID: an event has no name by which it is known again"),
        ("UID:a\nSUMMARY:x", 4, "DTSTART: an event does not say when it begins"),
        ("UID:a\nDTSTART:20270310T020000", 4, "DTEND: the event takes no time; give it a DTEND"),
        ("UID:a\nDTSTART:20270310T020000\nDTEND:20270310T020000", 7, "DTEND: the event takes no time"),
        ("UID:a\nDTSTART:20270310T020000\nDTEND;VALUE=DATE:20270311", 7, "DTEND: one end is a day and the other a time"),
        ("UID:a\nDTSTART:20270310T020000\nDTEND:20270310T030000\nDURATION:PT1H", 8, "DURATION: an event has two ends"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:1h", 7, "DURATION: no length of this event"),
        ("UID:a\nDTSTART;VALUE=DATE:20270310\nDURATION:PT1H", 7, "no length of this event (got 'PT1H'); write for example P1D"),
        ("UID:a\nDTSTART:20271310T020000\nDURATION:PT1H", 6, "DTSTART: cannot be read"),
        ("UID:a\nDTSTART;VALUE=TEXT:soon\nDURATION:PT1H", 6, "DTSTART: neither a day nor a time"),
        ("UID:a\nDTSTART:20270310T020000\nDTSTART:20270311T020000\nDURATION:PT1H", 6, "DTSTART: stands here twice"),
        ("UID:a\nDTSTART;TZID=Nowhere:20270310T020000\nDURATION:PT1H", 6, "Nowhere is no time zone that is known"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nEXDATE;TZID=Nowhere:20270310T020000", 8, "EXDATE: Nowhere is no"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nRDATE;VALUE=PERIOD:20270311T020000Z/PT1H", 8, "RDATE: neither"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nSEQUENCE:x", 8, "SEQUENCE: "),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nEXRULE:FREQ=DAILY;COUNT=1", 8, "EXRULE: a rule of what is left out"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nRRULE:FREQ=DAILY", 8, "RRULE: it has no end (got 'FREQ=DAILY'); add COUNT"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nRRULE:FREQ=DAILY", 8, "or import with --until"),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nRRULE:FREQ=OFTEN;COUNT=2", 8, "RRULE: it does not say how often"),
        (
            "UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270310T020000",
            8,
            "RECURRENCE-ID: a change of all that follow",
        ),
        ("UID:a\nDTSTART;VALUE=DATE:19650310", 6, "DTSTART: outside the years 1970 to 2261"),
        (
            "UID:a\nDTSTART;VALUE=DATE:22601231\nDURATION:P9999D",
            6,
            "DTSTART: outside the years",
        ),
        ("UID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nwithout a colon", 8, "no line of a calendar (got 'without a colon')"),
    ],
)  # fmt: skip
def test_a_mistake_has_its_line(tmp_path: Path, event: str, line: int, said: str) -> None:
    with pytest.raises(UsageError) as error:
        read(tmp_path, event)
    (message,) = str(error.value).splitlines()
    assert message.startswith(f"{tmp_path / 'windows.ics'}:{line}: ")
    assert said in message


def test_all_mistakes_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as error:
        read(
            tmp_path,
            "UID:a\nDTSTART:20270310T020000",
            "UID:b\nDTSTART:20270310T020000\nDURATION:PT1H\nRRULE:FREQ=DAILY",
            "UID:c\nDTSTART:20270310T020000\nDURATION:PT1H",
            "UID:c\nDTSTART:20270311T020000\nDURATION:PT1H",
        )
    lines = [message.split(":")[1] for message in str(error.value).splitlines()]
    assert lines == ["4", "12", "20"]
    assert "the same event as in line 14" in str(error.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", ":1: not a calendar"),
        (b"hello", ":1: no line of a calendar"),
        (b"BEGIN:VCARD\r\nEND:VCARD\r\n", ":1: not a calendar"),
        (b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:x\r\n", ":2: VEVENT has no end; copy the whole file"),
        (b"BEGIN:VCALENDAR\r\nEND:VEVENT\r\n", ":2: nothing that ends here began as VEVENT"),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20270310\nDTSTART:20270310\nEND:VEVENT\nEND:VEVENT\nEND:VCALENDAR\n",
            ":7: nothing that ends here began as VEVENT",
        ),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART;TZID=Europe:20270310T020000\nEND:VEVENT\nEND:VCALENDAR\n",
            ":1: it names a time zone that is none: Europe; write one of the tz database, such as Europe/Berlin",
        ),
        (
            b"BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:a\nTZID:b\nEND:VTIMEZONE\nEND:VCALENDAR\n",
            ":1: not a calendar (RFC 5545); export it again as .ics",
        ),
        (b"BEGIN:VCALENDAR\r\nX:\xff\r\nEND:VCALENDAR\r\n", ":2: this is no UTF-8"),
    ],
)
def test_what_is_no_calendar(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "x.ics"
    file.write_bytes(data)
    with pytest.raises(UsageError) as error:
        calendar_file.read(file, ZONE)
    assert f"{file}{said}" in str(error.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"x\.ics: the file cannot be read: No such file"):
        calendar_file.read(tmp_path / "x.ics", ZONE)
