"""The facts of one target that judging on from the present still needs: recent runs as they are, older ones as what they decided."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from slamon.live import slotted
from slamon.live.loss import WINDOW, Failing, failing
from slamon.model import MEANING, Effect, Result, Target
from slamon.record.rows import Run
from slamon.sla.attribution import TRUST, detection_of
from slamon.sla.detection import last_before, parts, sent_before
from slamon.sla.facts import SeriesFacts, State
from slamon.sla.timeline import Piece, Spans

MANY_RUNS = 32
"""Ended runs of one target from which on it is worth finding out what they decided."""


@dataclass(slots=True)
class Known:
    """Runs of a target in send order: `ended` ones, and the one that goes on."""

    target: Target
    known_from: int
    through: int
    """As restored; what batches say of it since is kept for all targets together."""
    ended: list[Run] = field(default_factory=list)
    open: Run | None = None
    exact_from: int = 0
    """States from here on come out as if every run were known."""
    limit: int = field(default_factory=lambda: MANY_RUNS)
    """Ended runs from which on they are condensed again."""
    slot: int = 0
    """Length of the slots it is judged by; 0 = its probes are, one by one."""
    recent: deque[Run] = field(default_factory=deque)
    """Those that ended within the window in which failures are counted, as they were."""

    def __post_init__(self) -> None:
        self.slot = 0 if self.target.slots is None else self.target.slots.length

    @property
    def crowded(self) -> bool:
        return len(self.ended) >= self.limit

    def runs(self) -> tuple[Run, ...]:
        return (*self.ended, *((self.open,) if self.open else ()))

    def facts(self, through: int, *, replayed: int | None = None) -> SeriesFacts:
        """`replayed`: as if no probe sent from that instant on were known yet."""
        target = self.target
        return SeriesFacts(
            target=target.name,
            interval=target.interval,
            timeout=target.timeout,
            down_after=target.down_after,
            up_after=target.up_after,
            slots=target.slots,
            witness=target.witness,
            known_from=self.known_from,
            through=through,
            runs=self.runs() if replayed is None or self.open is None else (*self.ended, *_before(self.open, replayed)),
        )

    def steady_from(self) -> int | None:
        """First send of the open run when that is a run of successes, of which every slot has one where slots are judged."""
        run = self.open
        if run is None or MEANING[run.result].effect is not Effect.UP:
            return None
        if self.slot and run.last_sent - run.first_sent > (run.samples - 1) * self.slot:
            return None
        return run.first_sent

    def goes_on(self, run: Run) -> bool:
        """It is the open run, which has only grown; then nothing else is to be learnt from it."""
        if self.open is None or run.first_sent != self.open.first_sent:
            return False
        self.open = run
        return True

    def add(self, runs: Iterable[Run]) -> None:
        for run in runs:
            if self.open is None or run.first_sent > self.open.first_sent:
                if self.open is not None:
                    self.ended.append(self.open)
                    self.recent.append(self.open)
                    self._forget(run.first_sent - WINDOW)
                self.open = run
            elif run.first_sent == self.open.first_sent:
                self.open = run
            # else it ended before, and batches repeat it until it is stored

    def failing(self, now: int, gaps: Spans) -> Failing:
        """Failures of the window up to `now` that made no outage."""
        self._forget(now - WINDOW)
        runs = (*self.recent, self.open) if self.open is not None else tuple(self.recent)
        if self.target.slots is None:
            return failing(runs, self.target.down_after, now)
        down = detection_of(self.facts(now), gaps).timeline.spans((State.DOWN,))
        outside = parts(replace(self.facts(now), runs=runs), down)
        return failing((part for part in outside if isinstance(part, Run)), None, now)

    def _forget(self, start: int) -> None:
        while self.recent and self.recent[0].last_sent < start:
            self.recent.popleft()

    def condense(self, upto: int, needed: int, gaps: Spans) -> None:
        """Put in the place of old runs what they decided, and drop what nothing after `needed` depends on.

        Nothing after `upto` is touched. However the probes alternate, what is left of them is a few runs for each state the target was
        in: one that decides it, the last answer, what came after that.
        """
        slots = self.target.slots
        series = self.facts(upto, replayed=upto + 1)
        detection = detection_of(series, gaps)
        runs = self.runs()
        at = bisect_right(runs, min(upto, detection.settled), key=lambda run: run.first_sent) - 1
        edge, kept = (runs[at].first_sent if at > 0 else 0), self.ended[at:]
        if slots is not None:
            edge = slots.floor(edge)
            kept = slotted.inside(replace(series, runs=tuple(self.ended)), (edge, runs[-1].first_sent))
        pieces = detection.timeline.clip(self.known_from, edge).pieces
        if pieces:
            if slots is None:
                standing = [self._condensed(piece, runs[:at], gaps) for piece in pieces]
            else:
                standing = [slotted.condensed(piece, series, gaps) for piece in pieces]
            first = self._first_needed(pieces, standing, min(needed, edge))
            if slots is not None and first:
                standing[first].insert(0, slotted.forced(pieces[first].value, slots.floor(pieces[first].start), slots))
            self.ended = [*(run for part in standing[first:] for run in part), *kept]
        self.exact_from = max(self.exact_from, needed)
        self.limit = max(MANY_RUNS, 2 * len(self.ended))

    def _condensed(self, piece: Piece[State], runs: Sequence[Run], gaps: Spans) -> list[Run]:
        """The least that makes the detector say the same of `piece`, and of everything after it."""
        start, end, state = piece
        if state is State.LOCAL_FAULT:
            return [Run(start, start, end, 1, Result.LOCAL_ERROR)]
        if state is State.UNKNOWN:
            return self._momentary(piece, runs, gaps)
        low = max(bisect_right(runs, start, key=lambda run: run.first_sent) - 1, 0)
        high = bisect_left(runs, end, key=lambda run: run.first_sent)
        inside = [run for run in runs[low:high] if max(run.until, run.last_sent + 1) > start]
        answer = next((at for at in reversed(range(len(inside))) if self._effect(inside[at]) is Effect.UP), None)
        result: list[Run] = []
        after = start
        if answer is not None:
            last = inside[answer]
            after = min(max(last.until, last.last_sent + 1), end)
            first = max(last.first_sent, start)
            up = state is State.UP
            if not up and after - start > 1:
                # Behind unmeasured time an outage may go on with an answer too few to end it: a failure of a nanosecond says it does.
                first = max(first, start + 1)
            if start < first:
                # States are told apart by who decides them; how many more probes said the same changes nothing.
                samples = self.target.up_after if up else self.target.down_after
                failed = next((run.result for run in inside if self._effect(run) is Effect.DOWN), Result.TIMEOUT)
                result.append(Run(start, start, first, samples, Result.SUCCESS if up else failed))
            # Answers that did not end an outage were too few for that; those of a time that was up decide it by themselves.
            enough = self.target.up_after
            samples = max(last.samples, enough) if up else max(min(last.samples, enough - 1), 1)
            result.append(Run(first, max(min(last.last_sent, after - 1), first), after, samples, last.result))
        failures = inside if answer is None else inside[answer + 1 :]
        if after < end and failures:
            samples, enough = sum(run.samples for run in failures), self.target.down_after
            samples = max(samples, enough) if state is State.DOWN else max(min(samples, enough - 1), 1)
            sent = max(min(failures[-1].last_sent, end - 1), after)
            result.append(Run(after, sent, end, samples, failures[-1].result))
        return result

    def _momentary(self, piece: Piece[State], runs: Sequence[Run], gaps: Spans) -> list[Run]:
        """The last probe of a process speaks for no time, and may have decided alone what holds when somebody looks again."""
        low = bisect_left(runs, piece.start, key=lambda run: run.first_sent)
        high = bisect_left(runs, piece.end, key=lambda run: run.first_sent)
        for run in reversed(runs[low:high]):
            effect = self._effect(run)
            enough = self.target.up_after if effect is Effect.UP else self.target.down_after
            seen = run.until == run.first_sent and not any(start <= run.first_sent < end for start, end in gaps)
            if seen and effect is not Effect.UNMEASURED and run.samples >= enough:
                return [run]
        return []

    def _first_needed(self, pieces: Sequence[Piece[State]], parts: Sequence[Sequence[Run]], needed: int) -> int:
        """Index of the first piece to keep: back to one that decides a state, and to the last answer while it is evidence."""
        at = max(bisect_right(pieces, needed, key=lambda piece: piece.start) - 1, 0)
        decided: int | None = None
        for index in range(at, -1, -1):
            state = pieces[index].value
            decides = {State.UP: {Effect.UP}, State.DOWN: {Effect.DOWN}, State.UNKNOWN: {Effect.UP, Effect.DOWN}}
            if all(self._effect(run) not in decides.get(state, ()) for run in parts[index]):
                continue
            if decided is None:
                decided = index
            answers = [run.last_sent for run in parts[index] if self._effect(run) is Effect.UP]
            # Answers of an outage say nothing about how it began.
            if answers and (index < at or state is State.UP):
                return index if max(answers) > needed - TRUST else decided
        return 0 if decided is None else decided

    def _effect(self, run: Run) -> Effect:
        return MEANING[run.result].effect


def _before(run: Run, instant: int) -> tuple[Run, ...]:
    """The part of an open run sent before `instant`, if any; its sends are evenly spaced."""
    samples = sent_before(run, instant)
    if samples in (0, run.samples):
        return (run,) if samples else ()
    last = last_before(run, instant)
    return (Run(run.first_sent, last, last, samples, run.result),)
