from __future__ import annotations

import random  # noqa: TID251  seeded below: the same noise every time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.record.columns import find_column, get_column, put_column, put_plain

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


@pytest.mark.parametrize(
    ("most", "size"),
    [(0, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 4), ((1 << 32) - 1, 4), (1 << 32, 8), ((1 << 64) - 1, 8)],
)
def test_a_plain_column_takes_the_bytes_its_span_needs(most: int, size: int) -> None:
    values = [5, 5 + most, 5, 5 + most // 3]
    out = bytearray(b"before")
    put_plain(out, values)
    assert len(out) == 6 + 1 + 1 + 4 * size
    assert out[7] == 0x80 | size
    assert get_column(bytes(out + b"after"), 6, 4) == (values, len(out))


def test_what_no_plain_column_holds_is_refused() -> None:
    with pytest.raises(OverflowError):
        put_plain(bytearray(), [0, 1 << 64])
    with pytest.raises(ValueError, match="a plain column of 3 bytes a value"):
        find_column(bytes([0, 0x83, 0, 0, 0]), 0, 1)
    for torn in range(4):
        with pytest.raises(ValueError, match="ends inside"):
            find_column(bytes([0, 0x84, 1, 2, 3, 4])[: 2 + torn], 0, 1)


@pytest.mark.parametrize("write", [put_column, put_plain])
@given(VALUES, st.data())
def test_a_part_is_that_of_the_whole(
    write: Callable[[bytearray, list[int]], None], values: list[int], data: st.DataObject
) -> None:
    out = bytearray()
    write(out, values)
    column, end = find_column(bytes(out), 0, len(values))
    assert end == len(out)
    assert column.values() == values
    first = data.draw(st.integers(0, len(values)))
    last = data.draw(st.integers(first, len(values)))
    assert column.values(first, last) == values[first:last]
    least, most = column.bounds()
    assert all(least <= value <= most for value in values)
