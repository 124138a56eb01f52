"""The front door: open and closed periods, what is unknown stays unknown, and statements survive JSON."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slamon.model import DAY, MS, S
from slamon.sla import calendar
from slamon.sla.facts import Facts, State
from slamon.sla.statement import SCHEMA_VERSION, Period, Statement, Status, evaluate, from_json, to_json
from slamon.sla.terms import Combine, Contract, Credit, Measure, Objective, Side, Total, UnknownTime
from slamon.sla.verdict import verdict
from tests.sla.build import (
    HERE,
    Shot,
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
    assert status(availability("99"), latency("mean", 20, minimum=Fraction(25 * MS))) is Status.BELOW_MINIMUM
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
    ("measure", "value", "status"),
    [
        (Measure.AVAILABILITY, "99.9", Status.MET),
        (Measure.AVAILABILITY, "99.899", Status.BELOW_TARGET),
        (Measure.AVAILABILITY, "99.5", Status.BELOW_TARGET),
        (Measure.AVAILABILITY, "99.499", Status.BELOW_MINIMUM),
        (Measure.LATENCY, "99.9", Status.MET),
        (Measure.LATENCY, "99.901", Status.BELOW_TARGET),
        (Measure.LOSS, "100.3", Status.BELOW_TARGET),
        (Measure.LOSS, "100.301", Status.BELOW_MINIMUM),
    ],
)
def test_equality_is_met(measure: Measure, value: str, status: Status) -> None:
    target = Fraction("99.9")
    minimum = Fraction("99.5") if measure is Measure.AVAILABILITY else Fraction("100.3")
    assert verdict(measure, Fraction(value), target, minimum) is status
    assert verdict(measure, Fraction(value), None, None) is Status.MET
    assert verdict(measure, None, target, minimum) is Status.UNKNOWN


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


def test_a_statistic_the_measure_does_not_have_is_a_mistake_of_the_caller() -> None:
    for measure, statistic in ((Measure.LOSS, "mean"), (Measure.LATENCY, "pooled"), (Measure.LATENCY, "fastest")):
        odd = Objective(name="odd", measure=measure, clause=HERE, statistic=statistic)
        with pytest.raises(ValueError, match=r"contracts\.test: .* has no statistic"):
            judged(observed(series(shots("..."))), end=20, objectives=[odd])


def test_values_given_by_hand_are_judged_like_measured_ones() -> None:
    facts = replace(declared(), readings={"availability": Fraction("0.98"), "loss": Fraction("0.02")})
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
    found = evaluate(terms, declared(), calendar.period(terms, "2026-06"), 1)
    assert (found.terms_sha256, found.tzdata, found.timezone) == ("ab" * 32, calendar.TZDATA, "Europe/Paris")
    assert (found.customer, found.provider, found.kind, found.notes) == ("We", "Example", "sla", ("one",))
    assert found.period == Period(name="2026-06", start=found.period.start, end=found.period.end)


# -- JSON --------------------------------------------------------------------------------------------------------------

ratios = st.none() | st.fractions(0, 1)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    shot_text = draw(st.text(alphabet="....xx? ", min_size=1, max_size=40))
    lines: list[Credit] = [
        credit({"99%": "1/7", "50%": "50%"}),
        credit({"1": "10"}, objective="latency", side=Side.AT_LEAST),
    ]
    money = draw(st.booleans())
    terms: Contract = contract(
        objectives=[availability("99", draw(st.sampled_from([None, "50"]))), latency("p50", 3), loss()],
        credits=tuple(lines) if money else (),
        currency=draw(st.sampled_from(["USD", "JPY", "KWD"])) if money else None,
        price=Fraction(draw(st.integers(0, 10**6)), 7) if money else None,
        combine=draw(st.sampled_from(Combine)),
        notes=tuple(draw(st.lists(st.text(max_size=5), max_size=2))),
    )
    facts = observed(
        series(shots(shot_text, rtt=draw(st.integers(1, 10**9)))),
        exclusions=[exclusion(draw(st.integers(0, 200)), 230, note=draw(st.text(max_size=5)))],
    )
    return evaluate(terms, facts, period(0, draw(st.integers(1, 400))), draw(st.integers(0, 500)) * S)


@settings(max_examples=60)
@given(statements())
def test_a_statement_survives_json(statement: Statement) -> None:
    again = from_json(json.loads(json.dumps(to_json(statement))))
    assert again == statement
    assert repr(again) == repr(statement)  # also the digits of money, which equality does not see


def document() -> dict[str, Any]:
    facts = observed(series(shots("....xxxx....", rtt=1_234_567)), exclusions=[exclusion(50, 60)])
    terms = contract(
        objectives=[availability("99"), latency("mean", 1)],
        credits=(credit({"99%": "10%"}), credit({"1": "1/3"}, objective="latency", side=Side.OVER)),
    )
    made: dict[str, Any] = json.loads(json.dumps(to_json(evaluate(terms, facts, period(0, 110), 110 * S))))
    return made


def test_json_has_exact_figures_and_texts() -> None:
    made = document()
    assert made["schema"] == SCHEMA_VERSION
    assert made["availability"] == {"exact": "8/11", "display": "72.727273%"}
    assert made["charge"] == {"exact": "1000/1", "display": "1000.00 USD"}
    assert made["credit"] == {"exact": "43333/100", "display": "433.33 USD"}
    assert made["time"]["provider_down"] == "30000000000"
    assert made["period"] == {"name": "test", "start": "0", "end": "110000000000"}
    assert made["open"] is False
    assert made["status"] == "below_target"
    delay = made["objectives"][1]
    assert (delay["value"], delay["samples"]) == ({"exact": "1234567/1", "display": "1.235 ms"}, 7)
    assert delay["target"] == {"exact": "1000000/1", "display": "1.000 ms"}
    assert made["credits"][1]["threshold"] == {"exact": "1000000/1", "display": "1.000 ms"}
    assert made["credits"][1]["share"] == {"exact": "1/3", "display": "33.333333%"}
    assert made["credits"][0]["threshold"] == {"exact": "99/100", "display": "99.000000%"}
    assert made["outages"][0]["by_cause"] == {"maintenance": "10000000000", "provider_down": "30000000000"}


def test_amounts_without_a_currency_are_plain_numbers() -> None:
    terms = contract(currency=None, credits=(credit({"99%": "10%"}),))
    made = to_json(evaluate(terms, declared((0, 50, DOWN)), period(0, 100), 100 * S))
    assert made["charge"] == {"exact": "1000/1", "display": "1000"}
    first = made["credits"][0]  # type: ignore[index]
    assert first["rounded"] == {"exact": "100/1", "display": "100.00"}
    assert from_json(made).credits[0].rounded == Decimal(100)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 2, "a statement of schema 2; this slamon reads schema 1"),
        (("schema",), None, "a statement of schema None"),
        (("surprise",), 1, "missing or unknown: surprise"),
        (("as_of",), "soon", "soon"),
        (("as_of",), None, "Statement.as_of: not what belongs here: None"),
        (("open",), "no", "Statement.open: not what belongs here: 'no'"),
        (("contract",), 5, "Statement.contract: not what belongs here: 5"),
        (("status",), "great", "great"),
        (("availability",), "100%", "Statement.availability"),
        (("availability", "exact"), "1/0", "Statement.availability"),
        (("credit", "display"), "433.34 USD", "433.34 USD is not 43333/100"),
        (("credit", "display"), "much", "Statement.credit"),
        (("time",), [1], "Statement.time"),
        (("notes",), 5, "Statement.notes"),
        (("period",), "2026-06", "Period"),
        (("objectives", 0, "name"), None, "ObjectiveLine.name"),
    ],
)
def test_a_damaged_document_is_refused(path: tuple[Any, ...], value: object, message: str) -> None:
    broken = copy.deepcopy(document())
    place: Any = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ValueError, match=message):
        from_json(broken)
