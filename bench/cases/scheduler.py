"""Processor time of one slot: the timer wheel, ticked as the daemon does, against one asyncio task per target.

The wheel gives up promptness for it: a probe leaves up to one tick (50 ms) after its slot. Neither drifts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from bench.frame import Bench, Comparison, Disturbed, Figures
from bench.meter import clock, cpu
from slamon.daemon.probing import tick_for
from slamon.model import S, Target
from slamon.schedule import Wheel, phase
from slamon.stats import Stats

TARGETS = 10_000
INTERVAL = 10 * S
"""The default: 1000 slots a second in all."""
SETTLE = 1.0
"""Seconds."""
WINDOW = 4.0
"""Seconds measured: 4000 slots."""
TOLERANCE = 0.1
"""How many of the slots may lie on the wrong side of the window's edges."""


class _Fired:
    """Stands for the prober: counts."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, target: Target, due: int) -> None:  # noqa: ARG002
        self.count += 1


def _targets() -> list[Target]:
    return [
        Target(
            name=f"site-{i:05}/ping",
            service=f"site-{i:05}",
            probe="icmp",
            address="192.0.2.1",
            family=4,
            interval=INTERVAL,
            timeout=3 * S,
            down_after=3,
            up_after=1,
            settings=None,
        )
        for i in range(TARGETS)
    ]


async def _wheel(targets: list[Target], fire: _Fired) -> None:
    tick = tick_for(targets)
    wheel = Wheel(tick, epoch=0, stats=Stats())
    planned = clock.monotonic()
    wheel.set(targets, planned)
    while True:
        for volley in wheel.due(clock.monotonic()):
            for target, due in zip(volley.targets, volley.slots, strict=True):
                fire(target, due)
        planned += tick
        await asyncio.sleep((planned - clock.monotonic()) / S)


async def _tasks(targets: list[Target], fire: _Fired) -> None:
    async with asyncio.TaskGroup() as group:
        for target in targets:
            group.create_task(_task(target, fire))


async def _task(target: Target, fire: _Fired) -> None:
    now = clock.monotonic()
    due = now + (phase(target.name, target.interval) - now) % target.interval
    while True:
        wait = due - clock.monotonic()
        if wait > 0:
            await asyncio.sleep(wait / S)
        fire(target, due)
        due += target.interval


async def _measure(scheduler: Coroutine[Any, Any, None], fired: _Fired) -> Figures:
    running = asyncio.create_task(scheduler)
    await asyncio.sleep(SETTLE)
    before, spent = fired.count, cpu()
    await asyncio.sleep(WINDOW)
    spent, slots = cpu() - spent, fired.count - before
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    agreed = WINDOW * TARGETS * S / INTERVAL
    if abs(slots - agreed) > TOLERANCE * agreed:
        raise Disturbed(f"{slots} slots instead of {agreed:.0f}: is the machine overloaded?")
    return {"cpu": spent / slots * 1e6, "slots": slots}


def slamon() -> Figures:
    fired = _Fired()
    return asyncio.run(_measure(_wheel(_targets(), fired), fired))


def asyncio_tasks() -> Figures:
    """Each sleeps until its next slot, by absolute deadlines."""
    fired = _Fired()
    return asyncio.run(_measure(_tasks(_targets(), fired), fired))


BENCH = Bench(
    about=f"processor time per slot, {TARGETS} targets every {INTERVAL // S} s",
    subjects={"slamon": slamon, "asyncio_tasks": asyncio_tasks},
    comparisons=(Comparison(peer="asyncio_tasks", figure="cpu", unit="us/slot", goal="<= 0.4"),),
)
