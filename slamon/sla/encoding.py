"""Statement ↔ JSON values by the types of its fields: exact figures for machines, each with a text for people."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin, get_type_hints

from slamon.model import MS, S
from slamon.sla.lines import CreditLine, ObjectiveLine
from slamon.sla.terms.measures import Dimension
from slamon.units import format_money, format_percent, round_half_up

if TYPE_CHECKING:
    from slamon.sla.statement import Statement

T = TypeVar("T")

_MONEY = frozenset({"charge", "base", "gives", "cap", "limit", "exact", "amount"})
_IN_UNIT = frozenset({"value", "exact", "shown", "value_so_far", "target", "minimum", "threshold"})
"""Fields whose fraction is money, and those in the unit of their objective; other fractions are ratios, if not listed below."""
_TIMES = frozenset({"downtime", "raw_downtime", "charged"})
"""Nanoseconds that need not be whole, where outages are weighed."""
_COUNTS = frozenset({"samples", "points", "revision"})
"""Integers that are no nanoseconds: those stay numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Display:
    """What the texts beside the exact figures need to know."""

    currency: str | None
    dimension: Dimension | None = None
    """Of the line being written."""

    @classmethod
    def of(cls, statement: Statement) -> Display:
        return cls(currency=statement.currency)

    def inside(self, value: object) -> Display:
        """For the fields of `value`."""
        return replace(self, dimension=value.dimension) if isinstance(value, ObjectiveLine | CreditLine) else self

    def text(self, owner: object, name: str, value: Fraction | Decimal) -> str:
        if isinstance(value, Decimal):
            return f"{value:f} {self.currency}" if self.currency else f"{value:f}"
        if name in _TIMES:
            return f"{round_half_up(value / S, 9):f} s"
        if name in _IN_UNIT and (isinstance(owner, ObjectiveLine) or (self.dimension and name not in _MONEY)):
            return self._in_unit(value)
        if name in _MONEY:
            return format_money(value, self.currency) if self.currency else str(value)
        return str(value) if name == "units" else format_percent(value)

    def _in_unit(self, value: Fraction) -> str:
        match self.dimension:
            case Dimension.DURATION:
                return f"{round_half_up(value / MS, 6):f} ms"
            case Dimension.COUNT | Dimension.DAYS:
                return str(value)
            case _:
                return format_percent(value)


def encode(value: Any, display: Display) -> Any:
    """A frozen dataclass and all it holds → JSON values."""
    inside = display.inside(value)
    return {entry.name: _encode(value, entry.name, getattr(value, entry.name), inside) for entry in fields(value)}


def _encode(owner: object, name: str, value: Any, display: Display) -> Any:
    match value:
        case Fraction() | Decimal():
            n, d = value.as_integer_ratio()
            return {"exact": f"{n}/{d}", "display": display.text(owner, name, value)}
        case Mapping():
            return {key: _encode(owner, name, entry, display) for key, entry in value.items()}
        case tuple():
            return [_encode(owner, name, entry, display) for entry in value]
        case _ if is_dataclass(value):
            return encode(value, display)
        case _:
            return _plain(name, value)


def _plain(name: str, value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case int() if not isinstance(value, bool) and name not in _COUNTS:
            return str(value)
        case _:
            return value


def decode(kind: type[T], data: Mapping[str, object]) -> T:
    """The dataclass `encode` was given; a field with a default may be missing, for an older slamon did not write it.

    Raises ValueError naming the field that is missing, unknown or of the wrong shape.
    """
    hints = get_type_hints(kind)
    one: Any = kind  # a dataclass, which a type variable cannot say
    needed = {each.name for each in fields(one) if each.default is MISSING and each.default_factory is MISSING}
    odd = (needed - set(data)) | (set(data) - set(hints))
    if odd:
        raise ValueError(f"{kind.__name__}: these fields are missing or unknown: {', '.join(sorted(odd))}")
    return kind(**{name: _decode(hints[name], value, f"{kind.__name__}.{name}") for name, value in data.items()})


def _decode(hint: Any, value: Any, path: str) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is types.UnionType:
        return None if value is None else _decode(arguments[0], value, path)
    try:
        if origin is Mapping:
            return {key: _decode(arguments[1], entry, path) for key, entry in value.items()}
        if origin is tuple:
            kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
            return tuple(_decode(kind, entry, path) for kind, entry in zip(kinds, value, strict=True))
        if is_dataclass(hint):
            return decode(hint, value)  # type: ignore[arg-type]  # a class, not an instance: it is a type hint
        return _SCALARS.get(hint, hint)(value)
    except (TypeError, KeyError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{path}: not what belongs here: {value!r}") from error


def _fraction(value: Mapping[str, str]) -> Fraction:
    return Fraction(value["exact"])


def _decimal(value: Mapping[str, str]) -> Decimal:
    """From the text, which has the digits of the currency; the exact figure must agree."""
    amount = Decimal(value["display"].partition(" ")[0])
    if Fraction(amount) != Fraction(value["exact"]):
        raise ValueError(f"{value['display']} is not {value['exact']}")
    return amount


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    Fraction: _fraction,
    Decimal: _decimal,
    str: _text,
    bool: _truth,
    date: date.fromisoformat,
}
"""How the plain fields are read; the others (integers, enumerations) by calling their type."""
