"""What `evaluate` is given: what was observed (runs, records, gaps) and what people declared. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple, TypeAlias

from slamon.model import Slots
from slamon.record.rows import Gap, Record, Run


class State(StrEnum):
    """What is known about a target or a service at an instant. The order is the order of display."""

    UP = "up"
    DEGRADED = "degraded"
    """Up, worse than promised: counts as far as the contract weighs it. Only ever stated by hand."""
    DOWN = "down"
    LOCAL_FAULT = "local_fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """One target as this vantage saw it. `runs` and `records` are in time order and do not overlap."""

    target: str
    interval: int
    spacing: int = 0
    """The longest time between two probes when none is missed; 0 = the interval, as of probes at equal distances."""
    timeout: int
    down_after: int = 3
    up_after: int = 1
    slots: Slots | None = None
    """The target's own rule, in place of the two counts; these still hold where a contract counts samples."""
    witness: str | None = None
    known_from: int
    """The first instant anything is known about this target; before it there is neither up nor unknown."""
    through: int
    """Every probe sent before this instant is decided and recorded."""
    runs: tuple[Run, ...] = ()
    records: tuple[Record, ...] = ()
    """Minutes, or quarter hours and days where a whole one lies inside what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """What makes the service up: at least `quorum` of `targets`. Witnesses that belong to it are not in `targets`."""

    service: str
    targets: tuple[str, ...]
    quorum: int
    round: int = 0
    """The longest interval of its targets: who is first probed within a round of the first of them was there from the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSpan:
    """Time stated by hand instead of measured (contract tests): everything a test does not mention is up and measured."""

    start: int
    end: int
    state: State
    vantage: str = ""
    """The vantage point that saw it; empty = all of them."""
    affected: int | None = None
    """How many users, ports, … were affected; None = all."""


class Sample(NamedTuple):
    """One measurement stated by hand, of one packet or of several."""

    at: int
    sent: int
    """Packets it is of."""
    lost: Fraction
    """The share of them that was lost, 0..1."""
    delay: int | None
    """Nanoseconds, where that was measured; may be negative (a difference of one-way delays)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleSeries:
    """Samples at a fixed spacing: they speak for `[start, end)`, and where a service has any, only what they cover is measured."""

    start: int
    every: int
    samples: tuple[Sample, ...]
    vantage: str = ""

    @property
    def end(self) -> int:
        return self.start + self.every * len(self.samples)


class Agreement(StrEnum):
    """How far the parties agree on a declaration. Only an accepted one excludes anything."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DISPUTED = "disputed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Somebody's declaration that a span does not count, and why."""

    id: str
    contract: str
    cause: str
    """The class of the contract's `exclusions` it claims: maintenance, customer, force_majeure, …"""
    start: int
    end: int
    declared_at: int
    stated_at: int | None = None
    """The instant of the declaration where `declared_at` is its place among those that stood; None = `declared_at`."""
    declared_by: str = ""
    note: str = ""
    revoked_at: int | None = None
    revoked_by: str = ""
    notified: int | None = None
    """When the other party was told; None = not stated."""
    lodged: int | None = None
    """When it was lodged; None = when it was declared."""
    state: Agreement = Agreement.ACCEPTED
    role: str = ""
    """Which party declared it: customer or provider; empty = not stated."""
    evidence: tuple[str, ...] = ()
    """Texts and addresses that show it."""
    ticket: str = ""
    series: str = ""
    """The same for all that were declared as one repetition: the id of its first, or the UID of a calendar's event."""
    source: str = ""
    """Name of the calendar file it was read from; empty = declared by hand."""
    uid: str = ""
    """UID of that calendar's event."""
    occurrence: int | None = None
    """Which occurrence of that event: when it begins by the event's rule, wherever it was moved to."""


class Ticket(NamedTuple):
    opened: int
    closed: int | None = None


class Payment(NamedTuple):
    due: int
    paid: int | None = None


class Lodged(NamedTuple):
    """A claim for the credit of the period of that name."""

    period: str
    at: int


class Breach(NamedTuple):
    """Time in which the customer did not do its duty."""

    duty: str
    start: int
    end: int


