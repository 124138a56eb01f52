"""Whose fault is it that nothing came back: errors from the network, the target and this very host, told apart on real kernels."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from slamon.model import MEANING, MS, Effect, Reading, Result, S, Target, Via
from slamon.probe import Kind
from slamon.probes import dns, http, tcp
from tests.netlab.namespace import Namespace, inside
from tests.netlab.rig import Lab
from tests.probes.shots import Desk, make_target, opened, settings_of

pytestmark = pytest.mark.system

KINDS: dict[str, tuple[Kind, dict[str, object]]] = {
    "tcp": (tcp.PROBE, {"port": "80"}),
    "http": (http.PROBE, {}),
    "dns": (dns.PROBE, {"name": "www.example.com"}),
}

FAR: dict[str, dict[str, object]] = {
    "10.66.0.0/16": {},
    "10.66.2.1": {"error": "host", "error_from": "10.66.0.254"},
    "10.66.2.2": {"error": "admin", "error_from": "10.66.0.254"},
    "10.66.2.3": {"error": "net"},
    "10.66.2.4": {"tcp": {"80": "filtered"}, "udp": {"53": "filtered"}},
    "10.66.2.5": {"tcp": {}, "udp": {}},
    "fd66::1:1": {"error": "admin"},
    "fd66::1:4": {"tcp": {"80": "filtered"}, "udp": {"53": "filtered"}},
    "fd66::1:5": {"tcp": {}, "udp": {}},
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), FAR) as lab:
        yield lab


def aim(name: str, address: str, **changes: Any) -> Target:
    kind, settings = KINDS[name]
    family = 6 if ":" in address else 4
    fields: dict[str, Any] = {"address": address, "family": family, "timeout": 3000 * MS} | changes
    return make_target(name, settings_of(kind, settings), **fields)


async def shoot(namespace: Namespace, target: Target, desk: Desk | None = None) -> Reading:
    with inside(namespace):
        return await shoot_here(target, desk)


async def shoot_here(target: Target, desk: Desk | None = None) -> Reading:
    async with opened(KINDS[target.probe][0], desk) as gun:
        return await gun.shoot(target)


@pytest.mark.parametrize("address", ["10.66.0.9", "fd66::9"])
@pytest.mark.parametrize("name", KINDS)
async def test_what_answers_is_up(lab: Lab, name: str, address: str) -> None:
    reading = await shoot(lab.namespace, aim(name, address))
    assert reading.result is Result.SUCCESS, reading


@pytest.mark.parametrize(
    ("address", "about"),
    [
        ("10.66.2.1", (3, 1, "remote")),
        ("10.66.2.2", (3, 13, "remote")),
        ("10.66.2.3", (3, 0, "remote")),
        ("fd66::1:1", (1, 1, "remote")),
    ],
)
@pytest.mark.parametrize("name", KINDS)
async def test_an_error_from_the_network_is_the_networks(
    lab: Lab, name: str, address: str, about: tuple[int, int, str]
) -> None:
    reading = await shoot(lab.namespace, aim(name, address))
    assert (reading.result, reading.icmp_error) == (Result.ICMP_ERROR, about), reading
    assert ("10.66.0.254" in reading.detail) == (address in {"10.66.2.1", "10.66.2.2"})


async def test_a_filtered_port_is_silence(lab: Lab) -> None:
    every = [aim(name, to, timeout=1 * S) for name, to in product(KINDS, ["10.66.2.4", "fd66::1:4"])]
    with inside(lab.namespace):
        readings = await asyncio.gather(*map(shoot_here, every))
    assert [reading.result for reading in readings] == [Result.TIMEOUT] * len(every), readings


@pytest.mark.parametrize("address", ["10.66.2.5", "fd66::1:5"])
@pytest.mark.parametrize("name", KINDS)
async def test_a_closed_port_is_a_refusal(lab: Lab, name: str, address: str) -> None:
    reading = await shoot(lab.namespace, aim(name, address))
    assert reading.result is Result.CONNECT_ERROR, reading


@pytest.fixture(scope="module")
def home() -> Iterator[Namespace]:
    """A host with one interface to nobody: no default route."""
    made = Namespace()
    try:
        made.link("wan0", "10.9.0.1/24", "fd09::1/64", peer="far0")
        made.run("ip", "neigh", "add", "10.9.0.67", "lladdr", "02:00:00:00:00:67", "dev", "wan0")
        made.run("ip", "route", "add", "unreachable", "10.10.0.0/16")
        made.run("ip", "route", "add", "prohibit", "10.11.0.0/16")
        made.run("ip", "route", "add", "blackhole", "10.12.0.0/16")
        made.run("nft", "add table inet t; add chain inet t o { type filter hook output priority 0; }")
        made.run("nft", "add rule inet t o ip daddr { 127.7.0.1, 10.9.0.66 } reject with icmp admin-prohibited")
        made.run("nft", "add rule inet t o ip daddr 10.9.0.67 reject with icmp host-unreachable")
        made.run("nft", "add rule inet t o ip daddr 127.7.0.2 drop")
        made.run("nft", "add counter inet t marked; add rule inet t o meta mark 77 counter name marked")
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    ("address", "changes"),
    [
        pytest.param("198.51.100.1", {}, id="no route"),
        pytest.param("2001:db8::1", {}, id="no IPv6 route"),
        pytest.param("10.10.0.1", {}, id="unreachable route"),
        pytest.param("10.11.0.1", {}, id="prohibit route"),
        pytest.param("10.12.0.1", {}, id="blackhole route"),
        pytest.param("127.7.0.1", {"timeout": 400 * MS}, id="our own filter rejects"),
        pytest.param("10.9.0.66", {"timeout": 400 * MS}, id="our own filter rejects what is for others"),
        pytest.param("10.9.0.67", {"timeout": 400 * MS}, id="our own filter says that a living neighbour is none"),
        pytest.param("10.9.0.77", {"via": Via(source="192.0.2.1")}, id="source is not ours"),
        pytest.param("fe80::1%nosuch0", {}, id="scope does not exist"),
    ],
)
@pytest.mark.parametrize("name", KINDS)
async def test_our_own_failures_are_unmeasured(
    home: Namespace, name: str, address: str, changes: dict[str, Any]
) -> None:
    desk = Desk()
    reading = await shoot(home, aim(name, address, **changes), desk)
    assert MEANING[reading.result].effect is Effect.UNMEASURED, reading
    assert reading.detail
    assert reading.icmp_error is None or reading.icmp_error[2] == "local"


@pytest.mark.parametrize("name", KINDS)
async def test_our_own_failures_are_counted(home: Namespace, name: str) -> None:
    desk = Desk()
    await shoot(home, aim(name, "198.51.100.1"), desk)
    assert desk.stats.send_errors == {"ENETUNREACH": 1}


async def test_udp_that_our_filter_drops_is_ours(home: Namespace) -> None:
    """The kernel tells the sender of a datagram (EPERM); of a dropped SYN it says nothing, that one looks like silence."""
    desk = Desk()
    reading = await shoot(home, aim("dns", "127.7.0.2"), desk)
    assert reading.result is Result.LOCAL_ERROR
    assert desk.stats.send_errors == {"EPERM": 1}
    assert "packet filter" in desk.warnings[0]


async def test_a_connect_that_the_kernel_gives_up_is_silence(home: Namespace) -> None:
    """It tries for minutes, or for as long as the host is set to: then it ends the probe before its timeout does."""
    home.run("sysctl", "-qw", "net.ipv4.tcp_syn_retries=1")
    every = [aim(name, "127.7.0.2", timeout=30 * S) for name in ("tcp", "http")]
    with inside(home):
        readings = await asyncio.gather(*map(shoot_here, every))
    assert readings == [Reading(Result.TIMEOUT, detail="ETIMEDOUT: Connection timed out")] * 2


@pytest.mark.parametrize("name", KINDS)
async def test_mark_and_interface_reach_the_packet(home: Namespace, name: str) -> None:
    before = _marked(home)
    reading = await shoot(home, aim(name, "127.0.0.1", via=Via(interface="lo", mark=77)))
    assert reading.result is Result.CONNECT_ERROR, reading
    assert _marked(home) > before


def _marked(namespace: Namespace) -> int:
    words = namespace.run("nft", "list", "counter", "inet", "t", "marked").stdout.split()
    return int(words[words.index("packets") + 1])


async def test_tcp_leaves_nothing_behind(home: Namespace) -> None:
    """No connection in TIME_WAIT, and none that waits for the end of a server in no hurry."""
    with inside(home), socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        target = make_target("tcp", tcp.Tcp(port=port))
        for _ in range(5):
            assert (await shoot(home, target)).result is Result.SUCCESS
        table = home.run("cat", "/proc/net/tcp").stdout
    states = [line.split()[3] for line in table.splitlines() if f":{port:04X} " in line]
    assert states == ["0A"], table  # TCP_LISTEN


async def test_tcp_round_trip_is_that_of_the_network(tmp_path: Path) -> None:
    with Lab(tmp_path, {"10.66.0.0/16": {"delay": 40}}) as lab:
        reading = await shoot(lab.namespace, aim("tcp", "10.66.0.9"))
    assert reading.result is Result.SUCCESS
    assert reading.rtt is not None
    assert 40 * MS <= reading.rtt <= dict(reading.phases)["connect"] < 1000 * MS
    assert not reading.userspace
