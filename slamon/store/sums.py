"""Rows → records: days, quarter hours and minutes, folded or not yet, and the samples of the minutes that are cut."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

from sqlalchemy import ColumnElement, Connection, and_, func, select

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


def records(
    connection: Connection, ids: Sequence[int], start: int, end: int, edges: Sequence[int], *, fine: bool
) -> dict[int, list[Record]]:
    """Series → its records of `[start, end)`, `edges` included and ascending, in order; see `Store.load`. `fine`: minutes throughout."""
    known = {row.name: row.value for row in connection.execute(select(meta.c.name, meta.c.value))}
    upto = (None, None) if fine else (known.get("day_upto"), known.get("quarter_upto"))
    folded = known["schema"] >= FOLDED  # else it is an older daemon's store
    count = connection.scalar(select(func.count()).select_from(series)) or 0
    walk = len(ids) * SEEK_SHARE >= count
    found: dict[int, list[Record]] = {i: [] for i in ids}
    for part in tiles(start, end, cuts=edges, upto=upto):
        for where in _where(ids, part, walk=walk):
            rows = connection.execute(
                select(
                    record.c.series,
                    record.c.minute,
                    record.c.buckets,
                    record.c.within,
                    *(record.c[name] for name in SUMS),
                )
                .where(record.c.length == part.length, *where)
                .order_by(record.c.minute)
            )
            for i, minute, buckets, within, *sums in rows:
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
    for where in _which(list(found), quarters, walk=walk):
        for id, data in connection.execute(select(minutes.c.id, minutes.c.data).where(where)):  # noqa: A001
            start, i = quarter_of(id)
            records = unfold(start * MINUTE, data)
            if start < part.first or start + QUARTER_MINUTES > part.end:
                records = [one for one in records if part.first <= one.start // MINUTE < part.end]
            found[i] += records


def _which(ids: Sequence[int], quarters: range, *, walk: bool) -> Iterator[ColumnElement[bool]]:
    """As `_where`, of folded minutes."""
    if walk:
        for some in slices(ids, KEYS_PER_QUERY):
            yield and_(
                minutes.c.id >= quarter_id(quarters.start, 0),
                minutes.c.id < quarter_id(quarters.stop + QUARTER_MINUTES - 1, 0),
                minutes.c.id.bitwise_and(SERIES_MASK).in_(some),
            )
        return
    for keys in slices([quarter_id(minute, i) for minute in quarters for i in ids], KEYS_PER_QUERY):
        yield minutes.c.id.in_(keys)


def _where(ids: Sequence[int], part: Tiles, *, walk: bool) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Conditions that together select the records of `part`: by walking the span, or by looking rows up where few are wanted."""
    if walk:
        for some in slices(ids, KEYS_PER_QUERY):
            yield record.c.minute >= part.first, record.c.minute < part.end, record.c.series.in_(some)
        return
    for keys in slices(range(part.first, part.end, part.length), KEYS_PER_QUERY):
        for some in slices(ids, KEYS_PER_QUERY):
            yield record.c.minute.in_(keys), record.c.series.in_(some)


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
            rows = connection.execute(
                select(raw.c.series, raw.c.minute, raw.c.data).where(raw.c.minute.in_(keys), raw.c.series.in_(some))
            )
            for i, minute, data in rows:
                if (i, minute) in cut:
                    cut[i, minute].raw = data
    if not folded:
        return
    quarters: dict[int, list[Record]] = {}
    for (i, minute), one in cut.items():
        if one.raw is None:
            quarters.setdefault(quarter_id(minute, i), []).append(one)
    for part in slices(list(quarters), KEYS_PER_QUERY):
        packs = connection.execute(select(packets.c.id, packets.c.data).where(packets.c.id.in_(part)))
        for id, data in packs:  # noqa: A001
            pieces = packing.cut(quarter_of(id)[0] * MINUTE, data, [(one.start, one.end) for one in quarters[id]])
            for one, piece in zip(quarters[id], pieces, strict=True):
                one.raw = piece
