"""The lab against tools that know nothing of it: Debian's fping, ping sockets of the kernel, urllib, dnspython, icmplib."""

from __future__ import annotations

import http.client
import math
import re
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import pytest

from tests.netlab import control, instants
from tests.netlab.policy import Policy, PolicyError, Targets
from tests.netlab.rig import Lab
from tests.netlab.tun import Link

pytestmark = pytest.mark.system

COUNT = 40
SECOND = Link(name="lab1", addresses=("10.67.0.1/32",), routes=("10.67.0.0/16",))
TARGETS: dict[str, dict[str, object]] = {
    "10.66.0.0/16": {"delay": 4},
    "10.66.1.0/24": {"delay": 8},
    "10.66.2.1": {"delay": 2, "loss": 0.3},
    "10.66.2.2": {"delay": 2, "loss": 1},
    "10.66.2.3": {"delay": 2, "duplicate": 1},
    "10.66.2.4": {"delay": 2, "jitter": 1, "reorder": 0.5, "reorder_delay": 35},
    "10.66.2.5": {"error": "host", "error_from": "10.66.0.254"},
    "10.66.3.1": {"delay": 3, "hops": ["10.66.200.1", None, "10.66.200.3"]},
    "10.66.4.1": {"http_status": 500, "dns_rcode": "SERVFAIL", "udp": {"53": "dns", "7": "echo"}},
    "10.66.4.2": {"tcp": {"80": "filtered", "22": "open"}},
    "fd66::2": {"delay": 2, "loss": 0.3},
    "fd66::5": {"error": "admin"},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), TARGETS, seed=7, links=(Link(), SECOND)) as lab:
        yield lab


def fping(lab: Lab, *targets: str, count: int = COUNT) -> dict[str, tuple[int, int, tuple[float, ...]]]:
    """Target → (sent, received, round trips in milliseconds) as fping saw them."""
    done = lab.namespace.run("fping", "-q", "-C", str(count), "-i", "1", "-p", "10", "-t", "300", *targets, check=False)
    seen = {}
    for line in done.stderr.splitlines():
        if match := re.fullmatch(rf"(\S+)\s+:((?: (?:-|[\d.]+)){{{count}}})", line):
            trips = tuple(float(word) for word in match[2].split() if word != "-")
            seen[match[1]] = (count, len(trips), trips)
    assert set(seen) == set(targets), done.stderr
    return seen


@pytest.mark.parametrize("prefix", ["10.66.2.1", "10.66.2.2", "10.66.1.9", "fd66::2", "fd66::77"])
def test_what_fping_receives_is_what_the_truth_says(lab: Lab, prefix: str) -> None:
    before = lab.truth()
    seen = fping(lab, prefix)[prefix]
    truth = lab.truth()
    replies = truth.count(prefix, "reply") - before.count(prefix, "reply")
    lost = truth.count(prefix, "lost") - before.count(prefix, "lost")
    assert seen[:2] == (replies + lost, replies)
    if prefix.endswith("2.1") or prefix == "fd66::2":
        assert 4 <= lost <= 24  # 0.3 of 40 by a fixed seed


def test_round_trips_are_those_of_the_truth(lab: Lab) -> None:
    targets = {"10.66.9.1": 4, "10.66.1.1": 8}
    seen = fping(lab, *targets, count=60)
    truth = lab.truth()
    for target, planned in targets.items():
        held = [(row.sent - row.received) / 1e6 for row in truth.of(target, "reply")]
        assert min(held) >= planned
        assert statistics.median(held) - planned < 0.5
        assert abs(statistics.median(seen[target][2]) - statistics.median(held)) < 0.5


def test_the_same_seed_loses_the_same_packets(tmp_path: Path) -> None:
    lost = []
    for run in ("a", "b"):
        (tmp_path / run).mkdir()
        with Lab(tmp_path / run, {"10.66.2.1": {"loss": 0.3}}, seed=7) as lab:
            fping(lab, "10.66.2.1")
            lost.append([row.event for row in lab.truth().of("10.66.2.1")])
    assert lost[0] == lost[1]
    assert "lost" in lost[0]


def test_duplicates_reordering_and_errors_reach_the_prober(lab: Lab) -> None:
    done = lab.namespace.run("ping", "-n", "-c", "5", "-i", "0.05", "-W", "1", "10.66.2.3", check=False)
    assert re.search(r"\+[45] duplicates", done.stdout), done.stdout
    done = lab.namespace.run("ping", "-n", "-c", "12", "-i", "0.02", "-W", "1", "10.66.2.4", check=False)
    order = [int(number) for number in re.findall(r"icmp_seq=(\d+)", done.stdout)]
    assert sorted(order) == list(range(1, 13)), done.stdout
    assert order != sorted(order), done.stdout
    done = lab.namespace.run("ping", "-n", "-c", "1", "-W", "1", "10.66.2.5", check=False)
    assert "From 10.66.0.254 icmp_seq=1 Destination Host Unreachable" in done.stdout, done.stdout
    done = lab.namespace.run("ping", "-6", "-n", "-c", "1", "-W", "1", "fd66::5", check=False)
    assert "Administratively prohibited" in done.stdout, done.stdout


