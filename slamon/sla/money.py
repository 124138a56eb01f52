"""Money: exact fractions until a line ends, then whole minor units as Decimal."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

from slamon.units import minor_digits, round_half_up


def rounded(value: Fraction, currency: str) -> Decimal:
    """Half-up to the currency's minor unit: 2 digits, JPY 0, KWD 3."""
    return round_half_up(value, minor_digits(currency))


def at_most(value: Fraction, currency: str) -> Decimal:
    """Rounded down to the minor unit: a cap of 333.333 is not paid beyond 333.33."""
    digits = minor_digits(currency)
    return Decimal(floor(value * 10**digits)).scaleb(-digits)
