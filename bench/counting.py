"""Trials of counts: what slamon says of its probes, target by target, against what the far side saw. Nothing here is a matter of speed.

`exact` is how many targets have every count right, `targets` how many there are; the other pairs say what was wrong.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address
from itertools import groupby
from operator import attrgetter

from bench import probing
from bench.accuracy import EVERY
from bench.frame import Disturbed, Figures
from bench.lab import Policy, lab
from bench.meter import clock
from bench.network import consecutive, far_side
from bench.probing import Record, target
from slamon.model import MS, RESULT_CODE, Result, S
from slamon.probe import Prober, Shot
from slamon.probes.icmp import PROBE
from slamon.record.series import Series
from tests.netlab.truth import Row

BURST = 5000
BURSTS = 3
LISTEN = 2.5
"""Seconds after the last probe: its timeout, and what is held back on purpose."""
DEAD, LIVE = 200, 200
DEAD_SECONDS = 12.0
"""The kernel asks three seconds for a neighbour, then drops what waits; several rounds of that."""


async def _listen(prober: Prober, seconds: float = LISTEN) -> None:
    for _ in range(int(seconds * S / EVERY)):
        await asyncio.sleep(EVERY / S)
        clock.tick()
        prober.drain()


def _successes(each: Series) -> int:
    return each.results[RESULT_CODE[Result.SUCCESS]]


# 5000 targets at once


async def _burst(addresses: Sequence[str]) -> Record:
    record = Record([target(address, 10 * S) for address in addresses])
    shots = [Shot(each, each.address, series) for each, series in zip(record.targets, record.series, strict=True)]
    async with PROBE.open(record.context) as prober:
        for _ in range(BURSTS):
            clock.tick()
            prober.fire(shots)
            await _listen(prober)
    return record


def burst() -> Figures:
    """All targets in one call of the engine, three times."""
    with far_side(BURST) as far:
        record = asyncio.run(_burst(far.addresses))
        truth = Counter(str(IPv4Address(echo.address)) for echo in far.stop())
    if sum(truth.values()) < 0.99 * BURST * BURSTS:
        raise Disturbed(f"the far side saw {sum(truth.values())} of {BURST * BURSTS} probes")
    answered = {each.target.address: _successes(each) for each in record.series}
    return {
        "exact": sum(answered[address] == truth[address] for address in answered),
        "targets": len(answered),
        "answered": sum(answered.values()),
        "truly_answered": sum(truth.values()),
    }


# dead neighbours


def _dead_link() -> list[str]:
    """Addresses of an on-link network where nobody answers the question who has them."""
    for command in (
        "ip link add dead0 type veth peer name deaf0",
        "ip link set deaf0 up",
        "ip link set dead0 up",
        "ip address add 10.67.0.1/16 dev dead0",
    ):
        subprocess.run(command.split(), check=True, stdin=subprocess.DEVNULL)
    return consecutive("10.67.1.1", DEAD)


async def _beside(dead: Sequence[str], live: Sequence[str]) -> list[Series]:
    record = Record([target(address, 1 * S) for address in (*dead, *live)])
    async with PROBE.open(record.context) as prober:
        async with probing.running(record, "icmp", prober):
            await asyncio.sleep(DEAD_SECONDS)
        await _listen(prober)
    return record.series


def neighbours() -> Figures:
    """One probe a second to each of 200 dead neighbours and 200 live targets, through one engine."""
    with far_side(LIVE) as far:
        series = asyncio.run(_beside(_dead_link(), far.addresses))
        truth = Counter(str(IPv4Address(echo.address)) for echo in far.stop())
    live, dead = series[DEAD:], series[:DEAD]
    if sum(map(_successes, dead)) or sum(each.attempts for each in dead) < DEAD * (DEAD_SECONDS - 2):
        raise Disturbed("the dead neighbours were not dead, or not probed")
    return {
        "exact": sum(each.attempts == _successes(each) == truth[each.target.address] for each in live),
        "targets": len(live),
        "answered": sum(map(_successes, live)),
        "attempts": sum(each.attempts for each in live),
    }


# every way in which a path misbehaves

KINDS = 5
EACH = 20
"""Targets of each kind: 100 in all."""
PACKETS = 300
"""Probes of each target: 30 000 in all."""
EVERY_PROBE = 100 * MS
TIMEOUT = 400 * MS
POLICIES: tuple[Policy, ...] = (
    {"loss": 0.01, "duplicate": 0.02},
    {"loss": 0.01, "reorder": 0.02, "reorder_delay": 150},  # longer than to the next probe: its reply comes first
    {"loss": 0.01, "reorder": 0.02, "reorder_delay": 700},  # longer than the timeout
    {"loss": 0.01, "corrupt": 0.02},  # the checksum is wrong: for IP it never arrived
    {"loss": 0.01, "bad_payload": True},  # the checksum is right, the content is not ours
)
COUNTS = ("sent", "received", "lost", "late", "duplicate", "reordered", "corrupt")


async def _probe(addresses: Sequence[str]) -> list[Series]:
    """Until every target was probed PACKETS times, no more."""
    record = Record([target(address, EVERY_PROBE, timeout=TIMEOUT) for address in addresses])
    shots = [Shot(each, each.address, series) for each, series in zip(record.targets, record.series, strict=True)]
    begun, tick = clock.monotonic(), EVERY_PROBE // 10
    async with PROBE.open(record.context) as prober:
        for i in range(PACKETS * 10):  # a tenth of the targets every 10 ms
            clock.tick()
            prober.fire(shots[i % 10 :: 10])
            prober.drain()
            record.recorder.pack()
            await asyncio.sleep(max(begun + (i + 1) * tick - clock.monotonic(), 0) / S)
        await _listen(prober)
    return record.series


def _said(each: Series) -> dict[str, int]:
    received = _successes(each)
    return {
        "sent": each.attempts,
        "received": received,
        "lost": sum(each.results) - received,
        "late": each.late_replies,
        "duplicate": each.duplicate_replies,
        "reordered": each.reordered_replies,
        "corrupt": each.corrupt_replies,
    }


def true(rows: Iterable[Row]) -> dict[str, int]:
    """Of one target. What was answered in time and whole is received; what then comes after a later one's reply was overtaken."""
    rows = list(rows)
    probes = sorted((row for row in rows if row.event != "duplicate"), key=attrgetter("received"))
    late = [row for row in probes if row.sent and row.sent - row.received > TIMEOUT]
    whole = [row for row in probes if row.sent and row not in late and row.event in {"reply", "reply+reordered"}]
    newest, overtaken = -1, 0
    order = {id(row): number for number, row in enumerate(probes)}
    for row in sorted(whole, key=attrgetter("sent")):
        if order[id(row)] < newest:
            overtaken += 1
        newest = max(newest, order[id(row)])
    return {
        "sent": len(probes),
        "received": len(whole),
        "lost": len(probes) - len(whole),
        "late": len(late),
        "duplicate": len(rows) - len(probes),
        "reordered": overtaken,
        "corrupt": sum("bad-payload" in row.event for row in probes),
    }


def misbehaving() -> Figures:
    """30 000 packets over paths that lose, duplicate, reorder, delay beyond the timeout, damage and falsify."""
    addresses = consecutive("10.66.1.1", KINDS * EACH)
    policies = {at: {"delay": 5 + 3 * (i % 16), **POLICIES[i % KINDS]} for i, at in enumerate(addresses)}
    with lab(len(addresses), policies) as far:
        series = asyncio.run(_probe(far.addresses))
        rows = sorted(far.truth(), key=attrgetter("target"))
    truth = {address: true(own) for address, own in groupby(rows, key=attrgetter("target"))}
    said = {each.target.address: _said(each) for each in series}
    figures: dict[str, float] = {
        "exact": sum(said[address] == truth.get(address) for address in addresses),
        "targets": len(addresses),
    }
    for count in COUNTS:
        figures[count] = sum(each[count] for each in said.values())
        figures[f"truly_{count}"] = sum(each[count] for each in truth.values())
    if not all(figures[f"truly_{count}"] for count in COUNTS):
        raise Disturbed(f"the lab did not do everything it was to do: {figures}")
    return figures
