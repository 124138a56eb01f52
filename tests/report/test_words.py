"""Values for people: nothing loses its meaning in rounding, every instant carries its offset."""

from __future__ import annotations

from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon import units
from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.report.words import duration, exact_money, instant, level, milliseconds, percent, seconds, share

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
        (MS // 2, "0.001s"),
    ],
)
def test_durations(ns: int, text: str) -> None:
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


def test_levels() -> None:
    assert level(Fraction(40 * MS), "seconds") == "40 ms"
    assert level(Fraction(1500 * MS), "seconds") == "1500 ms"
    assert level(Fraction(250_500), "seconds") == "0.2505 ms"
    assert level(Fraction(999, 1000), "ratio") == "99.9%"


def test_delays_and_percents() -> None:
    assert milliseconds(Fraction(23_412_345)) == "23.412 ms"
    assert milliseconds(Fraction(70_247_037, 3)) == "23.416 ms"
    assert percent(Fraction(1)) == "100.000000%"


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
