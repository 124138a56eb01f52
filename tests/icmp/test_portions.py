"""What `Matching.take` does with a whole portion is what its careful way does row by row, whatever the portion holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slamon.clock import Clock, Sources
from slamon.icmp.flights import LOST
from slamon.icmp.line import Line
from slamon.icmp.peer import Peer
from slamon.icmp.sockets import ProbeSocket, open_socket
from slamon.icmp.wire import Portion, Row
from slamon.model import MS, Reading, Result, S, Via
from slamon.probe import Context
from slamon.probes.icmp import form
from slamon.record.recorder import Recorder
from slamon.record.series import Pending
from slamon.stats import RTT_EDGES, Stats
from tests.icmp.rig import Pinger, heard
from tests.netlab.namespace import Namespace, inside
from tests.record.worlds import T0

pytestmark = pytest.mark.system

TARGETS, ROUNDS = 3, 4
PROBES = TARGETS * ROUNDS
TIMEOUT = 1 * S
MONOTONIC = 1000 * S

ROWS = st.tuples(
    st.sampled_from(["usual"] * 12 + ["kind", "ident", "source", "tail", "number", "stale", "stranger", "unstamped"]),
    st.integers(0, PROBES - 1),
    st.one_of(st.integers(0, 40 * MS), st.integers(TIMEOUT - MS, TIMEOUT + MS), st.just(5 * S)),
    st.sampled_from([64, 57, -1]),
)
"""What is odd about an answer, to which probe, the round trip, the hop limit."""


class World:
    """A line in virtual time with probes in flight; some have no transmit stamp, one is lost already."""

    def __init__(self, probe: ProbeSocket, unstamped: set[int], stepped: int) -> None:
        self.now = MONOTONIC
        clock = Clock(Sources(realtime=lambda: self.now + T0, monotonic=lambda: self.now, boottime=lambda: self.now))
        self.stats = Stats()
        self.recorder = Recorder("here")
        context = Context(clock=clock, stats=self.stats, warn=lambda _: None)
        self.line = Line(probe, context, first=0, batched=True, lost=lambda _: None)
        self.line._token = bytes(8)
        self.peers = [self._peer(f"127.0.0.{n + 1}") for n in range(TARGETS)]
        salvo = self.line.salvo(self.peers)
        for turn in range(ROUNDS):
            numbers = self.line.flights.claim(TARGETS)
            self.line._flew(salvo, 0, numbers, self.now)
            for number in set(numbers) - unstamped:
                self.line.flights.stamps[number] = self.line.flights.sents[number] + T0 + 10
            if turn < stepped:
                self.line._matching._stepped = self.now + TARGETS
            self.now += 20 * S  # over the ends of minutes
        self.now -= 20 * S - 2 * TIMEOUT
        peer, pending = self.line.flights.decide(1, LOST)
        peer.series.decide(pending, Reading(Result.TIMEOUT))
        for peer in self.peers:
            peer.losses = 2
        self.released = self.recorder._journal.released

    def _peer(self, address: str) -> Peer:
        target = heard(Pinger().shot(address, timeout=TIMEOUT)).target
        series = self.recorder.open(target, limits=(), edges=RTT_EDGES)
        return Peer(target, address, series, channel=None, form=form(target))  # type: ignore[arg-type] # no matter here

    def row(self, odd: str, number: int, rtt: int, hop: int) -> Row:
        line = self.line
        peer = self.peers[number % TARGETS]
        stamp = 0 if odd == "unstamped" else line.flights.sents[number] + T0 + 10 + rtt
        return (
            (
                8 if odd == "kind" else 0,
                line.probe.ident ^ (odd == "ident"),
                40_000 if odd == "stranger" else number,
                {"number": number + (1 << 40), "stale": number - 1}.get(odd, number),
                line._echo(peer.form).tail[odd == "tail" :],
            ),
            (bytes(4) if odd == "source" else peer.source, stamp // S, stamp % S, hop),
        )

    def facts(self) -> dict[str, Any]:
        flights = self.line.flights
        found: dict[str, Any] = {
            "flights": (bytes(flights.states), flights.in_flight, [flights.pendings[n] is None for n in range(PROBES)]),
            "unexpected": self.stats.unexpected_replies,
            "released": [
                (line.series, line.sent, line.code, line.chain, line.rtt, line.hop)
                for line in self.released
                if isinstance(line, Pending)
            ],
        }
        for peer in self.peers:
            one, track = peer.series, self.recorder._tracks[peer.target.name]
            track.flush()
            found[peer.address] = (
                one.counts(),
                (one.late_replies, one.duplicate_replies, one.reordered_replies, one.corrupt_replies, one.userspace),
                (one.failure, peer.newest, peer.losses),
                track.tail(),
                [track.settle() for _ in range(len(track.done))],
            )
        return found


@pytest.fixture
def probe(space: Namespace) -> Iterator[ProbeSocket]:
    with inside(space):
        opened = open_socket(4, Via())
        with opened.socket:
            yield opened


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROWS, max_size=30), st.sets(st.integers(0, PROBES - 1), max_size=3), st.integers(0, 2))
def test_a_portion_is_what_its_rows_are(
    probe: ProbeSocket, rows: list[tuple[str, int, int, int]], unstamped: set[int], stepped: int
) -> None:
    straight, careful = World(probe, unstamped, stepped), World(probe, unstamped, stepped)
    portion = [straight.row(*row) for row in rows]
    straight.line._matching.take(Portion([message for message, _ in portion], [envelope for _, envelope in portion]))
    for row in rows:
        careful.line._matching._odd(careful.row(*row))
    assert straight.facts() == careful.facts()
