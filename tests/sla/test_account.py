"""A contract over its periods: objectives built on others and on earlier periods, charges and bases, caps spent in time order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from slamon.model import HOUR, MINUTE, MS, S
from slamon.sla import calendar, periods
from slamon.sla.account import Account
from slamon.sla.facts import Breach, Charge, DeclaredSpan, Facts, Sample, SampleSeries, State, Ticket
from slamon.sla.lines import Period, Status
from slamon.sla.statement import Statement, evaluate, state
from slamon.sla.terms import Contract, PeriodKind, PeriodRule, Price, Prorate, Term
from slamon.sla.terms.composition import Group
from slamon.sla.terms.credits import Cap, Count, Credit, CreditBase, Give, Per
from slamon.sla.terms.measures import Measure, Rounding, RoundingMode, Side, Subject
from slamon.sla.terms.objectives import Level, Objective, Total
from slamon.sla.terms.outages import BelongsTo, OutageRule
from slamon.sla.terms.times import Span, Weekly
from tests.sla.build import HERE, availability, contract, exclusion, latency, level, observed, series, shots

JUNE_HOURS, JULY_HOURS = 720, 744


def at(text: str, zone: str = "UTC") -> int:
    return calendar.instant(text, zone)


def down(*spans: str, zone: str = "UTC", **rest: Any) -> Facts:
    """`2026-06-10 00:00 + 1h`, in the contract's zone."""
    declared = [calendar.span(span, zone) for span in spans]
    return Facts(declared={"": tuple(DeclaredSpan(start=a, end=b, state=State.DOWN) for a, b in declared)}, **rest)


def monthly(*objectives: Objective, **rest: Any) -> Contract:
    """Caps of 100 % of the period's charge, 1000 a month."""
    return contract(objectives=objectives or (availability(),), **rest)


def judged(terms: Contract, facts: Facts, name: str, as_of: str = "2027-06-01") -> Statement:
    return evaluate(terms, facts, periods.period(terms, name), at(as_of))


def values(found: Statement) -> dict[str, Fraction | None]:
    return {line.name: line.value for line in found.objectives}


def per_hour(amount: str = "10", **rest: Any) -> Credit:
    return Credit(
        name="downtime",
        subject=Subject(measure=Measure.DOWNTIME),
        clause=HERE,
        per=Per(count=Count.STARTED, unit=Fraction(HOUR), text="started 1h"),
        give=Give(amount=Fraction(amount)),
        **rest,
    )


def share_per_hour(share: Fraction) -> Credit:
    return replace(per_hour(), give=Give(share=share))


# -- one objective ---------------------------------------------------------------------------------------------------------------


def test_an_objective_on_another_reads_its_rounded_value() -> None:
    cut = Rounding(step=Fraction(1, 1000), mode=RoundingMode.DOWN)
    terms = monthly(
        availability("99.9"),
        availability("99.9", name="billed", base="availability", round=Rounding(step=Fraction(1, 1000))),
        availability("99.9", name="cut", base="billed", round=replace(cut, step=Fraction(1, 100))),
    )
    found = judged(terms, down("2026-06-10 00:00 + 44m"), "2026-06")
    exact = 1 - Fraction(44, JUNE_HOURS * 60)
    assert values(found) == {"availability": exact, "billed": Fraction("0.999"), "cut": Fraction("0.99")}
    assert [line.status for line in found.objectives] == [Status.BELOW_TARGET, Status.MET, Status.BELOW_TARGET]
    assert [line.exact for line in found.objectives] == [exact, exact, Fraction("0.999")]
    assert found.objectives[0].value_so_far == exact


def test_objectives_may_stand_in_any_order() -> None:
    terms = monthly(
        Objective(
            name="excess",
            measure=Measure.EXCESS,
            clause=HERE,
            subject=Subject(measure=Measure.EXCESS, objective="rounded"),
        ),
        availability("99", name="rounded", base="availability", round=Rounding(step=Fraction(1, 100))),
        availability(),
    )
    found = judged(terms, down("2026-06-10 00:00 + 36h"), "2026-06")
    assert [line.name for line in found.objectives] == ["excess", "rounded", "availability"]
    assert values(found)["rounded"] == Fraction(95, 100)
    assert values(found)["excess"] == (Fraction(95, 100) - Fraction(99, 100)) / Fraction(99, 100)


