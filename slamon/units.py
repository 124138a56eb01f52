"""Text ↔ exact values: durations, percents, shares, money, prices. One grammar each; no float anywhere."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

from slamon.model import DAY, HOUR, MINUTE, MS, US, S

UNIT_NS: dict[str, int] = {"d": DAY, "h": HOUR, "m": MINUTE, "s": S, "ms": MS, "us": US}
"""Units of a DURATION, largest first; the order is part of the grammar."""

_DURATION = re.compile(r"(\d+)(us|ms|[smhd])")
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)%")
_RATIO = re.compile(r"(\d+)/(\d+)")
_MONEY = re.compile(r"(-?\d+(?:\.\d+)?) ([A-Z]{3})")
_PRICE = re.compile(r"(.+)/(month|quarter|year)")

CURRENCIES: frozenset[str] = frozenset(
    re.findall(
        r"\w+",
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
        "CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD "
        "HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL "
        "MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON "
        "RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
        "USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XDR XOF XPF XSU XUA YER ZAR ZMW ZWG",
    )
)
"""Active codes of ISO 4217 (list one, with funds; without metals and test codes). BGN stays: contracts of before 2026 are in it."""

MINOR_DIGITS: dict[str, int] = {
    **dict.fromkeys(re.findall(r"\w+", "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"), 0),
    **dict.fromkeys(re.findall(r"\w+", "BHD IQD JOD KWD LYD OMR TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
"""Decimal digits of a currency's minor unit where it is not 2 (ISO 4217)."""


def duration(text: str, *, bare: str = "s") -> int:
    """`1h30m` → nanoseconds. Units us ms s m h d, each at most once, largest first, no spaces.

    Raises ValueError with the reason and a fix; `bare` is the unit proposed for a number without one.
    """
    pairs = _DURATION.findall(text)
    if not pairs or "".join(n + u for n, u in pairs) != text:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            raise ValueError(f"a duration needs a unit; write for example {text.partition('.')[0]}{bare}")
        whole = _without_decimals(text.replace(",", "."))
        if whole is not None:
            raise ValueError(f"a duration has no decimals; write {whole}")
        raise ValueError("not a duration; write for example 10s, 1h30m or 250ms")
    order = [list(UNIT_NS).index(unit) for _, unit in pairs]
    if order != sorted(set(order)):
        raise ValueError("the units of a duration go from large to small, each once; write for example 1h30m")
    return sum(int(n) * UNIT_NS[unit] for n, unit in pairs)


def _without_decimals(text: str) -> str | None:
    """`1.5s` → `1s500ms`; None when it is no such thing, or not a whole number of microseconds."""
    match = re.fullmatch(r"(\d+\.\d+)(us|ms|[smhd])", text)
    exact = Fraction(match[1]) * UNIT_NS[match[2]] if match else None
    return None if exact is None or exact % US else format_duration(int(exact))


def format_duration(ns: int) -> str:
    """Nanoseconds → the shortest text `duration` reads back; below 1 us the remainder is written as a decimal `us`."""
    if ns < 0:
        return "-" + format_duration(-ns)
    parts = []
    rest = ns
    for unit, size in UNIT_NS.items():
        n, rest = divmod(rest, size)
        if n:
            parts.append(f"{n}{unit}")
    if rest:
        parts.append(f"{rest}ns")
    return "".join(parts) or "0s"


def percent(text: str) -> Fraction:
    """`99.95%` → 1999/2000, exact. Raises ValueError."""
    match = _PERCENT.fullmatch(text)
    if not match:
        if re.fullmatch(r"0\.\d*[1-9]\d*", text):
            of_hundred = f"{Decimal(text).scaleb(2).normalize():f}"
            raise ValueError(f"a percentage needs its sign; did you mean {of_hundred}%, or {text}%?")
        if re.fullmatch(r"\d+(\.\d+)?", text):
            raise ValueError(f"a percentage needs its sign; write {text}%")
        _refuse_comma(text, _PERCENT)
        raise ValueError("not a percentage; write for example 99.95%")
    return Fraction(match[1]) / 100


