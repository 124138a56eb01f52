"""Statements as JSON and back: exact figures for machines, each with a text for people."""

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

from slamon.model import S
from slamon.sla.facts import DeclaredSpan, Facts, State
from slamon.sla.statement import SCHEMA_VERSION, Statement, evaluate, from_json, to_json
from slamon.sla.terms import Claim, Contract
from slamon.sla.terms.credits import Combine, Count, Credit, Give, Per
from slamon.sla.terms.measures import Measure, Side, Subject
from slamon.sla.terms.objectives import Level, Objective
from slamon.sla.terms.outages import OutageRule
from slamon.sla.terms.times import Anchor, Deadline
from tests.sla.build import (
    HERE,
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

DOWN = State.DOWN


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
    assert made["period"] == {
        "name": "1970-01-01 00:00Z to 1970-01-01 00:01:50Z",
        "start": "0",
        "end": "110000000000",
    }
    assert made["open"] is False
    assert made["status"] == "below_target"
    delay = made["objectives"][1]
    assert (delay["value"], delay["samples"]) == ({"exact": "1234567/1", "display": "1.234567 ms"}, 7)
    assert delay["target"] == {"exact": "1000000/1", "display": "1.000000 ms"}
    assert made["credits"][1]["threshold"] == {"exact": "1000000/1", "display": "1.000000 ms"}
    assert made["credits"][1]["share"] == {"exact": "1/3", "display": "33.333333%"}
    assert made["credits"][0]["threshold"] == {"exact": "99/100", "display": "99.000000%"}
    assert made["outages"][0]["by_cause"] == {"maintenance": "10000000000", "provider_down": "30000000000"}


def test_every_kind_of_value_has_a_text_in_its_unit() -> None:
    """Counts and days are plain, dates are ISO, times that are weighed have fractions of a nanosecond."""
    count = Objective(
        name="outages",
        measure=Measure.OUTAGES,
        clause=HERE,
        target=Level(value=Fraction(2), side=Side.AT_MOST),
    )
    per = Per(count=Count.STARTED, unit=Fraction(S), text="started 1s")
    days = Deadline(text="3 days after period end", anchor=Anchor.PERIOD_END, days=3)
    terms = contract(
        objectives=[availability("99"), count],
        credits=(
            Credit(
                name="downtime",
                subject=Subject(measure=Measure.DOWNTIME),
                clause=HERE,
                per=per,
                give=Give(points=2),
            ),
        ),
        outage=OutageRule(weigh_by=3),
        claim=Claim(clause=HERE, by=days, report=replace(days, anchor=Anchor.OUTAGE_START, days=None, elapsed=S)),
    )
    spans = (
        DeclaredSpan(start=0, end=10 * S, state=DOWN, affected=1),
        DeclaredSpan(start=20 * S, end=21 * S, state=DOWN),
    )
    statement = evaluate(terms, Facts(declared={"link": spans}), period(0, 100), 100 * S)
    made: Any = to_json(statement)
    assert made["downtime"] == {"exact": f"{13 * 10**9}/3", "display": "4.333333333 s"}
    assert made["outages"][0]["charged"] == {"exact": f"{10**10}/3", "display": "3.333333333 s"}
    assert made["objectives"][1]["value"] == {"exact": "2/1", "display": "2"}
    assert made["objectives"][1]["target"] == {"exact": "2/1", "display": "2"}
    (line,) = made["credits"]
    assert (line["points"], line["units"]) == (10, {"exact": "5/1", "display": "5"})
    assert line["value"] == {"exact": f"{13 * 10**9}/3", "display": "4333.333333 ms"}
    assert (made["points"], made["revision"], made["as_of"]) == (10, 1, "100000000000")
    assert made["claim"]["claim_by"] == {"at": str(4 * 86_400 * S), "day": "1970-01-04"}
    assert made["claim"]["report_by"] == {"at": str(S), "day": None}
    assert from_json(json.loads(json.dumps(made))) == statement


def test_amounts_without_a_currency_are_plain_numbers() -> None:
    terms = contract(currency=None, credits=(credit({"99%": "10%"}),))
    made = to_json(evaluate(terms, declared((0, 50, DOWN)), period(0, 100), 100 * S))
    assert made["charge"] == {"exact": "1000/1", "display": "1000"}
    first = made["credits"][0]  # type: ignore[index]
    assert first["rounded"] == {"exact": "100/1", "display": "100.00"}
    assert from_json(made).credits[0].rounded == Decimal(100)


def test_what_an_older_slamon_did_not_write_is_not_missed() -> None:
    facts = observed(
        series(shots("....")), exclusions=[exclusion(0, 10, role="provider", ticket="CHG-1", evidence=("a", "b"))]
    )
    statement = evaluate(contract(), facts, period(0, 40), 40 * S)
    made: Any = json.loads(json.dumps(to_json(statement)))
    (line,) = made["exclusions"]
    assert (line["role"], line["ticket"], line["evidence"]) == ("provider", "CHG-1", ["a", "b"])
    assert from_json(made) == statement
    for name in ("role", "ticket", "evidence"):
        del line[name]
    (older,) = from_json(made).exclusions
    assert older == replace(statement.exclusions[0], role="", ticket="", evidence=())
    del line["accepted"]
    with pytest.raises(ValueError, match="ExclusionLine: these fields are missing or unknown: accepted"):
        from_json(made)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 1, "a statement of schema 1; this slamon reads schema 2"),
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
