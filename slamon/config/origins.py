"""Where each value of a contract comes from: written, taken over from another objective, or a default. For showing the contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from slamon.config.clauses import Contract, Objective
from slamon.config.edge import Section
from slamon.config.nodes import Mapping, Node, Sequence

WRITTEN = "written"
DEFAULT = "default"
OWN = frozenset({"measure", "target", "minimum"})
"""Keys of an objective that are never taken over from the one it is measured on."""


def origins(keys: Contract, node: Node) -> dict[str, str]:
    """Dotted key → `written`, `default`, or `from <objective>`: `objectives.billed.round` → `written`."""
    return dict(_of(keys, node, "", keys))


def _of(section: Section, node: Node | None, path: str, contract: Contract) -> Iterator[tuple[str, str]]:
    taken = section.measure if isinstance(section, Objective) and section.measure in contract.objectives else None
    for name, field in type(section).model_fields.items():
        key = field.alias or name
        own = node.get(key) if isinstance(node, Mapping) else None
        where = f"{path}{key}"
        if own is None:
            yield where, DEFAULT if taken is None or key in OWN else f"from {taken}"
            continue
        yield where, WRITTEN
        yield from _below(getattr(section, name), own, where, contract)


def _below(value: Any, node: Node, path: str, contract: Contract) -> Iterator[tuple[str, str]]:
    if isinstance(value, Section):
        yield from _of(value, node, f"{path}.", contract)
    elif isinstance(value, dict) and isinstance(node, Mapping):
        for key, entry in value.items():
            if isinstance(entry, Section):
                yield f"{path}.{key}", WRITTEN
                yield from _of(entry, node.get(key), f"{path}.{key}.", contract)
    elif isinstance(value, tuple) and isinstance(node, Sequence):
        for at, entry in enumerate(value):
            if isinstance(entry, Section):
                yield f"{path}[{at}]", WRITTEN
                yield from _of(entry, node.items[at], f"{path}[{at}].", contract)
