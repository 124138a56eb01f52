"""What all credits of a contract together may come to: caps, and tables that contradict each other."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction

from slamon.config.clauses import Contract as Keys
from slamon.config.edge import Report
from slamon.config.gives import Money
from slamon.config.objectives import clause
from slamon.config.reader import suggestion
from slamon.model import DAY
from slamon.sla.terms import PeriodKind
from slamon.sla.terms.credits import Cap, Credit
from slamon.sla.terms.measures import Measure, Side
from slamon.sla.terms.times import Span
from slamon.units import format_duration, format_percent

ORDER = tuple(Span)
SAME = {
    PeriodKind.MONTH: Span.MONTH,
    PeriodKind.BILLING_MONTH: None,
    PeriodKind.QUARTER: Span.QUARTER,
    PeriodKind.YEAR: Span.YEAR,
    PeriodKind.CONTRACT_YEAR: Span.CONTRACT_YEAR,
    PeriodKind.ROLLING: None,
}
"""The span of civil time that each kind of period is."""
THIRTY_DAYS = 30 * DAY
"""What published tables of durations are computed for."""


def caps(keys: Keys, credits_: Iterable[Credit], report: Report, money: Money) -> tuple[Cap, ...]:
    """In the order of their spans, the smallest first. Not written = 100 % of the charge, where there is one."""
    if keys.caps is None:
        if not money.priced or not any(credit.money for credit in credits_):
            return ()
        return (Cap(span=Span.PERIOD, clause=clause(report), share=Fraction(1)),)
    found: dict[Span, Cap] = {}
    for key, text in keys.caps.items():
        if key not in set(Span):
            report.say(("caps", key), "unknown key", fix=suggestion(key, tuple(Span)), show=False, at_key=True)
            continue
        span = Span(key)
        same = SAME[keys.period.kind]
        if {span, same} & {*found} if span is Span.PERIOD else span is same and Span.PERIOD in found:
            reason = f"the period is a {str(same).replace('_', ' ')}: two caps of the same time"
            report.say(("caps", key), reason, fix="keep one", show=False, at_key=True)
            continue
        cap = _cap(span, text, report, money)
        if cap is not None:
            found[span] = cap
    return tuple(found[span] for span in ORDER if span in found)


def _cap(span: Span, text: str, report: Report, money: Money) -> Cap | None:
    where = clause(report, "caps", span)
    if match := re.fullmatch(r"(\d{1,4}) months?", text):
        money.share(report, "caps", span)
        return Cap(span=span, clause=where, months=int(match[1]))
    value = money.give(text, report, "caps", span)
    if value is None:
        return None
    if value.share is None and value.amount is None:
        report.say(("caps", span), "not a cap", fix="write for example 100%, 500 USD or 3 months")
        return None
    return Cap(span=span, clause=where, share=value.share, amount=value.amount)


def disagreement(credits_: Iterable[Credit]) -> str | None:
    """Why a table of durations and one of percents do not say the same of a period of 30 days; None when they do."""
    tables = [credit for credit in credits_ if credit.tiers and credit.money]
    durations = [credit for credit in tables if credit.subject.measure is Measure.DOWNTIME]
    percents = [
        credit
        for credit in tables
        if credit.subject.measure is Measure.AVAILABILITY and credit.side in {Side.BELOW, Side.AT_MOST}
    ]
    for by_length in durations:
        for by_share in percents:
            for long, short in zip(by_length.tiers, by_share.tiers, strict=False):
                down = (1 - short.threshold) * THIRTY_DAYS
                if down != long.threshold:
                    return (
                        f"the table {by_length.name} in durations and {by_share.name} in percents disagree: in 30 days "
                        f"{format_percent(short.threshold).rstrip('%').rstrip('0').rstrip('.')}% is down for "
                        f"{format_duration(int(down))}, not {format_duration(int(long.threshold))}"
                    )
    return None
