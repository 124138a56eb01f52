"""What it takes to fire one probe in a test: a target, a series that remembers every decision, a context that remembers every warning."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from slamon.clock import Clock
from slamon.model import MS, Reading, Result, S, Target, Via
from slamon.probe import Context, Kind, Prober, Settings, Shot
from slamon.record.series import Pending, Series
from slamon.record.track import Journal, Track
from slamon.stats import RTT_EDGES, Stats

TICK = 0.005
"""Seconds between two drains, as a daemon would."""


def make_target(probe: str, settings: object = None, **changes: object) -> Target:
    fields: dict[str, object] = {
        "name": f"test/{probe}",
        "service": "test",
        "probe": probe,
        "address": "127.0.0.1",
        "family": 4,
        "interval": 1 * S,
        "timeout": 2 * S,
        "down_after": 3,
        "up_after": 1,
        "settings": settings,
        "via": Via(),
    }
    return Target(**(fields | changes))  # type: ignore[arg-type]


class Watched(Series):
    """A real series that also remembers every decision, the second one for the same probe included."""

    ranked = False

    def __init__(self, target: Target) -> None:
        track = Track(1, Journal(), interval=target.interval, limits=())
        super().__init__(target, track, edges=RTT_EDGES)
        self.decisions: list[Reading] = []
        self.sends: list[int] = []

    def send(self, sent: int) -> Pending:
        self.sends.append(sent)
        return super().send(sent)

    def decide(self, pending: Pending, reading: Reading) -> None:
        self.decisions.append(reading)
        super().decide(pending, reading)

    def succeed(self, pending: Pending, rtt: int, hop_limit: int) -> None:
        self.decisions.append(Reading(Result.SUCCESS, rtt, hop_limit if hop_limit >= 0 else None))
        super().succeed(pending, rtt, hop_limit)


@dataclass
class Desk:
    """What a kind gets from the daemon, kept for the test to look at."""

    stats: Stats = field(default_factory=Stats)
    warnings: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    @property
    def context(self) -> Context:
        return Context(clock=self.clock, stats=self.stats, warn=self.warnings.append)


class Range:
    """An open kind, drained as the daemon drains it."""

    def __init__(self, prober: Prober, desk: Desk) -> None:
        self.prober = prober
        self.desk = desk

    def fire(self, target: Target, address: str | None = None, series: Watched | None = None) -> Watched:
        series = series or Watched(target)
        self.prober.fire([Shot(target, address or target.address, series)])
        return series

    async def shoot(self, target: Target, address: str | None = None) -> Reading:
        """The reading of one probe; there was exactly one decision and its counters add up."""
        series = self.fire(target, address)
        await self.settle(series)
        assert len(series.decisions) == len(series.sends) == series.attempts == sum(series.results) == 1
        return series.decisions[0]

    async def settle(self, series: Watched, decisions: int = 1) -> None:
        """Wait until so many decisions were made. A prober that never decides fails here."""
        async with asyncio.timeout(series.target.timeout / S + 3):
            while len(series.decisions) < decisions:
                self.prober.drain()
                await asyncio.sleep(TICK)


@asynccontextmanager
async def opened(kind: Kind, desk: Desk | None = None) -> AsyncIterator[Range]:
    desk = desk or Desk()
    async with kind.open(desk.context) as prober:
        yield Range(prober, desk)


def settings_of(kind: Kind, given: Mapping[str, object] | None = None) -> Settings:
    """Settings from text, with the documented example for each key that must be given."""
    examples = {
        name: field.examples[0]
        for name, field in kind.settings.model_fields.items()
        if field.is_required() and field.examples
    }
    return kind.settings.model_validate(examples | dict(given or {}))


def within(reading: Reading, least: int, most: int) -> bool:
    """Whether a round trip lies between two bounds in milliseconds."""
    return reading.rtt is not None and least * MS <= reading.rtt <= most * MS
