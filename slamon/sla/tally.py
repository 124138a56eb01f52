"""Facts + contract → sums over a span of time that add: what of a period is judged, computed once and then only for its tail.

    tally(a, b) + tally(b, c) == tally(a, c)

for any b ≤ settled that no record straddles (a whole quarter hour is one, and a whole minute, unless longer records stand for it) and
that lies in no outage. The second needs no records
before b.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import chain
from typing import NamedTuple, TypeVar

from slamon.model import MINUTE
from slamon.record.rows import Record
from slamon.sla import samples, stated
from slamon.sla.cells import CATEGORY, Cell, Sums, cells
from slamon.sla.exclusions import standing
from slamon.sla.facts import Exclusion, Facts, SeriesFacts, State
from slamon.sla.outages import Ruled, indivisible, ruled
from slamon.sla.packets import NOTHING, Packets, count
from slamon.sla.samples import Stream
from slamon.sla.slots import grid_of
from slamon.sla.summed import RANKED
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, names
from slamon.sla.terms.measures import SAMPLED
from slamon.sla.terms.objectives import Objective
from slamon.sla.timeline import (
    Piece,
    Spans,
    clip,
    intersect,
    length,
    overlaps,
    subtract,
    union,
)

K = TypeVar("K")

QUARTER = 15 * MINUTE
"""A tally ends where records of every length end."""

AVAILABLE = frozenset({State.UP, State.DEGRADED})
MEASURED = frozenset({*AVAILABLE, State.DOWN})


class Applied(NamedTuple):
    """What one declaration removed, in nanoseconds."""

    owned: int = 0
    """Of the time in scope."""
    downtime: int = 0
    """Of that, while the service was down by the provider."""

    def plus(self, other: Applied) -> Applied:
        return Applied(self.owned + other.owned, self.downtime + other.downtime)


class Outage(NamedTuple):
    """The part of an outage inside a tally."""

    start: int
    end: int
    by_cause: dict[str, int]
    """Category → nanoseconds in scope."""
    began: int
    """Start of the whole outage."""
    ended: int
    """Its end, or settled while it is open."""
    charged: Fraction
    """What of the whole outage counts, weighed; nanoseconds."""
    spans: Spans
    """Where the whole outage counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """A commutative monoid under +, over spans that do not overlap."""

    settled: int = 0
    """Facts up to here were judged; may lie outside the span."""
    time: Mapping[str, int] = field(default_factory=dict)
    """Partition of the time in scope by category."""
    states: Mapping[State, int] = field(default_factory=dict)
    """Partition of its settled part as judged before exclusions."""
    ahead: int = 0
    """Excluded time that is not settled yet, a part of `time`."""
    charged: Fraction = Fraction(0)
    """Down and degraded time that counts, weighed; nanoseconds."""
    raw_charged: Fraction = Fraction(0)
    """The same before exclusions."""
    exclusions: Mapping[Exclusion, Applied] = field(default_factory=dict)
    """Every declaration that stands and touches the span."""
    outages: tuple[Outage, ...] = ()
    packets: Mapping[str, Packets] = field(default_factory=dict)
    """Target → the packets sent in available time."""
    always: Mapping[str, Packets] = field(default_factory=dict)
    """Target → the packets sent in measured time, where an objective asks for them."""
    streams: Mapping[str, Stream] = field(default_factory=dict)
    """Service and vantage point → samples stated by hand, where an objective is about them."""
    available: Spans = ()
    """Up, in scope, not excluded."""
    measured: Spans = ()
    """In scope and measured, up or down, excluded or not."""
    bad_slots: Spans = ()
    """Bad slots in available time, each by itself."""
    clock_measured: int = 0
    """Gross outage time as measured."""
    clock_ticket: int = 0
    """Gross outage time by the tickets."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            settled=max(self.settled, other.settled),
            time=_sum(self.time, other.time),
            states=_sum(self.states, other.states),
            ahead=self.ahead + other.ahead,
            charged=self.charged + other.charged,
            raw_charged=self.raw_charged + other.raw_charged,
            exclusions={
                exclusion: self.exclusions.get(exclusion, Applied()).plus(other.exclusions.get(exclusion, Applied()))
                for exclusion in {**self.exclusions, **other.exclusions}
            },
            outages=_join(self.outages, other.outages),
            packets=_packet_sums(self.packets, other.packets),
            always=_packet_sums(self.always, other.always),
            streams={
                name: tuple(sorted((*self.streams.get(name, ()), *other.streams.get(name, ()))))
                for name in {**self.streams, **other.streams}
            },
            available=union((*self.available, *other.available)),
            measured=union((*self.measured, *other.measured)),
            bad_slots=tuple(sorted((*self.bad_slots, *other.bad_slots))),
            clock_measured=self.clock_measured + other.clock_measured,
            clock_ticket=self.clock_ticket + other.clock_ticket,
        )


def tally(
    contract: Contract,
    facts: Facts,
    start: int,
    end: int,
    *,
    as_of: int,
    service: Composition | None = None,
    origin: int | None = None,
    ruling: Ruled | None = None,
    records: Mapping[str, tuple[Record, ...]] | None = None,
) -> Tally:
    """Sums over `[start, end)`, a part of one period: in scope, by category, per outage, per declaration, per target.

    `service`: None = the contract's. `origin`: where the period and its slots begin; None = at `start`. `ruling`: what `ruled` says
    of the same; None = not asked yet. `records`: target → its records, in place of those among the facts.
    """
    whole = contract.service if service is None else service
    if ruling is None:
        ruling = ruled(contract, facts, whole, as_of=as_of, origin=start if origin is None else origin)
    declared = standing(facts.exclusions, contract, as_of)
    touched = [span for span in ruling.seen.outages if max(span[0], start) < min(span[1], end)]
    first = min([start, *(span[0] for span in touched)])
    last = max([end, *(span[1] for span in touched)])
    wide = cells(contract, facts, ruling, declared, first, last, whole)
    pieces = [Piece(max(a, start), min(b, end), cell) for a, b, cell in wide if max(a, start) < min(b, end)]
    sums = Sums(contract)
    applied = {exclusion: [0, 0] for exclusion in declared if exclusion.start < end and start < exclusion.end}
    for piece in pieces:
        sums.add(piece)
        if piece.value.owner is not None:
            spent = applied[piece.value.owner]
            spent[0] += piece.end - piece.start
            spent[1] += piece.end - piece.start if piece.value.state is State.DOWN else 0
    available = union((a, b) for a, b, cell in pieces if cell.owner is None and cell.state in AVAILABLE)
    measured = union((a, b) for a, b, cell in pieces if cell.state in MEASURED)
    wanted = [objective for objective in contract.objectives if objective.measure in SAMPLED]
    grid = grid_of(contract.outage, start if origin is None else origin)
    return Tally(
        settled=min(ruling.settled, end),
        time=sums.time,
        states=sums.states,
        ahead=sums.ahead,
        charged=sums.charged,
        raw_charged=sums.raw_charged,
        exclusions={exclusion: Applied(*spent) for exclusion, spent in applied.items()},
        outages=_outages(touched, wide, start, end),
        packets=_packets(facts, whole, available, wanted, records) if wanted else {},
        always=_packets(facts, whole, measured, wanted, records) if any(o.always for o in wanted) else {},
        streams=_streams(facts, whole, start, end) if wanted else {},
        available=available,
        measured=measured,
        bad_slots=() if grid is None else tuple(s for s in grid.split(ruling.seen.bad) if _within(s, available)),
        clock_measured=length(clip(ruling.measured, start, end)),
        clock_ticket=length(clip(ruling.ticketed, start, end)),
    )


def eligible(
    contract: Contract,
    facts: Facts,
    start: int,
    end: int,
    *,
    as_of: int,
    service: Composition | None = None,
    origin: int | None = None,
    ruling: Ruled | None = None,
) -> Spans:
    """The parts of `[start, end)` whose packets are counted for delay and loss, in order; they may touch.

    Records of a quarter hour or a day may stand for their minutes only if they lie wholly inside one of these spans. `ruling` as
    for `tally`.
    """
    whole = contract.service if service is None else service
    if ruling is None:
        ruling = ruled(contract, facts, whole, as_of=as_of, origin=start if origin is None else origin)
    declared = standing(facts.exclusions, contract, as_of)
    pieces = cells(contract, facts, ruling, declared, start, end, whole)
    available = union((a, b) for a, b, cell in pieces if cell.owner is None and cell.state in AVAILABLE)
    if not any(objective.always for objective in contract.objectives):
        return available
    measured = union((a, b) for a, b, cell in pieces if cell.state in MEASURED)
    return tuple(sorted((*available, *subtract(measured, available))))


def base_end(
    contract: Contract,
    facts: Facts,
    start: int,
    end: int,
    *,
    as_of: int,
    origin: int,
    service: Composition | None = None,
    ruling: Ruled | None = None,
    grain: int = QUARTER,
) -> int:
    """Up to where a tally from `start` need not be computed again while its exclusions stay as they are.

    The last multiple of `grain` before the settled instant that lies in no outage and behind none that is still open, nor behind the
    opening of a ticket that is, inside `[start, end]`. Slots are judged from the period's start each time. `ruling` as for `tally`.
    """
    if contract.outage.slot is not None:
        return start
    whole = contract.service if service is None else service
    if ruling is None:
        ruling = ruled(contract, facts, whole, as_of=as_of, origin=origin)
    known = ruling.settled if ruling.pending is None else min(ruling.pending, ruling.settled)
    last = known - known % grain
    for first, after in reversed(indivisible(ruling, contract.outage)):
        if after <= last:
            break
        if first < last:
            last = first - first % grain
    return max(start, min(end, last))


def counts_packets(contract: Contract) -> bool:
    """False: no objective is about delay or loss, so records are not read."""
    return any(objective.measure in SAMPLED for objective in contract.objectives)


def _outages(
    touched: Sequence[tuple[int, int]], pieces: Sequence[Piece[Cell]], start: int, end: int
) -> tuple[Outage, ...]:
    causes: dict[tuple[int, int], dict[str, int]] = {span: {} for span in touched}
    amounts: dict[tuple[int, int], Fraction] = dict.fromkeys(touched, Fraction(0))
    spans: dict[tuple[int, int], list[tuple[int, int]]] = {span: [] for span in touched}
    for first, last, (span, (state, owner, weight)) in overlaps([Piece(*span, span) for span in touched], pieces):
        inside = min(last, end) - max(first, start)
        if inside > 0:
            cause = CATEGORY[state] if owner is None else owner.cause
            causes[span][cause] = causes[span].get(cause, 0) + inside
        if owner is None and state is State.DOWN:
            amounts[span] += weight * (last - first)
            spans[span].append((first, last))
    return tuple(
        Outage(
            max(span[0], start), min(span[1], end), causes[span], span[0], span[1], amounts[span], union(spans[span])
        )
        for span in touched
    )


def _join(left: Iterable[Outage], right: Iterable[Outage]) -> tuple[Outage, ...]:
    """All of them in order; two that touch are the halves of one."""
    result: list[Outage] = []
    for outage in sorted(chain(left, right), key=lambda outage: outage.start):
        if result and result[-1].end == outage.start and result[-1].began == outage.began:
            before = result.pop()
            by_cause = _sum(before.by_cause, outage.by_cause)
            result.append(outage._replace(start=before.start, by_cause=by_cause))
        else:
            result.append(outage)
    return tuple(result)


def _targets(facts: Facts, service: Composition) -> list[str]:
    leaves = [facts.services[name] for name in names(service) if name in facts.services]
    return [target for leaf in leaves for target in leaf.targets if target in facts.series]


def _records(series: SeriesFacts, records: Mapping[str, tuple[Record, ...]] | None) -> tuple[Record, ...]:
    return series.records if records is None else records.get(series.target, ())


def _packets(
    facts: Facts,
    service: Composition,
    spans: Spans,
    wanted: Sequence[Objective],
    records: Mapping[str, tuple[Record, ...]] | None,
) -> dict[str, Packets]:
    one_by_one = any(o.statistic is not None and o.statistic.form in RANKED for o in wanted)
    found = {}
    for target in _targets(facts, service):
        own = facts.series[target]
        spacing = own.spacing or own.interval
        found[target] = count(_records(own, records), spans, spacing=spacing, one_by_one=one_by_one)
    return found


def _streams(facts: Facts, service: Composition, start: int, end: int) -> dict[str, Stream]:
    found: dict[str, Stream] = {}
    if stated.is_stated(facts):
        for name in names(service):
            series = stated.samples_of(facts, name)
            for vantage in sorted({each.vantage for each in series}):
                key = f"{name}/{vantage}" if vantage else name
                found[key] = samples.of_series(each for each in series if each.vantage == vantage)
    return {name: tuple(p for p in stream if start <= p.at < end) for name, stream in found.items()}


def _within(span: tuple[int, int], spans: Spans) -> bool:
    return intersect((span,), spans) == (span,)


def _packet_sums(left: Mapping[str, Packets], right: Mapping[str, Packets]) -> dict[str, Packets]:
    return {target: left.get(target, NOTHING) + right.get(target, NOTHING) for target in {**left, **right}}


def _sum(left: Mapping[K, int], right: Mapping[K, int]) -> dict[K, int]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in {**left, **right}}
