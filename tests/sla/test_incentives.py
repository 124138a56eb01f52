from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from slamon.sla.facts import Breach, Facts, Payment
from slamon.sla.incentives import bonuses, earned_back, payable, withheld
from slamon.sla.lines import CreditLine
from slamon.sla.terms import Contract, PeriodKind, PeriodRule, Price, Term
from slamon.sla.terms.conditions import Bonus, Where, Within
from slamon.sla.terms.credits import Count, Credit, Give, Per, Tier
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.times import Span
from tests.sla.book import (
    AVAILABILITY,
    HERE,
    Book,
    at,
    condition,
    consecutive,
    contract,
    day,
    outage,
    percents,
    quantity,
    sliding,
)

OVERDUE = Subject(measure=Measure.OVERDUE)
DOWNTIME = Subject(measure=Measure.DOWNTIME)
QUARTER = Within(where=Where.EVERY, span=Span.QUARTER, text="every period of quarter")
NEXT_2 = Within(where=Where.NEXT, n=2, text="next 2 periods")
KEPT = condition(AVAILABILITY, Side.AT_LEAST, "99.9%", name="kept", within=NEXT_2)
PRICE = Price(amount=Fraction(1000))


def priced(**rest: Any) -> Contract:
    return contract(**{"prices": (PRICE,), "currency": "USD", **rest})


# --- withheld -----------------------------------------------------------------------------------------------------------------


def debtor(*payments: tuple[str, str | None], as_of: str, threshold: int = 0, **rest: Any) -> str | None:
    ground = condition(OVERDUE, Side.OVER, threshold, name="overdue", **rest)
    found = tuple(Payment(at(due), None if paid is None else at(paid)) for due, paid in payments)
    own = Book(contract=priced(withhold=(ground,)), as_of=at(as_of), facts=Facts(payments=found))
    reason = withheld(own, own.period("2026-06"))
    return None if reason is None else reason.name


def test_withheld_while_a_debt_of_the_time_is_unpaid() -> None:
    assert debtor(("2026-06-15", None), as_of="2026-07-01") == "overdue"
    assert debtor(("2026-06-15", "2026-06-20"), as_of="2026-07-01") is None
    assert debtor(("2026-06-15", "2026-07-10"), as_of="2026-07-09") == "overdue"
    assert debtor(("2026-06-15", "2026-07-10"), as_of="2026-07-10") is None
    assert debtor(("2026-06-30", None), as_of="2026-06-30 12:00") is None


def test_a_later_debt_withholds_nothing_earned_before() -> None:
    assert debtor(("2026-07-15", None), as_of="2026-12-01") is None


def test_a_debt_due_as_the_period_ends_is_of_the_next_one() -> None:
    assert debtor(("2026-07-01", None), as_of="2026-08-01") is None
    assert debtor(("2026-06-30", None), as_of="2026-08-01") == "overdue"


def test_a_debt_may_become_old_enough_later() -> None:
    assert debtor(("2026-06-15", None), as_of="2026-07-01", threshold=30) is None
    assert debtor(("2026-06-15", None), as_of="2026-07-16", threshold=30) == "overdue"


def test_overdue_in_several_periods() -> None:
    assert debtor(("2026-05-15", None), as_of="2026-07-01", within=consecutive(2)) == "overdue"
    assert debtor(("2026-06-15", None), as_of="2026-07-01", within=consecutive(2)) is None


def test_the_first_condition_that_is_true() -> None:
    access = condition(Subject(measure=Measure.BREACH, duty="access"), Side.OVER, 0, name="access")
    other = replace(access, name="other", subject=Subject(measure=Measure.BREACH, duty="power"))
    facts = Facts(
        breaches=tuple(Breach(duty, at("2026-06-10"), at("2026-06-11")) for duty in ("power", "access")),
    )
    own = Book(contract=contract(withhold=(other, access)), as_of=at("2026-07-01"), facts=facts)
    assert withheld(own, own.period("2026-06")) == other
    assert withheld(own, own.period("2026-05")) is None


