"""What incentives, rights and yearly caps may ask about other periods of the same contract. Implemented by `account`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Protocol

from slamon.sla.facts import Facts
from slamon.sla.lines import CreditLine, Period
from slamon.sla.measured import Incident, Measured
from slamon.sla.terms import Contract
from slamon.sla.timeline import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Charged:
    """The money of one period, exact; None where the contract has none."""

    charge: Fraction | None
    """By the price, prorated, or as billed."""
    base: Fraction | None
    """What a share is a share of, by `credit_base`."""


class History(Protocol):
    """Everything a contract was measured at, by period, as known at `as_of`. Answers are computed once and remembered."""

    @property
    def contract(self) -> Contract: ...

    @property
    def facts(self) -> Facts: ...

    @property
    def as_of(self) -> int: ...

    @property
    def known_from(self) -> int:
        """Nothing is known, stated or agreed before this instant; periods that end by then say nothing."""

    def version(self, period: Period) -> Contract:
        """The terms in force at the period's start."""

    def measured(self, period: Period) -> Measured: ...

    def charged(self, period: Period) -> Charged: ...

    def lines(self, period: Period) -> tuple[CreditLine, ...]:
        """The credits of a period, those of points included, before `combine` and caps."""

    def credit(self, period: Period) -> Decimal:
        """What a period gives after `combine`, `minimum_credit` and caps; 0 without money."""

    def incidents(self, start: int, end: int) -> tuple[Incident, ...]:
        """The outages that begin in `[start, end)` and of which something counts, whole."""

    def downtime(self, start: int, end: int) -> Spans:
        """When something counted in `[start, end)`, clipped to it."""
