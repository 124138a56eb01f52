"""The chain of declarations → what people declared, as it stands now and as it stood at any instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

from slamon import ledger
from slamon.sla.facts import Exclusion, Recorded
from slamon.store import declarations, events

MAKING = {declarations.EXCLUDE, events.RECORD}
"""Kinds of entry that are about nothing before them."""


class Declarations(NamedTuple):
    """What people declared, also what was taken back, in order."""

    exclusions: tuple[Exclusion, ...] = ()
    events: tuple[Recorded, ...] = ()


class Stood(NamedTuple):
    """What was declared, from an instant on."""

    since: int
    declarations: Declarations


def present(entries: Iterable[ledger.Entry], contract: str | None) -> Declarations:
    """See `Store.declarations`."""
    entries = tuple(entries)
    return Declarations(declarations.exclusions(entries, contract), events.events(entries, contract))


def history(entries: Iterable[ledger.Entry], contract: str, since: int) -> tuple[Stood, ...]:
    """See `Store.history`. Each stands from its own instant on, as everywhere: by clocks that differ that may be before one it follows."""
    excluded: dict[str, declarations.Known] = {}
    happened: dict[str, Recorded] = {}
    found: list[Stood] = []

    def look() -> None:
        stood = Declarations(
            tuple(each.exclusion for each in excluded.values() if each.exclusion.contract == contract),
            tuple(each for each in happened.values() if each.contract == contract),
        )
        if not found or stood != found[-1].declarations:
            found.append(Stood(at, stood))

    at = since
    for entry in _by_instant(entries):
        if entry.at > at:
            look()
            at = entry.at
        declarations.take(excluded, entry)
        events.take(happened, entry)
    look()
    return tuple(found)


def _by_instant(entries: Iterable[ledger.Entry]) -> Iterator[ledger.Entry]:
    """In the order of their instants; what is about another entry comes after it, as soon as that is there."""
    made: set[str] = set()
    waiting: dict[str, list[ledger.Entry]] = {}
    for entry in sorted(entries, key=attrgetter("at")):
        one = str(entry.body.get("id"))
        if entry.kind not in MAKING and one not in made:
            waiting.setdefault(one, []).append(entry)
            continue
        yield entry
        if entry.kind in MAKING:
            made.add(str(entry.number))
            yield from waiting.pop(str(entry.number), ())
    for left in waiting.values():
        yield from left
