"""One contract over all its periods, as known at one instant: each is measured and settled once, and remembered for the others.

The order of evaluation is fixed: the version of the terms and the period, time in scope, states and outages, exclusions (`tally`),
availability and the other objectives (`values`, `verdict`), credits, what they add up to, caps (`credit`); incentives, deadlines and
rights (`statement`) look at several periods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from slamon.sla import calendar, credit, periods, values
from slamon.sla.availability import Sums, charged
from slamon.sla.credit import CapRoom, Settlement
from slamon.sla.facts import Charge, Facts
from slamon.sla.history import Charged
from slamon.sla.hours import scope, term
from slamon.sla.lines import CreditLine, ObjectiveLine, Period, Status
from slamon.sla.measured import Incident, Measured, excess
from slamon.sla.stated import is_stated
from slamon.sla.tally import Tally, tally
from slamon.sla.terms import Contract, Term
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.credits import Cap, CreditBase
from slamon.sla.terms.measures import Measure
from slamon.sla.terms.objectives import Form, Objective
from slamon.sla.terms.outages import BelongsTo
from slamon.sla.terms.times import Span
from slamon.sla.timeline import Spans, clip, length, union
from slamon.sla.values import Figure
from slamon.sla.verdict import coverage_suffices, objective_line

Tallies: TypeAlias = Callable[[Contract, Composition, Period], Tally]
"""Version of the terms, service, period → its sums."""

MONTHS = {Span.MONTH: 1, Span.QUARTER: 3, Span.YEAR: 12}


class Account:
    """Implements `history.History`."""

    def __init__(
        self,
        contract: Contract,
        facts: Facts,
        as_of: int,
        *,
        tallies: Tallies | None = None,
        known_from: int | None = None,
    ) -> None:
        """`tallies`: sums somebody keeps; None = from the facts. `known_from`: None = from the facts."""
        self._contract = contract
        self._facts = facts
        self._as_of = as_of
        self._source = self._from_facts if tallies is None else tallies
        self._tallies: dict[tuple[Composition, Period], Tally] = {}
        self._measured: dict[Period, Measured] = {}
        self._lines: dict[Period, tuple[CreditLine, ...]] = {}
        self._settled: dict[Period, Settlement] = {}
        self._figures: dict[tuple[str, Period], Figure] = {}
        self._charged: dict[Period, Charged] = {}
        self._known_from = _known_from(contract, facts) if known_from is None else known_from

    @property
    def contract(self) -> Contract:
        return self._contract

    @property
    def facts(self) -> Facts:
        return self._facts

    @property
    def as_of(self) -> int:
        return self._as_of

    @property
    def known_from(self) -> int:
        return self._known_from

    def version(self, period: Period) -> Contract:
        return periods.version(self._contract, period.start)

    # --- what was measured ----------------------------------------------------------------------------------------------------

    def tally(self, period: Period, service: Composition | None = None) -> Tally:
        """`service`: None = the contract's."""
        terms = self.version(period)
        key = (terms.service if service is None else service, period)
        if key not in self._tallies:
            self._tallies[key] = self._source(terms, *key)
        return self._tallies[key]

    def sums(self, period: Period, service: Composition | None = None) -> Sums:
        terms = self.version(period)
        hours = scope(replace(terms, term=Term()), period.start, period.end) if terms.term != Term() else ()
        inside = scope(terms, period.start, period.end) if hours else ()
        return Sums.of(self.tally(period, service), beyond_term=length(hours) - length(inside))

    def measured(self, period: Period) -> Measured:
        if period not in self._measured:
            self._measured[period] = self._measure(period)
        return self._measured[period]

    def given(self, period: Period) -> Mapping[str, Fraction]:
        """Values stated instead of measured, by objective."""
        return self._facts.readings.get(period.name, {})

    def incidents(self, start: int, end: int) -> tuple[Incident, ...]:
        found = {i.start: i for period in self._meeting(start, end) for i in self.measured(period).incidents}
        return tuple(found[at] for at in sorted(found) if start <= at < end and found[at].charged > 0)

    def downtime(self, start: int, end: int) -> Spans:
        found = (
            span for period in self._meeting(start, end) for i in self.measured(period).incidents for span in i.spans
        )
        return clip(union(found), start, end)

    # --- money ----------------------------------------------------------------------------------------------------------------

    def charged(self, period: Period) -> Charged:
        if period not in self._charged:
            self._charged[period] = self._charge(period)
        return self._charged[period]

    def _charge(self, period: Period) -> Charged:
        terms = self.version(period)
        stated = self._facts.charges.get(period.name, Charge())
        charge = stated.billed
        if charge is None:
            charge = periods.charge(self._contract, period.start, period.end)
        return Charged(charge=charge, base=self._base(terms.credit_base, period, charge, stated))

    def _base(self, rule: CreditBase, period: Period, charge: Fraction | None, stated: Charge) -> Fraction | None:
        match rule:
            case CreditBase.PAID:
                return charge if stated.paid is None else stated.paid
            case CreditBase.USAGE:
                return stated.usage
            case CreditBase.HIGHER:
                return stated.usage if charge is None else max(charge, stated.usage or Fraction(0))
            case CreditBase.NEXT_CHARGE:
                return self._next_charge(period) if periods.own(self._contract, period) else charge
            case _:
                return charge

    def _next_charge(self, period: Period) -> Fraction | None:
        following = periods.shift(self._contract, period, 1)
        billed = self._facts.charges.get(following.name, Charge()).billed
        return periods.charge(self._contract, following.start, following.end) if billed is None else billed

    def lines(self, period: Period) -> tuple[CreditLine, ...]:
        if period not in self._lines:
            self._lines[period] = credit.lines(self.version(period), self.measured(period), self.charged(period).base)
        return self._lines[period]

    def settlement(self, period: Period) -> Settlement:
        """The credits of one of the contract's own periods, combined and capped."""
        if period not in self._settled:
            terms = self.version(period)
            rooms = [room for cap in terms.caps if (room := self._room(cap, period)) is not None]
            self._settled[period] = credit.settle(
                terms, self.lines(period), self.charged(period), rooms, terms.currency
            )
        return self._settled[period]

    def credit(self, period: Period) -> Decimal:
        return self.settlement(period).credit or Decimal(0)

    def _room(self, cap: Cap, period: Period) -> CapRoom | None:
        """None for a share of a charge that does not exist."""
        together = periods.sharing(self._contract, period, cap.span)
        if cap.amount is not None:
            limit: Fraction | None = cap.amount
        elif cap.months is not None:
            limit = self._monthly(period, cap.months)
        else:
            charges = [self.charged(p).charge for p in together]
            known = [charge for charge in charges if charge is not None]
            limit = None if cap.share is None or not known else cap.share * sum(known, start=Fraction(0))
        if limit is None:
            return None
        earlier = [p for p in together if self._known_from < p.end <= period.start]
        return CapRoom(cap=cap, limit=limit, spent=sum(map(self.credit, earlier), start=Decimal(0)))

    def _monthly(self, period: Period, months: int) -> Fraction | None:
        """So many monthly charges, at the price in force when the period begins."""
        in_force = None
        for price in self._contract.prices:
            begins = 0 if price.since is None else calendar.midnight(price.since, self._contract.timezone)
            if in_force is None or begins <= period.start:
                in_force = price
        return None if in_force is None else in_force.amount * months / MONTHS[in_force.per]

    # --- one period -----------------------------------------------------------------------------------------------------------

    def _measure(self, period: Period) -> Measured:
        terms = self.version(period)
        bare = self._counts(period, None)
        said = coverage_suffices(terms, self.sums(period))
        given = {
            name: value for name, value in self.given(period).items() if any(o.name == name for o in terms.objectives)
        }
        lines: dict[str, ObjectiveLine] = {}
        for objective in _in_order(terms.objectives):
            found = self._figure(objective, period, lines)
            lines[objective.name] = objective_line(
                objective, found, given=objective.name in given, said=said, open_period=bare.open
            )
        return replace(
            bare,
            objectives={objective.name: lines[objective.name] for objective in terms.objectives},
            windows={
                objective.name: values.windows(terms, objective, self.tally(period, objective.service))
                for objective in terms.objectives
                if objective.statistic is not None
                and objective.statistic.form is Form.WORST
                and objective.name not in given
            },
            apart={
                objective.name: self._counts(period, objective.service)
                for objective in terms.objectives
                if objective.service not in (None, terms.service)
            },
            given=given,
        )

    def _counts(self, period: Period, service: Composition | None) -> Measured:
        """What is counted in a period, without its objectives."""
        terms, sums, time = self.version(period), self.tally(period, service), self.sums(period, service)
        return Measured(
            period=period,
            settled=sums.settled,
            open=sums.settled < period.end,
            timezone=terms.timezone,
            objectives={},
            incidents=tuple(
                Incident(
                    start=outage.began,
                    end=outage.ended,
                    open=outage.ended == sums.settled < period.end,
                    raw=outage.ended - outage.began,
                    charged=outage.charged,
                    spans=outage.spans,
                    counted=outage.charged > 0 and _belongs(terms, period, outage.began, outage.ended, sums.settled),
                )
                for outage in sums.outages
            ),
            downtime=charged(time.down, time.unmeasured, terms.unknown),
            bad_slots=sums.bad_slots,
            tickets=tuple(
                t.opened
                for t in self._facts.tickets
                if period.start <= t.opened < period.end and t.opened <= self._as_of
            ),
        )

    def _figure(self, objective: Objective, period: Period, lines: Mapping[str, ObjectiveLine]) -> Figure:
        """`lines`: those of the period that are already judged."""
        reading = self.given(period).get(objective.name)
        if reading is not None:
            return Figure(value=reading, so_far=reading)
        if objective.mean_of > 1:
            return self._mean(objective, period, lines)
        if objective.base is not None:
            return _judged(lines[objective.base])
        subject = objective.subject
        if subject is not None and subject.measure is Measure.EXCESS and subject.objective is not None:
            of = lines[subject.objective]
            return Figure(value=excess(of), so_far=excess(of), idle=_judged(of).idle)
        return self._own(objective, period)

    def _own(self, objective: Objective, period: Period) -> Figure:
        """By its own definition, of this period alone."""
        key = (objective.name, period)
        if key not in self._figures:
            terms = self.version(period)
            counts = self._counts(period, objective.service)
            if objective.measure is Measure.NOTIFY:
                found = values.notified(objective, counts.counted, self._facts.tickets)
            else:
                sums, tallied = self.sums(period, objective.service), self.tally(period, objective.service)
                found = values.figure(terms, objective, tallied, sums, counts)
            self._figures[key] = found
        return self._figures[key]

    def _mean(self, objective: Objective, period: Period, lines: Mapping[str, ObjectiveLine]) -> Figure:
        """The plain mean of the last periods' values; undefined until there are as many. Idle where each of them is."""
        found: list[Figure] = []
        each = period
        for n in range(objective.mean_of):
            if n:
                each = periods.shift(self._contract, period, -n)
            if not periods.own(self._contract, each) or each.end <= self._known_from:
                return Figure(value=None, so_far=None)
            if objective.base is None:
                own = self._own(objective, each)
                found.append(replace(own, idle=own.idle and coverage_suffices(self.version(each), self.sums(each))))
            else:
                found.append(_judged((lines if n == 0 else self.measured(each).objectives)[objective.base]))
        known = [figure.value for figure in found if figure.value is not None]
        if len(known) < len(found):
            return Figure(value=None, so_far=None, idle=all(figure.idle for figure in found))
        mean = sum(known, start=Fraction(0)) / objective.mean_of
        return Figure(value=mean, so_far=mean)

    def _meeting(self, start: int, end: int) -> tuple[Period, ...]:
        """The own periods that meet `[start, end)` and of which something is known."""
        start = max(start, self._known_from)
        if start >= end:
            return ()
        first = periods.current(self._contract, start)
        return (first, *periods.inside(self._contract, first.end, end))

    def _from_facts(self, terms: Contract, service: Composition, period: Period) -> Tally:
        return tally(terms, self._facts, period.start, period.end, as_of=self._as_of, service=service)


