"""The judgement of one contract over one period: every figure with its clause and its operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms import Clause

SCHEMA_VERSION = 1
"""Of the statement's JSON; raised when a field changes its meaning."""


class Status(StrEnum):
    """Of one objective and, as the worst of them, of the contract."""

    MET = "met"
    BELOW_TARGET = "below_target"
    BELOW_MINIMUM = "below_minimum"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """`[start, end)` in UTC nanoseconds; `name` is how people write it: `2026-10`."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveLine:
    name: str
    measure: str
    unit: str
    """`ratio` or `seconds` (values are then nanoseconds here and seconds in metrics)."""
    clause: Clause
    statistic: str | None
    value: Fraction | None
    """None: nothing was measured, so nothing can be said."""
    value_so_far: Fraction | None
    """Over elapsed time only; equals `value` once the period is closed."""
    target: Fraction | None
    minimum: Fraction | None
    status: Status
    samples: int
    """Packets behind a latency or loss value; 0 for availability."""
    worst: str | None
    """The target that supplied the value, where several are compared."""
    provisional: bool
    """True while later facts of an open period may still improve it: its credit is at stake, not owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageLine:
    """A maximal down interval of the service after detection, clipped to the period; `end` None = still open at settled."""

    start: int
    end: int | None
    duration: int
    """Inside the period, up to settled."""
    by_cause: Mapping[str, int]
    """Cause → nanoseconds; `provider_down` is what counts, exclusion classes and `local_fault` do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """One clause that gives, with its arithmetic: gives × base = exact → rounded."""

    name: str
    clause: Clause
    objective: str
    value: Fraction | None
    side: str
    threshold: Fraction | None
    """The furthest threshold reached; None = none was."""
    share: Fraction | None
    base: Fraction | None
    exact: Fraction
    rounded: Decimal
    applied: bool
    """False when `combine` or `minimum_credit` let another line stand instead."""
    at_stake: bool
    """True: computed from a value an open period may still improve; not part of what is owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionLine:
    """A declaration and what it removed: `applied` nanoseconds of the period that no earlier class owned."""

    id: str
    cause: str
    start: int
    end: int
    applied: int
    downtime_removed: int
    note: str
    declared_by: str
    clause: Clause


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
