from __future__ import annotations

from typing import Any

import pytest

from slamon.sla.claims import claim
from slamon.sla.facts import Closed, Facts, Lodged, Ticket
from slamon.sla.lines import ClaimState, Due
from slamon.sla.terms import Claim, Reports
from slamon.sla.terms.times import Anchor, Deadline
from tests.sla.book import HERE, Book, at, contract, day, deadline, outage

MARCH = "2026-03"
OUTAGE = "2026-03-10 14:00 to 2026-03-11 09:00"
TICKET = Ticket(at("2026-03-10 14:00"), at("2026-03-11 09:00"))


def book(*outages: Any, by: Deadline | None = None, report: Deadline | None = None, **rest: Any) -> Book:
    terms = contract(
        claim=Claim(by=by, report=report, clause=HERE), holidays=frozenset(), reports=rest.pop("reports", None)
    )
    found = [outage(one) if isinstance(one, str) else one for one in outages or (OUTAGE,)]
    facts = rest.pop("facts", Facts(tickets=(TICKET,)))
    return Book(contract=terms, as_of=at(rest.pop("as_of", "2026-04-01")), outages=found, facts=facts)


def by(history: Book) -> Due | None:
    found = claim(history, history.period(MARCH))
    assert found is not None
    return found.claim_by


def by_day(history: Book) -> str | None:
    found = by(history)
    return None if found is None or found.day is None else found.day.isoformat()


def test_nobody_has_to_claim() -> None:
    own = Book(contract=contract(), as_of=at("2026-04-01"))
    assert claim(own, own.period(MARCH)) is None


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Deadline(text="", anchor=Anchor.PERIOD_END, days=7, business=True), "2026-04-09"),
        (deadline(Anchor.OUTAGE_START, days=30), "2026-04-09"),
        (Deadline(text="", day_of_next_month=28), "2026-04-28"),
        (deadline(Anchor.TICKET_CLOSED, days=30), "2026-04-10"),
        (deadline(Anchor.TICKET_OPENED, days=30), "2026-04-09"),
        (deadline(Anchor.OUTAGE_END, days=30), "2026-04-10"),
        (Deadline(text="", end_of_period=2), "2026-05-31"),
        (deadline(Anchor.PERIOD_END, days=45), "2026-05-15"),
        (deadline(Anchor.RIGHT_ARISES, days=1), None),
    ],
)
def test_by_when(rule: Deadline, expected: str | None) -> None:
    assert by_day(book(by=rule)) == expected


def test_report_by_an_instant() -> None:
    own = book(report=deadline(Anchor.OUTAGE_START, elapsed="72h"))
    found = claim(own, own.period(MARCH))
    assert found is not None
    assert found.report_by == Due(at=at("2026-03-13 14:00"))
    assert found.claim_by is None


def test_of_several_outages_the_first_that_is_due() -> None:
    rule = deadline(Anchor.OUTAGE_START, days=30)
    own = book("2026-03-20 00:00 + 1h", OUTAGE, by=rule)
    assert by_day(own) == "2026-04-09"


def test_outages_that_belong_to_another_period_have_their_own_claim() -> None:
    assert by(book("2026-02-28 23:00 + 2h", by=deadline(Anchor.OUTAGE_START, days=30))) is None


def test_an_open_outage_has_no_end_and_an_open_ticket_none() -> None:
    unfinished = outage("2026-03-10 14:00 to 2026-04-01 00:00", open_=True)
    assert by(book(unfinished, by=deadline(Anchor.OUTAGE_END, days=30))) is None
    facts = Facts(tickets=(Ticket(at("2026-03-10 15:00"), None),))
    assert by(book(by=deadline(Anchor.TICKET_CLOSED, days=30), facts=facts)) is None
    assert by_day(book(by=deadline(Anchor.TICKET_OPENED, days=30), facts=facts)) == "2026-04-09"


def test_a_ticket_closed_or_opened_later_than_now_is_not_known() -> None:
    rule = deadline(Anchor.TICKET_CLOSED, days=30)
    assert by(book(by=rule, as_of="2026-03-11 08:00")) is None
    assert by(book(by=deadline(Anchor.TICKET_OPENED, days=3), facts=Facts(tickets=(Ticket(at("2026-05-01")),)))) is None


