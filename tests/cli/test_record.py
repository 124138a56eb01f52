"""`slamon record`: tickets, claims and the like, stated, replaced, taken back, and what they change in the report."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from slamon.cli import cli
from slamon.cli.record import record
from slamon.errors import OK, USAGE, SlamonError
from slamon.sla import calendar
from slamon.sla.facts import EVENTS

DOCS = Path(__file__).parents[2] / "docs"
TERMS = """
vantage: here
web: {port: 0}
services:
  hq: {targets: {ping: {probe: icmp, address: 127.0.0.1}}}
contracts:
  hq:
    service: hq
    provider: Acme
    timezone: Europe/Berlin
    price: 1000 EUR/month
    min_coverage: 0%
    outage: {starts: ticket, ends: ticket}
    claim: {by: 30 days after period end}
    objectives: {availability: {target: 99.9%}}
    credits: {availability: {below: {99.9%: 10%}}}
    caps: {}
    withhold: {overdue: {over: 0 days}, breach: {measure: breach of access, over: 0 days}}
    terminate: {customer: {outages: {at_least: 1, notice: 30 days after right arises}}}
"""


class Line:
    """The commands, with the configuration and the state of one directory."""

    def __init__(self, config: Path, state: Path) -> None:
        config.write_text(TERMS)
        self.where = ["--config", str(config), "--state", str(state)]

    def __call__(self, line: str) -> str:
        done = CliRunner().invoke(cli, ["record", *shlex.split(line), *self.where], catch_exceptions=False)
        assert done.exit_code == OK, done.output
        return done.output

    def fails(self, line: str) -> str:
        error = CliRunner().invoke(cli, ["record", *shlex.split(line), *self.where]).exception
        assert isinstance(error, SlamonError)
        assert error.exit_code == USAGE
        return str(error)

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("list --format json"))
        return found

    def report(self) -> dict[str, Any]:
        asked = ["report", *self.where, "--format", "json", "--period", "2026-07"]
        done = CliRunner().invoke(cli, asked, catch_exceptions=False)
        found: dict[str, Any] = json.loads(done.stdout)["statements"][0]
        return found


@pytest.fixture
def line(config: Path, facts: Path) -> Line:
    return Line(config, facts)


def test_a_ticket_makes_the_outage_count(line: Line) -> None:
    assert line.report()["outages"] == []
    said = line("ticket --contract hq --opened '2026-07-01 02:22' --note 'INC-7, by phone'")
    assert re.fullmatch(r"1: ticket of hq: opened 2026-07-01 02:22:00\+02:00, by \S+@\S+\n", said)
    said = line("ticket --contract hq --replaces 1 --closed '2026-07-01 02:52'")
    assert re.search(
        r"^3: ticket of hq: opened 2026-07-01 02:22:00\+02:00, closed .* in place of 1$", said, re.MULTILINE
    )
    (outage,) = line.report()["outages"]
    assert int(outage["end"]) - int(outage["start"]) == 1800 * 10**9
    assert line.report()["credit"]["display"] == "100.00 EUR"
    assert re.fullmatch(r"ticket 3 taken back by \S+@\S+\n", line("revoke 3"))
    assert line.report()["outages"] == []
    shown = re.sub(" +", " ", line("list"))
    assert shown.startswith("1 ticket of hq, taken back\n opened 2026-07-01 02:22:00+02:00\n")
    assert "\n note INC-7, by phone\n" in shown


def test_debt_and_breach_withhold_and_charges_are_the_base(line: Line) -> None:
    line("ticket --contract hq --opened '2026-07-01 02:22' --closed '2026-07-01 02:52'")
    line("charge --contract hq --period 2026-07 --billed '500 EUR'")
    assert line.report()["credit"]["display"] == "50.00 EUR"
    line("breach --contract hq --duty access --from '2026-07-02 12:00' --to '2026-07-02 13:00'")
    assert line.report()["payable"]["display"] == "0.00 EUR"
    line("revoke 3")
    assert line.report()["payable"]["display"] == "50.00 EUR"
    line("payment --contract hq --due 2026-07-15")
    assert line.report()["payable"]["display"] == "0.00 EUR"
    line("payment --contract hq --replaces 5 --paid 2026-07-20")
    assert line.report()["payable"]["display"] == "50.00 EUR"


def test_claims_and_notices_have_their_deadlines(line: Line) -> None:
    line("ticket --contract hq --opened '2026-07-01 02:22' --closed '2026-07-01 02:52'")
    assert line.report()["claim"]["state"] == "late"
    line("claim --contract hq --period 2026-07 --lodged 2026-08-10")
    assert line.report()["claim"]["state"] == "in_time"
    (right,) = line.report()["rights"]
    assert right["state"] == "lapsed"
    line("notice --contract hq --right outages --at 2026-07-20")
    (right,) = line.report()["rights"]
    assert right["state"] != "lapsed"


def test_a_statement_that_was_closed_has_revisions(line: Line) -> None:
    def figures() -> tuple[int, str, str]:
        found = line.report()
        return found["revision"], found["credit"]["display"], found["adjustment"]["display"]

    line("ticket --contract hq --opened '2026-07-01 02:22' --closed '2026-07-01 02:52'")
    assert figures() == (1, "100.00 EUR", "0.00 EUR")
    said = line("statement --contract hq --period 2026-07 --at 2026-08-04 --note 'sent by mail'")
    assert re.fullmatch(r"2: statement of hq: period 2026-07, at 2026-08-04 00:00:00\+02:00, by \S+@\S+\n", said)
    # what was stated later than that, be it earlier than the closing was recorded, was not in what was sent
    assert figures() == (2, "100.00 EUR", "100.00 EUR")
    line("statement --contract hq --period 2026-07")
    assert figures() == (2, "100.00 EUR", "0.00 EUR")
    line("revoke 1")
    assert figures() == (3, "0.00 EUR", "-100.00 EUR")
    line("revoke 3")
    assert figures() == (3, "0.00 EUR", "0.00 EUR")
    line("revoke 2")
    assert figures() == (1, "0.00 EUR", "0.00 EUR")


def test_a_deadline_after_the_report_begins_when_the_statement_was_closed(line: Line) -> None:
    config = Path(line.where[1])
    rule = "claim: {by: 30 days after report}\n    reports: {due: 5 days after period end}"
    config.write_text(TERMS.replace("claim: {by: 30 days after period end}", rule))
    line("ticket --contract hq --opened '2026-07-01 02:22' --closed '2026-07-01 02:52'")
    assert line.report()["claim"]["claim_by"]["day"] == "2026-09-04", "from the day it is due"
    line("statement --contract hq --period 2026-06 --at 2026-08-01")
    assert line.report()["claim"]["claim_by"]["day"] == "2026-09-04"
    line("statement --contract hq --period 2026-07 --at '2026-08-04 17:00'")
    assert line.report()["claim"]["claim_by"]["day"] == "2026-09-03"


def test_now_where_nothing_else_is_said(line: Line) -> None:
    line("claim --contract hq --period 2026-07")
    (one,) = line.listed()
    assert one["event"] == {"period": "2026-07", "at": one["recorded_at"]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("ticket", ["--opened INSTANT is missing"]),
        ("ticket --opened yesterday", ["--opened: not an instant"]),
        ("ticket --opened '2026-07-01 02:22' --closed '2026-07-01 02:00'", ["closed before it is opened; exchange"]),
        ("ticket --opened '2099-07-01 02:22'", ["--opened: that is still to come (got '2099-07-01 02:22')"]),
        ("ticket --opened soon --closed later", ["--opened: not an instant", "--closed: not an instant"]),
        ("ticket --opened 2026-07-01 --replaces 4", ["nothing was recorded under 4"]),
        ("claim --period 2026-13", ["--period: "]),
        ("claim --period '2026-07 to 2026-08'", ["these are 2 periods; write one of them"]),
        ("payment --paid 2026-07-01", ["--due INSTANT is missing"]),
        ("breach --duty acess --from 2026-07-01 --to 2026-07-02", ["did you mean access?"]),
        ("breach --duty access --from 2026-07-02 --to 2026-07-01", ["--to: the breach has to end after it begins"]),
        ("notice --right outage", ["--right: ", "outages"]),
        ("charge --period 2026-07", ["at least one of --billed, --paid and --usage"]),
        ("statement --period 2026-07 --at 2026-07-31", ["--at: 2026-07 had not ended by then"]),
        ("statement --period 2099-07", ["--at: 2099-07 had not ended by then"]),
        ("statement --at 2026-08-04", ["--period PERIOD is missing"]),
        (
            "charge --period 2026-07 --billed '5 USD' --paid 3",
            ["the contract is in EUR", "an amount needs its currency"],
        ),
        ("revoke 8", ["nothing was recorded under 8; there are none"]),
        ("ticket --contract hx --opened 2026-07-01", ["there is no contract 'hx'"]),
    ],
)
def test_what_is_refused_records_nothing(line: Line, given: str, said: list[str]) -> None:
    words = given if given.startswith("revoke") or "--contract" in given else f"{given} --contract hq"
    error = line.fails(words)
    for each in said:
        assert each in error
    assert line.listed() == []
    assert line("list") == "nothing recorded\n"


def test_every_key_is_documented(line: Line) -> None:
    line("ticket --contract hq --opened '2026-07-01 02:22'")
    (one,) = line.listed()
    _, _, chapter = (DOCS / "json.md").read_text(encoding="utf-8").partition("\n## Event recorded\n")
    keys = re.findall(r"^\| `(\w+)` \|", chapter.partition("\n## ")[0], re.MULTILINE)
    assert keys == list(one)


def test_every_option_is_documented() -> None:
    text = (DOCS / "events.md").read_text(encoding="utf-8")
    for word in EVENTS:
        command = record.commands[word]
        _, _, chapter = text.partition(f"\n## {word.capitalize()}\n")
        listed = re.findall(r"^\| `(--\w+)` \|", chapter.partition("\n## ")[0], re.MULTILINE)
        own = [option.opts[0] for option in command.params if isinstance(option, click.Option)]
        assert listed == [
            name for name in own if name not in {"--config", "--state", "--contract", "--note", "--replaces"}
        ]


def test_instants_in_the_contracts_zone(line: Line) -> None:
    line("payment --contract hq --due '2026-07-15 00:00Z'")
    (one,) = line.listed()
    assert calendar.written(int(one["event"]["due"]), "Europe/Berlin") == "2026-07-15 02:00+02:00"


@pytest.mark.parametrize("text", ["caf\udce9", "a\nticket 9", "\x1b[2J"])
@pytest.mark.parametrize(
    "given",
    [
        ("ticket", "--opened", "2026-07-01 02:22", "--note"),
        ("breach", "--from", "2026-07-01", "--to", "2026-07-02", "--duty"),
    ],
)
def test_what_cannot_be_printed_is_not_recorded(line: Line, given: tuple[str, ...], text: str) -> None:
    done = CliRunner().invoke(cli, ["record", *given, text, "--contract", "hq", *line.where])
    assert done.exit_code == USAGE, done.exception
    assert f"Invalid value for '{given[-1]}': {text!r} has a line break or is no plain text (UTF-8)" in done.output
    assert line.listed() == []


def test_nobody_is_recorded_under_a_name_that_cannot_be_printed(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "caf\udce9")
    said = line.fails("ticket --contract hq --opened '2026-07-01 02:22'")
    assert re.fullmatch(r"'caf\\udce9@\S+' has a line break or is no plain text .* mend \$SUDO_USER, .*", said)
    assert line.listed() == []
