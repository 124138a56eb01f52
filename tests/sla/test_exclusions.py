"""Each second that does not count has one owner: by the order of classes, then by time; revoked and later declarations have none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slamon.model import S
from slamon.sla.exclusions import owned, standing
from slamon.sla.facts import Exclusion
from slamon.sla.statement import evaluate
from slamon.sla.timeline import union
from tests.sla import brute
from tests.sla.build import contract, declared, exclusion, period

terms = contract(classes=("customer", "maintenance", "force_majeure"))


def test_three_overlapping_exclusions_are_attributed_each_second_once() -> None:
    facts = declared(
        (0, 1000, brute.DOWN),
        exclusions=[
            exclusion(100, 500, "maintenance"),
            exclusion(300, 700, "force_majeure"),
            exclusion(200, 400, "customer"),
        ],
    )
    statement = evaluate(terms, facts, period(0, 1000), 1000 * S)
    assert {line.cause: line.applied // S for line in statement.exclusions} == {
        "maintenance": 100 + 100,
        "customer": 200,
        "force_majeure": 200,
    }
    assert statement.excluded == sum(line.applied for line in statement.exclusions) == 600 * S
    assert statement.downtime == 400 * S
    assert statement.outages[0].by_cause == {
        "provider_down": 400 * S,
        "customer": 200 * S,
        "maintenance": 200 * S,
        "force_majeure": 200 * S,
    }


def test_only_what_stands_at_as_of_counts() -> None:
    declarations = [
        exclusion(0, 10, id="early", declared_at=5),
        exclusion(0, 10, id="late", declared_at=6),
        exclusion(0, 10, id="revoked", declared_at=1, revoked_at=5),
        exclusion(0, 10, id="revoked later", declared_at=1, revoked_at=6),
        exclusion(0, 10, id="elsewhere", contract="other"),
    ]
    assert [e.id for e in standing(declarations, terms, 5)] == ["revoked later", "early"]


def test_a_class_the_contract_does_not_have_owns_nothing_and_is_shown() -> None:
    facts = declared(
        exclusions=[exclusion(0, 10, "weather"), exclusion(5, 5, "customer"), exclusion(90, 200, "customer")]
    )
    statement = evaluate(terms, facts, period(0, 100), 100 * S)
    assert [(line.cause, line.applied // S, line.clause.path) for line in statement.exclusions] == [
        ("weather", 0, "contracts.test"),
        ("customer", 0, "contracts.test.exclusions.customer"),
        ("customer", 10, "contracts.test.exclusions.customer"),
    ]


def test_declarations_outside_the_period_are_not_listed() -> None:
    outside = [exclusion(0, 100), exclusion(200, 300), exclusion(99, 101), exclusion(199, 201)]
    statement = evaluate(terms, declared(exclusions=outside), period(100, 200), 200 * S)
    assert [(line.id, line.applied // S) for line in statement.exclusions] == [
        ("maintenance-99-101", 1),
        ("maintenance-199-201", 1),
    ]


causes = st.sampled_from(["customer", "maintenance", "force_majeure", "unlisted"])


@st.composite
def exclusions(draw: st.DrawFn) -> list[Exclusion]:
    spans = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), causes), max_size=7))
    return [exclusion(a, a + n, cause, id=f"e{i}", declared_at=i % 3) for i, (a, n, cause) in enumerate(spans)]


@given(exclusions())
def test_owners_agree_with_counting_seconds(some: list[Exclusion]) -> None:
    pieces = owned(standing(some, terms, 10), terms)
    assert all(a.end <= b.start for a, b in pairwise(pieces))
    by_second = {second: p.value for p in pieces for second in range(p.start // S, p.end // S)}
    expected = {second: brute.Figures.owner(terms, some, second) for second in range(100)}
    assert by_second == {second: owner for second, owner in expected.items() if owner}


@given(exclusions(), st.integers(0, 6), st.integers(0, 100))
def test_splitting_a_declaration_changes_no_figure(some: list[Exclusion], which: int, at: int) -> None:
    if which >= len(some) or not some[which].start < at * S < some[which].end:
        return
    whole = some[which]
    halves = [replace(whole, end=at * S, id="left"), replace(whole, start=at * S, id="right")]
    split = [*some[:which], *halves, *some[which + 1 :]]
    facts = [declared((10, 40, brute.DOWN), (35, 50, brute.UNKNOWN), exclusions=each) for each in (some, split)]
    first, second = (evaluate(terms, each, period(0, 100), 100 * S) for each in facts)
    assert first.time == second.time
    assert first.availability == second.availability


@given(exclusions())
def test_exclusions_are_a_union(some: list[Exclusion]) -> None:
    listed = [e for e in some if e.cause != "unlisted"]
    statement = evaluate(terms, declared(exclusions=some), period(0, 100), 100 * S)
    assert statement.excluded == sum(end - start for start, end in union((e.start, e.end) for e in listed))
