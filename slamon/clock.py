"""The only asker of clocks: an instant is a wall anchor plus the monotonic clock; where that cannot be trusted it says so as gaps.

CLOCK_REALTIME and CLOCK_MONOTONIC of Linux are disciplined by the same frequency, so the offset between them moves only when somebody
*sets* the wall clock or the machine sleeps. That makes the offset a detector of steps, and the bridge from kernel packet stamps
(CLOCK_REALTIME) to monotonic time.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from dataclasses import dataclass

from slamon.model import MS, US, S
from slamon.record.rows import Gap

STEP = 100 * MS
"""An error of the anchor that cannot be worked off quietly: far above what discipline leaves, far below an interval."""

REANCHOR = 10 * S
"""How often a smaller error is looked at; an error that appears and goes within it was never worth correcting."""

SLEW_DIVISOR = 1000
"""A small error is worked off at 1 ms per second, so that instants never run backwards: 100 ms take 100 s."""

SUSPENDED = 1 * S
"""Silence between two ticks from which on nobody was measuring: a hundred ticks of the scheduler, a tenth of the default interval."""

SAME_OFFSET = 2 * US
"""Two measurements of one offset differ by less than this beyond the width of the readings (a clock reading takes 30 to 100 ns)."""

BEST_OF = 16
"""Readings of which the tightest anchors the clock: one of them is not interrupted."""

_TIME_ERROR = 5
"""Return value of adjtimex(2): the clock is not synchronised."""


class _Timex(ctypes.Structure):
    """`struct timex` of adjtimex(2) up to the fields read here; the rest is room for the kernel to write."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Discipline:
    """What the kernel knows about its wall clock."""

    synchronized: bool
    max_error: int
    """Nanoseconds: the kernel's own bound, growing while no time source speaks."""


_ADJTIMEX = getattr(ctypes.CDLL(None, use_errno=True), "adjtimex", None)
"""Looked up once: that takes longer than the call."""


def discipline() -> Discipline | None:
    """Ask adjtimex(2), changing nothing; None where it cannot be asked (a seccomp filter, another libc)."""
    if _ADJTIMEX is None:
        return None
    timex = _Timex()
    state = _ADJTIMEX(ctypes.byref(timex))
    if state < 0:
        return None
    return Discipline(synchronized=state != _TIME_ERROR, max_error=timex.maxerror * US)


def boottime() -> int:
    """Like the monotonic clock, and it goes on while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where a Clock reads: nanoseconds each; tests put virtual time here."""

    realtime: Callable[[], int] = time.time_ns  # noqa: TID251 - this is the clock
    monotonic: Callable[[], int] = time.monotonic_ns  # noqa: TID251 - this is the clock
    boottime: Callable[[], int] = boottime
    discipline: Callable[[], Discipline | None] = discipline


SYSTEM = Sources()


class Clock:
    """Instants and elapsed time for one process. All values are integer nanoseconds."""

    __slots__ = (
        "_anchor",
        "_boot",
        "_checked",
        "_gaps",
        "_offset",
        "_reanchored",
        "_slew",
        "_slew_from",
        "_sources",
        "_ticked",
        "discipline",
        "monotonic",
        "steps",
    )

    def __init__(self, sources: Sources = SYSTEM) -> None:
        self._sources = sources
        self.monotonic: Callable[[], int] = sources.monotonic
        """Elapsed time since an arbitrary start; the source itself, since it is called per packet."""
        self.steps = 0
        """How often the wall clock was stepped since start."""
        self.discipline: Discipline | None = sources.discipline()
        self._offset = self._measure()
        self._anchor = self._offset
        self._slew = 0
        self._slew_from = 0
        self._gaps: list[Gap] = []
        now = sources.monotonic()
        self._checked = self._ticked = self._reanchored = now
        self._boot = sources.boottime()

    def now(self) -> int:
        """The present instant, UTC. Never runs backwards, except across a step that `check` reports as a gap."""
        return self.wall(self.monotonic())

    def wall(self, monotonic: int) -> int:
        """The instant of a reading of `monotonic()`."""
        if self._slew:
            done = max(monotonic - self._slew_from, 0) // SLEW_DIVISOR
            return monotonic + self._anchor + (min(done, self._slew) if self._slew > 0 else max(-done, self._slew))
        return monotonic + self._anchor

    def offset(self) -> int:
        """CLOCK_REALTIME − CLOCK_MONOTONIC now, to bring a kernel packet stamp to monotonic time: `stamp − offset()`.

        The same number comes back until the wall clock is set or the machine slept, so a difference between two calls means that the
        stamps between them cannot be paired.
        """
        before = self.monotonic()
        real = self._sources.realtime()
        after = self.monotonic()
        if not real - after - SAME_OFFSET <= self._offset <= real - before + SAME_OFFSET:
            self._offset = self._measure()
        return self._offset

    def tick(self) -> None:
        """To be called on every tick of the scheduler: a silence of more than a second means stopped or asleep, and becomes a gap."""
        monotonic, boot = self.monotonic(), self._sources.boottime()
        silence = boot - self._boot
        if silence > SUSPENDED:
            start = self.wall(self._ticked)
            asleep = silence - (monotonic - self._ticked)
            if asleep > SUSPENDED:
                # The monotonic clock stood still while the world went on; what is left of the difference is judged by `check`.
                self._settle_slew(monotonic)
                self._anchor += asleep
            self._gaps.append(Gap(start, self.wall(monotonic), "suspended"))
        self._ticked, self._boot = monotonic, boot

    def check(self) -> list[Gap]:
        """The spans since the last call in which instants or observation cannot be trusted. To be called about once a second.

        A step of the wall clock makes the span from the last good check to now unknown. After a step backwards the labels from the new
        now to the old now are used twice; the gap covers both passes.
        """
        self.tick()
        self.discipline = self._sources.discipline()
        monotonic = self.monotonic()
        offset = self.offset()
        labelled = self.wall(monotonic)
        error = monotonic + offset - labelled
        if abs(error) >= STEP:
            self.steps += 1
            start = self.wall(self._checked)
            self._slew, self._anchor = 0, offset
            now = self.wall(monotonic)
            self._gaps.append(Gap(min(start, now), max(labelled, now), "clock_step"))
            self._reanchored = monotonic
        elif monotonic - self._reanchored >= REANCHOR:
            self._settle_slew(monotonic)
            self._slew, self._slew_from = error, monotonic
            self._reanchored = monotonic
        self._checked = monotonic
        gaps, self._gaps = self._gaps, []
        return gaps

    def _settle_slew(self, monotonic: int) -> None:
        """Fold the part of the running correction that is done into the anchor; the rest is measured anew."""
        self._anchor = self.wall(monotonic) - monotonic
        self._slew = 0

    def _measure(self) -> int:
        """The offset from the tightest of a few bracketed readings."""
        best, width = 0, None
        for _ in range(BEST_OF):
            before = self.monotonic()
            real = self._sources.realtime()
            after = self.monotonic()
            if width is None or after - before < width:
                best, width = real - (before + after) // 2, after - before
        return best
