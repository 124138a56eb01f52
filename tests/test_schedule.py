"""The timer wheel in virtual time: an exact grid, stable and even phases, no drift, no bursts, every missed slot counted."""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MINUTE, MS, S, Sampling, Target
from slamon.poisson import Poisson
from slamon.schedule import BURST, Wheel, phase
from slamon.stats import Stats

TICK = 10 * MS
WALL = 1_790_000_000 * S + 123_456_789
"""The instant at which the virtual monotonic clock read 0."""


def target(name: str, interval: int = 1 * S, **changes: object) -> Target:
    fields: dict[str, object] = {
        "name": name,
        "service": "test",
        "probe": "icmp",
        "address": "192.0.2.1",
        "family": 4,
        "interval": interval,
        "timeout": interval,
        "down_after": 3,
        "up_after": 1,
        "settings": None,
    }
    return Target(**(fields | changes))  # type: ignore[arg-type]


class Run:
    """A wheel and what it handed out: target name → [(slot, when)]."""

    def __init__(self, *, epoch: int = WALL, tick: int = TICK, start: int = 0) -> None:
        self.stats = Stats()
        self.tick = tick
        self.wheel = Wheel(tick, epoch=epoch, stats=self.stats)
        self.fired: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self.now = start

    def at(self, now: int) -> int:
        """Call `due` at `now`; how many came."""
        self.now = now
        due = self.due(now)
        for name, slot in due:
            self.fired[name].append((slot, now))
        return len(due)

    def due(self, now: int) -> list[tuple[str, int]]:
        """Name and slot of everything handed out."""
        volleys = self.wheel.due(now)
        return [(one.name, slot) for volley in volleys for one, slot in zip(volley.targets, volley.slots, strict=True)]

    def until(self, end: int, step: int = TICK) -> None:
        while self.now + step <= end:
            self.at(self.now + step)

    def slots(self, name: str) -> list[int]:
        return [slot for slot, _ in self.fired[name]]


names = st.lists(st.text("abcdefghij/-", min_size=1, max_size=12), min_size=1, max_size=20, unique=True)
intervals = st.sampled_from([50 * MS, 200 * MS, 1 * S, 7 * S, 10 * S, 333_333_333])


@given(names=names, interval=intervals, epoch=st.integers(0, 2**61), tick=st.sampled_from([10 * MS, 17 * MS, 50 * MS]))
def test_every_slot_of_the_grid_comes_once_and_on_time(names: list[str], interval: int, epoch: int, tick: int) -> None:
    run = Run(epoch=epoch, tick=tick)
    run.wheel.set([target(name, interval) for name in names], 0)
    run.until(5 * interval, tick)
    end = run.now
    for name in names:
        slots = run.slots(name)
        assert all((slot + epoch) % interval == phase(name, interval) for slot in slots)
        assert all(later - earlier == interval for earlier, later in pairwise(slots))
        assert 0 < slots[0] <= interval
        assert end - interval < slots[-1] <= end
        assert all(0 <= when - slot <= tick for slot, when in run.fired[name])
    assert run.stats.missed_slots == 0
    assert run.stats.scheduler_lag.count == sum(map(len, run.fired.values()))


@given(names=names, interval=intervals, boot=st.integers(0, 10**15))
def test_a_restart_keeps_the_slots(names: list[str], interval: int, boot: int) -> None:
    """The same instants of the wall clock, whatever the monotonic clock reads after a reboot."""
    first, second = Run(epoch=WALL), Run(epoch=WALL - boot, start=boot)
    for run in (first, second):
        run.wheel.set([target(name, interval) for name in names], run.now)
        run.until(run.now + 3 * interval + TICK)
    for name in names:
        before, after = first.slots(name), [slot - boot for slot in second.slots(name)]
        both = min(len(before), len(after))  # where ticks begin differs, so one may have seen the last slot already
        assert before[:both] == after[:both]
        assert both >= 3
        assert abs(len(before) - len(after)) <= 1


