"""Text → exact values: what is refused, and that the fix proposed is accepted."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import pytest

from slamon import units


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (units.percent, "99,9%", "a comma in a number; write 99.9%"),
        (units.percent, "99,95", "not a percentage; write for example 99.95%"),
        (units.percent, "0.999", "a percentage needs its sign; did you mean 99.9%, or 0.999%?"),
        (units.percent, "0.001", "a percentage needs its sign; did you mean 0.1%, or 0.001%?"),
        (units.percent, "0.5", "a percentage needs its sign; did you mean 50%, or 0.5%?"),
        (units.percent, "99", "a percentage needs its sign; write 99%"),
        (units.percent, "0.0", "a percentage needs its sign; write 0.0%"),
        (units.money, "1,000 USD", "a comma in a number; write 1000 USD"),
        (units.money, "9,98 GBP", "a comma in a number; write 9.98 GBP"),
        (units.money, "5 XYZ", "XYZ is no currency of ISO 4217; write for example 5 USD"),
        (units.price, "1,000 USD/month", "a comma in a number; write 1000 USD/month"),
        (units.price, "1000/month", "an amount needs its currency; write for example 1000 USD/month"),
        (units.duration, "0.5s", "a duration has no decimals; write 500ms"),
        (units.duration, "1,5h", "a duration has no decimals; write 1h30m"),
        (units.duration, "30", "a duration needs a unit; write for example 30s"),
        (units.duration, "0.0000001s", "not a duration; write for example 10s, 1h30m or 250ms"),
    ],
)
def test_what_is_written_wrong_is_said_right(read: Callable[[str], object], text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read(text)
    for proposed in re.findall(r"(?:write(?: for example)?|mean|or) ([\d.][^,?]*)", message):
        read(proposed)


def test_the_unit_proposed_for_a_delay() -> None:
    with pytest.raises(ValueError, match="write for example 200ms"):
        units.duration("200", bare="ms")


def test_currencies_are_codes_and_their_digits_belong_to_codes() -> None:
    assert all(re.fullmatch("[A-Z]{3}", code) for code in units.CURRENCIES)
    assert set(units.MINOR_DIGITS) <= units.CURRENCIES
    assert {"USD", "EUR", "GBP", "JPY", "CHF", "XCG", "ZWG"} <= units.CURRENCIES
    assert not {"XXX", "XTS", "HRK", "XYZ"} & units.CURRENCIES
    assert units.money("1.5 KWD") == (Fraction(3, 2), "KWD")
