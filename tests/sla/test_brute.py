"""The whole evaluation against an evaluator that counts seconds, on random facts and contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.model import S
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, SampleSeries, State, Ticket
from slamon.sla.lines import Status
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Contract
from slamon.sla.terms.outages import SlotRule
from tests.sla import brute
from tests.sla.build import (
    Billed,
    period,
)
from tests.sla.drawn import (
    AUTUMN,
    END,
    FIRST,
    LAST,
    SPRING,
    START,
    contracts,
    declarations,
    declared_spans,
    ruled_contracts,
    sample_series,
    tickets,
    worlds,
)


@settings(max_examples=150)
@given(st.data())
def test_agrees_with_counting_seconds(data: st.DataObject) -> None:
    terms = data.draw(contracts())
    world = data.draw(worlds(terms))
    statement = evaluate(terms, world.facts, period(START, END), as_of=10_000 * S)
    expected = brute.Figures(
        terms, world.states, world.detected, world.facts.exclusions, START, END, min(world.settled, END), world.shots
    )
    compare(statement, expected)
    compare_packets(statement, expected)
    given_credit = brute.credit(terms, statement.availability)
    assert Fraction(statement.credit or 0) == given_credit
    assert statement.settled == min(world.settled, END) * S


def counted_seconds(terms: Contract, facts: Facts, as_of: int) -> tuple[dict[int, State], dict[str, set[int]]]:
    """Second → state by the contract's outage rule; and the seconds of gross outage by each clock."""
    spans, series = facts.declared.get("link", ()), facts.samples.get("", ())
    names = sorted(({s.vantage for s in spans} | {s.vantage for s in series}) - {""}) or [""]
    by_vantage = [
        brute.seen(
            [span for span in spans if span.vantage in ("", name)],
            [each for each in series if each.vantage in ("", name)],
            terms.outage,
            FIRST - 300,
            as_of,
            SPRING,
        )
        for name in names
    ]
    needed = min(terms.outage.vantages, len(names))
    labels = (
        [brute.vote(states, needed) for states in zip(*by_vantage, strict=True)] if len(names) > 1 else by_vantage[0]
    )
    rule = terms.outage
    if rule.slot is not None and rule.bad_slot is not None and rule.bad_slot.rule is not SlotRule.LOSS:
        labels = brute.slotted(labels, rule, FIRST - 300, SPRING)
    known = [(t.opened // S, min(as_of, as_of if t.closed is None else t.closed // S)) for t in facts.tickets]
    gross = brute.spans(labels, FIRST - 300, State.DOWN)
    matched = [(a, b) for a, b in known if a < b and any(c < b and a < d for c, d in gross)]
    clocks = {
        "measured": {second for a, b in gross for second in range(a, b)},
        "ticket": {second for a, b in matched for second in range(a, b)},
    }
    result, first, _ = brute.ruled(labels, rule, known, FIRST - 300)
    return {first + i: state for i, state in enumerate(result)}, clocks


@settings(max_examples=160)
@given(
    ruled_contracts(),
    st.lists(declared_spans(), max_size=5),
    sample_series(),
    st.lists(tickets, max_size=3),
    declarations(),
    st.integers(SPRING, LAST),
)
def test_stated_facts_agree_with_counting_seconds(
    terms: Contract,
    spans: list[DeclaredSpan],
    series: tuple[SampleSeries, ...],
    opened: list[Ticket],
    excluded: tuple[Exclusion, ...],
    as_of: int,
) -> None:
    facts = Facts(
        declared={"link": tuple(spans)},
        samples={"": series} if series else {},
        tickets=tuple(opened),
        exclusions=excluded,
        charges=Billed(terms.prices[0].amount),
    )
    states, clocks = counted_seconds(terms, facts, as_of)
    statement = evaluate(terms, facts, period(SPRING, AUTUMN), as_of=as_of * S)
    settled = min(as_of, AUTUMN)
    expected = brute.Figures(terms, states, states, excluded, SPRING, AUTUMN, settled, {}, spans)
    compare(statement, expected)
    inside = range(SPRING, settled)
    assert statement.clocks == {name: len(found & set(inside)) * S for name, found in clocks.items()}
    assert [(line.began or line.start, line.charged, line.counted) for line in statement.outages] == [
        (o.began * S, o.charged * S, o.counted) for o in expected.outages
    ]
    verdict = [line.accepted for line in statement.exclusions]
    rules = {entry.name: entry for entry in terms.exclusions}
    assert verdict == [
        e.cause in rules and brute.accepted(rules[e.cause], e)
        for e in excluded
        if e.start < AUTUMN * S and e.end > SPRING * S
    ]
    assert Fraction(statement.credit or 0) == brute.credit(terms, statement.availability)


def compare(statement: Statement, expected: brute.Figures) -> None:
    seconds = {category: ns // S for category, ns in statement.time.items() if ns}
    assert seconds == {category: n for category, n in expected.time.items() if n}
    assert sum(statement.time.values()) == statement.in_scope == expected.scope * S
    assert statement.availability == expected.availability
    assert (statement.total, statement.downtime) == (expected.total * S, expected.downtime * S)
    assert (statement.low, statement.high, statement.coverage) == (expected.low, expected.high, expected.coverage)
    assert (statement.raw_availability, statement.raw_downtime) == (expected.raw, expected.raw_downtime * S)
    assert {line.id: line.applied // S for line in statement.exclusions if line.applied} == dict(+expected.applied)
    assert {line.id: line.downtime_removed // S for line in statement.exclusions if line.downtime_removed} == dict(
        +expected.removed
    )
    outages = [
        (
            line.start // S,
            (statement.settled if line.end is None else line.end) // S,
            {k: v // S for k, v in line.by_cause.items()},
        )
        for line in statement.outages
    ]
    assert outages == [(o.start, o.end, dict(o.causes)) for o in expected.outages]
    assert statement.counted_coverage == expected.counted_coverage
    assert statement.status is status(statement)


def compare_packets(statement: Statement, expected: brute.Figures) -> None:
    values: Mapping[str, Fraction | None] = {line.name: line.value for line in statement.objectives}
    targets = list(expected.received)

    def worst(found: list[Fraction | int | None]) -> Fraction | int | None:
        return max((value for value in found if value is not None), default=None)

    assert values["latency"] == worst([expected.percentile(name, Fraction(9, 10)) for name in targets])
    assert values["loss"] == worst([expected.loss(name) for name in targets])
    delays = {name: [shot.rtt for shot in expected.received[name] if shot.rtt is not None] for name in targets}
    assert values["mean"] == worst([Fraction(sum(d), len(d)) if d else None for d in delays.values()])


def status(statement: Statement) -> Status:
    """By target and minimum of the one objective that has them."""
    line = next(line for line in statement.objectives if line.name == "availability")
    enough = statement.counted_coverage is None or statement.counted_coverage >= statement.min_coverage
    if statement.coverage is None or not enough or line.value is None:
        return Status.UNKNOWN
    assert line.target is not None
    assert line.minimum is not None
    if line.value < line.minimum:
        return Status.BELOW_MINIMUM
    return Status.BELOW_TARGET if line.value < line.target else Status.MET


@settings(max_examples=60)
@given(st.data())
def test_the_order_of_facts_does_not_matter(data: st.DataObject) -> None:
    terms = data.draw(contracts())
    world = data.draw(worlds(terms))
    shuffled = replace(
        world.facts,
        exclusions=tuple(data.draw(st.permutations(world.facts.exclusions))),
        gaps=tuple(data.draw(st.permutations(world.facts.gaps))),
        series=dict(data.draw(st.permutations(list(world.facts.series.items())))),
    )
    span, now = period(START, END), 10_000 * S
    first, second = (evaluate(terms, facts, span, as_of=now) for facts in (shuffled, world.facts))
    assert in_one_order(first) == in_one_order(second)


def in_one_order(statement: Statement) -> Statement:
    """Declarations made at the same instant stand in the order given."""
    return replace(statement, exclusions=tuple(sorted(statement.exclusions, key=lambda line: line.id)))
