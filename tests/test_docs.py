"""docs/json.md names every key of the JSON the program writes, and no other."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import click
import pytest
from click.testing import CliRunner

from slamon.cli import cli
from slamon.cli.exclude import exclude
from slamon.path import Evidence, Moment, Trace, Traced
from slamon.report import paths, status
from slamon.sla.facts import Agreement, State
from slamon.sla.lines import (
    CapLine,
    ClaimLine,
    CreditLine,
    CreditPart,
    Due,
    ExclusionLine,
    ObjectiveLine,
    OutageLine,
    Period,
    RightLine,
)
from slamon.sla.statement import SCHEMA_VERSION, Statement
from slamon.sla.terms.clause import Clause
from slamon.store import Store

PAGE = Path(__file__).parents[1] / "docs" / "json.md"


def chapter(heading: str) -> list[str]:
    """The keys of the chapter's table, in order."""
    text = PAGE.read_text(encoding="utf-8")
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match, f"there is no chapter {heading}"
    found = re.findall(r"^\| `(\w+)` \|", match[1], re.MULTILINE)
    assert len(set(found)) == len(found)
    return found


STATEMENT: dict[type, str] = {
    Statement: "Statement",
    Period: "Period",
    ObjectiveLine: "Objective",
    OutageLine: "Outage",
    ExclusionLine: "Exclusion of a statement",
    CreditLine: "Credit",
    CreditPart: "Part of a credit",
    CapLine: "Cap",
    ClaimLine: "Claim",
    RightLine: "Right",
    Due: "Deadline",
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
    assert set(chapter(STATEMENT[kind])) == {entry.name for entry in fields(kind)} | version


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
    assert chapter("Status") == list(found)
    assert chapter("Service") == list(found["services"][0])
    assert chapter("Target") == list(found["services"][0]["targets"][0])


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

    assert chapter("Report") == list(printed("report"))
    trace = Trace(address="127.0.0.1", family=4, started=1, duration=1, hops=(), reached=False, ended="")
    traced = Traced(target="a/b", moment=Moment.BEGAN, since=1, until=None, trace=trace)
    assert chapter("Path") == list(paths.document(Evidence("c", 1, traced, None)))
    assert chapter("Statement")[0] == next(iter(printed("report")["statements"][0])) == "schema"
    assert chapter("Exclusion declared") == list(printed("exclude", "list")[0])
    text = PAGE.read_text(encoding="utf-8")
    assert f"version of the statement, {SCHEMA_VERSION} |" in text


GUIDE = PAGE.with_name("exclusions.md")


def test_every_option_of_exclude_is_documented() -> None:
    documented = re.findall(r"^\| ((?:`\w+` ?)+)\| `(--\w[\w-]*)` \|", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = [(name, option) for names, option in documented for name in re.findall(r"\w+", names)]
    assert len(set(listed)) == len(listed)
    there = {
        (name, option)
        for name, command in exclude.commands.items()
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for option in parameter.opts
        if option.startswith("--")
    }
    assert set(listed) == there - {(name, option) for name in exclude.commands for option in ("--config", "--state")}


def test_required_options_and_states_of_exclude_are_documented_as_such() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    for name, command in exclude.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.opts[0] not in {"--config", "--state"}:
                (row,) = re.findall(rf"^\|[^|]*`{name}`[^|]*\| `{parameter.opts[0]}` \| (.*) \|$", text, re.MULTILINE)
                assert row.startswith("required;") == parameter.required, (name, parameter.opts)
    states = re.findall(r"^\| `(\w+)` \| (?:no|as far)", text, re.MULTILINE)
    assert states == [str(each) for each in Agreement]


def test_every_command_of_the_guide_to_exclusions_does_what_it_says(tmp_path: Path) -> None:
    """They are run in order, as they stand, on a contract and a calendar as the guide names them."""
    config = tmp_path / "slamon.yml"
    config.write_text(
        "services: {a: {targets: {b: {probe: icmp, address: 127.0.0.1}}}}\n"
        "contracts: {hq-internet: {service: a, provider: p, timezone: America/New_York, "
        "exclusions: [{class: maintenance}], objectives: {availability: {target: 99%}}}}\n"
    )
    Store.open(tmp_path / "slamon.db", write=True).close()
    calendar = tmp_path / "acme-maintenance.ics"
    calendar.write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:a\nDTSTART:20270310T020000\nDURATION:PT2H\n"
        "SUMMARY:works\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    said = []
    for line in "".join(blocks).splitlines():
        program, *words = shlex.split(line.replace(calendar.name, str(calendar)))
        assert program == "slamon"
        done = CliRunner().invoke(cli, [*words, "--config", str(config), "--state", str(tmp_path)])
        assert done.exit_code == 0, (line, done.output, done.exception)
        said.append(done.output)
    assert len(said) == 13
    assert said[0].startswith(
        "exclusion 1: maintenance of hq-internet from 2026-12-06 02:00:00-05:00 to 2026-12-06 04:00:00-05:00 (2h), by "
    )
    assert "accepted by the contract's rules" in said[0]
