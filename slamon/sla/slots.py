"""Fixed slots: a stretch of time judged as a whole by its loss or its down time, and the outages consecutive bad slots make.

The form of MEF 10.3 (Δt, C, n) and ITU-T Y.1540, with every parameter a key of the contract.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from slamon.model import MEANING, Packet, Result, Slots
from slamon.record.rows import Run
from slamon.sla.detection import Detection, Detector, Rule, Transition, parts, sends, sent_before
from slamon.sla.facts import SampleSeries, SeriesFacts, State
from slamon.sla.terms.outages import BadSlot, OutageRule, SlotRule
from slamon.sla.timeline import Piece, Spans, Timeline, overlaps, subtract, tagged, union

_RESULT = {State.UP: Result.SUCCESS, State.DOWN: Result.TIMEOUT, State.LOCAL_FAULT: Result.LOCAL_ERROR}


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


def own_rule(slots: Slots) -> OutageRule:
    """A target's own rule in a contract's words; its slots begin at 1970-01-01T00:00:00Z, wherever a period does."""
    bad = BadSlot(rule=SlotRule.LOSS, threshold=slots.loss_over)
    return OutageRule(slot=slots.length, bad_slot=bad, after=slots.after, until=slots.until)


def sampled(series: Iterable[SampleSeries], grid: Grid, bad: BadSlot) -> Timeline[State]:
    """Slots of samples stated by hand: bad is down, good is up, unknown where a slot has no sample. Defined from first to last."""
    losses: dict[int, list[Fraction]] = {}
    for each in series:
        for sample in each.samples:
            sums = losses.setdefault(grid.floor(sample.at), [Fraction(0), Fraction(0)])
            sums[0] += sample.lost * sample.sent
            sums[1] += sample.sent
    return _timeline({at: (lost, sent) for at, (lost, sent) in losses.items()}, grid, bad)


@dataclass(slots=True)
class _Sent:
    """What became of the packets sent in one slot."""

    received: int = 0
    lost: int = 0
    ours: int = 0

    def add(self, packet: Packet, packets: int) -> None:
        self.received += packets if packet is Packet.RECEIVED else 0
        self.lost += packets if packet is Packet.LOST else 0
        self.ours += packets if packet is Packet.OURS else 0

    def judged(self, bad: BadSlot) -> State:
        if self.lost + self.received:
            return _of_loss(Fraction(self.lost), self.lost + self.received, bad)
        return State.LOCAL_FAULT if self.ours else State.UNKNOWN


def observed(series: SeriesFacts, gaps: Spans, grid: Grid, bad: BadSlot) -> Timeline[State]:
    """The same from outcome runs; where no packet counts, our own fault or unknown. The last slot may still grow and is left out.

    Slots inside one run are alike and come as one piece.
    """
    edges: dict[int, _Sent] = {}
    pieces: list[Piece[State]] = []
    covered = series.known_from
    for part in parts(series, gaps):
        if not isinstance(part, Run):
            continue
        packet = MEANING[part.result].packet
        covered = max(covered, part.until)
        first, last = grid.floor(part.first_sent), grid.floor(part.last_sent)
        head = part.samples if first == last else sent_before(part, first + grid.length)
        edges.setdefault(first, _Sent()).add(packet, head)
        if first == last:
            continue
        inside = (first + grid.length, last)
        if part.last_sent - part.first_sent > (part.samples - 1) * grid.length:
            for sent in sends(part):  # so far apart that a slot may have none
                if inside[0] <= sent < last:
                    edges.setdefault(grid.floor(sent), _Sent()).add(packet, 1)
        elif inside[0] < last:
            alike = _Sent()
            alike.add(packet, 1)
            pieces.append(Piece(*inside, alike.judged(bad)))
        edges.setdefault(last, _Sent()).add(packet, part.samples - sent_before(part, last))
    end = grid.floor(min(covered, series.through))
    pieces += [Piece(at, at + grid.length, sent.judged(bad)) for at, sent in edges.items()]
    return _joined((Piece(p.start, min(p.end, end), p.value) for p in sorted(pieces) if p.start < end), end)


def _timeline(losses: Mapping[int, tuple[Fraction, Fraction]], grid: Grid, bad: BadSlot) -> Timeline[State]:
    pieces = [Piece(at, at + grid.length, _of_loss(*losses[at], bad)) for at in sorted(losses)]
    return _joined(pieces, pieces[-1].end if pieces else 0)


def _of_loss(lost: Fraction, sent: Fraction | int, bad: BadSlot) -> State:
    return State.DOWN if sent > 0 and bad.side.reached(lost / sent, bad.threshold) else State.UP


def _joined(slots: Iterable[Piece[State]], end: int) -> Timeline[State]:
    """Unknown between them, and from the last one to `end`."""
    pieces: list[Piece[State]] = []
    for slot in slots:
        if pieces and pieces[-1].end < slot.start:
            pieces.append(Piece(pieces[-1].end, slot.start, State.UNKNOWN))
        pieces.append(slot)
    if pieces and pieces[-1].end < end:
        pieces.append(Piece(pieces[-1].end, end, State.UNKNOWN))
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
