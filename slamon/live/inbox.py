"""The recorder's batches → news about targets by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from slamon.record.recorder import Batch
from slamon.record.rows import Growth, Run


class Growing:
    """How far the open runs have come, by target: looked up when somebody asks, because most have come on with every batch."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.grown: dict[int, Growth] = {}

    def get(self, target: str) -> Growth | None:
        """None where no batch told of it."""
        return self.grown.get(self.numbers.get(target, 0))


class News(NamedTuple):
    """What one batch says: by target the runs that are new, in send order, and how far everything is decided."""

    runs: Mapping[str, tuple[Run, ...]]
    settled: int
    lagging: Mapping[str, int]
    """Targets with undecided probes → everything they sent before this instant is decided."""
    growing: Growing
    """The same object in all news of an inbox."""


class Inbox:
    """Reads the recorder's batches, which know series by number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        self._growing = Growing()

    def read(self, batch: Batch) -> News:
        for opened in batch.opened:
            self._names[opened.id] = opened.target
            self._growing.numbers[opened.target] = opened.id
        self._growing.grown.update(batch.grown)
        tails, ended = batch.tails or {}, dict[int, tuple[Run, ...]]()
        for minute in batch.minutes:
            if minute.runs:
                ended[minute.series] = (*ended.get(minute.series, ()), *minute.runs)
        runs = tails | {number: (*before, *tails.get(number, ())) for number, before in ended.items()}
        return News(
            {self._names[number]: found for number, found in runs.items()},
            batch.settled,
            {self._names[number]: instant for number, instant in batch.lagging.items()},
            self._growing,
        )
