"""The agreement both parties sign says of its supporting contracts what its statements say."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from slamon.model import S
from slamon.report.document import markdown
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, Group
from slamon.sla.terms.measures import Side
from slamon.sla.terms.objectives import Level, Objective
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Lead
from tests.config.contracts import HEAD, PRICED, terms_of
from tests.sla.build import HERE, availability, contract, declared, loss, period

OVER = replace(availability(None), target=Level(value=Fraction(999, 1000), side=Side.OVER))
EAST = availability("99", name="east", service="port-a")


def underpinned(*objectives: Objective, on: Composition = "below", **below: Contract) -> tuple[str, Statement]:
    """Section 14 of the document, and a statement of the same contract."""
    terms = contract(supported_by=on, objectives=objectives)
    text = markdown(terms, "", others=below)
    found = evaluate(terms, declared(), period(0, 10), 10 * S, others=below)
    return text.partition("## 14.")[2].partition("## 15.")[0], found


@pytest.mark.parametrize(
    ("objectives", "below", "promise", "said"),
    [
        (
            (OVER,),
            (availability("99.9"),),
            False,
            "99.900000%; this agreement promises > 99.9%: it is **not** supported.",
        ),
        ((OVER,), (availability("99.91"),), True, "99.910000%; this agreement promises > 99.9%: it is supported."),
        ((availability("99.9"),), (availability("99.9"),), True, "promises ≥ 99.9%: it is supported."),
        ((EAST, availability("99.9")), (availability("99.5"),), False, "promises ≥ 99.9%: it is **not** supported."),
        (
            (availability("99"),),
            (EAST, availability("98")),
            False,
            "98.000000%; this agreement promises ≥ 99%: it is **not**",
        ),
        ((availability(None, "99"),), (availability("99.9"),), None, "99.900000%; this agreement has no target of"),
        ((loss("1"),), (availability(None, "99.9"),), None, "99.900000%; this agreement has no target of"),
        ((availability("99.9"),), (loss("1"),), None, ""),
    ],
)
def test_the_document_and_the_statement_agree_on_what_is_supported(
    objectives: tuple[Objective, ...], below: tuple[Objective, ...], promise: bool | None, said: str
) -> None:
    text, statement = underpinned(*objectives, below=contract(objectives=below))
    assert statement.promise is promise
    assert ("it is **not** supported" in text, "it is supported" in text) == (promise is False, promise is True)
    assert said in text
    assert ("Together they can support" in text) == (statement.supportable is not None)


def test_what_falls_short_by_a_hair_does_not_look_like_what_is_promised() -> None:
    a = contract(objectives=[replace(availability(), target=Level(value=1 - Fraction(1, 10**11), side=Side.AT_LEAST))])
    b = contract(objectives=[availability("99.9")])
    text, statement = underpinned(availability("99.9"), on=Group(of=("a", "b"), need=2), a=a, b=b)
    assert statement.promise is False
    assert "Together they can support 99.899999999%; this agreement promises ≥ 99.9%: it is **not** supported." in text
    assert re.search(r"^\| a \| \S+ \| 99\.999999999% \|$", text, re.MULTILINE)


def test_one_day_is_no_days() -> None:
    classes = (
        ExclusionClass(name="maintenance", clause=HERE, notice=Lead(days=1, business=True)),
        ExclusionClass(name="customer", clause=HERE, notice=Lead(days=2)),
    )
    text = markdown(replace(contract(), exclusions=classes), "")
    assert "notice of at least 1 business day." in text
    assert "notice of at least 2 days." in text


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        pytest.param(
            "objectives: {slow: {measure: latency, statistic: share over 10ms, target: 0.1%}}\n"
            "credits: {slow: {over: {0.1%: 5%, 1%: 10%}}}",
            "- **slow**: slow > 0.1%: 5% of the charge, > 1%: 10% of the charge.",
            id="a share of delays is a ratio in credits",
        ),
        pytest.param(
            "objectives: {slow: {measure: latency, statistic: share over 10ms, target: 0.1%}}\n"
            "terminate: {customer: {slow: {over: 5%}}}",
            "- **slow**: when slow is over 5%;",
            id="and in conditions",
        ),
        pytest.param(
            "outage: {after: 3 failures}",
            "- An outage begins at the first of 3 consecutive failures and ends by each probe's own rule.",
            id="the end by the probe's rule",
        ),
        pytest.param(
            "outage: {until: 2 successes}",
            "- An outage begins by each probe's own rule and ends at the first of 2 consecutive successes.",
            id="the beginning by the probe's rule",
        ),
        pytest.param("", "- An outage begins and ends by each probe's own rule.", id="both by the probe's rule"),
        pytest.param(
            "outage: {slot: 15m, bad_slot: loss over 5%}",
            "- An outage begins at the first of 1 consecutive bad slots and ends at the first of 1 good ones.",
            id="slots have no rule of a probe",
        ),
        pytest.param(
            "outage: {slot: 15m, bad_slot: loss over 5%, after: 2 slots}",
            "- An outage begins at the first of 2 consecutive bad slots and ends at the first of 1 good ones.",
            id="one slot where nothing else is said",
        ),
        pytest.param("price: 9.985 USD/month", "| 9.985 USD a month |", id="a price"),
        pytest.param("price: 9.5 USD/month", "| 9.50 USD a month |", id="whole cents"),
        pytest.param("credits: {downtime: {per: started 1h, give: 0.125 USD}}", ": 0.125 USD per ", id="a give"),
        pytest.param("price: 10 USD/month\ncaps: {month: 1.005 USD}", "- Cap: 1.005 USD a month.", id="a cap"),
        pytest.param(
            "price: 10 USD/month\nminimum_credit: over 0.125 USD", "come to more than 0.125 USD.", id="a least amount"
        ),
        *(
            pytest.param(
                f"credit_base: {base}\ncredits: {{downtime: {{over: {{1h: 5%}}}}}}", f"> 1h: 5% of {words}.", id=base
            )
            for base, words in (
                ("charge", "the charge"),
                ("paid", "what was paid"),
                ("usage", "the usage"),
                ("next_charge", "the next charge"),
                ("higher_of_charge_and_usage", "the higher of charge and usage"),
            )
        ),
        *(
            pytest.param(
                "credit_base: paid\nobjectives: {availability: {target: 99%}}\n"
                f"bonuses: {{availability: {{at_least: {{99.99%: 2%}}{within}}}}}",
                f"availability ≥ 99.99%: 2% of {words}.",
                id=f"bonus{within}",
            )
            for within, words in (
                ("", "the charge"),
                (", within: any 30d", "the charge, within any 30d"),
                (", within: every period of quarter", "the charges of the window, in each period of the quarter"),
                (", within: 3 consecutive periods", "the charges of the window, in each of 3 consecutive periods"),
            )
        ),
        pytest.param(
            "objectives: {availability: {target: 99.9%, round: 0.01% down}}",
            "counts as available, rounded down to a multiple of 0.01% before it is compared.",
            id="a step and a mode",
        ),
        pytest.param(
            "objectives: {loss: {target: 1%, statistic: pooled, over: pooled}}",
            "outages and exclusions, all targets together.",
            id="all targets",
        ),
        pytest.param(
            "objectives: {loss: {target: 1%, statistic: pooled, over: a}}",
            "outages and exclusions, of the target a alone.",
            id="one target",
        ),
        pytest.param(
            "objectives: {latency: {target: 30ms, statistic: p99, packets: all}}",
            ", a lost packet being infinitely late.",
            id="lost packets",
        ),
        pytest.param("prorate: none", "of which any part lies in it is not prorated.", id="nothing is prorated"),
        *(
            pytest.param(f"outage: {{{clock}}}", f"- An outage nobody opened a ticket for {words}.", id=clock)
            for clock, words in (
                ("starts: ticket", "does not count"),
                ("starts: later, ends: sooner", "does not count"),
                ("ends: ticket", "does not count"),
                ("ends: sooner", "counts as measured"),
            )
        ),
        pytest.param(
            "objectives: {few: {measure: outages over 30m, target: 2}}", "| few | outages over 30m | ≤ 2 |", id="few"
        ),
        *(
            pytest.param(
                f"terminate: {{customer: {{outages over 30m: {{at_least: 3, within: {within}}}}}}}",
                f"when outages over 30m is at least 3 {words};",
                id=within,
            )
            for within, words in (
                ("any 30d", "within any 30d"),
                ("3 consecutive periods", "in each of 3 consecutive periods"),
                ("2 of 6 periods", "in 2 of the last 6 periods"),
                ("next 2 periods", "in each of the next 2 periods"),
                ("every period of quarter", "in each period of the quarter"),
            )
        ),
    ],
)
def test_what_is_agreed_is_said(terms: str, said: str) -> None:
    head = HEAD if "price:" in terms else PRICED
    assert said in markdown(terms_of(head + terms), "")


def test_what_is_not_agreed_is_not_said() -> None:
    plain = markdown(terms_of(PRICED + "objectives: {availability: {target: 99.9%}}"), "")
    assert "ratios are exact." in plain
    assert "prorated" not in plain
    assert "nobody opened a ticket" not in plain
    rounding = markdown(terms_of(PRICED + "objectives: {availability: {target: 99.9%, round: 0.01%}}"), "")
    assert "ratios are exact" not in rounding


@pytest.mark.parametrize(
    ("unknown", "demarcation", "excluded"),
    [
        ("excluded", "measuring host itself) are not.", "(section 2) do not: they are unmeasured time"),
        ("up", "measuring host itself) are not.", "(section 2) do not: they are unmeasured time"),
        ("down", "are not, and yet count as downtime", "(section 2), count as downtime, though not as outages."),
    ],
)
def test_faults_on_the_customers_side_are_said_to_count_where_they_do(
    unknown: str, demarcation: str, excluded: str
) -> None:
    text = markdown(terms_of(f"{HEAD}exclusions: []\nunknown: {unknown}"), "")
    second, eighth = (text.partition(f"## {n}.")[2].partition(f"## {n + 1}.")[0] for n in (2, 8))
    assert demarcation in second
    assert excluded in eighth
