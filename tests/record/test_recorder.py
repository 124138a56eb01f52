"""Opening, reloading, closing and restarting: what becomes of the record."""

from __future__ import annotations

from typing import Any

import pytest

from slamon.model import MINUTE, MS, RESULT_CODE, Reading, Result, S
from slamon.record.recorder import LEAST_SLICE, SLEW, SLICE, SLICE_SAMPLES, Known, Recorder
from slamon.record.rows import Gap, Run, extended
from slamon.record.track import LOOK_EVERY
from tests.record.worlds import EDGES, LIMITS, LOST, T0, finish, opened, play, probe, recorder, success, target


def tail(made: Recorder, name: str = "hq/ping") -> tuple[Run, ...]:
    return made._tracks[name].tail()


def test_an_unchanged_target_keeps_its_series() -> None:
    made = recorder()
    series = opened(made)
    play(series, T0, [success()] * 3)
    assert opened(made) is series
    assert series.attempts == 3


def test_other_edges_reset_the_histogram_alone() -> None:
    made = recorder()
    series = opened(made)
    play(series, T0, [success()] * 3)
    assert made.open(target(), limits=LIMITS, edges=(1, 2)) is series
    assert (series.rtt.edges, series.rtt.count, series.attempts) == ((1, 2), 0, 3)


def test_other_limits_count_from_the_minute_that_is_open() -> None:
    made = recorder()
    series = opened(made)
    play(series, T0, [success(20 * MS)] * 3)
    made.batch(T0 + 3 * S)
    assert made.open(target(), limits=(5 * MS,), edges=EDGES) is series
    batch = finish(made, T0 + 4 * S)
    assert [one.limits for one in batch.opened] == [(5 * MS,)]
    assert batch.minutes[0].record.within == {5 * MS: 0}


def test_a_changed_target_ends_its_run_where_the_next_begins() -> None:
    made = recorder()
    old = opened(made, target(interval=S))
    after = play(old, T0, [success()] * 5)
    new = opened(made, target(interval=10 * S))
    assert new is not old
    assert new.attempts == 0, "counters begin again"
    play(new, after, [success()] * 2)
    assert tail(made) == (
        Run(T0, T0 + 4 * S, after, 5, Result.SUCCESS),
        Run(after, after + 10 * S, after + 10 * S, 2, Result.SUCCESS),
    )
    first, second = finish(made, after + 20 * S).minutes
    assert (first.record.received, second.record.received) == (5, 2)
    assert first.record.start == second.record.start


def test_a_changed_target_that_waits_for_its_slot_leaves_a_hole() -> None:
    made = recorder()
    play(opened(made, target(interval=S)), T0, [success()] * 5)
    play(opened(made, target(interval=10 * S)), T0 + 9 * S, [success()] * 2)
    assert tail(made)[0].until == T0 + 5 * S


def test_after_a_change_a_sample_speaks_for_the_new_interval() -> None:
    made = recorder()
    play(opened(made, target(interval=S)), T0, [success()] * 5)
    new = opened(made, target(interval=10 * S))
    probe(new, T0 + 5 * S, success())
    probe(new, T0 + 100 * S, success())
    assert [run.until for run in tail(made)] == [T0 + 5 * S, T0 + 15 * S, T0 + 100 * S]


def test_what_a_changed_target_left_in_flight_is_waited_for() -> None:
    made = recorder()
    series = opened(made, target(timeout=3 * S))
    play(series, T0, [success()] * 3)
    flying = series.send(T0 + 3 * S)
    held = series.send(T0 + 4 * S)
    series.decide(held, success())
    assert opened(made, target(timeout=2 * S)) is series
    assert series.target.timeout == 2 * S
    series.decide(flying, LOST)
    assert (series.attempts, sum(series.results), series.in_flight) == (5, 5, 0)
    assert [(run.samples, run.until) for run in tail(made)] == [(3, T0 + 3 * S), (1, T0 + 4 * S), (1, T0 + 4 * S)]


@pytest.mark.parametrize("changed", [{"interval": 2 * S}, {"probe": "tcp"}])
def test_what_another_spacing_or_kind_left_in_flight_is_counted_and_not_recorded(changed: dict[str, Any]) -> None:
    made = recorder()
    old = opened(made)
    play(old, T0, [success()] * 3)
    flying = old.send(T0 + 3 * S)
    held = old.send(T0 + 4 * S)
    old.decide(held, success())
    assert opened(made, target(**changed)) is not old
    old.decide(flying, LOST)
    assert (old.attempts, sum(old.results), old.in_flight) == (5, 5, 0)
    assert sum(minute.record.received + minute.record.lost for minute in finish(made, T0 + 9 * S).minutes) == 3


