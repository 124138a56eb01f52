"""Where a rule of a contract stands."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Where a rule stands, so that every line of a statement can point at it."""

    path: str
    """`contracts.hq.credits.availability`."""
    place: str = ""
    """`slamon.yml:42`, empty for terms not read from a file."""
