"""Credits that compete: which of a period's lines, or of their parts, stand beside each other. Exact amounts are compared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from slamon.sla.competing import Claim, most
from slamon.sla.lines import CreditLine
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


def _same_time(lines: Sequence[CreditLine], currency: str) -> tuple[CreditLine, ...]:
    """No time is paid for by two lines: of all such choices of parts, the one of which most is left by the lines' own caps."""
    parts = [(i, j, part) for i, line in enumerate(lines) for j, part in enumerate(line.parts) if part.exact]
    rivals = _rivals([(i, part.spans or ((part.start, part.end),)) for i, _, part in parts])
    claims = [
        Claim(owner=i, amount=part.exact, rivals=against) for (i, _, part), against in zip(parts, rivals, strict=True)
    ]
    kept = most(claims, {i: line.cap for i, line in enumerate(lines) if line.cap is not None})
    beaten: list[set[int]] = [set() for _ in lines]
    for n, (i, j, _) in enumerate(parts):
        if n not in kept:
            beaten[i].add(j)
    return tuple(_without(line, beaten[i], currency) for i, line in enumerate(lines))


def _rivals(times: Sequence[tuple[int, Spans]]) -> list[set[int]]:
    """For each part, by its line and time, those of other lines for some of the same time."""
    found: list[set[int]] = [set() for _ in times]
    running: list[tuple[int, int]] = []
    for start, end, n in sorted((*span, n) for n, (_, spans) in enumerate(times) for span in spans):
        running = [(until, other) for until, other in running if until > start]
        for _, other in running:
            if times[other][0] != times[n][0]:
                found[n].add(other)
                found[other].add(n)
        running.append((end, n))
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
