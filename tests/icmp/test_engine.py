"""The engine on real sockets: both kinds, both families, what the kernel refuses, what is ours and what is not."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import ref

import pytest

from slamon.clock import Clock, Sources
from slamon.egress import memory
from slamon.icmp import channel, line, sockets
from slamon.icmp.sockets import BUFFER, NotPermitted, open_socket
from slamon.model import MS, RESULTS, Result, S, Via
from slamon.probe import Shot
from tests.icmp.rig import Pinger, heard
from tests.netlab import instants
from tests.netlab.namespace import Namespace, inside, nobody
from tests.netlab.rig import ROOT

pytestmark = pytest.mark.system

PING_GROUPS = Path("/proc/sys/net/ipv4/ping_group_range")


@pytest.fixture(params=["batch", "plain"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How the engine talks to its sockets."""
    monkeypatch.setattr(Pinger, "batched", request.param == "batch")
    return str(request.param)


@pytest.fixture(params=["dgram", "raw"])
def kind(request: pytest.FixtureRequest, space: Namespace, way: str) -> Iterator[str]:
    """Inside the namespace, where the kernel allows this kind of socket."""
    with inside(space):
        PING_GROUPS.write_text("0 2147483647" if request.param == "dgram" else "1 0")
        yield request.param


@pytest.fixture
def here(space: Namespace, way: str) -> Iterator[Namespace]:
    with inside(space):
        PING_GROUPS.write_text("0 2147483647")
        yield space


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@contextmanager
def hole() -> Iterator[None]:
    """An interface `hole` with 10.9.0.1/24 and fd09::1/64; 10.9.0.2 takes everything and says nothing, other neighbours do not exist."""
    ip("link", "add", "hole", "type", "veth", "peer", "name", "eloh")
    try:
        ip("addr", "add", "10.9.0.1/24", "dev", "hole")
        ip("addr", "add", "fd09::1/64", "dev", "hole", "nodad")
        ip("link", "set", "hole", "up")
        ip("link", "set", "eloh", "up")
        ip("neigh", "add", "10.9.0.2", "lladdr", "02:00:00:00:00:02", "dev", "hole")
        yield
    finally:
        ip("link", "del", "hole")


@contextmanager
def packet_filter(hook: str, rule: str) -> Iterator[None]:
    """One rule in this namespace's own packet filter."""
    table = f"table inet test {{\n chain c {{\n type filter hook {hook} priority 0\n {rule}\n }}\n}}\n"
    subprocess.run(["nft", "-f", "-"], input=table, check=True, text=True)
    try:
        yield
    finally:
        subprocess.run(["nft", "delete", "table", "inet", "test"], check=True)


@pytest.mark.parametrize("address", ["127.0.0.9", "::1"])
@pytest.mark.parametrize("payload", [16, 17, 56, 1400, 20_000])
def test_an_answer_is_a_success_with_a_round_trip(kind: str, address: str, payload: int) -> None:
    with Pinger() as pinger:
        pinger.warm_up(address)
        shot = pinger.shot(address, payload=payload)
        pinger.rounds([shot], 5, 2 * MS)
        series = heard(shot)
        assert [reading.result for _, reading in series.readings] == [Result.SUCCESS] * 5
        assert all(reading.rtt is not None and 0 < reading.rtt < 500 * MS for _, reading in series.readings)
        assert min(reading.rtt or S for _, reading in series.readings) < 10 * MS
        assert [reading.hop_limit for _, reading in series.readings] == [64] * 5
        assert series.userspace == 0
        assert pinger.stats.sockets[0].type == kind
        assert pinger.stats.sockets[0].timestamps == "kernel"
        assert pinger.warnings == []


def test_the_buffers_are_what_was_asked_for(kind: str) -> None:
    probe = open_socket(4, Via())
    with probe.socket:
        assert probe.info.receive_buffer == probe.info.send_buffer == 2 * BUFFER
        assert memory(probe.socket).drops == 0