# --- earned back --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("june", "expected"), [("99.93", "50.00"), ("99.89", "0.00"), (None, "0.00")])
def test_earned_back_by_the_months_that_follow(june: str | None, expected: str) -> None:
    values = percents(m2026_04="99.8", m2026_05="99.95") | ({} if june is None else percents(m2026_06=june))
    own = Book(
        contract=contract(earn_back=(KEPT,)),
        as_of=at("2026-07-01"),
        values=values,
        owed={"2026-04": Decimal("50.00")},
    )
    found = earned_back(own, own.period("2026-04"))
    assert (found, str(found)) == (Decimal(expected), expected)


def test_nothing_earns_back_without_a_condition() -> None:
    own = Book(contract=contract(), as_of=at("2026-07-01"), owed={"2026-04": Decimal("50.00")})
    assert str(earned_back(own, own.period("2026-04"))) == "0.00"


def test_payable() -> None:
    assert str(payable(Decimal("50.00"), None, Decimal("0.00"))) == "50.00"
    assert str(payable(Decimal("50.00"), None, Decimal("50.00"))) == "0.00"
    assert str(payable(Decimal("50.00"), KEPT, Decimal("0.00"))) == "0.00"


# --- bonuses ------------------------------------------------------------------------------------------------------------------


def table(tiers: dict[str, str], *, subject: Subject = AVAILABILITY, side: Side = Side.AT_LEAST, **rest: Any) -> Credit:
    found = tuple(Tier(threshold=quantity(limit), give=give(text)) for limit, text in tiers.items())
    return Credit(name="bonus", subject=subject, clause=HERE, side=side, tiers=found, **rest)


def give(text: str) -> Give:
    return Give(share=quantity(text)) if text.endswith("%") else Give(amount=Fraction(text))


def book(credit: Credit, within: Within | None = None, *, as_of: str = "2026-04-01", **rest: Any) -> Book:
    terms = rest.pop("terms", priced())
    own = replace(terms, bonuses=(Bonus(credit=credit, within=within or Within()),))
    return Book(contract=own, as_of=at(as_of), **rest)


def given(own: Book, *names: str) -> dict[str, list[str]]:
    found = {name: [str(line.rounded) for line in bonuses(own, own.period(name))] for name in names}
    return {name: amounts for name, amounts in found.items() if amounts}


BEST = table({"99.99%": "2%"})
Q1 = ("2026-01", "2026-02", "2026-03", "2026-04", "2026-Q1")


def test_for_every_month_of_the_quarter() -> None:
    own = book(BEST, QUARTER, values=percents(m2026_01="99.995", m2026_02="99.99", m2026_03="100"))
    assert given(own, *Q1) == {"2026-03": ["60.00"], "2026-Q1": ["60.00"]}
    one = book(BEST, QUARTER, values=percents(m2026_01="99.995", m2026_02="99.98", m2026_03="100"))
    assert given(one, *Q1) == {"2026-03": ["0.00"], "2026-Q1": ["0.00"]}
    early = book(BEST, QUARTER, values=percents(m2026_01="99.995", m2026_02="99.99"), as_of="2026-03-31")
    assert given(early, *Q1) == {}


def test_the_furthest_threshold_that_holds_in_every_month() -> None:
    credit = table({"99.9%": "1%", "99.99%": "2%"})
    own = book(credit, QUARTER, values=percents(m2026_01="99.995", m2026_02="99.95", m2026_03="100"))
    (line,) = bonuses(own, own.period("2026-Q1"))
    assert (line.rounded, line.threshold, line.base) == (Decimal("30.00"), Fraction(999, 1000), Fraction(3000))
    assert line.value == Fraction(9995, 10000)


def test_a_year_has_the_bonuses_of_its_quarters() -> None:
    values = percents(**{f"m2026_{month:02}": "100" for month in range(1, 7)})
    assert given(book(BEST, QUARTER, values=values, as_of="2026-06-30"), "2026") == {"2026": ["60.00"]}
    own = book(BEST, QUARTER, values=values, as_of="2027-01-01")
    assert given(own, "2026") == {"2026": ["60.00", "60.00", "0.00", "0.00"]}


