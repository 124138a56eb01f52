"""Values → words for people: instants with their offset, durations, percents, money. Rounded for display only."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from enum import Enum, auto
from fractions import Fraction

from slamon.model import DAY, HOUR, MINUTE, MS, S
from slamon.sla.facts import Event
from slamon.sla.lines import CreditLine, Due, ObjectiveLine
from slamon.sla.terms.measures import Dimension
from slamon.units import format_money, format_percent, round_apart, round_half_up

_PARTS = (("d", DAY), ("h", HOUR), ("m", MINUTE))

SIGNS = {"below": "<", "at_most": "≤", "over": ">", "at_least": "≥"}

_DELAYS = ("latency", "jitter")
"""Measures whose durations are read in milliseconds; those of outages are read in hours and minutes."""


LONGEST = 160
"""Letters of a failure's detail."""


class Unit(Enum):
    """How the figures of a line are read."""

    RATIO = auto()
    DELAY = auto()
    DURATION = auto()
    COUNT = auto()
    DAYS = auto()


def unit_of(line: ObjectiveLine | CreditLine) -> Unit:
    """Of every figure of the line that is no money."""
    if line.dimension is Dimension.DURATION and line.measure in _DELAYS:
        return Unit.DELAY
    return Unit[line.dimension.name]


def instant(ns: int, where: tzinfo = UTC) -> str:
    """`2026-10-12 03:14:00-04:00`, in UTC `2026-10-12 07:14:00Z`; milliseconds (cut, not rounded) where there are any."""
    local = datetime.fromtimestamp(ns // S, where)
    milliseconds = ns % S // MS
    fraction = f".{milliseconds:03d}" if milliseconds else ""
    offset = "Z" if str(where) == "UTC" else local.isoformat()[19:]
    return f"{local:%Y-%m-%d %H:%M:%S}{fraction}{offset}"


def event_fields(event: Event, where: tzinfo, currency: str) -> list[tuple[str, str]]:
    """What an event says, field by field; what it does not say is left out."""
    found = []
    for name, value in event._asdict().items():
        if isinstance(value, Fraction):
            found.append((name, money(value, currency).rstrip()))
        elif isinstance(value, int):
            found.append((name, instant(value, where)))
        elif value is not None:
            found.append((name, value))
    return found


def due(deadline: Due, where: tzinfo) -> str:
    """`by 2026-07-30`, a civil day that counts whole; `before 2026-07-30 14:00:00-04:00`."""
    return f"before {instant(deadline.at, where)}" if deadline.day is None else f"by {deadline.day.isoformat()}"


def duration(ns: Fraction | int, separator: str = " ") -> str:
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


def seconds(ns: Fraction | int, digits: int = 3) -> str:
    """Seconds with `digits` decimals, half-up."""
    return f"{round_half_up(Fraction(ns, S), digits):f}"


def milliseconds(ns: Fraction) -> str:
    """A delay: `23.412 ms`, to the microsecond, half-up."""
    return f"{round_half_up(ns / MS, 3):f} ms"


def percent(value: Fraction) -> str:
    """A measured ratio: six decimals at least, and never 100% or 0% unless it is."""
    return format_percent(value)


def number(value: Fraction) -> str:
    """A count, or a mean of counts: `3`, `2.5`, `0.333333…`."""
    shown = round_half_up(value, 6)
    return trimmed(f"{shown:f}") + ("" if Fraction(shown) == value else "…")


def days(value: Fraction) -> str:
    """`1 day`, `3 days`."""
    return f"{number(value)} day" + ("" if value == 1 else "s")


def level(value: Fraction, unit: Unit) -> str:
    """A threshold without needless zeros: `99.9%`, `40 ms`, `4h 30m`, `3`."""
    match unit:
        case Unit.RATIO:
            return share(value)
        case Unit.DELAY:
            return f"{trimmed(f'{round_half_up(value / MS, 6):f}')} ms"
        case Unit.DURATION:
            return duration(value)
        case Unit.COUNT:
            return number(value)
        case Unit.DAYS:
            return days(value)


def promise(value: Fraction, side: str | None, line: ObjectiveLine) -> str:
    """What an objective has to reach; with its sign where that is not the plain one: `99.9%`, but `> 99.99%`."""
    plain = "at_least" if line.measure == "availability" else "at_most"
    text = level(value, unit_of(line))
    return text if side in (plain, None) else f"{SIGNS[str(side)]} {text}"


def share(value: Fraction) -> str:
    """A share of a charge as a contract writes it: `10%`, or `1/30` where no short percentage is exact."""
    shown = round_half_up(value * 100, 6)
    if Fraction(shown) != value * 100:
        return f"{value.numerator}/{value.denominator}"
    return f"{trimmed(f'{shown:f}')}%"


def trimmed(decimal: str) -> str:
    """A decimal without the zeros at its end."""
    return decimal.rstrip("0").rstrip(".") if "." in decimal else decimal


def portion(value: Fraction) -> str:
    """A share that was computed: as a contract writes it where that is short, else `0.138889…%`."""
    text = share(value)
    return f"{format_percent(value).rstrip('%')}…%" if "/" in text and value.denominator > 1000 else text


def quantity(value: Fraction | None, unit: Unit, against: Fraction | None = None) -> str:
    """A measured value; a dash where there is none. It never looks equal to `against` when it is not."""
    if value is None:
        return "–"
    match unit:
        case Unit.RATIO:
            return _digits(value * 100, 6, 6, 0, 100, *(() if against is None else (against * 100,))) + "%"
        case Unit.DELAY:
            return _digits(value / MS, 3, 6, *(() if against is None else (against / MS,))) + " ms"
        case Unit.DURATION if against is not None and value != against and duration(value) == duration(against):
            return _digits(value / S, 3, 9, against / S) + "s"
        case _:
            return level(value, unit)


def _digits(value: Fraction, least: int, most: int, *others: Fraction | int) -> str:
    """Between `least` and `most` decimals, without needless zeros; more where `value` would look like one of `others`."""
    whole, _, decimals = f"{round_apart(value, most, *others):f}".partition(".")
    return f"{whole}.{decimals.rstrip('0').ljust(least, '0')}"


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


def one_line(detail: str) -> str:
    """What a probe met, in which may be whatever a server wrote: on one line, and no longer than a line."""
    text = "".join(sign if sign.isprintable() else " " for sign in detail)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
