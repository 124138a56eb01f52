"""The schema for editors is current, accepts what loads, and refuses what has the wrong structure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from slamon.config import clauses, sections
from slamon.config.edge import keys_of
from slamon.config.schema import schema, text
from slamon.probes import kinds

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "config" / "slamon.schema.json"
SHIPPED = [
    ROOT / "config" / "slamon.yml",
    ROOT / "config" / "quickstart.yml",
    *sorted((ROOT / "config" / "conf.d").glob("*.yml")),
]
BAD = Path(__file__).parent / "bad"
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
    "contract-not-yet",
    "price-per-year",
    "percent-without-sign",
    "kind",
    "combine-word",
    "caps",
    "minimum-credit",
    "credit-day",
    "credit-bare-number",
    "credit-empty-table",
    "credit-per-unit",
    "statistic-unknown",
    "outage",
    "level-with-side",
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


def test_it_has_every_key_of_the_models() -> None:
    made = schema()
    definitions = made["$defs"]
    assert set(made["properties"]) == {*keys_of(sections.Main), "$schema"}
    for model in (
        clauses.Contract,
        clauses.Objective,
        clauses.Credit,
        sections.Service,
        sections.Defaults,
        sections.Via,
    ):
        assert set(definitions[model.__name__]["properties"]) == keys_of(model)
    targets = {entry["properties"]["probe"]["const"]: entry for entry in definitions["Target"]["anyOf"]}
    assert set(targets) == set(kinds())
    for name, kind in kinds().items():
        assert keys_of(kind.settings) <= set(targets[name]["properties"])
    assert "bearer_token_file" in targets["http"]["properties"]