def test_series_end_with_their_target_spacing_or_kind() -> None:
    made = recorder()
    names = ["a/gone", "b/kind", "c/spacing", "d/timeout", "e/same"]
    for name in names:
        opened(made, target(name))
    after = [
        target("b/kind", probe="tcp"),
        target("c/spacing", interval=2 * S),
        target("d/timeout", timeout=S),
        target("e/same"),
    ]
    assert made.ending({one.name: one for one in after}) == names[:3]


@pytest.mark.parametrize(("changed", "counted"), [({"timeout": 2 * S}, 1), ({"probe": "tcp"}, 0)])
def test_replies_to_the_definition_before_are_counted_alike_everywhere(changed: dict[str, Any], counted: int) -> None:
    made = recorder()
    old = opened(made, target())
    probe(old, T0 + 5 * S, success())
    old.decide(old.send(T0 + 6 * S), LOST)
    new = opened(made, target(**changed))
    probe(new, T0 + 7 * S, success())
    old.late()  # the line still tells the peer it was sent for
    assert sum(minute.record.late for minute in finish(made, T0 + 70 * S).minutes) == new.late_replies == counted


def test_a_redefinition_is_summed_by_the_definition_it_was_measured_with() -> None:
    made = recorder()
    name_error = success()._replace(result=Result.DNS_ERROR)
    play(opened(made, target(probe="dns")), T0, [name_error] * 70)
    play(opened(made, target(probe="http")), T0 + 70 * S, [name_error] * 5)
    records = [minute.record for minute in finish(made, T0 + 80 * S).minutes]
    assert [(one.received, one.ours) for one in records] == [(0, 60), (0, 10), (0, 5)]


def test_settled_stays_behind_now_and_never_goes_back() -> None:
    made = recorder()
    opened(made)
    assert made.batch(T0).settled == T0 - SLEW
    assert made.batch(T0 - 5 * S).settled == T0 - SLEW
    assert made.batch(T0 + S).settled == T0 + S - SLEW