def share(text: str) -> Fraction:
    """A share of a charge: `10%` or `1/30`. Raises ValueError."""
    match = _RATIO.fullmatch(text)
    if match:
        if int(match[2]) == 0:
            raise ValueError("a share cannot have the denominator 0; write for example 1/30")
        return Fraction(int(match[1]), int(match[2]))
    try:
        return percent(text)
    except ValueError as error:
        raise ValueError("not a share of the charge; write for example 10% or 1/30") from error


def without_comma(text: str) -> str | None:
    """A number written with a comma as it is written here: `99,9%` → `99.9%`, `1,000 USD` → `1000 USD`, `1,5s` → `1s500ms`.

    None: it is no such number.
    """
    match = re.fullmatch(r"(-?\d+),(\d+)(\D.*)?", text)
    if match is None:
        return None
    unit = match[3] or ""
    point = "" if len(match[2]) == 3 and not unit.startswith("%") else "."
    meant = f"{match[1]}{point}{match[2]}{unit}"
    return _without_decimals(meant) or meant


def _refuse_comma(text: str, right: re.Pattern[str]) -> None:
    meant = without_comma(text)
    if meant is not None and right.fullmatch(meant):
        raise ValueError(f"a comma in a number; write {meant}")


def money(text: str) -> tuple[Fraction, str]:
    """`9.98 GBP` → (499/50, "GBP"). Raises ValueError; a currency is never assumed."""
    match = _MONEY.fullmatch(text)
    if not match:
        if re.fullmatch(r"\d+(\.\d+)?", text):
            raise ValueError(f"an amount needs its currency; write for example {text} USD")
        _refuse_comma(text, _MONEY)
        raise ValueError("not an amount of money; write for example 1000 USD")
    if match[2] not in CURRENCIES:
        raise ValueError(f"{match[2]} is no currency of ISO 4217; write for example {match[1]} USD")
    return Fraction(match[1]), match[2]


def price(text: str) -> tuple[Fraction, str, str]:
    """`1000 USD/month` → (1000, "USD", "month"). Raises ValueError."""
    match = _PRICE.fullmatch(text)
    if not match:
        raise ValueError("not a price; write for example 1000 USD/month (or /quarter, /year)")
    try:
        amount, currency = money(match[1])
    except ValueError as error:
        raise ValueError(f"{error}/{match[2]}") from error  # what to write comes last
    return amount, currency, match[2]


def count(text: str) -> int:
    """A whole number ≥ 0 written in decimal digits. Raises ValueError."""
    if not re.fullmatch(r"\d+", text):
        raise ValueError("not a whole number; write for example 3")
    return int(text)


def minor_digits(currency: str) -> int:
    """Decimal digits of the currency's minor unit: 2, JPY 0, KWD 3."""
    return MINOR_DIGITS.get(currency, 2)


def round_half_up(value: Fraction, digits: int) -> Decimal:
    """Exact half-up rounding (away from zero on a tie) to `digits` decimals."""
    scaled = abs(value) * 10**digits
    whole = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(f"{-whole if value < 0 else whole}e-{digits}")  # exact: arithmetic on it would be cut at 28 digits


def round_apart(value: Fraction, digits: int, *others: Fraction | int) -> Decimal:
    """As `round_half_up`, to more decimals where `value` would else look like one of `others` and is not."""
    apart = [other for other in others if other != value]
    while Fraction(rounded := round_half_up(value, digits)) in apart:
        digits += 1
    return rounded


def format_percent(value: Fraction) -> str:
    """Ratio → `99.899961%`, half-up to six decimals of a percent; to more where it would look whole, or like nothing, and is not."""
    return f"{round_apart(value * 100, 6, 0, 100):f}%"


def format_days(n: Fraction | int, *, business: bool = False) -> str:
    """`1 day`, `2 business days`."""
    return f"{n} {'business ' if business else ''}day{'' if n == 1 else 's'}"


def format_money(value: Fraction, currency: str) -> str:
    """`100.00 USD`, half-up to the currency's minor unit."""
    return f"{round_half_up(value, minor_digits(currency)):f} {currency}"
