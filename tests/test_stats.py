"""Histograms of our own delays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from slamon.model import S
from slamon.stats import LAG_EDGES, Histogram


@given(st.lists(st.integers(0, 7 * S) | st.sampled_from(LAG_EDGES)), st.integers(0, 100 * S))
def test_ages_observed_together_are_those_observed_one_by_one(ages: list[int], now: int) -> None:
    together, alone = Histogram(), Histogram()
    instants = sorted(now - age for age in ages)
    together.observe_ages(now, instants, sum(instants))
    for age in ages:
        alone.observe(age)
    assert (together.counts, together.total, together.count) == (alone.counts, alone.total, len(ages))
