"""The lines a statement is made of, each with its clause and operands; `statement` passes them on. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms.clause import Clause
from slamon.sla.terms.conditions import Party, Scope
from slamon.sla.terms.measures import Dimension
from slamon.sla.timeline import Spans

UP = "up"
DEGRADED = "degraded"
PROVIDER_DOWN = "provider_down"
LOCAL_FAULT = "local_fault"
UNKNOWN = "unknown"
NOT_ELAPSED = "not_elapsed"
CATEGORIES = (UP, DEGRADED, PROVIDER_DOWN, LOCAL_FAULT, UNKNOWN, NOT_ELAPSED)
"""What every statement divides time into, beside the exclusion classes of its contract, which have other names."""


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
    """One number over the period and its verdict."""

    name: str
    measure: str
    dimension: Dimension
    """What the value is in: a ratio, nanoseconds, a number, days."""
    clause: Clause
    statistic: str | None
    value: Fraction | None
    """As judged, after the contract's own rounding. None: nothing was measured, or undefined, so nothing can be said."""
    exact: Fraction | None
    """Before that rounding."""
    shown: Fraction | None
    """By the contract's `display`; for print only."""
    value_so_far: Fraction | None
    """Over elapsed time only; equals `value` once the period is closed."""
    target: Fraction | None
    minimum: Fraction | None
    target_side: str | None
    """`at_least`, `over`, `at_most` or `below`: the side on which the level is met."""
    minimum_side: str | None
    status: Status
    samples: int
    """Packets behind the value; 0 for measures of time."""
    worst: str | None
    """The target that supplied the value, where several are compared."""
    provisional: bool
    """True while later facts of an open period may still improve it: its credit is at stake, not owed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageLine:
    """An outage by the contract's rule, clipped to the period; `end` None = still open at settled."""

    start: int
    end: int | None
    duration: int
    """In scope, inside the period, up to settled."""
    by_cause: Mapping[str, int]
    """Cause → nanoseconds; `provider_down` is what counts, exclusion classes and `local_fault` do not."""
    began: int | None = None
    """Where the outage began when that is before the period. None = at `start`."""
    counted: bool = True
    """It belongs to this period for counts and for credits per outage, and something of it counts."""
    charged: Fraction = Fraction(0)
    """What of the whole outage counts, also outside the period, weighed; nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditPart:
    """What a credit gives for one outage, or for the period."""

    start: int
    end: int
    value: Fraction | None
    threshold: Fraction | None
    """The furthest reached; for per unit, where counting starts."""
    units: Fraction | None
    share: Fraction | None
    """Of the base; None where an amount or points are given."""
    exact: Fraction
    """Money, before the credit's own cap; 0 for points."""
    points: int = 0
    applied: bool = True
    """False when another credit stands for the same time."""
    spans: Spans = ()
    """The time it stands for, when that is not `[start, end)`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """One clause that gives, with its arithmetic: parts (each value → share × base, or an amount) → own cap → exact → rounded."""

    name: str
    clause: Clause
    measure: str
    """`availability`, `each outage`, `outages over 30m`, …, as the contract writes it."""
    objective: str | None
    """The objective whose value is compared, where it is one."""
    dimension: Dimension
    value: Fraction | None
    side: str | None
    threshold: Fraction | None
    """The furthest threshold reached; None = none was."""
    per: str | None
    """`started 1h`, where it gives per unit."""
    units: Fraction | None
    """Units counted, over all parts; None for a table."""
    share: Fraction | None
    """Of the base, summed over the parts; None where an amount gives."""
    points: int
    base: Fraction | None
    gives: Fraction
    """Σ of the parts that apply, exact, before the credit's own cap."""
    cap: Fraction | None
    """The credit's own cap in money; None = none."""
    exact: Fraction
    """After it."""
    rounded: Decimal
    applied: bool
    """False when `combine` or `minimum_credit` let another line stand instead."""
    at_stake: bool
    """True: computed from a value an open period may still improve; not part of what is owed."""
    parts: tuple[CreditPart, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CapLine:
    """A cap on the sum of the credits, and what it removed here."""

    span: str
    clause: Clause
    limit: Fraction
    """Money, for the whole span."""
    spent: Decimal
    """By earlier periods of the span."""
    removed: Decimal


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
    declared_at: int
    accepted: bool
    reason: str
    """Why it is refused, or why not all of it excludes."""
    notice_given: int | None
    """Lead time of the announcement, nanoseconds."""
    role: str = ""
    """Which party declared it: customer or provider; empty = not stated."""
    ticket: str = ""
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """In time until `at`, exclusive. A deadline in days ends with the civil day `day`; one in hours is an instant (`day` None)."""

    at: int
    day: date | None = None


class RightState(StrEnum):
    OPEN = "open"
    CURING = "curing"
    CURED = "cured"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RightLine:
    """A right to terminate that arose in the period."""

    name: str
    party: Party
    scope: Scope
    clause: Clause
    arises: date
    """The civil day its condition first was true."""
    arose_at: int
    notice_by: Due | None
    notice_given: int | None
    cure_ends: Due | None
    exercise_by: Due | None
    state: RightState
    because: str
    """The comparison with its figures."""


class ClaimState(StrEnum):
    OPEN = "open"
    IN_TIME = "in_time"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimLine:
    """By when the credit of the period has to be reported and claimed, and whether it was."""

    clause: Clause
    report_by: Due | None
    claim_by: Due | None
    lodged: int | None
    state: ClaimState
