"""What `slamon exclude` refuses: every mistake at once, with the option, what was written and what to write; nothing is recorded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slamon.cli import cli
from slamon.errors import OK, USAGE

ADD = ("add", "--contract", "hq", "--class", "maintenance")
NIGHT = ("--from", "2026-12-06 02:00", "--for", "2h")

Run = Callable[..., Result]


@pytest.fixture
def run(config: Path, facts: Path) -> Run:
    def call(*words: str) -> Result:
        return CliRunner().invoke(cli, ["exclude", *words, "--config", str(config), "--state", str(facts)])

    return call


def refused(run: Run, *words: str) -> list[str]:
    """The lines of the message; nothing was recorded."""
    before = run("list", "--format", "json").output
    done = run(*words)
    code = getattr(done.exception, "exit_code", done.exit_code)
    assert code == USAGE, (done.output, done.exception)
    assert run("list", "--format", "json").output == before
    text = done.output if isinstance(done.exception, SystemExit) else str(done.exception)
    return text.splitlines()


def test_every_mistake_is_said_at_once(run: Run) -> None:
    words = ("--from", "soon", "--to", "later", "--notified", "2 June", "--lodged", "2261-01-01")
    said = refused(run, "add", "--contract", "hq", "--class", "maintenence", *words)
    assert [line.partition(":")[0] for line in said] == ["--class", "--from", "--to", "--notified", "--lodged"]
    assert said[0] == "--class: contract hq excludes no 'maintenence'; its classes are: maintenance"
    assert said[1].endswith("write for example 2026-06-10 02:00, or 2026-06-10 02:00Z (got 'soon')")
    assert said[4] == "--lodged: this is still to come (got '2261-01-01'); write when it was done"


def test_the_mistakes_of_an_import_are_said_at_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.ics"
    file.write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\nDTSTART:20270310T020000\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    said = refused(run, "import", str(file), "--contract", "hq", "--class", "x", "--until", "never")
    assert [line.partition(":")[0] for line in said[:2]] == ["--class", "--until"]
    assert said[2].startswith(f"{file}:3: DTEND: the event takes no time")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--from", "2026-12-06 02:00", "--to", "2026-12-06 01:00"),
            "--to: an exclusion has to end after it starts (got '2026-12-06 02:00' to '2026-12-06 01:00')",
        ),
        (
            ("--from", "2026-12-06 02:00", "--for", "0s"),
            "--for: an exclusion takes some time (got '0s'); write for example 2h30m",
        ),
        (("--from", "2026-12-06 02:00", "--for", "2h", "--to", "2026-12-07"), "say the end once"),
        ((*NIGHT, "--by", " "), "Invalid value for '--by': ' ' is nobody; write a name"),
        ((*NIGHT, "--note", "a\nexclusion 9: b"), r"'a\nexclusion 9: b' has a line break or is no plain text"),
        ((*NIGHT, "--evidence", "\x1b[2J"), r"Invalid value for '--evidence': '\x1b[2J' has a line break"),
        ((*NIGHT, "--ticket", "\udcff"), r"Invalid value for '--ticket': '\udcff' has a line break or is no plain"),
        ((*NIGHT, "--role", "judge"), "'judge' is not one of 'customer', 'provider'"),
        ((*NIGHT, "--as", "agreed"), "'agreed' is not one of 'proposed', 'accepted', 'disputed', 'rejected'"),
    ],
)
def test_what_was_written_and_what_to_write(run: Run, words: tuple[str, ...], said: str) -> None:
    assert said in " ".join(refused(run, *ADD, *words))


def test_whoever_agrees_has_a_name(run: Run) -> None:
    assert run(*ADD, *NIGHT).exit_code == OK
    assert "Missing option '--by'" in "".join(refused(run, "accept", "1"))
    assert "'' is nobody; write a name" in "".join(refused(run, "dispute", "1", "--by", ""))
    assert refused(run, "reject", "1", "7", "x", "--by", "Bob") == ["there is no exclusion 7, x; there are 1"]


def test_a_dry_run_declares_nothing(run: Run) -> None:
    done = run(*ADD, *NIGHT, "--repeat", "FREQ=WEEKLY;COUNT=2", "--dry-run", "--note", "core")
    assert done.exit_code == OK
    assert done.output.startswith(
        "a series of 2 exclusions\nwould be declared: maintenance of hq from 2026-12-06 02:00:00+01:00"
    )
    assert done.output.count("would be declared") == done.output.count("  accepted by the contract's rules\n") == 2
    assert run("list").output == "no exclusions\n"


@pytest.mark.parametrize("named", ["caf\udce9.ics", "a\nb.ics"])
def test_a_calendar_whose_name_cannot_be_printed(run: Run, tmp_path: Path, named: str) -> None:
    """Its name stands in the record."""
    file = tmp_path / named
    file.write_text(
        "BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\nDTSTART:20270310T020000\nDURATION:PT1H\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    (said,) = refused(run, "import", str(file), "--contract", "hq", "--class", "maintenance")[-1:]
    assert f"Invalid value for 'FILE': {str(file)!r} has a line break" in said
    assert "rename the file" in said
