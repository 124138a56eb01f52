from __future__ import annotations

from datetime import date
from fractions import Fraction

from slamon.sla.facts import Facts, Payment
from slamon.sla.overdue import days_overdue, overdue_since
from slamon.sla.terms.measures import Side
from tests.sla.book import Book, at, contract


def book(*payments: tuple[str, str | None], as_of: str = "2026-08-01") -> Book:
    found = tuple(Payment(at(due), None if paid is None else at(paid)) for due, paid in payments)
    return Book(contract=contract(holidays=frozenset({date(2026, 6, 9)})), as_of=at(as_of), facts=Facts(payments=found))


def since(history: Book, side: Side, days: int | Fraction, *, business: bool = False) -> list[tuple[int, int]]:
    return list(overdue_since(history, side, Fraction(days), at("2026-08-01"), business=business))


def test_days_since_the_oldest_due_date() -> None:
    own = book(("2026-06-05 15:00", None), ("2026-06-20", None))
    assert days_overdue(own, at("2026-06-05 14:59"), business=False) == 0
    assert days_overdue(own, at("2026-06-05 23:59"), business=False) == 0
    assert days_overdue(own, at("2026-06-06"), business=False) == 1
    assert days_overdue(own, at("2026-07-01"), business=False) == 26
    # Friday; the 8th is a Monday, the 9th a holiday.
    assert days_overdue(own, at("2026-06-10 12:00"), business=True) == 2


def test_paid_is_not_overdue_any_more() -> None:
    own = book(("2026-06-05", "2026-06-10"), ("2026-06-08", None))
    assert days_overdue(own, at("2026-06-10") - 1, business=False) == 4
    assert days_overdue(own, at("2026-06-10"), business=False) == 2


def test_debts_due_before_an_instant() -> None:
    own = book(("2026-07-05", None), ("2026-06-20", "2026-07-10"))
    assert days_overdue(own, at("2026-07-08"), business=False, due_before=at("2026-07-01")) == 18
    assert days_overdue(own, at("2026-07-12"), business=False, due_before=at("2026-07-01")) == 0
    assert days_overdue(own, at("2026-07-12"), business=False, due_before=at("2026-07-05")) == 0
    assert days_overdue(own, at("2026-07-12"), business=False, due_before=at("2026-07-05") + 1) == 7


def test_when_it_was_so_long_overdue() -> None:
    own = book(("2026-06-05 15:00", "2026-06-20"), ("2026-07-05", None))
    assert since(own, Side.OVER, 0) == [
        (at("2026-06-06"), at("2026-06-20")),
        (at("2026-07-06"), at("2026-08-01")),
    ]
    assert since(own, Side.AT_LEAST, 0)[0] == (at("2026-06-05 15:00"), at("2026-06-20"))
    assert since(own, Side.OVER, 14) == [(at("2026-07-20"), at("2026-08-01"))]
    assert since(own, Side.AT_LEAST, 14) == [
        (at("2026-06-19"), at("2026-06-20")),
        (at("2026-07-19"), at("2026-08-01")),
    ]
    assert since(own, Side.OVER, 40) == []
    assert since(own, Side.AT_LEAST, 2, business=True)[0][0] == at("2026-06-10")


def test_debts_that_follow_each_other_are_one_stretch() -> None:
    own = book(("2026-06-05", "2026-06-20"), ("2026-06-08", "2026-06-30"))
    assert since(own, Side.OVER, 2) == [(at("2026-06-08"), at("2026-06-30"))]
