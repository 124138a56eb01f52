"""Says which targets are due: a timer wheel over a fixed grid of slots. Knows nothing of probes and asks no clock.

Each target has its own phase, a hash of its name, on a grid of its interval: the slots of all targets are spread evenly, and are the same
after a restart. The grid lies on the wall clock as it stood at start and is followed by the monotonic clock from then on, so that a step of
the wall clock neither delays a probe nor doubles one; the next start takes the wall clock as it then is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil
from typing import NamedTuple
from zlib import crc32

from slamon.model import Target
from slamon.stats import Stats

BURST = 32
"""Probes of one tick beyond twice the usual number: after a standstill all are due, but the customer's line must not see them at once."""


class Due(NamedTuple):
    target: Target
    at: int
    """The slot, on the monotonic clock."""


def phase(name: str, interval: int) -> int:
    """Where in its interval a target is due, nanoseconds: the same at every start, spread evenly over targets."""
    return crc32(name.encode()) * interval >> 32


class _Entry:
    __slots__ = ("alive", "at", "target")

    def __init__(self, target: Target, at: int) -> None:
        self.target = target
        self.at = at
        self.alive = True


class Wheel:
    """The slots of all targets. Work is proportional to what is due, not to what exists.

    A slot is handed out by the first call of `due` at or after it; `tick` is about the nanoseconds between two calls. `epoch` is the wall
    clock minus the monotonic clock at start. Every `now` is monotonic and does not run backwards.
    """

    def __init__(self, tick: int, *, epoch: int, stats: Stats) -> None:
        self._tick = tick
        self._epoch = epoch
        self._stats = stats
        self._entries: dict[str, _Entry] = {}
        self._buckets: dict[int, list[_Entry]] = {}
        """Number of the tick in which the slot lies → entries."""
        self._next = 0
        """The first tick that may still have a bucket."""
        self._waiting: deque[_Entry] = deque()
        """Entries whose slot has come, oldest first."""
        self._budget = BURST

    def set(self, targets: Iterable[Target], now: int) -> None:
        """Schedule exactly these targets. One that keeps name and interval keeps its slots; a slot that has come is not lost."""
        before, self._entries = self._entries, {}
        for target in targets:
            entry = before.pop(target.name, None)
            if entry is not None and entry.target.interval == target.interval:
                entry.target = target
            else:
                if entry is not None:
                    entry.alive = False
                entry = _Entry(target, self._slot_after(target, now))
                self._file(entry)
            self._entries[target.name] = entry
        for entry in before.values():
            entry.alive = False
        usual = sum(self._tick / entry.target.interval for entry in self._entries.values())
        self._budget = BURST + 2 * ceil(usual)

    def due(self, now: int) -> list[Due]:
        """What is to be fired now, oldest tick first. A target of which several slots passed comes once; the others are counted missed."""
        self._sweep(now)
        fired: list[Due] = []
        while self._waiting and len(fired) < self._budget:
            entry = self._waiting.popleft()
            if not entry.alive:
                continue
            interval = entry.target.interval
            lag = now - entry.at
            missed = lag // interval
            self._stats.scheduler_lag.observe(lag)
            self._stats.missed_slots += missed
            slot = entry.at + missed * interval
            fired.append(Due(entry.target, slot))
            entry.at = slot + interval
            self._file(entry)
        return fired

    def _sweep(self, now: int) -> None:
        """Move every entry whose slot has come to the queue."""
        tick = now // self._tick
        if tick - self._next > len(self._buckets):
            passed: Iterable[int] = sorted(number for number in self._buckets if number < tick)
        else:
            passed = range(self._next, tick)
        for number in passed:
            self._waiting.extend(self._buckets.pop(number, ()))
        self._next = tick
        present = self._buckets.pop(tick, None)
        if present:
            self._waiting.extend(entry for entry in present if entry.at <= now)
            later = [entry for entry in present if entry.at > now]
            if later:
                self._buckets[tick] = later

    def _file(self, entry: _Entry) -> None:
        self._buckets.setdefault(entry.at // self._tick, []).append(entry)

    def _slot_after(self, target: Target, now: int) -> int:
        """The first slot of the target's grid after `now`."""
        interval = target.interval
        return now + 1 + (phase(target.name, interval) - self._epoch - now - 1) % interval
