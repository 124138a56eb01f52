"""Hysteresis over runs: worked examples, the live way against the whole, and a per-second evaluator."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slamon.model import Result, S
from slamon.sla.detection import Detector, Rule, Transition, detect, rule_of
from slamon.sla.facts import State
from slamon.sla.timeline import Spans, union
from tests.sla import brute
from tests.sla.build import Shot, runs, series, shots

UP, DOWN, OURS, UNKNOWN = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN


def seen(text: str, *, down_after: int = 3, up_after: int = 1, gaps: Spans = ()) -> list[tuple[int, int, State]]:
    """Pieces in seconds, of shots every 10 s, and the settled second as an empty last piece."""
    facts = series(shots(text))
    found = detect(facts, Rule(down_after=down_after, up_after=up_after), tuple((a * S, b * S) for a, b in gaps))
    pieces = [(p.start // S, p.end // S, p.value) for p in found.timeline.pieces]
    assert not pieces or pieces[-1][1] * S == found.settled
    return pieces


def test_down_begins_at_the_first_failure_and_ends_at_the_first_success() -> None:
    assert seen("..xxx..") == [(0, 20, UP), (20, 50, DOWN), (50, 60, UP)]


def test_two_failures_are_not_three() -> None:
    assert seen("..xx.xx..") == [(0, 80, UP)]


def test_every_kind_of_failure_counts_in_one_chain() -> None:
    assert seen(".xex.") == [(0, 10, UP), (10, 40, DOWN)]


def test_what_is_pending_is_not_settled() -> None:
    assert seen("..xx") == [(0, 20, UP)]
    assert seen("xxx..", up_after=3) == [(0, 30, DOWN)]


def test_several_successes_may_be_needed() -> None:
    assert seen("xxx.x...", up_after=3) == [(0, 50, DOWN), (50, 70, UP)]


def test_our_own_failures_are_local_and_break_a_chain() -> None:
    assert seen(".xx?xx.") == [(0, 30, UP), (30, 40, OURS), (40, 60, UP)]
    assert seen("xxx?x.", down_after=3) == [(0, 30, DOWN), (30, 40, OURS), (40, 50, DOWN)]
    assert seen("xxx.?...", up_after=2) == [(0, 40, DOWN), (40, 50, OURS), (50, 70, UP)]


def test_unknown_time_breaks_a_chain_and_keeps_the_state() -> None:
    assert seen("..xx xx.") == [(0, 40, UP), (40, 50, UNKNOWN), (50, 70, UP)]
    assert seen("xxx  xx.") == [(0, 30, DOWN), (30, 50, UNKNOWN), (50, 70, DOWN)]


def test_nothing_is_known_before_anything_is_decided() -> None:
    assert seen("x..") == [(0, 10, UNKNOWN), (10, 20, UP)]
    assert seen("xx") == []
    assert seen("x?x.", up_after=1) == [(0, 10, UNKNOWN), (10, 20, OURS), (20, 30, UNKNOWN)]


def test_a_declared_gap_wins_over_samples_inside_it() -> None:
    assert seen(".......", gaps=((15, 35),)) == [(0, 15, UP), (15, 40, UNKNOWN), (40, 60, UP)]


def test_a_sample_sent_as_the_gap_begins_is_inside_it() -> None:
    assert seen(".xxx", gaps=((30, 40),)) == [(0, 30, UP)]
    assert seen(".xxx", gaps=((31, 40),)) == [(0, 10, UP), (10, 30, DOWN)]


def test_a_gap_cuts_a_chain_in_two() -> None:
    assert seen(".xxxx.", gaps=((25, 26),)) == [(0, 25, UP), (25, 30, UNKNOWN), (30, 50, UP)]
    assert seen(".xxxxx.", gaps=((25, 26),)) == [(0, 25, UP), (25, 30, UNKNOWN), (30, 60, DOWN)]


def test_a_gap_may_span_runs_and_end_after_everything() -> None:
    assert seen("...xxx...", gaps=((25, 65),)) == [(0, 25, UP), (25, 70, UNKNOWN), (70, 80, UP)]
    late = detect(series(shots("...."), through=200), Rule(), ((35 * S, 90 * S),))
    assert late.timeline.pieces == ((0, 30 * S, UP),)  # up to the gap the last sample may speak yet


def test_time_is_judged_up_to_through_only() -> None:
    facts = series(shots("......"), through=25)
    assert detect(facts, Rule(), ()).settled == 25 * S
    assert detect(series([], known_from=7), Rule(), ()).timeline.pieces == ()


def test_a_rule_counts_from_one() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        Rule(down_after=0)
    with pytest.raises(ValueError, match="counts from 1"):
        Rule(up_after=0)
    facts = series([], down_after=5, up_after=2)
    assert rule_of(facts) == Rule(down_after=5, up_after=2)
    assert rule_of(facts, down_after=1) == Rule(down_after=1, up_after=2)


def test_what_is_pending_settles_with_the_third_failure() -> None:
    detector = Detector(Rule())
    assert detector.feed(Result.SUCCESS, 0, 0, 10, 1) == (Transition(0, UP),)
    assert detector.feed(Result.TIMEOUT, 10, 20, 30, 2) == ()
    assert (detector.pending_since, detector.settled, detector.state) == (10, 10, UP)
    assert detector.feed(Result.BAD_RESPONSE, 30, 30, 30, 1) == (Transition(10, DOWN),)
    assert (detector.pending_since, detector.settled, detector.state) == (None, 30, DOWN)


@pytest.mark.parametrize("result", Result)
def test_what_failed_on_our_side_is_our_fault(result: Result) -> None:
    said = Detector(Rule(down_after=1)).feed(result, 5, 5, 5, 1)
    assert (Transition(5, OURS) in said) == (result in {Result.SEND_ERROR, Result.LOCAL_ERROR, Result.DNS_ERROR})


def test_a_gap_before_anything_or_in_the_past_says_nothing() -> None:
    detector = Detector(Rule())
    assert detector.settled is None
    assert detector.gap(0, 5) == ()
    assert detector.feed(Result.SUCCESS, 5, 9, 9, 5) == (Transition(5, UP),)
    assert detector.gap(3, 8) == ()
    assert detector.gap(9, 12) == (Transition(9, UNKNOWN),)


marks = st.text(alphabet="....xxxe? ", min_size=1, max_size=40)
gap_lists = st.lists(st.tuples(st.integers(0, 120), st.integers(1, 30)).map(lambda g: (g[0], g[0] + g[1])), max_size=3)
rules = st.builds(Rule, down_after=st.integers(1, 4), up_after=st.integers(1, 3))


def sent(text: str) -> list[Shot]:
    return shots("." + text, every=3)


@given(marks, gap_lists, rules, st.integers(0, 130))
@example("xx", [(7, 8)], Rule(down_after=2, up_after=1), 130)
def test_agrees_with_the_per_second_evaluator(text: str, gaps: list[tuple[int, int]], rule: Rule, through: int) -> None:
    facts = series(sent(text), interval=3, through=through)
    found = detect(facts, rule, union((a * S, b * S) for a, b in gaps))
    expected = brute.detect(
        sent(text), interval=3, down_after=rule.down_after, up_after=rule.up_after, gaps=gaps, through=through
    )
    labels = [p.value for p in found.timeline.pieces for _ in range((p.end - p.start) // S)]
    assert labels == expected
    assert found.settled == len(expected) * S


@given(marks, rules)
def test_a_run_says_the_same_whole_and_sample_by_sample(text: str, rule: Rule) -> None:
    whole, single = Detector(rule), Detector(rule)
    for run in runs(sent(text), 3):
        at_once = whole.feed(run.result, run.first_sent, run.last_sent, run.until, run.samples)
        sends = range(run.first_sent, run.last_sent + 1, 3 * S)
        assert len(sends) == run.samples
        ends = [*sends[1:], run.until]
        each = [single.feed(run.result, at, at, end, 1) for at, end in zip(sends, ends, strict=True)]
        assert sum(each, ()) == at_once
        assert single.settled == whole.settled


@given(marks, gap_lists, rules, st.integers(0, 60))
def test_what_is_settled_stays(text: str, gaps: list[tuple[int, int]], rule: Rule, known: int) -> None:
    """The first `known` shots and the gaps that began before the last of them say nothing that all facts take back."""
    all_shots = sent(text)
    early = [shot for shot in all_shots if shot.second <= known]
    over = [(a, b) for a, b in gaps if b <= early[-1].second]
    later = [gap for gap in gaps if gap in over or gap[0] > early[-1].second]
    first = detect(series(early, interval=3), rule, union((a * S, b * S) for a, b in over))
    whole = detect(series(all_shots, interval=3), rule, union((a * S, b * S) for a, b in later))
    assert first.settled <= whole.settled
    assert whole.timeline.clip(0, first.settled) == first.timeline
