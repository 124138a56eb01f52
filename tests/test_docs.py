"""docs/json.md and docs/tests.md name every key the program writes or reads, and no other; the example runs."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from click.testing import CliRunner

from slamon.cases import run
from slamon.cases.figures import NAMED, PLAIN
from slamon.cli import cli
from slamon.report import status
from slamon.sla.facts import State
from slamon.sla.lines import CreditLine, ExclusionLine, ObjectiveLine, OutageLine, Period
from slamon.sla.statement import SCHEMA_VERSION, Statement
from slamon.sla.terms import Clause
from slamon.store import Store

DOCS = Path(__file__).parents[1] / "docs"


def chapter(page: str, heading: str) -> list[str]:
    """The keys of the chapter's table, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match, f"{page} has no chapter {heading}"
    found = re.findall(r"^\| `(\w+)` \|", match[1], re.MULTILINE)
    assert len(set(found)) == len(found)
    return found


STATEMENT: dict[type, str] = {
    Statement: "Statement",
    Period: "Period",
    ObjectiveLine: "Objective",
    OutageLine: "Outage",
    ExclusionLine: "Exclusion applied",
    CreditLine: "Credit",
    Clause: "Clause",
}


def held(kind: type) -> set[type]:
    """The dataclasses a statement is made of, however deep."""
    found, pending = set[type](), [kind]
    while pending:
        one = pending.pop()
        if hasattr(one, "__dataclass_fields__") and one not in found:
            found.add(one)
            pending += get_type_hints(one).values()
        pending += [part for part in get_args(one) if isinstance(part, type) or get_args(part)]
    return found


def test_every_part_of_a_statement_has_its_chapter() -> None:
    assert held(Statement) == set(STATEMENT)


@pytest.mark.parametrize("kind", STATEMENT, ids=lambda kind: kind.__name__)
def test_every_key_of_a_statement_is_documented(kind: Any) -> None:
    version = {"schema"} if kind is Statement else set()
    assert set(chapter("json.md", STATEMENT[kind])) == {entry.name for entry in fields(kind)} | version


def test_every_key_of_a_status_is_documented() -> None:
    target = status.TargetStatus(
        name="a/b", probe="icmp", address=None, state=State.UP, since=None, measured=status.measured((), 0)
    )
    service = status.ServiceStatus(
        name="a", state=State.UP, since=None, outages=0, outage_start=None, targets=(target,)
    )
    found: Any = status.document(
        status.Status(vantage="here", as_of=0, settled=None, running=True, services=(service,))
    )
    assert chapter("json.md", "Status") == list(found)
    assert chapter("json.md", "Service") == list(found["services"][0])
    assert chapter("json.md", "Target") == list(found["services"][0]["targets"][0])


def test_every_key_of_a_report_and_of_an_exclusion_is_documented(tmp_path: Path) -> None:
    config = tmp_path / "slamon.yml"
    config.write_text(
        "services: {a: {targets: {b: {probe: icmp, address: 127.0.0.1}}}}\n"
        "contracts: {c: {service: a, provider: p, timezone: UTC, objectives: {availability: {target: 99%}}}}\n"
    )
    store = Store.open(tmp_path / "slamon.db", write=True)
    store.declare(contract="c", cause="x", start=1, end=2, at=3, by="me@here")
    store.close()

    def printed(*command: str) -> Any:
        where = ("--config", str(config), "--state", str(tmp_path), "--format", "json")
        done = CliRunner().invoke(cli, [*command, *where], catch_exceptions=False)
        return json.loads(done.stdout)

    assert chapter("json.md", "Report") == list(printed("report"))
    assert chapter("json.md", "Statement")[0] == next(iter(printed("report")["statements"][0])) == "schema"
    assert chapter("json.md", "Exclusion declared") == list(printed("exclude", "list")[0])
    text = (DOCS / "json.md").read_text(encoding="utf-8")
    assert f"version of the statement, {SCHEMA_VERSION} |" in text


def test_the_example_of_a_contract_test_passes(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", (DOCS / "tests.md").read_text(), re.DOTALL | re.MULTILINE)
    file = tmp_path / "example.yml"
    file.write_text(example)
    report = run([file])
    assert report.exit_code == 0, report.text()
    assert sum(outcome.figures for outcome in report.outcomes) > 10


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("File", "{contracts: {}, tests: [], zzz: 1}"),
        ("Test", "{contracts: {}, tests: [{expect: {}, zzz: 1}]}"),
        ("Facts", "{contracts: CONTRACTS, tests: [{expect: {}, facts: {zzz: 1}}]}"),
        ("Exclusion", "{contracts: CONTRACTS, tests: [{expect: {}, facts: {exclusions: [{zzz: 1}]}}]}"),
    ],
)
def test_every_key_of_a_test_file_is_documented(tmp_path: Path, heading: str, text: str) -> None:
    """An unknown key is answered with the keys there are."""
    terms = "{c: {service: a, provider: p, timezone: UTC, objectives: {availability: {target: 99%}}}}"
    file = tmp_path / "test.yml"
    file.write_text(text.replace("CONTRACTS", terms))
    (problem,) = [problem for problem in run([file]).problems if problem.reason == "unknown key"]
    known = set(str(problem.fix).removeprefix("write one of ").split(", "))
    assert set(chapter("tests.md", heading)) == known


def test_every_figure_is_documented() -> None:
    assert set(chapter("tests.md", "Figures")) == {*PLAIN, *NAMED, "outage_spans"}
