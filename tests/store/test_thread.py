"""The store thread: order, errors that are disks and errors that are bugs, and what it keeps while nothing can be written."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from slamon.model import S
from slamon.record.recorder import Batch
from slamon.sla.detection import Rule, detect
from slamon.sla.facts import State
from slamon.stats import Stats
from slamon.store import Store, StoredFacts, StoreThread
from tests.record.worlds import LOST, T0, finish, opened, probe, recorder, success, target
from tests.store.rig import EVER, counted, room

NAME = "hq/ping"
NAMES = (NAME, *(f"b{i}/ping" for i in range(15)))


class Rig:
    """A recorder and a thread, and a disk that can be filled: SQLite refuses to grow the file, as it does on a full disk."""

    def __init__(self, path: Path, limit: int) -> None:
        self.store = Store.open(path, write=True)
        self.stats = Stats()
        self.recorder = recorder()
        self.series = [opened(self.recorder, target(name)) for name in NAMES]
        self.thread = StoreThread(self.store, self.stats, limit=limit)
        self.now = T0

    def batch(self, down: bool = False) -> Batch:
        for _ in range(10):
            for i, series in enumerate(self.series):
                probe(series, self.now, LOST if down else success(20_000_000 + hash((i, self.now)) % 9_000_000))
            self.now += S
        return self.recorder.batch(self.now)

    async def put(self, count: int, down: bool = False) -> None:
        for _ in range(count):
            self.thread.put(self.batch(down))
        await self.thread.call(int)

    async def fill(self) -> None:
        await self.thread.call(room, self.store, 1)

    async def empty(self) -> None:
        await self.thread.call(room, self.store, 1 << 30)


def lost_from(facts: StoredFacts) -> int:
    return min(one.start for one in facts.gaps)


def lost_to(facts: StoredFacts) -> int:
    return max(one.end for one in facts.gaps)


@pytest.fixture
async def rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path / "slamon.db", getattr(request, "param", 1 << 30))
    yield rig
    await rig.empty()
    await rig.thread.close()


async def test_what_is_put_is_there_for_the_next_call(rig: Rig) -> None:
    rig.thread.put(rig.batch())
    facts = await rig.thread.call(rig.store.load, [NAME], 0, EVER)
    assert facts.series[NAME].runs[0].samples == 10
    assert (rig.stats.store_last_write, rig.stats.store_pending, rig.stats.store_write_errors) == (T0 + 10 * S, 0, 0)


async def test_an_error_of_a_call_is_the_callers(rig: Rig) -> None:
    with pytest.raises(ZeroDivisionError):
        await rig.thread.call(divmod, 1, 0)
    rig.thread.put(rig.batch())
    await rig.thread.call(int)
    assert rig.stats.store_last_write == T0 + 10 * S


async def test_a_full_disk_is_waited_for(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.put(2)
    await rig.fill()
    with caplog.at_level(logging.ERROR, "slamon.store"):
        await rig.put(60)
    assert rig.stats.store_write_errors > 0
    assert rig.stats.store_pending > 0
    stuck = rig.stats.store_last_write
    assert stuck < rig.now
    messages = [one.getMessage() for one in caplog.records]
    assert all("database or disk is full" in one for one in messages)
    minutes = (rig.now - stuck) // (60 * S)
    assert 1 <= len(messages) <= minutes + 2, "about once a minute, not once a batch"
    facts = await rig.thread.call(rig.store.load, [NAME], 0, EVER)
    assert facts.series[NAME].through <= stuck, "what cannot be written is not claimed"
    await rig.empty()
    await rig.put(1)
    assert (rig.stats.store_pending, rig.stats.store_last_write) == (0, rig.now)
    await rig.thread.call(rig.store.write, finish(rig.recorder, rig.now))
    facts = await rig.thread.call(rig.store.load, [NAME], 0, EVER)
    assert [run.samples for run in facts.series[NAME].runs] == [630]
    assert counted(facts.series[NAME].records) == 630, "and nothing was lost"
    assert facts.gaps == ()


async def test_a_batch_that_waits_hands_on_what_it_alone_knew(rig: Rig) -> None:
    """A slow target is probed once while the disk is full: its run, or how it grew, is known as soon as the disk takes something again."""
    slow = opened(rig.recorder, target("slow/ping", interval=3600 * S))
    growing = opened(rig.recorder, target("growing/ping", interval=600 * S))
    probe(growing, rig.now, success())
    await rig.put(6)
    await rig.fill()
    await rig.put(60)
    assert rig.stats.store_pending > 0
    sent = rig.now
    assert sent % (60 * S) == 0
    probe(slow, sent, success())
    probe(growing, sent, success())
    waits = rig.batch()
    number = rig.recorder._tracks["growing/ping"].id
    assert waits.grown[number][2] == 2, "told before, it has only grown"
    rig.thread.put(waits)
    await rig.put(1)
    await rig.empty()
    await rig.put(1)
    assert rig.stats.store_pending == 0
    facts = await rig.thread.call(rig.store.load, [*NAMES, "slow/ping", "growing/ping"], 0, EVER)
    assert [run.first_sent for run in facts.series["slow/ping"].runs] == [sent]
    assert [(run.samples, run.last_sent) for run in facts.series["growing/ping"].runs] == [(2, sent)]
    with Store.open(rig.store.path, write=False) as reader:
        assert reader.load([*NAMES, "slow/ping", "growing/ping"], 0, EVER) == facts


@pytest.mark.parametrize("rig", [300_000], indirect=True)
async def test_what_memory_cannot_hold_becomes_a_gap(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.put(2)
    await rig.fill()
    with caplog.at_level(logging.ERROR, "slamon.store"):
        await rig.put(20)
        born = rig.now
        probe(opened(rig.recorder, target("new/ping", interval=3600 * S)), born, success())
        await rig.put(100)
    assert rig.thread._size <= 300_000 + 50_000
    assert any("given up" in one.getMessage() for one in caplog.records)
    await rig.empty()
    await rig.put(1)
    assert rig.stats.store_pending == 0
    await rig.thread.call(rig.store.write, finish(rig.recorder, rig.now))
    facts = await rig.thread.call(rig.store.load, [NAME, "new/ping"], 0, EVER)
    assert lost_from(facts) < born < lost_to(facts), "the batch that made this target known was given up"
    assert facts.series["new/ping"].known_from == born
    lost = facts.gaps
    assert [one.reason for one in lost] == ["store_full"], "one stretch of time"
    assert sum("given up" in one.getMessage() for one in caplog.records) <= 100 * 10 // 60 + 1, "said once a minute"
    outside = [one for one in facts.series[NAME].records if one.end <= lost[0].start or one.start >= lost[-1].end]
    assert all(one.received == 60 for one in outside[:-1]), "what is not in the gap is whole"
    assert facts.series[NAME].known_from == T0
    assert facts.series[NAME].through > rig.now - S


@pytest.mark.parametrize("rig", [300_000], indirect=True)
async def test_a_run_that_ends_in_a_batch_given_up_is_not_lost(rig: Rig) -> None:
    """It began before anything was given up: what it says of the time before is as true as ever."""
    await rig.put(30)
    before = rig.now
    await rig.fill()
    await rig.put(30)
    await rig.put(1, down=True)
    await rig.put(100)
    await rig.empty()
    await rig.put(1)
    assert rig.stats.store_pending == 0
    await rig.thread.call(rig.store.write, finish(rig.recorder, rig.now))
    facts = await rig.thread.call(rig.store.load, [NAME], 0, EVER)
    (gap,) = facts.gaps
    assert before <= gap.end
    first = facts.series[NAME].runs[0]
    assert (first.first_sent, first.samples) == (T0, 600)
    judged = detect(facts.series[NAME].facts(target(NAME)), Rule(), ((gap.start, gap.end),))
    states = [(piece.start, piece.end, piece.value) for piece in judged.timeline.pieces]
    assert states[0] == (T0, gap.start, State.UP)
    assert states[1][2] is State.UNKNOWN
    assert states[2][2] is State.UP
    assert [(one.start, one.end) for one in rig.thread.given_up()] == [(gap.start, gap.end)]
    assert rig.thread.given_up() == []


@pytest.mark.parametrize("rig", [300_000], indirect=True)
async def test_runs_of_a_flapping_line_do_not_fill_the_memory(rig: Rig) -> None:
    await rig.put(2)
    await rig.fill()
    for i in range(200):
        await rig.put(1, down=i % 2 == 1)
    assert sum(len(one.batch.ended) for one in rig.thread._queue) <= 2 * len(NAMES)
    assert rig.thread._size <= 300_000 + 50_000
    assert rig.thread._size == sum(one.size for one in rig.thread._queue)


async def test_a_contract_text_waits_for_the_disk_like_a_batch(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    await rig.put(2)
    await rig.fill()
    await rig.put(60)
    errors = rig.stats.store_write_errors
    assert errors > 0
    with caplog.at_level(logging.ERROR, "slamon.store"):
        for i in range(20):
            rig.thread.keep_text(f"{i}", "x" * 4000)
        await rig.thread.call(int)
    assert rig.stats.store_write_errors > errors
    await rig.empty()
    await rig.put(1)
    driver = rig.store._connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    assert cursor.execute("SELECT count(*), sum(length(text)) FROM contract_text").fetchone() == (20, 80_000)
    cursor.close()


async def test_texts_that_wait_are_bounded(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("slamon.store.thread.TEXTS_LIMIT", 10_000)
    await rig.put(2)
    await rig.fill()
    await rig.put(60)
    for i in range(20):
        rig.thread.keep_text(f"{i}", "x" * 4000)
    assert list(rig.thread._texts) == ["18", "19"]
    assert "the contract text 17 is given up" in caplog.text


async def test_a_bug_is_not_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig(tmp_path / "slamon.db", 1 << 30)

    def broken(_: Batch) -> None:
        raise KeyError("no such series")

    monkeypatch.setattr(rig.store, "write", broken)
    rig.thread.put(rig.batch())
    await rig.thread.call(int)
    with pytest.raises(KeyError, match="no such series"):
        rig.thread.put(rig.batch())
    await rig.thread.call(rig.store.close)


async def test_closing_writes_what_is_left(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "slamon.db", 1 << 30)
    rig.thread.put(rig.batch())
    rig.thread.put(finish(rig.recorder, rig.now))
    assert await rig.thread.close() is True
    with Store.open(tmp_path / "slamon.db", write=True) as store:
        assert counted(store.load([NAME], 0, EVER).series[NAME].records) == 10


async def test_closing_on_a_full_disk_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig(tmp_path / "slamon.db", 1 << 30)
    await rig.put(1)
    await rig.fill()
    with caplog.at_level(logging.ERROR, "slamon.store"):
        await rig.put(60)
        assert await rig.thread.close() is False
    assert "could not be written and are lost" in caplog.text
    Store.open(tmp_path / "slamon.db", write=True).close()


ON_TMPFS = """
import asyncio, json, logging, os, sys
from pathlib import Path
from tests.store.test_thread import EVER, NAME, Rig, counted, finish
from tests.store.rig import room
logging.basicConfig(level=logging.CRITICAL)

async def main(home):
    rig = Rig(home / "slamon.db", 1 << 30)
    await rig.put(2)
    filler = os.open(home / "filler", os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(filler, bytes(65536)):
            pass
    except OSError:
        os.close(filler)
    await rig.put(300)
    errors, waiting = rig.stats.store_write_errors, rig.stats.store_pending
    (home / "filler").unlink()
    await rig.put(1)
    rig.thread.put(finish(rig.recorder, rig.now))
    facts = await rig.thread.call(rig.store.load, [NAME], 0, EVER)
    series = facts.series[NAME]
    print(json.dumps([errors, waiting, rig.stats.store_pending, [r.samples for r in series.runs], counted(series.records)]))
    await rig.thread.close()

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.system
def test_a_full_file_system(tmp_path: Path) -> None:
    """A tmpfs of twelve megabytes, filled to the last block and then cleared."""
    mount = f'mount -t tmpfs -o size=12m none {tmp_path} && exec {sys.executable} -c "$SCRIPT" {tmp_path}'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mount], env={"SCRIPT": ON_TMPFS, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    errors, waiting, left, runs, samples = json.loads(done.stdout)
    assert errors > 0
    assert waiting > 0
    assert (left, runs, samples) == (0, [3030], 3030)
