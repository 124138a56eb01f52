"""Whose fault a silence is: detected states + the witness → the states a contract judges, of each target and of the service.

A witness is a target on the customer's side. Its own silence explains the silence of what lies behind it, as far as it can be
believed; nobody is excused by a witness that never answers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from slamon.model import DAY, MEANING, Effect, Target
from slamon.record.rows import Gap, reach
from slamon.sla import slots, stated
from slamon.sla.detection import Detection, Rule, detect, last_before, rule_of
from slamon.sla.facts import Facts, SeriesFacts, State
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.outages import OutageRule
from slamon.sla.timeline import Piece, Spans, Timeline, overlaps, union

TRUST = DAY
"""How long a witness that stopped answering is believed: one that has been silent for longer is a broken witness."""

LAPSE = DAY
"""What is not decided so long afterwards never will be: it was not measured. A statement closes no earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What is known about a service. The timelines are defined on exactly [first known, settled); empty = nothing is known."""

    timeline: Timeline[State]
    """With faults on our side told apart."""
    detected: Timeline[State]
    """As detected, before anybody asked whose fault it was: its down pieces are the outages."""
    settled: int
    targets: dict[str, Detection]
    """Each measured target by itself, with faults on our side told apart."""
    bad: Spans = ()
    """Bad slots, where the outage rule judges slots by their loss; neighbours are one span."""

    @property
    def outages(self) -> Spans:
        """Whole outages, up to settled."""
        return self.detected.spans((State.DOWN,))


ANY = OutageRule()
"""Every target by its own rule, and every outage counts."""


def observe(facts: Facts, service: Composition, *, as_of: int, rule: OutageRule = ANY, origin: int = 0) -> Observation:
    """The states of a service or of services together, as far as they were known at `as_of`.

    By each target's own rule, or the rule given in its place; `origin`: where a slot of the latter begins. What is stated by hand
    is complete up to `as_of`. Where nothing at all is known of a service, that is all there is to know.
    """
    if isinstance(service, str):
        return _alone(facts, service, as_of=as_of, rule=rule, origin=origin)
    members = [observe(facts, member, as_of=as_of, rule=rule, origin=origin) for member in service.of]
    known = [member for member in members if member.timeline.pieces]
    if not known:
        return Observation(timeline=Timeline(), detected=Timeline(), settled=as_of, targets={})
    settled = min(member.settled for member in members)
    start = min(member.timeline.start for member in known)

    def together(timelines: Sequence[Timeline[State]]) -> Timeline[State]:
        return service_timeline(timelines, service.need, start, settled)

    bad = [Timeline.of([(start, settled, State.UP)]).overlay(member.bad, State.DOWN) for member in members]
    return Observation(
        timeline=together([member.timeline for member in members]),
        detected=together([member.detected for member in members]),
        settled=settled,
        targets={name: target for member in members for name, target in member.targets.items()},
        bad=together(bad).spans((State.DOWN,)),
    )


def _alone(facts: Facts, service: str, *, as_of: int, rule: OutageRule, origin: int) -> Observation:
    if service not in facts.services and stated.is_stated(facts):
        timeline = stated.states(facts, service, rule, origin=origin, end=as_of)
        bad: Spans = ()
        if slots.judged_by_loss(rule):
            bad = stated.bad_slots(facts, service, rule, origin=origin)
        return Observation(timeline=timeline, detected=timeline, settled=as_of, targets={}, bad=bad)
    members = facts.services[service].targets if service in facts.services else ()
    known = {name: facts.series[name] for name in members if name in facts.series}
    if not known:
        return Observation(timeline=Timeline(), detected=Timeline(), settled=as_of, targets={})
    gaps = union((gap.start, gap.end) for gap in facts.gaps)
    detections = {name: detection_of(series, gaps, rule=rule, origin=origin) for name, series in known.items()}
    asked = {series.witness for series in known.values() if series.witness is not None}
    witnesses = {name: Witness.of(facts.series[name], gaps) for name in asked if name in facts.series}
    judged = dict(detections)
    for name, series in known.items():
        if series.witness in witnesses:
            judged[name] = witnesses[series.witness].judge(detections[name])
    start = min(series.known_from for series in known.values())
    settled = max(as_of - LAPSE, min(as_of, *(detection.settled for detection in judged.values())))
    quorum, first_round = facts.services[service].quorum, start + reach(facts.services[service].round)
    if len(known) < len(members) and as_of < first_round:
        settled = start  # who has not been probed yet may still turn out to have been there from the start

    def together(timelines: Sequence[Timeline[State]]) -> Timeline[State]:
        return service_timeline(timelines, quorum, start, settled)

    def since(of: dict[str, Detection]) -> list[Timeline[State]]:
        return [
            _from_the_start(detection.timeline, known[name].known_from, start, first_round)
            for name, detection in of.items()
        ]

    bad = ()
    if slots.judged_by_loss(rule):
        bad = together([_slots(series, gaps, rule, origin) for series in known.values()]).spans((State.DOWN,))
    detected = together(since(detections))
    return Observation(
        timeline=together(since(judged)) if witnesses else detected,
        detected=detected,
        settled=settled,
        targets=judged,
        bad=bad,
    )


def _from_the_start(timeline: Timeline[State], known_from: int, start: int, first_round: int) -> Timeline[State]:
    """A target first probed within a round of the service's first probe was there from the start, and is unknown until then."""
    if known_from >= first_round:
        return timeline
    return timeline.within(start, timeline.end if timeline.pieces else known_from, State.UNKNOWN)


