"""Values for people: nothing loses its meaning in rounding, every instant carries its offset."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon import units
from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.report.words import (
    Unit,
    due,
    duration,
    exact_money,
    instant,
    level,
    milliseconds,
    percent,
    portion,
    promise,
    quantity,
    seconds,
    share,
)
from slamon.sla.lines import Due, ObjectiveLine, Status
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.measures import Dimension

NEW_YORK = ZoneInfo("America/New_York")
CHANGEOVER = 1_793_511_000 * S  # 2026-11-01 01:30 in New York, the first of two


def test_an_instant_says_which_of_two_equal_wall_times_it_is() -> None:
    assert instant(CHANGEOVER, NEW_YORK) == "2026-11-01 01:30:00-04:00"
    assert instant(CHANGEOVER + HOUR, NEW_YORK) == "2026-11-01 01:30:00-05:00"


def test_an_instant_in_utc() -> None:
    assert instant(CHANGEOVER) == "2026-11-01 05:30:00Z"
    assert instant(CHANGEOVER, ZoneInfo("UTC")) == "2026-11-01 05:30:00Z"
    assert instant(CHANGEOVER, ZoneInfo("Africa/Abidjan")) == "2026-11-01 05:30:00+00:00"
    assert instant(CHANGEOVER + 999_999_999) == "2026-11-01 05:30:00.999Z"
    assert instant(CHANGEOVER + 999_999) == "2026-11-01 05:30:00Z"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (0, "0s"),
        (29 * DAY + 23 * HOUR + 16 * MINUTE + 47 * S, "29d 23h 16m 47s"),
        (2 * HOUR, "2h"),
        (20 * S + 123_456_789, "20.123s"),
        (999_500_000, "1s"),
        (59 * S + 999_999_999, "1m"),
        (-90 * S, "-1m 30s"),
        (Fraction(200 * S, 3), "1m 6.667s"),
        (MS // 2, "0.001s"),
    ],
)
def test_durations(ns: Fraction | int, text: str) -> None:
    assert duration(ns) == text


@given(st.integers(min_value=0, max_value=400 * DAY))
def test_a_duration_is_right_to_the_millisecond(ns: int) -> None:
    total = Fraction(0)
    for part in duration(ns).split():
        total += Fraction(part[:-1]) * units.UNIT_NS[part[-1]]
    assert abs(total - ns) <= MS // 2
    assert abs(Fraction(seconds(ns)) * S - ns) <= MS // 2


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(999, 1000), "99.9%"),
        (Fraction(1, 10), "10%"),
        (Fraction(1), "100%"),
        (Fraction(1, 30), "1/30"),
        (Fraction(0), "0%"),
        (Fraction(99_999_999, 100_000_000), "99.999999%"),
        (Fraction(999_999_999, 1_000_000_000), "999999999/1000000000"),
    ],
)
def test_shares_are_exact(value: Fraction, text: str) -> None:
    assert share(value) == text
    assert units.share(text) == value


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (Fraction(40 * MS), Unit.DELAY, "40 ms"),
        (Fraction(1500 * MS), Unit.DELAY, "1500 ms"),
        (Fraction(250_500), Unit.DELAY, "0.2505 ms"),
        (Fraction(999, 1000), Unit.RATIO, "99.9%"),
        (Fraction(270 * MINUTE), Unit.DURATION, "4h 30m"),
        (Fraction(3), Unit.COUNT, "3"),
        (Fraction(1), Unit.DAYS, "1 day"),
        (Fraction(4), Unit.DAYS, "4 days"),
    ],
)
def test_levels(value: Fraction, unit: Unit, text: str) -> None:
    assert level(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, Unit.RATIO, "–"),
        (Fraction(999, 1000), Unit.RATIO, "99.900000%"),
        (Fraction(23_412_345), Unit.DELAY, "23.412345 ms"),
        (Fraction(61 * MS), Unit.DELAY, "61.000 ms"),
        (Fraction(70_247_037, 3), Unit.DELAY, "23.415679 ms"),
        (Fraction(3), Unit.COUNT, "3"),
        (Fraction(5, 2), Unit.COUNT, "2.5"),
        (Fraction(1, 3), Unit.COUNT, "0.333333…"),
        (Fraction(43 * MINUTE + 13 * S), Unit.DURATION, "43m 13s"),
    ],
)
def test_values(value: Fraction | None, unit: Unit, text: str) -> None:
    assert quantity(value, unit) == text


@pytest.mark.parametrize(
    ("value", "against", "unit", "text"),
    [
        (Fraction(999, 1000) - Fraction(1, 10**11), Fraction(999, 1000), Unit.RATIO, "99.899999999%"),
        (Fraction(999, 1000), Fraction(999, 1000), Unit.RATIO, "99.900000%"),
        (Fraction(40 * MS) + Fraction(1, 3), Fraction(40 * MS), Unit.DELAY, "40.0000003 ms"),
        (Fraction(5 * MINUTE + 1), Fraction(5 * MINUTE), Unit.DURATION, "300.000000001s"),
        (Fraction(5 * MINUTE), Fraction(5 * MINUTE), Unit.DURATION, "5m"),
    ],
)
def test_a_value_never_looks_equal_to_a_threshold_it_misses(
    value: Fraction, against: Fraction, unit: Unit, text: str
) -> None:
    assert quantity(value, unit, against) == text


@given(st.fractions(0, 1, max_denominator=10**7), st.integers(0, 10**6).map(lambda n: Fraction(n, 10**6)))
def test_values_and_thresholds_compare_as_they_look(value: Fraction, threshold: Fraction) -> None:
    shown = Fraction(quantity(value, Unit.RATIO, threshold).rstrip("%")) / 100
    assert (shown < threshold, shown == threshold) == (value < threshold, value == threshold)


def line(measure: str, dimension: Dimension) -> ObjectiveLine:
    return ObjectiveLine(
        name="x",
        measure=measure,
        dimension=dimension,
        clause=Clause(path="c"),
        statistic=None,
        value=None,
        exact=None,
        shown=None,
        value_so_far=None,
        target=None,
        minimum=None,
        target_side=None,
        minimum_side=None,
        status=Status.UNKNOWN,
        samples=0,
        worst=None,
        provisional=False,
    )


@pytest.mark.parametrize(
    ("measure", "dimension", "value", "side", "text"),
    [
        ("availability", Dimension.RATIO, Fraction(999, 1000), "at_least", "99.9%"),
        ("availability", Dimension.RATIO, Fraction(9999, 10_000), "over", "> 99.99%"),
        ("latency", Dimension.DURATION, Fraction(45 * MS), "at_most", "45 ms"),
        ("latency", Dimension.DURATION, Fraction(45 * MS), "below", "< 45 ms"),
        ("loss", Dimension.RATIO, Fraction(1, 1000), "at_most", "0.1%"),
        ("loss", Dimension.RATIO, Fraction(1, 1000), "at_least", "≥ 0.1%"),
        ("restore", Dimension.DURATION, Fraction(4 * HOUR), "at_most", "4h"),
        ("outages", Dimension.COUNT, Fraction(3), "below", "< 3"),
    ],
)
def test_a_level_shows_its_side_where_that_is_not_the_plain_one(
    measure: str, dimension: Dimension, value: Fraction, side: str, text: str
) -> None:
    assert promise(value, side, line(measure, dimension)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(Fraction(1, 30), "1/30"), (Fraction(1, 10), "10%"), (Fraction(1, 7200), "0.013889…%")],
)
def test_a_computed_share_is_short(value: Fraction, text: str) -> None:
    assert portion(value) == text


def test_a_deadline_in_days_is_a_day_and_one_in_hours_an_instant() -> None:
    assert due(Due(at=CHANGEOVER, day=date(2026, 10, 31)), NEW_YORK) == "by 2026-10-31"
    assert due(Due(at=CHANGEOVER), NEW_YORK) == "before 2026-11-01 01:30:00-04:00"


def test_delays_and_percents() -> None:
    assert milliseconds(Fraction(23_412_345)) == "23.412 ms"
    assert milliseconds(Fraction(70_247_037, 3)) == "23.416 ms"
    assert percent(Fraction(1)) == "100.000000%"
    assert percent(Fraction(0)) == "0.000000%"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 10**8), "0.000001%"),
        (Fraction(4, 10**9), "0.0000004%"),
        (1 - Fraction(4, 10**9), "99.9999996%"),
        (1 + Fraction(4, 10**9), "100.0000004%"),
        (1 - Fraction(1, 10**40), "99." + "9" * 38 + "%"),
        (Fraction(1, 2) + Fraction(1, 10**12), "50.000000%"),
    ],
)
def test_what_is_not_whole_does_not_look_whole(value: Fraction, text: str) -> None:
    assert percent(value) == text
    assert quantity(value, Unit.RATIO) == text


@given(st.fractions(0, 1))
def test_a_ratio_looks_whole_or_like_nothing_only_where_it_is(value: Fraction) -> None:
    shown = Fraction(percent(value).rstrip("%")) / 100
    assert (shown == 0, shown == 1) == (value == 0, value == 1)
    assert abs(shown - value) <= Fraction(1, 2 * 10**8)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Fraction(100), "USD", "100.00 USD"),
        (Fraction(100, 3), "USD", "33.333333… USD"),
        (Fraction(2, 3), "USD", "0.666667… USD"),
        (Fraction(625, 10_000), "USD", "0.0625 USD"),
        (Fraction(7), "JPY", "7 JPY"),
        (Fraction(15, 2), "JPY", "7.5 JPY"),
        (Fraction(1, 8), "KWD", "0.125 KWD"),
    ],
)
def test_exact_money(amount: Fraction, currency: str, text: str) -> None:
    assert exact_money(amount, currency) == text
