"""The front door of the core: `evaluate` judges one contract over one period, every figure with its clause and its operands.

The order of evaluation is fixed: scope, states and outages (`attribution`), exclusions, categories of time and packets
(`tally`), availability and the other objectives (`verdict`), credits (`credit`). Each step is a function of the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from slamon.sla import encoding
from slamon.sla.availability import Availability, Sums, availability
from slamon.sla.calendar import TZDATA
from slamon.sla.credit import settle, to_next_credit
from slamon.sla.facts import Facts
from slamon.sla.lines import (
    LOCAL_FAULT,
    NOT_ELAPSED,
    PROVIDER_DOWN,
    UNKNOWN,
    UP,
    CreditLine,
    ExclusionLine,
    ObjectiveLine,
    OutageLine,
    Period,
    Status,
)
from slamon.sla.tally import Tally, tally
from slamon.sla.terms import Contract, Measure, Objective, Total
from slamon.sla.verdict import coverage_suffices, objective_lines, overall

__all__ = [
    "CreditLine",
    "ExclusionLine",
    "ObjectiveLine",
    "OutageLine",
    "Period",
    "Statement",
    "Status",
    "evaluate",
    "from_json",
    "judge",
    "to_json",
]

SCHEMA_VERSION = 1
"""Of the statement's JSON; raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    contract: str
    service: str
    provider: str
    customer: str
    kind: str
    timezone: str
    currency: str | None
    notes: tuple[str, ...]
    terms_sha256: str
    tzdata: str
    period: Period
    as_of: int
    settled: int
    """Facts up to here were judged; later seconds of an open period count as up."""
    open: bool
    status: Status
    in_scope: int
    """Length of the period ∩ term ∩ service hours."""
    time: Mapping[str, int]
    """Partition of in scope by category: up, provider_down, each exclusion class, local_fault, unknown, not_elapsed; Σ = in scope."""
    total: int
    """Denominator of availability."""
    downtime: int
    raw_downtime: int
    """Before exclusions."""
    excluded: int
    availability: Fraction | None
    availability_so_far: Fraction | None
    raw_availability: Fraction | None
    low: Fraction | None
    """Unknown time as down."""
    high: Fraction | None
    """Unknown time as up."""
    coverage: Fraction | None
    """Measured / in scope, over elapsed time."""
    min_coverage: Fraction
    objectives: tuple[ObjectiveLine, ...]
    outages: tuple[OutageLine, ...]
    exclusions: tuple[ExclusionLine, ...]
    credits: tuple[CreditLine, ...]
    charge: Fraction | None
    uncapped: Decimal | None
    """Σ of the rounded lines that stand; None without a price or credits in money."""
    credit: Decimal | None
    """What is owed, certain: after caps, without what is at stake."""
    credit_share: Fraction | None
    """Exact credit after caps / charge."""
    uncapped_share: Fraction | None
    lost_to_cap: Decimal | None
    at_stake: Decimal | None
    budget_remaining: Mapping[str, int]
    """`target` and `minimum` → nanoseconds of downtime left in the period before availability falls below it (negative = overrun)."""
    to_next_credit: int | None
    """Further downtime, in nanoseconds, until the next availability tier; None = no further tier."""


def evaluate(contract: Contract, facts: Facts, period: Period, as_of: int) -> Statement:
    """The contract judged over `period` by what was known at the instant `as_of`. No clock, no I/O: same input, same statement."""
    sums = tally(contract, facts, period.start, period.end, as_of=as_of)
    return judge(contract, period, sums, as_of, readings=facts.readings)