def test_counts_are_objectives_too() -> None:
    def count(name: str, **subject: Any) -> Objective:
        most = Level(value=Fraction(1), side=Side.AT_MOST)
        return Objective(name=name, measure=subject["measure"], clause=HERE, subject=Subject(**subject), target=most)

    terms = monthly(
        Objective(name="outages", measure=Measure.OUTAGES, clause=HERE),
        count("long", measure=Measure.OUTAGES, side=Side.OVER, length=30 * MINUTE),
        Objective(name="longest", measure=Measure.EACH_OUTAGE, clause=HERE),
        Objective(name="restore", measure=Measure.RESTORE, clause=HERE, statistic=latency("mean").statistic),
        Objective(name="downtime", measure=Measure.DOWNTIME, clause=HERE),
        Objective(name="tickets", measure=Measure.TICKETS, clause=HERE),
        Objective(name="notify", measure=Measure.NOTIFY, clause=HERE, statistic=latency("max").statistic),
        count("days", measure=Measure.DAYS_WITH_OUTAGE),
    )
    tickets = (
        Ticket(at("2026-06-10 00:10"), at("2026-06-10 00:20")),
        Ticket(at("2026-06-10 00:05")),
        Ticket(at("2026-06-19 00:00"), at("2026-06-20 06:00")),
        Ticket(at("2026-07-01 00:00")),
    )
    facts = down("2026-06-10 00:00 + 30m", "2026-06-20 00:00 + 31m", "2026-06-25 00:00 + 2h", tickets=tickets)
    found = judged(terms, facts, "2026-06")
    assert values(found) == {
        "outages": 3,
        "long": 2,
        "longest": 2 * HOUR,
        "restore": Fraction(30 + 31 + 120, 3) * MINUTE,
        "downtime": 181 * MINUTE,
        "tickets": 3,
        "notify": 5 * MINUTE,
        "days": 3,
    }
    assert [line.status for line in found.objectives if line.target is not None] == [Status.BELOW_TARGET] * 2
    assert found.tickets == tuple(ticket.opened for ticket in tickets[:3])
    early = judged(terms, facts, "2026-06", as_of="2026-06-10 00:07")
    assert [early.tickets, values(early)["notify"]] == [(at("2026-06-10 00:05"),), 5 * MINUTE]


def test_without_an_outage_there_is_nothing_to_restore() -> None:
    target = Level(value=Fraction(4 * HOUR), side=Side.AT_MOST)
    terms = monthly(
        *(
            Objective(name=m.value, measure=m, clause=HERE, statistic=latency("max").statistic, target=target)
            for m in (Measure.RESTORE, Measure.NOTIFY)
        )
    )
    idle = judged(terms, down(), "2026-06")
    assert [(line.value, line.status, line.samples) for line in idle.objectives] == [(None, Status.MET, 0)] * 2
    assert idle.status is Status.MET
    nobody = judged(terms, Facts(), "2026-06")
    assert [line.status for line in nobody.objectives] == [Status.UNKNOWN] * 2
    unticketed = judged(terms, down("2026-06-10 00:00 + 5h"), "2026-06")
    assert [(line.value, line.status) for line in unticketed.objectives] == [
        (5 * HOUR, Status.BELOW_TARGET),
        (None, Status.MET),
    ]


def restored(name: str, **rest: Any) -> Objective:
    target = Level(value=Fraction(4 * HOUR), side=Side.AT_MOST)
    return Objective(
        name=name,
        measure=Measure.RESTORE,
        clause=HERE,
        statistic=latency("mean").statistic,
        **{"target": target, **rest},
    )


