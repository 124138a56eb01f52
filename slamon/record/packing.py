"""The packed samples of one minute: exact send instants, results, round trips and hop limits in a few bytes a packet.

Layout of version 2, numbers being LEB128 varints:

    version (1 byte) · n
    states   run lengths of (result code | 0x40 round trip present | 0x80 hop limit present), n in all
    sends    1 byte: 0 = differences from an even grid, 1 = differences from the send before, + 2 = in microseconds, not
             nanoseconds; first offset, zigzag; grid step where there is one; then a column
    round trips   a column of those present
    hop limits    run lengths of those present

A column is: minimum (zigzag), width w (1 byte), exceptions (count, then index distance and the bits above w of each), then
the low w bits of every value − minimum, 64 values to 8·w bytes, little-endian. Frame of reference with patched exceptions
(Zukowski et al., "Super-Scalar RAM-CPU Cache Compression", ICDE 2006): measured delays are noise in their low bits, which
no general compressor shortens, so what can be saved is what lies above them. Probers know when they send to the microsecond,
so that is what their instants cost; others lose nothing.

Version 1 had no microseconds; it is read as ever.
"""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import accumulate, count
from math import gcd
from operator import add, sub
from typing import NamedTuple

from slamon.model import RESULT_CODE, RESULTS, US, Result
from slamon.record.varint import get, put, unzigzag, zigzag

VERSION = 2
_READABLE = (1, 2)
_HAS_RTT = 0x40
_HAS_HOP = 0x80
_CODE = 0x3F
_BLOCK = 64
"""Values to a block of bits: 64 of any width end on a byte."""
_LANE = 64
"""Bits that hold a value while its column is packed."""
_LITTLE = sys.byteorder == "little"
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
    return pack_columns(
        start,
        [row.sent for row in rows],
        bytes(RESULT_CODE[row.result] for row in rows),
        [-1 if row.rtt is None else row.rtt for row in rows],
        [-1 if row.hop_limit is None else row.hop_limit for row in rows],
    )


def pack_columns(
    start: int, sents: Sequence[int], codes: Sequence[int], rtts: Sequence[int], hops: Sequence[int]
) -> bytes:
    """`pack` of equally long columns; −1 in `rtts` and `hops` means absent, because arrays of integers have no None."""
    return _encode(start, _Columns(sents, _states(codes, rtts, hops), _present(rtts), bytes([*_present(hops)])))


def unpack(start: int, data: bytes) -> list[Packed]:
    """What `pack` was given. Raises ValueError for bytes it did not write."""
    sents, states, rtts, hops = _decode(start, data)
    rtt, hop = iter(rtts), iter(hops)
    return [
        Packed(
            sent,
            RESULTS[state & _CODE],
            next(rtt) if state & _HAS_RTT else None,
            next(hop) if state & _HAS_HOP else None,
        )
        for sent, state in zip(sents, states, strict=True)
    ]


def join(start: int, parts: Iterable[tuple[int, bytes]]) -> bytes:
    """Several packs, each with the start it was packed with, as one counted from `start`, in send order."""
    packs = [_decode(*part) for part in parts]
    sents = [sent for pack in packs for sent in pack.sents]
    if sents != sorted(sents):
        rows = [row for part in parts for row in unpack(*part)]
        return pack(start, sorted(rows, key=lambda row: row.sent))
    return _encode(
        start,
        _Columns(
            sents,
            b"".join([pack.states for pack in packs]),
            [rtt for pack in packs for rtt in pack.rtts],
            b"".join([pack.hops for pack in packs]),
        ),
    )


def cut(start: int, data: bytes, pieces: Iterable[tuple[int, int]]) -> list[bytes | None]:
    """Of each piece `[from, to)` the samples sent in it, packed with `from` as their start; None where there are none."""
    sents, states, rtts, hops = _decode(start, data)
    found: list[bytes | None] = []
    for begin, end in pieces:
        first, last = bisect_left(sents, begin), bisect_left(sents, end)
        if first == last:
            found.append(None)
            continue
        before, inside = states[:first], states[first:last]
        rtt, hop = before.translate(_RTTS).count(1), before.translate(_HOPS).count(1)
        found.append(
            _encode(
                begin,
                _Columns(
                    sents[first:last],
                    inside,
                    rtts[rtt : rtt + inside.translate(_RTTS).count(1)],
                    hops[hop : hop + inside.translate(_HOPS).count(1)],
                ),
            )
        )
    return found


class _Columns(NamedTuple):
    sents: Sequence[int]
    states: bytes
    rtts: Sequence[int]
    """Of the samples that have one; so are the hop limits."""
    hops: bytes


def _encode(start: int, columns: _Columns) -> bytes:
    out = bytearray((VERSION,))
    put(out, len(columns.sents))
    _put_runs(out, columns.states)
    _put_sends(out, start, columns.sents)
    put_column(out, columns.rtts)
    _put_runs(out, columns.hops)
    return bytes(out)


def _decode(start: int, data: bytes) -> _Columns:
    if not data or data[0] not in _READABLE:
        known = " and ".join(map(str, _READABLE))
        raise ValueError(f"packed samples of version {data[0] if data else 'none'}; this slamon reads versions {known}")
    n, at = get(data, 1)
    states, at = _get_runs(data, at, n)
    sents, at = _get_sends(data, at, start, n)
    rtts, at = get_column(data, at, states.translate(_RTTS).count(1))
    hops, at = _get_runs(data, at, states.translate(_HOPS).count(1))
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes too many after the packed samples")
    return _Columns(sents, states, rtts, hops)


def _states(codes: Sequence[int], rtts: Sequence[int], hops: Sequence[int]) -> bytes:
    if -1 not in rtts and -1 not in hops:
        return bytes(codes).translate(_WHOLE)
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


