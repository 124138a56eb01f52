"""When something has to be lodged by its tickets: from the first one opened, and from the last one closed once all of them are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slamon.model import HOUR
from slamon.sla import calendar
from slamon.sla.exclusions import decide
from slamon.sla.facts import Ticket
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Anchor, Deadline
from tests.sla.build import HERE, contract, exclusion


def at(text: str) -> int:
    return calendar.instant(text, "UTC")


FIRST = Ticket(opened=at("2026-06-10 02:10"), closed=at("2026-06-10 03:00"))
SECOND = Ticket(opened=at("2026-06-10 03:10"), closed=at("2026-06-10 05:00"))
OPEN = SECOND._replace(closed=None)


@pytest.mark.parametrize(
    ("anchor", "tickets", "last"),
    [
        (Anchor.TICKET_OPENED, (SECOND, FIRST), "2026-06-10 03:10"),
        (Anchor.TICKET_CLOSED, (FIRST, SECOND), "2026-06-10 06:00"),
        (Anchor.TICKET_CLOSED, (FIRST,), "2026-06-10 04:00"),
        (Anchor.TICKET_CLOSED, (FIRST, OPEN), None),
        (Anchor.TICKET_CLOSED, (OPEN,), None),
        (Anchor.TICKET_CLOSED, (), None),
        (Anchor.TICKET_OPENED, (), None),
    ],
)
def test_lodging_counts_from_the_tickets(anchor: Anchor, tickets: tuple[Ticket, ...], last: str | None) -> None:
    entry = ExclusionClass(
        name="maintenance", clause=HERE, lodge=Deadline(text="1h after it", anchor=anchor, elapsed=HOUR)
    )
    terms = replace(contract(), exclusions=(entry,))
    window = replace(exclusion(0, 1), start=at("2026-06-10 02:00"), end=at("2026-06-10 04:00"))
    in_time = at("2027-01-01") if last is None else at(last)
    declared = [replace(window, lodged=when) for when in (in_time, in_time + 1)]
    late = "" if last is None else "lodged too late: 1h after it"
    assert [found.reason for found in decide(terms, declared, tickets)] == ["", late]
