"""What README promises is what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import click

from slamon import errors
from slamon.cases import run as run_cases
from slamon.cli import cli
from slamon.config import load
from slamon.metrics import families
from slamon.probes import kinds

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[list[str]]:
    """Every `slamon …` line of a shell block, as words."""
    lines = [line.partition(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    found = [shlex.split(line) for line in lines if re.match(r"(\.venv/bin/)?slamon ", line)]
    assert len(found) >= 8
    return found


def test_the_first_configuration_loads(tmp_path: Path) -> None:
    first, contract_test = blocks("yaml")
    path = tmp_path / "slamon.yml"
    path.write_text(first)
    config = load(path)
    assert set(config.contracts) == {"hq-internet"}
    path = tmp_path / "contract_test.yml"
    path.write_text(contract_test)
    assert run_cases([path]).exit_code == errors.OK, run_cases([path]).text()


def test_every_command_line_is_accepted() -> None:
    for words in commands():
        command: click.Command = cli
        name, *args = words
        context = click.Context(cli, info_name=name)
        while isinstance(command, click.Group):
            command = command.commands[args.pop(0)]
            context = click.Context(command, info_name=command.name, parent=context)
        command.make_parser(context).parse_args(list(args))


def test_every_command_is_listed() -> None:
    listed = re.findall(r"^\| `slamon (\w+)` \|", README, flags=re.MULTILINE)
    assert listed == list(cli.commands)


def test_every_exit_code_is_listed() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", README, flags=re.MULTILINE)}
    assert listed == {errors.OK, errors.CHECK_FAILED, errors.USAGE, errors.UNAVAILABLE, errors.BAD_CONFIG}


def test_every_metric_exists() -> None:
    known = {family.name for family in families(kinds())}
    named = set(re.findall(r"`(slamon_\w+)`", README))
    assert named
    assert named <= known


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_make_target_exists() -> None:
    for target in set(re.findall(r"`make (\w+)`", README)) | {"run", "test"}:
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
