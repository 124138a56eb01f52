"""What a metric family is, and the snapshot of one scrape that families read their samples from."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, NamedTuple, TypeVar

from slamon.live import ContractView, StateView, TargetView
from slamon.metrics.text import edge, seconds
from slamon.model import Target
from slamon.probe import Kind
from slamon.sla.statement import Statement
from slamon.stats import Histogram, Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything a scrape publishes, already judged: rendering never computes a verdict and never asks a clock."""

    targets: Iterable[TargetView]
    """Read once, some at a time: a generator spreads the making of the views over the steps of the page."""
    services: Iterable[StateView]
    """Those about which something has settled; the other services of `targets` are shown as unknown. Read like those, after them."""
    contracts: Sequence[ContractView]
    stats: Stats
    version: str
    vantage: str
    kinds: Mapping[str, Kind]
    """Says which results, gauges and phases a target's kind can produce, so that each has a series from the start."""
    providers: Mapping[str, str]
    """Service → who provides it, for `slamon_target_info`."""
    label_keys: tuple[str, ...] = ()
    """The custom label keys of the configuration: every info series carries all of them."""


class Identity(NamedTuple):
    """What a target is called on the page, rendered once."""

    target: Target
    labels: str
    info: str
    """Further labels, of `slamon_target_info` alone."""
    named: bool
    """Its address is a name, which may come to mean another one."""


class Row:
    """One target as it was at one instant of this scrape: the counters that must agree with each other are copied together."""

    __slots__ = (
        "counts",
        "identity",
        "kind",
        "labels",
        "view",
    )

    def __init__(self, view: TargetView, identity: Identity, kind: Kind) -> None:
        self.view = view
        self.identity = identity
        self.labels = identity.labels
        self.kind = kind
        self.counts = view.series.counts()


BLOCK = 50
"""Targets whose lines of a family are rendered in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One scrape in the making."""

    view: View
    blocks: Sequence[Sequence[Row]]
    """Of the targets, BLOCK at a time."""
    shape: object
    """Identifies which targets there are, with what labels and in which order; the same object as long as that stays."""
    kinds: Collection[Kind]
    """Those of the targets."""
    services: Sequence[tuple[str, StateView | None]]
    """(labels, state) of every service; None where nothing has settled yet."""
    judged: Sequence[tuple[str, ContractView, Statement]]
    """(labels, contract, statement) of every contract and period that has one."""


Lines = Callable[[str, Page], Iterable[str]]
"""(family name, page) → its sample lines in pieces of one or many, each line ending in a newline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A row of the one table that is rendered and documented."""

    name: str
    type: str
    """counter | gauge | histogram | summary."""
    help: str
    labels: tuple[str, ...]
    lines: Lines


Value = TypeVar("Value")


class Still(Generic[Value]):
    """Lines of targets that say the same as on the page before nearly always: written again where a value is another one."""

    def __init__(self, read: Callable[[Row], Value], write: Callable[[str, Row, Value], str]) -> None:
        """`write(family name, row, value)`: the lines, by nothing else than these and what the page's shape is."""
        self._read = read
        self._write = write
        self._shape: object = None
        self._known: dict[int, tuple[list[Value], list[str]]] = {}
        """Number of the block → its values and their lines."""

    def texts(self, name: str, page: Page, number: int, values: list[Value]) -> list[str]:
        """The lines of each target of a block, of which these are the values."""
        if self._shape is not page.shape:
            self._shape = page.shape
            self._known.clear()
        rows = page.blocks[number]
        known = self._known.get(number)
        if known is None or known[0] != values:
            write = self._write
            known = self._known[number] = (
                values,
                [write(name, row, value) for row, value in zip(rows, values, strict=True)],
            )
        return known[1]

    def __call__(self, name: str, page: Page) -> Iterator[str]:
        read = self._read
        for number, rows in enumerate(page.blocks):
            yield "".join(self.texts(name, page, number, [read(row) for row in rows]))


