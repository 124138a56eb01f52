"""Credit end to end: from lost packets to money, the same in the metric, the JSON and the text, and gone while it is excluded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from slamon import units
from slamon.config import load
from slamon.judge import service_facts
from slamon.sla.facts import Facts
from slamon.sla.statement import Status, evaluate
from slamon.store import Store
from tests.e2e.rig import SECOND, Metrics, nanoseconds, written
from tests.e2e.story import OUTAGES, Story, probes

pytestmark = pytest.mark.system

NAME = "icmp4"
PRICE = 1000
TIERS = ((Fraction(999999, 1000000), Fraction(10, 100)), (Fraction(999995, 1000000), Fraction(25, 100)))
PROMPT = 10.0
"""Seconds from a declaration to its effect on the metrics."""


def credit(availability: Fraction) -> Fraction:
    """What the contract of the story owes, worked out apart from slamon."""
    return max((PRICE * share for threshold, share in TIERS if availability < threshold), default=Fraction(0))


def test_availability_and_credit_bracket_the_truth(story: Story) -> None:
    statement = story.statements[NAME]
    address, works, interval, _ = OUTAGES[NAME]
    sent = probes(story.truth, address)
    down = [probe.sent for probe in sent if not probe.saw(works)]
    length = down[-1] - down[0] + interval  # from the first lost probe to the first answered one
    total = statement.period.end - story.truth.wall(sent[0].sent)  # nothing is known before the first probe
    assert abs(statement.total - total) <= interval
    low = 1 - Fraction(length + interval, total - interval)
    high = 1 - Fraction(length - interval, total + interval)
    assert statement.availability is not None
    assert low <= statement.availability <= high
    assert credit(high) <= Fraction(statement.credit or 0) <= credit(low)
    assert credit(low) == 250, "a month has at most 31 days: 20 s are always below 99.9995 %"
    assert statement.status is Status.BELOW_MINIMUM


def test_metric_json_and_text_agree(story: Story) -> None:
    statement = story.statements[NAME]
    labels = {"contract": NAME, "period": "current"}
    assert statement.availability is not None
    assert story.after.value("slamon_sla_credit_owed", **labels, currency="USD") == statement.credit == 250
    metric = story.after.value("slamon_sla_availability_ratio", **labels)
    assert abs(Fraction(metric) - statement.availability) < Fraction(1, 10**12)
    assert story.after.value("slamon_sla_status", **labels, status="below_minimum") == 1
    assert story.after.value("slamon_sla_objective_value", **labels, objective="availability") == metric
    text = story.daemon.command("report", "--contract", NAME)
    assert units.format_money(Fraction(250), "USD") in text
    assert units.format_percent(statement.availability) in text
    assert "Acme Telecom" in text
    began = datetime.fromtimestamp(statement.outages[0].start // SECOND, ZoneInfo(statement.timezone))
    assert f"{began:%Y-%m-%d %H:%M:%S}" in text


def test_an_exclusion_takes_the_credit_away_and_its_revocation_brings_it_back(story: Story) -> None:
    daemon = story.daemon
    if daemon.process is None:
        daemon.start()  # another test of the story has stopped it
    (outage,) = story.statements[NAME].outages
    assert outage.end is not None
    begin, end = written(outage.start), written(outage.end + SECOND)

    def owes(amount: int) -> Callable[[Metrics], bool]:
        return lambda metrics: (
            metrics.value("slamon_sla_credit_owed", contract=NAME, period="current", currency="USD") == amount
        )

    declared = daemon.command(
        "exclude add", "--contract", NAME, "--class", "maintenance", "--from", begin, "--to", end, "--note", "as agreed"
    )
    metrics = daemon.until(owes(0), PROMPT, "free of credit")
    spans = metrics.by("category", "slamon_sla_time_seconds", contract=NAME, period="current")
    assert spans["provider_down"] == 0
    assert spans["maintenance"] > 19
    assert metrics.value("slamon_exclusion_active", contract=NAME, **{"class": "maintenance"}) == 0
    listed = daemon.command("exclude list", "--contract", NAME)
    assert "as agreed" in listed
    identity = next(word for word in declared.replace(".", " ").replace(":", " ").split() if word in listed.split())
    daemon.command("exclude revoke", identity)
    daemon.until(owes(250), PROMPT, "owing again")


def test_the_report_is_evaluate_over_the_stored_facts(story: Story) -> None:
    """With the daemon stopped both see the same facts; the metrics of the last scrape had said the same."""
    daemon = story.daemon
    last = daemon.metrics() if daemon.process else story.after
    story.stop()
    reported = daemon.reports()
    config = load(daemon.config)
    for name, contract in config.contracts.items():
        statement = reported[name]
        targets = [config.targets[target] for target in config.targets if target.partition("/")[0] == name]
        with Store.open(daemon.state / "slamon.db", write=False) as store:
            stored = store.load([target.name for target in targets], statement.period.start, statement.period.end)
            exclusions = store.exclusions(name)
        facts = Facts(
            services=service_facts(config),
            series={target.name: stored.series[target.name].facts(target) for target in targets},
            gaps=stored.gaps,
            exclusions=exclusions,
        )
        assert evaluate(contract, facts, statement.period, statement.as_of) == statement
        assert last.value("slamon_sla_credit_owed", contract=name, period="current", currency="USD") == statement.credit
        downtime = last.value("slamon_sla_time_seconds", contract=name, period="current", category="provider_down")
        assert nanoseconds(downtime) == statement.downtime
