"""Whose fault: the witness both ways, quorums, and that what is settled stays settled."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slamon.model import DAY, S, Slots
from slamon.record.rows import Gap, reach
from slamon.sla.attribution import (
    LAPSE,
    attribute,
    decided,
    detection_of,
    evidence,
    observe,
    service_timeline,
    unnoticed,
)
from slamon.sla.detection import detect, rule_of
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, State
from slamon.sla.terms.composition import Composition, Group
from slamon.sla.terms.outages import BadSlot, OutageRule, SlotRule
from slamon.sla.timeline import Timeline, union
from tests.sla import brute
from tests.sla.build import Shot, observed, series, shots

UP, DOWN, OURS, UNKNOWN = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN
FAR = 80_000
"""Later than everything here, less than the day after which the undecided is given up."""


def pieces(timeline: Timeline[State]) -> list[tuple[int, int, State]]:
    return [(p.start // S, p.end // S, p.value) for p in timeline.pieces]


def watched(target: str, witness: str) -> Facts:
    """A target every 10 s and its witness every 5 s (timeout 3 s), both from second 0."""
    return observed(
        series(shots(target), witness="lan/gw"),
        series(shots(witness, every=5), name="lan/gw", interval=5),
    )


def judged(facts: Facts, as_of: int = FAR) -> list[tuple[int, int, State]]:
    return pieces(observe(facts, "link", as_of=as_of * S).timeline)


def test_an_outage_the_witness_shares_is_our_own_fault() -> None:
    facts = watched("..xxx...", "....xxxxxx" + "." * 6)
    assert judged(facts) == [(0, 20, UP), (20, 50, OURS), (50, 70, UP)]
    seen = observe(facts, "link", as_of=FAR * S)
    assert pieces(seen.detected) == [(0, 20, UP), (20, 50, DOWN), (50, 70, UP)]
    assert seen.outages == ((20 * S, 50 * S),), "an outage is one, whoever made it"


def test_a_silent_witness_covers_one_interval_and_timeout_more_on_both_sides() -> None:
    # The witness is down 35..50 of an outage 20..90: 35 - 8 to 50 + 8 is ours.
    facts = watched("..xxxxxxx..", "......." + "xxx" + "." * 11)
    assert judged(facts) == [(0, 20, UP), (20, 27, DOWN), (27, 58, OURS), (58, 90, DOWN), (90, 100, UP)]


def test_a_silence_that_was_over_before_explains_nothing() -> None:
    facts = watched(".........xxx..", "..xxxx" + "." * 20)
    assert judged(facts) == [(0, 90, UP), (90, 120, DOWN), (120, 130, UP)]


def test_a_silence_that_ends_as_the_outage_begins_or_begins_as_it_ends_explains_nothing() -> None:
    outage = Timeline.of([(0, 20, UP), (20, 30, DOWN), (30, 60, UP)])
    assert attribute(outage, ((10, 20), (30, 40)), 5) == outage
    assert attribute(outage, ((10, 21), (29, 40)), 5).spans((OURS,)) == ((20, 30),)


def test_a_witness_that_never_answered_excuses_nobody() -> None:
    assert judged(watched("..xxx...", "x" * 15)) == [(0, 20, UP), (20, 50, DOWN), (50, 70, UP)]


def test_a_witness_not_measured_yet_excuses_nobody() -> None:
    facts = observed(series(shots("..xxx..."), witness="lan/gw"))
    assert judged(facts) == [(0, 20, UP), (20, 50, DOWN), (50, 70, UP)]


def test_an_answer_before_a_restart_is_no_evidence() -> None:
    # The witness answers, is not looked at for a while, and is silent ever since.
    facts = watched("..  xxx...", ".....   " + "x" * 12)
    assert judged(facts)[-2:] == [(40, 70, DOWN), (70, 90, UP)]


def test_a_witness_is_believed_for_a_day_after_its_last_answer() -> None:
    hour = 3600
    facts = observed(
        series(shots("." + "x" * 48 + "..", every=hour), witness="lan/gw", interval=hour),
        series(shots("." + "x" * 50, every=hour), name="lan/gw", interval=hour),
    )
    believed = hour + 3
    assert judged(facts, 51 * hour) == [
        (0, hour, UP),
        (hour, 24 * hour + believed, OURS),
        (24 * hour + believed, 49 * hour, DOWN),
        (49 * hour, 50 * hour, UP),
    ]


def test_a_witness_silent_for_a_day_before_its_outage_was_decided_is_none() -> None:
    sent = [Shot(0, shots(".")[0].result), *shots("xxx", start=DAY // S + 1)]
    witness = series(sent, name="lan/gw", interval=DAY // S + 1)
    timeline = detect(witness, rule_of(witness), ()).timeline
    assert pieces(timeline) == [(0, DAY // S + 1, UP), (DAY // S + 1, DAY // S + 21, DOWN)]
    assert evidence(witness, timeline) == ()


def test_an_answer_while_a_witness_is_coming_back_from_unknown_time_is_none_of_before() -> None:
    # Too few answers to be up again; slamon stood still in the middle of them.
    sent = shots("...xxx....xxx")
    witness = series(sent, name="lan/gw", up_after=3)
    timeline = detect(witness, rule_of(witness), ((75 * S, 85 * S),)).timeline
    assert pieces(timeline) == [(0, 30, UP), (30, 75, DOWN), (75, 90, UNKNOWN), (90, 120, DOWN)]
    assert evidence(witness, timeline) == ((30 * S, 75 * S),)


def test_settled_waits_for_what_a_witness_may_still_say() -> None:
    # The target is down since 20 and decided to 60; the witness answered at 55: a silence from there reaches back 8 s.
    facts = watched("..xxxxx", "." * 12)
    seen = observe(facts, "link", as_of=FAR * S)
    assert seen.settled == (55 - 8) * S
    assert judged(facts, 100) == [(0, 20, UP), (20, 47, DOWN)]


def test_an_outage_that_ended_when_the_witness_was_last_heard_is_settled() -> None:
    assert observe(watched("..xxx...", "." * 11), "link", as_of=FAR * S).settled == 70 * S
    assert observe(watched("..xxx...", "." * 10), "link", as_of=FAR * S).settled == (45 - 8) * S


def test_an_open_outage_is_not_settled_even_where_the_witness_knows_more() -> None:
    # The outage is decided to 50 and goes on; a silence of the witness after 50 would reach back to 50 - 8.
    seen = observe(watched("..xxxx", "." * 30), "link", as_of=FAR * S)
    assert seen.settled == (50 - 8) * S


def test_an_outage_newer_than_the_witness_is_not_settled_at_all() -> None:
    assert observe(watched("..xxxxx.", "..."), "link", as_of=100 * S).settled == 20 * S
    assert observe(watched("..xxx...", "." * 12), "link", as_of=100 * S).settled == 70 * S


def test_quorums() -> None:
    def state(quorum: int, *states: State) -> list[tuple[int, int, State]]:
        timelines = [Timeline.of([(0, 5, one)]) for one in states]
        return [tuple(p) for p in service_timeline(timelines, quorum, 0, 5).pieces]  # type: ignore[misc]

    assert state(1, UP, DOWN) == [(0, 5, UP)]
    assert state(2, UP, DOWN) == [(0, 5, DOWN)]
    assert state(1, DOWN, UNKNOWN) == [(0, 5, UNKNOWN)]
    assert state(1, DOWN, OURS) == [(0, 5, OURS)]
    assert state(2, UP, OURS, UNKNOWN) == [(0, 5, UNKNOWN)]
    assert state(3, UP, OURS, DOWN) == [(0, 5, DOWN)]
    assert state(2, DOWN, OURS, OURS) == [(0, 5, OURS)]
    assert state(1, State.DEGRADED, UP) == [(0, 5, UP)]
    assert state(2, State.DEGRADED, UP) == [(0, 5, State.DEGRADED)]
    assert state(1, State.DEGRADED, UNKNOWN) == [(0, 5, State.DEGRADED)]
    assert state(2, State.DEGRADED, DOWN) == [(0, 5, DOWN)]
    assert state(2, State.DEGRADED, UP, UNKNOWN) == [(0, 5, State.DEGRADED)]


def test_a_target_takes_part_from_the_first_instant_it_is_known() -> None:
    known, added = series(shots("......")), series(shots("xxxx", start=20), name="link/b")
    assert judged(observed(known, added, quorum=2)) == [(0, 20, UP), (20, 50, DOWN)]
    assert judged(observed(known, added, quorum=1)) == [(0, 50, UP)]
    assert judged(observed(series(shots("xxx...")), added, quorum=1)) == [(0, 30, DOWN), (30, 50, UP)]
    never = ServiceFacts(service="link", targets=("link/a", "link/never"), quorum=2)
    assert judged(Facts(services={"link": never}, series={"link/a": known})) == [(0, 50, UP)]


def test_who_is_first_probed_within_a_round_was_there_from_the_start() -> None:
    """The first probes are spread over a round; until its own a target is unknown, not absent."""
    first, second = series(shots("..xxx...")), series(shots("........", start=7), name="link/b")

    def with_round(facts: Facts, seconds: int) -> Facts:
        return replace(facts, services={"link": replace(facts.services["link"], round=seconds * S)})

    facts = observed(first, second)
    assert judged(facts)[0] == (0, 20, UP)
    assert judged(with_round(facts, 10))[:2] == [(0, 7, UNKNOWN), (7, 20, UP)]
    assert judged(with_round(observed(first, second, quorum=1), 10))[0] == (0, 70, UP)
    late = observed(first, series(shots("....", start=16), name="link/b"))
    assert judged(with_round(late, 10))[0] == (0, 20, UP), "later than the next probe was awaited: it is new"
    silent = observed(first, series(shots("", start=0), name="link/b", known_from=7))
    assert judged(with_round(silent, 10)) == [(0, 7, UNKNOWN)]
    assert observe(with_round(silent, 10), "link", as_of=FAR * S).settled == 7 * S


def test_within_the_first_round_who_has_not_been_probed_yet_may_still_come() -> None:
    one = observed(series(shots("...", every=2), interval=10))
    waiting = ServiceFacts(service="link", targets=("link/a", "link/b"), quorum=2, round=10 * S)
    facts = replace(one, services={"link": waiting})
    assert observe(facts, "link", as_of=4 * S).settled == 0
    assert observe(facts, "link", as_of=15 * S - 1).settled == 0
    assert observe(facts, "link", as_of=15 * S).settled == 4 * S
    both_known = replace(facts, services={"link": replace(waiting, targets=("link/a",))})
    assert observe(both_known, "link", as_of=4 * S).settled == 4 * S


def test_adding_a_target_judges_nothing_anew() -> None:
    """Neither `all` nor `any` looks back at a time when the new one was not watched."""
    for quorum in (1, 2):
        before = judged(observed(series(shots("..xxx."))))
        after = judged(observed(series(shots("..xxx.")), series(shots(".", start=50), name="link/b"), quorum=quorum))
        assert after == before


def test_a_service_of_which_nothing_is_known_is_judged_to_now() -> None:
    for facts in (Facts(), replace(observed(series(shots("."))), series={})):
        seen = observe(facts, "link", as_of=77)
        assert (seen.settled, seen.timeline.pieces, seen.outages) == (77, (), ())


def test_the_contract_may_bring_its_own_rule() -> None:
    facts = observed(series(shots("..xx...")))
    assert judged(facts) == [(0, 60, UP)]
    assert observe(facts, "link", as_of=FAR * S, rule=OutageRule(after=2)).outages == ((20 * S, 40 * S),)
    back = observed(series(shots("xxx.x...")))
    assert judged(back) == [(0, 30, DOWN), (30, 70, UP)]
    slow = observe(back, "link", as_of=FAR * S, rule=OutageRule(until=3))
    assert pieces(slow.timeline) == [(0, 50, DOWN), (50, 70, UP)]


def test_with_slots_a_rule_counts_slots_and_each_target_keeps_its_own_for_samples() -> None:
    facts = observed(series(shots("..xx..xxx..")))
    whole = BadSlot(rule=SlotRule.DOWN_WHOLE)
    rule = OutageRule(after=2, slot=20 * S, bad_slot=whole)
    assert observe(facts, "link", as_of=FAR * S, rule=rule).outages == ((60 * S, 90 * S),)


def test_nothing_is_judged_beyond_as_of_and_nothing_stays_undecided_for_more_than_a_day() -> None:
    facts = observed(series(shots("......")))
    assert judged(facts, 25) == [(0, 25, UP)]
    late = observe(facts, "link", as_of=100 * S + LAPSE)
    assert late.settled == 100 * S
    assert pieces(late.timeline) == [(0, 50, UP), (50, 100, UNKNOWN)]
    assert observe(facts, "link", as_of=-1).timeline.pieces == ()


def test_gaps_are_unknown() -> None:
    facts = replace(
        observed(series(shots("......"))), gaps=(Gap(12 * S, 28 * S, "stopped"), Gap(25 * S, 29 * S, "again"))
    )
    assert judged(facts) == [(0, 12, UP), (12, 30, UNKNOWN), (30, 50, UP)]


def both(left: Facts, right: Facts) -> Facts:
    return replace(left, services={**left.services, **right.services}, series={**left.series, **right.series})


def port(name: str, text: str) -> Facts:
    return observed(series(shots(text), name=f"{name}/x"), service=name)


def test_services_of_services() -> None:
    facts = both(both(port("a", ".xxxxx....."), port("b", "...xxxxx...")), port("c", "....xxx?..."))

    def down(need: int, *of: Composition) -> list[tuple[int, int]]:
        seen = observe(facts, Group(of=of, need=need), as_of=FAR * S)
        assert seen.settled == 100 * S
        return [(a // S, b // S) for a, b in seen.outages]

    assert down(1, "a", "b") == [(30, 60)]
    assert down(2, "a", "b") == [(10, 80)]
    assert down(2, "a", "b", "c") == [(30, 70)]
    assert down(1, Group(of=("a", "b"), need=2), "c") == [(40, 70)]
    assert observe(facts, Group(of=("b", "c"), need=1), as_of=FAR * S).timeline.spans((OURS,)) == ((70 * S, 80 * S),)
    assert set(observe(facts, Group(of=("a", "b"), need=1), as_of=FAR * S).targets) == {"a/x", "b/x"}


def test_services_together_are_settled_when_all_of_them_are() -> None:
    facts = both(port("a", "......xx"), port("b", "...."))
    seen = observe(facts, Group(of=("a", "b"), need=1), as_of=FAR * S)
    assert seen.settled == 30 * S
    assert pieces(seen.timeline) == [(0, 30, UP)]


def test_a_member_nothing_is_known_of_takes_no_part() -> None:
    facts = both(port("a", "..xxx..."), Facts())
    for need in (1, 2):
        seen = observe(facts, Group(of=("a", "nothing"), need=need), as_of=FAR * S)
        assert pieces(seen.timeline) == [(0, 20, UP), (20, 50, DOWN), (50, 70, UP)]
    nothing = observe(Facts(), Group(of=("a", "b"), need=1), as_of=77)
    assert (nothing.settled, nothing.timeline.pieces, nothing.outages, nothing.targets) == (77, (), (), {})


lossy = OutageRule(slot=20 * S, bad_slot=BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 2)), after=2, until=2)


def test_slots_with_loss_make_outages_of_each_target() -> None:
    # Slots of two shots: 0, 1, 1, 1/2, 1, 0, 0, and the last one may still grow. Bad ones: 2, 3, 5; the state turns at 2 and at 6.
    facts = observed(series(shots(".." + "xxxx" + ".x" + "xx" + "......")))
    seen = observe(facts, "link", as_of=FAR * S, rule=lossy)
    assert pieces(seen.timeline) == [(0, 20, UNKNOWN), (20, 100, DOWN), (100, 140, UP)]
    assert seen.bad == ((20 * S, 60 * S), (80 * S, 100 * S))
    assert seen.settled == 140 * S
    shifted = observe(facts, "link", as_of=FAR * S, rule=lossy, origin=10 * S)
    assert shifted.bad == ((30 * S, 50 * S), (70 * S, 90 * S)), "slots are aligned to the origin"


def test_a_slot_in_which_only_our_side_failed_is_our_own_fault() -> None:
    facts = observed(series(shots("????" + "xxxx" + "...")))
    seen = observe(facts, "link", as_of=FAR * S, rule=lossy)
    assert pieces(seen.timeline) == [(0, 40, OURS), (40, 80, DOWN)]
    assert pieces(seen.targets["link/a"].timeline) == [(0, 40, OURS), (40, 80, DOWN)]
    assert seen.settled == 80 * S


def test_bad_slots_of_services_together() -> None:
    facts = both(port("a", ".." + "xxxx" + "......"), port("b", "....xx......"))

    def bad(need: int) -> tuple[tuple[int, int], ...]:
        return observe(facts, Group(of=("a", "b"), need=need), as_of=FAR * S, rule=lossy).bad

    assert bad(1) == ((40 * S, 60 * S),)
    assert bad(2) == ((20 * S, 60 * S),)
    shifted = observe(facts, Group(of=("a", "b"), need=2), as_of=FAR * S, rule=lossy, origin=10 * S)
    assert shifted.bad == ((30 * S, 50 * S),), "the slots of all of them are aligned to the origin"
    good = both(port("a", "......"), port("b", "......"))
    assert observe(good, Group(of=("a", "b"), need=2), as_of=FAR * S, rule=lossy).bad == ()


OWN_BAD = BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 2))
OWN = Slots(length=20 * S, loss_over=Fraction(1, 2), after=2, until=2)


def by_slots(facts: SeriesFacts, slots: Slots = OWN) -> SeriesFacts:
    return replace(facts, slots=slots)


def test_a_targets_own_slots_begin_at_the_epoch_and_hold_where_a_contract_has_no_rule() -> None:
    facts = observed(by_slots(series(shots(".." + "xxxx" + ".x" + "xx" + "......"))))
    own = observe(facts, "link", as_of=FAR * S, origin=10 * S)
    assert pieces(own.timeline) == [(0, 20, UNKNOWN), (20, 100, DOWN), (100, 140, UP)]
    assert own.bad == (), "bad slots are counted by a contract's own rule"
    whole = OutageRule(slot=60 * S, bad_slot=BadSlot(rule=SlotRule.DOWN_WHOLE))
    assert observe(facts, "link", as_of=FAR * S, rule=whole).outages == own.outages, "and under slots of down time"
    counted = observe(facts, "link", as_of=FAR * S, rule=OutageRule(after=2))
    assert pieces(counted.timeline) == [(0, 20, UP), (20, 60, DOWN), (60, 70, UP), (70, 100, DOWN), (100, 150, UP)]
    again = observe(facts, "link", as_of=FAR * S, rule=OutageRule(until=3))
    assert pieces(again.timeline)[-1] == (100, 150, UP), "of `after` the target's failures in a row hold"


def test_a_witness_by_slots_excuses_a_slot_more_than_its_own() -> None:
    # Of the witness 60 to 100 is down, by slots of 20 s; its last answer, at 50, lies inside a run.
    witness = by_slots(series(shots("......xxxx" + "." * 20), name="lan/gw"))
    facts = observed(series(shots("...." + "x" * 9 + "." * 17), witness="lan/gw"), witness)
    seen = observe(facts, "link", as_of=FAR * S)
    assert unnoticed(witness) == 23 * S
    assert pieces(seen.timeline)[:3] == [(0, 40, UP), (40, 123, OURS), (123, 130, DOWN)]


def test_the_answer_before_a_silence_may_lie_inside_a_run() -> None:
    # The slot from 30 on is bad, and begins with an answer of the run before.
    mixed = by_slots(
        series(shots("...." + "xx" + "." * 10), name="lan/gw"), replace(OWN, length=30 * S, after=1, until=1)
    )
    timeline = detection_of(mixed, ()).timeline
    assert pieces(timeline)[:2] == [(0, 30, UP), (30, 60, DOWN)]
    assert evidence(mixed, timeline) == ((30 * S, 60 * S),)


def test_a_state_is_decided_by_good_slots_since_but_not_by_bad_ones() -> None:
    rule = OutageRule()
    sent = series(shots("......" + "xxxx" + "......" + "xxxxxx"), known_from=-1000)
    facts = observed(by_slots(sent))

    def known(since: int, at: int, rule: OutageRule = rule) -> bool:
        return decided(facts, rule, since * S, at * S, origin=0)

    assert known(0, 60)
    assert not known(0, 30), "one whole slot is not two"
    assert not known(60, 120), "back up for one slot"
    assert not known(50, 100), "down, but since when?"
    assert known(100, 160)
    assert known(90, 160), "the slot that was cut says nothing"
    assert not known(101, 150), "nor does this one"
    assert known(-1000, 30), "all there is"
    assert not known(100, 160, OutageRule(slot=70 * S, bad_slot=OWN_BAD)), (
        "the contract's slots have to be decided as well"
    )
    assert decided(observed(sent), rule, 0, 30, origin=0), "nobody judges slots"


spans = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda s: (s[0], s[0] + s[1])), max_size=4)
labels = st.lists(st.sampled_from([UP, UP, DOWN, DOWN, OURS, UNKNOWN, State.DEGRADED]), min_size=1, max_size=60)


def timeline_of(states: list[State]) -> Timeline[State]:
    return Timeline.of((i, i + 1, state) for i, state in enumerate(states))


@given(labels, spans, st.integers(0, 9))
def test_attribution_agrees_with_the_per_second_evaluator(
    states: list[State], silences: list[tuple[int, int]], widen: int
) -> None:
    expected = brute.attribute(states, 0, list(union(silences)), widen)
    assert attribute(timeline_of(states), union(silences), widen) == timeline_of(expected)


@given(st.lists(labels, min_size=1, max_size=4), st.integers(1, 4), st.integers(0, 70))
def test_quorum_agrees_with_the_per_second_evaluator(targets: list[list[State]], quorum: int, end: int) -> None:
    quorum = min(quorum, len(targets))
    expected = brute.together([dict(enumerate(states)) for states in targets], quorum, 3, end)
    found = service_timeline([timeline_of(states).clip(2, 50) for states in targets], quorum, 3, end)
    cut = brute.together([{i: s for i, s in enumerate(states) if 2 <= i < 50} for states in targets], quorum, 3, end)
    assert found == Timeline.of((i + 3, i + 4, state) for i, state in enumerate(cut))
    assert len(expected) == len(cut)


marks = st.text(alphabet="....xxxx? ", min_size=1, max_size=30)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[SeriesFacts], list[list[Shot]]]:
    """One or two targets, some behind a witness, and the witness; whole seconds, different intervals."""
    sent = [shots("." + draw(marks), every=3, start=draw(st.integers(0, 5)))]
    if draw(st.booleans()):
        sent.append(shots("." + draw(marks), every=4))
    witness = shots(draw(marks), every=2)
    facts = [
        series(
            one,
            name=f"link/{i}",
            interval=3 if i == 0 else 4,
            timeout=1,
            down_after=draw(st.integers(1, 3)),
            up_after=draw(st.integers(1, 2)),
            witness=draw(st.sampled_from(["lan/gw", "lan/gw", None])),
        )
        for i, one in enumerate(sent)
    ]
    facts.append(series(witness, name="lan/gw", interval=2, timeout=1, down_after=draw(st.integers(1, 3))))
    return facts, [*sent, witness]


def until(facts: SeriesFacts, sent: list[Shot], now: int) -> SeriesFacts | None:
    """What was known at second `now`: every shot before it decided."""
    early = [shot for shot in sent if shot.second < now]
    if not early:
        return None
    made = series(
        early,
        name=facts.target,
        interval=facts.interval // S,
        timeout=facts.timeout // S,
        down_after=facts.down_after,
        up_after=facts.up_after,
        witness=facts.witness,
        through=now,
    )
    return replace(made, known_from=facts.known_from)


@given(histories(), st.integers(1, 60), st.integers(1, 60), st.integers(1, 2))
def test_what_is_settled_stays_whatever_the_witness_says_later(
    history: tuple[list[SeriesFacts], list[list[Shot]]], now: int, witness_now: int, quorum: int
) -> None:
    facts, sent = history
    quorum = min(quorum, len(facts) - 1)
    early = [
        until(one, shots_of, witness_now if one.target == "lan/gw" else now)
        for one, shots_of in zip(facts, sent, strict=True)
    ]
    if any(one is None for one in early):
        return
    whole = observe(observed(*facts, quorum=quorum), "link", as_of=FAR * S)
    first = observe(observed(*[one for one in early if one], quorum=quorum), "link", as_of=FAR * S)
    assert first.settled <= whole.settled
    assert whole.timeline.clip(0, first.settled) == first.timeline
    assert whole.detected.clip(0, first.settled) == first.detected
    start = min(one.known_from for one in facts[:-1])
    if first.timeline.pieces:
        assert (first.timeline.start, first.timeline.end) == (start, first.settled)
        assert sum(first.timeline.lengths().values()) == first.settled - start


def test_silences_that_were_over_before_are_passed_one_by_one() -> None:
    target = Timeline.of([(0, 100, UP), (100, 200, DOWN), (200, 300, UP)])
    seen = attribute(target, ((10, 20), (120, 150)), 5)
    assert [(p.start, p.end, p.value) for p in seen.pieces] == [
        (0, 100, UP),
        (100, 115, DOWN),
        (115, 155, OURS),
        (155, 200, DOWN),
        (200, 300, UP),
    ]


def test_who_is_first_probed_a_round_later_was_added() -> None:
    """At the very end of the first round a target counts from then on; before, it was there from the start, and unknown."""
    late = reach(10 * S)
    for begins, first in ((late - S, UNKNOWN), (late, DOWN)):
        facts = observed(series(shots("xxx...")), series(shots("....", start=begins // S), name="link/b"), quorum=1)
        facts = replace(facts, services={"link": replace(facts.services["link"], round=10 * S)})
        assert observe(facts, "link", as_of=FAR * S).timeline.pieces[0].value is first
