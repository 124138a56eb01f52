"""The published agreements in config/contracts: they load, name their source, are listed, and their tests notice a wrong boundary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from slamon.cases import run
from slamon.config import nodes
from slamon.config.contract import read_contract
from slamon.errors import Problem
from slamon.sla.terms import Contract

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "config" / "contracts"
FILES = sorted(FOLDER.glob("*.yml"))
NAMES = [path.stem for path in FILES]
HEADER = ("document", "source", "date", "read", "not confirmed", "placeholders")
LISTED = (ROOT / "docs" / "published.md").read_text(encoding="utf-8")

SWAPS = {"over": "at_least", "at_least": "over", "below": "at_most", "started": "completed", "completed": "started"}
"""A side with equality for one without, and the other way round: each must fail a test."""
SIDE = re.compile(rf"(?<!loss )\b({'|'.join(SWAPS)})\b(?=:| \d)(?!: [^{{,]+, per:)")
"""Not `loss over`, which has no other side, and not the threshold units are counted from, where there are no units on either side."""
BLOCKS = ("outage", "credits", "terminate")


def header(path: Path) -> dict[str, str]:
    """The keys of the comment at the head, continuation lines joined; a repeated key's values too."""
    said: dict[str, str] = {}
    last = ""
    for line in path.read_text(encoding="utf-8").partition("contracts:\n")[0].splitlines():
        key, colon, value = line.removeprefix("# ").partition(": ")
        if colon and key in HEADER:
            last = key
            said[key] = f"{said[key]} {value}" if key in said else value
        elif last and line.startswith("#   "):
            said[last] += " " + line.removeprefix("#").strip()
    return said


def contract_of(path: Path) -> tuple[Contract | None, list[Problem]]:
    problems: list[Problem] = []
    root = nodes.parse(path.read_text(encoding="utf-8"), path.name, problems)
    assert isinstance(root, nodes.Mapping)
    contracts = root.get("contracts")
    assert isinstance(contracts, nodes.Mapping)
    ((name, terms),) = contracts.items
    made = read_contract(name.text, terms, problems, services=None, folder=path.parent)
    return made, problems


def test_there_are_enough() -> None:
    assert len(FILES) >= 22
    assert {path.stem for path in (FOLDER / "tests").glob("*.yml")} == set(NAMES)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_loads_and_says_how_a_loose_text_was_read(path: Path) -> None:
    contract, problems = contract_of(path)
    assert problems == []
    assert contract is not None
    assert contract.name == path.stem
    assert contract.notes


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_names_its_source_and_date_and_what_was_not_confirmed(path: Path) -> None:
    said = header(path)
    assert tuple(said) == HEADER
    assert all(len(value) > 5 for value in said.values())
    assert re.search(r"\b(19|20)\d\d\b|without a date|no date|not shown|undated", said["date"]), said["date"]
    assert re.search(r"https?://\S+\.\S+", said["source"]) or "no address" in said["source"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_it_is_listed_as_it_is(path: Path) -> None:
    (row,) = [line for line in LISTED.splitlines() if line.startswith(f"| [{path.stem}]")]
    assert f"(../config/contracts/{path.name})" in row
    confirmed = row.rstrip("| ").rpartition("|")[2].strip()
    assert confirmed.startswith("yes" if header(path)["not confirmed"].startswith("nothing") else ("in part", "no")), (
        row
    )


def test_nothing_else_is_listed() -> None:
    assert set(re.findall(r"^\| \[([^]]+)\]\(\.\./config/contracts/", LISTED, re.MULTILINE)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_tests_pass_and_show_what_is_paid_and_what_is_not(name: str) -> None:
    file = FOLDER / "tests" / f"{name}.yml"
    report = run([file])
    assert report.exit_code == 0, report.text()
    written = yaml.load(file.read_text(encoding="utf-8"), yaml.BaseLoader)
    assert written["contract_files"] == [f"../{name}.yml"]
    assert len(written["tests"]) >= 3
    assert all(test["name"] for test in written["tests"])
    contract, _ = contract_of(FOLDER / f"{name}.yml")
    figures = [period for test in written["tests"] for period in test["expect"].values()]
    if contract is not None and contract.credits:
        owed = [figure.get("credit", figure.get("credit_share", "")) for figure in figures]
        assert any(re.match(r"0[.0]*( |%)", each) for each in owed), "nothing owed is not shown"
        assert any(re.match(r"\d*[1-9]|0\.0*[1-9]", each) for each in owed), "nothing owed is all that is shown"
    if contract is not None and contract.terminations:
        rights = [figure["rights"] for figure in figures if "rights" in figure]
        assert {} in rights
        assert any(rights)


def mutants() -> list[tuple[str, int, str, int]]:
    """File, line, word and where the word stands in the line: of every side and counted unit that decides what is owed."""
    found = []
    for path in FILES:
        block = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            top = re.match(r"    (\w+):", line)
            block = top[1] if top else block
            if block in BLOCKS:
                found += [(path.stem, number, match[1], match.start(1)) for match in SIDE.finditer(line)]
    return found


MUTANTS = mutants()


@pytest.mark.parametrize(
    ("name", "number", "word", "column"), MUTANTS, ids=[f"{m[0]}-{m[1] + 1}-{m[3]}-{m[2]}" for m in MUTANTS]
)
def test_its_tests_notice_a_boundary_on_the_wrong_side(
    name: str, number: int, word: str, column: int, tmp_path: Path
) -> None:
    lines = (FOLDER / f"{name}.yml").read_text(encoding="utf-8").splitlines()
    line = lines[number]
    lines[number] = line[:column] + SWAPS[word] + line[column + len(word) :]
    (tmp_path / f"{name}.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "tests").mkdir()
    copy = tmp_path / "tests" / f"{name}.yml"
    copy.write_text((FOLDER / "tests" / f"{name}.yml").read_text(encoding="utf-8"), encoding="utf-8")
    report = run([copy])
    assert report.problems == (), report.text()
    assert report.exit_code == 1, lines[number]
