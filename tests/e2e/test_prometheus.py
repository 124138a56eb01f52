"""Scraped by a real Prometheus with our rules; the alert about a dead target reaches a webhook through a real Alertmanager."""

from __future__ import annotations

import json
import queue
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from tests.e2e.rig import ROOT, SECOND, Daemon, calm_zone, written
from tests.netlab import instants
from tests.netlab.namespace import Namespace, stop
from tests.netlab.rig import Lab

pytestmark = pytest.mark.system

DEPLOY = ROOT / "deploy"
PATIENCE = 30.0
"""Seconds from an outage to the webhook: detection 1, scrape 1, evaluation 1, grouping 1; the rest is for a busy machine."""

CONFIG = """
vantage: lab
judge: {{refresh: 1s}}
defaults: {{interval: 200ms, timeout: 150ms, down_after: 3}}
services:
  hq: {{targets: {{ping: {{probe: icmp, address: 10.66.1.1}}, page: {{probe: http, address: 10.66.1.2}}}}, up_when: all}}
  branch: {{targets: {{ping: {{probe: icmp, address: 10.66.1.3}}}}}}
contracts:
  hq-internet:
    service: hq
    provider: Acme "Fast\\" Telecom
    timezone: {zone}
    price: 1000 USD/month
    min_coverage: 0%
    exclusions: [{{class: maintenance}}]
    objectives: {{availability: {{target: 99.9999%, minimum: 99%}}}}
    credits: {{availability: {{below: {{99.9999%: 10%}}}}}}
"""


