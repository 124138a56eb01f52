"""A line that sends to a rank records what one that sends to each alone records, whatever comes back and in which order."""

from __future__ import annotations

import random  # noqa: TID251  driven by hypothesis
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from slamon.clock import Clock, Sources
from slamon.egress import IcmpError
from slamon.icmp.abreast import PATIENCE
from slamon.icmp.channel import PROBATION, salvos
from slamon.icmp.flights import ANSWERED, IN_FLIGHT
from slamon.icmp.line import Line
from slamon.icmp.packet import QUOTED
from slamon.icmp.peer import Peer
from slamon.icmp.sockets import ProbeSocket, open_socket
from slamon.icmp.wire import Portion, Row, Salvo
from slamon.model import MINUTE, MS, RESULT_CODE, Result, S, Via
from slamon.probe import Context, Shot
from slamon.probes.icmp import form
from slamon.record import journal
from slamon.record.rank import LEAST, Round
from slamon.record.recorder import Recorder
from slamon.stats import RTT_EDGES, Stats
from tests.icmp.rig import Pinger, heard
from tests.netlab.namespace import Namespace, inside
from tests.record.worlds import T0

pytestmark = pytest.mark.system

TARGETS = LEAST + 2
TIMEOUT = 2 * S
INTERVAL = 1 * S
BEGIN = 1000 * S
SPREAD = 50 * MS
"""The longest usual round trip."""


