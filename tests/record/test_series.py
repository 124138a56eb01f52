"""The packet path: counting, the order of sending, and where runs end."""

from __future__ import annotations

import random  # noqa: TID251  driven by hypothesis
from itertools import groupby, pairwise, zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MS, RESULT_CODE, RESULTS, Reading, Result, S
from slamon.record.recorder import Recorder
from slamon.record.rows import Gap, Run
from slamon.record.series import Pending, Series
from slamon.sla.detection import Rule, detect
from slamon.sla.facts import SeriesFacts, State
from slamon.sla.timeline import Timeline, union
from tests.record.worlds import LOST, READINGS, T0, finish, opened, play, probe, recorder, success, target


def fresh(interval: int = S) -> tuple[Recorder, Series]:
    made = recorder()
    return made, opened(made, target(interval=interval))


def invariant(series: Series) -> None:
    assert series.attempts == sum(series.results) + series.in_flight
    assert series.in_flight >= 0


def runs(made: Recorder) -> list[Run]:
    """Every run of the one series, the open one last."""
    (track,) = made._by_id.values()
    return list(track.tail())


@given(st.lists(READINGS, max_size=40), st.randoms(use_true_random=False))
def test_samples_are_released_in_the_order_of_sending(readings: list[Reading], chance: random.Random) -> None:
    """Sends and decisions interleave at random; at every moment exactly the decided prefix of the sends is released."""
    made, series = fresh()
    waiting: list[tuple[int, Pending, Reading]] = []
    decided: set[int] = set()
    sent: list[int] = []
    left = list(readings)
    while left or waiting:
        if left and (not waiting or chance.random() < 0.5):
            at = T0 + len(sent) * S
            waiting.append((at, series.send(at), left.pop(0)))
            sent.append(at)
        else:
            at, pending, reading = waiting.pop(chance.randrange(len(waiting)))
            series.decide(pending, reading)
            decided.add(at)
        prefix = next((i for i, at in enumerate(sent) if at not in decided), len(sent))
        assert [line.sent for line in made._journal.released if isinstance(line, Pending)] == sent[:prefix]
        assert series.oldest() == (sent[prefix] if prefix < len(sent) else None)
        invariant(series)
    assert series.in_flight == 0
    assert [RESULTS[line.code] for line in made._journal.released if isinstance(line, Pending)] == [
        reading.result for reading in readings
    ]


@given(st.lists(READINGS, max_size=40), st.randoms(use_true_random=False))
def test_the_order_of_decisions_changes_no_fact(readings: list[Reading], chance: random.Random) -> None:
    prompt, one = fresh()
    play(one, T0, readings)
    late, other = fresh()
    sends = [(other.send(T0 + i * S), reading) for i, reading in enumerate(readings)]
    chance.shuffle(sends)
    for pending, reading in sends:
        other.decide(pending, reading)
    now = T0 + 100 * S
    assert finish(late, now).minutes == finish(prompt, now).minutes
    assert (other.results, other.rtt.counts, other.rtt.total) == (one.results, one.rtt.counts, one.rtt.total)


