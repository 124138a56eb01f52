"""Which declarations hold by the rules of their class, and that each second that does not count has one owner."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slamon.model import HOUR, S
from slamon.sla import calendar
from slamon.sla.exclusions import allowed, decide, owned, standing
from slamon.sla.facts import Agreement, Exclusion
from slamon.sla.statement import evaluate
from slamon.sla.terms import Contract
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Anchor, Deadline, Lead, Span, Weekly
from slamon.sla.timeline import Spans, union
from tests.sla import brute
from tests.sla.build import HERE, contract, declared, exclusion, period

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
    assert [e.id for e in standing(declarations, terms, 5)] == ["early", "revoked later"]


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
    pieces = owned(decide(terms, standing(some, terms, 10)), terms)
    assert all(a.end <= b.start for a, b in pairwise(pieces))
    by_second = {second: p.value for p in pieces for second in range(p.start // S, p.end // S)}
    assert by_second == brute.owners(terms, some)


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


# -- the rules of a class ------------------------------------------------------------------------------------------------------


def under(zone: str = "UTC", **rules: object) -> Contract:
    """A contract whose one class has these rules."""
    entry = ExclusionClass(name="maintenance", clause=HERE, **rules)  # type: ignore[arg-type]
    return replace(contract(timezone=zone, holidays=frozenset({date(2026, 6, 15)})), exclusions=(entry,))


def at(text: str, zone: str = "UTC") -> int:
    return calendar.instant(text, zone)


def stated(span: str, zone: str = "UTC", **rest: object) -> Exclusion:
    start, end = calendar.span(span, zone)
    return replace(exclusion(0, 1), start=start, end=end, **rest)  # type: ignore[arg-type]


def excluded(terms: Contract, *declarations: Exclusion) -> Spans:
    return union((start, end) for start, end, _ in owned(decide(terms, declarations), terms))


def test_a_declaration_excludes_only_once_both_agree() -> None:
    for state in Agreement:
        (found,) = decide(terms, [exclusion(10, 20, state=state)])
        assert found.accepted == (state is Agreement.ACCEPTED)
        assert found.reason == ("" if found.accepted else f"it is {state}, not accepted")
    statement = evaluate(
        terms,
        declared((0, 50, brute.DOWN), exclusions=[exclusion(10, 20, state=Agreement.DISPUTED)]),
        period(0, 100),
        100 * S,
    )
    assert [statement.excluded, statement.downtime] == [0, 50 * S]
    (line,) = statement.exclusions
    assert (line.accepted, line.reason, line.applied) == (False, "it is disputed, not accepted", 0)


def test_a_class_the_contract_does_not_list_is_refused() -> None:
    (found,) = decide(terms, [exclusion(0, 10, "weather", notified=-3600 * S)])
    assert (found.accepted, found.reason) == (False, "the contract excludes no class weather")
    assert found.notice_given == HOUR


@pytest.mark.parametrize(
    ("notified", "accepted"),
    [
        ("2026-05-31 02:00", True),
        ("2026-05-31 02:00:01", False),
        ("2026-06-10 03:00", False),
        ("2026-05-01 00:00", True),
    ],
)
def test_notice_in_hours_is_elapsed_and_equality_is_enough(notified: str, accepted: bool) -> None:
    rules = under(notice=Lead(elapsed=240 * HOUR))
    window = stated("2026-06-10 02:00 + 2h", notified=at(notified))
    (found,) = decide(rules, [window])
    assert found.accepted == accepted
    assert found.notice_given == window.start - at(notified)
    assert excluded(rules, window) == (((window.start, window.end),) if accepted else ())


def test_what_is_refused_says_why() -> None:
    rules = under(notice=Lead(elapsed=240 * HOUR))
    short = stated("2026-06-10 02:00 + 2h", notified=at("2026-06-09 02:00"))
    assert [found.reason for found in decide(rules, [short, replace(short, notified=None)])] == [
        "notice of 1d, the contract asks for 10d",
        "no notice is recorded",
    ]
    days, business = under(notice=Lead(days=3)), under(notice=Lead(days=3, business=True))
    assert decide(days, [short])[0].reason == "notice of 1d, the contract asks for 3 days"
    assert decide(business, [short])[0].reason == "notice of 1d, the contract asks for 3 business days"
    same_day = replace(short, notified=at("2026-06-10 01:00"))
    one = under(notice=Lead(days=1, business=True))
    assert decide(one, [same_day])[0].reason == "notice of 1h, the contract asks for 1 business day"
    assert decide(under(), [replace(short, notified=None)])[0].accepted
    nearly = replace(short, notified=short.start - 240 * HOUR + 1)
    late = replace(short, notified=short.start + 2 * HOUR + 1)
    assert [found.reason for found in decide(rules, [nearly, late])] == [
        "notice of 9d23h59m59s, the contract asks for 10d",
        "notice 2h after it began, the contract asks for 10d",
    ]


@pytest.mark.parametrize(
    ("notified", "zone", "days", "business"),
    [
        ("2026-06-05 23:59", "UTC", True, False),  # Friday: five civil days; of business days the 8th, 9th, 10th
        ("2026-06-06 00:00", "UTC", False, False),
        ("2026-06-03 12:00", "UTC", True, True),
        ("2026-06-04 23:00", "America/New_York", True, False),
        ("2026-06-02 23:00", "America/New_York", True, True),
    ],
)
def test_notice_in_days_is_counted_on_the_calendar(notified: str, zone: str, days: bool, business: bool) -> None:
    """For a window in the morning of Wednesday 10 June; any hour of a day is as good."""
    window = stated("2026-06-10 02:00 + 2h", zone, notified=at(notified, zone))
    assert decide(under(zone, notice=Lead(days=5)), [window])[0].accepted == days
    assert decide(under(zone, notice=Lead(days=5, business=True)), [window])[0].accepted == business


def test_a_holiday_is_no_business_day_of_notice() -> None:
    rules = under(notice=Lead(days=2, business=True))
    told = at("2026-06-12 09:00")  # Friday; Monday 15 is a holiday
    assert not decide(rules, [stated("2026-06-16 23:00 + 1h", notified=told)])[0].accepted
    assert decide(rules, [stated("2026-06-17 01:00 + 1h", notified=told)])[0].accepted


def test_short_notice_voids_all_of_it_and_another_declaration_may_still_hold() -> None:
    rules = under(notice=Lead(elapsed=24 * HOUR))
    short = stated("2026-06-10 00:00 + 4h", notified=at("2026-06-09 12:00"), id="short")
    early = stated("2026-06-10 01:00 + 1h", notified=at("2026-06-01 12:00"), id="early")
    assert excluded(rules, short, early) == ((early.start, early.end),)


def test_only_the_part_inside_the_hours_of_a_class_is_excluded() -> None:
    night = Weekly(weekdays=frozenset(range(5)), start=0, end=6 * 3600, except_holidays=True)
    rules = under("Europe/Paris", hours=night)
    window = stated("2026-06-12 04:00 to 2026-06-16 01:00", "Europe/Paris")  # Friday to Tuesday, Monday is a holiday
    assert excluded(rules, window) == (
        (at("2026-06-12 04:00", "Europe/Paris"), at("2026-06-12 06:00", "Europe/Paris")),
        (at("2026-06-16 00:00", "Europe/Paris"), at("2026-06-16 01:00", "Europe/Paris")),
    )
    assert excluded(rules) == ()
    assert excluded(rules, stated("2026-06-12 07:00 + 1h", "Europe/Paris")) == ()


def test_an_allowance_is_spent_in_time_order_and_the_rest_counts() -> None:
    rules = under(allowance=4 * HOUR, allowance_per=Span.MONTH)
    late, early, middle = (
        stated(text, id=text) for text in ("2026-06-20 00:00 + 3h", "2026-06-01 00:00 + 2h", "2026-06-10 00:00 + 1h")
    )
    assert excluded(rules, late, early, middle) == (
        (early.start, early.end),
        (middle.start, middle.end),
        (late.start, late.start + HOUR),
    )
    following = stated("2026-07-01 00:00 + 5h")
    assert excluded(rules, late, early, middle, following)[-1] == (following.start, following.start + 4 * HOUR)


@pytest.mark.parametrize(
    ("per", "first", "second"),
    [(Span.MONTH, 4, 4), (Span.QUARTER, 4, 0), (Span.YEAR, 4, 0)],
)
def test_an_allowance_begins_anew_with_each_span(per: Span, first: int, second: int) -> None:
    rules = under("Europe/Paris", allowance=4 * HOUR, allowance_per=per)
    window = stated("2026-05-31 12:00 to 2026-06-01 12:00", "Europe/Paris")
    june = at("2026-06-01", "Europe/Paris")
    expected = union([(window.start, window.start + first * HOUR), (june, june + second * HOUR)])
    assert excluded(rules, window) == expected


def test_a_quarter_and_a_year_of_allowance_end_where_they_end() -> None:
    windows = [stated(f"{day} 00:00 + 3h", id=day) for day in ("2026-03-31", "2026-04-01", "2026-12-31", "2027-01-01")]
    quarterly, yearly = (
        [(end - start) // HOUR for start, end in excluded(under(allowance=4 * HOUR, allowance_per=per), *windows)]
        for per in (Span.QUARTER, Span.YEAR)
    )
    assert quarterly == [3, 3, 3, 3]
    assert yearly == [3, 1, 3]


def test_time_that_overlaps_spends_an_allowance_once() -> None:
    rules = under(allowance=2 * HOUR, allowance_per=Span.MONTH)
    same = [stated("2026-06-10 00:00 + 1h", id=name) for name in ("one", "two", "three")]
    later = stated("2026-06-11 00:00 + 3h")
    assert excluded(rules, *same, later) == ((same[0].start, same[0].end), (later.start, later.start + HOUR))


def test_what_is_refused_or_outside_the_hours_spends_no_allowance() -> None:
    night = Weekly(weekdays=frozenset(range(7)), start=0, end=3600)
    rules = under(allowance=2 * HOUR, allowance_per=Span.MONTH, notice=Lead(elapsed=HOUR), hours=night)
    told = at("2026-06-01")
    refused = stated("2026-06-02 00:00 + 5h", notified=None)
    wide = stated("2026-06-03 00:00 + 5h", notified=told)
    later = stated("2026-06-04 00:00 + 5h", notified=told)
    assert excluded(rules, refused, wide, later) == tuple((one.start, one.start + HOUR) for one in (wide, later))


def test_what_an_allowance_does_not_cover_a_later_class_may_own() -> None:
    first = ExclusionClass(name="maintenance", clause=HERE, allowance=HOUR, allowance_per=Span.MONTH)
    rules = replace(contract(), exclusions=(first, ExclusionClass(name="customer", clause=HERE)))
    long = stated("2026-06-10 00:00 + 3h", id="long")
    theirs = stated("2026-06-10 02:00 + 2h", cause="customer", id="theirs")
    assert [(p.value.id, (p.end - p.start) // HOUR) for p in owned(decide(rules, [theirs, long]), rules)] == [
        ("long", 1),
        ("theirs", 2),
    ]
    assert allowed(rules, first, ()) == ()


def lodging(text: str, **rule: object) -> Contract:
    return under(lodge=Deadline(text=text, **rule))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rule", "in_time", "late"),
    [
        (
            lodging("48h after outage start", anchor=Anchor.OUTAGE_START, elapsed=48 * HOUR),
            "2026-06-12 02:00",
            "2026-06-12 02:00:01",
        ),
        (
            lodging("24h after outage end", anchor=Anchor.OUTAGE_END, elapsed=24 * HOUR),
            "2026-06-11 04:00",
            "2026-06-11 04:01",
        ),
        (lodging("2 days after outage end", anchor=Anchor.OUTAGE_END, days=2), "2026-06-12 23:59", "2026-06-13 00:00"),
        (lodging("1 days after notice", anchor=Anchor.NOTICE, days=1), "2026-06-06 23:59", "2026-06-07 00:00"),
        (lodging("5 days after period end", anchor=Anchor.PERIOD_END, days=5), "2026-07-05 23:59", "2026-07-06 00:00"),
        (lodging("7th of next month", day_of_next_month=7), "2026-07-07 23:59", "2026-07-08 00:00"),
    ],
)
def test_what_is_lodged_later_is_refused(rule: Contract, in_time: str, late: str) -> None:
    window = stated("2026-06-10 02:00 + 2h", notified=at("2026-06-05 09:00"))
    (lodge,) = (entry.lodge for entry in rule.exclusions)
    assert lodge is not None
    assert [d.reason for d in decide(rule, [replace(window, lodged=at(when)) for when in (in_time, late)])] == [
        "",
        f"lodged too late: {lodge.text}",
    ]
    by_declaration = [replace(window, declared_at=at(when)) for when in (in_time, late)]
    assert [d.accepted for d in decide(rule, by_declaration)] == [True, False]


def test_a_lodging_deadline_whose_anchor_is_not_known_bars_nobody() -> None:
    rule = lodging("1 days after notice", anchor=Anchor.NOTICE, days=1)
    never = lodging("1 days after ticket closed", anchor=Anchor.TICKET_CLOSED, days=1)
    late = stated("2026-06-10 02:00 + 2h", notified=None, lodged=at("2027-01-01"))
    assert [decide(each, [late])[0].accepted for each in (rule, never)] == [True, True]


@given(exclusions())
def test_two_overlapping_declarations_of_a_class_are_their_union(some: list[Exclusion]) -> None:
    """As long as they were announced and agreed alike."""
    night = Weekly(weekdays=frozenset(range(7)), start=0, end=60)
    rules = under(allowance=40 * S, allowance_per=Span.MONTH, notice=Lead(elapsed=10 * S), hours=night)
    same = [replace(e, cause="maintenance", notified=-10 * S, lodged=0) for e in some]
    united = [
        replace(exclusion(0, 1, id=f"u{i}"), start=a, end=b, notified=-10 * S, lodged=0)
        for i, (a, b) in enumerate(union((e.start, e.end) for e in same))
    ]
    assert excluded(rules, *same) == excluded(rules, *united)
    assert all(d.accepted for d in decide(rules, same))