def test_lies_are_told_only_where_they_are_programmed(lab: Lab) -> None:
    for target, policy in (
        ("10.66.6.1", {"spoof": "10.66.6.99"}),
        ("10.66.6.2", {"bad_payload": True}),
        ("10.66.6.3", {"corrupt": 1}),
    ):
        lab.set(target, **policy)
        lab.namespace.run("ping", "-n", "-c", "2", "-i", "0.05", "-W", "0.3", target, check=False)
    truth = lab.truth()
    marks = {target: {row.event for row in truth.of(target)} for target in ("10.66.6.1", "10.66.6.2", "10.66.6.3")}
    assert marks == {
        "10.66.6.1": {"reply+spoofed"},
        "10.66.6.2": {"reply+bad-payload"},
        "10.66.6.3": {"reply+corrupt"},
    }
    # the kernel checks the sum before it hands a packet to a ping socket
    script = "import icmplib; print(icmplib.ping('10.66.6.3', count=2, interval=.05, timeout=.2, privileged=False).packets_received)"
    assert lab.namespace.run(sys.executable, "-c", script).stdout == "0\n"


def test_the_path_is_traced(lab: Lab) -> None:
    script = (
        "import icmplib;"
        "print([(h.distance, h.address) for h in icmplib.traceroute('10.66.3.1', count=1, timeout=.3, fast=True)])"
    )
    done = lab.namespace.run(sys.executable, "-c", script)
    assert done.stdout.strip() == "[(1, '10.66.200.1'), (3, '10.66.200.3'), (4, '10.66.3.1')]"


def fetch(lab: Lab, host: str) -> int:
    client = http.client.HTTPConnection(host)
    client.sock = lab.namespace.connect(host, 80)
    try:
        client.request("GET", "/")
        response = client.getresponse()
        assert response.read() == b"ok\n"
        return response.status
    finally:
        client.close()


def test_http_by_a_real_kernel(lab: Lab) -> None:
    assert fetch(lab, "10.66.8.1") == 200
    assert fetch(lab, "fd66::8:1") == 200
    assert fetch(lab, "10.66.4.1") == 500
    with pytest.raises(TimeoutError):
        lab.namespace.connect("10.66.4.2", 80, timeout=0.3)
    with pytest.raises(ConnectionRefusedError):
        lab.namespace.connect("10.66.4.2", 81)
    lab.namespace.connect("10.66.4.2", 22).close()
    truth = lab.truth()
    assert truth.count("10.66.4.2", "filtered") == 1
    assert truth.count("10.66.4.1", "http:500") == 1


def test_names_by_udp(lab: Lab) -> None:
    for host, rcode, answers in (("10.66.8.2", dns.rcode.NOERROR, 1), ("10.66.4.1", dns.rcode.SERVFAIL, 0)):
        query = dns.message.make_query("www.example.", "A")
        with lab.namespace.make_socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.settimeout(2)
            udp.connect((host, 53))
            udp.send(query.to_wire())
            response = dns.message.from_wire(udp.recv(2048))
        assert query.is_response(response)
        assert (response.rcode(), len(response.answer)) == (rcode, answers)
    with lab.namespace.make_socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.settimeout(2)
        udp.connect(("10.66.4.1", 7))
        udp.send(b"anybody there")
        assert udp.recv(100) == b"anybody there"
        udp.connect(("10.66.4.1", 9))
        udp.send(b"nobody there")
        with pytest.raises(ConnectionRefusedError):
            udp.recv(100)


def test_an_outage_begins_and_ends_as_programmed(lab: Lab) -> None:
    outage = lab.outage("10.66.7.1", "fd66::7:1", after=0.2, lasting=0.3, silent=True)
    seen = fping(lab, "10.66.7.1", "fd66::7:1", count=60)
    truth = lab.truth()
    for target in seen:
        down = [row.received for row in truth.of(target, "outage")]
        up = [row.received for row in truth.of(target, "reply")]
        assert all(outage.start <= instant < outage.end for instant in down)
        assert not any(outage.start <= instant < outage.end for instant in up)
        assert len(down) + len(up) == 60
        assert math.isclose(len(down), 30, abs_tol=4)
        assert seen[target][1] == len(up)


def test_one_link_goes_down_and_the_lab_survives(lab: Lab) -> None:
    assert fping(lab, "10.67.0.9", count=3)["10.67.0.9"][1] == 3
    lab.namespace.run("ip", "link", "set", "lab1", "down")
    done = lab.namespace.run("ping", "-n", "-c", "1", "-W", "1", "10.67.0.9", check=False)
    assert "Network is unreachable" in done.stdout + done.stderr
    assert fping(lab, "10.66.9.9", count=3)["10.66.9.9"][1] == 3
    lab.namespace.run("ip", "link", "set", "lab1", "up")
    lab.namespace.run("ip", "route", "replace", "10.67.0.0/16", "dev", "lab1")
    deadline = instants.monotonic() + 5_000_000_000
    while fping(lab, "10.67.0.9", count=2)["10.67.0.9"][1] < 2:
        assert instants.monotonic() < deadline


def test_nonsense_is_refused(lab: Lab) -> None:
    with pytest.raises(control.ControlError, match="unknown policy keys"):
        lab.set("10.66.1.1", los=1)
    with pytest.raises(control.ControlError, match="chance"):
        lab.set("10.66.1.1", loss=20)
    with pytest.raises(control.ControlError, match="ends after"):
        lab.outage("10.66.1.1", after=1, lasting=0, silent=True)
    with pytest.raises(PolicyError, match="error is one of"):
        Policy(error="gone")
    with pytest.raises(PolicyError, match="a port is one of"):
        Policy(tcp={"80": "ftp"})
    targets = Targets(seed=1)
    targets.set("10.66.0.0/16", {"delay": 1})
    targets.set("10.66.1.0/24", {"delay": 2})
    assert [targets.find(bytes(a)).policy.delay for a in ((10, 66, 1, 1), (10, 66, 2, 1), (10, 9, 9, 9))] == [2, 1, 0]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with Lab(tmp_path) as lab:
        pids = [lab.namespace._holder.pid, lab._process.pid]
        assert all(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert subprocess.run(["ip", "link", "show", "lab0"], check=False, capture_output=True).returncode != 0
