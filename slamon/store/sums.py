"""Rows → records: days, quarter hours and minutes, folded or not yet, and the samples of the minutes that are cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, select

from slamon.model import MINUTE
from slamon.record import packing
from slamon.record.folding import unfold
from slamon.record.rows import Record
from slamon.store.rows import QUARTER_MINUTES, SERIES_MASK, quarter_id, quarter_of, record_value
from slamon.store.schema import FOLDED, SUMS, meta, minutes, packets, raw, record, series
from slamon.store.tiles import Tiles, split, tiles
from slamon.store.writing import slices

SEEK_SHARE = 8
"""Below one in so many series, looking every row up is cheaper than reading all series of the span past."""
KEYS_PER_QUERY = 500

# Made once: a statement costs more to make than to run. Minutes are read by walking a span, or looked up where few are wanted.
_KNOWN = select(meta.c.name, meta.c.value)
_COUNT = select(func.count()).select_from(series)
_RECORDS = (
    select(record.c.series, record.c.minute, record.c.buckets, record.c.within, *(record.c[name] for name in SUMS))
    .where(record.c.length == bindparam("length"), record.c.series.in_(bindparam("ids", expanding=True)))
    .order_by(record.c.minute)
)
_WALKED = _RECORDS.where(record.c.minute >= bindparam("first"), record.c.minute < bindparam("end"))
_SOUGHT = _RECORDS.where(record.c.minute.in_(bindparam("keys", expanding=True)))
_MINUTES = select(minutes.c.id, minutes.c.data)
_FOLDED_WALKED = _MINUTES.where(
    minutes.c.id >= bindparam("first"),
    minutes.c.id < bindparam("end"),
    minutes.c.id.bitwise_and(SERIES_MASK).in_(bindparam("ids", expanding=True)),
)
_FOLDED_SOUGHT = _MINUTES.where(minutes.c.id.in_(bindparam("keys", expanding=True)))
_RAW = select(raw.c.series, raw.c.minute, raw.c.data).where(
    raw.c.minute.in_(bindparam("keys", expanding=True)), raw.c.series.in_(bindparam("ids", expanding=True))
)
_PACKETS = select(packets.c.id, packets.c.data).where(packets.c.id.in_(bindparam("keys", expanding=True)))


def records(
    connection: Connection, ids: Sequence[int], start: int, end: int, edges: Sequence[int], *, fine: bool
) -> dict[int, list[Record]]:
    """Series → its records of `[start, end)`, `edges` included and ascending, in order; see `Store.load`. `fine`: minutes throughout."""
    known = {row.name: row.value for row in connection.execute(_KNOWN)}
    upto = (None, None) if fine else (known.get("day_upto"), known.get("quarter_upto"))
    folded = known["schema"] >= FOLDED  # else it is an older daemon's store
    count = connection.scalar(_COUNT) or 0
    walk = len(ids) * SEEK_SHARE >= count
    found: dict[int, list[Record]] = {i: [] for i in ids}
    for part in tiles(start, end, cuts=edges, upto=upto):
        for i, minute, buckets, within, *sums in _rows(connection, ids, part, walk=walk):
            found[i].append(record_value(part.length, minute, sums, buckets, within))
        if part.length == 1 and folded:
            _unfold(connection, found, part, walk=walk)
    if folded:
        for some in found.values():
            some.sort(key=attrgetter("start"))
    _attach(connection, found, edges, folded=folded)
    return found


def _unfold(connection: Connection, found: Mapping[int, list[Record]], part: Tiles, *, walk: bool) -> None:
    """The minutes of `part` that are folded."""
    quarters = range(part.first - part.first % QUARTER_MINUTES, part.end, QUARTER_MINUTES)
    for id, data in _folded(connection, list(found), quarters, walk=walk):  # noqa: A001  the name of the column
        start, i = quarter_of(id)
        records = unfold(start * MINUTE, data)
        if start < part.first or start + QUARTER_MINUTES > part.end:
            records = [one for one in records if part.first <= one.start // MINUTE < part.end]
        found[i] += records


def _folded(connection: Connection, ids: Sequence[int], quarters: range, *, walk: bool) -> Iterator[Row[int, bytes]]:
    """As `_rows`, of folded minutes."""
    if not walk:
        for keys in slices([quarter_id(minute, i) for minute in quarters for i in ids], KEYS_PER_QUERY):
            yield from connection.execute(_FOLDED_SOUGHT, {"keys": keys})
        return
    span = {"first": quarter_id(quarters.start, 0), "end": quarter_id(quarters.stop + QUARTER_MINUTES - 1, 0)}
    for some in slices(ids, KEYS_PER_QUERY):
        yield from connection.execute(_FOLDED_WALKED, {**span, "ids": some})


def _rows(connection: Connection, ids: Sequence[int], part: Tiles, *, walk: bool) -> Iterator[Row[*tuple[Any, ...]]]:
    """The records of `part`, of each series in order."""
    for some in slices(ids, KEYS_PER_QUERY):
        wanted = {"length": part.length, "ids": some}
        if walk:
            yield from connection.execute(_WALKED, {**wanted, "first": part.first, "end": part.end})
            continue
        for keys in slices(range(part.first, part.end, part.length), KEYS_PER_QUERY):
            yield from connection.execute(_SOUGHT, {**wanted, "keys": keys})


def _attach(connection: Connection, found: Mapping[int, list[Record]], edges: Sequence[int], *, folded: bool) -> None:
    """The samples of the minutes that have an edge inside: nothing else can tell its two sides apart."""
    cut = {
        (i, one.start // MINUTE): one
        for i, records in found.items()
        for one in records
        if one.length == MINUTE and split(edges, one.start // MINUTE, 1)
    }
    ids = sorted({i for i, _ in cut})
    for keys in slices(sorted({minute for _, minute in cut}), KEYS_PER_QUERY):
        for some in slices(ids, KEYS_PER_QUERY):
            for i, minute, data in connection.execute(_RAW, {"keys": keys, "ids": some}):
                if (i, minute) in cut:
                    cut[i, minute].raw = data
    if not folded:
        return
    quarters: dict[int, list[Record]] = {}
    for (i, minute), one in cut.items():
        if one.raw is None:
            quarters.setdefault(quarter_id(minute, i), []).append(one)
    for part in slices(list(quarters), KEYS_PER_QUERY):
        for id, data in connection.execute(_PACKETS, {"keys": part}):  # noqa: A001
            pieces = packing.cut(quarter_of(id)[0] * MINUTE, data, [(one.start, one.end) for one in quarters[id]])
            for one, piece in zip(quarters[id], pieces, strict=True):
                one.raw = piece
