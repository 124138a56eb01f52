"""Every option of a target, as it shows on the wire: the daemon's own tick in a namespace, a raw capture of what leaves."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import pairwise
from typing import NamedTuple

import pytest

from slamon.clock import Clock
from slamon.daemon.probing import Probing
from slamon.model import MS, RESULT_CODE, Result, S, Sampling, Target, Via
from slamon.poisson import Poisson
from slamon.probe import Context
from slamon.probes import kinds
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.schedule import phase
from slamon.stats import RTT_EDGES, Stats
from tests.netlab import packets
from tests.netlab.namespace import Namespace, inside
from tests.netlab.packets import Packet
from tests.probes.shots import make_target, settings_of

pytestmark = pytest.mark.system

KINDS = kinds()
FAR = {4: "10.8.0.9", 6: "fd08::9"}
NEAR = {4: "10.9.1.77", 6: "fd09:1::77"}
FAR_NETS = ("10.8.", "fd08:")
NEEDED = {"dns": {"name": "www.example.com"}, "tcp": {"port": "443"}}
ETH_P_ALL = 3
OUTGOING = 4  # linux/if_packet.h
SO_TIMESTAMPNS = 35


class Caught(NamedTuple):
    device: str
    at: int
    """Instant, by the kernel."""
    packet: Packet


@pytest.fixture(scope="module")
def space() -> Iterator[Namespace]:
    """Two ways out, wan1 and wan2, with routers that take everything and say nothing; marked packets go by wan2."""
    namespace = Namespace()
    try:
        for n in (1, 2):
            namespace.link(
                f"wan{n}", f"10.9.{n}.1/24", f"10.9.{n}.77/24", f"fd09:{n}::1/64", f"fd09:{n}::77/64", peer=f"far{n}"
            )
            for router in (f"10.9.{n}.2", f"fd09:{n}::2"):
                namespace.run(
                    "ip", "neigh", "add", router, "lladdr", "02:00:00:00:00:02", "dev", f"wan{n}", "nud", "permanent"
                )
                version, metric = ("-6", "1024") if ":" in router else ("-4", "0")
                metric = str(int(metric) + n)
                namespace.run(
                    "ip", version, "route", "add", "default", "via", router, "dev", f"wan{n}", "metric", metric
                )
        for version, router in (("-4", "10.9.2.2"), ("-6", "fd09:2::2")):
            namespace.run("ip", version, "route", "add", "default", "via", router, "dev", "wan2", "table", "77")
            namespace.run("ip", version, "rule", "add", "fwmark", "7", "table", "77")
        yield namespace
    finally:
        namespace.close()


@contextmanager
def capture() -> Iterator[Callable[[], list[Caught]]]:
    """What leaves by wan1 and wan2 from here on, oldest first; to the far nets only."""
    sockets = {}
    for device in ("wan1", "wan2"):
        sock = sockets[device] = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
        sock.bind((device, ETH_P_ALL))
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        sock.setblocking(False)

    def read() -> list[Caught]:
        found = []
        for device, sock in sockets.items():
            while True:
                try:
                    raw, ancillary, _, name = sock.recvmsg(65536, 64)
                except BlockingIOError:
                    break
                packet = packets.parse(raw)
                if name[2] == OUTGOING and packet is not None and packets.text(packet.destination).startswith(FAR_NETS):
                    seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
                    found.append(Caught(device, seconds * S + nanoseconds, packet))
        return sorted(found, key=lambda one: one.at)

    try:
        yield read
    finally:
        for sock in sockets.values():
            sock.close()


async def probe(targets: list[Target], duration: float) -> list[int]:
    """The daemon's own tick for `duration` seconds; the results of the first target by code."""
    clock, stats, recorder = Clock(), Stats(), Recorder("test")
    addresses = Addresses(stats=stats, changed=lambda *_: None)
    addresses.set(targets)
    series = [recorder.open(target, limits=(), edges=RTT_EDGES) for target in targets]
    async with AsyncExitStack() as stack:
        context = Context(clock=clock, stats=stats, warn=lambda text: None)
        prober = await stack.enter_async_context(KINDS[targets[0].probe].open(context))
        probing = Probing(
            clock=clock, stats=stats, recorder=recorder, addresses=addresses, probers={targets[0].probe: prober}
        )
        probing.set(targets)
        ticking = asyncio.create_task(probing.run())
        await asyncio.sleep(duration)
        ticking.cancel()
        await asyncio.gather(ticking, return_exceptions=True)
    return series[0].results


def aim(kind: str, family: int, *, settings: dict[str, str] | None = None, **changes: object) -> Target:
    fields: dict[str, object] = {"address": FAR[family], "interval": 100 * MS, "timeout": 50 * MS, **changes}
    return make_target(kind, settings_of(KINDS[kind], NEEDED.get(kind, {}) | (settings or {})), family=family, **fields)


def traffic_class(packet: Packet) -> int:
    return packet.raw[1] if packet.version == 4 else int.from_bytes(packet.raw[:2], "big") >> 4 & 0xFF


def dont_fragment(one: Caught) -> bool:
    return bool(one.packet.raw[6] & 0x40)


Check = Callable[[Caught], object]

