from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import HOUR, MINUTE
from slamon.sla.facts import Breach, Facts, Ticket
from slamon.sla.growth import Ramp, Reach, Window, after, known, own_periods, ramps, reached, reaching, value
from slamon.sla.lines import Period
from slamon.sla.subjects import value as of_period
from slamon.sla.terms.credits import Combine, Credit, Give, Per, Tier
from slamon.sla.terms.credits import Count as Counting
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.outages import BelongsTo, OutageRule
from tests.sla.book import AVAILABILITY, CHRONIC, HERE, Book, at, contract, objective, outage

DOWNTIME = Subject(measure=Measure.DOWNTIME)
EACH = Subject(measure=Measure.EACH_OUTAGE)
DAY_OUT = Subject(measure=Measure.EACH_DAY_OUT)
OUTAGES = Subject(measure=Measure.OUTAGES)


def book(*outages: Any, as_of: str = "2026-07-01", **rest: Any) -> Book:
    own = rest.pop("contract", contract())
    found = [outage(each) if isinstance(each, str) else each for each in outages]
    return Book(contract=own, as_of=at(as_of), outages=found, **rest)


def june(history: Book) -> Period:
    return history.period("2026-06")


def when(history: Book, subject: Subject, side: Side, threshold: Fraction | int, **rest: Any) -> int | None:
    reach = reached(history, june(history), subject, side, Fraction(threshold), **rest)
    return None if reach is None else reach.at


# --- ramps --------------------------------------------------------------------------------------------------------------------


def test_a_sum_of_ramps_comes_to_an_amount() -> None:
    two = [Ramp(10, 20, Fraction(1)), Ramp(30, 40, Fraction(1, 2))]
    assert after(two, Side.AT_LEAST, 4) == Reach(14, 14)
    assert after(two, Side.OVER, 4) == Reach(14, 15)
    assert after(two, Side.AT_LEAST, 10) == Reach(20, 20)
    assert after(two, Side.OVER, 10) == Reach(30, 31)  # just 10 until the second begins
    assert after(two, Side.AT_LEAST, Fraction(41, 4)) == Reach(31, 31)
    assert after(two, Side.OVER, Fraction(41, 4)) == Reach(31, 31)
    assert after(two, Side.AT_LEAST, 15) == Reach(40, 40)
    assert after(two, Side.OVER, 15) is None
    assert after([Ramp(0, 5, Fraction(0))], Side.AT_LEAST, 1) is None


@given(
    lengths=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(0, 3)), max_size=5),
    amount=st.fractions(Fraction(1, 3), 9, max_denominator=3),
    side=st.sampled_from([Side.OVER, Side.AT_LEAST]),
)
def test_the_first_instant_is_the_one_found_by_looking_at_each(
    lengths: list[tuple[int, int, int]], amount: Fraction, side: Side
) -> None:
    found, edge = [], 0
    for gap, length, weight in lengths:
        found.append(Ramp(edge + gap, edge + gap + length, Fraction(weight, 2)))
        edge += gap + length

    def total(instant: int) -> Fraction:
        return sum((r.weight * max(0, min(r.end, instant) - r.start) for r in found), start=Fraction(0))

    expected = next((instant for instant in range(60) if side.reached(total(instant), amount)), None)
    reach = after(found, side, amount)
    assert (None if reach is None else reach.first) == expected
    assert reach is None or 0 <= reach.first - reach.at <= 1


def test_downtime_of_a_period_and_when_it_came_to_so_much() -> None:
    own = book("2026-05-31 23:00 + 2h", "2026-06-10 00:00 + 3h")
    assert value(own, june(own), DOWNTIME) == 4 * HOUR
    assert when(own, DOWNTIME, Side.AT_LEAST, 2 * HOUR) == at("2026-06-10 01:00")
    assert when(own, DOWNTIME, Side.OVER, HOUR) == at("2026-06-10")
    assert when(own, DOWNTIME, Side.OVER, 4 * HOUR) is None
    assert when(own, DOWNTIME, Side.AT_LEAST, 0) == at("2026-06-01")


