"""Money: furthest threshold, caps, the least amount, rounding to the cent, what is certain and what is at stake."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MS, S
from slamon.sla.credit import Settlement, credit_line, settle
from slamon.sla.facts import Facts, State
from slamon.sla.lines import ObjectiveLine, Status
from slamon.sla.money import at_most, rounded
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Combine, Contract, Credit, Measure, Side
from tests.sla.build import (
    HERE,
    availability,
    contract,
    credit,
    declared,
    exclusion,
    latency,
    loss,
    observed,
    period,
    series,
    shots,
)


def line(name: str, value: Fraction | None, *, provisional: bool = False, unit: str = "ratio") -> ObjectiveLine:
    return ObjectiveLine(
        name=name,
        measure=name,
        unit=unit,
        clause=HERE,
        statistic=None,
        value=value,
        value_so_far=value,
        target=None,
        minimum=None,
        status=Status.MET,
        samples=0,
        worst=None,
        provisional=provisional,
    )


def paid(terms: Contract, **values: str | ObjectiveLine) -> Settlement:
    """Availability and loss as percents; missing objectives were not measured."""
    lines = [
        value if isinstance(value, ObjectiveLine) else line(name, Fraction(value) / 100)
        for name, value in values.items()
    ]
    return settle(terms, [*lines, *(line(c.objective, None) for c in terms.credits if c.objective not in values)])


def one(table: dict[str, str], **rest: Any) -> Contract:
    own = {key: rest.pop(key) for key in ("cap_of_line", "side") if key in rest}
    made = credit(table, side=own.get("side", Side.BELOW), cap=own.get("cap_of_line"))
    return contract(credits=(made,), **rest)


def test_the_furthest_threshold_reached_gives_and_equality_is_met() -> None:
    terms = one({"99.99%": "10%", "99%": "25%", "95%": "100%"})
    amounts = {v: paid(terms, availability=v).credit for v in ("99.99", "99.989999", "99", "98.999999", "95", "94.9")}
    assert amounts == {
        "99.99": Decimal(0),
        "99.989999": Decimal(100),
        "99": Decimal(100),
        "98.999999": Decimal(250),
        "95": Decimal(250),
        "94.9": Decimal(1000),
    }


@pytest.mark.parametrize(
    ("side", "below", "equal", "above"),
    [(Side.BELOW, 1, 0, 0), (Side.AT_MOST, 1, 1, 0), (Side.OVER, 0, 0, 1), (Side.AT_LEAST, 0, 1, 1)],
)
def test_every_side_has_its_own_edge(side: Side, below: int, equal: int, above: int) -> None:
    terms = one({"50%": "1%"}, side=side)
    assert [paid(terms, availability=v).credit for v in ("49.9", "50", "50.1")] == [10 * below, 10 * equal, 10 * above]


def test_every_operand_is_in_the_line() -> None:
    (found,) = paid(one({"99%": "1/30"}), availability="98.5").lines
    assert (found.value, found.side, found.threshold) == (Fraction("0.985"), "below", Fraction("0.99"))
    assert [found.share, found.base, found.gives, found.exact] == [
        Fraction(1, 30),
        1000,
        Fraction(100, 3),
        Fraction(100, 3),
    ]
    assert (str(found.rounded), found.applied, found.at_stake, found.clause) == ("33.33", True, False, HERE)
    (money,) = paid(one({"99%": "12.345"}), availability="98").lines
    assert (money.share, money.amount, money.gives, str(money.rounded)) == (
        None,
        Fraction("12.345"),
        Fraction("12.345"),
        "12.35",
    )
    (none,) = paid(one({"99%": "10%"}), availability="99").lines
    assert [none.threshold, none.share, none.gives, none.exact, str(none.rounded)] == [None, None, 0, 0, "0.00"]
    (unmeasured,) = paid(one({"99%": "10%"})).lines
    assert [unmeasured.value, unmeasured.exact] == [None, 0]


def test_lines_are_rounded_half_up_to_the_minor_unit_and_then_added() -> None:
    two = contract(
        credits=(credit({"99%": "1/3"}), credit({"99%": "1/3"}, name="again")), price=Fraction(100), cap=None
    )
    found = paid(two, availability="98")
    assert (str(found.credit), str(found.uncapped), found.credit_share) == ("66.66", "66.66", Fraction(2, 3))
    assert str(paid(one({"99%": "1/2"}, price=Fraction("0.01")), availability="98").credit) == "0.01"
    for currency, text in (("JPY", "333"), ("KWD", "333.333"), ("EUR", "333.33")):
        assert str(paid(one({"99%": "1/3"}, currency=currency), availability="98").credit) == text


def test_the_cap_is_never_exceeded_and_what_it_takes_is_shown() -> None:
    terms = contract(
        objectives=[],
        credits=(
            credit({"99.9%": "70%"}),
            credit({"0%": "40%"}, objective="latency", side=Side.OVER),
            credit({"0.1%": "20%"}, objective="loss", side=Side.OVER),
        ),
    )
    found = paid(terms, availability="99", latency="60", loss="1")
    assert [found.uncapped_share, found.credit_share] == [Fraction(13, 10), 1]
    assert [str(value) for value in (found.uncapped, found.credit, found.lost_to_cap)] == [
        "1300.00",
        "1000.00",
        "300.00",
    ]
    third = paid(replace(terms, cap=Fraction(2, 3)), availability="99", latency="60")
    assert (str(third.credit), third.credit_share) == ("666.66", Fraction(2, 3))
    amount = paid(replace(terms, cap=None, cap_amount=Fraction(50)), availability="99")
    assert (str(amount.credit), amount.credit_share, str(amount.lost_to_cap)) == ("50.00", Fraction(1, 20), "650.00")
    assert str(paid(replace(terms, cap=None), availability="99", latency="60").credit) == "1100.00"


def test_the_cap_of_one_credit() -> None:
    found = paid(one({"99%": "60%"}, cap_of_line=Fraction(1, 4)), availability="98")
    assert [found.lines[0].gives, found.lines[0].exact, str(found.lines[0].rounded)] == [600, 250, "250.00"]
    assert (found.uncapped_share, str(found.uncapped), str(found.lost_to_cap)) == (Fraction(3, 5), "600.00", "350.00")


def test_only_the_highest_may_stand() -> None:
    terms = contract(
        credits=(credit({"99%": "20%"}), credit({"99%": "30%"}, name="more"), credit({"99%": "30%"}, name="equal")),
        combine=Combine.HIGHEST,
    )
    found = paid(terms, availability="98")
    assert str(found.credit) == "300.00"
    assert [(each.name, each.applied) for each in found.lines] == [
        ("availability", False),
        ("more", True),
        ("equal", False),
    ]
    assert paid(contract(combine=Combine.HIGHEST)).credit == 0


@pytest.mark.parametrize(
    ("exclusive", "least", "owed"), [(True, 100, 0), (False, 100, 100), (True, 99, 100), (False, 101, 0)]
)
def test_less_than_the_least_amount_is_nothing(exclusive: bool, least: int, owed: int) -> None:
    terms = one({"99%": "10%"}, minimum_credit=Fraction(least), minimum_credit_exclusive=exclusive)
    found = paid(terms, availability="98")
    assert [found.credit, found.uncapped, found.credit_share, found.uncapped_share] == [
        owed,
        owed,
        Fraction(owed, 1000),
        Fraction(owed, 1000),
    ]
    assert found.lines[0].applied is (owed > 0)
    assert found.lines[0].exact == 100


def test_the_least_amount_is_tested_before_caps_and_rounding() -> None:
    terms = one({"99%": "50%"}, minimum_credit=Fraction(400), cap=Fraction(1, 10))
    assert str(paid(terms, availability="98").credit) == "100.00"
    tiny = one({"99%": "0.999"}, minimum_credit=Fraction(1))
    assert str(paid(tiny, availability="98").credit) == "0.00"


def test_what_may_still_improve_is_at_stake_and_not_owed() -> None:
    terms = contract(
        credits=(credit({"99%": "10%"}), credit({"5%": "25%"}, objective="loss", side=Side.OVER)), cap=Fraction(3, 10)
    )
    later = line("loss", Fraction(1, 10), provisional=True)
    found = paid(terms, availability="98", loss=later)
    assert [str(value) for value in (found.credit, found.at_stake, found.uncapped, found.lost_to_cap)] == [
        "100.00",
        "200.00",
        "100.00",
        "0.00",
    ]
    assert [(each.applied, each.at_stake) for each in found.lines] == [(True, False), (True, True)]
    highest = paid(replace(terms, combine=Combine.HIGHEST), availability="98", loss=later)
    assert (str(highest.credit), str(highest.at_stake)) == ("100.00", "150.00")
    assert [each.applied for each in highest.lines] == [True, True]


def test_without_money_there_are_no_amounts() -> None:
    bare = contract(price=None, currency=None, cap=None, credits=())
    found = paid(bare)
    assert (found.charge, found.credit, found.uncapped, found.credit_share, found.lost_to_cap, found.at_stake) == (
        None,
    ) * 6
    amounts = contract(price=None, cap=Fraction(1), credits=(credit({"99%": "15"}, cap=Fraction(1)),))
    found = paid(amounts, availability="98")
    assert (str(found.credit), found.credit_share, found.lines[0].base) == ("15.00", None, None)
    free = contract(price=Fraction(0), credits=(credit({"99%": "10%"}),))
    assert (str(paid(free, availability="98").credit), paid(free, availability="98").credit_share) == ("0.00", None)


def test_money() -> None:
    assert [str(rounded(Fraction(n, 1000), "EUR")) for n in (1004, 1005, 1015, -1005)] == [
        "1.00",
        "1.01",
        "1.02",
        "-1.01",
    ]
    assert [str(at_most(Fraction(n, 1000), "EUR")) for n in (1009, 1000)] == ["1.00", "1.00"]
    assert str(at_most(Fraction(19, 10), "JPY")) == "1"


def down(seconds: int, **rest: Any) -> Statement:
    terms = contract(credits=(credit({"99.9%": "10%", "99%": "25%"}),), objectives=[availability("99.9", "99")], **rest)
    return evaluate(terms, declared((0, seconds, State.DOWN)), period(0, 100_000), 100_000 * S)


def test_budget_and_distance_to_the_next_credit() -> None:
    assert down(0).budget_remaining == {"target": 100 * S, "minimum": 1000 * S}
    assert down(0).to_next_credit == 100 * S + 1
    assert (down(100).budget_remaining["target"], down(100).to_next_credit, str(down(100).credit)) == (0, 1, "0.00")
    assert (down(101).budget_remaining["target"], down(101).to_next_credit) == (-1 * S, 899 * S + 1)
    assert (down(1001).budget_remaining["minimum"], down(1001).to_next_credit) == (-1 * S, None)


def test_the_distance_to_the_next_credit_is_exact() -> None:
    """With exactly that much more downtime the tier is reached, with one nanosecond less it is not."""
    for already in (0, 101):
        found = down(already)
        assert found.to_next_credit is not None
        for more, reached in ((found.to_next_credit, True), (found.to_next_credit - 1, False)):
            end = already * S + more
            facts = declared()
            facts = replace(
                facts, declared={"link": (replace(declared((0, 1, State.DOWN)).declared["link"][0], end=end),)}
            )
            terms = contract(credits=(credit({"99.9%": "10%", "99%": "25%"}),))
            later = evaluate(terms, facts, period(0, 100_000), 100_000 * S)
            assert ((later.credit or 0) > (found.credit or 0)) is reached


def test_no_distance_where_downtime_leads_nowhere() -> None:
    over = contract(credits=(credit({"1%": "10%"}, side=Side.OVER),))
    assert evaluate(over, declared(), period(0, 100), 100 * S).to_next_credit is None
    at_most = contract(credits=(credit({"99%": "10%"}, side=Side.AT_MOST),))
    assert evaluate(at_most, declared(), period(0, 100), 100 * S).to_next_credit == 1 * S
    assert evaluate(at_most, declared(), period(0, 101), 101 * S).to_next_credit == 1_010_000_000
    given_value = Facts(readings={"availability": Fraction(1, 2)}, declared={"link": ()})
    found = evaluate(at_most, given_value, period(0, 100), 100 * S)
    assert (found.to_next_credit, found.budget_remaining, str(found.credit)) == (None, {}, "100.00")
    unknown = declared((0, 100, State.UNKNOWN))
    assert evaluate(at_most, unknown, period(0, 100), 100 * S).to_next_credit is None
    assert evaluate(at_most, unknown, period(0, 100), 100 * S).budget_remaining == {}


def test_latency_and_loss_credits_of_an_open_period_are_at_stake() -> None:
    terms = contract(
        objectives=[availability("99"), latency("p95", 10), loss("1")],
        credits=(
            credit({"10": "10%"}, objective="latency", side=Side.OVER),
            credit({"1%": "5%"}, objective="loss", side=Side.OVER),
        ),
    )
    facts = observed(series(shots("......xx......", rtt=30 * MS)))
    still = evaluate(terms, facts, period(0, 1000), 140 * S)
    assert still.open
    assert [(o.name, o.value, o.provisional) for o in still.objectives] == [
        ("availability", 1, False),
        ("latency", 30 * MS, True),
        ("loss", Fraction(2, 13), True),
    ]
    assert (str(still.credit), str(still.at_stake)) == ("0.00", "150.00")
    closed = evaluate(terms, facts, period(0, 130), 140 * S)
    assert not closed.open
    assert (str(closed.credit), str(closed.at_stake)) == ("150.00", "0.00")


gives = st.lists(st.integers(0, 150), min_size=1, max_size=4).map(sorted)


@st.composite
def tables(draw: st.DrawFn) -> Credit:
    """Availability tables whose gives grow with severity."""
    percents = draw(gives)
    thresholds = sorted(
        draw(st.sets(st.integers(0, 1000), min_size=len(percents), max_size=len(percents))), reverse=True
    )
    table = {f"{t / 10}%": f"{g}%" for t, g in zip(thresholds, percents, strict=True)}
    return credit(table, name=f"c{draw(st.integers(0, 10**6))}", side=draw(st.sampled_from([Side.BELOW, Side.AT_MOST])))


money_terms = st.builds(
    lambda lines, combine, cap, price: contract(
        credits=tuple(lines), combine=combine, cap=cap, price=Fraction(price, 100)
    ),
    st.lists(tables(), min_size=1, max_size=3, unique_by=lambda c: c.name),
    st.sampled_from(Combine),
    st.sampled_from([Fraction(1), Fraction(1, 3), Fraction(7, 8)]),
    st.integers(1, 10**6),
)


@given(money_terms, st.integers(0, 1000))
def test_credit_never_exceeds_the_cap(terms: Contract, value: int) -> None:
    found = paid(terms, availability=str(Fraction(value, 10)))
    assert terms.cap is not None
    assert terms.price is not None
    assert found.credit is not None
    assert found.uncapped is not None
    assert 0 <= Fraction(found.credit) <= terms.cap * terms.price
    assert found.lost_to_cap == found.uncapped - found.credit
    assert found.lost_to_cap >= 0


@given(money_terms, st.lists(st.booleans(), min_size=20, max_size=20), st.integers(0, 19))
def test_turning_up_into_down_never_lowers_an_availability_credit(terms: Contract, ups: list[bool], at: int) -> None:
    def owed(states: list[bool]) -> Decimal:
        spans = [(i, i + 1, State.DOWN) for i, up in enumerate(states) if not up]
        found = evaluate(terms, declared(*spans), period(0, 20), 20 * S).credit
        assert found is not None
        return found

    worse = [up and i != at for i, up in enumerate(ups)]
    assert owed(worse) >= owed(ups)


states = st.sampled_from([State.UP, State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN])


@given(
    money_terms, st.lists(states, min_size=20, max_size=20), st.integers(0, 18), st.integers(1, 20), st.integers(1, 25)
)
def test_exclusions_never_raise_a_credit(
    terms: Contract, seen: list[State], start: int, length: int, as_of: int
) -> None:
    """With excluded time counted as available, the default."""

    spans = [(i, i + 1, state) for i, state in enumerate(seen)]
    without = evaluate(terms, declared(*spans), period(0, 20), as_of * S)
    excluded = [exclusion(start, start + length)]
    with_it = evaluate(terms, declared(*spans, exclusions=excluded), period(0, 20), as_of * S)
    assert without.credit is not None
    assert with_it.credit is not None
    assert with_it.credit <= without.credit


def test_a_line_is_priced_by_itself() -> None:
    found = credit_line(credit({"99%": "10%"}), line("availability", Fraction(1, 2)), Fraction(50), "USD")
    assert [found.exact, found.objective, Measure(found.objective)] == [5, "availability", Measure.AVAILABILITY]
