"""Single measurements: delay, delay variation and loss by every statistic, worked by hand and against the plain definitions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MS, S
from slamon.sla.facts import Sample, SampleSeries
from slamon.sla.samples import FINE, Point, Stream, derived, of_series, summary, value, windows
from slamon.sla.terms.measures import Side
from slamon.sla.terms.objectives import Form, Objective, Statistic, Variation
from slamon.sla.timeline import Spans
from tests.sla.build import jitter, latency, loss, statistic

EVER = ((0, 10**6 * S),)


def points(*delays: int | None, every: int = 10, start: int = 0) -> Stream:
    """Milliseconds; None = lost."""
    return tuple(
        Point((start + i * every) * S, 1, Fraction(delay is None), None if delay is None else delay * MS, i > 0)
        for i, delay in enumerate(delays)
    )


def ms(values: tuple[Fraction | None, ...]) -> list[Fraction | None]:
    return [None if each is None else each / MS for each in values]


def share(side: Side, threshold: int | Fraction) -> Statistic:
    return Statistic(form=Form.SHARE, text="share", side=side, threshold=Fraction(threshold))


# -- the derived sample --------------------------------------------------------------------------------------------------------


def test_three_kinds_of_jitter_of_one_stream() -> None:
    """RFC 3393 and 5481: 20, 10, 20, 25, 20 ms."""
    stream = points(20, 10, 20, 25, 20)
    assert ms(derived(jitter("max", Variation.PDV), stream, EVER)) == [10, 0, 10, 15, 10]
    assert ms(derived(jitter("max", Variation.IPDV), stream, EVER)) == [None, -10, 10, 5, -5]
    smoothed = [Fraction(10, 16)]
    for step in (10, 5, 5):
        smoothed.append(smoothed[-1] + (step - smoothed[-1]) / 16)
    assert ms(derived(jitter("last", Variation.RFC3550), stream, EVER)) == [None, *smoothed]


def test_a_difference_is_undefined_beside_a_lost_packet() -> None:
    stream = points(20, None, 30, 50, None, None, 10)
    assert ms(derived(jitter("max", Variation.IPDV), stream, EVER)) == [None, None, None, 20, None, None, None]
    assert ms(derived(jitter("max", Variation.PDV), stream, EVER)) == [10, None, 20, 40, None, None, 0]
    # RFC 3550 goes from one packet that came to the next one that did
    assert ms(derived(jitter("max", Variation.RFC3550), stream, EVER)) == [
        None,
        None,
        Fraction(10, 16),
        Fraction(10, 16) + (20 - Fraction(10, 16)) / 16,
        None,
        None,
        Fraction(10, 16) + (20 - Fraction(10, 16)) / 16 + (40 - Fraction(10, 16) - (20 - Fraction(10, 16)) / 16) / 16,
    ]
    lost = points(None, None)
    for kind in Variation:
        assert derived(jitter("max", kind), lost, EVER) == (None, None)


def test_a_difference_needs_neighbours_without_a_missed_slot() -> None:
    first, second = points(20, 30), points(50, 10, start=40)
    assert ms(derived(jitter("max", Variation.IPDV), (*first, *second), EVER)) == [None, 10, None, -40]


def test_only_points_in_the_time_that_is_judged_count() -> None:
    spans: Spans = ((10 * S, 30 * S), (40 * S, 50 * S))
    stream = points(5, 20, 30, 1, 35, 2)
    assert ms(derived(latency("mean"), stream, spans)) == [20, 30, 35]
    assert ms(derived(jitter("max", Variation.PDV), stream, spans)) == [0, 10, 15], "the least is of those that count"
    assert ms(derived(jitter("max", Variation.IPDV), stream, spans)) == [15, 10, 34], (
        "a pair belongs to its later packet"
    )
    assert ms(derived(jitter("max", Variation.RFC3550), stream, spans))[0] is None
    assert list(derived(loss(), stream, spans)) == [0, 0, 0]
    assert derived(latency("mean"), stream, ()) == ()


def test_what_came_without_a_delay_says_nothing_about_delay() -> None:
    stream = (
        *points(10),
        Point(10 * S, 1, Fraction(0), None, True),
        *points(30, start=20),
        Point(30 * S, 2, Fraction(1, 2), None, True),
    )
    assert ms(derived(latency("mean"), stream, EVER)) == [10, 30, None]
    assert list(derived(loss(), stream, EVER)) == [0, 0, 0, Fraction(1, 2)]


# -- statistics ----------------------------------------------------------------------------------------------------------------

TEN = tuple(Fraction(n) for n in (7, 1, 4, 10, 2, 9, 3, 8, 5, 6))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mean", Fraction(11, 2)),
        ("median", Fraction(11, 2)),
        ("max", 10),
        ("min", 1),
        ("range", 9),
        ("mean_abs", Fraction(11, 2)),
        ("last", 6),
        ("p50", 5),
        ("p51", 6),
        ("p90", 9),
        ("p90.1", 10),
        ("p99.9", 10),
        ("p100", 10),
        ("p1", 1),
        ("p10", 1),
        ("p10.1", 2),
    ],
)
def test_one_number_of_ten(text: str, expected: Fraction) -> None:
    assert summary(statistic(text), TEN) == expected
    assert summary(statistic(text), ()) is None
    assert summary(statistic(text), (None, None)) is None
    assert summary(statistic(text), (None, None), everything=True) is None


def test_mean_abs_reads_differences_without_their_sign() -> None:
    assert summary(statistic("mean_abs"), (Fraction(-3), Fraction(5), None)) == 4
    assert summary(statistic("mean"), (Fraction(-3), Fraction(5), None)) == 1
    assert summary(statistic("median"), TEN[:9]) == 5
    assert summary(statistic("range"), (Fraction(-3), Fraction(5))) == 8


@pytest.mark.parametrize(
    ("side", "threshold", "received", "everything"),
    [
        (Side.OVER, 5, Fraction(5, 10), Fraction(7, 12)),
        (Side.AT_LEAST, 5, Fraction(6, 10), Fraction(8, 12)),
        (Side.BELOW, 5, Fraction(4, 10), Fraction(4, 12)),
        (Side.AT_MOST, 5, Fraction(5, 10), Fraction(5, 12)),
    ],
)
def test_the_share_of_samples_on_a_side(side: Side, threshold: int, received: Fraction, everything: Fraction) -> None:
    sample = (*TEN, None, None)
    assert summary(share(side, threshold), sample) == received
    assert summary(share(side, threshold), sample, everything=True) == everything


def test_a_lost_packet_may_be_infinitely_late() -> None:
    """Twenty delays of 10 to 29 ms of which the two largest are lost: the 19th is infinite, of those received the 18th is 27."""
    sample = (*(Fraction(n) for n in range(10, 28)), None, None)
    assert [summary(statistic("p95"), sample), summary(statistic("p95"), sample, everything=True)] == [27, None]
    assert [summary(statistic("p90"), sample), summary(statistic("p90"), sample, everything=True)] == [26, 27]
    for text in ("mean", "max", "range", "mean_abs"):
        assert summary(statistic(text), sample, everything=True) is None
    assert summary(statistic("min"), sample, everything=True) == 10
    assert summary(statistic("last"), sample) == 27
    assert summary(statistic("last"), sample, everything=True) is None
    assert summary(statistic("last"), sample[::-1], everything=True) == 10
    for n, median in ((1, 10), (2, None), (3, None)):
        few = (Fraction(10), *([None] * (n - 1)))
        assert summary(statistic("median"), few, everything=True) == median
    assert summary(statistic("median"), (Fraction(1), Fraction(2), None), everything=True) == 2


values = st.lists(st.none() | st.integers(-50, 50).map(Fraction), max_size=30)


@given(values, st.integers(1, 1000), st.booleans())
def test_percentiles_by_their_definition(sample: list[Fraction | None], permille: int, everything: bool) -> None:
    """RFC 2330: the smallest x for which the share of values at most x is at least p."""
    p = Fraction(permille, 1000)
    received = sorted(x for x in sample if x is not None)
    n = len(sample) if everything else len(received)
    expected = next((x for x in received if sum(y <= x for y in received) >= p * n), None) if n else None
    how = Statistic(form=Form.PERCENTILE, text="p", p=p)
    assert summary(how, sample, everything=everything) == expected
    assert n == 0 or expected is None or expected == received[ceil(p * n) - 1]


def test_objectives_by_their_statistic() -> None:
    stream = points(20, None, 40, 30)
    assert value(latency("mean"), stream, EVER) == 30 * MS
    assert value(latency("p50", packets_all=True), stream, EVER) == 30 * MS
    assert value(latency("p99", packets_all=True), stream, EVER) is None
    assert value(loss(), stream, EVER) == Fraction(1, 4)
    assert value(loss(), stream, ()) is None
    assert value(replace(latency("mean"), statistic=None), stream, EVER) is None
    unequal = (Point(0, 1, Fraction(1), None, False), Point(10 * S, 99, Fraction(0), None, True))
    assert value(loss(), unequal, EVER) == Fraction(1, 100), "pooled over packets"
    assert value(loss(statistic=statistic("mean")), unequal, EVER) == Fraction(1, 2), "mean of the intervals"


# -- the worst window ----------------------------------------------------------------------------------------------------------


def plain(objective: Objective, stream: Stream, spans: Spans, size: int) -> dict[int, Fraction]:
    """Start of every window of whole nanoseconds that lies in a span → its value, by looking at all of them."""
    found = {}
    for start, end in spans:
        for s in range(start, end - size + 1):
            inside = [p for p in stream if s <= p.at < s + size]
            if objective.measure.value == "loss":
                sent = sum(p.sent for p in inside)
                if sent:
                    found[s] = sum((p.lost * p.sent for p in inside), start=Fraction(0)) / sent
            else:
                delays = [p.delay for p in inside if p.delay is not None]
                if delays:
                    found[s] = Fraction(sum(delays), len(delays))
    return found


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    instants = sorted(draw(st.sets(st.integers(0, 60), max_size=14)))
    return tuple(
        Point(
            at,
            draw(st.integers(0, 3)),
            draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)])),
            draw(st.none() | st.integers(0, 9)),
            i > 0,
        )
        for i, at in enumerate(instants)
    )


some_spans = st.sampled_from([((0, 61),), ((3, 20), (25, 60)), ((5, 6),), (), ((10, 13), (14, 40))])


@given(streams(), some_spans, st.integers(1, 20), st.booleans())
def test_worst_windows_agree_with_looking_at_all_of_them(
    stream: Stream, spans: Spans, size: int, of_loss: bool
) -> None:
    how = Statistic(form=Form.WORST, text="worst", window=size)
    objective = replace(loss(statistic=how) if of_loss else latency("mean"), statistic=how)
    found, expected = windows(objective, stream, spans), plain(objective, stream, spans, size)
    assert {w.start: w.value for w in found}.items() <= expected.items()
    assert all(w.end - w.start == size for w in found)
    assert list(found) == sorted(found, key=lambda w: w.start)
    assert value(objective, stream, spans) == max(expected.values(), default=None)
    for limit in set(expected.values()):
        failing = {t for s, v in expected.items() if v >= limit for t in range(s, s + size)}
        assert {t for w in found if w.value >= limit for t in range(w.start, w.end)} == failing, "the time that fails"


def test_the_worst_window_may_begin_after_one_loss_left_and_before_the_next_answer_came() -> None:
    stream = tuple(Point(at, 1, Fraction(bad), None, False) for at, bad in ((0, 0), (5, 1), (12, 0)))
    objective = loss(statistic=Statistic(form=Form.WORST, text="worst", window=10))
    assert value(objective, stream, ((0, 20),)) == 1


def test_a_window_lies_in_one_span() -> None:
    stream = points(*([None] * 6), *([1] * 6))
    worst = loss(statistic=statistic("worst 60"))
    assert value(worst, stream, ((0, 120 * S),)) == 1
    assert value(worst, stream, ((20 * S, 120 * S),)) == Fraction(4, 6)
    assert value(worst, stream, ((0, 59 * S), (60 * S, 120 * S))) == 0
    assert value(worst, stream, ((0, 59 * S),)) is None
    delays = latency("worst 20")
    assert value(delays, points(10, 30, 20, None), EVER) == 25 * MS
    assert value(delays, points(10, 30, 20, None), ((0, 20 * S),)) == 20 * MS
    assert value(latency("worst 10"), points(10, 30, 20, None), EVER) == 30 * MS


# -- where points come from ----------------------------------------------------------------------------------------------------


def test_points_of_stated_samples() -> None:
    first = SampleSeries(start=0, every=10, samples=(Sample(0, 1, Fraction(0), 5), Sample(10, 2, Fraction(1, 2), None)))
    next_to_it = SampleSeries(start=20, every=10, samples=(Sample(20, 1, Fraction(0), 7),))
    later = SampleSeries(start=50, every=10, samples=(Sample(50, 1, Fraction(0), 7),))
    assert of_series([first, next_to_it, later]) == (
        Point(0, 1, Fraction(0), 5, False),
        Point(10, 2, Fraction(1, 2), None, True),
        Point(20, 1, Fraction(0), 7, True),
        Point(50, 1, Fraction(0), 7, False),
    )
    assert of_series([]) == ()


def test_a_long_rfc_3550_estimate_stays_small() -> None:
    stream = points(*(20 + (i * 7) % 13 for i in range(300)))
    found = derived(jitter("last", Variation.RFC3550), stream, EVER)
    exact = Fraction(0)
    for before, after in pairwise(stream):
        assert before.delay is not None
        assert after.delay is not None
        exact += (abs(after.delay - before.delay) - exact) / 16
    assert found[-1] is not None
    assert found[-1].denominator <= FINE
    assert abs(found[-1] - exact) < Fraction(1, 10**6)
