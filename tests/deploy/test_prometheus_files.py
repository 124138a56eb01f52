"""deploy/prometheus: the rules are tested by promtool itself, test both ways, and speak only of metrics that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "slamon.rules.yml"
TESTS = FOLDER / "slamon.rules.test.yml"


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["promtool", *map(str, words)], capture_output=True, text=True, check=False, timeout=60, cwd=FOLDER
    )


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


@pytest.mark.system
def test_promtool_accepts_rules_and_scrape_config() -> None:
    for command in (("check", "rules", "--lint=all", RULES), ("check", "config", FOLDER / "slamon.scrape.yml")):
        done = promtool(*command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.system
def test_promtool_runs_the_rule_tests() -> None:
    done = promtool("test", "rules", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.system
@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ('slamon_target_state{state="down"} == 1', 'slamon_target_state{state=~"down|local_fault"} == 1'),
        ("< 0.25 >= 0", "< 0.25"),
        ("slamon_sla_credit_owed > 0", "slamon_sla_credit_owed >= 0"),
        ('state=~"unknown|local_fault"', 'state=~"local_fault"'),
        ("slamon_contract_service\n", "slamon_contract_info\n"),
        ("group_left (class) (slamon_exclusion_active == 1)", "group_left () (slamon_exclusion_active == 1)"),
        ('slamon_sla_status{status="unknown"} == 0', 'slamon_sla_status{status="unknown"} >= 0'),
        ("> 900 + slamon_target_normal_lag_seconds", "> 900"),
        ("slamon_evaluation_due_timestamp_seconds > 600", "slamon_evaluation_due_timestamp_seconds > 3600"),
    ],
)
def test_the_rule_tests_notice_a_broken_rule(tmp_path: Path, rule: str, broken: str) -> None:
    text = RULES.read_text()
    assert text.count(rule) == 1
    (tmp_path / RULES.name).write_text(text.replace(rule, broken))
    (tmp_path / TESTS.name).write_text(TESTS.read_text())
    done = promtool("test", "rules", tmp_path / TESTS.name)
    assert done.returncode == 1, "the broken rule passed"
    assert "FAILED" in done.stdout + done.stderr


@pytest.mark.system
def test_labels_that_a_scrape_config_adds_break_no_rule(tmp_path: Path) -> None:
    """As `static_configs: [labels: {site: x}]` does: they are on every series of slamon, and on every alert."""
    (tmp_path / RULES.name).write_text(RULES.read_text())
    labelled = TESTS.read_text()
    for own, more in (('{job="slamon", ', '{site="x", job="slamon", '), (" job: slamon, ", " site: x, job: slamon, ")):
        assert labelled.count(own) > 20
        labelled = labelled.replace(own, more)
    (tmp_path / TESTS.name).write_text(labelled)
    done = promtool("test", "rules", tmp_path / TESTS.name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_silent_and_firing() -> None:
    expectations: dict[str, set[bool]] = {rule["alert"]: set() for rule in rules() if "alert" in rule}
    for test in yaml.safe_load(TESTS.read_text())["tests"]:
        for check in test["alert_rule_test"]:
            expectations[check["alertname"]].add(bool(check["exp_alerts"]))
    incomplete = {alert: seen for alert, seen in expectations.items() if seen != {True, False}}
    assert incomplete == {}


def test_every_alert_tells_a_person_what_and_how_urgent() -> None:
    for rule in rules():
        if "alert" in rule:
            assert rule["alert"].startswith("Slamon")
            assert rule["labels"]["severity"] in {"page", "ticket", "none"}, rule["alert"]
            assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_the_readme_lists_the_alerts_with_their_severities() -> None:
    text = (ROOT / "deploy" / "README.md").read_text()
    listed = dict(re.findall(r"^\| `(Slamon\w+)` \| (\w+) \|", text, re.MULTILINE))
    assert listed == {rule["alert"]: rule["labels"]["severity"] for rule in rules() if "alert" in rule}


def documented_families() -> set[str]:
    """Names in docs/metrics.md, with `{a,b}` written out and the samples of histograms."""
    text = (ROOT / "docs" / "metrics.md").read_text()
    names = set()
    for prefix, choices, suffix in re.findall(r"\b(slamon_[a-z_]*)(?:\{([a-z_,]+)\}(_[a-z_]+))?", text):
        names |= {f"{prefix}{choice}{suffix}" for choice in choices.split(",")} if suffix else {prefix}
    return names | {f"{name}{part}" for name in names for part in ("_bucket", "_sum", "_count")}


def test_rules_speak_only_of_documented_metrics() -> None:
    known = documented_families()
    used = {name for rule in rules() for name in re.findall(r"\bslamon_[a-z_]+", rule["expr"])}
    assert len(used) > 15
    assert used <= known, f"not in docs/metrics.md: {sorted(used - known)}"
    invented = set(re.findall(r"\bslamon_[a-z_]+", TESTS.read_text())) - known
    assert not invented, f"the rule tests invent series: {sorted(invented)}"


@pytest.mark.parametrize("word", ["page", "ticket", "none"])
def test_alertmanager_knows_every_severity(word: str) -> None:
    routes = yaml.safe_load((ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text())["route"]
    named = {matcher for route in routes["routes"] for matcher in route["matchers"]}
    assert f"severity = {word}" in named or word == "ticket", (
        "tickets go to the default receiver, the others are routed"
    )
