"""Objective clauses → terms: which measure, which statistic, which levels, and what of another objective is taken over."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction

from slamon import units
from slamon.config.clauses import LATER_MEASURES
from slamon.config.clauses import Objective as Keys
from slamon.config.edge import Report, written
from slamon.config.reader import nearest, suggestion
from slamon.sla.terms import Clause, Measure, Objective, Total

MEASURES = {measure.value: measure for measure in Measure}
FALLING = frozenset({Measure.AVAILABILITY})
"""Measures that get worse as they fall; the others get worse as they rise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What one objective may take over from another: everything but target and minimum."""

    measure: Measure
    statistic: str | None = None
    total: Total | int | None = None
    over: str | None = None


def objectives(
    keys: Mapping[str, Keys], report: Report, service: str | None, targets: Collection[str] | None
) -> dict[str, Objective]:
    """The objectives that could be read, by name. `targets` are the names `service/key` of the contract's service, None = unknown."""
    definitions = _Definitions(keys, report, service, targets)
    found = {}
    for name, own in keys.items():
        definition = definitions.of(name)
        if definition is None:
            continue
        below = report.below(name)
        _required(definition, below)
        target = None if own.target is None else level(own.target, definition.measure, below, "target")
        minimum = None if own.minimum is None else level(own.minimum, definition.measure, below, "minimum")
        if target is not None and minimum is not None and worse(target, minimum, definition.measure):
            below.say(("minimum",), f"the minimum is better than the target {own.target}", fix="exchange the two")
        found[name] = Objective(
            name=name,
            measure=definition.measure,
            clause=clause(report, name),
            target=target,
            minimum=minimum,
            statistic=definition.statistic,
            total=Total.IN_SCOPE if definition.total is None else definition.total,
            over="worst" if definition.over is None else definition.over,
        )
    return found


def clause(report: Report, *keys: str | int) -> Clause:
    """Where a rule stands. The file's name without its folders: a statement must not depend on where slamon was started."""
    place = report.place(*keys)
    return Clause(path=report.below(*keys).path, place=f"{place.file.rpartition('/')[2]}:{place.line}")


def worse(value: Fraction, other: Fraction, measure: Measure) -> bool:
    """True when `value` is worse than `other`."""
    return value < other if measure in FALLING else value > other


def quantity(text: str, measure: Measure) -> Fraction:
    """A level or threshold in the unit of its measure: a ratio, or nanoseconds. Raises ValueError (`reason; fix`)."""
    if re.match(r"(over|at_least|below|at_most) ", text):
        raise ValueError("a level with a side is not yet supported; write the level alone, it is met on equality")
    if measure is Measure.LATENCY:
        if text.endswith("%"):
            raise ValueError("the unit does not fit: latency is a duration; write for example 30ms")
        value = Fraction(units.duration(text, bare="ms"))
        if value == 0:
            raise ValueError("a latency of zero cannot be met; write for example 30ms")
        return value
    if re.fullmatch(r"(\d+(us|ms|[smhd]))+", text):
        example = "99.9%" if measure is Measure.AVAILABILITY else "0.1%"
        raise ValueError(f"the unit does not fit: {measure.value} is a percentage; write for example {example}")
    ratio = units.percent(text)
    if ratio > 1:
        raise ValueError("more than 100%; write a percentage from 0% to 100%")
    return ratio


def level(text: str, measure: Measure, report: Report, *keys: str) -> Fraction | None:
    """`quantity` of the text at `keys`; None after reporting why not."""
    try:
        return quantity(text, measure)
    except ValueError as error:
        reason, _, fix = str(error).partition("; ")
        report.say(keys, reason, fix=fix or None)
        return None


