"""What a measure comes to in a period: days of outages, runs of slots, values through objectives built on others."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MINUTE, S
from slamon.sla.calendar import civil, instant
from slamon.sla.lines import Period
from slamon.sla.subjects import ancestry, civil_days, judged, outage_days, root, runs, value, whole_days, written
from slamon.sla.terms.measures import Measure, Rounding, Side, Subject
from tests.sla.owing import MONTH, contract, down, measured, objective, outage, reading, subject

NEW_YORK = "America/New_York"


def june(day: int, time: str = "00:00") -> int:
    return instant(f"2026-06-{day:02} {time}", "UTC")


@pytest.mark.parametrize(
    ("own", "text"),
    [
        (Subject(measure=Measure.EACH_OUTAGE), "each outage"),
        (Subject(measure=Measure.OUTAGES), "outages"),
        (Subject(measure=Measure.OUTAGES, side=Side.OVER, length=30 * MINUTE), "outages over 30m"),
        (Subject(measure=Measure.DAYS_WITH_OUTAGE, side=Side.AT_LEAST, length=HOUR), "days with outage at_least 1h"),
        (Subject(measure=Measure.RUNS, run=2), "runs of 2 bad slots"),
        (Subject(measure=Measure.EXCESS, objective="jitter"), "excess of jitter"),
        (Subject(measure=Measure.BREACH, duty="access"), "breach of access"),
    ],
)
def test_as_the_contract_writes_it(own: Subject, text: str) -> None:
    assert written(own) == text


def test_the_number_a_period_has() -> None:
    slots = ((0, 10), (10, 20), (40, 50))
    facts = replace(
        down(("0", "31m"), ("5d", "30m")),
        bad_slots=slots,
        tickets=(1, 2, 3),
        objectives={
            "latency": reading("latency", Fraction(55), Measure.LATENCY, target=Fraction(50)),
            "jitter": reading("jitter", None, Measure.JITTER, target=Fraction(2)),
            "bare": reading("bare", Fraction(3), Measure.LATENCY),
        },
    )
    counts = {
        Subject(measure=Measure.DOWNTIME): 61 * MINUTE,
        Subject(measure=Measure.OUTAGES): 2,
        Subject(measure=Measure.OUTAGES, side=Side.OVER, length=30 * MINUTE): 1,
        Subject(measure=Measure.OUTAGES, side=Side.AT_LEAST, length=30 * MINUTE): 2,
        Subject(measure=Measure.DAYS_WITH_OUTAGE): 2,
        Subject(measure=Measure.BAD_SLOTS): 3,
        Subject(measure=Measure.RUNS, run=2): 1,
        Subject(measure=Measure.TICKETS): 3,
        subject(Measure.LATENCY): 55,
        subject(Measure.EXCESS, "latency"): Fraction(1, 10),
        subject(Measure.EXCESS, "jitter"): None,
        subject(Measure.EXCESS, "bare"): None,
    }
    assert {own: value(facts, own) for own in counts} == counts
    with pytest.raises(ValueError, match="each outage is not one number"):
        value(facts, Subject(measure=Measure.EACH_OUTAGE))


def test_runs_of_bad_slots() -> None:
    """Slots 3, 4, 18 and 19 are two runs of two; a longer run is still one, and one slot alone is none."""
    assert [runs(((3, 4), (4, 5), (18, 19), (19, 20)), n) for n in (1, 2, 3)] == [2, 2, 0]
    assert [runs(((0, 1), (1, 2), (2, 3), (7, 8)), n) for n in (1, 2, 3)] == [2, 1, 1]
    assert runs((), 1) == 0


def test_an_outage_over_midnight_is_judged_on_either_day_by_its_part_there() -> None:
    facts = measured(outage(june(10, "23:59:30"), june(11, "00:01:30")), outage(june(20), june(20, "00:00:01")))
    minute = Subject(measure=Measure.DAYS_WITH_OUTAGE, side=Side.OVER, length=MINUTE)
    assert outage_days(facts, minute) == {date(2026, 6, 11): ((june(11), june(11, "00:01:30")),)}
    equal = replace(minute, side=Side.AT_LEAST, length=30 * S)
    assert list(outage_days(facts, equal)) == [date(2026, 6, 10), date(2026, 6, 11)]
    every = outage_days(facts, Subject(measure=Measure.DAYS_WITH_OUTAGE))
    assert list(every) == [date(2026, 6, 10), date(2026, 6, 11), date(2026, 6, 20)]


def test_parts_of_one_outage_add_up_within_a_day_and_those_of_two_do_not() -> None:
    split = outage(
        june(3, "08:00"),
        june(3, "10:00"),
        counts=((june(3, "08:00"), june(3, "08:40")), (june(3, "09:30"), june(3, "10:00"))),
    )
    hour = Subject(measure=Measure.DAYS_WITH_OUTAGE, side=Side.AT_LEAST, length=HOUR)
    assert len(outage_days(measured(split), hour)) == 1
    apart = (outage(june(3, "08:00"), june(3, "08:40")), outage(june(3, "09:30"), june(3, "10:00")))
    assert outage_days(measured(*apart), hour) == {}


def test_only_days_of_the_period_are_counted_also_of_an_outage_that_another_period_counts() -> None:
    long = outage(june(1) - 3 * DAY, june(2, "12:00"), counted=False)
    assert list(outage_days(measured(long), Subject(measure=Measure.DAYS_WITH_OUTAGE))) == [
        date(2026, 6, 1),
        date(2026, 6, 2),
    ]
    assert [day for day, _, _ in whole_days(measured(long), long)] == [date(2026, 6, 1)]
    assert list(whole_days(measured(long), outage(june(1) - DAY, june(1)))) == []


def test_a_whole_day_is_one_from_midnight_to_midnight_of_which_something_counts() -> None:
    out = outage(june(10, "14:00"), june(13, "23:59:59"))
    assert [day.day for day, _, _ in whole_days(measured(out), out)] == [11, 12]
    exactly = outage(june(10), june(12))
    assert [day.day for day, _, _ in whole_days(measured(exactly), exactly)] == [10, 11]
    customers = outage(june(10), june(14), counts=((june(10), june(11, "06:00")), (june(13, "23:00"), june(14))))
    assert [day.day for day, _, _ in whole_days(measured(customers), customers)] == [10, 11, 13]


def test_days_are_those_of_the_contracts_zone() -> None:
    start, end = instant("2026-11-01 00:00", NEW_YORK), instant("2026-11-02 00:00", NEW_YORK)
    assert [last - first for _, first, last in civil_days(start, end, NEW_YORK)] == [25 * HOUR]
    out = outage(start, end - 1)
    period = Period(name="2026-11", start=start, end=end + DAY)
    assert list(whole_days(measured(out, period=period, timezone=NEW_YORK), out)) == []
    whole = outage(start, end)
    assert len(list(whole_days(measured(whole, period=period, timezone=NEW_YORK), whole))) == 1


def test_the_end_of_a_day_shown_twice_belongs_to_no_third_day() -> None:
    """In 1988 the clocks of St. John's went back two hours at 00:01: the last hours of 29 October were shown again after midnight."""
    zone = "America/St_Johns"
    first = instant("1988-10-29 12:00", zone)
    for hours in range(30):
        found = list(civil_days(first + hours * HOUR, first + hours * HOUR + MINUTE, zone))
        assert all(start < first + hours * HOUR + MINUTE and first + hours * HOUR < end for _, start, end in found)
        assert len(found) == 1


