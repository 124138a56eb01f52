"""docs/probes.md says what the code does: every kind, key, default, example, result, phase and gauge."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic_core import PydanticUndefined

from slamon.model import MEANING, Effect, Packet, Result
from slamon.probes import kinds

TEXT = (Path(__file__).parents[2] / "docs" / "probes.md").read_text()
SECTIONS = {
    match[1]: match[2] for match in re.finditer(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
}
KINDS = kinds()


def table(section: str) -> dict[str, list[str]]:
    """First cell → the other cells, of the section's only table."""
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip().strip("`"): [cell.strip() for cell in row[1:]] for row in rows}


def shown(default: object) -> str:
    """A default as it would be written in YAML."""
    if default is PydanticUndefined:
        return "required"
    if default is None or default == ():
        return "none"
    if default == ((200, 299),):
        return "`200-299`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def test_every_kind_has_its_section() -> None:
    assert sorted(SECTIONS) == sorted(KINDS)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_keys_and_defaults(name: str) -> None:
    fields = KINDS[name].settings.model_fields
    assert {key: cells[0] for key, cells in table(SECTIONS[name]).items()} == {
        key: shown(field.default) for key, field in fields.items()
    }


@pytest.mark.parametrize("name", sorted(KINDS))
def test_examples_are_accepted(name: str) -> None:
    settings = KINDS[name].settings
    rows = table(SECTIONS[name])
    given = {key: cells[2].strip("`") for key, cells in rows.items()}
    needed = {key: given[key] for key, field in settings.model_fields.items() if field.is_required()}
    for key, example in given.items():
        value = yaml.load(example, yaml.BaseLoader) if example[0] in "[{" else example
        extra = {"type": "AAAA"} if (name, key) == ("dns", "type") else {}
        assert (
            settings.model_validate(needed | extra | {key: value}) != settings.model_validate(needed) or key in needed
        )


@pytest.mark.parametrize("name", sorted(KINDS))
def test_results_phases_and_gauges(name: str) -> None:
    words = SECTIONS[name]
    (listed,) = re.findall(r"Results:\s+((?:`\w+`(?: \([^)]*\))?\s*)+)", words)
    assert set(re.findall(r"`(\w+)`", listed)) == {str(result) for result in KINDS[name].results}
    phases = re.findall(r"Phases?:\s+((?:`\w+`(?: \([^)]*\))?\s*)+)", words)
    assert set(re.findall(r"`(\w+)`", " ".join(re.sub(r"\([^)]*\)", "", text) for text in phases))) == set(
        KINDS[name].phases
    )
    assert set(re.findall(r"`slamon_probe_(\w+)`", words)) == set(KINDS[name].gauges)


def test_results_mean_what_the_table_says() -> None:
    common = table(TEXT.partition("How a probe ends")[2].partition("## ")[0])
    assert set(common) == {str(result) for result in Result}
    effects = {Effect.UP: "up", Effect.DOWN: "down", Effect.UNMEASURED: "unmeasured"}
    packets = {Packet.RECEIVED: "received", Packet.LOST: "lost", Packet.REFUSED: "neither", Packet.OURS: "ours"}
    for result in Result:
        effect, packet = effects[MEANING[result].effect], packets[MEANING[result].packet]
        assert common[str(result)][1:] == [effect, packet]
