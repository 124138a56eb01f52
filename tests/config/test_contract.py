"""Contract clauses → terms: exact values, defaults, what is taken over, what is warned about."""

from __future__ import annotations

from fractions import Fraction

import pytest

from slamon.config.contract import latency_limits, read_contract
from slamon.config.nodes import parse
from slamon.errors import Problem
from slamon.model import HOUR, MS
from slamon.sla.terms import Clause, Combine, Contract, Kind, Measure, Side, Tier, Total, UnknownTime

SIMPLE = """
service: hq-dia
provider: Acme Telecom
timezone: America/New_York
price: 1000 USD/month
objectives:
  availability: {target: 99.9%, minimum: 99.5%}
credits:
  availability: {below: {99.9%: 10%, 99.5%: 25%}}
"""


def contract(text: str) -> tuple[Contract, list[str]]:
    problems: list[Problem] = []
    warnings: list[Problem] = []
    node = parse(text, "dir/slamon.yml", problems)
    assert node is not None
    terms = read_contract("hq", node, problems, services=None, warnings=warnings)
    assert [str(problem) for problem in problems] == []
    assert terms is not None
    return terms, [str(warning) for warning in warnings]


def mistakes(text: str) -> list[str]:
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    assert node is not None
    assert read_contract("hq", node, problems, services={"hq-dia": ("hq-dia/a", "hq-dia/b")}) is None
    return [str(problem) for problem in problems]


def test_the_simple_case_and_its_defaults() -> None:
    terms, warnings = contract(SIMPLE)
    [objective] = terms.objectives
    [credit] = terms.credits
    assert (terms.service, terms.provider, terms.timezone) == ("hq-dia", "Acme Telecom", "America/New_York")
    assert (terms.price, terms.currency, terms.kind) == (Fraction(1000), "USD", Kind.SLA)
    assert (terms.unknown, terms.min_coverage) == (UnknownTime.EXCLUDED, Fraction(1, 2))
    assert (terms.down_after, terms.up_after, terms.exclusions) == (None, None, ())
    assert (objective.measure, objective.total, objective.over) == (Measure.AVAILABILITY, Total.IN_SCOPE, "worst")
    assert (objective.target, objective.minimum) == (Fraction(999, 1000), Fraction(995, 1000))
    assert credit.tiers == (
        Tier(threshold=Fraction(999, 1000), share=Fraction(1, 10)),
        Tier(threshold=Fraction(995, 1000), share=Fraction(1, 4)),
    )
    assert (credit.side, credit.objective, credit.cap) == (Side.BELOW, "availability", None)
    assert (terms.cap, terms.cap_amount, terms.minimum_credit) == (Fraction(1), None, None)
    assert warnings == [
        "dir/slamon.yml:2:1: contracts.hq: no `claim`: every credit is owed without anybody claiming it",
        (
            "dir/slamon.yml:2:1: contracts.hq: no `caps`: the credits of a month are capped at 100% of its charge; "
            "write `caps: {period: 100%}` to say so, or `caps: {}` for no cap"
        ),
    ]


def test_every_clause_knows_where_it_stands_without_folders() -> None:
    terms, _ = contract(SIMPLE + "exclusions: [{class: customer}]\n")
    assert terms.clause == Clause(path="contracts.hq", place="slamon.yml:2")
    assert terms.objectives[0].clause == Clause(path="contracts.hq.objectives.availability", place="slamon.yml:7")
    assert terms.credits[0].clause == Clause(path="contracts.hq.credits.availability", place="slamon.yml:9")
    assert terms.exclusions[0].clause == Clause(path="contracts.hq.exclusions[0]", place="slamon.yml:10")


def test_every_key() -> None:
    terms, warnings = contract(
        """
kind: uc
service: line
provider: Acme
customer: Us
timezone: Asia/Tokyo
price: 120000 JPY/month
notes: [first, second]
unknown: down
min_coverage: 80%
outage: {after: 5 failures, until: 1 success}
exclusions: [{class: customer}, {class: force_majeure}]
objectives:
  availability: {target: 99.9%, total: 720h}
  net: {measure: availability, total: net}
  again: {measure: net, target: 99%}
  latency: {target: 30ms, minimum: 60ms, statistic: p99.9, over: pooled}
  mean: {measure: latency, statistic: mean, target: 20ms}
  loss: {target: 0.1%, statistic: pooled, over: anchor}
credits:
  availability: {at_most: {99.9%: 1/30, 99%: 5000 JPY}, cap: 50%}
  slow: {measure: latency, over: {30ms: 5%, 60ms: 10%}}
  loss: {at_least: {1%: 10%}}
combine: highest
caps: {month: 60000 JPY}
minimum_credit: at_least 100 JPY
"""
    )
    assert (terms.kind, terms.customer, terms.notes) == (Kind.UC, "Us", ("first", "second"))
    assert (terms.unknown, terms.min_coverage) == (UnknownTime.DOWN, Fraction(4, 5))
    assert (terms.down_after, terms.up_after) == (5, 1)
    assert [exclusion.name for exclusion in terms.exclusions] == ["customer", "force_majeure"]
    by_name = {objective.name: objective for objective in terms.objectives}
    assert by_name["availability"].total == 720 * HOUR
    assert (by_name["net"].total, by_name["net"].target) == (Total.NET, None)
    assert (by_name["again"].total, by_name["again"].target) == (Total.NET, Fraction(99, 100))
    latency, mean = by_name["latency"], by_name["mean"]
    assert (latency.statistic, latency.over, latency.target) == ("p99.9", "pooled", Fraction(30 * MS))
    assert (mean.measure, mean.statistic, mean.over, mean.minimum) == (Measure.LATENCY, "mean", "pooled", None)
    assert by_name["loss"].over == "anchor"
    availability, slow, loss = terms.credits
    assert availability.tiers == (
        Tier(threshold=Fraction(999, 1000), share=Fraction(1, 30)),
        Tier(threshold=Fraction(99, 100), amount=Fraction(5000)),
    )
    assert (availability.side, availability.cap) == (Side.AT_MOST, Fraction(1, 2))
    assert (slow.side, slow.objective, slow.tiers[1].threshold) == (Side.OVER, "latency", Fraction(60 * MS))
    assert loss.side is Side.AT_LEAST
    assert terms.combine is Combine.HIGHEST
    assert (terms.cap, terms.cap_amount) == (None, Fraction(60000))
    assert (terms.minimum_credit, terms.minimum_credit_exclusive) == (Fraction(100), False)
    assert latency_limits([terms]) == (20 * MS, 30 * MS, 60 * MS)
    assert len(warnings) == 1


