from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MEANING, MINUTE, MS, RESULT_CODE, Packet, Reading, Result, S
from slamon.record import distribution
from slamon.record.minute import SAMPLE, Minute
from slamon.record.packing import Packed, unpack
from slamon.record.rows import Record
from tests.record.worlds import LIMITS, READINGS, T0

INTERVAL = S
Rows = list[tuple[int, Reading]]


@st.composite
def rows(draw: st.DrawFn, *, start: int = T0) -> Rows:
    """Samples of a minute; now and then a slot is left out."""
    at, found = start, []
    for reading in draw(st.lists(READINGS, max_size=30)):
        at += draw(st.sampled_from((S, S + 30 * MS, S - 30 * MS, S + S // 2, 2 * S)))
        found.append((at, reading))
    return [(sent, reading) for sent, reading in found if sent < start + MINUTE]


def fill(minute: Minute, samples: Rows) -> Minute:
    for sent, reading in samples:
        rtt = -1 if reading.rtt is None else reading.rtt
        hop = -1 if reading.hop_limit is None else reading.hop_limit
        minute.samples += SAMPLE.pack(sent, rtt, hop, RESULT_CODE[reading.result])
    return minute


def record(samples: Rows, *, before: tuple[int, int] | None = None) -> Record:
    return fill(Minute(T0, 1, before), samples).record(interval=INTERVAL, limits=LIMITS)


@given(rows())
def test_a_record_is_the_plain_sums(samples: Rows) -> None:
    made = record(samples)
    packets = Counter(MEANING[reading.result].packet for _, reading in samples)
    delays = [r.rtt for _, r in samples if r.result is Result.SUCCESS and r.rtt is not None]
    pairs = [
        abs(b.rtt - a.rtt)
        for (first, a), (second, b) in pairwise(samples)
        if a.result is b.result is Result.SUCCESS
        and a.rtt is not None
        and b.rtt is not None
        and second - first <= INTERVAL + INTERVAL // 2
    ]
    assert (made.received, made.lost, made.refused, made.ours) == (
        packets[Packet.RECEIVED],
        packets[Packet.LOST],
        packets[Packet.REFUSED],
        packets[Packet.OURS],
    )
    assert (made.rtt_count, made.rtt_sum) == (len(delays), sum(delays))
    assert (made.rtt_min, made.rtt_max) == ((min(delays), max(delays)) if delays else (None, None))
    assert made.buckets == Counter(map(distribution.bucket, delays))
    assert made.within == {limit: sum(1 for delay in delays if delay <= limit) for limit in LIMITS}
    assert (made.ipdv_sum, made.ipdv_count) == (sum(pairs), len(pairs))
    assert made.raw is not None
    assert unpack(T0, made.raw) == [Packed(sent, r.result, r.rtt, r.hop_limit) for sent, r in samples]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (None, (0, 0)),
        ((T0 - S // 2, 23 * MS), (3 * MS, 1)),
        ((T0 - S // 2, -1), (0, 0)),
        ((T0 - 2 * S, 23 * MS), (0, 0)),
    ],
)
def test_a_pair_belongs_to_the_minute_of_the_later_packet(
    before: tuple[int, int] | None, expected: tuple[int, int]
) -> None:
    made = record([(T0 + S // 2, Reading(Result.SUCCESS, 20 * MS))], before=before)
    assert (made.ipdv_sum, made.ipdv_count) == expected


def test_a_lost_packet_breaks_the_pair_across_the_minute() -> None:
    made = record([(T0 + S // 2, Reading(Result.TIMEOUT))], before=(T0 - S // 2, 23 * MS))
    assert made.ipdv_count == 0


def test_what_the_next_minute_needs_of_this_one() -> None:
    assert Minute(T0, 1, (5, 6)).last() == (5, 6)
    assert fill(Minute(T0, 1, None), [(T0 + 1, Reading(Result.SUCCESS, 7))]).last() == (T0 + 1, 7)
    assert fill(Minute(T0, 1, None), [(T0 + 1, Reading(Result.BAD_RESPONSE, 7))]).last() == (T0 + 1, -1)
