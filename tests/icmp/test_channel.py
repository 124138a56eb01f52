"""One by one, the conditions of matching: messages forged in all the ways that a lab's far side cannot."""

from __future__ import annotations

import select
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from slamon.egress import IcmpError
from slamon.icmp.line import Line
from slamon.icmp.packet import REQUEST
from slamon.icmp.peer import Form
from slamon.icmp.sockets import ProbeSocket, open_socket
from slamon.icmp.wire import Portion, message
from slamon.model import US, Result, S, Via
from slamon.probe import Shot
from tests.icmp.rig import Heard, Pinger, heard
from tests.netlab import instants
from tests.netlab.namespace import Namespace, inside

pytestmark = pytest.mark.system

TARGET = "127.0.0.9"
OTHER = "127.0.0.10"
FORM = Form(56)
NOTHING: Mapping[str, int | bytes] = {}


class Wire:
    """A line whose real answers are thrown away, so that forged ones can be handed to it."""

    def __init__(self, pinger: Pinger) -> None:
        self.pinger = pinger
        self.shot = pinger.shot(TARGET, timeout=10 * S)
        pinger.fire(self.shot)
        pinger.fire(self.shot)
        pinger.fire(self.shot)
        line = pinger.engine._peers[self.shot.target.name].channel.line
        assert line is not None
        self.line: Line = line
        self.flights: range = range(3)
        """The numbers of three probes in flight."""
        self.probe: ProbeSocket = line.probe
        self._empty()
        pinger.engine.drain()

    def _empty(self) -> None:
        for _ in self.flights:
            select.select([self.probe.socket], [], [], 5)
            self.probe.socket.recv(4096)

    @property
    def series(self) -> Heard:
        return heard(self.shot)

    def now(self) -> int:
        """What the kernel would have stamped now."""
        return self.pinger.clock.monotonic() + self.pinger.clock.offset()

    def left(self, number: int) -> int:
        """The transmit stamp of a probe."""
        return self.line.flights.stamps[number]

    def reply(
        self,
        number: int,
        *,
        source: str = TARGET,
        stamp: int | None = None,
        cut: int = 0,
        forged: Mapping[str, int | bytes] = NOTHING,
    ) -> None:
        """The answer to a probe, with fields of the message replaced: kind, ident, sequence, number, tail."""
        fields: dict[str, int | bytes] = {
            "kind": 0,
            "code": 0,
            "checksum": 0,
            "ident": self.probe.ident,
            "sequence": number,
            "number": number,
            "tail": self.line._echo(FORM).tail,
            **forged,
        }
        *header, tail = fields.values()
        assert isinstance(tail, bytes)
        packet = REQUEST.pack(*header) + tail
        heard = message(packet, 0, len(packet) - cut)
        if heard is not None:
            at = self.now() if stamp is None else stamp
            self.line._matching.take(Portion([heard], [(socket.inet_aton(source), at // S, at % S, 64)]))

    def trouble(self, number: int, *, destination: str = TARGET, ident: int | None = None) -> None:
        """A router's complaint about a probe."""
        ident = self.probe.ident if ident is None else ident
        packet = REQUEST.pack(8, 0, 0, ident, number, 0)
        self.line.troubled(IcmpError(113, 3, 1, "192.0.2.254", (destination, 0), packet))

    def counts(self) -> tuple[int, int, int, int, int]:
        """Successes, late, duplicate, corrupt, unexpected."""
        return (
            self.series.count(Result.SUCCESS),
            self.series.late_replies,
            self.series.duplicate_replies,
            self.series.corrupt_replies,
            self.pinger.stats.unexpected_replies,
        )


@pytest.fixture(params=["dgram batch", "dgram plain", "raw batch", "raw plain"])
def wire(request: pytest.FixtureRequest, space: Namespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    kind, way = request.param.split()
    monkeypatch.setattr(Pinger, "batched", way == "batch")
    with inside(space):
        groups = "0 2147483647" if kind == "dgram" else "1 0"
        Path("/proc/sys/net/ipv4/ping_group_range").write_text(groups)
        with Pinger() as pinger:
            yield Wire(pinger)


def test_the_true_answer_is_taken_once(wire: Wire) -> None:
    wire.reply(wire.flights[0])
    assert wire.counts() == (1, 0, 0, 0, 0)
    wire.reply(wire.flights[0])
    assert wire.counts() == (1, 0, 1, 0, 0)


def test_another_source_is_unexpected(wire: Wire) -> None:
    wire.reply(wire.flights[0], source=OTHER)
    assert wire.counts() == (0, 0, 0, 0, 1)


def test_a_sequence_nobody_sent_is_unexpected(wire: Wire) -> None:
    wire.reply(wire.flights[0], forged={"sequence": 40_000})
    assert wire.counts() == (0, 0, 0, 0, 1)


@pytest.mark.parametrize("forged", [{"kind": 8}, {"kind": 3}, {"ident": -1}])
def test_what_is_not_our_answer_is_nothing(wire: Wire, forged: dict[str, int | bytes]) -> None:
    if "ident" in forged:
        forged = {"ident": wire.probe.ident ^ 1}
    wire.reply(wire.flights[0], forged=forged)
    assert wire.counts() == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    "forged",
    [
        {"tail": b"stranger" + bytes(range(40))},
        {"tail": bytes(48)},
        {"number": 1 << 40},
        {"tail": bytes(range(49))},
    ],
)
def test_a_wrong_payload_is_corrupt_and_the_probe_still_waits(wire: Wire, forged: dict[str, int | bytes]) -> None:
    wire.reply(wire.flights[0], forged=forged)
    assert wire.counts() == (0, 0, 0, 1, 0)
    wire.reply(wire.flights[0])
    assert wire.counts() == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("cut", [1, 30, 56])
def test_a_shortened_payload_is_corrupt(wire: Wire, cut: int) -> None:
    wire.reply(wire.flights[0], cut=cut)
    assert wire.counts() == (0, 0, 0, 1, 0)


def test_less_than_a_header_is_nothing(wire: Wire) -> None:
    wire.reply(wire.flights[0], cut=57)
    assert wire.counts() == (0, 0, 0, 0, 0)


def test_the_answer_of_an_earlier_owner_of_the_sequence_is_unexpected(wire: Wire) -> None:
    wire.reply(wire.flights[2], forged={"number": wire.flights[0]})
    assert wire.counts() == (0, 0, 0, 0, 1)


def test_neighbouring_answers_in_the_wrong_order(wire: Wire) -> None:
    first, second, third = wire.flights
    wire.reply(second)
    assert wire.series.reordered_replies == 0
    wire.reply(first)
    assert wire.series.reordered_replies == 1
    wire.reply(third)
    assert wire.series.reordered_replies == 1
    assert wire.counts() == (3, 0, 0, 0, 0)


def test_from_stamp_to_stamp_is_the_round_trip(wire: Wire) -> None:
    number = wire.flights[0]
    assert (
        wire.line.flights.sents[number] < wire.left(number) - wire.pinger.clock.offset() < wire.pinger.clock.monotonic()
    )
    wire.reply(number, stamp=wire.left(number) + 12_345)
    assert wire.series.last.rtt == 12_345
    assert not wire.series.last.userspace


def test_without_a_transmit_stamp_our_own_clock_begins_the_round_trip(wire: Wire) -> None:
    number = wire.flights[0]
    wire.line.flights.stamps[number] = 0
    wire.reply(number, stamp=wire.line.flights.sents[number] + 12_345 + wire.pinger.clock.offset())
    assert wire.series.last.rtt == 12_345
    assert wire.series.last.userspace


@pytest.mark.parametrize("wrong", [-1, 5 * S])
def test_a_stamp_before_the_send_or_after_the_reading_is_not_used(wire: Wire, wrong: int) -> None:
    number = wire.flights[0]
    wire.reply(number, stamp=wire.line.flights.sents[number] + wrong + wire.pinger.clock.offset())
    assert wire.series.last.userspace
    assert 0 < (wire.series.last.rtt or 0) < 1 * S


def test_no_stamp_at_all_is_flagged(wire: Wire) -> None:
    for number in wire.flights[:2]:
        wire.line.flights.stamps[number] = 0
        wire.reply(number, stamp=0)
        assert wire.series.last.userspace
        assert 0 < (wire.series.last.rtt or 0) < 1 * S
    assert wire.series.userspace == 2


def test_a_plausible_stamp_across_a_clock_step_is_not_used(wire: Wire) -> None:
    number = wire.flights[0]
    wire.line._matching._stepped = wire.pinger.clock.monotonic()
    wire.reply(number, stamp=wire.left(number) + 12_345)
    assert wire.series.last.userspace
    assert wire.series.last.rtt != 12_345


def test_an_answer_at_the_deadline_is_in_time_and_after_it_late(wire: Wire) -> None:
    first, second, _ = wire.flights
    wire.pinger.engine._peers[wire.shot.target.name].timeout = 10 * US
    wire.reply(first, stamp=wire.left(first) + 10 * US)
    wire.reply(second, stamp=wire.left(second) + 10 * US + 1)
    assert wire.series.count(Result.SUCCESS) == 1
    assert wire.series.count(Result.TIMEOUT) == wire.series.late_replies == 1
    wire.reply(second)
    assert wire.series.duplicate_replies == 1


def test_a_complaint_ends_the_probe_it_is_about_and_no_other(wire: Wire) -> None:
    first, second, _ = wire.flights
    wire.trouble(first, destination=OTHER)
    wire.trouble(first, ident=wire.probe.ident ^ 1)
    assert wire.series.readings == []
    wire.trouble(first)
    wire.trouble(first)
    assert wire.series.count(Result.ICMP_ERROR) == 1
    wire.reply(first)
    assert wire.counts() == (0, 1, 0, 0, 0), "an answer after the verdict is late"
    wire.reply(second)
    wire.trouble(second)
    assert wire.series.count(Result.ICMP_ERROR) == 1


def test_a_pending_report_does_not_hide_the_answers_behind_it(wire: Wire) -> None:
    """The kernel returns an ICMP error from the next call on the socket, whichever packet it was about."""
    table = (
        "table ip test {\n chain c {\n type filter hook input priority 0\n"
        f" ip daddr {OTHER} icmp type echo-request reject with icmp host-unreachable\n }}\n}}\n"
    )
    subprocess.run(["nft", "-f", "-"], input=table, check=True, text=True)
    try:
        rejected: Shot = wire.pinger.shot(OTHER)
        wire.pinger.fire(wire.shot, rejected)
        instants.pause(0.02)
        assert wire.line.read()
        assert wire.series.count(Result.SUCCESS) == 1
        assert heard(rejected).count(Result.LOCAL_ERROR) == 1
    finally:
        subprocess.run(["nft", "delete", "table", "ip", "test"], check=True)


@pytest.mark.parametrize("family", [4, 6])
def test_a_raw_socket_is_shown_answers_only(space: Namespace, family: int) -> None:
    with inside(space):
        Path("/proc/sys/net/ipv4/ping_group_range").write_text("1 0")
        probe = open_socket(family, Via())
        with probe.socket as own:
            assert probe.raw
            loopback = "127.0.0.1" if family == 4 else "::1"
            subprocess.run(["fping", "-q", "-c", "1", loopback], check=True, capture_output=True)
            select.select([own], [], [], 5)
            message = own.recv(4096)
            assert message[20 if family == 4 else 0] == (0 if family == 4 else 129)
            with pytest.raises(BlockingIOError):
                own.recv(4096)
            assert own.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_RAW
