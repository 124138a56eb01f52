"""The contract as values: objectives, exclusion classes, credits, caps. Exact; translated from YAML by `config`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction


class Kind(StrEnum):
    SLA = "sla"
    OLA = "ola"
    UC = "uc"


class UnknownTime(StrEnum):
    """What unmeasured time counts as."""

    EXCLUDED = "excluded"
    UP = "up"
    DOWN = "down"


class Measure(StrEnum):
    AVAILABILITY = "availability"
    LATENCY = "latency"
    LOSS = "loss"


class Total(StrEnum):
    """The denominator of availability."""

    IN_SCOPE = "in_scope"
    """Time in scope − unmeasured; excluded time counts as available."""
    NET = "net"
    """That − excluded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Where a rule stands, so that every line of a statement can point at it."""

    path: str
    """`contracts.hq.credits.availability`."""
    place: str = ""
    """`slamon.yml:42`, empty for terms not read from a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One number over the period. Availability and loss are ratios 0..1; latency is nanoseconds, exact."""

    name: str
    measure: Measure
    clause: Clause
    target: Fraction | None = None
    minimum: Fraction | None = None
    statistic: str | None = None
    """`mean`, `pooled`, or `p<n>`: the percentile n (a decimal in text, for example p99.9)."""
    total: Total | int = Total.IN_SCOPE
    """Availability only; an int is a fixed denominator in nanoseconds."""
    over: str = "worst"
    """Several targets: `worst` (the worst measured target is the value and is named), `pooled`, or a target's name."""

    @property
    def percentile(self) -> Fraction | None:
        """0.95 for `p95`; None where the statistic is another."""
        found = re.fullmatch(r"p(\d+(?:\.\d+)?)", self.statistic or "")
        return Fraction(found[1]) / 100 if found else None


class Side(StrEnum):
    """On which side of a threshold a value must lie; equality satisfies `at_least` and `at_most` only."""

    BELOW = "below"
    AT_MOST = "at_most"
    OVER = "over"
    AT_LEAST = "at_least"

    def reached(self, value: Fraction, threshold: Fraction) -> bool:
        match self:
            case Side.BELOW:
                return value < threshold
            case Side.AT_MOST:
                return value <= threshold
            case Side.OVER:
                return value > threshold
            case Side.AT_LEAST:
                return value >= threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A give that applies once the value is on the credit's side of the threshold; exactly one of share and amount."""

    threshold: Fraction
    share: Fraction | None = None
    amount: Fraction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A table over an objective: the furthest threshold reached gives. Tiers in order of growing severity."""

    name: str
    objective: str
    clause: Clause
    tiers: tuple[Tier, ...]
    side: Side = Side.BELOW
    cap: Fraction | None = None
    """Of this credit alone, as a share of the base."""


class Combine(StrEnum):
    SUM = "sum"
    HIGHEST = "highest"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionClass:
    """A class of time that does not count; the order in the contract is the precedence of attribution."""

    name: str
    clause: Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    name: str
    service: str
    provider: str
    timezone: str
    clause: Clause
    kind: Kind = Kind.SLA
    customer: str = ""
    notes: tuple[str, ...] = ()
    currency: str | None = None
    price: Fraction | None = None
    """The charge of one calendar month."""
    down_after: int | None = None
    """The contract's own detection rule; None = each target's."""
    up_after: int | None = None
    unknown: UnknownTime = UnknownTime.EXCLUDED
    min_coverage: Fraction = Fraction(1, 2)
    exclusions: tuple[ExclusionClass, ...] = ()
    objectives: tuple[Objective, ...] = ()
    credits: tuple[Credit, ...] = ()
    combine: Combine = Combine.SUM
    cap: Fraction | None = None
    """Of all credits of a period, as a share of the charge; None = no cap."""
    cap_amount: Fraction | None = None
    minimum_credit: Fraction | None = None
    minimum_credit_exclusive: bool = True
    """True: `over` (the exact sum must be more), False: `at_least`."""
    text_sha256: str = ""
    """Of the contract's canonical text, so that a statement says which terms it was judged by."""