def detection_of(series: SeriesFacts, gaps: Spans, *, rule: OutageRule = ANY, origin: int = 0) -> Detection:
    """When a target was up and down, by its own rule or the one given in its place."""
    by = by_loss(series, rule, origin)
    if by is None:
        return detect(series, samples_rule(series, rule), gaps)
    found = slots.consecutive(_slots(series, gaps, *by), by[0])
    settled = max(series.known_from, found.settled)
    return Detection(timeline=found.timeline.within(series.known_from, settled, State.UNKNOWN), settled=settled)


def by_loss(series: SeriesFacts, rule: OutageRule, origin: int) -> tuple[OutageRule, int] | None:
    """By which rule the target's packets are judged in slots, and where one of these begins; None = its samples are, one by one."""
    if slots.judged_by_loss(rule):
        return rule, origin
    if series.slots is None or (rule.slot is None and (rule.after is not None or rule.until is not None)):
        return None
    return slots.own_rule(series.slots), 0


def decided(facts: Facts, rule: OutageRule, since: int, at: int, *, origin: int) -> bool:
    """Whether what was sent in `[since, at)` decides the state at `at` of every target that is judged by slots: it was up in between.

    Down does not decide: what began as one outage has to be known from its start.
    """
    for series in facts.series.values():
        for by in {by_loss(series, rule, origin), by_loss(series, ANY, 0)} - {None}:
            assert by is not None
            if series.known_from < since and not _up_between(series, facts.gaps, since, at, *by):
                return False
    return True


def _up_between(series: SeriesFacts, gaps: Iterable[Gap], since: int, at: int, rule: OutageRule, origin: int) -> bool:
    assert rule.slot is not None
    first = since + (origin - since) % rule.slot  # of a slot that began before, packets are missing
    blind = union([(series.known_from, first), *((gap.start, gap.end) for gap in gaps)])
    known = replace(
        series, through=min(series.through, at), runs=tuple(run for run in series.runs if run.first_sent < at)
    )
    found = slots.consecutive(_slots(known, blind, rule, origin), rule)
    return any(piece.value is State.UP for piece in found.timeline.pieces)


def _slots(series: SeriesFacts, gaps: Spans, rule: OutageRule, origin: int) -> Timeline[State]:
    grid = slots.grid_of(rule, origin)
    assert grid is not None
    assert rule.bad_slot is not None
    return slots.observed(series, gaps, grid, rule.bad_slot)


def samples_rule(series: SeriesFacts, rule: OutageRule) -> Rule:
    """The rule for single samples: with slots, `after` and `until` count slots and each target's own rule holds for samples."""
    if rule.slot is not None:
        return rule_of(series)
    return rule_of(series, down_after=rule.after, up_after=rule.until)


