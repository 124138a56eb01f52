"""What is true now, as values that metrics, web and command line read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from slamon.live.loss import Failing
from slamon.model import Target
from slamon.record.series import Series
from slamon.sla.facts import State
from slamon.sla.statement import Statement
from slamon.sla.terms import Contract


class StateView(NamedTuple):
    """The judged state of a target or a service since it is known."""

    name: str
    state: State
    since: int
    nanoseconds: Mapping[State, int]
    """Settled time by state; Σ = settled − first_known."""
    first_known: int
    settled: int
    outages: int
    """Down intervals detected since first known, whoever caused them."""
    outage_start: int | None
    """Of the outage that is open now."""


class TargetView(NamedTuple):
    target: Target
    series: Series
    address: str | None
    """The address in use; None while the name has never resolved."""
    state: StateView | None
    """None until the first facts are settled."""
    failing: Failing | None = None
    """Failures of the last minutes that were no outage; None while nothing is known."""
    lag: int | None = None
    """How far behind the present `settled` normally is at most, nanoseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractView:
    contract: Contract
    current: Statement
    previous: Statement | None
    """None where nothing was known in the previous period."""
    active_exclusions: Mapping[str, bool]
    """Exclusion class of the contract → whether the present instant is excluded by it, which one class alone can be."""


class Turn(NamedTuple):
    """A service or target passed into `state` at `since`."""

    noun: str
    name: str
    state: State
    since: int
    previous: State | None
    previous_since: int | None