def test_send_instants_are_those_of_the_clock(here: Namespace) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1")
        before = pinger.clock.now()
        pinger.fire(shot)
        after = pinger.clock.now()
        pinger.settle()
        assert before <= heard(shot).readings[0][0] <= after


def test_five_thousand_targets_in_one_burst_lose_nothing(kind: str) -> None:
    with Pinger() as pinger:
        pinger.warm_up()
        shots = [pinger.shot(f"127.1.{n // 250}.{n % 250 + 1}", timeout=3 * S) for n in range(5000)]
        pinger.fire(*shots)
        pinger.settle()
        assert sum(heard(shot).count(Result.SUCCESS) for shot in shots) == 5000
        assert sum(heard(shot).userspace for shot in shots) == 0
        assert pinger.stats.receive_drops[4] == 0
        assert pinger.stats.unexpected_replies == 0


def test_a_small_receive_buffer_is_drained_during_the_burst(here: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "BUFFER", 16_384)
    with Pinger() as pinger:
        shots = [pinger.shot(f"127.1.{n // 250}.{n % 250 + 1}", timeout=3 * S) for n in range(2000)]
        pinger.fire(*shots)
        pinger.settle()
        assert pinger.stats.sockets[0].receive_buffer == 2 * 16_384
        assert sum(heard(shot).count(Result.SUCCESS) for shot in shots) == 2000


def test_a_small_receive_buffer_is_drained_between_bursts_that_come_before_the_reading(
    here: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "BUFFER", 16_384)
    with Pinger() as pinger:
        shots = [pinger.shot(f"127.1.0.{n + 1}", timeout=3 * S) for n in range(200)]
        for first in range(0, 200, 10):
            pinger.fire(*shots[first : first + 10])
            pinger.engine.drain(eager=False)
        pinger.settle()
        assert sum(heard(shot).count(Result.SUCCESS) for shot in shots) == 200


def test_what_is_stamped_by_the_kernel_may_be_read_later(kind: str) -> None:
    with Pinger() as pinger:
        pinger.warm_up()
        shot = pinger.shot("127.0.0.1")
        pinger.fire(shot)
        instants.pause(0.05)
        pinger.engine.drain(eager=False)
        assert heard(shot).in_flight == 1
        pinger.engine.drain()
        assert (heard(shot).last.rtt or S) < 20 * MS


def test_stamps_are_told_apart_where_some_packets_between_have_none(kind: str) -> None:
    with hole(), Pinger() as pinger:
        pinger.warm_up()
        live = [pinger.shot(f"127.0.0.{n}") for n in range(1, 21)]
        dead = [pinger.shot(f"10.9.0.{n}") for n in range(101, 121)]  # nobody resolves them, so they do not leave
        pinger.fire(*(shot for pair in zip(dead, live, strict=True) for shot in pair))
        instants.pause(0.02)
        pinger.drain()
        assert [heard(shot).count(Result.SUCCESS) for shot in live] == [1] * 20
        assert [heard(shot).userspace for shot in live] == [0] * 20
        pinger.settle()


def test_what_our_own_buffer_dropped_is_unmeasured_and_not_lost(
    here: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "BUFFER", 16_384)
    monkeypatch.setattr(line, "SMALLEST_BURST", 5000)
    with Pinger() as pinger:
        shots = [pinger.shot(f"127.1.{n // 250}.{n % 250 + 1}", timeout=100 * MS) for n in range(1000)]
        pinger.fire(*shots)
        pinger.settle()
        answered = sum(heard(shot).count(Result.SUCCESS) for shot in shots)
        ours = sum(heard(shot).count(Result.LOCAL_ERROR) for shot in shots)
        assert answered + ours == 1000
        assert ours == pinger.stats.receive_drops[4] > 0
        assert len(pinger.warnings) == 1
        assert "net.core.rmem_max" in pinger.warnings[0]
        # and the next probes are judged as ever
        shot = pinger.shot("127.0.0.1")
        pinger.rounds([shot], 3)
        assert heard(shot).count(Result.SUCCESS) == 3


