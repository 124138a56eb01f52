"""Objective clauses → terms: which measure, which statistic, which levels, and what of another objective is taken over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from slamon import units
from slamon.config.clauses import Objective as Keys
from slamon.config.composition import composition
from slamon.config.edge import Report, written
from slamon.config.measures import (
    DEFAULT_STATISTIC,
    WORDS,
    Scale,
    measured,
    scale_of,
    statistic,
    statistics,
)
from slamon.config.reader import nearest, suggestion
from slamon.sla.terms.clause import Clause
from slamon.sla.terms.composition import Composition, names
from slamon.sla.terms.measures import SAMPLED, Measure, Rounding, Subject
from slamon.sla.terms.objectives import Level, Objective, Statistic, Total, Variation

T = TypeVar("T")

REQUIRE_STATISTIC = frozenset({Measure.LATENCY, Measure.JITTER, Measure.LOSS, Measure.RESTORE})
PRESENTATION = frozenset({"measure", "target", "minimum", "mean_of", "round", "display"})
"""An objective that writes only these about another one reads that one's judged value; any other key measures anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """What one objective may take over from another: everything but target and minimum."""

    subject: Subject
    base: str | None = None
    service: Composition | None = None
    statistic: Statistic | None = None
    definition: Variation | None = None
    packets_all: bool = False
    always: bool = False
    total: Total | int = Total.IN_SCOPE
    mean_of: int = 1
    round: Rounding | None = None
    display: Rounding | None = None
    over: str = "worst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The objectives of a contract that could be read, and how the values of each are written."""

    objectives: dict[str, Objective]
    scales: dict[str, Scale]


def clause(report: Report, *keys: str | int) -> Clause:
    """Where a rule stands. The file's name without its folders: a statement must not depend on where slamon was started."""
    place = report.place(*keys)
    return Clause(path=report.below(*keys).path, place=f"{place.file.rpartition('/')[2]}:{place.line}")


def parsed(text: str | None, convert: Callable[[str], T], report: Report, *keys: str | int) -> T | None:
    """`convert` of the text at `keys`; None when it is not written, or after reporting why it does not read."""
    if text is None:
        return None
    try:
        return convert(text)
    except ValueError as error:
        reason, _, fix = str(error).partition("; ")
        report.say(keys, reason, fix=fix or None)
        return None


def objectives(
    keys: Mapping[str, Keys],
    report: Report,
    service: Composition | None,
    services: Mapping[str, Collection[str]] | None,
) -> Found:
    """The objectives that could be read, by name. `services`: service → names `service/key` of its targets, None = unknown."""
    definitions = _Definitions(keys, report, service, services)
    found: dict[str, Objective] = {}
    scales: dict[str, Scale] = {}
    for name, own in keys.items():
        definition = definitions.of(name)
        if definition is None:
            continue
        below = report.below(name)
        _fits(definition, own, below)
        scales[name] = scale = definitions.scale(definition)
        unread = own.statistic is not None and definition.statistic is None  # it may be a share: in what is not known
        target, minimum = (None, None) if unread else _levels(own, scale, below)
        subject = definition.subject
        plain = subject == Subject(measure=subject.measure)
        found[name] = Objective(
            name=name,
            measure=subject.measure,
            clause=clause(report, name),
            subject=None if plain else subject,
            base=definition.base,
            service=definition.service,
            target=target,
            minimum=minimum,
            statistic=definition.statistic or DEFAULT_STATISTIC.get(subject.measure),
            definition=definition.definition,
            packets_all=definition.packets_all,
            always=definition.always,
            total=definition.total,
            mean_of=definition.mean_of,
            round=definition.round,
            display=definition.display,
            over=definition.over,
        )
    for objective in found.values():
        if objective.measure is Measure.EXCESS and objective.subject is not None:
            _exceeded(objective.subject, found, report.below(objective.name), keys)
    return Found(objectives=found, scales=scales)


