"""The agreement both parties sign says of its supporting contracts what its statements say."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest

from slamon.model import S
from slamon.report.document import markdown
from slamon.sla.statement import Statement, evaluate
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, Group
from slamon.sla.terms.measures import Side
from slamon.sla.terms.objectives import Level, Objective
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Lead
from tests.sla.build import HERE, availability, contract, declared, loss, period

OVER = replace(availability(None), target=Level(value=Fraction(999, 1000), side=Side.OVER))
EAST = availability("99", name="east", service="port-a")


def underpinned(*objectives: Objective, on: Composition = "below", **below: Contract) -> tuple[str, Statement]:
    """Section 14 of the document, and a statement of the same contract."""
    terms = contract(supported_by=on, objectives=objectives)
    text = markdown(terms, "", others=below)
    found = evaluate(terms, declared(), period(0, 10), 10 * S, others=below)
    return text.partition("## 14.")[2].partition("## 15.")[0], found


@pytest.mark.parametrize(
    ("objectives", "below", "promise", "said"),
    [
        (
            (OVER,),
            (availability("99.9"),),
            False,
            "99.900000%; this agreement promises > 99.9%: it is **not** supported.",
        ),
        ((OVER,), (availability("99.91"),), True, "99.910000%; this agreement promises > 99.9%: it is supported."),
        ((availability("99.9"),), (availability("99.9"),), True, "promises ≥ 99.9%: it is supported."),
        ((EAST, availability("99.9")), (availability("99.5"),), False, "promises ≥ 99.9%: it is **not** supported."),
        (
            (availability("99"),),
            (EAST, availability("98")),
            False,
            "98.000000%; this agreement promises ≥ 99%: it is **not**",
        ),
        ((availability(None, "99"),), (availability("99.9"),), None, "99.900000%; this agreement has no target of"),
        ((loss("1"),), (availability(None, "99.9"),), None, "99.900000%; this agreement has no target of"),
        ((availability("99.9"),), (loss("1"),), None, ""),
    ],
)
def test_the_document_and_the_statement_agree_on_what_is_supported(
    objectives: tuple[Objective, ...], below: tuple[Objective, ...], promise: bool | None, said: str
) -> None:
    text, statement = underpinned(*objectives, below=contract(objectives=below))
    assert statement.promise is promise
    assert ("it is **not** supported" in text, "it is supported" in text) == (promise is False, promise is True)
    assert said in text
    assert ("Together they can support" in text) == (statement.supportable is not None)


def test_what_falls_short_by_a_hair_does_not_look_like_what_is_promised() -> None:
    a = contract(objectives=[replace(availability(), target=Level(value=1 - Fraction(1, 10**11), side=Side.AT_LEAST))])
    b = contract(objectives=[availability("99.9")])
    text, statement = underpinned(availability("99.9"), on=Group(of=("a", "b"), need=2), a=a, b=b)
    assert statement.promise is False
    assert "Together they can support 99.899999999%; this agreement promises ≥ 99.9%: it is **not** supported." in text
    assert re.search(r"^\| a \| \S+ \| 99\.999999999% \|$", text, re.MULTILINE)


def test_one_day_is_no_days() -> None:
    classes = (
        ExclusionClass(name="maintenance", clause=HERE, notice=Lead(days=1, business=True)),
        ExclusionClass(name="customer", clause=HERE, notice=Lead(days=2)),
    )
    text = markdown(replace(contract(), exclusions=classes), "")
    assert "notice of at least 1 business day." in text
    assert "notice of at least 2 days." in text
