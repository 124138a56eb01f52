"""Random contracts and facts for the tests of the whole evaluation: instants on whole seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from hypothesis import strategies as st

from slamon.model import S
from slamon.record.rows import Gap
from slamon.sla.facts import Agreement, DeclaredSpan, Exclusion, Facts, Sample, SampleSeries, State, Ticket
from slamon.sla.terms import Contract, Term, UnknownTime
from slamon.sla.terms.credits import Cap, Combine, Credit
from slamon.sla.terms.measures import Side
from slamon.sla.terms.objectives import Total
from slamon.sla.terms.outages import BadSlot, BelongsTo, Clock, ExclusionClass, OutageRule, SlotRule
from slamon.sla.terms.times import Anchor, Deadline, Lead, Span, Weekly
from tests.sla import brute
from tests.sla.build import (
    HERE,
    Billed,
    Shot,
    availability,
    contract,
    credit,
    exclusion,
    latency,
    loss,
    observed,
    series,
    shots,
)

START, END, LIMIT = 100, 400, 25_000_000
"""The period in seconds, with time before and after it; a latency limit in nanoseconds."""

marks = st.text(alphabet="......xxxxe? ", min_size=1, max_size=110)
percents = st.integers(0, 100).map(lambda n: f"{n}%")


caps = st.sampled_from(
    [
        Cap(span=Span.PERIOD, clause=HERE, share=Fraction(1)),
        Cap(span=Span.PERIOD, clause=HERE, share=Fraction(1, 3)),
        Cap(span=Span.MONTH, clause=HERE, amount=Fraction(333, 2)),
    ]
)


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
        cap=None,
        caps=draw(st.lists(caps, max_size=2).map(tuple)),
        minimum_credit=draw(st.sampled_from([None, Fraction(50)])),
        minimum_credit_exclusive=draw(st.booleans()),
        unknown=draw(st.sampled_from(UnknownTime)),
        price=Fraction(draw(st.integers(1, 99_999)), 100),
        min_coverage=draw(st.sampled_from([Fraction(0), Fraction(1, 2)])),
        outage=OutageRule(after=draw(st.sampled_from([None, 2]))),
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
        charges=Billed(terms.prices[0].amount),
    )

    def labels(name: str, **rule: int) -> tuple[int, list[State]]:
        of = sent.get(name, gateway)
        return of[0].second, brute.detect(of, gaps=gaps, through=through, **{"up_after": 1, **rule})

    a_start, a = labels("link/a", interval=3, down_after=terms.outage.after or 3)
    b_start, b = labels("link/b", interval=5, down_after=terms.outage.after or 2, up_after=2)
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


# -- facts stated by hand, by all rules -----------------------------------------------------------------------------------------

MIDNIGHT = 90 * 86_400
"""Begins 1 April 1970, a Wednesday: a month and a quarter end where the period is half over."""
FIRST, SPRING, AUTUMN, LAST = MIDNIGHT - 300, MIDNIGHT - 150, MIDNIGHT + 150, MIDNIGHT + 300
"""The world begins, the period begins, the period ends, the world ends."""

seconds = st.integers(FIRST, LAST)
durations = st.integers(1, 120).map(lambda n: n * S)

slots = st.builds(
    OutageRule,
    slot=st.sampled_from([10 * S, 60 * S, 7 * S]),
    bad_slot=st.sampled_from(
        [
            BadSlot(rule=SlotRule.DOWN_WHOLE),
            BadSlot(rule=SlotRule.DOWN, side=Side.OVER, threshold=Fraction(5 * S)),
            BadSlot(rule=SlotRule.DOWN, side=Side.AT_LEAST, threshold=Fraction(5 * S)),
            BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 2)),
        ]
    ),
    after=st.sampled_from([None, 1, 2]),
    until=st.sampled_from([None, 1, 3]),
)


@st.composite
def outage_rules(draw: st.DrawFn) -> OutageRule:
    plain = st.builds(OutageRule, after=st.sampled_from([None, 1, 2]), until=st.sampled_from([None, 2]))
    return replace(
        draw(st.one_of(plain, plain, slots)),
        vantages=draw(st.integers(1, 2)),
        side=draw(st.sampled_from([None, Side.OVER, Side.AT_LEAST])),
        length=draw(durations),
        merge_within=draw(st.sampled_from([0, 10 * S, 60 * S])),
        starts=draw(st.sampled_from([Clock.MEASURED, Clock.MEASURED, Clock.TICKET, Clock.LATER])),
        ends=draw(st.sampled_from([Clock.MEASURED, Clock.MEASURED, Clock.TICKET, Clock.SOONER])),
        degraded_counts=draw(st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)])),
        weigh_by=draw(st.sampled_from([None, 10])),
        belongs_to=draw(st.sampled_from(BelongsTo)),
    )


@st.composite
def weekly(draw: st.DrawFn) -> Weekly:
    start, end = draw(st.sampled_from([(0, 86_400), (86_400 - 200, 86_400), (0, 100), (86_400 - 100, 86_400 - 40)]))
    return Weekly(
        weekdays=draw(st.sampled_from([frozenset(range(7)), frozenset({1}), frozenset({2, 3})])), start=start, end=end
    )


leads = st.one_of(
    st.builds(Lead, elapsed=durations),
    st.builds(Lead, days=st.integers(0, 2), business=st.booleans()),
)


@st.composite
def classes(draw: st.DrawFn, name: str) -> ExclusionClass:
    allowed = draw(st.none() | st.tuples(durations, st.sampled_from([Span.MONTH, Span.QUARTER, Span.YEAR])))
    lodge = draw(st.none() | durations)
    return ExclusionClass(
        name=name,
        clause=HERE,
        notice=draw(st.none() | leads),
        hours=draw(st.none() | st.none() | weekly()),
        allowance=allowed and allowed[0],
        allowance_per=allowed and allowed[1],
        lodge=None if lodge is None else Deadline(text="lodge", anchor=Anchor.OUTAGE_START, elapsed=lodge),
    )


@st.composite
def ruled_contracts(draw: st.DrawFn) -> Contract:
    day = date(1970, 4, 1)
    return replace(
        draw(contracts()),
        outage=draw(outage_rules()),
        exclusions=(draw(classes("customer")), draw(classes("maintenance"))),
        service_hours=draw(st.just(()) | st.lists(weekly(), min_size=1, max_size=2).map(tuple)),
        term=draw(
            st.sampled_from([Term(), Term(), Term(start=day), Term(end=date(1970, 3, 31)), Term(start=day, end=day)])
        ),
    )


@st.composite
def declarations(draw: st.DrawFn) -> tuple[Exclusion, ...]:
    found = []
    for i in range(draw(st.integers(0, 4))):
        start = draw(seconds)
        cause = draw(st.sampled_from(["customer", "maintenance", "maintenance", "of another contract's list"]))
        told = draw(st.none() | st.integers(start - 2 * 86_400, start + 10))
        lodged = draw(st.none() | st.integers(start, start + 200))
        one = exclusion(start, start + draw(st.integers(0, 200)), cause, id=f"e{i}", state=draw(agreements))
        found.append(
            replace(one, notified=None if told is None else told * S, lodged=None if lodged is None else lodged * S)
        )
    return tuple(found)


agreements = st.sampled_from([Agreement.ACCEPTED] * 4 + [Agreement.DISPUTED])
vantages = st.sampled_from(["", "", "x", "y", "z"])
losses = st.sampled_from([Fraction(0), Fraction(0), Fraction(1, 2), Fraction(3, 4), Fraction(1), Fraction(1)])


@st.composite
def sample_series(draw: st.DrawFn) -> tuple[SampleSeries, ...]:
    """At most two that do not overlap, seen from anywhere."""
    found, at = [], FIRST
    for _ in range(draw(st.sampled_from([0, 0, 1, 2]))):
        at += draw(st.integers(0, 60))
        every = draw(st.sampled_from([5, 10, 13]))
        values = draw(st.lists(losses, min_size=1, max_size=40))
        samples = tuple(Sample((at + i * every) * S, 4, lost, None) for i, lost in enumerate(values))
        found.append(SampleSeries(start=at * S, every=every * S, samples=samples, vantage=draw(vantages)))
        at += every * len(values)
    return tuple(found)


@st.composite
def declared_spans(draw: st.DrawFn) -> DeclaredSpan:
    start = draw(seconds)
    return DeclaredSpan(
        start=start * S,
        end=(start + draw(st.integers(1, 200))) * S,
        state=draw(st.sampled_from([State.DOWN] * 4 + list(State))),
        vantage=draw(vantages),
        affected=draw(st.none() | st.integers(0, 12)),
    )


tickets = st.builds(
    lambda opened, open_for: Ticket(opened * S, None if open_for is None else (opened + open_for) * S),
    seconds,
    st.none() | st.integers(0, 200),
)
