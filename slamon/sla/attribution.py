"""Whose fault a silence is: detected states + the witness → the states a contract judges, of each target and of the service.

A witness is a target on the customer's side. Its own silence explains the silence of what lies behind it, as far as it can be
believed; nobody is excused by a witness that never answers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from slamon.model import DAY, Effect, meaning
from slamon.sla.detection import Detection, anchor, detect, rule_of
from slamon.sla.facts import DeclaredSpan, Facts, SeriesFacts, State
from slamon.sla.timeline import Piece, Spans, Timeline, union

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

    @property
    def outages(self) -> Spans:
        """Whole outages, up to settled."""
        return self.detected.spans((State.DOWN,))


def observe(
    facts: Facts, service: str, *, as_of: int, down_after: int | None = None, up_after: int | None = None
) -> Observation:
    """The service's states by its own detection rules, or the rule given in their place, as far as they were known at `as_of`.

    Declared facts are complete up to `as_of`. Where nothing at all is known of a service, that is all there is to know.
    """
    if service in facts.declared:
        timeline = declared_timeline(facts.declared[service], as_of)
        return Observation(timeline=timeline, detected=timeline, settled=as_of, targets={})
    members = facts.services[service].targets if service in facts.services else ()
    known = {name: facts.series[name] for name in members if name in facts.series}
    if not known:
        return Observation(timeline=Timeline(), detected=Timeline(), settled=as_of, targets={})
    gaps = union((gap.start, gap.end) for gap in facts.gaps)
    detections = {
        name: detect(series, rule_of(series, down_after=down_after, up_after=up_after), gaps)
        for name, series in known.items()
    }
    names = sorted({series.witness for series in known.values() if series.witness is not None})
    witnesses = {name: Witness.of(facts.series[name], gaps) for name in names if name in facts.series}
    judged = dict(detections)
    for name, series in known.items():
        if series.witness is not None and series.witness in witnesses:
            judged[name] = witnesses[series.witness].judge(detections[name])
    start = min(series.known_from for series in known.values())
    settled = max(as_of - LAPSE, min(as_of, *(detection.settled for detection in judged.values())))
    quorum = facts.services[service].quorum

    def together(of: dict[str, Detection]) -> Timeline[State]:
        return service_timeline([detection.timeline for detection in of.values()], quorum, start, settled)

    detected = together(detections)
    return Observation(
        timeline=together(judged) if witnesses else detected, detected=detected, settled=settled, targets=judged
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A target whose silence is evidence that the fault is ours."""

    evidence: Spans
    """When it was silent and can be believed."""
    settled: int
    widen: int
    """One interval and timeout: by so much its outage may have begun earlier, and ended later, than it could notice."""

    @classmethod
    def of(cls, series: SeriesFacts, gaps: Spans) -> Witness:
        detection = detect(series, rule_of(series), gaps)
        return cls(
            evidence=evidence(series, detection.timeline),
            settled=detection.settled,
            widen=series.interval + series.timeout,
        )

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
        return Detection(
            timeline=timeline.clip(timeline.start, settled) if timeline.pieces else timeline, settled=settled
        )


def evidence(series: SeriesFacts, timeline: Timeline[State]) -> Spans:
    """When the witness was down and is believed.

    It must have answered within `TRUST` before, with no unknown time in between (a restart leaves some, so: since the start),
    and is believed until `TRUST` after that answer.
    """
    firsts, lasts = _answers(series)
    result = []
    known = series.known_from
    for start, end, state in timeline.pieces:
        if state is State.UNKNOWN:
            known = end
        elif state is State.DOWN:
            at = bisect_left(firsts, start) - 1
            if at >= 0 and lasts[at] >= max(known, start - TRUST):
                result.append((start, min(end, lasts[at] + TRUST)))
    return union(result)


