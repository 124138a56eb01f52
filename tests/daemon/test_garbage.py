from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from slamon.daemon import garbage

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
        gc.unfreeze()


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
    made = cycle()
    garbage.tidy()
    assert made() is None


def test_a_cycle_that_outlived_a_look_waits_for_one_at_everything() -> None:
    node = Node()
    garbage.tidy()
    made = weakref.ref(node)
    del node
    garbage.tidy()
    assert made() is not None
    garbage.tidy_all()
    assert made() is None
