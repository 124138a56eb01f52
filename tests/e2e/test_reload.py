"""Targets come and go by SIGHUP while probes of them are due and in flight."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from slamon.store import Store
from tests.e2e.rig import SECOND, Daemon, Metrics
from tests.e2e.test_new_kind import ROOT, free_port, wait_for
from tests.netlab import instants
from tests.netlab.namespace import Namespace


def config(web: int, targets: int, contract: str) -> str:
    keys = "\n".join(f"      t{i}: {{probe: tcp, address: 127.0.0.1, port: {web}}}" for i in range(targets))
    return f"""
vantage: here
defaults: {{interval: 100ms, timeout: 90ms}}
judge: {{refresh: 1s}}
web: {{port: {web}}}
services:
  hq:
    up_when: any
    targets:
{keys}
contracts:
  {contract}:
    service: hq
    provider: Acme
    timezone: UTC
    objectives: {{availability: {{target: 99%}}}}
"""


def test_targets_come_and_go(tmp_path: Path) -> None:
    web, path = free_port(), tmp_path / "slamon.yml"
    path.write_text(config(web, 60, "many"))
    log = tmp_path / "log"
    with log.open("w") as said:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "slamon", "run", "--config", path, "--state", tmp_path / "state"],
            cwd=ROOT,
            stderr=said,
        )
    try:
        kept = '{target="hq/t0",service="hq",probe="tcp",family="4",vantage="here",result="success"} '
        wait_for(web, kept + "5")
        for turn in range(12):
            few = turn % 2 == 0
            path.write_text(config(web, 5 if few else 60, "few" if few else "many"))
            daemon.send_signal(signal.SIGHUP)
            page = wait_for(web, f'slamon_contract_info{{contract="{"few" if few else "many"}"')
            assert len(set(re.findall(r'slamon_probe_attempts_total{target="([^"]+)"', page))) == (5 if few else 60)
        # counters of a target that stayed are not reset
        successes = int(page.partition(kept)[2].partition("\n")[0])
        began = time.monotonic()  # noqa: TID251 - a deadline of the test
        while successes <= 12 and time.monotonic() < began + 20:  # noqa: TID251
            successes = int(wait_for(web, kept).partition(kept)[2].partition("\n")[0])
        assert successes > 12
    finally:
        daemon.terminate()
        daemon.wait(30)
    assert daemon.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    assert log.read_text().count("configuration reloaded") == 12


FIXED = """
vantage: {vantage}
defaults: {{interval: 100ms, timeout: 90ms}}
judge: {{refresh: 1s}}
store: {{keep_raw: {keep}}}
services:
  hq:
    up_when: {up_when}
    targets:
      page: {{probe: http, address: 127.0.0.1, port: {web}, path: /-/healthy}}
      dead: {{probe: tcp, address: 127.0.0.1, port: 9}}
contracts:
  hq:
    service: hq
    provider: Acme
    timezone: UTC
    objectives: {{availability: {{target: 99%}}}}
    exclusions: [{{class: maintenance}}]
