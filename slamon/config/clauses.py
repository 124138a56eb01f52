"""The keys of a contract as models: which there are, the grammar of their values, what an editor is told. Translated by `contract`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from slamon.config import grammar
from slamon.config.edge import Section
from slamon.config.measures import measured
from slamon.config.values import DURATION_PATTERN, Duration, Text, Texts, number, one, pattern, several
from slamon.sla.terms import PeriodRule
from slamon.sla.terms.conditions import Within as WithinRule
from slamon.sla.terms.outages import BadSlot as BadSlotRule
from slamon.sla.terms.times import Deadline as DeadlineRule
from slamon.sla.terms.times import Lead, Span
from slamon.sla.terms.times import Weekly as WeeklyRule

T = TypeVar("T")

DATE = r"\d{4}-\d{2}-\d{2}"
PERCENT = r"\d+(?:\.\d+)?%"
MONEY = r"\d+(?:\.\d+)? [A-Z]{3}"
SHARE = rf"{PERCENT}|\d+/\d+"
DAYS = r"\d+ (business )?days?"
SIMPLE_GIVE = rf"{SHARE}|{MONEY}|\d+ points?"
GIVE = rf"{SIMPLE_GIVE}|higher of .+ and .+"
QUANTITY = rf"{PERCENT}|{DURATION_PATTERN}|{DAYS}|\d+"
SIDE = "below|at_most|over|at_least"
_NAME = re.compile(r"[^\W_](?:[\w .-]{0,61}[\w.-])?")
CLOCK = r"\d{2}:\d{2}"


def rule(text: str) -> str:
    """The name of an objective, a credit or a condition: a name of one's own, or a measure."""
    try:
        if measured(text) is not None:
            return text
    except ValueError:  # the argument of its measure is wrong: said where the measure is looked up
        return text
    if not _NAME.fullmatch(text):
        raise ValueError(
            "a name has 1 to 63 letters, digits, blanks, `-`, `_` and `.` and begins with a letter or digit"
        )
    return text


def _text(convert: Callable[[str], T], expression: str, *examples: str) -> Any:
    """The annotation of a value written as one text."""
    return BeforeValidator(one(convert)), pattern(expression, *examples)


_MEMBERS = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Composition"}}


def _group(**keys: Any) -> dict[str, Any]:
    return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


COMPOSITION: dict[str, Any] = {
    "description": "A name, or a group that is up while any, all or so many of its members are.",
    "anyOf": [
        {"type": ["string", "number"]},
        _group(any=_MEMBERS),
        _group(all=_MEMBERS),
        _group(at_least={"type": ["integer", "string"]}, of=_MEMBERS),
    ],
}
"""An editor's schema of a composition, which holds others: kept once, as `Composition`."""
IS_COMPOSITION = "is_composition"
"""Stands in the schema of a field for a reference to it: pydantic resolves the references of its own models only."""

_TABLE = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": {"pattern": f"^(?:{QUANTITY})$"},
    "additionalProperties": {"type": "string", "pattern": f"^(?:{GIVE})$"},
}
_THRESHOLD = {"type": ["string", "integer"], "pattern": f"^(?:{QUANTITY})$"}
_CAPS = {
    "type": "object",
    "properties": {span.value: {"type": "string", "pattern": rf"^(?:{SHARE}|{MONEY}|\d+ months?)$"} for span in Span},
    "additionalProperties": False,
}
_LEVEL = {"type": ["string", "integer"], "pattern": rf"^(?:(?:{SIDE}) )?(?:{QUANTITY})$", "examples": ["99.9%", "30ms"]}
_LIST = {"type": "array", "items": {"type": "string"}}
_WEEKLY = {"type": "string", "pattern": rf"^\S+ {CLOCK}-{CLOCK}( except holidays)?$"}

