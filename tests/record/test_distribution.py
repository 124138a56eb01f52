from __future__ import annotations

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import S
from slamon.record import distribution

DELAYS = st.integers(0, 1 << 62)
SETS = st.lists(st.one_of(st.integers(0, 500), st.integers(0, 10 * S)), max_size=200)


@given(DELAYS)
def test_a_bucket_holds_its_values_and_no_other(ns: int) -> None:
    index = distribution.bucket(ns)
    assert distribution.lower(index) <= ns < distribution.upper(index)
    assert distribution.bucket(distribution.lower(index)) == index
    assert distribution.bucket(distribution.upper(index)) == index + 1


@given(DELAYS)
def test_the_representative_is_within_one_percent(ns: int) -> None:
    shown = distribution.representative(distribution.bucket(ns))
    assert 100 * abs(shown - ns) <= ns
    if ns < 128:
        assert shown == ns


@given(DELAYS, DELAYS)
def test_buckets_ascend_with_their_values(a: int, b: int) -> None:
    assert (a <= b) <= (distribution.bucket(a) <= distribution.bucket(b))


def test_a_negative_delay_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        distribution.bucket(-1)


@given(SETS)
def test_counting_is_bucket_of_each(delays: list[int]) -> None:
    assert distribution.count(delays) == Counter(map(distribution.bucket, delays))


@given(SETS.filter(bool), st.fractions(0, 1).filter(bool))
def test_quantile_is_the_bucket_of_the_smallest_x_with_edf_at_least_p(delays: list[int], p: Fraction) -> None:
    ordered = sorted(delays)
    exact = next(x for x in ordered if Fraction(sum(1 for y in ordered if y <= x), len(ordered)) >= p)
    assert distribution.quantile(distribution.count(delays), len(delays), p) == distribution.bucket(exact)


def test_quantiles_of_one_to_a_hundred() -> None:
    buckets = distribution.count(range(1, 101))
    assert [distribution.quantile(buckets, 100, Fraction(p, 100)) for p in (1, 50, 95, 100)] == [1, 50, 95, 100]
    assert distribution.quantile(buckets, 100, Fraction(501, 1000)) == 51


@pytest.mark.parametrize(
    ("buckets", "n", "p"), [({}, 0, "1/2"), ({3: 1}, 1, "0"), ({3: 1}, 1, "3/2"), ({3: 1}, 5, "1")]
)
def test_no_quantile_of_nothing(buckets: dict[int, int], n: int, p: str) -> None:
    with pytest.raises(ValueError, match=r"quantile|delays"):
        distribution.quantile(buckets, n, Fraction(p))


@given(st.dictionaries(st.integers(0, 4000), st.integers(1, 100_000), max_size=60))
def test_bytes_and_back(buckets: dict[int, int]) -> None:
    assert distribution.from_bytes(distribution.to_bytes(buckets)) == buckets


@given(SETS)
def test_bytes_and_back_of_a_minute(delays: list[int]) -> None:
    buckets = distribution.count(delays)
    assert distribution.from_bytes(distribution.to_bytes(buckets)) == buckets


def test_a_spread_minute_is_short() -> None:
    buckets = distribution.count(20_000_000 + 137_000 * i for i in range(60))
    assert len(distribution.to_bytes(buckets)) <= 20


def test_unknown_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="coding 9"):
        distribution.from_bytes(b"\x09\x01\x01")
