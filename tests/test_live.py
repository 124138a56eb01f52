"""Live states against the core: what is accumulated batch by batch equals one judgement of all the facts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from slamon.live import Inbox, Live, StateView
from slamon.model import Reading, Result, S, Target
from slamon.record.recorder import Recorder
from slamon.record.rows import Gap, Run
from slamon.sla.attribution import observe
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, State
from slamon.stats import RTT_EDGES

START = 1_700_000_000 * S
RESULTS = (Result.SUCCESS, Result.SUCCESS, Result.TIMEOUT, Result.TIMEOUT, Result.LOCAL_ERROR)


def target(name: str, witness: str | None = None, up_after: int = 1) -> Target:
    return Target(
        name=name,
        service=name.partition("/")[0],
        probe="icmp",
        address="192.0.2.1",
        family=4,
        interval=S,
        timeout=S // 2,
        down_after=3,
        up_after=up_after,
        settings=None,
        witness=witness,
    )


WITNESS = target("lan/gw")
MEMBERS = (target("hq/a", "lan/gw"), target("hq/b", "lan/gw", up_after=2))
TARGETS = (WITNESS, *MEMBERS)
SERVICES = (
    ServiceFacts(service="lan", targets=("lan/gw",), quorum=1),
    ServiceFacts(service="hq", targets=("hq/a", "hq/b"), quorum=1),
)


@st.composite
def worlds(draw: st.DrawFn) -> list[tuple[tuple[Result, ...] | None, bool]]:
    """Seconds: the result of each target, or None for a second nobody looked; and whether a batch is written after it."""
    stretches = draw(
        st.lists(
            st.tuples(st.one_of(st.none(), st.tuples(*[st.sampled_from(RESULTS)] * len(TARGETS))), st.integers(1, 12)),
            min_size=1,
            max_size=14,
        )
    )
    seconds = [results for results, length in stretches for _ in range(length)]
    return [(results, draw(st.integers(0, 2)) == 0) for results in seconds]


def scratch(runs: dict[str, list[Run]], through: int, gaps: tuple[Gap, ...]) -> Facts:
    """All facts as they stand at the end."""
    series = {
        each.name: SeriesFacts(
            target=each.name,
            probe=each.probe,
            interval=each.interval,
            timeout=each.timeout,
            down_after=each.down_after,
            up_after=each.up_after,
            witness=each.witness,
            known_from=runs[each.name][0].first_sent,
            through=through,
            runs=tuple(runs[each.name]),
        )
        for each in TARGETS
        if runs[each.name]
    }
    return Facts(services={service.service: service for service in SERVICES}, series=series, gaps=gaps)


def merged(known: list[Run], news: tuple[Run, ...]) -> list[Run]:
    runs = {run.first_sent: run for run in known}
    for run in news:
        before = runs.get(run.first_sent)
        if before is None or (run.samples, run.until) > (before.samples, before.until):
            runs[run.first_sent] = run
    return [runs[first] for first in sorted(runs)]


@given(worlds(), st.integers(0, 40))
def test_batch_by_batch_equals_all_at_once(world: list[tuple[tuple[Result, ...] | None, bool]], gap_at: int) -> None:
    recorder, inbox, live = Recorder("here"), Inbox(), Live()
    live.set(SERVICES, TARGETS)
    series = {each.name: recorder.open(each, limits=(), edges=RTT_EDGES) for each in TARGETS}
    runs: dict[str, list[Run]] = {each.name: [] for each in TARGETS}
    gaps: list[Gap] = []
    now = START
    turns, told = [], 0
    for second, (results, write) in enumerate(world):
        now = START + second * S
        if second == gap_at:
            gaps.append(Gap(now - S // 3, now - S // 4, "suspended"))  # later than any batch: it was noticed at once
        if results is not None:
            for offset, (each, result) in enumerate(zip(TARGETS, results, strict=True)):
                pending = series[each.name].send(now + offset * 1000)
                series[each.name].decide(pending, Reading(result, rtt=1000 if result is Result.SUCCESS else None))
        if write or second == len(world) - 1:
            news = inbox.read(recorder.batch(now + S // 2))
            for name, fresh_runs in news.runs.items():
                runs[name] = merged(runs[name], fresh_runs)
            turns += live.update(news, gaps[told:], now + S // 2)
            told = len(gaps)
    agree(live, scratch(runs, now + S // 2, tuple(gaps)), now + S // 2)
    for noun, name in {(turn.noun, turn.name) for turn in turns}:
        mine = [turn for turn in turns if (turn.noun, turn.name) == (noun, name)]
        assert all(before.state is after.previous for before, after in pairwise(mine))


def agree(live: Live, facts: Facts, now: int) -> None:
    for service in SERVICES:
        seen = observe(facts, service.service, as_of=now)
        view = live.service(service.service)
        if not seen.timeline.pieces:
            assert view is None
            continue
        assert view is not None
        check(view, seen.timeline.lengths(), seen.timeline.start, seen.settled)
        assert view.state is seen.timeline.pieces[-1].value
        assert view.since == seen.timeline.pieces[-1].start
        assert view.outages == len(seen.outages)
        for name, detection in seen.targets.items():
            target_view = live.target(name)
            if detection.timeline.pieces:
                assert target_view is not None
                check(target_view, detection.timeline.lengths(), facts.series[name].known_from, detection.settled)


def check(view: StateView, lengths: dict[State, int], start: int, settled: int) -> None:
    assert {state: ns for state, ns in view.nanoseconds.items() if ns} == lengths
    assert view.first_known == start
    assert view.settled == settled
    assert sum(view.nanoseconds.values()) == view.settled - view.first_known


def test_a_steady_service_is_not_judged_again() -> None:
    recorder, inbox, live = Recorder("here"), Inbox(), Live()
    alone = replace(MEMBERS[0], witness=None)
    live.set([ServiceFacts(service="hq", targets=("hq/a",), quorum=1)], [alone])
    series = recorder.open(alone, limits=(), edges=RTT_EDGES)
    judged = 0
    for second in range(600):
        now = START + second * S
        series.decide(series.send(now), Reading(Result.SUCCESS, rtt=1000))
        before = live._service_accounts.get("hq")
        steady = before is not None and live._service_steady(live._services["hq"])
        judged += not steady
        live.update(inbox.read(recorder.batch(now + S // 2)), (), now + S // 2)
    view = live.service("hq")
    assert view is not None
    assert view.nanoseconds[State.UP] == 599 * S
    assert judged <= 2
