"""What is owed: gives, credits, how they add up, and caps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms.clause import Clause
from slamon.sla.terms.measures import Side, Subject
from slamon.sla.terms.times import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """What an entry gives: exactly one of a share of the base, an amount, points, or the higher of two."""

    share: Fraction | None = None
    amount: Fraction | None = None
    points: int | None = None
    higher: tuple[Give, Give] | None = None

    @property
    def money(self) -> bool:
        return self.points is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A give that applies once the value is on the credit's side of the threshold."""

    threshold: Fraction
    give: Give
    business: bool = False
    """The threshold counts business days."""


class Count(StrEnum):
    """How a fraction of a unit counts."""

    STARTED = "started"
    COMPLETED = "completed"
    EXACT = "exact"
    NEAREST = "nearest"
    EACH = "each"


@dataclass(frozen=True, slots=True, kw_only=True)
class Per:
    """The unit something is given for."""

    count: Count
    unit: Fraction = Fraction(1)
    """In the unit of the measure; 1 for `each`."""
    step: Fraction | None = None
    """`nearest 0.0001 of 720h`: units are rounded half up to a multiple of it."""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A table (`tiers`: the furthest threshold reached gives) or per unit (`per` and `give`, from `threshold` or zero)."""

    name: str
    subject: Subject
    clause: Clause
    side: Side | None = None
    """None only for per unit from zero."""
    tiers: tuple[Tier, ...] = ()
    """In order of growing severity."""
    per: Per | None = None
    threshold: Fraction | None = None
    give: Give | None = None
    cap: Give | None = None
    """Of this credit alone, in one period."""

    @property
    def gives(self) -> tuple[Give, ...]:
        return tuple(tier.give for tier in self.tiers) if self.give is None else (self.give,)

    @property
    def money(self) -> bool:
        """False for a credit in points."""
        return all(give.money for give in self.gives)


class Combine(StrEnum):
    SUM = "sum"
    HIGHEST = "highest"
    SAME_TIME = "highest for the same time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Most that all credits of a span give, spent in time order: a share of the span's charges, an amount, or months of charge."""

    span: Span
    clause: Clause
    share: Fraction | None = None
    amount: Fraction | None = None
    months: int | None = None


class CreditBase(StrEnum):
    """What a share is a share of."""

    CHARGE = "charge"
    PAID = "paid"
    USAGE = "usage"
    NEXT_CHARGE = "next_charge"
    HIGHER = "higher_of_charge_and_usage"
