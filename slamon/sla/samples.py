"""Samples stated by hand → delay, delay variation and loss by any statistic a contract names. Exact.

RFC 2330 (percentiles, median), RFC 2681 and 7680 (a lost packet is infinitely late), RFC 3393 and 5481 (IPDV, PDV), RFC 3550 (jitter).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from slamon.sla.facts import SampleSeries
from slamon.sla.measured import Window
from slamon.sla.terms.measures import Measure
from slamon.sla.terms.objectives import Form, Objective, Statistic, Variation
from slamon.sla.timeline import Spans

Value: TypeAlias = Fraction | None
"""None: lost, or undefined beside a lost packet."""


class Point(NamedTuple):
    """One measurement."""

    at: int
    sent: int
    lost: Fraction
    """Share of the packets sent, 0..1."""
    delay: int | None
    follows: bool
    """No slot was missed between it and the point before it."""


Stream: TypeAlias = tuple[Point, ...]
"""The points of one target, or as one vantage point saw them, in the order of sending."""


def of_series(series: Iterable[SampleSeries]) -> Stream:
    """Samples stated by hand."""
    points: list[Point] = []
    for each in series:
        for n, sample in enumerate(each.samples):
            follows = n > 0 or (bool(points) and sample.at - points[-1].at == each.every)
            points.append(Point(sample.at, sample.sent, sample.lost, sample.delay, follows))
    return tuple(sorted(points, key=lambda point: point.at))


def derived(objective: Objective, stream: Stream, spans: Spans) -> tuple[Value, ...]:
    """The sample of the objective's measure: one value for each point in `spans` that speaks about it."""
    return tuple(value for _, value in _derived(objective, stream, spans))


def value(objective: Objective, stream: Stream, spans: Spans) -> Value:
    """The objective's statistic over the points in `spans`; None without one, or when it is undefined."""
    statistic = objective.statistic
    if statistic is None:
        return None
    if statistic.form is Form.WORST:
        return max((window.value for window in windows(objective, stream, spans)), default=None)
    if statistic.form is Form.POOLED:
        return _pooled([point for point in stream if _inside(point.at, spans)])
    return summary(statistic, derived(objective, stream, spans), everything=objective.packets_all)


