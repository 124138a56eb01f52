"""Which records answer for a span: the longest that lie wholly inside it, minutes at its edges and around its cuts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slamon.model import DAY, MINUTE
from slamon.record.records import QUARTER

LENGTHS = (DAY // MINUTE, QUARTER // MINUTE, 1)
"""Minutes, longest first; each is a multiple of the next."""


class Tiles(NamedTuple):
    """Neighbouring records of one length: those of the minutes first, first + length, … below `end`."""

    length: int
    first: int
    end: int


def tiles(start: int, end: int, *, cuts: Sequence[int] = (), upto: Sequence[int | None] = (None, None)) -> list[Tiles]:
    """Cover `[start, end)`, in nanoseconds, without overlap and in order.

    `cuts`: instants somebody will split time at, ascending; only a minute may have one inside. `upto`: first minute that is
    not yet in the day and in the quarter-hour records.
    """
    if end <= start:
        return []
    first, last = start // MINUTE, -(-end // MINUTE)
    return _merged(_cover(first, last, start, end, cuts, (*(minute or 0 for minute in upto), last), 0))


def split(instants: Sequence[int], minute: int, length: int) -> bool:
    """Whether one of `instants` (ascending) lies strictly inside the record of `length` minutes from `minute`."""
    place = bisect_right(instants, minute * MINUTE)
    return place < len(instants) and instants[place] < (minute + length) * MINUTE


def _cover(
    first: int, last: int, start: int, end: int, cuts: Sequence[int], upto: Sequence[int], level: int
) -> Iterator[Tiles]:
    length = LENGTHS[level]
    if length == 1:
        yield Tiles(1, first, last)
        return
    at = first
    while at < last:
        base = at - at % length
        after = base + length
        whole = base * MINUTE >= start and after * MINUTE <= end and base == at and after <= upto[level]
        if whole and not split(cuts, base, length):
            yield Tiles(length, base, after)
        else:
            yield from _cover(at, min(after, last), start, end, cuts, upto, level + 1)
        at = after


def _merged(parts: Iterator[Tiles]) -> list[Tiles]:
    merged: list[Tiles] = []
    for part in parts:
        if merged and merged[-1].length == part.length and merged[-1].end == part.first:
            merged[-1] = Tiles(part.length, merged[-1].first, part.end)
        else:
            merged.append(part)
    return merged
