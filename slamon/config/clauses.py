"""The keys of a contract as models: their grammar and what of the contract language is built. Translated to terms by `contract`."""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from slamon import units
from slamon.config.edge import Section
from slamon.config.reader import nearest
from slamon.config.values import DURATION_PATTERN, Name, Text, Texts, name, one, pattern

PERCENT = r"\d+(?:\.\d+)?%"
MONEY = r"\d+(?:\.\d+)? [A-Z]{3}"
SHARE = rf"{PERCENT}|\d+/\d+"

LATER_MEASURES = re.compile(
    r"downtime|each outage|outages|outages (over|at_least) .*|days with outage.*|each day out|jitter|restore|notify"
    r"|excess of .*|bad slots|runs of .*|points|tickets|overdue|breach of .*"
)
"""Measures of the contract language that are not built yet."""

FAILURE_RULES = {"after": "failures", "until": "successes"}


@cache
def zones() -> frozenset[str]:
    """Names of the zones in the pinned tzdata package, the only rules statements are judged by."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").split())


def rule(text: str) -> str:
    """The name of an objective or a credit: a name of one's own, or a measure."""
    return text if LATER_MEASURES.fullmatch(text) else name(text)


def zone(text: str) -> str:
    if text in zones():
        return text
    near = nearest(text, zones())
    raise ValueError(
        f"not a time zone of the IANA database; {f'did you mean {near}?' if near else 'write for example Europe/Paris'}"
    )


def service(value: object) -> object:
    if isinstance(value, dict):
        raise ValueError("a composition of services is not yet supported; name one service and give it `up_when`")  # noqa: TRY004
    return value


def price(text: str) -> tuple[Fraction, str]:
    """`1000 USD/month` → (1000, "USD")."""
    amount, currency, per = units.price(text)
    if per != "month":
        raise ValueError(f"a price per {per} is not yet supported; write the charge of one month")
    if amount < 0:
        raise ValueError("a price is not negative; write for example 1000 USD/month")
    return amount, currency


def consecutive(key: str) -> Any:
    """A converter of `3 failures` or `1 success`."""
    plural = FAILURE_RULES[key]
    singular = plural.removesuffix("s") if plural == "failures" else "success"

    def convert(text: str) -> int:
        number, _, word = text.partition(" ")
        if word in {"slot", "slots"}:
            raise ValueError(f"slots are not yet supported; write for example 3 {plural}")
        if not re.fullmatch(r"[1-9]\d{0,3}", number) or word not in {singular, plural}:
            raise ValueError(f"not a number of {plural}; write for example 3 {plural}")
        return int(number)

    return convert


def statistic(text: str) -> str:
    if text in {"mean", "pooled"}:
        return text
    if re.fullmatch(r"median|max|min|range|mean_abs|last|worst .*|share .*", text):
        raise ValueError("this statistic is not yet supported; write mean, pooled or a percentile such as p95")
    match = re.fullmatch(r"p(\d{1,3}(?:\.\d{1,6})?)", text)
    if not match or not 0 < Fraction(match[1]) <= 100:
        raise ValueError("not a statistic; write mean, pooled or a percentile such as p95")
    return text


def combine(text: str) -> str:
    if text == "highest for the same time":
        raise ValueError("not yet supported; write sum or highest")
    if text not in {"sum", "highest"}:
        raise ValueError("not one of sum, highest; write sum to add the credits up, highest to pay only the largest")
    return text


def minimum_credit(text: str) -> tuple[bool, Fraction, str]:
    """`over 1 USD` → (exclusive, amount, currency)."""
    side, _, amount = text.partition(" ")
    if side not in {"over", "at_least"}:
        raise ValueError("the side is not said; write over 1 USD or at_least 1 USD")
    return side == "over", *units.money(amount)


def total(text: str) -> str | int:
    if text in {"in_scope", "net"}:
        return text
    if text == "whole_period":
        raise ValueError("not yet supported; write in_scope, net or a duration such as 720h")
    try:
        fixed = units.duration(text)
    except ValueError as error:
        raise ValueError("not a denominator; write in_scope, net or a duration such as 720h") from error
    if fixed == 0:
        raise ValueError("a denominator cannot be zero; write in_scope, net or a duration such as 720h")
    return fixed


def coverage(text: str) -> Fraction:
    value = units.percent(text)
    if value > 1:
        raise ValueError("more than 100%; write for example 50%")
    return value


_QUANTITY = pattern(rf"{PERCENT}|{DURATION_PATTERN}", "99.9%", "30ms")
_TABLE = WithJsonSchema(
    {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": f"^(?:{PERCENT}|{DURATION_PATTERN})$"},
        "additionalProperties": {"type": "string", "pattern": f"^(?:{SHARE}|{MONEY})$"},
    }
)
_CAPS = WithJsonSchema(
    {
        "type": "object",
        "maxProperties": 1,
        "properties": {key: {"type": "string", "pattern": f"^(?:{SHARE}|{MONEY})$"} for key in ("period", "month")},
        "additionalProperties": False,
    }
)

