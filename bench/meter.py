"""What trials measure with: processor time of this process and of others, and a wait that blocks."""

from __future__ import annotations

import resource
import select
from pathlib import Path

from slamon.clock import Clock
from slamon.model import S

clock = Clock()
"""The product's own clock; one for a trial."""


def cpu() -> float:
    """Seconds of user + system time of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def cpu_of(process: int) -> float:
    """The same of another process, all its threads; from the scheduler's own account, in nanoseconds."""
    tasks = Path(f"/proc/{process}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / S


def wait(seconds: float) -> None:
    """Block this process; for trials without an event loop."""
    select.select([], [], [], seconds)