def first_grows(read: Callable[[Row], tuple[int, ...]], write: Callable[[str, Row, int, int], str]) -> Lines:
    """Counts of a target of which the first grows from page to page and the others do not as long as all is well.

    `write(family name, row, place, count)`: the line of the count at that place, or nothing.
    """

    def write_others(name: str, row: Row, counts: tuple[int, ...]) -> str:
        return "".join([write(name, row, place, count) for place, count in enumerate(counts, start=1)])

    others = Still(lambda row: read(row)[1:], write_others)

    def lines(name: str, page: Page) -> Iterator[str]:
        for number, rows in enumerate(page.blocks):
            values = [read(row) for row in rows]
            texts = others.texts(name, page, number, [counts[1:] for counts in values])
            every = zip(rows, values, texts, strict=True)
            yield "".join([write(name, row, 0, counts[0]) + text for row, counts, text in every])

    return lines


_LABELS = "\0"
"""Stands for the labels of a target where its numbers are put in first."""


def histograms(read: Callable[[Row], tuple[tuple[int, ...], Sequence[int], int]]) -> Lines:
    """A histogram a target, of its (edges in nanoseconds, counts, total)."""

    def lines(name: str, page: Page) -> Iterator[str]:
        forms: dict[tuple[int, ...], str] = {}
        for rows in page.blocks:
            texts = []
            for row in rows:
                edges, counts, total = read(row)
                if edges not in forms:
                    forms[edges] = _form(name, edges)
                numbers = (*accumulate(counts), seconds(total), sum(counts))
                texts.append((forms[edges] % numbers).replace(_LABELS, row.labels))
            yield "".join(texts)

    return lines


def _form(name: str, edges: tuple[int, ...]) -> str:
    buckets = [f"{name}_bucket{{{_LABELS},{suffix}}} %d\n" for suffix in suffixes(edges)]
    return "".join([*buckets, f"{name}_sum{{{_LABELS}}} %s\n", f"{name}_count{{{_LABELS}}} %d\n"])


def suffixes(edges: tuple[int, ...]) -> tuple[str, ...]:
    """The `le` labels of a histogram's buckets."""
    return (*(f'le="{edge(ns)}"' for ns in edges), 'le="+Inf"')


def per_row(write: Callable[[str, Row], str]) -> Lines:
    """Any number of lines a target: `write(family name, row)`."""

    def lines(name: str, page: Page) -> Iterator[str]:
        for rows in page.blocks:
            yield "".join([write(name, row) for row in rows])

    return lines


def where(is_one: Callable[[Kind], bool], lines: Lines) -> Lines:
    """The same, but nothing where no target is of such a kind."""
    return lambda name, page: lines(name, page) if any(map(is_one, page.kinds)) else ()


def per_target(read: Callable[[Row], object]) -> Lines:
    """One sample a target; None = no sample, because nothing is known."""

    def lines(name: str, page: Page) -> Iterator[str]:
        for rows in page.blocks:
            yield "".join(
                [f"{name}{{{row.labels}}} {value}\n" for row in rows if (value := read(row)) is not None],
            )

    return lines


def per_still_target(read: Callable[[Row], object]) -> Lines:
    """`per_target` of a value that hardly ever changes."""
    return Still(read, lambda name, row, value: "" if value is None else f"{name}{{{row.labels}}} {value}\n")


def per_statement(read: Callable[[Statement], object]) -> Lines:
    """One sample a contract and period; None = no sample, because nothing can be said."""

    def lines(name: str, page: Page) -> Iterator[str]:
        for labels, _, statement in page.judged:
            value = read(statement)
            if value is not None:
                yield f"{name}{{{labels}}} {value}\n"

    return lines


def single(read: Callable[[Stats], object]) -> Lines:
    """One sample without labels, of what slamon counts about itself."""

    def lines(name: str, page: Page) -> Iterator[str]:
        value = read(page.view.stats)
        if value is not None:
            yield f"{name} {value}\n"

    return lines


def single_histogram(read: Callable[[Stats], Histogram]) -> Lines:
    """A histogram without labels, of what slamon counts about itself."""

    def lines(name: str, page: Page) -> Iterator[str]:
        histogram = read(page.view.stats)
        cumulative = 0
        for suffix, count in zip(suffixes(histogram.edges), tuple(histogram.counts), strict=True):
            cumulative += count
            yield f"{name}_bucket{{{suffix}}} {cumulative}\n"
        yield f"{name}_sum {seconds(histogram.total)}\n"
        yield f"{name}_count {cumulative}\n"

    return lines


def instant(ns: int | None) -> str | None:
    """Seconds since the epoch; absent while it has not happened (None, or 0 for counters that start there)."""
    return seconds(ns) if ns else None
