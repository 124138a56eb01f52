"""Outcome runs + a rule → when a target was up, down, unmeasured: the first judgement on facts.

`Detector` is fed in send order and says only what no later sample can change.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from slamon.model import MEANING, Effect, Result
from slamon.record.rows import Run
from slamon.sla.facts import SeriesFacts, State
from slamon.sla.timeline import Spans, Timeline, subtract

_STATE = {Effect.UP: State.UP, Effect.DOWN: State.DOWN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Down from the first of `down_after` consecutive failures, up from the first of `up_after` consecutive successes."""

    down_after: int = 3
    up_after: int = 1

    def __post_init__(self) -> None:
        if self.down_after < 1 or self.up_after < 1:
            raise ValueError("a detection rule counts from 1")


def rule_of(series: SeriesFacts, *, down_after: int | None = None, up_after: int | None = None) -> Rule:
    """The target's own rule, or what a contract puts in its place."""
    return Rule(down_after=down_after or series.down_after, up_after=up_after or series.up_after)


class Transition(NamedTuple):
    """From `at` on the state is `state`. Final: no later sample changes it."""

    at: int
    state: State


class Detector:
    """Hysteresis over one target's samples in send order.

    A chain of fewer than the rule's failures (or successes) is pending: its time is not decided and `settled` stays at its
    first send. Time nobody looked at and samples that failed on our side break a chain but keep the state, which holds again
    as soon as something is measured; before anything was decided the state is unknown.
    """

    __slots__ = (
        "_count",
        "_decided",
        "_effect",
        "covered",
        "pending_since",
        "rule",
        "state",
    )

    def __init__(self, rule: Rule, *, initial: State = State.UNKNOWN) -> None:
        """`initial`: what is known before the first sample."""
        self.rule = rule
        self.state = initial
        """At `settled`, as far as it is decided."""
        self.pending_since: int | None = None
        """First send of the chain that may still turn the state; None = nothing is pending."""
        self.covered: int | None = None
        """The samples fed so far speak up to here; None before the first."""
        self._decided: State | None = None if initial is State.UNKNOWN else initial
        self._effect: Effect | None = None
        """Of the run fed last."""
        self._count = 0
        """Length of the pending chain."""

    @property
    def settled(self) -> int | None:
        """The first instant a later sample can still change; None before the first sample."""
        return self.covered if self.pending_since is None else self.pending_since

    def feed(self, result: Result, first_sent: int, last_sent: int, until: int, samples: int) -> tuple[Transition, ...]:
        """One outcome run. Runs come in send order and do not overlap. Returns what is decided now, in order."""
        changes: list[Transition] = []
        if self.covered is not None and first_sent > self.covered:
            changes += self.gap(self.covered, first_sent)
        self.covered = max(until, last_sent)
        effect = MEANING[result].effect
        if effect is Effect.UNMEASURED:
            changes += self._break()
            changes += self._turn(first_sent, State.LOCAL_FAULT)
        elif _STATE[effect] is self._decided:
            changes += self._break()
            changes += self._turn(first_sent, self._decided)
        else:
            if effect is not self._effect:
                changes += self._break()
            if self.pending_since is None:
                self.pending_since = first_sent
            self._count += samples
            changes += self._reached(effect)
        self._effect = effect
        return tuple(changes)

    def gap(self, start: int, end: int) -> tuple[Transition, ...]:
        """Nobody looked in `[start, end)`, nor since the last sample fed. What was already said stays said."""
        begin = start if self.covered is None else self.covered
        if begin >= end:
            return ()
        changes = self._break()
        self.covered, self._effect = end, None
        return (*changes, *self._turn(begin, State.UNKNOWN))

    def _reached(self, effect: Effect) -> tuple[Transition, ...]:
        """The pending chain may be long enough now."""
        assert self.pending_since is not None
        if self._count < (self.rule.up_after if effect is Effect.UP else self.rule.down_after):
            return ()
        self._decided = _STATE[effect]
        at, self.pending_since, self._count = self.pending_since, None, 0
        return self._turn(at, self._decided)

    def _break(self) -> tuple[Transition, ...]:
        """The pending chain will not be completed: its time stays with the state before it."""
        if self.pending_since is None:
            return ()
        at, self.pending_since, self._count = self.pending_since, None, 0
        return self._turn(at, self._decided or State.UNKNOWN)

    def _turn(self, at: int, state: State) -> tuple[Transition, ...]:
        if state is self.state:
            return ()
        self.state = state
        return (Transition(at, state),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What is decided about one target: `timeline` is defined on exactly `[known_from, settled)`."""

    timeline: Timeline[State]
    settled: int


def detect(series: SeriesFacts, rule: Rule, gaps: Spans) -> Detection:
    """All of a target's facts at once; `gaps` are times this slamon observed nothing, and win over samples inside them."""
    detector = Detector(rule)
    # What is still in flight when nobody looks any more may yet answer: a gap says nothing about probes not decided before it.
    gaps = tuple(gap for gap in gaps if gap[0] < series.through)
    changes: list[Transition] = []
    for part in parts(series, gaps):
        if isinstance(part, Run):
            changes += detector.feed(part.result, part.first_sent, part.last_sent, part.until, part.samples)
        else:
            changes += detector.gap(*part)
    settled = series.known_from if detector.settled is None else min(series.through, detector.settled)
    if series.runs:
        # A gap may follow the open run, but how long that run's last sample speaks is known only when the next one comes.
        settled = min(settled, series.runs[-1].until)
    settled = max(series.known_from, settled)
    starts = [
        Transition(min(series.known_from, changes[0].at) if changes else series.known_from, State.UNKNOWN),
        *changes,
    ]
    ends = [*(change.at for change in changes), max(settled, starts[-1].at)]
    whole = Timeline.of((start.at, end, start.state) for start, end in zip(starts, ends, strict=True))
    return Detection(timeline=whole.clip(series.known_from, settled), settled=settled)


def parts(series: SeriesFacts, gaps: Spans) -> Iterator[Run | tuple[int, int]]:
    """Runs and gaps in time order, no run overlapping a gap: one that does is cut, and loses the samples sent inside."""
    at = 0
    for run in series.runs:
        while at < len(gaps) and gaps[at][1] <= run.first_sent:
            yield gaps[at]
            at += 1
        if at == len(gaps) or gaps[at][0] >= max(run.until, run.last_sent + 1):
            yield run
            continue
        first = at
        while at < len(gaps) and gaps[at][0] < max(run.until, run.last_sent + 1):
            at += 1
        yield from _cut(run, gaps[first:at])
        if gaps[at - 1][1] > run.until:
            at -= 1  # it may reach into the next run as well
    yield from gaps[at:]


def _cut(run: Run, gaps: Spans) -> Iterator[Run | tuple[int, int]]:
    """`run` without `gaps`, with them in between. Inside a run the sends are evenly spaced: no slot was missed."""
    whole = ((run.first_sent, max(run.until, run.last_sent + 1)),)
    rest = list(gaps)
    for start, end in subtract(whole, gaps):
        while rest and rest[0][1] <= start:
            yield rest.pop(0)
        low, high = sent_before(run, start), sent_before(run, end)
        if low < high:
            until = run.until if end == whole[0][1] else end
            yield Run(_sent(run, low), _sent(run, high - 1), until, high - low, run.result)
    yield from rest


def sends(run: Run) -> Iterator[int]:
    """When each sample of a run was sent; inside a run the sends are evenly spaced."""
    return (_sent(run, index) for index in range(run.samples))


def _sent(run: Run, index: int) -> int:
    """Send instant of a run's sample, counted from 0."""
    return (
        run.first_sent if index == 0 else run.first_sent + index * (run.last_sent - run.first_sent) // (run.samples - 1)
    )


def sent_before(run: Run, instant: int) -> int:
    """How many of a run's samples were sent before `instant`."""
    if instant <= run.first_sent:
        return 0
    if instant > run.last_sent:
        return run.samples
    return -(-(instant - run.first_sent) * (run.samples - 1) // (run.last_sent - run.first_sent))


def last_before(run: Run, instant: int) -> int:
    """When the last of a run's samples before `instant` was sent; the first was."""
    return _sent(run, sent_before(run, instant) - 1)