def test_what_is_measured_on_nothing_to_restore_is_met_too() -> None:
    beyond = Objective(
        name="beyond",
        measure=Measure.EXCESS,
        clause=HERE,
        subject=Subject(measure=Measure.EXCESS, objective="billed"),
        target=Level(value=Fraction(0), side=Side.AT_MOST),
    )
    terms = monthly(
        restored("restore", target=None),
        restored("billed", base="restore", round=Rounding(step=Fraction(MINUTE))),
        restored("shown", base="billed"),
        beyond,
    )
    idle = judged(terms, down(), "2026-06")
    assert [(line.value, line.status) for line in idle.objectives] == [(None, Status.MET)] * 4
    assert idle.status is Status.MET
    nobody = judged(terms, Facts(), "2026-06")
    assert [line.status for line in nobody.objectives] == [Status.UNKNOWN] * 4
    late = judged(terms, down("2026-06-10 00:00 + 5h"), "2026-06")
    assert [line.status for line in late.objectives] == [Status.MET, *[Status.BELOW_TARGET] * 3]
    unmeasured = replace(terms, objectives=(latency("mean"), restored("other", base="latency")))
    assert judged(unmeasured, down(), "2026-06").objectives[1].status is Status.UNKNOWN


def test_a_mean_of_months_with_nothing_to_restore_is_met() -> None:
    terms = monthly(
        restored("restore"),
        restored("mean", base="restore", mean_of=2),
        restored("own", mean_of=2),
        term=Term(start=date(2026, 5, 1)),
    )

    def found(facts: Facts, name: str = "2026-06") -> list[tuple[Fraction | None, Status]]:
        return [(line.value, line.status) for line in judged(terms, facts, name).objectives[1:]]

    assert found(down()) == [(None, Status.MET)] * 2
    assert found(down(), "2026-05") == [(None, Status.UNKNOWN)] * 2, "there are not so many"
    assert found(down("2026-06-10 00:00 + 5h")) == [(None, Status.UNKNOWN)] * 2, "of one only"
    both = down("2026-05-10 00:00 + 1h", "2026-06-10 00:00 + 5h")
    assert found(both) == [(Fraction(3 * HOUR), Status.MET)] * 2
    blind = DeclaredSpan(start=at("2026-05-01"), end=at("2026-06-01"), state=State.UNKNOWN)
    assert found(Facts(declared={"": (blind,)})) == [(None, Status.UNKNOWN)] * 2, "of May nobody knows"


def test_a_value_is_shown_as_the_contract_displays_it() -> None:
    cut = Rounding(step=Fraction(1, 1000), mode=RoundingMode.DOWN)
    terms = monthly(availability(), availability(name="cut", base="availability", display=cut), latency("mean"))
    found = judged(terms, down("2026-06-10 00:00 + 50m"), "2026-06")
    exact = 1 - Fraction(50, JUNE_HOURS * 60)
    shown = {line.name: line.shown for line in found.objectives}
    assert shown == {"availability": Fraction("0.99884259"), "cut": Fraction("0.998"), "latency": None}
    assert found.objectives[1].value == exact, "print only"
    assert found.objectives[1].status is Status.BELOW_TARGET


# -- denominators ------------------------------------------------------------------------------------------------------------------


def test_the_whole_period_counts_the_days_before_the_term_as_up() -> None:
    ten = 10 * 24
    for total, expected in (
        (Total.IN_SCOPE, 1 - Fraction(24, JUNE_HOURS - ten)),
        (Total.WHOLE_PERIOD, 1 - Fraction(24, JUNE_HOURS)),
        (Total.NET, 1 - Fraction(24, JUNE_HOURS - ten)),
        (43_200 * MINUTE, 1 - Fraction(24, 720)),
    ):
        terms = monthly(availability(total=total), term=Term(start=date(2026, 6, 11)))
        found = judged(terms, down("2026-06-05 00:00 + 24h", "2026-06-20 00:00 + 24h"), "2026-06")
        assert found.availability == expected
        assert found.in_scope == (JUNE_HOURS - ten) * HOUR


def test_the_whole_period_is_still_cut_to_the_service_hours() -> None:
    hours = (Weekly(weekdays=frozenset(range(7)), start=8 * 3600, end=18 * 3600),)
    terms = monthly(availability(total=Total.WHOLE_PERIOD), term=Term(end=date(2026, 6, 20)), service_hours=hours)
    found = judged(terms, down("2026-06-10 06:00 + 5h", "2026-06-25 00:00 + 24h"), "2026-06")
    assert [found.downtime, found.total, found.in_scope] == [3 * HOUR, 300 * HOUR, 200 * HOUR]


