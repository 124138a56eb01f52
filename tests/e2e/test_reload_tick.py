"""A reload that changes the tick is no reason for unmeasured time: slots that have come are probed."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from slamon.model import MS
from tests.e2e.rig import Daemon
from tests.netlab import instants
from tests.netlab.namespace import Namespace

pytestmark = pytest.mark.system

TARGETS = 100
READ = 500 * MS
"""From one reading of answers to the next: the reload comes shortly before one, and so shortly before a tick of either length."""


@pytest.fixture
def space() -> Iterator[Namespace]:
    namespace = Namespace()
    try:
        yield namespace
    finally:
        namespace.close()


def config(*, fast: bool) -> str:
    targets = [f"t{i}: {{probe: icmp, address: 127.0.1.{i + 1}}}" for i in range(TARGETS)]
    if fast:
        targets.append("fast: {probe: icmp, address: 127.0.0.9, interval: 100ms}")
    keys = "".join(f"\n      {target}" for target in targets)
    return f"""
vantage: here
defaults: {{interval: 1s, timeout: 2s}}
services:
  hq:
    up_when: any
    targets:{keys}
"""


@pytest.mark.parametrize("faster", [True, False], ids=["finer", "lazier"])
def test_no_target_is_unknown_after_the_tick_has_changed(tmp_path: Path, space: Namespace, faster: bool) -> None:
    with Daemon(tmp_path, config(fast=not faster), namespace=space) as daemon:
        instants.pause(4)
        daemon.config.write_text(config(fast=faster))
        while not 420 * MS < instants.monotonic() % READ < 440 * MS:
            instants.pause(0.002)
        daemon.signal(signal.SIGHUP)
        instants.pause(3)
        said = daemon.log.read_text()
        assert "configuration reloaded" in said
        assert re.findall(r"target (\S+) UNKNOWN", said) == []
