"""What a comparison leads to besides a credit: earn-back, withholding, bonuses, and who may leave."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from slamon.sla.terms.clause import Clause
from slamon.sla.terms.credits import Credit
from slamon.sla.terms.measures import Side, Subject
from slamon.sla.terms.times import Deadline, Span


class Where(StrEnum):
    """Over what a condition must hold."""

    PERIOD = "period"
    ANY = "any"
    """Any window of `length`."""
    CONSECUTIVE = "consecutive"
    """In each of `n` consecutive periods, the last of them this one."""
    OF = "of"
    """In at least `n` of the last `m` periods."""
    NEXT = "next"
    """In each of the `n` periods that follow."""
    EVERY = "every"
    """In every period of the quarter or year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    where: Where = Where.PERIOD
    length: int | None = None
    n: int | None = None
    m: int | None = None
    span: Span | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A named comparison with a consequence: earn-back, withholding, the ground of a termination."""

    name: str
    subject: Subject
    side: Side
    threshold: Fraction
    clause: Clause
    within: Within = field(default_factory=Within)
    business: bool = False
    """The threshold counts business days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bonus:
    """Like a credit, the other way round; shares are of the window's charges."""

    credit: Credit
    within: Within = field(default_factory=Within)


class Party(StrEnum):
    CUSTOMER = "customer"
    PROVIDER = "provider"


class Scope(StrEnum):
    """What a termination ends."""

    SERVICE = "service"
    CONTRACT = "contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    party: Party
    condition: Condition
    notice: Deadline | None = None
    cure: Deadline | None = None
    exercise: Deadline | None = None
    scope: Scope = Scope.CONTRACT
