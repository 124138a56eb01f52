"""Claims that exclude each other, and limits of their owners: the best choice, also of thousands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slamon.sla import competing
from slamon.sla.competing import Claim, most

Amount = tuple[int, int | Fraction]
"""Owner and amount."""


def claims(amounts: Sequence[Amount], pairs: Sequence[tuple[int, int]]) -> list[Claim]:
    against: list[set[int]] = [set() for _ in amounts]
    for one, other in pairs:
        against[one].add(other)
        against[other].add(one)
    return [
        Claim(owner=owner, amount=Fraction(amount), rivals=rivals)
        for (owner, amount), rivals in zip(amounts, against, strict=True)
    ]


def worth(own: Sequence[Claim], kept: frozenset[int], limits: Mapping[int, Fraction]) -> Fraction:
    owed: dict[int, Fraction] = {}
    for n in kept:
        assert not own[n].rivals & kept
        owed[own[n].owner] = owed.get(own[n].owner, Fraction(0)) + own[n].amount
    return sum((min(amount, limits.get(owner, amount)) for owner, amount in owed.items()), start=Fraction(0))


def choices(own: Sequence[Claim]) -> list[frozenset[int]]:
    sets = (frozenset(n for n in range(len(own)) if chosen >> n & 1) for chosen in range(1 << len(own)))
    return [kept for kept in sets if not any(own[n].rivals & kept for n in kept)]


def best(own: Sequence[Claim], limits: Mapping[int, Fraction]) -> Fraction:
    return max(worth(own, kept, limits) for kept in choices(own))


def weighed(own: Sequence[Claim], limits: Mapping[int, Fraction], *, shared: bool) -> Fraction:
    """What a choice comes to at least that is best where each claim counts whole, or by the share that its owner's limit leaves."""
    left, asked = dict(limits), dict.fromkeys(limits, Fraction(0))
    for each in own:
        if not each.rivals and each.owner in left:
            left[each.owner] = max(left[each.owner] - each.amount, Fraction(0))
    amounts = [min(each.amount, left.get(each.owner, each.amount)) if each.rivals else each.amount for each in own]
    for each, amount in zip(own, amounts, strict=True):
        if each.rivals and each.owner in left:
            asked[each.owner] += amount
    if shared:
        shares = {owner: min(left[owner] / of, Fraction(1)) for owner, of in asked.items() if of}
        amounts = [amount * shares.get(each.owner, 1) for each, amount in zip(own, amounts, strict=True)]
    alone = {n for n, each in enumerate(own) if not each.rivals}
    by_weight = [(sum(amounts[n] for n in kept), worth(own, kept, limits)) for kept in choices(own) if alone <= kept]
    most_ = max(weight for weight, _ in by_weight)
    return min(value for weight, value in by_weight if weight == most_)


@st.composite
def drawn(draw: st.DrawFn) -> tuple[list[Claim], dict[int, Fraction]]:
    amounts = draw(st.lists(st.tuples(st.integers(0, 3), st.fractions(0, 9, max_denominator=6)), max_size=9))
    pairs = [(a, b) for a, b in combinations(range(len(amounts)), 2) if amounts[a][0] != amounts[b][0]]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    limits = draw(st.dictionaries(st.integers(0, 4), st.fractions(0, 20, max_denominator=6)))
    return claims(amounts, chosen), limits


@given(drawn())
def test_no_choice_gives_more(case: tuple[list[Claim], dict[int, Fraction]]) -> None:
    own, limits = case
    assert worth(own, most(own, limits), limits) == best(own, limits)


@given(drawn())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_where_hardly_any_way_can_be_tried_it_is_still_no_worse_than_by_amounts(
    monkeypatch: pytest.MonkeyPatch, case: tuple[list[Claim], dict[int, Fraction]]
) -> None:
    own, limits = case
    with monkeypatch.context() as patch:
        patch.setattr(competing, "NARROW", 1)
        patch.setattr(competing, "STEPS", 1)
        found = worth(own, most(own, limits), limits)
    assert max(weighed(own, limits, shared=shared) for shared in (False, True)) <= found <= best(own, limits)


def test_without_claims_nothing_is_kept() -> None:
    assert most([], {0: Fraction(1)}) == frozenset()
    assert most(claims([(0, 5), (1, 7)], []), {0: Fraction(1)}) == {0, 1}


def test_of_equals_the_one_with_most_rivals_then_the_first() -> None:
    assert most(claims([(0, 5), (1, 5)], [(0, 1)]), {}) == {0}
    assert most(claims([(0, 5), (1, 10), (2, 5)], [(0, 1), (1, 2)]), {}) == {1}
    limits = {0: Fraction(5), 1: Fraction(5)}
    assert most(claims([(0, 5), (1, 5), (0, 5), (1, 5)], [(0, 1), (2, 3)]), limits) == {0, 3}


def outages(count: int, *amounts: int | Fraction) -> list[Claim]:
    """Each owner has one claim for each outage, and one more owner a claim for all of them."""
    each = [(owner, amount) for _ in range(count) for owner, amount in enumerate(amounts)]
    size = len(amounts)
    rivals = [(size * n + one, size * n + other) for n in range(count) for one, other in combinations(range(size), 2)]
    return claims([*each, (size, 1)], [*rivals, *((n, len(each)) for n in range(len(each)))])


def test_thousands_that_reach_a_limit_are_decided_exactly() -> None:
    """A limit of 333 takes 33 amounts of 10 and a third of the next one, which is less than the 7 it is kept instead of."""
    own = outages(2000, 10, 7)
    limits = {0: Fraction(333)}
    assert worth(own, most(own, limits), limits) == 330 + 1967 * 7
    limits = {0: Fraction(338)}
    assert worth(own, most(own, limits), limits) == 338 + 1966 * 7


def test_several_limits_at_once_are_decided_exactly() -> None:
    own = outages(500, 10, 9, 4)
    limits = {0: Fraction(500), 1: Fraction(450)}
    assert worth(own, most(own, limits), limits) == 500 + 450 + 400 * 4


def test_hundreds_of_odd_amounts_come_as_near_to_the_limit_as_can_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each amount of its own, and the other always three quarters of it: every way to fill the limit is as good as any other."""
    amounts = [Fraction(1000 + n * n % 997, 7) for n in range(300)]
    each = [(owner, amount * share) for amount in amounts for owner, share in ((0, Fraction(1)), (1, Fraction(3, 4)))]
    own = claims(each, [(2 * n, 2 * n + 1) for n in range(300)])
    whole = sum(amounts, start=Fraction(0))
    limits = {0: whole / 3}
    bound = whole * Fraction(3, 4) + limits[0] / 4
    monkeypatch.setattr(competing, "STEPS", 100_000)
    found = worth(own, most(own, limits), limits)
    assert bound - 1 < found <= bound
