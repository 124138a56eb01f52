"""The fixed logarithmic grid delays are counted on, so that distributions of any two spans merge by plain addition.

Every octave is cut into 64 equal buckets, the index being the bit length and the next six bits of the value: no float, no
logarithm. The representative of a bucket is within 1/128 (0.79 %) of every value in it; below 128 ns it is exact.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise, repeat
from operator import add, rshift

from slamon.record.columns import get_column, put_column
from slamon.record.varint import get, get_pairs, put, put_pairs

SUB_BITS = 6
"""64 buckets an octave: half a bucket is at most 1/128 of the value, under the 1 % that is promised."""
_SUB = 1 << SUB_BITS
_EXACT = SUB_BITS + 1
"""Values of at most this many bits have a bucket of their own."""


def bucket(ns: int) -> int:
    """Index of the bucket that holds `ns` ≥ 0. Raises ValueError for a negative delay, which is nobody's delay."""
    if ns < 0:
        raise ValueError(f"a delay cannot be negative: {ns} ns")
    shift = ns.bit_length() - _EXACT
    return ns if shift <= 0 else (shift << SUB_BITS) + (ns >> shift)


def lower(index: int) -> int:
    """Smallest value of the bucket, in nanoseconds."""
    shift = (index >> SUB_BITS) - 1
    return index if shift <= 0 else ((index & (_SUB - 1)) | _SUB) << shift


def upper(index: int) -> int:
    """First value above the bucket (exclusive): `lower(index + 1)`."""
    return lower(index + 1)


def representative(index: int) -> int:
    """The value a bucket is shown as: its middle, within 1/128 of every value in it."""
    return (lower(index) + upper(index) - 1) // 2


def count(delays: Iterable[int]) -> dict[int, int]:
    """Bucket → how many of `delays` (nanoseconds, none negative) fall into it, ascending; an octave at a time, for speed."""
    ordered = sorted(delays)
    buckets: dict[int, int] = {}
    at = 0
    while at < len(ordered):
        shift = max(ordered[at].bit_length() - _EXACT, 0)
        end = bisect_left(ordered, 1 << shift + _EXACT, at)
        first = shift << SUB_BITS
        octave = Counter(map(rshift, ordered[at:end], repeat(shift)))
        buckets.update([(first + place, n) for place, n in octave.items()])
        at = end
    return buckets


def quantile(buckets: Mapping[int, int], n: int, p: Fraction) -> int:
    """The bucket that holds the p-quantile of `n` delays: the smallest x with EDF(x) ≥ p (RFC 2330, section 11.3).

    `n` is the sum of the counts. Raises ValueError when there is nothing to take a quantile of or p is not in (0, 1].
    """
    if not 0 < p <= 1:
        raise ValueError(f"a quantile needs 0 < p <= 1, got {p}")
    if n <= 0:
        raise ValueError("no delays, so no quantile")
    rank = -(-p.numerator * n // p.denominator)
    seen = 0
    for index in sorted(buckets):
        seen += buckets[index]
        if seen >= rank:
            return index
    raise ValueError(f"the buckets hold {seen} delays, not {n}")


_PAIRS, _UNARY = 0, 1


def to_bytes(buckets: Mapping[int, int]) -> bytes:
    """The distribution as bytes, empty for none.

    A minute of one delay a second has few counts spread over neighbouring buckets: written bucket by bucket as `count` zeros
    and a one it takes a bit a delay and a bit a bucket, a quarter of (distance, count) pairs. A day has the opposite shape
    and takes the pairs. The first byte says which.
    """
    if not buckets:
        return b""
    indices = sorted(buckets)
    low, high = indices[0], indices[-1]
    pairs = bytearray((_PAIRS,))
    put_pairs(pairs, ((index, buckets[index]) for index in indices))
    bits = sum(buckets.values()) + high - low + 2
    if bits > 8 * len(pairs):
        return bytes(pairs)
    get_count = buckets.get
    text = "1" + "".join(["0" * get_count(index, 0) + "1" for index in range(low, high + 1)])
    unary = bytearray((_UNARY,))
    put(unary, low)
    unary += int(text, 2).to_bytes((len(text) + 7) // 8, "big")
    return bytes(min(pairs, unary, key=len))


def from_bytes(data: bytes) -> dict[int, int]:
    """What `to_bytes` was given, buckets ascending. Raises ValueError for bytes it did not write."""
    if not data:
        return {}
    if data[0] == _PAIRS:
        return get_pairs(data, 1)
    if data[0] != _UNARY:
        raise ValueError(f"unknown coding {data[0]} of a distribution")
    low, at = get(data, 1)
    return _counts(low, bin(int.from_bytes(data[at:], "big"))[3:])


def _counts(low: int, text: str) -> dict[int, int]:
    return {index: len(zeros) for index, zeros in enumerate(text.split("1")[:-1], low) if zeros}


def put_all(out: bytearray, packed: Sequence[bytes], counts: Sequence[Mapping[int, int]]) -> None:
    """Append distributions that are not empty, `packed` by `to_bytes`, their number and how much each counts being known.

    Where all are unary their bits stand in one row, which spares each its frame.
    """
    if not packed:
        return
    if any(data[0] != _UNARY for data in packed):
        out.append(_PAIRS)
        for data in packed:
            put(out, len(data))
            out += data
        return
    out.append(_UNARY)
    lows = [min(each) for each in counts]
    put_column(out, lows)
    put_column(out, [max(each) - low for each, low in zip(counts, lows, strict=True)])
    text = "".join([bin(int.from_bytes(data[get(data, 1)[1] :], "big"))[3:] for data in packed])
    out += int("1" + text, 2).to_bytes(len(text) // 8 + 1, "big")


def get_all(data: bytes, at: int, totals: Sequence[int]) -> list[dict[int, int]]:
    """What `put_all` was given as `counts`, from offset `at` to the end; `totals` are how much each counts. Raises ValueError."""
    coding = data[at] if at < len(data) else None
    if coding not in ((_PAIRS, _UNARY) if totals else (None,)):
        raise ValueError(f"coding {coding} of {len(totals)} packed distributions")
    if not totals:
        return []
    if coding == _PAIRS:
        found = []
        at += 1
        for _ in totals:
            size, at = get(data, at)
            found.append(from_bytes(data[at : at + size]))
            at += size
        if at != len(data):
            raise ValueError("packed distributions end too early or too late")
        return found
    lows, at = get_column(data, at + 1, len(totals))
    spans, at = get_column(data, at, len(totals))
    text = bin(int.from_bytes(data[at:], "big"))[3:]
    ends = list(accumulate(map(add, totals, spans), lambda end, bits: end + bits + 1, initial=0))
    if ends[-1] != len(text):
        raise ValueError(f"distributions of {len(text)} bits where {ends[-1]} were packed")
    return [_counts(low, text[end:after]) for low, (end, after) in zip(lows, pairwise(ends), strict=True)]
