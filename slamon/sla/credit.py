"""Measured values + credit clauses → what is owed: each line exact, combined, tested against the least amount, rounded, added, capped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from slamon.sla.combine import combined, summed
from slamon.sla.deadlines import days_between
from slamon.sla.gives import Grant, grant, money
from slamon.sla.history import Charged
from slamon.sla.lines import CapLine, CreditLine, CreditPart
from slamon.sla.measured import Measured, excess
from slamon.sla.money import at_most, rounded
from slamon.sla.subjects import ancestry, judged, outage_days, root, value, whole_days, written
from slamon.sla.terms import Contract
from slamon.sla.terms.credits import Cap, Credit
from slamon.sla.terms.measures import Measure, Side
from slamon.sla.terms.times import Span
from slamon.sla.timeline import Spans, clip, union

NO_CURRENCY = "XXX"
"""ISO 4217 for no currency: a contract without money owes none, and its zeros are still rounded."""


# --- each credit by itself ----------------------------------------------------------------------------------------------------


def lines(contract: Contract, measured: Measured, base: Fraction | None) -> tuple[CreditLine, ...]:
    """Every credit of a period by itself, in the contract's order. `base` is what a share is a share of, None without a price.

    Those about `points` read what the credits that give points come to in this period.
    """
    found: dict[str, CreditLine] = {}
    for credit in contract.credits:
        if credit.subject.measure is not Measure.POINTS:
            parts = _parts(contract, credit, measured, base)
            name = credit.subject.objective
            at_stake = name is not None and measured.objective(name).provisional
            found[credit.name] = _line(contract, credit, parts, base, at_stake=at_stake)
    points = Fraction(sum(line.points for line in found.values()))
    unsettled = any(line.at_stake and line.points for line in found.values())
    for credit in contract.credits:
        if credit.subject.measure is Measure.POINTS:
            parts = (_part(grant(credit, points, base), *_period(measured)),)
            found[credit.name] = _line(contract, credit, parts, base, at_stake=unsettled)
    return tuple(found[credit.name] for credit in contract.credits)


def _line(
    contract: Contract, credit: Credit, parts: tuple[CreditPart, ...], base: Fraction | None, *, at_stake: bool
) -> CreditLine:
    """The parts added, and the credit's own cap. The part that gives most lends the line its value and threshold."""
    most = max(parts, key=lambda part: (part.exact, part.points, part.value or 0), default=None)
    gives = Fraction(sum(part.exact for part in parts))
    points = sum(part.points for part in parts)
    cap = _cap(credit, base)
    exact = gives if cap is None else min(gives, cap)
    return CreditLine(
        name=credit.name,
        clause=credit.clause,
        measure=_measure(contract, credit),
        objective=credit.subject.objective,
        dimension=contract.dimension(credit.subject),
        value=Fraction(0) if most is None else most.value,
        side=None if credit.side is None else credit.side.value,
        threshold=None if most is None else most.threshold,
        per=None if credit.per is None else credit.per.text,
        units=None if credit.per is None else summed(part.units for part in parts),
        share=summed(part.share for part in parts) if parts else grant(credit, None, base).share,
        points=points if credit.cap is None or credit.cap.points is None else min(points, credit.cap.points),
        base=base,
        gives=gives,
        cap=cap,
        exact=exact,
        rounded=rounded(exact, contract.currency or NO_CURRENCY),
        applied=True,
        at_stake=at_stake,
        parts=parts,
    )


def _cap(credit: Credit, base: Fraction | None) -> Fraction | None:
    """The credit's own cap as money; None where it has none, or the share of an unknown base."""
    if credit.cap is None or not credit.cap.money or (credit.cap.share is not None and base is None):
        return None
    return money(credit.cap, base)


def _measure(contract: Contract, credit: Credit) -> str:
    """As written, also where an objective stands between."""
    name = credit.subject.objective
    between = None if name is None else contract.objective(name).subject
    return written(credit.subject if between is None or credit.subject.measure is Measure.EXCESS else between)


def _parts(contract: Contract, credit: Credit, measured: Measured, base: Fraction | None) -> tuple[CreditPart, ...]:
    """The entry applied to each outage, to each day of one, or to the one value of the period."""
    match credit.subject.measure:
        case Measure.EACH_OUTAGE if credit.subject.objective is None:
            return tuple(
                _part(grant(credit, incident.charged, base), incident.start, incident.end, incident.spans)
                for incident in measured.counted
            )
        case Measure.EACH_DAY_OUT:
            return tuple(
                _part(_day(contract, credit, since, start, base), start, end)
                for since, start, end in (
                    (incident.start, start, end)
                    for incident in measured.incidents
                    for _, start, end in whole_days(measured, incident)
                )
            )
    given = grant(credit, value(measured, credit.subject), base)
    return (_part(given, *_period(measured), _time(contract, credit, measured, given.threshold)),)


def _day(contract: Contract, credit: Credit, since: int, day: int, base: Fraction | None) -> Grant:
    """What the day of an outage that begins at `day` gives; the civil day in which the outage began is day 0."""
    elapsed, business = (Fraction(days_between(contract, since, day, business)) for business in (False, True))
    return grant(credit, elapsed, base, business=business)


def _part(given: Grant, start: int, end: int, spans: Spans = ()) -> CreditPart:
    return CreditPart(
        start=start,
        end=end,
        value=given.value,
        threshold=given.threshold,
        units=given.units,
        share=given.share,
        exact=given.exact,
        points=given.points,
        spans=() if spans == ((start, end),) else spans,
    )


# --- the time a credit stands for -----------------------------------------------------------------------------------------------


