"""Targets come and go by SIGHUP while probes of them are due and in flight."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.e2e.test_new_kind import ROOT, free_port, wait_for


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
