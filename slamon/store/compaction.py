"""Minutes → quarter hours → days, by addition, a few series at a time so that the store thread is never busy for long.

What is summed into a quarter hour will not change any more, so there its minutes are folded: fifteen rows of sums and fifteen of
samples, all alike, become one row each.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from slamon.model import DAY, MINUTE
from slamon.record.folding import Summed, fold, unfold
from slamon.record.packing import join
from slamon.record.records import encoded, total
from slamon.record.rows import Record
from slamon.store.rows import QUARTER_MINUTES, quarter_id, quarter_of, record_row, record_value
from slamon.store.schema import SUMS, Frequent, meta, minutes, packets, raw, reading, record, series, writing
from slamon.store.writing import KEEP_RECORD, kept, slices

QUARTER_STEPS = 300
"""Steps in which a quarter hour of every series should be done: at a step a second well before the next one is due."""
DAY_STEPS = 20_000
"""The same for days: a series of a day costs 96 rows to add, and there are 86 400 seconds for it."""


@dataclass(frozen=True, slots=True)
class _Level:
    """One kind of sum: made of `part`-minute records into `length`-minute ones."""

    name: str
    part: int
    length: int
    steps: int


LEVELS = (
    _Level("quarter_upto", 1, QUARTER_MINUTES, QUARTER_STEPS),
    _Level("day_upto", QUARTER_MINUTES, DAY // MINUTE, DAY_STEPS),
)


def _in_span(table: Table) -> ColumnElement[bool]:
    """By looking every row up: the span holds those of all series."""
    return and_(
        table.c.minute.in_(bindparam("starts", expanding=True)),
        table.c.series.between(bindparam("first"), bindparam("last")),
    )


def _between(table: Table) -> Select[int, bytes]:
    return select(table.c.id, table.c.data).where(table.c.id.between(bindparam("first"), bindparam("last")))


_PARTS = (
    select(record.c.series, record.c.minute, record.c.buckets, record.c.within, *(record.c[name] for name in SUMS))
    .where(record.c.length == bindparam("length"), _in_span(record))
    .order_by(record.c.minute)
)
_RAW = select(raw.c.series, raw.c.minute, raw.c.data).where(_in_span(raw)).order_by(raw.c.minute)
_FOLDED, _PACKETS = _between(minutes), _between(packets)
_KEEP_MINUTES, _KEEP_PACKETS = Frequent(kept(minutes, "data")), Frequent(kept(packets, "data"))
_DROP_PARTS = delete(record).where(record.c.length == bindparam("length"), _in_span(record))
_DROP_RAW = delete(raw).where(_in_span(raw))


class _Span:
    """The span of a level that is being summed."""

    __slots__ = ("ids", "size", "start")

    def __init__(self, start: int, ids: Sequence[int], steps: int) -> None:
        self.start = start
        self.size = 1 + len(ids) // steps
        self.ids = deque(slices(ids, self.size))
        """Series whose turn is still to come, some at a time."""


class Compactor:
    """Goes over the finished spans in order. What it was doing when the process died is done again with the same result."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with reading(connection):
            self._upto = {level.name: read_upto(connection, level.name) for level in LEVELS}
        self._spans: dict[str, _Span] = {}
        self._due: dict[str, int] = {}
        """Level → the minute in which its next span is over, once that is known."""

    def step(self, complete: int) -> bool:
        """One small piece of work, if there is any: True then. Minutes that ended by the instant `complete` will not change."""
        ready = complete // MINUTE
        for level in LEVELS:
            if self._advance(level, ready):
                return True
            ready = min(ready, self._upto[level.name] or 0)
        return False

    def _advance(self, level: _Level, ready: int) -> bool:
        upto = self._upto[level.name] or 0
        if max(upto + level.length, self._due.get(level.name, 0)) > ready:
            return False
        span = self._spans.get(level.name) or self._next(level, upto, ready)
        if span is None:
            return False
        self._spans[level.name] = span
        with writing(self._connection):
            if span.ids:
                self._sum(level, span.start, span.ids[0])
            else:
                write_upto(self._connection, level.name, span.start + level.length)
        if span.ids:
            span.ids.popleft()
        else:
            del self._spans[level.name]
            self._upto[level.name] = span.start + level.length
        return True

    def _next(self, level: _Level, upto: int, ready: int) -> _Span | None:
        """The next span that holds anything, if it is over."""
        with reading(self._connection):
            first = self._connection.scalar(
                select(func.min(record.c.minute)).where(record.c.length == level.part, record.c.minute >= upto)
            )
            if first is None:
                return None
            self._due[level.name] = first - first % level.length + level.length
            if self._due[level.name] > ready:
                return None
            ids = self._connection.scalars(select(series.c.id).order_by(series.c.id)).all()
        return _Span(first - first % level.length, ids, level.steps)

    def _sum(self, level: _Level, start: int, ids: Sequence[int]) -> None:
        """The records of some neighbouring series; their minutes, where they are what is added, are folded."""
        starts = list(range(start, start + level.length, level.part))
        span = {"length": level.part, "starts": starts, "first": ids[0], "last": ids[-1]}
        parts: dict[int, list[Summed]] = {}
        for i, minute, buckets, within, *sums in self._connection.execute(_PARTS, span):
            parts.setdefault(i, []).append(Summed(record_value(level.part, minute, sums, buckets, within), buckets))
        if not parts:
            return
        if level.part == 1:
            self._fold(start, parts, span)
        rows = []
        for i, summed in parts.items():
            whole = total(start * MINUTE, level.length * MINUTE, (one.record for one in summed))
            rows.append(record_row(i, whole, encoded(whole)))
        KEEP_RECORD.run(self._connection, rows)

    def _fold(self, start: int, parts: dict[int, list[Summed]], span: dict[str, Any]) -> None:
        """Put each series' minutes into one row, its samples into another, and drop the rows they were in.

        A quarter hour is folded when it cannot change any more. Should it be folded already all the same, what is new is added,
        also to `parts`.
        """
        connection = self._connection
        at = start * MINUTE
        keys = {"first": quarter_id(start, span["first"]), "last": quarter_id(start, span["last"])}
        for id, data in connection.execute(_FOLDED, keys):  # noqa: A001  the name of the column
            i = quarter_of(id)[1]
            if i in parts:
                parts[i] = _merged([one.record for one in parts[i]] + unfold(at, data))
        _KEEP_MINUTES.run(
            connection, [{"id": quarter_id(start, i), "data": fold(at, some)} for i, some in parts.items()]
        )
        samples: dict[int, list[tuple[int, bytes]]] = {}
        for i, minute, data in connection.execute(_RAW, span):
            samples.setdefault(i, []).append((minute * MINUTE, data))
        if samples:
            for id, data in connection.execute(_PACKETS, keys):  # noqa: A001  the name of the column
                samples.get(quarter_of(id)[1], []).append((at, data))
            _KEEP_PACKETS.run(
                connection, [{"id": quarter_id(start, i), "data": join(at, some)} for i, some in samples.items()]
            )
            connection.execute(_DROP_RAW, span)
        connection.execute(_DROP_PARTS, span)


def _merged(records: Sequence[Record]) -> list[Summed]:
    minutes: dict[int, list[Record]] = {}
    for one in records:
        minutes.setdefault(one.start, []).append(one)
    merged = [total(start, MINUTE, minutes[start]) for start in sorted(minutes)]
    return [Summed(one, encoded(one)[0]) for one in merged]


def read_upto(connection: Connection, name: str) -> int | None:
    """First minute not yet summed into that kind of record; None before the first one was."""
    return connection.scalar(select(meta.c.value).where(meta.c.name == name))


def write_upto(connection: Connection, name: str, minute: int) -> None:
    statement = insert(meta).values(name=name, value=minute)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[meta.c.name], set_={"value": statement.excluded.value})
    )
