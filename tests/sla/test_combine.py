"""Credits that compete: the sum, the one highest, the highest for the same time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from slamon.sla.combine import combined
from slamon.sla.lines import CreditLine, CreditPart
from slamon.sla.money import rounded
from slamon.sla.terms.credits import Combine
from slamon.sla.terms.measures import Dimension
from slamon.sla.timeline import Spans, intersect
from tests.sla.owing import HERE, seen


def part(exact: Fraction | int, start: int, end: int, spans: Spans = (), units: int | None = None) -> CreditPart:
    return CreditPart(
        start=start,
        end=end,
        value=None,
        threshold=None,
        units=None if units is None else Fraction(units),
        share=Fraction(exact, 1000),
        exact=Fraction(exact),
        spans=spans,
    )


def line(name: str, *parts: CreditPart, cap: Fraction | int | None = None) -> CreditLine:
    gives = sum((p.exact for p in parts), start=Fraction(0))
    exact = gives if cap is None else min(gives, Fraction(cap))
    return CreditLine(
        name=name,
        clause=HERE,
        measure=name,
        objective=None,
        dimension=Dimension.DURATION,
        value=None,
        side=None,
        threshold=None,
        per=None,
        units=sum((p.units for p in parts if p.units is not None), start=Fraction(0)),
        share=gives / 1000,
        points=0,
        base=Fraction(1000),
        gives=gives,
        cap=None if cap is None else Fraction(cap),
        exact=exact,
        rounded=rounded(exact, "USD"),
        applied=True,
        at_stake=False,
        parts=parts,
    )


def standing(rule: Combine, *lines: CreditLine) -> dict[str, Fraction]:
    return {found.name: found.exact for found in combined(rule, lines, "USD") if found.applied and found.exact}


def test_the_sum_is_all_of_them() -> None:
    lines = (line("a", part(1, 0, 9)), line("b", part(2, 0, 9)))
    assert combined(Combine.SUM, lines, "USD") == lines


def test_one_highest_stands_the_first_of_equals() -> None:
    lines = [line(name, part(exact, 0, 9)) for name, exact in (("a", 20), ("b", 30), ("c", 30), ("none", 0))]
    found = combined(Combine.HIGHEST, lines, "USD")
    assert [seen(each.name, each.applied, each.exact) for each in found] == [
        ("a", False, 20),
        ("b", True, 30),
        ("c", False, 30),
        ("none", True, 0),
    ]
    assert combined(Combine.HIGHEST, (), "USD") == ()


def test_the_highest_is_chosen_by_the_exact_amount_after_the_own_cap() -> None:
    assert standing(
        Combine.HIGHEST, line("a", part(Fraction("10.001"), 0, 9)), line("b", part(Fraction("10.002"), 0, 9))
    ) == {"b": Fraction("10.002")}
    assert standing(Combine.HIGHEST, line("a", part(500, 0, 9), cap=100), line("b", part(200, 0, 9))) == {"b": 200}


def test_for_the_same_time_the_highest_stands_and_the_other_is_shown() -> None:
    found = combined(Combine.SAME_TIME, (line("a", part(200, 0, 100)), line("b", part(300, 50, 60))), "USD")
    assert [seen(each.applied, each.exact, each.rounded, [p.applied for p in each.parts]) for each in found] == [
        (False, 200, Decimal("200.00"), [False]),
        (True, 300, Decimal("300.00"), [True]),
    ]


def test_for_different_times_both_stand_also_when_they_touch() -> None:
    assert standing(Combine.SAME_TIME, line("a", part(200, 0, 50)), line("b", part(300, 50, 60))) == {
        "a": 200,
        "b": 300,
    }
    split = part(200, 0, 100, ((0, 50), (60, 100)))
    assert standing(Combine.SAME_TIME, line("a", split), line("b", part(300, 50, 60))) == {"a": 200, "b": 300}


def test_only_the_outage_for_which_another_credit_stands_is_left_out() -> None:
    outages = line("a", part(40, 0, 10, units=1), part(50, 20, 30, units=2), part(60, 40, 50, units=3))
    found = combined(Combine.SAME_TIME, (outages, line("b", part(55, 25, 45))), "USD")
    # 55 is less than the 50 + 60 it would cost.
    assert [each.applied for each in found] == [True, False]
    found = combined(Combine.SAME_TIME, (outages, line("b", part(55, 22, 24))), "USD")
    a, b = found
    assert (a.applied, b.applied) == (True, True)
    assert seen(a.gives, a.exact, a.rounded, a.units, a.share) == (100, 100, Decimal("100.00"), 4, Fraction(1, 10))
    assert [p.applied for p in a.parts] == [True, False, True]


def test_many_small_ones_together_may_stand_against_a_higher_one() -> None:
    """Three credits of 60, for three outages, are 180 for time that one of 90 is for as well."""
    small = line("a", *(part(60, 10 * i, 10 * i + 5) for i in range(3)))
    assert standing(Combine.SAME_TIME, small, line("b", part(90, 0, 100))) == {"a": 180}
    assert standing(Combine.SAME_TIME, small, line("b", part(190, 0, 100))) == {"b": 190}
    assert standing(Combine.SAME_TIME, small, line("b", part(180, 0, 100))) == {"b": 180}


def test_what_stands_is_worth_what_the_own_cap_leaves_of_it() -> None:
    """Of 500, capped at 100, nothing stands against 200; of two parts of 500 one is enough to reach the cap again."""
    assert standing(Combine.SAME_TIME, line("a", part(500, 0, 9), cap=100), line("b", part(200, 5, 6))) == {"b": 200}
    capped = line("a", part(500, 0, 9), part(500, 20, 30), cap=100)
    assert standing(Combine.SAME_TIME, capped, line("b", part(60, 5, 6))) == {"a": 100, "b": 60}


def test_a_cap_that_one_part_reaches_leaves_the_time_of_the_other_to_another_credit() -> None:
    capped = line("a", part(500, 0, 9), part(500, 20, 30), cap=500)
    assert standing(Combine.SAME_TIME, capped, line("b", part(200, 5, 6))) == {"a": 500, "b": 200}
    both = line("b", part(200, 5, 6), part(100, 25, 26))
    assert standing(Combine.SAME_TIME, capped, both) == {"a": 500, "b": 200}
    assert standing(Combine.SAME_TIME, replace(capped, cap=Fraction(600), exact=Fraction(600)), both) == {
        "a": 500,
        "b": 200,
    }


def test_a_cap_is_filled_by_the_parts_that_fit() -> None:
    a = line("a", *(part(amount, 10 * i, 10 * i + 5) for i, amount in enumerate((80, 70, 60, 50))), cap=150)
    b = line("b", *(part(40, 10 * i, 10 * i + 5) for i in range(4)))
    assert standing(Combine.SAME_TIME, a, b) == {"a": 150, "b": 80}, "80 and 70"
    for amount, stand in ((119, {"a": 150, "b": 80}), (121, {"a": 110, "c": 121})):
        assert standing(Combine.SAME_TIME, a, b, line("c", part(amount, 0, 15))) == stand


def test_what_gives_nothing_stands_in_nobodys_way() -> None:
    found = combined(Combine.SAME_TIME, (line("a", part(0, 0, 100)), line("b", part(3, 0, 9)), line("c")), "USD")
    assert [seen(each.applied, each.exact) for each in found] == [(True, 0), (True, 3), (True, 0)]


def test_parts_of_one_credit_do_not_compete_with_each_other() -> None:
    assert standing(Combine.SAME_TIME, line("a", part(3, 0, 9), part(4, 5, 20))) == {"a": 7}


def test_of_equals_the_first_stands() -> None:
    same = [line(name, part(10, 0, 9)) for name in "abc"]
    assert standing(Combine.SAME_TIME, *same) == {"a": 10}


def test_a_month_of_a_thousand_outages_is_decided_at_once() -> None:
    each = [line(name, *(part(n, 10 * i, 10 * i + 5) for i in range(1000))) for name, n in (("a", 2), ("b", 3))]
    assert standing(Combine.SAME_TIME, *each, line("c", part(1000, 0, 10_000)), line("d", part(999, 0, 10_000))) == {
        "b": 3000
    }


def test_a_long_chain_of_credits_that_overlap_is_decided_at_once() -> None:
    a = line("a", *(part(2, 20 * i, 20 * i + 15) for i in range(100)))
    b = line("b", *(part(3, 20 * i + 10, 20 * i + 25) for i in range(100)))
    assert standing(Combine.SAME_TIME, a, b) == {"b": 300}


spans = st.tuples(st.integers(0, 40), st.integers(1, 12)).map(lambda s: (s[0], s[0] + s[1]))
parts = st.lists(st.builds(lambda exact, span: part(exact, *span), st.integers(0, 9), spans), max_size=4)
caps = st.sampled_from([None, None, 3, 7, 15])
some_lines = st.lists(st.tuples(parts, caps), min_size=1, max_size=4).map(
    lambda drawn: tuple(line(f"c{i}", *own, cap=cap) for i, (own, cap) in enumerate(drawn))
)


def total(rule: Combine, lines: tuple[CreditLine, ...]) -> Fraction:
    return sum((found.exact for found in combined(rule, lines, "USD") if found.applied), start=Fraction(0))


@given(some_lines)
def test_the_highest_is_never_more_than_that_for_the_same_time_and_this_never_more_than_the_sum(
    lines: tuple[CreditLine, ...],
) -> None:
    assert total(Combine.HIGHEST, lines) <= total(Combine.SAME_TIME, lines) <= total(Combine.SUM, lines)
    assert total(Combine.HIGHEST, lines) == max(each.exact for each in lines)


@given(some_lines)
def test_no_time_is_paid_for_by_two_credits(lines: tuple[CreditLine, ...]) -> None:
    found = combined(Combine.SAME_TIME, lines, "USD")
    for one, other in combinations([each for each in found if each.applied], 2):
        for a in one.parts:
            for b in other.parts:
                paid = a.applied and b.applied and a.exact and b.exact
                assert not (paid and intersect(((a.start, a.end),), ((b.start, b.end),)))
    for each in found:
        if each.applied:
            assert each.gives == sum(p.exact for p in each.parts if p.applied)


@given(some_lines)
def test_no_other_choice_of_parts_gives_more(lines: tuple[CreditLine, ...]) -> None:
    claims = [(i, p) for i, each in enumerate(lines) for p in each.parts if p.exact]
    assume(len(claims) <= 9)
    best = Fraction(0)
    for chosen in range(1 << len(claims)):
        kept = [claim for n, claim in enumerate(claims) if chosen >> n & 1]
        if all(i == j or a.end <= b.start or b.end <= a.start for (i, a), (j, b) in combinations(kept, 2)):
            gives = [sum((p.exact for i, p in kept if i == n), start=Fraction(0)) for n in range(len(lines))]
            owed = (own if of.cap is None else min(own, of.cap) for own, of in zip(gives, lines, strict=True))
            best = max(best, sum(owed, start=Fraction(0)))
    assert total(Combine.SAME_TIME, lines) == best


@pytest.mark.parametrize("rule", Combine)
def test_no_lines_no_credit(rule: Combine) -> None:
    assert combined(rule, (), "USD") == ()


def test_what_stands_of_a_line_is_rounded_to_the_minor_unit_of_the_currency() -> None:
    outages = line("a", part(Fraction("40.4"), 0, 10), part(50, 20, 30))
    found = combined(Combine.SAME_TIME, (outages, line("b", part(55, 22, 24))), "JPY")
    assert str(found[0].rounded) == "40"