Quantity = Annotated[Text, _QUANTITY]
Table = Annotated[Any, _TABLE]
ClassName = Name
Failures = Annotated[int, BeforeValidator(one(consecutive("after"))), pattern(r"\d+ failures?", "3 failures")]
Successes = Annotated[int, BeforeValidator(one(consecutive("until"))), pattern(r"\d+ success(es)?", "2 successes")]
Statistic = Annotated[str, BeforeValidator(one(statistic)), pattern(r"mean|pooled|p\d+(\.\d+)?", "p95")]
Denominator = Annotated[
    str | int, BeforeValidator(one(total)), pattern(rf"in_scope|net|{DURATION_PATTERN}", "net", "720h")
]
Share = Annotated[Text, pattern(SHARE, "50%")]
RuleName = Annotated[Text, BeforeValidator(one(rule))]
ServiceName = Annotated[Text, BeforeValidator(service)]
Zone = Annotated[str, BeforeValidator(one(zone)), WithJsonSchema({"type": "string"})]
Price = Annotated[tuple[Fraction, str], BeforeValidator(one(price)), pattern(rf"{MONEY}/month", "1000 USD/month")]
Coverage = Annotated[Fraction, BeforeValidator(one(coverage)), pattern(PERCENT, "50%")]
Combine = Annotated[str, BeforeValidator(one(combine)), WithJsonSchema({"enum": ["sum", "highest"]})]
Caps = Annotated[dict[str, Text], _CAPS]
Threshold = Annotated[
    tuple[bool, Fraction, str],
    BeforeValidator(one(minimum_credit)),
    pattern(rf"(over|at_least) {MONEY}", "over 1 USD"),
]


class Outage(Section):
    """When the contract's outage begins and ends; without it every target's own rule holds."""

    after: Failures | None = Field(
        default=None, description="an outage begins at the first of so many consecutive failures"
    )
    until: Successes | None = Field(default=None, description="it ends at the first of so many consecutive successes")

    LATER: ClassVar[tuple[str, ...]] = (
        *("slot", "bad_slot", "vantages", "at_least", "over", "merge_within", "starts", "ends", "degraded_counts"),
        *("weigh_by", "belongs_to"),
    )


class Exclusion(Section):
    """A class of time that does not count."""

    class_: ClassName = Field(alias="class", description="its name; facts of other classes are refused")

    LATER: ClassVar[tuple[str, ...]] = ("notice", "hours", "allowance", "lodge")


class Objective(Section):
    """One number over the period, with the level that is preferred and the lowest that is acceptable."""

    measure: Text | None = Field(
        default=None, description="availability, latency, loss, or another objective; its own name"
    )
    target: Quantity | None = Field(default=None, description="preferred level; met on equality")
    minimum: Quantity | None = Field(default=None, description="lowest acceptable level; met on equality")
    statistic: Statistic | None = Field(
        default=None, description="mean, pooled, or a percentile; required for latency and loss"
    )
    total: Denominator | None = Field(default=None, description="denominator of availability")
    over: Text | None = Field(default=None, description="several targets: the worst, pooled, or one target's name")

    LATER: ClassVar[tuple[str, ...]] = ("service", "definition", "packets", "during", "mean_of", "round", "display")


class Credit(Section):
    """What is owed when an objective is missed: the furthest threshold reached gives."""

    measure: Text | None = Field(default=None, description="the objective whose value is compared; the credit's name")
    below: Table = Field(default=None, description="value < threshold gives; for availability")
    at_most: Table = Field(default=None, description="value ≤ threshold gives; for availability")
    over: Table = Field(default=None, description="value > threshold gives; for latency and loss")
    at_least: Table = Field(default=None, description="value ≥ threshold gives; for latency and loss")
    cap: Share | None = Field(default=None, description="most this credit gives in a period")

    LATER: ClassVar[tuple[str, ...]] = ("per", "give")


class Contract(Section):
    """What is promised for one service, and what is owed when it is not kept."""

    kind: Literal["sla", "ola", "uc"] = Field(
        default="sla", description="agreement with a customer, between departments, with an underpinning supplier"
    )
    service: ServiceName | None = Field(default=None, description="what is judged")
    provider: Text | None = Field(default=None, description="who promises")
    customer: Text | None = Field(default=None, description="to whom")
    notes: Texts = Field(default=(), description="interpretation chosen where the paper is unclear")
    timezone: Zone | None = Field(default=None, description="IANA name; decides where months begin")
    price: Price | None = Field(default=None, description="the charge of one month")
    unknown: Literal["excluded", "up", "down"] = Field(default="excluded", description="what unmeasured time counts as")
    min_coverage: Coverage = Field(
        default=Fraction(1, 2), description="share of the time that must have been measured before anything is said"
    )
    outage: Outage = Field(default=Outage(), description="when an outage begins and ends")
    exclusions: tuple[Exclusion, ...] = Field(
        default=(), description="classes of time that do not count; the first that covers a second owns it"
    )
    objectives: dict[RuleName, Objective] = Field(default={}, description="the numbers")
    credits: dict[RuleName, Credit] = Field(default={}, description="what is owed")
    combine: Combine | None = Field(default=None, description="how several credits add up; required with more than one")
    caps: Caps | None = Field(default=None, description="most that is owed; {} = no cap")
    minimum_credit: Threshold | None = Field(default=None, description="a smaller sum is not owed at all")

    REQUIRED: ClassVar[tuple[str, ...]] = ("service", "provider", "timezone")
    LATER: ClassVar[tuple[str, ...]] = (
        *("document", "effective", "amendments", "term", "period", "service_hours", "holidays", "business_days"),
        *(
            "prorate",
            "credit_base",
            "bonuses",
            "earn_back",
            "withhold",
            "claim",
            "terminate",
            "reports",
            "supported_by",
        ),
    )
