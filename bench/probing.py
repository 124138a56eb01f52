"""slamon's probing loop inside a trial's own process: schedule, ICMP engine and record, without store, judge and web."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from bench.frame import Figures
from bench.meter import clock, cpu
from bench.window import Load, Window
from slamon.daemon.probing import Probing, tick_for
from slamon.model import MS, RESULT_CODE, Result, S, Target
from slamon.probe import Context, Prober, Shot
from slamon.probes.icmp import PROBE, Icmp
from slamon.record.recorder import Recorder
from slamon.record.series import Series
from slamon.resolve import Addresses
from slamon.stats import RTT_EDGES, Stats

SETTLE = 2.0
"""Seconds until the sockets are open and every target has been probed at least once."""
PAYLOAD = 56
"""Bytes, everybody's default."""
TIMEOUT = 2
"""Seconds; nothing is lost here."""


def target(
    address: str, interval: int, *, timeout: int = TIMEOUT * S, probe: str = "icmp", settings: Any = None
) -> Target:
    """`interval` and `timeout` in nanoseconds."""
    return Target(
        name=f"bench/{address}",
        service="bench",
        probe=probe,
        address=address,
        family=4,
        interval=interval,
        timeout=timeout,
        down_after=3,
        up_after=1,
        settings=settings or Icmp(payload=PAYLOAD),
    )


def targets(addresses: Sequence[str], load: Load) -> list[Target]:
    return [target(address, load.interval * S) for address in addresses]


def tick(load: Load) -> int:
    """Nanoseconds between two wake-ups of the loop under this load."""
    return tick_for(targets(["192.0.2.1"], load))


class Record:
    """What the probing loop writes to: a recorder with a series for each target, and the warnings of the kinds."""

    def __init__(self, probed: Sequence[Target]) -> None:
        self.stats = Stats()
        self.warnings: list[str] = []
        self.context = Context(clock=clock, stats=self.stats, warn=self.warnings.append)
        self.recorder = Recorder("bench")
        self.targets = list(probed)
        self.series: list[Series] = [self.recorder.open(each, limits=(), edges=RTT_EDGES) for each in self.targets]

    def verify(self) -> int:
        """How many probes were decided. Raises RuntimeError unless all of them were successes."""
        decided = sum(each.attempts - each.in_flight for each in self.series)
        successes = sum(each.results[RESULT_CODE[Result.SUCCESS]] for each in self.series)
        if self.warnings or successes != decided:
            raise RuntimeError(f"{decided} probes decided, {successes} of them successes; {self.warnings}")
        return decided


@asynccontextmanager
async def running(record: Record, kind: str, prober: Prober) -> AsyncIterator[Probing]:
    """The daemon's own tick, until the block ends."""
    names = Addresses(stats=record.stats, changed=lambda *_: None)
    names.set(record.targets)
    probing = Probing(
        clock=clock, stats=record.stats, recorder=record.recorder, addresses=names, probers={kind: prober}
    )
    probing.set(record.targets)
    ticking = asyncio.create_task(probing.run())
    try:
        yield probing
    finally:
        ticking.cancel()
        with suppress(asyncio.CancelledError):  # what else it raises is a bug
            await ticking


async def engine(addresses: Sequence[str], load: Load, seconds: float) -> Figures:
    """A window of steady probing."""
    record = Record(targets(addresses, load))
    async with PROBE.open(record.context) as prober:
        async with running(record, "icmp", prober):
            await asyncio.sleep(SETTLE)
            window = Window(load, cpu)
            await asyncio.sleep(seconds)
            figures = window.close()
        record.verify()  # while the sockets are open: what is in flight when they close is an error of ours
    return figures


SLOT = 50 * MS
"""The interval that targets are given where they are probed without pause: one that every machine keeps up with, as otherwise it is the
record of missed slots that is measured."""

BATCH = 1 * S
"""As the daemon: once a second what was measured is handed on."""


async def saturated(addresses: Sequence[str], seconds: float) -> Figures:
    """Every target once, what arrived, and again without pause: the engine and the record as fast as they can."""
    record = Record([target(address, SLOT) for address in addresses])
    shots = tuple(Shot(each, each.address, series) for each, series in zip(record.targets, record.series, strict=True))
    async with PROBE.open(record.context) as prober:
        end = clock.monotonic() + int(SETTLE / 2 * S)
        window: Window | None = None
        handed = clock.monotonic()
        while True:
            clock.tick()
            prober.fire(shots)
            prober.drain()
            record.recorder.pack()
            now = clock.monotonic()
            if now - handed >= BATCH:
                handed = now
                record.recorder.batch(clock.now())
            if now < end:
                continue
            if window is not None:
                figures = window.measured()
                break
            window = Window(Load(len(shots)), cpu)
            end = clock.monotonic() + int(seconds * S)
        record.verify()
    return figures
