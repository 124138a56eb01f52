"""A line that loses three packets in five: down by slots of its own rule, up by failures in a row, and the contract says the same."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from slamon.model import MEANING, Packet
from slamon.store import Store
from tests.e2e.rig import SECOND, Daemon, calm_zone, nanoseconds
from tests.netlab.rig import Lab
from tests.store.rig import kept

pytestmark = pytest.mark.system

LOSS = 0.6
"""Of 100 packets in a slot: more than half of them are lost in 97 slots of 100, and three better ones in a row are not to be feared."""
SLOT, AFTER, UNTIL = 2 * SECOND, 2, 3
PATIENCE = 40.0
"""Seconds: a slot that goes on, two or three more, a batch; the rest is for a busy machine."""

CONFIG = """
vantage: lab
judge: {{refresh: 1s}}
defaults: {{interval: 20ms, timeout: 200ms, targets: {{line: {{probe: icmp}}}}}}
services:
  slots: {{address: 10.66.1.1, provider: Acme, outage: {{slot: 2s, bad_slot: loss over 50%, after: 2 slots, until: 3 slots}}}}
  rows: {{address: 10.66.1.2, provider: Acme, down_after: 40}}
contracts:
  silent: &terms
    service: slots
    provider: Acme
    timezone: {zone}
    min_coverage: 0%
    objectives: {{availability: {{target: 99.9%}}}}
  explicit:
    <<: *terms
    service: rows
    outage: {{slot: 2s, bad_slot: loss over 50%, after: 2 slots, until: 3 slots}}
"""


def losses(daemon: Daemon, target: str) -> list[bool | None]:
    """Slot by slot, from the first whole one that was probed: whether most of its packets were lost."""
    with Store.open(daemon.state / "slamon.db", write=False) as store:
        samples = kept(store, target)
    first = samples[0].sent // SLOT + 1
    counted = Counter((sample.sent // SLOT - first, MEANING[sample.reading.result].packet) for sample in samples)
    sums = [(counted[n, Packet.LOST], counted[n, Packet.RECEIVED]) for n in range(samples[-1].sent // SLOT - first)]
    return [None if lost + received == 0 else lost > received for lost, received in sums]


def row(slots: list[bool | None], bad: bool, length: int, start: int = 0) -> int:
    """Where the first `length` slots in a row that are (not) bad begin."""
    return next(n for n in range(start, len(slots)) if slots[n : n + length] == [bad] * length)


def test_a_line_that_loses_most_packets_is_down_by_slots(tmp_path: Path) -> None:
    with (
        Lab(tmp_path, seed=3) as lab,
        Daemon(tmp_path, CONFIG.format(zone=calm_zone()), namespace=lab.namespace) as daemon,
    ):
        daemon.until(lambda m: m.get("slamon_service_state", service="slots", state="up") == 1, PATIENCE, "up")
        for address in ("10.66.1.1", "10.66.1.2"):
            lab.set(address, loss=LOSS)
        down = daemon.until(
            lambda m: m.get("slamon_service_state", service="slots", state="down") == 1, PATIENCE, "down by slots"
        )
        assert down.value("slamon_target_state", target="slots/line", state="down") == 1
        assert down.value("slamon_service_state", service="rows", state="up") == 1
        began = nanoseconds(down.value("slamon_outage_start_timestamp_seconds", service="slots"))
        assert began % SLOT == 0
        status = json.loads(daemon.command("status", "--format", "json"))
        assert {each["name"]: each["state"] for each in status["services"]} == {"slots": "down", "rows": "up"}
        for address in ("10.66.1.1", "10.66.1.2"):
            lab.set(address)
        up = daemon.until(
            lambda m: m.value("slamon_service_state", service="slots", state="up") == 1, PATIENCE, "up again"
        )
        assert up.value("slamon_outages_total", service="slots") == 1
        assert up.value("slamon_outages_total", service="rows") == 0
        ended = began + nanoseconds(up.value("slamon_service_state_seconds_total", service="slots", state="down"))
        daemon.eventually(lambda: daemon.judged()["silent"].settled > ended, PATIENCE, "judged")
        judged = daemon.judged()
        daemon.stop()
        reported = daemon.reports()
        slots = losses(daemon, "slots/line")
        assert "service slots DOWN since" in daemon.log.read_text()
    outage = row(slots, True, AFTER)
    good = row(slots, False, UNTIL, outage)
    assert ended - began == (good - outage) * SLOT
    for statements in (judged, reported):
        ((start, end),) = [(each.start, each.end) for each in statements["silent"].outages]
        assert (start, end) == (began, ended), "what was announced is what is owed for"
        assert [(each.start % SLOT, (each.end or 0) % SLOT) for each in statements["explicit"].outages] == [(0, 0)]