def test_service_hours_are_the_wall_clocks() -> None:
    hours = (Weekly(weekdays=frozenset(range(5)), start=0, end=6 * 3600),)
    terms = monthly(
        timezone="Europe/Paris", service_hours=hours, term=Term(start=date(2026, 3, 30), end=date(2026, 3, 31))
    )
    assert judged(terms, down(), "2026-03").in_scope == 12 * HOUR
    night = replace(terms, service_hours=(Weekly(weekdays=frozenset({6}), start=0, end=6 * 3600),), term=Term())
    assert judged(night, down(), "2026-03").in_scope == (5 * 6 - 1) * HOUR, (
        "five Sundays, of the last the hour 02-03 is skipped"
    )


def test_another_service_has_figures_of_its_own() -> None:
    terms = monthly(
        availability(),
        availability(name="a", service="a"),
        availability(name="both", service=Group(of=("a", "b"), need=2)),
        Objective(name="outages", measure=Measure.OUTAGES, clause=HERE, service="b"),
        service=Group(of=("a", "b"), need=1),
    )
    hour = at("2026-06-10 00:00")

    def span(start: int, end: int) -> DeclaredSpan:
        return DeclaredSpan(start=hour + start * HOUR, end=hour + end * HOUR, state=State.DOWN)

    facts = Facts(declared={"a": (span(0, 4),), "b": (span(3, 6), span(9, 10))})
    found = judged(terms, facts, "2026-06")
    assert values(found) == {
        "availability": 1 - Fraction(1, JUNE_HOURS),
        "a": 1 - Fraction(4, JUNE_HOURS),
        "both": 1 - Fraction(7, JUNE_HOURS),
        "outages": 2,
    }
    assert found.service == "any of (a, b)"


# -- earlier periods -----------------------------------------------------------------------------------------------------------------


def mean(n: int, **rest: Any) -> Objective:
    return availability("99", name="mean", base="availability", mean_of=n, **rest)


def test_the_plain_mean_of_the_last_periods() -> None:
    terms = monthly(availability(), mean(3), term=Term(start=date(2026, 4, 1)))
    facts = down("2026-04-10 00:00 + 72h", "2026-05-10 00:00 + 24h")
    april, may = 1 - Fraction(72, 720), 1 - Fraction(24, 744)
    assert [values(judged(terms, facts, name))["mean"] for name in ("2026-04", "2026-05", "2026-06", "2026-07")] == [
        None,
        None,
        (april + may + 1) / 3,
        (may + 1 + 1) / 3,
    ]
    assert judged(terms, facts, "2026-06").objectives[1].status is Status.BELOW_TARGET
    whole_quarter = 1 - Fraction(96, 720 + 744 + 720)
    assert values(judged(terms, facts, "2026-06"))["mean"] != whole_quarter


def test_a_mean_of_rounded_values_and_of_its_own_definition() -> None:
    hundredth = Rounding(step=Fraction(1, 100))
    terms = monthly(
        availability(round=hundredth),
        mean(2),
        availability("99", name="own", mean_of=2, total=Total.NET),
        term=Term(start=date(2026, 5, 1)),
    )
    facts = down("2026-05-10 00:00 + 186h", "2026-06-10 00:00 + 36h")
    found = values(judged(terms, facts, "2026-06"))
    assert found == {
        "availability": Fraction(95, 100),
        "mean": (Fraction(75, 100) + Fraction(95, 100)) / 2,
        "own": (Fraction(3, 4) + Fraction(19, 20)) / 2,
    }


def test_a_mean_reads_values_that_were_given() -> None:
    terms = monthly(availability(), mean(2))
    facts = down(readings={"2026-05": {"availability": Fraction(9, 10)}, "2026-06": {"availability": Fraction(8, 10)}})
    assert values(judged(terms, facts, "2026-06"))["mean"] == Fraction(17, 20)
    assert values(judged(terms, facts, "2026-05"))["mean"] is None, "nothing is known of April"
    stated = replace(facts, readings={**facts.readings, "2026-07": {"mean": Fraction(1, 2)}})
    assert values(judged(terms, stated, "2026-07"))["mean"] == Fraction(1, 2)


def test_a_mean_is_undefined_where_a_period_is() -> None:
    blind = DeclaredSpan(start=at("2026-05-01"), end=at("2026-06-01"), state=State.UNKNOWN)
    terms = monthly(availability(), mean(2), availability(name="own", mean_of=2), term=Term(start=date(2026, 5, 1)))
    found = judged(terms, Facts(declared={"": (blind,)}), "2026-06")
    assert (values(found)["mean"], values(found)["own"]) == (None, None)
    span = judged(terms, down(), "2026-06-10 00:00 + 2h")
    assert values(span)["mean"] is None, "a span has no periods before it"