Composed = Annotated[Any, WithJsonSchema({IS_COMPOSITION: True})]
"""Read by `composition`, which knows the names."""
Raw = Any
"""Read later, from the nodes."""
Level = Annotated[Text, WithJsonSchema(_LEVEL)]
Quantity = Annotated[Text, WithJsonSchema(_THRESHOLD)]
TableOrThreshold = Annotated[Any, WithJsonSchema({"anyOf": [_TABLE, _THRESHOLD]})]
Give = Annotated[Text, pattern(GIVE, "10%", "1/30", "100 USD", "5 points", "higher of 5 EUR and 10%")]
Per = Annotated[
    Text, pattern(rf"(started|completed|exact) ({QUANTITY})|nearest [\d.]+ of ({QUANTITY})|each", "started 1h")
]
Rounding = Annotated[Text, pattern(rf"({QUANTITY})( (half_up|half_even|down|up))?", "0.01% down")]
Measure = Annotated[Text, WithJsonSchema({"type": "string"})]
StatisticText = Annotated[
    Text,
    pattern(
        rf"mean|median|max|min|range|mean_abs|last|pooled|p\d+(\.\d+)?|worst {DURATION_PATTERN}|share ({SIDE}) .+",
        "p95",
    ),
]
ClassName = Annotated[Text, pattern(r"\S.*", "maintenance")]
RuleName = Annotated[Text, BeforeValidator(one(rule))]
Zone = Annotated[str, BeforeValidator(one(grammar.zone)), WithJsonSchema({"type": "string"})]
Ratio = Annotated[Fraction, *_text(grammar.ratio, PERCENT, "50%")]
Date = Annotated[date, *_text(grammar.civil_date, DATE, "2026-04-16")]
Length = Annotated[int, *_text(grammar.bounded, DURATION_PATTERN, "30m")]
Failures = Annotated[tuple[int, bool], *_text(grammar.consecutive("after"), r"\d+ (failures?|slots?)", "3 failures")]
Successes = Annotated[
    tuple[int, bool], *_text(grammar.consecutive("until"), r"\d+ (success(es)?|slots?)", "2 successes")
]
BadSlot = Annotated[
    BadSlotRule,
    *_text(
        grammar.bad_slot, rf"loss over {PERCENT}|down whole|down (at_least|over) {DURATION_PATTERN}", "loss over 50%"
    ),
]
Vantages = Annotated[int, BeforeValidator(one(number(1, 1000))), WithJsonSchema({"type": "integer", "minimum": 1})]
Weight = Annotated[tuple[int, str], *_text(grammar.weigh_by, r"\d+ .+", "4000 users")]
Notice = Annotated[Lead, *_text(grammar.lead, rf"{DURATION_PATTERN}|{DAYS}", "240h", "10 days")]
Weekly = Annotated[WeeklyRule, BeforeValidator(one(grammar.weekly)), WithJsonSchema(_WEEKLY)]
Hours = Annotated[
    tuple[Weekly, ...],
    BeforeValidator(several),
    WithJsonSchema({"anyOf": [_WEEKLY, {"type": "array", "minItems": 1, "items": _WEEKLY}]}),
]
Allowance = Annotated[
    tuple[int, Span], *_text(grammar.allowance, rf"{DURATION_PATTERN} per (month|quarter|year)", "4h per month")
]
Deadline = Annotated[
    DeadlineRule,
    *_text(
        grammar.deadline,
        rf"(\d+h|\d+m|\d+h\d+m|{DAYS}) after .+|\d+(st|nd|rd|th) of next month|end of \d+(st|nd|rd|th) next period",
        "7 business days after period end",
    ),
]
Period = Annotated[
    PeriodRule,
    *_text(grammar.period, rf"month|quarter|year|contract year|month from \d+|rolling {DURATION_PATTERN}", "quarter"),
]
Price = Annotated[tuple[Fraction, str, Span], *_text(grammar.price, rf"{MONEY}/(month|quarter|year)", "1000 USD/month")]
Weekdays = Annotated[frozenset[int], *_text(grammar.weekdays, r"[a-z,-]+", "mon-fri")]
Within = Annotated[
    WithinRule,
    *_text(
        grammar.within,
        rf"any {DURATION_PATTERN}|\d+ consecutive periods?|\d+ of \d+ periods?|next \d+ periods?"
        "|every period of (quarter|year)",
        "3 consecutive periods",
    ),
]
Periods = Annotated[int, *_text(grammar.mean_of, r"\d+ periods?", "3 periods")]
Sha256 = Annotated[str, *_text(grammar.sha256, "[0-9a-f]{64}")]
Caps = Annotated[dict[str, Text], WithJsonSchema(_CAPS)]
Threshold = Annotated[
    tuple[bool, Fraction, str], *_text(grammar.minimum_credit, rf"(over|at_least) {MONEY}", "over 1 USD")
]
Holidays = Annotated[
    Texts, WithJsonSchema({"anyOf": [{"type": "string"}, _LIST], "examples": [["2026-12-25"], "holidays.ics", "US-NY"]})
]
CivilSpan = Literal["month", "quarter", "year"]


class Document(Section):
    """The signed paper."""

    file: Text | None = Field(default=None, description="its file")
    sha256: Sha256 | None = Field(default=None, description="SHA-256 of the file")

    REQUIRED: ClassVar[tuple[str, ...]] = ("file",)


