"""`slamon exclude`: declared, agreed to, repeated, read from a calendar; told at once whether it counts."""

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
from slamon.cli.exclude import exclude
from slamon.errors import OK, USAGE, SlamonError
from slamon.model import HOUR
from slamon.sla import calendar
from slamon.store import Draft, Store
from tests.cli.conftest import CONFIG

JSON = Path(__file__).parents[2] / "docs/json.md"
ZONE = "Europe/Berlin"


class Line:
    """The commands, with the configuration and the state of one directory."""

    def __init__(self, config: Path, state: Path) -> None:
        self.config, self.state = config, state

    def __call__(self, line: str) -> str:
        done = CliRunner().invoke(cli, self._words(line), catch_exceptions=False)
        assert done.exit_code == OK, done.output
        return done.output

    def fails(self, line: str) -> str:
        error = CliRunner().invoke(cli, self._words(line)).exception
        assert isinstance(error, SlamonError)
        assert error.exit_code == USAGE
        return str(error)

    def add(self, line: str, cause: str = "maintenance") -> str:
        return self(f"add --contract hq --class {cause} {line}")

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("list --format json"))
        return found

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text("--format", "json"))["statements"][0]
        return found

    def text(self, *options: str) -> str:
        where = ["--config", str(self.config), "--state", str(self.state), "--period", "2026-07"]
        return CliRunner().invoke(cli, ["report", *where, *options], catch_exceptions=False).stdout

    def credit(self) -> str:
        return str(self.report()["credit"]["display"])

    def _words(self, line: str) -> list[str]:
        return ["exclude", *shlex.split(line), "--config", str(self.config), "--state", str(self.state)]


@pytest.fixture
def line(config: Path, facts: Path) -> Line:
    return Line(config, facts)


def terms(line: Line, exclusions: str) -> None:
    """The contract with other classes."""
    line.config.write_text(CONFIG.replace("[{class: maintenance}]", exclusions))


