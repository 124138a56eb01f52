"""The engine against the network with a known truth: every count equal per target, every round trip near the truth's."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from slamon.model import MS, US, Result
from slamon.probe import Shot
from slamon.probes.icmp import PROBE, Icmp
from tests.icmp.rig import Heard, Pinger, heard
from tests.netlab.namespace import inside
from tests.netlab.rig import Lab
from tests.netlab.truth import Row

pytestmark = pytest.mark.system

LOSSY = [f"10.66.2.{n}" for n in range(1, 9)] + [f"fd66::2:{n}" for n in range(1, 9)]
CLEAN = ["10.66.1.1", "10.66.1.2", "10.66.1.3", "fd66::1:1"]

TARGETS: dict[str, dict[str, object]] = {
    **{address: {"delay": 5, "jitter": 3, "loss": 0.02} for address in LOSSY},
    **dict(zip(CLEAN, ({"delay": 5}, {"delay": 30}, {}, {"delay": 5}), strict=True)),
    "10.66.3.1": {"delay": 3, "duplicate": 0.3},
    "fd66::3:1": {"delay": 3, "duplicate": 0.3},
    "10.66.4.1": {"delay": 2, "reorder": 0.2, "reorder_delay": 35},
    "fd66::4:1": {"delay": 2, "reorder": 0.2, "reorder_delay": 35},
    "10.66.5.1": {"delay": 2, "corrupt": 0.2},
    "fd66::5:1": {"delay": 2, "corrupt": 0.2},
    "10.66.6.1": {"delay": 2, "bad_payload": True},
    "fd66::6:1": {"delay": 2, "bad_payload": True},
    "10.66.7.1": {"delay": 2, "spoof": "10.66.7.2"},
    "10.66.8.1": {"delay": 2, "reorder": 0.3, "reorder_delay": 300, "duplicate": 0.3},
    "fd66::8:1": {"delay": 2, "reorder": 0.3, "reorder_delay": 700, "duplicate": 0.3},
    "10.66.9.1": {"error": "host", "error_from": "10.66.9.254"},
    "10.66.9.2": {"error": "admin"},
    "10.66.9.3": {"error": "ttl", "error_from": "10.66.9.254", "loss": 0.3},
    "fd66::9:1": {"error": "host", "error_from": "fd66::9:fe"},
    "10.66.10.1": {"delay": 2, "hop_limit": 53},
    "fd66::a:1": {"delay": 2, "hop_limit": 53},
}
TIMEOUTS = {"10.66.8.1": 100 * MS, "fd66::8:1": 100 * MS}
"""Below what reordering holds back there; the others' is beyond all delays."""


class Measured:
    """What the engine and the truth say about the same packets."""

    def __init__(
        self, lab: Lab, addresses: Mapping[str, int], *, rounds: int, tick: int = 10 * MS, linger: int = 0
    ) -> None:
        """`addresses` → timeout; `tick` between rounds; `linger` rounds of reading after everything is decided."""
        with inside(lab.namespace), Pinger() as self.pinger:
            self.pinger.warm_up("10.66.99.99")
            before = Counter(row.target for row in lab.truth().rows)
            self.shots: dict[str, Shot] = {
                address: self.pinger.shot(address, timeout=timeout) for address, timeout in addresses.items()
            }
            self.pinger.rounds([*self.shots.values()], rounds, tick)
            for _ in range(linger):
                self.pinger.drain()
            self.rounds = rounds
        rows = lab.truth().rows
        self.rows = {
            address: [row for row in rows if row.target == address][before[address] :] for address in addresses
        }

    def series(self, address: str) -> Heard:
        return heard(self.shots[address])

    def probes(self, address: str) -> list[Row]:
        """The truth's row of each probe, in send order."""
        rows = (row for row in self.rows[address] if row.event != "duplicate")
        return sorted(rows, key=lambda row: row.received)

    def count(self, address: str, event: str) -> int:
        """Rows whose event has this word or mark."""
        return sum(1 for row in self.rows[address] if event in row.event.split("+"))

    def errors(self, *addresses: str) -> list[int]:
        """Round trip by the engine − by the truth, nanoseconds ascending."""
        found = []
        for address in addresses:
            readings = [reading for _, reading in sorted(self.series(address).readings)]
            assert all(reading.result is Result.SUCCESS and not reading.userspace for reading in readings)
            for reading, row in zip(readings, self.probes(address), strict=True):
                assert reading.rtt is not None
                found.append(reading.rtt - (row.sent - row.received))
        return sorted(found)