def test_nothing_is_known_before_the_term_the_first_fact_or_the_first_measurement() -> None:
    def known(terms: Contract, facts: Facts) -> str:
        return calendar.written(Account(terms, facts, at("2027-01-01")).known_from, "UTC")

    term = Term(start=date(2026, 3, 1))
    assert known(monthly(term=term), down("2026-06-10 00:00 + 1h")) == "2026-03-01 00:00Z"
    assert known(monthly(), down("2026-06-10 00:00 + 1h", "2026-05-20 00:00 + 1h")) == "2026-05-01 00:00Z"
    assert known(monthly(), down()) == "1970-01-01 00:00Z"
    assert known(monthly(), down(readings={"2026-04": {}}, charges={"2026-02": Charge()})) == "2026-02-01 00:00Z"
    assert known(monthly(), down(tickets=(Ticket(at("2026-07-09")),))) == "2026-07-01 00:00Z"
    breach = Breach("access", at("2026-08-09"), at("2026-08-10"))
    assert known(monthly(), down(breaches=(breach,))) == "2026-08-01 00:00Z"
    sample = SampleSeries(start=at("2026-09-09"), every=S, samples=(Sample(at("2026-09-09"), 1, Fraction(0), None),))
    assert known(monthly(), Facts(samples={"": (sample,)})) == "2026-09-01 00:00Z"
    measured = observed(series(shots("...", start=at("2026-06-10 12:00") // S)))
    assert known(monthly(), measured) == "2026-06-10 12:00Z"
    assert known(monthly(term=Term(start=date(2026, 7, 1))), measured) == "2026-07-01 00:00Z"
    assert Account(monthly(), measured, 0, known_from=77).known_from == 77


# -- charges and bases ---------------------------------------------------------------------------------------------------------------

CHARGES = {
    "2026-06": Charge(billed=Fraction(900), paid=Fraction(800), usage=Fraction(1200)),
    "2026-07": Charge(billed=Fraction(700)),
    "2026-08": Charge(paid=Fraction(10), usage=Fraction(20)),
}


@pytest.mark.parametrize(
    ("base", "june", "july", "august", "september"),
    [
        (CreditBase.CHARGE, 900, 700, 1000, 1000),
        (CreditBase.PAID, 800, 700, 10, 1000),
        (CreditBase.USAGE, 1200, None, 20, None),
        (CreditBase.HIGHER, 1200, 700, 1000, 1000),
        (CreditBase.NEXT_CHARGE, 700, 1000, 1000, 1000),
    ],
)
def test_what_a_share_is_a_share_of(
    base: CreditBase, june: int, july: int | None, august: int, september: int | None
) -> None:
    terms = monthly(credits=(share_per_hour(Fraction(1, 10)),), credit_base=base, cap=None)
    facts = down(*(f"2026-0{n}-10 00:00 + 1h" for n in (6, 7, 8, 9)), charges=CHARGES)
    found = [judged(terms, facts, f"2026-0{n}") for n in (6, 7, 8, 9)]
    assert [each.base for each in found] == [june, july, august, september]
    assert [each.charge for each in found] == [900, 700, 1000, 1000]
    assert [Fraction(each.credit or 0) for each in found] == [(each.base or Fraction(0)) / 10 for each in found]


def test_bases_without_a_price() -> None:
    for base in CreditBase:
        terms = monthly(price=None, credit_base=base, cap=None)
        facts = down(charges={"2026-06": Charge(usage=Fraction(5))})
        used = base in (CreditBase.USAGE, CreditBase.HIGHER)
        assert [judged(terms, facts, name).base for name in ("2026-06", "2026-07")] == [5 if used else None, None]


def test_a_span_has_no_next_charge() -> None:
    terms = monthly(credit_base=CreditBase.NEXT_CHARGE, prorate=Prorate.DAY)
    assert judged(terms, down(), "2026-06-01 to 2026-06-16").base == 500


def test_a_partial_period_is_charged_by_its_days() -> None:
    terms = monthly(term=Term(start=date(2026, 6, 16)), credits=(share_per_hour(Fraction(1, 2)),))
    found = judged(terms, down("2026-06-20 00:00 + 1h"), "2026-06")
    assert [found.charge, found.credit] == [500, Decimal("250.00")]


# -- caps ------------------------------------------------------------------------------------------------------------------------------


def capped(*caps: Cap, **rest: Any) -> Contract:
    return monthly(credits=(per_hour("100"),), cap=None, caps=caps, term=Term(start=date(2026, 1, 1)), **rest)


def cap(span: Span, **limit: Any) -> Cap:
    return Cap(span=span, clause=HERE, **limit)


def year(terms: Contract, facts: Facts, names: Sequence[str]) -> list[int]:
    return [int(judged(terms, facts, name).credit or 0) for name in names]


MONTHS = [f"2026-{n:02}" for n in range(1, 13)]
BAD_YEAR = down(*(f"{name}-10 00:00 + 4h" for name in MONTHS))
"""400 a month, if nothing limits it."""


@pytest.mark.parametrize(
    ("caps", "expected"),
    [
        ((), [400] * 12),
        ((cap(Span.PERIOD, share=Fraction(1, 4)),), [250] * 12),
        ((cap(Span.MONTH, amount=Fraction(300)),), [300] * 12),
        ((cap(Span.QUARTER, share=Fraction(1, 3)),), [400, 400, 200] * 4),
        ((cap(Span.QUARTER, months=1),), [400, 400, 200] * 4),
        ((cap(Span.YEAR, amount=Fraction(1000)),), [400, 400, 200, *[0] * 9]),
        ((cap(Span.YEAR, months=2),), [400] * 5 + [0] * 7),
        ((cap(Span.CONTRACT_YEAR, share=Fraction(1, 12)),), [400, 400, 200, *[0] * 9]),
        (
            (
                cap(Span.YEAR, amount=Fraction(1500)),
                cap(Span.MONTH, share=Fraction(3, 10)),
                cap(Span.QUARTER, amount=Fraction(700)),
            ),
            [300, 300, 100, 300, 300, 100, 100, *[0] * 5],
        ),
    ],
)
def test_caps_are_spent_in_time_order(caps: tuple[Cap, ...], expected: list[int]) -> None:
    terms = capped(*caps)
    assert year(terms, BAD_YEAR, MONTHS) == expected
    assert year(terms, BAD_YEAR, MONTHS[::-1]) == expected[::-1], "whatever is asked for first"
    for name, owed in zip(MONTHS, expected, strict=True):
        found = judged(terms, BAD_YEAR, name)
        assert [found.uncapped, found.lost_to_cap] == [400, 400 - owed]
        assert sum(line.removed for line in found.caps) == found.lost_to_cap
        assert [line.span for line in found.caps] == sorted(
            (c.span.value for c in caps), key=[s.value for s in Span].index
        )


def test_a_cap_says_what_it_was_and_what_is_spent() -> None:
    terms = capped(cap(Span.QUARTER, share=Fraction(1, 3)))
    (line,) = judged(terms, BAD_YEAR, "2026-06").caps
    assert [line.limit, line.spent, line.removed] == [1000, 800, 200]


def test_a_cap_of_a_contract_year_begins_with_the_term() -> None:
    terms = replace(capped(cap(Span.CONTRACT_YEAR, amount=Fraction(1000))), term=Term(start=date(2026, 3, 1)))
    assert year(terms, BAD_YEAR, MONTHS[2:6]) == [400, 400, 200, 0]
    two = down(*(f"{name}-10 00:00 + 4h" for name in ("2027-01", "2027-02", "2027-03")))
    assert year(terms, two, ["2027-01", "2027-02", "2027-03"]) == [400, 400, 400]


def test_the_period_in_which_the_term_begins_is_of_the_first_contract_year() -> None:
    """Half a month and twelve: 12 500 are charged in the first year, and 12 000 in the second."""
    spans = (f"{n}-{month:02}-20 00:00 + 10h" for n in (2026, 2027) for month in range(1, 13))
    terms = replace(capped(cap(Span.CONTRACT_YEAR, share=Fraction(1, 10))), term=Term(start=date(2026, 4, 16)))
    names = ["2026-04", "2026-05", "2026-06", "2027-04", "2027-05"]
    assert year(terms, down(*spans), names) == [1000, 250, 0, 0, 1000]
    assert [judged(terms, down(), name).caps[0].limit for name in names] == [1250] * 4 + [1200]


def test_periods_nothing_is_known_of_spend_nothing() -> None:
    terms = replace(capped(cap(Span.YEAR, amount=Fraction(500))), term=Term())
    assert year(terms, down("2026-06-10 00:00 + 4h"), ["2026-06"]) == [400]


def test_a_share_of_an_unknown_charge_limits_nothing() -> None:
    for limit in ({"share": Fraction(1, 10)}, {"months": 1}):
        terms = monthly(price=None, credits=(per_hour("100"),), cap=None, caps=(cap(Span.MONTH, **limit),))
        assert year(terms, BAD_YEAR, ["2026-06"]) == [400]
        assert judged(terms, BAD_YEAR, "2026-06").caps == ()


def test_months_of_charge_are_at_the_price_in_force() -> None:
    prices = (
        Price(amount=Fraction(1200), per=Span.YEAR),
        Price(amount=Fraction(600), per=Span.QUARTER, since=date(2026, 4, 1)),
        Price(amount=Fraction(300), since=date(2026, 7, 15)),
    )
    terms = replace(capped(cap(Span.MONTH, months=1)), prices=prices)
    assert year(terms, BAD_YEAR, ["2026-03", "2026-04", "2026-07", "2026-08"]) == [100, 200, 200, 300]
    later = replace(terms, prices=(Price(amount=Fraction(50), since=date(2026, 9, 1)),))
    assert year(later, BAD_YEAR, ["2026-03"]) == [50], "before the first price: that one"


def test_the_cap_of_a_span_inside_a_month() -> None:
    """What the month comes to as a whole is not earlier than a part of it."""
    terms = capped(cap(Span.MONTH, share=Fraction(1, 4)))
    assert year(terms, BAD_YEAR, ["2026-06-10 00:00 + 2h"]) == [200]
    found = judged(capped(cap(Span.PERIOD, share=Fraction(1))), BAD_YEAR, "2026-05-31 12:00 to 2026-06-02 12:00")
    (line,) = found.caps
    assert line.limit == found.charge == Fraction(1000, 30) * 2


# -- several periods together ------------------------------------------------------------------------------------------------------


def test_a_quarter_of_a_monthly_contract_is_its_months() -> None:
    terms = capped(cap(Span.MONTH, amount=Fraction(300)))
    facts = down("2026-04-10 00:00 + 4h", "2026-06-10 00:00 + 2h")
    found = judged(terms, facts, "2026-Q2")
    assert [found.uncapped, found.credit, found.lost_to_cap] == [600, 500, 100]
    assert [found.charge, found.base] == [3000, 3000]
    assert (found.credit_share, found.uncapped_share) == (Fraction(500, 3000), Fraction(600, 3000))
    assert found.availability == 1 - Fraction(6, (30 + 31 + 30) * 24)
    assert (found.credits, found.caps) == ((), ())
    part = judged(terms, facts, "2026-04-01 to 2026-05-16")
    assert [part.uncapped, len(part.credits)] == [400, 1], "no whole periods: a span by itself"


def test_a_year_without_money() -> None:
    terms = monthly(price=None, currency=None, cap=None)
    found = judged(terms, down(), "2026")
    assert (found.charge, found.base, found.credit, found.credit_share, found.bonus) == (None, None, None, None, None)
    assert (found.uncapped, found.lost_to_cap, found.at_stake, found.payable, found.earned_back) == (None,) * 5


# -- outages and downtime of any stretch ---------------------------------------------------------------------------------------------


def test_outages_that_begin_in_a_stretch_and_when_something_counted() -> None:
    facts = down("2026-05-31 23:00 + 2h", "2026-06-10 00:00 + 1h", "2026-06-30 23:30 + 1h")
    account = Account(monthly(), facts, at("2027-01-01"))
    begins = [i.start for i in account.incidents(at("2026-05-31 23:00"), at("2026-06-30 23:30"))]
    assert begins == [at("2026-05-31 23:00"), at("2026-06-10 00:00")]
    assert account.downtime(at("2026-06-01"), at("2026-07-01 00:10")) == (
        (at("2026-06-01"), at("2026-06-01 01:00")),
        (at("2026-06-10"), at("2026-06-10 01:00")),
        (at("2026-06-30 23:30"), at("2026-07-01 00:10")),
    )
    assert account.incidents(at("2026-01-01"), at("2026-02-01")) == ()
    assert account.downtime(at("2026-01-01"), at("2026-05-01")) == ()
    assert account.contract == monthly()
    assert account.incidents(at("2025-01-01"), at("2027-01-01"))[-1].raw == HOUR
    start, end = calendar.span("2026-06-09 00:00 + 48h", "UTC")
    excluded = replace(facts, exclusions=(exclusion(start // S, end // S),))
    assert len(Account(monthly(), excluded, at("2027-01-01")).incidents(at("2026-06-01"), at("2026-06-30"))) == 0


def test_the_terms_of_a_period_are_those_in_force_when_it_begins() -> None:
    old = monthly(availability("99.9"), credits=(per_hour("10"),))
    new = replace(old, effective=date(2026, 7, 1), objectives=(availability("90"),), credits=(per_hour("20"),))
    terms = replace(old, amendments=(new,))
    facts = down("2026-06-10 00:00 + 1h", "2026-07-10 00:00 + 1h")
    june, july = judged(terms, facts, "2026-06"), judged(terms, facts, "2026-07")
    assert [(s.status, s.credit) for s in (june, july)] == [
        (Status.BELOW_TARGET, Decimal("10.00")),
        (Status.MET, Decimal("20.00")),
    ]
    assert june == judged(old, facts, "2026-06")


def test_rolling_periods_look_back_over_months() -> None:
    terms = monthly(
        period=PeriodRule(kind=PeriodKind.ROLLING, length=720 * HOUR), outage=OutageRule(belongs_to=BelongsTo.END)
    )
    facts = down("2026-05-31 00:00 + 2h", "2026-06-20 00:00 + 1h")
    found = judged(terms, facts, "2026-06-25 00:00")
    assert [found.downtime, found.in_scope] == [3 * HOUR, 720 * HOUR]
    assert judged(terms, facts, "2026-07-10 00:00").downtime == HOUR


def test_a_tally_somebody_keeps_is_used() -> None:
    terms, facts = monthly(), down("2026-06-10 00:00 + 1h")
    june = periods.period(terms, "2026-06")
    kept = Account(terms, facts, at("2027-01-01")).tally(june)
    asked: list[tuple[str, Period]] = []

    def tallies(version: Contract, service: object, period: Period) -> Any:
        asked.append((str(service), period))
        return kept

    account = Account(terms, facts, at("2027-01-01"), tallies=tallies)
    assert state(account, june) == judged(terms, facts, "2026-06", as_of="2027-01-01")
    assert asked == [("link", june)], "once"
    assert account.lines(june) is account.lines(june)


def test_delays_of_stated_samples_with_levels_on_the_upper_side() -> None:
    """Of several targets the worst is the one furthest from where it should be."""
    rows = tuple(
        SampleSeries(
            start=at("2026-06-01"),
            every=S,
            samples=tuple(Sample(at("2026-06-01") + i * S, 1, Fraction(0), ms * MS) for i in range(3)),
            vantage=name,
        )
        for name, ms in (("x", 10), ("y", 30))
    )
    above = Level(value=Fraction(20 * MS), side=Side.AT_LEAST)
    terms = monthly(
        latency("mean", 20),
        replace(latency("mean", name="rising"), target=above),
        replace(latency("mean", name="minimum"), minimum=above),
        latency("mean", name="pooled", over="pooled"),
    )
    found = judged(terms, Facts(samples={"": rows}), "2026-06")
    assert {line.name: [line.value, line.worst, line.samples] for line in found.objectives} == {
        "latency": [30 * MS, "link/y", 3],
        "rising": [10 * MS, "link/x", 3],
        "minimum": [10 * MS, "link/x", 3],
        "pooled": [20 * MS, None, 6],
    }
    assert list(found.samples["latency"]) == [10 * MS] * 3 + [30 * MS] * 3
    assert level("5", Side.AT_MOST) == Level(value=Fraction(1, 20), side=Side.AT_MOST)