def test_of_each_period_without_a_window() -> None:
    own = book(BEST, values=percents(m2026_01="99.995", m2026_02="99.98", m2026_03="100"))
    assert given(own, *Q1) == {
        "2026-01": ["20.00"],
        "2026-02": ["0.00"],
        "2026-03": ["20.00"],
        "2026-Q1": ["20.00", "0.00", "20.00"],
    }


def test_a_quarter_in_one_period() -> None:
    terms = priced(period=PeriodRule(kind=PeriodKind.QUARTER))
    values = {"2026-Q1": {"availability": Fraction(1)}}
    assert given(book(BEST, QUARTER, terms=terms, values=values), "2026-Q1") == {"2026-Q1": ["60.00"]}


def test_consecutive_periods_and_some_of_them() -> None:
    credit = table({"99.9%": "1%", "99.99%": "2%"})
    values = percents(m2026_01="99.9", m2026_02="99.99", m2026_03="100")
    assert given(book(credit, consecutive(2), values=values), "2026-03") == {"2026-03": ["40.00"]}
    assert given(book(credit, consecutive(3), values=values), "2026-03") == {"2026-03": ["30.00"]}
    two = Within(where=Where.OF, n=2, m=3, text="2 of 3 periods")
    assert given(book(credit, two, values=values), "2026-03") == {"2026-03": ["60.00"]}


def test_the_next_periods_are_given_with_the_last_of_them() -> None:
    own = book(BEST, NEXT_2, values=percents(m2026_02="100", m2026_03="100"))
    assert given(own, "2026-03") == {"2026-03": ["40.00"]}


def test_amounts_and_a_cap() -> None:
    own = book(table({"99%": "12.5"}), values=percents(m2026_03="100"))
    assert given(own, "2026-03") == {"2026-03": ["12.50"]}
    own = book(replace(BEST, cap=Give(amount=Fraction(15))), values=percents(m2026_03="100"))
    assert given(own, "2026-03") == {"2026-03": ["15.00"]}
    free = book(BEST, values=percents(m2026_03="100"), terms=contract(currency="USD"))
    assert given(free, "2026-03") == {"2026-03": ["0.00"]}


def test_charges_are_those_of_the_term() -> None:
    terms = priced(term=Term(start=day("2026-02-01")))
    own = book(BEST, QUARTER, values=percents(m2026_01="100", m2026_02="100", m2026_03="100"), terms=terms)
    assert given(own, "2026-Q1") == {"2026-Q1": ["40.00"]}


def test_no_bonus_for_what_was_agreed_later() -> None:
    later = replace(priced(), bonuses=(Bonus(credit=BEST, within=QUARTER),), effective=day("2026-02-01"))
    values = percents(m2026_01="100", m2026_02="100", m2026_03="100")
    own = Book(contract=priced(objectives=(), amendments=(later,)), as_of=at("2026-04-01"), values=values)
    assert given(own, "2026-03") == {}


QUIET = table({"2h": "2%"}, subject=DOWNTIME, side=Side.AT_MOST)


def test_no_bonus_for_what_was_before_anything_was_known() -> None:
    assert given(book(QUIET, known_from=at("2026-02-01")), *Q1) == {
        "2026-01": ["0.00"],
        "2026-02": ["20.00"],
        "2026-03": ["20.00"],
        "2026-Q1": ["0.00", "20.00", "20.00"],
    }
    late = book(QUIET, QUARTER, known_from=at("2026-03-10"))
    (line,) = bonuses(late, late.period("2026-03"))
    assert (line.value, line.threshold, line.exact, line.share) == (None, None, Fraction(0), Fraction(0))
    assert line.parts == ()
    assert given(book(QUIET, QUARTER, known_from=at("2026-01-10")), "2026-03") == {"2026-03": ["60.00"]}
    two = Within(where=Where.OF, n=2, m=3, text="2 of 3 periods")
    assert given(book(QUIET, two, known_from=at("2026-02-10")), "2026-03") == {"2026-03": ["60.00"]}
    assert given(book(QUIET, two, known_from=at("2026-03-01")), "2026-03") == {"2026-03": ["0.00"]}


