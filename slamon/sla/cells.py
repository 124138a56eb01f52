"""Time in scope, cut at every change of what holds, and what each piece counts as: the ground a tally is added up from."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from slamon.sla import hours, stated
from slamon.sla.exclusions import decide, owned
from slamon.sla.facts import Exclusion, Facts, State
from slamon.sla.lines import DEGRADED, LOCAL_FAULT, NOT_ELAPSED, PROVIDER_DOWN, UNKNOWN, UP
from slamon.sla.outages import Ruled
from slamon.sla.terms import Contract
from slamon.sla.terms.composition import Composition, names
from slamon.sla.timeline import Piece, Timeline, filled, overlaps, tagged

CATEGORY: dict[State | None, str] = {
    State.UP: UP,
    State.DEGRADED: DEGRADED,
    State.DOWN: PROVIDER_DOWN,
    State.LOCAL_FAULT: LOCAL_FAULT,
    State.UNKNOWN: UNKNOWN,
    None: NOT_ELAPSED,
}


class Cell(NamedTuple):
    """What holds over a piece of time in scope."""

    state: State | None
    """None = not settled yet."""
    owner: Exclusion | None
    """The declaration that owns it."""
    weight: Fraction
    """By how much it counts while it is down."""


def cells(
    contract: Contract,
    facts: Facts,
    ruling: Ruled,
    declared: Iterable[Exclusion],
    start: int,
    end: int,
    service: Composition,
) -> list[Piece[Cell]]:
    """`[start, end)` in scope, cut at every change of what holds."""
    settled = max(start, min(ruling.settled, end))
    known = Timeline[State | None].of(
        [*ruling.seen.timeline.within(start, settled, State.UNKNOWN).pieces, Piece(settled, end, None)]
    )
    decisions = decide(contract, declared, facts.tickets)
    owners: list[Piece[Exclusion | None]] = [
        Piece(*piece) for piece in owned(decisions, contract, start=start, end=end)
    ]
    scope = tagged(hours.scope(contract, start, end), None)
    in_scope = [Piece(a, b, state) for a, b, (state, _) in overlaps(known.pieces, scope)]
    judged = list(overlaps(in_scope, filled(owners, start, end, None).pieces))
    weights = stated.weights(facts, names(service), contract.outage, start, end)
    if len(weights.pieces) == 1:
        weight = weights.pieces[0].value
        return [Piece(a, b, Cell(state, owner, weight)) for a, b, (state, owner) in judged]
    return [Piece(a, b, Cell(*pair, weight)) for a, b, (pair, weight) in overlaps(judged, weights.pieces)]


class Sums:
    """Adds pieces up."""

    def __init__(self, contract: Contract) -> None:
        self._degraded = contract.outage.degraded_counts
        self.time: dict[str, int] = {}
        self.states: dict[State, int] = {}
        self.ahead = 0
        self.charged = Fraction(0)
        self.raw_charged = Fraction(0)

    def add(self, piece: Piece[Cell]) -> None:
        start, end, (state, owner, weight) = piece
        ns = end - start
        category = CATEGORY[state] if owner is None else owner.cause
        self.time[category] = self.time.get(category, 0) + ns
        if state is None:
            self.ahead += ns if owner is not None else 0
            return
        self.states[state] = self.states.get(state, 0) + ns
        charge = charged(state, weight, self._degraded)
        if charge:
            self.raw_charged += charge * ns
            self.charged += charge * ns if owner is None else 0


def charged(state: State | None, weight: Fraction, degraded: Fraction) -> Fraction | int:
    """By how much an instant in that state counts as down."""
    if state is State.DOWN:
        return weight
    return degraded if state is State.DEGRADED else 0
