"""Figures from sums over packets are those the single packets have: exactly, or within the 1 % that is promised of a rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MEANING, MS, RESULT_CODE, Packet, Result, S
from slamon.record.rows import Record
from slamon.record.track import STEADY, Journal, Track
from slamon.sla import samples, summed
from slamon.sla.packets import Packets, count
from slamon.sla.samples import Point, Stream
from slamon.sla.terms.measures import Side
from slamon.sla.terms.objectives import Form, Objective, Statistic, Variation
from slamon.sla.timeline import Spans, union
from tests.sla.build import ERROR, LOST, OK, OURS, Shot, availability, jitter, latency, loss, statistic

EVERY = 10
"""Seconds from one packet to the next."""
LIMIT = 20 * MS
"""Round trips are compared with it, and with one nanosecond less."""
EVER = ((0, 10**6 * S),)

EXACT = [
    *(
        latency(text, name=f"{text} of {which}", packets_all=which == "all")
        for text in ("mean", "mean_abs", "min", "max", "range")
        for which in ("received", "all")
    ),
    *(
        jitter(text, Variation.PDV, name=f"{text} of {which}", packets_all=which == "all")
        for text in ("mean", "mean_abs", "min", "max", "range")
        for which in ("received", "all")
    ),
    jitter("mean_abs", Variation.IPDV),
    jitter("mean_abs", Variation.IPDV, packets_all=True),
    loss(),
    loss(statistic=statistic("mean")),
]
RANKS = [latency(text, packets_all=every) for text in ("median", "p1", "p50", "p99.9") for every in (False, True)]


def share(side: Side, threshold: Fraction | int, *, every: bool = False) -> Objective:
    how = Statistic(form=Form.SHARE, text="share", side=side, threshold=Fraction(threshold))
    return replace(latency("mean", packets_all=every), statistic=how)


SHARES = [share(side, LIMIT, every=every) for side in Side for every in (False, True)]

RESULTS = [*[OK] * 16, LOST, ERROR, OURS, Result.BAD_RESPONSE, None]
"""None: nothing was sent in that slot."""
packets_sent = st.lists(st.tuples(st.sampled_from(RESULTS), st.integers(0, 60 * MS)), min_size=14, max_size=60).map(
    lambda drawn: [
        Shot(EVERY * i, result, rtt if result in {OK, Result.BAD_RESPONSE} else None)
        for i, (result, rtt) in enumerate(drawn)
        if result is not None
    ]
)
some_spans = st.lists(st.integers(0, 620), min_size=2, max_size=6).map(
    lambda edges: union((a * S, b * S) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False))
)


def recorded(sent: Sequence[Shot], *, limits: tuple[int, ...] = ()) -> tuple[Record, ...]:
    """As the recorder sums them up."""
    track = Track(1, Journal(), interval=EVERY * S, limits=limits)
    for shot in sent:
        track.add(shot.second * S, RESULT_CODE[shot.result], STEADY, -1 if shot.rtt is None else shot.rtt, -1)
    track.flush()
    return tuple(track.settle().record for _ in range(len(track.done)))


def added(
    sent: Sequence[Shot], spans: Spans = EVER, *, limits: tuple[int, ...] = (), one_by_one: bool = False
) -> Packets:
    return count(recorded(sent, limits=limits), spans, spacing=EVERY * S, one_by_one=one_by_one)


def stream(sent: Sequence[Shot]) -> Stream:
    points: list[Point] = []
    for shot in sent:
        packet, at = MEANING[shot.result].packet, shot.second * S
        if packet in (Packet.RECEIVED, Packet.LOST):
            follows = bool(points) and at - points[-1].at <= EVERY * S
            delay = shot.rtt if shot.result is OK else None
            points.append(Point(at, 1, Fraction(packet is Packet.LOST), delay, follows))
    return tuple(points)


@given(packets_sent, some_spans)
def test_what_sums_give_is_what_single_packets_give(sent: list[Shot], spans: Spans) -> None:
    """Also of minutes that are cut, whose first packet forms a pair with the last one of the minute before."""
    packets = added(sent, spans)
    for objective in EXACT:
        found = summed.value(objective, packets)[0]
        assert found == samples.value(objective, stream(sent), spans), (objective.name, objective.definition)


@given(packets_sent, some_spans)
def test_ranks_are_within_one_percent_and_shares_at_a_limit_exact(sent: list[Shot], spans: Spans) -> None:
    packets = added(sent, spans, limits=(LIMIT - 1, LIMIT))
    for objective in RANKS:
        found, true = summed.value(objective, packets)[0], samples.value(objective, stream(sent), spans)
        assert (found is None) == (true is None)
        if found is not None and true is not None:
            assert abs(found - true) <= 1 + true / 100
    for objective in SHARES:
        assert summed.value(objective, packets)[0] == samples.value(objective, stream(sent), spans)


@given(packets_sent, some_spans)
def test_of_packets_known_one_by_one_every_statistic_is_exact(sent: list[Shot], spans: Spans) -> None:
    packets = added(sent, spans, one_by_one=True)
    for objective in (*RANKS, *SHARES):
        assert summed.value(objective, packets)[0] == samples.value(objective, stream(sent), spans)


def test_samples_behind_a_value_are_those_of_its_kind() -> None:
    sent = [Shot(0, OK, 5), Shot(10, LOST), Shot(20, OK, 7), Shot(30, OK, 9), Shot(40, Result.BAD_RESPONSE)]
    packets = added(sent)
    for objective, found in (
        (latency("mean"), (7, 3)),
        (latency("min", packets_all=True), (5, 4)),
        (latency("max", packets_all=True), (None, 4)),
        (jitter("max", Variation.PDV), (4, 3)),
        (jitter("mean_abs", Variation.IPDV), (2, 1)),
        (jitter("mean_abs", Variation.IPDV, packets_all=True), (None, 4)),
        (loss(), (Fraction(1, 5), 5)),
        (loss(statistic=statistic("mean")), (Fraction(1, 5), 5)),
    ):
        assert summed.value(objective, packets) == found
    for objective in (*EXACT, *RANKS, *SHARES):
        assert summed.value(objective, Packets()) == (None, 0)
    assert summed.value(replace(latency("mean"), statistic=None), packets) == (None, 0)


@pytest.mark.parametrize(
    "objective",
    [
        latency("last"),
        latency("worst 60"),
        loss(statistic=statistic("worst 60")),
        jitter("p95", Variation.PDV),
        jitter("median", Variation.PDV),
        jitter("last", Variation.PDV),
        jitter("mean", Variation.IPDV),
        jitter("p95", Variation.IPDV),
        jitter("max", Variation.IPDV),
        jitter("mean", Variation.RFC3550),
        jitter("last", Variation.RFC3550),
    ],
)
def test_what_needs_single_packets_is_not_known(objective: Objective) -> None:
    """Also while they are there: a figure would go with them."""
    packets = added([Shot(EVERY * i, OK, i * MS) for i in range(20)], one_by_one=True)
    assert not summed.is_given(objective)
    assert summed.value(objective, packets) == (None, 0)


def test_objectives_that_sums_give() -> None:
    assert all(map(summed.is_given, (*EXACT, *RANKS, *SHARES, availability())))
    assert summed.is_given(replace(latency("mean"), statistic=None))
    assert summed.given(jitter("p95", Variation.IPDV)) == {Form.MEAN_ABS}
    assert summed.given(jitter("p95", Variation.RFC3550)) == frozenset()


@pytest.mark.parametrize(("side", "limit"), [(Side.OVER, 10), (Side.AT_MOST, 10), (Side.BELOW, 9), (Side.AT_LEAST, 9)])
def test_the_limit_of_a_share_is_the_last_nanosecond_below_it(side: Side, limit: int) -> None:
    how = share(side, 10).statistic
    assert how is not None
    assert how.limit == limit
    assert replace(how, threshold=Fraction(19, 2)).limit == 9
    assert replace(how, threshold=None).limit is None


def test_a_share_at_a_limit_that_was_not_in_force_is_known_where_no_packet_is_near() -> None:
    """1 000 000 and 1 000 001 ns share a bucket of the grid: from 999 424 to 1 007 615."""
    packets = added([Shot(EVERY * i, OK, rtt) for i, rtt in enumerate((5, 1_000_000, 1_000_001, 9 * MS))])
    for threshold, over in (
        (4, 4),
        (5, 3),
        (999_423, 3),
        (999_424, None),
        (1_000_000, None),
        (1_007_614, None),
        (1_007_615, 1),
        (2 * MS, 1),
        (9 * MS - 1, None),
        (9 * MS, 0),
        (S, 0),
    ):
        assert packets.at_most(threshold) == (None if over is None else 4 - over)
        expected = None if over is None else Fraction(over, 4)
        assert summed.value(share(Side.OVER, threshold), packets) == (expected, 4)
    assert packets.at_most(-1) == 0
