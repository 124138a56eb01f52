"""Quarter hours and days: sums of what they are made of, made while the daemon goes on, taken where they fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select

from slamon.model import DAY, HOUR, MINUTE, MS, Reading, Result, S
from slamon.record.records import QUARTER, total
from slamon.record.rows import Record
from slamon.store import Store, schema
from slamon.store.compaction import LEVELS, Compactor
from tests.record.worlds import LOST, T0, success, target
from tests.store.rig import EVER, Daemon, compact, kept

NAMES = ("a/ping", "b/ping")


def reading(i: int) -> Reading:
    return LOST if i % 13 == 0 else success(MS * (10 + i % 29))


def long(daemon: Daemon, slots: int, *, first: int = 0, alone: bool = False) -> None:
    """Probes every minute, so that days pass in no time; batches every two hours. `alone`: the last ones sum up nothing."""
    for i in range(first, first + slots):
        daemon.now = T0 + i * MINUTE
        daemon.seconds([reading(i)], every=1 if i % 120 == 119 else 2)
    daemon.now += MINUTE
    for _ in range(8):  # at least one look for minutes that are over
        daemon.write(alone=alone)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "slamon.db"


def bare(records: tuple[Record, ...]) -> list[Record]:
    return [replace(one, raw=None) for one in records]


def test_sums_of_two_days(path: Path) -> None:
    with Daemon(path, *(target(name, interval=MINUTE) for name in NAMES)) as daemon:
        long(daemon, 2 * 1440 + 100)
        compact(daemon.store)
        for name in NAMES:
            exact = daemon.store.load(NAMES, T0, EVER, minutes=True).series[name].records
            assert [one.start for one in exact] == [T0 + i * MINUTE for i in range(2 * 1440 + 100)]
            short = daemon.store.load(NAMES, T0, EVER).series[name].records
            lengths = [one.length for one in short]
            assert lengths == [DAY] * 2 + [QUARTER] * 6 + [MINUTE] * 10
            for one in short:
                parts = [part for part in bare(exact) if one.start <= part.start < one.end]
                assert replace(one, raw=None) == total(one.start, one.length, parts)
        edges = daemon.store.load(NAMES, T0 + HOUR + 7 * MINUTE, T0 + 2 * DAY + 20 * MINUTE).series["b/ping"].records
        assert [one.length for one in edges] == [MINUTE] * 8 + [QUARTER] * 91 + [DAY] + [QUARTER] + [MINUTE] * 5
        assert total(T0, 4 * DAY, edges).sent == 1440 - 67 + 1440 + 20


def test_cuts_are_left_in_minutes(path: Path) -> None:
    with Daemon(path, target(NAMES[0], interval=MINUTE)) as daemon:
        long(daemon, 1440 + 60)
        compact(daemon.store)
        cuts = [T0 + 5 * HOUR, T0 + 7 * HOUR + 7 * MINUTE + 1, T0 + DAY]
        records = daemon.store.load(NAMES, T0, T0 + DAY + HOUR, cuts=cuts).series[NAMES[0]].records
        lengths = [one.length for one in records]
        assert lengths == [QUARTER] * 28 + [MINUTE] * 15 + [QUARTER] * (67 + 4)
        assert [one.start for one in records if one.raw is not None] == [T0 + 7 * HOUR + 7 * MINUTE]


def test_every_batch_does_a_little(path: Path) -> None:
    with Daemon(path, *(target(name, interval=MINUTE) for name in NAMES)) as daemon:
        long(daemon, 31, alone=True)
        assert [one.length for one in daemon.store.load(NAMES, T0, EVER).series[NAMES[0]].records] == [MINUTE] * 31
        for _ in range(12):
            daemon.write()
        for name in NAMES:
            records = daemon.store.load(NAMES, T0, EVER).series[name].records
            assert [one.length for one in records] == [QUARTER] * 2 + [MINUTE]


def test_a_quarter_hour_is_not_summed_while_it_can_still_change(path: Path) -> None:
    with Daemon(path, target(NAMES[0], interval=MINUTE)) as daemon:
        for i in range(14):
            daemon.now = T0 + i * MINUTE
            daemon.seconds([success()])
        waiting = daemon.series[NAMES[0]].send(T0 + 14 * MINUTE)
        daemon.now = T0 + 17 * MINUTE
        for _ in range(8):
            daemon.write()
        compact(daemon.store)
        assert len(daemon.store.load(NAMES, T0, EVER).series[NAMES[0]].records) == 14
        daemon.series[NAMES[0]].decide(waiting, LOST)
        for _ in range(8):
            daemon.write()
        compact(daemon.store)
        (quarter,) = daemon.store.load(NAMES, T0, EVER).series[NAMES[0]].records
        assert (quarter.length, quarter.received, quarter.lost) == (QUARTER, 14, 1)


def test_what_a_killed_daemon_was_summing_is_summed_once(path: Path, tmp_path: Path) -> None:
    with Daemon(path, *(target(name, interval=MINUTE) for name in NAMES)) as daemon:
        long(daemon, 20, alone=True)
        exact = daemon.store.load(NAMES, T0, EVER, minutes=True)
        compactor = Compactor(daemon.store._connection)
        assert compactor.step(T0 + 20 * MINUTE), "the first series only"
        assert daemon.store.load(NAMES, T0, EVER) == exact, "nothing of it shows before all are summed"
        left = daemon.killed(tmp_path / "left")
    with Daemon(left, *(target(name, interval=MINUTE) for name in NAMES), now=T0 + 20 * MINUTE) as daemon:
        long(daemon, 3, first=20)
        compact(daemon.store)
        for name in NAMES:
            first = daemon.store.load(NAMES, T0, T0 + QUARTER).series[name].records[0]
            assert first == total(T0, QUARTER, bare(exact.series[name].records[:15]))


def test_minutes_are_folded_with_their_samples(path: Path) -> None:
    with Daemon(path, *(target(name, interval=15 * S) for name in NAMES)) as daemon:
        for i in range(4 * 35):
            daemon.now = T0 + i * 15 * S
            daemon.seconds([reading(i)], every=1 if i % 8 == 7 else 2)
        for _ in range(8):
            daemon.write()
        samples = {name: kept(daemon.store, name) for name in NAMES}
        cuts = [T0 + 3 * MINUTE + 1, T0 + 14 * MINUTE + 31 * S, T0 + 15 * MINUTE, T0 + 31 * MINUTE + 1]
        before = daemon.store.load(NAMES, T0 + 1, EVER, cuts=cuts, minutes=True)
        compact(daemon.store)
        assert daemon.store.load(NAMES, T0 + 1, EVER, cuts=cuts, minutes=True) == before
        for name in NAMES:  # and nothing of the other one, whose rows lie between
            alone = daemon.store.load([name], T0 + 1, EVER, cuts=cuts, minutes=True)
            assert alone.series == {name: before.series[name]}
        assert {name: kept(daemon.store, name) for name in NAMES} == samples
        assert counts(daemon.store) == {"minutes": 2 * 2, "packets": 2 * 2, "record": 2 * (2 + 4), "raw": 2 * 4}
        assert daemon.store.prune(T0 + 29 * MINUTE, 0) == 2 * 15, "the second quarter hour is not over"
        assert daemon.store.prune(T0 + 32 * MINUTE, 0) == 2 * (15 + 2)
        assert counts(daemon.store) == {"minutes": 2 * 2, "packets": 0, "record": 2 * (2 + 4), "raw": 2 * 2}
        assert [bare(one.records) for one in daemon.store.load(NAMES, T0 + 1, EVER, minutes=True).series.values()] == [
            bare(one.records) for one in before.series.values()
        ]


def test_what_comes_to_a_folded_quarter_hour_is_added(path: Path, tmp_path: Path) -> None:
    cuts = [T0 + 5 * MINUTE + 1]
    with Daemon(tmp_path / "twin.db", target(NAMES[0], interval=MINUTE)) as twin:
        long(twin, 12)
        long(twin, 4, first=13)
        compact(twin.store)
        whole = [twin.store.load(NAMES, T0, EVER, cuts=cuts, minutes=fine) for fine in (True, False)]
        samples = kept(twin.store, NAMES[0])
    with Daemon(path, target(NAMES[0], interval=MINUTE)) as daemon:
        long(daemon, 12)
        connection, tables, minute = daemon.store._connection, (schema.record, schema.raw), T0 // MINUTE + 5
        with schema.writing(connection):
            late = [connection.execute(select(table).where(table.c.minute == minute)).one() for table in tables]
            for table in tables:
                connection.execute(delete(table).where(table.c.minute == minute))
        long(daemon, 4, first=13)
        compact(daemon.store)
        assert kept(daemon.store, NAMES[0]) == [one for one in samples if one.sent // MINUTE != minute]
        with schema.writing(connection):
            for table, row in zip(tables, late, strict=True):
                connection.execute(insert(table), row._asdict())
            connection.execute(delete(schema.meta).where(schema.meta.c.name == "quarter_upto"))
        compactor = Compactor(connection)
        while compactor.step(T0 + 17 * MINUTE):
            pass
        assert kept(daemon.store, NAMES[0]) == samples
        assert [daemon.store.load(NAMES, T0, EVER, cuts=cuts, minutes=fine) for fine in (True, False)] == whole


def counts(store: Store) -> dict[str, int]:
    tables = (schema.minutes, schema.packets, schema.record, schema.raw)
    with schema.reading(store._connection):
        return {table.name: store._connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def test_empty_time_is_skipped(path: Path) -> None:
    with Daemon(path, target(NAMES[0], interval=MINUTE)) as daemon:
        long(daemon, 3)
        daemon.stop()
    with Daemon(path, target(NAMES[0], interval=MINUTE), now=T0 + 40 * DAY) as daemon:
        long(daemon, 20, first=40 * 1440)
        steps = 0
        while daemon.store._compactor is not None and daemon.store._compactor.step(T0 + 40 * DAY + 20 * MINUTE):
            steps += 1
        assert steps <= 3 * 2 * len(LEVELS)
        records = daemon.store.load(NAMES, T0, EVER).series[NAMES[0]].records
        assert [(one.start, one.length, one.sent) for one in records] == [
            (T0, DAY, 3),
            (T0 + 40 * DAY, QUARTER, 15),
            *[(T0 + 40 * DAY + i * MINUTE, MINUTE, 1) for i in range(15, 20)],
        ]


def test_one_series_of_many_is_looked_up(path: Path) -> None:
    """Few of many series take the other query; the answer has to be the same."""
    names = [f"s{i}/ping" for i in range(20)]
    with Daemon(path, *(target(name, interval=MINUTE) for name in names)) as daemon:
        long(daemon, 40)
        compact(daemon.store)
        everything = daemon.store.load(names, T0 + 3 * MINUTE, EVER)
    with Store.open(path, write=False) as reader:
        for name in names[::7]:
            assert reader.load([name], T0 + 3 * MINUTE, EVER).series == {name: everything.series[name]}
        assert everything.series[names[0]].records[0].length == MINUTE
        assert Result.TIMEOUT in {run.result for run in everything.series[names[0]].runs}
        assert everything.series[names[0]].known_from == T0
        assert everything.series[names[0]].through > T0 + 40 * MINUTE - S