"""


class Said:
    """A daemon that listens by `--listen`, and its log."""

    def __init__(self, folder: Path, web: int) -> None:
        self.web, self.path, self.state, self.log = web, folder / "slamon.yml", folder / "state", folder / "log"
        self.reloads = 0

    def write(self, *, vantage: str = "here", keep: str = "7d", up_when: str = "any") -> None:
        self.path.write_text(FIXED.format(vantage=vantage, keep=keep, up_when=up_when, web=self.web))

    def start(self) -> None:
        with self.log.open("w") as said:
            listen = ("--listen", f"127.0.0.1:{self.web}")
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "slamon", "run", "--config", self.path, "--state", self.state, *listen],
                cwd=ROOT,
                stderr=said,
            )
        self.reloads = 0

    def reload(self) -> list[str]:
        """What the log says of it."""
        before = len(self.lines())
        self.daemon.send_signal(signal.SIGHUP)
        self.reloads += 1
        self.wait(lambda: sum("configuration reloaded" in line for line in self.lines()) == self.reloads)
        return self.lines()[before:]

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def wait(self, condition: Callable[[], bool]) -> None:
        began = time.monotonic()  # noqa: TID251 - a deadline of the test
        while not condition():
            assert time.monotonic() < began + 20, self.log.read_text()  # noqa: TID251
            time.sleep(0.05)  # noqa: TID251

    def stop(self) -> None:
        self.daemon.terminate()
        assert self.daemon.wait(30) == 0, self.log.read_text()
        assert "Traceback" not in self.log.read_text()

    def slamon(self, *words: str) -> str:
        files = ("--config", str(self.path), "--state", str(self.state))
        command = [sys.executable, "-m", "slamon", *words, *files]
        return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout


UP = 'slamon_service_state{service="hq",vantage="here",state="up"} 1'
DOWN = 'slamon_service_state{service="hq",vantage="here",state="down"} 1'
SECONDS_UP = re.compile(r'slamon_service_state_seconds_total{service="hq",vantage="here",state="up"} ([0-9.]+)')


def seconds_up(page: str) -> float:
    found = SECONDS_UP.search(page)
    assert found, page
    return float(found[1])


def test_reload_and_restart_say_what_changed_and_nothing_else(tmp_path: Path) -> None:
    said = Said(tmp_path, free_port())
    said.write()
    said.start()
    try:
        wait_for(said.web, UP)
        said.wait(lambda: any("target hq/dead DOWN" in line for line in said.lines()))
        assert any("refused (ECONNREFUSED" in line for line in said.lines())

        assert not [line for line in said.reload() if "WARNING" in line]  # `--listen` is no change of `web`
        said.write(keep="1d")
        assert not [line for line in said.reload() if "WARNING" in line]
        said.write(vantage="there")
        for _ in range(2):  # it still waits for a start
            assert [line for line in said.reload() if "a change of `vantage` takes effect" in line]
            assert 'vantage="here"' in wait_for(said.web, UP)
            assert 'vantage="there"' not in wait_for(said.web, UP)
        said.write()
        assert not [line for line in said.reload() if "WARNING" in line]

        # another quorum judges the whole past, and tells the present
        said.wait(lambda: seconds_up(wait_for(said.web, UP)) > 2)
        said.write(up_when="all")
        said.reload()
        assert seconds_up(wait_for(said.web, DOWN)) < 1

        said.slamon(
            "exclude", "add", "--contract", "hq", "--class", "maintenance", "--from", "2026-01-01", "--for", "1h"
        )
        said.wait(lambda: any("exclusion 1 declared by" in line for line in said.lines()))
        said.slamon("exclude", "revoke", "1")
        said.wait(lambda: any("exclusion 1 revoked by" in line for line in said.lines()))
    finally:
        said.stop()
    stopped = said.slamon("status")
    assert "nothing measured since" in stopped
    table = stopped.splitlines()[stopped.splitlines().index("") + 2 :]
    assert table
    assert all(" unknown " in line for line in table)

    said.start()
    try:
        wait_for(said.web, DOWN)
        said.wait(lambda: any("as measured up to" in line for line in said.lines()))
        time.sleep(3)  # noqa: TID251 - for whatever else would be said
        changes = [line for line in said.lines() if re.search(r"(target|service) hq\S* [A-Z]", line)]
        assert changes == []
        assert "1 service down, 1 target up, 1 target down" in said.log.read_text()
        assert "exclusion" not in said.log.read_text()
    finally:
        said.stop()


ANSWERING, SILENT = 30, 10
READ = 500_000_000
"""Nanoseconds of the monotonic clock from one reading of answers to the next."""


def near_and_gone(timeout: str) -> str:
    """Services of one target each that answers, and of one that does not."""
    addresses = [f"127.0.1.{i + 1}" for i in range(ANSWERING)] + [f"198.51.100.{i + 1}" for i in range(SILENT)]
    services = "".join(
        f"\n  s{i}: {{targets: {{t: {{probe: icmp, address: {address}}}}}}}" for i, address in enumerate(addresses)
    )
    return f"defaults: {{interval: 1s, timeout: {timeout}, down_after: 3}}\nservices:{services}\n"


def before_a_reading() -> None:
    """Most of what was sent in the half second is answered, and the answers are unread."""
    while not 0.42 < instants.monotonic() % READ / READ * 0.5 < 0.44:
        instants.pause(0.002)


@pytest.mark.system
def test_no_answer_and_no_outage_is_lost_by_a_reload_or_a_stop(tmp_path: Path) -> None:
    """What is in flight when a definition changes is waited for; what was answered when the daemon ends is recorded."""
    namespace = Namespace()
    try:
        namespace.run("ip", "link", "add", "gone", "type", "veth", "peer", "name", "far")
        namespace.run("ip", "link", "set", "far", "up")
        namespace.run("ip", "link", "set", "gone", "arp", "off")
        namespace.run("ip", "address", "add", "198.51.100.200/24", "dev", "gone")
        namespace.run("ip", "link", "set", "gone", "up")
        with Daemon(tmp_path, near_and_gone("2s"), namespace=namespace) as daemon:
            down = [1] * SILENT
            daemon.until(lambda page: outages(page)[ANSWERING:] == down and settled(page) > 2, 30, "down")
            before = unmeasured(daemon.metrics())
            daemon.config.write_text(near_and_gone("1500ms"))
            before_a_reading()
            daemon.signal(signal.SIGHUP)
            reloaded = instants.wall() / SECOND
            page = daemon.until(lambda page: settled(page) > reloaded + 2, 30, "settled after the reload")
            assert "configuration reloaded" in daemon.log.read_text()
            assert outages(page) == [0] * ANSWERING + down
            assert unmeasured(page) == before
            before_a_reading()
            stopped = instants.wall()
            assert daemon.stop() == 0
            names = [f"s{i}/t" for i in range(ANSWERING)]
            with Store.open(daemon.state / "slamon.db", write=False) as store:
                series = store.load(names, 0, 1 << 62).series
            # Each was sent to within the last interval, if the tick in which its slot lies had come.
            assert min(series[name].runs[-1].last_sent for name in names) > stopped - 1.15 * SECOND
    finally:
        namespace.close()


def outages(page: Metrics) -> list[int]:
    found = page.by("service", "slamon_outages_total")
    return [int(found[f"s{i}"]) for i in range(ANSWERING + SILENT)]


def settled(page: Metrics) -> Decimal:
    return min(value for _, value in page.all("slamon_target_settled_timestamp_seconds"))


def unmeasured(page: Metrics) -> dict[str, Decimal]:
    return page.by("target", "slamon_target_state_seconds_total", state="unknown")
