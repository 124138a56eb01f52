from __future__ import annotations

import random  # noqa: TID251  seeded below: the same noise every time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.record.columns import find_column, get_column, put_column

VALUES = st.lists(st.one_of(st.integers(-3, 500), st.integers(-(1 << 62), 1 << 62)), max_size=300)


@pytest.mark.parametrize("width", [*range(1, 20), 31, 32, 33, 62, 63, 64])
@pytest.mark.parametrize("n", [1, 63, 64, 65, 200])
def test_a_column_of_any_width_comes_back(width: int, n: int) -> None:
    chance = random.Random(width)
    values = [-3 + chance.randrange(1 << width) for _ in range(n)]
    values[n // 2], values[0] = (1 << width) - 4, -3
    out = bytearray(b"before")
    put_column(out, values)
    assert get_column(bytes(out + b"after"), 6, n) == (values, len(out))


@given(VALUES, st.data())
def test_a_part_is_that_of_the_whole(values: list[int], data: st.DataObject) -> None:
    out = bytearray()
    put_column(out, values)
    column, end = find_column(bytes(out), 0, len(values))
    assert end == len(out)
    assert column.values() == values
    first = data.draw(st.integers(0, len(values)))
    last = data.draw(st.integers(first, len(values)))
    assert column.values(first, last) == values[first:last]
    least, most = column.bounds()
    assert all(least <= value <= most for value in values)
