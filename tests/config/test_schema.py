"""The schema for editors is current, accepts what loads, and refuses what has the wrong structure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from slamon.config import sections
from slamon.config.edge import Section, keys_of
from slamon.config.schema import schema, text
from slamon.probes import kinds
from tests.config.contracts import HEAD, PRICED
from tests.config.test_contract_keys import MODELS, ROWS

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "config" / "slamon.schema.json"
SHIPPED = [
    ROOT / "config" / "slamon.yml",
    ROOT / "config" / "quickstart.yml",
    *sorted((ROOT / "config" / "conf.d").glob("*.yml")),
]
BAD = Path(__file__).parent / "bad"
CASES = sorted((ROOT / "tests" / "sla" / "cases").glob("*.yaml"))
STRUCTURAL = [
    "unknown-section",
    "unknown-target-key",
    "unknown-settings-key",
    "duration-without-unit",
    "value-for-mapping",
    "list-for-value",
    "port-range",
    "down-after-zero",
    "name",
    "unknown-probe",
    "no-probe",
    "up-when-word",
    "contract-required",
    "contract-unknown-key",
    "price-word",
    "deadline-words",
    "deadline-elapsed-days",
    "period-word",
    "composition",
    "slot-words",
    "exclusion-words",
    "condition-window",
    "document",
    "term",
    "amendments-mapping",
    "amendments",
    "percent-without-sign",
    "kind",
    "combine-word",
    "caps",
    "minimum-credit",
    "credit-day",
    "credit-bare-number",
    "credit-empty-table",
    "credit-per",
    "statistic-unknown",
    "outage",
]
"""Bad files whose mistake is in their form, so that an editor can see it; the others need the meaning."""


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    return jsonschema.Draft202012Validator(made)


def editor(file: Path) -> Any:
    """The file as an editor reads it: YAML with numbers and booleans."""
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def test_the_kept_file_is_current() -> None:
    assert KEPT.read_text(encoding="utf-8") == text(), "run: python -m slamon.config.schema > config/slamon.schema.json"


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.name)
def test_the_shipped_files_validate(file: Path, validator: jsonschema.Draft202012Validator) -> None:
    assert [error.message for error in validator.iter_errors(editor(file))] == []


@pytest.mark.parametrize("name", STRUCTURAL)
def test_files_of_the_wrong_form_do_not(name: str, validator: jsonschema.Draft202012Validator) -> None:
    assert not validator.is_valid(editor(BAD / f"{name}.yml"))


def test_an_amendment_has_no_keys_that_never_change() -> None:
    defined = schema()["$defs"]
    assert defined["Contract"]["properties"].keys() - defined["Amendment"]["properties"].keys() == {
        "amendments",
        "timezone",
    }


class Editor(yaml.SafeLoader):
    """YAML 1.2 as editors read it: dates, and times such as 10:00, are text."""


Editor.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":int", ":float"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Editor.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[0-9]+$"), list("0123456789"))
Editor.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[0-9]+\.[0-9]+$"), list("0123456789"))


@pytest.fixture(scope="module")
def contracts() -> jsonschema.Draft202012Validator:
    made = schema()
    return jsonschema.Draft202012Validator({"$ref": "#/$defs/Contract", "$defs": made["$defs"]})


@pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
def test_the_contracts_of_the_worked_cases_validate(file: Path, contracts: jsonschema.Draft202012Validator) -> None:
    found = yaml.load(file.read_text(encoding="utf-8"), Editor)["contracts"]
    for contract in found.values():
        assert [error.message for error in contracts.iter_errors(contract)] == []


@pytest.mark.parametrize("text", [text for _, _, text, _, _ in ROWS])
def test_every_key_that_is_read_validates(text: str, contracts: jsonschema.Draft202012Validator) -> None:
    head = HEAD if "price:" in text else PRICED
    assert [error.message for error in contracts.iter_errors(yaml.load(f"{head}{text}\n", Editor))] == []


def test_it_has_every_key_of_the_models() -> None:
    made = schema()
    definitions = made["$defs"]
    assert set(made["properties"]) == {*keys_of(sections.Main), "$schema"}
    models: tuple[type[Section], ...] = (*MODELS.values(), sections.Service, sections.Defaults, sections.Via)
    for model in models:
        assert set(definitions[model.__name__]["properties"]) == keys_of(model)
    targets = {entry["properties"]["probe"]["const"]: entry for entry in definitions["Target"]["anyOf"]}
    assert set(targets) == set(kinds())
    for name, kind in kinds().items():
        assert keys_of(kind.settings) <= set(targets[name]["properties"])
    assert "bearer_token_file" in targets["http"]["properties"]
