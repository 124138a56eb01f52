"""Trials of truth: what a prober says a round trip took, less what the far side knows it took, while its process idles or is busy.

The far side logs when each request was in its hands and when the reply left them. Between those instants and the prober's lie
the kernel's path and the wake-up of the far side, which are in every figure alike: about 0.1 ms at the 99th percentile, below
which nothing can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address
from typing import NamedTuple

from bench import probing
from bench.frame import Disturbed, Figures
from bench.meter import clock
from bench.network import Echo, far_side
from bench.probing import PAYLOAD, Record, target
from bench.stored import directory, packets
from bench.window import Load
from slamon.model import MS, S, Target
from slamon.probe import Kind
from slamon.probes import icmp, tcp
from slamon.store import Store

SECONDS = 10.0
"""Of probing: 10 000 round trips at 1000 targets, a hundred beyond the 99th percentile."""
LAST = 0.3
"""Seconds in which the last replies arrive: they take 50 ms at most, and 20 more to be read."""
BUSY, EVERY = 20 * MS, 50 * MS
"""The process computes for so long, so often, without giving way: rendering, judging, collecting garbage."""
APART = 200 * MS
"""Further apart than this, a sample and a packet of the truth are not the same one."""
ICMP_LOAD = Load(1000)
TCP_LOAD = Load(200)
TCP_PORT = 80


class Trip(NamedTuple):
    """One round trip by one account; instants are monotonic nanoseconds."""

    at: int
    took: int


async def burn() -> None:
    """Computes for ever, 20 of every 50 ms."""
    while True:
        end = clock.monotonic() + BUSY
        while clock.monotonic() < end:
            pass
        await asyncio.sleep((EVERY - BUSY) / S)


@asynccontextmanager
async def load(*, busy: bool) -> AsyncIterator[None]:
    burning = asyncio.create_task(burn()) if busy else None
    try:
        yield
    finally:
        if burning is not None:
            burning.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await burning


def error(said: Mapping[str, Sequence[Trip]], true: Mapping[str, Sequence[Trip]]) -> Figures:
    """Microseconds between what was said and what is true, by the 50th and 99th percentile of all packets.

    The nth trip of a target is its nth in the truth: nothing is lost here. Raises Disturbed when that cannot be.
    """
    errors = []
    for address, trips in said.items():
        for trip, truth in zip(trips, true[address], strict=False):
            if abs(trip.at - truth.at) > APART:
                raise Disturbed(f"a probe of {address} is {(trip.at - truth.at) / MS:.0f} ms off the truth")
            errors.append(abs(trip.took - truth.took))
    expected = sum(map(len, true.values()))
    if len(errors) < 0.95 * expected or expected < 1000:
        raise Disturbed(f"{len(errors)} round trips were measured, {expected} are in the truth")
    errors.sort()
    return {
        "error_p50": errors[len(errors) // 2] / 1000,
        "error_p99": errors[len(errors) * 99 // 100] / 1000,
        "error_max": errors[-1] / 1000,
        "count": len(errors),
    }


# slamon: what is in the store afterwards


async def slamon(kind: Kind, targets: Sequence[Target], *, busy: bool) -> dict[str, list[Trip]]:
    """Probes through the kind as the daemon does, records, and reads the record."""
    record = Record(targets)
    started = clock.now()
    async with kind.open(record.context) as prober:
        async with load(busy=busy), probing.running(record, targets[0].probe, prober):
            await asyncio.sleep(SECONDS)
        for _ in range(int(LAST * S / EVERY)):
            await asyncio.sleep(EVERY / S)
            prober.drain()
        record.verify()
        for each in record.targets:
            record.recorder.close(each.name)
    with directory() as folder, Store.open(folder / "bench.db", write=True) as store:
        store.write(record.recorder.batch(clock.now(), final=True))
        offset = clock.wall(0)
        return {
            each.address: [
                Trip(row.sent - offset, row.rtt)
                for row in packets(store, each.name, started - S, clock.now())
                if row.rtt is not None
            ]
            for each in targets
        }


def slamon_icmp(*, busy: bool) -> Figures:
    with far_side(ICMP_LOAD.targets) as far:
        targets = probing.targets(far.addresses, ICMP_LOAD)
        said = asyncio.run(slamon(icmp.PROBE, targets, busy=busy))
        return error(said, _by_address(far.stop()))


def slamon_tcp(*, busy: bool) -> Figures:
    with far_side(TCP_LOAD.targets) as far:
        settings = tcp.PROBE.settings(port=TCP_PORT)  # type: ignore[call-arg] # what every kind of that name has
        targets = [target(at, TCP_LOAD.interval * S, probe="tcp", settings=settings) for at in far.addresses]
        said = asyncio.run(slamon(tcp.PROBE, targets, busy=busy))
        return error(said, _by_address(far.stop()))


def _by_address(echoes: Iterable[Echo]) -> dict[str, list[Trip]]:
    found: dict[str, list[Trip]] = {}
    for echo in echoes:
        found.setdefault(str(IPv4Address(echo.address)), []).append(Trip(echo.received, echo.sent - echo.received))
    return {address: sorted(trips) for address, trips in found.items()}


# the clock that any program in Python asks


Due = Callable[[str], None]


async def _evenly(addresses: Sequence[str], rate: float, send: Due) -> None:
    """Each in its turn, for as long as slamon probes."""
    start, sent = clock.monotonic(), 0
    while (passed := (clock.monotonic() - start) / S) < SECONDS:
        for i in range(sent, int(passed * rate)):
            send(addresses[i % len(addresses)])
        sent = int(passed * rate)
        await asyncio.sleep(0.005)
    await asyncio.sleep(LAST)


async def _userspace_icmp(addresses: Sequence[str], *, busy: bool) -> dict[str, list[Trip]]:
    """An event loop that reads each reply as it is woken by it, and asks its own clock: before sendto, after recvfrom."""
    sent: list[tuple[str, int]] = []
    trips: dict[str, list[Trip]] = {address: [] for address in addresses}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP) as probe:
        filler = os.urandom(PAYLOAD)

        def send(address: str) -> None:
            packet = struct.pack("!BBHHH", 8, 0, 0, 0, len(sent) % 65536) + filler
            sent.append((address, clock.monotonic()))
            probe.sendto(packet, (address, 0))

        def read() -> None:
            with contextlib.suppress(BlockingIOError):
                while True:
                    packet = probe.recv(2048)
                    arrived = clock.monotonic()
                    address, at = sent[struct.unpack_from("!H", packet, 6)[0]]
                    trips[address].append(Trip(at, arrived - at))

        asyncio.get_running_loop().add_reader(probe, read)
        async with load(busy=busy):
            await _evenly(addresses, ICMP_LOAD.rate, send)
        asyncio.get_running_loop().remove_reader(probe)
    return trips


def userspace_icmp() -> Figures:
    """Busy, as any program is that does more than ping."""
    with far_side(ICMP_LOAD.targets) as far:
        said = asyncio.run(_userspace_icmp(far.addresses, busy=True))
        return error(said, _by_address(far.stop()))


async def _connects(addresses: Sequence[str]) -> dict[str, list[Trip]]:
    """The time a connect takes, by our own clock."""
    loop = asyncio.get_running_loop()
    trips: dict[str, list[Trip]] = {address: [] for address in addresses}
    flying: set[asyncio.Task[None]] = set()

    async def connect(address: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("=ii", 1, 0))
            at = clock.monotonic()
            await loop.sock_connect(sock, (address, TCP_PORT))
            trips[address].append(Trip(at, clock.monotonic() - at))

    def send(address: str) -> None:
        task = loop.create_task(connect(address))
        flying.add(task)
        task.add_done_callback(flying.discard)

    async with load(busy=True):
        await _evenly(addresses, TCP_LOAD.rate, send)
        await asyncio.gather(*flying)
    return trips


def userspace_tcp() -> Figures:
    with far_side(TCP_LOAD.targets) as far:
        said = asyncio.run(_connects(far.addresses))
        return error(said, _by_address(far.stop()))
