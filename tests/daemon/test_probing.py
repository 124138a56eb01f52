"""The daemon's tick: how often answers are read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slamon.clock import Clock
from slamon.daemon.probing import COARSE, FINE, LAZY, Probing, tick_for
from slamon.model import MS, S
from slamon.probe import Shot
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.stats import Stats
from tests.record.worlds import opened, target


class Counting:
    """A prober that only counts how often it is asked to read."""

    def __init__(self) -> None:
        self.drained = 0

    def fire(self, shots: Sequence[Shot]) -> None:
        raise AssertionError("no slot has come yet")

    def drain(self) -> None:
        self.drained += 1


@pytest.mark.parametrize(
    ("interval", "tick", "drained"), [(30 * S, LAZY, 5), (600 * MS, COARSE, 10), (100 * MS, FINE, 10)], ids=str
)
def test_answers_are_read_at_every_tick_and_at_every_second_lazy_one(interval: int, tick: int, drained: int) -> None:
    now = 1000 * S
    clock = Clock()
    clock.monotonic = lambda: now  # it stands still, so that nothing is due
    one = target(interval=interval)
    assert tick_for([one]) == tick
    stats, recorder, prober = Stats(), Recorder("here"), Counting()
    opened(recorder, one)
    addresses = Addresses(stats=stats, changed=lambda *_: None)
    addresses.set([one])
    probing = Probing(clock=clock, stats=stats, recorder=recorder, addresses=addresses, probers={"icmp": prober})
    probing.set([one])
    for _ in range(10):
        probing.step()
    assert prober.drained == drained
