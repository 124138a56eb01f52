"""Rounds recorded by columns are what their probes recorded one by one are, whatever happens in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.model import MINUTE, MS, RESULT_CODE, Reading, Result, S
from slamon.record import journal
from slamon.record import rank as ranking
from slamon.record import recorder as recording
from slamon.record.rank import Rank, Round
from slamon.record.recorder import Batch, Recorder
from slamon.record.rows import Gap
from slamon.record.series import Pending, Series
from tests.record.worlds import LOST, T0, finish, opened, recorder, target

NAMES = ("a/one", "b/two", "c/three", "d/four")
APART = 300
"""Nanoseconds between two sends of a round."""

STEPS = st.sampled_from([S] * 8 + [S - 300 * MS, S + 400 * MS, S + S // 2 + 1, 3 * S, 0, -5 * S, 40 * S])
RTTS = st.lists(st.integers(1, 1200 * MS), min_size=len(NAMES), max_size=len(NAMES))
HOPS = st.lists(st.sampled_from([64, 64, 57, -1]), min_size=len(NAMES), max_size=len(NAMES))
PLACES = st.integers(0, len(NAMES) - 1)

QUIET = st.tuples(st.just("quiet"), st.integers(1, 70), st.integers(1, 9), RTTS, HOPS)
ROUNDS = st.tuples(st.just("round"), STEPS, RTTS, HOPS)
EVENTS = st.one_of(
    st.tuples(st.just("broken"), STEPS, RTTS, HOPS, st.lists(PLACES, unique=True, max_size=3)),
    st.tuples(st.sampled_from(["late", "duplicate", "overrun", "read", "alone", "again"]), PLACES),
    st.tuples(st.just("gap"), st.integers(0, 3 * S)),
    st.tuples(st.sampled_from(["batch", "batch", "batch", "retell", "pack", "catch_up", "redo"])),
)
SCRIPTS = st.lists(st.one_of(QUIET, QUIET, ROUNDS, EVENTS), min_size=10, max_size=40)


class Plain:
    """One probe after the other."""

    def __init__(self) -> None:
        self.made = recorder()
        self.open: dict[str, Series] = {name: opened(self.made, target(name)) for name in NAMES}
        self.at = T0 + MINUTE - 20 * S
        self.batches: list[Batch] = []

    def sents(self) -> range:
        return range(self.at, self.at + len(NAMES) * APART, APART)

    def fly(self) -> Any:
        return [one.send(sent) for one, sent in zip(self.open.values(), self.sents(), strict=True)]

    def complete(self, flown: Any, rtts: Sequence[int], hops: Sequence[int]) -> None:
        for one, pending, rtt, hop in zip(self.open.values(), flown, rtts, hops, strict=True):
            one.succeed(pending, rtt, hop)

    def singles(self, flown: Any) -> list[Pending]:
        found: list[Pending] = flown
        return found

    def play(self, script: Sequence[tuple[Any, ...]]) -> None:
        for name, *arguments in script:
            getattr(self, name)(*arguments)

    def round(self, step: int, rtts: list[int], hops: list[int]) -> None:
        self.at += step
        self.complete(self.fly(), rtts, hops)

    def quiet(self, count: int, every: int, rtts: list[int], hops: list[int]) -> None:
        """Rounds with a batch after so many."""
        for i in range(count):
            self.round(S, [rtt + i for rtt in rtts], hops)
            if i % every == 0:
                self.batch()

    def broken(self, step: int, rtts: list[int], hops: list[int], lost: list[int]) -> None:
        """Some of it is lost, and that is found out after a batch and the next round."""
        self.at += step
        flown = self.fly()
        self.batch()
        self.at += S
        after = self.fly()
        series = list(self.open.values())
        pendings = self.singles(flown)
        for place, pending in enumerate(pendings):
            if place not in lost:
                series[place].succeed(pending, rtts[place], hops[place])
        for place in lost:
            series[place].decide(pendings[place], LOST)
        for one, pending in zip(series, self.singles(after), strict=True):
            one.succeed(pending, 10 * MS, 64)

    def late(self, place: int) -> None:
        self.open[NAMES[place]].late()

    def duplicate(self, place: int) -> None:
        self.open[NAMES[place]].duplicate()

    def overrun(self, place: int) -> None:
        self.open[NAMES[place]].overrun()

    def read(self, place: int) -> None:
        counters(self.open[NAMES[place]])

    def alone(self, place: int) -> None:
        one = self.open[NAMES[place]]
        one.decide(one.send(self.at + 500 * MS), Reading(Result.SUCCESS, 11 * MS, 60))

    def again(self, place: int) -> None:
        self.made.close(NAMES[place])
        self.open[NAMES[place]] = opened(self.made, target(NAMES[place]))

    def redo(self) -> None:
        """The plain one has nothing to make anew."""

    def gap(self, length: int) -> None:
        self.at += length
        self.made.gap(Gap(self.at - length, self.at, "suspended"))

    def batch(self) -> None:
        self.batches.append(self.made.batch(self.at + 200 * MS))

    def retell(self) -> None:
        self.made.retell()

    def pack(self) -> None:
        self.made.pack()

    def catch_up(self) -> None:
        deque(self.made.catch_up(), maxlen=0)

    def end(self) -> None:
        self.batch()
        self.batches.append(finish(self.made, self.at + S))


class Abreast(Plain):
    """By rounds, where they can be had."""

    def __init__(self) -> None:
        super().__init__()
        self.rounds = 0
        self.redo()

    def redo(self) -> None:
        self.rank = Rank(list(self.open.values()))

    def again(self, place: int) -> None:
        super().again(place)
        self.redo()

    def fly(self) -> Any:
        flown = self.rank.send(self.sents())
        self.rounds += flown is not None
        return super().fly() if flown is None else flown

    def complete(self, flown: Any, rtts: Sequence[int], hops: Sequence[int]) -> None:
        if isinstance(flown, Round):
            flown.complete(rtts, hops)
        else:
            super().complete(flown, rtts, hops)

    def singles(self, flown: Any) -> list[Pending]:
        return flown.part() if isinstance(flown, Round) else super().singles(flown)


def counters(one: Series) -> dict[str, Any]:
    return {
        "decided": one.decided,  # first: what follows lets the counters catch up
        "attempts": one.attempts,
        "in flight": one.in_flight,
        "results": one.results,
        "histogram": (one.rtt.counts, one.rtt.total),
        "last": (one.counts(), one.oldest()),
        "others": (one.late_replies, one.duplicate_replies, dict(one.skipped)),
    }


def lines(batch: Batch) -> dict[int, list[tuple[int, ...]]]:
    """Series → its journal lines; how those of several series are mixed says nothing."""
    found: dict[int, list[tuple[int, ...]]] = {}
    for series, *rest in zip(*journal.decode(batch.samples).columns, strict=True):
        found.setdefault(series, []).append(tuple(rest))
    return found


def told(batch: Batch) -> dict[str, Any]:
    return {
        "lines": lines(batch),
        "settled": (batch.settled, batch.complete, batch.keep_from),
        "lagging": set(batch.lagging),
        "names": (batch.opened, batch.closed, set(batch.first)),
        "minutes": {(one.series, one.record.start, one.upto): one for one in batch.minutes},
        "runs": (batch.tails, batch.grown),
        "gaps": batch.gaps,
    }


@settings(max_examples=100)
@given(SCRIPTS, st.sampled_from([(16, 64), (3, 7), (5, 5)]))
def test_rounds_tell_what_their_probes_tell(script: list[tuple[Any, ...]], behind: tuple[int, int]) -> None:
    """However many rounds counters and tracks may lag `behind`."""
    plain, abreast = Plain(), Abreast()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "HELD", behind[0])
        patch.setattr(ranking, "KEPT", behind[1])
        for world in (plain, abreast):
            world.play(script)
        assert [counters(one) for one in abreast.open.values()] == [counters(one) for one in plain.open.values()]
        for world in (plain, abreast):
            world.end()
    assert [told(batch) for batch in abreast.batches] == [told(batch) for batch in plain.batches]


def joined() -> tuple[Recorder, list[Series], Rank, Callable[[int], Round | None]]:
    """Four series that have been answered once, and how a round of them is sent."""
    made = recorder()
    series = [opened(made, target(name)) for name in NAMES]
    rank = Rank(series)

    def send(at: int) -> Round | None:
        return rank.send(range(at, at + len(NAMES) * APART, APART))

    assert send(T0) is None, "the first probe of a series is none of the usual"
    for i, one in enumerate(series):
        one.succeed(one.send(T0 + i * APART), 10 * MS, 64)
    return made, series, rank, send


def test_most_rounds_of_a_minute_are_rounds() -> None:
    abreast = Abreast()
    for i in range(120):
        abreast.round(S, [10 * MS] * len(NAMES), [64] * len(NAMES))
        if i % 2:
            abreast.batch()
    assert abreast.rounds == 120 - 1 - 2, "all but the first, and the first of each minute"


def test_tracks_do_not_lag_far_behind() -> None:
    _, series, rank, send = joined()
    for i in range(1, 150):
        flown = send(T0 + i * S // 10)
        assert flown is not None
        flown.complete([1, 2, 3, 4], [64] * 4)
        assert len(rank.rounds) < ranking.KEPT
    assert series[0].track.samples == 1 + 2 * ranking.KEPT


def test_counters_catch_up_rank_by_rank() -> None:
    made, series, first, send = joined()
    others = [opened(made, target(f"{name}-b")) for name in NAMES]
    second = Rank(others)
    for i, one in enumerate(others):
        one.succeed(one.send(T0 + S // 2 + i * APART), 10 * MS, 64)

    def rounds(at: int) -> None:
        for flown in (send(at), second.send(range(at + S // 2, at + S // 2 + len(NAMES) * APART, APART))):
            assert flown is not None
            flown.complete([1, 2, 3, 4], [64] * 4)

    for i in range(1, 4):
        rounds(T0 + i * S)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recording, "COUNTED", len(NAMES))
        first.spread()
        assert [(first.unspread, second.unspread) for _ in made.catch_up()] == [(0, 0)], "there was one to do"
        rounds(T0 + 4 * S)
        assert [(first.unspread, second.unspread) for _ in made.catch_up()] == [(0, 1), (0, 0)]
    assert [one.rtt.count for one in (*series, *others)] == [5] * 8
    assert not list(made.catch_up()), "nothing is left to do"


def test_a_round_under_way_is_in_flight() -> None:
    made, series, _, send = joined()
    flown = send(T0 + S)
    assert flown is not None
    assert [(one.attempts, one.in_flight, one.oldest()) for one in series] == [(2, 1, T0 + S)] * len(NAMES)
    assert set(made.batch(T0 + 2 * S).lagging) == {one.track.id for one in series}
    flown.complete([1, 2, 3, 4], [64] * 4)
    assert [(one.attempts, one.in_flight, one.oldest()) for one in series] == [(2, 0, None)] * len(NAMES)
    assert not made.batch(T0 + 3 * S).lagging


def test_another_rank_of_the_same_series_takes_them_over() -> None:
    _, series, first, send = joined()
    flown = send(T0 + S)
    assert flown is not None
    second = Rank(series[:2])
    assert second.send(range(T0 + 2 * S, T0 + 2 * S + 2 * APART, APART)) is None, "some of it is under way"
    assert not first.joined
    for one, pending in zip(series, flown.part(), strict=True):
        one.succeed(pending, 10 * MS, 64)
    assert second.send(range(T0 + 2 * S, T0 + 2 * S + 2 * APART, APART)) is not None
    assert [one.track.rank for one in series] == [second, second, None, None]


def test_an_outage_of_one_lets_none_of_them_be_a_round() -> None:
    _, series, _, send = joined()
    series[2].decide(series[2].send(T0 + S), LOST)
    assert send(T0 + 2 * S) is None
    assert [one.results[RESULT_CODE[Result.SUCCESS]] for one in series] == [1] * len(NAMES)
