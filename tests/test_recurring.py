"""Rules of repetition on a wall clock: bounds, DST, and what is refused."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import rrule as dateutil
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from slamon.ical.rules import MOST, Rule, instant_at, occurrences, read, within
from slamon.model import S
from slamon.sla import calendar

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 12, 6, 2)  # noqa: DTZ001


@pytest.fixture
def months(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often dateutil goes on to another month or year."""
    counted: Counter[str] = Counter()
    rebuild = dateutil._iterinfo.rebuild

    def counting(self: Any, year: int, month: int) -> None:
        counted["built"] += 1
        rebuild(self, year, month)

    monkeypatch.setattr(dateutil._iterinfo, "rebuild", counting)
    return counted


def days(text: str, first: datetime = SUNDAY, *, before: int | None = None) -> list[str]:
    return [f"{wall:%m-%d}" for wall in occurrences(read(text), first, BERLIN, before=before)]


def test_a_weekly_window() -> None:
    found = occurrences(read("FREQ=WEEKLY;BYDAY=SU;COUNT=12"), SUNDAY, BERLIN)
    assert found == [SUNDAY + timedelta(weeks=n) for n in range(12)]
    assert found == occurrences(read("rrule:freq=weekly;byday=su;count=12"), SUNDAY, BERLIN)


@pytest.mark.parametrize(
    ("until", "bound", "last"),
    [
        ("20261220", date(2026, 12, 20), "12-20"),
        ("20261219", date(2026, 12, 19), "12-13"),
        ("20261220T020000", datetime(2026, 12, 20, 2), "12-20"),  # noqa: DTZ001
        ("20261220T015959", datetime(2026, 12, 20, 1, 59, 59), "12-13"),  # noqa: DTZ001
        ("20261220T010000Z", datetime(2026, 12, 20, 1, tzinfo=UTC), "12-20"),
        ("20261220T005959Z", datetime(2026, 12, 20, 0, 59, 59, tzinfo=UTC), "12-13"),
    ],
)
def test_the_last_one_is_in(until: str, bound: date, last: str) -> None:
    rule = read(f"FREQ=WEEKLY;UNTIL={until}")
    assert rule == Rule("FREQ=WEEKLY", None, bound)
    assert days(f"FREQ=WEEKLY;UNTIL={until}")[-1] == last


def test_a_rule_without_an_end_needs_one() -> None:
    with pytest.raises(ValueError, match="it has no end; add COUNT=12, or UNTIL="):
        days("FREQ=WEEKLY")
    bound = calendar.instant("2026-12-20 02:00", "Europe/Berlin")
    assert days("FREQ=WEEKLY", before=bound) == ["12-06", "12-13"]
    assert days("FREQ=WEEKLY", before=bound + 1) == ["12-06", "12-13", "12-20"]
    assert days("FREQ=WEEKLY;COUNT=2", before=bound + 1) == ["12-06", "12-13"]


def test_at_most_so_many() -> None:
    assert len(days(f"FREQ=DAILY;COUNT={MOST}")) == MOST
    for text in (f"FREQ=DAILY;COUNT={MOST + 1}", "FREQ=DAILY;UNTIL=20991231", "FREQ=DAILY;BYMINUTE=0,1,2;COUNT=999999"):
        with pytest.raises(ValueError, match="more than 1000 times; end it sooner"):
            days(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a rule of repetition; write for example FREQ=WEEKLY"),
        ("weekly", "not a rule of repetition"),
        ("FREQ=WEEKLY;BYDAY=;COUNT=1", "not a rule of repetition"),
        ("FREQ=WEEKLY;FREQ=DAILY;COUNT=1", "not a rule of repetition"),
        ("FREQ=WEEKLY;BYEASTER=1;COUNT=1", "BYEASTER is no part of a rule; write FREQ, INTERVAL, COUNT, UNTIL, WKST"),
        ("BYDAY=SU;COUNT=1", "it does not say how often; write FREQ=DAILY or FREQ=WEEKLY"),
        ("FREQ=SECONDLY;COUNT=1", "it does not say how often"),
        ("FREQ=DAILY;INTERVAL=0;COUNT=1", "INTERVAL is no number above 0"),
        ("FREQ=DAILY;INTERVAL=-1;COUNT=1", "INTERVAL is no number above 0"),
        ("FREQ=DAILY;COUNT=0", "COUNT is no number above 0"),
        ("FREQ=DAILY;COUNT=3;UNTIL=20261231", "it has two bounds; write COUNT or UNTIL"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL is no day and no instant"),
        ("FREQ=DAILY;UNTIL=2026-12-31", "UNTIL is no day and no instant"),
        ("FREQ=DAILY;UNTIL=20261231T250000Z", "UNTIL is no day and no instant"),
        ("FREQ=DAILY;BYDAY=XX;COUNT=1", "BYDAY cannot be XX; write for example MO, and no number with this FREQ"),
        ("FREQ=WEEKLY;BYDAY=1SU;COUNT=1", "BYDAY cannot be 1SU"),
        ("FREQ=MONTHLY;BYDAY=SU,99SU;COUNT=1", "BYDAY cannot be 99SU; write for example MO, or -1MO for the last"),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=9SU;COUNT=1", "BYDAY cannot be 9SU"),
        ("FREQ=YEARLY;BYDAY=54SU;COUNT=1", "BYDAY cannot be 54SU"),
        ("FREQ=YEARLY;BYMONTH=13;BYDAY=1SU;COUNT=1", "BYMONTH cannot be 13; write 1 to 12"),
        ("FREQ=YEARLY;BYMONTH=-1;COUNT=1", "BYMONTH cannot be -1; write 1 to 12"),
        ("FREQ=MONTHLY;BYMONTHDAY=-32;COUNT=1", "BYMONTHDAY cannot be -32; write 1 to 31, or -31 to -1"),
        ("FREQ=MONTHLY;BYMONTHDAY=first;COUNT=1", "BYMONTHDAY cannot be FIRST"),
        ("FREQ=WEEKLY;WKST=MO RDATE:20261212;COUNT=1", "WKST cannot be MO RDATE:20261212"),
        ("FREQ=DAILY;BYHOUR=25;COUNT=1", "BYHOUR cannot be 25; write 0 to 23"),
        (
            "FREQ=WEEKLY;BYDAY=MO;COUNT=2",
            "does not occur at 2026-12-06 02:00, where it begins; begin at 2026-12-07 02:00",
        ),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2", "it never occurs"),
        ("FREQ=DAILY;UNTIL=20261205", "it never occurs"),
    ],
)
def test_what_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        days(text)


