"""One entry, one value: edges of every side, units by every way of counting, the higher of two."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.sla.gives import grant, money, units
from slamon.sla.terms.credits import Count, Credit, Give, Per
from slamon.sla.terms.measures import Measure, Side
from tests.sla.owing import HERE, below, give, over, per_unit, quantity, seen, subject, table

POINT_OF = Fraction(1, 100)


@pytest.mark.parametrize(
    ("side", "lower", "equal", "higher"),
    [(Side.BELOW, 1, 0, 0), (Side.AT_MOST, 1, 1, 0), (Side.OVER, 0, 0, 1), (Side.AT_LEAST, 0, 1, 1)],
)
def test_every_side_has_its_own_edge(side: Side, lower: int, equal: int, higher: int) -> None:
    credit = table(Measure.LOSS, side, {"50%": "1%"})
    found = [grant(credit, quantity(v), Fraction(1000)).exact for v in ("49.9%", "50%", "50.1%")]
    assert found == [10 * lower, 10 * equal, 10 * higher]


def test_the_furthest_threshold_reached_gives() -> None:
    credit = below({"99.99%": "10%", "99.0%": "25%", "95.0%": "100%"})
    found = {
        v: grant(credit, quantity(v), Fraction(1000))
        for v in ("99.99%", "99.989999%", "99.0%", "98.999999%", "95.0%", "94.999999%")
    }
    assert [g.share for g in found.values()] == [Fraction(p, 100) for p in (0, 10, 10, 25, 25, 100)]
    assert [g.threshold for g in found.values()][:3] == [None, quantity("99.99%"), quantity("99.99%")]
    assert {g.units for g in found.values()} == {None}


@pytest.mark.parametrize(
    ("seconds", "percent"),
    [
        (600, 0),
        (601, 5),
        (2700, 5),
        (2701, 10),
        (14400, 10),
        (14401, 20),
        (28800, 20),
        (28801, 30),
        (43201, 40),
        (57601, 50),
        (86400, 50),
        (86401, 100),
    ],
)
def test_right_closed_tiers_of_cumulative_downtime(seconds: int, percent: int) -> None:
    tiers = {"10m": "5%", "45m": "10%", "4h": "20%", "8h": "30%", "12h": "40%", "16h": "50%", "24h": "100%"}
    assert grant(over(Measure.DOWNTIME, tiers), Fraction(seconds * 10**9), Fraction(2000)).share == percent * POINT_OF


def test_nothing_measured_gives_nothing() -> None:
    for credit in (
        below({"99%": "10%"}),
        per_unit(Measure.AVAILABILITY, "started 1%", "1%", side=Side.BELOW, threshold="99%"),
    ):
        found = grant(credit, None, Fraction(1000))
        assert seen(found.value, found.threshold, found.share, found.exact) == (None, None, 0, 0)
    assert grant(below({"99%": "10 USD"}), None, Fraction(1000)).share is None


@pytest.mark.parametrize(("down", "steps"), [("2592s", 0), ("2593s", 1), ("5184s", 1), ("5185s", 2), ("9331s", 3)])
def test_a_step_that_is_started_counts_and_one_that_is_just_complete_is_one(down: str, steps: int) -> None:
    """99.8 % is exactly one step of 0.1 % below 99.9 %: in binary floats it would be a little more than one."""
    credit = per_unit(Measure.AVAILABILITY, "started 0.1%", "1%", side=Side.BELOW, threshold="99.9%")
    value = 1 - quantity(down) / quantity("720h")
    found = grant(credit, value, Fraction(5000))
    assert seen(found.units, found.exact, found.share) == (steps, 50 * steps, steps * POINT_OF)
    assert found.threshold == (quantity("99.9%") if down != "2592s" else None)


@pytest.mark.parametrize(
    ("per", "expected"),
    [
        ("started 1h", [0, 1, 1, 2, 3]),
        ("completed 1h", [0, 0, 1, 1, 2]),
        ("exact 1h", [0, Fraction(1, 2), 1, Fraction(3, 2), Fraction(49, 20)]),
        ("nearest 0.5 of 1h", [0, Fraction(1, 2), 1, Fraction(3, 2), Fraction(5, 2)]),
    ],
)
def test_how_a_fraction_of_an_hour_counts(per: str, expected: list[Fraction]) -> None:
    credit = per_unit(Measure.DOWNTIME, per, "1/30")
    assert [units(credit, quantity(v)) for v in ("0s", "30m", "1h", "90m", "2h27m")] == expected


def test_units_are_counted_from_the_threshold_in_the_direction_of_the_side() -> None:
    further = per_unit(Measure.DOWNTIME, "started 1h", "5%", side=Side.OVER, threshold="164m")
    assert [units(further, quantity(v)) for v in ("163m", "164m", "165m", "224m", "225m")] == [0, 0, 1, 1, 2]
    assert grant(further, quantity("164m"), Fraction(1)).threshold is None
    assert grant(further, quantity("165m"), Fraction(1)).threshold == quantity("164m")
    equal = per_unit(Measure.DOWNTIME, "started 1h", "5%", side=Side.AT_LEAST, threshold="1h")
    assert [units(equal, quantity(v)) for v in ("1h", "61m")] == [0, 1]
    falling = per_unit(Measure.AVAILABILITY, "exact 1%", "1%", side=Side.AT_MOST, threshold="98%")
    assert grant(falling, quantity("75%"), Fraction(100)).share == Fraction(23, 100)
    count = per_unit(Measure.OUTAGES, "each", "100 USD", side=Side.OVER, threshold="2")
    assert [grant(count, Fraction(n), None).exact for n in (1, 2, 3, 5)] == [0, 0, 100, 300]
    assert grant(per_unit(Measure.EXCESS, "exact 1%", "1%"), Fraction(-1, 10), Fraction(1)).exact == 0


def test_an_intermediate_rounding_changes_the_money() -> None:
    value = quantity("5h")
    printed = grant(per_unit(Measure.DOWNTIME, "nearest 0.0001 of 720h", "200%"), value, Fraction(1000))
    assert (printed.units, printed.exact) == (Fraction("0.0069"), Fraction("13.80"))
    assert grant(per_unit(Measure.DOWNTIME, "exact 720h", "200%"), value, Fraction(1000)).exact == Fraction(125, 9)


def test_the_higher_of_two_is_taken_in_money() -> None:
    credit = table(Measure.EACH_DAY_OUT, Side.AT_LEAST, {"3 days": "higher of 5 EUR and 10%"})
    found = {base: grant(credit, Fraction(3), Fraction(base)) for base in (49, 50, 51)}
    assert [(g.exact, g.share) for g in found.values()] == [
        (5, None),
        (5, Fraction(1, 10)),
        (Fraction("5.1"), Fraction(1, 10)),
    ]
    assert seen(grant(credit, Fraction(3), None).exact, grant(credit, Fraction(3), None).share) == (5, None)
    assert money(give("higher of 10% and 5 EUR"), Fraction(50)) == 5
    assert (
        grant(table(Measure.TICKETS, Side.OVER, {"0": "higher of 10% and 5 EUR"}), Fraction(1), Fraction(50)).share
        == POINT_OF * 10
    )
    nested = Give(higher=(give("higher of 1 EUR and 7 EUR"), give("3 EUR")))
    assert money(nested, None) == 7


def test_a_share_of_nothing_known_is_no_money_but_still_a_share() -> None:
    found = grant(below({"99%": "10%"}), quantity("98%"), None)
    assert seen(found.share, found.exact) == (Fraction(1, 10), 0)


def test_points_are_whole_and_no_money() -> None:
    found = grant(below({"99.9%": "1 points", "99%": "4 points"}), quantity("98%"), Fraction(1000))
    assert seen(found.points, found.exact, found.share) == (4, 0, None)
    half = per_unit(Measure.DOWNTIME, "exact 1h", "3 points")
    assert [grant(half, quantity(v), None).points for v in ("30m", "1h", "100m")] == [1, 3, 5]


def test_business_days_are_compared_where_the_threshold_counts_them() -> None:
    mixed = table(Measure.EACH_DAY_OUT, Side.OVER, {"2 business days": "9.98 GBP", "9 days": "20 GBP"})
    found = [grant(mixed, Fraction(d), None, business=Fraction(b)) for d, b in ((4, 2), (5, 3), (9, 5), (10, 6))]
    assert [seen(g.exact, g.value, g.threshold) for g in found] == [
        (0, 4, None),
        (Fraction("9.98"), 3, 2),
        (Fraction("9.98"), 5, 2),
        (20, 10, 9),
    ]
    only = table(Measure.EACH_DAY_OUT, Side.OVER, {"2 business days": "9.98 GBP"})
    assert grant(only, Fraction(4), None, business=Fraction(2)).value == 2
    assert grant(only, Fraction(4), None).exact == 0


percents = st.integers(0, 1000).map(lambda n: Fraction(n, 1000))


@given(st.sampled_from(Side), percents, percents, percents)
def test_further_on_the_bad_side_never_means_fewer_units(
    side: Side, threshold: Fraction, one: Fraction, two: Fraction
) -> None:
    worse, better = (
        (min(one, two), max(one, two)) if side in (Side.BELOW, Side.AT_MOST) else (max(one, two), min(one, two))
    )
    counted = {}
    for count in Count:
        step = Fraction(1, 4) if count is Count.NEAREST else None
        credit = Credit(
            name="c",
            subject=subject(Measure.LOSS),
            clause=HERE,
            side=side,
            threshold=threshold,
            per=Per(count=count, unit=Fraction(1, 100), step=step),
            give=Give(share=POINT_OF),
        )
        counted[count] = units(credit, worse)
        assert counted[count] >= units(credit, better) >= 0
        assert (units(credit, better) == 0) or side.reached(better, threshold)
    assert counted[Count.COMPLETED] <= counted[Count.EXACT] <= counted[Count.STARTED] < counted[Count.COMPLETED] + 2


def test_where_nothing_is_reached_a_share_is_none_of_what_the_first_entry_would_give() -> None:
    credit = table(Measure.EACH_DAY_OUT, Side.AT_LEAST, {"3 days": "higher of 5 EUR and 10%"})
    assert [grant(credit, Fraction(2), Fraction(base)).share for base in (49, 1000)] == [None, 0]


def test_without_a_step_the_nearest_whole_unit_counts() -> None:
    credit = replace(
        per_unit(Measure.DOWNTIME, "started 1h", "5%"), per=Per(count=Count.NEAREST, unit=Fraction(60), step=None)
    )
    assert [units(credit, Fraction(seconds)) for seconds in (84, 96)] == [1, 2]


def test_the_higher_of_two_may_be_one_of_two_itself() -> None:
    nested = Give(higher=(give("higher of 5 EUR and 10%"), give("3 EUR")))
    assert [money(nested, Fraction(base)) for base in (40, 1000)] == [5, 100]
