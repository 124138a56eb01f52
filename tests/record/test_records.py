from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, MINUTE, MS, Reading, Result, S
from slamon.record.minute import Minute
from slamon.record.packing import unpack
from slamon.record.records import LENGTHS, QUARTER, decoded, encoded, total
from slamon.record.rows import Record
from tests.record.test_minute import Rows, fill, record, rows
from tests.record.worlds import LIMITS, T0

SPLIT = st.lists(st.integers(0, 29), max_size=3, unique=True).map(sorted)


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Minutes of a quarter hour, measured with different limits."""
    found = []
    for minute in sorted(draw(st.sets(st.integers(0, 14), max_size=4))):
        start = T0 + minute * MINUTE
        limits = draw(st.sampled_from((LIMITS, LIMITS[:1], (30 * MS,), ())))
        one = fill(Minute(start, 1, None), draw(rows(start=start)))
        one.events = draw(st.lists(st.integers(0, 3), min_size=4, max_size=4))
        found.append(one.record(interval=S, limits=limits))
    return found


def test_the_lengths_tile_each_other() -> None:
    assert LENGTHS == (MINUTE, QUARTER, DAY)
    assert all(longer % shorter == 0 for shorter, longer in pairwise(LENGTHS))


@given(records())
def test_addition_is_commutative_and_associative(parts: list[Record]) -> None:
    whole = total(T0, QUARTER, parts)
    assert total(T0, QUARTER, reversed(parts)) == whole
    for cut in range(len(parts) + 1):
        halves = (total(T0, QUARTER, parts[:cut]), total(T0, QUARTER, parts[cut:]))
        assert total(T0, QUARTER, halves) == whole
    assert total(T0, DAY, [whole]) == replace(whole, length=DAY)


@given(rows(), SPLIT)
def test_parts_of_a_minute_make_the_minute(samples: Rows, cuts: list[int]) -> None:
    """Every part knows the sample before it, so that no pair is lost, and the sum equals direct accumulation."""
    whole = record(samples)
    parts, before, at = [], None, 0
    for cut in (*[cut for cut in cuts if cut < len(samples)], len(samples)):
        part = fill(Minute(T0, 1, before), samples[at:cut])
        parts.append(part.record(interval=S, limits=LIMITS))
        before, at = part.last(), cut
    summed = total(T0, MINUTE, parts)
    assert replace(summed, raw=None) == replace(whole, raw=None)
    assert whole.raw is not None
    assert summed.raw is not None
    assert unpack(T0, summed.raw) == unpack(T0, whole.raw)


def test_a_limit_that_was_not_always_in_force_is_not_claimed() -> None:
    delay = [(T0, Reading(Result.SUCCESS, 15 * MS))]
    both = fill(Minute(T0, 1, None), delay).record(interval=S, limits=LIMITS)
    one = fill(Minute(T0, 1, None), delay).record(interval=S, limits=LIMITS[:1])
    silent = fill(Minute(T0, 1, None), []).record(interval=S, limits=())
    assert total(T0, MINUTE, [both, silent, one]).within == {LIMITS[0]: 2}
    assert total(T0, MINUTE, [silent, both]).within == dict.fromkeys(LIMITS, 1)
    assert total(T0, MINUTE, [silent, silent]).within == {}


def test_a_record_from_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="not part of"):
        total(T0, MINUTE, [Record(start=T0 + MINUTE, length=MINUTE)])
    with pytest.raises(ValueError, match="not part of"):
        total(T0, MINUTE, [Record(start=T0, length=QUARTER)])


@given(records())
def test_bytes_and_back(parts: list[Record]) -> None:
    for part in parts:
        assert decoded(*encoded(part)) == (part.buckets, part.within)
