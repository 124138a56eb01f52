"""The front door: open and closed periods, what is unknown stays unknown, and what the periods of a contract come to together."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from slamon.model import DAY, MS, S
from slamon.sla import calendar, periods
from slamon.sla.facts import Closed, Exclusion, Facts, State
from slamon.sla.statement import Period, Statement, Status, evaluate
from slamon.sla.terms import UnknownTime
from slamon.sla.terms.composition import Composition, Group
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Form, Level, Objective, Statistic, Total, Variation
from slamon.sla.verdict import verdict
from tests.sla.build import (
    HERE,
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

UP, DOWN, OURS, UNKNOWN = State.UP, State.DOWN, State.LOCAL_FAULT, State.UNKNOWN


def judged(facts: Facts, *, end: int = 1000, as_of: int | None = None, **terms: Any) -> Statement:
    return evaluate(contract(**terms), facts, period(0, end), (end if as_of is None else as_of) * S)


def test_an_open_period_is_judged_as_if_the_rest_were_up() -> None:
    found = judged(declared((0, 100, DOWN)), as_of=200)
    assert (found.open, found.settled, found.in_scope) == (True, 200 * S, 1000 * S)
    assert found.time == {
        "up": 100 * S,
        "provider_down": 100 * S,
        "customer": 0,
        "maintenance": 0,
        "local_fault": 0,
        "unknown": 0,
        "not_elapsed": 800 * S,
    }
    assert [found.availability, found.availability_so_far, found.coverage] == [Fraction(9, 10), Fraction(1, 2), 1]
    assert [found.low, found.high] == [Fraction(9, 10)] * 2
    closed = judged(declared((0, 100, DOWN)))
    assert not closed.open
    assert closed.availability == closed.availability_so_far == Fraction(9, 10)


def test_of_a_fixed_denominator_only_elapsed_time_counts_so_far() -> None:
    found = judged(declared((0, 100, DOWN)), as_of=200, objectives=[availability(total=2000 * S)])
    assert [found.total, found.availability, found.availability_so_far] == [2000 * S, Fraction(19, 20), Fraction(1, 2)]
    assert judged(declared((0, 100, DOWN)), objectives=[availability(total=2000 * S)]).availability_so_far == Fraction(
        19, 20
    )


def test_an_exclusion_declared_ahead_is_known_already() -> None:
    """With `net` the total shrinks when it is declared, not while it passes."""
    terms: dict[str, Any] = {"objectives": [availability(total=Total.NET)]}
    facts = declared((0, 90, DOWN), exclusions=[exclusion(500, 600)])
    for as_of in (200, 550, 1000):
        found = judged(facts, as_of=as_of, **terms)
        assert (found.total, found.availability) == (900 * S, Fraction(9, 10))
        assert (found.excluded, found.exclusions[0].applied, found.time["maintenance"]) == (100 * S, 100 * S, 100 * S)
    assert judged(facts, as_of=200, **terms).availability_so_far == Fraction(110, 200)
    assert judged(facts, as_of=550, **terms).availability_so_far == Fraction(410, 500)
    assert judged(facts, as_of=200, **terms).time["not_elapsed"] == 700 * S


def test_nothing_is_invented_where_nothing_was_measured() -> None:
    for policy in UnknownTime:
        found = judged(
            declared((0, 1000, UNKNOWN)), unknown=policy, min_coverage=Fraction(0), credits=(credit({"99%": "10%"}),)
        )
        assert [found.availability, found.availability_so_far, found.raw_availability] == [None] * 3
        assert [found.low, found.high, found.coverage] == [0, 1, 0]
        assert (found.status, found.objectives[0].status, str(found.credit)) == (Status.UNKNOWN, Status.UNKNOWN, "0.00")
        assert (found.credits[0].value, found.credits[0].threshold) == (None, None)


def test_a_period_that_has_not_begun_says_nothing() -> None:
    found = judged(declared(), as_of=0)
    assert [found.availability, found.low, found.high, found.coverage] == [None] * 4
    assert (found.open, found.status, found.settled) == (True, Status.UNKNOWN, 0)
    later = evaluate(contract(), declared(), period(500, 600), 100 * S)
    assert (later.settled, later.time["not_elapsed"]) == (100 * S, 100 * S)


def test_a_service_nobody_measures_is_unknown_up_to_now() -> None:
    found = judged(Facts(), as_of=400)
    assert (found.time["unknown"], found.time["not_elapsed"], found.availability) == (400 * S, 600 * S, None)
    assert judged(Facts()).time["unknown"] == 1000 * S


def test_time_before_the_first_measurement_is_unknown() -> None:
    found = judged(observed(series(shots("." * 61, start=400))), as_of=1000)
    assert (found.time["unknown"], found.time["up"], found.coverage) == (400 * S, 600 * S, Fraction(3, 5))


def test_what_is_wholly_excluded_is_available_by_the_contract() -> None:
    facts = declared((0, 1000, DOWN), exclusions=[exclusion(0, 1000)])
    found = judged(facts)
    assert [found.availability, found.coverage, found.status] == [1, 1, Status.MET]
    assert [found.raw_availability, found.downtime, found.raw_downtime] == [0, 0, 1000 * S]
    net = judged(facts, objectives=[availability(total=Total.NET)])
    assert [net.availability, net.total, net.low, net.high, net.budget_remaining] == [None, 0, None, None, {}]


def test_unknown_time_inside_an_exclusion_is_excluded() -> None:
    found = judged(declared((100, 300, UNKNOWN), exclusions=[exclusion(0, 200)]))
    assert (found.time["maintenance"], found.time["unknown"], found.coverage) == (200 * S, 100 * S, Fraction(9, 10))
    assert [found.total, found.availability] == [900 * S, 1]


@pytest.mark.parametrize(
    ("policy", "value", "downtime"),
    [
        (UnknownTime.EXCLUDED, Fraction(7, 8), 100),
        (UnknownTime.UP, Fraction(9, 10), 100),
        (UnknownTime.DOWN, Fraction(7, 10), 300),
    ],
)
def test_unmeasured_time_counts_as_the_contract_says(policy: UnknownTime, value: Fraction, downtime: int) -> None:
    found = judged(declared((0, 100, DOWN), (200, 300, UNKNOWN), (300, 400, OURS)), unknown=policy)
    assert [found.availability, found.downtime, found.raw_downtime, found.raw_availability] == [
        value,
        downtime * S,
        downtime * S,
        value,
    ]
    assert [found.low, found.high, found.coverage] == [Fraction(7, 10), Fraction(9, 10), Fraction(4, 5)]


def test_too_little_measured_is_unknown_but_still_shown() -> None:
    facts = declared((0, 501, UNKNOWN), (600, 700, DOWN))
    found = judged(facts, credits=(credit({"99%": "10%"}),))
    assert (found.status, found.objectives[0].status) == (Status.UNKNOWN, Status.UNKNOWN)
    assert [found.availability, str(found.credit)] == [Fraction(399, 499), "100.00"]
    assert judged(facts, min_coverage=Fraction(499, 1000)).status is Status.BELOW_TARGET
    assert judged(declared((0, 500, UNKNOWN))).status is Status.MET


def test_undecided_facts_of_a_period_that_ended_a_day_ago_are_unknown() -> None:
    facts = observed(series(shots("." * 50 + "xx", every=10)))
    soon = judged(facts, as_of=1000 + DAY // S - 1)
    assert (soon.open, soon.settled) == (True, 999 * S)
    final = judged(facts, as_of=1000 + DAY // S)
    assert (final.open, final.settled, final.time["unknown"], final.time["up"]) == (False, 1000 * S, 500 * S, 500 * S)
    hours = judged(facts, as_of=2000)
    assert (hours.open, hours.settled, hours.time["not_elapsed"]) == (True, 500 * S, 500 * S)


def test_the_worst_objective_that_promises_something_decides() -> None:
    facts = observed(series(shots("." * 40 + "x" + "." * 59, every=10, rtt=30 * MS)))

    def status(*objectives: Objective) -> Status:
        return judged(facts, end=980, as_of=980, objectives=objectives).status

    assert status(availability("99")) is Status.MET
    assert status(availability("99"), loss("0.5")) is Status.BELOW_TARGET
    assert (
        status(availability("99"), latency("mean", 20, minimum=Level(value=Fraction(25 * MS), side=Side.AT_MOST)))
        is Status.BELOW_MINIMUM
    )
    assert status(availability("99"), latency("mean"), loss()) is Status.MET
    assert status() is Status.MET
    silent = observed(series([Shot(10 * i, shots("?")[0].result) for i in range(100)]))
    assert judged(silent, end=980, objectives=[loss("1")], min_coverage=Fraction(0)).status is Status.UNKNOWN


def test_unknown_objectives_are_worse_than_met_and_better_than_missed() -> None:
    refused = [Shot(10 * i, shots(".")[0].result) for i in range(100)]
    facts = observed(series(refused))
    both = judged(facts, end=980, objectives=[availability("99"), latency("mean", 20)])
    assert [line.status for line in both.objectives] == [Status.MET, Status.UNKNOWN]
    assert both.status is Status.UNKNOWN
    down = observed(series(shots("x" * 100)))
    worse = judged(down, end=980, objectives=[availability("99"), latency("mean", 20)])
    assert worse.status is Status.BELOW_TARGET


@pytest.mark.parametrize(
    ("side", "value", "status"),
    [
        (Side.AT_LEAST, "99.9", Status.MET),
        (Side.AT_LEAST, "99.899", Status.BELOW_TARGET),
        (Side.AT_LEAST, "99.5", Status.BELOW_TARGET),
        (Side.AT_LEAST, "99.499", Status.BELOW_MINIMUM),
        (Side.AT_MOST, "99.9", Status.MET),
        (Side.AT_MOST, "99.901", Status.BELOW_TARGET),
        (Side.AT_MOST, "100.3", Status.BELOW_TARGET),
        (Side.AT_MOST, "100.301", Status.BELOW_MINIMUM),
        (Side.OVER, "99.901", Status.MET),
        (Side.OVER, "99.9", Status.BELOW_TARGET),
        (Side.OVER, "99.5", Status.BELOW_MINIMUM),
        (Side.BELOW, "99.899", Status.MET),
        (Side.BELOW, "99.9", Status.BELOW_TARGET),
        (Side.BELOW, "100.3", Status.BELOW_MINIMUM),
    ],
)
def test_equality_is_met_unless_the_level_names_the_other_side(side: Side, value: str, status: Status) -> None:
    target = Level(value=Fraction("99.9"), side=side)
    lower = side in (Side.AT_LEAST, Side.OVER)
    minimum = Level(value=Fraction("99.5" if lower else "100.3"), side=side)
    assert verdict(Fraction(value), target, minimum) is status
    assert verdict(Fraction(value), None, None) is Status.MET
    assert verdict(None, target, minimum) is Status.UNKNOWN


def test_the_worst_of_several_targets_is_the_value_and_is_named() -> None:
    facts = observed(
        series(shots("." * 100, rtt=10 * MS)),
        series(shots("." * 90 + "x" + "." * 9, rtt=30 * MS), name="link/b"),
        quorum=1,
    )
    kinds = [
        latency("mean", name="mean"),
        latency("mean", name="pooled", over="pooled"),
        latency("mean", name="one", over="link/a"),
        latency("mean", name="short", over="b"),
        latency("mean", name="nobody", over="link/c"),
        loss("1"),
    ]
    found = judged(facts, end=980, as_of=990, objectives=kinds)
    lines = {line.name: (line.value, line.samples, line.worst) for line in found.objectives}
    assert lines == {
        "mean": (30 * MS, 97, "link/b"),
        "pooled": (Fraction(98 * 10 + 97 * 30, 98 + 97) * MS, 195, None),
        "one": (10 * MS, 98, None),
        "short": (30 * MS, 97, None),
        "nobody": (None, 0, None),
        "loss": (Fraction(1, 98), 98, "link/b"),
    }
    alone = judged(observed(series(shots("..."))), end=20, objectives=[latency("mean")])
    assert alone.objectives[0].worst is None


def test_values_given_by_hand_are_judged_like_measured_ones() -> None:
    readings = {period(0, 1000).name: {"availability": Fraction("0.98"), "loss": Fraction("0.02")}}
    facts = replace(declared(), readings=readings)
    found = judged(
        facts,
        objectives=[availability("99.9", "99"), loss("1")],
        credits=(credit({"99%": "10%"}), credit({"1%": "5%"}, objective="loss", side=Side.OVER)),
    )
    assert [found.availability, found.availability_so_far, found.status] == [
        Fraction("0.98"),
        Fraction("0.98"),
        Status.BELOW_MINIMUM,
    ]
    assert [line.value for line in found.objectives] == [Fraction("0.98"), Fraction("0.02")]
    assert str(found.credit) == "150.00"


def test_the_head_figures_are_of_the_objective_called_availability() -> None:
    facts = declared((0, 100, DOWN), exclusions=[exclusion(100, 600)])
    net = availability("99", name="net", total=Total.NET)
    assert judged(facts, objectives=[net, availability("90")]).total == 1000 * S
    assert judged(facts, objectives=[loss(), net]).total == 500 * S
    none = judged(facts, objectives=[])
    assert [none.total, none.availability, none.budget_remaining] == [1000 * S, Fraction(9, 10), {}]


def test_outages_are_clipped_and_say_where_they_began_and_whether_they_go_on() -> None:
    facts = declared((50, 150, DOWN), (200, 210, DOWN), (290, 400, DOWN))
    found = evaluate(contract(), facts, period(100, 300), 295 * S)
    assert [(o.start // S, o.end and o.end // S, o.duration // S, o.began and o.began // S) for o in found.outages] == [
        (100, 150, 50, 50),
        (200, 210, 10, None),
        (290, None, 5, None),
    ]
    closed = evaluate(contract(), facts, period(100, 300), 350 * S)
    assert (closed.outages[-1].end, closed.outages[-1].duration) == (300 * S, 10 * S)


def test_a_later_as_of_changes_nothing_of_a_closed_period() -> None:
    facts = declared((0, 100, DOWN), (100, 130, UNKNOWN), exclusions=[exclusion(50, 70)])
    first, later = (judged(facts, as_of=at, credits=(credit({"99%": "10%"}),)) for at in (1000, 10**7))
    assert replace(later, as_of=first.as_of) == first


def test_the_statement_says_by_what_it_was_judged() -> None:
    terms = contract(text_sha256="ab" * 32, customer="We", notes=("one",), timezone="Europe/Paris")
    found = evaluate(terms, declared(), periods.period(terms, "2026-06"), 1)
    assert (found.terms_sha256, found.tzdata, found.timezone) == ("ab" * 32, calendar.TZDATA, "Europe/Paris")
    assert (found.customer, found.provider, found.kind, found.notes) == ("We", "Example", "sla", ("one",))
    assert found.period == Period(name="2026-06", start=found.period.start, end=found.period.end)


# -- revisions -----------------------------------------------------------------------------------------------------------------


def revised(*exclusions: Exclusion, closed: tuple[int, ...] = (1000,), as_of: int = 5000) -> Statement:
    facts = replace(declared((0, 100, DOWN), exclusions=exclusions), closed=tuple(Closed("", at * S) for at in closed))
    return judged(facts, as_of=as_of, credits=(credit({"99%": "10%", "95%": "25%"}),))


def test_what_is_learned_after_a_statement_was_closed_makes_a_revision() -> None:
    late = exclusion(0, 100, declared_at=2000 * S)
    first = revised(late, as_of=1999)
    assert (first.revision, str(first.credit), str(first.adjustment)) == (1, "250.00", "0.00")
    second = revised(late)
    assert (second.revision, str(second.credit), str(second.adjustment)) == (2, "0.00", "-250.00")
    closed_again = revised(late, closed=(1000, 3000))
    assert (closed_again.revision, str(closed_again.adjustment)) == (2, "0.00"), (
        "nothing changed since it was closed last"
    )
    taken_back = revised(replace(late, revoked_at=3000 * S))
    assert (taken_back.revision, str(taken_back.credit), str(taken_back.adjustment)) == (3, "250.00", "0.00")


def test_what_was_known_before_or_changes_nothing_makes_no_revision() -> None:
    assert revised(exclusion(0, 100, declared_at=999 * S)).revision == 1
    assert revised(exclusion(500, 600, declared_at=2000 * S)).revision == 1
    assert revised(exclusion(0, 100, "of no class", declared_at=2000 * S)).revision == 1
    never = revised(exclusion(0, 100, declared_at=2000 * S), closed=())
    assert (never.revision, never.adjustment) == (1, Decimal("0.00"))
    future = revised(exclusion(0, 100, declared_at=2000 * S), closed=(6000,))
    assert (future.revision, future.adjustment) == (1, Decimal("0.00"))
    unpaid = replace(declared((0, 100, DOWN)), closed=(Closed("", 1000 * S),))
    assert judged(unpaid, as_of=2000, currency=None, price=None, cap=None).adjustment is None


# -- what the promise rests on ---------------------------------------------------------------------------------------------------


def test_whether_the_contracts_below_support_the_promise() -> None:
    below = {
        "a": contract(objectives=[availability("99.9")]),
        "b": contract(objectives=[availability(None, "99.8")]),
        "c": contract(objectives=[loss("1")]),
        "d": contract(objectives=[availability(None)]),
    }

    def rests(on: Composition | None, *objectives: Objective) -> tuple[Fraction | None, bool | None]:
        terms = contract(supported_by=on, objectives=objectives)
        found = evaluate(terms, declared(), period(0, 1000), 1000 * S, others=below)
        return found.supportable, found.promise

    series_ = Fraction(999, 1000) * Fraction(998, 1000)
    both = Group(of=("a", "b"), need=2)
    assert rests(both, availability("99.7")) == (series_, True)
    assert rests(both, availability("99.8")) == (series_, False)
    assert rests(both, availability(str(float(series_ * 100)))) == (series_, True)
    over = availability(target=None)
    assert rests(both, replace(over, target=Level(value=series_, side=Side.OVER))) == (series_, False)
    assert rests(Group(of=("a", "b"), need=1), availability("99.9997")) == (
        1 - Fraction(1, 1000) * Fraction(2, 1000),
        True,
    )
    assert rests(both, availability(None)) == (series_, None)
    assert rests(both, loss("1")) == (series_, None)
    for unknown in ("c", "d", "nobody", Group(of=("a", "c"), need=2)):
        assert rests(unknown, availability("99")) == (None, None)
    assert rests(None, availability("99")) == (None, None)
    assert evaluate(contract(supported_by="a"), declared(), period(0, 10), 10 * S).supportable is None


def test_a_contract_finds_its_objectives() -> None:
    terms = contract(objectives=[availability("99"), loss("1")])
    assert terms.objective("loss").measure is Measure.LOSS
    with pytest.raises(KeyError):
        terms.objective("jitter")


# -- what may still improve ------------------------------------------------------------------------------------------------------


def test_a_mean_of_an_open_period_may_still_improve_and_a_sum_may_not() -> None:
    wanted = [
        availability("99"),
        latency("mean", 20),
        Objective(name="longest", measure=Measure.EACH_OUTAGE, clause=HERE),
        Objective(name="restore", measure=Measure.RESTORE, clause=HERE, statistic=statistic("mean")),
        Objective(name="worst", measure=Measure.RESTORE, clause=HERE, statistic=statistic("max")),
        Objective(name="outages", measure=Measure.OUTAGES, clause=HERE),
        Objective(
            name="excess",
            measure=Measure.EXCESS,
            clause=HERE,
            subject=Subject(measure=Measure.EXCESS, objective="latency"),
        ),
    ]
    for as_of, found in ((500, ["latency", "restore", "excess"]), (1000, [])):
        lines = judged(declared((0, 100, DOWN)), as_of=as_of, objectives=wanted).objectives
        assert [line.name for line in lines if line.provisional] == found


def test_extremes_of_delays_that_were_summed_up() -> None:
    sent = [shot._replace(rtt=(10 + i) * MS) for i, shot in enumerate(shots("." * 100))]
    facts = observed(series(sent, raw=False))
    found = judged(facts, end=960, as_of=990, objectives=[latency("min"), latency("max", name="max"), loss("1")])
    assert [line.value for line in found.objectives] == [10 * MS, (10 + 95) * MS, 0]
    nothing = judged(
        observed(series(shots("xxxxxx"))), end=50, as_of=60, objectives=[latency("min"), latency("max", name="m")]
    )
    assert [line.value for line in nothing.objectives] == [None, None]


def test_delays_of_a_target_come_from_its_sums_whether_its_packets_are_kept_or_not() -> None:
    facts = observed(
        series(shots("." * 100, rtt=10 * MS)), series(shots("." * 100, rtt=30 * MS), name="link/b", raw=False), quorum=1
    )
    wanted = [
        latency("mean"),
        jitter("max", Variation.PDV),
        latency("p99", name="all", packets_all=True),
        jitter("p95", Variation.IPDV, name="p95"),
    ]
    found = judged(facts, end=960, as_of=990, objectives=wanted)
    assert [[line.value, line.worst] for line in found.objectives] == [
        [30 * MS, "link/b"],
        [0, "link/b"],
        [30 * MS, "link/b"],
        [None, None],
    ]
    kept = replace(facts, series={"link/a": facts.series["link/a"]})
    assert [line.value for line in judged(kept, end=960, as_of=990, objectives=wanted).objectives] == [
        10 * MS,
        0,
        10 * MS,
        None,
    ]
    only = [latency("mean", name="mean", service="link", over="b")]
    assert judged(facts, end=960, as_of=990, objectives=only).objectives[0].value == 30 * MS


def test_a_share_that_is_not_known_of_one_target_is_not_known_of_the_worst() -> None:
    """Its limit was in force for link/a only, and round trips of link/b lie on both sides of it, side by side."""
    near = [shot._replace(rtt=MS + i % 2) for i, shot in enumerate(shots("." * 100))]
    how = Statistic(form=Form.SHARE, text="share over 1ms", side=Side.OVER, threshold=Fraction(MS))
    worst = replace(latency("mean"), statistic=how)
    wanted = [worst, replace(worst, name="a", over="a"), replace(worst, name="b", over="b")]
    for limits, values in (((), [None, 0, None]), ((MS,), [Fraction(1, 2), 0, Fraction(1, 2)])):
        facts = observed(
            series(shots("." * 100, rtt=MS), raw=False, limits=(MS,)),
            series(near, name="link/b", raw=False, limits=limits),
        )
        found = judged(facts, end=960, as_of=990, objectives=wanted)
        assert [line.value for line in found.objectives] == values
