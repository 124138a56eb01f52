"""Down time as observed → outages by the contract's rule: slots, bridged gaps, the contract's clock, least length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slamon.sla import slots
from slamon.sla.attribution import Observation, observe
from slamon.sla.facts import Facts, State, Ticket
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.outages import Clock, OutageRule
from slamon.sla.timeline import Span, Spans, Timeline, intersect, subtract, union

_BRIDGED = frozenset({State.UP, State.DEGRADED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """A service as the contract's outage rule sees it."""

    seen: Observation
    """With what is no outage by the rule as up, and what the rule makes one as down."""
    measured: Spans
    """Whole outages as measured, by whatever rule: open ones end at settled."""
    ticketed: Spans
    """Tickets matched to an outage, as spans; one still open ends at settled."""
    pending: int | None
    """When the first ticket was opened that is still open at settled: it may yet match an outage, and then matters from there on."""

    @property
    def settled(self) -> int:
        return self.seen.settled


def ruled(contract: Contract, facts: Facts, service: Composition, *, as_of: int, origin: int) -> Ruled:
    """`origin`: the start of the period, where its slots begin."""
    rule = contract.outage
    seen = observe(facts, service, as_of=as_of, rule=rule, origin=origin)
    if rule.slot is not None and not slots.judged_by_loss(rule):
        seen = _by_slots(seen, rule, origin)
    measured = seen.outages
    tickets = _spans(facts.tickets, seen.settled)
    ticketed = union(ticket for ticket in tickets if intersect((ticket,), measured))
    if not qualifies_everything(rule):
        down = bridged(seen.timeline, rule.merge_within)
        outages = union((start, end) for start, end in clocked(down, tickets, rule) if rule.qualifies(end - start))
        lost = subtract(seen.timeline.spans((State.DOWN,)), outages)
        seen = replace(
            seen,
            timeline=_redrawn(seen.timeline, outages, lost),
            detected=_redrawn(seen.detected, outages, lost),
        )
    still = (ticket.opened for ticket in facts.tickets if ticket.closed is None or ticket.closed > seen.settled)
    return Ruled(seen=seen, measured=measured, ticketed=ticketed, pending=min(still, default=None))


def qualifies_everything(rule: OutageRule) -> bool:
    """Every stretch of down time is an outage as it is."""
    measured = rule.starts is Clock.MEASURED and rule.ends is Clock.MEASURED
    return rule.side is None and rule.merge_within == 0 and measured


def bridged(timeline: Timeline[State], merge_within: int) -> Spans:
    """Down time, with the up gaps between that are shorter than `merge_within`. Unmeasured time is never bridged."""
    result: list[Span] = []
    gap: int | None = None
    for start, end, state in timeline.pieces:
        if state is State.DOWN:
            if gap is not None and start - gap < merge_within:
                result[-1] = (result[-1][0], end)
            else:
                result.append((start, end))
            gap = end
        elif state not in _BRIDGED:
            gap = None
    return union(result)


def clocked(down: Spans, tickets: Spans, rule: OutageRule) -> Spans:
    """Each outage from and to the instants the contract's clock says; one nobody opened a ticket for has no ticket clock."""
    if rule.starts is Clock.MEASURED and rule.ends is Clock.MEASURED:
        return down
    result = []
    for outage in down:
        matched = [ticket for ticket in tickets if ticket[0] < outage[1] and outage[0] < ticket[1]]
        if not matched:
            if rule.starts is Clock.MEASURED and rule.ends is Clock.SOONER:
                result.append(outage)
            continue
        opened, closed = matched[0][0], max(end for _, end in matched)
        start = {Clock.MEASURED: outage[0], Clock.TICKET: opened, Clock.LATER: max(outage[0], opened)}[rule.starts]
        end = {Clock.MEASURED: outage[1], Clock.TICKET: closed, Clock.SOONER: min(outage[1], closed)}[rule.ends]
        result.append((start, end))
    return union(result)


def indivisible(ruling: Ruled, rule: OutageRule) -> Spans:
    """Outages, each with all that decides about it: gaps that are or may be bridged, tickets. One still open has no end in sight."""
    result: list[Span] = []
    for start, end in union((*ruling.measured, *ruling.seen.outages, *ruling.ticketed)):
        if result and start - result[-1][1] < rule.merge_within:
            result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    if result and ruling.settled - result[-1][1] < max(rule.merge_within, 1):
        result[-1] = (result[-1][0], ruling.settled + 1)
    return tuple(result)


def _by_slots(seen: Observation, rule: OutageRule, origin: int) -> Observation:
    grid = slots.grid_of(rule, origin)
    assert grid is not None
    assert rule.bad_slot is not None
    if not seen.timeline.pieces:
        return seen
    judged = slots.by_downtime(seen.timeline, grid, rule.bad_slot)
    stated = not seen.targets
    found = slots.consecutive(judged, rule, initial=State.UP if stated else State.UNKNOWN, final=stated)
    settled = seen.settled if stated else min(seen.settled, max(found.settled, seen.timeline.start))
    start = seen.timeline.start
    rest = State.UP if stated else State.UNKNOWN
    # What is not a whole slot is not judged: it is up, as far as anybody looked.
    whole = ((judged.start, judged.end),) if judged.pieces else ()
    blind = subtract(seen.timeline.clip(start, settled).spans((State.UNKNOWN,)), whole)
    timeline = found.timeline.within(start, settled, rest).overlay(blind, State.UNKNOWN)
    # Faults on our side stay what they are, unless their slot counts as down as a whole.
    ours = subtract(seen.timeline.clip(start, settled).spans((State.LOCAL_FAULT,)), timeline.spans((State.DOWN,)))
    timeline = timeline.overlay(ours, State.LOCAL_FAULT)
    bad = union((a, b) for a, b, state in judged.pieces if state is State.DOWN)
    return replace(seen, timeline=timeline, detected=timeline, settled=settled, bad=bad)


def _redrawn(timeline: Timeline[State], outages: Spans, lost: Spans) -> Timeline[State]:
    """Down exactly on `outages` and up on `lost`; what nobody saw stays unknown, and our own fault ours."""
    if not timeline.pieces:
        return timeline
    known = subtract(outages, timeline.spans((State.UNKNOWN, State.LOCAL_FAULT)))
    return timeline.overlay(lost, State.UP).overlay(known, State.DOWN)


def _spans(tickets: Iterable[Ticket], settled: int) -> Spans:
    """In order of opening, as known at settled; not merged, for two tickets are two."""
    found = ((ticket.opened, settled if ticket.closed is None else min(ticket.closed, settled)) for ticket in tickets)
    return tuple(sorted(span for span in found if span[0] < span[1]))


def matching(outage: Span, tickets: Sequence[Ticket]) -> tuple[Ticket, ...]:
    """The tickets an outage overlaps."""
    return tuple(
        ticket
        for ticket in tickets
        if ticket.opened < outage[1] and (ticket.closed is None or outage[0] < ticket.closed)
    )
