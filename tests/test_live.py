"""Live states against the core: what is accumulated batch by batch equals one judgement of all the facts."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from slamon.live import Inbox, Live, StateView, Turn, following, known, normal_lag
from slamon.live.inbox import News
from slamon.model import DAY, HOUR, Reading, Result, S, Sampling, Slots, Target
from slamon.record.recorder import Recorder
from slamon.record.rows import Gap, Run, extended
from slamon.sla.attribution import observe
from slamon.sla.facts import Facts, SeriesFacts, ServiceFacts, State
from slamon.sla.slots import own_rule
from slamon.sla.timeline import union
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
    ServiceFacts(service="lan", targets=("lan/gw",), quorum=1, round=S),
    ServiceFacts(service="hq", targets=("hq/a", "hq/b"), quorum=1, round=S),
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
            interval=each.interval,
            timeout=each.timeout,
            down_after=each.down_after,
            up_after=each.up_after,
            slots=each.slots,
            witness=each.witness,
            known_from=runs[each.name][0].first_sent,
            through=through,
            runs=tuple(runs[each.name]),
        )
        for each in TARGETS
        if runs[each.name]
    }
    return Facts(services={service.service: service for service in SERVICES}, series=series, gaps=gaps)


def merged(known: list[Run], name: str, news: News) -> list[Run]:
    """The runs of a target with what one batch says of it."""
    runs = {run.first_sent: run for run in known}
    for run in news.runs.get(name, ()):
        before = runs.get(run.first_sent)
        if before is None or (run.samples, run.until) > (before.samples, before.until):
            runs[run.first_sent] = run
    found = [runs[first] for first in sorted(runs)]
    return [*found[:-1], *(extended(run, news.growing.get(name)) for run in found[-1:])]


rests = st.sampled_from((S // 10, S, 3 * S, 60 * S))
"""From the last probe of one process to the first of the next, nanoseconds."""

rules = st.builds(
    Slots,
    length=st.sampled_from((S, 3 * S, 5 * S)),
    loss_over=st.sampled_from((Fraction(0), Fraction(1, 3), Fraction(1, 2), Fraction(9, 10))),
    after=st.integers(1, 4),
    until=st.integers(1, 3),
)


@given(
    worlds(),
    st.integers(0, 40),
    st.sampled_from((1, 2, 5, 32)),
    st.integers(1, 20),
    st.sampled_from((1, 2)),
    st.tuples(*[st.one_of(st.none(), rules)] * len(TARGETS)),
)
def test_batch_by_batch_equals_all_at_once(
    world: list[tuple[tuple[Result, ...] | None, bool]],
    gap_at: int,
    many: int,
    pace: int,
    up_after: int,
    by: tuple[Slots | None, ...],
) -> None:
    """However few runs are kept as they are (`many`), and however short the slices of a replayed past (`pace`)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "MANY_RUNS", many)
        patch.setattr(following, "MANY_GAPS", 1)
        patch.setattr(following, "SLICE", pace)
        targets = (replace(WITNESS, up_after=up_after), *MEMBERS)
        patch.setattr(f"{__name__}.TARGETS", tuple(replace(t, slots=s) for t, s in zip(targets, by, strict=True)))
        follow(world, gap_at)


