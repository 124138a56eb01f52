"""Rows of the tables ↔ the values of `record`: the one place that knows both sides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from slamon.model import MINUTE, RESULT_CODE, RESULTS
from slamon.record.records import QUARTER, decoded
from slamon.record.rows import Record, Run
from slamon.record.varint import get_pairs, put_pairs
from slamon.store.schema import SUMS

QUARTER_MINUTES = QUARTER // MINUTE
SERIES_BITS = 32
"""Of a `quarter_id`: series are numbered from 1 on, and four thousand million are more than there will be."""
SERIES_MASK = (1 << SERIES_BITS) - 1


def record_row(series: int, record: Record, packed: tuple[bytes, bytes]) -> dict[str, Any]:
    """`packed`: `records.encoded(record)`."""
    row = {name: getattr(record, name) for name in SUMS}
    row["length"] = record.length // MINUTE
    row["minute"] = record.start // MINUTE
    row["series"] = series
    row["buckets"], row["within"] = packed
    return row


def record_value(length: int, minute: int, sums: Sequence[Any], buckets: bytes, within: bytes) -> Record:
    """`sums` in the order of `schema.SUMS`."""
    counts, limits = decoded(buckets, within)
    return Record(
        start=minute * MINUTE,
        length=length * MINUTE,
        buckets=counts,
        within=limits,
        **dict(zip(SUMS, sums, strict=True)),
    )


def quarter_id(minute: int, series: int) -> int:
    """The key of a series' quarter hour with this minute in it: quarter hours in order, series within them."""
    return minute // QUARTER_MINUTES << SERIES_BITS | series


def quarter_of(id: int) -> tuple[int, int]:  # noqa: A002  the name of the column
    """(first minute, series) of a `quarter_id`."""
    return (id >> SERIES_BITS) * QUARTER_MINUTES, id & SERIES_MASK


def run_row(series: int, run: Run) -> dict[str, Any]:
    return {
        "series": series,
        "first_sent": run.first_sent,
        "last_sent": run.last_sent,
        "until": run.until,
        "samples": run.samples,
        "result": RESULT_CODE[run.result],
    }


def run_value(first_sent: int, last_sent: int, until: int, samples: int, code: int) -> Run:
    return Run(first_sent, last_sent, until, samples, RESULTS[code])


def open_run(row: Row[Any]) -> Run | None:
    """The run a `series` row holds."""
    if row.run_first is None:
        return None
    return Run(row.run_first, row.run_last, row.run_last, row.run_samples, RESULTS[row.run_result])


def limits_text(limits: Sequence[int]) -> str:
    return " ".join(map(str, limits))


def limits_value(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split()))


def lagging_bytes(settled: int, lagging: Mapping[int, int]) -> bytes:
    out = bytearray()
    put_pairs(out, ((i, settled - lagging[i]) for i in sorted(lagging)))
    return bytes(out)


def lagging_value(settled: int, data: bytes) -> dict[int, int]:
    return {i: settled - behind for i, behind in get_pairs(data).items()}
