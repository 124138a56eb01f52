"""What is owned inside a period: exactly the part of the whole, without the work of the whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.cli.counting import counts
from slamon.model import DAY, HOUR, MINUTE, S
from slamon.sla import calendar, exclusions, hours, periods
from slamon.sla.exclusions import Decision, decide, owned
from slamon.sla.facts import Exclusion
from slamon.sla.statement import evaluate
from slamon.sla.terms import Contract
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Span, Weekly
from slamon.sla.timeline import Piece, Spans, intersect, overlaps, subtract, tagged, union
from slamon.store import Declarations
from tests.sla import brute
from tests.sla.build import HERE, contract, declared, exclusion, period

HOLIDAYS = frozenset({date(2026, 6, 15), date(2026, 11, 2)})
EVERY_NIGHT = Weekly(weekdays=frozenset(range(7)), start=0, end=6 * 3600)
NIGHTLY = ExclusionClass(
    name="maintenance", clause=HERE, hours=EVERY_NIGHT, allowance=4 * HOUR, allowance_per=Span.MONTH
)


def terms(*classes: ExclusionClass, zone: str = "UTC") -> Contract:
    return replace(contract(timezone=zone, holidays=HOLIDAYS), exclusions=classes)


def lasting(start: int, end: int, cause: str = "maintenance", **rest: Any) -> Exclusion:
    return replace(exclusion(0, 1, cause, **rest), start=start, end=end)


def at(text: str, zone: str = "UTC") -> int:
    return calendar.instant(text, zone)


# --- the same as the whole ----------------------------------------------------------------------------------------------------


def plainly_owned(decisions: Sequence[Decision], rules: Contract) -> list[Piece[Exclusion]]:
    """All of it, by the definition: every class over all that was declared, its time cut span by span of the allowance."""
    taken: Spans = ()
    pieces: list[Piece[Exclusion]] = []
    for entry in rules.exclusions:
        accepted = [each.exclusion for each in decisions if each.accepted and each.exclusion.cause == entry.name]
        own: list[Piece[Exclusion]] = []
        for one in sorted(accepted, key=lambda each: (each.start, each.end, each.declared_at, each.id)):
            start = max(one.start, own[-1].end) if own else one.start
            own.append(Piece(start, max(start, one.end), one))
        covered = union((piece.start, piece.end) for piece in own)
        if entry.hours is not None and covered:
            covered = intersect(covered, hours.weekly(entry.hours, rules, covered[0][0], covered[-1][1]))
        free = subtract(plainly_allowed(rules, entry, covered), taken)
        pieces += [Piece(start, end, who) for start, end, (who, _) in overlaps(own, tagged(free, None))]
        taken = union((*taken, *free))
    return sorted(pieces)


def plainly_allowed(rules: Contract, entry: ExclusionClass, covered: Spans) -> Spans:
    if entry.allowance is None or entry.allowance_per is None:
        return covered
    result = []
    rest = covered
    while rest:
        span = periods.spanning(rules, rest[0][0], entry.allowance_per)
        left = entry.allowance
        for first, last in intersect(rest, (span,)):
            used = min(left, last - first)
            result.append((first, first + used))
            left -= used
        rest = subtract(rest, (span,))
    return union(result)


NAMES = ("maintenance", "customer", "force_majeure")
ZONES = ("UTC", "Europe/Paris", "America/St_Johns", "Pacific/Apia")
FIRST, DAYS = at("2025-11-01"), 500

windows = st.builds(
    Weekly,
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 23).map(lambda hour: hour * 3600),
    end=st.integers(1, 24).map(lambda hour: hour * 3600),
    except_holidays=st.booleans(),
)


@st.composite
def classes(draw: st.DrawFn) -> tuple[ExclusionClass, ...]:
    def entry(name: str) -> ExclusionClass:
        own = ExclusionClass(name=name, clause=HERE, hours=draw(st.none() | windows))
        per = draw(st.sampled_from([None, Span.MONTH, Span.QUARTER, Span.YEAR]))
        allowance = draw(st.integers(1, 300)) * HOUR
        return own if per is None else replace(own, allowance=allowance, allowance_per=per)

    return tuple(entry(name) for name in draw(st.permutations(NAMES))[: draw(st.integers(1, 3))])


@st.composite
def declarations(draw: st.DrawFn) -> list[Exclusion]:
    """Short and long ones that overlap, and ones that recur by days."""
    found: list[Exclusion] = []
    for i in range(draw(st.integers(1, 6))):
        start = FIRST + draw(st.integers(0, DAYS * 24)) * HOUR + draw(st.sampled_from([0, 1, 7 * MINUTE]))
        length = draw(st.integers(0, 72).map(lambda n: n * HOUR) | st.integers(1, 300).map(lambda n: n * DAY))
        every, times = draw(st.sampled_from([1, 7, 28])) * DAY, draw(st.sampled_from([1, 1, 5, 40]))
        cause, when = draw(st.sampled_from(NAMES)), draw(st.integers(0, 2))
        found += [
            lasting(start + n * every, start + n * every + length, cause, id=f"e{i}-{n}", declared_at=when)
            for n in range(times)
        ]
    return found


@st.composite
def stretches(draw: st.DrawFn) -> tuple[int, int]:
    """Billing months and others that begin anywhere, some of them long or empty."""
    start = FIRST + draw(st.integers(-40, DAYS)) * DAY + draw(st.sampled_from([0, 0, 5 * HOUR, 13 * HOUR + 1]))
    return start, start + draw(st.sampled_from([0, 1, HOUR, 30 * DAY, 31 * DAY, 92 * DAY, 365 * DAY]))


def inside(pieces: Sequence[Piece[Exclusion]], start: int, end: int) -> list[Piece[Exclusion]]:
    return [
        Piece(max(start, piece.start), min(end, piece.end), piece.value)
        for piece in pieces
        if max(start, piece.start) < min(end, piece.end)
    ]


@given(classes(), st.sampled_from(ZONES), declarations(), stretches())
def test_what_is_owned_in_a_period_is_that_part_of_the_whole(
    entries: tuple[ExclusionClass, ...], zone: str, some: list[Exclusion], stretch: tuple[int, int]
) -> None:
    rules, (start, end) = terms(*entries, zone=zone), stretch
    decisions = decide(rules, [each for each in some if each.cause in {entry.name for entry in entries}])
    whole = plainly_owned(decisions, rules)
    assert owned(decisions, rules) == whole
    assert owned(decisions, rules, start=start, end=end) == inside(whole, start, end)
    assert owned(decisions, rules, start=start) == inside(whole, start, calendar.FOREVER)
    assert owned(decisions, rules, end=end) == inside(whole, -calendar.FOREVER, end)


@pytest.mark.parametrize(
    ("per", "left"),
    [(Span.MONTH, 2), (Span.QUARTER, 1), (Span.YEAR, 0)],
)
def test_what_was_declared_before_the_period_spent_of_the_allowance(per: Span, left: int) -> None:
    """A billing month from 15 May, New York: 2 h of May, 1 h of April and 2 h of March were spent, of 4 h."""
    zone = "America/New_York"
    rules = terms(replace(NIGHTLY, hours=None, allowance_per=per), zone=zone)
    spent = [
        lasting(at(f"2026-{day}", zone), at(f"2026-{day}", zone) + length * HOUR, id=day)
        for day, length in (("03-31", 2), ("04-01", 1), ("05-01", 2), ("05-20", 3))
    ]
    start, end = at("2026-05-15", zone), at("2026-06-15", zone)
    pieces = owned(decide(rules, spent), rules, start=start, end=end)
    assert [(piece.value.id, piece.end - piece.start) for piece in pieces] == [("05-20", left * HOUR)] * (left > 0)


def test_what_an_earlier_class_owns_before_the_period_spent_of_the_allowance_too() -> None:
    rules = terms(
        ExclusionClass(name="customer", clause=HERE),
        ExclusionClass(name="maintenance", clause=HERE, allowance=4 * HOUR, allowance_per=Span.MONTH),
    )
    some = [
        lasting(at("2026-06-02"), at("2026-06-02 03:00"), "customer", id="theirs"),
        lasting(at("2026-06-02"), at("2026-06-02 03:00"), id="same"),
        lasting(at("2026-06-20"), at("2026-06-20 05:00"), id="ours"),
    ]
    start, end = at("2026-06-15"), at("2026-07-15")
    (piece,) = owned(decide(rules, some), rules, start=start, end=end)
    assert (piece.value.id, piece.start, piece.end) == ("ours", at("2026-06-20"), at("2026-06-20 01:00"))


# --- without the work of the whole --------------------------------------------------------------------------------------------


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much each step had to look at: an opening of the hours, a span of an allowance, the spans put together."""
    done: list[int] = []

    def counted(function: Callable[..., Any], size: Callable[..., int]) -> Callable[..., Any]:
        def counting(*args: Any, **rest: Any) -> Any:
            done.append(size(*args))
            return function(*args, **rest)

        return counting

    for module, name in ((hours, "_opening"), (periods, "spanning")):
        monkeypatch.setattr(module, name, counted(getattr(module, name), lambda *_: 1))
    for name in ("intersect", "subtract", "overlaps"):
        function = getattr(exclusions, name)
        monkeypatch.setattr(exclusions, name, counted(function, lambda left, right: len(left) + len(right)))
    return done


