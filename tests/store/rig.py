"""A store with a daemon's recorder in front of it, and time that tests move."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select

from slamon.model import MINUTE, Reading, S, Sample, Target
from slamon.record.packing import Packed, unpack
from slamon.record.recorder import Recorder
from slamon.record.rows import Record
from slamon.record.series import Series
from slamon.store import Store, schema, writing
from slamon.store.reading import replay_all
from slamon.store.rows import quarter_of
from tests.record.worlds import T0, finish, opened, probe, recorder

EVER = 1 << 62


def room(store: Store, pages: int) -> None:
    """Let its file grow to so many pages; what it has already is the least that SQLite allows: then it is a full disk."""
    driver = store._connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    cursor.execute(f"PRAGMA max_page_count = {pages}")
    cursor.close()


class Daemon:
    """Opens the store as the daemon does and writes a batch at every step of a second."""

    def __init__(self, path: Path, *targets: Target, now: int = T0) -> None:
        self.path = path
        self.store = Store.open(path, write=True)
        self.recorder: Recorder = recorder(self.store.restore())
        self.now = now
        self.series: dict[str, Series] = {one.name: opened(self.recorder, one) for one in targets}
        self._next = {one.name: now for one in targets}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()

    def seconds(self, readings: Iterable[dict[str, Reading] | Reading], *, every: int = 1) -> None:
        """Probe what is due in each second, each target with its reading or all with the same; write every `every` seconds."""
        for i, one in enumerate(readings, 1):
            for name, series in self.series.items():
                if self._next[name] <= self.now:
                    probe(series, self.now, one if isinstance(one, Reading) else one[name])
                    self._next[name] = self.now + series.target.interval
            self.now += S
            if i % every == 0:
                self.write()

    def write(self, *, alone: bool = False) -> None:
        """`alone`: without the summing up that goes with it."""
        batch = self.recorder.batch(self.now, final=True)
        if not alone:
            self.store.write(batch)
            return
        assert self.store._present is not None
        writing.write(self.store._connection, batch, self.store._present)

    def stop(self) -> None:
        """As SIGTERM does."""
        self.store.write(finish(self.recorder, self.now))
        self.store.close()

    def killed(self, where: Path) -> Path:
        """The file as kill -9 would leave it now: a copy, taken while the daemon has it open."""
        where.mkdir()
        for suffix in ("", "-wal"):
            source = self.path.with_name(self.path.name + suffix)
            if source.exists():
                shutil.copy(source, where / source.name)
        os.sync()
        return where / self.path.name


def compact(store: Store) -> None:
    """Sum up everything that is due at once, instead of a little with every batch."""
    assert store._present is not None
    assert store._compactor is not None
    while store._compactor.step(store._present.complete):
        pass


def kept(store: Store, name: str, start: int = 0, end: int = EVER) -> list[Sample]:
    """The single samples of a target sent in `[start, end)`, as far as they are kept."""
    found: list[Packed] = []
    with schema.reading(store._connection):
        rows = store._connection.execute(
            select(schema.raw.c.minute, schema.raw.c.data)
            .join_from(schema.raw, schema.series)
            .where(schema.series.c.target == name)
            .order_by(schema.raw.c.minute)
        )
        for at, data in rows:
            found += unpack(at * MINUTE, data)
        (number,) = store._connection.scalars(
            select(schema.series.c.id).where(schema.series.c.target == name)
        ).all() or (0,)
        for key, data in store._connection.execute(select(schema.packets.c.id, schema.packets.c.data)).all():
            at, series = quarter_of(key)
            found += unpack(at * MINUTE, data) if series == number else []
        found.sort(key=lambda one: one.sent)
        tracks, _ = replay_all(store._connection)
    if number in tracks:
        track = tracks[number]
        track.flush()
        while track.done:
            one = track.settle().record
            found += unpack(one.start, one.raw or b"")
    return [
        Sample(name, one.sent, Reading(one.result, one.rtt, one.hop_limit)) for one in found if start <= one.sent < end
    ]


def counted(records: Iterable[Record]) -> int:
    return sum(one.received + one.lost + one.refused + one.ours for one in records)


def minute(n: int) -> int:
    return T0 + n * MINUTE
