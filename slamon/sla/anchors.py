"""What deadlines are counted from: outages, their tickets, the statement of a period, and the deadline that is due first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slamon.sla.deadlines import due
from slamon.sla.facts import Ticket, closings
from slamon.sla.history import History
from slamon.sla.lines import Due, Period
from slamon.sla.measured import Incident
from slamon.sla.outages import matching
from slamon.sla.terms.times import Anchor, Deadline


def instants(history: History, period: Period, anchor: Anchor | None, incidents: Iterable[Incident]) -> list[int]:
    """Where an anchor lies for these outages, as known at `as_of`; a period without outages has the tickets opened in it.

    `report` is the outage's ticket where outages have to be reported, else the period's statement: when it was closed, or is due.
    """
    incidents = tuple(incidents)
    match anchor:
        case Anchor.OUTAGE_START:
            return [incident.start for incident in incidents]
        case Anchor.OUTAGE_END:
            return [incident.end for incident in incidents if not incident.open]
        case Anchor.TICKET_OPENED:
            return [ticket.opened for ticket in _tickets(history, period, incidents)]
        case Anchor.TICKET_CLOSED:
            closed = [ticket.closed for ticket in _tickets(history, period, incidents)]
            return [at for at in closed if at is not None and at <= history.as_of]
        case Anchor.REPORT:
            return _report(history, period, incidents)
        case _:
            return []


def _tickets(history: History, period: Period, incidents: Sequence[Incident]) -> list[Ticket]:
    opened = [ticket for ticket in history.facts.tickets if ticket.opened <= history.as_of]
    if not incidents:
        return [ticket for ticket in opened if period.start <= ticket.opened < period.end]
    return [ticket for one in incidents for ticket in matching((one.start, one.end), opened)]


def _report(history: History, period: Period, incidents: Sequence[Incident]) -> list[int]:
    terms = history.version(period)
    if terms.claim is not None and terms.claim.report is not None:
        return [ticket.opened for ticket in _tickets(history, period, incidents)]
    closed = [at for at in closings(history.facts, period.name, history.as_of) if at >= period.end]
    if closed or terms.reports is None or terms.reports.due is None:
        return closed[:1]
    awaited = due(terms.reports.due, terms, anchor=None, period=period)
    # A civil day is not over before the midnight that ends it.
    return [] if awaited is None else [awaited.at if awaited.day is None else awaited.at - 1]


def earliest(history: History, deadline: Deadline, period: Period, anchors: Iterable[int]) -> Due | None:
    """Of the deadlines counted from each of these instants the first to end; None while an anchor it needs is not known."""
    contract = history.version(period)
    found = [due(deadline, contract, anchor=at, period=period) for at in (*anchors, None)]
    return min((each for each in found if each is not None), key=lambda each: each.at, default=None)
