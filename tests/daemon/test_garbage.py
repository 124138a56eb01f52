from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from slamon.daemon import garbage, service
from tests.daemon.test_outages import Daemon

MANY = 500_000
"""Objects, of which Python left to itself looks at the new ones hundreds of times."""


class Node:
    """Refers to itself: only the collector can free it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def settled() -> Iterator[None]:
    garbage.settle()
    try:
        yield
    finally:
        gc.enable()


def cycle() -> weakref.ref[Node]:
    return weakref.ref(Node())


def fill(number: int) -> list[list[object]]:
    return [[] for _ in range(number)]


def test_nothing_is_looked_at_in_the_midst_of_other_work() -> None:
    made = cycle()
    kept = fill(MANY)
    assert made() is not None
    assert len(kept) == MANY


def test_a_cycle_is_gone_after_the_next_look() -> None:
    made, looks = cycle(), garbage.Looks()
    for _ in range(garbage.TIDY):
        assert made() is not None
        looks.batch()
    assert made() is None


def test_a_cycle_that_outlived_a_look_waits_for_one_at_everything() -> None:
    node, looks = Node(), garbage.Looks()
    for _ in range(garbage.TIDY):
        looks.batch()
    made = weakref.ref(node)
    del node
    for _ in range(garbage.TIDY):
        looks.batch()
    assert made() is not None
    garbage.look_at_all()
    assert made() is None


class Borders:
    """Seconds that pass when a test lets them."""

    def __init__(self) -> None:
        self._due: asyncio.Queue[None] = asyncio.Queue()
        self._begun = False

    async def __call__(self, monotonic: Callable[[], int], period: int, after: int) -> int:
        if self._begun:
            self._due.task_done()
        self._begun = True
        await self._due.get()
        return after + period

    async def pass_by(self, count: int) -> None:
        for _ in range(count):
            self._due.put_nowait(None)
        await self._due.join()


async def test_the_daemon_looks_after_some_batches_and_not_while_a_page_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, before = Borders(), int(gc.get_stats()[0]["collections"])

    def looks() -> int:
        return int(gc.get_stats()[0]["collections"]) - before

    monkeypatch.setattr(service, "border", seconds)
    daemon = Daemon(tmp_path)
    await daemon.start()
    keeping = asyncio.create_task(daemon.service.keep())
    await seconds.pass_by(2 * garbage.TIDY + 1)
    assert looks() == 2

    page = daemon.service.page()
    next(page)
    await seconds.pass_by(garbage.TIDY)
    assert looks() == 2
    for _ in page:
        assert looks() == 2
    assert looks() == 3, "when it is made"

    page = daemon.service.page()
    next(page)
    await seconds.pass_by(garbage.PATIENT)
    assert looks() == 4, "nobody makes pages for ever"
    del page
    await seconds.pass_by(garbage.TIDY)
    assert looks() == 5, "a page that was given up is none"
    keeping.cancel()
    await daemon.stop(0)
