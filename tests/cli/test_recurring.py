"""Rules of repetition on a wall clock: bounds, DST, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.cli.recurring import MOST, Rule, instant_at, occurrences, read
from slamon.model import S
from slamon.sla import calendar

BERLIN = ZoneInfo("Europe/Berlin")
SUNDAY = datetime(2026, 12, 6, 2)  # noqa: DTZ001


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
        ("FREQ=DAILY;BYDAY=XX;COUNT=1", r"not a rule of repetition \(invalid 'BYDAY': XX\); see RRULE"),
        ("FREQ=DAILY;BYHOUR=25;COUNT=1", "not a rule of repetition"),
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
