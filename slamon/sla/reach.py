"""Which other periods a statement looks at: what must be loaded before one period can be judged."""

from __future__ import annotations

from collections.abc import Iterator

from slamon.sla import periods
from slamon.sla.lines import Period
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.conditions import Where, Within
from slamon.sla.terms.times import Span

SPANS = frozenset({Span.MONTH, Span.QUARTER, Span.YEAR, Span.CONTRACT_YEAR})


def services(contract: Contract) -> tuple[Composition, ...]:
    """Everything the contract judges, in any of its versions: its service, and those its objectives name."""
    found = [contract.service]
    for terms in (contract, *contract.amendments):
        found += [terms.service, *(o.service for o in terms.objectives if o.service is not None)]
    return tuple(dict.fromkeys(found))


def needed(contract: Contract, period: Period, as_of: int) -> tuple[Period, ...]:
    """The contract's own periods, up to the one `as_of` lies in, whose sums the statement of `period` may ask for; in order."""
    terms = periods.version(contract, period.start)
    first = period
    start = period.start
    for within in _withins(terms):
        if within.length is not None:
            start = min(start, period.start - within.length)
        if within.span in SPANS and within.span is not None:
            start = min(start, periods.spanning(contract, period.start, within.span, period)[0])
    for cap in terms.caps:
        if cap.span in SPANS:
            start = min(start, periods.spanning(contract, period.start, cap.span, period)[0])
    if not periods.own(contract, period):
        first = periods.current(contract, max(start, 0))
    while first.start > start and first.start > 0:
        first = periods.shift(contract, first, -1)
    for _ in range(back(terms)):
        first = periods.shift(contract, first, -1)
    last = period if periods.own(contract, period) else (first, *periods.inside(contract, first.end, period.end))[-1]
    end = max(period.end, *(_end(within, contract, last) for within in _withins(terms)), 0)
    for _ in range(forward(terms)):
        if last.end < as_of:
            last = periods.shift(contract, last, 1)
    inside = (first, *periods.inside(contract, first.end, max(last.end, end)))
    return tuple(each for each in inside if each.start < max(as_of, period.start + 1))


def _end(within: Within, contract: Contract, period: Period) -> int:
    """Where the quarter or year ends in every period of which it must hold."""
    if within.where is Where.EVERY and within.span is not None:
        return periods.spanning(contract, period.start, within.span, period)[1]
    return period.end


def looks_ahead(contract: Contract, period: Period) -> bool:
    """What happens after the period's end may change its statement: later periods, payments, notices, deadlines that pass."""
    terms = periods.version(contract, period.start)
    return bool(terms.earn_back or terms.withhold or terms.terminations or terms.claim)


def back(terms: Contract) -> int:
    """So many periods before another one it looks at; one more, to see whether a right is new."""
    counts = [objective.mean_of - 1 for objective in terms.objectives]
    counts += [
        max(within.n or 0, within.m or 0) for within in _withins(terms) if within.where in (Where.CONSECUTIVE, Where.OF)
    ]
    return max(counts, default=0) + bool(terms.terminations)


def forward(terms: Contract) -> int:
    """So many periods that follow."""
    return max((within.n or 0 for within in _withins(terms) if within.where is Where.NEXT), default=0)


def _withins(terms: Contract) -> Iterator[Within]:
    yield from (condition.within for condition in (*terms.earn_back, *terms.withhold))
    yield from (bonus.within for bonus in terms.bonuses)
    yield from (termination.condition.within for termination in terms.terminations)
