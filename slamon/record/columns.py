"""Integers as columns of bits: under everything `record` keeps many of.

A column is: minimum (zigzag), width w (1 byte), exceptions (count, then index distance and the bits above w of each), then
the low w bits of every value − minimum, 64 values to 8·w bytes, little-endian. Frame of reference with patched exceptions
(Zukowski et al., "Super-Scalar RAM-CPU Cache Compression", ICDE 2006): measured delays are noise in their low bits, which
no general compressor shortens, so what can be saved is what lies above them.

What is packed again soon is not worth so much work. A plain column is: minimum (zigzag), 0x80 + bytes a value (1 byte), then
every value − minimum in so many bytes, 1, 2, 4 or 8, little-endian.
"""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from slamon.record.varint import get, put, unzigzag, zigzag

_BLOCK = 64
"""Values to a block of bits: 64 of any width end on a byte."""
_LANE = 64
"""Bits that hold a value while its column is packed."""
_LITTLE = sys.byteorder == "little"
_PLAIN = 0x80
_TYPES = {1: "B", 2: "H", 4: "I", 8: "Q"}
"""Bytes → type of an array."""


class Column(NamedTuple):
    """A column as it is stored; `values` reads as much of it as is wanted."""

    n: int
    base: int
    width: int
    exceptions: tuple[tuple[int, int], ...]
    """(place, what is added there)."""
    data: bytes
    plain: bool = False

    def bounds(self) -> tuple[int, int]:
        """Two values no value of it lies outside of."""
        most = max((high for _, high in self.exceptions), default=0)
        return self.base, self.base + most + (1 << self.width) - 1

    def values(self, first: int = 0, last: int | None = None) -> list[int]:
        """Those at the places `[first, last)`, all by default."""
        last = self.n if last is None else last
        if self.plain:
            values = _plain(self.data, self.width // 8)[first:last].tolist()
        elif not self.width:
            values = [0] * (last - first)
        else:
            begin = first - first % _BLOCK
            data = self.data[begin * self.width // 8 : (last * self.width + 7) // 8]
            values = _spread(data, self.width, last - begin)[first - begin :]
        for place, high in self.exceptions:
            if first <= place < last:
                values[place - first] += high
        base = self.base
        return [base + value for value in values] if base else values


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


def put_plain(out: bytearray, values: Sequence[int]) -> None:
    """`put_column` in a third of the time, and half as long again. Raises OverflowError for values 2**64 apart."""
    if not values:
        return
    base = min(values)
    most = max(values) - base
    size = next((size for size in _TYPES if not most >> 8 * size), 8)
    put(out, zigzag(base))
    out.append(_PLAIN | size)
    column = array(_TYPES[size], [value - base for value in values] if base else values)
    out += (column if _LITTLE else _swapped(column)).tobytes()


def get_column(data: bytes, at: int, n: int) -> tuple[list[int], int]:
    """The values of the column of `n` integers at offset `at`, and the offset after it. Raises ValueError."""
    column, at = find_column(data, at, n)
    return column.values(), at


def find_column(data: bytes, at: int, n: int) -> tuple[Column, int]:
    """The column of `n` integers at offset `at`, and the offset after it. Raises ValueError."""
    if n == 0:
        return Column(0, 0, 0, (), b""), at
    coded, at = get(data, at)
    if at >= len(data):
        raise ValueError("packed data ends inside a column")
    width = data[at]
    if width & _PLAIN:
        return _find_plain(data, at + 1, n, unzigzag(coded), width & ~_PLAIN)
    many, at = get(data, at + 1)
    if width > _LANE:
        raise ValueError(f"a column of {width} bits a value")
    exceptions = []
    place = 0
    for _ in range(many):
        step, at = get(data, at)
        high, at = get(data, at)
        place += step
        exceptions.append((place, high << width))
    if place >= n:
        raise ValueError("an exception lies outside its column")
    end = at + (n * width + 7) // 8
    if end > len(data):
        raise ValueError("packed data ends inside a column")
    return Column(n, unzigzag(coded), width, tuple(exceptions), data[at:end]), end


def _find_plain(data: bytes, at: int, n: int, base: int, size: int) -> tuple[Column, int]:
    if size not in _TYPES:
        raise ValueError(f"a plain column of {size} bytes a value")
    end = at + n * size
    if end > len(data):
        raise ValueError("packed data ends inside a column")
    return Column(n, base, 8 * size, (), data[at:end], plain=True), end


def _plain(data: bytes, size: int) -> array[int]:
    values = array(_TYPES[size], data)
    return values if _LITTLE else _swapped(values)


def _width(shifted: Sequence[int]) -> int:
    """The width that makes the column shortest, exceptions paid with about a byte of place and their bits above it."""
    lengths = Counter(map(int.bit_length, shifted))
    n = len(shifted)
    best, least = 0, None
    above = bits = 0
    for width in sorted(lengths, reverse=True):
        cost = n * width + above * (16 - width) + bits
        if least is None or cost < least:
            best, least = width, cost
        above += lengths[width]
        bits += width * lengths[width]
    return best


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
