"""What `evaluate` is given: what was observed (runs, records, gaps) and what people declared. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from slamon.record.rows import Gap, Record, Run


class State(StrEnum):
    """What is known about a target or a service at an instant. The order is the order of display."""

    UP = "up"
    DOWN = "down"
    LOCAL_FAULT = "local_fault"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFacts:
    """One target as this vantage saw it. `runs` and `records` are in time order and do not overlap."""

    target: str
    probe: str
    interval: int
    timeout: int
    down_after: int = 3
    up_after: int = 1
    witness: str | None = None
    known_from: int
    """The first instant anything is known about this target; before it there is neither up nor unknown."""
    through: int
    """Every probe sent before this instant is decided and recorded."""
    runs: tuple[Run, ...] = ()
    records: tuple[Record, ...] = ()
    """Minutes, or quarter hours and days where a whole one lies inside what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFacts:
    """What makes the service up: at least `quorum` of `targets`. Witnesses that belong to it are not in `targets`."""

    service: str
    targets: tuple[str, ...]
    quorum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSpan:
    """Time stated by hand instead of measured (contract tests): everything a test does not mention is up and measured."""

    start: int
    end: int
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Somebody's declaration that a span does not count, and why."""

    id: str
    contract: str
    cause: str
    """The class of the contract's `exclusions` it claims: maintenance, customer, force_majeure, …"""
    start: int
    end: int
    declared_at: int
    declared_by: str = ""
    note: str = ""
    revoked_at: int | None = None
    revoked_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything known. Observed services have `services` + `series`; declared ones have `declared`."""

    services: Mapping[str, ServiceFacts] = field(default_factory=dict)
    series: Mapping[str, SeriesFacts] = field(default_factory=dict)
    gaps: tuple[Gap, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    declared: Mapping[str, tuple[DeclaredSpan, ...]] = field(default_factory=dict)
    readings: Mapping[str, Fraction] = field(default_factory=dict)
    """Objective → value given instead of measured, for the period being evaluated (contract tests)."""
