"""What one figure is expected to be: the grammar of each kind of figure, and when the figure got is the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Generic, TypeAlias, TypeVar

from slamon import units
from slamon.cases import quantities
from slamon.config import grammar
from slamon.config.reader import one_of
from slamon.sla import calendar
from slamon.sla.lines import Due
from slamon.sla.terms import Contract
from slamon.sla.terms.measures import Dimension

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

UNDEFINED = "undefined"
"""What is expected of a value that cannot be said."""

NO_MONEY = "no money"
"""What a contract without a currency owes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted(Generic[T_contra]):
    """One figure as expected."""

    agrees: Callable[[T_contra], bool]
    shows: Callable[[T_contra], str]
    """A figure that was got, written as the expected one is."""


Grammar: TypeAlias = Callable[[str, Contract], Wanted[T]]
"""How a figure is written. Raises ValueError (`reason; fix`)."""

Money: TypeAlias = tuple[Fraction | Decimal | None, str | None]
"""An amount and its currency; None where the contract has none."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def same(value: T, shows: Callable[[T], str]) -> Wanted[T]:
    return Wanted(agrees=lambda got: got == value, shows=shows)


def duration(text: str, _contract: Contract) -> Wanted[Fraction | int | None]:
    """Exact."""
    return same(units.duration(text), shown_duration)


def shown_duration(ns: Fraction | int | None) -> str:
    return UNDEFINED if ns is None else units.format_duration(ns)  # type: ignore[arg-type]  # whole units of any number


def lead(text: str, _contract: Contract) -> Wanted[Fraction | int | None]:
    """A duration, exactly; `undefined` where there is none."""
    return _undefined(text, shown_duration) or same(units.duration(text), shown_duration)


def whole(text: str, _contract: Contract) -> Wanted[int]:
    return same(units.count(text), str)


def number(text: str, _contract: Contract) -> Wanted[Fraction | None]:
    """After rounding to the digits written."""
    return _undefined(text, lambda got: f"{units.round_half_up(got, 6):f}") or _rounded(text, quantities.number, 1, "")


def percent(text: str, _contract: Contract) -> Wanted[Fraction | None]:
    """After rounding to the digits written; `undefined` where there is none."""
    return _undefined(text, units.format_percent) or _rounded(text, quantities.percent, Fraction(1, 100), "%")


def share(text: str, contract: Contract) -> Wanted[Fraction | None]:
    """A share of the charge: a percentage like any other, or `n/n`, which is exact."""
    if "/" not in text:
        return percent(text, contract)
    return same(units.share(text), shown_share)


def shown_share(got: Fraction | None) -> str:
    return UNDEFINED if got is None else str(got)


def delay(text: str, _contract: Contract) -> Wanted[Fraction | int | None]:
    """A duration; one with decimals (`19.5ms`) after rounding to the digits written; `undefined` where there is none."""
    unit = quantities.unit(text)
    if unit is not None:
        return _rounded(text, quantities.delay, units.UNIT_NS[unit], unit)
    in_ms = _undefined(text, lambda got: f"{units.round_half_up(got / units.UNIT_NS['ms'], 6):f}ms")
    return in_ms or same(quantities.delay(text), shown_duration)


def days(text: str, _contract: Contract) -> Wanted[Fraction | None]:
    return _undefined(text, shown_days) or same(quantities.days(text), shown_days)


def shown_days(got: Fraction | None) -> str:
    return UNDEFINED if got is None else f"{got} day{'' if got == 1 else 's'}"


BY_DIMENSION: dict[Dimension, Grammar[Fraction | None]] = {
    Dimension.RATIO: percent,
    Dimension.DURATION: delay,
    Dimension.COUNT: number,
    Dimension.DAYS: days,
}


def money(text: str, _contract: Contract) -> Wanted[Money]:
    """After rounding to the digits written, in the same currency."""
    amount, currency = units.money(text)
    digits = _digits(text.partition(" ")[0])

    def agrees(got: Money) -> bool:
        value, own = got
        return (
            value is not None and own == currency and Fraction(units.round_half_up(Fraction(value), digits)) == amount
        )

    def shows(got: Money) -> str:
        value, own = got
        return NO_MONEY if value is None or own is None else f"{units.round_half_up(Fraction(value), digits):f} {own}"

    return Wanted(agrees=agrees, shows=shows)


def word(words: Collection[str]) -> Grammar[str]:
    """Exactly one of `words`."""

    def read(text: str, _contract: Contract) -> Wanted[str]:
        return same(one_of(words)(text), str)

    return read


def span(text: str, contract: Contract) -> Wanted[tuple[int, int]]:
    return same(calendar.span(text, contract.timezone), lambda got: shown_span(got, contract))


def shown_span(got: tuple[int, int], contract: Contract) -> str:
    return " to ".join(shown_instant(edge, contract) for edge in got)


def shown_instant(at: int, contract: Contract) -> str:
    return f"{calendar.civil(at, contract.timezone):%Y-%m-%d %H:%M:%S}"


def day(text: str, _contract: Contract) -> Wanted[date | None]:
    return same(grammar.civil_date(text), str)


def due(text: str, contract: Contract) -> Wanted[Due | None]:
    """A civil day for a deadline in days, an instant for one in hours."""
    at = calendar.instant(text, contract.timezone)
    on = grammar.civil_date(text) if _DATE.fullmatch(text) else None

    def agrees(got: Due | None) -> bool:
        if got is None:
            return False
        return got.at == at if got.day is None else got.day == on

    def shows(got: Due | None) -> str:
        if got is None:
            return "none"
        return shown_instant(got.at, contract) if got.day is None else str(got.day)

    return Wanted(agrees=agrees, shows=shows)


def samples(text: str, contract: Contract) -> Wanted[tuple[Fraction | int | None, ...]]:
    """The whole list, each to the digits written."""
    wanted = [None if word == quantities.LOST else delay(word, contract) for word in quantities.words(text)]

    def agrees(got: tuple[Fraction | int | None, ...]) -> bool:
        return len(got) == len(wanted) and all(
            value is None if one is None else value is not None and one.agrees(value)
            for one, value in zip(wanted, got, strict=True)
        )

    def shows(got: tuple[Fraction | int | None, ...]) -> str:
        return " ".join(quantities.LOST if value is None else shown_duration(value) for value in got)

    return Wanted(agrees=agrees, shows=shows)


def _rounded(
    text: str, convert: Callable[[str], Fraction], unit: Fraction | int, suffix: str
) -> Wanted[Fraction | int | None]:
    value = convert(text)
    digits = _digits(text.removesuffix(suffix))

    def shown(got: Fraction | int) -> Decimal:
        return units.round_half_up(Fraction(got) / unit, digits)

    return Wanted(
        agrees=lambda got: got is not None and Fraction(shown(got)) * unit == value,
        shows=lambda got: UNDEFINED if got is None else f"{shown(got):f}{suffix}",
    )


def _undefined(text: str, shows: Callable[[Fraction], str]) -> Wanted[Fraction | int | None] | None:
    if text != UNDEFINED:
        return None
    return Wanted(agrees=lambda got: got is None, shows=lambda got: UNDEFINED if got is None else shows(Fraction(got)))


def _digits(number: str) -> int:
    return len(number.partition(".")[2])
