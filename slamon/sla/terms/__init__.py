"""The contract as values: what is promised, what does not count, what is owed and who may leave. Exact; translated from YAML by `config`.

A quantity is always a `Fraction` in the unit of its measure: a ratio 0..1, nanoseconds, a number, or civil days.
Here stands the contract; what it is made of is imported from the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import Composition
from slamon.sla.terms.conditions import Bonus, Condition, Termination
from slamon.sla.terms.credits import Cap, Combine, Credit, CreditBase
from slamon.sla.terms.measures import Dimension, Measure, Subject
from slamon.sla.terms.objectives import Objective
from slamon.sla.terms.outages import ExclusionClass, OutageRule
from slamon.sla.terms.times import Deadline, Span, Weekly


class Kind(StrEnum):
    SLA = "sla"
    OLA = "ola"
    UC = "uc"


class UnknownTime(StrEnum):
    """What unmeasured time counts as."""

    EXCLUDED = "excluded"
    UP = "up"
    DOWN = "down"


class PeriodKind(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    CONTRACT_YEAR = "contract year"
    BILLING_MONTH = "month from"
    ROLLING = "rolling"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodRule:
    """What is judged at once."""

    kind: PeriodKind = PeriodKind.MONTH
    day: int = 1
    """`month from 15`."""
    length: int | None = None
    """`rolling 720h`, nanoseconds."""


class Prorate(StrEnum):
    """The charge of a period that is not whole."""

    DAY = "day"
    SECOND = "second"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A charge per month, quarter or year, in force from the start of the civil day `since` (None = always)."""

    amount: Fraction
    per: Span = Span.MONTH
    since: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Civil days, both inclusive; None = open."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    report: Deadline | None = None
    by: Deadline | None = None
    clause: Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    to: tuple[str, ...] = ()
    due: Deadline | None = None
    review: Span | None = None
    dispute: Deadline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The signed paper."""

    file: str
    sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One version of the terms; `amendments` are the later ones, each complete, in the order they take force."""

    name: str
    service: Composition
    provider: str
    timezone: str
    clause: Clause
    kind: Kind = Kind.SLA
    customer: str = ""
    document: Document | None = None
    notes: tuple[str, ...] = ()
    effective: date | None = None
    """When this version takes force; None = with the term."""
    amendments: tuple[Contract, ...] = ()
    term: Term = field(default_factory=Term)
    period: PeriodRule = field(default_factory=PeriodRule)
    service_hours: tuple[Weekly, ...] = ()
    """Empty = always."""
    holidays: frozenset[date] = frozenset()
    business_days: frozenset[int] = frozenset(range(5))
    """Weekdays; holidays never count."""
    currency: str | None = None
    prices: tuple[Price, ...] = ()
    """In the order they take force; all versions of the contract have the same."""
    prorate: Prorate = Prorate.DAY
    credit_base: CreditBase = CreditBase.CHARGE
    outage: OutageRule = field(default_factory=OutageRule)
    unknown: UnknownTime = UnknownTime.EXCLUDED
    min_coverage: Fraction = Fraction(1, 2)
    exclusions: tuple[ExclusionClass, ...] = ()
    objectives: tuple[Objective, ...] = ()
    credits: tuple[Credit, ...] = ()
    combine: Combine = Combine.SUM
    caps: tuple[Cap, ...] = ()
    minimum_credit: Fraction | None = None
    minimum_credit_exclusive: bool = True
    """True: `over` (the exact sum must be more), False: `at_least`."""
    bonuses: tuple[Bonus, ...] = ()
    earn_back: tuple[Condition, ...] = ()
    withhold: tuple[Condition, ...] = ()
    claim: Claim | None = None
    """None = automatic."""
    terminations: tuple[Termination, ...] = ()
    reports: Reports | None = None
    supported_by: Composition | None = None
    text_sha256: str = ""
    """Of the contract's canonical text and what decides up and down, so that a statement says which terms it was judged by."""
    origins: Mapping[str, str] = field(default_factory=dict)
    """Key → `written` or `default`, for showing the contract."""

    def dimension(self, subject: Subject) -> Dimension:
        """Of what an entry about `subject` compares."""
        if subject.objective is None or subject.measure is Measure.EXCESS:
            return subject.dimension
        return self.objective(subject.objective).dimension

    def objective(self, name: str) -> Objective:
        """Raises KeyError."""
        for objective in self.objectives:
            if objective.name == name:
                return objective
        raise KeyError(name)
