"""What of the down time is an outage: bridged gaps, the contract's clock, least length, and to which period it belongs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slamon.model import S
from slamon.sla.facts import Facts, State, Ticket
from slamon.sla.outages import bridged, clocked, indivisible, matching, qualifies_everything, ruled
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms.measures import Side
from slamon.sla.terms.outages import BadSlot, BelongsTo, Clock, OutageRule, SlotRule
from slamon.sla.timeline import Timeline
from tests.sla.build import contract, declared, exclusion, observed, period, series, shots

UP, DOWN, OURS, UNKNOWN, DEGRADED = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN, State.DEGRADED


def judged(facts: Facts, rule: OutageRule, start: int = 0, end: int = 1000, as_of: int | None = None) -> Statement:
    return evaluate(contract(outage=rule), facts, period(start, end), (end if as_of is None else as_of) * S)


def spans(found: Statement) -> list[tuple[int, int | None]]:
    return [(o.start // S, None if o.end is None else o.end // S) for o in found.outages]


# -- length --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "down"),
    [
        (None, [(100, 129), (200, 230), (300, 331)]),
        (Side.AT_LEAST, [(200, 230), (300, 331)]),
        (Side.OVER, [(300, 331)]),
    ],
)
def test_shorter_outages_do_not_count(side: Side | None, down: list[tuple[int, int]]) -> None:
    facts = declared((100, 129, DOWN), (200, 230, DOWN), (300, 331, DOWN))
    found = judged(facts, OutageRule(side=side, length=30 * S))
    assert spans(found) == down
    assert found.downtime == sum(b - a for a, b in down) * S
    assert found.time["up"] == 1000 * S - found.downtime
    assert found.clocks["measured"] == 90 * S, "gross time is of all of them"


def test_the_length_is_of_the_whole_outage_before_clipping_and_exclusions() -> None:
    facts = declared((80, 110, DOWN), (300, 330, DOWN), (990, 1020, DOWN), exclusions=[exclusion(305, 330)])
    found = judged(facts, OutageRule(side=Side.AT_LEAST, length=30 * S), 100, 1000, as_of=1020)
    assert spans(found) == [(100, 110), (300, 330), (990, 1000)]
    assert [line.began for line in found.outages] == [80 * S, None, None]
    assert found.downtime == (10 + 5 + 10) * S


def test_flaps_below_the_least_length_never_add_up() -> None:
    flaps = declared(*((at, at + 20, DOWN) for at in range(100, 500, 25)))
    assert judged(flaps, OutageRule(side=Side.AT_LEAST, length=21 * S)).downtime == 0
    assert judged(flaps, OutageRule(side=Side.AT_LEAST, length=21 * S, merge_within=6 * S)).downtime == 395 * S


# -- bridged gaps --------------------------------------------------------------------------------------------------------------


def test_up_gaps_shorter_than_the_rule_are_bridged_and_count() -> None:
    facts = declared((100, 110, DOWN), (139, 150, DOWN), (180, 190, DOWN))
    assert spans(judged(facts, OutageRule(merge_within=30 * S))) == [(100, 150), (180, 190)], (
        "29 s are bridged, 30 are not"
    )
    found = judged(facts, OutageRule(merge_within=30 * S))
    assert found.downtime == 60 * S
    assert found.clocks["measured"] == 31 * S


def test_unmeasured_time_is_never_bridged() -> None:
    def down(*states: State) -> tuple[tuple[int, int], ...]:
        pieces = [(0, 10, DOWN), *((10 + i, 11 + i, state) for i, state in enumerate(states))]
        pieces.append((10 + len(states), 20, DOWN))
        return bridged(Timeline.of(pieces), 5)

    assert down(UP, DEGRADED) == ((0, 20),)
    assert down(UP, DEGRADED, UP, UP) == ((0, 20),)
    assert down(UP, UP, UP, UP, UP) == ((0, 10), (15, 20))
    for blind in (UNKNOWN, OURS):
        assert down(blind) == ((0, 10), (11, 20))
        assert down(UP, blind, UP) == ((0, 10), (13, 20))
    assert bridged(Timeline.of([(0, 3, UP), (3, 5, DOWN), (5, 9, UP)]), 100) == ((3, 5),)


def test_unknown_time_next_to_a_bridge_stays_unknown() -> None:
    facts = declared((100, 110, DOWN), (115, 120, DOWN), (120, 130, UNKNOWN), (130, 140, DOWN))
    found = judged(facts, OutageRule(merge_within=30 * S))
    assert spans(found) == [(100, 120), (130, 140)]
    assert [found.downtime, found.time["unknown"]] == [30 * S, 10 * S]


# -- the clock -----------------------------------------------------------------------------------------------------------------

M, T, LATER, SOONER = Clock.MEASURED, Clock.TICKET, Clock.LATER, Clock.SOONER
OUTAGE = (100, 200)


@pytest.mark.parametrize(
    ("starts", "ends", "ticket", "expected"),
    [
        (M, M, (120, 250), (100, 200)),
        (T, T, (120, 250), (120, 250)),
        (T, M, (120, 250), (120, 200)),
        (M, T, (120, 250), (100, 250)),
        (LATER, SOONER, (120, 250), (120, 200)),
        (LATER, SOONER, (80, 150), (100, 150)),
        (LATER, T, (80, 150), (100, 150)),
        (T, SOONER, (80, 150), (80, 150)),
        (T, SOONER, (80, 250), (80, 200)),
        (M, SOONER, (80, 150), (100, 150)),
        (LATER, M, (150, 170), (150, 200)),
        (M, SOONER, None, (100, 200)),
        (M, T, None, None),
        (T, M, None, None),
        (LATER, M, None, None),
        (LATER, SOONER, None, None),
    ],
)
def test_an_outage_runs_by_the_contracts_clock(
    starts: Clock, ends: Clock, ticket: tuple[int, int] | None, expected: tuple[int, int] | None
) -> None:
    rule = OutageRule(starts=starts, ends=ends)
    assert clocked((OUTAGE,), () if ticket is None else (ticket,), rule) == (() if expected is None else (expected,))
    tickets = () if ticket is None else (Ticket(ticket[0] * S, ticket[1] * S),)
    found = judged(declared((*OUTAGE, DOWN), tickets=tickets), rule)
    assert spans(found) == ([] if expected is None else [expected])
    assert found.downtime == (0 if expected is None else (expected[1] - expected[0]) * S)
    assert found.clocks == {"measured": 100 * S, "ticket": 0 if ticket is None else (ticket[1] - ticket[0]) * S}


def test_a_ticket_is_matched_to_the_outage_it_overlaps() -> None:
    rule = OutageRule(starts=T, ends=T)
    assert clocked(((100, 200),), ((50, 100), (200, 300)), rule) == (), "they only touch it"
    assert clocked(((100, 200),), ((150, 160), (90, 120)), OutageRule(starts=T, ends=M)) == ((150, 200),)
    several = declared(
        (100, 200, DOWN), tickets=(Ticket(150 * S, 160 * S), Ticket(110 * S, 130 * S), Ticket(900 * S, 950 * S))
    )
    assert spans(judged(several, rule)) == [(110, 160)], "from the first opened to the last closed"
    assert judged(several, rule).clocks["ticket"] == 30 * S, "the one of no outage is no outage time"


def test_one_ticket_for_two_outages_makes_them_one() -> None:
    facts = declared((100, 110, DOWN), (150, 160, DOWN), tickets=(Ticket(105 * S, 170 * S),))
    assert spans(judged(facts, OutageRule(starts=T, ends=T))) == [(105, 170)]
    assert spans(judged(facts, OutageRule(starts=LATER, ends=SOONER))) == [(105, 110), (150, 160)]


def test_the_least_length_is_by_the_contracts_clock() -> None:
    facts = declared((100, 200, DOWN), tickets=(Ticket(150 * S, 400 * S),))
    for starts, ends, found in ((T, M, []), (T, T, [(150, 400)]), (M, M, [(100, 200)])):
        assert spans(judged(facts, OutageRule(starts=starts, ends=ends, side=Side.OVER, length=60 * S))) == found


def test_a_ticket_not_closed_yet_goes_on_until_now_and_one_of_the_future_is_not_known() -> None:
    facts = declared((100, 200, DOWN), tickets=(Ticket(120 * S),))
    rule = OutageRule(starts=T, ends=T)
    assert spans(judged(facts, rule, as_of=500)) == [(120, None)]
    closed_later = replace(facts, tickets=(Ticket(120 * S, 800 * S),))
    assert judged(closed_later, rule, as_of=500) == judged(facts, rule, as_of=500)
    assert spans(judged(closed_later, rule)) == [(120, 800)]
    early = judged(facts, rule, as_of=120)
    assert (spans(early), early.clocks["ticket"]) == ([], 0)
    empty = replace(facts, tickets=(Ticket(150 * S, 150 * S),))
    assert spans(judged(empty, rule)) == []


def test_by_the_ticket_clock_what_nobody_saw_stays_unknown_and_our_own_fault_ours() -> None:
    facts = declared(
        (100, 200, DOWN),
        (200, 210, UNKNOWN),
        (210, 220, OURS),
        (220, 230, DEGRADED),
        tickets=(Ticket(100 * S, 300 * S),),
    )
    found = judged(facts, OutageRule(starts=T, ends=T))
    assert spans(found) == [(100, 200), (220, 300)]
    assert [found.downtime, found.time["unknown"], found.time["local_fault"]] == [180 * S, 10 * S, 10 * S]


def test_stop_clock_time_is_subtracted_only_inside_the_outage() -> None:
    facts = declared(
        (100, 200, DOWN),
        tickets=(Ticket(110 * S, 260 * S),),
        exclusions=[exclusion(150, 180, "customer"), exclusion(250, 400, "customer")],
    )
    found = judged(facts, OutageRule(starts=T, ends=T))
    assert found.downtime == (150 - 30 - 10) * S
    assert found.outages[0].by_cause == {"provider_down": 110 * S, "customer": 40 * S}


# -- whose period --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "counted"),
    [(BelongsTo.START, {0: [True, True], 1: [False, True]}), (BelongsTo.END, {0: [True, False], 1: [True, True]})],
)
def test_a_straddling_outage_is_split_and_counted_once(to: BelongsTo, counted: dict[int, list[bool]]) -> None:
    facts = declared((100, 110, DOWN), (990, 1010, DOWN), (1990, 2000, DOWN))
    for n in (0, 1):
        found = judged(facts, OutageRule(belongs_to=to), n * 1000, n * 1000 + 1000, as_of=2000)
        assert [line.counted for line in found.outages] == counted[n]
        assert found.downtime == 20 * S
        assert [line.charged for line in found.outages] == [10 * S, 20 * S][:: 1 if n == 0 else -1]


def test_an_outage_that_goes_on_has_not_ended_in_the_period() -> None:
    facts = declared((990, 1010, DOWN))
    for to, counted in ((BelongsTo.START, True), (BelongsTo.END, False)):
        assert [line.counted for line in judged(facts, OutageRule(belongs_to=to), as_of=995).outages] == [counted]
        assert [line.counted for line in judged(facts, OutageRule(belongs_to=to), as_of=1005).outages] == [counted]
    assert [
        line.counted for line in judged(declared((990, 1000, DOWN)), OutageRule(belongs_to=BelongsTo.END)).outages
    ] == [True]


def test_an_outage_of_which_nothing_counts_is_not_counted() -> None:
    facts = declared((100, 200, DOWN), exclusions=[exclusion(50, 250)])
    (line,) = judged(facts, OutageRule()).outages
    assert [line.counted, line.charged, line.by_cause] == [False, 0, {"maintenance": 100 * S}]


# -- slots of an observed service ----------------------------------------------------------------------------------------------


def test_slots_of_an_observed_service() -> None:
    minute = OutageRule(slot=60 * S, bad_slot=BadSlot(rule=SlotRule.DOWN, side=Side.AT_LEAST, threshold=30 * S))  # type: ignore[arg-type]
    facts = observed(series(shots("." * 8 + "xxx" + "." * 5 + "xxx" + "." * 7)))
    ruling = ruled(contract(outage=minute), facts, "link", as_of=10_000 * S, origin=0)
    assert ruling.seen.outages == ((60 * S, 120 * S),), "of 30 s down in one slot; the other is spread over two"
    assert ruling.seen.bad == ((60 * S, 120 * S),)
    assert ruling.measured == ruling.seen.outages
    assert ruling.settled == 240 * S, "the last slot is not over"
    shifted = ruled(contract(outage=minute), facts, "link", as_of=10_000 * S, origin=80 * S)
    assert shifted.seen.outages == ((80 * S, 200 * S),)
    two = replace(minute, after=2)
    assert ruled(contract(outage=two), facts, "link", as_of=10_000 * S, origin=80 * S).seen.outages == (
        (80 * S, 200 * S),
    )
    assert ruled(contract(outage=two), facts, "link", as_of=10_000 * S, origin=0).seen.outages == ()
    nothing = ruled(contract(outage=minute), Facts(), "link", as_of=77, origin=0)
    assert (nothing.settled, nothing.measured, nothing.seen.timeline.pieces) == (77, (), ())
    rule = replace(minute, side=Side.OVER, length=1)
    assert ruled(contract(outage=rule), Facts(), "link", as_of=77, origin=0).seen.timeline.pieces == ()


def test_our_own_fault_stays_ours_unless_its_slot_is_down_as_a_whole() -> None:
    minute = OutageRule(slot=60 * S, bad_slot=BadSlot(rule=SlotRule.DOWN, side=Side.AT_LEAST, threshold=30 * S))  # type: ignore[arg-type]
    facts = declared((10, 50, DOWN), (50, 60, OURS), (60, 70, OURS), (70, 80, DOWN))
    found = judged(facts, minute, end=120)
    assert {name: ns // S for name, ns in found.time.items() if ns} == {
        "provider_down": 60,
        "local_fault": 10,
        "up": 50,
    }


# -- what must not be cut ------------------------------------------------------------------------------------------------------


def test_what_decides_about_an_outage_is_indivisible() -> None:
    def groups(rule: OutageRule, *tickets: Ticket, as_of: int = 1000) -> list[tuple[int, int]]:
        facts = declared((100, 110, DOWN), (130, 140, DOWN), (980, 990, DOWN), tickets=tickets)
        ruling = ruled(contract(outage=rule), facts, "link", as_of=as_of * S, origin=0)
        return [(a // S, b // S) for a, b in indivisible(ruling, rule)]

    assert groups(OutageRule()) == [(100, 110), (130, 140), (980, 990)]
    assert groups(OutageRule(merge_within=30 * S))[0] == (100, 140)
    assert groups(OutageRule(merge_within=30 * S))[1] == (980, 1000), "something may still come within the gap"
    assert groups(OutageRule(merge_within=10 * S)) == [(100, 110), (130, 140), (980, 990)]
    assert groups(OutageRule(), Ticket(105 * S, 135 * S)) == [(100, 140), (980, 990)]
    assert groups(OutageRule(), as_of=985) == [(100, 110), (130, 140), (980, 985)]
    assert groups(OutageRule(), as_of=50) == []
    assert groups(OutageRule(merge_within=30 * S, side=Side.OVER, length=200 * S))[0] == (100, 140), "though it is none"
    facts = declared((100, 110, DOWN))
    ruling = ruled(contract(), facts, "link", as_of=105 * S, origin=0)
    assert indivisible(ruling, OutageRule()) == ((100 * S, 105 * S + 1),), "one still open has no end in sight"


def test_a_rule_that_lets_every_stretch_count() -> None:
    assert qualifies_everything(OutageRule(after=2, slot=5, degraded_counts=0, vantages=3))  # type: ignore[arg-type]
    for rule in (OutageRule(side=Side.OVER), OutageRule(merge_within=1), OutageRule(starts=T), OutageRule(ends=SOONER)):
        assert not qualifies_everything(rule)


def test_tickets_that_overlap() -> None:
    tickets = (Ticket(5, 10), Ticket(5), Ticket(19, 25), Ticket(20, 30), Ticket(30))
    assert matching((10, 20), tickets) == (Ticket(5), Ticket(19, 25))
