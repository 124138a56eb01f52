"""Bytes of a day of one target at a probe a second in the store, with everything that is kept, against 4 bytes for each round trip."""

from __future__ import annotations

import random  # noqa: TID251 - the dice of a made-up path, seeded
import sqlite3
from array import array
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from bench import stored
from bench.frame import Bench, Comparison, Figures
from bench.probing import target
from slamon.model import DAY, MINUTE, MS, US, Reading, Result, S
from slamon.record.recorder import Recorder
from slamon.stats import RTT_EDGES
from slamon.store import Store

START = 1_790_000_000 * S // DAY * DAY
PROBES = DAY // S
TICK = 50 * MS
LATENESS = 1 * MS
"""The event loop's timers end on milliseconds of a clock that is none of ours."""
LIMITS = (50 * MS, 100 * MS)
"""Latency limits of contracts: counted exactly with every record."""
OFFSET = 437 * MS
"""Of the target's slots in the second."""
BATCH = 30
"""Seconds between two batches; the daemon's second writes the same rows in more transactions."""
LOST, LONG_LOST = 0.002, 3
"""One packet in 500; each hour a moment in which three in a row are."""
HOPS = (57, 55)
"""Of the replies; the path changes four times a day."""
FLOOR, SPREAD, QUEUE = 12 * MS, 0.4, 3 * MS
"""A path of 12 ms with what lognormal queues add, 3 ms by their median: nanoseconds, as the kernel stamps them."""

PACKED = "SELECT data FROM packets UNION ALL SELECT data FROM raw"
"""Where the store has its packed samples."""


class Probe(NamedTuple):
    sent: int
    reading: Reading


def _day(seed: int) -> Iterator[Probe]:
    """What the loop and the path make of a day.

    Sends leave up to a millisecond after a tick and are known to the microsecond; round trips have noise in every bit.
    """
    dice = random.Random(seed)
    for second in range(PROBES):
        slot = START + second * S + OFFSET
        tick = -(-slot // TICK) * TICK
        sent = (tick + dice.randrange(LATENESS) + int(dice.expovariate(1 / (50 * US)))) // US * US
        if dice.random() < LOST or second % 3600 in range(1800, 1800 + LONG_LOST):
            yield Probe(sent, Reading(Result.TIMEOUT))
            continue
        rtt = FLOOR + int(QUEUE * dice.lognormvariate(0, SPREAD))
        yield Probe(sent, Reading(Result.SUCCESS, rtt, HOPS[second // (PROBES // 5) % 2]))


def slamon() -> Figures:
    """Every byte of the file, its tables and the sums by minute, quarter hour and day included, after the daemon has stopped."""
    recorder = Recorder("bench")
    series = recorder.open(target("192.0.2.1", 1 * S), limits=LIMITS, edges=RTT_EDGES)
    probes = list(_day(1))
    with stored.directory() as folder:
        path = folder / "bench.db"
        with Store.open(path, write=True) as store:
            for first in range(0, PROBES, BATCH):
                for probe in probes[first : first + BATCH]:
                    series.decide(series.send(probe.sent), probe.reading)
                recorder.pack()
                store.write(recorder.batch(START + (first + BATCH) * S + OFFSET))
            recorder.close(series.target.name)
            store.write(recorder.batch(START + DAY + MINUTE, final=True))
            for number in range(200):  # the summing up that is still due, a piece with every batch
                store.write(recorder.batch(START + DAY + (2 + number) * MINUTE))
            kept = stored.packets(store, series.target.name, START, START + DAY + MINUTE)
        size = path.stat().st_size
        with closing(sqlite3.connect(path)) as connection:
            (packed,) = connection.execute(f"SELECT sum(length(data)) FROM ({PACKED})").fetchone()
    if [(each.sent, each.result, each.rtt, each.hop_limit) for each in kept] != [
        (sent, reading.result, reading.rtt, reading.hop_limit) for sent, reading in probes
    ]:
        raise RuntimeError(f"{len(kept)} packets are in the store, not the {PROBES} that were recorded")
    return {"bytes": size / PROBES, "packets": packed / PROBES}


def packed_rtt() -> Figures:
    """The round trips alone, four bytes each, 0 for a loss."""
    microseconds = array("I", ((probe.reading.rtt or 0) // US for probe in _day(1)))
    with stored.directory() as folder:
        path = folder / "rtts"
        path.write_bytes(microseconds.tobytes())
        each = path.stat().st_size / PROBES
        return {"bytes": each, "packets": each}


BENCH = Bench(
    about="bytes a packet of a day of one target at 1/s: instant, result, round trip and hop limit in nanoseconds, and the sums",
    subjects={"slamon": slamon, "packed_rtt": packed_rtt},
    comparisons=(
        Comparison(peer="packed_rtt", figure="bytes", unit="bytes/packet", goal="<= 1.5"),
        Comparison(peer="packed_rtt", figure="packets", unit="bytes/packet", goal=None),
    ),
)
