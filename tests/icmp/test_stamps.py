"""Whose a transmit stamp is, where packets leave late and sends fail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from slamon.icmp import line as lines
from slamon.icmp.line import Line
from slamon.icmp.wire import News
from slamon.model import MS, S
from slamon.probe import Shot
from tests.icmp.conftest import Link
from tests.icmp.rig import Pinger, heard
from tests.netlab.namespace import Namespace, inside

pytestmark = pytest.mark.system

NO_ROUTE = "203.0.113.1"


@pytest.fixture(params=["batch", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the engine talks to its sockets."""
    monkeypatch.setattr(Pinger, "batched", request.param == "batch")
    return str(request.param)


@pytest.mark.usefixtures("way")
def test_a_packet_that_left_after_the_keys_were_begun_anew_bends_no_others_round_trip(link: Link) -> None:
    link.delay = 0.6
    with Pinger() as pinger:
        pinger.warm_up()
        slow, far = pinger.shot("10.0.0.3", timeout=3 * S), pinger.shot("10.0.0.2", timeout=3 * S)
        for _ in range(2):  # 10.0.0.2 is found by ARP
            pinger.fire(far)
            pinger.settle()
        assert 600 * MS < (heard(far).last.rtt or 0) < 900 * MS
        pinger.fire(pinger.shot(NO_ROUTE, timeout=3 * S), slow, pinger.shot("203.0.113.2", timeout=3 * S), far)
        for _ in range(40):
            pinger.drain()
        link.near.run("ip", "neigh", "replace", "10.0.0.3", "lladdr", "02:00:00:00:00:03", "dev", "wan")
        pinger.settle()
        assert 600 * MS < (heard(far).last.rtt or 0) < 900 * MS
        assert not heard(far).last.userspace


class Told:
    """A line whose error queue is told by the test."""

    def __init__(self, pinger: Pinger) -> None:
        self.pinger = pinger
        self.live, self.gone = pinger.shot("127.0.0.1", timeout=9 * S), pinger.shot(NO_ROUTE, timeout=9 * S)
        self.pinger.fire(self.live)
        line = pinger.engine._peers[self.live.target.name].channel.line
        assert line is not None
        self.line: Line = line
        self.runs: list[tuple[int, list[int]]] = []
        pinger.settle()
        line.wire.news = self.news  # type: ignore[method-assign]

    def news(self) -> News:
        """What the kernel stamped since."""
        runs, self.runs = self.runs, []
        return News([*runs], [], complete=True)

    def send(self, *shots: Shot) -> int:
        """The number of the first."""
        number = self.line.flights.next
        self.pinger.engine.send(shots)
        return number

    def stamp(self, key: int, *stamps: int) -> None:
        self.runs.append((key, [*stamps]))
        self.line._news()

    def now(self) -> int:
        """What the kernel would stamp now."""
        return self.pinger.clock.monotonic() + self.pinger.clock.offset()

    def stamps(self, number: int, count: int = 1) -> list[int]:
        return [*self.line.flights.stamps[number : number + count]]


@pytest.fixture
def told(space: Namespace, way: str) -> Iterator[Told]:
    with inside(space):
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        with Pinger() as pinger:
            yield Told(pinger)


def test_while_a_packet_may_still_leave_a_late_stamp_with_its_key_is_nobodys(told: Told) -> None:
    told.send(told.gone)
    told.send(told.live, told.live, told.gone)  # their stamps do not come
    number = told.send(told.live, told.live, told.live)
    early = told.now()
    told.stamp(told.line.flights.next - told.line._lead - 1, early + 3)
    told.stamp(0, early, early + 1)
    assert told.stamps(number, 3) == [0, 0, early + 3]


def test_a_stamp_that_is_there_right_after_the_send_is_the_probes_own(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.send(told.gone, told.live, told.gone)
    sent: list[int] = []

    def news() -> News:
        if told.line._aligned != told.line.flights.next or not told.line.flights.in_flight:
            return News([], [], complete=True)
        sent.append(told.now())
        return News([(0, [sent[-1]])], [], complete=True)

    monkeypatch.setattr(told.line.wire, "news", news)
    number = told.send(told.live)
    assert told.stamps(number) == sent[:1] != []
    monkeypatch.setattr(told.line.wire, "news", told.news)
    told.stamp(0, told.now())  # of the packet that waited
    assert told.stamps(number) == sent[:1]


def test_a_stamp_of_before_the_send_is_not_the_probes(told: Told) -> None:
    told.send(told.gone)
    before = told.now()
    number = told.send(told.live)
    told.stamp(0, before)
    assert told.stamps(number) == [0]


def test_a_packet_that_did_not_leave_for_long_is_not_reckoned_with(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "HELD", 0)
    told.send(told.gone, told.live, told.gone)
    number = told.send(told.live)
    told.stamp(5, told.now())
    told.stamp(0, late := told.now())
    assert told.stamps(number) == [late]


def test_the_first_stamp_stands(told: Told) -> None:
    told.send(told.gone)
    number = told.send(told.live, told.live)
    first = told.now()
    told.stamp(0, first, first + 1)
    told.stamp(0, first + 2, first + 3)
    told.stamp(1, first + 3)
    assert told.stamps(number, 2) == [first, first + 1]
