"""Declarations → who owns which second that does not count: each one once, by the order of the contract's classes."""

from __future__ import annotations

from collections.abc import Iterable

from slamon.sla.facts import Exclusion
from slamon.sla.terms import Contract
from slamon.sla.timeline import Piece, Spans, overlaps, subtract, tagged, union


def standing(exclusions: Iterable[Exclusion], contract: Contract, as_of: int) -> list[Exclusion]:
    """The contract's declarations that were made and not revoked by `as_of`, in the order of their time."""
    known = [
        exclusion
        for exclusion in exclusions
        if exclusion.contract == contract.name
        and exclusion.declared_at <= as_of
        and (exclusion.revoked_at is None or as_of < exclusion.revoked_at)
    ]
    return sorted(known, key=lambda exclusion: (exclusion.start, exclusion.end, exclusion.declared_at, exclusion.id))


def owned(declared: Iterable[Exclusion], contract: Contract) -> list[Piece[Exclusion]]:
    """`declared` as `standing` returns it → ascending pieces that do not overlap, each with the declaration that owns it.

    The first class of the contract that covers a second owns it; inside a class the declaration that starts first does.
    A declaration of a class the contract does not have owns nothing.
    """
    by_class: dict[str, list[Exclusion]] = {entry.name: [] for entry in contract.exclusions}
    for exclusion in declared:
        if exclusion.cause in by_class:
            by_class[exclusion.cause].append(exclusion)
    taken: Spans = ()
    pieces: list[Piece[Exclusion]] = []
    for members in by_class.values():
        own: list[Piece[Exclusion]] = []
        for exclusion in members:
            start = max(exclusion.start, own[-1].end) if own else exclusion.start
            if start < exclusion.end:
                own.append(Piece(start, exclusion.end, exclusion))
        free = subtract(union((piece.start, piece.end) for piece in own), taken)
        pieces += [Piece(start, end, who) for start, end, (who, _) in overlaps(own, tagged(free, None))]
        taken = union((*taken, *free))
    return sorted(pieces, key=lambda piece: piece.start)
