"""The recorder's batches → news about targets by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from slamon.record.recorder import Batch
from slamon.record.rows import Run


class News(NamedTuple):
    """What one batch says: by target the runs that are new or have grown, in send order, and how far everything is decided."""

    runs: Mapping[str, tuple[Run, ...]]
    settled: int
    lagging: Mapping[str, int]
    """Targets with undecided probes → everything they sent before this instant is decided."""


class Inbox:
    """Reads the recorder's batches, which know series by number."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def read(self, batch: Batch) -> News:
        self._names.update({opened.id: opened.target for opened in batch.opened})
        tails, ended = batch.tails or {}, dict[int, tuple[Run, ...]]()
        for minute in batch.minutes:
            if minute.runs:
                ended[minute.series] = (*ended.get(minute.series, ()), *minute.runs)
        runs = tails | {number: (*before, *tails.get(number, ())) for number, before in ended.items()}
        return News(
            {self._names[number]: found for number, found in runs.items()},
            batch.settled,
            {self._names[number]: instant for number, instant in batch.lagging.items()},
        )
