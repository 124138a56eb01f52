"""What the facts of one period come to, before any money: the values credits and conditions compare. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from slamon.sla.lines import ObjectiveLine, Period
from slamon.sla.terms.measures import Subject
from slamon.sla.timeline import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A continuous stretch of `worst <DURATION>` and its value."""

    start: int
    end: int
    value: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One outage as counts and per-outage entries see it, whole: clipped to no period."""

    start: int
    end: int
    """Settled, while it is open."""
    open: bool
    raw: int
    """Its length, before exclusions and hours."""
    charged: Fraction
    """What of it counts: in scope, not excluded, the provider's, weighed by the affected. Nanoseconds."""
    spans: Spans
    """Where it counts."""
    counted: bool
    """It belongs to the period it was asked for, and something of it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One period. `downtime` is what counts inside the period, weighed; nanoseconds."""

    period: Period
    settled: int
    open: bool
    timezone: str
    objectives: Mapping[str, ObjectiveLine]
    incidents: tuple[Incident, ...]
    """All that touch the period, in time order."""
    downtime: Fraction
    windows: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)
    """Objective with a `worst` statistic → its windows, in time order."""
    apart: Mapping[str, Measured] = field(default_factory=dict)
    """Objective of another service than the contract's → what is counted of that."""
    bad_slots: Spans = ()
    """Bad slots in available time, each by itself, though neighbours touch."""
    tickets: tuple[int, ...] = ()
    """When a ticket was opened in the period."""
    given: Mapping[str, Fraction] = field(default_factory=dict)
    """Objective → value that was given instead of measured."""

    def objective(self, name: str) -> ObjectiveLine:
        """Raises KeyError."""
        return self.objectives[name]

    @property
    def counted(self) -> tuple[Incident, ...]:
        """The outages this period counts."""
        return tuple(incident for incident in self.incidents if incident.counted)

    def outages(self, subject: Subject) -> tuple[Incident, ...]:
        """Those `outages over D` speaks of: what counts of each is compared."""
        return tuple(
            incident
            for incident in self.counted
            if subject.side is None or subject.side.reached(incident.charged, subject.length or 0)
        )


def excess(line: ObjectiveLine) -> Fraction | None:
    """(value − target) / target: by how much of the target it is exceeded, negative while it is not."""
    if line.value is None or not line.target:
        return None
    return (line.value - line.target) / line.target