def test_a_probe_in_flight_keeps_its_series_back_and_no_other() -> None:
    made = recorder()
    slow, quick = opened(made), opened(made, target("b/ping"))
    waiting = slow.send(T0)
    held = slow.send(T0 + S)
    slow.decide(held, success())
    probe(quick, T0 + S // 2, success())
    batch = made.batch(T0 + 2 * S)
    assert batch.lagging == {made._tracks["hq/ping"].id: T0}
    assert set(batch.tails or ()) == {made._tracks["b/ping"].id}
    slow.decide(waiting, LOST)
    batch = made.batch(T0 + 3 * S)
    assert batch.lagging == {}
    assert [run.result for run in (batch.tails or {})[made._tracks["hq/ping"].id]] == [Result.TIMEOUT, Result.SUCCESS]


def test_minutes_are_packed_in_the_order_of_their_rows() -> None:
    """Series by series, in whatever order they closed."""
    made = recorder()
    series = [opened(made, target(f"s{n}/ping")) for n in range(5)]
    for minute in range(2):
        for offset, each in enumerate(reversed(series)):
            probe(each, T0 + minute * MINUTE + offset, success())
    packed = [one.series for one in made.batch(T0 + MINUTE + S).minutes]
    assert packed == sorted(made._by_id)


def test_a_run_that_only_goes_on_is_not_told_again() -> None:
    """Seconds 70 and 71 are lost, 150 is left out, and in 190 whoever follows begins anew."""
    made = recorder()
    series = opened(made)
    track = made._tracks["hq/ping"]
    runs: dict[int, Run] = {}
    whole = []
    for second in range(200):
        if second == 190:
            made.retell()
        if second != 150:
            probe(series, T0 + second * S, LOST if second in {70, 71} else success())
        batch = made.batch(T0 + second * S + S // 2)
        told = (batch.tails or {}).get(track.id, ())
        assert not (told and batch.grown)
        whole += [second] if told else []
        runs |= {run.first_sent: run for run in (*(run for minute in batch.minutes for run in minute.runs), *told)}
        last = max(runs)
        runs[last] = extended(runs[last], batch.grown.get(track.id))
        assert runs[last] == track.open_run()
    assert [(run.samples, run.result) for _, run in sorted(runs.items())] == [
        (70, Result.SUCCESS), (2, Result.TIMEOUT), (78, Result.SUCCESS), (49, Result.SUCCESS),
    ]  # fmt: skip
    # What turned is told whole until the minute it ended in is recorded.
    assert whole[0] == 0
    assert whole[-1] == 190
    assert {*range(70, 120), *range(151, 180)} <= set(whole)
    assert set(whole).isdisjoint({*range(1, 70), *range(130, 150)})


def test_a_probe_sent_before_what_is_settled_is_refused() -> None:
    made = recorder()
    series = opened(made)
    made.batch(T0)
    probe(series, T0 - SLEW - 1, success())
    probe(series, T0 - SLEW, success())
    assert series.skipped["clock_step"] == 1
    assert tail(made)[0].samples == 1


def test_gaps_opened_and_first_samples_go_out_once() -> None:
    made = recorder()
    series = opened(made)
    made.gap(Gap(T0 - 5 * S, T0 - 2 * S, "suspended"))
    batch = made.batch(T0)
    assert [one.target for one in batch.opened] == ["hq/ping"]
    assert batch.gaps == (Gap(T0 - 5 * S, T0 - 2 * S, "suspended"),)
    assert batch.first == ()
    probe(series, T0, success())
    batch = made.batch(T0 + S)
    assert (batch.opened, batch.gaps) == ((), ())
    assert batch.first == ((1, T0),)
    probe(series, T0 + S, success())
    assert made.batch(T0 + 2 * S).first == ()


def test_a_minute_closes_with_time_when_no_sample_follows() -> None:
    made = recorder()
    series = opened(made, target(interval=600 * S))
    probe(series, T0, success())
    minutes = [minute for i in range(1, 3 * LOOK_EVERY) for minute in made.batch(T0 + 50 * S + i * S).minutes]
    assert [(minute.record.received, minute.upto) for minute in minutes] == [(1, T0 + MINUTE)]


@pytest.mark.parametrize("early", [0, 1])
def test_a_minute_is_over_at_its_end(early: int) -> None:
    made = recorder()
    probe(opened(made, target(interval=600 * S)), T0, success())
    for _ in range(LOOK_EVERY):
        batch = made.batch(T0 + MINUTE + SLEW - early)
    assert len(batch.minutes) == 1 - early


def test_a_reply_that_comes_after_its_minute_is_of_the_next() -> None:
    made = recorder()
    series = opened(made, target(interval=600 * S))
    probe(series, T0, success())
    for i in range(LOOK_EVERY):
        made.batch(T0 + MINUTE + i * S)
    series.late(T0)
    probe(series, T0 + 600 * S, success())
    assert [minute.record.late for minute in finish(made, T0 + 601 * S).minutes] == [1]


def test_what_waits_to_be_packed_is_not_complete() -> None:
    made = recorder()
    for i in range(2 * SLICE):
        play(opened(made, target(f"s{i}/ping")), T0 + i, [success(), success()], step=MINUTE)
    assert made.batch(T0 + 2 * MINUTE).complete == T0


@pytest.mark.parametrize("reading", [success(), LOST, Reading(Result.LOCAL_ERROR), Reading(Result.CONNECT_ERROR)])
def test_minutes_of_many_samples_are_packed_fewer_at_a_time(reading: Reading) -> None:
    made = recorder()
    many = SLICE * SLICE_SAMPLES // 2
    for i in range(SLICE):
        play(opened(made, target(f"s{i}/ping")), T0, [reading] * many, step=MINUTE // many)
        play(made.series[f"s{i}/ping"], T0 + MINUTE, [success()])
    assert len(made.batch(T0 + 2 * MINUTE).minutes) == 2
    assert len(finish(made, T0 + 2 * MINUTE).minutes) == 2 * SLICE - 2


def test_minutes_are_packed_a_few_at_a_time_between_two_batches() -> None:
    made = recorder()
    count = 80 * SLICE
    for i in range(count):
        play(opened(made, target(f"s{i}/ping")), T0 + i, [success(), success()], step=MINUTE)
    made.pack()
    assert made.batch(T0 + 2 * MINUTE).minutes == (), "they are put in order first"
    left = []
    for _ in range(60):
        made.pack()
        left.append(len(made._journal.done))
    assert left[:2] == [count - 10, count - 19]
    assert left[-2] - left[-1] == 8, "never fewer"
    batch = made.batch(T0 + 2 * MINUTE)
    assert len(batch.minutes) == count - left[-1]
    assert batch.keep_from == 1
    assert len(finish(made, T0 + 2 * MINUTE).minutes) == count + left[-1]


def test_a_tick_packs_one_minute_of_a_fast_target() -> None:
    made = recorder()
    many = LEAST_SLICE * SLICE_SAMPLES
    for i in range(4):
        play(opened(made, target(f"s{i}/ping")), T0, [success()] * many, step=MINUTE // many)
        play(made.series[f"s{i}/ping"], T0 + MINUTE, [success()])
    made.pack()
    made.batch(T0 + 2 * MINUTE)
    made.pack()
    assert len(made._journal.done) == 3


def test_where_nothing_ticks_the_batches_pack() -> None:
    made = recorder()
    for i in range(2 * SLICE + 4):
        play(opened(made, target(f"s{i}/ping")), T0 + i, [success(), success()], step=MINUTE)
    assert [len(made.batch(T0 + MINUTE + i).minutes) for i in range(4)] == [SLICE, SLICE, 4, 0]


def test_minutes_that_end_after_a_batch_wait_for_the_next_one() -> None:
    """Their rows go to other pages of the store; they are put in order with those that end in the same second."""
    made = recorder()
    for i in range(SLICE + 4):
        play(opened(made, target(f"s{i}/ping")), T0 + i, [success(), success()], step=MINUTE)
    made.batch(T0 + MINUTE)
    for i in range(SLICE):
        probe(made.series[f"s{i}/ping"], T0 + 2 * MINUTE + i, success())
    for _ in range(3):
        made.pack()
    assert len(made._journal.done) == SLICE
    ids = [one.series for one in made.batch(T0 + 2 * MINUTE + S).minutes]
    assert ids == [*range(SLICE + 1, SLICE + 5)]
    made.pack()
    assert [one.series for one in made.batch(T0 + 2 * MINUTE + 2 * S).minutes] == [*range(1, 9)]


def test_what_the_journal_must_keep_is_known_with_every_batch() -> None:
    made = recorder()
    early, late = opened(made), opened(made, target("b/ping"))
    probe(early, T0, success())
    assert made.batch(T0 + S).keep_from == 1
    probe(late, T0 + S, success())
    assert made.batch(T0 + 2 * S).keep_from == 1
    probe(early, T0 + MINUTE, success())
    batch = made.batch(T0 + MINUTE + S)
    assert [one.series for one in batch.minutes] == [1]
    assert (batch.keep_from, batch.complete) == (2, T0), "the minute of the other one is still open"
    probe(late, T0 + MINUTE + S, success())
    batch = made.batch(T0 + MINUTE + 2 * S)
    assert (batch.keep_from, batch.complete) == (3, T0 + MINUTE)
    batch = finish(made, T0 + MINUTE + 3 * S)
    assert (batch.keep_from, batch.complete) == (batch.number, batch.settled)
    assert not made._journal.open, "nothing is held of minutes that are over"


def test_closing_tells_how_far_it_is_known() -> None:
    made = recorder()
    done, flying = opened(made), opened(made, target("b/ping"))
    probe(done, T0, success())
    probe(flying, T0, success())
    flying.send(T0 + S)
    ids = {name: track.id for name, track in made._tracks.items()}
    batch = finish(made, T0 + 5 * S)
    assert dict(batch.closed) == {ids["hq/ping"]: T0 + 5 * S - SLEW, ids["b/ping"]: T0 + S}
    assert not made.series


def test_closed_and_opened_again_is_open() -> None:
    made = recorder()
    play(opened(made), T0, [success()] * 3)
    made.close("hq/ping")
    series = opened(made)
    play(series, T0 + 3 * S, [success()])
    batch = made.batch(T0 + 5 * S)
    assert batch.closed == ()
    assert [run.until for run in tail(made)] == [T0 + 2 * S, T0 + 3 * S], "nobody watched in between"


def known() -> dict[str, Known]:
    run = Run(T0 - 100 * S, T0 - 50 * S, T0 - 50 * S, 51, Result.SUCCESS)
    one = Known(7, T0 - 100 * S, T0 - 49 * S, run, S, (T0 - 50 * S, 20 * MS), T0 - 50 * S + 1)
    return {"hq/ping": one}


def test_after_a_restart_the_open_run_ends_at_its_last_sample() -> None:
    made = recorder(known())
    series = opened(made)
    play(series, T0, [success()] * 2)
    assert tail(made) == (
        Run(T0 - 100 * S, T0 - 50 * S, T0 - 50 * S, 51, Result.SUCCESS),
        Run(T0, T0 + S, T0 + S, 2, Result.SUCCESS),
    )
    batch = made.batch(T0 + 2 * S)
    assert [one.id for one in batch.opened] == [7]
    assert batch.first == (), "it was known before"
    assert opened(made, target("b/ping")) is not series
    assert made._tracks["b/ping"].id == 8


def test_a_quick_restart_is_not_continued_either() -> None:
    made = recorder(known())
    probe(opened(made), T0 - 49 * S, success())
    assert tail(made)[0].until == T0 - 50 * S


def test_a_clock_behind_what_is_stored_records_nothing() -> None:
    made = recorder(known())
    series = opened(made)
    for i in range(5):
        probe(series, T0 - 60 * S + i * S, LOST)
    assert series.skipped["clock_step"] == 5
    assert series.results[RESULT_CODE[Result.TIMEOUT]] == 5
    assert [run.samples for run in tail(made)] == [51]


def test_numbers_of_batches_count_up() -> None:
    made = recorder()
    assert [made.batch(T0 + i * S).number for i in range(3)] == [1, 2, 3]


def test_closing_a_target_that_is_not_open_is_a_bug() -> None:
    with pytest.raises(KeyError):
        recorder().close("no/target")
