"""What is an outage, and which time does not count."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms.clause import Clause
from slamon.sla.terms.measures import Side
from slamon.sla.terms.times import Deadline, Lead, Span, Weekly


class SlotRule(StrEnum):
    LOSS = "loss over"
    DOWN_WHOLE = "down whole"
    DOWN = "down"
    """Down at_least or over a duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadSlot:
    """When a slot is bad: the pooled loss in it, or how long the service was down in it."""

    rule: SlotRule
    side: Side = Side.OVER
    threshold: Fraction = Fraction(0)
    """A ratio for `loss over`, nanoseconds for `down`."""


class Clock(StrEnum):
    """Which instant an outage starts or ends at."""

    MEASURED = "measured"
    TICKET = "ticket"
    LATER = "later"
    SOONER = "sooner"


class BelongsTo(StrEnum):
    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRule:
    """What of the observed down time is an outage."""

    after: int | None = None
    """Consecutive failures (with `slot`: bad slots) that begin one; None = each target's own rule (with `slot`: 1)."""
    until: int | None = None
    slot: int | None = None
    """Length of a judged slot in nanoseconds, aligned to the period's start."""
    bad_slot: BadSlot | None = None
    vantages: int = 1
    """So many vantage points must see it."""
    side: Side | None = None
    length: int = 0
    """AT_LEAST or OVER so many nanoseconds, tested on the whole outage; side None = any length counts."""
    merge_within: int = 0
    """Up gaps shorter than this are bridged before the length is tested."""
    starts: Clock = Clock.MEASURED
    ends: Clock = Clock.MEASURED
    degraded_counts: Fraction = Fraction(0)
    """Weight of degraded time."""
    weigh_by: int | None = None
    """An outage weighs affected/n."""
    weigh_noun: str = ""
    belongs_to: BelongsTo = BelongsTo.START

    def qualifies(self, length: int) -> bool:
        return self.side is None or self.side.reached(length, self.length)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionClass:
    """A class of time that does not count; the order in the contract is the precedence of attribution."""

    name: str
    clause: Clause
    notice: Lead | None = None
    """Shorter notice voids the whole exclusion; equality is enough."""
    hours: Weekly | None = None
    """Only the part inside is excluded."""
    allowance: int | None = None
    """Nanoseconds a month, quarter or year, consumed in time order."""
    allowance_per: Span | None = None
    lodge: Deadline | None = None
    """Declarations lodged later are refused."""
