"""The reference pages list every key of every model and no other, with the right defaults, and their examples load."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from slamon.config import clauses, load, sections
from slamon.config.contract import read_contract
from slamon.config.edge import Section, keys_of
from slamon.config.nodes import Mapping, parse
from slamon.errors import ConfigError, Problem
from slamon.units import format_duration

DOCS = Path(__file__).parents[2] / "docs"
PAGES: dict[str, dict[str, type[Section]]] = {
    "config.md": {
        "The file": sections.Main,
        "Services": sections.Service,
        "Targets": sections.Target,
        "Via": sections.Via,
        "Defaults": sections.Defaults,
        "Store": sections.Store,
        "Web": sections.Web,
        "Judge": sections.Judge,
    },
    "contracts.md": {
        "Contract": clauses.Contract,
        "Outage": clauses.Outage,
        "Exclusions": clauses.Exclusion,
        "Objectives": clauses.Objective,
        "Credits": clauses.Credit,
    },
}
CHAPTERS = [(page, heading) for page, headings in PAGES.items() for heading in headings]
DEFAULTS = {
    "interval": format_duration(sections.INTERVAL),
    "timeout": format_duration(sections.TIMEOUT),
    "down_after": str(sections.DOWN_AFTER),
    "up_after": str(sections.UP_AFTER),
    "keep_raw": format_duration(sections.KEEP_RAW),
    "refresh": format_duration(sections.REFRESH),
    "host": sections.WEB_HOST,
    "port": str(sections.WEB_PORT),
    "kind": clauses.Contract().kind,
    "unknown": clauses.Contract().unknown,
    "min_coverage": f"{clauses.Contract().min_coverage * 100}%",
}


def chapter(page: str, heading: str) -> str:
    text = (DOCS / page).read_text(encoding="utf-8")
    match = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert match, f"{page} has no chapter {heading}"
    return match[1]


def rows(page: str, heading: str) -> dict[str, tuple[str, str]]:
    """Key → (default, meaning) of the chapter's table."""
    found = re.findall(r"^\| `(\w+)` \| (.*?) ?\| (.+) \|$", chapter(page, heading), re.MULTILINE)
    assert len({key for key, _, _ in found}) == len(found)
    return {key: (default, meaning) for key, default, meaning in found}


@pytest.mark.parametrize(("page", "heading"), CHAPTERS)
def test_every_key_and_no_other(page: str, heading: str) -> None:
    assert set(rows(page, heading)) == keys_of(PAGES[page][heading])


@pytest.mark.parametrize(("page", "heading"), CHAPTERS)
def test_defaults_are_the_programs(page: str, heading: str) -> None:
    model = PAGES[page][heading]
    for key, (default, _) in rows(page, heading).items():
        if key in DEFAULTS:
            assert default == f"`{DEFAULTS[key]}`", key
    required = {key for key, (default, _) in rows(page, heading).items() if default == "required"}
    missing = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == {*model.REQUIRED, *(model.model_fields[name].alias or name for name in missing)}


def examples(page: str) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", examples("config.md"))
def test_examples_of_configurations_load(text: str, tmp_path: Path) -> None:
    (tmp_path / "slamon.yml").write_text(text)
    assert load(tmp_path / "slamon.yml", variables={}).targets


@pytest.mark.parametrize("text", examples("contracts.md"))
def test_examples_of_contracts_are_terms(text: str) -> None:
    problems: list[Problem] = []
    root = parse(text, "contracts.md", problems)
    assert isinstance(root, Mapping)
    contracts = root.get("contracts")
    assert isinstance(contracts, Mapping)
    services = {"hq-line": ("hq-line/anchor-a",)}
    for name, node in contracts.items:
        assert read_contract(name.text, node, problems, services=services), [str(problem) for problem in problems]


def test_the_message_shown_is_the_message_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("slamon.yml").write_text(
        "services:\n  hq:\n    targets:\n      ping:\n        probe: icmp\n        address: 192.0.2.1\n        interval: 10\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(Path("slamon.yml"), variables={})
    assert f"\n{caught.value}\n" in (DOCS / "config.md").read_text(encoding="utf-8")
