"""A daemon to be killed: `python -m tests.store.crasher PATH SECONDS` writes a known story, and says what it has written."""

from __future__ import annotations

import sys
from pathlib import Path

from slamon.model import MS, Reading
from tests.record.worlds import LOST, success, target
from tests.store.rig import Daemon

NAMES = ("a/ping", "b/ping", "c/ping")
STEP = 10
"""Seconds from batch to batch: a minute ends at every sixth."""


def reading(i: int) -> Reading:
    """What happened to the probe of second `i`."""
    return LOST if i % 37 in (3, 4, 5) else success(MS * (10 + i % 29))


def main(path: Path, seconds: int) -> None:
    with Daemon(path, *(target(name) for name in NAMES)) as daemon:
        for i in range(seconds):
            daemon.seconds([reading(i)], every=1 if i % STEP == STEP - 1 else 2)
            if i % STEP == STEP - 1:
                sys.stdout.write(f"{i + 1}\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
