"""Events people state → facts."""

from __future__ import annotations

from fractions import Fraction

from slamon.sla.facts import (
    EVENTS,
    Breach,
    Charge,
    Charged,
    Closed,
    Event,
    Facts,
    Lodged,
    Notice,
    Payment,
    Ticket,
    closings,
    happened,
    kind,
)

TICKET, CLAIM, PAYMENT, BREACH, NOTICE, CLOSED = (
    Ticket(5),
    Lodged("2026-10", 6),
    Payment(7),
    Breach("access", 8, 9),
    Notice("out", 9),
    Closed("2026-10", 10),
)


def test_each_event_finds_its_place_after_what_was_there() -> None:
    before = Facts(tickets=(Ticket(1, 2),), claims=(Lodged("2026-09", 1),), closed=(Closed("", 4),))
    events: list[Event] = [NOTICE, TICKET, PAYMENT, CLAIM, BREACH, CLOSED]
    assert happened(events, before) == Facts(
        tickets=(Ticket(1, 2), TICKET),
        claims=(Lodged("2026-09", 1), CLAIM),
        payments=(PAYMENT,),
        breaches=(BREACH,),
        notices=(NOTICE,),
        closed=(Closed("", 4), CLOSED),
    )
    assert [kind(event) for event in events] == ["notice", "ticket", "payment", "claim", "breach", "statement"]
    assert kind(Charged("2026-10")) == "charge"
    assert len(EVENTS) == 7


def test_of_a_charge_stated_twice_the_later_figures_stand() -> None:
    before = Facts(charges={"2026-10": Charge(billed=Fraction(1), usage=Fraction(2))})
    events = [
        Charged("2026-10", billed=Fraction(3)),
        Charged("2026-11", paid=Fraction(4)),
        Charged("2026-10", paid=Fraction(5)),
    ]
    assert happened(events, before).charges == {
        "2026-10": Charge(billed=Fraction(3), paid=Fraction(5), usage=Fraction(2)),
        "2026-11": Charge(paid=Fraction(4)),
    }


def test_a_statement_is_closed_by_its_name_or_with_all_others() -> None:
    facts = Facts(closed=(Closed("2026-10", 9), Closed("", 7), Closed("2026-11", 8), Closed("2026-10", 3)))
    assert closings(facts, "2026-10", 9) == [3, 7, 9]
    assert closings(facts, "2026-10", 8) == [3, 7]
    assert closings(facts, "2026-12", 9) == [7]
    assert closings(facts, "2026-12", 6) == []
