"""What an entry gives: shares of the charge, money, points; and the one currency of a contract."""

from __future__ import annotations

import re
from fractions import Fraction

from slamon import units
from slamon.config.clauses import Contract as Keys
from slamon.config.edge import Report, written
from slamon.sla.terms import PeriodKind
from slamon.sla.terms.credits import Give
from slamon.sla.terms.times import Span

MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}
PERIOD_MONTHS = {
    PeriodKind.MONTH: 1,
    PeriodKind.BILLING_MONTH: 1,
    PeriodKind.QUARTER: 3,
    PeriodKind.YEAR: 12,
    PeriodKind.CONTRACT_YEAR: 12,
}
EXAMPLE = "write for example 10%, 1/30 or 100 USD"


def give(text: str) -> tuple[Give, tuple[str, ...]]:
    """`10%`, `1/30`, `5 EUR`, `3 points`, `higher of 5 EUR and 10%` → (what is given, currencies it names).

    Raises ValueError (`reason; fix`).
    """
    if match := re.fullmatch(r"higher of (.+?) and (.+)", text):
        (one, first), (other, second) = give(match[1]), give(match[2])
        if not (one.money and other.money):
            raise ValueError("points cannot be compared with money; write for example higher of 5 EUR and 10%")
        return Give(higher=(one, other)), (*first, *second)
    if re.fullmatch(r"\d+ (business )?days?", text):
        raise ValueError("which day is meant is not said; write 1/30 or 1/31 of the charge, or an amount")
    if match := re.fullmatch(r"(\d{1,12}) points?", text):
        return Give(points=int(match[1])), ()
    if re.search(r"[A-Z]{3}$", text):
        amount, currency = units.money(text)
        if amount < 0:
            raise ValueError("what is given is not negative; write for example 100 USD")
        return Give(amount=amount), (currency,)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f"what is given needs its unit; write {text}% or {text} USD")
    try:
        return Give(share=units.share(text)), ()
    except ValueError as error:
        raise ValueError(f"neither a share nor an amount nor points; {EXAMPLE}") from error


def shares(value: Give) -> bool:
    """True when the give, or one of the two it is the higher of, is a share of the charge."""
    return value.share is not None or (value.higher is not None and any(shares(each) for each in value.higher))


class Money:
    """The one currency of a contract, and whether a share has a charge to be a share of."""

    def __init__(self, keys: Keys, report: Report) -> None:
        self.currency: str | None = keys.price[1] if keys.price else None
        self.priced = keys.price is not None
        self.charge: Fraction | None = None
        """Of one whole period; None where its length in months is not known."""
        if keys.price is not None and keys.period.kind in PERIOD_MONTHS:
            self.charge = keys.price[0] * PERIOD_MONTHS[keys.period.kind] / MONTHS[keys.price[2]]
        self._unpriced = not self.priced and "price" not in written(report)
        """A price that is written and wrong is reported already."""

    def amount(self, currency: str, report: Report, *at: str) -> None:
        """Checks the currency of an amount that stands at `at`; the first one met is the contract's."""
        if self.currency is None:
            self.currency = currency
        elif currency != self.currency:
            reason = f"two currencies in one contract: {self.currency} and {currency}"
            report.say(at, reason, fix=f"write {self.currency}")

    def share(self, report: Report, *at: str) -> None:
        """Checks that a share at `at` has a charge; said once a contract."""
        if self._unpriced:
            self._unpriced = False
            reason = "a share of the charge, and the contract has no price"
            report.say(at, reason, fix="add for example `price: 1000 USD/month`")

    def give(self, text: str, report: Report, *at: str) -> Give | None:
        """The give that stands at `at`; None after reporting what is wrong with it."""
        try:
            value, currencies = give(text)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            report.say(at, reason, fix=fix or None)
            return None
        for currency in currencies:
            self.amount(currency, report, *at)
        if shares(value):
            self.share(report, *at)
        return value

    def worth(self, value: Give) -> Fraction | None:
        """What a give comes to in money in a whole period; None where that is not known, and for points."""
        if value.higher is not None:
            known = [worth for each in value.higher if (worth := self.worth(each)) is not None]
            return max(known) if len(known) == len(value.higher) else None
        if value.share is not None:
            return None if self.charge is None else value.share * self.charge
        return value.amount

    def shrinks(self, before: Give, value: Give) -> bool:
        """True when it is certain that `value` is less than `before`."""
        if before.share is not None and value.share is not None:
            return value.share < before.share
        if before.points is not None and value.points is not None:
            return value.points < before.points
        worth, was = self.worth(value), self.worth(before)
        return worth is not None and was is not None and worth < was
