"""A credit line → its arithmetic in words: value and threshold, units, share × base, the caps, what was rounded, why it does not stand."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from slamon.report.words import SIGNS, exact_money, instant, level, number, portion, quantity, unit_of
from slamon.sla.calendar import zone
from slamon.sla.lines import CapLine, CreditPart
from slamon.sla.statement import CreditLine, Statement
from slamon.sla.terms.measures import Measure

MOST_PARTS = 40
"""Outages whose arithmetic is written out (JSON has all of them)."""

SPANS = {"period": "of the period", "contract_year": "of the contract year"}


def arithmetic(statement: Statement, line: CreditLine, noun: str = "credit") -> Iterator[str]:
    """One credit with its operands, an outage a line: `99.861111% < 99.9% → 10% × 1000.00 USD = 100.00 USD`."""
    if line.objective is None and line.measure in (Measure.EACH_OUTAGE, Measure.EACH_DAY_OUT):
        yield from _each(statement, line, noun)
        return
    text = _compared(line, line.value, line.threshold)
    if line.value is None and line.threshold is None:
        text = "nothing measured"
    if not _given(line):
        yield f"{text} → no {noun}"
        return
    part = line.parts[0] if line.parts else None
    share, exact = (line.share, line.gives) if part is None else (part.share, part.exact)
    gives = _gives(statement, line, share, line.units, exact, line.points)
    steps = [f"{text} → {gives}", *_after(statement, line)]
    yield " → ".join(steps) + _remark(statement, line)


def _given(line: CreditLine) -> bool:
    """A threshold is reached, or some of a unit counted from zero."""
    return line.threshold is not None or (line.side is None and bool(line.units))


def _compared(line: CreditLine, value: Fraction | None, threshold: Fraction | None) -> str:
    unit = unit_of(line)
    text = quantity(value, unit, threshold)
    if threshold is None or line.side is None:
        return text
    sign = f"{SIGNS[line.side]} {level(threshold, unit)}"
    return sign if value is None else f"{text} {sign}"


def _gives(
    statement: Statement, line: CreditLine, share: Fraction | None, units: Fraction | None, exact: Fraction, points: int
) -> str:
    """What is given before the credit's own cap: `4 × 1/30 × 1000.00 USD = 133.333333… USD`."""
    counted = ""
    if units is not None and line.per not in (None, "each"):
        counted = f"{number(units)} unit{'' if units == 1 else 's'} ({line.per}) → "
    factor = "" if not units else f"{number(units)} × "
    if share is not None:
        text = factor + portion(share / units if units else share)
        if line.base is None or statement.currency is None:
            return f"{counted}{text} of the charge"
        return (
            f"{counted}{text} × {exact_money(line.base, statement.currency)} = {exact_money(exact, statement.currency)}"
        )
    if points or statement.currency is None:
        return f"{counted}{points} point{'' if points == 1 else 's'}"
    text = exact_money(exact, statement.currency)
    return f"{counted}{factor}{exact_money(exact / units, statement.currency)} = {text}" if units else counted + text


def _after(statement: Statement, line: CreditLine) -> Iterator[str]:
    """What becomes of the exact amount, each step only where it changes something."""
    if statement.currency is None:
        return
    if line.gives != line.exact:
        yield f"cap of this credit: {exact_money(line.exact, statement.currency)}"
    if Fraction(line.rounded) != line.exact:
        yield f"rounded {line.rounded:f} {statement.currency}"


def _remark(statement: Statement, line: CreditLine) -> str:
    if line.at_stake:
        return "; at stake, not owed yet"
    return "" if line.applied else f"; {_why_not(statement, line)}"


def _why_not(statement: Statement, line: CreditLine) -> str:
    """Why a line that reached a threshold does not stand."""
    if any(not part.applied for part in line.parts):
        return "does not stand: another credit stands for the same time"
    if any(other.applied and other.exact > 0 for other in statement.credits):
        return "does not stand beside the highest credit"
    return "does not stand: below the least credit that is paid" if line.exact else "gives nothing"


# --- credits for each outage --------------------------------------------------------------------------------------------------


def _each(statement: Statement, line: CreditLine, gift: str) -> Iterator[str]:
    """Every outage, or day of one, that gives something, on its own line; then their sum."""
    giving = [part for part in line.parts if part.exact or part.points or part.share]
    silent = len(line.parts) - len(giving)
    noun = "outage" if line.measure == Measure.EACH_OUTAGE else "day"
    nothing = f"{silent} {noun}{'s' if silent > 1 else ''} below every threshold" if silent else f"no {noun} counts"
    if not giving:
        yield f"{nothing} → no {gift}"
        return
    for part in giving[:MOST_PARTS]:
        yield _part(statement, line, part)
    if len(giving) > MOST_PARTS:
        yield f"and {len(giving) - MOST_PARTS} more; all of them in the JSON report"
    if silent:
        yield f"{nothing} → no {gift}"
    after = list(_after(statement, line))
    if statement.currency is not None and (len(giving) > 1 or after):
        yield " → ".join([f"together {exact_money(line.gives, statement.currency)}", *after]) + _remark(statement, line)
    elif line.at_stake or (not line.applied and all(part.applied for part in giving)):
        yield _remark(statement, line).removeprefix("; ")


def _part(statement: Statement, line: CreditLine, part: CreditPart) -> str:
    where = zone(statement.timezone)
    at = instant(part.start, where)
    if line.measure == Measure.EACH_DAY_OUT:
        at = at[:10]
    gives = _gives(statement, line, part.share, part.units, part.exact, part.points)
    text = f"{at}: {_compared(line, part.value, part.threshold)} → {gives}"
    return text if part.applied else f"{text}; does not stand: another credit stands for the same time"


# --- caps on all of them ------------------------------------------------------------------------------------------------------


def cap_name(line: CapLine) -> str:
    """`cap of the quarter`."""
    return f"cap {SPANS.get(line.span, f'of the {line.span}')}"


def cap_arithmetic(line: CapLine, currency: str) -> str:
    """`500.00 USD − 120.00 USD for earlier periods = 380.00 USD left`."""
    limit = exact_money(line.limit, currency)
    if not line.spent:
        return f"{limit}{'' if line.removed else ', not reached'}"
    left = exact_money(max(line.limit - Fraction(line.spent), Fraction(0)), currency)
    return f"{limit} − {line.spent:f} {currency} for earlier periods = {left}{'' if line.removed else ', not reached'}"
