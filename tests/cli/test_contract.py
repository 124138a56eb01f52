"""`slamon contract` and `slamon whatif`: what is shown loads again and means the same; other terms judge the same facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slamon.cli import cli
from slamon.config import clauses, load, nodes, shown
from slamon.config.contract import read_contract
from slamon.config.edge import Section, models_of
from slamon.config.reader import Reader
from slamon.errors import BAD_CONFIG, OK, USAGE, Problem

CASES = sorted((Path(__file__).parents[1] / "sla/cases").rglob("*.yaml"))
OTHER = """
contracts:
  strict:
    service: whatever
    provider: Other
    timezone: UTC
    price: 2000 EUR/month
    min_coverage: 0%
    objectives: {availability: {target: 99.99%}}
    credits: {downtime: {over: {5m: 20%, 1h: 100%}}}
    caps: {}
  lax:
    service: whatever
    provider: Other
    timezone: UTC
    objectives: {availability: {target: 90%}}
"""


def call(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(arg) for arg in args])


@pytest.mark.parametrize("file", CASES, ids=lambda path: path.stem)
def test_what_is_shown_loads_again_and_means_the_same(file: Path) -> None:
    problems: list[Problem] = []
    root = Reader.over(nodes.parse(file.read_text(encoding="utf-8"), file.name, problems), "", problems)
    assert root is not None
    contracts = root.mapping("contracts")
    for name in contracts.keys() if contracts else ():
        assert contracts is not None
        node = contracts.take(name)
        assert node is not None
        terms = read_contract(name, node, problems, services=None)
        assert terms is not None, problems
        measures = {objective.name: objective.measure.value for objective in terms.objectives}
        text = shown.shown(name, node, terms.origins, measures)
        again = Reader.over(nodes.parse(text, "shown.yml", problems), "", problems)
        assert again is not None
        inner = again.mapping("contracts")
        assert inner is not None
        second = inner.take(name)
        assert second is not None
        back = read_contract(name, second, problems, services=None)
        assert back is not None, problems
        assert not problems
        ours, theirs = _without_places(terms), _without_places(back)
        assert ours == theirs


def _without_places(value: object) -> str:
    """The terms as text, without where they stand, how often defaults were written, and the hash of the text."""
    import re

    text = re.sub(r"place='[^']*'", "", repr(value))
    text = re.sub(r"text_sha256='[^']*'", "", text)
    text = re.sub(r"origins=\{[^{}]*\}", "", text)
    # The default of `display` and of the hours, written out, are values like any other.
    text = text.replace(
        "display=Rounding(step=Fraction(1, 100000000), mode=<RoundingMode.HALF_UP: 'half_up'>)", "display=None"
    )
    hours = r"\(Weekly\(weekdays=frozenset\(\{0, 1, 2, 3, 4, 5, 6\}\), start=0, end=86400, [^)]*\),\)"
    return re.sub(hours, "()", text)


def test_every_key_has_something_to_show() -> None:
    """A key that is not written is shown with its default, or with what its absence means, or belongs to another form."""
    one_of_several = {"below", "at_most", "over", "at_least", "per", "give", "statistic", "definition"}
    pending: list[type[Section]] = [clauses.Contract]
    seen: set[type[Section]] = set()
    while pending:
        model = pending.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, field in model.model_fields.items():
            key = field.alias or name
            inner = [found for found in models_of(field) if issubclass(found, Section)]
            pending += inner
            known = (model.__name__, key) in {*shown.DEFAULTS, *shown.ABSENT}
            if model in (clauses.Contract, clauses.Outage):
                required = key in clauses.Contract.REQUIRED or key == "outage"
                assert known or required, key
            elif model in (clauses.Objective, clauses.Exclusion, clauses.Condition, clauses.Termination):
                assert known or key in one_of_several or field.is_required(), (model.__name__, key)


def test_show_and_document(config: Path, tmp_path: Path) -> None:
    done = call("contract", "show", "hq", "--config", config)
    assert done.exit_code == OK
    assert "target: 99.9%" in done.output
    assert done.output.splitlines()[2].endswith("# default")
    done = call("contract", "document", "hq", "--config", config)
    loaded = load(config)
    for title in ("## 1. Parties", "## 6. Service levels", "## 15. Contacts"):
        assert title in done.output
    assert loaded.contracts["hq"].text_sha256 in done.output
    assert "| availability | availability | ≥ 99.9% | – |" in done.output
    assert "the provider's part begins" not in done.output
    config.write_text(f"defaults: {{demarcation: [203.0.113.0/24, 2001:db8::1]}}\n{config.read_text()}")
    done = call("contract", "document", "hq", "--config", config)
    assert "- the provider's part begins with the first hop in 203.0.113.0/24 or 2001:db8::1/128" in done.output
    rule = "outage: {slot: 1m, bad_slot: loss over 50%, after: 10 slots, until: 5 slots}"
    config.write_text(config.read_text().replace("defaults: {", f"defaults: {{{rule}, ", 1))
    done = call("contract", "document", "hq", "--config", config)
    assert (
        "judged in slots of 1m from 1970-01-01 00:00 UTC on, of which one is bad with more than 50% of its packets lost; "
        "down from the first of 10 bad slots in a row to the first of 5 good ones"
    ) in done.output
    assert "An outage begins and ends by each probe's own rule." in done.output
    page = tmp_path / "sla.html"
    assert call("contract", "document", "hq", "--config", config, "--format", "html", "-o", page).exit_code == OK
    assert "<td>≥ 99.9%</td>" in page.read_text(encoding="utf-8")


def test_what_another_contract_would_have_paid(config: Path, facts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    other.write_text(OTHER)
    where = ("--config", config, "--state", facts, "--against", "hq", "--period", "2026-07")
    done = call("whatif", other, "--contract", "strict", *where)
    assert done.exit_code == OK, done.output
    assert "hq: 100.00 EUR payable in 1 period." in done.output
    assert "hq by strict: 400.00 EUR payable in 1 period." in done.output
    found = json.loads(call("whatif", other, "--contract", "strict", *where, "--format", "json").output)
    assert [statement["credit"]["display"] for statement in found["statements"]] == ["100.00 EUR", "400.00 EUR"]
    assert "hq by lax gives no money." in call("whatif", other, "--contract", "lax", *where).output
    assert "10m" in call("whatif", other, "--contract", "strict", *where, "--full").output


def test_defaults_are_those_of_the_objective_whatever_its_name(config: Path) -> None:
    objectives = (
        "{p99.9: {measure: latency, statistic: p99.9, target: 20ms}, a.b: {measure: availability, target: 99%}}"
    )
    config.write_text(config.read_text().replace("{availability: {target: 99.9%}}", objectives))
    done = call("contract", "show", "hq", "--config", config)
    assert done.exit_code == OK, done.output
    _, _, dotted = done.output.partition("\n      p99.9:")
    first, _, second = dotted.partition("\n      a.b:")
    for key in ("packets: received", "during: available", "# over: the worst target"):
        assert f"\n        {key} " in first
        assert key not in second
    assert "\n        total: in_scope " in second
    assert "total: " not in first


SHIPPED = Path(__file__).parents[2] / "config/contracts/uk-ofcom-compensation.yml"


def compared(file: Path, config: Path, facts: Path, *args: str) -> list[dict[str, Any]]:
    done = call("whatif", file, "--config", config, "--state", facts, "--against", "hq", "--format", "json", *args)
    assert done.exit_code == OK, (done.output, done.exception)
    found: list[dict[str, Any]] = json.loads(done.output)["statements"]
    return found


@pytest.mark.parametrize("named", ["hq", "line"])
def test_every_version_of_another_contract_is_about_the_own_service(
    config: Path, facts: Path, tmp_path: Path, named: str
) -> None:
    """Also where the configuration has a service of the name that the other contract and its amendment give theirs."""
    other = tmp_path / "other.yml"
    strict = OTHER.partition("  lax:")[0].replace("service: whatever", "service: line").replace("UTC", "Europe/Berlin")
    other.write_text(f"{strict}    amendments: [{{effective: 2026-07-01, price: 4000 EUR/month}}]\n")
    if named == "line":
        up = "services:\n  line: {targets: {ping: {probe: icmp, address: 127.0.0.2}}}\n"
        config.write_text(config.read_text().replace("services:\n", up))
    ours, theirs = compared(other, config, facts, "--period", "2026-07")
    assert (ours["service"], theirs["service"]) == ("hq", "hq")
    assert theirs["outages"]
    assert theirs["credit"]["display"] == "800.00 EUR"
    shipped = compared(SHIPPED, config, facts, "--period", "2026-03 to 2026-07")
    assert {statement["service"] for statement in shipped} == {"hq"}
    assert len(shipped) == 10


def test_another_contract_is_judged_over_the_service_of_the_time(config: Path, facts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    other.write_text(OTHER)
    up = "services:\n  before: {targets: {ping: {probe: icmp, address: 127.0.0.2}}}\n"
    amended = config.read_text().replace("services:\n", up).replace("    service: hq\n", "    service: before\n")
    config.write_text(f"{amended}    amendments: [{{effective: 2026-07-01, service: hq}}]\n")
    found = compared(other, config, facts, "--contract", "strict", "--period", "2026-06 to 2026-07")
    assert [statement["service"] for statement in found] == ["before", "before", "hq", "hq"]


def test_what_whatif_refuses(config: Path, facts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    where = ("--config", config, "--state", facts, "--against", "hq")

    def said(text: str, *args: str) -> tuple[int, str]:
        other.write_text(text)
        done = CliRunner().invoke(cli, [str(arg) for arg in ("whatif", other, *args, *where)], standalone_mode=False)
        error = done.exception
        return getattr(error, "exit_code", 0), str(error)

    assert said(OTHER) == (USAGE, f"{other} has 2 contracts; choose one with --contract: strict, lax")
    assert said(OTHER, "--contract", "none")[0] == USAGE
    assert said("services: {}")[0] == USAGE
    assert said(OTHER.replace("UTC", "UTZ"), "--contract", "lax")[0] == BAD_CONFIG
    assert "other.yml:" in said(OTHER.replace("UTC", "UTZ"), "--contract", "lax")[1]
    assert said("contracts: [")[0] == BAD_CONFIG
    elsewhere = OTHER.replace("target: 90%", "target: 90%, service: {any: [hq, spare]}")
    assert said(elsewhere, "--contract", "lax") == (
        USAGE,
        (
            "other.yml:16: contracts.lax.objectives.availability.service: there is no such service in the configuration "
            "(got 'spare'); the services are: hq"
        ),
    )
