"""A declaration → whether it counts by the contract's rules and how much of it: told when it is declared, and in every list."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Container, Sequence
from dataclasses import replace
from typing import NamedTuple

from slamon.judge import declared
from slamon.report.words import duration
from slamon.sla import hours, periods
from slamon.sla.exclusions import decide, owned
from slamon.sla.facts import Agreement, Exclusion, Facts, Ticket
from slamon.sla.terms import Contract
from slamon.sla.terms.outages import ExclusionClass
from slamon.sla.timeline import Piece, Spans, intersect, length
from slamon.store import Declarations


class Count(NamedTuple):
    """What the rules make of one declaration."""

    accepted: bool
    reason: str
    """Why it is refused; empty when accepted."""
    excludes: int
    """Nanoseconds of it that do not count thanks to it, before service hours and term."""
    words: str
    """The same for people."""


def counts(contract: Contract, declarations: Declarations, wanted: Container[str], now: int) -> dict[str, Count]:
    """The exclusions of these ids that stand now, each by the terms in force when it begins, in the company of all `declarations`."""
    stood = declared(contract, declarations, now)
    by_version: dict[int, tuple[Contract, list[Exclusion]]] = {}
    for each in stood.exclusions:
        if each.id in wanted:
            version = periods.version(contract, each.start)
            by_version.setdefault(id(version), (version, []))[1].append(each)
    found: dict[str, Count] = {}
    for version, own in by_version.values():
        found |= _counts(version, stood, own)
    return found


def _counts(contract: Contract, stood: Facts, wanted: list[Exclusion]) -> dict[str, Count]:
    decisions = decide(contract, stood.exclusions, stood.tickets)
    first, last = min(each.start for each in wanted), max(each.end for each in wanted)
    pieces = owned(decisions, contract, start=first, end=last)
    spans: dict[str, list[tuple[int, int]]] = {}
    for piece in pieces:
        spans.setdefault(piece.value.id, []).append((piece.start, piece.end))
    classes = {entry.name: entry for entry in contract.exclusions}
    reasons = {decision.exclusion.id: decision.reason for decision in decisions}
    found = {}
    for each in wanted:
        reason = reasons[each.id]
        taken = length(spans.get(each.id, ()))
        words = (
            _refused(contract, each, reason, stood.tickets)
            if reason
            else _excludes(contract, classes[each.cause], each, taken, pieces)
        )
        found[each.id] = Count(not reason, reason, taken, words)
    return found


def _refused(contract: Contract, each: Exclusion, reason: str, tickets: Sequence[Ticket]) -> str:
    if each.state is Agreement.ACCEPTED:
        return f"refused by the contract's rules: {reason}"
    if each.state is Agreement.REJECTED:
        return "does not count: it is rejected"
    (agreed,) = decide(contract, [replace(each, state=Agreement.ACCEPTED)], tickets)
    then = f"be refused: {agreed.reason}" if agreed.reason else "be accepted"
    return f"does not count while it is {each.state}; by the contract's rules it would {then}"


def _excludes(
    contract: Contract, entry: ExclusionClass, each: Exclusion, taken: int, pieces: list[Piece[Exclusion]]
) -> str:
    whole = each.end - each.start
    if taken == whole:
        return "accepted by the contract's rules"
    inside: Spans = ((each.start, each.end),)
    if entry.hours is not None:
        inside = intersect(inside, hours.weekly(entry.hours, contract, each.start, each.end))
    first = bisect_right(pieces, each.start, key=lambda piece: piece.end)
    after = bisect_left(pieces, each.end, key=lambda piece: piece.start)
    others = tuple((piece.start, piece.end) for piece in pieces[first:after] if piece.value.id != each.id)
    already = length(intersect(inside, others))
    parts = (
        (whole - length(inside), "are outside the hours of its class"),
        (already, "are excluded already"),
        (length(inside) - already - taken, "are beyond the allowance of its class"),
    )
    why = ", ".join(f"{duration(lost)} {words}" for lost, words in parts if lost)
    return f"accepted by the contract's rules, excludes {duration(taken)} of its {duration(whole)}: {why}"