class World:
    """A line in virtual time, its targets side by side or each alone."""

    def __init__(self, probe: ProbeSocket, *, steady: bool, seed: int = 0) -> None:
        self.now = BEGIN
        clock = Clock(Sources(realtime=lambda: self.now + T0, monotonic=lambda: self.now, boottime=lambda: self.now))
        self.chance = random.Random(seed)
        self.stats = Stats()
        self.recorder = Recorder("here")
        context = Context(clock=clock, stats=self.stats, warn=lambda _: None)
        self.stats.sockets.append(probe.info)
        self.line = Line(probe, context, first=0, batched=True, lost=lambda _: None)
        self.line._token = bytes(8)
        self.peers = [self._peer(f"127.0.0.{n + 1}") for n in range(TARGETS)]
        self.salvo: Salvo = self.line.salvo(self.peers, steady=steady)
        self.rounds = 0
        self.lines: dict[int, list[tuple[int, ...]]] = {}
        self.minutes: list[Any] = []
        self.sent = 0

    def _peer(self, address: str) -> Peer:
        target = heard(Pinger().shot(address, timeout=TIMEOUT)).target
        series = self.recorder.open(target, limits=(), edges=RTT_EDGES)
        return Peer(target, address, series, channel=None, form=form(target))  # type: ignore[arg-type] # no matter here

    def fire(self) -> None:
        numbers = self.line.flights.claim(TARGETS)
        self.line._flew(self.salvo, 0, numbers, self.now)
        self.rounds += len(self.line._abreast.rounds) > 0
        self.sent = numbers.stop
        for number in numbers:
            self.line.flights.stamps[number] = self.line.flights.sents[number] + T0 + 10

    def row(self, number: int, rtt: int, hop: int = 64, odd: str = "") -> Row:
        """The answer that is read now if the probe's round trip was `rtt`."""
        peer = self.peers[number % TARGETS]
        stamp = 0 if odd == "unstamped" else self.line.flights.sents[number] + T0 + 10 + rtt
        tail = self.line._echo(peer.form).tail[odd == "tail" :]
        sender = bytes(4) if odd == "source" else peer.source
        return (0, self.line.probe.ident, number, number, tail), (sender, stamp // S, stamp % S, hop)

    def take(self, rows: list[Row]) -> None:
        if rows:
            self.line._matching.take(Portion([message for message, _ in rows], [envelope for _, envelope in rows]))
            self.line._abreast.hand_on(self.now)

    def usual(self) -> None:
        """A second in which everybody answers."""
        self.fire()
        self.some(1.0)
        self.now += INTERVAL - SPREAD

    def some(self, share: float) -> None:
        """50 ms later, answers to this share of what was sent last, in order or not."""
        self.now += SPREAD
        numbers = list(range(self.sent - TARGETS, self.sent))
        if self.chance.random() < 0.7:
            self.chance.shuffle(numbers)
        taken = numbers[: int(share * TARGETS)]
        self.take(
            [self.row(number, self.chance.randrange(1, SPREAD), self.chance.choice((64, 57, -1))) for number in taken]
        )

    def odd(self, kind: str, back: int) -> None:
        """Something else: an answer to one of the last probes that is wrong, second, unstamped, late, or out of order."""
        number = max(self.sent - 1 - back, 0)
        self.take([self.row(number, self.chance.randrange(1, 3 * TIMEOUT), odd=kind)])

    def mixed(self, kind: str, place: int) -> None:
        """A round that is answered in one portion, of which one message is odd, or none can be believed."""
        self.fire()
        begun = self.now
        self.now += 2 * TIMEOUT if kind == "late" else SPREAD
        numbers = range(self.sent - TARGETS, self.sent)
        rows = [self.row(number, self.chance.randrange(1, SPREAD)) for number in numbers]
        if kind == "late":
            rows[place] = self.row(numbers[place], TIMEOUT + 1)
        elif kind == "future":
            rows[place] = self.row(numbers[place], SPREAD + 1 * MS)
        elif kind == "second":
            rows[place] = rows[place - 1]
        elif kind == "stepped":
            self.line._matching._stepped = begun + TARGETS
        else:
            rows[place] = self.row(numbers[place], SPREAD // 2, odd=kind)
        self.take(rows)
        self.now += INTERVAL

    def trouble(self, back: int) -> None:
        """A router says that one of the last probes does not get through."""
        number = max(self.sent - 1 - back, 0)
        quoted = QUOTED.pack(8, 0, 0, self.line.probe.ident, number)
        destination = self.peers[number % TARGETS].destination
        self.line.troubled(IcmpError(113, 3, 1, "192.0.2.7", destination, quoted))

    def wait(self, milliseconds: int) -> None:
        self.now += milliseconds * MS
        self.line._abreast.hand_on(self.now)
        self.line._expire(self.now)

    def batch(self) -> None:
        batch = self.recorder.batch(self.now + T0)
        for series, *rest in zip(*journal.decode(batch.samples).columns, strict=True):
            self.lines.setdefault(series, []).append(tuple(rest))
        self.minutes += batch.minutes

    def end(self) -> dict[str, Any]:
        self.line.close("it is over")
        for name in list(self.recorder.series):
            self.recorder.close(name)
        self.batch()
        return {
            "lines": self.lines,
            "minutes": sorted(self.minutes, key=lambda one: (one.series, one.upto)),
            "in flight": self.line.flights.in_flight,
            "unexpected": self.stats.unexpected_replies,
            "series": [
                (
                    one.counts(),
                    (
                        one.late_replies,
                        one.duplicate_replies,
                        one.reordered_replies,
                        one.corrupt_replies,
                        one.userspace,
                    ),
                    (one.failure, peer.losses),
                )
                for peer in self.peers
                for one in (peer.series,)
            ],
        }


STEPS = st.one_of(
    st.tuples(st.just("usual")),
    st.tuples(st.just("usual")),
    st.tuples(st.just("fire")),
    st.tuples(st.just("some"), st.sampled_from([0.3, 0.8, 1.0])),
    st.tuples(st.just("odd"), st.sampled_from(["", "", "tail", "source", "unstamped"]), st.integers(0, 2 * TARGETS)),
    st.tuples(
        st.just("mixed"),
        st.sampled_from(["late", "future", "second", "stepped", "tail", "source", "unstamped"]),
        st.integers(0, TARGETS - 1),
    ),
    st.tuples(st.just("trouble"), st.integers(0, 2 * TARGETS)),
    st.tuples(st.just("wait"), st.sampled_from([1, 100, 450, 600, 3000])),
    st.tuples(st.just("batch")),
)


def a_socket() -> ProbeSocket:
    return open_socket(4, Via())


@pytest.fixture
def here(space: Namespace) -> Iterator[Namespace]:
    with inside(space):
        yield space


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.lists(STEPS, min_size=5, max_size=40), st.integers(0, 1000))
@example([("usual",), ("usual",), ("fire",), ("some", 0.3), ("usual",)], 0)
@example(
    [("usual",), ("usual",), ("fire",), ("some", 0.8), *(("odd", "", back) for back in range(2 * TARGETS)), ("batch",)],
    0,
)
def test_side_by_side_or_each_alone(here: Namespace, steps: list[tuple[Any, ...]], seed: int) -> None:
    worlds = [World(a_socket(), steady=steady, seed=seed) for steady in (True, False)]
    for world in worlds:
        world.usual()
        for name, *arguments in steps:
            getattr(world, name)(*arguments)
    abreast, alone = (world.end() for world in worlds)
    assert abreast == alone


@pytest.mark.parametrize("kind", ["late", "future", "second", "stepped", "tail", "source", "unstamped"])
def test_one_odd_message_among_the_answers_to_a_round(here: Namespace, kind: str) -> None:
    worlds = [World(a_socket(), steady=steady) for steady in (True, False)]
    for world in worlds:
        for _ in range(3):
            world.usual()
        world.mixed(kind, 3)
        world.wait(3 * TIMEOUT // MS)
        world.usual()
    assert worlds[0].rounds > 0
    abreast, alone = (world.end() for world in worlds)
    assert abreast == alone


@pytest.fixture
def world(here: Namespace) -> Iterator[World]:
    made = World(a_socket(), steady=True)
    made.usual()
    yield made
    made.end()


def test_usual_seconds_are_rounds(world: World) -> None:
    begun = world.rounds
    for _ in range(10):
        world.usual()
    assert world.rounds - begun == 10
    assert not world.line._abreast.rounds
    assert [peer.series.in_flight for peer in world.peers] == [0] * TARGETS


def test_nobody_is_waited_for_longer_than_patience(world: World) -> None:
    world.fire()
    world.some(0.8)
    assert len(world.line._abreast.rounds) == 1
    world.wait(PATIENCE // MS)
    assert not world.line._abreast.rounds
    silent = [peer for peer in world.peers if peer.series.in_flight]
    assert len(silent) == TARGETS - int(0.8 * TARGETS)
    assert [peer for peer in world.peers if peer.missed is not None] == silent
    assert world.salvo.rank is None


def test_who_let_others_wait_is_sent_to_apart_for_a_while(world: World) -> None:
    late = world.peers[3]
    late.missed = world.now
    parted = salvos(world.line, world.peers, world.now + PROBATION - 1)
    assert sorted((len(salvo.peers), salvo.rank is not None) for salvo in parted) == [(1, False), (TARGETS - 1, True)]
    assert [len(salvo.peers) for salvo in salvos(world.line, world.peers, world.now + PROBATION)] == [TARGETS]
    late.losses = 1
    assert len(salvos(world.line, world.peers, world.now + PROBATION)) == 2


def test_what_may_never_be_sent_together_again_is_no_rank(world: World) -> None:
    assert [salvo.rank for salvo in salvos(world.line, world.peers)] == [None]
    for peer in world.peers:
        peer.target = replace(peer.target, count=2)
    assert [salvo.rank for salvo in salvos(world.line, world.peers, world.now)] == [None], "each is in two salvos"


def test_an_engine_records_by_rounds_what_answers_and_alone_what_does_not(here: Namespace) -> None:
    """On the real kernel: twelve addresses of loopback, and then also one where nobody is."""
    with Pinger() as pinger:
        recorder = Recorder("here")
        answering, silent = [f"127.0.0.{n + 1}" for n in range(12)], "192.0.2.1"
        shots = {}
        for address in [*answering, silent]:
            target = replace(heard(pinger.shot(address, timeout=300 * MS)).target, name=address)
            shots[address] = Shot(target, address, recorder.open(target, limits=(), edges=RTT_EDGES))
        pinger.series.clear()

        def rounds(fired: tuple[Shot, ...]) -> int:
            """Of 60 that are sent every 20 ms."""
            before = len(recorder._journal.released)
            for _ in range(60):
                pinger.engine.send(fired)
                pinger.drain(20 * MS)
            while any(shot.series.in_flight for shot in fired):
                pinger.drain()
            return sum(isinstance(line, Round) for line in recorder._journal.released[before:])

        assert rounds(tuple(shots[address] for address in answering)) >= 60 - 4, (
            "the first two, and at the end of a minute"
        )
        assert rounds(tuple(shots.values())) == 0, "regrouped only after a while"
        for address, shot in shots.items():
            results = shot.series.results
            if address == silent:
                assert results[RESULT_CODE[Result.SUCCESS]] == 0
                assert shot.series.attempts == sum(results) == 60
            else:
                assert results[RESULT_CODE[Result.SUCCESS]] == shot.series.attempts == 120


def test_numbers_in_a_round_are_not_used_again(world: World) -> None:
    """Probes sent so fast that their numbers come round before patience ends: the round is parted, and nothing is lost."""
    world.fire()
    (one,) = world.line._abreast.rounds
    world.line._abreast.make_room(60_000 - TARGETS)
    assert world.line._abreast.rounds == [one]
    world.line._abreast.make_room(60_000 - TARGETS + 1)
    assert one.round.pendings is not None
    assert all(world.line.flights.states[number] == IN_FLIGHT for number in one.numbers)


def test_a_round_over_the_end_of_a_minute_is_none(world: World) -> None:
    world.now += MINUTE - (world.now + T0) % MINUTE
    begun = world.rounds
    world.usual()
    assert world.rounds == begun
    world.usual()
    assert world.rounds == begun + 1


def test_a_series_that_leaves_waits_for_no_other_of_its_round(world: World) -> None:
    """As one does that is about to end: what was answered is in the record, or never will be."""
    world.fire()
    world.some(0.5)
    (one,) = world.line._abreast.rounds
    answered = [world.line.flights.states[number] == ANSWERED for number in one.numbers]
    assert sum(answered) == TARGETS // 2
    world.peers[0].series.leave()
    world.take([world.row(one.numbers[answered.index(False)], SPREAD)])
    assert [peer.series.in_flight for peer in world.peers].count(0) == TARGETS // 2 + 1
