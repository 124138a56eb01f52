"""The tick: fires what is due, lets the probers read what arrived, gives the record a slice of work. Nothing here waits for anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from slamon.clock import Clock
from slamon.model import MS, S, Target
from slamon.probe import Prober, Shot, unresolved
from slamon.record.recorder import Recorder
from slamon.resolve import Addresses
from slamon.schedule import Wheel
from slamon.stats import Stats

COARSE = 50 * MS
"""The usual tick. The kernel stamps every packet, so reading late costs no accuracy, and one wake-up serves many probes."""

FINE = 10 * MS
"""The tick when some target is probed more than twice a second: a slot must not slip by a good part of its interval."""

FAST = 500 * MS
"""Intervals below this ask for the fine tick."""


def tick_for(targets: Iterable[Target]) -> int:
    """Nanoseconds between two ticks for these targets."""
    return FINE if any(target.interval < FAST for target in targets) else COARSE


class Probing:
    """Owns the timer wheel and knows which prober serves which kind."""

    def __init__(
        self, *, clock: Clock, stats: Stats, recorder: Recorder, addresses: Addresses, probers: Mapping[str, Prober]
    ) -> None:
        self._clock = clock
        self._stats = stats
        self._recorder = recorder
        self._addresses = addresses
        self._probers = probers
        self._epoch = clock.now() - clock.monotonic()
        self._tick = COARSE
        self._wheel = Wheel(self._tick, epoch=self._epoch, stats=stats)

    def set(self, targets: Iterable[Target]) -> None:
        """Probe exactly these; their series must be open in the recorder. What keeps name and interval keeps its slots."""
        targets = tuple(targets)
        tick = tick_for(targets)
        if tick != self._tick:
            # The grid depends on names, intervals and the epoch alone, so another wheel goes on with the same slots.
            self._tick = tick
            self._wheel = Wheel(tick, epoch=self._epoch, stats=self._stats)
        self._wheel.set(targets, self._clock.monotonic())

    def step(self) -> None:
        """One tick: fire, drain, pack."""
        self._clock.tick()
        batches: dict[str, list[Shot]] = {}
        series_of, current, wall = self._recorder.series, self._addresses.current, self._clock.wall
        for target, slot in self._wheel.due(self._clock.monotonic()):
            series = series_of[target.name]
            address = current(target)
            if address is None:
                pending = series.send(self._clock.now())
                series.decide(pending, unresolved(target, self._addresses.reason(target)))
                continue
            batches.setdefault(target.probe, []).append(Shot(target, address, series, wall(slot)))
        for kind, shots in batches.items():
            self._probers[kind].fire(shots)
        for prober in self._probers.values():
            prober.drain()
        self._recorder.pack()

    async def run(self) -> None:
        """Tick for ever."""
        planned = self._clock.monotonic()
        while True:
            self.step()
            now = self._clock.monotonic()
            planned += self._tick
            if planned <= now:
                planned = now + FINE  # after a standstill: go on from here, but let the others run first
            await asyncio.sleep((planned - now) / S)
            self._stats.event_loop_lag.observe(max(self._clock.monotonic() - planned, 0))
