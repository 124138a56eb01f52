"""Declarations → which of them hold by the contract's rules, and who owns which second that does not count: each one once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from slamon.model import S
from slamon.sla import deadlines, hours, periods
from slamon.sla.facts import Agreement, Exclusion, Recorded, Ticket
from slamon.sla.outages import matching
from slamon.sla.terms import Contract
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.terms.times import Anchor
from slamon.sla.timeline import Piece, Span, Spans, clip, intersect, overlaps, subtract, tagged, union
from slamon.units import format_duration

Declared = TypeVar("Declared", Exclusion, Recorded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What the contract says about one declaration."""

    exclusion: Exclusion
    accepted: bool
    reason: str
    """Why it is refused; empty when accepted."""
    notice_given: int | None
    """From the announcement to the start, nanoseconds; None where none is recorded."""


def standing(declarations: Iterable[Declared], contract: Contract, as_of: int) -> list[Declared]:
    """The contract's declarations that were made and not revoked by `as_of`, in the order given."""
    return [
        each
        for each in declarations
        if each.contract == contract.name
        and each.declared_at <= as_of
        and (each.revoked_at is None or as_of < each.revoked_at)
    ]


def decide(contract: Contract, declared: Iterable[Exclusion], tickets: Sequence[Ticket] = ()) -> tuple[Decision, ...]:
    """Every declaration by the rules of its class, in the order given. No rule looks at what was measured: for a cut-off, an outage
    is the span that was declared, and its tickets are those that overlap it."""
    classes = {entry.name: entry for entry in contract.exclusions}
    return tuple(_decide(contract, classes.get(exclusion.cause), exclusion, tickets) for exclusion in declared)


def owned(
    decisions: Iterable[Decision], contract: Contract, *, start: int | None = None, end: int | None = None
) -> list[Piece[Exclusion]]:
    """Ascending pieces that do not overlap, each with the declaration that owns it.

    The first class of the contract that covers a second owns it; inside a class the declaration that starts first does. What an
    allowance does not cover is owned by nobody of the class.

    With `start`, `end` or both only what lies in `[start, end)`: exactly the part of the whole that is inside. A declaration may
    reach over decades, so pass the period that is asked about: the work then grows with it (and with the month, quarter or year of
    an allowance, which is consumed from its first instant on), not with what was declared.
    """
    by_class: dict[str, list[Exclusion]] = {entry.name: [] for entry in contract.exclusions}
    for decision in decisions:
        if decision.accepted:
            by_class[decision.exclusion.cause].append(decision.exclusion)
    taken: Spans = ()
    pieces: list[Piece[Exclusion]] = []
    for entry in contract.exclusions:
        begin = start if start is None else _consumed_from(contract, entry, start)
        own = _own(by_class[entry.name], begin, end)
        covered = _within(union((piece.start, piece.end) for piece in own), begin, end)
        if entry.hours is not None and covered:
            covered = intersect(covered, hours.weekly(entry.hours, contract, covered[0][0], covered[-1][1]))
        free = subtract(_within(allowed(contract, entry, covered), start, end), taken)
        pieces += [Piece(first, last, who) for first, last, (who, _) in overlaps(own, tagged(free, None))]
        taken = union((*taken, *free))
    return sorted(pieces)


def allowed(contract: Contract, entry: ExclusionClass, covered: Spans) -> Spans:
    """The part of a class's time that its allowance covers: consumed in time order, anew in each month, quarter or year.

    All that is covered in the first of them has to be given.
    """
    if entry.allowance is None:
        return covered
    assert entry.allowance_per is not None
    result: list[Span] = []
    left, until = 0, None
    for first, last in covered:
        at = first
        while at < last:
            if until is None or until <= at:
                left, until = entry.allowance, periods.spanning(contract, at, entry.allowance_per)[1]
            stop = min(last, until)
            used = min(left, stop - at)
            result.append((at, at + used))
            left -= used
            at = stop
    return union(result)


def _consumed_from(contract: Contract, entry: ExclusionClass, start: int) -> int:
    """Where one has to begin to know what the class owns from `start` on."""
    return start if entry.allowance_per is None else periods.spanning(contract, start, entry.allowance_per)[0]


def _own(exclusions: Iterable[Exclusion], begin: int | None, end: int | None) -> list[Piece[Exclusion]]:
    """The declarations of a class that reach into `[begin, end)`, in order, each from where the ones before it end."""
    reaching = (
        each for each in exclusions if (begin is None or begin < each.end) and (end is None or each.start < end)
    )
    own: list[Piece[Exclusion]] = []
    for exclusion in sorted(reaching, key=_order):
        start = max(exclusion.start, own[-1].end) if own else exclusion.start
        own.append(Piece(start, max(start, exclusion.end), exclusion))
    return own


def _within(spans: Spans, start: int | None, end: int | None) -> Spans:
    """The part inside `[start, end)`; None bounds nothing."""
    if not spans:
        return spans
    return clip(spans, spans[0][0] if start is None else start, spans[-1][1] if end is None else end)


def _order(exclusion: Exclusion) -> tuple[int, int, int, str]:
    return exclusion.start, exclusion.end, exclusion.declared_at, exclusion.id


def _decide(
    contract: Contract, entry: ExclusionClass | None, exclusion: Exclusion, tickets: Sequence[Ticket]
) -> Decision:
    given = None if exclusion.notified is None else exclusion.start - exclusion.notified
    if entry is None:
        reason = f"the contract excludes no class {exclusion.cause}"
    else:
        refusals = (
            _agreed(exclusion),
            _noticed(contract, entry, exclusion),
            _lodged(contract, entry, exclusion, tickets),
        )
        reason = next(filter(None, refusals), "")
    return Decision(exclusion=exclusion, accepted=not reason, reason=reason, notice_given=given)


def _agreed(exclusion: Exclusion) -> str:
    return "" if exclusion.state is Agreement.ACCEPTED else f"it is {exclusion.state}, not accepted"


def _noticed(contract: Contract, entry: ExclusionClass, exclusion: Exclusion) -> str:
    if entry.notice is None:
        return ""
    if exclusion.notified is None:
        return "no notice is recorded"
    if deadlines.enough(entry.notice, contract, exclusion.notified, exclusion.start):
        return ""
    lead = exclusion.start - exclusion.notified
    whole = abs(lead) // S * S
    given = f"notice of {format_duration(whole)}" if lead >= 0 else f"notice {format_duration(whole)} after it began"
    return f"{given}, the contract asks for {deadlines.lead_text(entry.notice)}"


def _lodged(contract: Contract, entry: ExclusionClass, exclusion: Exclusion, tickets: Sequence[Ticket]) -> str:
    if entry.lodge is None:
        return ""
    own = matching((exclusion.start, exclusion.end), tickets)
    closed = [ticket.closed for ticket in own if ticket.closed is not None]
    anchors: dict[Anchor | None, int | None] = {
        Anchor.TICKET_OPENED: min((ticket.opened for ticket in own), default=None),
        Anchor.TICKET_CLOSED: max(closed) if closed and len(closed) == len(own) else None,
        Anchor.OUTAGE_START: exclusion.start,
        Anchor.OUTAGE_END: exclusion.end,
        Anchor.NOTICE: exclusion.notified,
    }
    anchor = anchors.get(entry.lodge.anchor)
    period = periods.current(contract, exclusion.start)
    due = deadlines.due(entry.lodge, contract, anchor=anchor, period=period)
    lodged = exclusion.declared_at if exclusion.lodged is None else exclusion.lodged
    if due is None or deadlines.in_time(due, lodged):
        return ""
    return f"lodged too late: {entry.lodge.text}"