def attribute(timeline: Timeline[State], silence: Spans, widen: int) -> Timeline[State]:
    """Down time of `timeline` covered by `silence`, widened on both sides, becomes local fault.

    Only a silence that overlaps the outage by itself is widened: one that was over before explains nothing.
    """
    covered: list[tuple[int, int]] = []
    first = 0
    for start, end, state in timeline.pieces:
        if state is not State.DOWN:
            continue
        while first < len(silence) and silence[first][1] <= start:
            first += 1
        at = first
        while at < len(silence) and silence[at][0] < end:
            covered.append((max(start, silence[at][0] - widen), min(end, silence[at][1] + widen)))
            at += 1
    return timeline.overlay(union(covered), State.LOCAL_FAULT)


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
        if at > since:
            pieces.append(Piece(since, min(at, end), _together(count, quorum)))
            since = at
        before = states[index]
        if before is not None:
            count[before] -= 1
        count[state] += 1
        states[index] = state
    if since < end:
        pieces.append(Piece(since, end, _together(count, quorum)))
    return Timeline.of(pieces).clip(start, end)


def _together(count: dict[State, int], quorum: int) -> State:
    """`count`: how many of the known targets are in each state."""
    known = sum(count.values())
    needed = min(quorum, known)
    if not known:
        return State.UNKNOWN
    if count[State.UP] >= needed:
        return State.UP
    if known - count[State.DOWN] < needed:
        return State.DOWN
    return State.UNKNOWN if count[State.UNKNOWN] else State.LOCAL_FAULT


def declared_timeline(spans: Sequence[DeclaredSpan], end: int) -> Timeline[State]:
    """Everything not mentioned is up. Unknown wins over down: what nobody saw was not seen to be down."""
    timeline = Timeline.of([(0, end, State.UP)])
    for state in (State.DOWN, State.LOCAL_FAULT, State.UNKNOWN):  # instants count from 0, so it is known since ever
        timeline = timeline.overlay(union((span.start, span.end) for span in spans if span.state is state), state)
    return timeline


def context(facts: Facts, service: str, cut: int, *, down_after: int | None = None, up_after: int | None = None) -> int:
    """From which instant on runs and gaps are needed to judge everything after `cut` as if all were known.

    A run that reaches beyond that instant is needed whole. The cut must not lie after `settled`.
    """
    if service not in facts.services:
        return cut
    gaps = union((gap.start, gap.end) for gap in facts.gaps)
    before = observe(facts, service, as_of=cut, down_after=down_after, up_after=up_after).outages
    if before and before[-1][1] == cut:
        cut = before[-1][0]
    result = cut
    for name in facts.services[service].targets:
        if name not in facts.series:
            continue
        series = facts.series[name]
        rule = rule_of(series, down_after=down_after, up_after=up_after)
        outage = _down_at(detect(series, rule, gaps).timeline, cut)
        needed = anchor(series, rule, gaps, cut if outage is None else outage + 1)
        result = min(result, needed)
        if series.witness is not None and series.witness in facts.series:
            result = min(result, _witness_context(facts.series[series.witness], gaps, needed))
    return result


def _witness_context(series: SeriesFacts, gaps: Spans, cut: int) -> int:
    """The same for a witness: an evident silence at the cut is needed from its start, and the answer that makes it evident."""
    rule = rule_of(series)
    silence = _down_at(detect(series, rule, gaps).timeline, cut)
    start = cut if silence is None else silence
    firsts, lasts = _answers(series)
    at = bisect_left(firsts, start) - 1
    believed = at >= 0 and lasts[at] + TRUST > cut
    needed = anchor(series, rule, gaps, start + 1 if believed else cut)
    return min(needed, lasts[at]) if believed else needed


def _down_at(timeline: Timeline[State], instant: int) -> int | None:
    """Start of the down piece that touches `instant`."""
    for start, end, state in timeline.pieces:
        if start <= instant <= end and state is State.DOWN:
            return start
    return None


def _answers(series: SeriesFacts) -> tuple[list[int], list[int]]:
    """First and last send of every run of answers."""
    runs = [run for run in series.runs if meaning(run.result, series.probe).effect is Effect.UP]
    return [run.first_sent for run in runs], [run.last_sent for run in runs]
