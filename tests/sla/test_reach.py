"""Which other periods a statement looks at: no question may go to a period that was not loaded."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from slamon.model import DAY
from slamon.sla import calendar, periods
from slamon.sla.account import Account
from slamon.sla.facts import DeclaredSpan, Facts, State
from slamon.sla.lines import Period
from slamon.sla.reach import back, forward, looks_ahead, needed, services
from slamon.sla.statement import evaluate, state
from slamon.sla.tally import Tally, tally
from slamon.sla.terms import Claim, Contract, PeriodKind, PeriodRule, Term
from slamon.sla.terms.composition import Composition, Group
from slamon.sla.terms.conditions import Bonus, Condition, Party, Termination, Where, Within
from slamon.sla.terms.credits import Cap
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.times import Span
from tests.sla.build import HERE, availability, contract, credit

AVAILABILITY = Subject(measure=Measure.AVAILABILITY, objective="availability")


def at(text: str) -> int:
    return calendar.instant(text, "UTC")


def condition(
    subject: Subject = AVAILABILITY, threshold: Fraction | int = Fraction(99, 100), **within: object
) -> Condition:
    where = Within(text="", **within)  # type: ignore[arg-type]
    side = Side.BELOW if subject is AVAILABILITY else Side.AT_LEAST
    return Condition(name="c", subject=subject, side=side, threshold=Fraction(threshold), clause=HERE, within=where)


def leave(**within: object) -> Termination:
    return Termination(party=Party.CUSTOMER, condition=condition(**within))  # type: ignore[arg-type]


def names(terms: Contract, period: str, as_of: str = "2027-01-01") -> list[str]:
    return [each.name for each in needed(terms, periods.period(terms, period), at(as_of))]


def months(first: int, last: int) -> list[str]:
    return [f"2026-{n:02}" for n in range(first, last + 1)]


plain = contract(cap=None)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (plain, months(6, 6)),
        (
            replace(plain, objectives=(availability(), availability(name="m", base="availability", mean_of=3))),
            months(4, 6),
        ),
        (replace(plain, caps=(Cap(span=Span.PERIOD, clause=HERE, share=Fraction(1)),)), months(6, 6)),
        (replace(plain, caps=(Cap(span=Span.MONTH, clause=HERE, share=Fraction(1)),)), months(6, 6)),
        (replace(plain, caps=(Cap(span=Span.QUARTER, clause=HERE, share=Fraction(1)),)), months(4, 6)),
        (replace(plain, caps=(Cap(span=Span.YEAR, clause=HERE, months=1),)), months(1, 6)),
        (
            replace(
                plain, caps=(Cap(span=Span.CONTRACT_YEAR, clause=HERE, months=1),), term=Term(start=date(2025, 3, 15))
            ),
            months(3, 6),
        ),
        (replace(plain, earn_back=(condition(where=Where.NEXT, n=2),)), months(6, 8)),
        (replace(plain, withhold=(condition(where=Where.EVERY, span=Span.QUARTER),)), months(4, 6)),
        (replace(plain, withhold=(condition(where=Where.EVERY),)), months(6, 6)),
        (
            replace(plain, bonuses=(Bonus(credit=credit({"99%": "1%"}), within=Within(where=Where.CONSECUTIVE, n=2)),)),
            months(4, 6),
        ),
        (replace(plain, terminations=(leave(),)), months(5, 6)),
        (replace(plain, terminations=(leave(where=Where.CONSECUTIVE, n=3),)), months(2, 6)),
        (replace(plain, terminations=(leave(where=Where.OF, n=2, m=4),)), months(1, 6)),
        (replace(plain, terminations=(leave(where=Where.ANY, length=45 * DAY),)), months(3, 6)),
    ],
)
def test_the_periods_a_statement_looks_at(terms: Contract, expected: list[str]) -> None:
    assert names(terms, "2026-06") == expected


def test_periods_that_have_not_begun_are_not_needed() -> None:
    ahead = replace(plain, earn_back=(condition(where=Where.NEXT, n=2),))
    assert names(ahead, "2026-06", as_of="2026-07-15") == months(6, 7)
    assert names(ahead, "2026-06", as_of="2026-06-15") == months(6, 6)
    assert names(ahead, "2026-06", as_of="2026-05-15") == months(6, 6), "the one that is asked for always is"
    assert names(plain, "1970-01") == ["1970-01"]
    assert names(replace(plain, caps=(Cap(span=Span.YEAR, clause=HERE, months=1),)), "1970-02") == [
        "1970-01",
        "1970-02",
    ]


def test_a_span_looks_at_the_periods_it_lies_in() -> None:
    assert names(plain, "2026-Q2") == months(4, 6)
    assert names(plain, "2026-05-20 00:00 to 2026-06-02 00:00") == months(5, 6)
    ahead = replace(plain, earn_back=(condition(where=Where.NEXT, n=2),))
    assert names(ahead, "2026-Q2") == months(4, 8), "after the last of its periods"
    whole_year = replace(plain, withhold=(condition(where=Where.EVERY, span=Span.YEAR),))
    assert names(whole_year, "2026-06") == months(1, 12)
    assert names(whole_year, "2026-06", as_of="2026-08-15") == months(1, 8)
    quarterly = replace(plain, period=PeriodRule(kind=PeriodKind.QUARTER), terminations=(leave(),))
    assert names(quarterly, "2026-Q2") == ["2026-Q1", "2026-Q2"]


def test_how_far_a_contract_looks() -> None:
    assert (back(plain), forward(plain)) == (0, 0)
    assert (
        forward(replace(plain, earn_back=(condition(where=Where.NEXT, n=2), condition(where=Where.OF, n=1, m=9)))) == 2
    )
    for more in (
        replace(plain, earn_back=(condition(),)),
        replace(plain, withhold=(condition(),)),
        replace(plain, terminations=(leave(),)),
        replace(plain, claim=Claim(clause=HERE)),
    ):
        assert looks_ahead(more, periods.period(more, "2026-06"))
    assert not looks_ahead(plain, periods.period(plain, "2026-06"))


def test_every_service_of_every_version() -> None:
    pair = Group(of=("a", "b"), need=1)
    later = replace(
        plain, service="new", objectives=(availability(name="x", service="a"), availability(name="y", service=pair))
    )
    terms = replace(plain, objectives=(availability(), availability(name="p", service=pair)), amendments=(later,))
    assert services(plain) == ("link",)
    assert services(terms) == ("link", pair, "new", "a")


rich = replace(
    contract(credits=(credit({"99.9%": "10%"}),), cap=None, term=Term(start=date(2025, 2, 10))),
    caps=(Cap(span=Span.QUARTER, clause=HERE, share=Fraction(1, 10)),),
)


@pytest.mark.parametrize(
    "terms",
    [
        rich,
        replace(rich, objectives=(availability(), availability(name="m", base="availability", mean_of=4))),
        replace(rich, earn_back=(condition(where=Where.NEXT, n=2),)),
        replace(rich, withhold=(condition(where=Where.EVERY, span=Span.YEAR),)),
        replace(rich, terminations=(leave(where=Where.OF, n=2, m=4), leave(where=Where.ANY, length=45 * DAY))),
        replace(
            rich,
            terminations=(
                replace(
                    leave(), condition=condition(Subject(measure=Measure.OUTAGES), 3, where=Where.ANY, length=100 * DAY)
                ),
            ),
        ),
        replace(
            rich, bonuses=(Bonus(credit=credit({"99%": "1%"}), within=Within(where=Where.EVERY, span=Span.QUARTER)),)
        ),
        replace(rich, caps=(Cap(span=Span.CONTRACT_YEAR, clause=HERE, months=1),)),
        replace(rich, period=PeriodRule(kind=PeriodKind.QUARTER), caps=(Cap(span=Span.YEAR, clause=HERE, months=1),)),
        replace(rich, period=PeriodRule(kind=PeriodKind.BILLING_MONTH, day=15)),
    ],
)
@pytest.mark.parametrize("name", ["2026-06", "2026-Q2", "2026-05-20 00:00 to 2026-06-02 00:00"])
def test_the_statement_needs_no_other_period(terms: Contract, name: str) -> None:
    """With nothing but the sums of the periods announced it is the one judged on all facts."""
    spans = tuple(
        DeclaredSpan(start=at(f"2026-{n:02}-20"), end=at(f"2026-{n:02}-20 12:00"), state=State.DOWN)
        for n in range(1, 13)
    )
    facts, now = Facts(declared={"": spans}), at("2027-01-01")
    period = periods.period(terms, name)
    announced = {*needed(terms, period, now), period}

    def kept(version: Contract, service: Composition, which: Period) -> Tally:
        if which not in announced:
            return Tally()
        return tally(version, facts, which.start, which.end, as_of=now, service=service)

    assert state(Account(terms, facts, now, tallies=kept), period) == evaluate(terms, facts, period, now)
