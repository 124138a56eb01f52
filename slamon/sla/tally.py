"""Facts + contract → sums over a span of time that add: what of a period is judged, computed once and then only for its tail.

    tally(a, b) + tally(b, c) == tally(a, c)

for any b ≤ settled that no record straddles (a whole quarter hour is one). The second needs less than all facts: of runs and
gaps those from `needed_from(b)` on, of records those from b on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, TypeVar

from slamon.model import MINUTE
from slamon.sla import attribution
from slamon.sla.attribution import Observation
from slamon.sla.exclusions import owned, standing
from slamon.sla.facts import Exclusion, Facts, State
from slamon.sla.lines import LOCAL_FAULT, NOT_ELAPSED, PROVIDER_DOWN, UNKNOWN, UP
from slamon.sla.packets import Packets, count
from slamon.sla.terms import Contract, Measure
from slamon.sla.timeline import Piece, Spans, Timeline, filled, overlaps, union

K = TypeVar("K")

QUARTER = 15 * MINUTE
"""A tally ends where records of every length end."""

CATEGORY: dict[State | None, str] = {
    State.UP: UP,
    State.DOWN: PROVIDER_DOWN,
    State.LOCAL_FAULT: LOCAL_FAULT,
    State.UNKNOWN: UNKNOWN,
    None: NOT_ELAPSED,
}


class Applied(NamedTuple):
    """What one declaration removed, in nanoseconds."""

    owned: int = 0
    """Of the time in scope."""
    downtime: int = 0
    """Of that, while the service was down by the provider."""

    def plus(self, other: Applied) -> Applied:
        return Applied(self.owned + other.owned, self.downtime + other.downtime)


class Outage(NamedTuple):
    """The part of a detected outage inside a tally."""

    start: int
    end: int
    by_cause: dict[str, int]
    """Category → nanoseconds in scope."""
    began: int
    """Start of the whole outage."""


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
    exclusions: Mapping[Exclusion, Applied] = field(default_factory=dict)
    """Every declaration that stands and touches the span."""
    outages: tuple[Outage, ...] = ()
    packets: Mapping[str, Packets] = field(default_factory=dict)
    """Target → the packets sent while the service was up and nothing was excluded."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            settled=max(self.settled, other.settled),
            time=_sum(self.time, other.time),
            states=_sum(self.states, other.states),
            ahead=self.ahead + other.ahead,
            exclusions={
                exclusion: self.exclusions.get(exclusion, Applied()).plus(other.exclusions.get(exclusion, Applied()))
                for exclusion in {**self.exclusions, **other.exclusions}
            },
            outages=_join(self.outages, other.outages),
            packets={
                target: self.packets.get(target, Packets()) + other.packets.get(target, Packets())
                for target in {**self.packets, **other.packets}
            },
        )


def tally(contract: Contract, facts: Facts, start: int, end: int, *, as_of: int) -> Tally:
    """Sums over `[start, end)`, a part of one period: in scope, by category, per outage, per declaration, per target."""
    seen = _observe(contract, facts, as_of)
    declared = standing(facts.exclusions, contract, as_of)
    pieces = categories(contract, seen, declared, start, end)
    time: dict[str, int] = {}
    states: dict[State, int] = {}
    ahead = 0
    applied = {exclusion: [0, 0] for exclusion in declared if exclusion.start < end and start < exclusion.end}
    for piece_start, piece_end, (state, owner) in pieces:
        length = piece_end - piece_start
        category = _category(state, owner)
        time[category] = time.get(category, 0) + length
        if state is not None:
            states[state] = states.get(state, 0) + length
        if owner is not None:
            applied[owner][0] += length
            applied[owner][1] += length if state is State.DOWN else 0
            ahead += length if state is None else 0
    return Tally(
        settled=min(seen.settled, end),
        time=time,
        states=states,
        ahead=ahead,
        exclusions={exclusion: Applied(*sums) for exclusion, sums in applied.items()},
        outages=_outages(seen.outages, pieces, start, end),
        packets=_packets(contract, facts, _eligible(pieces)) if counts_packets(contract) else {},
    )


def eligible(contract: Contract, facts: Facts, start: int, end: int, *, as_of: int) -> Spans:
    """The part of `[start, end)` whose packets count for delay and loss: up, in scope, not excluded.

    Records of a quarter hour or a day may stand for their minutes only if they lie wholly inside one of these spans.
    """
    seen = _observe(contract, facts, as_of)
    return _eligible(categories(contract, seen, standing(facts.exclusions, contract, as_of), start, end))


