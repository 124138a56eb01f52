"""Old runs of a target that is judged by slots → the fewest that make its slots say the same, so that a lossy target fills no memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import replace

from slamon.model import MEANING, Packet, Result, Slots
from slamon.record.rows import Run
from slamon.sla.detection import parts
from slamon.sla.facts import SeriesFacts, State
from slamon.sla.timeline import Piece, Span, Spans, intersect, subtract, union


def condensed(piece: Piece[State], series: SeriesFacts, gaps: Spans) -> list[Run]:
    """The least that makes the slots of `piece` keep its state, and the last answer in it known; none where it is unknown.

    Slots that a gap cuts keep their packets: what stands for them might fall into the gap.
    """
    slots = series.slots
    assert slots is not None
    if piece.value is State.UNKNOWN:
        return []
    whole = ((slots.floor(piece.start), piece.end),)
    torn = union((slots.floor(start), slots.floor(end - 1) + slots.length) for start, end in gaps)
    result = [run for span in intersect(whole, torn) for run in inside(series, span)]
    for span in subtract(whole, torn):
        result += _alike(piece.value, span, inside(series, span), slots)
    return sorted(result)


def forced(state: State, until: int, slots: Slots) -> Run:
    """Slots up to `until`, where one begins, that decide the state by themselves."""
    number = slots.until if state is State.UP else slots.after
    result = Result.SUCCESS if state is State.UP else Result.TIMEOUT
    return Run(until - number * slots.length, until - slots.length, until, number, result)


def inside(series: SeriesFacts, span: Span) -> list[Run]:
    """The parts of the runs that were sent in the span."""
    start, end = span
    low = max(bisect_left(series.runs, start, key=lambda run: run.first_sent) - 1, 0)
    high = bisect_left(series.runs, end, key=lambda run: run.first_sent)
    near = replace(series, runs=series.runs[low:high])
    if not near.runs:
        return []
    first, last = min(start, near.runs[0].first_sent), max(end, *(max(run.until, run.last_sent) for run in near.runs))
    around = tuple(gap for gap in ((first, start), (end, last + 1)) if gap[0] < gap[1])
    return [part for part in parts(near, around) if isinstance(part, Run)]


def _alike(state: State, span: Span, runs: Sequence[Run], slots: Slots) -> Iterator[Run]:
    """All slots of the span alike, but for what its last answer asks for."""
    start, end = span
    if state is State.LOCAL_FAULT:
        yield _each(start, end - slots.length, Result.LOCAL_ERROR, slots)
        return
    answered = max((run.last_sent for run in runs if run.result is Result.SUCCESS), default=None)
    if state is State.DOWN:
        if answered is None:
            yield _each(start, end - slots.length, Result.TIMEOUT, slots)
            return
        at = slots.floor(answered)
        if start < at:
            yield _each(start, at - slots.length, Result.TIMEOUT, slots)
        yield from _bad(at, answered, slots)
        if at + slots.length < end:
            yield _each(at + slots.length, end - slots.length, Result.TIMEOUT, slots)
        return
    received = (run.last_sent for run in runs if MEANING[run.result].packet is Packet.RECEIVED)
    # Good slots to the last packet that came back; behind it were bad ones, too few for an outage.
    for last, result in (
        (answered, Result.SUCCESS),
        (max(received, default=None), Result.BAD_RESPONSE),
        (end - slots.length, Result.TIMEOUT),
    ):
        if last is not None and last >= start:
            yield _each(start, last, result, slots)
            start = slots.floor(last) + slots.length


def _each(start: int, last: int, result: Result, slots: Slots) -> Run:
    """One packet in each slot from the one that begins at `start` on; the last of them is sent at `last`."""
    number = (last - start) // slots.length + 1
    return Run(last if number == 1 else start, last, slots.floor(last) + slots.length, number, result)


def _bad(start: int, answered: int, slots: Slots) -> Iterator[Run]:
    """One bad slot with an answer in it."""
    lost = int(slots.loss_over / (1 - slots.loss_over)) + 1
    end = start + slots.length
    if start < answered:
        yield Run(start, start, answered, lost, Result.TIMEOUT)
        yield Run(answered, answered, end, 1, Result.SUCCESS)
    else:
        yield Run(answered, answered, answered + 1, 1, Result.SUCCESS)
        yield Run(answered + 1, answered + 1, end, lost, Result.TIMEOUT)
