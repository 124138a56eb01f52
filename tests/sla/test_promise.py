from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.sla.promise import supportable
from slamon.sla.terms.composition import Composition, Group, names

A, B, C = Fraction(999, 1000), Fraction(99, 100), Fraction(9, 10)
PROMISES = {"a": A, "b": B, "c": C}


def group(need: int, *of: Composition) -> Group:
    return Group(of=of, need=need)


def test_one() -> None:
    assert supportable("a", PROMISES) == A


def test_all_multiply() -> None:
    assert supportable(group(3, "a", "b", "c"), PROMISES) == A * B * C


def test_any_is_down_only_with_all() -> None:
    assert supportable(group(1, "a", "b", "c"), PROMISES) == 1 - (1 - A) * (1 - B) * (1 - C)


def test_two_of_three() -> None:
    found = supportable(group(2, "a", "b", "c"), PROMISES)
    assert found == A * B * C + A * B * (1 - C) + A * (1 - B) * C + (1 - A) * B * C


def test_nested() -> None:
    assert supportable(group(2, "a", group(1, "b", "c")), PROMISES) == A * (1 - (1 - B) * (1 - C))


def test_what_stands_twice_is_one_thing() -> None:
    assert supportable(group(2, "b", "b"), PROMISES) == B
    assert supportable(group(1, group(2, "a", "b"), group(2, "a", "c")), PROMISES) == A * (1 - (1 - B) * (1 - C))


def test_no_promise() -> None:
    with pytest.raises(KeyError):
        supportable(group(1, "a", "d"), PROMISES)


def up(composition: Composition, states: Mapping[str, bool]) -> bool:
    if isinstance(composition, str):
        return states[composition]
    return sum(up(member, states) for member in composition.of) >= composition.need


def groups(members: st.SearchStrategy[Composition]) -> st.SearchStrategy[Composition]:
    some = st.lists(members, min_size=1, max_size=3)
    return some.flatmap(lambda of: st.integers(1, len(of)).map(lambda need: Group(of=tuple(of), need=need)))


compositions = st.recursive(st.sampled_from("abcde"), groups, max_leaves=6)


@given(composition=compositions, chances=st.lists(st.fractions(0, 1, max_denominator=9), min_size=5, max_size=5))
def test_as_the_sum_over_all_states(composition: Composition, chances: list[Fraction]) -> None:
    promises = dict(zip("abcde", chances, strict=True))
    own = names(composition)
    total = Fraction(0)
    for states in product((True, False), repeat=len(own)):
        known = dict(zip(own, states, strict=True))
        if up(composition, known):
            chance = Fraction(1)
            for name, state in known.items():
                chance *= promises[name] if state else 1 - promises[name]
            total += chance
    assert supportable(composition, promises) == total
