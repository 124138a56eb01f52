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

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise
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
_GRID, _DELTA, _MICROSECONDS = 0, 1, 2


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
    out = bytearray((VERSION,))
    put(out, len(sents))
    _put_runs(out, _states(codes, rtts, hops))
    _put_sends(out, start, sents)
    _put_column(out, _present(rtts))
    _put_runs(out, _present(hops))
    return bytes(out)


def unpack(start: int, data: bytes) -> list[Packed]:
    """What `pack` was given. Raises ValueError for bytes it did not write."""
    if not data or data[0] not in _READABLE:
        known = " and ".join(map(str, _READABLE))
        raise ValueError(f"packed samples of version {data[0] if data else 'none'}; this slamon reads versions {known}")
    n, at = get(data, 1)
    states, at = _get_runs(data, at, n)
    sents, at = _get_sends(data, at, start, n)
    rtts, at = _get_column(data, at, sum(1 for state in states if state & _HAS_RTT))
    hops, at = _get_runs(data, at, sum(1 for state in states if state & _HAS_HOP))
    if at != len(data):
        raise ValueError(f"{len(data) - at} bytes too many after the packed samples")
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


def merge(start: int, parts: Sequence[bytes]) -> bytes:
    """Several packs with the same `start` as one, in send order."""
    if len(parts) == 1:
        return parts[0]
    return pack(start, sorted((row for part in parts for row in unpack(start, part)), key=lambda row: row.sent))


def _present(values: Sequence[int]) -> Sequence[int]:
    return values if -1 not in values else [value for value in values if value >= 0]


def _states(codes: Sequence[int], rtts: Sequence[int], hops: Sequence[int]) -> Sequence[int]:
    if -1 not in rtts and -1 not in hops:
        return [code | _HAS_RTT | _HAS_HOP for code in codes]
    return [
        code | (_HAS_RTT if rtt >= 0 else 0) | (_HAS_HOP if hop >= 0 else 0)
        for code, rtt, hop in zip(codes, rtts, hops, strict=True)
    ]


def _put_runs(out: bytearray, values: Sequence[int]) -> None:
    if values and values.count(values[0]) == len(values):  # what a quiet minute looks like, by far the most frequent
        out.append(values[0])
        put(out, len(values))
        return
    for value, run in groupby(values):
        out.append(value)
        put(out, sum(1 for _ in run))


def _get_runs(data: bytes, at: int, n: int) -> tuple[list[int], int]:
    values: list[int] = []
    while len(values) < n:
        if at >= len(data):
            raise ValueError("packed data ends inside its runs")
        length, after = get(data, at + 1)
        values.extend([data[at]] * length)
        at = after
    if len(values) != n:
        raise ValueError(f"runs of {len(values)} values where {n} were packed")
    return values, at


def _put_sends(out: bytearray, start: int, sents: Sequence[int]) -> None:
    n = len(sents)
    if n == 0:
        return
    offsets = [sent - start for sent in sents]
    unit = 0
    if not any(offset % US for offset in offsets):
        unit = _MICROSECONDS
        offsets = [offset // US for offset in offsets]
    first = offsets[0]
    deltas = [later - earlier for earlier, later in pairwise(offsets)]
    # The grid halves the noise of the differences, but one missed slot shifts everything behind it off the grid.
    if deltas and 2 * max(deltas) <= 3 * min(deltas):
        step = (offsets[-1] - first) // (n - 1)
        grid = [offset - first - i * step for i, offset in enumerate(offsets)]
        out.append(_GRID | unit)
        put(out, zigzag(first))
        put(out, zigzag(step))
        _put_column(out, grid)
    else:
        out.append(_DELTA | unit)
        put(out, zigzag(first))
        _put_column(out, deltas)


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
        deltas, at = _get_column(data, at, n - 1)
        offsets = [offset]
        for delta in deltas:
            offsets.append(offsets[-1] + delta)
    else:
        coded, at = get(data, at)
        step = unzigzag(coded)
        residuals, at = _get_column(data, at, n)
        offsets = [offset + i * step + residual for i, residual in enumerate(residuals)]
    return [start + offset * unit for offset in offsets], at


def _put_column(out: bytearray, values: Sequence[int]) -> None:
    n = len(values)
    if n == 0:
        return
    base = min(values)
    shifted = [value - base for value in values]
    width = _width(shifted)
    put(out, zigzag(base))
    out.append(width)
    mask = (1 << width) - 1
    exceptions = [(i, value >> width) for i, value in enumerate(shifted) if value > mask] if max(shifted) > mask else []
    put(out, len(exceptions))
    before = 0
    for i, high in exceptions:
        put(out, i - before)
        put(out, high)
        before = i
        shifted[i] &= mask
    for block in range(0, n, _BLOCK):
        bits = 0
        part = shifted[block : block + _BLOCK]
        for value in reversed(part):
            bits = bits << width | value
        out += bits.to_bytes((len(part) * width + 7) // 8, "little")


def _width(shifted: Sequence[int]) -> int:
    """The width that makes the column shortest, exceptions paid with about a byte of place and their bits above it."""
    lengths = Counter(map(int.bit_length, shifted))
    n = len(shifted)
    return min(
        lengths,
        key=lambda width: n * width + sum(k * (16 + (bits - width)) for bits, k in lengths.items() if bits > width),
    )


def _get_column(data: bytes, at: int, n: int) -> tuple[list[int], int]:
    if n == 0:
        return [], at
    coded, at = get(data, at)
    base = unzigzag(coded)
    if at >= len(data):
        raise ValueError("packed data ends inside a column")
    width = data[at]
    exceptions, at = get(data, at + 1)
    high: list[tuple[int, int]] = []
    place = 0
    for _ in range(exceptions):
        step, at = get(data, at)
        bits, at = get(data, at)
        place += step
        high.append((place, bits))
    mask = (1 << width) - 1
    values: list[int] = []
    for block in range(0, n, _BLOCK):
        k = min(_BLOCK, n - block)
        size = (k * width + 7) // 8
        if at + size > len(data):
            raise ValueError("packed data ends inside a column")
        bits = int.from_bytes(data[at : at + size], "little")
        at += size
        for _ in range(k):
            values.append(bits & mask)
            bits >>= width
    for place, top in high:
        if place >= n:
            raise ValueError("an exception lies outside its column")
        values[place] |= top << width
    return [base + value for value in values], at
