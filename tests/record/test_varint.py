from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.record import varint


@given(st.lists(st.integers(0, 1 << 80)))
def test_numbers_and_back(values: list[int]) -> None:
    out = bytearray()
    for value in values:
        varint.put(out, value)
    at, back = 0, []
    while at < len(out):
        value, at = varint.get(bytes(out), at)
        back.append(value)
    assert back == values


@given(st.integers(-(1 << 80), 1 << 80))
def test_signs_and_back(value: int) -> None:
    assert varint.unzigzag(varint.zigzag(value)) == value
    assert varint.zigzag(value) <= 2 * abs(value)


@given(st.dictionaries(st.integers(0, 1 << 40), st.integers(0, 1 << 40)))
def test_pairs_and_back(pairs: dict[int, int]) -> None:
    out = bytearray()
    varint.put_pairs(out, sorted(pairs.items()))
    assert varint.get_pairs(bytes(out)) == pairs


def test_a_torn_number_is_refused() -> None:
    with pytest.raises(ValueError, match="ends inside"):
        varint.get(b"\x80", 0)
