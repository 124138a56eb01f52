"""Civil time that rules refer to: spans, lead times, hours of the week, deadlines."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Span(StrEnum):
    """Stretches of civil time that rules refer to."""

    PERIOD = "period"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    CONTRACT_YEAR = "contract_year"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """Least lead time of an announcement: elapsed time, or civil (business) days."""

    elapsed: int | None = None
    days: int | None = None
    business: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """Hours of the week on the contract's wall clock: `mon-fri 08:00-18:00 except holidays`. 86 400 s = 24:00."""

    weekdays: frozenset[int]
    """Monday 0 … Sunday 6."""
    start: int = 0
    """Seconds of the wall clock since midnight, [start, end)."""
    end: int = 86_400
    except_holidays: bool = False
    text: str = ""


class Anchor(StrEnum):
    OUTAGE_START = "outage start"
    OUTAGE_END = "outage end"
    TICKET_OPENED = "ticket opened"
    TICKET_CLOSED = "ticket closed"
    PERIOD_END = "period end"
    RIGHT_ARISES = "right arises"
    NOTICE = "notice"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """One of: `elapsed` after the anchor (an instant), `days` after it (a civil day), `day_of_next_month`, `end_of_period`."""

    text: str
    anchor: Anchor | None = None
    elapsed: int | None = None
    days: int | None = None
    business: bool = False
    day_of_next_month: int | None = None
    end_of_period: int | None = None
    """`end of 2nd next period` = 2."""