class Term(Section):
    """First and last day the contract is in force."""

    from_: Date | None = Field(default=None, alias="from", description="first day")
    to: Date | None = Field(default=None, description="last day")


class Outage(Section):
    """What of the observed down time is an outage."""

    after: Failures | None = Field(
        default=None, description="an outage begins at the first of so many consecutive failures, or bad slots"
    )
    until: Successes | None = Field(
        default=None, description="it ends at the first of so many consecutive successes, or good slots"
    )
    slot: Length | None = Field(default=None, description="judge fixed slots of this length, from the period's start")
    bad_slot: BadSlot | None = Field(default=None, description="when a slot is bad, and down as a whole")
    vantages: Vantages = Field(default=1, description="so many vantage points must see it down")
    at_least: Duration | None = Field(default=None, description="shorter outages do not count")
    over: Duration | None = Field(default=None, description="outages of this length and shorter ones do not count")
    merge_within: Duration = Field(default=0, description="shorter up gaps are bridged before the length is tested")
    starts: Literal["measured", "ticket", "later"] = Field(default="measured", description="the clock it starts by")
    ends: Literal["measured", "ticket", "sooner"] = Field(default="measured", description="the clock it ends by")
    degraded_counts: Ratio = Field(default=Fraction(0), description="weight of degraded time")
    weigh_by: Weight | None = Field(default=None, description="an outage weighs affected/n")
    belongs_to: Literal["start", "end"] = Field(default="start", description="the period that counts it")


class Exclusion(Section):
    """A class of time that does not count."""

    class_: ClassName = Field(alias="class", description="its name; facts of other classes are refused")
    notice: Notice | None = Field(default=None, description="least lead time; shorter voids the whole exclusion")
    hours: Weekly | None = Field(default=None, description="only the part inside is excluded")
    allowance: Allowance | None = Field(default=None, description="the most that is excluded, in time order")
    lodge: Deadline | None = Field(default=None, description="later declarations are refused")


class Objective(Section):
    """One number over the period, with the level that is preferred and the lowest that is acceptable."""

    measure: Measure | None = Field(default=None, description="a measure, or another objective; its own name")
    service: Composed | None = Field(default=None, description="what is measured; the contract's service")
    target: Level | None = Field(default=None, description="preferred level; met on equality unless it says a side")
    minimum: Level | None = Field(default=None, description="lowest acceptable level")
    statistic: StatisticText | None = Field(
        default=None, description="how many samples become one number; required for latency, jitter, loss, restore"
    )
    definition: Literal["pdv", "ipdv", "rfc3550"] | None = Field(default=None, description="what jitter means")
    packets: Literal["received", "all"] | None = Field(
        default=None, description="`all`: a lost packet is infinitely late"
    )
    during: Literal["available", "always"] | None = Field(
        default=None, description="outside outages and exclusions, or everywhere"
    )
    total: Annotated[Text, pattern(rf"in_scope|net|whole_period|{DURATION_PATTERN}", "net", "720h")] | None = Field(
        default=None, description="denominator of availability"
    )
    mean_of: Periods | None = Field(default=None, description="plain mean of the values of so many periods")
    round: Rounding | None = Field(default=None, description="of the value that is judged")
    display: Rounding | None = Field(default=None, description="of the value as it is printed")
    over: Text | None = Field(default=None, description="several targets: the worst, pooled, or one target's name")


class Credit(Section):
    """What is owed when a value is on the wrong side of a threshold: a table, or so much per unit."""

    measure: Measure | None = Field(default=None, description="what is compared; the credit's name")
    below: TableOrThreshold = Field(default=None, description="value < threshold gives")
    at_most: TableOrThreshold = Field(default=None, description="value ≤ threshold gives")
    over: TableOrThreshold = Field(default=None, description="value > threshold gives")
    at_least: TableOrThreshold = Field(default=None, description="value ≥ threshold gives")
    per: Per | None = Field(default=None, description="the unit, and how a fraction of it counts")
    give: Give | None = Field(default=None, description="for each unit")
    cap: Give | None = Field(default=None, description="most this credit gives in a period")


class Bonus(Credit):
    """What the provider earns: a credit the other way round."""

    within: Within | None = Field(default=None, description="where it must hold; the period")


class Condition(Section):
    """A comparison with a consequence."""

    measure: Measure | None = Field(default=None, description="what is compared; the condition's name")
    below: Quantity | None = Field(default=None, description="value < threshold")
    at_most: Quantity | None = Field(default=None, description="value ≤ threshold")
    over: Quantity | None = Field(default=None, description="value > threshold")
    at_least: Quantity | None = Field(default=None, description="value ≥ threshold")
    within: Within | None = Field(default=None, description="where it must hold; the period")


