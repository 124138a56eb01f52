"""Sums of a period → the exact value of each objective, before anybody rounds or judges it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

from slamon.sla import samples, subjects, summed
from slamon.sla.availability import Sums, availability
from slamon.sla.facts import Ticket
from slamon.sla.measured import Incident, Measured, Window
from slamon.sla.outages import matching
from slamon.sla.packets import Packets
from slamon.sla.samples import Stream
from slamon.sla.tally import Tally
from slamon.sla.terms import Contract
from slamon.sla.terms.measures import Measure, Subject
from slamon.sla.terms.objectives import Form, Objective, Statistic

T = TypeVar("T")

LONGEST = Statistic(form=Form.MAX, text="max")
"""Of an objective on each outage that names no statistic."""

EACH = frozenset({Measure.EACH_OUTAGE, Measure.RESTORE, Measure.NOTIFY})
"""Measures with one value for each outage; without an outage there is nothing they could miss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What an objective's definition comes to."""

    value: Fraction | None
    so_far: Fraction | None
    """Over elapsed time only."""
    samples: int = 0
    worst: str | None = None
    """The target that supplied it, where several are compared."""
    idle: bool = False
    """There was nothing to measure, and so nothing that could be missed."""


def figure(contract: Contract, objective: Objective, tally: Tally, time: Sums, measured: Measured) -> Figure:
    """One objective by its own definition; those measured on others are not asked for here. `measured` has what counts are read from."""
    match objective.measure:
        case Measure.AVAILABILITY:
            found = availability(time, objective.total, contract.unknown)
            return Figure(value=found.value, so_far=found.so_far)
        case Measure.LATENCY | Measure.JITTER | Measure.LOSS:
            return _sampled(contract, objective, tally)
        case Measure.EACH_OUTAGE | Measure.RESTORE:
            return _each(objective, [incident.charged for incident in measured.counted])
        case _:
            subject = objective.subject or Subject(measure=objective.measure)
            value = subjects.value(measured, subject)
            return Figure(value=value, so_far=value)


def notified(objective: Objective, incidents: Iterable[Incident], tickets: Sequence[Ticket]) -> Figure:
    """From the start of each outage to the first ticket about it; an outage nobody opened one for says nothing."""
    opened = [
        (incident.start, [ticket.opened for ticket in matching((incident.start, incident.end), tickets)])
        for incident in incidents
    ]
    return _each(objective, [Fraction(max(min(found) - start, 0)) for start, found in opened if found])


def _each(objective: Objective, lengths: Sequence[Fraction]) -> Figure:
    value = samples.summary(objective.statistic or LONGEST, lengths)
    return Figure(value=value, so_far=value, samples=len(lengths), idle=not lengths)


def series(contract: Contract, objective: Objective, tally: Tally) -> tuple[Fraction | None, ...]:
    """The derived sample of a sampled objective, of all its streams one after the other."""
    spans = tally.measured if objective.always else tally.available
    streams = _chosen(contract, objective, tally.streams)
    return tuple(value for stream in streams.values() for value in samples.derived(objective, stream, spans))


def windows(contract: Contract, objective: Objective, tally: Tally) -> tuple[Window, ...]:
    """The windows of a `worst` statistic, of every stream that may supply it; in time order."""
    spans = tally.measured if objective.always else tally.available
    streams = _chosen(contract, objective, tally.streams)
    found = [window for stream in streams.values() for window in samples.windows(objective, stream, spans)]
    return tuple(sorted(found, key=lambda window: (window.start, window.end)))


def _sampled(contract: Contract, objective: Objective, tally: Tally) -> Figure:
    if tally.streams:  # stated by hand; of what was recorded there are sums
        spans = tally.measured if objective.always else tally.available
        streams = _chosen(contract, objective, tally.streams)
        measured = [
            (samples.value(objective, stream, spans), len(samples.derived(objective, stream, spans)), name)
            for name, stream in streams.items()
        ]
    else:
        packets = _of(contract, objective, tally.always if objective.always else tally.packets)
        measured = [(*summed.value(objective, own), name) for name, own in packets.items()]
        if _is_share(objective) and any(value is None and count for value, count, _ in measured):
            measured = []  # not known of one of them, so the worst is not known
    found = [entry for entry in measured if entry[0] is not None]
    if not found:
        return Figure(value=None, so_far=None)
    best = min if _rises(objective) else max
    value, count, name = best(found, key=lambda entry: (entry[0], entry[2]))
    return Figure(value=value, so_far=value, samples=count, worst=name if len(measured) > 1 else None)


def _is_share(objective: Objective) -> bool:
    """Then it has a value wherever there are samples."""
    return objective.statistic is not None and objective.statistic.form is Form.SHARE


def _rises(objective: Objective) -> bool:
    """The objective is met on the upper side, so the smallest value is the worst."""
    level = objective.target or objective.minimum
    return level is not None and level.side.reached(1, 0)


def _of(contract: Contract, objective: Objective, packets: Mapping[str, Packets]) -> dict[str, Packets]:
    if objective.over == "pooled":
        return {"": sum(packets.values(), start=Packets())}
    return _picked(contract, objective, packets)


def _chosen(contract: Contract, objective: Objective, streams: Mapping[str, Stream]) -> dict[str, Stream]:
    if objective.over == "pooled":
        return {"": tuple(sorted(point for stream in streams.values() for point in stream))}
    return _picked(contract, objective, streams)


def _picked(contract: Contract, objective: Objective, entries: Mapping[str, T]) -> dict[str, T]:
    """Those of the objective's target; of every one for `worst`, in the order of their names."""
    if objective.over == "worst":
        return {name: entries[name] for name in sorted(entries)}
    service = contract.service if objective.service is None else objective.service
    wanted = (objective.over, f"{service}/{objective.over}")
    return {name: entry for name, entry in entries.items() if name in wanted}
