"""Exclusions end to end: declared, agreed to and disputed beside a running daemon, from the command line to the published credit."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.rig import SECOND, Daemon, Metrics, calm_zone, written
from tests.netlab import instants

PROMPT = 10.0
"""Seconds from an act to its effect on the metrics; the daemon judges every second."""

CONFIG = """
vantage: here
judge: {{refresh: 1s}}
services:
  line: {{interval: 1s, timeout: 500ms, targets: {{port: {{probe: tcp, address: 127.0.0.1, port: 9}}}}}}
contracts:
  hq:
    service: line
    provider: Acme Telecom
    timezone: {zone}
    price: 1000 USD/month
    min_coverage: 0%
    exclusions: [{{class: customer}}, {{class: maintenance, notice: 72h}}]
    objectives: {{availability: {{target: 99.9999%}}}}
    credits: {{availability: {{below: {{99.99999%: 10%}}}}}}
    caps: {{period: 100%}}
"""

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Acme//NOC//EN
BEGIN:VEVENT
UID:works@acme
DTSTART:{start}
DTEND:{end}
SUMMARY:{summary}
END:VEVENT
END:VCALENDAR
"""


def stamp(ns: int) -> str:
    return f"{datetime.fromtimestamp(ns // SECOND, UTC):%Y%m%dT%H%M%SZ}"


def owes(amount: int, *, active: int | None = None, cause: str = "customer") -> Callable[[Metrics], bool]:
    def holds(metrics: Metrics) -> bool:
        owed = metrics.get("slamon_sla_credit_owed", contract="hq", period="current", currency="USD")
        shown = metrics.get("slamon_exclusion_active", contract="hq", **{"class": cause})
        return owed == amount and active in {None, shown}

    return holds


def test_what_the_parties_say_changes_the_published_credit(tmp_path: Path) -> None:
    with Daemon(tmp_path, CONFIG.format(zone=calm_zone())) as daemon:
        daemon.until(owes(100, active=0), 30, "owing a credit for the refused connections")
        begin, end = instants.wall() - 3600 * SECOND, instants.wall() + 3600 * SECOND
        span = ("--contract", "hq", "--from", written(begin), "--to", written(end))

        # announced too late: recorded, told why, and it changes nothing
        late = daemon.command("exclude add", *span, "--class", "maintenance")
        assert "refused by the contract's rules: notice 1h" in late
        assert "after it began, the contract asks for 3d" in late
        daemon.eventually(lambda: "exclusion 1 declared by" in daemon.tail(), PROMPT, "taken up")
        daemon.until(owes(100, active=0, cause="maintenance"), PROMPT, "silencing nothing, and still owing")
        daemon.command("exclude revoke", "1")

        said = daemon.command(
            "exclude add", *span, "--class", "customer", "--as", "proposed", "--by", "Ann", "--role", "provider"
        )
        assert "does not count while it is proposed; by the contract's rules it would be accepted" in said
        identity = said.partition(":")[0].split()[1]
        daemon.eventually(
            lambda: f"exclusion {identity} declared as proposed by Ann" in daemon.tail(), PROMPT, "taken up"
        )
        daemon.until(owes(100, active=0), PROMPT, "still owing")
        daemon.command("exclude accept", identity, "--by", "Bob", "--role", "customer")
        free = daemon.until(owes(0, active=1), PROMPT, "free of credit")
        spans = free.by("category", "slamon_sla_time_seconds", contract="hq", period="current")
        assert spans["provider_down"] == 0
        assert spans["customer"] > 0
        daemon.command("exclude dispute", identity, "--by", "Bob", "--role", "customer", "--note", "our line was fine")
        daemon.until(owes(100, active=0), PROMPT, "owing again")
        (line,) = daemon.reports()["hq"].exclusions
        assert (line.accepted, line.reason) == (False, "it is disputed, not accepted")

        # the same span from a calendar; a change of it settles no dispute
        calendar = tmp_path / "acme.ics"
        calendar.write_text(EVENT.format(start=stamp(begin), end=stamp(end), summary="works"))
        command = ("exclude import", str(calendar), "--contract", "hq", "--class", "customer")
        assert "would be declared" in daemon.command(*command, "--dry-run")
        assert daemon.metrics().value("slamon_sla_credit_owed", contract="hq", period="current", currency="USD") == 100
        daemon.command(*command)
        daemon.until(owes(0, active=1), PROMPT, "free of credit by the calendar")
        newest = json.loads(daemon.command("exclude list", "--format", "json"))[-1]["id"]
        daemon.command("exclude reject", newest, "--by", "Bob", "--role", "customer")
        daemon.until(owes(100, active=0), PROMPT, "owing after the rejection")
        calendar.write_text(EVENT.format(start=stamp(begin), end=stamp(end + 60 * SECOND), summary="works"))
        assert "1 changed" in daemon.command(*command, "--update")
        daemon.eventually(lambda: "declared as rejected by" in daemon.tail(), PROMPT, "declared anew")
        daemon.until(owes(100, active=0), PROMPT, "owing after the change")

        before = daemon.command("exclude list", "--history")
        assert daemon.stop() == 0
        daemon.start()  # the chain is checked at the start
        metrics = daemon.until(owes(100, active=0), 30, "owing after a restart")
        assert metrics.value("slamon_store_verify_errors_total") == 0
        assert daemon.command("exclude list", "--history") == before
        assert "disputed by Bob (customer)" in " ".join(before.split())
        assert ": our line was fine" in " ".join(before.split())