def test_no_cap_is_said_and_not_assumed() -> None:
    terms, warnings = contract(SIMPLE + "caps: {}\n")
    assert (terms.cap, terms.cap_amount) == (None, None)
    assert len(warnings) == 1


def test_a_promise_without_money_is_not_warned_about() -> None:
    terms, warnings = contract("service: a\nprovider: b\ntimezone: UTC\nobjectives: {availability: {target: 99%}}\n")
    assert warnings == []
    assert terms.price is None
    assert latency_limits([terms]) == ()


def test_money_alone_needs_no_price_when_the_cap_is_said() -> None:
    terms, _ = contract(
        "service: a\nprovider: b\ntimezone: UTC\ncredits: {availability: {below: {99%: 9.98 GBP}}}\ncaps: {}\n"
    )
    assert (terms.price, terms.currency) == (None, "GBP")
    assert terms.credits[0].tiers[0].amount == Fraction(499, 50)
    # a credit over the built-in measure brings its objective along
    assert [objective.name for objective in terms.objectives] == ["availability"]


def test_the_hash_is_of_the_terms_and_nothing_else() -> None:
    terms, _ = contract(SIMPLE)
    reordered = (
        "# signed in May\n"
        + "\n".join(reversed(SIMPLE.strip().split("\nobjectives")[0].split("\n")))
        + "\nobjectives"
        + SIMPLE.split("\nobjectives")[1]
    )
    same, _ = contract(reordered)
    other, _ = contract(SIMPLE.replace("99.9%: 10%", "99.9%: 11%"))
    assert len(terms.text_sha256) == 64
    assert same.text_sha256 == terms.text_sha256
    assert other.text_sha256 != terms.text_sha256


def test_references_are_checked_against_the_services() -> None:
    latency = "\n  latency: {target: 30ms, statistic: mean, over: c}"
    found = mistakes(SIMPLE.replace("hq-dia", "hq-dai").replace("99.5%}", "99.5%}" + latency, 1))
    assert found == ["f.yml:2:10: contracts.hq.service: there is no such service (got 'hq-dai'); did you mean hq-dia?"]
    found = mistakes(SIMPLE.replace("99.5%}", "99.5%}" + latency, 1))
    assert found == [
        (
            "f.yml:8:50: contracts.hq.objectives.latency.over: the service hq-dia has no such target (got 'c'); "
            "write one of a, b, pooled, worst"
        )
    ]


@pytest.mark.parametrize("over", ["b", "hq-dia/b"])
def test_a_target_is_named_by_its_key_or_in_full(over: str) -> None:
    text = SIMPLE.replace("99.5%}", "99.5%}\n  latency: {target: 30ms, statistic: mean, over: " + over + "}", 1)
    problems: list[Problem] = []
    node = parse(text, "f.yml", problems)
    assert node is not None
    terms = read_contract("hq", node, problems, services={"hq-dia": ("hq-dia/a", "hq-dia/b")})
    assert terms is not None
    assert terms.objectives[1].over == "hq-dia/b"


def test_all_mistakes_of_a_contract_at_once() -> None:
    found = mistakes(
        SIMPLE.replace("99.9%: 10%, 99.5%: 25%", "99.5%: 25%, 99.9%: 10")
        .replace("minimum: 99.5%", "minimum: 99.95%")
        .replace("provider", "providre")
        .replace("1000 USD/month", "1000")
    )
    assert sorted(line.split(" ", 1)[0] + " " + line.split(": ")[1] for line in found) == [
        "f.yml:2:1: contracts.hq",
        "f.yml:3:1: contracts.hq.providre",
        "f.yml:5:8: contracts.hq.price",
        "f.yml:7:42: contracts.hq.objectives.availability.minimum",
        "f.yml:9:38: contracts.hq.credits.availability.below.99.9%",
        "f.yml:9:45: contracts.hq.credits.availability.below.99.9%",
    ]


def test_a_contract_that_is_no_mapping() -> None:
    assert mistakes("just text\n") == [
        "f.yml:1:1: contracts.hq: this must be a mapping (lines of `key: value`) (got 'just text')"
    ]