STEPS = st.sampled_from((S, S + 400 * MS, S - 200 * MS, S + S // 2 + 1, 3 * S, 0, -5 * S))


@given(st.lists(st.tuples(STEPS, READINGS, st.integers(0, 2)), max_size=60))
def test_runs_say_what_was_measured(script: list[tuple[int, Reading, int]]) -> None:
    """Against the definition: same result, no slot left out; `until` reaches the next sample when nothing was missed."""
    made, series = fresh()
    at = T0
    kept: list[tuple[int, Result]] = []
    for step, reading, overruns in script:
        for _ in range(overruns):
            series.overrun()
        before, at = at, at + step
        refused = series.skipped["clock_step"]
        probe(series, at, reading)
        invariant(series)
        if series.skipped["clock_step"] > refused:
            at = before if kept else at
            continue
        kept.append((at, reading.result))
    found = runs(made)
    assert sum(run.samples for run in found) == len(kept)
    assert [result for run in found for result in [run.result] * run.samples] == [result for _, result in kept]
    index = 0
    for run, following in zip_longest(found, found[1:]):
        mine = kept[index : index + run.samples]
        index += run.samples
        assert (run.first_sent, run.last_sent) == (mine[0][0], mine[-1][0])
        assert all(later - earlier <= S + S // 2 for (earlier, _), (later, _) in pairwise(mine))
        if following is None:
            assert run.until == run.last_sent
        else:
            assert run.last_sent < run.until <= following.first_sent
            if following.first_sent - run.last_sent <= S + S // 2:
                assert run.until == following.first_sent


def test_a_healthy_day_is_one_run() -> None:
    made, series = fresh(10 * S)
    play(series, T0, [success()] * 8640)
    assert runs(made) == [Run(T0, T0 + 8639 * 10 * S, T0 + 8639 * 10 * S, 8640, Result.SUCCESS)]


def test_a_change_of_result_ends_the_run_at_the_next_send() -> None:
    made, series = fresh()
    play(series, T0, [success(), success(), LOST, success()])
    assert runs(made) == [
        Run(T0, T0 + S, T0 + 2 * S, 2, Result.SUCCESS),
        Run(T0 + 2 * S, T0 + 2 * S, T0 + 3 * S, 1, Result.TIMEOUT),
        Run(T0 + 3 * S, T0 + 3 * S, T0 + 3 * S, 1, Result.SUCCESS),
    ]


def test_after_missed_slots_a_sample_speaks_for_one_interval() -> None:
    made, series = fresh()
    after = play(series, T0, [success()] * 3)
    play(series, after + 10 * S, [success()] * 2)
    assert runs(made) == [
        Run(T0, T0 + 2 * S, T0 + 3 * S, 3, Result.SUCCESS),
        Run(T0 + 13 * S, T0 + 14 * S, T0 + 14 * S, 2, Result.SUCCESS),
    ]


def test_an_overrun_leaves_no_hole() -> None:
    made, series = fresh()
    first = series.send(T0)
    series.overrun()
    series.overrun()
    series.decide(first, LOST)
    probe(series, T0 + 3 * S, LOST)
    assert runs(made) == [
        Run(T0, T0, T0 + 3 * S, 1, Result.TIMEOUT),
        Run(T0 + 3 * S, T0 + 3 * S, T0 + 3 * S, 1, Result.TIMEOUT),
    ]
    assert series.skipped["overrun"] == 2


def test_an_overrun_excuses_its_own_slots_only() -> None:
    made, series = fresh()
    probe(series, T0, success())
    series.overrun()
    probe(series, T0 + 100 * S, success())
    assert runs(made)[0].until == T0 + S


def test_a_clock_stepped_back_is_counted_and_not_recorded() -> None:
    made, series = fresh()
    play(series, T0, [success()] * 3)
    for back in (T0 + 2 * S, T0 - 50 * S):
        probe(series, back, LOST)
    probe(series, T0 + 3 * S, success())
    assert series.attempts == 6
    assert series.results[RESULT_CODE[Result.TIMEOUT]] == 2
    assert series.skipped["clock_step"] == 2
    assert runs(made) == [Run(T0, T0 + 3 * S, T0 + 3 * S, 4, Result.SUCCESS)]
    invariant(series)


def test_the_first_decision_stands() -> None:
    made, series = fresh()
    pending = series.send(T0)
    series.decide(pending, success())
    series.decide(pending, LOST)
    assert series.results[RESULT_CODE[Result.SUCCESS]] == 1
    assert series.results[RESULT_CODE[Result.TIMEOUT]] == 0
    assert runs(made)[0].samples == 1
    invariant(series)


def test_counters() -> None:
    _, series = fresh()
    probe(series, T0, Reading(Result.SUCCESS, 15 * MS, 61, userspace=True, phases=(("resolve", 3), ("connect", 4))))
    probe(
        series,
        T0 + S,
        Reading(Result.BAD_RESPONSE, 7 * MS, 60, phases=(("connect", 6),), gauges=(("http_status_code", 503),)),
    )
    probe(series, T0 + 2 * S, Reading(Result.ICMP_ERROR, icmp_error=(3, 1, "remote")))
    series.late(T0)
    series.late()
    series.duplicate()
    series.reordered()
    series.corrupt()
    assert (series.late_replies, series.duplicate_replies, series.reordered_replies, series.corrupt_replies) == (
        2,
        1,
        1,
        1,
    )
    assert series.phases == {"resolve": [3, 1], "connect": [10, 2]}
    assert series.gauges == {"http_status_code": 503}
    assert series.icmp_errors == {(3, 1, "remote"): 1}
    assert (series.userspace, series.counts().hop_limit) == (1, 60)
    assert (series.counts().last_success, series.counts().last_result) == (T0, T0 + 2 * S)
    assert (series.rtt.count, series.rtt.total) == (1, 15 * MS), "successes only"
    assert dict(series.skipped) == {"overrun": 0, "clock_step": 0}, "every series exists from the start"


@given(st.lists(READINGS, min_size=1, max_size=30))
def test_the_histogram_holds_the_round_trips_of_successes(readings: list[Reading]) -> None:
    _, series = fresh()
    play(series, T0, readings)
    rtts = [reading.rtt for reading in readings if reading.result is Result.SUCCESS and reading.rtt is not None]
    assert series.rtt.total == sum(rtts)
    edges = series.rtt.edges
    for i, edge in enumerate(edges):
        assert sum(series.rtt.counts[: i + 1]) == sum(1 for rtt in rtts if rtt <= edge)


@pytest.mark.parametrize("rtt", [-5, 1 << 70])
def test_an_impossible_round_trip_is_nobodys(rtt: int) -> None:
    made, series = fresh()
    probe(series, T0, Reading(Result.SUCCESS, rtt, 70_000))
    (settled,) = finish(made, T0 + S).minutes
    assert (settled.record.received, settled.record.rtt_count, series.rtt.count) == (1, 0, 0)


def test_replies_that_change_nothing_are_events_of_the_open_minute() -> None:
    made, series = fresh()
    play(series, T0, [success()] * 61)
    series.late(T0 + 59 * S)
    series.duplicate()
    records = [settled.record for settled in finish(made, T0 + 62 * S).minutes]
    assert [(one.late, one.duplicate) for one in records] == [(0, 0), (1, 1)]


def test_grouping_by_hand_agrees() -> None:
    made, series = fresh()
    pattern = [success()] * 5 + [LOST] * 3 + [success()] * 2 + [LOST]
    play(series, T0, pattern)
    assert [(run.result, run.samples) for run in runs(made)] == [
        (result, len(list(group))) for result, group in groupby(reading.result for reading in pattern)
    ]


def test_a_gap_shorter_than_a_slot_parts_two_runs() -> None:
    made, series = fresh(10 * S)
    play(series, T0, [success()] * 3)
    made.gap(Gap(T0 + 22 * S, T0 + 25 * S, "suspended"))
    play(series, T0 + 30 * S, [success()] * 3)
    assert runs(made) == [
        Run(T0, T0 + 20 * S, T0 + 30 * S, 3, Result.SUCCESS),
        Run(T0 + 30 * S, T0 + 50 * S, T0 + 50 * S, 3, Result.SUCCESS),
    ]


def test_a_gap_parts_what_was_in_flight() -> None:
    """Sent before, in and after the gap, decided when the gap is known."""
    made, series = fresh(S)
    play(series, T0, [success()] * 3)
    flying = [series.send(T0 + i * S) for i in range(3, 8)]
    made.gap(Gap(T0 + 4 * S + S // 2, T0 + 6 * S + S // 2, "clock_step"))
    for pending in flying:
        series.decide(pending, success())
    play(series, T0 + 8 * S, [success()] * 2)
    assert [(run.first_sent, run.samples) for run in runs(made)] == [(T0, 5), (T0 + 5 * S, 2), (T0 + 7 * S, 3)]


def test_a_gap_that_is_told_late_leaves_no_hole() -> None:
    """Samples were sent and decided after it: the run that went over it ends, and the time after it is accounted for."""
    made, series = fresh(S)
    play(series, T0, [success()] * 6)
    made.gap(Gap(T0 + 2 * S + S // 10, T0 + 2 * S + S // 5, "suspended"))
    play(series, T0 + 6 * S + S // 20, [success()] * 2)
    assert [(run.last_sent, run.until, run.samples) for run in runs(made)] == [
        (T0 + 5 * S, T0 + 6 * S + S // 20, 6),
        (T0 + 7 * S + S // 20, T0 + 7 * S + S // 20, 2),
    ]


def test_a_gap_before_the_first_sample_parts_nothing() -> None:
    made, series = fresh(S)
    made.gap(Gap(T0 - 5 * S, T0 - 4 * S, "suspended"))
    play(series, T0, [success()] * 4)
    assert [run.samples for run in runs(made)] == [4]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 6)), min_size=1, max_size=3), st.integers(0, 40))
def test_a_gap_is_judged_the_same_whatever_follows(gaps: list[tuple[int, int]], more: int) -> None:
    """Send times of a run are reckoned from its ends: no later sample may move what was said of the time before it."""
    made, series = fresh(10 * S)
    told: list[tuple[int, int]] = []
    sent = T0
    said: Timeline[State] | None = None
    for i in range(30 + more):
        probe(series, sent, success() if i % 7 < 4 else LOST)
        last, sent = sent, sent + 10 * S + (i * 37 % 11) * 40_000_000
        for after, length in gaps:
            if after * 2 == i:
                span = (last + S, last + S + length * S)
                told.append(span)
                made.gap(Gap(*span, "suspended"))
        facts = SeriesFacts(target="t", interval=10 * S, timeout=S, known_from=T0, through=last, runs=tuple(runs(made)))
        seen = detect(facts, Rule(), union(told))
        if said is not None and said.pieces:
            assert seen.timeline.clip(said.start, said.end) == said
        said = seen.timeline