@pytest.mark.parametrize("address", ["203.0.113.1", "2001:db8::1"])
def test_no_route_is_local(kind: str, address: str) -> None:
    with Pinger() as pinger:
        shot = pinger.shot(address)
        pinger.fire(shot)
        assert heard(shot).last.result is Result.LOCAL_ERROR, "decided at once"
        assert "ENETUNREACH" in heard(shot).last.detail
        assert pinger.stats.send_errors == {"ENETUNREACH": 1}


def test_a_packet_filter_of_ours_is_local(here: Namespace) -> None:
    with packet_filter("output", "ip daddr 127.0.0.66 drop"), Pinger() as pinger:
        shot = pinger.shot("127.0.0.66")
        pinger.fire(shot)
        assert heard(shot).last.result in (Result.LOCAL_ERROR, Result.SEND_ERROR)
        assert "EPERM" in heard(shot).last.detail
        assert pinger.stats.send_errors == {"EPERM": 1}


def test_a_rejection_by_this_host_itself_is_local(kind: str) -> None:
    rule = "ip daddr 127.0.0.67 icmp type echo-request reject with icmp host-unreachable"
    with packet_filter("input", rule), Pinger() as pinger:
        shot, other = pinger.shot("127.0.0.67"), pinger.shot("127.0.0.68")
        pinger.rounds([shot, other], 5)
        assert heard(shot).count(Result.LOCAL_ERROR) == 5
        assert heard(shot).icmp_errors == {(3, 1, "local"): 5}
        assert heard(other).count(Result.SUCCESS) == 5, "the report about one target does not fail the other"
        assert pinger.stats.send_errors == {}


def test_an_address_that_is_none_is_decided_and_nothing_else_suffers(here: Namespace) -> None:
    with Pinger() as pinger:
        good = pinger.shot("127.0.0.1")
        odd = pinger.shot("127.0.0.1", via=Via(interface="lo"), name="service/odd")._replace(address="no address")
        shots = [pinger.shot("fe80::1%nowhere"), good, pinger.shot("fe80::1"), odd]
        pinger.fire(*shots)
        pinger.settle()
        assert heard(shots[0]).last.result is Result.LOCAL_ERROR
        assert heard(good).last.result is Result.SUCCESS
        assert heard(odd).last.result is Result.LOCAL_ERROR
        assert heard(shots[2]).last.result in (Result.LOCAL_ERROR, Result.SEND_ERROR)


def test_silence_is_a_timeout_after_the_timeout(kind: str) -> None:
    with hole(), Pinger() as pinger:
        short, long = (pinger.shot("10.9.0.2", timeout=t, name=f"service/{t}") for t in (100 * MS, 250 * MS))
        fired = pinger.clock.monotonic()
        pinger.fire(short, long)
        pinger.settle()
        took = pinger.clock.monotonic() - fired
        assert [heard(shot).last.result for shot in (short, long)] == [Result.TIMEOUT] * 2
        assert 250 * MS <= took < 250 * MS + line.GRACE + 2 * S
        assert heard(short).last.rtt is None


def test_the_kernels_report_of_a_dead_gateway_is_local(kind: str) -> None:
    """It comes after three seconds, unless told otherwise; here after 0.2."""
    with hole(), Pinger() as pinger:
        for family in ("ipv4", "ipv6"):
            Path(f"/proc/sys/net/{family}/neigh/hole/mcast_solicit").write_text("2")
            Path(f"/proc/sys/net/{family}/neigh/hole/retrans_time_ms").write_text("100")
        ip("route", "add", "10.10.0.0/16", "via", "10.9.0.7")
        ip("-6", "route", "add", "fd10::/64", "via", "fd09::7")
        shots = [pinger.shot(address, timeout=2 * S) for address in ("10.10.0.1", "fd10::1")]
        live = pinger.shot("127.0.0.1")
        pinger.fire(*shots)
        while any(heard(shot).in_flight for shot in shots):
            pinger.fire(live)
            pinger.drain()
        pinger.settle()
        assert [heard(shot).last.result for shot in shots] == [Result.LOCAL_ERROR] * 2
        assert heard(shots[0]).last.icmp_error == (3, 1, "local")
        assert heard(shots[1]).last.icmp_error == (1, 3, "local")
        assert heard(shots[0]).last.detail == (
            "host unreachable, says this host: our gateway 10.9.0.7 does not answer (no ARP reply)"
        )
        assert heard(live).count(Result.SUCCESS) == heard(live).attempts > 10, (
            "a dead neighbour never hurts a live target"
        )