@pytest.fixture(scope="module", params=["dgram batch", "dgram plain", "raw batch", "raw plain"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    kind, way = request.param.split()
    with pytest.MonkeyPatch.context() as patch, Lab(tmp_path_factory.mktemp("lab"), TARGETS, seed=11) as lab:
        patch.setattr(Pinger, "batched", way == "batch")
        groups = "0 2147483647" if kind == "dgram" else "1 0"
        lab.namespace.run("sysctl", "-qw", f"net.ipv4.ping_group_range={groups}")
        yield lab


@pytest.fixture(scope="module")
def seen(lab: Lab) -> Measured:
    """All targets at once over shared sockets, as the daemon does it."""
    return Measured(
        lab, {address: TIMEOUTS.get(address, 300 * MS) for address in TARGETS}, rounds=150, tick=5 * MS, linger=30
    )


def test_two_percent_loss_equals_the_truth_packet_by_packet(seen: Measured) -> None:
    for address in LOSSY:
        series = seen.series(address)
        assert series.attempts == seen.rounds
        assert series.count(Result.TIMEOUT) == seen.count(address, "lost")
        assert series.count(Result.SUCCESS) == seen.count(address, "reply")
        lost = [row.event == "lost" for row in seen.probes(address)]
        assert [reading.result is Result.TIMEOUT for _, reading in sorted(series.readings)] == lost
    assert sum(seen.count(address, "lost") for address in LOSSY) >= 30


def test_a_target_without_loss_has_none(seen: Measured) -> None:
    for address in CLEAN:
        series = seen.series(address)
        assert series.count(Result.SUCCESS) == series.attempts == seen.rounds
        events = (series.late_replies, series.duplicate_replies, series.reordered_replies, series.corrupt_replies)
        assert events == (0, 0, 0, 0)
    assert seen.pinger.stats.send_errors == {}
    assert seen.pinger.stats.receive_drops[4] == seen.pinger.stats.receive_drops[6] == 0


def near(errors: list[int]) -> None:
    """The truth's own stamp is taken after the reply was written, so an error may be a little below zero, or more where it waited."""
    assert errors[len(errors) // 20] > -100 * US
    assert -100 * US < errors[len(errors) // 2] < 1 * MS


def test_round_trips_are_near_the_truth(seen: Measured) -> None:
    near(seen.errors(*CLEAN))


def test_round_trips_do_not_depend_on_how_late_they_are_read(lab: Lab) -> None:
    near(Measured(lab, dict.fromkeys(CLEAN, 300 * MS), rounds=20, tick=60 * MS).errors(*CLEAN))


@pytest.mark.parametrize("address", ["10.66.3.1", "fd66::3:1"])
def test_duplicates_are_counted_apart(seen: Measured, address: str) -> None:
    series = seen.series(address)
    assert series.count(Result.SUCCESS) == series.attempts == seen.rounds
    assert series.duplicate_replies == seen.count(address, "duplicate") > 5
    assert (series.late_replies, series.reordered_replies, series.corrupt_replies) == (0, 0, 0)


def overtaken(rows: list[Row]) -> int:
    """RFC 4737: replies that arrive after the reply to a later probe. `rows` in send order."""
    newest, count = -1, 0
    for index in sorted(range(len(rows)), key=lambda index: rows[index].sent):
        count += index < newest
        newest = max(newest, index)
    return count


@pytest.mark.parametrize("address", ["10.66.4.1", "fd66::4:1"])
def test_overtaken_replies_are_counted_apart(seen: Measured, address: str) -> None:
    series = seen.series(address)
    assert series.count(Result.SUCCESS) == series.attempts == seen.rounds
    assert series.reordered_replies == overtaken(seen.probes(address)) > 5
    assert (series.late_replies, series.duplicate_replies, series.corrupt_replies) == (0, 0, 0)


@pytest.mark.parametrize("address", ["10.66.5.1", "fd66::5:1"])
def test_a_wrong_checksum_never_arrived(seen: Measured, address: str) -> None:
    series = seen.series(address)
    assert series.count(Result.TIMEOUT) == seen.count(address, "corrupt") > 5
    assert series.count(Result.SUCCESS) == seen.rounds - seen.count(address, "corrupt")
    assert series.corrupt_replies == 0


@pytest.mark.parametrize("address", ["10.66.6.1", "fd66::6:1"])
def test_a_wrong_payload_is_corrupt_and_no_answer(seen: Measured, address: str) -> None:
    series = seen.series(address)
    assert series.corrupt_replies == seen.count(address, "bad-payload") == seen.rounds
    assert series.count(Result.TIMEOUT) == seen.rounds


def test_an_answer_from_another_address_is_none(seen: Measured) -> None:
    assert seen.pinger.stats.unexpected_replies == seen.count("10.66.7.1", "spoofed") == seen.rounds
    assert seen.series("10.66.7.1").count(Result.TIMEOUT) == seen.rounds


@pytest.mark.parametrize("address", ["10.66.8.1", "fd66::8:1"])
def test_a_late_answer_stays_lost_and_is_counted_apart(seen: Measured, address: str) -> None:
    """At a timeout of 100 ms: 300 ms late comes while the verdict still waits, 700 ms long after it."""
    series = seen.series(address)
    late = sum(1 for row in seen.probes(address) if row.event == "reply+reordered")
    assert series.late_replies == series.count(Result.TIMEOUT) == late > 5
    assert series.count(Result.SUCCESS) == seen.rounds - late
    assert series.duplicate_replies == seen.count(address, "duplicate") > 5
    assert series.reordered_replies == 0


@pytest.mark.parametrize(
    ("address", "error", "offender"),
    [
        ("10.66.9.1", (3, 1, "remote"), "10.66.9.254"),
        ("10.66.9.2", (3, 13, "remote"), "10.66.9.2"),
        ("10.66.9.3", (11, 0, "remote"), "10.66.9.254"),
        ("fd66::9:1", (1, 3, "remote"), "fd66::9:fe"),
    ],
)
def test_a_routers_error_is_remote_with_type_code_and_offender(
    seen: Measured, address: str, error: tuple[int, int, str], offender: str
) -> None:
    series = seen.series(address)
    assert series.count(Result.ICMP_ERROR) == series.icmp_errors[error] == seen.rounds - seen.count(address, "lost")
    assert series.count(Result.TIMEOUT) == seen.count(address, "lost")
    told = next(reading for _, reading in series.readings if reading.result is Result.ICMP_ERROR)
    assert told.icmp_error == error
    assert offender in told.detail


@pytest.mark.parametrize("address", ["10.66.10.1", "fd66::a:1"])
def test_the_hop_limit_of_the_answer_is_read(seen: Measured, address: str) -> None:
    assert {reading.hop_limit for _, reading in seen.series(address).readings} == {53}


def test_an_interface_that_is_down_is_ours_and_one_that_is_back_is_not(lab: Lab) -> None:
    with inside(lab.namespace), Pinger() as pinger:
        shot = pinger.shot("10.66.1.1")
        pinger.rounds([shot], 3)
        lab.namespace.run("ip", "link", "set", "lab0", "down")
        try:
            pinger.rounds([shot], 3)
        finally:
            lab.namespace.run("ip", "link", "set", "lab0", "up")
            lab.namespace.run("ip", "route", "replace", "10.66.0.0/16", "dev", "lab0")
            lab.namespace.run("ip", "-6", "route", "replace", "fd66::/64", "dev", "lab0")
        assert heard(shot).count(Result.LOCAL_ERROR) == 3
        pinger.rounds([shot], 3)
        assert heard(shot).count(Result.SUCCESS) == 6
        assert heard(shot).count(Result.TIMEOUT) == 0


def wire(lab: Lab) -> tuple[int, int]:
    """(packets, bytes) of the lab's interface so far, both directions."""
    (link,) = json.loads(lab.namespace.run("ip", "-s", "-j", "link", "show", "lab0").stdout)
    rx, tx = link["stats64"]["rx"], link["stats64"]["tx"]
    return rx["packets"] + tx["packets"], rx["bytes"] + tx["bytes"]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("quiet")) as lab:
        yield lab


@pytest.mark.parametrize(("address", "payload"), [("10.66.1.1", 56), ("fd66::1:1", 300)])
def test_what_a_probe_costs_on_the_wire_is_what_is_said(quiet: Lab, address: str, payload: int) -> None:
    with inside(quiet.namespace), Pinger() as pinger:
        before = wire(quiet)
        shot = pinger.shot(address, payload=payload)
        pinger.fire(shot)
        pinger.settle()
        after = wire(quiet)
    cost = PROBE.wire_cost(Icmp(payload=payload), shot.target.family)
    assert cost == (after[0] - before[0], after[1] - before[1])
