"""What a test may expect: each key's grammar, where the figure stands in a statement, and when the two are the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from slamon import units
from slamon.model import DAY, HOUR, MINUTE, MS, US, S
from slamon.sla import calendar
from slamon.sla.lines import LOCAL_FAULT, PROVIDER_DOWN, UNKNOWN, OutageLine
from slamon.sla.statement import Statement, Status
from slamon.sla.terms import Contract, Measure

LATER = (
    *("clocks", "outage_days", "counts", "shown", "samples", "units", "per_outage", "points", "payable", "bonus"),
    *("earned_back", "adjustment", "credit_days", "exclusions", "notice_given", "claim", "report_by", "claim_by"),
    *("rights", "revision", "supportable", "promise"),
)
"""Keys of the language whose figures no statement has yet."""

UNDEFINED = "undefined"
"""What is expected of a value that cannot be said."""

_DECIMAL = re.compile(r"(-?\d+(?:\.(\d+))?)(us|ms|s|m|h|d)")
_UNITS = {"us": US, "ms": MS, "s": S, "m": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A figure as expected: what it is compared with, and how the figure got is written."""

    agrees: Callable[[Statement], bool]
    shows: Callable[[Statement], str]


Reading = Callable[[str, Contract], Check]
"""Text → check. Raises ValueError (`reason; fix`)."""


def duration(get: Callable[[Statement], int]) -> Reading:
    def read(text: str, _contract: Contract) -> Check:
        wanted = units.duration(text)
        return Check(
            agrees=lambda statement: get(statement) == wanted,
            shows=lambda statement: units.format_duration(get(statement)),
        )

    return read


def ratio(get: Callable[[Statement], Fraction | None]) -> Reading:
    """A percentage, compared after rounding to the digits written; `undefined` where there is none."""

    def read(text: str, _contract: Contract) -> Check:
        if text == UNDEFINED:
            return Check(
                agrees=lambda statement: get(statement) is None, shows=lambda statement: _percent(get(statement), 6)
            )
        units.percent(text)
        wanted = Decimal(text.rstrip("%"))
        digits = _digits(text.rstrip("%"))

        def agrees(statement: Statement) -> bool:
            value = get(statement)
            return value is not None and units.round_half_up(value * 100, digits) == wanted

        return Check(agrees=agrees, shows=lambda statement: _percent(get(statement), digits))

    return read


def share(get: Callable[[Statement], Fraction | None]) -> Reading:
    """A share of the charge: a percentage like any other, or `n/n`, which is exact."""

    def read(text: str, contract: Contract) -> Check:
        if "/" not in text:
            return ratio(get)(text, contract)
        wanted = units.share(text)
        return Check(agrees=lambda statement: get(statement) == wanted, shows=lambda statement: str(get(statement)))

    return read


def money(get: Callable[[Statement], Fraction | Decimal | None]) -> Reading:
    """An amount, compared after rounding to the digits written."""

    def read(text: str, _contract: Contract) -> Check:
        amount, currency = units.money(text)
        digits = _digits(text.partition(" ")[0])

        def agrees(statement: Statement) -> bool:
            value = get(statement)
            same = value is not None and Fraction(units.round_half_up(Fraction(value), digits)) == amount
            return same and statement.currency == currency

        def shows(statement: Statement) -> str:
            value = get(statement)
            if value is None or statement.currency is None:
                return "no money"
            return f"{units.round_half_up(Fraction(value), digits):f} {statement.currency}"

        return Check(agrees=agrees, shows=shows)

    return read


def status(text: str, _contract: Contract) -> Check:
    words = [entry.value for entry in Status]
    if text not in words:
        raise ValueError(f"not a status; write one of {', '.join(words)}")
    return Check(agrees=lambda statement: statement.status == text, shows=lambda statement: statement.status.value)


def number_of_outages(text: str, _contract: Contract) -> Check:
    wanted = units.count(text)

    def count(statement: Statement) -> int:
        """An outage belongs to the period it began in."""
        return sum(outage.began is None for outage in counting(statement))

    return Check(agrees=lambda statement: count(statement) == wanted, shows=lambda statement: str(count(statement)))


