"""What is true now: the state of every target and service, as values that metrics, web and CLI read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from slamon.model import Target
from slamon.record.series import Series
from slamon.sla.facts import State
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract


@dataclass(frozen=True, slots=True, kw_only=True)
class StateView:
    """The judged state of a target or a service; `seconds` holds settled nanoseconds by state since first known."""

    name: str
    state: State
    since: int
    nanoseconds: Mapping[State, int]
    first_known: int
    settled: int
    outages: int
    """Down intervals detected since first known."""
    outage_start: int | None
    """Of the outage that is open now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetView:
    target: Target
    series: Series
    address: str | None
    """The address in use; None while the name has never resolved."""
    state: StateView | None
    """None until the first facts are settled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    contract: Contract
    current: Statement
    previous: Statement | None
    """None where nothing was known in the previous period."""
    active_exclusions: Mapping[str, bool]
    """Exclusion class of the contract → whether a declaration of it covers the present instant."""
