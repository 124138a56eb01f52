"""What becomes of a round trip when the wall clock is stepped before, between and after its stamps, in virtual time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from slamon.clock import Clock, Sources
from slamon.icmp.line import Line
from slamon.icmp.peer import Peer
from slamon.icmp.sockets import ProbeSocket, open_socket
from slamon.icmp.wire import Portion
from slamon.model import MS, US, Reading, Result, S, Via
from slamon.probe import Context
from slamon.probes.icmp import form
from slamon.stats import Stats
from tests.icmp.rig import Pinger, heard
from tests.netlab.namespace import Namespace, inside
from tests.record.worlds import T0

pytestmark = pytest.mark.system

TIMEOUT = 9 * S
TICK, READ = 125 * MS, 500 * MS

STEPS = st.tuples(
    st.integers(-300 * MS, 1500 * MS),
    st.one_of(st.integers(-600 * MS, 600 * MS), st.sampled_from([3600 * S, -3600 * S])),
).filter(lambda step: abs(step[1]) > 3 * US)
"""When after the send, and by how much."""


class World:
    """A line with one target, a kernel that stamps, and a wall clock that is stepped."""

    def __init__(self, probe: ProbeSocket, steps: list[tuple[int, int]]) -> None:
        self.now = 1000 * S
        self.steps = steps
        """When, and by how much."""
        clock = Clock(
            Sources(realtime=lambda: self.wall(self.now), monotonic=lambda: self.now, boottime=lambda: self.now)
        )
        context = Context(clock=clock, stats=Stats(), warn=lambda _: None)
        self.line = Line(probe, context, first=0, batched=True, lost=lambda _: None)
        shot = Pinger().shot("127.0.0.1", timeout=TIMEOUT)
        self.series = heard(shot)
        self.peer = Peer(shot.target, shot.address, self.series, channel=None, form=form(shot.target))  # type: ignore[arg-type]
        self.salvo = self.line.salvo([self.peer])

    def wall(self, monotonic: int) -> int:
        return monotonic + T0 + sum(by for at, by in self.steps if at <= monotonic)

    def answer(self, sent: int, left: int, came: int, *, first: int) -> Reading:
        """Of a probe with that life, where one looks every tick from `first` on, and reads every fourth time, or after a step."""
        matching = self.line._matching
        self.now, flown, nth = first, False, 0
        while True:
            if not flown and self.now >= sent:
                late, self.now = self.now, sent
                self.line._flew(self.salvo, 0, self.line.flights.claim(1), sent)
                self.line.flights.stamps[0] = self.wall(left)
                self.now, flown = late, True
            nth += 1
            if (matching.notice() or not nth % (READ // TICK)) and flown and self.now > came:
                stamp = self.wall(came)
                message = (0, self.line.probe.ident, 0, 0, self.line._echo(self.peer.form).tail)
                matching.take(Portion([message], [(self.peer.source, stamp // S, stamp % S, 64)]))
                return self.series.last
            self.now += TICK


@pytest.fixture
def probe(space: Namespace) -> Iterator[ProbeSocket]:
    with inside(space):
        opened = open_socket(4, Via())
        with opened.socket:
            yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400)
@given(
    st.integers(1 * US, 100 * US),
    st.one_of(st.integers(20 * US, 5 * MS), st.integers(1 * MS, 900 * MS)),
    st.integers(0, 400 * MS),
    st.lists(STEPS, max_size=2),
)
def test_a_round_trip_is_right_or_flagged_and_too_long_by_the_step_at_most(
    probe: ProbeSocket, queued: int, took: int, begun: int, after: list[tuple[int, int]]
) -> None:
    sent = 1001 * S
    left = sent + queued
    came = left + took
    first = sent - begun
    steps = sorted((sent + at, by) for at, by in after)
    looks = [(at - first) // TICK for at, _ in steps]
    assume(len({*looks}) == len(looks))  # two steps between two looks are one
    world = World(probe, steps)
    reading = world.answer(sent, left, came, first=first)
    assert reading.result is Result.SUCCESS
    assert reading.rtt is not None
    if reading.userspace:
        assert took <= reading.rtt <= min(came - sent + sum(abs(by) for _, by in steps), world.now - sent)
    else:
        assert reading.rtt == took


@pytest.mark.parametrize("by", [3600 * S, -3600 * S, -5 * MS, 5 * MS])
def test_a_step_after_the_answer_changes_nothing(probe: ProbeSocket, by: int) -> None:
    sent = 1001 * S
    world = World(probe, [(sent + 300 * MS, by)])
    reading = world.answer(sent, sent + 10 * US, sent + 8 * MS, first=sent)
    assert (reading.rtt, reading.userspace) == (8 * MS - 10 * US, False)


@pytest.mark.parametrize("by", [3600 * S, -3600 * S, -200 * MS, 600 * MS])
def test_of_an_answer_after_the_step_our_own_clock_begins_the_round_trip(probe: ProbeSocket, by: int) -> None:
    sent = 1001 * S
    world = World(probe, [(sent + 60 * MS, by)])
    reading = world.answer(sent, sent + 10 * US, sent + 80 * MS, first=sent)
    assert (reading.rtt, reading.userspace) == (80 * MS, True)


def test_a_request_of_before_the_last_step_but_one_is_not_paired(probe: ProbeSocket) -> None:
    sent = 1001 * S
    world = World(probe, [(sent + 10 * MS, -5 * MS), (sent + 240 * MS, 3600 * S)])
    reading = world.answer(sent, sent + 10 * US, sent + 200 * MS, first=sent)
    assert (reading.rtt, reading.userspace) == (200 * MS, True)
