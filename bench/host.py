"""A trial of the machine itself: what memory costs that nobody used for as long as a tick takes.

Whoever sleeps between two pieces of work finds caches and address translation taken by others; on virtual machines the host may even have
taken the page away, which then costs as much as many packets. It is charged to who touches the page, so to programs with much memory
more than to small ones.
"""

from __future__ import annotations

import mmap
import time

from bench.frame import Figures
from bench.meter import wait

PAGES = 1024
"""About what the whole daemon touches in a tick."""
REST = 0.125
"""Seconds: the longest tick of slamon."""
ROUNDS = 80


def memory() -> Figures:
    """Nanoseconds of processor time to read one byte of a page: `cold` after a rest, `warm` at once after that."""
    cold = warm = 0
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    with mmap.mmap(-1, PAGES * mmap.PAGESIZE, flags=flags) as memory:
        memory.madvise(mmap.MADV_NOHUGEPAGE)
        memory.write(bytes(PAGES * mmap.PAGESIZE))
        with memoryview(memory)[:: mmap.PAGESIZE] as first_bytes:
            for _ in range(ROUNDS):
                wait(REST)
                begin = time.thread_time_ns()
                first_bytes.tobytes()
                middle = time.thread_time_ns()
                first_bytes.tobytes()
                cold += middle - begin
                warm += time.thread_time_ns() - middle
    return {"cold": cold / ROUNDS / PAGES, "warm": warm / ROUNDS / PAGES}
