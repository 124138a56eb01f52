"""The lines a statement is made of, each with its clause and operands; `statement` passes them on. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms import Clause

UP = "up"
PROVIDER_DOWN = "provider_down"
LOCAL_FAULT = "local_fault"
UNKNOWN = "unknown"
NOT_ELAPSED = "not_elapsed"
"""The categories every statement divides time into, beside the exclusion classes of its contract."""


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
    began: int | None = None
    """Where the outage began when that is before the period: then the earlier period counts it. None = at `start`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditLine:
    """One clause that gives, with its arithmetic: share × base, or an amount → its own cap → exact → rounded."""

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
    """After the cap of this credit alone."""
    rounded: Decimal
    applied: bool
    """False when `combine` or `minimum_credit` let another line stand instead."""
    at_stake: bool
    """True: computed from a value an open period may still improve; not part of what is owed."""
    amount: Fraction | None = None
    """What the threshold gives where that is money instead of a share."""

    @property
    def gives(self) -> Fraction:
        """The money of this clause before its own cap, exact."""
        if self.amount is not None:
            return self.amount
        return Fraction(0) if self.share is None or self.base is None else self.share * self.base


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
