"""What a store holds about one target, read as everybody reads it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.programs import BUILT
from slamon.model import MINUTE
from slamon.record.packing import Packed, unpack
from slamon.record.rows import Record
from slamon.store import Store


@contextmanager
def directory() -> Iterator[Path]:
    """For stores under test: on the disk of this folder, gone with the block."""
    BUILT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILT) as name:
        yield Path(name)


def minutes(store: Store, target: str, start: int, end: int) -> tuple[Record, ...]:
    """The minutes of a target in `[start, end)`, each with its packets: minutes somebody cuts carry them."""
    middles = range(start - start % MINUTE + MINUTE // 2, end, MINUTE)
    found = store.load([target], start, end, cuts=middles, minutes=True).series.get(target)
    return () if found is None else found.records


def packets(store: Store, target: str, start: int, end: int) -> list[Packed]:
    """In the order of sending."""
    return [
        row
        for each in minutes(store, target, start, end)
        if each.raw is not None
        for row in unpack(each.start, each.raw)
    ]
