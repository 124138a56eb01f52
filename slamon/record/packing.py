"""The packed samples of a minute or a quarter hour: exact send instants, results, round trips and hop limits in a few bytes a packet.

Layout of version 3, numbers being LEB128 varints:

    version (1 byte) · n
    states   run lengths of (result code | 0x40 round trip present | 0x80 hop limit present), n in all
    sends    1 byte: 0 = differences from an even grid, 1 = differences from the send before, + 2 = in microseconds, not
             nanoseconds; first offset, zigzag; grid step where there is one; then a column
    round trips   a column of those present
    hop limits    run lengths of those present

A column is as `record.columns` has it, plain in minutes: those are packed again by the quarter hour. Probers know when they send to the
microsecond, so that is what their instants cost; others lose nothing.

Version 1 had no microseconds, version 2 no plain columns; they are read as ever.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, count
from math import gcd
from operator import add, sub
from typing import NamedTuple

from slamon.model import MS, RESULT_CODE, RESULTS, US, Result
from slamon.record.columns import Column, find_column, put_column, put_plain
from slamon.record.varint import get, put, unzigzag, zigzag

VERSION = 3
_READABLE = (1, 2, 3)
_HAS_RTT = 0x40
_HAS_HOP = 0x80
_CODE = 0x3F
_GRID, _DELTA, _MICROSECONDS = 0, 1, 2
_RUN = re.compile(rb"(.)\1*", re.DOTALL)
_WHOLE = bytes(code & _CODE | _HAS_RTT | _HAS_HOP for code in range(256))
_RTTS = bytes(bool(state & _HAS_RTT) for state in range(256))
"""State → 1 where there is a round trip."""
_HOPS = bytes(bool(state & _HAS_HOP) for state in range(256))


class Packed(NamedTuple):
    """One sample as it is kept: the instant its probe was sent, how it ended, nanoseconds of round trip, hop limit of the reply."""

    sent: int
    result: Result
    rtt: int | None
    hop_limit: int | None


def pack(start: int, samples: Iterable[Packed]) -> bytes:
    """Samples in send order → bytes; `start` is what their instants are counted from, normally the start of the minute."""
    rows = list(samples)
    codes = bytes(RESULT_CODE[row.result] for row in rows)
    rtts = [-1 if row.rtt is None else row.rtt for row in rows]
    hops = [-1 if row.hop_limit is None else row.hop_limit for row in rows]
    offsets = [row.sent - start for row in rows]
    return _encode(_Columns(offsets, 1, _states(codes, rtts, hops), _present(rtts), bytes(_present(hops))))


def pack_plain(
    offset: int, steps: Sequence[int], codes: bytes | bytearray, rtts: Sequence[int], hops: Sequence[int]
) -> bytes:
    """`pack` of the samples of a minute, by columns: of sends the `offset` of the first one from the start, and the `steps` from each
    to the next. −1 in `rtts` and `hops` means absent, because arrays of integers have no None.
    """
    out = bytearray((VERSION,))
    put(out, len(codes))
    _put_runs(out, _states(codes, rtts, hops))
    if codes:
        coarse = gcd(US, offset, *steps) == US
        if coarse:
            offset, steps = offset // US, [step // US for step in steps]
        out.append(_DELTA | (_MICROSECONDS if coarse else 0))
        put(out, zigzag(offset))
        put_plain(out, steps)
    put_plain(out, _present(rtts))
    _put_runs(out, bytes(_present(hops)))
    return bytes(out)


def unpack(start: int, data: bytes) -> list[Packed]:
    """What `pack` was given. Raises ValueError for bytes it did not write."""
    states, sends, rtts, hops = _find(start, data)
    sents, rtt, hop = sends.offsets(0, len(states)), iter(rtts.values()), iter(hops)
    return [
        Packed(
            sent,
            RESULTS[state & _CODE],
            next(rtt) if state & _HAS_RTT else None,
            next(hop) if state & _HAS_HOP else None,
        )
        for sent, state in zip(sents, states, strict=True)
    ]


def join(start: int, parts: Sequence[tuple[int, bytes]]) -> bytes:
    """Several packs, each with the start it was packed with, as one counted from `start`, in send order."""
    packs = [one for one in (_find(*part) for part in parts) if one.states]
    coarse = all(one.sends.unit == US and (one.sends.start - start) % US == 0 for one in packs)
    unit = US if coarse else 1
    offsets = [one for each in packs for one in each.sends.offsets(0, len(each.states), start, unit)]
    if offsets != sorted(offsets):
        rows = [row for part in parts for row in unpack(*part)]
        return pack(start, sorted(rows, key=lambda row: row.sent))
    return _encode(
        _Columns(
            offsets,
            unit,
            b"".join([each.states for each in packs]),
            [rtt for each in packs for rtt in each.rtts.values()],
            b"".join([each.hops for each in packs]),
        )
    )


def cut(start: int, data: bytes, pieces: Iterable[tuple[int, int]]) -> list[bytes | None]:
    """Of each piece `[from, to)` the samples sent in it, packed with `from` as their start; None where there are none.

    What a piece costs hardly depends on how much there is beside it.
    """
    states, sends, rtts, hops = _find(start, data)
    found: list[bytes | None] = []
    for begin, end in pieces:
        sents, first = sends.between(begin, end)
        if not sents:
            found.append(None)
            continue
        before, inside = states[:first], states[first : first + len(sents)]
        rtt, hop = before.translate(_RTTS).count(1), before.translate(_HOPS).count(1)
        found.append(
            _encode(
                _Columns(
                    [sent - begin for sent in sents],
                    1,
                    inside,
                    rtts.values(rtt, rtt + inside.translate(_RTTS).count(1)),
                    hops[hop : hop + inside.translate(_HOPS).count(1)],
                ),
            )
        )
    return found


class _Columns(NamedTuple):
    offsets: list[int]
    unit: int
    """Nanoseconds the offsets count."""
    states: bytes
    rtts: Sequence[int]
    """Of the samples that have one; so are the hop limits."""
    hops: bytes


def _encode(columns: _Columns) -> bytes:
    out = bytearray((VERSION,))
    put(out, len(columns.offsets))
    _put_runs(out, columns.states)
    _put_sends(out, columns.offsets, columns.unit)
    put_column(out, columns.rtts)
    _put_runs(out, columns.hops)
    return bytes(out)


class _Found(NamedTuple):
    """A pack, its columns not read yet."""

    states: bytes
    sends: _Sends
    rtts: Column
    hops: bytes


def _find(start: int, data: bytes) -> _Found:
    if not data or data[0] not in _READABLE:
        known = f"{', '.join(map(str, _READABLE[:-1]))} and {_READABLE[-1]}"
        raise ValueError(f"packed samples of version {data[0] if data else 'none'}; this slamon reads versions {known}")
    n, at = get(data, 1)
    states, at = _get_runs(data, at, n)
    sends, at = _find_sends(data, at, start, n)
    rtts, at = find_column(data, at, states.translate(_RTTS).count(1))
    hops, at = _get_runs(data, at, states.translate(_HOPS).count(1))
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes too many after the packed samples")
    return _Found(states, sends, rtts, hops)


def _states(codes: bytes | bytearray, rtts: Sequence[int], hops: Sequence[int]) -> bytes:
    if -1 not in rtts and -1 not in hops:
        return bytes(codes.translate(_WHOLE))
    return bytes(
        [
            code | (_HAS_RTT if rtt >= 0 else 0) | (_HAS_HOP if hop >= 0 else 0)
            for code, rtt, hop in zip(codes, rtts, hops, strict=True)
        ]
    )


def _present(values: Sequence[int]) -> Sequence[int]:
    return values if -1 not in values else [value for value in values if value >= 0]


def _put_runs(out: bytearray, values: bytes) -> None:
    if values and values.count(values[0]) == len(values):  # what a quiet minute looks like, by far the most frequent
        out.append(values[0])
        put(out, len(values))
        return
    for run in _RUN.finditer(values):
        out.append(values[run.start()])
        put(out, run.end() - run.start())


def _get_runs(data: bytes, at: int, n: int) -> tuple[bytes, int]:
    values = bytearray()
    while len(values) < n:
        if at >= len(data):
            raise ValueError("packed data ends inside its runs")
        length, after = get(data, at + 1)
        if length > n - len(values):
            raise ValueError(f"a run of {length} values where {n} were packed")
        values += data[at : at + 1] * length
        at = after
    if len(values) != n:
        raise ValueError(f"runs of {len(values)} values where {n} were packed")
    return bytes(values), at


def _put_sends(out: bytearray, offsets: list[int], unit: int) -> None:
    n = len(offsets)
    if n == 0:
        return
    if unit == 1 and gcd(US, *offsets) == US:
        unit = US
        offsets = [offset // US for offset in offsets]
    coarse = _MICROSECONDS if unit == US else 0
    first = offsets[0]
    deltas = list(map(sub, offsets[1:], offsets))
    least, most = min(deltas, default=0), max(deltas, default=0)
    # The grid halves the noise of the differences, but one missed slot shifts everything behind it off the grid.
    if deltas and 2 * most <= 3 * least:
        step = _step(offsets[-1] - first, n - 1, MS // unit, most - least)
        grid = list(map(sub, offsets, count(first, step)))
        out.append(_GRID | coarse)
        put(out, zigzag(first))
        put(out, zigzag(step))
        put_column(out, grid)
    else:
        out.append(_DELTA | coarse)
        put(out, zigzag(first))
        put_column(out, deltas)


def _step(span: int, steps: int, millisecond: int, noise: int) -> int:
    """The grid's: whole milliseconds, if with them the last send is no further off than two neighbours are from each other.

    A mean is as far off as the noise of two sends; intervals are exact, and slots counted by hundreds.
    """
    whole = (2 * span + steps * millisecond) // (2 * steps * millisecond) * millisecond
    return whole if abs(span - steps * whole) <= noise else span // steps


class _Sends(NamedTuple):
    """Send instants as they are stored."""

    n: int
    start: int
    unit: int
    offset: int
    step: int | None
    """Of the grid; None where the column has the differences."""
    column: Column

    def offsets(self, first: int, last: int, origin: int = 0, unit: int = 1) -> list[int]:
        """Of those at the places `[first, last)`, counted from `origin` in `unit` nanoseconds, in which they have to be whole."""
        if not self.n:
            return []
        away = self.start - origin
        offset = self.offset + (away // unit if unit == self.unit else 0)
        if self.step is None:
            offsets = list(accumulate(self.column.values(), initial=offset))[first:last]
        else:
            offsets = list(map(add, self.column.values(first, last), count(offset + first * self.step, self.step)))
        if unit == self.unit:
            return offsets
        each = self.unit // unit
        return [away + offset * each for offset in offsets]

    def between(self, begin: int, end: int) -> tuple[list[int], int]:
        """Those in `[begin, end)`, and the place of the first of them."""
        first, last = 0, self.n
        if self.step:
            least, most = self.column.bounds()
            first = max(0, ((begin - self.start) // self.unit - self.offset - most) // self.step)
            last = min(last, ((end - self.start) // self.unit - self.offset - least) // self.step + 2)
        sents = self.offsets(first, max(first, last))
        left, right = bisect_left(sents, begin), bisect_left(sents, end)
        return sents[left:right], first + left


def _find_sends(data: bytes, at: int, start: int, n: int) -> tuple[_Sends, int]:
    if n == 0:
        return _Sends(0, start, 1, 0, None, find_column(data, at, 0)[0]), at
    if at >= len(data):
        raise ValueError("packed data ends before its send instants")
    kind = data[at]
    if kind > _DELTA | _MICROSECONDS:
        raise ValueError(f"unknown coding {kind} of send instants")
    unit = US if kind & _MICROSECONDS else 1
    coded, at = get(data, at + 1)
    step, held = None, n - 1
    if not kind & _DELTA:
        zigzagged, at = get(data, at)
        step, held = unzigzag(zigzagged), n
    column, at = find_column(data, at, held)
    return _Sends(n, start, unit, unzigzag(coded), step, column), at
