"""Whatever a daemon goes through, what it released is told by the store exactly once and in order."""

from __future__ import annotations

import random  # noqa: TID251  driven by hypothesis
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.model import MINUTE, Reading, S
from slamon.record.series import Pending, Series
from slamon.store import Store
from tests.record.worlds import READINGS, finish, opened, target
from tests.store.rig import EVER, Daemon, counted, kept

NAME = "hq/ping"
Sample = tuple[int, Reading]


class Life:
    """A daemon with one target, and beside it the plain list of what has to be in the store."""

    def __init__(self, home: Path, chance: random.Random) -> None:
        self.home = home
        self.chance = chance
        self.timeout = 3 * S
        self.kind = "icmp"
        self.kills = 0
        self.daemon = Daemon(home / "slamon.db", target())
        self.held: list[tuple[Series, Pending, Reading]] = []
        self.new: list[Sample] = []
        """Sent since the last batch."""
        self.written: list[Sample] = []

    @property
    def series(self) -> Series:
        return self.daemon.series[NAME]

    def probe(self, reading: Reading) -> None:
        self.series.decide(self._send(reading), reading)

    def hold(self, reading: Reading) -> None:
        refused = self.series.skipped["clock_step"]
        pending = self._send(reading)
        if self.series.skipped["clock_step"] == refused:
            self.held.append((self.series, pending, reading))

    def _send(self, reading: Reading) -> Pending:
        refused = self.series.skipped["clock_step"]
        pending = self.series.send(self.daemon.now)
        if self.series.skipped["clock_step"] == refused:
            self.new.append((self.daemon.now, reading))
        return pending

    def late(self, _: Reading) -> None:
        self.series.late()

    def batch(self, _: Reading) -> None:
        self.chance.shuffle(self.held)
        for series, pending, reading in self.held:
            series.decide(pending, reading)
        self.held.clear()
        self.daemon.store.write(self.daemon.recorder.batch(self.daemon.now))
        self._wrote()

    def close(self, _: Reading) -> None:
        self._abandon()
        self.daemon.recorder.close(NAME)
        self._open()

    def change(self, _: Reading) -> None:
        self.timeout += S
        self._open()

    def turn(self, _: Reading) -> None:
        self._abandon()
        self.kind = "tcp" if self.kind == "icmp" else "icmp"
        self._open()

    def stop(self, _: Reading) -> None:
        self._abandon()
        self.daemon.stop()
        self._wrote()
        self._start(self.daemon.path)

    def kill(self, _: Reading) -> None:
        self.kills += 1
        left = self.daemon.killed(self.home / f"killed{self.kills}")
        self.daemon.store.close()
        self.held.clear()
        self.new.clear()
        self._start(left)

    def end(self) -> None:
        self._abandon()
        self.daemon.store.write(finish(self.daemon.recorder, self.daemon.now))
        self._wrote()

    def _wrote(self) -> None:
        self.written += self.new
        self.new.clear()

    def _abandon(self) -> None:
        """What is undecided now is never recorded, nor what was sent after it."""
        first = min((pending.sent for _, pending, _ in self.held), default=EVER)
        self.new = [sample for sample in self.new if sample[0] < first]
        self.held.clear()

    def _open(self) -> None:
        self.daemon.series[NAME] = opened(self.daemon.recorder, target(probe=self.kind, timeout=self.timeout))

    def _start(self, path: Path) -> None:
        self.daemon = Daemon(path, target(probe=self.kind, timeout=self.timeout), now=self.daemon.now)


ACTS = ("probe", "probe", "probe", "hold", "late", "batch", "batch", "close", "change", "turn", "kill", "stop")
SCRIPT = st.lists(
    st.tuples(st.sampled_from(ACTS), st.sampled_from((0, S, S, S, 7 * S, 40 * S, 700 * S)), READINGS), max_size=50
)


@settings(max_examples=40)
@given(SCRIPT, st.randoms(use_true_random=False))
def test_any_life_is_told_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, script: list[tuple[str, int, Reading]], chance: random.Random
) -> None:
    life = Life(tmp_path_factory.mktemp("life"), chance)
    for act, step, reading in script:
        life.daemon.now += step
        getattr(life, act)(reading)
    life.end()
    written = life.written
    with life.daemon as daemon, Store.open(daemon.path, write=False) as reader:
        facts = daemon.store.load([NAME], 0, EVER)
        assert reader.load([NAME], 0, EVER) == facts
        minutes = reader.load([NAME], 0, EVER, minutes=True).series
        samples = [(one.sent, one.reading.result) for one in kept(daemon.store, NAME)]
    assert samples == [(sent, reading.result) for sent, reading in written]
    if not written:
        assert facts.series == {}
        return
    one = facts.series[NAME]
    assert [run.result for run in one.runs for _ in range(run.samples)] == [reading.result for _, reading in written]
    assert one.known_from == written[0][0]
    assert one.through > written[-1][0]
    assert counted(one.records) == len(written)
    starts = [record.start for record in minutes[NAME].records]
    assert starts == sorted({sent - sent % MINUTE for sent, _ in written})
    assert all(run.last_sent <= run.until <= after.first_sent for run, after in pairwise(one.runs))
