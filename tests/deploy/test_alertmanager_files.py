"""deploy/alertmanager: who is told what, by amtool and by a running Alertmanager that inhibits."""

from __future__ import annotations

import json
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.netlab import instants
from tests.netlab.namespace import ORPHAN, stop

pytestmark = pytest.mark.system
DEPLOY = Path(__file__).parents[2] / "deploy"
CONFIG = DEPLOY / "alertmanager" / "alertmanager.yml"
RULE_TESTS = DEPLOY / "prometheus" / "slamon.rules.test.yml"


def amtool(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["amtool", *words], capture_output=True, text=True, check=False, timeout=30)


def test_amtool_accepts_the_config() -> None:
    done = amtool("check-config", str(CONFIG))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 inhibit rules" in done.stdout


@pytest.mark.parametrize(
    ("alert", "severity", "receiver"),
    [
        ("SlamonServiceDown", "page", "on-call"),
        ("SlamonTargetDown", "ticket", "tickets"),
        ("SlamonExclusionActive", "none", "nobody"),
        ("SlamonCreditOwed", "ticket", "contracts"),
        ("SlamonSlaBelowMinimum", "page", "on-call"),
        ("SlamonSlaAtRisk", "ticket", "tickets"),
        ("SlamonUnreachable", "page", "on-call"),
    ],
)
def test_routes(alert: str, severity: str, receiver: str) -> None:
    labels = (f"alertname={alert}", f"severity={severity}", "service=hq", "contract=hq-internet")
    done = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}", *labels)
    assert done.returncode == 0, f"{alert} goes to {done.stdout.strip()}"


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[str]:
    """The base address of a real Alertmanager with our config."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = (
        *ORPHAN,
        "prometheus-alertmanager",
        f"--config.file={CONFIG}",
        f"--storage.path={tmp_path}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        base = f"http://127.0.0.1:{port}"
        deadline = instants.monotonic() + 20_000_000_000
        try:
            while not answers(f"{base}/-/ready"):
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert instants.monotonic() < deadline
                instants.pause(0.05)
            yield base
        finally:
            stop(process)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def post(base: str, *alerts: dict[str, str]) -> None:
    body = json.dumps([{"labels": labels} for labels in alerts]).encode()
    request = urllib.request.Request(f"{base}/api/v2/alerts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as response:
        assert response.status == 200


def held_back(base: str) -> set[tuple[str, str]]:
    """(alert name, service or contract) of what Alertmanager inhibits now."""
    with urllib.request.urlopen(f"{base}/api/v2/alerts", timeout=5) as response:
        alerts: list[dict[str, Any]] = json.load(response)
    return {
        (alert["labels"]["alertname"], alert["labels"].get("service") or alert["labels"].get("contract"))
        for alert in alerts
        if alert["status"]["inhibitedBy"]
    }


def test_an_exclusion_holds_back_the_alerts_of_its_service_only(alertmanager: str) -> None:
    post(
        alertmanager,
        {"alertname": "SlamonServiceDown", "severity": "page", "service": "hq"},
        {"alertname": "SlamonTargetDown", "severity": "ticket", "service": "hq", "target": "hq/ping"},
        {"alertname": "SlamonTargetDown", "severity": "ticket", "service": "lab", "target": "lab/ping"},
        {"alertname": "SlamonServiceDown", "severity": "page", "service": "branch"},
        {"alertname": "SlamonSlaBelowMinimum", "severity": "page", "contract": "hq-internet"},
        {"alertname": "SlamonSlaAtRisk", "severity": "ticket", "contract": "hq-internet"},
        {"alertname": "SlamonSlaAtRisk", "severity": "ticket", "contract": "other"},
    )
    expect(alertmanager, {("SlamonTargetDown", "hq"), ("SlamonSlaAtRisk", "hq-internet")})
    post(
        alertmanager,
        {"alertname": "SlamonExclusionActive", "severity": "none", "service": "hq", "contract": "hq-internet"},
    )
    expect(
        alertmanager,
        {("SlamonTargetDown", "hq"), ("SlamonServiceDown", "hq"), ("SlamonSlaAtRisk", "hq-internet")},
    )


def exported(test: str) -> list[dict[str, str]]:
    """The labels of the alerts that our rules make of the series of one of their tests."""
    (checks,) = (
        each["alert_rule_test"]
        for each in yaml.safe_load(RULE_TESTS.read_text())["tests"]
        if each["name"].startswith(test)
    )
    return [
        {"alertname": check["alertname"], **alert["exp_labels"]} for check in checks for alert in check["exp_alerts"]
    ]


def test_an_exclusion_of_a_contract_over_several_services_holds_back_the_alerts_of_each(alertmanager: str) -> None:
    alerts = exported("a maintenance of a contract over two services")
    assert {each["alertname"] for each in alerts} == {"SlamonServiceDown", "SlamonExclusionActive"}
    post(alertmanager, *alerts, {"alertname": "SlamonServiceDown", "severity": "page", "service": "lab"})
    expect(alertmanager, {("SlamonServiceDown", "port-a")})


def expect(base: str, wanted: set[tuple[str, str]]) -> None:
    """Alertmanager computes inhibition on its own time; a second is plenty, ten the bound."""
    deadline = instants.monotonic() + 10_000_000_000
    while (seen := held_back(base)) != wanted:
        assert instants.monotonic() < deadline, f"held back: {seen}"
        instants.pause(0.1)