def _levels(own: Keys, scale: Scale, report: Report) -> tuple[Level | None, Level | None]:
    target = parsed(own.target, scale.level, report, "target")
    minimum = parsed(own.minimum, scale.level, report, "minimum")
    if target is not None and minimum is not None and scale.better(minimum, target):
        report.say(("minimum",), f"the minimum is better than the target {own.target}", fix="exchange the two")
    return target, minimum


def _exceeded(subject: Subject, found: Mapping[str, Objective], report: Report, keys: Mapping[str, Keys]) -> None:
    """`excess of X` needs X and its target: there is nothing to exceed otherwise."""
    at = ("measure",) if "measure" in written(report) else ()
    exceeded(subject, found, keys, report, *at)


def exceeded(
    subject: Subject, found: Mapping[str, Objective], keys: Collection[str], report: Report, *at: str | int
) -> bool:
    """True when the objective `excess of` is about has a target above 0; reports what is missing otherwise."""
    name = subject.objective or ""
    if name not in found:
        if name not in keys:  # otherwise its own mistake is reported already
            report.say(
                at, f"there is no objective {name!r} to exceed", fix=suggestion(name, _exceedable(found)), show=False
            )
        return False
    target = found[name].target
    if target is None or target.value == 0:
        missing = "has no target" if target is None else "has the target 0"
        reason = f"the objective {name} {missing}: an excess is a share of it"
        report.say(at, reason, fix=f"write a `target` of {name}", show=False)
        return False
    return True


def _exceedable(found: Mapping[str, Objective]) -> list[str]:
    return [name for name, objective in found.items() if objective.target is not None and objective.target.value]


class _Definitions:
    """Resolves objectives measured on other objectives; each mistake is reported once."""

    def __init__(
        self,
        keys: Mapping[str, Keys],
        report: Report,
        service: Composition | None,
        services: Mapping[str, Collection[str]] | None,
    ) -> None:
        self.keys = keys
        self.report = report
        self.service = service
        self.services = services
        self.done: dict[str, Definition | None] = {}
        self.open: list[str] = []

    def of(self, name: str) -> Definition | None:
        if name not in self.done:
            self.open.append(name)
            self.done[name] = self._define(name)
            self.open.pop()
        return self.done[name]

    def scale(self, definition: Definition) -> Scale:
        subject = definition.subject
        of = self.done.get(subject.objective or "") if subject.measure is Measure.EXCESS else None
        return scale_of(subject, None if of is None else scale_of(of.subject), definition.statistic)

    def _define(self, name: str) -> Definition | None:
        own, report = self.keys[name], self.report.below(name)
        taken, base = self._base(name, own.measure, report)
        if taken is None:
            return None
        if base is not None and written(report) <= PRESENTATION:
            taken = replace(taken, base=base, mean_of=1, round=None)  # that one's value is averaged and rounded already
        else:
            taken = replace(taken, base=None)
        taken = self._changed(own, taken, report)
        scale = self.scale(taken)
        rounding = parsed(own.round, scale.rounding, report, "round") or taken.round
        display = parsed(own.display, scale.rounding, report, "display") or taken.display
        over = taken.over if own.over is None else self._over(own.over, taken.service or self.service, report)
        return replace(taken, round=rounding, display=display, over=over)

    def _changed(self, own: Keys, taken: Definition, report: Report) -> Definition:
        """The definition with the keys the objective writes itself."""
        measure = taken.subject.measure
        if own.service is not None:
            known = None if self.services is None else self.services.keys()
            taken = replace(taken, service=composition(report.below("service"), known=known, what="service"))
        if own.statistic is not None and statistics(measure) is not None:
            found = parsed(own.statistic, lambda text: statistic(text, measure), report, "statistic")
            taken = replace(taken, statistic=found)
        if own.total is not None:
            taken = replace(taken, total=parsed(own.total, _total, report, "total") or Total.IN_SCOPE)
        return replace(
            taken,
            definition=taken.definition if own.definition is None else Variation(own.definition),
            packets_all=taken.packets_all if own.packets is None else own.packets == "all",
            always=taken.always if own.during is None else own.during == "always",
            mean_of=taken.mean_of if own.mean_of is None else own.mean_of,
        )

    def _base(self, name: str, measure: str | None, report: Report) -> tuple[Definition | None, str | None]:
        """(what is taken over, the name of the objective it is of); (None, None) after reporting a mistake."""
        word = name if measure is None else measure
        at = () if measure is None else ("measure",)
        try:
            subject = measured(word)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            report.say(at, reason, fix=fix, at_key=not at)
            return None, None
        if word in self.open and (word != name or subject is None):
            if measure is None:
                self._unmeasured(name)
            else:
                circle = " → ".join([*self.open[self.open.index(word) :], word])
                report.say(at, f"an objective is measured on itself: {circle}", fix="name a measure", show=False)
            return None, None
        if word in self.keys and word != name:
            return self.of(word), word
        if subject is not None:
            return self._measured(subject, report, at), None
        near = nearest(word, {*WORDS, *self.keys} - {name})
        fix = f"did you mean {near}?" if near else _one_of_measures()
        report.say(at, "neither a measure nor an objective", fix=fix)
        return None, None

    def _measured(self, subject: Subject, report: Report, at: tuple[str, ...]) -> Definition | None:
        """A measure's own definition. An excess is in the scale of the objective it is of, which must be known first."""
        of = subject.objective
        if of is not None and of in self.open:
            circle = " → ".join([*self.open[self.open.index(of) :], of])
            report.say(at, f"an objective is measured on itself: {circle}", fix="name a measure", show=False)
            return None
        if of is not None and of in self.keys:
            self.of(of)
        return Definition(subject=subject)

    def _unmeasured(self, name: str) -> None:
        """An objective with a name of its own and no `measure`."""
        near = nearest(name, WORDS)
        fix = (
            f"did you mean {near}? Otherwise add `measure: …`"
            if near
            else "add `measure: availability`, latency, loss or another"
        )
        self.report.say((name,), "the name of this objective is no measure", fix=fix)

    def _over(self, word: str, service: Composition | None, report: Report) -> str:
        if word in {"worst", "pooled"} or self.services is None or service is None:
            return word
        if any(name not in self.services for name in names(service)):
            return word  # reported already
        targets = [target for name in names(service) for target in self.services[name]]
        found = next((target for target in targets if word in {target, target.partition("/")[2]}), None)
        if found is not None:
            return found
        words = {"worst", "pooled", *(target.partition("/")[2] for target in targets)}
        of = " and ".join(names(service))
        report.say(("over",), f"the service {of} has no such target", fix=suggestion(word, words))
        return word