def base_end(contract: Contract, facts: Facts, start: int, end: int, *, as_of: int) -> int:
    """Up to where a tally from `start` need not be computed again while its exclusions stay as they are.

    The last quarter hour before the settled instant and before an outage that is still open, inside `[start, end]`.
    """
    seen = _observe(contract, facts, as_of)
    last = seen.settled
    if seen.outages and seen.outages[-1][1] == seen.settled:
        last = seen.outages[-1][0]
    return max(start, min(end, last - last % QUARTER))


def settled(contract: Contract, facts: Facts, *, as_of: int) -> int:
    """The first instant of the contract's service that facts still to come could change."""
    return _observe(contract, facts, as_of).settled


def needed_from(contract: Contract, facts: Facts, cut: int) -> int:
    """From which instant on runs and gaps must be known for a tally that starts at `cut`; a run that reaches there is needed whole."""
    return attribution.context(facts, contract.service, cut, down_after=contract.down_after, up_after=contract.up_after)


def counts_packets(contract: Contract) -> bool:
    """False: no objective is about delay or loss, so records are not read."""
    return any(objective.measure is not Measure.AVAILABILITY for objective in contract.objectives)


def categories(
    contract: Contract, seen: Observation, declared: Iterable[Exclusion], start: int, end: int
) -> list[Piece[tuple[State | None, Exclusion | None]]]:
    """`[start, end)` in scope, cut at every change: (state, None = not settled yet; the declaration that owns it)."""
    settled = max(start, min(seen.settled, end))
    states = Timeline[State | None].of(
        [*seen.timeline.within(start, settled, State.UNKNOWN).pieces, Piece(settled, end, None)]
    )
    owners: list[Piece[Exclusion | None]] = [Piece(*piece) for piece in owned(declared, contract)]
    return list(overlaps(states.pieces, filled(owners, start, end, None).pieces))


def _observe(contract: Contract, facts: Facts, as_of: int) -> Observation:
    return attribution.observe(
        facts, contract.service, as_of=as_of, down_after=contract.down_after, up_after=contract.up_after
    )


def _category(state: State | None, owner: Exclusion | None) -> str:
    return CATEGORY[state] if owner is None else owner.cause


def _eligible(pieces: Iterable[Piece[tuple[State | None, Exclusion | None]]]) -> Spans:
    return union((start, end) for start, end, value in pieces if value == (State.UP, None))


def _outages(
    whole: Spans, pieces: Sequence[Piece[tuple[State | None, Exclusion | None]]], start: int, end: int
) -> tuple[Outage, ...]:
    inside = [(max(first, start), min(last, end), first) for first, last in whole]
    outages = [Outage(first, last, {}, began) for first, last, began in inside if first < last]
    for first, last, (outage, (state, owner)) in overlaps([(o.start, o.end, o) for o in outages], pieces):
        cause = _category(state, owner)
        outage.by_cause[cause] = outage.by_cause.get(cause, 0) + last - first
    return tuple(outages)


def _join(left: Iterable[Outage], right: Iterable[Outage]) -> tuple[Outage, ...]:
    """All of them in order; two that touch are the halves of one."""
    result: list[Outage] = []
    for outage in sorted(chain(left, right), key=lambda outage: outage.start):
        if result and result[-1].end == outage.start:
            before = result[-1]
            by_cause = _sum(before.by_cause, outage.by_cause)
            result[-1] = Outage(before.start, outage.end, by_cause, before.began)
        else:
            result.append(outage)
    return tuple(result)


def _packets(contract: Contract, facts: Facts, spans: Spans) -> dict[str, Packets]:
    service = facts.services.get(contract.service)
    one_by_one = any(objective.percentile is not None for objective in contract.objectives)
    return {
        target: count(
            facts.series[target].records,
            spans,
            probe=facts.series[target].probe,
            interval=facts.series[target].interval,
            one_by_one=one_by_one,
        )
        for target in (service.targets if service else ())
        if target in facts.series
    }


def _sum(left: Mapping[K, int], right: Mapping[K, int]) -> dict[K, int]:
    return {key: left.get(key, 0) + right.get(key, 0) for key in {**left, **right}}
