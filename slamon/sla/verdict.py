"""Sums + objective → the value, and its verdict against target and minimum. Equality is met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from slamon.sla.availability import Sums, availability
from slamon.sla.lines import ObjectiveLine, Status
from slamon.sla.packets import Packets
from slamon.sla.tally import Tally
from slamon.sla.terms import Contract, Measure, Objective

_BADNESS = (Status.MET, Status.UNKNOWN, Status.BELOW_TARGET, Status.BELOW_MINIMUM)


def objective_lines(
    contract: Contract, tally: Tally, readings: Mapping[str, Fraction], *, open_period: bool
) -> tuple[ObjectiveLine, ...]:
    """Every objective of the contract; `readings` are values given instead of measured."""
    time = Sums.of(tally)
    said = coverage_suffices(contract, time)
    return tuple(
        _line(contract, objective, tally, time, readings.get(objective.name), said=said, open_period=open_period)
        for objective in contract.objectives
    )


def coverage_suffices(contract: Contract, time: Sums) -> bool:
    """Enough of the elapsed time was measured to say anything."""
    return time.coverage is not None and time.coverage >= contract.min_coverage


def overall(lines: Iterable[ObjectiveLine], *, said: bool) -> Status:
    """The worst of the objectives that promise something; unknown while too little was measured."""
    if not said:
        return Status.UNKNOWN
    promised = (line.status for line in lines if line.target is not None or line.minimum is not None)
    return max(promised, key=_BADNESS.index, default=Status.MET)


def verdict(measure: Measure, value: Fraction | None, target: Fraction | None, minimum: Fraction | None) -> Status:
    """Availability gets worse as it falls, delay and loss as they rise."""
    if value is None:
        return Status.UNKNOWN
    sign = 1 if measure is Measure.AVAILABILITY else -1
    if minimum is not None and sign * value < sign * minimum:
        return Status.BELOW_MINIMUM
    if target is not None and sign * value < sign * target:
        return Status.BELOW_TARGET
    return Status.MET


def _line(
    contract: Contract,
    objective: Objective,
    tally: Tally,
    time: Sums,
    reading: Fraction | None,
    *,
    said: bool,
    open_period: bool,
) -> ObjectiveLine:
    measured = objective.measure is not Measure.AVAILABILITY
    samples, worst = 0, None
    value, so_far = reading, reading
    if reading is None and measured:
        value, samples, worst = _over_targets(contract, objective, tally.packets)
        so_far = value
    elif reading is None:
        figures = availability(time, objective.total, contract.unknown)
        value, so_far = figures.value, figures.so_far
    status = verdict(objective.measure, value, objective.target, objective.minimum) if said else Status.UNKNOWN
    return ObjectiveLine(
        name=objective.name,
        measure=objective.measure.value,
        unit="seconds" if objective.measure is Measure.LATENCY else "ratio",
        clause=objective.clause,
        statistic=objective.statistic,
        value=value,
        value_so_far=so_far,
        target=objective.target,
        minimum=objective.minimum,
        status=status,
        samples=samples,
        worst=worst,
        provisional=measured and open_period,
    )


def _over_targets(
    contract: Contract, objective: Objective, packets: Mapping[str, Packets]
) -> tuple[Fraction | None, int, str | None]:
    """(value, packets behind it, the target that supplied it where several are compared)."""
    if objective.over == "pooled":
        return *_statistic(objective, sum(packets.values(), start=Packets())), None
    if objective.over != "worst":
        names = (objective.over, f"{contract.service}/{objective.over}")
        return *_statistic(objective, next((packets[name] for name in names if name in packets), Packets())), None
    measured = [(*_statistic(objective, packets[name]), name) for name in sorted(packets)]
    found = [(value, samples, name) for value, samples, name in measured if value is not None]
    if not found:
        return None, 0, None
    value, samples, name = max(found, key=lambda entry: entry[0])
    return value, samples, name if len(packets) > 1 else None


def _statistic(objective: Objective, packets: Packets) -> tuple[Fraction | None, int]:
    """(value, packets behind it). Raises ValueError for a statistic the measure does not have."""
    if objective.measure is Measure.LOSS and objective.statistic == "pooled":
        return packets.loss, packets.sent
    if objective.measure is Measure.LATENCY and objective.statistic == "mean":
        return packets.mean, packets.rtt_count
    if objective.measure is Measure.LATENCY and objective.percentile is not None:
        return packets.percentile(objective.percentile), packets.rtt_count
    raise ValueError(f"{objective.clause.path}: {objective.measure} has no statistic {objective.statistic}")
