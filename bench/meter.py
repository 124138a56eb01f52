"""What trials measure with: processor time of this process and of others, and a wait that blocks."""

from __future__ import annotations

import resource
import select
import time

from slamon.clock import Clock
from slamon.model import S

clock = Clock()
"""The product's own clock; one for a trial."""

CPUCLOCK_SCHED = 2  # linux/posix-timers.h: the low bits of the identifier of another process's clock


def cpu() -> float:
    """Seconds of user + system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(process: int) -> float:
    """The same of another process: all its threads, those that have ended too; in nanoseconds, from the scheduler's own account."""
    return time.clock_gettime_ns(~process << 3 | CPUCLOCK_SCHED) / S


def cpu_of_children() -> float:
    """The same of all processes this one started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def wait(seconds: float) -> None:
    """Block this process; for trials without an event loop."""
    select.select([], [], [], seconds)
