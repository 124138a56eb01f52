"""A value to a multiple of the contract's step: the rounding that verdicts and credits read, before any money."""

from __future__ import annotations

from fractions import Fraction

from slamon.sla.terms.measures import Rounding, RoundingMode


def rounded(value: Fraction, rule: Rounding) -> Fraction:
    """The multiple of `rule.step` that stands for the value, in the same unit, exact.

    `down` is towards zero, `up` and a tie of `half_up` away from it, so that a value and its negative round alike.
    """
    if value < 0:
        return -rounded(-value, rule)
    quotient = value / rule.step
    whole, rest = divmod(quotient.numerator, quotient.denominator)
    twice = 2 * rest
    match rule.mode:
        case RoundingMode.DOWN:
            more = False
        case RoundingMode.UP:
            more = rest > 0
        case RoundingMode.HALF_UP:
            more = twice >= quotient.denominator
        case _:  # half even
            more = twice > quotient.denominator or (twice == quotient.denominator and whole % 2 == 1)
    return (whole + more) * rule.step
