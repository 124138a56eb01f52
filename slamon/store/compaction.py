"""Minutes → quarter hours → days, by addition, a few series at a time so that the store thread is never busy for long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from slamon.model import DAY, MINUTE
from slamon.record.records import QUARTER, encoded, total
from slamon.store.rows import record_row, record_value
from slamon.store.schema import SUMS, meta, reading, record, series, writing

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
    _Level("quarter_upto", 1, QUARTER // MINUTE, QUARTER_STEPS),
    _Level("day_upto", QUARTER // MINUTE, DAY // MINUTE, DAY_STEPS),
)


class Compactor:
    """Goes over the finished spans in order. What it was doing when the process died is done again with the same result."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        with reading(connection):
            self._upto = {level.name: read_upto(connection, level.name) for level in LEVELS}
        self._place = {level.name: 0 for level in LEVELS}
        """Level → series up to which the span at hand is summed."""

    def step(self, complete: int) -> bool:
        """One small piece of work, if there is any: True then. Minutes that ended by the instant `complete` will not change."""
        ready = complete // MINUTE
        for level in LEVELS:
            if self._advance(level, ready):
                return True
            ready = min(ready, self._upto[level.name] or 0)
        return False

    def _advance(self, level: _Level, ready: int) -> bool:
        upto = self._upto[level.name]
        if upto is not None and upto + level.length > ready:
            return False
        with reading(self._connection):
            start = self._next(level, upto or 0)
            ids = self._some(level)
        if start is None or start + level.length > ready:
            return False
        if ids:
            with writing(self._connection):
                self._sum(level, start, ids[0], ids[-1])
            self._place[level.name] = ids[-1]
        else:
            with writing(self._connection):
                write_upto(self._connection, level.name, start + level.length)
            self._place[level.name] = 0
            self._upto[level.name] = start + level.length
        return True

    def _next(self, level: _Level, upto: int) -> int | None:
        """First minute of the next span that holds anything."""
        first = self._connection.scalar(
            select(func.min(record.c.minute)).where(record.c.length == level.part, record.c.minute >= upto)
        )
        return None if first is None else first - first % level.length

    def _some(self, level: _Level) -> Sequence[int]:
        """The series whose turn it is."""
        count = self._connection.scalar(select(func.count()).select_from(series)) or 0
        return self._connection.scalars(
            select(series.c.id)
            .where(series.c.id > self._place[level.name])
            .order_by(series.c.id)
            .limit(1 + count // level.steps)
        ).all()

    def _sum(self, level: _Level, start: int, first: int, last: int) -> None:
        columns = [record.c[name] for name in SUMS]
        starts = range(start, start + level.length, level.part)
        rows: list[dict[str, Any]] = []
        parts: dict[int, list[Any]] = {}
        found = self._connection.execute(
            select(record.c.series, record.c.minute, record.c.buckets, record.c.within, *columns).where(
                record.c.length == level.part, record.c.minute.in_(starts), record.c.series.between(first, last)
            )
        )
        for i, minute, buckets, within, *sums in found:
            parts.setdefault(i, []).append(record_value(level.part, minute, sums, buckets, within))
        for i, records in parts.items():
            whole = total(start * MINUTE, level.length * MINUTE, records)
            rows.append(record_row(i, whole, encoded(whole)))
        if rows:
            statement = insert(record)
            names = (*SUMS, "buckets", "within")
            self._connection.execute(
                statement.on_conflict_do_update(
                    index_elements=list(record.primary_key), set_={name: statement.excluded[name] for name in names}
                ),
                rows,
            )


def read_upto(connection: Connection, name: str) -> int | None:
    """First minute not yet summed into that kind of record; None before the first one was."""
    return connection.scalar(select(meta.c.value).where(meta.c.name == name))


def write_upto(connection: Connection, name: str, minute: int) -> None:
    statement = insert(meta).values(name=name, value=minute)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[meta.c.name], set_={"value": statement.excluded.value})
    )
