"""The whole evaluation against an evaluator that counts seconds, on random facts and contracts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.model import S
from slamon.record.rows import Gap
from slamon.sla.facts import DeclaredSpan, Exclusion, Facts, State
from slamon.sla.lines import Status
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Combine, Contract, Credit, Total, UnknownTime
from tests.sla import brute
from tests.sla.build import (
    Shot,
    availability,
    contract,
    credit,
    exclusion,
    latency,
    loss,
    observed,
    period,
    series,
    shots,
)

START, END, LIMIT = 100, 400, 25_000_000
"""The period in seconds, with time before and after it; a latency limit in nanoseconds."""

marks = st.text(alphabet="......xxxxe? ", min_size=1, max_size=110)
percents = st.integers(0, 100).map(lambda n: f"{n}%")


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    total: Total | int = draw(st.sampled_from(Total) | st.sampled_from([250 * S, 400 * S]))
    levels = sorted(draw(st.lists(st.integers(1, 100), min_size=2, max_size=2)))

    def line(name: str) -> Credit:
        thresholds = sorted(draw(st.sets(st.integers(1, 100), min_size=1, max_size=3)), reverse=True)
        gives = sorted(draw(st.lists(st.integers(0, 100), min_size=len(thresholds), max_size=len(thresholds))))
        unit = draw(st.sampled_from(["%", "/7", ""]))
        return credit({f"{t}%": f"{g}{unit}" for t, g in zip(thresholds, gives, strict=True)}, name=name)

    return contract(
        objectives=[
            availability(str(levels[1]), str(levels[0]), total=total),
            latency("p90"),
            latency("mean", name="mean"),
            loss(),
        ],
        credits=(line("one"), line("two")),
        combine=draw(st.sampled_from(Combine)),
        cap=draw(st.sampled_from([None, Fraction(1), Fraction(1, 3)])),
        cap_amount=draw(st.sampled_from([None, Fraction(333, 2)])),
        minimum_credit=draw(st.sampled_from([None, Fraction(50)])),
        minimum_credit_exclusive=draw(st.booleans()),
        unknown=draw(st.sampled_from(UnknownTime)),
        price=Fraction(draw(st.integers(1, 99_999)), 100),
        min_coverage=draw(st.sampled_from([Fraction(0), Fraction(1, 2)])),
        down_after=draw(st.sampled_from([None, 2])),
    )


@st.composite
def exclusions(draw: st.DrawFn) -> tuple[Exclusion, ...]:
    found = []
    for i in range(draw(st.integers(0, 4))):
        start = draw(st.integers(START - 50, END))
        cause = draw(st.sampled_from(["customer", "maintenance", "of another contract's list"]))
        found.append(exclusion(start, start + draw(st.integers(0, 120)), cause, id=f"e{i}"))
    return tuple(found)


@dataclass
class World:
    facts: Facts
    shots: dict[str, list[Shot]]
    states: dict[int, State]
    detected: dict[int, State]
    settled: int


@st.composite
def worlds(draw: st.DrawFn, terms: Contract) -> World:
    """Two targets, one of them perhaps behind a witness; their states by counting seconds."""
    gaps = [(at, at + draw(st.integers(1, 40))) for at in draw(st.lists(st.integers(0, 450), max_size=2))]
    sent: dict[str, list[Shot]] = {}
    for name, every in (("link/a", 3), ("link/b", 5)):
        text = draw(marks)
        delays = draw(st.lists(st.integers(1, 50_000_000), min_size=1, max_size=7))
        made = shots("." + text, every=every, start=draw(st.integers(0, 120)))
        sent[name] = [shot._replace(rtt=delays[i % len(delays)]) if shot.rtt else shot for i, shot in enumerate(made)]
    gateway = shots("." + draw(st.text(alphabet="....xx ", max_size=150)), every=2)
    quorum = draw(st.integers(1, 2))
    through = 10_000
    made_series = [
        series(sent["link/a"], interval=3, timeout=1, down_after=3, witness="lan/gw", through=through, limits=(LIMIT,)),
        series(sent["link/b"], name="link/b", interval=5, down_after=2, up_after=2, through=through, limits=(LIMIT,)),
        series(gateway, name="lan/gw", interval=2, timeout=1, down_after=2, through=through),
    ]
    facts = observed(
        *made_series,
        quorum=quorum,
        gaps=tuple(Gap(a * S, b * S, "stopped") for a, b in gaps),
        exclusions=draw(exclusions()),
    )

    def labels(name: str, **rule: int) -> tuple[int, list[State]]:
        of = sent.get(name, gateway)
        return of[0].second, brute.detect(of, gaps=gaps, through=through, **{"up_after": 1, **rule})

    a_start, a = labels("link/a", interval=3, down_after=terms.down_after or 3)
    b_start, b = labels("link/b", interval=5, down_after=terms.down_after or 2, up_after=2)
    w_start, w = labels("lan/gw", interval=2, down_after=2)
    answers = [shot.second for shot in gateway if shot.rtt is not None]
    silences = brute.evidence(w, w_start, answers)
    ours = brute.attribute(a, a_start, silences, 3)
    # What the witness may still say about an outage of a that is open or newer than the witness is not settled.
    settled = a_start + len(a)
    for first, last in brute.spans(a, a_start, State.DOWN):
        if last > w_start + len(w) or last == a_start + len(a):
            settled = min(settled, max(first, min(a_start + len(a), w_start + len(w)) - 3))
    settled = min(settled, b_start + len(b))
    first_known = min(a_start, b_start)

    def together(of_a: list[State]) -> dict[int, State]:
        targets = [{a_start + i: s for i, s in enumerate(of_a)}, {b_start + i: s for i, s in enumerate(b)}]
        return {first_known + i: s for i, s in enumerate(brute.together(targets, quorum, first_known, settled))}

    return World(facts, sent, together(ours), together(a), settled)


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


@settings(max_examples=150)
@given(
    contracts(),
    st.lists(st.tuples(st.integers(0, 450), st.integers(0, 90), st.sampled_from(State)), max_size=5),
    exclusions(),
    st.integers(START, 500),
)
def test_declared_facts_agree_with_counting_seconds(
    terms: Contract, spans: list[tuple[int, int, State]], excluded: tuple[Exclusion, ...], as_of: int
) -> None:
    facts = Facts(
        declared={"link": tuple(DeclaredSpan(start=a * S, end=(a + n) * S, state=state) for a, n, state in spans)},
        exclusions=excluded,
    )
    states: dict[int, State] = dict.fromkeys(range(as_of), State.UP)
    for wanted in (State.DOWN, State.LOCAL_FAULT, State.UNKNOWN):
        for a, n, state in spans:
            if state is wanted:
                states.update(dict.fromkeys(range(a, a + n), state))
    statement = evaluate(terms, facts, period(START, END), as_of=as_of * S)
    compare(statement, brute.Figures(terms, states, states, excluded, START, END, min(as_of, END), {}))


def compare(statement: Statement, expected: brute.Figures) -> None:
    seconds = {category: ns // S for category, ns in statement.time.items() if ns}
    assert seconds == {category: n for category, n in expected.time.items() if n}
    assert sum(statement.time.values()) == statement.in_scope == (END - START) * S
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
    assert outages == [(a, b, dict(causes)) for a, b, causes in expected.outages]
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
    if statement.coverage is None or statement.coverage < statement.min_coverage or line.value is None:
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
    assert evaluate(terms, shuffled, span, as_of=now) == evaluate(terms, world.facts, span, as_of=now)
