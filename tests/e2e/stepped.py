"""`python -m tests.e2e.stepped FILE …`: slamon, with a wall clock that is ahead by the nanoseconds in FILE.

A clock that is really set is that of every process of the machine, and no namespace has one of its own. So the daemon reads another one;
everything behind that reading is the real thing. For kinds of probe that the kernel does not stamp: its stamps are not set.
"""

from __future__ import annotations

import mmap
import struct
import sys
import time
from pathlib import Path

from slamon import clock
from slamon.__main__ import main

AHEAD = struct.Struct("=q")


def step(file: Path, ahead: int) -> None:
    """Set the clock of who runs by `file`; nanoseconds ahead of the machine's."""
    with file.open("r+b") as opened:
        opened.write(AHEAD.pack(ahead))


def run() -> None:
    with Path(sys.argv.pop(1)).open("rb") as opened:
        shared = mmap.mmap(opened.fileno(), AHEAD.size, prot=mmap.PROT_READ)
    sources = clock.Sources(realtime=lambda: time.time_ns() + AHEAD.unpack(shared[: AHEAD.size])[0])  # noqa: TID251  the clock itself
    clock.Clock.__init__.__defaults__ = (sources,)
    main()


if __name__ == "__main__":
    run()
