"""The tick: fires what is due, lets the probers read what arrived, gives the record a slice of work. Nothing here waits for anything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from slamon.clock import Clock
from slamon.model import DAY, MS, S, Sampling, Target
from slamon.probe import Prober, Shot, unresolved
from slamon.record.recorder import Recorder
from slamon.record.series import Series
from slamon.resolve import Addresses
from slamon.schedule import Volley, Wheel
from slamon.stats import Stats

COARSE = 50 * MS
"""The usual tick. The kernel stamps every packet, so reading late costs no accuracy, and one wake-up serves many probes."""

FINE = 10 * MS
"""The tick when some target is probed more than twice a second, as a slot must not slip by a good part of its interval; or at random."""

LAZY = 125 * MS
"""The tick when there is time and little to send: an eighth of the shortest interval, and fewer wake-ups."""

FAST = 500 * MS
"""Intervals and gaps below this ask for the fine tick."""

SLOW = 1 * S
"""Intervals and gaps from this on allow the lazy one."""

READ = 500 * MS
"""From one reading of answers to the next where ticks are lazy: no verdict and no clock of an answer depends on it."""

SALVO = 128
"""Probes that may leave in one lazy tick, on average: 12 kB of ping, 10 ms of a line of 10 Mbit/s, which later ones of them wait for."""

LEAST_REST = 1 * MS
"""What the other tasks of the loop get between two ticks at least."""

REST = 4
"""Nor do they get less than a quarter of what the tick before took, under too much work a fifth of the processor; but not more than a
tick, or a process that was stopped amid one would rest when it goes on."""


def tick_for(targets: Iterable[Target]) -> int:
    """Nanoseconds between two ticks for these targets.

    Poisson sampling asks for the finest, whatever the interval. Packets leave on ticks, so that what repeats on the path within a few ticks
    is met at a few of its phases only, and that is what such sampling is to prevent (RFC 2330, section 11.1): a rhythm of 100 ms is met at
    ten of them by the fine tick, at two by the usual one. And an instant is wrong by up to a tick, which is 1 % of a mean of a second; one
    in a hundred shares its tick with the one before.
    """
    shortest, rate, random = DAY, 0.0, False
    for target in targets:
        shortest = min(shortest, target.interval, target.gap or target.interval)
        rate += target.count / target.interval
        random |= target.sampling is Sampling.POISSON
    if shortest < FAST or random:
        return FINE
    return LAZY if shortest >= SLOW and rate * LAZY <= SALVO else COARSE


def following(began: int, ended: int, tick: int) -> int:
    """When the tick after one is due: on a border, so that everything of the tick that ends there is due, and nothing of the next.

    One that took longer is no reason to leave out the border it ran over: what came due there would wait for the next but one.
    """
    rest = min(max(LEAST_REST, (ended - began) // REST), tick)
    return max((began // tick + 1) * tick, ended + rest)


class _Ready:
    """What a volley is fired as, while neither an address nor a series of it changes."""

    __slots__ = ("batches", "nowhere", "version")

    def __init__(self, version: int) -> None:
        self.version = version
        self.batches: list[tuple[Prober, Sequence[Shot]]] = []
        self.nowhere: list[tuple[Target, Series]] = []
        """Targets that have no address."""


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
        self._tick = COARSE
        self._wheel = Wheel(self._tick, epoch=clock.now() - clock.monotonic(), stats=stats)
        self._read = -1
        """Number of the READ in which answers were read last."""

    def set(self, targets: Iterable[Target]) -> None:
        """Probe exactly these; their series must be open in the recorder. Where the grid stays the slots do, also by another tick."""
        targets = tuple(targets)
        self._tick = tick_for(targets)
        self._wheel.set(targets, self._clock.monotonic(), tick=self._tick)

    def step(self) -> None:
        """One tick: fire, drain, pack. Answers wait for some more, where there is time."""
        self._clock.tick()
        now = self._clock.monotonic()
        for volley in self._wheel.due(now):
            ready = volley.memo
            if not isinstance(ready, _Ready) or ready.version != self._addresses.version:
                ready = volley.memo = self._make_ready(volley)
            for prober, shots in ready.batches:
                prober.fire(shots)
            for target, series in ready.nowhere:
                pending = series.send(self._clock.now())
                series.decide(pending, unresolved(target, self._addresses.reason(target)))
        before, self._read = self._read, now // READ
        self._drain(eager=self._read != before or self._tick != LAZY)
        self._recorder.pack()

    def gather(self, names: Iterable[str]) -> None:
        """Decide what was answered so far of these targets, whose series are about to end."""
        ending = [self._recorder.series[name] for name in names]
        for series in ending:
            series.leave()  # others of its round may not be answered yet
        if ending:
            self._drain(eager=True)

    def _drain(self, *, eager: bool) -> None:
        for prober in self._probers.values():
            prober.drain(eager=eager)

    def _make_ready(self, volley: Volley) -> _Ready:
        ready = _Ready(self._addresses.version)
        kinds: dict[str, list[Shot]] = {}
        for target in volley.targets:
            series = self._recorder.series[target.name]
            address = self._addresses.current(target)
            if address is None:
                ready.nowhere.append((target, series))
            else:
                kinds.setdefault(target.probe, []).append(Shot(target, address, series))
        for kind, shots in kinds.items():  # a tuple is what comes again
            ready.batches.append((self._probers[kind], tuple(shots) if volley.lasting else shots))
        return ready

    async def run(self) -> None:
        """Tick for ever: from timer to timer of the loop, since a task would be woken up a turn of the loop later."""
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        timer: asyncio.TimerHandle | None = None
        planned = self._clock.monotonic()

        def tick() -> None:
            nonlocal planned, timer
            began = max(self._clock.monotonic(), planned)  # a timer may be a hair early
            self._stats.event_loop_lag.observe(began - planned)
            try:
                self.step()
            except Exception as error:  # noqa: BLE001  raised again by who waits for it
                failed.set_exception(error)
                return
            now = self._clock.monotonic()
            planned = following(began, now, self._tick)
            timer = loop.call_later((planned - now) / S, tick)

        tick()
        try:
            await failed
        finally:
            if timer is not None:
                timer.cancel()
