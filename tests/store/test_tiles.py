from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, HOUR, MINUTE, S
from slamon.record.records import QUARTER
from slamon.store.tiles import Tiles, split, tiles
from tests.record.worlds import T0

M0 = T0 // MINUTE
INSTANTS = st.one_of(
    st.integers(0, 3 * DAY // MINUTE).map(lambda n: T0 + n * MINUTE),
    st.integers(0, 12 * 24).map(lambda n: T0 + n * QUARTER),
    st.integers(0, 3 * DAY).map(lambda n: T0 + n),
)
UPTO = st.one_of(st.none(), st.integers(0, 3 * 24 * 4).map(lambda n: M0 + n * 15))


@given(INSTANTS, INSTANTS, st.lists(INSTANTS, max_size=4).map(sorted), UPTO, UPTO)
def test_tiles_cover_the_span_once_with_what_exists(
    start: int, end: int, cuts: list[int], day_upto: int | None, quarter_upto: int | None
) -> None:
    parts = tiles(start, end, cuts=cuts, upto=(day_upto, quarter_upto))
    at = start // MINUTE
    for length, first, after in parts:
        assert first == at, "no hole, no overlap"
        assert first % length == after % length == 0
        at = after
        if length > 1:
            assert start <= first * MINUTE
            assert after * MINUTE <= end
            assert after <= ((day_upto if length == 1440 else quarter_upto) or 0)
            assert not any(split(cuts, minute, length) for minute in range(first, after, length))
    if end > start:
        assert at == -(-end // MINUTE)


def test_the_longest_are_taken() -> None:
    end = T0 + 2 * DAY + HOUR
    upto = (M0 + 2880, M0 + 2940)
    assert tiles(T0 - 90 * S, end, upto=upto) == [
        Tiles(1, M0 - 2, M0),
        Tiles(1440, M0, M0 + 2880),
        Tiles(15, M0 + 2880, M0 + 2940),
    ]


def test_a_cut_costs_one_quarter_hour_of_minutes() -> None:
    cut = T0 + DAY + 20 * MINUTE + 1
    parts = tiles(T0, T0 + 3 * DAY, cuts=[cut], upto=(M0 + 4320, M0 + 4320))
    assert [(part.length, part.end - part.first) for part in parts] == [
        (1440, 1440),
        (15, 15),
        (1, 15),
        (15, 1440 - 30),
        (1440, 1440),
    ]


@pytest.mark.parametrize(("offset", "expected"), [(0, False), (1, True), (MINUTE - 1, True), (MINUTE, False)])
def test_an_edge_of_a_record_does_not_split_it(offset: int, expected: bool) -> None:
    assert split([T0 + offset], M0, 1) is expected


def test_nothing_covers_an_empty_span() -> None:
    assert tiles(T0, T0) == []
