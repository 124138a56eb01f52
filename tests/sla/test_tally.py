"""Tallies add: a period cut anywhere and summed is the period, also when the tail is judged on few facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from slamon.model import MINUTE, MS, S
from slamon.record.rows import Gap, Run
from slamon.sla.account import Account
from slamon.sla.facts import DeclaredSpan, Facts, Sample, SampleSeries, State, Ticket
from slamon.sla.outages import ruled
from slamon.sla.statement import evaluate, state
from slamon.sla.tally import (
    QUARTER,
    Tally,
    base_end,
    counts_packets,
    eligible,
    tally,
)
from slamon.sla.terms import Contract, Term
from slamon.sla.terms.composition import Group
from slamon.sla.terms.measures import Side
from slamon.sla.terms.objectives import Variation
from slamon.sla.terms.outages import BadSlot, Clock, OutageRule, SlotRule
from slamon.sla.terms.times import Weekly
from tests.sla.build import (
    OK,
    Billed,
    Shot,
    availability,
    contract,
    credit,
    declared,
    exclusion,
    jitter,
    latency,
    loss,
    observed,
    period,
    series,
    shots,
    statistic,
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
    tickets = tuple(
        Ticket(at * S, draw(st.none() | st.integers(at, at + 900).map(lambda second: second * S)))
        for at in draw(st.lists(st.integers(0, 2700), max_size=3))
    )
    return observed(*facts, quorum=draw(st.integers(1, 2)), gaps=gaps, exclusions=excluded, tickets=tickets)


outage_rules = st.builds(
    OutageRule,
    after=st.sampled_from([None, 2]),
    until=st.sampled_from([None, 2]),
    side=st.sampled_from([None, Side.OVER, Side.AT_LEAST]),
    length=st.integers(1, 300).map(lambda second: second * S),
    merge_within=st.sampled_from([0, 60 * S, 200 * S]),
    starts=st.sampled_from([Clock.MEASURED, Clock.MEASURED, Clock.TICKET, Clock.LATER]),
    ends=st.sampled_from([Clock.MEASURED, Clock.MEASURED, Clock.TICKET, Clock.SOONER]),
)

timed = contract(objectives=[availability("99", "95")], credits=terms.credits)


def of(facts: Facts, start: int, end: int, contract: Contract = terms) -> Tally:
    return tally(contract, facts, start, end, as_of=NOW, origin=0)


def from_cut(facts: Facts, cut: int) -> Facts:
    """Only what a tally from `cut` needs: all runs and gaps, records from the cut on."""
    series = {
        name: replace(one, records=tuple(record for record in one.records if record.end > cut))
        for name, one in facts.series.items()
    }
    return replace(facts, series=series)


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
    """A base up to a cut that is settled, and the tail without the records before it."""
    facts = replace(facts, tickets=())  # one reaches from an outage before the cut beyond it
    contract = terms if packets else timed
    whole = of(facts, 0, END, contract)
    at = max(0, min(cut * S, whole.settled, END))
    at -= at % MINUTE if packets else 0
    base, tail = of(facts, 0, at, contract), of(from_cut(facts, at), at, END, contract)
    assert base + tail == whole
    span = period(0, END // S)
    account = Account(contract, from_cut(facts, at), NOW, tallies=lambda *_: base + tail)
    assert state(account, span) == evaluate(contract, facts, span, NOW)


@examples(max_examples=80)
@given(worlds(), outage_rules, st.sampled_from([QUARTER, MINUTE]))
def test_running_is_from_scratch_by_any_outage_rule(facts: Facts, rule: OutageRule, grain: int) -> None:
    """A base up to the end the rule allows, and the tail."""
    contract = replace(terms, outage=rule)
    at = base_end(contract, facts, 0, END, as_of=NOW, origin=0, grain=grain)
    assert at % grain == 0
    base, tail = of(facts, 0, at, contract), of(facts, at, END, contract)
    assert base + tail == of(facts, 0, END, contract)


@examples(max_examples=40)
@given(worlds(), outage_rules)
def test_a_ruling_that_is_known_need_not_be_made_again(facts: Facts, rule: OutageRule) -> None:
    contract = replace(terms, outage=rule)
    known = ruled(contract, facts, contract.service, as_of=NOW, origin=0)
    assert tally(contract, facts, 0, END, as_of=NOW, ruling=known) == of(facts, 0, END, contract)
    assert eligible(contract, facts, 0, END, as_of=NOW, ruling=known) == eligible(contract, facts, 0, END, as_of=NOW)
    at = base_end(contract, facts, 0, END, as_of=NOW, origin=0, grain=MINUTE)
    assert base_end(contract, facts, 0, END, as_of=NOW, origin=0, grain=MINUTE, ruling=known) == at


@examples(max_examples=60)
@given(worlds(), st.lists(cuts, max_size=3), outage_rules)
def test_tallies_add_by_any_outage_rule(facts: Facts, cut: list[int], rule: OutageRule) -> None:
    contract = replace(timed, outage=rule)
    edges = [0, *sorted(c * S for c in cut), END]
    parts = [of(facts, a, b, contract) for a, b in pairwise(edges)]
    assert sum(parts, start=Tally()) == of(facts, 0, END, contract)


@examples(max_examples=30)
@given(worlds(), st.lists(cuts.map(lambda c: c - c % 60), max_size=3), st.booleans())
def test_tallies_of_slots_add_where_no_slot_is_cut(facts: Facts, cut: list[int], by_loss: bool) -> None:
    loss_rule = BadSlot(rule=SlotRule.LOSS, threshold=Fraction(1, 4))
    down = BadSlot(rule=SlotRule.DOWN, side=Side.AT_LEAST, threshold=Fraction(20 * S))
    contract = replace(timed, outage=OutageRule(slot=60 * S, bad_slot=loss_rule if by_loss else down, after=2))
    edges = [0, *sorted(c * S for c in cut), END]
    parts = [of(facts, a, b, contract) for a, b in pairwise(edges)]
    assert sum(parts, start=Tally()) == of(facts, 0, END, contract)
    assert base_end(contract, facts, 60 * S, END, as_of=NOW, origin=0) == 60 * S, "slots are judged from the start"


sampled = replace(
    terms,
    objectives=(
        *terms.objectives,
        jitter("mean_abs", Variation.IPDV),
        jitter("p50", Variation.IPDV, name="p50"),
        jitter("mean", Variation.PDV, name="pdv", always=True),
        loss("1", name="worst", statistic=statistic("worst 300")),
        latency("p99", name="all", packets_all=True),
        latency("median", name="median"),
    ),
)


@examples(max_examples=40)
@given(worlds(), st.lists(cuts, max_size=4))
def test_figures_of_sums_are_those_of_their_parts(facts: Facts, cut: list[int]) -> None:
    edges = [0, *sorted((c - c % 60) * S for c in cut), END]
    whole = of(facts, 0, END, sampled)
    parts = [of(facts, a, b, sampled) for a, b in pairwise(edges)]
    assert sum(parts, start=Tally()) == whole
    assert sum(reversed(parts), start=Tally()) == whole
    assert whole.streams == {}
    span = period(0, END // S)
    account = Account(sampled, facts, NOW, tallies=lambda *_: sum(parts, start=Tally()))
    assert state(account, span) == evaluate(sampled, facts, span, NOW)


def test_samples_stated_by_hand_add() -> None:
    each = tuple(Sample(at * 10 * S, 1, Fraction(at % 7 == 3), None if at % 7 == 3 else at) for at in range(60))
    facts = Facts(samples={"link": (SampleSeries(start=0, every=10 * S, samples=each),)}, charges=Billed(1000))
    whole = of(facts, 0, END, sampled)
    parts = [of(facts, a * S, b * S, sampled) for a, b in ((0, 95), (95, 300), (300, END // S))]
    assert sum(parts, start=Tally()) == sum(reversed(parts), start=Tally()) == whole
    assert [len(part.streams["link"]) for part in (*parts, whole)] == [10, 20, 30, 60]
    assert of(facts, 0, END, timed).streams == {}


def test_an_objective_that_sums_do_not_give_takes_nothing_from_the_others() -> None:
    """Whether some packets are there, all, or none, as of whole minutes in the store."""
    lines: dict[tuple[int, bool], dict[str, Fraction | None]] = {}
    with_raw = observed(series(shots("." * 30 + "x" + "." * 90, rtt=30 * MS)))
    minutes = with_raw.series["link/a"].records
    for kept in (0, 1, len(minutes)):
        records = tuple(replace(one, raw=one.raw if n < kept else None) for n, one in enumerate(minutes))
        facts = replace(with_raw, series={"link/a": replace(with_raw.series["link/a"], records=records)})
        for wanted in (terms, sampled):
            judged = evaluate(wanted, facts, period(0, 1200), 1200 * S)
            lines[kept, wanted is sampled] = {line.name: line.value for line in judged.objectives}
    plain = {name: lines[0, False][name] for name in ("loss", "mean")}
    assert plain == {"loss": Fraction(1, 120), "mean": 30 * MS}
    for (_, more), found in lines.items():
        assert {name: found[name] for name in plain} == plain
        assert not more or (found["p50"], found["worst"], found["median"]) == (None, None, Fraction(30 * MS))


def test_a_poisson_process_has_its_pairs_within_its_longest_wait() -> None:
    """Also in minutes that are cut, which the recorder sums up by the same rule."""
    sent = [Shot(second, OK, rtt) for second, rtt in ((0, 10), (4, 13), (40, 18), (50, 10))]
    wanted = contract(objectives=[jitter("mean_abs", Variation.IPDV)])
    for spacing, pairs in ((0, 2), (30, 3)):
        facts = observed(replace(series(sent, closed=60), spacing=spacing * S))
        packets = of(facts, 0, 55 * S, wanted).packets["link/a"]
        assert packets.ipdv_count == pairs


@examples(max_examples=40)
@given(worlds())
def test_a_base_ends_with_a_quarter_hour_before_anything_open(facts: Facts) -> None:
    cut = base_end(terms, facts, 0, END, as_of=NOW, origin=0)
    whole = of(facts, 0, END)
    assert cut % QUARTER == 0
    assert cut <= max(0, whole.settled)
    open_outages = [outage for outage in whole.outages if outage.end == whole.settled]
    assert all(outage.start >= cut for outage in open_outages)
    assert base_end(terms, facts, 7, 7, as_of=NOW, origin=0) == 7


def test_what_the_rule_makes_of_the_facts_is_asked_once_for_all() -> None:
    facts = observed(series(shots("." * 100 + "xxxx" + "." * 80)))
    ruling = ruled(terms, facts, terms.service, as_of=NOW, origin=0)
    assert tally(terms, facts, 0, END, as_of=NOW, origin=0, ruling=ruling) == of(facts, 0, END)
    spans = eligible(terms, facts, 0, END, as_of=NOW, origin=0)
    assert eligible(terms, facts, 0, END, as_of=NOW, origin=0, ruling=ruling) == spans
    assert base_end(terms, facts, 0, END, as_of=NOW, origin=0, ruling=ruling) == 2 * QUARTER
    assert base_end(terms, facts, 0, END, as_of=NOW, origin=0, grain=MINUTE) == 1830 * S // MINUTE * MINUTE


def test_a_base_ends_before_an_outage_whose_ticket_is_open() -> None:
    sent = series(shots("." * 100 + "xxxx" + "." * 70 + "x" * 3 + "." * 20))
    ticket = Ticket(1010 * S)
    for rule in (OutageRule(starts=Clock.MEASURED, ends=Clock.TICKET), OutageRule()):
        contract = replace(timed, outage=rule)
        for tickets, cut in (
            ((ticket,), QUARTER),
            ((ticket._replace(closed=1200 * S),), 2 * QUARTER),
            ((), 2 * QUARTER),
        ):
            facts = observed(sent, tickets=tickets)
            assert base_end(contract, facts, 0, END, as_of=NOW, origin=0) == cut
            tail = of(facts, cut, END, contract)
            assert of(facts, 0, cut, contract) + tail == of(facts, 0, END, contract)


def test_a_base_ends_before_a_ticket_that_an_outage_may_yet_overlap() -> None:
    """The next outage would be one from where the ticket was opened."""
    sent = series(shots("." * 190))
    for opened, closed, cut in (
        (1010, None, QUARTER),
        (1010, 1200, 2 * QUARTER),
        (1010, 1950, QUARTER),
        (5000, None, 2 * QUARTER),
    ):
        ticket = Ticket(opened * S, None if closed is None else closed * S)
        facts = observed(sent, tickets=(ticket,))
        assert base_end(timed, facts, 0, END, as_of=NOW, origin=0) == cut


def test_a_base_ends_before_a_chain_of_outages_that_may_be_one() -> None:
    """A, B and C are bridged: all of it is one outage, and a quarter hour ends in the middle of it."""
    sent = series(shots("." * 84 + "xxx" + "......" + "xxx" + "......" + "xxx" + "." * 100))
    for gap, cut in ((70, 0), (60, QUARTER)):
        contract = replace(timed, outage=OutageRule(merge_within=gap * S, side=Side.OVER, length=200 * S))
        facts = observed(sent)
        assert base_end(contract, facts, 0, END, as_of=1100 * S, origin=0) == cut
        assert [o.ended - o.began for o in of(facts, 0, END, contract).outages] == ([210 * S] if gap == 70 else [])


def test_settled_is_the_observed_instant() -> None:
    facts = observed(series(shots("....xx")))
    assert ruled(terms, facts, terms.service, as_of=NOW, origin=0).settled == 40 * S
    assert ruled(terms, declared(), terms.service, as_of=NOW, origin=0).settled == NOW


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


def test_outages_and_exclusions_are_eligible_where_an_objective_looks_at_them_always() -> None:
    facts = observed(series(shots("." * 30 + "xxxx" + "." * 30)), exclusions=(exclusion(30, 90),))
    always = replace(terms, objectives=(*terms.objectives, latency("max", name="always", always=True)))
    assert eligible(always, facts, 0, 600 * S, as_of=NOW) == (
        (0, 30 * S),
        (30 * S, 90 * S),
        (90 * S, 300 * S),
        (300 * S, 340 * S),
        (340 * S, 600 * S),
    ), "cut where what counts for the others begins and ends"
    made = of(facts, 0, 600 * S, always)
    assert (made.packets["link/a"].received, made.packets["link/a"].lost) == (50, 0)
    assert (made.always["link/a"].received, made.always["link/a"].lost) == (56, 4)


def test_degraded_time_counts_as_far_as_the_contract_weighs_it() -> None:
    facts = declared((0, 100, State.DEGRADED), (100, 110, State.DOWN), exclusions=(exclusion(0, 20),))
    for weight, charged in ((Fraction(0), 10), (Fraction(1, 4), 30), (Fraction(1), 90)):
        made = of(facts, 0, 400 * S, replace(timed, outage=OutageRule(degraded_counts=weight)))
        assert made.charged == charged * S
        assert made.raw_charged == (10 + 100 * weight) * S
        assert made.time == {"maintenance": 20 * S, "degraded": 80 * S, "provider_down": 10 * S, "up": 290 * S}
        assert made.available == ((20 * S, 100 * S), (110 * S, 400 * S))
        assert [outage.charged for outage in made.outages] == [10 * S]


def test_only_time_in_term_and_service_hours_is_tallied() -> None:
    minute = Weekly(weekdays=frozenset(range(7)), start=60, end=120)
    facts = declared((50, 70, State.DOWN), (110, 130, State.DOWN), (200, 210, State.DOWN))
    made = of(facts, 0, 400 * S, replace(timed, service_hours=(minute,)))
    assert made.time == {"provider_down": 20 * S, "up": 40 * S}
    assert [(o.start // S, o.end // S, o.charged // S, sum(o.by_cause.values()) // S) for o in made.outages] == [
        (50, 70, 10, 10),
        (110, 130, 10, 10),
        (200, 210, 0, 0),
    ]
    assert of(facts, 0, 400 * S, replace(timed, term=Term(end=date(1969, 12, 31)))).time == {}


def test_services_of_a_contract_and_of_an_objective_have_tallies_of_their_own() -> None:
    facts = Facts(
        declared={"a": (DeclaredSpan(start=0, end=10 * S, state=State.DOWN),), "b": ()}, samples={"a": (), "b": ()}
    )
    one = replace(timed, service=Group(of=("a", "b"), need=1))
    for service, down in ((None, 0), ("a", 10 * S), (Group(of=("a", "b"), need=2), 10 * S)):
        assert tally(one, facts, 0, 100 * S, as_of=NOW, service=service).charged == down
        assert tally(one, facts, 0, 100 * S, as_of=55 * S, service=service).settled == 55 * S
        assert base_end(one, facts, 0, END, as_of=NOW, origin=0, service=service) == END
        assert eligible(one, facts, 0, 100 * S, as_of=NOW, service=service) == ((down, 100 * S),)
