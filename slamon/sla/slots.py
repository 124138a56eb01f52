"""Fixed slots: a stretch of time judged as a whole by its loss or its down time, and the outages consecutive bad slots make.

The form of MEF 10.3 (Δt, C, n) and ITU-T Y.1540, with every parameter a key of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from slamon.model import MEANING, Packet, Result
from slamon.record.rows import Run
from slamon.sla.detection import Detection, Detector, Rule, Transition, parts, sends
from slamon.sla.facts import SampleSeries, SeriesFacts, State
from slamon.sla.terms import BadSlot, OutageRule, SlotRule
from slamon.sla.timeline import Piece, Spans, Timeline, overlaps, subtract, tagged, union

_RESULT = {State.UP: Result.SUCCESS, State.DOWN: Result.TIMEOUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Slots of `length` nanoseconds, one of which begins at `origin`."""

    origin: int
    length: int

    def floor(self, instant: int) -> int:
        """Start of the slot `instant` lies in."""
        return instant - (instant - self.origin) % self.length

    def split(self, spans: Spans) -> Spans:
        """The spans cut at every slot's edge; they may touch."""
        result = []
        for start, end in spans:
            at = start
            while at < end:
                edge = min(end, self.floor(at) + self.length)
                result.append((at, edge))
                at = edge
        return tuple(result)


def grid_of(rule: OutageRule, origin: int) -> Grid | None:
    return None if rule.slot is None else Grid(origin=origin, length=rule.slot)


def judged_by_loss(rule: OutageRule) -> bool:
    """Each target's packets decide its slots; otherwise the service's own down time does, where there are slots."""
    return rule.slot is not None and rule.bad_slot is not None and rule.bad_slot.rule is SlotRule.LOSS


def sampled(series: Iterable[SampleSeries], grid: Grid, bad: BadSlot) -> Timeline[State]:
    """Slots of samples stated by hand: bad is down, good is up, unknown where a slot has no sample. Defined from first to last."""
    losses: dict[int, list[Fraction]] = {}
    for each in series:
        for sample in each.samples:
            sums = losses.setdefault(grid.floor(sample.at), [Fraction(0), Fraction(0)])
            sums[0] += sample.lost * sample.sent
            sums[1] += sample.sent
    return _timeline({at: (lost, sent) for at, (lost, sent) in losses.items()}, grid, bad)


def observed(series: SeriesFacts, gaps: Spans, grid: Grid, bad: BadSlot) -> Timeline[State]:
    """The same from outcome runs. The last slot may still grow and is left out."""
    losses: dict[int, list[int]] = {}
    covered = series.known_from
    for part in parts(series, gaps):
        if not isinstance(part, Run):
            continue
        packet = MEANING[part.result].packet
        covered = max(covered, part.until)
        if packet not in (Packet.LOST, Packet.RECEIVED):
            continue
        for sent in sends(part):
            sums = losses.setdefault(grid.floor(sent), [0, 0])
            sums[0] += packet is Packet.LOST
            sums[1] += 1
    end = grid.floor(min(covered, series.through))
    return _timeline(
        {at: (Fraction(lost), Fraction(sent)) for at, (lost, sent) in losses.items() if at < end}, grid, bad
    )


def _timeline(losses: Mapping[int, tuple[Fraction, Fraction]], grid: Grid, bad: BadSlot) -> Timeline[State]:
    pieces: list[Piece[State]] = []
    for at in sorted(losses):
        lost, sent = losses[at]
        if pieces and pieces[-1].end < at:
            pieces.append(Piece(pieces[-1].end, at, State.UNKNOWN))
        is_bad = sent > 0 and bad.side.reached(lost / sent, bad.threshold)
        pieces.append(Piece(at, at + grid.length, State.DOWN if is_bad else State.UP))
    # Not Timeline.of: neighbours that are alike stay apart, each slot is a sample of the hysteresis.
    return Timeline(tuple(pieces))


def by_downtime(timeline: Timeline[State], grid: Grid, bad: BadSlot) -> Timeline[State]:
    """The service's slots by how long it was down in them; unknown where the unmeasured part of a slot decides.

    Slots that are alike from edge to edge come as one piece. The last slot, still incomplete, is left out.
    """
    if not timeline.pieces:
        return timeline
    end = grid.floor(timeline.end)
    mixed = sorted({grid.floor(edge) for p in timeline.pieces for edge in (p.start, p.end) if grid.floor(edge) != edge})
    cells: list[Piece[None]] = [Piece(at, at + grid.length, None) for at in mixed if at < end]
    sums: dict[int, dict[State, int]] = {cell.start: {} for cell in cells}
    for first, last, (_, now) in overlaps(cells, timeline.pieces):
        at = grid.floor(first)
        sums[at][now] = sums[at].get(now, 0) + last - first

    def judged(spent: Mapping[State, int]) -> State:
        down = spent.get(State.DOWN, 0)
        open_ = grid.length - sum(spent.get(known, 0) for known in (State.UP, State.DEGRADED, State.DOWN))
        if bad.rule is SlotRule.DOWN_WHOLE:
            enough, possible = down == grid.length, down + open_ == grid.length
        else:
            enough, possible = bad.side.reached(down, bad.threshold), bad.side.reached(down + open_, bad.threshold)
        if enough:
            return State.DOWN
        return State.UNKNOWN if possible else State.UP

    alike = {state: judged({state: grid.length}) for state in State}
    whole = subtract(((grid.floor(timeline.start), end),), union((cell.start, cell.end) for cell in cells))
    pieces = [
        Piece(first, last, alike[now]) for first, last, (_, now) in overlaps(tagged(whole, None), timeline.pieces)
    ]
    pieces += [Piece(cell.start, cell.end, judged(sums[cell.start])) for cell in cells]
    return Timeline(tuple(sorted(pieces)))


def consecutive(
    slots: Timeline[State], rule: OutageRule, *, initial: State = State.UNKNOWN, final: bool = False
) -> Detection:
    """Down from the first of `after` consecutive bad slots, up from the first of `until` good ones.

    `initial`: the state before the first slot. Undecided slots at the end are not settled, unless nothing comes after (`final`):
    then the state before them carries on.
    """
    assert rule.slot is not None
    detector = Detector(Rule(down_after=rule.after or 1, up_after=rule.until or 1), initial=initial)
    changes: list[Transition] = []
    for start, end, state in slots.pieces:
        if state in _RESULT:
            number = -(-(end - start) // rule.slot)
            changes += detector.feed(_RESULT[state], start, end - rule.slot, end, number)
        else:
            changes += detector.gap(start, end)
    if not slots.pieces:
        return Detection(timeline=Timeline(), settled=0)
    if final:
        changes += [change for change in detector.gap(slots.end, slots.end + 1) if change.at < slots.end]
    first = slots.start
    settled = slots.end if final or detector.settled is None else detector.settled
    marks = [
        (first, initial if slots.pieces[0].value in _RESULT else State.UNKNOWN),
        *((c.at, c.state) for c in changes),
    ]
    ends = [*(at for at, _ in marks[1:]), settled]
    timeline = Timeline.of((at, end, state) for (at, state), end in zip(marks, ends, strict=True))
    return Detection(timeline=timeline, settled=settled)
