"""The front door of the core: `evaluate` judges one contract over one period, every figure with its clause and its operands.

`account` measures and settles the contract's periods; here its answers, and what incentives, rights and deadlines make of them, become
the statement.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from slamon.sla import claims, encoding, incentives, particulars, rights, together
from slamon.sla.account import Account
from slamon.sla.availability import availability
from slamon.sla.calendar import TZDATA
from slamon.sla.facts import Facts, closings
from slamon.sla.lines import (
    CapLine,
    ClaimLine,
    CreditLine,
    ExclusionLine,
    ObjectiveLine,
    OutageLine,
    Period,
    RightLine,
    Status,
)
from slamon.sla.terms import Contract
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import described
from slamon.sla.terms.objectives import Total
from slamon.sla.timeline import Spans
from slamon.sla.verdict import coverage_suffices, overall

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
    "revised",
    "state",
    "to_json",
]

SCHEMA_VERSION = 2
"""Of the statement's JSON; raised when a field changes its meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    contract: str
    service: str
    """As text; a composition is written out."""
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
    """Partition of in scope by category: up, degraded, provider_down, each exclusion class, local_fault, unknown, not_elapsed."""
    total: int
    """Denominator of availability."""
    downtime: Fraction
    """What counts, weighed; nanoseconds, like every time here."""
    raw_downtime: Fraction
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
    """Not left unmeasured / in scope, over elapsed time."""
    counted_coverage: Fraction | None
    """The same of the time that counts, excluded time in neither: this is compared with the least coverage."""
    min_coverage: Fraction
    objectives: tuple[ObjectiveLine, ...]
    outages: tuple[OutageLine, ...]
    clocks: Mapping[str, int]
    """Gross outage time as `measured` and by the `ticket`."""
    bad_slots: Spans
    """In available time, each by itself."""
    tickets: tuple[int, ...]
    """When they were opened."""
    exclusions: tuple[ExclusionLine, ...]
    """In the order declared."""
    credits: tuple[CreditLine, ...]
    caps: tuple[CapLine, ...]
    points: int
    charge: Fraction | None
    base: Fraction | None
    """What a share is a share of."""
    uncapped: Decimal | None
    """Σ of the rounded lines that stand; None without a price or credits in money."""
    credit: Decimal | None
    """What is owed, certain: after caps, without what is at stake."""
    credit_share: Fraction | None
    """Exact credit after caps / base."""
    uncapped_share: Fraction | None
    lost_to_cap: Decimal | None
    at_stake: Decimal | None
    earned_back: Decimal | None
    withheld: Clause | None
    """The clause by which the credit is shown and not payable."""
    payable: Decimal | None
    bonus: Decimal | None
    bonuses: tuple[CreditLine, ...]
    adjustment: Decimal | None
    """Credit now − credit when the statement was last closed."""
    revision: int
    """1, and one more for every later fact that changed a closed statement."""
    claim: ClaimLine | None
    rights: tuple[RightLine, ...]
    supportable: Fraction | None
    """The availability the contracts below this one can support."""
    promise: bool | None
    """It is at least what this contract promises."""
    samples: Mapping[str, tuple[Fraction | None, ...]]
    """Objective → its derived sample, None = lost; of facts stated by hand only."""
    budget_remaining: Mapping[str, int]
    """`target` and `minimum` → nanoseconds of downtime left in the period before availability falls below it (negative = overrun)."""
    to_next_credit: int | None
    """Further downtime, in nanoseconds, until the next availability or downtime credit; None = no further one."""


def evaluate(
    contract: Contract, facts: Facts, period: Period, as_of: int, *, others: Mapping[str, Contract] | None = None
) -> Statement:
    """The contract judged over `period` by what was known at the instant `as_of`. No clock, no I/O: same input, same statement.

    `others`: the contracts `supported_by` may name.
    """
    found = state(Account(contract, facts, as_of), period, others=others)
    closed = closings(facts, period.name, as_of)
    if not closed:
        return found
    learned = {each.declared_at for each in facts.exclusions}
    learned |= {each.revoked_at for each in facts.exclusions if each.revoked_at is not None}
    instants = sorted({*closed, *(at for at in learned if closed[0] < at <= as_of)})
    return revised(found, [state(Account(contract, facts, at), period) for at in instants], closed)