def test_only_tickets_of_the_outages() -> None:
    other = Ticket(at("2026-03-01"), at("2026-03-02"))
    facts = Facts(tickets=(other, TICKET))
    rule = deadline(Anchor.TICKET_CLOSED, days=30)
    assert by_day(book(by=rule, facts=facts)) == "2026-04-10"
    nothing_down = Book(contract=book(by=rule).contract, as_of=at("2026-04-01"), facts=facts)
    assert by_day(nothing_down) == "2026-04-01"


def test_after_the_report() -> None:
    rule = deadline(Anchor.REPORT, days=30)
    assert by(book(by=rule)) is None
    # Where outages have to be reported, it is their report.
    assert by_day(book(by=rule, report=deadline(Anchor.OUTAGE_START, days=2))) == "2026-04-09"
    closed = Facts(
        closed=(
            Closed(MARCH, at("2026-03-30")),
            Closed("2026-02", at("2026-04-01")),
            Closed(MARCH, at("2026-04-03 12:00")),
            Closed("", at("2026-04-20")),
        )
    )
    assert by_day(book(by=rule, facts=closed, as_of="2026-05-01")) == "2026-05-03"
    due = Reports(due=deadline(Anchor.PERIOD_END, days=5))
    assert by_day(book(by=rule, reports=due)) == "2026-05-05"
    assert by_day(book(by=rule, reports=due, facts=closed, as_of="2026-05-01")) == "2026-05-03"
    hours = Reports(due=deadline(Anchor.PERIOD_END, elapsed="48h"))
    assert by_day(book(by=rule, reports=hours)) == "2026-05-03"
    never = Reports(due=deadline(Anchor.NOTICE, days=5))
    assert by(book(by=rule, reports=never)) is None
    assert by(book(by=rule, reports=Reports())) is None


@pytest.mark.parametrize(
    ("lodged", "as_of", "expected"),
    [
        (None, "2026-04-15", ClaimState.OPEN),
        (None, "2026-05-16", ClaimState.LATE),
        ("2026-05-15 23:59", "2026-05-20", ClaimState.IN_TIME),
        ("2026-05-16", "2026-05-20", ClaimState.LATE),
        ("2026-05-15", "2026-05-14", ClaimState.OPEN),
    ],
)
def test_claimed_in_time(lodged: str | None, as_of: str, expected: ClaimState) -> None:
    claims = (
        () if lodged is None else (Lodged(MARCH, at("2026-06-01")), Lodged(MARCH, at(lodged)), Lodged("2026-04", 0))
    )
    own = book(by=deadline(Anchor.PERIOD_END, days=45), facts=Facts(claims=claims), as_of=as_of)
    found = claim(own, own.period(MARCH))
    assert found is not None
    assert found.claim_by == Due(at=at("2026-05-16"), day=day("2026-05-15"))
    assert found.state is expected


def test_hours_end_with_their_last_instant() -> None:
    for later, expected in ((0, ClaimState.IN_TIME), (1, ClaimState.LATE)):
        lodged = at("2026-03-13 14:00") + later
        facts = Facts(claims=(Lodged(MARCH, lodged),))
        own = book(by=deadline(Anchor.OUTAGE_START, elapsed="72h"), facts=facts)
        found = claim(own, own.period(MARCH))
        assert found is not None
        assert (found.state, found.lodged) == (expected, lodged)


def test_without_a_deadline_a_claim_is_never_late() -> None:
    own = book(facts=Facts(claims=(Lodged(MARCH, at("2026-03-31")),)))
    found = claim(own, own.period(MARCH))
    assert found is not None
    assert (found.state, found.claim_by) == (ClaimState.IN_TIME, None)
    own = book(by=deadline(Anchor.TICKET_CLOSED, days=1), facts=Facts(), as_of="2027-01-01")
    found = claim(own, own.period(MARCH))
    assert found is not None
    assert found.state is ClaimState.OPEN
