"""What is owed: every measure a credit may be about, own caps, the least amount, rounding, caps, what is certain and at stake."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.sla.calendar import instant
from slamon.sla.credit import CapRoom, lines
from slamon.sla.lines import Period
from slamon.sla.measured import Measured
from slamon.sla.terms import Contract
from slamon.sla.terms.credits import Cap, Combine, Credit
from slamon.sla.terms.measures import Measure, Rounding, Side, Subject
from slamon.sla.terms.objectives import Objective
from slamon.sla.terms.times import Span
from tests.sla.owing import (
    HERE,
    MONTH,
    below,
    contract,
    down,
    measured,
    objective,
    outage,
    over,
    owed,
    paid,
    per_unit,
    quantity,
    reading,
    room,
    seen,
    subject,
    table,
    values,
    window,
)

HUNDRED = Fraction(1, 100)


def june(day: int, time: str = "00:00") -> int:
    return instant(f"2026-06-{day:02} {time}", "UTC")


# --- the measures ---------------------------------------------------------------------------------------------------------------


def test_every_operand_is_in_the_line() -> None:
    (found,) = paid(contract(below({"99%": "1/30"})), values(availability="98.5%")).lines
    assert (found.name, found.measure, found.objective, found.side, found.per, found.units) == (
        "availability",
        "availability",
        "availability",
        "below",
        None,
        None,
    )
    assert seen(found.value, found.threshold, found.share, found.base) == (
        quantity("98.5%"),
        quantity("99%"),
        Fraction(1, 30),
        1000,
    )
    assert (found.gives, found.exact, str(found.rounded)) == (Fraction(100, 3), Fraction(100, 3), "33.33")
    assert (found.applied, found.at_stake, found.clause, found.points, found.cap) == (True, False, HERE, 0, None)
    (part,) = found.parts
    assert (part.start, part.end, part.spans, part.exact) == (MONTH.start, MONTH.end, (), Fraction(100, 3))
    (money,) = paid(contract(below({"99%": "12.345 USD"})), values(availability="98%")).lines
    assert (money.share, money.gives, str(money.rounded)) == (None, Fraction("12.345"), "12.35")
    (none,) = paid(contract(below({"99%": "10%"})), values(availability="99%")).lines
    assert seen(none.threshold, none.share, none.gives, str(none.rounded)) == (None, 0, 0, "0.00")
    (unmeasured,) = paid(contract(below({"99%": "10%"})), values(availability=None)).lines
    assert seen(unmeasured.value, unmeasured.exact) == (None, 0)


def test_equality_at_target_and_minimum() -> None:
    terms = contract(below({"99.9%": "10%", "99.5%": "25%"}))
    found = {seconds: owed(terms, down(("9d", seconds))) for seconds in ("2592s", "2593s", "12960s", "12961s")}
    assert found == {"2592s": "0.00", "2593s": "100.00", "12960s": "100.00", "12961s": "250.00"}


def test_a_day_for_each_cumulative_hour_or_fraction() -> None:
    terms = contract(per_unit(Measure.DOWNTIME, "started 1h", "1/30"))
    each = contract(per_unit(Measure.EACH_OUTAGE, "started 1h", "1/30"))
    two, longer = down(("4d", "25m"), ("11d", "30m")), down(("4d", "25m"), ("11d", "50m"))
    assert [owed(terms, two, 3000), owed(terms, longer, 3000), owed(each, two, 3000)] == ["100.00", "200.00", "200.00"]
    found = paid(terms, down(("4d", "31h")), 3000, [room(Span.MONTH, 3000)])
    assert [str(found.uncapped), str(found.credit), str(found.lost_to_cap)] == ["3100.00", "3000.00", "100.00"]
    (line,) = found.lines
    assert seen(line.per, line.units, line.measure, line.threshold) == ("started 1h", 31, "downtime", None)


def test_a_duration_table_disagrees_with_a_percentage_table_in_a_longer_month() -> None:
    july = Period(name="2026-07", start=MONTH.end, end=MONTH.end + 31 * DAY)
    facts = measured(outage(july.start, july.start + 265 * S), period=july)
    value = 1 - facts.downtime / (31 * DAY)
    facts = replace(facts, objectives={"availability": reading("availability", value, Measure.AVAILABILITY)})
    tables = (
        over(Measure.DOWNTIME, {"4m19s": "1%", "86m24s": "3%"}),
        below({"99.99%": "1%", "99.80%": "3%"}),
    )
    assert [paid(contract(each), facts).credit_share for each in tables] == [HUNDRED, 0]


def test_two_credits_for_the_first_hours_and_for_those_that_follow() -> None:
    terms = contract(
        over(Measure.DOWNTIME, {"44m": "10%"}, name="first"),
        per_unit(Measure.DOWNTIME, "started 1h", "5%", side=Side.OVER, threshold="164m", name="further", cap="12%"),
    )
    found = {minutes: owed(terms, down(("0", f"{minutes}m"))) for minutes in (44, 45, 164, 165, 224, 225, 400)}
    assert list(found.values()) == ["0.00", "100.00", "100.00", "150.00", "150.00", "200.00", "220.00"]


def test_each_outage_is_judged_by_itself_and_their_gives_are_added() -> None:
    terms = contract(table(Measure.EACH_OUTAGE, Side.OVER, {"5m": "5%", "4h": "10%"}))
    facts = down(("1d", "5m"), ("2d", "6m"), ("3d", "5h"))
    (line,) = paid(terms, facts).lines
    assert [part.share for part in line.parts] == [0, 5 * HUNDRED, 10 * HUNDRED]
    assert [(part.start - MONTH.start, part.end - part.start, part.spans) for part in line.parts] == [
        (1 * DAY, 5 * MINUTE, ()),
        (2 * DAY, 6 * MINUTE, ()),
        (3 * DAY, 5 * HOUR, ()),
    ]
    assert seen(line.share, line.exact, line.value, line.threshold) == (15 * HUNDRED, 150, 5 * HOUR, 4 * HOUR)
    (none,) = paid(terms, down()).lines
    assert seen(none.value, none.threshold, none.share, none.exact, none.parts) == (0, None, 0, 0, ())
    (amount,) = paid(contract(per_unit(Measure.EACH_OUTAGE, "started 1h", "7 USD")), down()).lines
    assert seen(amount.share, amount.units, amount.exact) == (None, 0, 0)


def test_an_outage_over_a_boundary_is_paid_whole_where_it_is_counted_and_by_what_of_it_counts() -> None:
    long = outage(june(1) - HOUR, june(1, "01:00"), counted=False)
    partly = outage(june(29), june(29, "08:00"), counts=((june(29, "06:00"), june(29, "08:00")),))
    terms = contract(per_unit(Measure.EACH_OUTAGE, "started 1h", "10 USD"))
    (line,) = paid(terms, measured(long, partly)).lines
    assert [seen(part.units, part.spans) for part in line.parts] == [(2, partly.spans)]
    (last,) = paid(terms, measured(replace(long, counted=True))).lines
    assert [part.start for part in last.parts] == [june(1) - HOUR]
    assert last.exact == 20


def test_numbers_of_outages_and_of_days_with_them() -> None:
    facts = down(("1d", "31m"), ("1d2h", "31m"), ("3d", "30m"))
    half: dict[str, Any] = {"side": Side.OVER, "length": 30 * MINUTE}
    clauses = (
        per_unit(Subject(measure=Measure.OUTAGES), "each", "1 USD", name="all"),
        per_unit(Subject(measure=Measure.OUTAGES, **half), "each", "1 USD", name="long"),
        per_unit(Subject(measure=Measure.DAYS_WITH_OUTAGE, **half), "each", "1/30", name="days"),
        table(Subject(measure=Measure.OUTAGES), Side.AT_LEAST, {"3": "5 USD", "4": "50 USD"}, name="many"),
    )
    found = {line.name: line for line in paid(contract(*clauses), facts).lines}
    assert {name: line.value for name, line in found.items()} == {"all": 3, "long": 2, "days": 1, "many": 3}
    assert [line.exact for line in found.values()] == [3, 2, Fraction(100, 3), 5]
    assert found["long"].measure == "outages over 30m"
    (part,) = found["long"].parts
    assert part.spans == tuple(
        (MONTH.start + DAY + h * HOUR, MONTH.start + DAY + h * HOUR + 31 * MINUTE) for h in (0, 2)
    )


def test_statutory_days_from_the_third_one() -> None:
    terms = contract(
        table(
            Measure.EACH_DAY_OUT,
            Side.AT_LEAST,
            {"3 days": "higher of 5 EUR and 10%", "5 days": "higher of 10 EUR and 20%"},
        ),
        currency="EUR",
    )
    found = paid(terms, measured(outage(june(1, "10:00"), june(8, "09:00"))), 30)
    (line,) = found.lines
    # The outage begins on the 1st, day 0; the 8th is not out as a whole.
    assert [seen(part.start, part.end, part.value, part.exact) for part in line.parts] == [
        (june(day), june(day + 1), day - 1, gives) for day, gives in ((2, 0), (3, 0), (4, 5), (5, 5), (6, 10), (7, 10))
    ]
    assert seen(str(found.credit), line.value, line.threshold) == ("30.00", 6, 5)
    assert owed(terms, measured(outage(june(1, "10:00"), june(8, "09:00"))), 100) == "60.00"


def test_a_calendar_day_after_two_full_working_days() -> None:
    terms = contract(
        table(Measure.EACH_DAY_OUT, Side.OVER, {"2 business days": "9.98 GBP"}),
        currency="GBP",
        timezone="Europe/London",
        holidays=frozenset({date(2026, 6, 8)}),
    )
    start = instant("2026-06-05 09:00", "Europe/London")  # a Friday
    end = instant("2026-06-13 12:00", "Europe/London")
    (line,) = paid(terms, measured(outage(start, end), timezone="Europe/London")).lines
    # Saturday, Sunday and the holiday count no day; Tuesday is the first, Wednesday the second.
    assert [seen(part.value, part.exact) for part in line.parts] == [
        (0, 0),
        (0, 0),
        (0, 0),
        (1, 0),
        (2, 0),
        (3, Fraction("9.98")),
        (4, Fraction("9.98")),
    ]
    assert str(line.rounded) == "19.96"


def test_days_are_paid_in_the_period_they_lie_in_wherever_the_outage_began() -> None:
    terms = contract(table(Measure.EACH_DAY_OUT, Side.AT_LEAST, {"3 days": "5 USD"}))
    facts = measured(outage(june(1) - 2 * DAY - HOUR, june(3), counted=False))
    (line,) = paid(terms, facts).lines
    assert [seen(part.value, part.exact) for part in line.parts] == [(3, 5), (4, 5)]


def test_an_objective_exceeded_by_a_part_of_its_target() -> None:
    own = subject(Measure.EXCESS, "jitter")
    terms = contract(
        table(own, Side.AT_LEAST, {"10%": "10%", "25%": "20%"}, name="late"), objectives=(objective(Measure.JITTER),)
    )
    for milliseconds, share in (("2", 0), ("2.1", 0), ("2.2", 10), ("2.49", 10), ("2.5", 20)):
        line = reading("jitter", Fraction(milliseconds) * MS, Measure.JITTER, target=Fraction(2 * MS))
        found = paid(terms, measured(objectives={"jitter": line}))
        assert found.credit_share == share * HUNDRED
    assert (found.lines[0].measure, found.lines[0].value) == ("excess of jitter", Fraction(1, 4))


def test_slots_runs_and_tickets() -> None:
    facts = measured(bad_slots=((0, 10), (10, 20), (40, 50)), tickets=(1, 2))
    clauses = (
        per_unit(Subject(measure=Measure.BAD_SLOTS), "each", "1 USD", name="slots"),
        per_unit(Subject(measure=Measure.RUNS, run=2), "each", "10 USD", name="runs"),
        per_unit(Subject(measure=Measure.TICKETS), "each", "100 USD", name="tickets"),
    )
    found = paid(contract(*clauses), facts)
    assert [line.exact for line in found.lines] == [3, 10, 200]
    assert str(found.credit) == "213.00"


def test_an_objective_of_counts_is_read_as_it_was_judged() -> None:
    long = Subject(measure=Measure.OUTAGES, side=Side.OVER, length=30 * MINUTE)
    terms = contract(
        table(subject(Measure.OUTAGES, "long"), Side.OVER, {"1": "10 USD"}),
        objectives=(objective(Measure.OUTAGES, name="long", subject=long),),
    )
    (line,) = paid(terms, measured(objectives={"long": reading("long", Fraction(2), Measure.OUTAGES)})).lines
    assert seen(line.measure, line.objective, line.exact) == ("outages over 30m", "long", 10)


# --- points -------------------------------------------------------------------------------------------------------------------------


def points(cap: str | None = None) -> Contract:
    return contract(
        table(Subject(measure=Measure.POINTS), Side.AT_LEAST, {"3": "5%", "6": "20%"}, name="tariff"),
        below({"99.9%": "2 points", "99%": "4 points"}),
        per_unit(Measure.LATENCY, "started 10ms", "1 points", side=Side.OVER, threshold="50ms", cap=cap),
    )


def test_points_are_added_and_then_give_money() -> None:
    found = paid(points(), values(availability="99.5%", latency="75ms"))
    assert [seen(line.name, line.points, line.exact) for line in found.lines] == [
        ("tariff", 0, 50),
        ("availability", 2, 0),
        ("latency", 3, 0),
    ]
    assert seen(found.points, found.lines[0].value, found.lines[0].threshold, str(found.credit)) == (5, 5, 3, "50.00")
    assert [part.points for part in found.lines[2].parts] == [3]
    assert owed(points(), values(availability="98%", latency="65ms")) == "200.00"
    assert owed(points(), values(availability="100%", latency="65ms")) == "0.00"
    capped = paid(points("1 points"), values(availability="99.5%", latency="95ms"))
    assert (capped.points, str(capped.credit)) == (3, "50.00")


def test_points_do_not_compete_with_money_and_what_they_lead_to_is_as_certain_as_they_are() -> None:
    facts = values(availability="98%", latency="75ms")
    provisional = replace(facts.objectives["latency"], provisional=True)
    later = replace(facts, objectives={**facts.objectives, "latency": provisional})
    found = paid(replace(points(), combine=Combine.HIGHEST), later)
    assert [(line.name, line.at_stake, line.applied) for line in found.lines] == [
        ("tariff", True, True),
        ("availability", False, True),
        ("latency", True, True),
    ]
    assert (str(found.credit), str(found.at_stake), found.points) == ("0.00", "200.00", 4)
    none = replace(provisional, value=quantity("50ms"))
    certain = paid(points(), replace(facts, objectives={**facts.objectives, "latency": none}))
    assert (certain.lines[0].at_stake, str(certain.credit)) == (False, "50.00")


# --- the time a credit stands for -----------------------------------------------------------------------------------------------


def loss(**rest: object) -> Objective:
    return objective(Measure.LOSS, **rest)


def worst(*windows: tuple[int, int, str], value: str = "5%") -> dict[str, object]:
    """Availability below 100 % and loss of windows, hours of 10 June."""
    made = tuple(window(june(10) + a * HOUR, june(10) + b * HOUR, quantity(v)) for a, b, v in windows)
    return {
        "objectives": {"loss": reading("loss", quantity(value), Measure.LOSS, target=quantity("1%"))},
        "windows": {"loss": made},
    }


SAME = contract(below({"100%": "2/30"}), over(Measure.LOSS, {"0.1%": "3/30"}), combine=Combine.SAME_TIME)


def test_one_credit_for_one_period_of_time_the_highest_stands() -> None:
    overlapping = down(("9d10h", "2h"), **worst((10, 11, "33%"), (11, 12, "33%")))
    found = paid(SAME, overlapping, 3000)
    assert [(line.name, str(line.rounded), line.applied) for line in found.lines] == [
        ("availability", "200.00", False),
        ("loss", "300.00", True),
    ]
    assert (str(found.credit), str(found.uncapped)) == ("300.00", "300.00")
    assert owed(replace(SAME, combine=Combine.SUM), overlapping, 3000) == "500.00"
    apart = down(("9d10h", "2h"), **worst((10, 12, "0.1%"), (12, 13, "5%")))
    assert owed(SAME, apart, 3000) == "500.00"
    assert paid(SAME, apart, 3000).lines[1].parts[0].spans == ((june(10, "12:00"), june(10, "13:00")),)


def test_without_windows_a_credit_stands_for_the_period() -> None:
    given_value = down(("9d10h", "2h"), objectives=worst(value="5%")["objectives"])
    assert paid(SAME, given_value, 3000).lines[1].parts[0].spans == ()
    assert owed(SAME, given_value, 3000) == "300.00"


def test_windows_are_judged_as_their_objective_is() -> None:
    """Rounded as it is, through objectives built on each other, and against its target where the excess is compared."""
    facts = down(**worst((1, 2, "0.14%"), (3, 4, "0.16%")))
    terms = contract(
        over(subject(Measure.LOSS, "billed"), {"0.1%": "1%"}, name="c"),
        objectives=(loss(), loss(name="billed", base="loss", round=Rounding(step=Fraction(1, 1000)))),
    )
    billed = replace(facts.objectives["loss"], name="billed")
    facts = replace(facts, objectives={**facts.objectives, "billed": billed})
    (line,) = lines(terms, facts, Fraction(1000))
    assert line.parts[0].spans == ((june(10, "03:00"), june(10, "04:00")),)
    excess = contract(
        table(subject(Measure.EXCESS, "loss"), Side.AT_LEAST, {"100%": "1%", "300%": "2%"}), objectives=(loss(),)
    )
    facts = down(**worst((1, 2, "2%"), (3, 4, "4%"), (5, 6, "3.9%")))
    (line,) = lines(excess, facts, Fraction(1000))
    assert seen(line.threshold, line.parts[0].spans) == (3, ((june(10, "03:00"), june(10, "04:00")),))
    counted = contract(per_unit(Measure.LOSS, "exact 1%", "1%"), objectives=(loss(),))
    (line,) = lines(counted, down(**worst((1, 2, "0%"), (3, 4, "4%"))), Fraction(1000))
    assert line.parts[0].spans == ((june(10, "03:00"), june(10, "04:00")),)


def test_credits_about_outages_stand_for_what_of_them_counts() -> None:
    before = outage(june(1) - HOUR, june(1, "01:00"), counted=False)
    partly = outage(june(10), june(10, "08:00"), counts=((june(10, "06:00"), june(10, "08:00")),))
    facts = measured(
        before,
        partly,
        objectives={
            name: reading(name, quantity(value), Measure(name))
            for name, value in {"availability": "98%", "restore": "5h", "notify": "1h", "latency": "60ms"}.items()
        },
    )
    clauses = (
        below({"99%": "1%"}),
        over(Measure.DOWNTIME, {"1h": "1%"}),
        over(Measure.RESTORE, {"4h": "1%"}),
        over(Measure.NOTIFY, {"30m": "1%"}),
        over(Measure.LATENCY, {"50ms": "1%"}),
        over(Measure.OUTAGES, {"0": "1%"}),
        over(Measure.DAYS_WITH_OUTAGE, {"0": "1%"}),
    )
    inside = (june(1), june(1, "01:00"))
    spans = {line.name: line.parts[0].spans for line in lines(contract(*clauses), facts, Fraction(1000))}
    assert spans == {
        "availability": (inside, *partly.spans),
        "downtime": (inside, *partly.spans),
        "restore": partly.spans,
        "notify": partly.spans,
        "latency": (),
        "outages": partly.spans,
        "days with outage": (inside, *partly.spans),
    }


def test_the_outages_are_those_of_the_objectives_service() -> None:
    own, other = down(("1d", "2h")), down(("3d", "1h"))
    facts = replace(own, apart={"availability": other})
    for service, those, apart in (("link", own, own), ("other", other, facts)):
        terms = contract(below({"100%": "1%"}), objectives=(objective(Measure.AVAILABILITY, service=service),))
        assert lines(terms, apart, Fraction(1000))[0].parts[0].spans == those.incidents[0].spans


# --- own caps, least amount, rounding, caps -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cap", "base", "exact"),
    [
        ("25%", 1000, 250),
        ("99 USD", 1000, 99),
        ("higher of 99 USD and 25%", 1000, 250),
        ("3 points", 1000, 600),
        ("25%", None, 0),
        ("200%", 1000, 600),
    ],
)
def test_the_cap_of_one_credit(cap: str, base: int | None, exact: int) -> None:
    found = paid(contract(below({"99%": "60%"}, cap=cap)), values(availability="98%"), base)
    (line,) = found.lines
    assert seen(line.gives, line.exact, Fraction(line.rounded)) == (600 if base else 0, exact, exact)
    assert (str(found.uncapped), str(found.lost_to_cap)) == (f"{exact}.00", "0.00")


def test_a_cap_that_is_an_amount_needs_no_base_and_a_share_of_no_base_is_none() -> None:
    for cap, limit in (("99 USD", 99), ("25%", None)):
        (line,) = paid(contract(below({"99%": "600 USD"}, cap=cap)), values(availability="98%"), None).lines
        assert seen(line.cap, line.exact) == (limit, limit or 600)


def test_the_cap_of_one_credit_is_of_all_its_outages_together() -> None:
    terms = contract(per_unit(Measure.EACH_OUTAGE, "started 1h", "5%", cap="12%"))
    (line,) = paid(terms, down(("1d", "2h"), ("3d", "30m"))).lines
    assert seen(line.units, line.share, line.gives, line.cap, line.exact) == (3, 15 * HUNDRED, 150, 120, 120)


def test_lines_are_rounded_half_up_to_the_minor_unit_and_then_added() -> None:
    two = contract(below({"99%": "1/3"}), below({"99%": "1/3"}, name="again"))
    found = paid(two, values(availability="98%"), 100)
    assert (str(found.credit), str(found.uncapped), found.credit_share) == ("66.66", "66.66", Fraction(2, 3))
    assert owed(contract(below({"99%": "1/2"})), values(availability="98%"), Fraction("0.01")) == "0.01"
    for currency, text in (("JPY", "333"), ("KWD", "333.333"), ("EUR", "333.33")):
        assert owed(contract(below({"99%": "1/3"}), currency=currency), values(availability="98%")) == text


def test_twice_the_pro_rata_charge() -> None:
    five = down(("9d", "5h"))
    per = {"nearest 0.0001 of 720h": "13.80", "exact 720h": "13.89"}
    assert {p: owed(contract(per_unit(Measure.DOWNTIME, p, "200%")), five) for p in per} == per


THREE = contract(below({"99.9%": "70%"}), over(Measure.LATENCY, {"45ms": "40%"}), over(Measure.LOSS, {"0.1%": "20%"}))
MISSED = values(availability="99%", latency="60ms", loss="1%")


def test_the_cap_is_never_exceeded_and_what_it_takes_is_shown() -> None:
    found = paid(THREE, MISSED, caps=[room(Span.PERIOD, 1000)])
    assert seen(found.uncapped_share, found.credit_share) == (Fraction(13, 10), 1)
    assert [str(amount) for amount in (found.uncapped, found.credit, found.lost_to_cap)] == [
        "1300.00",
        "1000.00",
        "300.00",
    ]
    (cap,) = found.caps
    assert seen(cap.span, cap.limit, str(cap.spent), str(cap.removed), cap.clause) == (
        "period",
        1000,
        "0",
        "300.00",
        HERE,
    )
    third = paid(THREE, MISSED, caps=[room(Span.PERIOD, Fraction(2000, 3))])
    assert (str(third.credit), third.credit_share) == ("666.66", Fraction(2, 3))
    assert owed(THREE, MISSED) == "1300.00"
    assert paid(THREE, MISSED).caps == ()


def test_caps_are_spent_in_time_order_and_apply_smallest_span_first() -> None:
    rooms = [
        room(Span.CONTRACT_YEAR, 5000, "4999.99"),
        room(Span.YEAR, 1500, "800.50"),
        room(Span.QUARTER, 1200, "300"),
        room(Span.MONTH, 1000),
    ]
    found = paid(THREE, MISSED, caps=rooms)
    assert [(cap.span, str(cap.removed)) for cap in found.caps] == [
        ("month", "300.00"),
        ("quarter", "100.00"),
        ("year", "200.50"),
        ("contract_year", "699.49"),
    ]
    assert (str(found.credit), str(found.lost_to_cap)) == ("0.01", "1299.99")
    assert found.credit_share == Fraction(1, 100_000)
    spent = paid(THREE, MISSED, caps=[room(Span.YEAR, 100, "250.00"), room(Span.MONTH, 1000)])
    assert seen(str(spent.credit), spent.credit_share, [str(cap.removed) for cap in spent.caps]) == (
        "0.00",
        0,
        ["300.00", "1000.00"],
    )


def test_only_the_highest_may_stand() -> None:
    terms = contract(
        below({"99%": "20%"}),
        below({"99%": "30%"}, name="more"),
        below({"99%": "30%"}, name="equal"),
        combine=Combine.HIGHEST,
    )
    found = paid(terms, values(availability="98%"))
    assert (str(found.credit), found.credit_share) == ("300.00", Fraction(3, 10))
    assert [line.applied for line in found.lines] == [False, True, False]
    assert paid(contract(combine=Combine.HIGHEST), values()).credit == 0


@pytest.mark.parametrize(
    ("gives", "exclusive", "credit"),
    [("1 USD", True, "0.00"), ("1 USD", False, "1.00"), ("1.001 USD", True, "1.00"), ("0.999 USD", False, "0.00")],
)
def test_the_least_amount_is_tested_on_the_exact_sum(gives: str, exclusive: bool, credit: str) -> None:
    terms = contract(below({"99%": gives}), minimum_credit=Fraction(1), minimum_credit_exclusive=exclusive)
    found = paid(terms, values(availability="98%"))
    assert str(found.credit) == credit
    assert found.lines[0].applied is (credit != "0.00")
    assert (
        found.credit_share
        == found.uncapped_share
        == (0 if credit == "0.00" else Fraction(gives.split(maxsplit=1)[0]) / 1000)
    )
    assert str(found.lines[0].rounded) == "1.00"
    assert str(found.uncapped) == credit


def test_the_least_amount_is_tested_on_all_lines_that_stand_and_before_the_caps() -> None:
    two = contract(below({"99%": "0.6 USD"}), below({"99%": "0.6 USD"}, name="again"), minimum_credit=Fraction(1))
    assert owed(two, values(availability="98%")) == "1.20"
    assert owed(replace(two, combine=Combine.HIGHEST), values(availability="98%")) == "0.00"
    assert owed(two, values(availability="98%"), caps=[room(Span.MONTH, Fraction("0.30"))]) == "0.30"
    nothing = paid(two, values(availability="100%"))
    assert (str(nothing.credit), [line.applied for line in nothing.lines]) == ("0.00", [True, True])


def test_what_may_still_improve_is_at_stake_and_not_owed() -> None:
    terms = contract(below({"99%": "10%"}), over(Measure.LOSS, {"5%": "25%"}))
    facts = values(availability="98%", loss="10%")
    later = replace(facts, objectives={**facts.objectives, "loss": replace(facts.objectives["loss"], provisional=True)})
    found = paid(terms, later, caps=[room(Span.PERIOD, 300)])
    assert [str(amount) for amount in (found.credit, found.at_stake, found.uncapped, found.lost_to_cap)] == [
        "100.00",
        "200.00",
        "100.00",
        "0.00",
    ]
    assert [(line.applied, line.at_stake) for line in found.lines] == [(True, False), (True, True)]
    highest = paid(replace(terms, combine=Combine.HIGHEST), later)
    assert (str(highest.credit), str(highest.at_stake)) == ("100.00", "150.00")
    assert [line.applied for line in highest.lines] == [True, True]
    less = paid(
        replace(terms, combine=Combine.HIGHEST),
        replace(later, objectives={**later.objectives, "loss": replace(later.objectives["loss"], value=Fraction(0))}),
    )
    assert (str(less.credit), str(less.at_stake)) == ("100.00", "0.00")


def test_without_money_there_are_no_amounts() -> None:
    bare = contract(below({"99%": "1 points"}), currency=None)
    found = paid(bare, values(availability="98%"), None)
    assert (found.credit, found.uncapped, found.credit_share, found.uncapped_share) == (None,) * 4
    assert (found.lost_to_cap, found.at_stake, found.points) == (None, None, 1)
    amounts = paid(contract(below({"99%": "15 USD"})), values(availability="98%"), None)
    assert (str(amounts.credit), amounts.credit_share, amounts.lines[0].base) == ("15.00", None, None)
    free = paid(contract(below({"99%": "10%"})), values(availability="98%"), 0)
    assert (str(free.credit), free.credit_share) == ("0.00", None)


def test_what_credits_for_points_are_a_share_of_is_in_their_lines() -> None:
    tariff = paid(points(), values(availability="99.5%", latency="75ms")).lines[0]
    assert seen(tariff.base, tariff.share) == (1000, Fraction(1, 20))


def test_of_outages_that_give_nothing_the_one_with_the_highest_value_is_shown() -> None:
    start = june(10)
    facts = measured(outage(start, start + 9, counts=()), outage(start + S, start + S + 1, weight=Fraction(1, 2)))
    (found,) = paid(contract(over(Measure.EACH_OUTAGE, {"1h": "5%"})), facts).lines
    assert found.value == Fraction(1, 2)


def test_without_an_outage_a_table_has_no_units_and_a_share_of_zero() -> None:
    (found,) = paid(contract(over(Measure.EACH_OUTAGE, {"1h": "higher of 5 USD and 10%"})), measured()).lines
    assert seen(found.units, found.share) == (None, 0)


def test_every_amount_has_the_minor_unit_of_the_currency() -> None:
    terms = contract(below({"99%": "10%"}), over(Measure.LOSS, {"5%": "40%"}), currency="JPY")
    facts = values(availability="98%", loss="10%")
    capped = paid(terms, facts, caps=[room(Span.PERIOD, Fraction("333.7"))])
    assert [str(amount) for amount in (capped.credit, capped.at_stake, capped.lost_to_cap)] == ["333", "0", "167"]
    assert owed(terms, facts, caps=[room(Span.PERIOD, 300, "400")]) == "0"
    later = replace(facts, objectives={**facts.objectives, "loss": replace(facts.objectives["loss"], provisional=True)})
    waiting = paid(terms, later, caps=[room(Span.PERIOD, Fraction("333.7"))])
    assert [str(amount) for amount in (waiting.credit, waiting.at_stake)] == ["100", "233"]
    less = replace(later.objectives["loss"], value=Fraction(0))
    none = paid(replace(terms, combine=Combine.HIGHEST), replace(later, objectives={**later.objectives, "loss": less}))
    assert [str(amount) for amount in (none.credit, none.at_stake)] == ["100", "0"]


def test_what_of_two_outages_stands_for_itself_is_paid_in_the_minor_unit() -> None:
    terms = contract(
        per_unit(Measure.EACH_OUTAGE, "exact 1h", "40.4 JPY"),
        over(Measure.LOSS, {"0.1%": "55 JPY"}),
        combine=Combine.SAME_TIME,
        currency="JPY",
    )
    facts = down(("9d10h", "1h"), ("11d10h", "1h"), **worst((10, 11, "33%")))
    found = paid(terms, facts)
    assert [str(line.rounded) for line in found.lines] == ["40", "55"]
    assert str(found.credit) == "95"


# --- properties -------------------------------------------------------------------------------------------------------------------------

gives = st.lists(st.integers(0, 150), min_size=1, max_size=4).map(sorted)


@st.composite
def entries(draw: st.DrawFn) -> Credit:
    """Of downtime, of each outage, per unit or by a table whose gives grow with severity."""
    about = draw(st.sampled_from([Measure.DOWNTIME, Measure.EACH_OUTAGE]))
    name = f"c{draw(st.integers(0, 10**6))}"
    cap = draw(st.sampled_from([None, "30%", "123.456 USD"]))
    if draw(st.booleans()):
        per = draw(st.sampled_from(["started 1h", "completed 1h", "exact 720h", "nearest 0.01 of 1h"]))
        side, threshold = draw(st.sampled_from([(None, None), (Side.OVER, "90m"), (Side.AT_LEAST, "10m")]))
        return per_unit(
            about,
            per,
            draw(st.sampled_from(["1/30", "5%", "7.77 USD"])),
            side=side,
            threshold=threshold,
            name=name,
            cap=cap,
        )
    shares = draw(gives)
    minutes = sorted(draw(st.sets(st.integers(0, 600), min_size=len(shares), max_size=len(shares))))
    tiers = {f"{m}m": f"{share}%" for m, share in zip(minutes, shares, strict=True)}
    return table(about, draw(st.sampled_from([Side.OVER, Side.AT_LEAST])), tiers, name=name, cap=cap)


terms_of_money = st.builds(
    lambda drawn, combine, least: contract(*drawn, combine=combine, minimum_credit=least),
    st.lists(entries(), min_size=1, max_size=3, unique_by=lambda c: c.name),
    st.sampled_from(Combine),
    st.sampled_from([None, None, Fraction(50)]),
)
rooms = st.lists(
    st.builds(
        lambda span, limit, spent: CapRoom(cap=Cap(span=span, clause=HERE), limit=limit, spent=Decimal(spent)),
        st.sampled_from(Span),
        st.fractions(min_value=0, max_value=3000, max_denominator=1000),
        st.integers(0, 500),
    ),
    max_size=3,
    unique_by=lambda r: r.cap.span,
)


@st.composite
def outages(draw: st.DrawFn) -> Measured:
    lengths = draw(st.lists(st.integers(1, 600), max_size=4))
    return down(*((f"{2 * i + 1}d", f"{minutes}m") for i, minutes in enumerate(lengths)))


prices = st.integers(1, 10**6).map(lambda cents: Fraction(cents, 100))


@given(terms_of_money, outages(), prices, rooms)
def test_a_credit_never_exceeds_a_cap_and_what_is_shown_adds_up(
    terms: Contract, facts: Measured, base: Fraction, caps: list[CapRoom]
) -> None:
    found = paid(terms, facts, base, caps)
    assert found.credit is not None
    assert found.uncapped is not None
    assert sum(line.rounded for line in found.lines if line.applied) == found.uncapped
    assert found.uncapped - sum(cap.removed for cap in found.caps) == found.credit
    assert found.lost_to_cap == found.uncapped - found.credit >= 0
    assert found.credit >= 0
    for cap in caps:
        assert Fraction(found.credit) <= max(cap.limit - Fraction(cap.spent), Fraction(0))
    for line in found.lines:
        assert 0 <= line.exact <= line.gives
        assert line.cap is None or line.exact <= line.cap
        standing, every = (sum(part.exact for part in line.parts if part.applied or all_) for all_ in (False, True))
        assert line.gives == standing or (not line.applied and line.gives == every)
    assert found.credit_share is not None
    assert found.uncapped_share is not None
    assert 0 <= found.credit_share <= found.uncapped_share


@given(terms_of_money, outages(), prices)
def test_highest_is_at_most_same_time_and_that_at_most_the_sum(
    terms: Contract, facts: Measured, base: Fraction
) -> None:
    def share(rule: Combine) -> Fraction:
        found = paid(replace(terms, combine=rule, minimum_credit=None), facts, base).uncapped_share
        assert found is not None
        return found

    assert share(Combine.HIGHEST) <= share(Combine.SAME_TIME) <= share(Combine.SUM)


@given(entries(), st.lists(st.integers(1, 600), min_size=1, max_size=4), st.integers(1, 300), prices)
def test_more_downtime_never_lowers_a_credit(credit: Credit, lengths: list[int], more: int, base: Fraction) -> None:
    def exact(last: int) -> Fraction:
        minutes = [*lengths[:-1], last]
        facts = down(*((f"{2 * i + 1}d", f"{m}m") for i, m in enumerate(minutes)))
        return lines(contract(credit), facts, base)[0].exact

    assert exact(lengths[-1] + more) >= exact(lengths[-1])
