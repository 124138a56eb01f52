"""The money of a period, and of several of a contract's own periods together, where a statement spans them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from slamon.sla import incentives, periods
from slamon.sla.account import Account
from slamon.sla.credit import Settlement
from slamon.sla.lines import CreditLine, Period
from slamon.sla.money import rounded


def made_of(account: Account, period: Period) -> tuple[Period, ...]:
    """The own periods that `period` is made of; itself when it is one, or is none of them exactly."""
    if periods.own(account.contract, period):
        return (period,)
    inside = periods.inside(account.contract, period.start, period.end)
    whole = bool(inside) and inside[0].start == period.start and inside[-1].end == period.end
    return inside if whole else (period,)


def settlement(account: Account, period: Period) -> Settlement:
    parts = made_of(account, period)
    if len(parts) == 1:
        return account.settlement(parts[0])
    each = [account.settlement(part) for part in parts]
    base = charged(account, period)[1]
    exact = [(s.credit_share, s.uncapped_share, account.charged(p).base) for s, p in zip(each, parts, strict=True)]
    return Settlement(
        lines=(),
        caps=(),
        points=sum(s.points for s in each),
        uncapped=_added(s.uncapped for s in each),
        credit=_added(s.credit for s in each),
        credit_share=sum(((a or 0) * (b or 0) for a, _, b in exact), start=Fraction(0)) / base if base else None,
        uncapped_share=sum(((a or 0) * (b or 0) for _, a, b in exact), start=Fraction(0)) / base if base else None,
        lost_to_cap=_added(s.lost_to_cap for s in each),
        at_stake=_added(s.at_stake for s in each),
    )


def charged(account: Account, period: Period) -> tuple[Fraction | None, Fraction | None]:
    each = [account.charged(part) for part in made_of(account, period)]
    charges = [own.charge for own in each if own.charge is not None]
    bases = [own.base for own in each if own.base is not None]
    return sum(charges, start=Fraction(0)) if charges else None, sum(bases, start=Fraction(0)) if bases else None


def _added(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known[1:], start=known[0]) if known else None


def earned(account: Account, period: Period) -> tuple[Decimal | None, tuple[CreditLine, ...], Decimal | None]:
    """(earned back, bonus lines, bonus); None without money."""
    contract = account.version(period)
    if contract.currency is None:
        return None, (), None
    nothing = rounded(Fraction(0), contract.currency)
    earned = sum((incentives.earned_back(account, part) for part in made_of(account, period)), start=nothing)
    lines = incentives.bonuses(account, period)
    return earned, lines, sum((line.rounded for line in lines), start=nothing)
