"""A store with a daemon's recorder in front of it, and time that tests move."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from slamon.model import MINUTE, Reading, S, Target
from slamon.record.recorder import Recorder
from slamon.record.rows import Record
from slamon.record.series import Series
from slamon.store import Store
from tests.record.worlds import T0, finish, opened, probe, recorder

EVER = 1 << 62


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

    def write(self) -> None:
        while self.recorder.pack():
            pass
        self.store.write(self.recorder.batch(self.now))

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


def counted(records: Iterable[Record]) -> int:
    return sum(one.received + one.lost + one.refused + one.ours for one in records)


def minute(n: int) -> int:
    return T0 + n * MINUTE