def test_downtime_nothing_dates_is_there_when_the_period_has_passed() -> None:
    class Unmeasured(Book):
        def downtime(self, start: int, end: int) -> tuple[tuple[int, int], ...]:
            return ()

    own = Unmeasured(contract=contract(), as_of=at("2026-06-20"), outages=[outage("2026-06-10 00:00 + 3h")])
    assert when(own, DOWNTIME, Side.OVER, HOUR) == at("2026-06-20")


def test_downtime_is_weighed_where_the_contract_weighs() -> None:
    rule = OutageRule(weigh_by=4)
    own = book(outage("2026-06-10 00:00 + 8h", weight=Fraction(1, 4)), contract=contract(outage=rule))
    assert when(own, DOWNTIME, Side.AT_LEAST, HOUR) == at("2026-06-10 04:00")
    window = Window(at("2026-06-10 04:00"), at("2026-07-01"))
    assert value(own, window, DOWNTIME) == HOUR
    assert ramps(own, Window(at("2026-07-02"), at("2026-07-03"))) == []


# --- outages ------------------------------------------------------------------------------------------------------------------


def test_outages_are_there_when_they_have_the_length() -> None:
    own = book("2026-06-10 00:00 + 31m", "2026-06-11 00:00 + 30m", "2026-06-12 00:00 + 2h")
    assert when(own, CHRONIC, Side.AT_LEAST, 2) == at("2026-06-12 00:30")
    assert when(own, CHRONIC, Side.OVER, 2) is None
    assert when(own, OUTAGES, Side.OVER, 2) == at("2026-06-12")
    short = Subject(measure=Measure.OUTAGES, side=Side.AT_MOST, length=30 * MINUTE)
    assert when(own, short, Side.AT_LEAST, 1) == at("2026-06-11")
    assert value(own, june(own), short) == 1


def test_an_outage_is_none_before_it_has_the_contracts_least_length() -> None:
    rule = OutageRule(side=Side.AT_LEAST, length=45 * MINUTE)
    own = book("2026-06-10 00:00 + 50m", contract=contract(outage=rule))
    assert when(own, OUTAGES, Side.AT_LEAST, 1) == at("2026-06-10 00:45")
    assert when(own, CHRONIC, Side.AT_LEAST, 1) == at("2026-06-10 00:45")
    assert reaching(own, own.outages[0], Side.OVER, 46 * MINUTE) == Reach(
        at("2026-06-10 00:46"), at("2026-06-10 00:46") + 1
    )
    over = book("2026-06-10 00:00 + 50m", contract=contract(outage=OutageRule(side=Side.OVER, length=45 * MINUTE)))
    assert reaching(over, over.outages[0], None, 0) == Reach(at("2026-06-10 00:45"), at("2026-06-10 00:45") + 1)


def test_an_outage_of_which_nothing_counts_is_none() -> None:
    nothing = outage("2026-06-10 00:00 + 1h", excluded=((at("2026-06-10"), at("2026-06-11")),))
    own = book(nothing)
    assert reaching(own, nothing, None, 0) is None
    assert value(own, june(own), OUTAGES) == 0


def test_each_outage_is_as_long_as_the_longest() -> None:
    own = book("2026-06-10 00:00 + 31m", "2026-06-11 20:00 + 13h")
    assert value(own, june(own), EACH) == 13 * HOUR
    assert when(own, EACH, Side.OVER, 12 * HOUR) == at("2026-06-12 08:00")
    assert value(book(), june(book()), EACH) == 0
    assert value(own, Window(at("2026-06-11"), at("2026-06-13")), EACH) == 13 * HOUR


def test_an_outage_belongs_where_the_contract_says() -> None:
    ends = book("2026-05-31 23:00 + 2h", contract=contract(outage=OutageRule(belongs_to=BelongsTo.END)))
    assert value(ends, june(ends), OUTAGES) == 1
    begins = book("2026-05-31 23:00 + 2h")
    assert value(begins, june(begins), OUTAGES) == 0


# --- days ---------------------------------------------------------------------------------------------------------------------


def days(side: Side | None = None, length: int | None = None) -> Subject:
    return Subject(measure=Measure.DAYS_WITH_OUTAGE, side=side, length=length)


