"""Facts stated by hand (contract tests, what-if) → the states of a service: what nobody mentions is up and measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise

from slamon.model import Result
from slamon.sla import slots
from slamon.sla.detection import Detector, Rule, Transition
from slamon.sla.facts import DeclaredSpan, Facts, SampleSeries, State
from slamon.sla.slots import Grid
from slamon.sla.terms.outages import OutageRule
from slamon.sla.timeline import Spans, Timeline, overlaps, union

EVERY = ""
"""Facts that name no service are of whichever the contract judges."""

DOWN_AFTER, UP_AFTER = 3, 1
"""The rule of a target that says none."""


def is_stated(facts: Facts) -> bool:
    return bool(facts.declared or facts.samples)


def spans_of(facts: Facts, service: str) -> tuple[DeclaredSpan, ...]:
    return (*facts.declared.get(EVERY, ()), *(facts.declared.get(service, ()) if service != EVERY else ()))


def samples_of(facts: Facts, service: str) -> tuple[SampleSeries, ...]:
    """In the order of their time."""
    found = (*facts.samples.get(EVERY, ()), *(facts.samples.get(service, ()) if service != EVERY else ()))
    return tuple(sorted(found, key=lambda series: series.start))


def states(facts: Facts, service: str, rule: OutageRule, *, origin: int, end: int) -> Timeline[State]:
    """One service on `[0, end)`, as so many vantage points as the rule asks for saw it."""
    spans, series = spans_of(facts, service), samples_of(facts, service)
    vantages = sorted(({span.vantage for span in spans} | {each.vantage for each in series}) - {""}) or [""]
    timelines = [
        seen(
            [span for span in spans if span.vantage in ("", vantage)],
            [each for each in series if each.vantage in ("", vantage)],
            rule,
            origin=origin,
            end=end,
        )
        for vantage in vantages
    ]
    return agreed(timelines, min(rule.vantages, len(timelines)))


def seen(
    spans: Sequence[DeclaredSpan], series: Sequence[SampleSeries], rule: OutageRule, *, origin: int, end: int
) -> Timeline[State]:
    """What one vantage point saw. Unknown wins over down: what nobody saw was not seen to be down."""
    timeline = Timeline.of([(0, end, State.UNKNOWN if series else State.UP)])
    if series:
        judged = by_loss(series, rule, origin) if slots.judged_by_loss(rule) else by_samples(series, rule)
        for state in (State.UP, State.DOWN):
            timeline = timeline.overlay(judged.spans((state,)), state)
    for state in (State.DEGRADED, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN):
        timeline = timeline.overlay(union((span.start, span.end) for span in spans if span.state is state), state)
    return timeline


def by_samples(series: Iterable[SampleSeries], rule: OutageRule) -> Timeline[State]:
    """Consecutive samples of which every packet was lost make an outage; it was up before the first."""
    by_slot = rule.slot is not None
    counts = Rule(
        down_after=DOWN_AFTER if by_slot or rule.after is None else rule.after,
        up_after=UP_AFTER if by_slot or rule.until is None else rule.until,
    )
    detector = Detector(counts, initial=State.UP)
    changes: list[Transition] = []
    first: int | None = None
    end = 0
    for each in series:
        first = each.start if first is None else first
        for sample in each.samples:
            if sample.at >= end:  # what an earlier series says is not judged again
                result = Result.TIMEOUT if sample.lost == 1 else Result.SUCCESS
                changes += detector.feed(result, sample.at, sample.at, sample.at + each.every, 1)
        end = max(end, each.end)
    if first is None:
        return Timeline()
    changes += [change for change in detector.gap(end, end + 1) if change.at < end]
    starts = [Transition(first, State.UP), *changes]
    ends = [*(change.at for change in changes), end]
    return Timeline.of((start.at, stop, start.state) for start, stop in zip(starts, ends, strict=True))


def by_loss(series: Sequence[SampleSeries], rule: OutageRule, origin: int) -> Timeline[State]:
    assert rule.slot is not None
    assert rule.bad_slot is not None
    judged = slots.sampled(series, Grid(origin=origin, length=rule.slot), rule.bad_slot)
    return slots.consecutive(judged, rule, initial=State.UP, final=True).timeline


def bad_slots(facts: Facts, service: str, rule: OutageRule, *, origin: int) -> Spans:
    """Slots with more loss than the rule allows, as any vantage point saw them."""
    assert rule.slot is not None
    assert rule.bad_slot is not None
    judged = slots.sampled(samples_of(facts, service), Grid(origin=origin, length=rule.slot), rule.bad_slot)
    return union((start, end) for start, end, state in judged.pieces if state is State.DOWN)


def agreed(timelines: Sequence[Timeline[State]], vantages: int) -> Timeline[State]:
    """Down where at least so many see it down, unknown where those who saw nothing decide. All are defined on one interval."""
    if len(timelines) == 1:
        return timelines[0]
    together: list[tuple[int, int, tuple[State, ...]]] = [(p.start, p.end, (p.value,)) for p in timelines[0].pieces]
    for timeline in timelines[1:]:
        together = [
            (start, end, (*before, state)) for start, end, (before, state) in overlaps(together, timeline.pieces)
        ]
    return Timeline.of((start, end, _vote(states, vantages)) for start, end, states in together)


def _vote(seen_by: tuple[State, ...], needed: int) -> State:
    down = seen_by.count(State.DOWN)
    degraded = seen_by.count(State.DEGRADED)
    ours = seen_by.count(State.LOCAL_FAULT)
    unknown = seen_by.count(State.UNKNOWN)
    if down >= needed:
        return State.DOWN
    if down + unknown + ours >= needed and unknown + ours:
        return State.UNKNOWN if unknown else State.LOCAL_FAULT
    return State.DEGRADED if down + degraded >= needed else State.UP


def weights(facts: Facts, services: Iterable[str], rule: OutageRule, start: int, end: int) -> Timeline[Fraction]:
    """By how much an outage counts at each instant: affected/n of those down then, at most 1; 1 where nobody counted."""
    whole = Timeline.of([(start, end, Fraction(1))])
    if rule.weigh_by is None:
        return whole
    found = (*facts.declared.get(EVERY, ()), *(span for name in services for span in facts.declared.get(name, ())))
    spans = [span for span in found if span.state is State.DOWN and span.affected is not None]
    edges = sorted({start, end, *(edge for span in spans for edge in (span.start, span.end) if start < edge < end)})
    pieces = []
    for first, last in pairwise(edges):
        affected = [span.affected or 0 for span in spans if span.start <= first and last <= span.end]
        weight = min(Fraction(sum(affected), rule.weigh_by), Fraction(1)) if affected else Fraction(1)
        pieces.append((first, last, weight))
    return Timeline.of(pieces)
