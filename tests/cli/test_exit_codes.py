"""The exit code of every command is the one that README's table gives for what is in the way."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from slamon import __main__
from slamon.cli import cli
from tests.cli.test_commands import ROOT, slamon

ICS = "BEGIN:VCALENDAR\nVERSION:2.0\nEND:VCALENDAR\n"


def code(words: str) -> int:
    """Of the row that has these words."""
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    (found,) = [int(number) for number, meaning in rows if words in meaning]
    return found


Ends = Callable[..., tuple[int, str]]


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ends:
    """The exit code of a command line, and what it said."""

    def run(*words: str | Path) -> tuple[int, str]:
        if words[0] == "run":  # it sets up the log of a process
            done = slamon(*words)
            return done.returncode, done.stdout + done.stderr
        monkeypatch.setattr(sys, "argv", ["slamon", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            __main__.main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out + said.err

    return run


EXCLUDE = ("--contract", "hq", "--class", "maintenance")
READERS: dict[str, tuple[str, ...]] = {
    "run": (),
    "report": (),
    "status": (),
    "contract show": ("hq",),
    "contract document": ("hq",),
    "exclude add": (*EXCLUDE, "--from", "2026-07-01", "--for", "1h"),
    "exclude list": (),
    "exclude accept": ("1", "--by", "Bob"),
    "exclude dispute": ("1", "--by", "Bob"),
    "exclude reject": ("1", "--by", "Bob"),
    "exclude revoke": ("1",),
    "exclude import": ("{folder}/some.ics", *EXCLUDE),
    "record ticket": ("--contract", "hq", "--opened", "2026-07-01"),
    "record claim": ("--contract", "hq", "--period", "2026-07"),
    "record payment": ("--contract", "hq", "--due", "2026-07-01"),
    "record breach": ("--contract", "hq", "--duty", "access", "--from", "2026-07-01", "--to", "2026-07-02"),
    "record notice": ("--contract", "hq", "--right", "outages"),
    "record statement": ("--contract", "hq", "--period", "2026-07"),
    "record charge": ("--contract", "hq", "--period", "2026-07", "--billed", "5 EUR"),
    "record list": (),
    "record revoke": ("1",),
    "whatif": ("{folder}/slamon.yml", "--against", "hq"),
}
"""Commands that read the configuration, with what else they need."""


def test_these_are_all_commands_that_read_the_configuration() -> None:
    def of(command: click.Command, name: str) -> list[str]:
        if isinstance(command, click.Group):
            return [found for word, each in command.commands.items() for found in of(each, f"{name} {word}".strip())]
        return [name] if any("--config" in parameter.opts for parameter in command.params) else []

    assert set(of(cli, "")) == set(READERS)


@pytest.mark.parametrize("command", ["check", *READERS])
def test_a_configuration_that_is_not_there(ends: Ends, command: str, config: Path, tmp_path: Path) -> None:
    (tmp_path / "some.ics").write_text(ICS)
    more = [word.format(folder=tmp_path) for word in READERS.get(command, ())]
    absent = str(tmp_path / "nosuch.yml")
    words = [absent] if command == "check" else ["--config", absent, "--state", str(tmp_path / "state")]
    if command in {"contract show", "contract document"}:
        words = words[:2]
    ended, said = ends(*command.split(), *more, *words)
    assert ended == code("the configuration does not load or cannot be read"), said
    assert f"{absent}:1: the file cannot be read: No such file or directory" in said


@pytest.mark.parametrize(
    "command",
    [
        ("test", "{folder}/nosuch.yml"),
        ("whatif", "{folder}/nosuch.yml", "--against", "hq"),
        ("exclude", "import", "{folder}/nosuch.ics", *EXCLUDE),
        ("report", "--contract", "nosuch"),
        ("report", "--nosuch"),
    ],
    ids=" ".join,
)
def test_a_file_or_a_name_that_does_not_exist(ends: Ends, command: tuple[str, ...], config: Path, facts: Path) -> None:
    where = () if command[0] == "test" else ("--config", config, "--state", facts)
    ended, said = ends(*(word.format(folder=config.parent) for word in command), *where)
    assert ended == code("an option, a name or a file that does not exist"), said
    assert "nosuch" in said


@pytest.mark.parametrize(
    "command",
    [
        ("contract", "document", "hq", "--config", "{folder}/slamon.yml", "-o", "{folder}/no/such/x"),
        ("test", str(ROOT / "tests/sla/cases/B01.yaml"), "--junit", "{folder}/no/such/x"),
    ],
    ids=["contract document", "test --junit"],
)
def test_a_file_that_cannot_be_written(ends: Ends, command: tuple[str, ...], config: Path) -> None:
    ended, said = ends(*(word.format(folder=config.parent) for word in command))
    assert ended == code("a file cannot be written"), said
    assert f"{config.parent}/no/such/x" in said


def test_a_contract_with_mistakes_to_compare_with(ends: Ends, config: Path, facts: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yml"
    other.write_text("contracts: {k: {service: s, provider: p, timezone: UTZ}}\n")
    ended, said = ends("whatif", other, "--against", "hq", "--config", config, "--state", facts)
    assert ended == code("with `slamon whatif` also a FILE with mistakes"), said
    assert f"{other}:1:" in said
