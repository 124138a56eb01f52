"""A target as written: the keys every kind has, and the settings of its own kind."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Lookup
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import SecretStr

from slamon.config.edge import Report, keys_of, read
from slamon.config.environment import SecretValues, relative_to_file
from slamon.config.nodes import Mapping
from slamon.config.reader import suggestion
from slamon.config.sections import Target as Keys
from slamon.probe import Kind, Settings


class Draft(NamedTuple):
    """Read once; a default set is one list of drafts, of which every service makes its own targets."""

    key: str
    keys: Keys
    settings: Settings
    kind: Kind
    report: Report
    sound: bool
    """False when something of it is wrong, reported and left out."""


def draft(
    key: str, report: Report, kinds: Lookup[str, Kind], secret_values: SecretValues | None = None
) -> Draft | None:
    """The target at the report's node; None when its kind or its settings could not be read."""
    node, before = report.node, len(report.problems)
    if not isinstance(node, Mapping):
        read(Keys, report)
        return None
    common = keys_of(Keys)
    own = Mapping(items=tuple((name, value) for name, value in node.items if name.text in common), place=node.place)
    keys = read(Keys, Report(own, report.path, report.problems, place=report.place()))
    if keys is None or keys.probe is None:
        return None
    kind = kinds.get(keys.probe)
    if kind is None:
        report.say(("probe",), "there is no such kind of probe", fix=suggestion(keys.probe, kinds))
        return None
    rest = Mapping(
        items=tuple((name, value) for name, value in node.items if name.text not in common), place=node.place
    )
    secret_values = SecretValues() if secret_values is None else secret_values
    rest = secret_values.fill(rest, secrets(kind.settings), report.path, report.problems)
    rest = relative_to_file(rest, paths(kind.settings))
    settings = read(kind.settings, Report(rest, report.path, report.problems, place=report.place()), also=common)
    if settings is None:
        return None
    return Draft(key, keys, settings, kind, report, sound=len(report.problems) == before)


def secrets(settings: type[Settings]) -> frozenset[str]:
    """The keys that may be secret: each also exists as `key_file`."""
    return frozenset(key for key, field in settings.model_fields.items() if SecretStr in _types(field.annotation))


def paths(settings: type[Settings]) -> frozenset[str]:
    """The keys that name a file; relative ones start at the folder of the configuration file."""
    return frozenset(key for key, field in settings.model_fields.items() if Path in _types(field.annotation))


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)
