"""The process: exponential waits, no memory, reproducible."""

from __future__ import annotations

from itertools import pairwise
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, SPACING, S
from slamon.poisson import Poisson

START = 1_790_000_000 * S


def points(name: str, interval: int, start: int, count: int, later: int = 0) -> list[int]:
    process = Poisson(name, interval, later)
    found = [process.after(start)]
    while len(found) < count:
        found.append(process.after(found[-1]))
    return found


def test_waits_are_exponential_and_independent() -> None:
    """20 000 waits: the share above each length, the mean, and the correlation of neighbours, within four standard errors."""
    n, interval = 20_000, 10 * S
    at = points("hq/ping", interval, START, n + 1)
    waits = [(later - earlier) / interval for earlier, later in pairwise(at)]
    for length in (0.05, 0.5, 1, 2, 4):
        share = exp(-length)
        assert sum(wait > length for wait in waits) / n == pytest.approx(share, abs=4 * sqrt(share * (1 - share) / n))
    mean = sum(waits) / n
    assert mean == pytest.approx(1, abs=4 / sqrt(n))
    neighbours = sum((a - mean) * (b - mean) for a, b in pairwise(waits)) / n
    assert abs(neighbours) < 4 / sqrt(n)
    assert max(waits) <= SPACING


def test_no_phase_of_a_period_is_preferred() -> None:
    at = points("hq/ping", 10 * S, START, 20_000)
    tenths = [0] * 10
    for instant in at:
        tenths[instant % (60 * S) * 10 // (60 * S)] += 1
    assert all(abs(share - 2000) < 4 * sqrt(2000) for share in tenths)


@given(
    st.text(min_size=1, max_size=20),
    st.sampled_from([S, 10 * S, 333_333_333]),
    st.integers(0, 10**12),
    st.integers(0, S),
)
def test_the_instants_do_not_depend_on_when_one_asks(name: str, interval: int, before: int, later: int) -> None:
    at = points(name, interval, START, 20, later)
    assert at == sorted(set(at))
    assert at[0] > START
    from_before = [
        instant for instant in points(name, interval, START - before % (100 * interval), 200, later) if instant > START
    ]
    assert from_before[: len(at)] == at[: len(from_before)]
    shifted = [instant + later for instant in points(name, interval, START - later, 20)]
    assert shifted == at


def test_names_have_processes_of_their_own() -> None:
    assert not set(points("a", S, START, 1000)) & set(points("b", S, START, 1000))
    assert points("a", DAY, START, 3)[0] < START + SPACING * DAY
