"""Slots: which are bad, aligned to where the period begins, and the outages consecutive bad ones make."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import MEANING, Packet, Result, S
from slamon.record.rows import Run
from slamon.sla import slots
from slamon.sla.detection import sends
from slamon.sla.facts import Sample, SampleSeries, SeriesFacts, State
from slamon.sla.slots import Grid, by_downtime, consecutive, grid_of, judged_by_loss, observed, sampled
from slamon.sla.statement import evaluate
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Objective, Total
from slamon.sla.terms.outages import BadSlot, OutageRule, SlotRule
from slamon.sla.timeline import Timeline
from tests.sla import brute
from tests.sla.build import HERE, availability, contract, declared, exclusion, percent, period, series, shots

UP, DOWN, OURS, UNKNOWN, DEGRADED = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN, State.DEGRADED
HALF = BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 2))
WHOLE = BadSlot(rule=SlotRule.DOWN_WHOLE)


def stated(text: str, *, every: int = 10, start: int = 0, sent: int = 4) -> SampleSeries:
    """`0 0 100*2` → percent lost, one sample each."""
    values = [
        Fraction(value) / 100
        for word in text.split()
        for value, _, n in [word.partition("*")]
        for _ in range(int(n or 1))
    ]
    samples = tuple(Sample((start + i * every) * S, sent, lost, None) for i, lost in enumerate(values))
    return SampleSeries(start=start * S, every=every * S, samples=samples)


def pieces(timeline: Timeline[State]) -> list[tuple[int, int, State]]:
    return [(p.start // S, p.end // S, p.value) for p in timeline.pieces]


def test_slots_begin_where_the_period_does() -> None:
    grid = Grid(origin=7, length=10)
    assert [grid.floor(at) for at in (-4, -3, 6, 7, 16, 17)] == [-13, -3, -3, 7, 7, 17]
    assert grid.split(((0, 8), (17, 40))) == ((0, 7), (7, 8), (17, 27), (27, 37), (37, 40))
    assert grid.split(()) == ()
    assert grid_of(OutageRule(), 7) is None
    assert grid_of(OutageRule(slot=10, bad_slot=WHOLE), 7) == grid


def test_only_a_rule_about_loss_judges_packets() -> None:
    assert judged_by_loss(OutageRule(slot=10, bad_slot=HALF))
    assert not judged_by_loss(OutageRule(slot=10, bad_slot=WHOLE))
    assert not judged_by_loss(OutageRule())


H01 = "0*2 100*2 0 100*4 0*2 100 0*5 100*2 0"
"""MEF 10.3: twenty slots of 10 s; slot 4 and 5 are bad too short, 6 to 9 bad, 10 and 11 good too short, from 13 on good again."""


@pytest.mark.parametrize(
    ("after", "until", "outages", "value", "bad", "runs"),
    [
        (3, 3, [(50, 120)], Fraction(13, 20), 4, 2),
        (1, 1, [(20, 40), (50, 90), (110, 120), (170, 190)], Fraction(11, 20), 0, 0),
        (4, 6, [(50, 200)], Fraction(5, 20), 2, 1),
        (5, 1, [], Fraction(1), 9, 3),
    ],
)
def test_consecutive_bad_slots_make_an_outage(
    after: int, until: int, outages: list[tuple[int, int]], value: Fraction, bad: int, runs: int
) -> None:
    terms = contract(
        outage=OutageRule(slot=10 * S, bad_slot=HALF, after=after, until=until),
        objectives=[
            availability("99.9", total=Total.NET),
            Objective(name="bad", measure=Measure.BAD_SLOTS, clause=HERE),
            Objective(name="runs", measure=Measure.RUNS, clause=HERE, subject=Subject(measure=Measure.RUNS, run=2)),
        ],
    )
    facts = declared(samples={"link": (stated(H01),)})
    found = evaluate(terms, facts, period(0, 200), 200 * S)
    assert [(o.start // S, (o.end or 0) // S) for o in found.outages] == outages
    assert found.availability == value
    assert [line.value for line in found.objectives] == [value, bad, runs]


def test_a_bad_slot_inside_an_exclusion_does_not_count() -> None:
    terms = contract(
        outage=OutageRule(slot=10 * S, bad_slot=HALF, after=3, until=3), objectives=[availability(total=Total.NET)]
    )
    facts = declared(samples={"link": (stated(H01),)}, exclusions=[exclusion(110, 120), exclusion(25, 26)])
    found = evaluate(terms, facts, period(0, 200), 200 * S)
    assert found.availability == Fraction(189 - 60, 189)
    assert found.bad_slots == ((30 * S, 40 * S), (170 * S, 180 * S), (180 * S, 190 * S)), (
        "one is only partly in available time"
    )


def test_the_loss_of_a_slot_is_pooled_over_its_packets() -> None:
    grid = Grid(origin=0, length=20 * S)
    mixed = SampleSeries(
        start=0, every=10 * S, samples=(Sample(0, 1, Fraction(1), None), Sample(10 * S, 3, Fraction(1, 3), None))
    )
    assert pieces(sampled([mixed], grid, HALF)) == [(0, 20, UP)], "2 of 4 is not over one half"
    more = SampleSeries(
        start=0, every=10 * S, samples=(Sample(0, 1, Fraction(1), None), Sample(10 * S, 3, Fraction(2, 3), None))
    )
    assert pieces(sampled([more], grid, HALF)) == [(0, 20, DOWN)]
    at_least = BadSlot(rule=SlotRule.LOSS, side=Side.AT_LEAST, threshold=Fraction(1, 2))
    assert pieces(sampled([mixed], grid, at_least)) == [(0, 20, DOWN)]
    silent = SampleSeries(start=0, every=10 * S, samples=(Sample(0, 0, Fraction(1), None),))
    assert pieces(sampled([silent], grid, HALF)) == [(0, 20, UP)]


def test_a_slot_without_samples_is_unknown_and_good_ones_stay_apart() -> None:
    grid = Grid(origin=0, length=10 * S)
    found = sampled([stated("0 0 100"), stated("100", start=50)], grid, HALF)
    assert pieces(found) == [(0, 10, UP), (10, 20, UP), (20, 30, DOWN), (30, 50, UNKNOWN), (50, 60, DOWN)]
    assert sampled([], grid, HALF).pieces == ()


def test_unknown_slots_break_a_row_and_keep_the_state() -> None:
    rule = OutageRule(slot=10 * S, bad_slot=HALF, after=2, until=2)
    grid = Grid(origin=0, length=10 * S)

    def judged(text: str, later: str, gap: int = 10) -> list[tuple[int, int, State]]:
        first = stated(text)
        second = stated(later, start=first.end // S + gap)
        found = consecutive(sampled([first, second], grid, HALF), rule, initial=UP, final=True)
        assert found.settled == second.end
        return pieces(found.timeline)

    assert judged("0 100", "100 0") == [(0, 20, UP), (20, 30, UNKNOWN), (30, 50, UP)]
    assert judged("100*2", "100 0") == [(0, 20, DOWN), (20, 30, UNKNOWN), (30, 50, DOWN)]
    assert judged("100*2 0", "0 100") == [(0, 30, DOWN), (30, 40, UNKNOWN), (40, 60, DOWN)]
    assert judged("100*2", "0 0") == [(0, 20, DOWN), (20, 30, UNKNOWN), (30, 50, UP)]


def test_what_the_last_slots_do_not_decide_is_settled_only_when_nothing_follows() -> None:
    rule = OutageRule(slot=10 * S, bad_slot=HALF, after=3)
    row = sampled([stated("0 0 100 100")], Grid(origin=0, length=10 * S), HALF)
    open_end = consecutive(row, rule, initial=UP)
    assert (open_end.settled, pieces(open_end.timeline)) == (20 * S, [(0, 20, UP)])
    final = consecutive(row, rule, initial=UP, final=True)
    assert (final.settled, pieces(final.timeline)) == (40 * S, [(0, 40, UP)])
    nothing = consecutive(Timeline(), rule, initial=UP)
    assert (nothing.settled, nothing.timeline.pieces) == (0, ())


def test_slots_of_runs_count_packets_that_were_lost_or_came_back() -> None:
    grid = Grid(origin=5 * S, length=30 * S)
    # sent at 0, 10, 20 …: slots [-25, 5) [5, 35) [35, 65) [65, 95); refused by our own host says nothing
    facts = series(shots("xx.x?xx.."), through=200)
    assert pieces(observed(facts, (), grid, HALF)) == [(-25, 5, DOWN), (5, 35, DOWN), (35, 65, DOWN)]
    hidden = observed(facts, ((38 * S, 61 * S),), grid, HALF)
    assert pieces(hidden) == [(-25, 5, DOWN), (5, 35, DOWN), (35, 65, UNKNOWN)]
    blind = series(shots("..????...."), through=200)
    assert pieces(observed(blind, (), Grid(origin=0, length=20 * S), HALF)) == [
        (0, 20, UP),
        (20, 40, OURS),
        (40, 60, OURS),
        (60, 80, UP),
    ]


def test_the_slot_that_may_still_grow_is_left_out() -> None:
    grid = Grid(origin=0, length=20 * S)
    assert pieces(observed(series(shots("..xxx")), (), grid, HALF)) == [(0, 20, UP), (20, 40, DOWN)]
    assert pieces(observed(series(shots("..xx..")), (), grid, HALF)) == [(0, 20, UP), (20, 40, DOWN)]
    assert pieces(observed(series(shots("..xx.."), through=39), (), grid, HALF)) == [(0, 20, UP)]
    assert observed(series([], known_from=7), (), grid, HALF).pieces == ()


some_runs = st.lists(
    st.tuples(
        st.sampled_from(
            [Result.SUCCESS, Result.TIMEOUT, Result.BAD_RESPONSE, Result.LOCAL_ERROR, Result.CONNECT_ERROR]
        ),
        st.integers(1, 30),
        st.integers(1, 40),
        st.integers(0, 25),
    ),
    max_size=8,
)
"""Result, samples, nanoseconds between two, nanoseconds to the next run beyond that."""


@given(
    some_runs,
    st.integers(1, 50),
    st.integers(-30, 30),
    st.lists(st.integers(0, 400), max_size=4, unique=True),
    st.data(),
)
def test_slots_of_runs_agree_with_counting_packets(
    drawn: list[tuple[Result, int, int, int]], length: int, origin: int, edges: list[int], data: st.DataObject
) -> None:
    runs, at = [], 0
    for result, samples, every, pause in drawn:
        last = at + (samples - 1) * every
        runs.append(Run(at, last, last + every, samples, result))
        at = last + every + pause
    through = data.draw(st.integers(0, at + 10))
    facts = SeriesFacts(target="link/a", interval=1, timeout=1, known_from=0, through=through, runs=tuple(runs))
    gaps = tuple(zip(*[iter(sorted(edges)[: len(edges) // 2 * 2])] * 2, strict=True))
    grid = Grid(origin=origin, length=length)
    found = observed(facts, gaps, grid, HALF)
    packets: dict[int, list[Packet]] = {}
    for run in runs:
        for sent in sends(run):
            if not any(a <= sent < b for a, b in gaps):
                packets.setdefault(grid.floor(sent), []).append(MEANING[run.result].packet)
    for before, after in zip(found.pieces, found.pieces[1:], strict=False):
        assert before.end == after.start
    for piece in found.pieces:
        assert piece.start == grid.floor(piece.start)
        for slot in range(piece.start, piece.end, length):
            kinds = packets.get(slot, [])
            lost, counted = kinds.count(Packet.LOST), kinds.count(Packet.LOST) + kinds.count(Packet.RECEIVED)
            if counted:
                assert piece.value is (DOWN if 2 * lost > counted else UP)
            else:
                assert piece.value is (OURS if Packet.OURS in kinds else UNKNOWN)
    judged = {slot for piece in found.pieces for slot in range(piece.start, piece.end, length)}
    end = found.end if found.pieces else grid.floor(through)
    assert {slot for slot in packets if slot < end} <= judged
    assert end <= max(through, 0)


def by(bad: BadSlot, *spans: tuple[int, int, State], size: int = 10, origin: int = 0) -> list[tuple[int, int, State]]:
    timeline = Timeline.of((a * S, b * S, state) for a, b, state in spans)
    return pieces(by_downtime(timeline, Grid(origin=origin * S, length=size * S), bad))


def down(side: Side, seconds: int) -> BadSlot:
    return BadSlot(rule=SlotRule.DOWN, side=side, threshold=Fraction(seconds * S))


def test_a_slot_is_bad_by_how_long_it_was_down() -> None:
    world = [
        (0, 5, UP),
        (5, 10, DOWN),
        (10, 14, UP),
        (14, 20, DOWN),
        (20, 30, DOWN),
        (30, 31, DEGRADED),
        (31, 40, DOWN),
    ]
    assert by(WHOLE, *world) == [(0, 10, UP), (10, 20, UP), (20, 30, DOWN), (30, 40, UP)]
    assert by(down(Side.AT_LEAST, 5), *world) == [(0, 10, DOWN), (10, 20, DOWN), (20, 30, DOWN), (30, 40, DOWN)]
    assert by(down(Side.OVER, 5), *world) == [(0, 10, UP), (10, 20, DOWN), (20, 30, DOWN), (30, 40, DOWN)]
    assert by(down(Side.OVER, 9), *world) == [(0, 10, UP), (10, 20, UP), (20, 30, DOWN), (30, 40, UP)]
    assert by(WHOLE, (0, 12, UP), (12, 32, DOWN), (32, 45, UP), origin=2) == [
        (-8, 2, UP),
        (2, 12, UP),
        (12, 32, DOWN),
        (32, 42, UP),
    ]


def test_unmeasured_time_decides_a_slot_only_where_it_could() -> None:
    for blind in (UNKNOWN, OURS):
        world = [
            (0, 4, DOWN),
            (4, 6, blind),
            (6, 10, UP),
            (10, 14, DOWN),
            (14, 20, blind),
            (20, 40, blind),
            (40, 45, UP),
            (45, 50, blind),
        ]
        assert by(WHOLE, *world) == [(0, 10, UP), (10, 20, UNKNOWN), (20, 40, UNKNOWN), (40, 50, UP)]
        assert by(down(Side.AT_LEAST, 4), *world)[0] == (0, 10, DOWN)
        assert by(down(Side.OVER, 5), *world)[0] == (0, 10, UNKNOWN)
        assert by(down(Side.OVER, 6), *world)[0] == (0, 10, UP)
        assert by(down(Side.OVER, 5), *world)[3] == (40, 50, UP)


def test_an_incomplete_slot_at_the_end_is_left_out() -> None:
    assert by(WHOLE, (0, 20, UP), (20, 29, DOWN)) == [(0, 20, UP)]
    assert by(WHOLE, (0, 9, DOWN)) == []
    assert slots.by_downtime(Timeline(), Grid(origin=0, length=10), WHOLE).pieces == ()


states = st.lists(st.sampled_from([UP, UP, DOWN, DOWN, OURS, UNKNOWN, DEGRADED]), min_size=1, max_size=60)


@given(
    states,
    st.integers(1, 12),
    st.integers(-20, 20),
    st.sampled_from([SlotRule.DOWN, SlotRule.DOWN_WHOLE]),
    st.sampled_from([Side.OVER, Side.AT_LEAST]),
    st.integers(1, 12),
)
def test_slots_agree_with_counting_seconds(
    labels: list[State], size: int, origin: int, rule: SlotRule, side: Side, threshold: int
) -> None:
    bad = BadSlot(rule=rule, side=side, threshold=Fraction(threshold * S))
    outage = OutageRule(slot=size * S, bad_slot=bad)
    timeline = Timeline.of((i * S, (i + 1) * S, state) for i, state in enumerate(labels))
    judged = by_downtime(timeline, Grid(origin=origin * S, length=size * S), bad)
    expected = brute.slotted(labels, outage, 0, origin)
    first, last = origin % size, len(labels)
    for at in range(first, last - size + 1, size):
        (state,) = {p.value for p in judged.pieces if p.start <= at * S < p.end}
        want = {s for s in expected[at : at + size] if s is not OURS} or {state}
        assert want == {state}


def test_fifteen_minutes_with_a_minute_down_count_whole() -> None:
    """Verizon Metro: unusable for 60 s within a slot of 15 minutes; slots from midnight on."""
    rule = OutageRule(slot=900 * S, bad_slot=down(Side.AT_LEAST, 60))
    facts = declared((870, 959, DOWN), (2000, 2060, DOWN), (3000, 3030, DOWN), (3100, 3130, DOWN))
    terms = contract(outage=rule)
    found = evaluate(terms, facts, period(0, 4500), 4500 * S)
    assert [(o.start // S, (o.end or 0) // S) for o in found.outages] == [(1800, 3600)]
    late = evaluate(terms, facts, period(60, 4560), 4560 * S)
    assert [(o.start // S, (o.end or 0) // S) for o in late.outages] == [(60, 960), (1860, 3660)]
    assert late.availability == percent("40")
