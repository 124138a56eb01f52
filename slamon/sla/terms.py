"""The contract as values: what is promised, what does not count, what is owed and who may leave. Exact; translated from YAML by `config`.

A quantity is always a `Fraction` in the unit of its measure: a ratio 0..1, nanoseconds, a number, or civil days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TypeAlias


class Kind(StrEnum):
    SLA = "sla"
    OLA = "ola"
    UC = "uc"


class UnknownTime(StrEnum):
    """What unmeasured time counts as."""

    EXCLUDED = "excluded"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """Where a rule stands, so that every line of a statement can point at it."""

    path: str
    """`contracts.hq.credits.availability`."""
    place: str = ""
    """`slamon.yml:42`, empty for terms not read from a file."""


# --- what is judged -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Up while at least `need` of its members are. `any` is need 1, `all` is need = their number."""

    of: tuple[Composition, ...]
    need: int


Composition: TypeAlias = str | Group
"""The name of a service (or, in `supported_by`, of a contract), or a group of compositions."""


def names(composition: Composition) -> tuple[str, ...]:
    """Every name in a composition once, in the order written."""
    if isinstance(composition, str):
        return (composition,)
    return tuple(dict.fromkeys(name for member in composition.of for name in names(member)))


def described(composition: Composition) -> str:
    """As text for people and labels: `hq-dia`, `any of (port-a, port-b)`, `2 of (a, b, c)`."""
    if isinstance(composition, str):
        return composition
    members = ", ".join(map(described, composition.of))
    word = {1: "any", len(composition.of): "all"}.get(composition.need, str(composition.need))
    return f"{word} of ({members})"


# --- measures and quantities --------------------------------------------------------------------------------------------------


class Dimension(StrEnum):
    """The unit a measure's quantities are in."""

    RATIO = "ratio"
    DURATION = "duration"
    """Nanoseconds."""
    COUNT = "count"
    DAYS = "days"
    """Civil days of the contract's zone."""


class Measure(StrEnum):
    """What a number is of. The values are the words of the contract language up to their argument."""

    AVAILABILITY = "availability"
    DOWNTIME = "downtime"
    """Chargeable, cumulative."""
    EACH_OUTAGE = "each outage"
    """An entry about it applies to each outage by itself."""
    OUTAGES = "outages"
    DAYS_WITH_OUTAGE = "days with outage"
    EACH_DAY_OUT = "each day out"
    LATENCY = "latency"
    JITTER = "jitter"
    LOSS = "loss"
    RESTORE = "restore"
    NOTIFY = "notify"
    EXCESS = "excess of"
    """(value − target) / target of an objective."""
    BAD_SLOTS = "bad slots"
    """In available time."""
    RUNS = "runs of bad slots"
    """Runs of at least n bad slots in available time."""
    POINTS = "points"
    TICKETS = "tickets"
    OVERDUE = "overdue"
    BREACH = "breach of"


DIMENSION: dict[Measure, Dimension] = {
    Measure.AVAILABILITY: Dimension.RATIO,
    Measure.DOWNTIME: Dimension.DURATION,
    Measure.EACH_OUTAGE: Dimension.DURATION,
    Measure.OUTAGES: Dimension.COUNT,
    Measure.DAYS_WITH_OUTAGE: Dimension.COUNT,
    Measure.EACH_DAY_OUT: Dimension.DAYS,
    Measure.LATENCY: Dimension.DURATION,
    Measure.JITTER: Dimension.DURATION,
    Measure.LOSS: Dimension.RATIO,
    Measure.RESTORE: Dimension.DURATION,
    Measure.NOTIFY: Dimension.DURATION,
    Measure.EXCESS: Dimension.RATIO,
    Measure.BAD_SLOTS: Dimension.COUNT,
    Measure.RUNS: Dimension.COUNT,
    Measure.POINTS: Dimension.COUNT,
    Measure.TICKETS: Dimension.COUNT,
    Measure.OVERDUE: Dimension.DAYS,
    Measure.BREACH: Dimension.DAYS,
}

FALLING = frozenset({Measure.AVAILABILITY})
"""Measures that get worse as they fall; all others get worse as they rise."""

SAMPLED = frozenset({Measure.LATENCY, Measure.JITTER, Measure.LOSS})
"""Measures read from packets."""


class Side(StrEnum):
    """On which side of a threshold a value must lie; equality satisfies `at_least` and `at_most` only."""

    BELOW = "below"
    AT_MOST = "at_most"
    OVER = "over"
    AT_LEAST = "at_least"

    def reached(self, value: Fraction | int, threshold: Fraction | int) -> bool:
        match self:
            case Side.BELOW:
                return value < threshold
            case Side.AT_MOST:
                return value <= threshold
            case Side.OVER:
                return value > threshold
            case _:  # at least
                return value >= threshold


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a credit, a bonus or a condition compares with its thresholds."""

    measure: Measure
    objective: str | None = None
    """The objective whose value it is: for availability, latency, jitter, loss, restore, notify and `excess of` always set."""
    side: Side | None = None
    length: int | None = None
    """`outages over D`, `days with outage at_least D`: nanoseconds; both None = every outage."""
    run: int = 1
    """`runs of n bad slots`."""
    duty: str = ""
    """`breach of <duty>`."""

    @property
    def dimension(self) -> Dimension:
        return DIMENSION[self.measure]


class RoundingMode(StrEnum):
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """To a multiple of `step`, in the unit of the measure (0.01 % is 1/10000). Ties and signs: away from zero is up."""

    step: Fraction
    mode: RoundingMode = RoundingMode.HALF_UP


# --- objectives ---------------------------------------------------------------------------------------------------------------


class Total(StrEnum):
    """The denominator of availability."""

    IN_SCOPE = "in_scope"
    """Time in scope − unmeasured; excluded time counts as available."""
    NET = "net"
    """That − excluded."""
    WHOLE_PERIOD = "whole_period"
    """Not cut to the contract's term: the days before and after it count as up."""


