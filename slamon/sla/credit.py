"""Verdicts + credit clauses → what is owed: each line exact, combined, tested against the least amount, rounded, added, capped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from slamon.sla.availability import Sums, availability
from slamon.sla.lines import CreditLine, ObjectiveLine
from slamon.sla.money import at_most, rounded
from slamon.sla.terms import Combine, Contract, Credit, Measure, Side

NO_CURRENCY = "XXX"
"""ISO 4217 for no currency: a contract without money owes none, and its zeros are still rounded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a contract owes for one period. Amounts are None for a contract without money, shares without a charge."""

    lines: tuple[CreditLine, ...]
    charge: Fraction | None
    uncapped: Decimal | None
    credit: Decimal | None
    credit_share: Fraction | None
    uncapped_share: Fraction | None
    lost_to_cap: Decimal | None
    at_stake: Decimal | None


def settle(contract: Contract, objectives: Sequence[ObjectiveLine]) -> Settlement:
    """Lines of an open period that may still improve are at stake: what is owed is computed without them."""
    charge = contract.price
    currency = contract.currency or NO_CURRENCY
    by_name = {line.name: line for line in objectives}
    lines = [credit_line(credit, by_name[credit.objective], charge, currency) for credit in contract.credits]
    owed = _pay(contract, [line for line in lines if not line.at_stake], charge, currency)
    all_of_it = _pay(contract, lines, charge, currency)
    standing = {*owed.names, *(line.name for line in lines if line.at_stake and line.name in all_of_it.names)}
    money = contract.currency is not None
    return Settlement(
        lines=tuple(replace(line, applied=line.name in standing) for line in lines),
        charge=charge,
        uncapped=owed.uncapped if money else None,
        credit=owed.credit if money else None,
        credit_share=owed.exact / charge if charge else None,
        uncapped_share=owed.gives / charge if charge else None,
        lost_to_cap=owed.uncapped - owed.credit if money else None,
        at_stake=max(all_of_it.credit - owed.credit, rounded(Fraction(0), currency)) if money else None,
    )


def credit_line(credit: Credit, objective: ObjectiveLine, charge: Fraction | None, currency: str) -> CreditLine:
    """One clause by itself: the furthest threshold reached, what it gives, the clause's own cap, rounding."""
    value = objective.value
    reached = [tier for tier in credit.tiers if value is not None and credit.side.reached(value, tier.threshold)]
    tier = reached[-1] if reached else None
    line = CreditLine(
        name=credit.name,
        clause=credit.clause,
        objective=credit.objective,
        value=value,
        side=credit.side.value,
        threshold=None if tier is None else tier.threshold,
        share=None if tier is None else tier.share,
        amount=None if tier is None else tier.amount,
        base=charge,
        exact=Fraction(0),
        rounded=rounded(Fraction(0), currency),
        applied=True,
        at_stake=objective.provisional,
    )
    limit = None if credit.cap is None or charge is None else credit.cap * charge
    exact, paid = _capped(line.gives, rounded(line.gives, currency), limit, currency)
    return replace(line, exact=exact, rounded=paid)


def to_next_credit(contract: Contract, time: Sums, readings: Mapping[str, Fraction]) -> int | None:
    """Further downtime, in nanoseconds, until an availability credit reaches its next threshold; None = no further one."""
    found = []
    for objective in contract.objectives:
        if objective.measure is not Measure.AVAILABILITY or objective.name in readings:
            continue
        figures = availability(time, objective.total, contract.unknown)
        for credit in contract.credits:
            if credit.objective == objective.name and credit.side in (Side.BELOW, Side.AT_MOST) and figures.total > 0:
                distances = [figures.until(credit.side, tier.threshold) for tier in credit.tiers]
                found += [distance for distance in distances if distance > 0]
    return min(found, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payment:
    names: frozenset[str]
    """Lines that stand."""
    gives: Fraction
    """Exact, before any cap."""
    exact: Fraction
    """Exact, after all caps."""
    uncapped: Decimal
    credit: Decimal


def _pay(contract: Contract, lines: Sequence[CreditLine], charge: Fraction | None, currency: str) -> _Payment:
    if contract.combine is Combine.HIGHEST and lines:
        lines = [max(lines, key=lambda line: line.exact)]
    gives = sum((line.gives for line in lines), start=Fraction(0))
    least = contract.minimum_credit
    if least is not None and (gives <= least if contract.minimum_credit_exclusive else gives < least):
        lines, gives = (), Fraction(0)
    nothing = rounded(Fraction(0), currency)
    exact, credit = (
        sum((line.exact for line in lines), start=Fraction(0)),
        sum((line.rounded for line in lines), start=nothing),
    )
    for limit in (None if contract.cap is None or charge is None else contract.cap * charge, contract.cap_amount):
        exact, credit = _capped(exact, credit, limit, currency)
    return _Payment(
        names=frozenset(line.name for line in lines),
        gives=gives,
        exact=exact,
        uncapped=sum((rounded(line.gives, currency) for line in lines), start=nothing),
        credit=credit,
    )


def _capped(exact: Fraction, amount: Decimal, limit: Fraction | None, currency: str) -> tuple[Fraction, Decimal]:
    """The exact and the rounded amount, neither above the limit."""
    return (exact, amount) if limit is None else (min(exact, limit), min(amount, at_most(limit, currency)))