def unnoticed(target: SeriesFacts | Target) -> int:
    """An interval, or a slot, and a timeout: by so much an outage may have begun earlier, and ended later, than the target could notice."""
    return (target.interval if target.slots is None else target.slots.length) + target.timeout


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A target whose silence is evidence that the fault is ours."""

    evidence: Spans
    """When it was silent and can be believed."""
    settled: int
    widen: int
    """`unnoticed` of it."""

    @classmethod
    def of(cls, series: SeriesFacts, gaps: Spans) -> Witness:
        detection = detection_of(series, gaps)
        return cls(evidence=evidence(series, detection.timeline), settled=detection.settled, widen=unnoticed(series))

    def judge(self, target: Detection) -> Detection:
        """The target's states with the silence it shares with this witness as our own fault."""
        timeline = attribute(target.timeline, self.evidence, self.widen)
        settled = target.settled
        for piece in reversed(target.timeline.pieces):
            if piece.value is State.DOWN:
                if piece.end <= self.settled and piece.end < target.settled:
                    break  # over before anything the witness may still say
                # A silence that begins later, but still during this outage, reaches back into it.
                settled = max(piece.start, min(target.settled, self.settled) - self.widen)
        return Detection(timeline=timeline.clip(0, settled), settled=settled)


def evidence(series: SeriesFacts, timeline: Timeline[State]) -> Spans:
    """When the witness was down and is believed.

    It must have answered within `TRUST` before, with no unknown time in between (a restart leaves some, so: since the start),
    and is believed until `TRUST` after that answer.
    """
    answered = [run for run in series.runs if MEANING[run.result].effect is Effect.UP]
    result = []
    known = series.known_from
    for start, end, state in timeline.pieces:
        if state is State.UNKNOWN:
            known = end
        elif state is State.DOWN:
            at = bisect_left(answered, start, key=lambda run: run.first_sent) - 1
            answer = last_before(answered[at], start) if at >= 0 else known - 1
            if answer >= max(known, start - TRUST):
                result.append((start, min(end, answer + TRUST)))
    return union(result)


def attribute(timeline: Timeline[State], silence: Spans, widen: int) -> Timeline[State]:
    """Down time of `timeline` covered by `silence`, widened on both sides, becomes local fault.

    Only a silence that overlaps the outage by itself is widened: one that was over before explains nothing.
    """
    outages = [(piece.start, piece.end, piece) for piece in timeline.pieces if piece.value is State.DOWN]
    silences = [(*span, span) for span in silence]
    covered = union(
        (max(outage.start, start - widen), min(outage.end, end + widen))
        for _, _, (outage, (start, end)) in overlaps(outages, silences)
    )
    return timeline.overlay(covered, State.LOCAL_FAULT)


def service_timeline(timelines: Sequence[Timeline[State]], quorum: int, start: int, end: int) -> Timeline[State]:
    """`quorum` of the targets must be up. Up and down are certain; where unmeasured targets decide, the service is unmeasured.

    A target counts from the start of its timeline on: one that was added later says nothing about the time before, and takes
    nothing away from it. Until then all of those known, or `quorum` if that is fewer, must be up. After its end it is unknown.
    """
    states: list[State | None] = [None] * len(timelines)
    count = dict.fromkeys(State, 0)
    changes = sorted(
        (at, index, state)
        for index, timeline in enumerate(timelines)
        for at, state in [
            *((piece.start, piece.value) for piece in timeline.pieces),
            *([(timeline.end, State.UNKNOWN)] if timeline.pieces else []),
        ]
    )
    pieces: list[Piece[State]] = []
    since = start
    for at, index, state in changes:
        pieces.append(Piece(since, min(at, end), _together(count, quorum)))
        since = max(since, at)
        before = states[index]
        if before is not None:
            count[before] -= 1
        count[state] += 1
        states[index] = state
    pieces.append(Piece(since, end, _together(count, quorum)))
    return Timeline.of(pieces)


def _together(count: dict[State, int], quorum: int) -> State:
    """`count`: how many of the known targets are in each state. Degraded is up, worse."""
    known = sum(count.values())
    needed = min(quorum, known)
    if not known:
        return State.UNKNOWN
    if count[State.UP] >= needed:
        return State.UP
    if count[State.UP] + count[State.DEGRADED] >= needed:
        return State.DEGRADED
    if known - count[State.DOWN] < needed:
        return State.DOWN
    return State.UNKNOWN if count[State.UNKNOWN] else State.LOCAL_FAULT
