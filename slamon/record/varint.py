"""Integers as few bytes: LEB128 varints and zigzag signs, under everything `record` packs."""

from __future__ import annotations

from collections.abc import Iterable


def put(out: bytearray, value: int) -> None:
    """Append `value` ≥ 0: seven bits a byte, least significant first, the high bit set on all but the last."""
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def get(data: bytes, at: int) -> tuple[int, int]:
    """The value at offset `at` and the offset after it. Raises ValueError at the end of the data."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("packed data ends inside a number")


def zigzag(value: int) -> int:
    """A signed value as an unsigned one, small ones staying small: 0 −1 1 −2 2 → 0 1 2 3 4."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def unzigzag(value: int) -> int:
    return -(value + 1 >> 1) if value & 1 else value >> 1


def put_pairs(out: bytearray, pairs: Iterable[tuple[int, int]]) -> None:
    """Append (key, count) pairs, keys ascending, as (distance from the key before, count)."""
    before = 0
    for key, count in pairs:
        put(out, key - before)
        put(out, count)
        before = key


def get_pairs(data: bytes, at: int = 0) -> dict[int, int]:
    """The pairs from offset `at` to the end of `data`, as a dict. Raises ValueError on a torn number."""
    pairs: dict[int, int] = {}
    key = 0
    while at < len(data):
        step, at = get(data, at)
        count, at = get(data, at)
        key += step
        pairs[key] = count
    return pairs
