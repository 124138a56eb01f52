"""What must hold for every contract and all facts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.model import DAY, S
from slamon.record.rows import Run
from slamon.sla.detection import sends
from slamon.sla.exclusions import decide
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, SampleSeries, SeriesFacts
from slamon.sla.lines import Status
from slamon.sla.statement import Statement, evaluate, from_json, to_json
from slamon.sla.terms import Contract
from slamon.sla.terms.objectives import Objective, Total
from tests.sla.build import Billed, period
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

NOW = LAST * S


@st.composite
def stated(draw: st.DrawFn) -> Facts:
    series = draw(sample_series())
    return Facts(
        declared={"link": tuple(draw(st.lists(declared_spans(), max_size=5)))},
        samples={"": series} if series else {},
        tickets=tuple(draw(st.lists(tickets, max_size=3))),
        exclusions=draw(declarations()),
        charges=Billed(1000),
    )


def judged(terms: Contract, facts: Facts, as_of: int = NOW) -> Statement:
    return evaluate(terms, facts, period(SPRING, AUTUMN), as_of)


def in_scope(terms: Contract) -> Contract:
    """Its availability over the time in scope, and no class with an allowance."""

    def plain(objective: Objective) -> Objective:
        return replace(objective, total=Total.IN_SCOPE)

    return replace(
        terms,
        objectives=tuple(map(plain, terms.objectives)),
        exclusions=tuple(replace(entry, allowance=None, allowance_per=None) for entry in terms.exclusions),
    )


def gross(statement: Statement) -> list[Fraction]:
    return [line.exact for line in statement.credits]


@settings(max_examples=60)
@given(ruled_contracts().map(in_scope), stated(), st.data())
def test_exclusions_never_raise_credit(terms: Contract, facts: Facts, data: st.DataObject) -> None:
    fewer = replace(facts, exclusions=tuple(e for e in facts.exclusions if data.draw(st.booleans())))
    more, less = judged(terms, facts), judged(terms, fewer)
    assert all(a <= b for a, b in zip(gross(more), gross(less), strict=True))
    assert more.credit is not None
    assert less.credit is not None
    assert more.credit <= less.credit
    assert more.downtime <= less.downtime


def cut(start: int, end: int, at: int) -> list[tuple[int, int]]:
    """In two where the instant lies inside."""
    return [(start, at), (at, end)] if start < at < end else [(start, end)]


def cut_series(series: SampleSeries, at: int) -> list[SampleSeries]:
    n = max(0, min(len(series.samples), -((series.start - at) // series.every)))
    halves = (
        replace(series, samples=series.samples[:n]),
        replace(series, start=series.start + n * series.every, samples=series.samples[n:]),
    )
    return [half for half in halves if half.samples]


@settings(max_examples=60)
@given(ruled_contracts(), stated(), st.integers(FIRST, LAST))
def test_splitting_an_interval_in_two_changes_nothing(terms: Contract, facts: Facts, second: int) -> None:
    at = second * S
    # A half that begins later has a longer notice and a later deadline: what the rules refuse as a whole they may accept in part.
    decisions = {id(d.exclusion): d.accepted for d in decide(terms, facts.exclusions)}
    split = replace(
        facts,
        declared={
            name: tuple(replace(span, start=a, end=b) for span in spans for a, b in cut(span.start, span.end, at))
            for name, spans in facts.declared.items()
        },
        samples={
            name: tuple(half for each in rows for half in cut_series(each, at)) for name, rows in facts.samples.items()
        },
        exclusions=tuple(
            replace(e, start=a, end=b, id=f"{e.id}-{i}")
            for e in facts.exclusions
            for i, (a, b) in enumerate(cut(e.start, e.end, at) if decisions[id(e)] else [(e.start, e.end)])
        ),
    )
    whole, halves = judged(terms, facts), judged(terms, split)
    assert replace(halves, exclusions=()) == replace(whole, exclusions=())
    assert sum(e.applied for e in halves.exclusions) == sum(e.applied for e in whole.exclusions)
    assert sum(e.downtime_removed for e in halves.exclusions) == sum(e.downtime_removed for e in whole.exclusions)


def split_runs(series: SeriesFacts, at: int) -> SeriesFacts:
    """Every run that has samples on both sides of an instant as two."""
    runs: list[Run] = []
    for run in series.runs:
        instants = list(sends(run))
        n = sum(sent < at for sent in instants)
        if 0 < n < run.samples:
            runs.append(Run(instants[0], instants[n - 1], instants[n], n, run.result))
            runs.append(Run(instants[n], run.last_sent, run.until, run.samples - n, run.result))
        else:
            runs.append(run)
    return replace(series, runs=tuple(runs))


@settings(max_examples=60)
@given(st.data(), st.integers(0, 500))
def test_a_run_of_outcomes_in_two_is_the_same_run(data: st.DataObject, second: int) -> None:
    terms = data.draw(contracts())
    facts = data.draw(worlds(terms)).facts
    split = replace(facts, series={name: split_runs(each, second * S) for name, each in facts.series.items()})
    one, two = (evaluate(terms, each, period(START, END), 10_000 * S) for each in (facts, split))
    assert one == two


@settings(max_examples=60)
@given(ruled_contracts(), stated(), st.data())
def test_the_order_of_stated_facts_does_not_matter(terms: Contract, facts: Facts, data: st.DataObject) -> None:
    def shuffled(entries: Mapping[str, tuple[DeclaredSpan, ...]]) -> dict[str, tuple[DeclaredSpan, ...]]:
        return {name: tuple(data.draw(st.permutations(each))) for name, each in entries.items()}

    def in_one_order(statement: Statement) -> Statement:
        return replace(statement, exclusions=tuple(sorted(statement.exclusions, key=lambda line: line.id)))

    other = replace(
        facts,
        declared=shuffled(facts.declared),
        samples={name: tuple(data.draw(st.permutations(rows))) for name, rows in facts.samples.items()},
        tickets=tuple(data.draw(st.permutations(facts.tickets))),
        exclusions=tuple(data.draw(st.permutations(facts.exclusions))),
    )
    first, second = in_one_order(judged(terms, facts)), in_one_order(judged(terms, other))
    assert replace(first, tickets=()) == replace(second, tickets=())
    assert sorted(first.tickets) == sorted(second.tickets)


@settings(max_examples=60)
@given(ruled_contracts(), stated(), st.integers(FIRST, AUTUMN), st.integers(1, 200), st.integers(0, 200))
def test_two_overlapping_exclusions_are_their_union(
    terms: Contract, facts: Facts, start: int, length: int, beyond: int
) -> None:
    """Of the same class, notice and state."""
    first = Exclusion(
        id="first",
        contract="test",
        cause="maintenance",
        start=start * S,
        end=(start + length) * S,
        declared_at=0,
        notified=0,
        lodged=0,
    )
    second = replace(first, id="second", start=first.end - length * S // 2, end=first.end + beyond * S)
    united = replace(first, id="united", end=max(first.end, second.end))
    both = judged(terms, replace(facts, exclusions=(*facts.exclusions, first, second)))
    one = judged(terms, replace(facts, exclusions=(*facts.exclusions, united)))
    assert replace(both, exclusions=()) == replace(one, exclusions=())
    assert sum(e.applied for e in both.exclusions) == sum(e.applied for e in one.exclusions)


@settings(max_examples=60)
@given(ruled_contracts(), stated(), st.integers(SPRING, LAST))
def test_a_statement_of_any_rules_survives_json(terms: Contract, facts: Facts, as_of: int) -> None:
    statement = judged(terms, facts, as_of * S)
    again = from_json(json.loads(json.dumps(to_json(statement))))
    assert again == statement
    assert repr(again) == repr(statement)


def final(statement: Statement) -> tuple[Fraction | None, Status, list[Fraction], Decimal | None, Fraction]:
    return statement.availability, statement.status, gross(statement), statement.uncapped, statement.downtime


@settings(max_examples=60)
@given(ruled_contracts(), stated(), st.integers(0, 100), st.integers(1, 10**6))
def test_a_later_look_at_stated_facts_changes_nothing(terms: Contract, facts: Facts, margin: int, later: int) -> None:
    """Once all that was going on at the end of the period is over."""
    over = (AUTUMN - 120) * S  # more than any gap that is bridged, and slots that follow
    early = replace(
        facts,
        declared={name: tuple(s for s in spans if s.end < over) for name, spans in facts.declared.items()},
        samples={name: tuple(s for s in rows if s.end < over) for name, rows in facts.samples.items()},
        tickets=tuple(t for t in facts.tickets if t.closed is not None and t.closed < over),
    )
    first = judged(terms, early, (AUTUMN + margin) * S)
    assert not first.open
    assert final(judged(terms, early, (AUTUMN + margin + later) * S)) == final(first)


@settings(max_examples=80)
@given(st.data(), st.integers(START + 10, END), st.integers(END, 600), st.integers(1, 80_000), st.booleans())
def test_a_later_look_at_what_was_measured_changes_nothing(
    data: st.DataObject, end: int, as_of: int, later: int, days: bool
) -> None:
    """Once the period is closed: it is all decided, or was a day ago."""
    terms = data.draw(contracts())
    facts = data.draw(worlds(terms)).facts
    as_of += DAY // S if days else 0
    first, second = (evaluate(terms, facts, period(START, end), at * S) for at in (as_of, as_of + later))
    if first.open:
        assert not days
        return
    assert final(second) == final(first)
    assert second.objectives == first.objectives
    assert second.time == first.time
