from __future__ import annotations

import random  # noqa: TID251  seeded below: the same noise every time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MINUTE, MS, Reading, Result, S
from slamon.record.folding import Summed, fold, unfold
from slamon.record.minute import Minute
from slamon.record.records import QUARTER, encoded
from slamon.record.rows import Record
from tests.record.test_minute import fill
from tests.record.test_records import records
from tests.record.worlds import LIMITS, LOST, T0


def summed(parts: list[Record]) -> list[Summed]:
    return [Summed(one, encoded(one)[0]) for one in parts]


@given(records())
def test_every_sum_comes_back_exactly(parts: list[Record]) -> None:
    assert unfold(T0, fold(T0, summed(parts))) == [replace(one, raw=None) for one in parts]


@given(records(), st.data())
def test_torn_bytes_are_refused(parts: list[Record], data: st.DataObject) -> None:
    whole = fold(T0, summed(parts))
    torn = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ValueError, match=r"folded|packed|coding"):
        unfold(T0, torn)
    with pytest.raises(ValueError, match=r"packed"):
        unfold(T0, whole + b"\1")


def test_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 9; this slamon reads version 1"):
        unfold(T0, b"\x09\x00\x00\x00")


@pytest.mark.parametrize("starts", [[T0 - MINUTE], [T0 + QUARTER], [T0 + MINUTE, T0], [T0, T0]])
def test_only_minutes_of_the_quarter_hour_in_order_are_folded(starts: list[int]) -> None:
    parts = [Record(start=start, length=MINUTE) for start in starts]
    with pytest.raises(ValueError, match="not the next minute"):
        fold(T0, summed(parts))
    with pytest.raises(ValueError, match="not the next minute"):
        fold(T0, summed([Record(start=T0, length=QUARTER)]))


def quarter(a_minute: int) -> list[Record]:
    chance = random.Random(1)
    found = []
    for start in range(T0, T0 + QUARTER, MINUTE):
        samples = [
            (
                start + i * MINUTE // a_minute,
                LOST
                if chance.random() < 0.002
                else Reading(Result.SUCCESS, 12 * MS + int(3 * MS * chance.lognormvariate(0, 0.4)), 57),
            )
            for i in range(a_minute)
        ]
        found.append(fill(Minute(start, 1, None), samples).record(interval=S, limits=LIMITS))
    return found


@pytest.mark.parametrize(("a_minute", "size"), [(6, 18), (60, 30), (1200, 120)])
def test_a_minute_is_small(a_minute: int, size: int) -> None:
    """Of few packets, of many, and of so many that distributions are written in pairs."""
    parts = quarter(a_minute)
    data = fold(T0, summed(parts))
    assert unfold(T0, data) == [replace(one, raw=None) for one in parts]
    assert len(data) / 15 <= size