def test_phases_are_even_and_differ() -> None:
    """10 000 targets at 10 s: no tenth of the interval gets more than 11 % of them, and no tick more than a few."""
    run = Run()
    run.wheel.set([target(f"site-{n:05}/ping", 10 * S) for n in range(10_000)], 0)
    per_tick = [run.at(run.now + TICK) for _ in range(1000)]
    tenths = [sum(per_tick[n : n + 100]) for n in range(0, 1000, 100)]
    assert sum(tenths) == 10_000
    assert max(tenths) < 1100
    assert max(per_tick) <= 30


def test_nothing_drifts_when_every_call_is_late() -> None:
    run = Run()
    run.wheel.set([target("a")], 0)
    for n in range(1, 600):
        run.at(n * 17 * MS + (n * 7919 % 13) * MS // 7)
    slots = run.slots("a")
    assert slots == list(range(slots[0], slots[0] + len(slots) * S, S))
    assert len(slots) == 10


@given(st.lists(st.integers(1 * MS, 5 * S), min_size=1, max_size=60), intervals)
def test_fired_and_missed_make_up_the_grid(steps: list[int], interval: int) -> None:
    """However irregular the calls: slots fired + missed = slots passed, each target once a call at most, in order."""
    run = Run()
    run.wheel.set([target("a", interval), target("b", interval)], 0)
    for step in steps:
        before = {name: len(found) for name, found in run.fired.items()}
        run.at(run.now + step)
        assert all(len(found) - before.get(name, 0) <= 1 for name, found in run.fired.items())
    passed = 0
    for name in "ab":
        first = (phase(name, interval) - WALL - 1) % interval + 1
        passed += max((run.now - first) // interval + 1, 0)
        assert run.slots(name) == sorted(set(run.slots(name)))
    fired = sum(map(len, run.fired.values()))
    assert passed == fired + run.stats.missed_slots


def test_after_a_standstill_each_target_comes_once_and_not_all_at_once() -> None:
    """10 s of standstill, 5000 targets at 1 s: nine slots of each are missed, the tenth is spread over the next ticks."""
    run = Run()
    targets = [target(f"t{n}") for n in range(5000)]
    run.wheel.set(targets, 0)
    run.until(2 * S)
    usual = 5000 * TICK // S
    fired_before = sum(map(len, run.fired.values()))
    missed_before = run.stats.missed_slots
    run.at(run.now + 10 * S)
    caught = [sum(map(len, run.fired.values())) - fired_before]
    caught += [run.at(run.now + TICK) for _ in range(200)]
    assert max(caught) <= BURST + 2 * usual
    assert sum(caught) > 5000
    slots = run.slots("t0")
    assert all(slot % S == slots[0] % S for slot in slots)
    assert len(slots) == len(set(slots))
    assert 8 * 5000 < run.stats.missed_slots - missed_before <= 10 * 5000
    run.until(run.now + 2 * S)
    recent = Counter(when for found in run.fired.values() for slot, when in found if when > run.now - S)
    assert sum(recent.values()) == 5000  # back on the grid
    assert all(when - slot <= TICK for found in run.fired.values() for slot, when in found[-1:])


def test_lag_is_observed_from_the_slot() -> None:
    run = Run()
    run.wheel.set([target("a", 10 * S)], 0)
    slot = (phase("a", 10 * S) - WALL - 1) % (10 * S) + 1
    run.at(slot + 3 * S)
    assert run.fired["a"] == [(slot, slot + 3 * S)]
    assert (run.stats.scheduler_lag.count, run.stats.scheduler_lag.total) == (1, 3 * S)


def test_reload_keeps_changes_and_removes() -> None:
    run = Run()
    kept, changed, faster, removed = target("kept"), target("changed"), target("faster"), target("removed")
    run.wheel.set([kept, changed, faster, removed], 0)
    run.until(5500 * MS)
    readdressed = target("changed", address="192.0.2.9")
    run.wheel.set([kept, readdressed, target("faster", 500 * MS), target("new")], run.now)
    latest = {}
    while run.now < 10 * S:
        for volley in run.wheel.due(run.now + TICK):
            for one, slot in zip(volley.targets, volley.slots, strict=True):
                latest[one.name] = one
                run.fired[one.name].append((slot, run.now + TICK))
        run.now += TICK
    for name in ("kept", "changed"):
        slots = run.slots(name)
        assert slots == list(range(slots[0], slots[0] + 10 * S, S))[: len(slots)]
        assert len(slots) == 10
    assert latest["changed"] is readdressed
    assert all(slot <= 5500 * MS for slot in run.slots("removed"))
    assert len(run.slots("removed")) in {5, 6}
    halves = [slot for slot in run.slots("faster") if slot > 5500 * MS]
    assert len(halves) == 9
    assert all((slot + WALL) % (500 * MS) == phase("faster", 500 * MS) for slot in halves)
    assert len(run.slots("new")) in {4, 5}
    assert run.stats.missed_slots == 0


def test_reload_in_the_middle_of_a_backlog_loses_nothing() -> None:
    run = Run()
    targets = [target(f"t{n}", 10 * S) for n in range(500)]
    run.wheel.set(targets, 0)
    first = run.at(10 * S)
    assert first == BURST + 2
    run.wheel.set(targets, run.now)
    run.until(run.now + 5 * S)
    assert {name for name, found in run.fired.items() if found[0][0] <= 10 * S} == {one.name for one in targets}


ticks = st.sampled_from([10 * MS, 17 * MS, 50 * MS, 125 * MS])
KEPT = (
    target("a"),
    target("b", 333_333_333),
    target("c", 7 * S),
    target("d", 5 * S, count=3, gap=200 * MS),
    *(target(f"t{n}") for n in range(20)),
    *(target(f"p{n}", sampling=Sampling.POISSON) for n in range(5)),
    target("q", 2 * S, count=2, gap=30 * MS, sampling=Sampling.POISSON),
)
OTHERS = [target("x"), target("y", 333_333_333), target("z", 3 * S, count=2, gap=70 * MS), target("b/")]


def instants(name: str, interval: int, end: int, *, epoch: int = WALL, later: int = 0) -> list[int]:
    """Of the Poisson process, after 0 and up to `end`."""
    process = Poisson(name, interval, later)
    at, found = process.after(epoch), []
    while at <= epoch + end:
        found.append(at - epoch)
        at = process.after(at)
    return found


def grid(one: Target, end: int, *, epoch: int) -> list[int]:
    """Every slot after 0 and up to `end`."""
    found: list[int] = []
    for number in range(one.count):
        later = number * one.gap
        if one.sampling is Sampling.POISSON:
            found += instants(one.name, one.interval, end, epoch=epoch, later=later)
            continue
        first = (phase(one.name, one.interval) + later - epoch - 1) % one.interval + 1
        found += range(first, end + 1, one.interval)
    return sorted(found)


@given(
    epoch=st.integers(0, 2**61),
    first=ticks,
    steps=st.lists(
        st.tuples(st.integers(0, 3 * S), ticks, st.lists(st.sampled_from(OTHERS), unique_by=lambda one: one.name)),
        min_size=2,
        max_size=12,
    ),
)
def test_no_slot_of_a_kept_target_is_lost_when_others_and_the_tick_change(
    epoch: int, first: int, steps: list[tuple[int, int, list[Target]]]
) -> None:
    """At any instant, while every tick comes in time: each slot comes once, and soon."""
    run = Run(epoch=epoch, tick=first)
    run.wheel.set(KEPT, 0)
    tick = first
    for wait, following, others in [*steps, (3 * S, 10 * MS, [])]:
        end = run.now + wait
        while (border := (run.now // tick + 1) * tick) <= end:
            run.at(border)
        run.now = end
        run.wheel.set([*others, *KEPT], end, tick=following)
        tick = following
    end = run.now
    run.until(end + 400 * MS)
    for one in KEPT:
        assert sorted(slot for slot in run.slots(one.name) if slot <= end) == grid(one, end, epoch=epoch)
        if one.sampling is Sampling.PERIODIC:
            assert all(when - slot <= 2 * 125 * MS for slot, when in run.fired[one.name])
    assert run.stats.missed_slots == 0


@given(
    epoch=st.integers(0, 2**61),
    first=ticks,
    steps=st.lists(st.tuples(st.integers(0, 4 * S), st.none() | ticks), min_size=2, max_size=20),
)
def test_each_slot_of_a_kept_target_comes_once_or_is_counted_missed(
    epoch: int, first: int, steps: list[tuple[int, int | None]]
) -> None:
    """However late the calls, and whatever the ticks in between."""
    run = Run(epoch=epoch, tick=first)
    run.wheel.set(KEPT, 0)
    for step, tick in steps:
        if tick is None:
            run.at(run.now + step)
        else:
            run.now += step
            run.wheel.set(KEPT, run.now, tick=tick)
    end = run.now
    run.wheel.set(KEPT, end, tick=TICK)
    run.until(end + 400 * MS)
    missed = 0
    for one in KEPT:
        slots = [slot for slot in run.slots(one.name) if slot <= end]
        slots_of_grid = grid(one, end, epoch=epoch)
        assert len(slots) == len(set(slots))
        assert set(slots) <= set(slots_of_grid)
        missed += len(slots_of_grid) - len(slots)
    assert missed == run.stats.missed_slots


def test_a_name_that_comes_back_with_another_interval_fires_on_one_grid() -> None:
    run = Run()
    run.wheel.set([target("a", 7 * S)], 0)
    run.wheel.set([target("a", 1 * S)], 0)
    run.wheel.set([], 0)
    run.wheel.set([target("a", 2 * S)], 0)
    run.until(20 * S)
    assert len(run.slots("a")) == 10
    assert all((slot + WALL) % (2 * S) == phase("a", 2 * S) for slot in run.slots("a"))


@pytest.mark.parametrize("interval", [1 * S, 10 * S, 5 * MINUTE])
def test_work_follows_what_is_due(interval: int) -> None:
    """Lines executed, not seconds: so many a tick, so many a probe, whether there is one target or ten thousand."""
    run = Run()
    run.wheel.set([target(f"t{n}", interval) for n in range(10_000)], 0)
    run.at(TICK)
    lines = 0

    def count(_frame: FrameType, event: str, _arg: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    fired = []
    before = sys.gettrace()
    for tick in range(2, 102):
        sys.settrace(count)
        due = run.wheel.due(tick * TICK)
        sys.settrace(before)
        fired.append(sum(len(volley.targets) for volley in due))
    assert sum(fired) == pytest.approx(10_000 * 100 * TICK / interval, rel=0.3)
    assert lines <= 20 * len(fired) + 40 * sum(fired)


def test_a_volley_comes_again_as_it_is() -> None:
    """Targets that share a tick stay together, so that what was prepared for them can be used again."""
    run = Run()
    run.wheel.set([target(f"t{n}", S) for n in range(300)], 0)
    first = [volley for tick in range(1, 101) for volley in run.wheel.due(tick * TICK)]
    again = [volley for tick in range(101, 201) for volley in run.wheel.due(tick * TICK)]
    assert first == again
    assert all(volley.lasting for volley in first)
    assert sum(len(volley.targets) for volley in first) == 300


@pytest.mark.parametrize("gap", [10 * MS, 25 * MS, 200 * MS])
@pytest.mark.parametrize("interval", [1 * S, 333_333_333])
def test_several_probes_an_interval_are_a_gap_apart(interval: int, gap: int) -> None:
    run = Run()
    run.wheel.set([target("a", interval, count=3 if gap == 25 * MS else 2, gap=gap), target("b", interval)], 0)
    run.until(4 * interval)
    trains = sorted(run.slots("a"))
    phases = {(slot + WALL - phase("a", interval)) % interval for slot in trains}
    assert phases == set(range(0, (3 if gap == 25 * MS else 2) * gap, gap))
    assert len(trains) == len(set(trains)) == len(run.slots("b")) * len(phases)
    assert run.stats.missed_slots == 0


def test_another_count_or_sampling_is_another_grid() -> None:
    run = Run()
    run.wheel.set([target("a"), target("b", count=2, gap=500 * MS)], 0)
    run.until(3 * S)
    run.wheel.set([target("a", sampling=Sampling.POISSON), target("b")], run.now)
    before = len(run.slots("b"))
    run.until(13 * S)
    assert before == 6
    assert len(run.slots("b")) == 16
    assert len({slot % S for slot in run.slots("a")[3:]}) > 1


def test_poisson_instants_are_those_of_the_process_whatever_happens_in_between() -> None:
    """A reload and a restart in the middle: the same instants; every one of them sent once."""
    expected = instants("a", 1 * S, 100 * S)
    run = Run()
    run.wheel.set([target("a", sampling=Sampling.POISSON)], 0)
    run.until(40 * S)
    run.wheel.set([target("a", address="192.0.2.7", sampling=Sampling.POISSON)], run.now)
    run.until(70 * S)
    later = Run(epoch=WALL - 5, start=70 * S + 5)
    later.wheel.set([target("a", sampling=Sampling.POISSON)], later.now)
    later.until(100 * S)
    sent = run.slots("a") + [slot - 5 for slot in later.slots("a")]
    assert sent == [slot for slot in expected if slot <= sent[-1]]
    assert len(sent) > 60
    assert all(0 <= when - slot <= TICK for slot, when in run.fired["a"])


@pytest.mark.parametrize(("interval", "tick"), [(1 * S, 10), (1 * S, 50), (1 * S, 125), (50 * MS, 10), (20 * MS, 10)])
def test_every_poisson_instant_comes_while_every_tick_comes_in_time(interval: int, tick: int) -> None:
    """Several in one tick: one after the other, a tick apart."""
    names, run = [f"p{n}" for n in range(50)], Run(tick=tick * MS)
    run.wheel.set([target(name, interval, sampling=Sampling.POISSON) for name in names], 0)
    run.until(200 * interval, tick * MS)
    end = run.now
    run.until(end + 10 * tick * MS, tick * MS)
    close = 0
    for name in names:
        assert [slot for slot in run.slots(name) if slot <= end] == instants(name, interval, end)
        close += sum(later // run.tick == slot // run.tick for slot, later in pairwise(run.slots(name)))
        assert all(later - when >= run.tick for (_, when), (_, later) in pairwise(run.fired[name]))
    assert close > 50
    assert run.stats.missed_slots == 0


def test_poisson_instants_of_a_short_standstill_come_all_the_same() -> None:
    run = Run()
    run.wheel.set([target("a", 10 * S, sampling=Sampling.POISSON)], 0)
    slots = instants("a", 10 * S, 1000 * S)
    first = next(n for n in range(len(slots)) if slots[n + 2] - slots[n] < 8 * S)
    run.until(slots[first] // TICK * TICK)
    run.at(slots[first + 2] + TICK)
    run.until(run.now + 2 * TICK)
    assert run.slots("a")[-3:] == slots[first : first + 3]
    assert run.stats.missed_slots == 0


def test_a_standstill_misses_poisson_instants_and_counts_them() -> None:
    """Of a minute all but those of the last mean interval, which leave one at a tick."""
    run = Run()
    run.wheel.set([target("a", sampling=Sampling.POISSON)], 0)
    run.until(5 * S)
    end = run.now + 60 * S
    run.at(end)
    assert run.stats.missed_slots > 30
    run.until(end + 200 * MS)
    expected = instants("a", 1 * S, end)
    assert len([slot for slot in run.slots("a") if slot <= end]) + run.stats.missed_slots == len(expected)
    recent = [slot for slot in expected if slot >= end - 1 * S] or expected[-1:]
    assert [slot for slot in run.slots("a") if 5 * S < slot <= end] == recent


def test_ten_thousand_targets_are_each_sent_once_an_interval() -> None:
    run = Run(tick=50 * MS)
    run.wheel.set([target(f"t{n}") for n in range(10_000)], 0)
    run.until(3 * S, 50 * MS)
    assert {len(found) for found in run.fired.values()} == {2, 3} or {len(found) for found in run.fired.values()} == {3}
    assert run.stats.missed_slots == 0
    sizes = Counter(when for found in run.fired.values() for _, when in found)
    assert max(sizes.values()) < 700, "500 on average"
