"""Records add: minutes make quarter hours, quarter hours make days, and two halves of a minute make the minute."""

from __future__ import annotations

from collections.abc import Iterable

from slamon.model import DAY, MINUTE
from slamon.record import distribution
from slamon.record.packing import join
from slamon.record.rows import Record
from slamon.record.varint import get_pairs, put_pairs

QUARTER = 15 * MINUTE
LENGTHS: tuple[int, ...] = (MINUTE, QUARTER, DAY)
"""Spans that are kept, nanoseconds; each divides the next, all counted from the epoch in UTC."""


def total(start: int, length: int, records: Iterable[Record]) -> Record:
    """The sum of `records` as the record of `[start, start + length)`.

    A latency limit stays in `within` only if it was in force in every part that had delays: of a limit that was not, nobody
    knows how many round trips stayed below it. Where no part had any, every limit is kept with 0. Packed samples are joined
    when the span is a single minute and left out of anything longer. Raises ValueError for a record outside the span.
    """
    result = Record(start=start, length=length)
    raw: list[bytes] = []
    for record in records:
        if record.start < start or record.end > result.end:
            raise ValueError(f"a record of [{record.start}, {record.end}) is not part of [{start}, {result.end})")
        _within(result, record)
        result.received += record.received
        result.lost += record.lost
        result.refused += record.refused
        result.ours += record.ours
        result.late += record.late
        result.duplicate += record.duplicate
        result.reordered += record.reordered
        result.corrupt += record.corrupt
        result.rtt_count += record.rtt_count
        result.rtt_sum += record.rtt_sum
        result.ipdv_sum += record.ipdv_sum
        result.ipdv_count += record.ipdv_count
        if record.rtt_min is not None:
            result.rtt_min = record.rtt_min if result.rtt_min is None else min(result.rtt_min, record.rtt_min)
        if record.rtt_max is not None:
            result.rtt_max = record.rtt_max if result.rtt_max is None else max(result.rtt_max, record.rtt_max)
        buckets = result.buckets
        for index, n in record.buckets.items():
            buckets[index] = buckets.get(index, 0) + n
        if record.raw is not None:
            raw.append(record.raw)
    if length == MINUTE and raw:
        result.raw = raw[0] if len(raw) == 1 else join(start, [(start, part) for part in raw])
    return result


def encoded(record: Record) -> tuple[bytes, bytes]:
    """`buckets` and `within` of a record as the bytes they are kept as."""
    within = bytearray()
    put_pairs(within, sorted(record.within.items()))
    return distribution.to_bytes(record.buckets), bytes(within)


def decoded(buckets: bytes, within: bytes) -> tuple[dict[int, int], dict[int, int]]:
    """What `encoded` was given. Raises ValueError for bytes it did not write."""
    return distribution.from_bytes(buckets), get_pairs(within)


def _within(result: Record, record: Record) -> None:
    """Before the delays of `record` are added: counts of the limits both sides know."""
    if not record.rtt_count:
        if not result.rtt_count:
            result.within |= record.within
    elif not result.rtt_count:
        result.within = dict(record.within)
    else:
        result.within = {
            limit: n + record.within[limit] for limit, n in result.within.items() if limit in record.within
        }