class Webhook:
    """What Alertmanager delivers, in the order of delivery: (receiver path, alert)."""

    def __init__(self, namespace: Namespace) -> None:
        self.alerts: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        alerts = self.alerts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for alert in body["alerts"]:
                    alerts.put((self.path, alert))
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Deliveries are asserted on, not printed."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.socket.close()
        self._server.socket = namespace.make_socket(socket.AF_INET, socket.SOCK_STREAM)
        self._server.server_bind()
        self._server.server_activate()
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def expect(self, name: str, status: str, within: float = PATIENCE) -> tuple[str, dict[str, Any]]:
        """The next delivery of this alert with this status; others before it are passed over."""
        deadline = instants.monotonic() + int(within * SECOND)
        while True:
            left = (deadline - instants.monotonic()) / SECOND
            assert left > 0, f"{name} {status} was not delivered within {within} s"
            try:
                path, alert = self.alerts.get(timeout=left)
            except queue.Empty:
                continue
            if alert["labels"]["alertname"] == name and alert["status"] == status:
                return path, alert

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Monitoring:
    """Daemon, Prometheus and Alertmanager in the lab's namespace, on the files of deploy/ with only addresses and times changed."""

    def __init__(self, lab: Lab, daemon: Daemon, directory: Path) -> None:
        self.lab = lab
        self.daemon = daemon
        self.webhook = Webhook(lab.namespace)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._directory = directory
        self.prometheus = lab.namespace.free_port()
        self.alertmanager = lab.namespace.free_port()
        try:
            self._start_alertmanager()
            self._start_prometheus()
        except BaseException:
            self.close()
            raise

    def _start_alertmanager(self) -> None:
        text = (
            (DEPLOY / "alertmanager" / "alertmanager.yml")
            .read_text()
            .replace("127.0.0.1:8080", f"127.0.0.1:{self.webhook.port}")
        )
        text = re.sub(r"group_wait: \w+", "group_wait: 1s", text)
        text = re.sub(r"group_interval: \w+", "group_interval: 1s", text)
        config = self._directory / "alertmanager.yml"
        config.write_text(text)
        self._start(
            "prometheus-alertmanager",
            f"--config.file={config}",
            f"--storage.path={self._directory / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.alertmanager}",
            "--cluster.listen-address=",
            port=self.alertmanager,
        )

    def _start_prometheus(self) -> None:
        scrape = yaml.safe_load((DEPLOY / "prometheus" / "slamon.scrape.yml").read_text())
        scrape["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        scrape["rule_files"] = [str(DEPLOY / "prometheus" / "slamon.rules.yml")]
        scrape["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{self.alertmanager}"]}]
        (job,) = scrape["scrape_configs"]
        job["static_configs"] = [{"targets": [f"127.0.0.1:{self.daemon.port}"]}]
        job["scrape_timeout"] = "1s"
        config = self._directory / "prometheus.yml"
        config.write_text(yaml.safe_dump(scrape))
        self._start(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={self._directory / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{self.prometheus}",
            port=self.prometheus,
        )

    def _start(self, *command: str, port: int) -> None:
        with (self._directory / f"{command[0]}.log").open("wb") as log:
            process = self.lab.namespace.start(command, stdout=log, stderr=log)
        self._processes.append(process)
        deadline = instants.monotonic() + 20 * SECOND
        while not self._ready(port):
            assert process.poll() is None, (self._directory / f"{command[0]}.log").read_text()
            assert instants.monotonic() < deadline, f"{command[0]} is not ready"
            instants.pause(0.1)

    def _ready(self, port: int) -> bool:
        try:
            return self.get(port, "/-/ready")[0] == 200
        except OSError:
            return False

    def get(self, port: int, path: str) -> tuple[int, str]:
        connection = HTTPConnection("127.0.0.1", port)
        connection.sock = self.lab.namespace.connect("127.0.0.1", port)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The vector of an instant query."""
        status, body = self.get(self.prometheus, f"/api/v1/query?query={quote(expression)}")
        assert status == 200, body
        result: list[dict[str, Any]] = json.loads(body)["data"]["result"]
        return result

    def held(self, service: str) -> set[str]:
        """Names of the alerts about a service that are firing and that Alertmanager keeps back."""
        state = json.loads(self.get(self.alertmanager, "/api/v2/alerts")[1])
        return {
            a["labels"]["alertname"]
            for a in state
            if a["status"]["inhibitedBy"] and a["labels"].get("service") == service
        }

    def close(self) -> None:
        for process in reversed(self._processes):
            stop(process)
        self.webhook.close()


@pytest.fixture(scope="module")
def monitoring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitoring]:
    directory = tmp_path_factory.mktemp("monitoring")
    with Lab(directory) as lab, Daemon(directory, CONFIG.format(zone=calm_zone()), namespace=lab.namespace) as daemon:
        monitoring = Monitoring(lab, daemon, directory)
        try:
            yield monitoring
        finally:
            monitoring.close()


def test_promtool_has_nothing_to_say_about_the_metrics(monitoring: Monitoring) -> None:
    metrics = monitoring.daemon.until(
        lambda m: m.value("slamon_probe_results_total", target="branch/ping", result="success") > 5, 20, "probing"
    )
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=metrics.text, text=True, capture_output=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_prometheus_stores_what_was_scraped(monitoring: Monitoring) -> None:
    deadline = instants.monotonic() + 20 * SECOND
    while not (found := monitoring.query('slamon_probe_attempts_total{target="hq/ping"}')):
        assert instants.monotonic() < deadline
        instants.pause(0.2)
    assert found[0]["metric"]["job"] == "slamon"
    assert float(found[0]["value"][1]) > 0
    (up,) = monitoring.query('up{job="slamon"}')
    assert up["value"][1] == "1"
    (info,) = monitoring.query("slamon_contract_info")
    assert info["metric"]["provider"] == 'Acme "Fast\\" Telecom', "quotes and backslashes survive the exposition format"


def test_the_alert_reaches_the_webhook_and_is_resolved(monitoring: Monitoring) -> None:
    lab, webhook = monitoring.lab, monitoring.webhook
    lab.outage("10.66.1.3", after=0, lasting=8, silent=True)
    path, alert = webhook.expect("SlamonServiceDown", "firing")
    assert path == "/on-call"
    assert alert["labels"]["service"] == "branch"
    assert alert["annotations"]["summary"] == "branch is down"
    webhook.expect("SlamonServiceDown", "resolved")


def test_owed_credit_is_told_to_whoever_keeps_the_contract(monitoring: Monitoring) -> None:
    monitoring.lab.outage("10.66.1.1", after=0, lasting=4, silent=True)
    path, alert = monitoring.webhook.expect("SlamonCreditOwed", "firing")
    assert path == "/contracts"
    assert alert["annotations"]["summary"] == "hq-internet: 100.00 USD owed"
    assert (alert["labels"]["currency"], alert["labels"]["period"]) == ("USD", "current")


def test_a_declared_exclusion_keeps_the_pager_silent(monitoring: Monitoring) -> None:
    daemon = monitoring.daemon
    now = monitoring.lab.truth().wall(instants.monotonic())
    span = ("--from", written(now - 5 * SECOND), "--to", written(now + 120 * SECOND))
    daemon.command("exclude add", "--contract", "hq-internet", "--class", "maintenance", *span)
    daemon.until(
        lambda m: m.value("slamon_exclusion_active", contract="hq-internet", **{"class": "maintenance"}) == 1,
        10,
        "excluded",
    )
    deadline = instants.monotonic() + int(PATIENCE) * SECOND
    while not monitoring.query('ALERTS{alertname="SlamonExclusionActive", alertstate="firing"}'):
        assert instants.monotonic() < deadline
        instants.pause(0.2)
    monitoring.lab.outage("10.66.1.2", after=1, lasting=60, http_status=500)  # longer than is waited for
    deadline = instants.monotonic() + int(PATIENCE) * SECOND
    while monitoring.held("hq") != {"SlamonServiceDown", "SlamonTargetDown"}:
        assert instants.monotonic() < deadline, monitoring.held("hq")
        instants.pause(0.2)
    instants.pause(3)  # three times what it took to deliver without the exclusion
    told = [alert["labels"] for _, alert in list(monitoring.webhook.alerts.queue)]
    down = [labels for labels in told if labels["alertname"] in {"SlamonServiceDown", "SlamonTargetDown"}]
    assert not [labels for labels in down if labels["service"] == "hq" and labels.get("target") == "hq/page"]
    assert monitoring.held("hq") == {"SlamonServiceDown", "SlamonTargetDown"}