def _put_sends(out: bytearray, start: int, sents: Sequence[int]) -> None:
    n = len(sents)
    if n == 0:
        return
    offsets = [sent - start for sent in sents]
    unit = 0
    if gcd(US, *offsets) == US:
        unit = _MICROSECONDS
        offsets = [offset // US for offset in offsets]
    first = offsets[0]
    deltas = list(map(sub, offsets[1:], offsets))
    # The grid halves the noise of the differences, but one missed slot shifts everything behind it off the grid.
    if deltas and 2 * max(deltas) <= 3 * min(deltas):
        step = (offsets[-1] - first) // (n - 1)
        grid = list(map(sub, offsets, count(first, step)))
        out.append(_GRID | unit)
        put(out, zigzag(first))
        put(out, zigzag(step))
        put_column(out, grid)
    else:
        out.append(_DELTA | unit)
        put(out, zigzag(first))
        put_column(out, deltas)


def _get_sends(data: bytes, at: int, start: int, n: int) -> tuple[list[int], int]:
    if n == 0:
        return [], at
    if at >= len(data):
        raise ValueError("packed data ends before its send instants")
    kind = data[at]
    if kind > _DELTA | _MICROSECONDS:
        raise ValueError(f"unknown coding {kind} of send instants")
    unit = US if kind & _MICROSECONDS else 1
    coded, at = get(data, at + 1)
    offset = unzigzag(coded)
    if kind & _DELTA:
        deltas, at = get_column(data, at, n - 1)
        offsets = list(accumulate(deltas, initial=offset))
    else:
        coded, at = get(data, at)
        step = unzigzag(coded)
        residuals, at = get_column(data, at, n)
        offsets = list(map(add, residuals, count(offset, step)))
    return [start + offset * unit for offset in offsets], at


def put_column(out: bytearray, values: Sequence[int]) -> None:
    """Append a column of integers; its length is for the caller to know."""
    n = len(values)
    if n == 0:
        return
    base = min(values)
    shifted = [value - base for value in values] if base else list(values)
    most = max(shifted)
    width = _width(shifted) if most else 0
    put(out, zigzag(base))
    out.append(width)
    mask = (1 << width) - 1
    exceptions = [(i, value >> width) for i, value in enumerate(shifted) if value > mask] if most > mask else []
    put(out, len(exceptions))
    before = 0
    for i, high in exceptions:
        put(out, i - before)
        put(out, high)
        before = i
        shifted[i] &= mask
    if not width:
        return
    for block in range(0, n, _BLOCK):
        part = array("Q", shifted[block : block + _BLOCK])
        bits = int.from_bytes(part.tobytes() if _LITTLE else _swapped(part).tobytes(), "little")
        for low, high, shift in _lanes(width):
            bits = bits & low | bits >> shift & high
        out += bits.to_bytes((len(part) * width + 7) // 8, "little")


def _width(shifted: Sequence[int]) -> int:
    """The width that makes the column shortest, exceptions paid with about a byte of place and their bits above it."""
    lengths = Counter(map(int.bit_length, shifted))
    n = len(shifted)
    return min(
        lengths,
        key=lambda width: n * width + sum(k * (16 + (bits - width)) for bits, k in lengths.items() if bits > width),
    )


def get_column(data: bytes, at: int, n: int) -> tuple[list[int], int]:
    """The column of `n` integers at offset `at`, and the offset after it. Raises ValueError."""
    if n == 0:
        return [], at
    coded, at = get(data, at)
    base = unzigzag(coded)
    if at >= len(data):
        raise ValueError("packed data ends inside a column")
    width = data[at]
    exceptions, at = get(data, at + 1)
    if width > _LANE:
        raise ValueError(f"a column of {width} bits a value")
    high: list[tuple[int, int]] = []
    place = 0
    for _ in range(exceptions):
        step, at = get(data, at)
        bits, at = get(data, at)
        place += step
        high.append((place, bits))
    size = (n * width + 7) // 8
    if at + size > len(data):
        raise ValueError("packed data ends inside a column")
    values = _spread(data[at : at + size], width, n) if width else [0] * n
    for place, top in high:
        if place >= n:
            raise ValueError("an exception lies outside its column")
        values[place] |= top << width
    return [base + value for value in values] if base else values, at + size


def _spread(data: bytes, width: int, n: int) -> list[int]:
    """`n` values of `width` bits."""
    lanes = array("Q")
    for block in range(0, len(data), _BLOCK * width // 8):
        bits = int.from_bytes(data[block : block + _BLOCK * width // 8], "little")
        for low, high, shift in reversed(_lanes(width)):
            bits = bits & low | (bits & high) << shift
        lanes.frombytes(bits.to_bytes(_BLOCK * _LANE // 8, "little"))
    return (lanes if _LITTLE else _swapped(lanes))[:n].tolist()


@cache
def _lanes(width: int) -> tuple[tuple[int, int, int], ...]:
    """How a block of `width`-bit values in lanes of 64 bits draws together: neighbours first, then pairs, and so on.

    Each step is (bits that stay, bits that move, how far): a few operations on one long integer in place of some on every value.
    """
    steps = []
    for level in range(_BLOCK.bit_length() - 1):
        held, lane = width << level, _LANE << level
        group = ((1 << held) - 1).to_bytes(2 * lane // 8, "little")
        low = int.from_bytes(group * (_BLOCK >> level + 1), "little")
        steps.append((low, low << held, lane - held))
    return tuple(steps)


def _swapped(lanes: array[int]) -> array[int]:
    """For machines whose arrays are big-endian."""
    copy = lanes[:]
    copy.byteswap()
    return copy
