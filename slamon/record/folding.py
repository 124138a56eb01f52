"""The minutes of a quarter hour as one piece of bytes: column by column, each said by what is not known already.

Layout, numbers being LEB128 varints and columns those of `record.columns`:

    version (1 byte) · which of the minutes there are, a bit each · which of the next columns are not all zero, a bit each
    those columns: `_PLAIN`, then received − rtt_count and rtt_count − ipdv_count
    latency limits: how many, then for each its distance from the one before and a column of rtt_count − within + 1, 0 where
             it was not in force
    of the minutes that have delays: columns of rtt_min − the start of its bucket and the end of its bucket − rtt_max, then
             their distributions as `distribution.put_all` has them
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import sub
from typing import NamedTuple

from slamon.model import MINUTE
from slamon.record.columns import get_column, put_column
from slamon.record.distribution import get_all, lower, put_all, upper
from slamon.record.records import QUARTER
from slamon.record.rows import Record
from slamon.record.varint import get, put

VERSION = 1
"""Of the layout."""
_PLAIN = ("lost", "refused", "ours", "late", "duplicate", "reordered", "corrupt", "received", "rtt_sum", "ipdv_sum")
_COLUMNS = len(_PLAIN) + 2


class Summed(NamedTuple):
    """A minute without its samples, and its distribution as `distribution.to_bytes` has it."""

    record: Record
    buckets: bytes


def fold(start: int, minutes: Sequence[Summed]) -> bytes:
    """Minutes of the quarter hour from `start` on, ascending, as bytes. Raises ValueError for anything else."""
    records = [each.record for each in minutes]
    there = 0
    for record in records:
        place = (record.start - start) // MINUTE
        if record.length != MINUTE or not 0 <= record.start - start < QUARTER or there >> place:
            raise ValueError(f"a record of [{record.start}, {record.end}) is not the next minute from {start} on")
        there |= 1 << place
    out = bytearray((VERSION,))
    put(out, there)
    columns = [[getattr(record, name) for record in records] for name in _PLAIN]
    columns.append([record.received - record.rtt_count for record in records])
    columns.append([record.rtt_count - record.ipdv_count for record in records])
    said = [any(column) for column in columns]
    put(out, sum(1 << place for place, some in enumerate(said) if some))
    for column, some in zip(columns, said, strict=True):
        if some:
            put_column(out, column)
    _put_limits(out, records)
    timed = [each for each in minutes if each.record.rtt_count]
    counts = [each.record.buckets for each in timed]
    put_column(out, [(each.record.rtt_min or 0) - lower(min(each.record.buckets)) for each in timed])
    put_column(out, [upper(max(each.record.buckets)) - (each.record.rtt_max or 0) for each in timed])
    put_all(out, [each.buckets for each in timed], counts)
    return bytes(out)


def unfold(start: int, data: bytes) -> list[Record]:
    """The records `fold` was given. Raises ValueError for bytes it did not write."""
    if not data or data[0] != VERSION:
        raise ValueError(
            f"folded minutes of version {data[0] if data else 'none'}; this slamon reads version {VERSION}"
        )
    there, at = get(data, 1)
    starts = [start + place * MINUTE for place in range(there.bit_length()) if there >> place & 1]
    n = len(starts)
    said, at = get(data, at)
    columns = [[0] * n for _ in range(_COLUMNS)]
    for place in range(_COLUMNS):
        if said >> place & 1:
            columns[place], at = get_column(data, at, n)
    lost, refused, ours, late, duplicate, reordered, corrupt, received, rtt_sum, ipdv_sum, untimed, unpaired = columns
    rtt_count = list(map(sub, received, untimed))
    withins, at = _get_limits(data, at, rtt_count)
    timed = [count for count in rtt_count if count]
    above, at = get_column(data, at, len(timed))
    below, at = get_column(data, at, len(timed))
    counts = get_all(data, at, timed)
    delays = zip(counts, above, below, strict=True)
    records = []
    for i, (at, count) in enumerate(zip(starts, rtt_count, strict=True)):
        buckets, least, most = dict[int, int](), None, None
        if count:
            buckets, over, under = next(delays)
            least, most = lower(next(iter(buckets))) + over, upper(next(reversed(buckets))) - under
        records.append(
            Record(
                start=at,
                length=MINUTE,
                received=received[i],
                lost=lost[i],
                refused=refused[i],
                ours=ours[i],
                late=late[i],
                duplicate=duplicate[i],
                reordered=reordered[i],
                corrupt=corrupt[i],
                rtt_count=count,
                rtt_sum=rtt_sum[i],
                rtt_min=least,
                rtt_max=most,
                buckets=buckets,
                within=withins[i],
                ipdv_sum=ipdv_sum[i],
                ipdv_count=count - unpaired[i],
            )
        )
    return records


def _put_limits(out: bytearray, records: Sequence[Record]) -> None:
    limits = sorted({limit for record in records for limit in record.within})
    put(out, len(limits))
    for limit, before in zip(limits, [0, *limits], strict=False):
        put(out, limit - before)
        put_column(out, [
            record.rtt_count - record.within[limit] + 1 if limit in record.within else 0 for record in records
        ])  # fmt: skip


def _get_limits(data: bytes, at: int, counts: Sequence[int]) -> tuple[list[dict[int, int]], int]:
    withins: list[dict[int, int]] = [{} for _ in counts]
    many, at = get(data, at)
    limit = 0
    for _ in range(many):
        step, at = get(data, at)
        limit += step
        slower, at = get_column(data, at, len(counts))
        for within, count, over in zip(withins, counts, slower, strict=True):
            if over:
                within[limit] = count - over + 1
    return withins, at
