"""Rows → facts: runs, records and gaps of a span, with what the journal holds beyond them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, func, select

from slamon.model import DAY, MEANING, MINUTE, RESULT_CODE, Effect, Target
from slamon.record import journal as lines
from slamon.record.journal import Lines
from slamon.record.records import total
from slamon.record.rows import Gap, Record, Run
from slamon.record.track import LOOK_EVERY, Journal, Track
from slamon.sla.facts import SeriesFacts
from slamon.store import sums
from slamon.store.rows import lagging_value, limits_value, open_run, run_value
from slamon.store.schema import gap, journal, run, series
from slamon.store.sums import KEYS_PER_QUERY
from slamon.store.tiles import split
from slamon.store.writing import Present, slices

UP_AFTER = 1000
"""No rule may ask for more successes in a row."""
UP = tuple(RESULT_CODE[result] for result, what in MEANING.items() if what.effect is Effect.UP)
"""Codes of the results that say the target is up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSeries:
    """What is stored about one target; see `sla.facts.SeriesFacts` for the meaning of the fields."""

    known_from: int
    through: int
    runs: tuple[Run, ...] = ()
    records: tuple[Record, ...] = ()

    def facts(self, target: Target) -> SeriesFacts:
        """With the definition of `target`, which the configuration knows and the store does not."""
        return SeriesFacts(
            target=target.name,
            interval=target.interval,
            spacing=target.spacing,
            timeout=target.timeout,
            down_after=target.down_after,
            up_after=target.up_after,
            slots=target.slots,
            witness=target.witness,
            known_from=self.known_from,
            through=self.through,
            runs=self.runs,
            records=self.records,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFacts:
    """What is stored about some targets in a span."""

    series: Mapping[str, StoredSeries] = field(default_factory=dict)
    """Target name → its facts; a target without a single sample is not in it."""
    gaps: tuple[Gap, ...] = ()
    """From the first run given on."""


class Page(NamedTuple):
    """One row of the journal, unpacked."""

    number: int
    settled: int
    lagging: dict[int, int]
    samples: Lines


class Pages:
    """The journal as one reader has unpacked it so far: rows never change, so only new ones are read when it looks again."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, int], Page] = {}
        """By number and settled instant: the numbers begin anew with every daemon."""

    def read(self, connection: Connection) -> list[Page]:
        """All there are now, in order."""
        keys = [(number, settled) for number, settled in connection.execute(
            select(journal.c.number, journal.c.settled).order_by(journal.c.number)
        )]  # fmt: skip
        missing = [number for number, settled in keys if (number, settled) not in self._pages]
        pages = {key: page for key in keys if (page := self._pages.get(key)) is not None}
        for part in slices(missing, KEYS_PER_QUERY):
            for number, settled, lagging, samples in connection.execute(
                select(journal.c.number, journal.c.settled, journal.c.lagging, journal.c.samples).where(
                    journal.c.number.in_(part)
                )
            ):
                pages[number, settled] = Page(number, settled, lagging_value(settled, lagging), lines.decode(samples))
        self._pages = pages
        return [pages[key] for key in keys]


@dataclass(slots=True)
class _Tail:
    """What the tables do not have yet."""

    through: dict[int, int]
    runs: dict[int, tuple[Run, ...]]
    minutes: dict[int, list[Record]]


def load(
    connection: Connection,
    present: Present | Pages,
    targets: Iterable[str],
    start: int,
    end: int,
    *,
    cuts: Sequence[int] = (),
    minutes: bool = False,
    records: bool = True,
    up_after: int = UP_AFTER,
) -> StoredFacts:
    """See `Store.load`; `present` is what the writer knows of the journal; with pages it is replayed."""
    rows = {row.id: row for row in _series(connection, targets)}
    tail = _replayed(connection, rows, present) if isinstance(present, Pages) else _known(rows, present)
    first = {i: row.known_from for i, row in rows.items() if row.known_from is not None}
    ids = list(first)
    through = {i: max(tail.through[i], known_from) for i, known_from in first.items()}
    stored = _runs(connection, ids, start, end, up_after)
    runs = {i: _joined(stored.get(i, []), tail.runs.get(i, ()), end) for i in ids}
    since = min((some[0].first_sent for some in runs.values() if some), default=start)
    edges = sorted({start, end, *cuts})
    found: dict[int, list[Record]] = {}
    if records and ids:
        # Nothing lies outside what is known, so a caller may ask for all of time; whole days, so that day records still fit.
        earliest, latest = min(first.values()), max(through.values()) + MINUTE
        begin, finish = max(start, earliest - earliest % DAY), min(end, latest - latest % DAY + DAY)
        found = sums.records(connection, ids, begin, finish, edges, fine=minutes)
    return StoredFacts(
        series={
            rows[i].target: StoredSeries(
                known_from=first[i],
                through=through[i],
                runs=runs[i],
                records=_with_tail(found.get(i, []), tail.minutes.get(i, []), start, end, edges) if records else (),
            )
            for i in ids
        },
        gaps=_gaps(connection, min(start, since), end),
    )


def _gaps(connection: Connection, start: int, end: int) -> tuple[Gap, ...]:
    return tuple(Gap(*one) for one in connection.execute(_GAPS, {"start": start, "end": end}))


def replay_all(connection: Connection) -> tuple[dict[int, Track], dict[int, int]]:
    """Every series with what the journal adds to it, and its `through`."""
    rows = {row.id: row for row in connection.execute(select(series))}
    return _replay(connection, rows, Pages())


def _series(connection: Connection, names: Iterable[str]) -> list[Row[Any]]:
    wanted = list(names)
    found: list[Row[Any]] = []
    for part in slices(wanted, KEYS_PER_QUERY):
        found += connection.execute(_SERIES, {"names": part})
    return found


def _known(rows: Mapping[int, Row[Any]], present: Present) -> _Tail:
    tail = _Tail({}, {}, {})
    for i, row in rows.items():
        live = row.live and present.settled is not None
        tail.through[i] = max(row.through, present.lagging.get(i, present.settled or 0)) if live else row.through
        run = open_run(row)
        runs = present.tail(i)
        tail.runs[i] = ((run,) if run else ()) if runs is None else runs
    return tail


def _replayed(connection: Connection, rows: Mapping[int, Row[Any]], pages: Pages) -> _Tail:
    tracks, through = _replay(connection, rows, pages)
    tail = _Tail(through, {}, {})
    for i, track in tracks.items():
        tail.runs[i] = track.tail()
        tail.minutes[i] = []
        while track.done:
            tail.minutes[i].append(track.settle().record)
    return tail


def _replay(
    connection: Connection, rows: Mapping[int, Row[Any]], pages: Pages
) -> tuple[dict[int, Track], dict[int, int]]:
    """Tracks as the daemon had them after its last batch, made of the checkpoints and the journal; and every `through`."""
    shared = Journal()
    tracks = {
        i: Track(
            i,
            shared,
            interval=row.interval,
            limits=limits_value(row.limits),
            known_from=row.known_from,
            run=open_run(row),
            span=row.span,
            before=None if row.before_sent is None else (row.before_sent, row.before_rtt),
            upto=row.upto,
        )
        for i, row in rows.items()
    }
    through = {i: row.through for i, row in rows.items()}
    settled, behind = 0, dict[int, int]()
    for page in pages.read(connection):
        settled, behind = page.settled, page.lagging
        for i, track in tracks.items():
            page.samples.replay(track, since=rows[i].upto)
        if page.number % LOOK_EVERY == 0:
            for i, track in tracks.items():
                track.close(behind.get(i, settled))
    for i, row in rows.items():
        if row.live:
            through[i] = max(through[i], behind.get(i, settled))
    return tracks, through


def _runs(connection: Connection, ids: Sequence[int], start: int, end: int, up_after: int) -> dict[int, list[Run]]:
    """Ended runs that begin in the span, and those before it back to one that made the target up by itself; unordered."""
    found: dict[int, list[Run]] = {}
    for part in slices(ids, KEYS_PER_QUERY):
        wanted = {"ids": part, "start": start, "end": end, "up_after": up_after}
        for i, *columns in connection.execute(_RUNS, wanted):
            found.setdefault(i, []).append(run_value(*columns))
    return found


def _decided_runs() -> Select[Any]:
    """See `_runs`. Down does not decide: what began as one outage has to be known from its start."""
    start: BindParameter[int] = bindparam("start")
    before = run.alias("before")
    # A gap inside takes samples away from a run, and what is left of it may be too short.
    torn = select(gap.c.start).where(gap.c.end > before.c.first_sent, gap.c.start <= before.c.last_sent)
    decisive = (
        select(before.c.first_sent)
        .where(
            before.c.series == series.c.id,
            before.c.first_sent < start,
            before.c.last_sent < start,
            before.c.samples >= bindparam("up_after"),
            before.c.result.in_(UP),
            ~torn.correlate(before).exists(),
        )
        .order_by(before.c.first_sent.desc())
        .limit(1)
        .correlate(series)
        .scalar_subquery()
    )
    # Materialized, because the planner would otherwise walk every run of a series from its first day on.
    wanted = (
        select(series.c.id, func.coalesce(decisive, 0).label("first"))
        .where(series.c.id.in_(bindparam("ids", expanding=True)))
        .cte("wanted")
        .prefix_with("MATERIALIZED")
    )
    columns = run.c.series, run.c.first_sent, run.c.last_sent, run.c.until, run.c.samples, run.c.result
    inside = and_(run.c.series == wanted.c.id, run.c.first_sent >= wanted.c.first, run.c.first_sent < bindparam("end"))
    return select(*columns).join_from(wanted, run, inside)


# Made once: a statement costs more to make than to run.
_SERIES = select(series).where(series.c.target.in_(bindparam("names", expanding=True)))
_GAPS = (
    select(gap.c.start, gap.c.end, gap.c.reason)
    .where(gap.c.end > bindparam("start"), gap.c.start < bindparam("end"))
    .order_by(gap.c.start)
)
_RUNS = _decided_runs()


def _joined(stored: Sequence[Run], tail: Sequence[Run], end: int) -> tuple[Run, ...]:
    """Ended runs and those of the tail; where both have a run, the one that knows more of it."""
    runs = {one.first_sent: one for one in stored}
    for one in tail:
        other = runs.get(one.first_sent)
        if one.first_sent < end and (other is None or (one.samples, one.until) > (other.samples, other.until)):
            runs[one.first_sent] = one
    return tuple(runs[first] for first in sorted(runs))


def _with_tail(
    stored: Sequence[Record], tail: Sequence[Record], start: int, end: int, edges: Sequence[int]
) -> tuple[Record, ...]:
    """Stored records, and the minutes that are closed in the journal but not written yet."""
    merged = {one.start: one for one in stored}
    for one in tail:
        if one.end <= start or one.start >= end:
            continue
        earlier = merged.get(one.start)
        whole = one if earlier is None else total(one.start, one.length, (earlier, one))
        if not split(edges, one.start // MINUTE, 1):
            whole.raw = None
        merged[one.start] = whole
    return tuple(merged[at] for at in sorted(merged))