class Notice(NamedTuple):
    """Notice of the right of that name was given."""

    right: str
    at: int


class Charged(NamedTuple):
    """What the period of that name was charged in fact; None = not stated."""

    period: str
    billed: Fraction | None = None
    paid: Fraction | None = None
    usage: Fraction | None = None


class Closed(NamedTuple):
    """The statement of the period of that name was closed: it is what the parties were told."""

    period: str
    """Empty = of every period (contract tests)."""
    at: int


Event: TypeAlias = Ticket | Lodged | Payment | Breach | Notice | Charged | Closed
"""What people know and no probe measures."""

EVENTS: dict[str, type[Event]] = {
    "ticket": Ticket,
    "claim": Lodged,
    "payment": Payment,
    "breach": Breach,
    "notice": Notice,
    "charge": Charged,
    "statement": Closed,
}
"""The word for an event → what it is."""


def kind(event: Event) -> str:
    """The word for it."""
    return next(word for word, type_ in EVENTS.items() if isinstance(event, type_))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Somebody's statement that such a thing happened."""

    id: str
    contract: str
    event: Event
    declared_at: int
    declared_by: str = ""
    note: str = ""
    revoked_at: int | None = None
    revoked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a period was charged in fact; None = by the contract's price."""

    billed: Fraction | None = None
    paid: Fraction | None = None
    usage: Fraction | None = None

    def updated(self, later: Charge) -> Charge:
        """What `later` states, and of the rest what this does."""
        return Charge(
            billed=self.billed if later.billed is None else later.billed,
            paid=self.paid if later.paid is None else later.paid,
            usage=self.usage if later.usage is None else later.usage,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known. Observed services have `services` + `series`; services stated by hand `declared` and `samples`."""

    services: Mapping[str, ServiceFacts] = field(default_factory=dict)
    series: Mapping[str, SeriesFacts] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    declared: Mapping[str, tuple[DeclaredSpan, ...]] = field(default_factory=dict)
    samples: Mapping[str, tuple[SampleSeries, ...]] = field(default_factory=dict)
    readings: Mapping[str, Mapping[str, Fraction]] = field(default_factory=dict)
    """Period name → objective → value given instead of measured."""
    tickets: tuple[Ticket, ...] = ()
    claims: tuple[Lodged, ...] = ()
    payments: tuple[Payment, ...] = ()
    breaches: tuple[Breach, ...] = ()
    notices: tuple[Notice, ...] = ()
    charges: Mapping[str, Charge] = field(default_factory=dict)
    """Period name → what it was charged."""
    closed: tuple[Closed, ...] = ()
    """What changes a statement after it was closed makes a new revision."""


def happened(events: Iterable[Event], facts: Facts) -> Facts:
    """The facts and these events, in the order given; of a charge that is stated twice the later figures stand."""
    tickets: list[Ticket] = []
    claims: list[Lodged] = []
    payments: list[Payment] = []
    breaches: list[Breach] = []
    notices: list[Notice] = []
    closed: list[Closed] = []
    charges = dict(facts.charges)
    for event in events:
        match event:
            case Ticket():
                tickets.append(event)
            case Lodged():
                claims.append(event)
            case Payment():
                payments.append(event)
            case Breach():
                breaches.append(event)
            case Notice():
                notices.append(event)
            case Closed():
                closed.append(event)
            case _:
                stated = Charge(billed=event.billed, paid=event.paid, usage=event.usage)
                charges[event.period] = charges.get(event.period, Charge()).updated(stated)
    return replace(
        facts,
        tickets=(*facts.tickets, *tickets),
        claims=(*facts.claims, *claims),
        payments=(*facts.payments, *payments),
        breaches=(*facts.breaches, *breaches),
        notices=(*facts.notices, *notices),
        charges=charges,
        closed=(*facts.closed, *closed),
    )


def closings(facts: Facts, period: str, as_of: int) -> list[int]:
    """When the statement of the period of that name was closed, ascending."""
    return sorted(each.at for each in facts.closed if each.period in ("", period) and each.at <= as_of)