def _period(measured: Measured) -> tuple[int, int]:
    return measured.period.start, measured.period.end


def _time(contract: Contract, credit: Credit, measured: Measured, threshold: Fraction | None) -> Spans:
    """The outages it counts, or the windows of `worst` that fail; empty = the period."""
    subject, objective = root(contract, credit.subject)
    of = measured if objective is None else measured.apart.get(objective.name, measured)
    match subject.measure:
        case Measure.AVAILABILITY | Measure.DOWNTIME:
            counted = union(span for incident in of.incidents for span in incident.spans)
            return clip(counted, *_period(measured))
        case Measure.OUTAGES:
            return union(span for incident in of.outages(subject) for span in incident.spans)
        case Measure.RESTORE | Measure.NOTIFY:
            return union(span for incident in of.counted for span in incident.spans)
        case Measure.DAYS_WITH_OUTAGE:
            return union(span for spans in outage_days(of, subject).values() for span in spans)
    return _failing(contract, credit, measured, threshold)


def _failing(contract: Contract, credit: Credit, measured: Measured, threshold: Fraction | None) -> Spans:
    """The windows of its objective on the bad side of the threshold reached."""
    name = credit.subject.objective
    if name is None:
        return ()
    line, objectives = measured.objective(name), ancestry(contract, name)
    windows = next((measured.windows[o.name] for o in reversed(objectives) if o.name in measured.windows), ())
    side, limit = credit.side or Side.OVER, threshold or Fraction(0)

    def bad(exact: Fraction) -> bool:
        found = judged(objectives, exact)
        of = excess(replace(line, value=found)) if credit.subject.measure is Measure.EXCESS else found
        return of is not None and side.reached(of, limit)

    return union((window.start, window.end) for window in windows if bad(window.value))


# --- all of them together -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CapRoom:
    """A cap on all credits of a span and what it still leaves to this period."""

    cap: Cap
    limit: Fraction
    """Money, for the whole span."""
    spent: Decimal
    """By earlier periods of the span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a contract owes for one period. Amounts are None for a contract without money, shares without a base."""

    lines: tuple[CreditLine, ...]
    """As they stand: `applied` decided, and where only parts of one stand, its amounts those of these parts."""
    caps: tuple[CapLine, ...]
    """Smallest span first."""
    points: int
    """Given by lines that are not at stake."""
    uncapped: Decimal | None
    """The rounded lines that stand, added."""
    credit: Decimal | None
    """After all caps."""
    credit_share: Fraction | None
    """Of the base, exact."""
    uncapped_share: Fraction | None
    lost_to_cap: Decimal | None
    at_stake: Decimal | None
    """What more would be owed if the period ended as it stands."""


def settle(
    contract: Contract, lines: Sequence[CreditLine], charged: Charged, caps: Sequence[CapRoom], currency: str | None
) -> Settlement:
    """`lines` are those of `lines`; what is owed is computed without those at stake. Points are not money: they do not compete."""
    unit = currency or NO_CURRENCY
    monetary = {credit.name for credit in contract.credits if credit.money}
    candidates = [line for line in lines if line.name in monetary]
    ordered = sorted(caps, key=lambda room: list(Span).index(room.cap.span))
    owed = _pay(contract, [line for line in candidates if not line.at_stake], ordered, unit)
    all_of_it = _pay(contract, candidates, ordered, unit)
    standing = {line.name: line for line in (*owed.lines, *(line for line in all_of_it.lines if line.at_stake))}
    base = charged.base
    return Settlement(
        lines=tuple(standing.get(line.name, line) for line in lines),
        caps=owed.caps,
        points=sum(line.points for line in lines if not line.at_stake),
        uncapped=owed.uncapped if currency else None,
        credit=owed.credit if currency else None,
        credit_share=owed.exact / base if base else None,
        uncapped_share=owed.gives / base if base else None,
        lost_to_cap=owed.uncapped - owed.credit if currency else None,
        at_stake=max(all_of_it.credit, owed.credit) - owed.credit if currency else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Payment:
    lines: tuple[CreditLine, ...]
    caps: tuple[CapLine, ...]
    gives: Fraction
    """Exact, before the caps."""
    exact: Fraction
    """Exact, after them."""
    uncapped: Decimal
    credit: Decimal


def _pay(contract: Contract, candidates: Sequence[CreditLine], caps: Sequence[CapRoom], currency: str) -> _Payment:
    lines = combined(contract.combine, candidates, currency)
    gives = Fraction(sum(line.exact for line in lines if line.applied))
    if not _enough(contract, gives):
        lines = tuple(replace(line, applied=line.applied and not line.exact) for line in lines)
        gives = Fraction(0)
    uncapped = sum((line.rounded for line in lines if line.applied), start=rounded(Fraction(0), currency))
    exact, credit, removals = gives, uncapped, []
    for room in caps:
        left = max(at_most(room.limit, currency) - room.spent, rounded(Fraction(0), currency))
        exact, before, credit = (
            min(exact, max(room.limit - Fraction(room.spent), Fraction(0))),
            credit,
            min(credit, left),
        )
        removals.append(
            CapLine(
                span=room.cap.span.value,
                clause=room.cap.clause,
                limit=room.limit,
                spent=room.spent,
                removed=before - credit,
            )
        )
    return _Payment(lines=lines, caps=tuple(removals), gives=gives, exact=exact, uncapped=uncapped, credit=credit)


def _enough(contract: Contract, gives: Fraction) -> bool:
    """The least amount a contract pays, before caps and rounding."""
    least = contract.minimum_credit
    if least is None:
        return True
    return gives > least if contract.minimum_credit_exclusive else gives >= least
