"""A lab for a test: a namespace, the far side inside it under real-time priority, its control and its truth."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.netlab import control, instants
from tests.netlab.namespace import START, Namespace, stop
from tests.netlab.truth import Truth
from tests.netlab.tun import Link

ROOT = Path(__file__).parents[2]
PRIORITY = ("chrt", "-f", "50")
"""The far side answers on time while the processes under test keep both cores busy."""


class Programmed(NamedTuple):
    """An outage as it was programmed: monotonic nanoseconds, `[start, end)`."""

    start: int
    end: int


class Lab:
    """Use as a context manager. Targets are addresses in 10.66.0.0/16 and fd66::/64; the prober is 10.66.0.1 and fd66::1."""

    def __init__(
        self,
        directory: Path,
        targets: Mapping[str, Mapping[str, object]] | None = None,
        *,
        seed: int = 1,
        links: tuple[Link, ...] = (Link(),),
    ) -> None:
        self._control = directory / "lab.sock"
        self._truth = directory / "truth.csv"
        self.namespace = Namespace()
        try:
            config = directory / "lab.json"
            shapes = [{"name": x.name, "addresses": [*x.addresses], "routes": [*x.routes]} for x in links]
            config.write_text(json.dumps({"seed": seed, "links": shapes, "targets": targets or {}}))
            files = ("--config", config, "--truth", self._truth, "--control", self._control)
            self._process = self.namespace.start(
                (*PRIORITY, sys.executable, "-m", "tests.netlab", *files), cwd=ROOT, stdout=subprocess.PIPE
            )
            self._await_ready()
        except BaseException:
            self.close()
            raise

    def _await_ready(self) -> None:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START)
        if not ready or os.read(self._process.stdout.fileno(), 64) != b"READY\n":
            raise RuntimeError("the lab did not start")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def set(self, target: str, **policy: object) -> None:
        """A new policy from now on; keys of `policy.Policy`."""
        control.send(self._control, {"set": {target: policy}})

    def outages(self, changes: Mapping[str, Mapping[str, object]], *, after: float, lasting: float) -> Programmed:
        """Target → what changes about its policy: all at the same instants, `after` seconds from now, for `lasting` seconds."""
        start = instants.monotonic() + int(after * 1e9)
        programmed = Programmed(start, start + int(lasting * 1e9))
        messages = {target: [*programmed, change] for target, change in changes.items()}
        control.send(self._control, {"outages": messages})
        return programmed

    def outage(self, *targets: str, after: float, lasting: float, **change: object) -> Programmed:
        """The same change for all these targets."""
        return self.outages(dict.fromkeys(targets, change), after=after, lasting=lasting)

    def truth(self) -> Truth:
        """Everything up to now. A reply that is still held back by its delay is not in it: stop sending and wait first."""
        control.send(self._control, {"flush": True})
        return Truth(self._truth)

    def close(self) -> None:
        process = getattr(self, "_process", None)
        if process is not None:
            stop(process)
        self.namespace.close()