def test_days_with_outage() -> None:
    own = book("2026-05-31 20:00 + 30h", "2026-06-10 00:00 + 1m", "2026-06-10 12:00 + 2m", "2026-06-11 23:59 + 2m")
    for subject in (days(), days(Side.OVER, MINUTE), days(Side.AT_LEAST, MINUTE), days(Side.AT_MOST, MINUTE)):
        assert value(own, june(own), subject) == of_period(own.measured(june(own)), subject)
    assert value(own, june(own), days(Side.OVER, MINUTE)) == 3  # 1, 2 and 10 June
    assert when(own, days(Side.OVER, MINUTE), Side.AT_LEAST, 3) == at("2026-06-10 12:01")
    assert when(own, days(), Side.OVER, 4) == at("2026-06-12")
    assert value(own, Window(at("2026-05-31"), at("2026-06-02")), days()) == 2


def test_a_day_counts_from_the_first_outage_that_is_long_enough() -> None:
    own = book("2026-06-10 12:00 + 20m", "2026-06-10 03:00 + 10m")
    assert when(own, days(Side.AT_LEAST, 10 * MINUTE), Side.AT_LEAST, 1) == at("2026-06-10 03:10")


def test_each_day_out_is_a_whole_day() -> None:
    own = book("2026-06-10 14:00 to 2026-06-14 09:00")  # Wednesday; 11, 12 and 13 June are days 1 to 3
    assert value(own, june(own), DAY_OUT) == 3
    assert when(own, DAY_OUT, Side.AT_LEAST, 3) == at("2026-06-14")
    assert when(own, DAY_OUT, Side.OVER, 3) is None
    assert value(own, june(own), DAY_OUT, business=True) == 2
    assert when(own, DAY_OUT, Side.OVER, 1, business=True) == at("2026-06-13")
    assert value(book(), june(book()), DAY_OUT) == 0


def test_a_day_of_which_nothing_counts_is_no_day_out() -> None:
    own = book(outage("2026-06-10 14:00 to 2026-06-12 00:00", excluded=((at("2026-06-11"), at("2026-06-12")),)))
    assert value(own, june(own), DAY_OUT) == 0


# --- what the customer does ---------------------------------------------------------------------------------------------------


def test_tickets_opened_in_the_period() -> None:
    opened = [Ticket(at(f"2026-06-{day:02}"), None) for day in (1, 5, 9)]
    facts = Facts(tickets=(Ticket(at("2026-05-31"), None), *opened, Ticket(at("2026-07-01"), None)))
    own = book(facts=facts)
    tickets = Subject(measure=Measure.TICKETS)
    assert value(own, june(own), tickets) == 3
    assert when(own, tickets, Side.AT_LEAST, 3) == at("2026-06-09")
    assert value(book(facts=facts, as_of="2026-06-06"), june(own), tickets) == 2


def test_days_in_breach_count_from_the_breachs_start() -> None:
    breaches = (
        Breach("access", at("2026-05-30 12:00"), at("2026-06-02 12:00")),
        Breach("access", at("2026-06-02 15:00"), at("2026-06-02 16:00")),  # the same day once
        Breach("access", at("2026-06-10"), at("2026-06-11")),
        Breach("access", at("2026-04-10"), at("2026-04-11")),
        Breach("payment", at("2026-06-20"), at("2026-06-25")),
    )
    own = book(facts=Facts(breaches=breaches))
    access = Subject(measure=Measure.BREACH, duty="access")
    assert value(own, june(own), access) == 5  # 30 and 31 May, 1, 2 and 10 June
    assert value(own, june(own), access, business=True) == 3  # the 30th is a Saturday
    assert when(own, access, Side.OVER, 4) == at("2026-06-10")
    assert when(own, access, Side.AT_LEAST, 1) == at("2026-05-30 12:00")
    early = book(facts=Facts(breaches=breaches), as_of="2026-06-01 12:00")
    assert value(early, june(early), access) == 3


# --- slots and points -----------------------------------------------------------------------------------------------------------


def slot(minute: int, day: str = "2026-06-10") -> tuple[int, int]:
    return at(day) + minute * MINUTE, at(day) + (minute + 1) * MINUTE


