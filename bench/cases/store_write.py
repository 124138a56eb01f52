"""Samples per second from the record to the disk, and bytes on it: the store's batches against one SQLite row per sample.

Both commit once a simulated second with `synchronous = FULL`, on the file system of this folder. The clock does not wait:
what is measured is the wall time that the seconds' work takes. Ours also buys the sums by minute, which the peer does not have.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

from bench.frame import Bench, Comparison, Figures
from bench.meter import clock, cpu
from bench.stored import directory, packets
from slamon.model import DAY, MS, RESULT_CODE, Reading, Result, S, Target
from slamon.record.recorder import Recorder
from slamon.stats import RTT_EDGES
from slamon.store import Store

TARGETS = 1000
SECONDS = 300
"""Five minutes of one probe a second: minutes are closed and summed up as in any other hour."""
TICKS = 20
"""Of the daemon's scheduler in a second; each packs a few closed minutes."""
START = 1_790_000_000 * S // DAY * DAY
LIMITS = (50 * MS, 100 * MS)
"""Latency limits of contracts: counted exactly with every minute."""

TABLE = """CREATE TABLE sample (
    target INTEGER NOT NULL, ts INTEGER NOT NULL, result INTEGER NOT NULL, rtt INTEGER, hop_limit INTEGER,
    PRIMARY KEY (target, ts)
) WITHOUT ROWID"""


def _readings(second: int) -> Iterator[Reading]:
    """Of every target in this second: round trips without a pattern that packing could use, one loss in 500."""
    for i in range(TARGETS):
        if (second * TARGETS + i) % 500 == 499:
            yield Reading(Result.TIMEOUT)
        else:
            yield Reading(Result.SUCCESS, 20 * MS + (second * 104_729 + i * 7_919) * 7_907 % (30 * MS), 57)


class _Watch:
    """Wall and processor time of the blocks it is entered for."""

    def __init__(self) -> None:
        self.wall = 0
        self.cpu = 0.0

    def __enter__(self) -> None:
        self.wall -= clock.monotonic()
        self.cpu -= cpu()

    def __exit__(self, *_: object) -> None:
        self.cpu += cpu()
        self.wall += clock.monotonic()


def slamon() -> Figures:
    """`write` is the batch path alone: pack, batch, write. `record` are the calls by which the probers fill it."""
    recorder = Recorder("bench")
    series = [recorder.open(_target(i), limits=LIMITS, edges=RTT_EDGES) for i in range(TARGETS)]
    record, write = _Watch(), _Watch()
    with directory() as folder:
        path = folder / "bench.db"
        with Store.open(path, write=True) as store:
            for second in range(SECONDS):
                at = START + second * S
                readings = list(_readings(second))
                with record:
                    for i, (each, reading) in enumerate(zip(series, readings, strict=True)):
                        each.decide(each.send(at + i * MS // 2), reading)
                with write:
                    for _ in range(TICKS):
                        recorder.pack()
                    store.write(recorder.batch(at + S))
            with write:
                for name in list(recorder.series):
                    recorder.close(name)
                store.write(recorder.batch(START + SECONDS * S, final=True))
            kept = len(packets(store, "bench/7", START, START + SECONDS * S))
        size = path.stat().st_size
    if kept != SECONDS:
        raise RuntimeError(f"{kept} samples of a target are in the store, {SECONDS} were written")
    return _figures(write, size) | {"record": TARGETS * SECONDS / (record.wall / S)}


def row_per_sample() -> Figures:
    """One table, one transaction a second, rows in the order in which the probes were sent."""
    write = _Watch()
    with directory() as folder:
        path = folder / "bench.db"
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(TABLE)
            for second in range(SECONDS):
                at = START + second * S
                rows = [
                    (i, at + i * MS // 2, RESULT_CODE[reading.result], reading.rtt, reading.hop_limit)
                    for i, reading in enumerate(_readings(second))
                ]
                with write:
                    connection.execute("BEGIN IMMEDIATE")
                    connection.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?)", rows)
                    connection.execute("COMMIT")
            (kept,) = connection.execute("SELECT count(*) FROM sample").fetchone()
        size = path.stat().st_size
    if kept != TARGETS * SECONDS:
        raise RuntimeError(f"{kept} rows in the table")
    return _figures(write, size)


def _figures(write: _Watch, size: int) -> dict[str, float]:
    """`write_cpu` in microseconds a sample: less than 1/`write` by what the disk was waited for."""
    samples = TARGETS * SECONDS
    return {"write": samples / (write.wall / S), "write_cpu": write.cpu / samples * 1e6, "bytes": size / samples}


def _target(i: int) -> Target:
    return Target(
        name=f"bench/{i}",
        service="bench",
        probe="icmp",
        address="192.0.2.1",
        family=4,
        interval=1 * S,
        timeout=3 * S,
        down_after=3,
        up_after=1,
        settings=None,
    )


BENCH = Bench(
    about=f"samples written per second of wall time, {TARGETS} targets every second for {SECONDS} s",
    subjects={"slamon": slamon, "row_per_sample": row_per_sample},
    comparisons=(
        Comparison(peer="row_per_sample", figure="write", unit="samples/s", goal=">= 10"),
        Comparison(peer="row_per_sample", figure="bytes", unit="bytes/sample", goal="<= 0.3"),
    ),
)