def follow(world: list[tuple[tuple[Result, ...] | None, bool]], gap_at: int) -> None:
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
            recorder.gap(gaps[-1])
        if results is not None:
            for offset, (each, result) in enumerate(zip(TARGETS, results, strict=True)):
                pending = series[each.name].send(now + offset * 1000)
                series[each.name].decide(pending, Reading(result, rtt=1000 if result is Result.SUCCESS else None))
        if write or second == len(world) - 1:
            news = inbox.read(recorder.batch(now + S // 2))
            runs = {name: merged(before, name, news) for name, before in runs.items()}
            turns += live.update(news, gaps[told:], now + S // 2)
            told = len(gaps)
            if second % 4 == 0:  # whether anybody looks changes nothing
                assert len([*live.services()]) == len(live._service_accounts)
                assert all(view.settled <= now + S // 2 for name in runs if (view := live.target(name)))
    facts = scratch(runs, now + S // 2, tuple(gaps))
    agree(live, facts, now + S // 2)
    again = Live()
    again.set(SERVICES, TARGETS)
    for _ in again.replay(facts.series.values(), gaps, now + S // 2):
        pass
    agree(again, facts, now + S // 2)
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
        is_open = bool(seen.outages) and seen.outages[-1][1] == seen.settled
        assert view.outage_start == (seen.outages[-1][0] if is_open else None)
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
    live.set([ServiceFacts(service="hq", targets=("hq/a",), quorum=1, round=S)], [alone])
    series = recorder.open(alone, limits=(), edges=RTT_EDGES)
    judged = 0
    for second in range(600):
        now = START + second * S
        series.decide(series.send(now), Reading(Result.SUCCESS, rtt=1000))
        before = live._service_accounts.get("hq")
        steady = before is not None and live._service_steady(live._services["hq"])
        judged += not steady
        live.update(inbox.read(recorder.batch(now + S // 2)), (), now + S // 2)
    member, view = live.target("hq/a"), live.service("hq")
    assert member is not None
    assert view is not None
    assert member.nanoseconds[State.UP] == view.nanoseconds[State.UP] == 599 * S
    assert judged <= 2


def test_a_batch_that_turns_many_services_is_judged_in_slices() -> None:
    """And all that turned is said, in the order in which it would have been at once."""
    targets = [target(f"s{i}/t") for i in range(200)]
    services = [ServiceFacts(service=f"s{i}", targets=(f"s{i}/t",), quorum=1, round=S) for i in range(200)]
    recorder, inbox = Recorder("here"), Inbox()
    lives = [Live(), Live()]
    for live in lives:
        live.set(services, targets)
    series = [recorder.open(each, limits=(), edges=RTT_EDGES) for each in targets]
    for second in range(3):
        for each in series:
            each.decide(each.send(START + second * S), Reading(Result.SUCCESS, rtt=1000))
    news, now = inbox.read(recorder.batch(START + 3 * S)), START + 3 * S
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "LEARNT", 50)
        steps = list(lives[0].steps(news, (), now))
    assert steps[:4] == [[]] * 4, "what there is to learn comes first"
    assert steps[4]
    assert len(steps) > 4 + 200 * following.INVOLVED // following.SLICE
    assert [turn for step in steps for turn in step] == lives[1].update(news, (), now)
    assert sum(map(len, steps)) == 400
    assert len([*lives[0].services()]) == 200


MEANT = {".": Result.SUCCESS, "x": Result.TIMEOUT, "!": Result.LOCAL_ERROR, "u": Result.ICMP_ERROR}


def fed(
    live: Live,
    results: dict[str, str],
    start: int = START,
    *,
    batches: int = 1,
    look: bool = False,
    turns: list[Turn] | None = None,
) -> int:
    """Target → a letter a second (. answered, x lost, ! our own failure); the instant after the last batch.

    `look`: at each target and service after each step of a batch. `turns` are added to.
    """
    recorder, inbox = Recorder("here"), Inbox()
    series = {each.name: recorder.open(each, limits=(), edges=RTT_EDGES) for each in live.targets}
    now = start
    for second in range(len(next(iter(results.values())))):
        now = start + second * S
        for name, letters in results.items():
            result = MEANT[letters[second]]
            pending = series[name].send(now)
            series[name].decide(pending, Reading(result, rtt=1000 if result is Result.SUCCESS else None))
        if second % batches == batches - 1:
            for turned in live.steps(inbox.read(recorder.batch(now + S // 2)), (), now + S // 2):
                if turns is not None:
                    turns += turned
                if look:
                    for name in results:
                        live.target(name)
                    deque(live.services(), maxlen=0)
    return now + S // 2


def followed(*services: ServiceFacts, targets: tuple[Target, ...] = TARGETS) -> Live:
    live = Live()
    live.set(services, targets)
    return live


@given(
    st.lists(st.tuples(*[st.sampled_from("...xx!")] * len(TARGETS)), min_size=1, max_size=60),
    st.tuples(*[st.one_of(st.none(), rules)] * len(TARGETS)),
    st.integers(1, 4),
)
def test_what_is_settled_is_never_further_behind_than_is_said(
    seconds: list[tuple[str, ...]], by: tuple[Slots | None, ...], up_after: int
) -> None:
    """Looked at when it is furthest: each probe is decided at its timeout, and just before nothing is known of it."""
    targets = {t.name: replace(t, slots=s, up_after=up_after) for t, s in zip(TARGETS, by, strict=True)}
    live = followed(*SERVICES, targets=tuple(targets.values()))
    recorder, inbox = Recorder("here"), Inbox()
    series = {name: recorder.open(each, limits=(), edges=RTT_EDGES) for name, each in targets.items()}
    for second, letters in enumerate(seconds):
        sent = START + second * S + 9 * S // 10  # long after a slot begins
        pending = {name: each.send(sent) for name, each in series.items()}
        now = sent + S // 2
        live.update(inbox.read(recorder.batch(now)), (), now)
        for name, each in targets.items():
            view = live.target(name)
            assert view is None or now - view.settled <= normal_lag(each, targets), name
        for name, letter in zip(targets, letters, strict=True):
            result = MEANT[letter]
            series[name].decide(pending[name], Reading(result, rtt=1000 if result is Result.SUCCESS else None))
        live.update(inbox.read(recorder.batch(now + 1)), (), now + 1)


def test_the_lag_that_is_normal() -> None:
    hourly = replace(MEMBERS[0], interval=HOUR, timeout=3 * S, down_after=1, witness=None)
    in_slots = replace(hourly, interval=10 * S, slots=Slots(length=HOUR, loss_over=Fraction(1, 2), after=1, until=3))
    watched = replace(hourly, interval=10 * S, witness="lan/gw")
    for one, witness, expected in (
        (hourly, WITNESS, HOUR + 3 * S),
        (replace(hourly, down_after=3), WITNESS, 3 * HOUR + 3 * S),
        (replace(hourly, sampling=Sampling.POISSON), WITNESS, 14 * HOUR + 3 * S),
        (in_slots, WITNESS, 3 * HOUR + 10 * S + 3 * S),
        (watched, replace(WITNESS, down_after=1), 13 * S + S + S // 2),
        (watched, replace(hourly, name="lan/gw"), HOUR + 3 * S + HOUR + 3 * S),
    ):
        assert normal_lag(one, {each.name: each for each in (one, witness)}) == expected


@pytest.mark.parametrize("witness", ["." * 5 + "x" * 8, "." * 5 + "!" * 8, "." * 5 + "x.xx.xxx"])
def test_who_looks_at_the_witness_of_a_calm_service_settles_nothing(witness: str) -> None:
    looked, other = followed(*SERVICES), followed(*SERVICES)
    results = {"lan/gw": witness, "hq/a": "." * 13, "hq/b": "." * 13}
    for live in (looked, other):
        fed(live, results, look=live is looked)
    assert [looked.target(name) for name in results] == [other.target(name) for name in results]
    assert [*looked.services()] == [*other.services()]


@given(
    st.lists(st.tuples(*[st.sampled_from("....x!")] * len(TARGETS)), min_size=1, max_size=40),
    st.integers(1, 4),
    st.sampled_from((1, 3, 500)),
)
def test_who_looks_settles_nothing(seconds: list[tuple[str, ...]], batches: int, pace: int) -> None:
    """Neither between two batches nor between the steps of one."""
    looked, other = followed(*SERVICES), followed(*SERVICES)
    results = {each.name: "".join(letters) for each, letters in zip(TARGETS, zip(*seconds, strict=True), strict=True)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "LEARNT", pace)
        patch.setattr(following, "SLICE", pace)
        turns: tuple[list[Turn], list[Turn]] = ([], [])
        for live, its in zip((looked, other), turns, strict=True):
            fed(live, results, batches=batches, look=live is looked, turns=its)
    assert turns[0] == turns[1]
    assert [looked.target(name) for name in results] == [other.target(name) for name in results]
    assert [*looked.services()] == [*other.services()]


@pytest.mark.parametrize("pattern", ["x.", "xxxx.", "x..!", "xu"])
def test_a_lossy_witness_or_target_fills_no_memory(pattern: str) -> None:
    live = followed(*SERVICES)
    lossy = (pattern * 500)[:1000]
    fed(live, {"lan/gw": lossy, "hq/a": "." * 1000, "hq/b": lossy})
    for name in ("lan/gw", "hq/b"):
        assert len(live._known[name].ended) <= 2 * known.MANY_RUNS
    assert live.service("hq") is not None


def test_an_outage_with_changing_errors_is_judged_by_its_states() -> None:
    """A router that answers for a dead host now and then makes a run of every probe, for hours."""
    live = followed(*SERVICES)
    fed(live, {"lan/gw": "." * 810, "hq/a": "." * 10 + "xu" * 400, "hq/b": "." * 10 + "x" * 800})
    view = live.service("hq")
    assert view is not None
    assert (view.state, view.outages, view.outage_start) == (State.DOWN, 1, START + 10 * S)
    assert len(live._known["hq/a"].ended) <= 2 * known.MANY_RUNS


def test_gaps_fill_no_memory() -> None:
    live = followed(*SERVICES)
    recorder, inbox = Recorder("here"), Inbox()
    series = {each.name: recorder.open(each, limits=(), edges=RTT_EDGES) for each in TARGETS}
    for step in range(700):
        now = START + step * DAY // 100
        for each in TARGETS:
            series[each.name].decide(series[each.name].send(now), Reading(Result.SUCCESS, rtt=1000))
        gaps = (Gap(now + S // 10, now + S // 5, "suspended"),)
        live.update(inbox.read(recorder.batch(now + S // 2)), gaps, now + S // 2)
    assert len(live._gaps) <= 400  # two days of them, twice


def renew(live: Live, facts: Facts, now: int, *services: ServiceFacts, targets: tuple[Target, ...] = TARGETS) -> Live:
    """As a reload does it; the part that was judged anew."""
    anew = live.renewed(services, targets)
    names = {each.name for each in anew.targets}
    for _ in anew.replay([series for name, series in facts.series.items() if name in names], facts.gaps, now):
        pass
    live.set(services, targets)
    live.adopt(anew)
    return anew


def test_another_quorum_judges_the_past_anew() -> None:
    live = followed(*SERVICES)
    lossy = {"lan/gw": "x." * 300, "hq/a": "." * 600, "hq/b": "." * 200 + "x" * 100 + "." * 300}
    now = fed(live, lossy)
    lan = live.service("lan")
    stricter = replace(SERVICES[1], quorum=2)
    facts = scratch(runs_of(lossy), now, ())
    anew = renew(live, facts, now, SERVICES[0], stricter)
    assert {each.name for each in anew.targets} == {"hq/a", "hq/b", "lan/gw"}
    view, seen = live.service("hq"), observe(replace(facts, services={"hq": stricter}), "hq", as_of=now)
    assert view is not None
    assert view.outages == 1
    check(view, seen.timeline.lengths(), seen.timeline.start, seen.settled)
    assert live.service("lan") == lan  # nothing changed there


def runs_of(results: dict[str, str], start: int = START) -> dict[str, list[Run]]:
    """The runs of what `fed` feeds."""
    found = {}
    for name, letters in results.items():
        edges = [0, *(at for at in range(1, len(letters)) if letters[at] != letters[at - 1]), len(letters)]
        found[name] = [
            Run(
                start + first * S,
                start + (end - 1) * S,
                start + (end if end < len(letters) else end - 1) * S,
                end - first,
                MEANT[letters[first]],
            )
            for first, end in pairwise(edges)
        ]
    return found


def test_what_did_not_change_is_not_judged_anew() -> None:
    live = followed(*SERVICES)
    now = fed(live, {"lan/gw": "." * 60, "hq/a": "." * 60, "hq/b": "." * 60})
    assert live.renewed(SERVICES, TARGETS).targets == ()
    assert [each.name for each in live.renewed(SERVICES[:1], TARGETS[:1]).targets] == []
    other = replace(MEMBERS[0], interval=2 * S)
    assert {each.name for each in live.renewed(SERVICES, (WITNESS, other, MEMBERS[1])).targets} == {
        "hq/a",
        "hq/b",
        "lan/gw",
    }
    before = live.service("hq")
    renew(live, scratch({each.name: [] for each in TARGETS}, now, ()), now, *SERVICES)
    assert live.service("hq") == before


def test_a_service_that_goes_and_comes_back_has_its_past() -> None:
    live = followed(*SERVICES)
    story = {"lan/gw": "." * 90, "hq/a": "." * 30 + "x" * 10 + "." * 50, "hq/b": "." * 30 + "x" * 10 + "." * 50}
    now = fed(live, story)
    before = live.service("hq")
    assert before is not None
    assert before.outages == 1
    facts = scratch(runs_of(story), now, ())
    renew(live, facts, now, SERVICES[0], targets=(WITNESS,))
    assert live.service("hq") is None
    assert live.target("hq/a") is None
    renew(live, facts, now, *SERVICES)
    assert live.service("hq") == before


@pytest.mark.parametrize("witness", ["!" * 60, "." * 5 + "!" * 55])
def test_a_witness_that_cannot_be_measured_excuses_nobody_and_holds_nothing_up(witness: str) -> None:
    """`address: gateway` on a host without a default route: nothing is sent."""
    live = followed(*SERVICES)
    story = "." * 10 + "x" * 20 + "." * 30
    fed(live, {"lan/gw": witness, "hq/a": story, "hq/b": story})
    view = live.service("hq")
    assert view is not None
    assert view.nanoseconds[State.LOCAL_FAULT] == view.nanoseconds[State.UNKNOWN] == 0
    assert view.nanoseconds[State.DOWN] == 20 * S
    assert view.state is State.UP
    assert view.settled >= START + 59 * S


def test_a_long_past_is_judged_in_short_steps() -> None:
    facts = scratch(
        runs_of({"lan/gw": "x." * 15000, "hq/a": "........x" * 3000, "hq/b": "." * 27000}), START + 30000 * S, ()
    )
    live = followed(*SERVICES)
    steps = sum(1 for _ in live.replay(facts.series.values(), (), START + 30000 * S))
    assert steps >= sum(len(series.runs) for series in facts.series.values()) // following.SLICE
    assert max(len(each.ended) for each in live._known.values()) <= following.SLICE
    agree(live, facts, START + 30000 * S)


@given(
    st.lists(
        st.tuples(st.lists(st.tuples(*[st.sampled_from("..xxu!")] * len(TARGETS)), min_size=1, max_size=12), rests),
        min_size=1,
        max_size=8,
    ),
    st.tuples(st.integers(1, 3), st.integers(1, 2)),
    st.sampled_from((1, 2, 5, 32)),
    st.integers(1, 20),
    st.tuples(*[st.one_of(st.none(), rules)] * len(TARGETS)),
)
@example(  # the outage of the witness goes on with an answer too few to end it, which is evidence later
    [([tuple("x..")], S), ([tuple(letters) for letters in ("...", "x..", "!..", "xx.", "...", "...")], S)],
    (1, 2), 1, 1, (None, None, None),
)  # fmt: skip
def test_a_past_of_many_restarts_is_judged_as_all_at_once(
    lives: list[tuple[list[tuple[str, ...]], int]],
    counts: tuple[int, int],
    many: int,
    pace: int,
    by: tuple[Slots | None, ...],
) -> None:
    """What the last probe before a restart decided holds behind it, though it speaks for no time; what it left open is open."""
    after, until = counts
    targets = tuple(replace(t, down_after=after, up_after=until, slots=s) for t, s in zip(TARGETS, by, strict=True))
    runs: dict[str, list[Run]] = {each.name: [] for each in TARGETS}
    begun = START
    for seconds, rest in lives:
        for each, letters in zip(TARGETS, zip(*seconds, strict=True), strict=True):
            runs[each.name] += runs_of({each.name: "".join(letters)}, begun)[each.name]
        begun += (len(seconds) - 1) * S + rest
    now = begun
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "MANY_RUNS", many)
        patch.setattr(following, "SLICE", pace)
        patch.setattr(f"{__name__}.TARGETS", targets)
        facts, live = scratch(runs, now, ()), followed(*SERVICES, targets=targets)
        for _ in live.replay(facts.series.values(), (), now):
            pass
        agree(live, facts, now)


# -- slots ---------------------------------------------------------------------------------------------------------------------


def by_hand(letters: str, slots: Slots) -> list[State]:
    """The state of each slot from the first packet's on, that the packets of all of them decide; a blank: nobody looked."""
    first = START // slots.length
    inside: dict[int, str] = {}
    for second, letter in enumerate(letters):
        number = (START + second * S) // slots.length - first
        inside[number] = inside.get(number, "") + letter
    good: list[bool | State] = []
    for sent in (inside.get(number, "") for number in range(max(inside) + 1)):
        lost, counted = sum(map(sent.count, "xu")), sum(map(sent.count, "xu."))
        if counted:
            good.append(Fraction(lost, counted) <= slots.loss_over)
        else:
            good.append(State.LOCAL_FAULT if "!" in sent else State.UNKNOWN)
    held, states = State.UNKNOWN, []
    for number, one in enumerate(good):
        if good[number : number + slots.after] == [False] * slots.after:
            held = State.DOWN
        elif good[number : number + slots.until] == [True] * slots.until:
            held = State.UP
        states.append(held if isinstance(one, bool) else one)
    return states


SEEN = st.lists(
    st.tuples(st.sampled_from((".", ".", "x", ".x", "xx.", "..x", "u", "!", " ")), st.integers(1, 12)), max_size=20
)


@given(SEEN, rules, st.integers(1, 9), st.integers(0, 50), st.sampled_from((1, 3, 32)))
def test_slots_followed_live_are_those_of_a_contract_and_of_the_packets(
    stretches: list[tuple[str, int]], slots: Slots, pace: int, periods: int, many: int
) -> None:
    """A contract with the same slots, of a period that begins at the edge of one, over targets that know none."""
    letters = "." + "".join(what * times for what, times in stretches) + "."
    alone = replace(MEMBERS[0], witness=None, slots=slots)
    service = ServiceFacts(service="hq", targets=("hq/a",), quorum=1, round=S)
    live, recorder, inbox = followed(service, targets=(alone,)), Recorder("here"), Inbox()
    series = recorder.open(alone, limits=(), edges=RTT_EDGES)
    turns, runs, now = [], list[Run](), START
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "MANY_RUNS", many)
        for second, letter in enumerate(letters):
            now = START + second * S
            if letter != " ":
                result = MEANT[letter]
                series.decide(series.send(now), Reading(result, rtt=1000 if result is Result.SUCCESS else None))
            if second % pace == 0 or second == len(letters) - 1:
                news = inbox.read(recorder.batch(now + S // 2))
                runs = merged(runs, "hq/a", news)
                turns += live.update(news, (), now + S // 2)
    facts = SeriesFacts(
        target="hq/a", interval=S, timeout=S // 2, known_from=START, through=now + S // 2, runs=tuple(runs)
    )
    origin = (START // slots.length - periods) * slots.length
    seen = observe(
        Facts(services={"hq": service}, series={"hq/a": facts}), "hq", as_of=now, rule=own_rule(slots), origin=origin
    )
    view = live.service("hq")
    settled = START if view is None else view.settled
    assert settled == seen.settled
    mine = [turn for turn in turns if turn.noun == "service"]
    ends = [*(turn.since for turn in mine[1:]), settled]
    outages = union((turn.since, end) for turn, end in zip(mine, ends, strict=False) if turn.state is State.DOWN)
    assert outages == seen.outages
    states = by_hand(letters, slots)
    edges = [(START // slots.length + number) * slots.length for number in range(len(states) + 1)]
    expected = union(
        (max(edge, START), min(edge + slots.length, settled))
        for edge, state in zip(edges, states, strict=False)
        if state is State.DOWN
    )
    assert outages == expected


def test_slots_turn_where_failures_in_a_row_do_not() -> None:
    slots = Slots(length=10 * S, loss_over=Fraction(1, 2), after=2, until=2)
    lossy = replace(MEMBERS[0], witness=None, slots=slots)
    steady = replace(MEMBERS[1], witness=None, up_after=1)
    live = followed(
        ServiceFacts(service="hq", targets=("hq/a",), quorum=1, round=S),
        ServiceFacts(service="other", targets=("hq/b",), quorum=1, round=S),
        targets=(lossy, steady),
    )
    story = "." * 60 + "xx." * 20 + "." * 60
    fed(live, {"hq/a": story, "hq/b": story})
    view, other = live.service("hq"), live.service("other")
    assert view is not None
    assert other is not None
    assert (view.outages, view.state, view.nanoseconds[State.DOWN]) == (1, State.UP, 60 * S)
    assert (other.outages, other.state) == (0, State.UP)
    failing = live.failing("hq/a", START + 180 * S)
    assert failing == (0, 120), "what made the outage is told apart"


@pytest.mark.parametrize("pattern", ["x.", "xx.", "xxxxx..........", "xx.!", "x" * 30 + "." * 30])
@pytest.mark.parametrize("after", [1, 3])
def test_slots_of_a_lossy_target_fill_no_memory(pattern: str, after: int) -> None:
    slots = Slots(length=5 * S, loss_over=Fraction(1, 2), after=after, until=2)
    targets = tuple(replace(each, slots=slots) for each in TARGETS)
    live = followed(*SERVICES, targets=targets)
    lossy = (pattern * 2000)[:2000]
    fed(live, {"lan/gw": lossy, "hq/a": "." * 2000, "hq/b": lossy}, batches=3)
    for name in ("lan/gw", "hq/b"):
        assert len(live._known[name].ended) <= 6 * known.MANY_RUNS


def test_a_steady_service_of_slots_is_not_judged_again() -> None:
    slots = Slots(length=7 * S, loss_over=Fraction(1, 2), after=2, until=3)
    live = followed(SERVICES[0], targets=(replace(WITNESS, slots=slots),))
    fed(live, {"lan/gw": "." * 200})
    assert live._service_steady(live._services["lan"])
    view = live.service("lan")
    assert view is not None
    assert view.settled == (START + 199 * S) // (7 * S) * 7 * S, "the slot that goes on may yet turn out bad"
