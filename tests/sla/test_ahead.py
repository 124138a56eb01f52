"""How far the next threshold is: exact to the nanosecond, through rounding, in tables and in units."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MINUTE, S
from slamon.sla.ahead import LONGEST, next_threshold
from slamon.sla.gives import grant
from slamon.sla.terms.credits import Credit
from slamon.sla.terms.measures import Measure, Rounding, RoundingMode, Side, Subject
from tests.sla.owing import below, contract, objective, over, per_unit, subject, table

TOTAL = 100_000 * S


def left(*clauses: Credit, downtime: int = 0, total: int = TOTAL, **rest: Any) -> int | None:
    terms = contract(*clauses, **rest)
    return next_threshold(terms, {"availability": (total, downtime)}, downtime)


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, 100 * S + 1), (100, 1), (101, 899 * S + 1), (1000, 1), (1001, None)]
)
def test_the_next_threshold_of_an_availability_table(seconds: int, expected: int | None) -> None:
    assert left(below({"99.9%": "10%", "99%": "25%"}), downtime=seconds * S) == expected


def test_equality_reaches_at_most() -> None:
    at_most = table(Measure.AVAILABILITY, Side.AT_MOST, {"99%": "10%"})
    assert left(at_most, total=100 * S) == S
    assert left(at_most, total=101 * S) == 1_010_000_000
    assert left(at_most, total=S + 1) == 10_000_001  # 1 % is 10 000 000.01 ns: a whole nanosecond more is needed
    assert left(table(Measure.AVAILABILITY, Side.AT_MOST, {"0%": "10%"})) == TOTAL
    assert left(below({"0%": "10%"})) is None
    assert left(below({"0%": "10%"}), downtime=TOTAL // 2) is None


def test_the_next_threshold_of_downtime_in_a_table_and_in_units() -> None:
    assert [
        left(over(Measure.DOWNTIME, {"10m": "5%", "45m": "10%"}), downtime=m * MINUTE) for m in (0, 10, 11, 46)
    ] == [
        10 * MINUTE + 1,
        1,
        34 * MINUTE + 1,
        None,
    ]
    assert left(table(Measure.DOWNTIME, Side.AT_LEAST, {"10m": "5%"})) == 10 * MINUTE
    started = per_unit(Measure.DOWNTIME, "started 1h", "1/30")
    assert [left(started, downtime=d) for d in (0, 1, HOUR, HOUR + 1)] == [1, HOUR, 1, HOUR]
    completed = per_unit(Measure.DOWNTIME, "completed 1h", "1/30", side=Side.OVER, threshold="30m")
    assert [left(completed, downtime=m * MINUTE) for m in (0, 90, 100)] == [90 * MINUTE, HOUR, 50 * MINUTE]
    exact = per_unit(Measure.DOWNTIME, "exact 720h", "200%", side=Side.OVER, threshold="30m")
    assert [left(exact, downtime=m * MINUTE) for m in (0, 30, 31)] == [30 * MINUTE + 1, 1, None]
    assert left(over(Measure.DOWNTIME, {"3661d": "1%"})) is None
    assert LONGEST == 3660 * DAY


def test_the_nearest_of_several_credits() -> None:
    assert left(below({"99%": "10%"}), over(Measure.DOWNTIME, {"10m": "5%"})) == 10 * MINUTE + 1
    assert left(below({"99.9%": "10%"}), over(Measure.DOWNTIME, {"10m": "5%"})) == 100 * S + 1


def test_a_rounded_objective_is_reached_when_it_rounds_to_less() -> None:
    rounding = Rounding(step=Fraction(1, 10_000))
    terms: dict[str, Any] = {"objectives": (objective(Measure.AVAILABILITY, round=rounding),)}
    # 99.895 % still rounds up to 99.90 %.
    assert left(below({"99.9%": "10%"}), **terms) == 105 * S + 1
    down = Rounding(step=Fraction(1, 10_000), mode=RoundingMode.DOWN)
    billed = (
        objective(Measure.AVAILABILITY),
        objective(Measure.AVAILABILITY, name="billed", base="availability", round=down),
    )
    credit = table(subject(Measure.AVAILABILITY, "billed"), Side.BELOW, {"99.9%": "10%"})
    assert left(credit, objectives=billed) == 100 * S + 1


def test_no_distance_where_downtime_leads_nowhere_known() -> None:
    assert left() is None
    assert left(over(Measure.LATENCY, {"50ms": "10%"})) is None
    assert left(table(Measure.AVAILABILITY, Side.AT_LEAST, {"99.99%": "10%"})) is None
    assert left(below({"99%": "10%"}), objectives=(objective(Measure.AVAILABILITY, mean_of=3),)) is None
    assert left(below({"99%": "10%"}), total=0) is None
    assert next_threshold(contract(below({"99%": "10%"})), {}, 0) is None
    assert next_threshold(contract(over(Measure.DOWNTIME, {"1h": "10%"})), {}, None) is None
    long = contract(
        over(subject(Measure.DOWNTIME, "out"), {"1h": "10%"}), objectives=(objective(Measure.DOWNTIME, name="out"),)
    )
    assert next_threshold(long, {"out": (TOTAL, HOUR)}, 0) == 1
    assert next_threshold(long, {}, 0) is None
    assert next_threshold(contract(over(Measure.OUTAGES, {"1": "1%"})), {}, 0) is None
    assert next_threshold(contract(per_unit(Subject(measure=Measure.TICKETS), "each", "1%")), {}, 0) is None


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=4, unique=True).map(lambda t: sorted(t, reverse=True)),
    st.sampled_from([Side.BELOW, Side.AT_MOST]),
    st.integers(1, 10**6),
    st.integers(0, 10**6),
)
def test_with_exactly_that_much_more_downtime_the_tier_is_reached_and_with_less_it_is_not(
    tiers: list[int], side: Side, total: int, downtime: int
) -> None:
    downtime = min(downtime, total)
    credit = table(Measure.AVAILABILITY, side, {f"{t / 10}%": f"{i + 1}%" for i, t in enumerate(tiers)})
    distance = left(credit, total=total, downtime=downtime)

    def share(more: int) -> Fraction | None:
        return grant(credit, Fraction(total - downtime - more, total), None).share

    if distance is None:
        assert share(total - downtime) == share(0)
    else:
        assert share(distance) > share(0)  # type: ignore[operator]
        assert share(distance - 1) == share(0)