def _judged(line: ObjectiveLine) -> Figure:
    """What an objective measured on another one reads. A line without a value is met only where nothing could be missed."""
    return Figure(
        value=line.value,
        so_far=line.value_so_far,
        samples=line.samples,
        worst=line.worst,
        idle=line.value is None and line.status is Status.MET,
    )


def _belongs(terms: Contract, period: Period, began: int, ended: int, settled: int) -> bool:
    if terms.outage.belongs_to is BelongsTo.START:
        return period.start <= began < period.end
    return period.start < ended <= period.end and ended < settled + (settled == period.end)


def _in_order(objectives: tuple[Objective, ...]) -> list[Objective]:
    """Each after those it is measured on; the configuration has no circles."""
    by_name = {objective.name: objective for objective in objectives}
    done: dict[str, Objective] = {}

    def visit(objective: Objective) -> None:
        subject = objective.subject
        for before in (objective.base, None if subject is None else subject.objective):
            if before is not None and before not in done and before in by_name:
                visit(by_name[before])
        done[objective.name] = objective

    for objective in objectives:
        if objective.name not in done:
            visit(objective)
    return list(done.values())


def _known_from(contract: Contract, facts: Facts) -> int:
    """Stated facts: since the term began, or else since the period of the first of them. Observed ones: since the first result."""
    begins = term(contract)[0]
    if not is_stated(facts) and facts.series:
        return max(begins, min(series.known_from for series in facts.series.values()))
    if begins or contract.term.start is not None:
        return begins
    spans = [span.start for own in facts.declared.values() for span in own]
    spans += [series.start for own in facts.samples.values() for series in own]
    spans += [periods.period(contract, name).start for name in (*facts.readings, *facts.charges)]
    spans += [ticket.opened for ticket in facts.tickets]
    spans += [breach.start for breach in facts.breaches]
    return periods.current(contract, min(spans)).start if spans else 0
