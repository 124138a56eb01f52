"""Whole minor units: half up for what is owed, down for what may be owed at most."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.sla.money import at_most, rounded


def test_a_line_is_rounded_half_up_away_from_zero() -> None:
    found = [str(rounded(Fraction(n, 1000), "EUR")) for n in (1004, 1005, 1015, -1005, 0)]
    assert found == ["1.00", "1.01", "1.02", "-1.01", "0.00"]


def test_a_limit_is_rounded_down() -> None:
    assert [str(at_most(Fraction(n, 1000), "EUR")) for n in (1009, 1000, 999)] == ["1.00", "1.00", "0.99"]
    assert str(at_most(Fraction(19, 10), "JPY")) == "1"


@pytest.mark.parametrize(
    ("currency", "text"), [("JPY", "333"), ("KWD", "333.333"), ("EUR", "333.33"), ("XXX", "333.33")]
)
def test_the_minor_unit_is_the_currencys(currency: str, text: str) -> None:
    assert str(rounded(Fraction(1000, 3), currency)) == text
    assert str(at_most(Fraction(1000, 3), currency)) == text


@given(st.fractions(min_value=-(10**6), max_value=10**6), st.sampled_from(["JPY", "USD", "KWD"]))
def test_both_are_the_nearest_minor_unit_on_their_side(value: Fraction, currency: str) -> None:
    unit = Fraction(1, {"JPY": 1, "USD": 100, "KWD": 1000}[currency])
    assert abs(Fraction(rounded(value, currency)) - value) <= unit / 2
    assert 0 <= value - Fraction(at_most(value, currency)) < unit