def test_two_hundred_dead_neighbours_beside_a_live_target(kind: str) -> None:
    with hole(), Pinger() as pinger:
        dead = [pinger.shot(f"10.9.0.{n}", timeout=200 * MS) for n in range(10, 210)]
        live = pinger.shot("127.0.0.1")
        for _ in range(3):
            pinger.fire(*dead, live)
            for _ in range(10):
                pinger.fire(live)
                pinger.drain()
        pinger.settle()
        assert heard(live).count(Result.SUCCESS) == heard(live).attempts == 33
        assert sum(heard(shot).count(Result.TIMEOUT) for shot in dead) == 600
        assert not pinger.stats.send_errors


def test_a_full_send_buffer_is_ours(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets that wait for dead neighbours fill a small buffer; what then cannot be sent is never lost."""
    monkeypatch.setattr(sockets, "BUFFER", 8_192)
    with hole(), Pinger() as pinger:
        dead = [pinger.shot(f"10.9.0.{n}") for n in range(10, 110)]
        live = pinger.shot("127.0.0.1")
        pinger.fire(*dead, live)
        pinger.settle()
        refused = pinger.stats.send_errors
        assert set(refused) <= {"EAGAIN", "ENOBUFS"}
        assert sum(refused.values()) == sum(
            shot.series.results[RESULTS.index(Result.SEND_ERROR)] for shot in [*dead, live]
        )
        assert heard(live).count(Result.SEND_ERROR) == 1
        assert len(pinger.warnings) == 1
        assert "net.core.wmem_max" in pinger.warnings[0]


def test_an_interface_that_goes_and_comes_back(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "REOPEN", 50 * MS)
    with Pinger() as pinger:
        shot, other = pinger.shot("10.9.0.1", via=Via(interface="hole"), timeout=200 * MS), pinger.shot("127.0.0.1")

        def probe() -> Result:
            instants.pause(channel.REOPEN / S)
            pinger.fire(shot, other)
            pinger.settle()
            assert heard(other).last.result is Result.SUCCESS
            return heard(shot).last.result

        assert probe() is Result.LOCAL_ERROR
        assert "hole" in heard(shot).last.detail
        for _ in range(2):
            with hole():
                assert probe() is Result.SUCCESS
                assert [info.via for info in pinger.stats.sockets].count("hole") == 1
            pinger.fire(shot)
            assert heard(shot).last.result is Result.LOCAL_ERROR
            assert probe() is Result.LOCAL_ERROR
        assert heard(shot).count(Result.SUCCESS) == 2
        assert heard(shot).count(Result.TIMEOUT) == 0


def test_what_is_in_flight_when_its_socket_is_given_up_is_ours(
    here: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "REOPEN", 50 * MS)
    with Pinger() as pinger:
        with hole():
            shot = pinger.shot("10.9.0.2", via=Via(interface="hole"), timeout=5 * S)
            pinger.fire(shot)
            assert heard(shot).in_flight == 1
            instants.pause(channel.REOPEN / S)
        pinger.fire(shot)
        pinger.fire(shot)
        assert heard(shot).count(Result.LOCAL_ERROR) == 3
        assert heard(shot).readings[1][1].detail == "the interface went away"


def test_what_was_answered_when_its_socket_is_given_up_is_recorded(
    here: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "REOPEN", 50 * MS)
    with Pinger() as pinger:
        with hole():
            shot = pinger.shot("10.9.0.1", via=Via(interface="hole"), timeout=5 * S)
            pinger.fire(shot)
            instants.pause(channel.REOPEN / S)
        pinger.fire(shot)
        pinger.fire(shot)
        assert (heard(shot).count(Result.SUCCESS), heard(shot).count(Result.LOCAL_ERROR)) == (1, 2)


def test_a_source_address_of_others_is_local(kind: str) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1", via=Via(source="192.0.2.77"))
        pinger.fire(shot)
        assert heard(shot).last.result is Result.LOCAL_ERROR
        assert "192.0.2.77" in heard(shot).last.detail


def test_the_way_out_is_on_the_wire(kind: str) -> None:
    """Source, interface and mark, as the kernel's own packet filter sees them."""
    rule = "meta mark 7 ip saddr 127.0.0.88 oifname lo icmp type echo-request counter"
    with packet_filter("output", rule):
        with Pinger() as pinger:
            shot = pinger.shot("127.0.0.1", via=Via(source="127.0.0.88", mark=7, interface="lo"))
            pinger.rounds([shot], 5)
            assert heard(shot).count(Result.SUCCESS) == 5
        table = subprocess.run(["nft", "list", "table", "inet", "test"], check=True, capture_output=True, text=True)
        assert "counter packets 5 " in table.stdout


def test_each_way_out_has_one_socket_whatever_the_number_of_targets(here: Namespace) -> None:
    with Pinger() as pinger:
        ways = [Via(), Via(source="127.0.0.1"), Via(interface="lo")]
        shots = [pinger.shot(f"127.0.2.{n}", via=ways[n % 3]) for n in range(1, 61)]
        pinger.rounds(shots, 2)
        assert sum(heard(shot).count(Result.SUCCESS) for shot in shots) == 120
        assert sorted(info.via for info in pinger.stats.sockets) == ["", "127.0.0.1", "lo"]


def test_replies_to_others_are_not_ours(kind: str) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1")
        pinger.warm_up()
        subprocess.run(["fping", "-q", "-c", "20", "-p", "10", "127.0.0.1"], check=True, capture_output=True)
        pinger.rounds([shot], 5)
        assert heard(shot).count(Result.SUCCESS) == 5
        assert pinger.stats.unexpected_replies == 0


class Once(list[Shot]):
    """Shots that do not come again, and can be referred to weakly."""


def test_what_does_not_come_again_is_not_kept(here: Namespace) -> None:
    with Pinger() as pinger:
        shots = [pinger.shot(f"127.0.3.{n}") for n in range(1, 11)]
        fired = []
        for first in range(8):
            once = Once(shots[first:] + shots[:first])
            fired.append(ref(once))
            pinger.engine.send(once)
            del once
            pinger.settle()
        gc.collect()
        assert [once() for once in fired] == [None] * 8
        assert sum(heard(shot).count(Result.SUCCESS) for shot in shots) == 80


def test_a_standstill_of_ours_loses_no_waiting_answer(here: Namespace) -> None:
    with Pinger() as pinger:
        pinger.warm_up()
        shots = [pinger.shot(f"127.0.3.{n}", timeout=200 * MS) for n in range(1, 101)]
        pinger.fire(*shots)
        instants.pause(0.6)  # as if stopped, well past timeout and grace
        pinger.engine.drain()
        assert sum(heard(shot).count(Result.SUCCESS) for shot in shots) == 100
        assert all((heard(shot).last.rtt or S) < 200 * MS for shot in shots), "by the stamps, not by the reading"


def test_without_stamps_an_answer_read_too_late_says_nothing(here: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "SO_TIMESTAMPING_NEW", 9999)  # an option this kernel does not have
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1", timeout=250 * MS)
        pinger.rounds([shot], 5)
        assert pinger.stats.sockets[0].timestamps == "userspace"
        assert heard(shot).count(Result.SUCCESS) == heard(shot).userspace == 5
        assert all(0 < (reading.rtt or 0) < 250 * MS for _, reading in heard(shot).readings)
        pinger.fire(shot)
        pinger.engine.drain(eager=False)  # without stamps it is read at once all the same
        assert heard(shot).in_flight == 0
        pinger.fire(shot)
        instants.pause(0.5)
        pinger.engine.drain()
        assert heard(shot).last.result is Result.LOCAL_ERROR
        assert "too late" in heard(shot).last.detail


def test_a_clock_step_before_the_reading_bends_no_round_trip(here: Namespace) -> None:
    system = Sources()
    step = 0
    clock = Clock(Sources(realtime=lambda: system.realtime() + step))  # the kernel's stamps are all of before
    with Pinger(clock) as pinger:
        pinger.warm_up()
        shot = pinger.shot("127.0.0.1")
        pinger.rounds([shot], 3)
        assert heard(shot).userspace == 0
        pinger.fire(shot)
        for _ in range(3):
            instants.pause(0.1)
            pinger.engine.drain(eager=False)
        assert heard(shot).in_flight == 1
        for step in (3600 * S, -3600 * S, -5 * MS):  # noqa: B007 - the clock reads it
            pinger.engine.drain(eager=False)  # the longer it goes unnoticed, the more stamps are useless
            assert heard(shot).in_flight == 0
            assert 0 < (heard(shot).last.rtt or 0) < 20 * MS
            pinger.fire(shot)
        pinger.settle()
        assert heard(shot).count(Result.SUCCESS) == heard(shot).attempts == 7
        assert 0 < (heard(shot).last.rtt or 0) < 100 * MS


def test_stopping_decides_what_is_in_flight_as_ours(here: Namespace) -> None:
    pinger = Pinger()
    with hole():
        answered, silent = pinger.shot("127.0.0.1"), pinger.shot("10.9.0.2")
        pinger.fire(answered, silent)
        pinger.engine.close()
    assert (heard(answered).last.result, heard(silent).last.result) == (Result.SUCCESS, Result.LOCAL_ERROR)
    assert pinger.stats.sockets == []


def test_a_changed_address_is_followed(here: Namespace) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1")
        pinger.rounds([shot, shot._replace(address="127.0.0.2")], 3)
        assert heard(shot).count(Result.SUCCESS) == 6
        assert pinger.stats.unexpected_replies == 0


def flow(pinger: Pinger, address: str) -> int:
    """The ICMP identifier in use."""
    line = pinger.engine._peers[f"service/{address}"].channel.line
    assert line is not None
    return line.probe.ident


def test_the_identifier_is_changed_in_time_and_what_is_in_flight_is_waited_for(
    kind: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    with Pinger() as pinger:
        pinger.warm_up()
        shot, other = pinger.shot("127.0.0.1"), pinger.shot("127.0.0.2")
        pinger.fire(shot, other)
        before = flow(pinger, "127.0.0.2")
        monkeypatch.setattr(channel, "ROTATION", 1)
        pinger.fire(shot, other)
        monkeypatch.undo()
        assert flow(pinger, "127.0.0.2") != before
        assert len(pinger.stats.sockets) == 2
        pinger.settle()
        pinger.rounds([shot, other], 3)
        for one in (shot, other):
            assert heard(one).count(Result.SUCCESS) == 5
            assert (heard(one).rotations, heard(one).reordered_replies, heard(one).userspace) == (1, 0, 0)
        assert pinger.stats.unexpected_replies == 0
        assert [record.getMessage() for record in caplog.records if "ICMP id" in record.getMessage()] == [
            f"IPv4 probes go by ICMP id {flow(pinger, '127.0.0.2')} from here on, not by {before}: it was in use for an hour"
        ]


def test_the_former_identifier_is_given_up_after_a_while(here: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1")
        pinger.fire(shot)
        monkeypatch.setattr(channel, "MEMORY", 0)
        monkeypatch.setattr(channel, "ROTATION", 1)
        pinger.fire(shot)
        pinger.settle()
        pinger.drain()
        assert len(pinger.stats.sockets) == 1


def test_a_flow_that_is_stuck_on_the_way_is_left_before_it_looks_like_an_outage(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Something on the way drops whatever bears the first identifier; the target is well."""
    monkeypatch.setattr(channel, "ROTATION_PAUSE", 0)
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1", timeout=20 * MS)
        pinger.fire(shot)
        pinger.settle()
        stuck = flow(pinger, "127.0.0.1")
        with packet_filter("input", f"icmp id {stuck} drop"):
            for _ in range(4):
                pinger.fire(shot)
                pinger.settle()
        assert [reading.result for _, reading in heard(shot).readings] == [
            Result.SUCCESS, Result.TIMEOUT, Result.TIMEOUT, Result.SUCCESS, Result.SUCCESS,
        ]  # fmt: skip
        assert heard(shot).rotations == 1


def test_an_outage_changes_the_flow_once(here: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "ROTATION_PAUSE", 0)
    with hole(), Pinger() as pinger:
        shot = pinger.shot("10.9.0.2", timeout=10 * MS)
        for _ in range(6):
            pinger.fire(shot)
            pinger.settle()
        assert heard(shot).count(Result.TIMEOUT) == 6
        assert heard(shot).rotations == 1


def test_failed_sends_do_not_shift_the_stamps(kind: str) -> None:
    """Some of them use up a number of the kernel's and some do not; every answer keeps the stamp of its own request."""
    with packet_filter("output", "ip daddr 127.0.0.66 drop"), Pinger() as pinger:
        pinger.warm_up()
        good = [pinger.shot(f"127.0.0.{n}") for n in range(1, 9)]
        bad = [pinger.shot("127.0.0.66"), pinger.shot("203.0.113.1"), pinger.shot("127.0.0.67", payload=65_507)]
        mixed = [
            good[0],
            bad[0],
            good[1],
            good[2],
            bad[1],
            bad[0],
            good[3],
            bad[2],
            good[4],
            good[5],
            bad[1],
            good[6],
            good[7],
        ]
        pinger.rounds(mixed, 10, 3 * MS)
        for shot in good:
            assert heard(shot).count(Result.SUCCESS) == 10
            assert heard(shot).userspace == 0
            rtts = sorted(reading.rtt or 0 for _, reading in heard(shot).readings)
            assert rtts[5] < 1 * MS


def test_wrong_checksums_are_the_kernels_count(here: Namespace) -> None:
    with Pinger() as pinger:
        before = sockets.checksum_errors()
        assert set(before) == {4, 6}
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.sendto(b"\0\0\xde\xad" + bytes(60), ("127.0.0.1", 0))
        instants.pause(0.01)
        pinger.engine.drain()
        assert pinger.stats.checksum_errors[4] == before[4] + 1
        assert pinger.stats.checksum_errors[6] == before[6]


REFUSED = """
import sys
from slamon.model import Result
from slamon.probe import Shot
from tests.icmp.rig import Pinger, heard
pinger = Pinger()
shots = [pinger.shot(address) for address in ("127.0.0.1", "::1")]
for _ in range(3):
    pinger.fire(*shots)
    pinger.engine.drain()
assert all(heard(shot).count(Result.LOCAL_ERROR) == 3 for shot in shots), [heard(shot).readings for shot in shots]
assert "no ICMP socket is permitted" in heard(shots[0]).last.detail
assert pinger.stats.sockets == []
print(len(pinger.warnings))
print(pinger.warnings[0])
"""

ALLOWED = """
import signal, sys
from pathlib import Path
from slamon.model import Result
from slamon.probe import Shot
from tests.icmp.rig import Pinger, heard
pinger = Pinger()
shot = pinger.shot("127.0.0.1")
for _ in range(20):
    pinger.fire(shot)
    pinger.settle()
assert heard(shot).count(Result.SUCCESS) == 20, heard(shot).readings
print(pinger.stats.sockets[0].type, pinger.stats.sockets[0].receive_buffer)
"""


def unprivileged(space: Namespace, script: str, *capabilities: str) -> list[str]:
    """The lines a script printed that ran as nobody, with no capability to open sockets but these."""
    done = space.run(
        *nobody(*capabilities),
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_any_permission_targets_are_unmeasured_and_the_operator_is_told_once(space: Namespace) -> None:
    space.run("sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    count, *warning = unprivileged(space, REFUSED)
    text = "\n".join(warning)
    assert count == "1"
    assert 'sysctl -w net.ipv4.ping_group_range="0 2147483647"' in text
    assert '"1 0" now' in text
    assert f"setcap cap_net_raw+ep {Path(sys.executable).resolve()}" in text
    assert "AmbientCapabilities=CAP_NET_RAW" in text


def test_the_capability_alone_opens_a_raw_socket(space: Namespace) -> None:
    space.run("sysctl", "-qw", "net.ipv4.ping_group_range=1 0")
    (line,) = unprivileged(space, ALLOWED, "net_raw")
    kind, buffer = line.split()
    assert kind == "raw"
    assert 0 < int(buffer) <= 2 * BUFFER


def test_the_group_range_alone_opens_a_datagram_socket(space: Namespace) -> None:
    space.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    (line,) = unprivileged(space, ALLOWED)
    assert line.split()[0] == "dgram"


def test_permission_given_later_is_noticed(here: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    permitted = False

    def guarded(family: int, via: Via) -> sockets.ProbeSocket:
        if not permitted:
            raise NotPermitted("no")
        return open_socket(family, via)

    monkeypatch.setattr(channel, "open_socket", guarded)
    monkeypatch.setattr(channel, "PERMISSION_RETRY", 100 * MS)
    with Pinger() as pinger:
        shot = pinger.shot("127.0.0.1")
        pinger.fire(shot)
        permitted = True
        pinger.fire(shot)
        assert heard(shot).count(Result.LOCAL_ERROR) == 2
        instants.pause(0.11)
        pinger.fire(shot)
        pinger.settle()
        assert heard(shot).last.result is Result.SUCCESS


def test_a_really_stopped_process_loses_no_waiting_answer(space: Namespace) -> None:
    space.run("sysctl", "-qw", "net.ipv4.ping_group_range=0 2147483647")
    script = (
        "import sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from slamon.model import MS, Result\n"
        "from tests.icmp.rig import Pinger, heard\n"
        "pinger = Pinger()\n"
        "pinger.warm_up()\n"
        "shots = [pinger.shot(f'127.0.4.{n}', timeout=200 * MS) for n in range(1, 101)]\n"
        "for _ in range(40):\n"
        "    pinger.fire(*shots)\n"
        "    print('fired', flush=True)\n"
        "    pinger.drain()\n"
        "pinger.settle()\n"
        "print(sum(heard(shot).count(Result.SUCCESS) for shot in shots), 'of', 40 * 100)\n"
    )
    process = space.start([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(10):
        assert process.stdout.readline() == "fired\n"
    os.kill(process.pid, signal.SIGSTOP)
    instants.pause(0.5)
    os.kill(process.pid, signal.SIGCONT)
    output, _ = process.communicate(timeout=20)
    assert output.splitlines()[-1] == "4000 of 4000"
    assert process.returncode == 0


def test_targets_whose_requests_are_alike_share_one_form(here: Namespace) -> None:
    with Pinger() as pinger:
        shots = [pinger.shot("127.0.0.1"), pinger.shot("127.0.0.2"), pinger.shot("127.0.0.3", payload=100)]
        pinger.fire(*shots)
        pinger.settle()
        first, second, third = (pinger.engine._peers[shot.target.name].form for shot in shots)
        assert first is second
        assert (first.payload, third.payload) == (56, 100)