def test_a_bonus_per_unit_is_none_either_for_what_was_before() -> None:
    per = Per(count=Count.COMPLETED, unit=quantity("1h"), text="completed 1h")
    each = Credit(
        name="bonus",
        subject=DOWNTIME,
        clause=HERE,
        side=Side.BELOW,
        per=per,
        threshold=quantity("3h"),
        give=give("10"),
    )
    own = book(each, known_from=at("2026-03-01"))
    assert given(own, "2026-02", "2026-03") == {"2026-02": ["0.00"], "2026-03": ["30.00"]}
    (line,) = bonuses(own, own.period("2026-02"))
    assert (line.units, line.threshold) == (Fraction(0), None)


def test_stated_by_hand_what_nobody_mentions_was_good_since_the_term_began() -> None:
    stated = Facts(declared={"": ()})
    assert given(book(QUIET, QUARTER, known_from=at("2026-03-01"), facts=stated), "2026-03") == {"2026-03": ["60.00"]}
    terms = priced(term=Term(start=day("2026-03-01")))
    own = book(QUIET, QUARTER, terms=terms, known_from=at("2026-03-01"), facts=stated)
    assert given(own, "2026-03") == {"2026-03": ["0.00"]}


# --- windows and points -------------------------------------------------------------------------------------------------------


def line(own: Book) -> CreditLine:
    (found,) = bonuses(own, own.period("2026-06"))
    return found


def test_in_any_window_the_furthest_threshold() -> None:
    credit = table({"2h": "1%", "1h": "2%", "0s": "3%"}, subject=DOWNTIME, side=Side.AT_MOST)
    rest: dict[str, Any] = {"as_of": "2026-07-01", "known_from": at("2026-05-01")}
    every = [outage(f"2026-0{month}-{number:02} 00:00 + 30m") for month in (5, 6) for number in range(1, 31, 3)]
    own = book(credit, sliding("5d"), outages=every, **rest)
    found = line(own)
    assert (found.threshold, found.rounded, found.share) == (Fraction(3600 * 10**9), Decimal("20.00"), Fraction(1, 50))
    assert line(book(replace(credit, cap=Give(amount=Fraction(7))), sliding("5d"), outages=every, **rest)).exact == 7
    long = book(credit, sliding("30d"), outages=every, **rest)
    assert (line(long).threshold, line(long).rounded) == (None, Decimal("0.00"))


def test_in_no_window_nothing_whatever_the_period_by_itself_would_give() -> None:
    credit = table({"1h": "2%"}, subject=DOWNTIME, side=Side.AT_MOST)
    down = [outage("2026-05-28 00:00 + 2h")]
    assert line(book(credit, sliding("34d"), as_of="2026-07-01", outages=down)).rounded == 0
    assert line(book(credit, sliding("33d"), as_of="2026-07-01", outages=down)).rounded == 20
    late: dict[str, Any] = {"as_of": "2026-07-01", "known_from": at("2026-06-10")}
    assert line(book(credit, sliding("22d"), **late)).rounded == 0
    assert line(book(credit, sliding("21d"), **late)).rounded == 20


def test_for_few_points() -> None:
    each = Credit(
        name="bonus",
        subject=Subject(measure=Measure.OUTAGES),
        clause=HERE,
        side=Side.AT_LEAST,
        tiers=(Tier(threshold=Fraction(1), give=Give(points=5)),),
    )
    few = Credit(
        name="bonus",
        subject=Subject(measure=Measure.POINTS),
        clause=HERE,
        side=Side.AT_MOST,
        tiers=(Tier(threshold=Fraction(4), give=Give(share=Fraction(1, 10))),),
    )
    terms = priced(credits=(each,))
    assert line(book(few, terms=terms, as_of="2026-07-01")).rounded == Decimal("100.00")
    outages = [outage("2026-06-10 00:00 + 1h")]
    found = line(book(few, terms=terms, as_of="2026-07-01", outages=outages))
    assert (found.name, found.value, found.rounded) == ("bonus", Fraction(5), Decimal("0.00"))
