"""The `facts` of a test file → the facts the core judges: what is not mentioned is up and measured."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slamon import units
from slamon.config import nodes
from slamon.config.reader import Reader, converted, expected, join, suggestion
from slamon.errors import Problem, UsageError
from slamon.sla import calendar
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, State
from slamon.sla.lines import Period
from slamon.sla.terms import Contract, Measure

LATER = ("degraded", "series", "tickets", "claims", "payments", "breaches", "notices", "charges", "closed")
LATER_SPAN = ("service", "vantage", "affected")
LATER_EXCLUSION = ("notified", "lodged")
"""Keys of the language that are not built yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Names a fact may use: those of the tested contract; for the facts of a whole file, those of any of its contracts."""

    contract: Contract
    others: tuple[Contract, ...] = ()

    def classes(self) -> set[str]:
        return {entry.name for contract in (self.contract, *self.others) for entry in contract.exclusions}

    def objectives(self) -> set[str]:
        return {objective.name for contract in (self.contract, *self.others) for objective in contract.objectives}


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """Facts as a test states them, of one contract. Lists are joined, maps merged by key."""

    spans: tuple[DeclaredSpan, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    readings: Mapping[str, Mapping[str, Fraction]]
    """Period → objective → value."""

    def __add__(self, other: Declared) -> Declared:
        names = {**self.readings, **other.readings}
        return Declared(
            spans=self.spans + other.spans,
            exclusions=self.exclusions + other.exclusions,
            readings={name: {**self.readings.get(name, {}), **other.readings.get(name, {})} for name in names},
        )

    def facts(self, contract: Contract, period: Period) -> Facts:
        """For one period of the contract."""
        return Facts(
            declared={contract.service: self.spans},
            exclusions=self.exclusions,
            readings=self.readings.get(period.name, {}),
        )


NOTHING = Declared(readings={})


def read_facts(node: nodes.Node | None, path: str, scope: Scope, problems: list[Problem]) -> Declared:
    """Everything that can be read; mistakes go to `problems`."""
    reader = Reader.over(node, path, problems)
    if reader is None:
        return NOTHING
    zone = scope.contract.timezone
    spans = [
        DeclaredSpan(start=start, end=end, state=state)
        for key, state in (("down", State.DOWN), ("unknown", State.UNKNOWN))
        for start, end in _spans(reader.sequence(key), join(path, key), zone, problems)
    ]
    exclusions = _exclusions(reader.sequence("exclusions"), join(path, "exclusions"), scope, problems)
    readings = _readings(reader.mapping("readings"), scope, problems)
    reader.finish(later=LATER)
    return Declared(spans=tuple(spans), exclusions=tuple(exclusions), readings=readings)


def periods(name: str, contract: Contract) -> list[Period]:
    """`2026-06`, or each of `2026-01 to 2026-03`. Raises ValueError (`reason; fix`)."""
    first, to, last = name.partition(" to ")
    try:
        found = [calendar.period(contract, first)]
        end = calendar.period(contract, last).start if to else found[0].start
    except UsageError as error:
        raise ValueError(str(error)) from error
    while found[-1].start < end:
        found.append(calendar.current(contract, found[-1].end))
    if found[-1].start > end:
        raise ValueError("the periods end before they begin; exchange them")
    return found


def _spans(
    entries: Sequence[nodes.Node] | None, path: str, zone: str, problems: list[Problem]
) -> list[tuple[int, int]]:
    found = []
    for i, entry in enumerate(entries or ()):
        where = f"{path}[{i}]"
        span = None
        if isinstance(entry, nodes.Scalar):
            span = converted(entry, lambda text: calendar.span(text, zone), where, problems)
        elif isinstance(entry, nodes.Mapping):
            reader = Reader(entry, where, problems)
            if reader.require("at"):
                span = reader.parse("at", lambda text: calendar.span(text, zone))
            reader.finish(later=LATER_SPAN, also=("at",))
        else:
            expected(entry, where, problems, "a span of time or a mapping")
        if span is not None:
            found.append(span)
    return found


def _exclusions(
    entries: Sequence[nodes.Node] | None, path: str, scope: Scope, problems: list[Problem]
) -> list[Exclusion]:
    found = []
    for i, entry in enumerate(entries or ()):
        where = f"{path}[{i}]"
        reader = Reader.over(entry, where, problems)
        if reader is None:
            continue
        complete = reader.require("class", "at")
        cause = reader.parse("class", lambda text: _class(text, scope.classes()))
        span = reader.parse("at", lambda text: calendar.span(text, scope.contract.timezone))
        reader.finish(later=LATER_EXCLUSION)
        if complete and cause is not None and span is not None:
            found.append(
                Exclusion(
                    id=where,
                    contract=scope.contract.name,
                    cause=cause,
                    start=span[0],
                    end=span[1],
                    declared_at=0,  # accepted by both, whenever the test is judged
                )
            )
    return found


def _readings(reader: Reader | None, scope: Scope, problems: list[Problem]) -> dict[str, dict[str, Fraction]]:
    found: dict[str, dict[str, Fraction]] = {}
    for key in reader.keys() if reader else ():
        assert reader is not None
        try:
            named = periods(key, scope.contract)
        except ValueError as error:
            reason, _, fix = str(error).partition("; ")
            problems.append(
                Problem(place=reader.key_place(key), path=join(reader.path, key), reason=reason, fix=fix or None)
            )
            continue
        values = _values(reader.mapping(key), scope, problems)
        for period in named:
            found.setdefault(period.name, {}).update(values)
    return found


def _values(reader: Reader | None, scope: Scope, problems: list[Problem]) -> dict[str, Fraction]:
    """Objective → value; one that only another contract of the file has is checked there."""
    found: dict[str, Fraction] = {}
    measures = {objective.name: objective.measure for objective in scope.contract.objectives}
    for name in reader.keys() if reader else ():
        assert reader is not None
        if name in measures:
            value = _value(reader, name, measures[name])
            if value is not None:
                found[name] = value
        elif name not in scope.objectives():
            fix = suggestion(name, scope.objectives())
            reason = "the contract has no such objective"
            problems.append(Problem(place=reader.key_place(name), path=join(reader.path, name), reason=reason, fix=fix))
    return found


def _value(reader: Reader, name: str, measure: Measure) -> Fraction | None:
    """An objective's value: a delay, or a percentage."""
    if measure is Measure.LATENCY:
        return reader.parse(name, lambda text: Fraction(units.duration(text, bare="ms")))
    return reader.parse(name, units.percent)


def _class(word: str, classes: Collection[str]) -> str:
    if word not in classes:
        fix = suggestion(word, classes)
        raise ValueError("not a class of the contract's exclusions" + (f"; {fix}" if fix else ""))
    return word