def until(year: int) -> Exclusion:
    return lasting(at("2026-11-01"), at(f"{year}-12-31"), id="long")


def test_the_work_does_not_grow_with_what_was_declared(work: list[int]) -> None:
    rules = terms(NIGHTLY)
    totals = []
    for year in (2027, 2099):
        del work[:]
        found = owned(decide(rules, [until(year)]), rules, start=at("2027-02-10"), end=at("2027-03-10"))
        assert [(piece.start, piece.end) for piece in found] == [(at("2027-03-01"), at("2027-03-01 04:00"))]
        totals.append(sum(work))
    assert totals[0] == totals[1] < 500


def test_the_work_on_all_that_was_declared_grows_with_its_length_only(work: list[int]) -> None:
    rules = terms(NIGHTLY)
    found = owned(decide(rules, [until(2046)]), rules)
    assert len(found) == 20 * 12 + 2
    assert sum(work) < 5 * 20 * 366


def test_a_judgement_looks_at_its_period(work: list[int]) -> None:
    rules = terms(NIGHTLY)
    span = replace(period(0, 1), start=at("2027-02-01"), end=at("2027-03-01"))
    totals = []
    for year in (2027, 2099):
        del work[:]
        statement = evaluate(rules, declared((0, 1, brute.DOWN), exclusions=[until(year)]), span, span.end)
        assert statement.excluded == 4 * HOUR
        totals.append(sum(work))
    assert totals[0] == totals[1]


def test_what_a_declaration_counts_looks_at_its_own_span(work: list[int]) -> None:
    rules = terms(NIGHTLY)
    short = lasting(at("2027-02-10 01:00"), at("2027-02-10 02:00"), id="short")
    totals = []
    for year in (2027, 2099):
        del work[:]
        company = Declarations(exclusions=(until(year), short))
        found = counts(rules, company, {"short"}, 10 * S)
        assert found["short"].words.endswith("excludes 0s of its 1h: 1h are beyond the allowance of its class")
        totals.append(sum(work))
    assert totals[0] == totals[1]
