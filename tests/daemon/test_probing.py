"""The daemon's tick: how often it comes, how often answers are read, and what probers may keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.clock import Clock
from slamon.daemon.probing import COARSE, FINE, LAZY, LEAST_REST, REST, Probing, following, tick_for
from slamon.model import MINUTE, MS, S, Sampling
from slamon.probe import Shot
from slamon.record.rank import LEAST, Rank
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.stats import Stats
from tests.record.worlds import T0, opened, probe, success, target


class Counting:
    """A prober that only notes how it is asked to read."""

    def __init__(self) -> None:
        self.eager: list[bool] = []

    def fire(self, shots: Sequence[Shot]) -> None:
        """When is the schedule's affair."""

    def drain(self, *, eager: bool = True) -> None:
        self.eager.append(eager)


@pytest.mark.parametrize(
    ("interval", "tick", "every"), [(30 * S, LAZY, 4), (600 * MS, COARSE, 1), (100 * MS, FINE, 1)], ids=str
)
def test_answers_may_wait_for_some_ticks_where_these_are_lazy(interval: int, tick: int, every: int) -> None:
    now = 1000 * S
    clock = Clock()
    clock.monotonic = lambda: now
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
        now += tick
    assert prober.eager == [number % every == 0 for number in range(10)]


@pytest.mark.parametrize(
    ("began", "ended", "due"),
    [
        (0, 1, 10),
        (3, 8, 10),
        (9, 9, 10),
        (10, 11, 20),
        (
            1,
            10,
            12.25,
        ),  # it ran up to the border: what is due there waits for the others' rest, not for the next border
        (3, 10.5, 12.375),
        (0, 40, 50),
        (5012, 5014, 5020),  # after a standstill nothing is made up for
        (3, 5003, 5013),  # stopped amid a tick
    ],
    ids=str,
)
def test_a_tick_that_takes_long_leaves_out_no_border(began: float, ended: float, due: float) -> None:
    """Milliseconds."""
    assert following(int(began * MS), int(ended * MS), 10 * MS) == int(due * MS)


@given(st.integers(0, S), st.integers(0, S), st.sampled_from([FINE, COARSE, LAZY]))
def test_others_have_their_rest_after_each_tick_and_no_more_than_a_tick(began: int, took: int, tick: int) -> None:
    ended = began + took
    due = following(began, ended, tick)
    rest = due - ended
    assert rest >= min(max(LEAST_REST, took // REST), tick)
    assert rest <= tick
    assert due - began <= tick or rest == min(max(LEAST_REST, took // REST), tick)


@pytest.mark.parametrize("interval", [1 * S, 5 * MINUTE], ids=str)
def test_random_instants_ask_for_the_fine_tick(interval: int) -> None:
    periodic = target("hq/a", interval=interval)
    assert tick_for([periodic]) == LAZY
    assert tick_for([periodic, replace(periodic, name="hq/b", sampling=Sampling.POISSON)]) == FINE


def test_a_tick_that_is_left_out_puts_no_reading_off() -> None:
    now = 1000 * S
    clock = Clock()
    clock.monotonic = lambda: now
    prober = Counting()
    addresses = Addresses(stats=Stats(), changed=lambda *_: None)
    probing = Probing(
        clock=clock, stats=Stats(), recorder=Recorder("here"), addresses=addresses, probers={"icmp": prober}
    )
    probing.set([])
    for after in (0, 3 * LAZY, 2 * LAZY, LAZY, LAZY, LAZY):  # the border lies within the third step
        now += after
        probing.step()
    assert prober.eager == [True, False, True, False, False, True]


def test_answers_are_gathered_for_series_that_end_and_only_then() -> None:
    """And no series that ends waits for the others of its round."""
    recorder, prober, stats = Recorder("here"), Counting(), Stats()
    series = [opened(recorder, target(f"hq/{n}")) for n in range(LEAST)]
    rank = Rank(series)
    for second in range(2):
        sends = range(T0 + second * S, T0 + second * S + LEAST)
        if rank.send(sends) is None:
            for one, sent in zip(series, sends, strict=True):
                probe(one, sent, success())
    assert rank.open is not None
    addresses = Addresses(stats=stats, changed=lambda *_: None)
    probing = Probing(clock=Clock(), stats=stats, recorder=recorder, addresses=addresses, probers={"icmp": prober})
    probing.gather([])
    assert (prober.eager, rank.joined) == ([], True)
    probing.gather([series[0].target.name])
    assert (prober.eager, rank.joined) == ([True], False)


@pytest.mark.parametrize("faster", [True, False], ids=["finer", "lazier"])
def test_a_slot_that_has_come_is_not_lost_when_the_tick_changes(faster: bool) -> None:
    now = 1000 * S
    clock = Clock()
    clock.monotonic = lambda: now
    sent: dict[str, list[int]] = defaultdict(list)

    class Noting:
        """A prober that notes when it is asked to send to whom."""

        def fire(self, shots: Sequence[Shot]) -> None:
            for shot in shots:
                sent[shot.target.name].append(now)

        def drain(self, *, eager: bool = True) -> None:
            """Nothing arrives."""

    slow = [target(f"hq/t{i}") for i in range(64)]
    both = [*slow, target("hq/fast", interval=100 * MS)]
    assert (tick_for(slow), tick_for(both)) == (LAZY, FINE)
    stats, recorder = Stats(), Recorder("here")
    for one in both:
        opened(recorder, one)
    addresses = Addresses(stats=stats, changed=lambda *_: None)
    addresses.set(both)
    probing = Probing(clock=clock, stats=stats, recorder=recorder, addresses=addresses, probers={"icmp": Noting()})
    for targets, end in ((slow, 1003 * S), (both, 1006 * S)) if faster else ((both, 1003 * S), (slow, 1006 * S)):
        probing.set(targets)
        now += 1 * MS
        while now < end:
            probing.step()
            now += tick_for(targets)
        now -= 1 * MS  # the reload comes shortly before the tick
    assert all(later - earlier <= 1 * S + LAZY for one in slow for earlier, later in pairwise(sent[one.name]))
    assert all(len(sent[one.name]) in {5, 6} for one in slow)
    assert stats.missed_slots == 0


class Keeping(Counting):
    """A prober that keeps something for each tuple, as it may."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[int, Sequence[Shot]] = {}
        self.fired = 0

    def fire(self, shots: Sequence[Shot]) -> None:
        self.fired += len(shots)
        if isinstance(shots, tuple):
            self.kept[id(shots)] = shots


@pytest.mark.parametrize(
    ("grid", "kept"),
    [({"interval": 1 * S}, 1), ({"interval": 1 * S, "sampling": Sampling.POISSON}, 0), ({"interval": 1001 * MS}, 0)],
    ids=["periodic", "poisson", "beside the ticks"],
)
def test_what_is_kept_for_shots_does_not_grow_with_the_rounds(grid: dict[str, Any], kept: int) -> None:
    now = 1000 * S
    clock = Clock()
    clock.monotonic = lambda: now
    one = replace(target(), **grid)
    stats, recorder, prober = Stats(), Recorder("here"), Keeping()
    opened(recorder, one)
    addresses = Addresses(stats=stats, changed=lambda *_: None)
    addresses.set([one])
    probing = Probing(clock=clock, stats=stats, recorder=recorder, addresses=addresses, probers={"icmp": prober})
    probing.set([one])
    for _ in range(100 * S // LAZY):
        probing.step()
        now += LAZY
    assert prober.fired > 50
    assert len(prober.kept) == kept
