"""JSON Schema of the configuration for editors, made from the models. `python -m slamon.config.schema` prints it."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping as Lookup
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from slamon.config.amendments import NEVER
from slamon.config.clauses import COMPOSITION, IS_COMPOSITION, Contract
from slamon.config.drafts import secrets
from slamon.config.sections import Main, Target
from slamon.probe import Kind
from slamon.probes import kinds as probe_kinds

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class _Written(GenerateJsonSchema):
    """The schema of what is written: no null, which stands for "not written" in the models, and no defaults, which are not text."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def schema(kinds: Lookup[str, Kind] | None = None) -> Schema:
    """The schema of the main file; included files hold a part of it."""
    definitions: Schema = {}
    main = _of(Main, definitions)
    contract = _of(Contract, definitions)
    definitions["Contract"] = contract
    definitions["Composition"] = COMPOSITION
    definitions["Amendment"] = _amendment(contract)
    contract["properties"]["amendments"] = {
        "type": "array",
        "items": {"$ref": "#/$defs/Amendment"},
        "description": contract["properties"]["amendments"]["description"],
    }
    definitions["Target"] = {
        "anyOf": [_target(name, kind, definitions) for name, kind in sorted((kinds or probe_kinds()).items())]
    }
    main["properties"]["contracts"]["additionalProperties"] = {"$ref": "#/$defs/Contract"}
    for holder in ("Defaults", "Service"):
        definitions[holder]["properties"]["targets"]["additionalProperties"] = {"$ref": "#/$defs/Target"}
    main["properties"]["$schema"] = {"type": "string"}
    return {
        "$schema": DIALECT,
        "title": "slamon configuration",
        **main,
        "$defs": {name: definitions[name] for name in sorted(definitions)},
    }


def _of(model: type[BaseModel], definitions: Schema) -> Schema:
    """A model's own schema; those of the models inside it go to `definitions`."""
    found = model.model_json_schema(by_alias=True, schema_generator=_Written)
    definitions.update(_plain(found.pop("$defs", {})))
    plain: Schema = _plain(found)
    return plain


def _amendment(contract: Schema) -> Schema:
    """A later version: what may change of a contract, and when it takes force."""
    properties = {key: value for key, value in contract["properties"].items() if key not in NEVER}
    return {
        **contract,
        "description": "A later version of a contract.",
        "properties": properties,
        "required": ["effective"],
    }


def _target(name: str, kind: Kind, definitions: Schema) -> Schema:
    common = _of(Target, definitions)
    settings = _of(kind.settings, definitions)
    properties = {**common["properties"], **settings["properties"]}
    properties["probe"] = {"const": name, "description": "kind of probe"}
    for key in secrets(kind.settings):
        properties[f"{key}_file"] = {"type": "string", "description": f"file with the text of `{key}`"}
    return {
        "type": "object",
        "title": f"target of kind {name}",
        "properties": properties,
        "required": ["probe", *settings.get("required", ())],
        "additionalProperties": False,
    }


_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""What pydantic writes for a bound on a value that a validator of ours makes of text → JSON Schema's own word."""


def _plain(node: Any) -> Any:
    """Without the titles made of field names, with the bounds in JSON Schema's words, and with a name's pattern that binds:
    `patternProperties` alone lets every other name pass."""
    if isinstance(node, list):
        return [_plain(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    if IS_COMPOSITION in node:
        rest = {key: value for key, value in node.items() if key not in {IS_COMPOSITION, "title"}}
        return {"$ref": "#/$defs/Composition", **rest}
    plain = {
        key if isinstance(value, dict) else _BOUNDS.get(key, key): _plain(value)
        for key, value in node.items()
        if key != "title" or isinstance(value, dict)
    }
    named = plain.get("patternProperties")
    if isinstance(named, dict) and len(named) == 1:
        del plain["patternProperties"]
        plain["propertyNames"] = {"pattern": next(iter(named))}
        plain["additionalProperties"] = next(iter(named.values()))
    return plain


def text() -> str:
    """The schema as it is kept in config/slamon.schema.json."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
