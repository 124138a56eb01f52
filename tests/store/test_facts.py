"""What is written is what is read: by the daemon itself, beside it, after a stop and after a kill."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from pydantic import TypeAdapter, ValidationError

from slamon.config.values import Consecutive
from slamon.model import DAY, MINUTE, MS, Reading, Result, S
from slamon.record.packing import Packed, unpack
from slamon.record.records import total
from slamon.record.rows import Gap, Run
from slamon.sla.detection import Rule, detect
from slamon.sla.timeline import union
from slamon.store import Store
from slamon.store.reading import UP_AFTER, StoredSeries
from tests.record.worlds import LOST, T0, opened, probe, success, target
from tests.store.rig import EVER, Daemon, counted, kept, minute

NAME = "hq/ping"


def both(
    daemon: Daemon, *names: str, start: int = 0, end: int = EVER, up_after: int = UP_AFTER
) -> dict[str, StoredSeries]:
    """The facts as the daemon reads them, having checked that another process reads the same."""
    mine = daemon.store.load(names or [NAME], start, end, up_after=up_after)
    with Store.open(daemon.path, write=False) as reader:
        assert reader.load(names or [NAME], start, end, up_after=up_after) == mine
    return dict(mine.series)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "slamon.db"


def test_nothing_is_known_before_the_first_sample(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.store.write(daemon.recorder.batch(T0))
        assert both(daemon) == {}
        assert kept(daemon.store, NAME) == []
        assert daemon.store.load(["no/such"], 0, EVER).series == {}


def test_a_second_after_the_first_sample(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()])
        facts = both(daemon)[NAME]
        assert facts.runs == (Run(T0, T0, T0, 1, Result.SUCCESS),)
        assert (facts.known_from, facts.through) == (T0, T0 + S - 100 * MS)
        assert facts.records == (), "the minute is not over"


def test_twenty_minutes(path: Path) -> None:
    with Daemon(path, target(interval=10 * S), target("b/ping")) as daemon:
        daemon.seconds(
            ({NAME: success(), "b/ping": LOST if i % 100 in (7, 8) else success()} for i in range(1200)), every=10
        )
        found = both(daemon, NAME, "b/ping")
        first, second = found[NAME], found["b/ping"]
        assert first.runs == (Run(T0, T0 + 1190 * S, T0 + 1190 * S, 120, Result.SUCCESS),), "one run"
        assert [(run.samples, run.result) for run in second.runs[:3]] == [
            (7, Result.SUCCESS),
            (2, Result.TIMEOUT),
            (98, Result.SUCCESS),
        ]
        assert all(
            run.until == following.first_sent for run, following in zip(second.runs, second.runs[1:], strict=False)
        )
        assert counted(first.records) + 6 == 120, "all but the minute that has just ended"
        assert sum(one.lost for one in second.records) == 24
        rows = daemon.store._connection.connection.dbapi_connection
        assert rows is not None
        assert rows.cursor().execute("SELECT count(*) FROM run WHERE series = 1").fetchone() == (0,)
        assert rows.cursor().execute("SELECT count(*) FROM journal").fetchone()[0] < 2 * 60 + 10


def test_a_stop_leaves_nothing_in_the_journal(path: Path) -> None:
    daemon = Daemon(path, target())
    daemon.seconds([success()] * 90)
    daemon.stop()
    with Store.open(path, write=False) as reader:
        facts = reader.load([NAME], 0, EVER).series[NAME]
        assert counted(facts.records) == 90, "the minute that was cut short is a record too"
        assert facts.runs == (Run(T0, T0 + 89 * S, T0 + 89 * S, 90, Result.SUCCESS),)
        assert facts.through == T0 + 90 * S - 100 * MS
        assert len(kept(reader, NAME)) == 90


def test_a_restart_in_the_same_minute_joins_its_halves(path: Path) -> None:
    daemon = Daemon(path, target())
    daemon.seconds([success(20 * MS)] * 20)
    daemon.stop()
    with Daemon(path, target(), now=T0 + 30 * S) as daemon:
        daemon.seconds([success(30 * MS)] * 60)
        facts = both(daemon)[NAME]
        assert facts.runs == (
            Run(T0, T0 + 19 * S, T0 + 19 * S, 20, Result.SUCCESS),
            Run(T0 + 30 * S, T0 + 89 * S, T0 + 89 * S, 60, Result.SUCCESS),
        ), "what nobody watched is not covered by a run"
        (first,) = facts.records
        assert (first.received, first.rtt_sum) == (50, 20 * 20 * MS + 30 * 30 * MS)
        assert [one.reading.rtt for one in kept(daemon.store, NAME, T0, T0 + MINUTE)] == [20 * MS] * 20 + [30 * MS] * 30
        assert facts.known_from == T0


def test_a_kill_loses_nothing_that_was_written(path: Path, tmp_path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()] * 70 + [LOST] * 5 + [success()] * 20)
        before = daemon.store.load([NAME], 0, EVER)
        samples = kept(daemon.store, NAME)
        left = daemon.killed(tmp_path / "left")
    with Store.open(left, write=False) as reader:
        assert reader.load([NAME], 0, EVER) == before, "without any repair"
        assert kept(reader, NAME) == samples
        assert len(samples) == 95
    with Daemon(left, target(), now=T0 + 200 * S) as again:
        facts = both(again)[NAME]
        assert facts.runs == before.series[NAME].runs
        assert facts.through == before.series[NAME].through
        assert counted(facts.records) == 95, "what was left of the last minute is a record now"
        assert kept(again.store, NAME) == samples
        again.seconds([success()] * 3)
        assert both(again)[NAME].runs[-2:] == (
            before.series[NAME].runs[-1],
            Run(T0 + 200 * S, T0 + 202 * S, T0 + 202 * S, 3, Result.SUCCESS),
        )


def test_a_late_reply_outlives_a_kill(path: Path, tmp_path: Path) -> None:
    """It came when no minute was open, so it waits for the next one, in the journal as in memory."""
    with Daemon(path, target(interval=70 * S)) as daemon:
        daemon.seconds([success()] * 70)
        daemon.series[NAME].late(T0)
        daemon.seconds([success()])
        left = daemon.killed(tmp_path / "left")
        daemon.stop()
    with Daemon(left, target(), now=T0 + 500 * S) as daemon:
        assert [one.late for one in both(daemon)[NAME].records] == [0, 1]
    with Store.open(path, write=False) as stopped:
        assert [one.late for one in stopped.load([NAME], 0, EVER).series[NAME].records] == [0, 1]


def test_a_minute_that_is_over_but_not_written_is_read_from_the_journal(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()] * 59)
        for _ in range(3):
            probe(daemon.series[NAME], daemon.now, success())
            daemon.now += S
        batch = daemon.recorder.batch(daemon.now)
        daemon.store.write(replace(batch, minutes=(), keep_from=0))
        with Store.open(path, write=False) as reader:
            (first,) = reader.load([NAME], 0, EVER).series[NAME].records
            assert (first.received, first.raw) == (60, None)
            (cut,) = reader.load([NAME], T0 + 1, EVER).series[NAME].records
            assert cut.raw is not None
        daemon.store.write(batch)


def test_a_minute_that_ended_without_a_sample_after_it_is_read_from_the_journal(path: Path) -> None:
    """The daemon looks for such minutes at every eighth batch; so does whoever replays its journal."""
    with Daemon(path, target(interval=600 * S)) as daemon:
        daemon.seconds([success()] * 63)
        probe(daemon.series[NAME], daemon.now, success())
        daemon.now = T0 + 3 * MINUTE
        batch = daemon.recorder.batch(daemon.now)
        assert (batch.number, [one.record.start for one in batch.minutes]) == (64, [T0, minute(1)])
        daemon.store.write(replace(batch, minutes=(), keep_from=0))
        with Store.open(path, write=False) as reader:
            assert [one.start for one in reader.load([NAME], 0, EVER).series[NAME].records] == [T0, minute(1)]
        daemon.store.write(batch)


def test_a_probe_in_flight_keeps_through_back(path: Path) -> None:
    with Daemon(path, target(), target("b/ping")) as daemon:
        daemon.seconds([success()] * 3)
        waiting = daemon.series[NAME].send(daemon.now)
        probe(daemon.series["b/ping"], daemon.now, success())
        daemon.now += 2 * S
        daemon.store.write(daemon.recorder.batch(daemon.now))
        found = both(daemon, NAME, "b/ping")
        assert found[NAME].through == T0 + 3 * S
        assert found["b/ping"].through == T0 + 5 * S - 100 * MS
        daemon.series[NAME].decide(waiting, LOST)
        daemon.store.write(daemon.recorder.batch(daemon.now))
        assert both(daemon)[NAME].runs[-1].result is Result.TIMEOUT
        assert both(daemon)[NAME].through == T0 + 5 * S - 100 * MS


def test_a_target_that_left_and_one_that_changed(path: Path) -> None:
    with Daemon(path, target(), target("b/ping")) as daemon:
        daemon.seconds([success()] * 5)
        daemon.recorder.close("b/ping")
        del daemon.series["b/ping"]
        changed = replace(target(), timeout=2 * S)
        daemon.series[NAME] = opened(daemon.recorder, changed)
        daemon.seconds([LOST] * 70)
        found = both(daemon, NAME, "b/ping")
        assert found["b/ping"].through < T0 + 6 * S
        assert counted(found["b/ping"].records) == 5
        assert [run.samples for run in found[NAME].runs] == [5, 70]
        assert found[NAME].runs[0].until == T0 + 5 * S, "the change left no hole"
        assert [(one.received, one.lost) for one in found[NAME].records] == [(5, 55)]


def test_gaps(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.recorder.gap(Gap(T0 - 9 * S, T0 - 5 * S, "suspended"))
        daemon.recorder.gap(Gap(T0 - S, T0 + S, "clock_step"))
        daemon.seconds([success()])
        assert daemon.store.load([], T0, T0 + DAY).gaps == (Gap(T0 - S, T0 + S, "clock_step"),)
        assert daemon.store.load([], T0 - DAY, T0 - S).gaps == (Gap(T0 - 9 * S, T0 - 5 * S, "suspended"),)
        assert daemon.store.load([NAME], T0, T0 + S).gaps == (Gap(T0 - S, T0 + S, "clock_step"),)


def test_samples_as_they_were(path: Path) -> None:
    script = [success(20 * MS + i, 60 if i % 3 else None) if i % 7 else LOST for i in range(150)]
    with Daemon(path, target()) as daemon:
        daemon.seconds(script)
        found = kept(daemon.store, NAME, T0 + 30 * S, T0 + 140 * S)
        assert [(one.target, one.sent, one.reading) for one in found] == [
            (NAME, T0 + i * S, script[i]) for i in range(30, 140)
        ]


def test_writing_a_batch_again_changes_nothing(path: Path) -> None:
    with Daemon(path, target(), target("b/ping")) as daemon:
        daemon.seconds([success()] * 58)
        for _ in range(6):
            for series in daemon.series.values():
                probe(series, daemon.now, success())
            daemon.now += S
            batch = daemon.recorder.batch(daemon.now)
            daemon.store.write(batch)
            before = daemon.store.load([NAME, "b/ping"], 0, EVER)
            daemon.store.write(batch)
            assert daemon.store.load([NAME, "b/ping"], 0, EVER) == before
        assert both(daemon)[NAME].runs[0].samples == 64


def test_a_batch_with_the_end_of_a_minute_and_a_change_within_it(path: Path) -> None:
    """Both halves of the minute, and the one after, go out in one batch."""
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()] * 58)
        probe(daemon.series[NAME], daemon.now, success())
        daemon.series[NAME] = opened(daemon.recorder, target(probe="tcp"))
        for i in (1, 2, 3):
            probe(daemon.series[NAME], daemon.now + i * S, success())
        daemon.now += 4 * S
        batch = daemon.recorder.batch(daemon.now)
        assert [one.record.start for one in batch.minutes] == [T0, T0]
        daemon.store.write(batch)
        assert [(one.start, one.received) for one in both(daemon)[NAME].records] == [(T0, 60)]


def test_a_month_of_context_is_not_read(path: Path) -> None:
    """Back to as many successes in a row as the rule asks for."""
    with Daemon(path, target()) as daemon:
        daemon.seconds(
            [success()] * 150 + [LOST, success()] * 3 + [success()] * 120 + [LOST, success()] * 4 + [success()] * 70
        )
        whole = both(daemon)[NAME].runs
        assert len(whole) == 15
        late = both(daemon, start=T0 + 279 * S, up_after=100)[NAME].runs
        assert late == whole[6:], "the long run decides the state at the start"
        early = both(daemon, start=T0 + 20 * S, end=T0 + 30 * S, up_after=100)[NAME].runs
        assert early == whole[:1]
        assert both(daemon, start=T0 + 279 * S)[NAME].runs == whole, "1000 in a row there never were"


def test_no_rule_asks_for_more_than_the_context_holds() -> None:
    assert _count("1000") == UP_AFTER
    with pytest.raises(ValidationError):
        _count("1001")


def _count(text: str) -> int:
    return TypeAdapter(Consecutive).validate_python(text)


OURS = Reading(Result.LOCAL_ERROR)
STORIES: tuple[tuple[str, list[Reading], tuple[int, int]], ...] = (
    ("120 lost and the rule asks for 150", [success()] * 300 + [LOST] * 120 + [success(), LOST] * 90, (150, 150)),
    ("unmeasured for long", [success()] * 20 + [LOST] * 5 + [OURS] * 300 + [LOST, OURS] * 20, (3, 1)),
    (
        "failures of two kinds",
        [success()] * 20 + [LOST] * 60 + [Reading(Result.ICMP_ERROR)] * 150 + [LOST] * 40,
        (3, 1),
    ),
)


@pytest.mark.parametrize(("readings", "rule"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_what_is_loaded_of_a_span_is_judged_as_if_all_were_known(
    path: Path, readings: list[Reading], rule: tuple[int, int]
) -> None:
    asked = Rule(down_after=rule[0], up_after=rule[1])
    with Daemon(path, target()) as daemon:
        daemon.seconds(readings, every=100)
        daemon.write()
        end = daemon.now
        for start in (end - 20 * S, end - 5 * S):
            whole, loaded = (
                detect(facts.series[NAME].facts(target()), asked, union((one.start, one.end) for one in facts.gaps))
                for facts in (
                    daemon.store.load([NAME], 0, EVER),
                    daemon.store.load([NAME], start, EVER, up_after=asked.up_after),
                )
            )
            assert loaded.settled == whole.settled
            assert loaded.timeline.clip(start, end) == whole.timeline.clip(start, end)
            first, known = (next(p for p in one.timeline.pieces if p.end > start) for one in (whole, loaded))
            assert known.start == first.start, "an outage is known from its start"


def test_gaps_of_the_context_come_with_it(path: Path) -> None:
    """Two losses before a gap and two after it are no four losses in a row."""
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()] * 10 + [LOST] * 2)
        gap = Gap(daemon.now - S // 2, daemon.now + S // 2, "suspended")
        daemon.recorder.gap(gap)
        daemon.seconds([LOST] * 2 + [success()] * 20)
        facts = daemon.store.load([NAME], daemon.now - 5 * S, EVER, up_after=5)
        assert facts.series[NAME].runs[0].first_sent == T0
        assert facts.gaps == (gap,)


def test_a_run_torn_by_a_gap_does_not_decide(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()] * 20 + [LOST] + [success()] * 12 + [LOST])
        daemon.recorder.gap(Gap(T0 + 26 * S, T0 + 27 * S, "clock_step"))
        daemon.seconds([success()] * 5)
        runs = both(daemon, start=daemon.now - 3 * S, up_after=10)[NAME].runs
        assert runs[0].first_sent == T0


def test_runs_are_found_by_their_key(path: Path) -> None:
    """A year of a lossy line is not walked for the facts of a day: the plan has both bounds of the span."""
    statements: list[str] = []
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()])
        driver = cast("sqlite3.Connection", daemon.store._connection.connection.dbapi_connection)
        driver.set_trace_callback(statements.append)
        daemon.store.load([NAME], T0, EVER)
        driver.set_trace_callback(None)
        (query,) = [one for one in statements if "FROM wanted" in one]
        plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {query}")]
    assert "SEARCH run USING PRIMARY KEY (series=? AND first_sent>? AND first_sent<?)" in plan


def test_raw_comes_with_the_minutes_that_are_cut(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds([success()] * 400, every=10)
        cut = minute(2) + 30 * S
        start, end = minute(1), minute(4) + 1
        facts = daemon.store.load([NAME], start, end, cuts=[cut]).series[NAME]
        assert [one.start for one in facts.records] == [minute(n) for n in (1, 2, 3, 4)]
        assert [one.raw is not None for one in facts.records] == [False, True, False, True]
        packed = facts.records[1].raw
        assert packed is not None
        assert unpack(minute(2), packed)[30:31] == [Packed(cut, Result.SUCCESS, 20 * MS, 57)]


def test_dropping_samples_keeps_the_sums(path: Path) -> None:
    with Daemon(path, target(), target("b/ping")) as daemon:
        daemon.seconds([success()] * 600, every=10)
        before = daemon.store.load([NAME], 0, EVER)
        now = minute(10)
        assert daemon.store.prune(now, 4 * MINUTE) == 2 * 6
        assert daemon.store.prune(now, 4 * MINUTE) == 0
        assert daemon.store.load([NAME], 0, EVER) == before
        left = kept(daemon.store, NAME)
        assert left[0].sent == minute(6)
        cut = daemon.store.load([NAME], minute(1) + 1, EVER).series[NAME].records[0]
        assert (cut.start, cut.raw, cut.received) == (minute(1), None, 60)


def test_records_add_up_to_the_samples(path: Path) -> None:
    with Daemon(path, target()) as daemon:
        daemon.seconds((success(MS * (10 + i % 17)) if i % 11 else LOST for i in range(900)), every=10)
        daemon.stop()
    with Store.open(path, write=False) as reader:
        records = reader.load([NAME], T0, T0 + DAY, minutes=True).series[NAME].records
        whole = total(T0, DAY, records)
        rtts = [one.reading.rtt for one in kept(reader, NAME) if one.reading.rtt is not None]
        assert (whole.rtt_count, whole.rtt_sum, whole.lost) == (len(rtts), sum(rtts), 82)
        assert whole.within[20 * MS] == sum(1 for rtt in rtts if rtt <= 20 * MS)
