"""Batches → rows: the journal first, then every minute that closed, in transactions of a few hundred rows.

A crash between two of them loses nothing: a minute moves from the journal to its tables and `series.upto` passes it in one
transaction, and what lies beyond `upto` is read from the journal. Writing a batch again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, bindparam, delete, select, tuple_, update
from sqlalchemy.dialects.sqlite import Insert, insert

from slamon.model import MEANING, MINUTE, RESULT_CODE, Effect
from slamon.record.recorder import Batch, Opened
from slamon.record.records import encoded, total
from slamon.record.rows import Growth, Record, Run, extended
from slamon.record.track import Settled
from slamon.store.rows import (
    QUARTER_MINUTES,
    lagging_bytes,
    limits_text,
    quarter_id,
    record_row,
    record_value,
    run_row,
)
from slamon.store.schema import SUMS, Frequent, gap, journal, packets, raw, record, run, series, writing

MINUTES_PER_TRANSACTION = 150
"""Three rows each, so under 500: another process that wants to write waits for milliseconds."""
ROWS_PER_TRANSACTION = 500

T = TypeVar("T")


def kept(table: Table, *names: str) -> Insert:
    """Rows of `table`; of one that is there already these columns are replaced."""
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key), set_={name: statement.excluded[name] for name in names}
    )


# Made once: a statement costs more to make than to run.
KEEP_RECORD = Frequent(kept(record, *SUMS, "buckets", "within"))
_KEEP_RAW = Frequent(kept(raw, "data"))
_KEEP_RUN = insert(run).on_conflict_do_nothing()
_JOURNAL = Frequent(insert(journal).on_conflict_do_nothing())
_FORGET = Frequent(delete(journal).where(journal.c.number < bindparam("before")))
_CHECKPOINT = Frequent(
    update(series)
    .where(series.c.id == bindparam("i"))
    .values(
        upto=bindparam("b_upto"),
        run_first=bindparam("b_first"),
        run_last=bindparam("b_last"),
        run_samples=bindparam("b_samples"),
        run_result=bindparam("b_result"),
        span=bindparam("b_span"),
        before_sent=bindparam("b_sent"),
        before_rtt=bindparam("b_rtt"),
    )
)


@dataclass(slots=True)
class Present:
    """What the one writer knows without reading: the facts that are in the journal only."""

    settled: int | None = None
    """Of the last batch of this daemon; None before it."""
    lagging: dict[int, int] = field(default_factory=dict)
    tails: dict[int, tuple[Run, ...]] = field(default_factory=dict)
    grown: dict[int, Growth] = field(default_factory=dict)
    upto: dict[int, int] = field(default_factory=dict)
    """Of every series in the store."""
    complete: int = 0
    named: dict[str, int] = field(default_factory=dict)
    """Target name → its series, of those that were opened by this daemon."""

    def tail(self, i: int) -> tuple[Run, ...] | None:
        """Runs of a series that the tables may not have, the open one last; None where there was no news of it yet."""
        runs = self.tails.get(i)
        return (*runs[:-1], extended(runs[-1], self.grown.get(i))) if runs else runs

    def answering(self, targets: Iterable[str]) -> dict[str, tuple[int, int]]:
        """See `Store.answering`."""
        found = {}
        for name in targets:
            i = self.named.get(name, 0)
            runs = self.tails.get(i)
            if runs and MEANING[runs[-1].result].effect is Effect.UP:
                last = extended(runs[-1], self.grown.get(i))
                found[name] = last.first_sent, last.samples
        return found


def write(connection: Connection, batch: Batch, present: Present) -> None:
    """All of `batch`. Raises StoreError with nothing lost: the same batch can be written again."""
    for definitions in slices(batch.opened, ROWS_PER_TRANSACTION):
        with writing(connection):
            _open(connection, definitions)
    for opened in batch.opened:
        present.upto.setdefault(opened.id, 0)
        present.named[opened.target] = opened.id
    news = [minute for minute in batch.minutes if minute.upto > present.upto[minute.series]]
    parts = list(slices(news, MINUTES_PER_TRANSACTION)) or [[]]
    for i, part in enumerate(parts):
        with writing(connection):
            if i == 0:
                _journal(connection, batch)
            settle(connection, part, present)
            if i == len(parts) - 1:
                _finish(connection, batch)
        for minute in part:
            present.upto[minute.series] = minute.upto
    if batch.tails is not None:
        present.settled, present.lagging, present.complete = batch.settled, batch.lagging, batch.complete
        present.tails.update(batch.tails)
        present.grown.update(batch.grown)


def prune(connection: Connection, before: int, most: int) -> int:
    """Drop samples of minutes that ended by the instant `before`, of at most about `most` minutes, oldest first; of how many.

    Folded ones go with the last minute of their quarter hour, counted as the fifteen they are as a rule.
    """
    dropped = _prune_folded(connection, before, most)
    key = tuple_(raw.c.minute, raw.c.series)
    while dropped < most:
        with writing(connection):
            keys = connection.execute(
                select(raw.c.minute, raw.c.series)
                .where(raw.c.minute < before // MINUTE)
                .order_by(raw.c.minute, raw.c.series)
                .limit(ROWS_PER_TRANSACTION)
            ).all()
            if not keys:
                break
            connection.execute(delete(raw).where(key <= tuple_(keys[-1].minute, keys[-1].series)))
        dropped += len(keys)
    return dropped


def _prune_folded(connection: Connection, before: int, most: int) -> int:
    dropped = 0
    end = quarter_id(before // MINUTE, 0)
    while dropped < most:
        with writing(connection):
            ids = connection.scalars(
                select(packets.c.id)
                .where(packets.c.id < end)
                .order_by(packets.c.id)
                .limit(ROWS_PER_TRANSACTION // QUARTER_MINUTES)
            ).all()
            if not ids:
                break
            connection.execute(delete(packets).where(packets.c.id <= ids[-1]))
        dropped += len(ids) * QUARTER_MINUTES
    return dropped


def slices(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _open(connection: Connection, opened: Sequence[Opened]) -> None:
    statement = insert(series).values(known_from=None, through=0, upto=0, span=0)
    statement = statement.on_conflict_do_update(
        index_elements=[series.c.id],
        set_={name: statement.excluded[name] for name in ("vantage", "probe", "interval", "limits", "live")},
    )
    connection.execute(
        statement,
        [
            {
                "id": one.id,
                "target": one.target,
                "vantage": one.vantage,
                "probe": one.probe,
                "interval": one.interval,
                "limits": limits_text(one.limits),
                "live": 1,
            }
            for one in opened
        ],
    )


def _journal(connection: Connection, batch: Batch) -> None:
    line = {
        "number": batch.number,
        "settled": batch.settled,
        "lagging": lagging_bytes(batch.settled, batch.lagging),
        "samples": batch.samples,
    }
    _JOURNAL.run(connection, [line])
    if batch.first:
        connection.execute(
            update(series)
            .where(series.c.id == bindparam("i"), series.c.known_from.is_(None))
            .values(known_from=bindparam("at")),
            [{"i": i, "at": at} for i, at in batch.first],
        )
    if batch.gaps:
        connection.execute(insert(gap).on_conflict_do_nothing(), [one._asdict() for one in batch.gaps])
    if batch.ended:
        connection.execute(_KEEP_RUN, [run_row(i, ended) for i, ended in batch.ended])


def settle(connection: Connection, minutes: Sequence[Settled], present: Present) -> None:
    """Closed minutes, their runs, and how far their series has come."""
    if not minutes:
        return
    sums: dict[tuple[int, int], tuple[Record, tuple[bytes, bytes]]] = {}
    for one in minutes:
        key = (one.series, one.record.start)
        # The rest of a minute whose beginning was closed early: the series was redefined, or the daemon was started again.
        earlier = None
        if key in sums:
            earlier = sums[key][0]
        elif one.record.start < present.upto[one.series]:
            earlier = _stored(connection, one.series, one.record.start)
        if earlier is None:
            sums[key] = one.record, one.packed
        else:
            whole = total(one.record.start, one.record.length, (earlier, one.record))
            sums[key] = whole, encoded(whole)
    rows = [record_row(i, minute, packed) for (i, _), (minute, packed) in sums.items()]
    samples = [
        {"minute": start // MINUTE, "series": i, "data": minute.raw}
        for (i, start), (minute, _) in sums.items()
        if minute.raw is not None
    ]
    KEEP_RECORD.run(connection, rows)
    _KEEP_RAW.run(connection, samples)
    runs = [run_row(one.series, ended) for one in minutes for ended in one.runs]
    for part in slices(runs, ROWS_PER_TRANSACTION):
        connection.execute(_KEEP_RUN, part)
    _CHECKPOINT.run(connection, [_checkpoint(one) for one in minutes])


def _checkpoint(one: Settled) -> dict[str, Any]:
    first, last, samples, code = None, None, None, None
    if one.open is not None:
        first, last, samples, code = (
            one.open.first_sent,
            one.open.last_sent,
            one.open.samples,
            RESULT_CODE[one.open.result],
        )
    sent, rtt = one.before or (None, None)
    return {
        "i": one.series,
        "b_upto": one.upto,
        "b_first": first,
        "b_last": last,
        "b_samples": samples,
        "b_result": code,
        "b_span": one.span,
        "b_sent": sent,
        "b_rtt": rtt,
    }


def _stored(connection: Connection, i: int, start: int) -> Record | None:
    columns = (*(record.c[name] for name in SUMS), record.c.buckets, record.c.within)
    minute = start // MINUTE
    found = connection.execute(
        select(*columns).where(record.c.length == 1, record.c.minute == minute, record.c.series == i)
    ).one_or_none()
    if found is None:
        return None
    *sums, buckets, within = found
    earlier = record_value(1, minute, sums, buckets, within)
    earlier.raw = connection.scalar(select(raw.c.data).where(raw.c.minute == minute, raw.c.series == i))
    return earlier


def _finish(connection: Connection, batch: Batch) -> None:
    if batch.closed:
        connection.execute(
            update(series).where(series.c.id == bindparam("i")).values(live=0, through=bindparam("at")),
            [{"i": i, "at": at} for i, at in batch.closed],
        )
    _FORGET.run(connection, [{"before": min(batch.keep_from, batch.number)}])
