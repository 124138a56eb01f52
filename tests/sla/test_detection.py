"""Hysteresis over runs: worked examples, the live way against the whole, and a per-second evaluator."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slamon.model import Result, S
from slamon.record.rows import Run
from slamon.sla.detection import Detector, Rule, Transition, anchor, detect, rule_of
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


def test_the_anchor_is_the_last_chain_that_decides() -> None:
    assert anchor(series(shots("...xex..")), Rule(), (), 55 * S) == 30 * S
    assert anchor(series(shots("...xex..")), Rule(), (), 30 * S) == 0
    assert anchor(series(shots("...xx xx..")), Rule(), (), 75 * S) == 0
    assert anchor(series(shots("...xx?x..")), Rule(), (), 65 * S) == 0
    assert anchor(series(shots("...xxx..")), Rule(up_after=3), (), 75 * S) == 30 * S
    assert anchor(series(shots("xxxxxxxxx")), Rule(), ((15 * S, 25 * S),), 75 * S) == 0
    assert anchor(series([], known_from=3), Rule(), (), 75 * S) == 3 * S


def test_a_rule_counts_from_one() -> None:
    with pytest.raises(ValueError, match="counts from 1"):
        Rule(down_after=0)
    with pytest.raises(ValueError, match="counts from 1"):
        Rule(up_after=0)
    facts = series([], down_after=5, up_after=2)
    assert rule_of(facts) == Rule(down_after=5, up_after=2)
    assert rule_of(facts, down_after=1) == Rule(down_after=1, up_after=2)


def test_a_steady_open_run_says_nothing_new() -> None:
    detector = Detector(Rule(), "icmp")
    assert detector.feed(Result.SUCCESS, 0, 0, 0, 1) == (Transition(0, UP),)
    for i in range(1, 100):
        assert detector.feed(Result.SUCCESS, 0, i, i, i + 1) == ()
    assert (detector.state, detector.since, detector.settled, detector.pending_since) == (UP, 0, 99, None)


def test_a_growing_failure_is_decided_at_the_third() -> None:
    detector = Detector(Rule(), "icmp")
    detector.feed(Result.SUCCESS, 0, 0, 10, 1)
    assert detector.feed(Result.TIMEOUT, 10, 10, 10, 1) == ()
    assert (detector.pending_since, detector.settled, detector.state) == (10, 10, UP)
    assert detector.feed(Result.TIMEOUT, 10, 10, 10, 1) == ()
    assert detector.feed(Result.TIMEOUT, 10, 20, 20, 2) == ()
    assert detector.feed(Result.TIMEOUT, 10, 30, 30, 3) == (Transition(10, DOWN),)
    assert (detector.pending_since, detector.settled, detector.state, detector.since) == (None, 30, DOWN, 10)


@pytest.mark.parametrize("result", Result)
def test_a_result_means_the_same_whatever_kind_the_target_is_now(result: Result) -> None:
    said = [Detector(Rule(down_after=1), kind).feed(result, 5, 5, 5, 1) for kind in ("icmp", "dns", "tcp", "http")]
    assert said == said[:1] * 4
    assert (Transition(5, OURS) in said[0]) == (result in {Result.SEND_ERROR, Result.LOCAL_ERROR, Result.DNS_ERROR})


def test_a_gap_before_anything_or_in_the_past_says_nothing() -> None:
    detector = Detector(Rule(), "icmp")
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


def fed(all_runs: Sequence[Run], rule: Rule, steps: Sequence[int]) -> list[Transition]:
    """As the daemon does it: every run again and again while it grows by `steps` samples."""
    detector = Detector(rule, "icmp")
    changes: list[Transition] = []
    turn = 0
    for run in all_runs:
        n = 0
        while n < run.samples:
            n = min(run.samples, n + steps[turn % len(steps)])
            turn += 1
            last = run.first_sent + (n - 1) * 3 * S
            changes += detector.feed(run.result, run.first_sent, last, run.until if n == run.samples else last, n)
            settled = detector.settled
            assert settled is not None
            assert not changes or changes[-1].at <= settled
    return changes


@given(marks, rules, st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_live_and_batch_say_the_same(text: str, rule: Rule, steps: list[int]) -> None:
    whole = runs(sent(text), 3)
    once = Detector(rule, "icmp")
    at_once = [
        change
        for run in whole
        for change in once.feed(run.result, run.first_sent, run.last_sent, run.until, run.samples)
    ]
    assert fed(whole, rule, steps) == at_once


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


@given(marks, gap_lists, rules, st.integers(0, 130))
def test_runs_from_the_anchor_on_are_enough(text: str, gaps: list[tuple[int, int]], rule: Rule, cut: int) -> None:
    facts = series(sent(text), interval=3)
    holes = union((a * S, b * S) for a, b in gaps)
    begin = anchor(facts, rule, holes, cut * S)
    assert begin <= max(cut * S, facts.known_from)
    kept = tuple(run for run in facts.runs if max(run.until, run.last_sent + 1) > begin)
    trimmed = series(sent(text), interval=3)
    trimmed = type(trimmed)(**{**{f: getattr(trimmed, f) for f in trimmed.__slots__}, "runs": kept})
    whole, tail = detect(facts, rule, holes), detect(trimmed, rule, tuple(h for h in holes if h[1] > begin))
    assert whole.settled == tail.settled
    assert whole.timeline.clip(cut * S, whole.settled) == tail.timeline.clip(cut * S, tail.settled)
