"""The `expect` of a test → every figure it wants of every period, each with the place it is written at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from slamon.cases import figures
from slamon.cases.figures import Check, Listing, Reading
from slamon.cases.scope import Scope
from slamon.config import nodes
from slamon.config.reader import Reader, converted, expected, join, scalar
from slamon.errors import Place, Problem
from slamon.sla.lines import Period
from slamon.sla.terms import Contract

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure as written."""

    key: str
    """`downtime`, `values.delay`, `rights.chronic.notice_by`."""
    place: Place
    text: str
    check: Check


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """One figure of one period."""

    period: Period
    figure: Figure


def read_expectations(reader: Reader, scope: Scope) -> list[Expectation]:
    """Everything that can be read; mistakes go to the reader's problems."""
    found: list[Expectation] = []
    written = reader.keys()
    for key in written:
        periods = scope.periods(reader, key)
        inner = reader.mapping(key)
        wanted = [] if inner is None else _figures(inner, scope.contract)
        found += [Expectation(period=period, figure=figure) for period in periods or () for figure in wanted]
    return found


def _figures(reader: Reader, contract: Contract) -> list[Figure]:
    """Those of one period, in the order written."""
    found: list[Figure] = []
    for key, reading in figures.PLAIN.items():
        found += _one(reader, key, key, reading, contract)
    for key, listing in figures.LISTS.items():
        found += _list(reader, key, listing, contract)
    for key, naming in figures.NAMED.items():
        inner = reader.mapping(key)
        if inner is not None:
            found += _named(inner, key, naming, contract)
    rights = reader.mapping("rights")
    if rights is not None:
        found += _rights(rights, reader.key_place("rights"), contract)
    reader.finish()
    return sorted(found, key=lambda figure: figure.place)


def _one(reader: Reader, key: str, shown: str, reading: Reading, contract: Contract) -> list[Figure]:
    """The figure written at `key`, if one is, under the name it is `shown` by."""
    entry = reader.scalar(key)
    if entry is None:
        return []
    check = converted(entry, lambda text: reading(text, contract), join(reader.path, key), reader.problems)
    return [] if check is None else [Figure(key=shown, place=entry.place, text=entry.text, check=check)]


def _list(reader: Reader, key: str, listing: Listing[T], contract: Contract) -> list[Figure]:
    node = reader.take(key)
    path = join(reader.path, key)
    if node is None:
        return []
    if not isinstance(node, nodes.Sequence):
        expected(node, path, reader.problems, "a list [ … ]")
        return []
    texts, wanted = [], []
    for i, item in enumerate(node.items):
        entry = scalar(item, f"{path}[{i}]", reader.problems)
        if entry is not None:
            texts.append(entry.text)
            wanted.append(
                converted(entry, lambda text: listing.grammar(text, contract), f"{path}[{i}]", reader.problems)
            )
    if len(texts) < len(node.items) or None in wanted:
        return []
    check = listing.check([entry for entry in wanted if entry is not None], contract)
    return [Figure(key=key, place=node.place, text=f"[{', '.join(texts)}]", check=check)]


def _named(reader: Reader, key: str, naming: figures.Naming, contract: Contract) -> list[Figure]:
    found: list[Figure] = []
    names = set(naming.names(contract))
    written = reader.keys()
    for name in written:
        if naming.open or name in names:
            try:
                reading = naming.reading(name, contract)
            except ValueError as error:
                reason, _, fix = str(error).partition("; ")
                place, path = reader.key_place(name), join(reader.path, name)
                reader.problems.append(Problem(place=place, path=path, reason=reason, fix=fix or None))
                reader.take(name)
                continue
            found += _one(reader, name, f"{key}.{name}", reading, contract)
    reader.finish(also=names)
    return found


def _rights(reader: Reader, place: Place, contract: Contract) -> list[Figure]:
    """The rights that arose, and what is expected of each."""
    names = {entry.condition.name for entry in contract.terminations}
    keys = reader.keys()
    written = [name for name in keys if name in names]
    text = figures.shown_names(written)
    found = [Figure(key="rights", place=place, text=text, check=figures.right_names(written))]
    for name in written:
        inner = reader.mapping(name)
        if inner is not None:
            for key, reading_of in figures.RIGHT.items():
                found += _one(inner, key, f"rights.{name}.{key}", reading_of(name), contract)
            inner.finish()
    reader.finish(also=names)
    return found
