"""Facts stated by hand: what nobody mentions is up and measured, samples measure only what they cover, and vantage points vote."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MS, S
from slamon.sla import stated
from slamon.sla.attribution import observe
from slamon.sla.facts import DeclaredSpan, Facts, Sample, SampleSeries, State
from slamon.sla.statement import evaluate
from slamon.sla.terms.composition import Group
from slamon.sla.terms.outages import BadSlot, OutageRule, SlotRule
from slamon.sla.timeline import Timeline
from tests.sla import brute
from tests.sla.build import contract, latency, observed, period, series, shots

UP, DOWN, OURS, UNKNOWN, DEGRADED = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN, State.DEGRADED
PLAIN = OutageRule()


def span(start: int, end: int, state: State = DOWN, **rest: object) -> DeclaredSpan:
    return DeclaredSpan(start=start * S, end=end * S, state=state, **rest)  # type: ignore[arg-type]


def samples(text: str, *, start: int = 0, every: int = 10, vantage: str = "") -> SampleSeries:
    """`.` answered after 20 ms, `x` lost, `-` half of the packets lost."""
    lost = {".": Fraction(0), "x": Fraction(1), "-": Fraction(1, 2)}
    made = tuple(
        Sample((start + i * every) * S, 1, lost[mark], 20 * MS if mark == "." else None) for i, mark in enumerate(text)
    )
    return SampleSeries(start=start * S, every=every * S, samples=made, vantage=vantage)


def seen(
    *spans: DeclaredSpan, series: tuple[SampleSeries, ...] = (), rule: OutageRule = PLAIN, end: int = 100
) -> list[tuple[int, int, State]]:
    facts = Facts(declared={"link": spans}, samples={"link": series} if series else {})
    timeline = stated.states(facts, "link", rule, origin=0, end=end * S)
    assert (timeline.start, timeline.end) == (0, end * S)
    return [(p.start // S, p.end // S, p.value) for p in timeline.pieces]


def test_what_nobody_mentions_is_up() -> None:
    assert seen() == [(0, 100, UP)]
    assert seen(span(10, 20), span(15, 25, UNKNOWN), span(40, 60, OURS), end=50) == [
        (0, 10, UP),
        (10, 15, DOWN),
        (15, 25, UNKNOWN),
        (25, 40, UP),
        (40, 50, OURS),
    ]


def test_the_worse_state_stands_and_unknown_is_the_last_word() -> None:
    spans = [span(0, 60, DEGRADED), span(10, 50), span(20, 40, OURS), span(30, 35, UNKNOWN)]
    for order in (spans, spans[::-1]):
        assert seen(*order) == [
            (0, 10, DEGRADED),
            (10, 20, DOWN),
            (20, 30, OURS),
            (30, 35, UNKNOWN),
            (35, 40, OURS),
            (40, 50, DOWN),
            (50, 60, DEGRADED),
            (60, 100, UP),
        ]


def test_facts_that_name_no_service_are_of_every_one() -> None:
    facts = Facts(
        declared={"": (span(0, 10),), "link": (span(20, 30),), "other": (span(40, 50),)},
        samples={"": (samples("."),), "other": (samples("..", start=5),)},
    )
    assert stated.is_stated(facts)
    assert [s.start // S for s in stated.spans_of(facts, "link")] == [0, 20]
    assert [s.start // S for s in stated.spans_of(facts, "")] == [0]
    assert [s.start // S for s in stated.samples_of(facts, "other")] == [0, 5]
    assert [s.start // S for s in stated.samples_of(facts, "")] == [0]
    assert not stated.is_stated(Facts())
    assert stated.is_stated(Facts(samples={"": ()}))


def test_where_there_are_samples_only_what_they_cover_is_measured() -> None:
    assert seen(series=(samples("..xxx..", start=10),)) == [
        (0, 10, UNKNOWN),
        (10, 30, UP),
        (30, 60, DOWN),
        (60, 80, UP),
        (80, 100, UNKNOWN),
    ]
    assert seen(span(82, 90), series=(samples("........"),)) == [
        (0, 80, UP),
        (80, 82, UNKNOWN),
        (82, 90, DOWN),
        (90, 100, UNKNOWN),
    ]


def test_samples_are_judged_by_the_contracts_rule_or_three_and_one() -> None:
    assert seen(series=(samples("..xx...xxx.xxx..."),), end=170) == [
        (0, 70, UP),
        (70, 100, DOWN),
        (100, 110, UP),
        (110, 140, DOWN),
        (140, 170, UP),
    ]
    eager = OutageRule(after=2, until=2)
    assert seen(series=(samples("..xx.xxx..x"),), rule=eager, end=110) == [(0, 20, UP), (20, 80, DOWN), (80, 110, UP)]
    slow = OutageRule(slot=10 * S, bad_slot=BadSlot(rule=SlotRule.DOWN_WHOLE), after=1, until=2)
    assert seen(series=(samples("..xx.xxx..x"),), rule=slow, end=110) == [(0, 50, UP), (50, 80, DOWN), (80, 110, UP)], (
        "after counts slots"
    )


def test_part_of_the_packets_of_a_sample_lost_is_no_failure() -> None:
    assert seen(series=(samples("x-xx-xxx--"),)) == [(0, 50, UP), (50, 80, DOWN), (80, 100, UP)]


def test_an_undecided_row_at_the_end_of_a_series_was_up() -> None:
    assert seen(series=(samples("....xx"),)) == [(0, 60, UP), (60, 100, UNKNOWN)]
    assert seen(series=(samples("xxx.."),), rule=OutageRule(until=3)) == [(0, 50, DOWN), (50, 100, UNKNOWN)]


def test_series_that_touch_are_one_and_time_between_breaks_a_row() -> None:
    assert seen(series=(samples("..xx"), samples("xx.", start=40))) == [
        (0, 20, UP),
        (20, 60, DOWN),
        (60, 70, UP),
        (70, 100, UNKNOWN),
    ]
    assert seen(series=(samples("xx.", start=50), samples("..xx"))) == [
        (0, 40, UP),
        (40, 50, UNKNOWN),
        (50, 80, UP),
        (80, 100, UNKNOWN),
    ]
    assert seen(series=(samples("xxx", start=60), samples(".."))) == [
        (0, 20, UP),
        (20, 60, UNKNOWN),
        (60, 90, DOWN),
        (90, 100, UNKNOWN),
    ]
    assert seen(series=(samples("xxx"), samples("xx.", start=50))) == [
        (0, 30, DOWN),
        (30, 50, UNKNOWN),
        (50, 70, DOWN),
        (70, 80, UP),
        (80, 100, UNKNOWN),
    ], "the state is kept, as it is of what is measured"


def test_series_do_not_judge_each_others_time() -> None:
    assert seen(series=(samples("....."), samples("xxxxx", start=30))) == [
        (0, 50, UP),
        (50, 80, DOWN),
        (80, 100, UNKNOWN),
    ]
    assert seen(series=(samples("......"), samples("xx", start=30))) == [(0, 60, UP), (60, 100, UNKNOWN)]
    assert seen(series=(samples("xxx...."), samples("x.x", start=20))) == [
        (0, 30, DOWN),
        (30, 70, UP),
        (70, 100, UNKNOWN),
    ]
    assert seen(series=(samples("..."), samples("...", start=25))) == [
        (0, 30, UP),
        (30, 35, UNKNOWN),
        (35, 55, UP),
        (55, 100, UNKNOWN),
    ]


def test_series_without_samples_measure_nothing() -> None:
    assert seen(series=(samples(""),)) == [(0, 100, UNKNOWN)]
    assert stated.by_samples([], PLAIN).pieces == ()


def test_slots_with_loss_of_samples() -> None:
    half = OutageRule(slot=20 * S, bad_slot=BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 2)))
    series_ = (samples("..-xx-x---"),)
    assert seen(series=series_, rule=half) == [(0, 20, UP), (20, 80, DOWN), (80, 100, UP)]
    facts = Facts(samples={"link": series_})
    assert stated.bad_slots(facts, "link", half, origin=0) == ((20 * S, 80 * S),)
    assert stated.bad_slots(facts, "link", half, origin=10 * S) == ((30 * S, 70 * S),)
    found = observe(facts, "link", as_of=100 * S, rule=half)
    assert found.bad == ((20 * S, 80 * S),)
    assert observe(facts, "link", as_of=100 * S).bad == ()


# -- vantage points ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("needed", "expected"),
    [
        (1, [(0, 10, UP), (10, 60, DOWN), (60, 100, UP)]),
        (2, [(0, 20, UP), (20, 50, DOWN), (50, 100, UP)]),
        (3, [(0, 30, UP), (30, 40, DOWN), (40, 100, UP)]),
        (9, [(0, 30, UP), (30, 40, DOWN), (40, 100, UP)]),
    ],
)
def test_so_many_vantage_points_must_see_it(needed: int, expected: list[tuple[int, int, State]]) -> None:
    spans = [span(10, 40, vantage="a"), span(20, 50, vantage="b"), span(30, 60, vantage="c")]
    assert seen(*spans, rule=OutageRule(vantages=needed)) == expected


def test_one_who_saw_nothing_leaves_it_open_only_where_it_decides() -> None:
    spans = [span(10, 50, vantage="a"), span(20, 60, UNKNOWN, vantage="b"), span(0, 100, vantage="nobody else")]
    two = OutageRule(vantages=3)
    assert seen(*spans, rule=two) == [(0, 20, UP), (20, 50, UNKNOWN), (50, 100, UP)]
    ours = [span(10, 50, vantage="a"), span(20, 60, OURS, vantage="b")]
    assert seen(*ours, rule=OutageRule(vantages=2)) == [(0, 20, UP), (20, 50, OURS), (50, 100, UP)]
    assert seen(*ours, rule=OutageRule(vantages=1)) == [(0, 10, UP), (10, 50, DOWN), (50, 60, OURS), (60, 100, UP)]
    worse = [span(10, 50, vantage="a"), span(20, 60, DEGRADED, vantage="b")]
    assert seen(*worse, rule=OutageRule(vantages=2)) == [(0, 20, UP), (20, 50, DEGRADED), (50, 100, UP)]


def test_what_names_no_vantage_point_is_of_all_of_them() -> None:
    spans = [span(0, 10), span(20, 40, vantage="a"), span(20, 30, vantage="b")]
    assert seen(*spans, rule=OutageRule(vantages=2)) == [(0, 10, DOWN), (10, 20, UP), (20, 30, DOWN), (30, 100, UP)]


def test_each_vantage_point_has_samples_of_its_own() -> None:
    rows = (samples("..xxxx..", vantage="a"), samples("...xxx..", vantage="b"))
    assert seen(series=rows, rule=OutageRule(vantages=2)) == [
        (0, 30, UP),
        (30, 60, DOWN),
        (60, 80, UP),
        (80, 100, UNKNOWN),
    ]
    facts = Facts(samples={"link": rows})
    terms = contract(
        objectives=[latency("mean", 10), latency("max", name="of-a", over="a")], outage=OutageRule(vantages=2)
    )
    found = evaluate(terms, facts, period(0, 80), 80 * S)
    assert [[line.value, line.worst] for line in found.objectives] == [[20 * MS, "link/b"], [20 * MS, None]]


states = st.lists(st.sampled_from(list(State)), min_size=6, max_size=6)


@given(st.lists(states, min_size=1, max_size=4), st.integers(1, 4))
def test_votes_agree_with_counting(rows: list[list[State]], needed: int) -> None:
    timelines = [Timeline.of((i, i + 1, state) for i, state in enumerate(row)) for row in rows]
    needed = min(needed, len(rows))
    expected = rows[0] if len(rows) == 1 else [brute.vote(each, needed) for each in zip(*rows, strict=True)]
    assert stated.agreed(timelines, needed) == Timeline.of((i, i + 1, state) for i, state in enumerate(expected))


# -- weights -------------------------------------------------------------------------------------------------------------------


def weights(
    *spans: DeclaredSpan, n: int | None = 100, services: tuple[str, ...] = ("link",)
) -> list[tuple[int, int, Fraction | int]]:
    facts = Facts(declared={"link": spans, "": (span(90, 95, affected=10),), "other": (span(0, 100, affected=100),)})
    rule = OutageRule(weigh_by=n)
    return [(p.start // S, p.end // S, p.value) for p in stated.weights(facts, services, rule, 0, 100 * S).pieces]


def test_an_outage_weighs_affected_of_so_many() -> None:
    assert weights(n=None) == [(0, 100, 1)]
    found = weights(span(10, 20, affected=25), span(30, 40), span(50, 60, UNKNOWN, affected=5))
    assert found == [(0, 10, 1), (10, 20, Fraction(1, 4)), (20, 90, 1), (90, 95, Fraction(1, 10)), (95, 100, 1)]


def test_those_affected_by_outages_at_once_add_up_to_all_at_most() -> None:
    found = weights(span(10, 30, affected=60), span(20, 40, affected=70), span(25, 120, affected=0))
    assert found == [
        (0, 10, 1),
        (10, 20, Fraction(3, 5)),
        (20, 30, 1),
        (30, 40, Fraction(7, 10)),
        (40, 90, 0),
        (90, 95, Fraction(1, 10)),
        (95, 100, 0),
    ]
    assert weights(services=()) == [(0, 90, 1), (90, 95, Fraction(1, 10)), (95, 100, 1)]


def test_weights_make_downtime() -> None:
    terms = contract(outage=OutageRule(weigh_by=200, weigh_noun="users"))
    facts = Facts(declared={"link": (span(100, 200, affected=50), span(300, 310))})
    found = evaluate(terms, facts, period(0, 1000), 1000 * S)
    assert found.downtime == (Fraction(50, 200) * 100 + 10) * S
    assert found.availability == 1 - Fraction(35, 1000)
    assert [line.charged for line in found.outages] == [25 * S, 10 * S]
    assert found.time["provider_down"] == 110 * S


# -- services ------------------------------------------------------------------------------------------------------------------


def test_services_stated_by_hand_together() -> None:
    facts = Facts(declared={"a": (span(10, 30),), "b": (span(20, 40),)})
    both, either = (observe(facts, Group(of=("a", "b"), need=need), as_of=100 * S) for need in (1, 2))
    assert both.outages == ((20 * S, 30 * S),)
    assert either.outages == ((10 * S, 40 * S),)
    assert observe(facts, "c", as_of=100 * S).outages == ()


def test_a_measured_service_is_never_stated() -> None:
    facts = observed(series(shots("..xxx...")), declared={"": (span(0, 100),)})
    assert observe(facts, "link", as_of=1000 * S).outages == ((20 * S, 50 * S),)
    assert observe(facts, "elsewhere", as_of=1000 * S).outages == ((0, 100 * S),)