WAYS: dict[str, tuple[Via, Check, object]] = {
    "nothing": (Via(), lambda one: (one.device, one.packet.hop_limit, traffic_class(one.packet)), ("wan1", 64, 0)),
    "dscp": (Via(dscp=46), lambda one: traffic_class(one.packet) >> 2, 46),
    "ttl": (Via(ttl=7), lambda one: one.packet.hop_limit, 7),
    "interface": (Via(interface="wan2"), lambda one: one.device, "wan2"),
    "mark": (Via(mark=7), lambda one: one.device, "wan2"),
    "all": (
        Via(interface="wan2", mark=7, dscp=10, ttl=33, df=True),
        lambda one: (one.device, traffic_class(one.packet) >> 2, one.packet.hop_limit),
        ("wan2", 10, 33),
    ),
    "source 4": (Via(source=NEAR[4]), lambda one: packets.text(one.packet.source), NEAR[4]),
    "source 6": (Via(source=NEAR[6]), lambda one: packets.text(one.packet.source), NEAR[6]),
    "df 4": (Via(df=True), dont_fragment, True),
    "no df 4": (Via(df=False), dont_fragment, False),
}
ROWS = [(family, way) for family in (4, 6) for way in WAYS if not way.endswith(("4", "6")) or way.endswith(str(family))]
PLACES = {row: f"10.8.1.{n}" if row[0] == 4 else f"fd08::1:{n}" for n, row in enumerate(ROWS, 1)}
"""Each row has an address of its own, by which its packets are known."""


@pytest.fixture(scope="module", params=sorted(KINDS))
def seen(request: pytest.FixtureRequest, space: Namespace) -> dict[str, list[Caught]]:
    """Destination → what was sent there, by a kind that probes all rows at once."""
    targets = [
        aim(request.param, row[0], via=WAYS[row[1]][0], address=place, name=f"test/{place}")
        for row, place in PLACES.items()
    ]
    found: dict[str, list[Caught]] = {}
    with inside(space), capture() as caught:
        asyncio.run(probe(targets, 0.35))
        for one in caught():
            found.setdefault(packets.text(one.packet.destination), []).append(one)
    return found


@pytest.mark.parametrize(("family", "way"), ROWS)
def test_the_way_out_of_every_kind(seen: dict[str, list[Caught]], family: int, way: str) -> None:
    _, check, expected = WAYS[way]
    assert {check(one) for one in seen[PLACES[family, way]]} == {expected}


def numbers(seen: list[Caught]) -> list[int]:
    return [int.from_bytes(one.packet.payload[8:16], "big") for one in seen]


def shows_payload(seen: list[Caught]) -> None:
    assert {len(one.packet.payload) for one in seen} == {8 + 100}
    assert {one.packet.payload[24:] for one in seen} == {bytes(range(84))}
    assert len({one.packet.payload[16:24] for one in seen}) == 1, "the token of the socket"
    assert numbers(seen) == list(range(len(seen)))
    assert [int.from_bytes(one.packet.payload[6:8], "big") for one in seen] == numbers(seen)


def shows_pattern(seen: list[Caught]) -> None:
    assert {one.packet.payload[24:] for one in seen} == {bytes.fromhex("ff00aa" * 13 + "ff")}


def shows_trains(seen: list[Caught]) -> None:
    """Three an interval, 20 ms apart: the promptest of each of the three, however late others were."""
    places = [(one.at - phase("test/icmp", 200 * MS)) % (200 * MS) for one in seen]
    first = next(i for i, place in enumerate(places) if place < 20 * MS)
    prompt = [min(places[first + i :: 3]) for i in range(3)]
    assert len(seen) >= 20
    assert all(i * 20 * MS <= place < (i + 1) * 20 * MS for i, place in enumerate(prompt))


def shows_poisson(seen: list[Caught]) -> None:
    """Each instant of the process has its packet, within a tick and what a busy machine adds."""
    process = Poisson("test/icmp", 100 * MS)
    planned = [process.after(seen[0].at - 60 * MS)]
    while planned[-1] < seen[-1].at:
        planned.append(process.after(planned[-1]))
    unsent = [at for at in planned if at < seen[-1].at and not any(0 <= one.at - at <= 60 * MS for one in seen)]
    assert len(seen) > 8
    assert len(unsent) <= 1
    steps = [later.at - earlier.at for earlier, later in pairwise(seen)]
    assert max(steps) > 2 * min(steps) + 10 * MS


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(
    ("settings", "changes", "check"),
    [
        pytest.param({"payload": "100"}, {}, shows_payload, id="payload"),
        pytest.param({"pattern": "ff00aa"}, {}, shows_pattern, id="pattern"),
        pytest.param({}, {"interval": 200 * MS, "count": 3, "gap": 20 * MS}, shows_trains, id="count and gap"),
        pytest.param({}, {"sampling": Sampling.POISSON}, shows_poisson, id="poisson"),
    ],
)
async def test_what_is_sent_and_when(
    space: Namespace,
    family: int,
    settings: dict[str, str],
    changes: dict[str, object],
    check: Callable[[list[Caught]], None],
) -> None:
    with inside(space), capture() as caught:
        await probe([aim("icmp", family, settings=settings, **changes)], 2 if changes else 0.35)
        seen = caught()
    assert len(seen) >= 2
    check(seen)


@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize("df", [None, True, False])
async def test_a_packet_too_big_for_our_own_link(space: Namespace, family: int, df: bool | None) -> None:
    """It is cut into fragments, or with `df` not sent at all, which is our own failure and no loss."""
    with inside(space), capture() as caught:
        results = await probe([aim("icmp", family, via=Via(df=df), settings={"payload": "3000"})], 0.25)
        seen = caught()
    assert (len(seen) == 0) is bool(df)
    assert (results[RESULT_CODE[Result.SEND_ERROR]] > 0) is bool(df)
