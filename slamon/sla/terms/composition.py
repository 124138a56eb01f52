"""What is judged: a service, or so many of a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Up while at least `need` of its members are. `any` is need 1, `all` is need = their number."""

    of: tuple[Composition, ...]
    need: int


Composition: TypeAlias = str | Group
"""The name of a service (or, in `supported_by`, of a contract), or a group of compositions."""


def names(composition: Composition) -> tuple[str, ...]:
    """Every name in a composition once, in the order written."""
    if isinstance(composition, str):
        return (composition,)
    return tuple(dict.fromkeys(name for member in composition.of for name in names(member)))


def described(composition: Composition) -> str:
    """As text for people and labels: `hq-dia`, `any of (port-a, port-b)`, `2 of (a, b, c)`."""
    if isinstance(composition, str):
        return composition
    members = ", ".join(map(described, composition.of))
    word = {1: "any", len(composition.of): "all"}.get(composition.need, str(composition.need))
    return f"{word} of ({members})"
