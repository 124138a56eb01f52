"""Rounding to a step: every mode at a tie, beside it and below zero."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.sla.rounding import rounded
from slamon.sla.terms.measures import Rounding, RoundingMode

MODES = {
    RoundingMode.HALF_UP: ROUND_HALF_UP,
    RoundingMode.HALF_EVEN: ROUND_HALF_EVEN,
    RoundingMode.DOWN: ROUND_DOWN,
    RoundingMode.UP: ROUND_UP,
}
"""Our words → those of the decimal arithmetic they are checked against."""


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (RoundingMode.HALF_UP, ["99.90", "99.90", "99.91", "99.91", "99.89"]),
        (RoundingMode.HALF_EVEN, ["99.90", "99.90", "99.90", "99.91", "99.88"]),
        (RoundingMode.DOWN, ["99.90", "99.90", "99.90", "99.90", "99.88"]),
        (RoundingMode.UP, ["99.90", "99.91", "99.91", "99.91", "99.89"]),
    ],
)
def test_every_mode_has_its_own_edge(mode: RoundingMode, expected: list[str]) -> None:
    """Of a percentage to a hundredth: a multiple, below a tie, the tie, above it, the tie of an even multiple."""
    values = ["99.90", "99.904", "99.905", "99.906", "99.885"]
    rule = Rounding(step=Fraction(1, 10_000), mode=mode)
    assert [rounded(Fraction(v) / 100, rule) * 100 for v in values] == [Fraction(v) for v in expected]


def test_half_up_is_the_default_and_steps_need_not_be_decimal() -> None:
    assert rounded(Fraction(5, 720), Rounding(step=Fraction(1, 10_000))) == Fraction("0.0069")
    assert rounded(Fraction(7 * 60 + 30), Rounding(step=Fraction(15 * 60))) == 15 * 60
    assert rounded(Fraction(1, 2), Rounding(step=Fraction(1, 3), mode=RoundingMode.DOWN)) == Fraction(1, 3)


@given(
    st.integers(-(10**6), 10**6),
    st.sampled_from([Fraction(1, 1000), Fraction(5, 1000), Fraction(1, 10), Fraction(1, 4), Fraction(1), Fraction(25)]),
    st.sampled_from(RoundingMode),
)
def test_it_is_decimal_rounding_of_the_quotient(thousandths: int, step: Fraction, mode: RoundingMode) -> None:
    value = Fraction(thousandths, 1000)
    quotient = Decimal(thousandths) / 1000 / (Decimal(step.numerator) / step.denominator)
    assert rounded(value, Rounding(step=step, mode=mode)) == Fraction(quotient.quantize(Decimal(1), MODES[mode])) * step


@given(
    st.fractions(max_denominator=10**6),
    st.fractions(min_value=Fraction(1, 10**6), max_value=100),
    st.sampled_from(RoundingMode),
)
def test_rounding_moves_less_than_a_step_keeps_the_order_and_is_settled_at_once(
    value: Fraction, step: Fraction, mode: RoundingMode
) -> None:
    rule = Rounding(step=step, mode=mode)
    found = rounded(value, rule)
    assert abs(found - value) < step
    assert (found / step).denominator == 1
    assert rounded(found, rule) == found
    assert rounded(-value, rule) == -found
    assert rounded(value + step / 3, rule) >= found


def test_a_tie_of_half_even_goes_to_the_even_multiple() -> None:
    rule = Rounding(step=Fraction(1), mode=RoundingMode.HALF_EVEN)
    assert [rounded(Fraction(n, 2), rule) for n in (1, 3, 5, 7, 9, 11)] == [0, 2, 2, 4, 4, 6]