def revised(statement: Statement, earlier: Sequence[Statement], closed: Collection[int]) -> Statement:
    """With its revision, and with what has come to its credit since it was closed last.

    `earlier`: the statement as it was at each of the instants `closed` and whenever anything was learned after the first, in order.
    """
    last = next(each for each in reversed(earlier) if each.as_of in closed)
    return replace(
        statement,
        revision=1 + sum(_judged(new) != _judged(old) for old, new in pairwise(earlier)),
        adjustment=None if statement.credit is None or last.credit is None else statement.credit - last.credit,
    )


def _judged(statement: Statement) -> tuple[object, ...]:
    """What the parties go by: the objectives and the money."""
    return (
        statement.objectives,
        statement.credits,
        statement.caps,
        statement.points,
        statement.uncapped,
        statement.credit,
        statement.credit_share,
        statement.uncapped_share,
        statement.lost_to_cap,
        statement.at_stake,
    )


def state(account: Account, period: Period, *, others: Mapping[str, Contract] | None = None) -> Statement:
    """The statement of one period of an account; of several periods together, where `period` spans some of the contract's own.

    As if it had never been closed; see `revised`.
    """
    contract = account.version(period)
    measured, sums, time = account.measured(period), account.tally(period), account.sums(period)
    lines = measured.objectives
    primary = particulars.primary_of(contract)
    figures = availability(time, Total.IN_SCOPE if primary is None else primary.total, contract.unknown)
    shown = None if primary is None else lines[primary.name]
    paid = together.settlement(account, period)
    charged = together.charged(account, period)
    withheld = incentives.withheld(account, period)
    earned_back, bonuses, bonus = together.earned(account, period)
    payable = None
    if paid.credit is not None:
        payable = incentives.payable(paid.credit, withheld=withheld, earned_back=earned_back or Decimal(0))
    supportable = particulars.supportable(contract, others or {})
    return Statement(
        contract=contract.name,
        service=described(contract.service),
        provider=contract.provider,
        customer=contract.customer,
        kind=contract.kind.value,
        timezone=contract.timezone,
        currency=contract.currency,
        notes=contract.notes,
        terms_sha256=contract.text_sha256,
        tzdata=TZDATA,
        period=period,
        as_of=account.as_of,
        settled=sums.settled,
        open=measured.open,
        status=overall(lines.values(), said=coverage_suffices(contract, time) or particulars.all_given(measured)),
        in_scope=time.scope,
        time=particulars.ordered(contract, sums.time),
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
        counted_coverage=time.counted_coverage,
        min_coverage=contract.min_coverage,
        objectives=tuple(lines.values()),
        outages=particulars.outages(contract, sums, measured),
        clocks={"measured": sums.clock_measured, "ticket": sums.clock_ticket},
        bad_slots=sums.bad_slots,
        tickets=measured.tickets,
        exclusions=particulars.exclusions(contract, account.facts, sums),
        credits=paid.lines,
        caps=paid.caps,
        points=paid.points,
        charge=charged[0],
        base=charged[1],
        uncapped=paid.uncapped,
        credit=paid.credit,
        credit_share=paid.credit_share,
        uncapped_share=paid.uncapped_share,
        lost_to_cap=paid.lost_to_cap,
        at_stake=paid.at_stake,
        earned_back=earned_back,
        withheld=None if withheld is None else withheld.clause,
        payable=payable,
        bonus=bonus,
        bonuses=bonuses,
        adjustment=None if paid.credit is None else paid.credit - paid.credit,  # nothing, in the digits of the currency
        revision=1,
        claim=claims.claim(account, period),
        rights=rights.rights(account, period),
        supportable=supportable,
        promise=None if supportable is None else particulars.kept(primary, supportable),
        samples=particulars.samples(account, period, contract),
        budget_remaining={}
        if primary is None or particulars.given(primary, measured)
        else particulars.budget(contract, primary, figures),
        to_next_credit=particulars.ahead(account, period, contract),
    )


def to_json(statement: Statement) -> dict[str, object]:
    """As JSON values: ratios and money as {"exact": "n/d", "display": text}, nanoseconds as strings; `schema` is its version."""
    return {"schema": SCHEMA_VERSION, **encoding.encode(statement, encoding.Display.of(statement))}


def from_json(data: Mapping[str, object]) -> Statement:
    """The statement `to_json` was given. Raises ValueError for another schema version or a damaged document."""
    if data.get("schema") != SCHEMA_VERSION:
        raise ValueError(f"a statement of schema {data.get('schema')}; this slamon reads schema {SCHEMA_VERSION}")
    return encoding.decode(Statement, {key: value for key, value in data.items() if key != "schema"})
