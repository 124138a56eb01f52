"""A second's released samples of every series as bytes, and their replay into the tracks they came from."""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from slamon.record.rank import Round
from slamon.record.track import EVENT, Pending, Track

VERSION = 1
_CHAIN_SHIFT = 5
"""A line's state byte: bit 7 event, bits 5–6 chain, bits 0–4 the code of the result or the kind of the event."""
_CODE = (1 << _CHAIN_SHIFT) - 1
_CHAIN = 3
_WIDTHS = (("I", 4), ("q", 8), ("B", 1), ("q", 8), ("h", 2))
"""Columns: series, sent, state, round trip, hop limit."""
_LINE = sum(width for _, width in _WIDTHS)


class Columns(NamedTuple):
    """Equally long; −1 in `rtts` and `hops` where there is none."""

    series: array[int]
    sents: array[int]
    states: array[int]
    rtts: array[int]
    hops: array[int]


class Lines:
    """What one batch released, in the order of release, and where each series has its lines."""

    __slots__ = ("_places", "columns")

    def __init__(self, columns: Columns) -> None:
        self.columns = columns
        self._places: dict[int, list[int]] = {}
        for place, series in enumerate(columns.series):
            self._places.setdefault(series, []).append(place)

    def sent(self) -> list[int]:
        """Send instants of all samples."""
        _, sents, states, _, _ = self.columns
        return [sent for sent, state in zip(sents, states, strict=True) if not state & EVENT]

    def replay(self, track: Track, *, since: int) -> None:
        """Feed its lines to `track`; those before the instant `since` are in closed minutes already."""
        _, sents, states, rtts, hops = self.columns
        for place in self._places.get(track.id, ()):
            sent, state = sents[place], states[place]
            if sent < since:
                continue
            if state & EVENT:
                track.event(state & _CODE)
            else:
                track.add(sent, state & _CODE, state >> _CHAIN_SHIFT & _CHAIN, rtts[place], hops[place])


def encode(released: Sequence[Pending | Round]) -> bytes:
    """Lines in the order of their release → bytes, empty for none.

    Byte planes (every first byte, every second byte, …) put what neighbours share side by side, so that the fastest setting
    of deflate shortens 23 bytes a sample to about 8 at 0.2 µs. This lives for two minutes: `packing` is for what is kept.
    """
    if not released:
        return b""
    columns = Columns(array("I"), array("q"), array("B"), array("q"), array("h"))
    for _, lines in groupby(released, type):
        for part in _parts([*lines]):
            for column, values in zip(columns, part, strict=True):
                column.extend(values)
    planes = []
    for column, (_, width) in zip(columns, _WIDTHS, strict=True):
        data = _little(column).tobytes()
        planes += [data[byte::width] for byte in range(width)]
    return bytes((VERSION,)) + zlib.compress(b"".join(planes), 1)


def decode(data: bytes) -> Lines:
    """What `encode` was given. Raises ValueError for bytes it did not write."""
    if not data:
        return Lines(Columns(array("I"), array("q"), array("B"), array("q"), array("h")))
    if data[0] != VERSION:
        raise ValueError(f"a journal of version {data[0]}; this slamon reads version {VERSION}")
    try:
        planes = zlib.decompress(data[1:])
    except zlib.error as error:
        raise ValueError(f"a torn journal: {error}") from error
    n, rest = divmod(len(planes), _LINE)
    if rest:
        raise ValueError(f"a torn journal: {rest} bytes too many")
    columns = []
    at = 0
    for typecode, width in _WIDTHS:
        raw = bytearray(n * width)
        for byte in range(width):
            raw[byte::width] = planes[at : at + n]
            at += n
        columns.append(_little(array(typecode, bytes(raw))))
    return Lines(Columns(*columns))


def _parts(lines: Sequence[Pending | Round]) -> Iterator[tuple[Iterable[int], ...]]:
    """The columns of lines that are all rounds or all single."""
    yield from (line.columns() for line in lines if isinstance(line, Round))
    single = [line for line in lines if isinstance(line, Pending)]
    yield (
        [line.series for line in single],
        [line.sent for line in single],
        [line.code & EVENT | line.chain << _CHAIN_SHIFT | line.code & _CODE for line in single],
        [line.rtt for line in single],
        [line.hop for line in single],
    )


def _little(column: array[int]) -> array[int]:
    if sys.byteorder == "big":
        column.byteswap()
    return column