def judge(
    contract: Contract, period: Period, sums: Tally, as_of: int, *, readings: Mapping[str, Fraction] | None = None
) -> Statement:
    """The statement of a whole period from its tally, however many parts that was added up from."""
    given = readings or {}
    time = Sums.of(sums)
    is_open = sums.settled < period.end
    objectives = objective_lines(contract, sums, given, open_period=is_open)
    primary = _primary(contract)
    figures = availability(time, Total.IN_SCOPE if primary is None else primary.total, contract.unknown)
    shown = next((line for line in objectives if primary is not None and line.name == primary.name), None)
    paid = settle(contract, objectives)
    return Statement(
        contract=contract.name,
        service=contract.service,
        provider=contract.provider,
        customer=contract.customer,
        kind=contract.kind.value,
        timezone=contract.timezone,
        currency=contract.currency,
        notes=contract.notes,
        terms_sha256=contract.text_sha256,
        tzdata=TZDATA,
        period=period,
        as_of=as_of,
        settled=sums.settled,
        open=is_open,
        status=overall(objectives, said=coverage_suffices(contract, time)),
        in_scope=time.scope,
        time=_ordered(contract, sums.time),
        total=figures.total,
        downtime=figures.downtime,
        raw_downtime=figures.raw_downtime,
        excluded=time.excluded,
        availability=figures.value if shown is None else shown.value,
        availability_so_far=figures.so_far if shown is None else shown.value_so_far,
        raw_availability=figures.raw,
        low=figures.low,
        high=figures.high,
        coverage=time.coverage,
        min_coverage=contract.min_coverage,
        objectives=objectives,
        outages=_outages(contract, sums, is_open=is_open),
        exclusions=_exclusions(contract, sums),
        credits=paid.lines,
        charge=paid.charge,
        uncapped=paid.uncapped,
        credit=paid.credit,
        credit_share=paid.credit_share,
        uncapped_share=paid.uncapped_share,
        lost_to_cap=paid.lost_to_cap,
        at_stake=paid.at_stake,
        budget_remaining={} if primary is None or primary.name in given else _budget(primary, figures),
        to_next_credit=to_next_credit(contract, time, given),
    )


def to_json(statement: Statement) -> dict[str, object]:
    """As JSON values: ratios and money as {"exact": "n/d", "display": text}, nanoseconds as strings; `schema` is its version."""
    return {"schema": SCHEMA_VERSION, **encoding.encode(statement, encoding.Display.of(statement))}


def from_json(data: Mapping[str, object]) -> Statement:
    """The statement `to_json` was given. Raises ValueError for another schema version or a damaged document."""
    if data.get("schema") != SCHEMA_VERSION:
        raise ValueError(f"a statement of schema {data.get('schema')}; this slamon reads schema {SCHEMA_VERSION}")
    return encoding.decode(Statement, {key: value for key, value in data.items() if key != "schema"})


def _primary(contract: Contract) -> Objective | None:
    """The availability the statement's head figures are of: the objective of that name, else the first that measures it."""
    of_time = [objective for objective in contract.objectives if objective.measure is Measure.AVAILABILITY]
    return next(
        (objective for objective in of_time if objective.name == Measure.AVAILABILITY), of_time[0] if of_time else None
    )


def _budget(objective: Objective, figures: Availability) -> dict[str, int]:
    levels = {"target": objective.target, "minimum": objective.minimum}
    return {name: figures.left(level) for name, level in levels.items() if level is not None and figures.total > 0}


def _ordered(contract: Contract, time: Mapping[str, int]) -> dict[str, int]:
    """Every category, also those with nothing in them, in the order of display."""
    classes = (entry.name for entry in contract.exclusions)
    return {name: time.get(name, 0) for name in (UP, PROVIDER_DOWN, *classes, LOCAL_FAULT, UNKNOWN, NOT_ELAPSED)}


def _outages(contract: Contract, sums: Tally, *, is_open: bool) -> tuple[OutageLine, ...]:
    return tuple(
        OutageLine(
            start=outage.start,
            end=None if is_open and outage.end == sums.settled else outage.end,
            duration=sum(outage.by_cause.values()),
            by_cause={cause: ns for cause, ns in _ordered(contract, outage.by_cause).items() if ns},
            began=outage.began if outage.began < outage.start else None,
        )
        for outage in sums.outages
    )


def _exclusions(contract: Contract, sums: Tally) -> tuple[ExclusionLine, ...]:
    """A declaration of a class the contract does not have is shown with nothing applied, at the contract itself."""
    clauses = {entry.name: entry.clause for entry in contract.exclusions}
    return tuple(
        ExclusionLine(
            id=exclusion.id,
            cause=exclusion.cause,
            start=exclusion.start,
            end=exclusion.end,
            applied=applied.owned,
            downtime_removed=applied.downtime,
            note=exclusion.note,
            declared_by=exclusion.declared_by,
            clause=clauses.get(exclusion.cause, contract.clause),
        )
        for exclusion, applied in sorted(sums.exclusions.items(), key=lambda item: (item[0].start, item[0].id))
    )