def test_bad_slots_and_runs_of_them() -> None:
    slots = (slot(0), slot(1), slot(2), slot(5), slot(8), slot(9), slot(0, "2026-07-02"))
    own = book(slots=slots, as_of="2026-08-01")
    one, runs = Subject(measure=Measure.BAD_SLOTS), Subject(measure=Measure.RUNS, run=2)
    for subject in (one, runs):
        assert value(own, june(own), subject) == of_period(own.measured(june(own)), subject)
    assert value(own, june(own), one) == 6
    assert when(own, runs, Side.AT_LEAST, 2) == slot(9)[1]
    assert value(own, Window(at("2026-06-10 00:01"), at("2026-08-01")), one) == 6
    assert value(own, Window(at("2026-06-10 00:01"), at("2026-06-10 00:08")), runs) == 0


def points(name: str, subject: Subject, tiers: Mapping[int, int] | None = None) -> Credit:
    """Threshold in nanoseconds → points; without a table a point per started hour."""
    if tiers is not None:
        table = tuple(Tier(threshold=Fraction(at_), give=Give(points=n)) for at_, n in tiers.items())
        return Credit(name=name, subject=subject, clause=HERE, side=Side.OVER, tiers=table)
    each = Per(count=Counting.STARTED, unit=Fraction(HOUR), text="started 1h")
    return Credit(name=name, subject=subject, clause=HERE, per=each, give=Give(points=1))


POINTS = Subject(measure=Measure.POINTS)


def test_points_of_outages_are_there_when_they_end() -> None:
    credit = points("each outage", EACH, {5 * MINUTE: 1, HOUR: 3})
    own = book(
        "2026-06-10 00:00 + 10m", "2026-06-11 00:00 + 2m", "2026-06-12 00:00 + 2h", contract=contract(credits=(credit,))
    )
    assert value(own, june(own), POINTS) == 4
    assert when(own, POINTS, Side.AT_LEAST, 4) == at("2026-06-12 02:00")
    assert when(own, POINTS, Side.AT_LEAST, 1) == at("2026-06-10 00:10")
    assert value(own, Window(at("2026-06-11"), at("2026-07-01")), POINTS) == 3


def test_points_for_what_grows_are_there_when_it_has() -> None:
    table = points("downtime", DOWNTIME, {HOUR: 2})
    own = book("2026-06-10 00:00 + 3h", contract=contract(credits=(table,)), as_of="2026-06-15")
    assert when(own, POINTS, Side.AT_LEAST, 2) == at("2026-06-10 01:00")
    started = points("downtime", DOWNTIME)
    own = book("2026-06-10 00:00 + 3h", contract=contract(credits=(started,)), as_of="2026-06-15")
    assert value(own, june(own), POINTS) == 3
    assert when(own, POINTS, Side.AT_LEAST, 3) == at("2026-06-10 03:00")
    nothing = book(contract=contract(credits=(started,)))
    assert value(nothing, june(nothing), POINTS) == 0


def test_points_an_open_period_may_still_take_back_are_not_there() -> None:
    below = Credit(
        name="availability",
        subject=AVAILABILITY,
        clause=HERE,
        side=Side.BELOW,
        tiers=(Tier(threshold=Fraction(999, 1000), give=Give(points=2)),),
    )
    terms = contract(credits=(below,), combine=Combine.SUM, objectives=(objective(),))
    own = book("2026-06-10 00:00 + 3h", contract=terms, as_of="2026-06-15")
    assert value(own, june(own), POINTS) == 0
    closed = book("2026-06-10 00:00 + 3h", contract=terms, as_of="2026-07-15")
    assert when(closed, POINTS, Side.AT_LEAST, 2) == at("2026-07-01")


# --- places -------------------------------------------------------------------------------------------------------------------


def test_only_what_has_passed_and_is_known() -> None:
    own = book(as_of="2026-06-15", known_from=at("2026-06-02"))
    assert known(own, june(own)) == (at("2026-06-02"), at("2026-06-15"))
    assert [one.name for one in own_periods(own, at("2026-05-31"), at("2026-07-01") + 1)] == [
        "2026-05",
        "2026-06",
        "2026-07",
    ]
    assert own_periods(own, at("2026-07-01"), at("2026-07-01")) == ()


def test_a_measure_that_is_not_counted() -> None:
    own = book()
    with pytest.raises(AssertionError):
        value(own, june(own), Subject(measure=Measure.OVERDUE))
