"""What a metric family is, and the snapshot of one scrape that families read their samples from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from slamon.live import ContractView, StateView, TargetView
from slamon.metrics.text import edge, seconds
from slamon.probe import Kind
from slamon.sla.statement import Statement
from slamon.stats import Histogram, Stats


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Everything a scrape publishes, already judged: rendering never computes a verdict and never asks a clock."""

    targets: Iterable[TargetView]
    """Read once, some at a time: a generator spreads the making of the views over the steps of the page."""
    services: Sequence[StateView]
    """Those about which something has settled; the other services of `targets` are shown as unknown."""
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


class Row:
    """One target as it was at one instant of this scrape: the counters that must agree with each other are copied together."""

    __slots__ = (
        "attempts",
        "buckets",
        "edges",
        "in_flight",
        "info",
        "kind",
        "labels",
        "named",
        "results",
        "rtt_sum",
        "view",
    )

    def __init__(self, view: TargetView, labels: str, info: str, kind: Kind, named: bool) -> None:
        series = view.series
        self.view = view
        self.labels = labels
        self.info = info
        self.kind = kind
        self.named = named
        self.attempts = series.attempts
        self.in_flight = series.in_flight
        self.results = tuple(series.results)
        self.edges = series.rtt.edges
        self.buckets = tuple(series.rtt.counts)
        self.rtt_sum = series.rtt.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One scrape in the making."""

    view: View
    rows: Sequence[Row]
    judged: Sequence[tuple[str, ContractView, Statement]]
    """(labels, contract, statement) of every contract and period that has one."""


Lines = Callable[[str, Page], Iterable[str]]
"""(family name, page) → its sample lines, each ending in a newline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A row of the one table that is rendered and documented."""

    name: str
    type: str
    """counter | gauge | histogram | summary."""
    help: str
    labels: tuple[str, ...]
    lines: Lines


class Buckets:
    """The `le` suffixes of a histogram, kept by its edges: every target has the same ones."""

    def __init__(self) -> None:
        self._suffixes: dict[tuple[int, ...], tuple[str, ...]] = {}

    def suffixes(self, edges: tuple[int, ...]) -> tuple[str, ...]:
        known = self._suffixes.get(edges)
        if known is None:
            self._suffixes.clear()  # edges change all together, at a reload
            known = self._suffixes[edges] = (*(f'le="{edge(ns)}"' for ns in edges), 'le="+Inf"')
        return known


def histogram_lines(
    name: str, labels: str, suffixes: Sequence[str], counts: Sequence[int], total: int
) -> Iterator[str]:
    """Buckets made cumulative, then sum (exact seconds) and count. `labels` may be empty."""
    head = f"{name}_bucket{{{labels}," if labels else f"{name}_bucket{{"
    cumulative = 0
    for suffix, count in zip(suffixes, counts, strict=True):
        cumulative += count
        yield f"{head}{suffix}}} {cumulative}\n"
    braces = f"{{{labels}}}" if labels else ""
    yield f"{name}_sum{braces} {seconds(total)}\n"
    yield f"{name}_count{braces} {cumulative}\n"


def per_target(read: Callable[[Row], object]) -> Lines:
    """One sample a target; None = no sample, because nothing is known."""

    def lines(name: str, page: Page) -> Iterator[str]:
        for row in page.rows:
            value = read(row)
            if value is not None:
                yield f"{name}{{{row.labels}}} {value}\n"

    return lines


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
        suffixes = (*(f'le="{edge(ns)}"' for ns in histogram.edges), 'le="+Inf"')
        return histogram_lines(name, "", suffixes, tuple(histogram.counts), histogram.total)

    return lines


def instant(ns: int | None) -> str | None:
    """Seconds since the epoch; absent while it has not happened (None, or 0 for counters that start there)."""
    return seconds(ns) if ns else None