def _total(text: str) -> Total | int:
    if text in {total.value for total in Total}:
        return Total(text)
    example = "write in_scope, net, whole_period or a duration such as 720h"
    try:
        fixed = units.duration(text)
    except ValueError as error:
        raise ValueError(f"not a denominator; {example}") from error
    if fixed == 0:
        raise ValueError(f"a denominator cannot be zero; {example}")
    return fixed


def _one_of_measures() -> str:
    return f"write one of {', '.join(WORDS)}"


def _fits(definition: Definition, own: Keys, report: Report) -> None:
    """Reports the keys a measure cannot have, and those it must."""
    measure = definition.subject.measure
    name = measure.value
    sampled = measure in SAMPLED
    for key, fits in (
        ("statistic", statistics(measure) is not None),
        ("definition", measure is Measure.JITTER),
        ("packets", measure in {Measure.LATENCY, Measure.JITTER}),
        ("during", sampled),
        ("total", measure is Measure.AVAILABILITY),
    ):
        if getattr(own, key) is not None and not fits:
            report.say((key,), f"{name} has no {key}", fix="leave it out")
    if own.over is not None and not sampled:
        report.say(("over",), f"{name} is of the whole service, not of its targets", fix="leave it out")
    allowed = statistics(measure)
    # one that is wrong is reported already
    if measure in REQUIRE_STATISTIC and definition.statistic is None and "statistic" not in written(report):
        report.missing((), "statistic", f"{name} is {' or '.join((allowed or '').rsplit(', ', 1))}")
    if measure is Measure.JITTER and definition.definition is None and "definition" not in written(report):
        report.missing((), "definition", "jitter is pdv, ipdv or rfc3550")
