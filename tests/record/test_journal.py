"""What a second's samples are written as, and that reading them back makes the facts the daemon had."""

from __future__ import annotations

import random  # noqa: TID251  driven by hypothesis

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import Reading, S
from slamon.record import journal
from slamon.record.recorder import Batch, Recorder
from slamon.record.series import Series
from slamon.record.track import LOOK_EVERY, Journal, Pending, Track
from tests.record.worlds import LIMITS, READINGS, T0, opened, probe, recorder, success, target

LINES = st.lists(
    st.tuples(
        st.integers(1, 1 << 31),
        st.integers(0, 1 << 61),
        st.integers(0, 3),
        st.one_of(st.integers(0, 31), st.integers(0x80, 0x83)),
        st.integers(-1, 1 << 61),
        st.integers(-1, 255),
    ),
    max_size=60,
)
Script = list[tuple[int, int, Reading, int]]


def line(fields: tuple[int, int, int, int, int, int]) -> Pending:
    made = Pending(fields[0], fields[1], fields[2])
    made.code, made.rtt, made.hop = fields[3:]
    return made


@given(LINES)
def test_lines_and_back(fields: list[tuple[int, int, int, int, int, int]]) -> None:
    read = journal.decode(journal.encode([line(one) for one in fields])).columns
    assert list(read.series) == [one[0] for one in fields]
    assert list(read.sents) == [one[1] for one in fields]
    assert list(read.states) == [one[3] | one[2] << 5 for one in fields]
    assert list(read.rtts) == [one[4] for one in fields]
    assert list(read.hops) == [one[5] for one in fields]


def test_torn_bytes_are_refused() -> None:
    whole = journal.encode([line((1, T0, 0, 0, 5, 6))])
    for bad, reason in ((whole[:-3], "torn"), (b"\x07" + whole[1:], "version 7")):
        with pytest.raises(ValueError, match=reason):
            journal.decode(bad)


SCRIPTS: st.SearchStrategy[Script] = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from((S // 2, S, 2 * S, 20 * S, 70 * S)), READINGS, st.integers(0, 8)),
    max_size=60,
)


def act(made: Recorder, series: list[Series], script: Script, chance: random.Random) -> list[Batch]:
    """Probes of three targets, some decided late, with replies that change nothing in between, and batches now and then."""
    batches: list[Batch] = []
    waiting = []
    at = T0
    for which, step, reading, then in script:
        at += step
        waiting.append((series[which], series[which].send(at), reading))
        while waiting and chance.random() < 0.6:
            one, pending, result = waiting.pop(chance.randrange(len(waiting)))
            one.decide(pending, result)
        if then == 0:
            pass
        elif then == 1:
            series[which].late()
        elif then == 2:
            series[which].duplicate()
        elif then == 3:
            made.pack()
        else:
            batches += [made.batch(at + i) for i in range(then - 3)]
    batches.append(made.batch(at + S))
    return batches


@given(SCRIPTS, st.randoms(use_true_random=False))
def test_replaying_the_journal_is_having_been_there(script: Script, chance: random.Random) -> None:
    """At the end, and after every batch before it: the runs, minutes and open minutes of live and replayed tracks agree."""
    made = recorder()
    names = ("a/one", "b/two", "c/three")
    series = [opened(made, target(name)) for name in names]
    batches = act(made, series, script, chance)
    shared = Journal()
    tracks = {i: Track(i, shared, interval=S, limits=LIMITS) for i in (1, 2, 3)}
    packed = {i: [minute for batch in batches for minute in batch.minutes if minute.series == i] for i in tracks}
    for batch in batches:
        lines = journal.decode(batch.samples)
        for track in tracks.values():
            lines.replay(track, since=0)
        if batch.number % LOOK_EVERY == 0:
            for track in tracks.values():
                track.close(batch.lagging.get(track.id, batch.settled))
    for i, track in tracks.items():
        live = made._by_id[i]
        live.flush()
        track.flush()
        while live.done:
            packed[i].append(live.settle())
        assert [track.settle() for _ in range(len(track.done))] == packed[i]
        assert track.open_run() == live.open_run()


@given(SCRIPTS, st.randoms(use_true_random=False))
def test_a_batch_tells_what_its_journal_lacks(script: Script, chance: random.Random) -> None:
    """Settled minutes and the journal from `keep_from` on, replayed from the checkpoints, hold every sample exactly once."""
    made = recorder()
    series = [opened(made, target(name)) for name in ("a/one", "b/two", "c/three")]
    batches = act(made, series, script, chance)
    released: dict[int, list[int]] = {1: [], 2: [], 3: []}
    kept: dict[int, Batch] = {}
    upto = dict.fromkeys(released, 0)
    settled: dict[int, int] = dict.fromkeys(released, 0)
    for batch in batches:
        lines = journal.decode(batch.samples).columns
        for i, sent, state in zip(lines.series, lines.sents, lines.states, strict=True):
            if state < 0x80:
                released[i].append(sent)
        kept[batch.number] = batch
        for minute in batch.minutes:
            upto[minute.series] = minute.upto
            settled[minute.series] += (
                minute.record.received + minute.record.lost + minute.record.refused + minute.record.ours
            )
        for number in [number for number in kept if number < min(batch.keep_from, batch.number)]:
            del kept[number]
        for i, sents in released.items():
            left = [
                sent
                for one in kept.values()
                for series_, sent, state in zip(*journal.decode(one.samples).columns[:3], strict=True)
                if series_ == i and state < 0x80 and sent >= upto[i]
            ]
            assert left == sents[settled[i] :]
            assert all(sent >= batch.complete for sent in left)


def test_strangers_and_old_lines_are_passed_over() -> None:
    made = recorder()
    series = opened(made)
    for i in range(3):
        probe(series, T0 + i * S, success())
    lines = journal.decode(made.batch(T0 + 4 * S).samples)
    stranger, track = (Track(i, Journal(), interval=S, limits=LIMITS) for i in (2, 1))
    lines.replay(stranger, since=0)
    lines.replay(track, since=T0 + 2 * S)
    assert (stranger.samples, track.samples) == (0, 1)
