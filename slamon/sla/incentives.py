"""What conduct changes about the money: credit withheld or earned back, and what is given for more than was promised."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from slamon.sla import hours, periods
from slamon.sla.conditions import defined, every, holds
from slamon.sla.credit import NO_CURRENCY, lines
from slamon.sla.gives import money
from slamon.sla.growth import own_periods
from slamon.sla.history import History
from slamon.sla.lines import CreditLine, Period
from slamon.sla.money import rounded
from slamon.sla.overdue import days_overdue
from slamon.sla.stated import is_stated
from slamon.sla.terms.conditions import Bonus, Condition, Where
from slamon.sla.terms.credits import Credit, Give
from slamon.sla.terms.measures import Measure
from slamon.sla.terms.times import Span

NOTHING = Give(share=Fraction(0))


def withheld(history: History, period: Period) -> Condition | None:
    """The first condition by which the period's credit is not payable at `as_of`.

    A debt withholds what was earned after it fell due, and only until it is paid.
    """
    for condition in history.version(period).withhold:
        if condition.subject.measure is Measure.OVERDUE and condition.within.where is Where.PERIOD:
            days = days_overdue(history, history.as_of, business=condition.business, due_before=period.end)
            if condition.side.reached(days, condition.threshold):
                return condition
        elif holds(condition, history, period).value:
            return condition
    return None


def earned_back(history: History, period: Period) -> Decimal:
    """The period's credit, when a condition cancels it; else 0."""
    given = history.credit(period)
    conditions = history.version(period).earn_back
    return given if any(holds(condition, history, period).value for condition in conditions) else given - given


def payable(credit: Decimal, withheld: Condition | None, earned_back: Decimal) -> Decimal:
    """What of a credit is to be paid now."""
    return credit - credit if withheld is not None else credit - earned_back


# --- bonuses ------------------------------------------------------------------------------------------------------------------


def bonuses(history: History, period: Period) -> tuple[CreditLine, ...]:
    """What the provider earned, a line for each bonus and window that was over with or in the period; nothing before it is over.

    Of a span that is no period of the contract: the bonuses of the contract's periods that end in it.
    """
    own = [period]
    if not periods.own(history.contract, period):
        own = [one for one in own_periods(history, period.start, period.end) if one.end <= period.end]
    return tuple(
        line
        for one in own
        if one.end <= history.as_of
        for bonus in history.version(one).bonuses
        for line in _lines(history, one, bonus)
    )


def _lines(history: History, period: Period, bonus: Bonus) -> Iterator[CreditLine]:
    """The one line of a bonus in the period it is given in."""
    window = _window(history, period, bonus)
    if window is None or window[-1].end > history.as_of:
        return
    if not all(defined(history, one, bonus.credit.subject) for one in window):
        return
    base = _base(history, window)
    if bonus.within.where is Where.ANY:
        yield _sliding(history, period, bonus, base)
        return
    # A table gives for its furthest threshold that holds in each of the periods: that is the least any of them gives.
    each = sorted(
        (_line(history, one, bonus.credit, base) for one in window), key=lambda line: (line.exact, line.points)
    )
    need = bonus.within.n if bonus.within.where is Where.OF and bonus.within.n is not None else len(each)
    yield each[-need]


def _window(history: History, period: Period, bonus: Bonus) -> Sequence[Period] | None:
    """The periods a bonus is for, when it is given in `period`; what the next periods have to show is given in the last of them."""
    contract, within = history.contract, bonus.within
    match within.where:
        case Where.CONSECUTIVE | Where.OF | Where.NEXT:
            size = (within.m if within.where is Where.OF else within.n) or 1
            return [periods.shift(contract, period, n) for n in range(1 - size, 1)]
        case Where.EVERY:
            whole = every(history, period, within.span or Span.PERIOD)
            return whole if period == whole[-1] else None
        case _:
            return [period]


def _base(history: History, window: Sequence[Period]) -> Fraction | None:
    charges = [charge for charge in (history.charged(one).charge for one in window) if charge is not None]
    return sum(charges, start=Fraction(0)) if charges else None


def _line(history: History, period: Period, credit: Credit, base: Fraction | None) -> CreditLine:
    """A bonus is a credit the other way round; of a period before anything was known or agreed it gives nothing."""
    contract = history.version(period)
    alone = replace(contract, credits=(credit,))
    if credit.subject.measure is Measure.POINTS:  # those of the credits
        others = tuple(replace(each, name=f"{each.name} ") for each in contract.credits)
        alone = replace(contract, credits=(*others, credit))
    line = lines(alone, history.measured(period), base)[-1]
    return _giving(history, period, replace(line, value=None), NOTHING) if _is_before(history, period) else line


def _is_before(history: History, period: Period) -> bool:
    """It ended before anything was known or agreed. Where facts are stated by hand, what nobody mentions is known to be up."""
    known = hours.term(history.contract)[0] if is_stated(history.facts) else history.known_from
    return period.end <= known


def _sliding(history: History, period: Period, bonus: Bonus, base: Fraction | None) -> CreditLine:
    """The furthest threshold that holds in a window; of so much per unit, what the period gives."""
    credit = bonus.credit
    line = _line(history, period, credit, base)
    if not credit.tiers:
        return line
    for tier in reversed(credit.tiers):
        assert credit.side is not None, "a table has a side"
        condition = Condition(
            name=credit.name,
            subject=credit.subject,
            side=credit.side,
            threshold=tier.threshold,
            clause=credit.clause,
            within=bonus.within,
            business=tier.business,
        )
        if holds(condition, history, period).value:
            return _giving(history, period, replace(line, value=None), tier.give, tier.threshold)
    return _giving(history, period, line, NOTHING)


def _giving(
    history: History, period: Period, line: CreditLine, give: Give, threshold: Fraction | None = None
) -> CreditLine:
    """The line of a bonus that gives this, whatever the period by itself would."""
    gives = money(give, line.base)
    exact = gives if line.cap is None else min(gives, line.cap)
    return replace(
        line,
        threshold=threshold,
        units=None if line.per is None else Fraction(0),
        share=give.share,
        points=give.points or 0,
        gives=gives,
        exact=exact,
        rounded=rounded(exact, history.version(period).currency or NO_CURRENCY),
        parts=(),
    )
