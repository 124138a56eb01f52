"""Claims of which some exclude each other: those that together come to most. Each has an owner, and an owner may have a limit.

The claims are decided one after the other. To those that follow only two things matter: which of them are blocked, and how much of
each limit is used. Of all ways to come to the same of both the best goes on.

With limits there may be many ways. What one may still come to is bounded: an owner gets neither more than its claims nor more than
its limit, and so no more than any mean of the two; and once the claims of each owner count by one share, the best of what follows is
found without limits. A way that cannot come to more than the best choice known ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from operator import mul
from typing import NamedTuple, TypeAlias

WHOLE = 1 << 20
"""A share is so many parts of this."""
NARROW = 16
"""So many ways go on side by side at first."""
STEPS = 1_000_000
"""About so many are taken where that does not show which is best: with a hundred claims 10 000 ways go on."""

Moves: TypeAlias = tuple[tuple[bool, int], ...]
"""How a claim may be decided: whether it is kept, and which of those after it are blocked then; bit 0 is the next one."""
Rest: TypeAlias = list[dict[int, int]]
"""For each claim, and after the last, by what is blocked then: the most that it and those after it come to."""
Way: TypeAlias = tuple[int, tuple[int, ...]]
"""What matters of one: which claims are blocked, and what is used of each limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An amount of one owner."""

    owner: int
    amount: Fraction
    rivals: AbstractSet[int]
    """The claims that cannot be kept beside it."""


def most(claims: Sequence[Claim], limits: Mapping[int, Fraction]) -> frozenset[int]:
    """The claims to keep. `limits`: owner → the most that its claims come to together.

    Of equals the one with the claim that has most rivals, then the first. Where more ways are open than can be tried it is the best
    of those tried: never less than what is best by whole amounts, or by the shares of them that the limits leave.
    """
    left = dict(limits)
    for claim in claims:
        if claim.owner in left and not claim.rivals:
            left[claim.owner] = max(left[claim.owner] - claim.amount, Fraction(0))
    amounts = {n: min(each.amount, left.get(each.owner, each.amount)) for n, each in enumerate(claims) if each.rivals}
    binding = {
        owner: limit
        for owner, limit in left.items()
        if sum(amount for n, amount in amounts.items() if claims[n].owner == owner) > limit
    }
    return frozenset(n for n in range(len(claims)) if n not in amounts) | _Search(claims, amounts, binding).best()


class _Step(NamedTuple):
    """A claim, when it is its turn."""

    claim: int
    amount: int
    limit: int
    """Which of the limits; the last one binds nothing."""
    mark: int
    """Its bit in a set of claims; the higher, the sooner it is preferred."""


class _Choice(NamedTuple):
    """The greater, the better."""

    total: int
    kept: int
    """The marks."""


class _Tangent(NamedTuple):
    """The bound by one share, and how it changes with it."""

    bound: int
    share: int
    slope: int


class _Search:
    def __init__(
        self, claims: Sequence[Claim], amounts: Mapping[int, Fraction], limits: Mapping[int, Fraction]
    ) -> None:
        """`amounts`: of the claims to decide; `limits`: each less than the amounts of its owner."""
        unit = lcm(*(value.denominator for value in (*amounts.values(), *limits.values())))
        limited = {owner: at for at, owner in enumerate(limits)}
        marks = {n: 1 << bit for bit, n in enumerate(sorted(amounts, key=lambda n: (len(claims[n].rivals), -n)))}
        order = _order(amounts, claims)
        self._steps = [
            _Step(n, int(amounts[n] * unit), limited.get(claims[n].owner, len(limits)), marks[n]) for n in order
        ]
        self._limits = [int(limit * unit) for limit in limits.values()]
        self._moves = _moves(order, claims)
        self._best = _Choice(total=0, kept=0)

    def best(self) -> frozenset[int]:
        shares = self._shares()
        for width in (NARROW, STEPS // max(len(self._steps), 1)):
            if self._certain(shares, width):
                break
        return frozenset(step.claim for step in self._steps if step.mark & self._best.kept)

    def _certain(self, shares: Sequence[int], width: int) -> bool:
        """Whether the best choice is known now. No more than so many ways go on at each claim: those with the highest bounds."""
        rest, _ = self._by(shares)
        slack = self._slack(shares)
        ways: dict[Way, _Choice] = {(0, (0,) * len(self._limits)): _Choice(total=0, kept=0)}
        missed = -1
        for step, moves, after in zip(self._steps, self._moves, rest[1:], strict=True):
            found: dict[Way, _Choice] = {}
            bounds: dict[Way, int] = {}
            for (blocked, used), so_far in ways.items():
                for keep, then in moves[blocked]:
                    way, choice = self._kept(step, then, used, so_far) if keep else ((then, used), so_far)
                    bound = WHOLE * choice.total + sum(map(mul, way[1], shares)) + slack + after[then]
                    if bound >= WHOLE * self._best.total and (way not in found or found[way] < choice):
                        found[way], bounds[way] = choice, bound
            if len(found) > width:
                first = sorted(found, key=lambda way: bounds[way], reverse=True)
                missed = max(missed, bounds[first[width]])
                found = {way: found[way] for way in first[:width]}
            ways = found
        for (_, used), choice in ways.items():
            self._best = max(self._best, _Choice(total=choice.total + sum(used), kept=choice.kept))
        return missed < WHOLE * self._best.total

    def _kept(self, step: _Step, then: int, used: tuple[int, ...], so_far: _Choice) -> tuple[Way, _Choice]:
        """The way on with a claim. What a limit bounds is in the way; `total` is the rest."""
        at, kept = step.limit, so_far.kept | step.mark
        if at == len(used):
            return (then, used), _Choice(so_far.total + step.amount, kept)
        part = min(used[at] + step.amount, self._limits[at])
        return (then, (*used[:at], part, *used[at + 1 :])), _Choice(so_far.total, kept)

    # --- what is best where the claims of each limit count by one share ---------------------------------------------------------

    def _shares(self) -> list[int]:
        """One for each limit, and the whole for what has none: those by which the bound on everything is least, nearly."""
        count = len(self._limits)
        asked = [sum(step.amount for step in self._steps if step.limit == at) for at in range(count)]
        whole = lcm(*asked)
        self._by([*(limit * whole // of for limit, of in zip(self._limits, asked, strict=True)), whole])
        shares = [WHOLE] * (count + 1)
        self._by(shares)
        for at in [*range(count)] * min(count, 2):
            shares[at] = self._share(shares, at)
        return shares

    def _share(self, shares: Sequence[int], at: int) -> int:
        """That of one limit, beside those of the others. The bound is convex in it: two tangents meet below the least."""
        low, high = (self._tangent(shares, at, share) for share in (0, WHOLE))
        while low.slope < 0 < high.slope:
            gap = high.bound - low.bound + low.slope * low.share - high.slope * high.share
            share = gap // (low.slope - high.slope)
            if not low.share < share < high.share:
                break
            between = self._tangent(shares, at, share)
            low, high = (between, high) if between.slope < 0 else (low, between)
        return min(low, high).share

    def _tangent(self, shares: Sequence[int], at: int, share: int) -> _Tangent:
        tried = [*shares[:at], share, *shares[at + 1 :]]
        rest, asked = self._by(tried)
        return _Tangent(bound=rest[0][0] + self._slack(tried), share=share, slope=asked[at] - self._limits[at])

    def _slack(self, shares: Sequence[int]) -> int:
        """What the limits themselves have in the bound."""
        return sum((WHOLE - share) * limit for share, limit in zip(shares, self._limits, strict=False))

    def _by(self, shares: Sequence[int]) -> tuple[Rest, list[int]]:
        """What each way is followed by at best; and of the choice that is best in all, which is known now, what is asked of each limit."""
        worth = [step.amount * shares[step.limit] for step in self._steps]
        rest: Rest = [{0: 0}]
        for own, moves in zip(reversed(worth), reversed(self._moves), strict=True):
            after = rest[-1]
            rest.append({at: max(keep * own + after[then] for keep, then in each) for at, each in moves.items()})
        rest.reverse()
        blocked, kept, asked = 0, 0, [0] * len(shares)
        for step, own, moves, after in zip(self._steps, worth, self._moves, rest[1:], strict=True):
            keep, blocked = max(moves[blocked], key=lambda move: move[0] * own + after[move[1]])
            kept |= keep * step.mark
            asked[step.limit] += keep * step.amount
        limited = sum(min(used, limit) for used, limit in zip(asked, self._limits, strict=False))
        self._best = max(self._best, _Choice(total=limited + asked[-1], kept=kept))
        return rest, asked


def _moves(order: Sequence[int], claims: Sequence[Claim]) -> list[dict[int, Moves]]:
    """For each claim, by what may be blocked when it is its turn; bit 0 is itself."""
    turn = {claim: at for at, claim in enumerate(order)}
    found: list[dict[int, Moves]] = []
    blocked = {0}
    for at, claim in enumerate(order):
        blocks = sum(1 << (turn[rival] - at - 1) for rival in claims[claim].rivals if turn[rival] > at)
        found.append({each: _decided(each, blocks) for each in blocked})
        blocked = {then for moves in found[-1].values() for _, then in moves}
    return found


def _decided(blocked: int, blocks: int) -> Moves:
    """Both ways, or the one there is. A claim that takes nothing from those after it is kept."""
    then = blocked >> 1
    if blocked & 1:
        return ((False, then),)
    if not blocks & ~then:
        return ((True, then),)
    return ((True, then | blocks), (False, then))


def _order(contested: Collection[int], claims: Sequence[Claim]) -> list[int]:
    """Each group of claims that chains of rivals connect after the other, and of each first the one with most rivals in it.

    So little is open at any time, both with one claim that stands against all others and with a long chain of them.
    """
    found = []
    groups = _groups(contested, claims)
    while groups:
        group = groups.pop()
        hub = max(sorted(group), key=lambda n: len(claims[n].rivals & group))
        found.append(hub)
        groups += _groups(group - {hub}, claims)
    return found


def _groups(contested: Collection[int], claims: Sequence[Claim]) -> list[frozenset[int]]:
    """The claims as sets between which nobody competes, the smallest last."""
    left = set(contested)
    found = []
    while left:
        group: set[int] = set()
        reached = {left.pop()}
        while reached:
            n = reached.pop()
            group.add(n)
            reached |= claims[n].rivals & left
            left -= reached
        found.append(frozenset(group))
    return sorted(found, key=len, reverse=True)