@pytest.mark.parametrize("first", [SUNDAY, datetime(1970, 1, 1, 2)])  # noqa: DTZ001
@pytest.mark.parametrize(
    "text", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3", "FREQ=WEEKLY;BYMONTH=2;BYMONTHDAY=30;UNTIL=20991231"]
)
def test_a_rule_that_never_occurs_is_found_out_soon(text: str, first: datetime, months: Counter[str]) -> None:
    with pytest.raises(ValueError, match="it never occurs; mend its parts or its end"):
        days(text, first)
    assert 0 < months["built"] < 6000


def test_a_rule_that_occurs_no_more_often_is_found_out_soon(months: Counter[str]) -> None:
    leap = datetime(2028, 2, 29, 2)  # noqa: DTZ001
    found = occurrences(read("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT=500"), leap, BERLIN)
    assert [wall.year for wall in found] == [year for year in range(2028, 2262, 4) if year not in {2100, 2200}]
    assert found == [wall.replace(month=2, day=29, hour=2) for wall in found]
    assert 0 < months["built"] < 6000


def test_a_rule_of_many_years_ends_with_the_calendar() -> None:
    """In the last week that dateutil knows, of the year 9999, its Saturday is one too many."""
    first = datetime(2026, 12, 5, 2)  # noqa: DTZ001
    weeks = (date(2399, 12, 27) - date(2026, 11, 30)).days // 7
    assert days(f"FREQ=WEEKLY;BYDAY=SA;INTERVAL={weeks};COUNT=2", first) == ["12-05"]


RULES = (
    "FREQ=DAILY;INTERVAL=3",
    "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
    "FREQ=MONTHLY;BYDAY=-1SU",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
    "FREQ=MONTHLY;BYMONTHDAY=31",
    "FREQ=YEARLY",
    "FREQ=YEARLY;INTERVAL=4",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO",
    "FREQ=YEARLY;BYYEARDAY=-1,366",
    "FREQ=YEARLY;BYDAY=53SU",
)


@given(st.sampled_from(RULES), st.datetimes(datetime(1971, 1, 1), datetime(2150, 1, 1)))  # noqa: DTZ001
def test_it_occurs_when_the_years_themselves_say(text: str, first: datetime) -> None:
    first = first.replace(microsecond=0)
    expected = list(islice((wall for wall in rrulestr(text, dtstart=first) if wall.year < 2262), 5))
    assert list(islice(within(read(text), first, BERLIN), 5)) == expected


def test_nothing_of_a_rule_before_an_instant() -> None:
    for at in ("2026-12-05 02:00", "2026-12-06 01:59", "2026-01-01"):
        assert days("FREQ=WEEKLY", before=calendar.instant(at, "Europe/Berlin")) == []


def test_the_clock_stays_and_the_offset_changes() -> None:
    walls = occurrences(read("FREQ=DAILY;COUNT=3"), datetime(2027, 3, 27, 5), BERLIN)  # noqa: DTZ001
    starts = [instant_at(wall, BERLIN) for wall in walls]
    assert [later - before for before, later in pairwise(starts)] == [23 * 3600 * S, 24 * 3600 * S]


@pytest.mark.parametrize(
    ("wall", "at"),
    [
        (datetime(2027, 3, 28, 2, 30), "2027-03-28 01:30Z"),  # noqa: DTZ001  never shown: by the offset before
        (datetime(2027, 10, 31, 2, 30), "2027-10-31 00:30Z"),  # noqa: DTZ001  shown twice: the first
        (datetime(2027, 3, 28, 3), "2027-03-28 01:00Z"),  # noqa: DTZ001
    ],
)
def test_readings_of_no_or_two_instants(wall: datetime, at: str) -> None:
    assert instant_at(wall, BERLIN) == calendar.instant(at, "UTC")


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)))  # noqa: DTZ001
def test_a_reading_shown_is_an_instant_that_shows_it(wall: datetime) -> None:
    found = calendar.instants(wall, "Europe/Berlin")
    if found:
        assert instant_at(wall, BERLIN) == found[0]
    else:
        assert calendar.civil(instant_at(wall, BERLIN), "Europe/Berlin").replace(tzinfo=None) > wall
