"""Traced paths are kept, closed when the silence is over, and found again for the outages they belong to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from slamon.path import Hop, Moment, Trace, Traced
from slamon.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "slamon.db", write=True) as store:
        yield store


def traced(since: int, started: int, target: str = "hq/ping") -> Traced:
    hops = (Hop(distance=1, address="10.0.0.1", rtts=(5, 6)), Hop(distance=2, address=None))
    trace = Trace(
        address="192.0.2.1", family=4, started=started, duration=3, hops=hops, reached=False, ended="nobody answered"
    )
    return Traced(target=target, moment=Moment.BEGAN, since=since, until=None, trace=trace)


def test_what_was_kept_is_found_as_it_was(store: Store) -> None:
    first, other = traced(10, 12), traced(11, 13, "hq/web")
    for one in (first, first, other):
        store.keep_path(one)
    assert store.paths(["hq/ping", "hq/web"], 0, 100) == (first, other)
    assert store.paths(["hq/web"], 0, 100) == (other,)
    assert store.paths([], 0, 100) == ()


def test_the_end_of_a_silence_bounds_its_paths(store: Store) -> None:
    first, second = traced(10, 12), traced(50, 52)
    store.keep_path(first)
    store.keep_path(second)
    store.silence_over("hq/ping", 10, 20)
    ended = replace(first, moment=Moment.ENDED, until=20, trace=replace(first.trace, started=21))
    store.keep_path(ended)
    closed = replace(first, until=20)
    assert store.paths(["hq/ping"], 0, 100) == (closed, ended, second)
    assert store.paths(["hq/ping"], 20, 100) == (second,)
    assert store.paths(["hq/ping"], 0, 50) == (closed, ended)


def test_whoever_reads_sees_them_beside_the_daemon(store: Store) -> None:
    store.keep_path(traced(10, 12))
    with Store.open(store.path, write=False) as reader:
        assert reader.paths(["hq/ping"], 0, 100) == (traced(10, 12),)