class Form(StrEnum):
    """How many samples become one number."""

    MEAN = "mean"
    MEDIAN = "median"
    MAX = "max"
    MIN = "min"
    RANGE = "range"
    MEAN_ABS = "mean_abs"
    LAST = "last"
    POOLED = "pooled"
    PERCENTILE = "percentile"
    WORST = "worst"
    SHARE = "share"


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    form: Form
    text: str
    """As written: `p95`, `worst 15m`, `share over 10ms`."""
    p: Fraction | None = None
    """`p95` = 95/100: the smallest x with EDF(x) ≥ p."""
    window: int | None = None
    """`worst D`: of any continuous window of that length, nanoseconds."""
    side: Side | None = None
    threshold: Fraction | None = None
    """`share over Q`: the share of samples on that side."""


class Variation(StrEnum):
    """What `jitter` means (RFC 3393, RFC 5481, RFC 3550)."""

    PDV = "pdv"
    """D(i) − D(min) over the period."""
    IPDV = "ipdv"
    """D(i) − D(i−1); undefined beside a lost packet."""
    RFC3550 = "rfc3550"
    """J += (|D| − J)/16."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """What an objective must reach: `side` is the good one. A bare level is met on equality."""

    value: Fraction
    side: Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One number over the period."""

    name: str
    measure: Measure
    clause: Clause
    subject: Subject | None = None
    """For a measure with an argument (`outages over 30m`, `runs of 2 bad slots`, `excess of latency`); else None."""
    base: str | None = None
    """The objective it is measured on, when it only averages, rounds or shows that one's judged value."""
    service: Composition | None = None
    """None = the contract's."""
    target: Level | None = None
    minimum: Level | None = None
    statistic: Statistic | None = None
    definition: Variation | None = None
    packets_all: bool = False
    """A lost packet is infinitely late: a percentile may be undefined."""
    always: bool = False
    """Outages and exclusions are judged as well; False = available time only."""
    total: Total | int = Total.IN_SCOPE
    """Availability only; an int is a fixed denominator in nanoseconds."""
    mean_of: int = 1
    """Plain mean of the values of so many periods, this one included; undefined until there are so many."""
    round: Rounding | None = None
    """Of the value that verdicts, conditions and objectives built on it read."""
    display: Rounding | None = None
    over: str = "worst"
    """Several targets: `worst` (the worst measured target is the value and is named), `pooled`, or a target's name."""

    @property
    def dimension(self) -> Dimension:
        """Of its value and levels; a share of samples is a ratio, whatever is sampled."""
        shares = self.statistic is not None and self.statistic.form is Form.SHARE
        return Dimension.RATIO if shares else DIMENSION[self.measure]


# --- outages and exclusions ---------------------------------------------------------------------------------------------------


class SlotRule(StrEnum):
    LOSS = "loss over"
    DOWN_WHOLE = "down whole"
    DOWN = "down"
    """Down at_least or over a duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadSlot:
    """When a slot is bad: the pooled loss in it, or how long the service was down in it."""

    rule: SlotRule
    side: Side = Side.OVER
    threshold: Fraction = Fraction(0)
    """A ratio for `loss over`, nanoseconds for `down`."""


class Clock(StrEnum):
    """Which instant an outage starts or ends at."""

    MEASURED = "measured"
    TICKET = "ticket"
    LATER = "later"
    SOONER = "sooner"


class BelongsTo(StrEnum):
    START = "start"
    END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutageRule:
    """What of the observed down time is an outage."""

    after: int | None = None
    """Consecutive failures (with `slot`: bad slots) that begin one; None = each target's own rule (with `slot`: 1)."""
    until: int | None = None
    slot: int | None = None
    """Length of a judged slot in nanoseconds, aligned to the period's start."""
    bad_slot: BadSlot | None = None
    vantages: int = 1
    """So many vantage points must see it."""
    side: Side | None = None
    length: int = 0
    """AT_LEAST or OVER so many nanoseconds, tested on the whole outage; side None = any length counts."""
    merge_within: int = 0
    """Up gaps shorter than this are bridged before the length is tested."""
    starts: Clock = Clock.MEASURED
    ends: Clock = Clock.MEASURED
    degraded_counts: Fraction = Fraction(0)
    """Weight of degraded time."""
    weigh_by: int | None = None
    """An outage weighs affected/n."""
    weigh_noun: str = ""
    belongs_to: BelongsTo = BelongsTo.START

    def qualifies(self, length: int) -> bool:
        return self.side is None or self.side.reached(length, self.length)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExclusionClass:
    """A class of time that does not count; the order in the contract is the precedence of attribution."""

    name: str
    clause: Clause
    notice: Lead | None = None
    """Shorter notice voids the whole exclusion; equality is enough."""
    hours: Weekly | None = None
    """Only the part inside is excluded."""
    allowance: int | None = None
    """Nanoseconds a month, quarter or year, consumed in time order."""
    allowance_per: Span | None = None
    lodge: Deadline | None = None
    """Declarations lodged later are refused."""


# --- deadlines ----------------------------------------------------------------------------------------------------------------


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


# --- gives --------------------------------------------------------------------------------------------------------------------


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


# --- conditions ---------------------------------------------------------------------------------------------------------------


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


# --- the contract -------------------------------------------------------------------------------------------------------------


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