def spans(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [tuple(calendar.written(int(one[key]), ZONE) for key in ("start", "end")) for one in found]  # type: ignore[misc]


def test_only_what_is_accepted_takes_the_credit_away(line: Line) -> None:
    said = line.add("--from '2026-07-01 02:20' --for 10m --as proposed --by 'Ann Lee' --role provider")
    assert ", by Ann Lee (provider)\n" in said
    assert "does not count while it is proposed; by the contract's rules it would be accepted" in said
    assert line.credit() == "100.00 EUR"
    assert line("accept 1 --by Bob --role customer --note 'agreed by phone'") == (
        "exclusion 1 accepted by Bob: accepted by the contract's rules\n"
    )
    assert line.credit() == "0.00 EUR"
    assert "does not count while it is disputed" in line("dispute 1 --by Bob")
    assert line.credit() == "100.00 EUR"
    assert "exclusion 1 rejected by Bob: does not count: it is rejected" in line("reject 1 --by Bob")
    assert "exclusion 1 is rejected already" in line.fails("reject 1 --by Bob")
    shown = line("list --history")
    assert shown.startswith("1  maintenance of hq, rejected\n")
    acts = re.findall(r"history\s+\S+ \S+ (.*)", re.sub(r"\n {5,}", " ", shown))
    assert [re.sub(r", entered by [^\s:]+", "", act) for act in acts] == [
        "declared as proposed by Ann Lee (provider)",
        "accepted by Bob (customer): agreed by phone",
        "disputed by Bob",
        "rejected by Bob",
    ]
    assert shown.endswith(f"4 entries of all contracts, the last link is {line.listed()[0]['history'][-1]['link']}\n")
    assert "history" not in line("list")
    assert [act["kind"] for act in line.listed()[0]["history"]] == ["exclude", "accept", "dispute", "reject"]


def test_what_a_declaration_carries(line: Line) -> None:
    line.add(
        "--from '2026-07-01 02:20' --for 10m --notified '2026-06-20 12:00' --lodged 2026-07-02 --ticket CHG-1 "
        "--evidence 'mail of 20 June' --evidence https://example.com/rfo --note 'fibre moved'"
    )
    line("dispute 1 --by Bob --evidence 'our log'")
    (one,) = line.listed()
    assert calendar.written(int(one["notified"]), ZONE) == "2026-06-20 12:00+02:00"
    assert calendar.written(int(one["lodged"]), ZONE) == "2026-07-02 00:00+02:00"
    assert (one["ticket"], one["note"], one["state"], one["role"]) == ("CHG-1", "fibre moved", "disputed", "")
    assert one["evidence"] == ["mail of 20 June", "https://example.com/rfo", "our log"]
    shown = line("list")
    for words in ("notified 2026-06-20 12:00:00+02:00", "evidence our log", "ticket CHG-1", "lodged 2026-07-02"):
        assert words in re.sub(" +", " ", shown)
    line("revoke 1")
    line.add(
        "--from '2026-07-01 02:20' --for 10m --by Ann --role provider --ticket CHG-2 --evidence 'a mail' --evidence 'our log' --note moved"
    )
    (stated,) = line.report()["exclusions"]
    assert (stated["role"], stated["ticket"], stated["evidence"]) == ("provider", "CHG-2", ["a mail", "our log"])
    text = re.sub(r"\s+", " ", line.text())
    assert re.search(
        r"4 declared \S+ \S+ by Ann \(provider\); announced .*; moved; ticket CHG-2; evidence: a mail, our log \(", text
    )


def test_every_key_of_the_history_is_documented(line: Line) -> None:
    line.add("--from '2026-07-01 02:20' --for 10m")
    (one,) = line.listed()
    text = JSON.read_text(encoding="utf-8")
    _, _, chapter = text.partition("\n## Act on an exclusion\n")
    keys = re.findall(r"^\| `(\w+)` \|", chapter.partition("\n## ")[0], re.MULTILINE)
    assert keys == list(one["history"][0])


@pytest.mark.parametrize(
    ("rules", "given", "said"),
    [
        ("notice: 72h", "--notified '2026-06-28 02:20'", "accepted by the contract's rules"),
        (
            "notice: 72h",
            "--notified '2026-06-28 02:21'",
            "refused by the contract's rules: notice of 2d23h59m, the contract",
        ),
        ("notice: 72h", "", " after it began, the contract asks for 3d"),
        ("lodge: 2 days after outage end", "--lodged '2026-07-03 23:59'", "accepted by the contract's rules"),
        (
            "lodge: 2 days after outage end",
            "--lodged '2026-07-04 00:00'",
            "refused by the contract's rules: lodged too late",
        ),
        ("hours: daily 00:00-03:00", "", "excludes 40m of its 2h: 1h 20m are outside the hours of its class"),
        ("allowance: 30m per month", "", "excludes 30m of its 2h: 1h 30m are beyond the allowance of its class"),
        (
            "allowance: 30m per month, notice: 2 days",
            "--as disputed",
            "while it is disputed; by the contract's rules it would be refused: notice ",
        ),
    ],
)
def test_whether_it_counts_is_told_at_once(line: Line, rules: str, given: str, said: str) -> None:
    terms(line, f"[{{class: maintenance, {rules}}}]")
    assert said in line.add(f"--from '2026-07-01 02:20' --for 2h {given}")
    assert said in re.sub(r"\s+", " ", line("list"))
    (one,) = line.listed()
    assert one["accepted"] == ("refused" not in said and "after it began" not in said)
    assert (one["reason"] == "") == one["accepted"]


def test_what_is_excluded_already_is_not_excluded_again(line: Line) -> None:
    terms(line, "[{class: customer}, {class: maintenance, allowance: 1h per month}]")
    line.add("--from '2026-07-01 01:00' --for 1h", "customer")
    said = line.add("--from '2026-07-01 01:00' --for 3h")
    # time that an earlier class owns spends the allowance as well
    assert "excludes 0s of its 3h: 1h are excluded already, 2h are beyond the allowance of its class" in said
    assert [one["excludes"] for one in line.listed()] == [str(HOUR), "0"]


def test_by_the_terms_in_force_when_it_begins(line: Line) -> None:
    line.config.write_text(
        CONFIG.replace(
            "contracts:\n  hq:",
            "contracts:\n  hq:\n    amendments: [{effective: 2026-08-01, exclusions: [{class: works}]}]",
        )
    )
    assert "accepted" in line.add("--from '2026-08-01 02:00' --for 1h", "works")
    said = line.add("--from 2026-07-30 --for 1h --repeat 'FREQ=DAILY;COUNT=3'")
    assert said.count("accepted by the contract's rules") == 2
    assert "refused by the contract's rules: the contract excludes no class maintenance" in said
    assert "refused by the contract's rules" in line.add("--from 2026-07-31 --for 1h", "works")
    assert [one["accepted"] for one in line.listed()] == [True, True, True, False, False]
    assert "its classes are: maintenance, works" in line.fails("add --contract hq --class x --from 2026-08-01 --for 1h")


def test_a_series(line: Line) -> None:
    said = line.add("--from '2026-12-06 02:00' --for 2h --repeat 'FREQ=WEEKLY;BYDAY=SU;COUNT=12'")
    assert said.startswith("series 1: 12 exclusions\nexclusion 1: maintenance of hq from 2026-12-06 02:00:00+01:00 to ")
    assert said.count("accepted by the contract's rules") == 12
    found = line.listed()
    assert {one["series"] for one in found} == {"1"}
    assert spans(found)[-1] == ("2027-02-21 02:00+01:00", "2027-02-21 04:00+01:00")
    assert line("revoke 2").startswith("exclusion 2 revoked by ")
    assert line("revoke 5 --series --by Bob").count(" revoked by Bob") == 11


def test_a_series_across_the_change_of_the_clocks(line: Line) -> None:
    line.add("--from '2027-03-21 02:30' --for 2h --repeat 'FREQ=WEEKLY;COUNT=2'")
    line.add("--from '2027-03-21 01:30' --to '2027-03-21 04:00' --repeat 'FREQ=WEEKLY;COUNT=2'")
    line.add("--from '2027-03-21 02:30' --to '2027-03-21 03:15' --repeat 'FREQ=WEEKLY;COUNT=2'")
    line.add("--from '2027-10-24 01:00' --to '2027-10-24 04:00' --repeat 'FREQ=WEEKLY;COUNT=2'")
    line.add("--from '2026-10-25 02:30+01:00' --for 1h --repeat 'FREQ=WEEKLY;COUNT=1'")
    assert spans(line.listed())[1::2] + spans(line.listed())[-1:] == [
        ("2027-03-28 03:30+02:00", "2027-03-28 05:30+02:00"),
        ("2027-03-28 01:30+01:00", "2027-03-28 04:00+02:00"),
        ("2027-03-28 03:30+02:00", "2027-03-28 04:15+02:00"),
        ("2027-10-31 01:00+02:00", "2027-10-31 04:00+01:00"),
        ("2026-10-25 02:30+01:00", "2026-10-25 03:30+01:00"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--from 2026-12-06 --for 2h --repeat FREQ=WEEKLY", "--repeat: it has no end; add COUNT=12"),
        ("--from 2026-12-06 --for 2h --repeat 'FREQ=DAILY;COUNT=1001'", "--repeat: it occurs more than 1000 times"),
        ("--from 2026-12-06 --for 2h --repeat 'FREQ=WEEKLY;BYDAY=MO;COUNT=2'", "begin at 2026-12-07 00:00"),
        ("--from 2026-12-06T00:00:00.5 --for 2h --repeat 'FREQ=DAILY;COUNT=2'", "begins and ends on whole seconds"),
        ("--from 2026-12-06 --to 2026-12-05 --repeat 'FREQ=DAILY;COUNT=2'", "end after it starts"),
        ("--from 2261-12-06 --for 2h --repeat 'FREQ=YEARLY;COUNT=2'", "never"),
        ("--from 2026-12-06 --for 2h --notified soon", "--notified: not an instant"),
        ("--from 2026-12-06 --for 2h --lodged soon", "--lodged: not an instant"),
    ],
)
def test_what_is_refused_declares_nothing(line: Line, words: str, said: str) -> None:
    if said == "never":
        line.add(words)  # the years end before the second one
        assert len(line.listed()) == 1
        return
    assert said in line.fails(f"add --contract hq --class maintenance {words}")
    assert line.listed() == []


EVENTS = """
UID:a@acme
DTSTART;TZID=Europe/Berlin:20990701T020000
DTEND;TZID=Europe/Berlin:20990701T040000
SUMMARY:Core router
---
UID:w@acme
DTSTART;TZID=Europe/Berlin:20260705T020000
DURATION:PT2H
RRULE:FREQ=WEEKLY;COUNT=3
EXDATE;TZID=Europe/Berlin:20260712T020000
"""


def ics(path: Path, events: str = EVENTS) -> Path:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:x"]
    for event in filter(None, events.split("---")):
        lines += ["BEGIN:VEVENT", *event.strip().splitlines(), "END:VEVENT"]
    file = path / "acme.ics"
    file.write_text("\r\n".join([*lines, "END:VCALENDAR", ""]))
    return file


def test_a_calendar_is_declared_once(line: Line, tmp_path: Path) -> None:
    command = f"import {ics(tmp_path)} --contract hq --class maintenance --as proposed --by Acme --role provider"
    said = line(f"{command} --dry-run")
    assert "3 new, 0 known, 0 changed, 0 cancelled" in said
    assert (
        "would be declared: maintenance of hq from 2099-07-01 02:00:00+02:00 to 2099-07-01 04:00:00+02:00 (2h), "
        "by Acme (provider): Core router\n  does not count while it is proposed; by the contract's rules it would be accepted\n"
    ) in said
    assert line.listed() == []
    assert line(command).count("does not count while it is proposed") == 3
    found = line.listed()
    assert spans(found) == [
        ("2026-07-05 02:00+02:00", "2026-07-05 04:00+02:00"),
        ("2026-07-19 02:00+02:00", "2026-07-19 04:00+02:00"),
        ("2099-07-01 02:00+02:00", "2099-07-01 04:00+02:00"),
    ]
    assert [(one["uid"], one["series"], one["note"]) for one in found] == [
        ("w@acme", "w@acme", ""), ("w@acme", "w@acme", ""), ("a@acme", "", "Core router")
    ]  # fmt: skip
    assert {(one["source"], one["declared_by"], one["state"]) for one in found} == {("acme.ics", "Acme", "proposed")}
    assert re.fullmatch("acme.ics, SHA-256 [0-9a-f]{64}", found[0]["evidence"][0])
    assert line("accept 1 --series --by Bob").count("accepted by Bob") == 2
    assert "0 new, 3 known, 0 changed, 0 cancelled" in line(command)
    assert len(line.listed()) == 3


def test_what_changed_waits_for_update(line: Line, tmp_path: Path) -> None:
    command = f"import {ics(tmp_path)} --contract hq --class maintenance"
    line(command)
    moved = EVENTS.replace("T040000", "T050000").replace("COUNT=3", "COUNT=4").replace(
        "20260712T020000", "20260712T020000,20260719T020000"
    )  # fmt: skip
    ics(tmp_path, moved)
    said = line(command)
    assert "0 new, 1 known, 2 changed, 0 cancelled" in said
    assert "changed: exclusion 3 from 2099-07-01 02:00:00+02:00 to 2099-07-01 04:00:00+02:00 (2h) is now " in said
    assert "changed: exclusion 2 from 2026-07-19 02:00:00+02:00" in said
    assert "import again with --update" in said
    assert len(line.listed()) == 3
    assert "revoked and declared anew" in line(f"{command} --update --dry-run")
    assert len(line.listed()) == 3
    said = line(f"{command} --update")
    assert said.count("; revoked and declared anew") == 2
    found = [one for one in line.listed() if one["revoked_at"] is None]
    assert spans(found) == [
        ("2026-07-05 02:00+02:00", "2026-07-05 04:00+02:00"),
        ("2026-07-26 02:00+02:00", "2026-07-26 04:00+02:00"),
        ("2099-07-01 02:00+02:00", "2099-07-01 05:00+02:00"),
    ]
    assert "0 new, 3 known, 0 changed, 0 cancelled" in line(command)


@pytest.mark.parametrize(
    ("events", "gone"),
    [
        (EVENTS.replace("SUMMARY:Core router", "STATUS:CANCELLED"), ["3"]),
        (EVENTS.replace("COUNT=3", "COUNT=1"), ["2"]),
        (EVENTS.partition("---")[2], ["3"]),  # what has not begun is missing: it was cancelled
        (EVENTS.partition("---")[0], []),  # what is over is missing: calendars drop their past
    ],
)
def test_what_is_cancelled_waits_for_update(line: Line, tmp_path: Path, events: str, gone: list[str]) -> None:
    command = f"import {ics(tmp_path)} --contract hq --class maintenance"
    line(command)
    ics(tmp_path, events)
    said = line(command)
    assert f"{len(gone)} cancelled" in said
    assert [one["id"] for one in line.listed() if one["revoked_at"]] == []
    said = line(f"{command} --update")
    assert all(f"cancelled: exclusion {each} " in said for each in gone)
    assert [one["id"] for one in line.listed() if one["revoked_at"]] == gone
    ics(tmp_path)  # it takes place after all
    line(command)
    assert len([one for one in line.listed() if one["revoked_at"] is None]) == 3


def test_another_calendar_and_one_occurrence_cancel_nothing_else(line: Line, tmp_path: Path) -> None:
    line(f"import {ics(tmp_path)} --contract hq --class maintenance")
    other = ics(tmp_path, EVENTS.partition("---")[2]).rename(tmp_path / "other.ics")
    assert "0 new, 2 known, 0 changed, 0 cancelled" in line(f"import {other} --contract hq --class maintenance")
    one = (
        "UID:w@acme\nRECURRENCE-ID;TZID=Europe/Berlin:20260719T020000\n"
        "DTSTART;TZID=Europe/Berlin:20260719T{}0000\nDURATION:PT2H"
    )
    for hour in ("03", "04"):  # moved twice, each time by a calendar of this one occurrence
        file = ics(tmp_path, one.format(hour)).rename(tmp_path / "one.ics")
        said = line(f"import {file} --contract hq --class maintenance --update")
        assert "0 new, 0 known, 1 changed, 0 cancelled" in said
    standing = [each for each in line.listed() if each["revoked_at"] is None]
    assert [first[5:16] for first, _ in spans(standing)] == ["07-05 02:00", "07-01 02:00", "07-19 04:00"]


def test_a_change_settles_no_dispute(line: Line, tmp_path: Path) -> None:
    command = f"import {ics(tmp_path)} --contract hq --class maintenance"
    line(command)
    line("dispute 2 --by Bob --role customer")
    ics(tmp_path, EVENTS.replace("PT2H", "PT3H"))
    said = line(f"{command} --update --dry-run")
    assert "would be declared: maintenance of hq from 2026-07-19 02:00:00+02:00 to 2026-07-19 05:00:00" in said
    assert "does not count while it is disputed" in said
    assert len(line.listed()) == 3
    line(f"{command} --update")
    assert [one["state"] for one in line.listed() if one["revoked_at"] is None] == ["accepted", "accepted", "disputed"]


def test_what_somebody_took_back_stays_taken_back(line: Line, tmp_path: Path) -> None:
    command = f"import {ics(tmp_path)} --contract hq --class maintenance --update"
    line(command)
    line("revoke 1 --by Bob")
    assert "0 new, 2 known, 0 changed, 0 cancelled, 1 taken back by hand and left so" in line(command)
    assert len(line.listed()) == 3


def test_an_endless_event_is_read_up_to_an_instant(line: Line, tmp_path: Path) -> None:
    endless = EVENTS.replace(";COUNT=3", "")
    command = f"import {ics(tmp_path, endless)} --contract hq --class maintenance"
    assert "or import with --until" in line.fails(command)
    assert "1 new" not in line(f"{command} --until 2026-07-20")
    assert len(line.listed()) == 2
    assert "1 new, 2 known, 0 changed, 0 cancelled" in line(f"{command} --until 2026-08-01")
    assert "0 new, 1 known, 0 changed, 0 cancelled" in line(f"{command} --until 2026-07-06")
    assert "its classes are: maintenance" in line.fails(f"{command.replace('maintenance', 'works')} --until 2026-07-20")


def test_an_import_takes_in_what_somebody_declares_meanwhile(
    line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one imports the same file between our reading and our writing: nothing is declared twice."""
    real = Store.declare_all
    command = f"import {ics(tmp_path)} --contract hq --class maintenance"

    def slow(self: Store, drafts: list[Draft], **options: Any) -> Any:
        monkeypatch.setattr(Store, "declare_all", real)
        line(command)
        return real(self, drafts, **options)

    monkeypatch.setattr(Store, "declare_all", slow)
    assert "0 new, 3 known" in line(command)
    assert len(line.listed()) == 3


def test_a_report_prints_the_note_of_the_declaration_and_no_other(line: Line) -> None:
    """As the help says; what was said with an act afterwards is in its history."""
    line.add("--from '2026-07-01 02:20' --for 10m --as proposed --note first")
    for act in ("dispute", "reject", "accept"):
        line(f"{act} 1 --by Bob --note {act}-why")
    where = ["--config", str(line.config), "--state", str(line.state)]
    report = CliRunner().invoke(cli, ["report", *where, "--period", "2026-07"], catch_exceptions=False).output
    history = line("list --history")
    assert "first" in report
    for act in ("dispute", "reject", "accept"):
        assert f"{act}-why" in history
        assert f"{act}-why" not in report
    for act, command in exclude.commands.items():
        notes = [each.help for each in command.params if isinstance(each, click.Option) and each.name == "note"]
        declares = act in {"add", "import"}
        said = "Why; printed in every report." if declares else "Why; `list --history` shows it."
        assert notes == ([] if act == "list" else [said])
