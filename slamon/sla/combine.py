"""Credits that compete: which of a period's lines, or of their parts, stand beside each other. Exact amounts are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fractions import Fraction

from slamon.sla.lines import CreditLine, CreditPart
from slamon.sla.money import rounded
from slamon.sla.terms.credits import Combine
from slamon.sla.timeline import Spans


def combined(rule: Combine, lines: Sequence[CreditLine], currency: str) -> tuple[CreditLine, ...]:
    """The lines in their order, `applied` as the rule lets them stand. One that gives nothing competes with none.

    A line of which only parts stand has the amounts of those; one of which nothing stands keeps its own, to be shown.
    """
    match rule:
        case Combine.SUM:
            return tuple(lines)
        case Combine.HIGHEST:
            best = max(lines, key=lambda line: line.exact, default=None)
            return tuple(replace(line, applied=line is best or not line.exact) for line in lines)
        case _:  # for the same time
            return _same_time(lines, currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """A part that gives money, as it competes."""

    line: int
    part: int
    weight: Fraction
    time: Spans


def _same_time(lines: Sequence[CreditLine], currency: str) -> tuple[CreditLine, ...]:
    """No time is paid for by two lines: of all such choices of parts, the one that gives most."""
    claims = [
        _Claim(line=i, part=j, weight=_weight(line, part), time=part.spans or ((part.start, part.end),))
        for i, line in enumerate(lines)
        for j, part in enumerate(line.parts)
        if part.exact
    ]
    kept = _heaviest(frozenset(range(len(claims))), _rivals(claims), [claim.weight for claim in claims], {})
    beaten: list[set[int]] = [set() for _ in lines]
    for n, claim in enumerate(claims):
        if n not in kept:
            beaten[claim.line].add(claim.part)
    return tuple(_without(line, beaten[i], currency) for i, line in enumerate(lines))


def _weight(line: CreditLine, part: CreditPart) -> Fraction:
    """What the credit's own cap leaves of a part: its share of what it leaves of all of them."""
    return part.exact * line.exact / line.gives


def _rivals(claims: Sequence[_Claim]) -> list[set[int]]:
    """For each claim those of other lines for some of the same time."""
    found: list[set[int]] = [set() for _ in claims]
    running: list[tuple[int, int]] = []
    for start, end, n in sorted((*span, n) for n, claim in enumerate(claims) for span in claim.time):
        running = [(until, other) for until, other in running if until > start]
        for _, other in running:
            if claims[other].line != claims[n].line:
                found[n].add(other)
                found[other].add(n)
        running.append((end, n))
    return found


def _heaviest(
    claims: frozenset[int],
    rivals: Sequence[AbstractSet[int]],
    weights: Sequence[Fraction],
    known: dict[frozenset[int], frozenset[int]],
) -> frozenset[int]:
    """The heaviest set of claims without rivals; of equals the one with the claim that has most rivals, then the first.

    Claims that no chain of rivals connects are decided apart, and no set is decided twice (`known`), so that neither one credit for
    the whole period beside many for single outages nor a long chain of credits that overlap takes long.
    """
    if claims not in known:
        kept: frozenset[int] = frozenset()
        for group in _groups(claims, rivals):
            hub = max(sorted(group), key=lambda n: len(rivals[n] & group))
            others = group - {hub}
            kept |= max(
                {hub} | _heaviest(others - rivals[hub], rivals, weights, known),
                _heaviest(others, rivals, weights, known),
                key=lambda chosen: sum(weights[n] for n in chosen),
            )
        known[claims] = kept
    return known[claims]


def _groups(claims: Iterable[int], rivals: Sequence[AbstractSet[int]]) -> list[frozenset[int]]:
    """The claims as sets between which nobody competes."""
    left = set(claims)
    found = []
    while left:
        group: set[int] = set()
        reached = {left.pop()}
        while reached:
            n = reached.pop()
            group.add(n)
            reached |= rivals[n] & left
            left -= reached
        found.append(frozenset(group))
    return found


def _without(line: CreditLine, lost: set[int], currency: str) -> CreditLine:
    """The line without the parts that another one stands for."""
    if not lost:
        return line
    parts = tuple(replace(part, applied=j not in lost) for j, part in enumerate(line.parts))
    standing = [part for part in parts if part.applied]
    gives = Fraction(sum(part.exact for part in standing))
    if not gives:
        return replace(line, parts=parts, applied=False)
    exact = gives if line.cap is None else min(gives, line.cap)
    return replace(
        line,
        parts=parts,
        units=summed(part.units for part in standing),
        share=summed(part.share for part in standing),
        gives=gives,
        exact=exact,
        rounded=rounded(exact, currency),
    )


def summed(values: Iterable[Fraction | None]) -> Fraction | None:
    """Their sum; None if one of them is none."""
    total = Fraction(0)
    for value in values:
        if value is None:
            return None
        total += value
    return total
