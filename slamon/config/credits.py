"""Credit clauses → terms: tables in order of severity, caps, and what several credits add up to."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

from slamon import units
from slamon.config.clauses import LATER_MEASURES
from slamon.config.clauses import Contract as Keys
from slamon.config.clauses import Credit as CreditKeys
from slamon.config.edge import Report, locate, written
from slamon.config.nodes import Mapping, Scalar
from slamon.config.objectives import FALLING, MEASURES, clause, quantity, worse
from slamon.config.reader import nearest, suggestion
from slamon.sla.terms import Credit, Measure, Objective, Side, Tier

SIDES = {Side.BELOW: True, Side.AT_MOST: True, Side.OVER: False, Side.AT_LEAST: False}
"""Side → is it the worse one of a measure that falls as it gets worse?"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """What a tier gives: a share of the charge or an amount."""

    share: Fraction | None = None
    amount: Fraction | None = None
    currency: str | None = None


def give(text: str) -> Give:
    """`10%`, `1/30` or `5 EUR`. Raises ValueError (`reason; fix`)."""
    if re.fullmatch(r"\d+ (business )?days?", text):
        raise ValueError("which day is meant is not said; write 1/30 or 1/31 of the charge, or an amount")
    if re.fullmatch(r"\d+ points?", text) or text.startswith("higher of "):
        raise ValueError("not yet supported; write a share of the charge such as 10%, or an amount such as 100 USD")
    if re.search(r"[A-Z]{3}$", text):
        amount, currency = units.money(text)
        if amount < 0:
            raise ValueError("a credit is not negative; write for example 100 USD")
        return Give(amount=amount, currency=currency)
    if re.fullmatch(r"\d+(\.\d+)?", text):
        raise ValueError(f"a credit needs its unit; write {text}% or {text} USD")
    try:
        return Give(share=units.share(text))
    except ValueError as error:
        raise ValueError("neither a share nor an amount; write for example 10%, 1/30 or 100 USD") from error


class Money:
    """The one currency of a contract, and whether a share has a charge to be a share of."""

    def __init__(self, keys: Keys, report: Report) -> None:
        self.price: Fraction | None = keys.price[0] if keys.price else None
        self.currency: str | None = keys.price[1] if keys.price else None
        self.unpriced = keys.price is None and "price" not in written(report)
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
        if self.unpriced:
            self.unpriced = False
            reason = "a share of the charge, and the contract has no price"
            report.say(at, reason, fix="add for example `price: 1000 USD/month`")

    def give(self, report: Report, *at: str) -> Give | None:
        """The give that stands at `at`; None after reporting what is wrong with it."""
        node = locate(report.node, at)[1]
        if not isinstance(node, Scalar):
            report.say(at, "this must be one value", fix="write for example 10%")
            return None
        try:
            value = give(node.text)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            report.say(at, reason, fix=fix)
            return None
        if value.currency is not None:
            self.amount(value.currency, report, *at)
        else:
            self.share(report, *at)
        return value


def credits_of(
    keys: Keys, objectives: dict[str, Objective], report: Report, money: Money
) -> tuple[tuple[Credit, ...], tuple[Objective, ...]]:
    """The credits that could be read, and the availability they are about where the contract does not list it."""
    implied: dict[str, Objective] = {}
    found = []
    for name, own in keys.credits.items():
        below = report.below("credits", name)
        word = name if own.measure is None else own.measure
        objective = objectives.get(word) or implied.get(word)
        if objective is None and word == Measure.AVAILABILITY.value:
            objective = Objective(name=word, measure=Measure.AVAILABILITY, clause=clause(report, "credits", name))
            implied[word] = objective
        if objective is None:
            if word not in keys.objectives:  # otherwise its mistake is already reported
                _no_objective(word, own, keys.objectives, below)
            continue
        credit = _credit(name, own, objective, below, money)
        if credit is not None:
            found.append(credit)
    if len(keys.credits) > 1 and keys.combine is None and "combine" not in written(report):
        report.say(
            ("credits",),
            f"{len(keys.credits)} credits give money and `combine` does not say how they add up",
            fix="add `combine: sum`, or `combine: highest` to pay only the largest",
            show=False,
        )
    return tuple(found), tuple(implied.values())


def caps(keys: Keys, report: Report, money: Money) -> tuple[Fraction | None, Fraction | None]:
    """(share, amount) of all credits of a period; both None = no cap. Not written = 100 % of the charge."""
    if keys.caps is None:
        if keys.credits and money.unpriced and "caps" not in written(report):
            money.unpriced = False
            reason = "credits are capped at 100% of the charge by default, and the contract has no price"
            report.say((), reason, fix="add `price`, a cap in money, or `caps: {}`", show=False)
        return Fraction(1), None
    value = None
    for key, text in keys.caps.items():
        if key in {"quarter", "year", "contract_year"} or re.fullmatch(r"\d+ months?", text):
            report.say(("caps", key), "not yet supported", fix="write for example `period: 100%`")
        elif key not in {"period", "month"}:
            report.say(("caps", key), "unknown key", fix=suggestion(key, ("period", "month")), show=False, at_key=True)
        elif value is not None:
            report.say(
                ("caps", key),
                "the period is a month: two caps of the same time",
                fix="keep one",
                show=False,
                at_key=True,
            )
        else:
            value = money.give(report, "caps", key)
    return (None, None) if value is None else (value.share, value.amount)


def _no_objective(word: str, own: CreditKeys, names: Collection[str], report: Report) -> None:
    at = () if own.measure is None else ("measure",)
    fix: str | None = "name an objective of this contract in `measure`"
    if word in MEASURES:
        reason, fix = f"there is no objective {word} to say how it is measured", f"add `{word}` to `objectives`"
    elif LATER_MEASURES.fullmatch(word):
        reason = f"a credit over {word!r} is not yet supported"
    else:
        reason = f"there is no objective {word!r}"
        near = nearest(word, {*names, *MEASURES})
        fix = f"did you mean {near}?" if near else fix
    report.say(at, reason, fix=fix, show=False, at_key=True)


def _credit(name: str, own: CreditKeys, objective: Objective, report: Report, money: Money) -> Credit | None:
    side = _side(objective.measure, report)
    tiers = (
        None
        if side is None
        else _tiers(report.below(side), objective.measure, money, per_unit=bool(written(report) & {"per", "give"}))
    )
    cap = None if own.cap is None else money.give(report, "cap")
    if cap is not None and cap.share is None:
        report.say(("cap",), "an amount as the cap of one credit is not yet supported", fix="write a share such as 50%")
    if tiers is None or side is None:
        return None
    return Credit(
        name=name,
        objective=objective.name,
        clause=clause(report),
        tiers=tiers,
        side=side,
        cap=None if cap is None else cap.share,
    )


def _side(measure: Measure, report: Report) -> Side | None:
    keys = written(report)
    sides = [side for side in SIDES if side in keys]
    falls = measure in FALLING
    worse_sides = " or ".join(side for side in SIDES if SIDES[side] == falls)
    if len(sides) > 1:
        report.say(
            (sides[1],),
            f"two sides in one credit: {' and '.join(sides)}",
            fix="write two credits",
            show=False,
            at_key=True,
        )
    elif not sides and not keys & {"per", "give"}:  # those are refused already
        report.missing((), "below" if falls else "over", "a credit says from where it gives")
    elif sides and SIDES[sides[0]] != falls:
        reason = f"{measure.value} gets worse as it {'falls' if falls else 'rises'}: {sides[0]} has the wrong side"
        report.say((sides[0],), reason, fix=f"write {worse_sides}", show=False, at_key=True)
    elif sides:
        return sides[0]
    return None


def _tiers(table: Report, measure: Measure, money: Money, *, per_unit: bool) -> tuple[Tier, ...] | None:
    """The table; None after reporting a mistake in it."""
    example = f"write for example {{{'99.9%' if measure in FALLING else '50ms'}: 10%}}"
    node = table.node
    if isinstance(node, Scalar) and node.text:
        if per_unit:
            return None  # those keys are refused already
        reason = "one threshold without a table (with `per` and `give`) is not yet supported"
        table.say((), reason, fix=example)
        return None
    if not isinstance(node, Mapping) or not node.items:
        table.say((), "this must be a table of thresholds and what they give", fix=example)
        return None
    before = len(table.problems)
    tiers: list[Tier] = []
    for key, _ in node.items:
        value = money.give(table, key.text)
        try:
            threshold = quantity(key.text, measure)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            table.say((key.text,), reason, fix=fix, at_key=True)
            continue
        tier = Tier(
            threshold=threshold,
            share=None if value is None else value.share,
            amount=None if value is None else value.amount,
        )
        if tiers:
            _severity(tiers[-1], tier, measure, table, key.text, money)
        if threshold in {earlier.threshold for earlier in tiers}:
            table.say((key.text,), "a threshold written twice", fix="keep one", at_key=True)
        tiers.append(tier)
    return tuple(tiers) if len(table.problems) == before else None


def _severity(last: Tier, tier: Tier, measure: Measure, table: Report, key: str, money: Money) -> None:
    """A table goes from mild to severe, and gives no less as it gets worse."""
    if worse(last.threshold, tier.threshold, measure):
        way = "from high to low" if measure in FALLING else "from low to high"
        table.say((key,), f"the thresholds are not in order of severity: {way}", fix="reorder the table", at_key=True)
        return
    if last.share is not None and tier.share is not None:
        shrinks = tier.share < last.share
    elif last.amount is not None and tier.amount is not None:
        shrinks = tier.amount < last.amount
    else:
        worth, before = _worth(tier, money.price), _worth(last, money.price)
        shrinks = worth is not None and before is not None and worth < before
    if shrinks:
        table.say((key,), "this gives less than the tier before it, although it is worse", fix="correct the amounts")


def _worth(tier: Tier, price: Fraction | None) -> Fraction | None:
    """What a tier gives in money; None where that is not known."""
    if tier.amount is not None:
        return tier.amount
    return None if tier.share is None or price is None else tier.share * price
