"""Values → words for people: instants with their offset, durations, percents, money. Rounded for display only."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from fractions import Fraction

from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.units import format_money, format_percent, round_half_up

_PARTS = (("d", DAY), ("h", HOUR), ("m", MINUTE))


def instant(ns: int, where: tzinfo = UTC) -> str:
    """`2026-10-12 03:14:00-04:00`, in UTC `2026-10-12 07:14:00Z`; milliseconds (cut, not rounded) where there are any."""
    local = datetime.fromtimestamp(ns // S, where)
    milliseconds = ns % S // MS
    fraction = f".{milliseconds:03d}" if milliseconds else ""
    offset = "Z" if str(where) == "UTC" else local.isoformat()[19:]
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction}{offset}"


def duration(ns: int, separator: str = " ") -> str:
    """`29d 23h 16m 47s`, `20.12s`: to the millisecond, half-up; the parts that are zero are left out."""
    if ns < 0:
        return "-" + duration(-ns, separator)
    rest = (ns + MS // 2) // MS * MS
    parts = []
    for unit, size in _PARTS:
        n, rest = divmod(rest, size)
        if n:
            parts.append(f"{n}{unit}")
    if rest or not parts:
        whole, milliseconds = divmod(rest // MS, 1000)
        parts.append(f"{trimmed(f'{whole}.{milliseconds:03d}')}s")
    return separator.join(parts)


def seconds(ns: int, digits: int = 3) -> str:
    """Seconds with `digits` decimals, half-up."""
    return f"{round_half_up(Fraction(ns, S), digits):f}"


def milliseconds(ns: Fraction) -> str:
    """A delay: `23.412 ms`, to the microsecond, half-up."""
    return f"{round_half_up(ns / MS, 3):f} ms"


def percent(value: Fraction) -> str:
    """A measured ratio: always six decimals, so that 99.999999% and 100% look different."""
    return format_percent(value)


def level(value: Fraction, unit: str) -> str:
    """A threshold without needless zeros: `99.9%`, `40 ms`."""
    if unit == "seconds":
        return f"{trimmed(f'{round_half_up(value / MS, 6):f}')} ms"
    return share(value)


def share(value: Fraction) -> str:
    """A share of a charge as a contract writes it: `10%`, or `1/30` where no short percentage is exact."""
    text = format_percent(value).rstrip("%")
    if Fraction(text) != value * 100:
        return f"{value.numerator}/{value.denominator}"
    return f"{trimmed(text)}%"


def trimmed(decimal: str) -> str:
    """A decimal without the zeros at its end."""
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def quantity(value: Fraction | None, unit: str) -> str:
    """The value of an objective: a percentage or a delay; a dash where nothing was measured."""
    if value is None:
        return "–"
    return milliseconds(value) if unit == "seconds" else percent(value)


def money(value: Fraction, currency: str) -> str:
    """`100.00 USD`."""
    return format_money(value, currency)


def exact_money(value: Fraction, currency: str) -> str:
    """An amount before its rounding: `33.333333 USD`, six decimals and an ellipsis where it does not end sooner."""
    shown = round_half_up(value, 6)
    if Fraction(shown) == value:
        rounded = format_money(value, currency)
        amount = rounded.partition(" ")[0]
        return rounded if Fraction(amount) == value else f"{shown:f}".rstrip("0") + f" {currency}"
    return f"{shown:f}… {currency}"
