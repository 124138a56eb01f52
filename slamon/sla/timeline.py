"""Piecewise-constant functions of time: sets of intervals and timelines of values, both over half-open nanosecond intervals.

Everything above detection is computed with these few operations, each one sweep over sorted pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeAlias, TypeVar

V = TypeVar("V")
W = TypeVar("W")

Span: TypeAlias = tuple[int, int]
"""`[start, end)`, start < end."""
Spans: TypeAlias = tuple[Span, ...]
"""A set of instants: ascending spans that neither overlap nor touch."""


def union(spans: Iterable[Span]) -> Spans:
    """The set covered by any spans, in any order; empty ones (start ≥ end) cover nothing."""
    result: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if result and start <= result[-1][1]:
            if end > result[-1][1]:
                result[-1] = (result[-1][0], end)
        else:
            result.append((start, end))
    return tuple(result)


def intersect(left: Spans, right: Spans) -> Spans:
    """What both sets cover."""
    return tuple((start, end) for start, end, _ in overlaps(tagged(left, None), tagged(right, None)))


def subtract(left: Spans, right: Spans) -> Spans:
    """What the left set covers and the right one does not."""
    result: list[Span] = []
    j = 0
    for first, end in left:
        start = first
        while j < len(right) and right[j][1] <= start:
            j += 1
        k = j
        while k < len(right) and right[k][0] < end:
            if start < right[k][0]:
                result.append((start, right[k][0]))
            start = right[k][1]
            k += 1
        if start < end:
            result.append((start, end))
        j = max(j, k - 1)
    return tuple(result)


def clip(spans: Spans, start: int, end: int) -> Spans:
    """The part inside `[start, end)`."""
    return intersect(spans, ((start, end),)) if start < end else ()


def length(spans: Iterable[Span]) -> int:
    """Nanoseconds covered."""
    return sum(end - start for start, end in spans)


class Piece(NamedTuple, Generic[V]):
    """`value` holds over `[start, end)`."""

    start: int
    end: int
    value: V


@dataclass(frozen=True, slots=True)
class Timeline(Generic[V]):
    """A function of time on one interval: pieces without gaps, neighbours differ. No pieces = defined nowhere."""

    pieces: tuple[Piece[V], ...] = ()

    @classmethod
    def of(cls, pieces: Iterable[tuple[int, int, V]]) -> Timeline[V]:
        """From contiguous pieces in order; empty ones are dropped, equal neighbours joined. Raises ValueError for a gap."""
        result: list[Piece[V]] = []
        for start, end, value in pieces:
            if start >= end:
                continue
            if result and result[-1].end != start:
                raise ValueError(f"a timeline has no gaps: {result[-1].end} is followed by {start}")
            if result and result[-1].value == value:
                result[-1] = Piece(result[-1].start, end, value)
            else:
                result.append(Piece(start, end, value))
        return cls(tuple(result))

    @property
    def start(self) -> int:
        """Raises IndexError when it is defined nowhere."""
        return self.pieces[0].start

    @property
    def end(self) -> int:
        """Raises IndexError when it is defined nowhere."""
        return self.pieces[-1].end

    def clip(self, start: int, end: int) -> Timeline[V]:
        """Restricted to `[start, end)`."""
        return Timeline.of((max(p.start, start), min(p.end, end), p.value) for p in self.pieces)

    def within(self, start: int, end: int, value: V) -> Timeline[V]:
        """Defined on exactly `[start, end)`: clipped, and `value` where it was not defined."""
        return filled(self.pieces, start, end, value)

    def spans(self, values: Collection[V]) -> Spans:
        """Where it takes one of `values`."""
        return union((p.start, p.end) for p in self.pieces if p.value in values)

    def overlay(self, spans: Spans, value: V) -> Timeline[V]:
        """`value` on `spans`, unchanged elsewhere; defined where it was."""
        if not spans or not self.pieces:
            return self
        cover = filled(tagged(spans, True), self.start, self.end, False)
        return combine(lambda old, covered: value if covered else old, self, cover)

    def lengths(self) -> dict[V, int]:
        """Value → nanoseconds."""
        result: dict[V, int] = {}
        for start, end, value in self.pieces:
            result[value] = result.get(value, 0) + end - start
        return result


def combine(function: Callable[[V, W], V], left: Timeline[V], right: Timeline[W]) -> Timeline[V]:
    """`function` of two timelines, where both are defined."""
    return Timeline.of((start, end, function(a, b)) for start, end, (a, b) in overlaps(left.pieces, right.pieces))


def overlaps(left: Sequence[tuple[int, int, V]], right: Sequence[tuple[int, int, W]]) -> Iterator[Piece[tuple[V, W]]]:
    """Where a piece of one list meets a piece of the other, with both values. Each list ascends and does not overlap itself."""
    i = j = 0
    while i < len(left) and j < len(right):
        a_start, a_end, a = left[i]
        b_start, b_end, b = right[j]
        start, end = max(a_start, b_start), min(a_end, b_end)
        if start < end:
            yield Piece(start, end, (a, b))
        if a_end <= b_end:
            i += 1
        else:
            j += 1


def filled(pieces: Sequence[tuple[int, int, V]], start: int, end: int, value: V) -> Timeline[V]:
    """Ascending pieces that do not overlap as a timeline on `[start, end)`, `value` where there is none."""
    contiguous: list[tuple[int, int, V]] = []
    at = start
    for first, last, own in pieces:
        if first < end and last > at:
            contiguous += [(at, first, value), (max(first, at), min(last, end), own)]
            at = min(last, end)
    return Timeline.of([*contiguous, (at, end, value)])


def tagged(spans: Spans, value: V) -> list[Piece[V]]:
    """The spans as pieces of one value."""
    return [Piece(start, end, value) for start, end in spans]
