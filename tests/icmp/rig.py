"""What the tests of the engine share: real Series that also keep what they were told, an engine on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from slamon.clock import Clock
from slamon.icmp.engine import Engine
from slamon.model import MS, RESULTS, Reading, Result, S, Target, Via
from slamon.probe import Context, Shot
from slamon.probes.icmp import Icmp, form
from slamon.record.series import Pending, Series
from slamon.record.track import Journal, Track
from slamon.stats import RTT_EDGES, Stats
from tests.netlab import instants

ANY_WAY = Via()


class Heard(Series):
    """A Series that keeps every reading with its send instant."""

    __slots__ = ("readings",)

    ranked = False

    def __init__(self, target: Target) -> None:
        track = Track(1, Journal(), interval=target.interval, limits=())
        super().__init__(target, track, edges=RTT_EDGES)
        self.readings: list[tuple[int, Reading]] = []

    def decide(self, pending: Pending, reading: Reading) -> None:
        self.readings.append((pending.sent, reading))
        super().decide(pending, reading)

    def succeed(self, pending: Pending, rtt: int, hop_limit: int) -> None:
        self.readings.append((pending.sent, Reading(Result.SUCCESS, rtt, hop_limit if hop_limit >= 0 else None)))
        super().succeed(pending, rtt, hop_limit)

    def count(self, result: Result) -> int:
        return self.results[RESULTS.index(result)]

    @property
    def last(self) -> Reading:
        return self.readings[-1][1]


class Pinger:
    """An engine and its targets; `fire` and `drain` play the daemon's tick."""

    batched = True
    """Which way to talk to the sockets, for engines made from here on."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.stats = Stats()
        self.warnings: list[str] = []
        context = Context(clock=self.clock, stats=self.stats, warn=self.warnings.append)
        self.engine = Engine(context, form, batched=self.batched)
        self.series: list[Heard] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()
        for series in self.series:
            assert series.in_flight == 0
            assert sum(series.results) == series.attempts == len(series.readings)

    def shot(
        self, address: str, *, timeout: int = 1 * S, via: Via = ANY_WAY, payload: int = 56, name: str | None = None
    ) -> Shot:
        target = Target(
            name=name or f"service/{address}",
            service="service",
            probe="icmp",
            address=address,
            family=6 if ":" in address else 4,
            interval=1 * S,
            timeout=timeout,
            down_after=3,
            up_after=1,
            settings=Icmp(payload=payload),
            via=via,
        )
        series = Heard(target)
        self.series.append(series)
        return Shot(target, address, series)

    def fire(self, *shots: Shot) -> None:
        self.engine.send(shots)

    def settle(self, within: int = 5 * S) -> None:
        """Drain every 10 ms until everything is decided."""
        end = self.clock.monotonic() + within
        while any(series.in_flight for series in self.series):
            assert self.clock.monotonic() < end, "undecided probes"
            self.drain()

    def drain(self, wait: int = 10 * MS) -> None:
        instants.pause(wait / S)
        self.engine.drain()

    def rounds(self, shots: Sequence[Shot], count: int, gap: int = 10 * MS) -> None:
        """Fire all `count` times with a drain between, then settle."""
        for _ in range(count):
            self.engine.send(shots)
            self.drain(gap)
        self.settle()

    def warm_up(self, address: str = "127.0.0.1") -> None:
        """The first packets of a namespace may come unstamped: the kernel turns stamping on when first asked, and a little later."""
        shot = self.shot(address)
        for _ in range(20):
            self.fire(shot)
            self.settle()
            if not heard(shot).last.userspace:
                return
        raise AssertionError("the kernel stamps nothing")


def heard(shot: Shot) -> Heard:
    assert isinstance(shot.series, Heard)
    return shot.series
