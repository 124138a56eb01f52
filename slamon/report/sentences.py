"""Statement → sentences: the verdict in words, each credit with its arithmetic, what is provisional and why."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from slamon.report.words import duration, exact_money, instant, level, money, percent, quantity, share
from slamon.sla.calendar import zone
from slamon.sla.lines import LOCAL_FAULT, NOT_ELAPSED, PROVIDER_DOWN, UNKNOWN, UP
from slamon.sla.statement import CreditLine, ObjectiveLine, Statement, Status
from slamon.sla.terms import Clause

STATUS = {
    Status.MET: "met",
    Status.BELOW_TARGET: "below target",
    Status.BELOW_MINIMUM: "below minimum",
    Status.UNKNOWN: "unknown",
}

CATEGORIES = {
    UP: "service up",
    PROVIDER_DOWN: "service down, counts",
    LOCAL_FAULT: "fault on the customer's side, does not count",
    UNKNOWN: "not measured",
    NOT_ELAPSED: "not elapsed yet",
}
"""The categories every contract has; any other is a class of its exclusions."""

SIDES = {"below": "<", "at_most": "≤", "over": ">", "at_least": "≥"}


def category(name: str) -> str:
    """What a category of time means."""
    return CATEGORIES.get(name, f"excluded: {name.replace('_', ' ')}")


def clause(where: Clause) -> str:
    """`contracts.hq.credits.availability, slamon.yml:42`."""
    return f"{where.path}, {where.place}" if where.place else where.path


def verdict(statement: Statement) -> Iterator[str]:
    """The outcome in a few sentences: what failed, what is owed, what may still change."""
    if statement.status is Status.UNKNOWN:
        yield _why_unknown(statement)
    else:
        spoken = False
        for line in statement.objectives:
            if line.status in (Status.BELOW_TARGET, Status.BELOW_MINIMUM):
                spoken = True
                yield _failed(statement, line)
        if not spoken:
            yield _met(statement)
    yield from _owed(statement)
    if statement.open:
        settled = instant(statement.settled, zone(statement.timezone))
        yield f"The period is open: it is judged as if every second after {settled} were up."


def _why_unknown(statement: Statement) -> str:
    if not statement.coverage:
        return "Nothing can be said: no time of this period was measured."
    if statement.coverage < statement.min_coverage:
        return (
            f"Nothing can be said: {percent(statement.coverage)} of the elapsed time was measured, "
            f"the contract asks for {share(statement.min_coverage)}."
        )
    silent = ", ".join(line.name for line in statement.objectives if line.status is Status.UNKNOWN)
    return (
        f"Nothing can be said about {silent}: not measured."
        if silent
        else "Nothing can be said: the contract has no objective."
    )


def _failed(statement: Statement, line: ObjectiveLine) -> str:
    name = line.name.capitalize()
    statistic = f" ({line.statistic})" if line.statistic else ""
    missed = "minimum" if line.status is Status.BELOW_MINIMUM else "target"
    bound = line.minimum if missed == "minimum" else line.target
    worse = "above" if line.measure != "availability" else "below"
    text = f"{name}{statistic} {quantity(line.value, line.unit)} is {worse} the {missed}"
    if bound is not None:
        text += f" of {level(bound, line.unit)}"
    if line.worst:
        text += f", at {line.worst}"
    left = statement.budget_remaining.get(missed)
    if line.measure == "availability" and left is not None and left < 0:
        text += f": {duration(statement.downtime)} of downtime, {duration(-left)} more than the {missed} allows"
    return text + (" (may still change)." if line.provisional else ".")


def _met(statement: Statement) -> str:
    """Every objective is met; how much downtime that leaves."""
    if all(line.target is None and line.minimum is None for line in statement.objectives):
        return "The contract names no target and no minimum."
    left = statement.budget_remaining.get("target")
    text = "Every objective is met" + (" so far" if statement.open else "")
    if left is None:
        return text + "."
    if statement.open:
        return f"{text}; {duration(left)} of downtime left before availability falls below its target."
    return f"{text}: {duration(statement.downtime)} of downtime, {duration(left)} less than the target allows."


def _owed(statement: Statement) -> Iterator[str]:
    if not statement.credits:
        return
    if statement.credit is None or statement.currency is None:
        if statement.credit_share:
            yield f"Credit owed: {share_of_charge(statement.credit_share)}."
        return
    owed = money(Fraction(statement.credit), statement.currency)
    certain = ", certain already" if statement.open and statement.credit else ""
    yield f"Credit owed: {owed}{certain}."
    if statement.at_stake:
        stake = money(Fraction(statement.at_stake), statement.currency)
        yield f"At stake: {stake} more, if the values so far stay as they are."


def share_of_charge(value: Fraction) -> str:
    """`10.000000% of the charge`."""
    return f"{percent(value)} of the charge"


def arithmetic(statement: Statement, line: CreditLine) -> str:
    """One credit with its operands: `99.861111% < 99.9% → 10% × 1000.00 USD = 100.00 USD`."""
    unit = next((objective.unit for objective in statement.objectives if objective.name == line.objective), "ratio")
    value = quantity(line.value, unit)
    if line.value is None:
        return "nothing measured → no credit"
    if line.threshold is None:
        return f"{value} → no credit"
    text = f"{value} {SIDES[line.side]} {level(line.threshold, unit)} → {_gives(statement, line)}"
    if line.at_stake:
        return f"{text}; at stake, not owed yet"
    return text if line.applied else f"{text}; {_why_not(statement, line)}"


def _gives(statement: Statement, line: CreditLine) -> str:
    """gives × base = exact → rounded, each step only where it changes something."""
    if statement.currency is None:
        return f"{share(line.share)} of the charge" if line.share is not None else "no credit"
    rounded = Fraction(line.rounded)
    gives = exact_money(line.gives, statement.currency)
    if line.share is not None and line.base is not None:
        gives = f"{share(line.share)} × {money(line.base, statement.currency)} = {gives}"
    steps = [gives]
    if line.gives != line.exact:
        steps.append(f"cap of this credit: {exact_money(line.exact, statement.currency)}")
    if rounded != line.exact:
        steps.append(f"rounded {money(rounded, statement.currency)}")
    return " → ".join(steps)


def _why_not(statement: Statement, line: CreditLine) -> str:
    """Why a line that reached a threshold does not stand."""
    if any(other.applied and other.exact > 0 for other in statement.credits):
        return "does not stand beside the highest credit"
    return "does not stand: below the least credit that is paid" if line.exact else "gives nothing"