class Termination(Condition):
    """A condition that gives one party the right to end the contract."""

    notice: Deadline | None = Field(default=None, description="give notice by then or the right lapses")
    cure: Deadline | None = Field(default=None, description="cured if the comparison does not hold until then")
    exercise: Deadline | None = Field(default=None, description="terminate by then or the right lapses")
    scope: Literal["service", "contract"] = Field(default="contract", description="what ends")


class Terminate(Section):
    """Who may end the contract, and when."""

    customer: dict[RuleName, Termination] = Field(default={}, description="rights of the customer")
    provider: dict[RuleName, Termination] = Field(default={}, description="rights of the provider")


class Claim(Section):
    """Until when an outage is reported and its credit claimed."""

    report: Deadline | None = Field(default=None, description="the outage is reported by then")
    by: Deadline | None = Field(default=None, description="the credit is claimed by then")


class Reports(Section):
    """Who is told, and when."""

    to: Texts = Field(default=(), description="addresses of both parties")
    due: Deadline | None = Field(default=None, description="the report is sent by then")
    review: CivilSpan | None = Field(default=None, description="how often both parties meet")
    dispute: Deadline | None = Field(default=None, description="the report is disputed by then")


class Contract(Section):
    """What is promised for one service, and what is owed when it is not kept."""

    kind: Literal["sla", "ola", "uc"] = Field(
        default="sla", description="agreement with a customer, between departments, with an underpinning supplier"
    )
    service: Composed | None = Field(default=None, description="what is judged")
    provider: Text | None = Field(default=None, description="who promises")
    customer: Text | None = Field(default=None, description="to whom")
    document: Document | None = Field(default=None, description="the signed paper")
    notes: Texts = Field(default=(), description="interpretation chosen where the paper is unclear")
    effective: Date | None = Field(default=None, description="when this version takes force; the term's start")
    amendments: Raw = Field(default=None, description="later versions: each replaces whole keys")
    timezone: Zone | None = Field(default=None, description="IANA name; decides months, days and hours")
    term: Term | None = Field(default=None, description="first and last day; open")
    period: Period = Field(default=PeriodRule(), description="what is judged at once")
    service_hours: Hours = Field(default=(), description="hours in scope; always")
    holidays: Holidays | None = Field(
        default=None,
        description="dates, files (.ics), or a country (US, US-NY); for business days and `except holidays`",
    )
    business_days: Weekdays = Field(default=frozenset(range(5)), description="days of the week; holidays never count")
    price: Price | None = Field(default=None, description="the charge")
    prorate: Literal["day", "second", "none"] = Field(default="day", description="the charge of a period not whole")
    credit_base: Literal["charge", "paid", "usage", "next_charge", "higher_of_charge_and_usage"] = Field(
        default="charge", description="what a share is a share of"
    )
    outage: Outage = Field(default=Outage(), description="what is an outage")
    unknown: Literal["excluded", "up", "down"] = Field(default="excluded", description="what unmeasured time counts as")
    min_coverage: Ratio = Field(
        default=Fraction(1, 2), description="share of the time that must have been measured before anything is said"
    )
    exclusions: tuple[Exclusion, ...] = Field(
        default=(), description="classes of time that do not count; the first that covers a second owns it"
    )
    objectives: dict[RuleName, Objective] = Field(default={}, description="the numbers")
    credits: dict[RuleName, Credit] = Field(default={}, description="what is owed")
    combine: Literal["sum", "highest", "highest for the same time"] | None = Field(
        default=None, description="how several credits add up; required with more than one"
    )
    caps: Caps | None = Field(default=None, description="most that is owed; {} = no cap")
    minimum_credit: Threshold | None = Field(default=None, description="a smaller sum is not owed at all")
    bonuses: dict[RuleName, Bonus] = Field(default={}, description="what the provider earns")
    earn_back: dict[RuleName, Condition] = Field(default={}, description="while true the period's credit is cancelled")
    withhold: dict[RuleName, Condition] = Field(default={}, description="while true the credit is not payable")
    claim: Claim | None = Field(default=None, description="deadlines of the customer; none = credits are automatic")
    terminate: Terminate | None = Field(default=None, description="who may end the contract, and when")
    reports: Reports | None = Field(default=None, description="who is told, and when")
    supported_by: Composed | None = Field(default=None, description="the contracts this one rests on")

    REQUIRED: ClassVar[tuple[str, ...]] = ("service", "provider", "timezone")
