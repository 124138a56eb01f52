"""The `facts` of a test file → the facts the core judges: what is not mentioned is up and measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

from slamon import units
from slamon.cases import quantities
from slamon.cases.scope import Scope
from slamon.config import nodes
from slamon.config.reader import Reader, converted, expected, join, suggestion
from slamon.errors import Problem
from slamon.sla.facts import (
    Breach,
    Charge,
    Closed,
    DeclaredSpan,
    Exclusion,
    Facts,
    Lodged,
    Notice,
    Payment,
    Sample,
    SampleSeries,
    State,
    Ticket,
)

T = TypeVar("T")

JUDGED = ""
"""The service of a fact that names none: whichever the contract judges."""

NOTHING = Facts(declared={JUDGED: ()})
"""Everything is up and measured."""


def read_facts(node: nodes.Node | None, path: str, scope: Scope, problems: list[Problem]) -> Facts:
    """Everything that can be read; mistakes go to `problems`."""
    reader = None if node is None else Reader.over(node, path, problems)
    if reader is None:
        return NOTHING
    found = Facts(
        declared={JUDGED: ()} | _grouped(entry for state in _STATES for entry in _spans(reader, state, scope)),
        samples=_grouped(_each(reader, "series", scope, _series)),
        readings=_readings(reader.mapping("readings"), scope),
        exclusions=tuple(_each(reader, "exclusions", scope, _exclusion)),
        tickets=tuple(_each(reader, "tickets", scope, _ticket)),
        claims=tuple(_each(reader, "claims", scope, _claim)),
        payments=tuple(_each(reader, "payments", scope, _payment)),
        breaches=tuple(_each(reader, "breaches", scope, _breach)),
        notices=tuple(_each(reader, "notices", scope, _notice)),
        charges=_charges(reader.mapping("charges"), scope),
        closed=_closed(reader, scope),
    )
    reader.finish()
    return found


def joined(left: Facts, right: Facts) -> Facts:
    """Both: lists joined, maps merged by key; what `right` says of the same key stands."""
    return Facts(
        declared=_appended(left.declared, right.declared),
        samples=_appended(left.samples, right.samples),
        readings={
            name: {**left.readings.get(name, {}), **right.readings.get(name, {})}
            for name in {**left.readings, **right.readings}
        },
        exclusions=left.exclusions + right.exclusions,
        tickets=left.tickets + right.tickets,
        claims=left.claims + right.claims,
        payments=left.payments + right.payments,
        breaches=left.breaches + right.breaches,
        notices=left.notices + right.notices,
        charges={
            name: left.charges.get(name, Charge()).updated(right.charges.get(name, Charge()))
            for name in {**left.charges, **right.charges}
        },
        closed=left.closed + right.closed,
    )


# --- what was seen ------------------------------------------------------------------------------------------------------------

_STATES = {"down": State.DOWN, "degraded": State.DEGRADED, "unknown": State.UNKNOWN}


def _spans(reader: Reader, key: str, scope: Scope) -> list[tuple[str, DeclaredSpan]]:
    """The service of each span, and the span."""
    found = []
    for i, node in enumerate(reader.sequence(key) or ()):
        where = f"{join(reader.path, key)}[{i}]"
        span, service, vantage, affected = None, None, None, None
        if isinstance(node, nodes.Scalar):
            span = converted(node, scope.span, where, reader.problems)
        elif isinstance(node, nodes.Mapping):
            entry = Reader(node, where, reader.problems)
            entry.require("at")
            span = entry.parse("at", scope.span)
            service, vantage = entry.parse("service", scope.service), entry.text("vantage")
            affected = entry.count("affected")
            entry.finish()
        else:
            expected(node, where, reader.problems, "a span of time or a mapping")
        if span is not None:
            declared = DeclaredSpan(
                start=span[0], end=span[1], state=_STATES[key], vantage=vantage or "", affected=affected
            )
            found.append((service or JUDGED, declared))
    return found


def _series(entry: Reader, scope: Scope) -> tuple[str, SampleSeries] | None:
    entry.require("from", "every", "values")
    start, every = entry.parse("from", scope.instant), entry.parse("every", _spacing)
    service, vantage = entry.parse("service", scope.service), entry.text("vantage")

    def samples(text: str) -> tuple[Sample, ...]:
        return quantities.samples(text, start or 0, every or 1)

    values = entry.parse("values", samples)
    if start is None or every is None or values is None:
        return None
    return service or JUDGED, SampleSeries(start=start, every=every, samples=values, vantage=vantage or "")


def _spacing(text: str) -> int:
    every = units.duration(text)
    if every == 0:
        raise ValueError("samples at one and the same instant; write the time between them, for example 30s")
    return every


def _readings(reader: Reader | None, scope: Scope) -> dict[str, dict[str, Fraction]]:
    """Period → objective → value."""
    found: dict[str, dict[str, Fraction]] = {}
    for key, inner in _by_period(reader):
        named = scope.periods(*key) or ()
        values = _values(inner, scope)
        for period in named:
            found.setdefault(period.name, {}).update(values)
    return found


def _values(reader: Reader, scope: Scope) -> dict[str, Fraction]:
    """Objective → value; one that only another contract of the file has is read where that one is tested."""
    found: dict[str, Fraction] = {}
    own = scope.objectives()
    everybodys = {objective.name for contract in scope.own for objective in contract.objectives}
    written = reader.keys()
    for name in written:
        if name in own:
            value = reader.parse(name, quantities.QUANTITY[quantities.dimension(own[name])])
            if value is not None:
                found[name] = value
        elif name not in everybodys:
            reason = "the contract has no such objective"
            fix = suggestion(name, everybodys)
            path = join(reader.path, name)
            reader.problems.append(Problem(place=reader.key_place(name), path=path, reason=reason, fix=fix))
    return found


# --- what people did ----------------------------------------------------------------------------------------------------------


def _exclusion(entry: Reader, scope: Scope) -> Exclusion | None:
    """Agreed by both parties, whenever the test is judged; one that was lodged is known from then on."""
    entry.require("class", "at")
    cause, span = entry.parse("class", scope.category), entry.parse("at", scope.span)
    notified, lodged = entry.parse("notified", scope.instant), entry.parse("lodged", scope.instant)
    if cause is None or span is None:
        return None
    return Exclusion(
        id=entry.path,
        contract=scope.contract.name,
        cause=cause,
        start=span[0],
        end=span[1],
        declared_at=lodged or 0,
        notified=notified,
        lodged=lodged,
    )


def _ticket(entry: Reader, scope: Scope) -> Ticket | None:
    entry.require("opened")
    opened, closed = entry.parse("opened", scope.instant), entry.parse("closed", scope.instant)
    if opened is not None and closed is not None and closed < opened:
        entry.problem("closed", "the ticket is closed before it is opened", fix="exchange the two")
    return None if opened is None else Ticket(opened=opened, closed=closed)


def _claim(entry: Reader, scope: Scope) -> Lodged | None:
    entry.require("period", "lodged")
    period, at = entry.parse("period", scope.period), entry.parse("lodged", scope.instant)
    return None if period is None or at is None else Lodged(period=period.name, at=at)


def _payment(entry: Reader, scope: Scope) -> Payment | None:
    entry.require("due")
    due, paid = entry.parse("due", scope.instant), entry.parse("paid", scope.instant)
    return None if due is None else Payment(due=due, paid=paid)


def _breach(entry: Reader, scope: Scope) -> Breach | None:
    entry.require("duty", "at")
    name, span = entry.parse("duty", scope.duty), entry.parse("at", scope.span)
    return None if name is None or span is None else Breach(duty=name, start=span[0], end=span[1])


def _notice(entry: Reader, scope: Scope) -> Notice | None:
    entry.require("right", "at")
    right, at = entry.parse("right", scope.right), entry.parse("at", scope.instant)
    return None if right is None or at is None else Notice(right=right, at=at)


def _charges(reader: Reader | None, scope: Scope) -> dict[str, Charge]:
    """Period → what it was charged."""
    found: dict[str, Charge] = {}
    for key, inner in _by_period(reader):
        named = scope.periods(*key) or ()
        amounts = {name: inner.parse(name, scope.amount) for name in ("billed", "paid", "usage")}
        inner.finish()
        charge = Charge(**amounts)
        for period in named:
            found[period.name] = found.get(period.name, Charge()).updated(charge)
    return found


def _closed(reader: Reader, scope: Scope) -> tuple[Closed, ...]:
    path = join(reader.path, "closed")
    found = []
    for i, node in enumerate(reader.sequence("closed") or ()):
        where = f"{path}[{i}]"
        if isinstance(node, nodes.Scalar):
            found.append(converted(node, scope.instant, where, reader.problems))
        else:
            expected(node, where, reader.problems, "one value")
    return tuple(Closed("", instant) for instant in found if instant is not None)


# --- lists and maps -----------------------------------------------------------------------------------------------------------


def _each(reader: Reader, key: str, scope: Scope, read: Callable[[Reader, Scope], T | None]) -> list[T]:
    """The entries of a list of mappings that can be read."""
    found = []
    for i, node in enumerate(reader.sequence(key) or ()):
        entry = Reader.over(node, f"{join(reader.path, key)}[{i}]", reader.problems)
        if entry is not None:
            value = read(entry, scope)
            entry.finish()
            if value is not None:
                found.append(value)
    return found


def _by_period(reader: Reader | None) -> list[tuple[tuple[Reader, str], Reader]]:
    """Each key of a map by period, with what stands there if that is a mapping."""
    if reader is None:
        return []
    written = reader.keys()
    inner = [(key, reader.mapping(key)) for key in written]
    return [((reader, key), entry) for key, entry in inner if entry is not None]


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    found: dict[str, tuple[T, ...]] = {}
    for key, value in pairs:
        found[key] = (*found.get(key, ()), value)
    return found


def _appended(left: Mapping[str, tuple[T, ...]], right: Mapping[str, tuple[T, ...]]) -> dict[str, tuple[T, ...]]:
    return {key: left.get(key, ()) + right.get(key, ()) for key in {**left, **right}}