@given(
    st.integers(0, 80 * 365),
    st.integers(0, DAY - 1),
    st.integers(1, 5 * DAY),
    st.sampled_from(["UTC", NEW_YORK, "Asia/Beirut"]),
)
def test_days_cover_a_stretch_without_gaps(day: int, at: int, size: int, zone: str) -> None:
    start = day * DAY + at
    found = list(civil_days(start, start + size, zone))
    assert found[0][1] <= start < found[0][2]
    assert found[-1][1] < start + size <= found[-1][2]
    assert all(a[2] == b[1] and b[0] - a[0] == timedelta(days=1) for a, b in pairwise(found))
    assert all(civil(last - 1, zone).date() == own for own, _, last in found)


def test_objectives_built_on_others() -> None:
    terms = contract(
        objectives=(
            objective(Measure.AVAILABILITY, round=Rounding(step=Fraction(1, 1000))),
            objective(Measure.AVAILABILITY, name="billed", base="availability", round=Rounding(step=Fraction(1, 100))),
            objective(Measure.OUTAGES, name="long", subject=Subject(measure=Measure.OUTAGES, side=Side.OVER, length=5)),
            objective(Measure.EXCESS, name="late", subject=Subject(measure=Measure.EXCESS, objective="latency")),
            objective(Measure.LATENCY),
        )
    )
    chain = ancestry(terms, "billed")
    assert [o.name for o in chain] == ["availability", "billed"]
    assert judged(chain, Fraction(9845, 10_000)) == Fraction(
        99, 100
    )  # through 98.5 %: not what 98.45 % rounds to at once
    assert judged(chain[1:], Fraction(9845, 10_000)) == Fraction(98, 100)
    about = subject(Measure.AVAILABILITY, "billed")
    assert root(terms, about) == (subject(Measure.AVAILABILITY), terms.objective("availability"))
    assert root(terms, subject(Measure.OUTAGES, "long")) == (terms.objective("long").subject, terms.objective("long"))
    assert root(terms, subject(Measure.EXCESS, "late")) == (subject(Measure.LATENCY), terms.objective("latency"))
    assert root(terms, Subject(measure=Measure.DOWNTIME)) == (Subject(measure=Measure.DOWNTIME), None)
    assert MONTH.end - MONTH.start == 30 * DAY