class _Definitions:
    """Resolves objectives measured on other objectives; each mistake is reported once."""

    def __init__(
        self, keys: Mapping[str, Keys], report: Report, service: str | None, targets: Collection[str] | None
    ) -> None:
        self.keys = keys
        self.report = report
        self.service = service
        self.targets = targets
        self.done: dict[str, Definition | None] = {}
        self.open: list[str] = []

    def of(self, name: str) -> Definition | None:
        if name not in self.done:
            self.open.append(name)
            self.done[name] = self._define(name)
            self.open.pop()
        return self.done[name]

    def _define(self, name: str) -> Definition | None:
        own = self.keys[name]
        base = self._base(name, own.measure)
        if base is None:
            return None
        return Definition(
            measure=base.measure,
            statistic=own.statistic or base.statistic,
            total=base.total if own.total is None else _total(own.total),
            over=base.over if own.over is None else self._over(name, own.over),
        )

    def _base(self, name: str, measure: str | None) -> Definition | None:
        at = (name,) if measure is None else (name, "measure")
        word = name if measure is None else measure
        if word in self.open and (word != name or word not in MEASURES):
            circle = " → ".join([*self.open[self.open.index(word) :], word])
            if measure is None:
                self._unmeasured(name)
            else:
                self.report.say(at, f"an objective is measured on itself: {circle}", fix="name a measure", show=False)
            return None
        if word in self.keys and word != name:
            return self.of(word)
        if word in MEASURES:
            return Definition(measure=MEASURES[word])
        if LATER_MEASURES.fullmatch(word):
            self.report.say(at, f"the measure {word!r} is not yet supported", fix=_one_of_measures(), show=False)
        else:
            near = nearest(word, {*MEASURES, *self.keys} - {name})
            self.report.say(
                at, "neither a measure nor an objective", fix=f"did you mean {near}?" if near else _one_of_measures()
            )
        return None

    def _unmeasured(self, name: str) -> None:
        """An objective with a name of its own and no `measure`."""
        if LATER_MEASURES.fullmatch(name):
            self.report.say((name,), f"the measure {name!r} is not yet supported", fix=_one_of_measures())
            return
        near = nearest(name, MEASURES)
        fix = (
            f"did you mean {near}? Otherwise add `measure: …`"
            if near
            else "add `measure: availability`, latency or loss"
        )
        self.report.say((name,), "the name of this objective is no measure", fix=fix)

    def _over(self, name: str, word: str) -> str:
        if word in {"worst", "pooled"} or self.targets is None:
            return word
        full = word if "/" in word else f"{self.service}/{word}"
        if full in self.targets:
            return full
        words = {"worst", "pooled", *(target.partition("/")[2] for target in self.targets)}
        self.report.say((name, "over"), f"the service {self.service} has no such target", fix=suggestion(word, words))
        return word


def _total(value: str | int) -> Total | int:
    return value if isinstance(value, int) else Total(value)


def _one_of_measures() -> str:
    return f"write one of {', '.join(MEASURES)}"


def _required(definition: Definition, report: Report) -> None:
    measure, statistic = definition.measure, definition.statistic
    if measure is Measure.AVAILABILITY:
        if statistic is not None:
            report.say(("statistic",), "availability has no statistic", fix="leave it out")
        if definition.over is not None:
            report.say(("over",), "availability is of the whole service, not of its targets", fix="leave it out")
        return
    if definition.total is not None:
        report.say(("total",), f"{measure.value} has no total", fix="leave it out")
    allowed = "mean or a percentile such as p95" if measure is Measure.LATENCY else "pooled"
    if statistic is None:
        if "statistic" not in written(report):  # one that is wrong is reported already
            report.missing((), "statistic", f"{measure.value} is {allowed}")
    elif measure is Measure.LATENCY and statistic == "pooled":
        report.say(("statistic",), "latency has no such statistic", fix=f"write {allowed}")
    elif measure is Measure.LOSS and statistic != "pooled":
        reason = "not yet supported for loss" if statistic == "mean" else "loss has no percentile"
        report.say(("statistic",), reason, fix=f"write {allowed}")