def value_of(name: str, contract: Contract) -> Reading:
    """The value of the objective `name`: a percentage, or a delay in the unit written. The contract has the objective."""
    measure = next(objective.measure for objective in contract.objectives if objective.name == name)

    def get(statement: Statement) -> Fraction | None:
        return next(line.value for line in statement.objectives if line.name == name)

    return delay(get) if measure is Measure.LATENCY else ratio(get)


def delay(get: Callable[[Statement], Fraction | None]) -> Reading:
    """A duration with decimals, compared after rounding to the digits written; `undefined` where there is none."""

    def read(text: str, _contract: Contract) -> Check:
        match = _DECIMAL.fullmatch(text)
        if not match and text != UNDEFINED:
            raise ValueError("not a delay; write for example 19.5ms")
        digits, unit = (len(match[2] or ""), match[3]) if match else (6, "ms")
        wanted = Decimal(match[1]) if match else None

        def rounded(statement: Statement) -> Decimal | None:
            value = get(statement)
            return None if value is None else units.round_half_up(value / _UNITS[unit], digits)

        def shows(statement: Statement) -> str:
            value = rounded(statement)
            return UNDEFINED if value is None else f"{value:f}{unit}"

        return Check(agrees=lambda statement: rounded(statement) == wanted, shows=shows)

    return read


def amount_of(name: str) -> Reading:
    """What the credit `name` gives by itself. The contract has the credit."""
    return money(lambda statement: next(line.rounded for line in statement.credits if line.name == name))


def outage_spans(wanted: list[tuple[int, int]], contract: Contract) -> Check:
    """All outages that count, in order, clipped to the period."""

    def spans(statement: Statement) -> list[tuple[int, int]]:
        return [
            (outage.start, statement.settled if outage.end is None else outage.end) for outage in counting(statement)
        ]

    def shows(statement: Statement) -> str:
        written = (
            " to ".join(f"{calendar.civil(edge, contract.timezone):%Y-%m-%d %H:%M:%S}" for edge in span)
            for span in spans(statement)
        )
        return f"[{', '.join(written)}]"

    return Check(agrees=lambda statement: spans(statement) == wanted, shows=shows)


def counting(statement: Statement) -> list[OutageLine]:
    """Outages that are the provider's at least in part."""
    return [outage for outage in statement.outages if outage.by_cause.get(PROVIDER_DOWN)]


PLAIN: Mapping[str, Reading] = {
    "total": duration(lambda statement: statement.total),
    "downtime": duration(lambda statement: statement.downtime),
    "raw_downtime": duration(lambda statement: statement.raw_downtime),
    "excluded": duration(lambda statement: statement.excluded),
    "unknown": duration(lambda statement: statement.time[UNKNOWN] + statement.time[LOCAL_FAULT]),
    "availability": ratio(lambda statement: statement.availability),
    "raw_availability": ratio(lambda statement: statement.raw_availability),
    "low": ratio(lambda statement: statement.low),
    "high": ratio(lambda statement: statement.high),
    "coverage": ratio(lambda statement: statement.coverage),
    "status": status,
    "outages": number_of_outages,
    "charge": money(lambda statement: statement.charge),
    "credit": money(lambda statement: statement.credit),
    "lost_to_cap": money(lambda statement: statement.lost_to_cap),
    "credit_share": share(lambda statement: statement.credit_share),
    "uncapped_share": share(lambda statement: statement.uncapped_share),
}
"""Keys with one value."""

NAMED: Mapping[str, tuple[Callable[[Contract], list[str]], Callable[[str, Contract], Reading]]] = {
    "excluded_by": (
        lambda contract: [entry.name for entry in contract.exclusions],
        lambda name, _contract: duration(lambda statement: statement.time[name]),
    ),
    "values": (lambda contract: [objective.name for objective in contract.objectives], value_of),
    "lines": (lambda contract: [credit.name for credit in contract.credits], lambda name, _contract: amount_of(name)),
}
"""Keys with a value for each of the contract's names: those names, and the reading of one."""


def _digits(number: str) -> int:
    return len(number.partition(".")[2])


def _percent(value: Fraction | None, digits: int) -> str:
    return UNDEFINED if value is None else units.format_percent(value, digits)