def summary(statistic: Statistic, values: Sequence[Value], *, everything: bool = False) -> Value:
    """One number of a sample. `everything`: a lost packet is infinitely late; else it leaves the sample."""
    received = sorted(value for value in values if value is not None)
    n = len(values) if everything else len(received)
    if not n:
        return None
    infinite = n - len(received)

    def ranked(rank: int) -> Value:
        return received[rank - 1] if rank <= len(received) else None

    found: Value = None
    match statistic.form:
        case Form.PERCENTILE:
            assert statistic.p is not None
            found = ranked(-(-statistic.p.numerator * n // statistic.p.denominator))
        case Form.MEDIAN:
            low, high = ranked((n + 1) // 2), ranked(n // 2 + 1)
            found = None if low is None or high is None else (low + high) / 2
        case Form.SHARE:
            assert statistic.side is not None
            assert statistic.threshold is not None
            over = infinite if statistic.side.reached(1, 0) else 0
            found = Fraction(sum(statistic.side.reached(x, statistic.threshold) for x in received) + over, n)
        case Form.MIN:
            found = ranked(1)
        case Form.LAST:
            found = values[-1] if everything else next(value for value in reversed(values) if value is not None)
        case _:
            found = None if infinite else _of_all(statistic.form, received)
    return found


def _of_all(form: Form, received: Sequence[Fraction]) -> Value:
    """Statistics that are undefined as soon as one value is infinite."""
    match form:
        case Form.MAX:
            return received[-1]
        case Form.RANGE:
            return received[-1] - received[0]
        case Form.MEAN_ABS:
            return sum(map(abs, received), start=Fraction(0)) / len(received)
        case _:
            return sum(received, start=Fraction(0)) / len(received)


def windows(objective: Objective, stream: Stream, spans: Spans) -> tuple[Window, ...]:
    """Every different content of a window `[s, s + D)` that lies in one span, with its pooled loss or its mean.

    The content changes only where a point leaves at the front or joins at the back. Of the starts with one content there are the
    first and the last, so that together they cover all of the time that content fails for.
    """
    assert objective.statistic is not None
    size = objective.statistic.window
    assert size is not None
    if objective.measure is Measure.LOSS:
        points = [(p.at, p.lost * p.sent, p.sent) for p in stream if p.sent]
    else:
        points = [(at, v, 1) for at, v in _derived(objective, stream, spans) if v is not None]
    times = [at for at, _, _ in points]
    sums = [Fraction(0), *accumulate((amount for _, amount, _ in points))]
    counts = [0, *accumulate(count for _, _, count in points)]
    found = []
    for start, end in spans:
        last = end - size
        if last < start:
            continue
        inside = times[bisect_left(times, start) : bisect_left(times, end)]
        changes = (at + after for at in inside for after in (0, 1, -size, 1 - size))
        starts = {start, last, *(s for s in changes if start <= s <= last)}
        for s in sorted(starts):
            i, j = bisect_left(times, s), bisect_left(times, s + size)
            if counts[j] > counts[i]:
                found.append(Window(start=s, end=s + size, value=(sums[j] - sums[i]) / (counts[j] - counts[i])))
    return tuple(found)


def _derived(objective: Objective, stream: Stream, spans: Spans) -> list[tuple[int, Value]]:
    match objective.measure:
        case Measure.LOSS:
            return [(p.at, p.lost) for p in stream if _inside(p.at, spans)]
        case Measure.JITTER:
            return _variation(objective.definition, stream, spans)
        case _:
            return [(p.at, _delay(p)) for p in stream if _speaks(p) and _inside(p.at, spans)]


def _variation(definition: Variation | None, stream: Stream, spans: Spans) -> list[tuple[int, Value]]:
    inside = [p for p in stream if _speaks(p) and _inside(p.at, spans)]
    delays = [p.delay for p in inside if p.delay is not None]
    if not delays:
        return [(p.at, None) for p in inside]
    if definition is Variation.PDV:
        best = min(delays)
        return [(p.at, None if p.delay is None else Fraction(p.delay - best)) for p in inside]
    if definition is Variation.IPDV:
        result: list[tuple[int, Value]] = []
        before: int | None = None
        for p in stream:
            if _inside(p.at, spans) and _speaks(p):
                paired = p.follows and before is not None and p.delay is not None
                result.append((p.at, Fraction(p.delay - before) if paired else None))  # type: ignore[operator]
            before = p.delay
        return result
    return _smoothed(inside)


FINE = 2**64
"""The running RFC 3550 estimate is kept to 1/FINE of a nanosecond: its exact denominator grows by 16 with every packet."""


def _smoothed(points: Sequence[Point]) -> list[tuple[int, Value]]:
    """J += (|D| − J)/16 over the packets received; undefined at the first."""
    jitter = Fraction(0)
    result: list[tuple[int, Value]] = []
    before: int | None = None
    for point in points:
        if point.delay is not None and before is not None:
            jitter += (abs(point.delay - before) - jitter) / 16
            if jitter.denominator > FINE:
                jitter = Fraction(round(jitter * FINE), FINE)
        result.append((point.at, None if point.delay is None or before is None else jitter))
        before = before if point.delay is None else point.delay
    return result


def _delay(point: Point) -> Value:
    return None if point.delay is None else Fraction(point.delay)


def _speaks(point: Point) -> bool:
    """About delay: one that arrived without a delay being measured says nothing."""
    return point.delay is not None or point.lost > 0


def _pooled(points: Sequence[Point]) -> Value:
    sent = sum(point.sent for point in points)
    return sum((point.lost * point.sent for point in points), start=Fraction(0)) / sent if sent else None


def _inside(instant: int, spans: Spans) -> bool:
    at = bisect_left(spans, (instant + 1,)) - 1
    return at >= 0 and instant < spans[at][1]
