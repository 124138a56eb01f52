"""Statistics of delay, its variation and loss that sums over packets give: what was recorded is judged by these alone.

Sums are kept for good, and add. Single packets are dropped after a while, and a figure that nobody could compute again is none.
"""

from __future__ import annotations

from fractions import Fraction

from slamon.sla.packets import Packets
from slamon.sla.samples import Value
from slamon.sla.terms.measures import SAMPLED, Measure
from slamon.sla.terms.objectives import Form, Objective, Statistic, Variation

RANKED = frozenset({Form.PERCENTILE, Form.MEDIAN, Form.SHARE})
"""Exact where round trips are known one by one; else a rank is within 1 %, and a share exact at a limit that was in force."""

_EXTREMES = frozenset({Form.MEAN, Form.MEAN_ABS, Form.MIN, Form.MAX, Form.RANGE})
_GIVEN: dict[tuple[Measure, Variation | None], frozenset[Form]] = {
    (Measure.LATENCY, None): _EXTREMES | RANKED,
    (Measure.JITTER, Variation.PDV): _EXTREMES,
    (Measure.JITTER, Variation.IPDV): frozenset({Form.MEAN_ABS}),
    (Measure.LOSS, None): frozenset({Form.POOLED, Form.MEAN}),
}


def given(objective: Objective) -> frozenset[Form]:
    """The statistics of a sampled objective's measure that sums give."""
    definition = objective.definition if objective.measure is Measure.JITTER else None
    return _GIVEN.get((objective.measure, definition), frozenset())


def is_given(objective: Objective) -> bool:
    """Sums over packets give its value, or it is of no packets at all."""
    statistic = objective.statistic
    return objective.measure not in SAMPLED or statistic is None or statistic.form in given(objective)


def value(objective: Objective, packets: Packets) -> tuple[Value, int]:
    """(value, samples behind it); None where there is none, where it is undefined, and where sums do not tell."""
    statistic = objective.statistic
    if statistic is None or not is_given(objective):
        return None, 0
    infinite = packets.lost if objective.packets_all else 0
    if objective.measure is Measure.LOSS:
        return packets.loss, packets.sent  # of single packets, whose shares are 0 and 1, the mean is the same
    if objective.measure is Measure.LATENCY:
        return _delay(statistic, packets, infinite), packets.rtt_count + infinite
    if objective.definition is Variation.PDV:
        return _variation(statistic, packets, infinite), packets.rtt_count + infinite
    every = packets.rtt_count + infinite if objective.packets_all else packets.ipdv_count
    known = packets.ipdv_count == every > 0
    return Fraction(packets.ipdv_sum, packets.ipdv_count) if known else None, every


def _delay(statistic: Statistic, packets: Packets, infinite: int) -> Value:
    """`infinite`: so many more were lost and count as infinitely late."""
    if statistic.form in RANKED:
        return _ranked(statistic, packets, packets.rtt_count + infinite)
    if packets.rtt_min is None or packets.rtt_max is None or (infinite and statistic.form is not Form.MIN):
        return None
    match statistic.form:
        case Form.MIN:
            return Fraction(packets.rtt_min)
        case Form.MAX:
            return Fraction(packets.rtt_max)
        case Form.RANGE:
            return Fraction(packets.rtt_max - packets.rtt_min)
        case _:
            return packets.mean


def _ranked(statistic: Statistic, packets: Packets, n: int) -> Value:
    """Of `n` samples, of which those that did not arrive come last."""
    if statistic.form is Form.MEDIAN:
        low, high = packets.ranked((n + 1) // 2), packets.ranked(n // 2 + 1)
        return None if low is None or high is None else (low + high) / 2
    if statistic.p is not None:
        return packets.ranked(-(-statistic.p.numerator * n // statistic.p.denominator))
    assert statistic.side is not None
    assert statistic.limit is not None
    below = packets.at_most(statistic.limit)
    if not n or below is None:
        return None
    return Fraction(n - below if statistic.side.reached(1, 0) else below, n)


def _variation(statistic: Statistic, packets: Packets, infinite: int) -> Value:
    """Of delays less the least of them, which is known when all are added up."""
    found = _delay(statistic, packets, infinite)
    if found is None or packets.rtt_min is None or statistic.form is Form.RANGE:
        return found
    return found - packets.rtt_min
