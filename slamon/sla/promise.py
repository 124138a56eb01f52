"""Whether what others promise can carry what this contract promises: availabilities in series, in parallel, and k of n."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from slamon.sla.terms.composition import Composition


def supportable(composition: Composition, promises: Mapping[str, Fraction]) -> Fraction:
    """The availability (0..1) of a whole whose parts fail independently: all = Π a, any = 1 − Π (1 − a), k of n by enumeration.

    `promises`: contract name → the availability it promises. A contract that stands in several places is up or down in all of them
    at once. Raises KeyError for a name without a promise.
    """
    shared = [name for name, times in Counter(_leaves(composition)).items() if times > 1]
    total = Fraction(0)
    for states in product((Fraction(1), Fraction(0)), repeat=len(shared)):
        fixed = dict(zip(shared, states, strict=True))
        chance = _independent(composition, {**promises, **fixed})
        for name, up in fixed.items():
            chance *= promises[name] if up else 1 - promises[name]
        total += chance
    return total


def _leaves(composition: Composition) -> Iterator[str]:
    if isinstance(composition, str):
        yield composition
    else:
        for member in composition.of:
            yield from _leaves(member)


def _independent(composition: Composition, promises: Mapping[str, Fraction]) -> Fraction:
    if isinstance(composition, str):
        return promises[composition]
    chances = [Fraction(1)]  # that 0, 1, 2 … of the members so far are up
    for member in composition.of:
        up = _independent(member, promises)
        fewer, same = [Fraction(0), *chances], [*chances, Fraction(0)]
        chances = [one_less * up + as_many * (1 - up) for one_less, as_many in zip(fewer, same, strict=True)]
    return sum(chances[composition.need :], start=Fraction(0))
