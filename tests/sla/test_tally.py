"""Tallies add: a period cut anywhere and summed is the period, also when the tail is judged on few facts."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from slamon.model import MINUTE, S
from slamon.record.rows import Gap, Run
from slamon.sla.facts import Facts, SeriesFacts, State
from slamon.sla.statement import evaluate, judge
from slamon.sla.tally import QUARTER, Tally, base_end, counts_packets, eligible, needed_from, settled, tally
from slamon.sla.terms import Contract
from tests.sla.build import (
    availability,
    contract,
    credit,
    declared,
    exclusion,
    latency,
    loss,
    observed,
    period,
    series,
    shots,
)

NOW = 40_000 * S
END = 3 * QUARTER

terms = contract(
    objectives=[availability("99", "95"), latency("p90", 25), latency("mean", name="mean"), loss("1")],
    credits=(credit({"99%": "10%", "95%": "25%"}),),
)
marks = st.lists(
    st.tuples(st.sampled_from("......xxe? "), st.integers(1, 12)).map(lambda run: run[0] * run[1]),
    min_size=1,
    max_size=40,
).map("".join)


@st.composite
def worlds(draw: st.DrawFn) -> Facts:
    """45 minutes of two targets, one behind a witness; gaps and exclusions."""
    facts = []
    for name, every, witness in (("link/a", 11, "lan/gw"), ("link/b", 17, None), ("lan/gw", 7, None)):
        sent = shots("." + draw(marks), every=every, start=draw(st.integers(0, 300)), rtt=draw(st.integers(1, 10**8)))
        facts.append(
            series(
                sent,
                name=name,
                interval=every,
                witness=witness,
                down_after=draw(st.integers(1, 3)),
                up_after=draw(st.integers(1, 2)),
                through=draw(st.integers(0, 3000)),
                limits=(25_000_000,),
            )
        )
    gaps = tuple(
        Gap(at * S, (at + draw(st.integers(1, 300))) * S, "stopped")
        for at in draw(st.lists(st.integers(0, 2700), max_size=2))
    )
    excluded = tuple(
        exclusion(at, at + draw(st.integers(1, 900)), draw(st.sampled_from(["customer", "maintenance"])), id=f"e{i}")
        for i, at in enumerate(draw(st.lists(st.integers(0, 2700), max_size=3)))
    )
    return observed(*facts, quorum=draw(st.integers(1, 2)), gaps=gaps, exclusions=excluded)


timed = contract(objectives=[availability("99", "95")], credits=terms.credits)


def of(facts: Facts, start: int, end: int, contract: Contract = terms) -> Tally:
    return tally(contract, facts, start, end, as_of=NOW)


def from_cut(facts: Facts, cut: int) -> Facts:
    """Only what a tally from `cut` needs: runs and gaps of its context, records from the cut on."""
    begin = needed_from(terms, facts, cut)
    assert begin <= cut

    def kept(one: SeriesFacts) -> SeriesFacts:
        recent = tuple(run for run in one.runs if max(run.until, run.last_sent + 1) > begin)
        return replace(one, runs=recent, records=tuple(record for record in one.records if record.end > cut))

    return replace(
        facts,
        series={name: kept(one) for name, one in facts.series.items()},
        gaps=tuple(gap for gap in facts.gaps if gap.end > begin),
    )


cuts = st.integers(0, END // S)
"""Any second for time; whole minutes where records are read, because those must not straddle a cut."""


@examples(max_examples=60)
@given(worlds(), st.lists(cuts, max_size=4), st.booleans())
def test_tallies_add(facts: Facts, cut: list[int], packets: bool) -> None:
    contract = terms if packets else timed
    edges = [0, *sorted((c - c % 60 if packets else c) * S for c in cut), END]
    whole = of(facts, 0, END, contract)
    parts = [of(facts, a, b, contract) for a, b in pairwise(edges)]
    assert sum(parts, start=Tally()) == whole
    assert sum(reversed(parts), start=Tally()) == whole
    if len(parts) > 2:
        assert (parts[0] + parts[1]) + parts[2] == parts[0] + (parts[1] + parts[2])


@examples(max_examples=80)
@given(worlds(), cuts, st.booleans())
def test_running_is_from_scratch(facts: Facts, cut: int, packets: bool) -> None:
    """A base up to a cut that is settled, and the tail on the few facts it needs."""
    contract = terms if packets else timed
    whole = of(facts, 0, END, contract)
    at = max(0, min(cut * S, whole.settled, END))
    at -= at % MINUTE if packets else 0
    base, tail = of(facts, 0, at, contract), of(from_cut(facts, at), at, END, contract)
    assert base + tail == whole
    span = period(0, END // S)
    assert judge(contract, span, base + tail, NOW) == evaluate(contract, facts, span, NOW)


@examples(max_examples=40)
@given(worlds())
def test_a_base_ends_with_a_quarter_hour_before_anything_open(facts: Facts) -> None:
    cut = base_end(terms, facts, 0, END, as_of=NOW)
    whole = of(facts, 0, END)
    assert cut % QUARTER == 0
    assert cut <= max(0, whole.settled)
    open_outages = [outage for outage in whole.outages if outage.end == whole.settled]
    assert all(outage.start >= cut for outage in open_outages)
    assert base_end(terms, facts, 7, 7, as_of=NOW) == 7


def test_settled_is_the_observed_instant() -> None:
    assert settled(terms, observed(series(shots("....xx"))), as_of=NOW) == 40 * S
    assert settled(terms, declared(), as_of=NOW) == NOW


def test_an_outage_across_a_cut_is_one() -> None:
    facts = declared((50, 150, State.DOWN), (300, 310, State.DOWN))
    left, right = of(facts, 0, 100 * S), of(facts, 100 * S, 400 * S)
    assert [(o.start, o.end, o.began) for o in right.outages] == [
        (100 * S, 150 * S, 50 * S),
        (300 * S, 310 * S, 300 * S),
    ]
    both = left + right
    assert [(o.start, o.end, o.by_cause) for o in both.outages] == [
        (50 * S, 150 * S, {"provider_down": 100 * S}),
        (300 * S, 310 * S, {"provider_down": 10 * S}),
    ]


def test_the_empty_tally_of_an_instant_inside_an_outage_has_no_outage() -> None:
    assert of(declared((50, 150, State.DOWN)), 100 * S, 100 * S) == Tally(settled=100 * S)


def test_a_gap_inside_the_run_an_open_outage_begins_in_is_needed_with_it() -> None:
    """Without the gap the failures before it would make the outage begin earlier."""
    sent = shots("..." + "x" * 30)
    facts = observed(series(sent), gaps=(Gap(60 * S, 105 * S, "clock_step"),))
    cut = 200 * S
    assert needed_from(timed, facts, cut) == 30 * S
    (whole,) = [outage for outage in of(facts, 0, 400 * S, timed).outages if outage.end > cut]
    assert whole.began == 110 * S
    assert of(from_cut(facts, cut), cut, 400 * S, timed).outages[0].began == 110 * S


def test_only_packets_of_good_time_count() -> None:
    """Up, measured, not excluded; a minute an edge cuts counts by its raw samples, and not at all without them."""
    sent = shots("." * 30 + "xxxx" + "." * 30, every=10)
    facts = observed(series(sent), exclusions=(exclusion(30, 90),))
    assert eligible(terms, facts, 0, 600 * S, as_of=NOW) == ((0, 30 * S), (90 * S, 300 * S), (340 * S, 600 * S))
    packets = of(facts, 0, 600 * S).packets["link/a"]
    assert (packets.received, packets.lost) == (60 - 6 - 4, 0)
    blind = observed(series(sent, raw=False), exclusions=(exclusion(30, 90),))
    whole_minutes = [2, 3, 4, 6, 7, 8, 9]
    assert of(blind, 0, 600 * S).packets["link/a"].received == 6 * len(whole_minutes)
    loss_only = contract(objectives=[loss()])
    assert of(facts, 0, 600 * S, loss_only).packets["link/a"].received == 50


def test_records_are_not_read_without_need() -> None:
    assert not counts_packets(timed)
    assert counts_packets(terms)
    assert of(observed(series(shots("..."))), 0, 30 * S, timed).packets == {}
    assert of(Facts(), 0, 30 * S).packets == {}
    nobody = observed(series(shots("...")), service="elsewhere")
    assert of(nobody, 0, 30 * S).time == {"unknown": 30 * S}


def test_packets_of_a_target_without_facts_are_none() -> None:
    facts = observed(series(shots("...")))
    more = replace(facts, services={"link": replace(facts.services["link"], targets=("link/a", "link/new"))})
    assert list(of(more, 0, 30 * S).packets) == ["link/a"]


def test_a_long_record_counts_only_when_all_of_it_does() -> None:
    facts = observed(series(shots("." * 200)))
    minutes = facts.series["link/a"].records
    quarter = replace(minutes[0], length=QUARTER, raw=None, received=sum(m.received for m in minutes[:15]))
    coarse = replace(facts, series={"link/a": replace(facts.series["link/a"], records=(quarter, *minutes[15:]))})
    fine = of(facts, 0, 1800 * S).packets["link/a"].received
    assert of(coarse, 0, 1800 * S).packets["link/a"].received == fine == 180
    cut = replace(coarse, exclusions=(exclusion(100, 101),))
    assert of(cut, 0, 1800 * S).packets["link/a"].received == fine - 90


def test_a_run_of_hours_is_judged_like_its_samples() -> None:
    run = Run(0, 600 * S, 600 * S, 61, shots(".")[0].result)
    facts = observed(replace(series(shots(".")), runs=(run,), through=601 * S, records=()))
    made = of(facts, 0, 15 * MINUTE)
    assert made.time == {"up": 600 * S, "not_elapsed": 300 * S}
    assert made.settled == 600 * S
