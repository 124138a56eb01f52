"""The `facts` of a test file: every key read to the instant, and every mistake named with its place and fix."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.cases import quantities
from slamon.cases.facts import JUDGED, joined, read_facts
from slamon.cases.scope import Scope
from slamon.config import nodes
from slamon.errors import Problem
from slamon.model import HOUR, MINUTE, MS, US, S
from slamon.sla.calendar import instant
from slamon.sla.facts import (
    Breach,
    Charge,
    Closed,
    DeclaredSpan,
    Exclusion,
    Facts,
    Lodged,
    Notice,
    Payment,
    Sample,
    SampleSeries,
    State,
    Ticket,
)
from slamon.sla.terms import Contract, PeriodKind, PeriodRule
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import Group
from slamon.sla.terms.conditions import Condition, Party, Termination
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Form, Objective, Statistic
from slamon.sla.terms.outages import ExclusionClass

CLAUSE = Clause(path="")
PARIS = "Europe/Paris"


def objective(name: str, measure: Measure, statistic: Statistic | None = None) -> Objective:
    return Objective(name=name, measure=measure, clause=CLAUSE, statistic=statistic)


def condition(name: str, subject: Subject) -> Condition:
    return Condition(name=name, subject=subject, side=Side.OVER, threshold=Fraction(0), clause=CLAUSE)


HQ = Contract(
    name="hq",
    service=Group(of=("port-a", "port-b"), need=1),
    provider="Example",
    timezone=PARIS,
    clause=CLAUSE,
    currency="EUR",
    exclusions=(ExclusionClass(name="maintenance", clause=CLAUSE), ExclusionClass(name="customer", clause=CLAUSE)),
    objectives=(
        objective("availability", Measure.AVAILABILITY),
        objective("delay", Measure.LATENCY, Statistic(form=Form.MEAN, text="mean")),
        objective(
            "slow",
            Measure.JITTER,
            Statistic(form=Form.SHARE, text="share over 1ms", side=Side.OVER, threshold=Fraction(MS)),
        ),
        objective("incidents", Measure.OUTAGES),
        Objective(name="late", measure=Measure.OVERDUE, clause=CLAUSE, service="port-c"),
    ),
    withhold=(condition("access", Subject(measure=Measure.BREACH, duty="access to the site")),),
    terminations=(Termination(party=Party.CUSTOMER, condition=condition("chronic", Subject(measure=Measure.OUTAGES))),),
)
BILLED = Contract(
    name="billed",
    service="billed-line",
    provider="Example",
    timezone="UTC",
    clause=CLAUSE,
    currency="USD",
    period=PeriodRule(kind=PeriodKind.BILLING_MONTH, day=15),
    exclusions=(ExclusionClass(name="weather", clause=CLAUSE),),
    objectives=(objective("loss", Measure.LOSS),),
    terminations=(Termination(party=Party.PROVIDER, condition=condition("unpaid", Subject(measure=Measure.OVERDUE))),),
)


def read(text: str, *, contract: Contract = HQ, shared: bool = False) -> tuple[Facts, list[str]]:
    problems: list[Problem] = []
    root = nodes.parse(dedent(text), "f", problems)
    others = tuple(each for each in (HQ, BILLED) if each is not contract)
    facts = read_facts(root, "facts", Scope(contract=contract, others=others, shared=shared), problems)
    return facts, [str(problem) for problem in problems]


def good(text: str, *, contract: Contract = HQ, shared: bool = False) -> Facts:
    facts, problems = read(text, contract=contract, shared=shared)
    assert problems == []
    return facts


def at(text: str) -> int:
    return instant(text, PARIS)


def test_nothing_said_is_everything_up_and_measured() -> None:
    assert read_facts(None, "facts", Scope(contract=HQ), []) == Facts(declared={JUDGED: ()})
    assert good("{}") == Facts(declared={JUDGED: ()})


def test_states() -> None:
    facts = good("""\
        down:
          - 2026-06-10 02:00 to 05:00
          - 2026-06-11 + 600s
          - {at: 2026-06-12 00:00Z + 1h, service: port-b, vantage: v1, affected: 120}
        degraded: [2026-06-13 00:00 to 2026-06-14 00:00]
        unknown: [{at: 2026-06-15 + 1h, vantage: v2}]
        """)
    assert facts.declared == {
        JUDGED: (
            DeclaredSpan(start=at("2026-06-10 02:00"), end=at("2026-06-10 05:00"), state=State.DOWN),
            DeclaredSpan(start=at("2026-06-11"), end=at("2026-06-11") + 10 * MINUTE, state=State.DOWN),
            DeclaredSpan(start=at("2026-06-13"), end=at("2026-06-14"), state=State.DEGRADED),
            DeclaredSpan(start=at("2026-06-15"), end=at("2026-06-15") + HOUR, state=State.UNKNOWN, vantage="v2"),
        ),
        "port-b": (
            DeclaredSpan(
                start=at("2026-06-12 02:00"), end=at("2026-06-12 03:00"), state=State.DOWN, vantage="v1", affected=120
            ),
        ),
    }


def test_series() -> None:
    facts = good("""\
        series:
          - {from: 2026-06-10 00:00, every: 1m, values: ok*2 lost 20ms -1ms 5% 100/30*2 1.5ms}
          - {from: 2026-06-11, every: 30s, values: ok, service: port-a, vantage: v1}
        """)
    first = at("2026-06-10")
    written = [
        *[(1, Fraction(0), None)] * 2,
        (1, Fraction(1), None),
        (1, Fraction(0), 20 * MS),
        (1, Fraction(0), -MS),
        (1, Fraction(1, 20), None),
        *[(100, Fraction(3, 10), None)] * 2,
        (1, Fraction(0), 1500 * US),
    ]
    assert facts.samples[JUDGED] == (
        SampleSeries(
            start=first,
            every=MINUTE,
            samples=tuple(Sample(first + n * MINUTE, *sample) for n, sample in enumerate(written)),
        ),
    )
    assert facts.samples["port-a"] == (
        SampleSeries(
            start=at("2026-06-11"),
            every=30 * S,
            samples=(Sample(at("2026-06-11"), 1, Fraction(0), None),),
            vantage="v1",
        ),
    )


def test_readings_are_in_the_unit_of_what_is_measured() -> None:
    facts = good("""\
        readings:
          2026-04 to 2026-05: {availability: 99.5%}
          2026-05: {delay: 45.01ms, slow: 2.5%, incidents: 3, late: 5 days}
        """)
    assert facts.readings == {
        "2026-04": {"availability": Fraction(199, 200)},
        "2026-05": {
            "availability": Fraction(199, 200),
            "delay": Fraction(45_010_000),
            "slow": Fraction(1, 40),
            "incidents": Fraction(3),
            "late": Fraction(5),
        },
    }


def test_exclusions() -> None:
    facts = good("""\
        exclusions:
          - {class: customer, at: 2026-06-10 01:00 to 04:00}
          - {class: maintenance, at: 2026-06-11 + 1h, notified: 2026-06-01 12:00}
          - {class: maintenance, at: 2026-06-11 + 1h, notified: 2026-06-01, lodged: 2026-07-08 12:00}
          - {class: weather, at: 2026-06-11 + 1h}
        """)
    one, two, three, four = facts.exclusions
    assert one == Exclusion(
        id="facts.exclusions[0]",
        contract="hq",
        cause="customer",
        start=at("2026-06-10 01:00"),
        end=at("2026-06-10 04:00"),
        declared_at=0,
    )
    assert (two.declared_at, two.notified, two.lodged) == (0, at("2026-06-01 12:00"), None)
    assert (three.declared_at, three.lodged) == (at("2026-07-08 12:00"), at("2026-07-08 12:00"))
    assert four.cause == "weather", "a class only another contract of the file lists: the evaluator refuses it"


def test_conduct() -> None:
    facts = good("""\
        tickets: [{opened: 2026-06-10 14:00, closed: 2026-06-11 09:00}, {opened: 2026-06-12}]
        claims: [{period: 2026-06, lodged: 2026-07-03}]
        payments: [{due: 2026-06-01, paid: 2026-06-03}, {due: 2026-07-01}]
        breaches: [{duty: access to the site, at: 2026-06-10 + 2h}, {duty: payment, at: 2026-06-11 + 2h}]
        notices: [{right: chronic, at: 2026-07-20 12:00}]
        charges: {2026-06: {billed: 900 EUR, paid: 800 EUR}, 2026-06 to 2026-07: {usage: 1.50 EUR}}
        closed: [2026-07-02 00:00, 2026-07-09]
        """)
    assert facts.tickets == (
        Ticket(opened=at("2026-06-10 14:00"), closed=at("2026-06-11 09:00")),
        Ticket(opened=at("2026-06-12")),
    )
    assert facts.claims == (Lodged(period="2026-06", at=at("2026-07-03")),)
    assert facts.payments == (
        Payment(due=at("2026-06-01"), paid=at("2026-06-03")),
        Payment(due=at("2026-07-01")),
    )
    assert facts.breaches == (
        Breach(duty="access to the site", start=at("2026-06-10"), end=at("2026-06-10 02:00")),
        Breach(duty="payment", start=at("2026-06-11"), end=at("2026-06-11 02:00")),
    )
    assert facts.notices == (Notice(right="chronic", at=at("2026-07-20 12:00")),)
    assert facts.charges == {
        "2026-06": Charge(billed=Fraction(900), paid=Fraction(800), usage=Fraction(3, 2)),
        "2026-07": Charge(usage=Fraction(3, 2)),
    }
    assert facts.closed == (Closed("", at("2026-07-02")), Closed("", at("2026-07-09")))


def test_facts_of_the_file_and_of_the_test_are_joined() -> None:
    left = good("""\
        down: [2026-06-10 + 1h]
        series: [{from: 2026-06-10, every: 1s, values: ok}]
        readings: {2026-06: {availability: 99%, delay: 1ms}}
        exclusions: [{class: customer, at: 2026-06-10 + 1h}]
        charges: {2026-06: {billed: 1 EUR}, 2026-07: {billed: 2 EUR}}
        closed: [2026-07-02]
        tickets: [{opened: 2026-06-10}]
        """)
    right = good("""\
        down: [2026-06-11 + 1h, {at: 2026-06-12 + 1h, service: port-b}]
        series: [{from: 2026-06-11, every: 1s, values: lost}]
        readings: {2026-06: {delay: 2ms}, 2026-07: {delay: 3ms}}
        exclusions: [{class: maintenance, at: 2026-06-10 + 1h}]
        charges: {2026-06: {paid: 3 EUR}, 2026-07: {billed: 4 EUR}}
        closed: [2026-08-02]
        claims: [{period: 2026-06, lodged: 2026-07-03}]
        payments: [{due: 2026-06-01}]
        breaches: [{duty: x, at: 2026-06-10 + 2h}]
        notices: [{right: chronic, at: 2026-07-20}]
        """)
    both = joined(left, right)
    assert both.declared == {
        JUDGED: left.declared[JUDGED] + right.declared[JUDGED],
        "port-b": right.declared["port-b"],
    }
    assert both.samples == {JUDGED: left.samples[JUDGED] + right.samples[JUDGED]}
    assert both.readings == {
        "2026-06": {"availability": Fraction(99, 100), "delay": Fraction(2 * MS)},
        "2026-07": {"delay": Fraction(3 * MS)},
    }
    assert [exclusion.cause for exclusion in both.exclusions] == ["customer", "maintenance"]
    assert both.charges == {
        "2026-06": Charge(billed=Fraction(1), paid=Fraction(3)),
        "2026-07": Charge(billed=Fraction(4)),
    }
    assert both.closed == (Closed("", at("2026-07-02")), Closed("", at("2026-08-02")))
    assert (both.tickets, both.claims) == (left.tickets, right.claims)
    assert (both.payments, both.breaches, both.notices) == (right.payments, right.breaches, right.notices)


SHARED = """\
    down: [{at: 2026-06-10 + 1h, service: billed-line}]
    exclusions: [{class: weather, at: 2026-06-10 + 1h}]
    readings: {2026-06: {loss: 1%, availability: 99%}, 2026-06-15: {loss: 2%}}
    claims: [{period: 2026-06-15, lodged: 2026-07-20}]
    notices: [{right: unpaid, at: 2026-07-20}]
    charges: {2026-06-15: {billed: 5 USD}}
    """


def test_facts_of_the_file_may_be_about_what_another_contract_has() -> None:
    ours, theirs = good(SHARED, shared=True), good(SHARED, contract=BILLED, shared=True)
    assert ours.readings == {"2026-06": {"availability": Fraction(99, 100)}}
    assert (ours.charges, ours.claims) == ({}, ())
    assert theirs.readings == {"2026-06": {"loss": Fraction(1, 100)}, "2026-06-15": {"loss": Fraction(1, 50)}}
    assert theirs.charges == {"2026-06-15": Charge(billed=Fraction(5))}
    assert theirs.claims == (Lodged(period="2026-06-15", at=instant("2026-07-20", "UTC")),)
    assert ours.exclusions[0].cause == theirs.exclusions[0].cause == "weather"


def test_a_period_no_contract_of_the_file_understands() -> None:
    _, problems = read("claims: [{period: 2026-06-16, lodged: 2026-07-20}]\nreadings: {2026-13: {}}", shared=True)
    assert [problem.partition(": ")[2].partition(":")[0] for problem in problems] == [
        "facts.readings.2026-13",
        "facts.claims[0].period",
    ]


def test_facts_of_a_test_are_about_its_own_contract() -> None:
    _, problems = read(SHARED)
    assert [problem.partition(": ")[2].partition(":")[0] for problem in problems] == [
        "facts.readings.2026-06.loss",
        "facts.readings.2026-06-15",
        "facts.readings.2026-06-15.loss",
        "facts.claims[0].period",
        "facts.notices[0].right",
        "facts.charges.2026-06-15",
        "facts.charges.2026-06-15.billed",
    ]


A_SPAN = "write for example 2026-06-10 02:00 to 05:00, or 2026-06-10 02:00 + 3h"
AN_INSTANT = "write for example 2026-06-10 02:00, or 2026-06-10 02:00Z"


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("downs: []", ["f:1:1: facts.downs: unknown key; did you mean down?"]),
        ("5", ["f:1:1: facts: this must be a mapping (key: value lines) (got '5')"]),
        (
            "down: [later, [x], {}, {at: 2026-06-01 + 1h, vantages: v1}]",
            [
                f"f:1:8: facts.down[0]: not a span of time (got 'later'); {A_SPAN}",
                "f:1:15: facts.down[1]: this must be a span of time or a mapping (got 'a list')",
                "f:1:20: facts.down[2]: the key `at` is missing; add `at: …`",
                "f:1:46: facts.down[3].vantages: unknown key; did you mean vantage?",
            ],
        ),
        (
            "degraded: [{at: 2026-06-01 + 1h, service: port-x, affected: many}]\nunknown: 5",
            [
                (
                    "f:1:43: facts.degraded[0].service: no contract of this file is about this service (got 'port-x'); "
                    "did you mean port-c?"
                ),
                "f:1:61: facts.degraded[0].affected: not a whole number (got 'many'); write for example 3",
                "f:2:10: facts.unknown: this must be a list [ … ] (got '5')",
            ],
        ),
        (
            "series: [{every: 0s, values: ok*0}, 5]",
            [
                "f:1:10: facts.series[0]: the key `from` is missing; add `from: …`",
                (
                    "f:1:18: facts.series[0].every: samples at one and the same instant (got '0s'); "
                    "write the time between them, for example 30s"
                ),
                "f:1:30: facts.series[0].values: a sample that is repeated no times (got 'ok*0'); leave it out",
                "f:1:37: facts.series[1]: this must be a mapping (key: value lines) (got '5')",
            ],
        ),
        (
            "series: [{from: 2026-06-10, every: 1s, values: ok okay}, {from: 2026-06-10, every: 1s, values: 5/6}]",
            [
                (
                    "f:1:48: facts.series[0].values: 'okay' is no sample (got 'ok okay'); "
                    "write ok, lost, a delay such as 20ms, 5%, or 100/30"
                ),
                (
                    "f:1:96: facts.series[1].values: 5/6 is more packets lost than sent (got '5/6'); "
                    "write sent/lost, for example 100/30"
                ),
            ],
        ),
        (
            "series: [{from: 2026-06-10, every: 1s, values: 101%}, {from: 2026-06-10, every: 1s, values: ok*9000000}]",
            [
                "f:1:48: facts.series[0].values: 101% is more than all packets (got '101%'); write 100%",
                "f:1:93: facts.series[1].values: more than 5000000 samples (got 'ok*9000000'); write fewer, further apart",
            ],
        ),
        (
            "readings: {June: {}, 2026-06: {dealy: 1ms, delay: 5%, availability: 1ms, incidents: x, late: 3}, 2026-07: 5}",
            [
                "f:1:12: facts.readings.June: 'June' is not a period of hq; ",
                "f:1:32: facts.readings.2026-06.dealy: the contract has no such objective; did you mean delay?",
                "f:1:51: facts.readings.2026-06.delay: not a duration (got '5%'); write for example 10s, 1h30m or 250ms",
                "f:1:69: facts.readings.2026-06.availability: not a percentage (got '1ms'); write for example 99.95%",
                "f:1:85: facts.readings.2026-06.incidents: not a number (got 'x'); write for example 3 or 0.0069",
                (
                    "f:1:94: facts.readings.2026-06.late: not a number of days (got '3'); "
                    "write for example 10 days or 2 business days"
                ),
                "f:1:107: facts.readings.2026-07: this must be a mapping (key: value lines) (got '5')",
            ],
        ),
        (
            "exclusions: [{class: maintenence, at: 2026-06-01 + 1h}, {class: customer, lodged: x}, 5]",
            [
                (
                    "f:1:22: facts.exclusions[0].class: not a class of the contract's exclusions (got 'maintenence'); "
                    "did you mean maintenance?"
                ),
                "f:1:57: facts.exclusions[1]: the key `at` is missing; add `at: …`",
                f"f:1:83: facts.exclusions[1].lodged: not an instant (got 'x'); {AN_INSTANT}",
                "f:1:87: facts.exclusions[2]: this must be a mapping (key: value lines) (got '5')",
            ],
        ),
        (
            "tickets: [{opened: 2026-06-02, closed: 2026-06-01}, {closed: 2026-06-01}]",
            [
                "f:1:40: facts.tickets[0].closed: the ticket is closed before it is opened; exchange the two",
                "f:1:53: facts.tickets[1]: the key `opened` is missing; add `opened: …`",
            ],
        ),
        (
            (
                "claims: [{period: 2026-13}, {period: 2026-01 to 2026-02, lodged: 2026-06-01}]\n"
                "payments: [{paid: 2026-06-01}]\nnotices: [{right: cronic}]"
            ),
            [
                "f:1:10: facts.claims[0]: the key `lodged` is missing; add `lodged: …`",
                "f:1:19: facts.claims[0].period: '2026-13' is not a period of hq: not an instant (got '2026-13'); ",
                (
                    "f:1:38: facts.claims[1].period: these are 2 periods (got '2026-01 to 2026-02'); "
                    "write one of them, for example 2026-01"
                ),
                "f:2:12: facts.payments[0]: the key `due` is missing; add `due: …`",
                "f:3:11: facts.notices[0]: the key `at` is missing; add `at: …`",
                (
                    "f:3:19: facts.notices[0].right: the contract has no such right to terminate (got 'cronic'); "
                    "did you mean chronic?"
                ),
            ],
        ),
        (
            "breaches: [{duty: acces to the site, at: 2026-06-01 + 1h}, {at: now}]",
            [
                (
                    "f:1:19: facts.breaches[0].duty: the contract speaks of no such duty (got 'acces to the site'); "
                    "did you mean access to the site?"
                ),
                "f:1:60: facts.breaches[1]: the key `duty` is missing; add `duty: …`",
                f"f:1:65: facts.breaches[1].at: not a span of time (got 'now'); {A_SPAN}",
            ],
        ),
        (
            "charges: {2026-06: {billed: 5, paid: 5 USD, use: 1 EUR}}\nclosed: [[], soon]",
            [
                "f:1:29: facts.charges.2026-06.billed: an amount needs its currency (got '5'); write for example 5 USD",
                (
                    "f:1:38: facts.charges.2026-06.paid: the contract is in EUR (got '5 USD'); "
                    "one currency is never taken for another"
                ),
                "f:1:45: facts.charges.2026-06.use: unknown key; did you mean usage?",
                "f:2:10: facts.closed[0]: this must be one value (got 'a list')",
                f"f:2:14: facts.closed[1]: not an instant (got 'soon'); {AN_INSTANT}",
            ],
        ),
    ],
)
def test_mistakes_are_named_with_their_place_and_fix(text: str, problems: list[str]) -> None:
    found = sorted(read(text)[1], key=lambda problem: [int(part) for part in problem.split(":")[1:3]])
    assert len(found) == len(problems), found
    for said, expected in zip(found, problems, strict=True):
        assert said.startswith(expected) if expected.endswith("; ") else said == expected


@given(st.integers(-(10**15), 10**15).map(lambda n: n * US))
def test_a_delay_is_read_back_as_it_is_written(ns: int) -> None:
    sign = "-" if ns < 0 else ""
    assert quantities.delay(f"{sign}{abs(ns) // US}us") == ns
    assert quantities.delay(f"{sign}{abs(ns) // MS}.{abs(ns) % MS // US:03}ms") == ns


@given(st.lists(st.tuples(st.sampled_from(["ok", "lost", "5ms", "7/3"]), st.integers(1, 9))))
def test_repeats_are_the_same_as_writing_it_so_often(parts: list[tuple[str, int]]) -> None:
    short = " ".join(f"{word}*{times}" for word, times in parts)
    long = " ".join(word for word, times in parts for _ in range(times))
    assert quantities.samples(short, 5, 7) == quantities.samples(long, 5, 7)
    assert [sample.at for sample in quantities.samples(long, 5, 7)] == [
        5 + 7 * n for n in range(sum(times for _, times in parts))
    ]


def test_a_period_by_any_of_its_names() -> None:
    span = "2026-06-01 00:00 to 2026-07-01 00:00"
    assert good(f"readings: {{{span}: {{delay: 1ms}}}}").readings == {"2026-06": {"delay": Fraction(MS)}}
    assert good("claims: [{period: 2026-Q2, lodged: 2026-07-03}]").claims[0].period == "2026-Q2"
    assert date(2026, 6, 1) == date.fromisoformat(span[:10])
