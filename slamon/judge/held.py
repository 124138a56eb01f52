"""What a refresh read of the store, held for a moment: contracts that look at the last minutes are judged by one reading of it.

Whatever lies further back, or is cut where these minutes were not read apart, is asked of the store itself. Either way the figures are
the same: only what is read at once differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from slamon.judge.bench import Observed, Reader, Source, involved, most_up_after, slots_back
from slamon.judge.book import Book
from slamon.judge.case import Case
from slamon.model import MINUTE, Target
from slamon.record.rows import Record
from slamon.sla.facts import SeriesFacts
from slamon.sla.tally import counts_packets
from slamon.store.tiles import split

APART = 2 * MINUTE
"""Before the present: minutes that may be closed for one target and undecided for another, so their single packets are read too."""


FEW_MINUTES = 10 * MINUTE
"""Packets are read of so many minutes at most; where nothing is wrong, two or three were not part of a base yet five minutes ago."""

LONG = 20 * MINUTE
"""And runs, which are few: a contract looks back further by what its outages are merged within."""


class Want(NamedTuple):
    """What some contracts will ask for."""

    targets: tuple[Target, ...]
    runs_from: int
    records_from: int | None
    """None: no packets are counted."""
    up_after: int
    """The most that any of their rules asks for."""


async def hold(source: Source, books: Iterable[Book], now: int) -> Reader:
    """What these contracts will ask for next, as far as it is of the last minutes; the source itself where nothing is."""
    want = _want(books, now)
    return source if want is None else await Held.read(source, want, now)


def _want(books: Iterable[Book], now: int) -> Want | None:
    targets: dict[Target, None] = {}
    near: list[Case] = []
    for book in books:
        targets |= dict.fromkeys(book.targets())
        near += [case for case in book.cases.values() if case.final is None and case.needed >= now - LONG]
    if not near:
        return None
    counted = [case.upto for case in near if counts_packets(case.terms) and case.upto >= now - FEW_MINUTES]
    return Want(
        targets=tuple(targets),
        runs_from=min(case.needed - slots_back(case.terms, involved(case.config, case.service)) for case in near),
        records_from=min(counted, default=None),
        up_after=max(most_up_after(case.terms) for case in near),
    )


class Held:
    """A `Reader` that gives what it holds, and passes on what it does not."""

    def __init__(
        self,
        source: Source,
        want: Want,
        end: int,
        recorded: int,
        runs: Observed,
        records: Mapping[str, tuple[Record, ...]],
    ) -> None:
        self._source = source
        self._want = want
        self._end = end
        self._recorded = recorded
        self._runs = runs
        self._records = records
        self._held = {target.name for target in want.targets}

    @classmethod
    async def read(cls, source: Source, want: Want, now: int) -> Held:
        """Two readings of the store; `recorded` before them, so that no packet it speaks of is missing."""
        recorded = await source.recorded()
        end = now + MINUTE
        runs = await source.runs(want.targets, want.runs_from, end, up_after=want.up_after)
        records: Mapping[str, tuple[Record, ...]] = {}
        if want.records_from is not None:
            cuts = range((now - APART) // MINUTE * MINUTE + 1, end, MINUTE)
            records = await source.records(want.targets, want.records_from, end, cuts=cuts)
        return cls(source, want, end, recorded, runs, records)

    async def recorded(self) -> int:
        return self._recorded

    async def known_from(self, targets: Sequence[Target]) -> int | None:
        if not self._held.issuperset(target.name for target in targets):
            return await self._source.known_from(targets)
        series = (self._runs.series.get(target.name) for target in targets)
        return min((each.known_from for each in series if each is not None), default=None)

    async def runs(self, targets: Sequence[Target], start: int, end: int, *, up_after: int) -> Observed:
        names = [target.name for target in targets]
        want = self._want
        if start < want.runs_from or end > self._end or up_after > want.up_after or not self._held.issuperset(names):
            return await self._source.runs(targets, start, end, up_after=up_after)
        series = {name: _before(self._runs.series[name], end) for name in names if name in self._runs.series}
        first = min([start, *(each.runs[0].first_sent for each in series.values() if each.runs)])
        return Observed(series, tuple(gap for gap in self._runs.gaps if gap.end > first and gap.start < end))

    async def records(
        self, targets: Sequence[Target], start: int, end: int, *, cuts: Sequence[int]
    ) -> Mapping[str, tuple[Record, ...]]:
        names = [target.name for target in targets]
        since = self._want.records_from
        if since is not None and since <= start and end <= self._end and self._held.issuperset(names):
            edges = sorted({start, end, *cuts})
            found = {name: _cut(self._records[name], start, end, edges) for name in names if name in self._records}
            whole = {name: records for name, records in found.items() if records is not None}
            if len(whole) == len(found):
                return whole
        return await self._source.records(targets, start, end, cuts=cuts)


def _before(series: SeriesFacts, end: int) -> SeriesFacts:
    """Without the runs that began after the instant of judging."""
    if not series.runs or series.runs[-1].first_sent < end:
        return series
    return replace(series, runs=tuple(run for run in series.runs if run.first_sent < end))


def _cut(records: Iterable[Record], start: int, end: int, edges: Sequence[int]) -> tuple[Record, ...] | None:
    """The records that overlap the span, with single packets where an edge lies inside; None where those are missing."""
    found: list[Record] = []
    for record in records:
        if record.end <= start or record.start >= end:
            continue
        if not split(edges, record.start // MINUTE, record.length // MINUTE):
            found.append(record if record.raw is None else replace(record, raw=None))
        elif record.raw is not None:
            found.append(record)
        else:
            return None
    return tuple(found)
