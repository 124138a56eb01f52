"""kill -9 in the middle of everything: what was recorded is there, what was not is unknown, and the sums still close."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from slamon.record.rows import Run
from slamon.store import Store
from tests.e2e.rig import SECOND, Daemon, Metrics, calm_zone, nanoseconds
from tests.netlab import instants
from tests.netlab.namespace import Namespace
from tests.store.rig import kept

pytestmark = pytest.mark.system

INTERVAL, TIMEOUT, DOWN_AFTER = 200, 400, 3
"""Milliseconds, milliseconds, failures."""
TARGETS = ("line/ping", "line/six", "dead/port")
LAG = DOWN_AFTER * INTERVAL * SECOND // 1000 + TIMEOUT * SECOND // 1000 + 2 * SECOND
"""How far settled may be behind now, nanoseconds."""
CONFIG = """
judge: {{refresh: 1s}}
defaults: {{interval: 200ms, timeout: 400ms, down_after: 3}}
services:
  line: {{up_when: all, targets: {{ping: {{probe: icmp, address: 127.0.0.1}}, six: {{probe: icmp, address: "::1"}}}}}}
  dead: {{targets: {{port: {{probe: tcp, address: 127.0.0.1, port: 9}}}}}}
contracts:
  tight:
    {{service: dead, provider: nobody, timezone: {zone}, min_coverage: 0%, objectives: {{availability: {{target: 99%}}}}}}
"""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    namespace = Namespace()
    try:
        with Daemon(tmp_path, CONFIG.format(zone=calm_zone()), namespace=namespace) as daemon:
            yield daemon
    finally:
        namespace.close()


def settled(metrics: Metrics, target: str) -> int:
    """Nanoseconds; 0 before the first facts are."""
    return nanoseconds(metrics.get("slamon_target_settled_timestamp_seconds", target=target) or Decimal(0))


def runs_until(daemon: Daemon, target: str, instant: int) -> tuple[int, list[Run]]:
    """(known from, the runs before `instant`, cut there) as the store has them."""
    with Store.open(daemon.state / "slamon.db", write=False) as store:
        series = store.load(TARGETS, 0, 1 << 62).series[target]
    kept = [run for run in series.runs if run.first_sent < instant]
    cut = [run._replace(until=min(run.until, instant), last_sent=0, samples=0) for run in kept]
    return series.known_from, cut


def check_sums(daemon: Daemon, metrics: Metrics, target: str) -> None:
    """Σ of state time = settled − first known, in nanoseconds."""
    spent = sum(
        nanoseconds(value) for value in metrics.by("state", "slamon_target_state_seconds_total", target=target).values()
    )
    known_from, _ = runs_until(daemon, target, 0)
    assert spent == settled(metrics, target) - known_from


def test_a_kill_loses_nothing_that_was_recorded(daemon: Daemon) -> None:
    enough = 15
    before = daemon.until(
        lambda m: all(sum(m.by("result", "slamon_probe_results_total", target=t).values()) > enough for t in TARGETS),
        20,
        "measuring",
    )
    known = {target: settled(before, target) for target in TARGETS}
    daemon.until(  # the store is written once a second: wait for the batch that has everything up to `known`
        lambda m: nanoseconds(m.value("slamon_store_last_write_timestamp_seconds")) > max(known.values()) + SECOND // 2,
        10,
        "written",
    )
    facts = {target: runs_until(daemon, target, known[target]) for target in TARGETS}
    assert all(runs for _, runs in facts.values())
    assert daemon.stop(signal.SIGKILL) == -signal.SIGKILL

    instants.pause(1.5)
    daemon.start()
    restarted = instants.wall()
    after = daemon.until(
        lambda m: all(
            settled(m, t) > restarted and not m.value("slamon_target_state", target=t, state="unknown") for t in TARGETS
        ),
        20,
        "settled after the restart, with as many probes of one kind as a state asks for",
    )
    for target in TARGETS:
        assert runs_until(daemon, target, known[target]) == facts[target], "earlier facts are all there"
        check_sums(daemon, after, target)
        states = after.by("state", "slamon_target_state_seconds_total", target=target)
        assert states["unknown"] >= 1.5, "the gap is unknown"
        assert states["unknown"] <= (restarted - known[target]) / SECOND + 1
    assert after.value("slamon_target_state", target="line/ping", state="up") == 1
    assert after.value("slamon_target_state", target="dead/port", state="down") == 1
    statement = daemon.reports()["tight"]
    assert statement.time["unknown"] >= int(1.5 * SECOND)
    assert sum(statement.time.values()) == statement.in_scope


def test_settled_follows_now(daemon: Daemon) -> None:
    daemon.until(lambda m: all(settled(m, t) > 0 for t in TARGETS), 20, "settled")
    for _ in range(8):
        instants.pause(0.4)
        asked = instants.wall()
        metrics = daemon.metrics()
        for target in TARGETS:
            assert asked - settled(metrics, target) <= LAG, target
    for target in TARGETS:
        check_sums(daemon, metrics, target)


def test_stop_flushes_and_says_so(daemon: Daemon) -> None:
    daemon.until(
        lambda m: m.value("slamon_probe_results_total", target="line/ping", result="success") > 5, 20, "measuring"
    )
    stopped = instants.wall()
    assert daemon.stop() == 0, daemon.tail()
    with Store.open(daemon.state / "slamon.db", write=False) as store:
        samples = kept(store, "line/ping")
    assert stopped - samples[-1].sent < 2 * INTERVAL * SECOND // 1000, "the last batch is written"


def test_two_daemons_never_share_a_store(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    second = Daemon(tmp_path / "second", daemon.config.read_text(), namespace=daemon.namespace)
    second.state = daemon.state
    second.start(wait=False)
    assert second.process is not None
    try:
        assert second.process.wait(20) == 69
    finally:
        second.process.kill()
    assert daemon.get("/-/healthy")[0] == 200
