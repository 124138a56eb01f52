"""All series of one daemon: opens and closes them, and hands the store one batch about every second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import NamedTuple

from slamon.model import MS, Target
from slamon.record import journal
from slamon.record.rank import Rank, Round
from slamon.record.rows import Gap, Growth, Run
from slamon.record.series import Series
from slamon.record.track import LOOK_EVERY, Journal, Pending, Settled, Track
from slamon.stats import Histogram

SLEW = 100 * MS
"""How far behind the present `settled` stays: the wall clock may be slewed back by as much without making a probe late."""
SLICE = 32
"""Minutes turned into rows in one go at most: more would be felt by the sender."""
LEAST_SLICE = 8
"""And at least: minutes turned into rows by ones and twos cost twice as much, as nothing is in the caches."""
COUNTED = 500
"""Series whose counters catch up in one go: some 2 ms, however many rounds they lag behind."""
SLICE_SAMPLES = 60
"""In each of so many minutes; of a target that is probed ten times a second one minute is as much work as ten."""


class Known(NamedTuple):
    """What the store remembers of a series when the daemon starts."""

    id: int
    known_from: int | None
    through: int
    run: Run | None
    """The run that was open; the first new sample ends it."""
    span: int
    before: tuple[int, int] | None
    upto: int


class Opened(NamedTuple):
    """A series that is new or was redefined."""

    id: int
    target: str
    probe: str
    interval: int
    limits: tuple[int, ...]
    vantage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Everything since the batch before, written as a whole or not at all."""

    number: int
    at: int
    settled: int
    """Facts before this instant are complete, except those of the series in `lagging`."""
    samples: bytes
    """`record.journal` lines."""
    lagging: dict[int, int]
    """Series with undecided probes → everything it sent before this instant is decided."""
    opened: tuple[Opened, ...]
    closed: tuple[tuple[int, int], ...]
    """Series that ended → their last `through`."""
    first: tuple[tuple[int, int], ...]
    """Series → send instant of the first sample it ever had."""
    minutes: tuple[Settled, ...]
    tails: dict[int, tuple[Run, ...]] | None
    """Series with news → its runs that are in no Settled yet, the open one last; None where a later batch brings them."""
    grown: dict[int, Growth]
    """Series of which there is no other news than that the open run of an earlier tail goes on."""
    gaps: tuple[Gap, ...]
    keep_from: int
    """Batches before this number hold no sample that is not also in a Settled of this or an earlier batch."""
    complete: int
    """Every sample sent before this instant is in a Settled of this or an earlier batch."""
    ended: tuple[tuple[int, Run], ...] = ()
    """Series → runs that ended in batches that were given up."""


class Recorder:
    """One per daemon. `open`, `close`, `gap`, `pack` and `batch` come from the event loop and never block."""

    def __init__(self, vantage: str, restored: Mapping[str, Known] | None = None) -> None:
        """`restored`: target name → what the store remembers of it."""
        self.vantage = vantage
        self._restored = restored or {}
        self._journal = Journal(1)
        self._journal.settled = max((known.through for known in self._restored.values()), default=0)
        self._next = max((known.id for known in self._restored.values()), default=0) + 1
        self._tracks: dict[str, Track] = {}
        self._by_id: dict[int, Track] = {}
        self.series: dict[str, Series] = {}
        """Target name → the series that is open."""
        self._opened: list[Opened] = []
        self._closed: dict[int, int | None] = {}
        """Series that ended → send instant of its first undecided probe, if it had one."""
        self._nameless: set[int] = set()
        """Series without any sample so far."""
        self._packed: list[Settled] = []
        self._sorted = 0
        """So many of the minutes that are done lie in the order of their rows."""
        self._ticking = False
        """Whether `pack` was called since the last batch."""
        self._gaps: list[Gap] = []

    def open(self, target: Target, *, limits: tuple[int, ...], edges: tuple[int, ...]) -> Series:
        """The series of `target`: the one that is open, with what it waits for, or a new one that goes on with its record where the kind of
        probe or the time between two probes is another one: in flight, they would be recorded by the wrong definition.

        `limits` are the latency limits of all contracts, `edges` the buckets of the histogram; nanoseconds, ascending. Other
        edges reset the histogram alone, other limits nothing.
        """
        series = self.series.get(target.name)
        if series is not None and _goes_on(series.target, target):
            series.target = target
            track = self._tracks[target.name]
            if series.rtt.edges != edges:
                series.rtt = Histogram(edges)
            if track.limits != limits:
                track.limits = limits
                self._opened.append(Opened(track.id, target.name, target.probe, target.spacing, limits, self.vantage))
            return series
        fresh = series is None
        if series is not None:
            self._end(target.name).abandon()
        track = self._track(target, limits)
        self._opened.append(Opened(track.id, target.name, target.probe, target.spacing, limits, self.vantage))
        self._closed.pop(track.id, None)
        series = Series(target, track, edges=edges, fresh=fresh)
        self.series[target.name] = series
        return series

    def ending(self, targets: Mapping[str, Target]) -> list[str]:
        """Names of the open series that do not go on when just these are opened."""
        return [
            name
            for name, series in self.series.items()
            if (target := targets.get(name)) is None or not _goes_on(series.target, target)
        ]

    def close(self, name: str) -> None:
        """The target is not probed any more. What is undecided stays unrecorded; its last minute is closed as it is."""
        series = self._end(name)
        self._closed[self._tracks[name].id] = series.oldest()
        series.abandon()

    def gap(self, gap: Gap) -> None:
        """Nothing could be observed in that span, by any series: what follows is of other runs than what came before."""
        self._gaps.append(gap)
        self.interrupt(gap)

    def interrupt(self, gap: Gap) -> None:
        """The same for a gap that is in the store already."""
        for series in self.series.values():
            series.interrupt(gap.start, gap.end)

    def ahead(self, now: int) -> int:
        """How far the facts already recorded lie in the future: the clock was wrong when they were written, or it is now.

        Until then whatever is sent has no place in the record.
        """
        return max(self._journal.settled - now, 0)

    def retell(self) -> None:
        """Whoever follows the batches began anew: the next one gives the runs of every series with news whole."""
        for track in self._by_id.values():
            track.told = -1
        for rank in self._journal.ranks:
            rank.retell()

    def catch_up(self) -> Iterator[None]:
        """Let the counters of all series catch up with the record, in steps that are short enough for the event loop."""
        work = 0
        for rank in list(self._journal.ranks):
            work += len(rank.series) if rank.unspread else 0
            rank.spread()
            if work >= COUNTED:
                yield
                work = 0

    def pack(self) -> None:
        """Turn a few closed minutes into rows for the next batch. For every tick of the scheduler.

        A thousand series end their minute within the same second. The journal keeps them safe, so there is no hurry: a
        256th of the queue a call spreads the work, for the sender as for the store.
        """
        self._ticking = True
        if self._sorted:
            self._pack(min(max(len(self._journal.done) >> 8, LEAST_SLICE), SLICE, self._sorted))

    def batch(self, now: int, *, final: bool = False) -> Batch:
        """Everything since the last batch. `now` is the present instant by the clock that stamps the sends.

        `final`: the last batch of a daemon, after every series was closed; it leaves no closed minute to the journal.
        """
        shared = self._journal
        settled = shared.settled = max(shared.settled, now - SLEW)
        released, shared.released = shared.released, []
        number, shared.number = shared.number, shared.number + 1
        lagging: dict[int, int] = {}
        for i, series in shared.waiting.items():
            if (oldest := series.oldest()) is not None and oldest < settled:
                lagging[i] = oldest
        for rank in shared.ranks:
            if rank.open is not None and rank.open.sents[0] < settled:
                lagging |= dict.fromkeys(rank.ids, rank.open.sents[0])
        if number % LOOK_EVERY == 0:
            for rank in [rank for rank in shared.ranks if rank.ends_by(settled)]:
                rank.part()
            for track in shared.ended(settled):
                track.close(lagging.get(track.id, settled))
        # In the order of their rows: minutes that lie side by side in the store share its pages, and are written with them once.
        shared.done.sort(key=itemgetter(0, 1))
        if final:
            while shared.done:
                self._pack(len(shared.done))
        elif not self._ticking:
            self._pack(SLICE)
        self._sorted, self._ticking = len(shared.done), False
        minutes, self._packed = tuple(self._packed), []
        touched, tails, grown = self._news(released, minutes)
        first = tuple((i, known) for i in self._nameless & touched if (known := self._by_id[i].known_from) is not None)
        self._nameless.difference_update(i for i, _ in first)
        opened, self._opened = tuple(self._opened), []
        closed, self._closed = self._closed, {}
        gaps, self._gaps = tuple(self._gaps), []
        begun = shared.begun
        return Batch(
            number=number,
            at=now,
            settled=settled,
            samples=journal.encode(released),
            lagging=lagging,
            opened=opened,
            closed=tuple(
                (i, max(settled, self._by_id[i].last + 1) if oldest is None else oldest) for i, oldest in closed.items()
            ),
            first=first,
            minutes=minutes,
            tails=tails,
            grown=grown,
            gaps=gaps,
            keep_from=min((first for _, first in begun), default=number),
            complete=min([*lagging.values(), settled, *(start for start, _ in begun)]),
        )

    def _news(
        self, released: Iterable[Pending | Round], minutes: Iterable[Settled]
    ) -> tuple[set[int], dict[int, tuple[Run, ...]], dict[int, Growth]]:
        """Series of which there is any, and `Batch.tails` and `Batch.grown`."""
        tails: dict[int, tuple[Run, ...]] = {}
        grown: dict[int, Growth] = {}
        touched = {minute.series for minute in minutes}
        ranks: dict[Rank, None] = {}
        for line in released:
            if isinstance(line, Pending):
                touched.add(line.series)
            elif line.rank.rounds:
                ranks[line.rank] = None
            else:
                touched.update(line.rank.ids)
        ranks |= {rank: None for i in touched if (rank := self._by_id[i].rank) is not None}
        for rank in ranks:
            if rank.told():
                grown |= rank.growth()
            elif rank.rounds:
                rank.hand_over()
                touched.update(rank.ids)
        for i in touched - grown.keys():
            track = self._by_id[i]
            if track.first == track.told:
                grown[i] = track.first, track.last, track.samples
            else:
                tails[i] = track.tail()
        return touched, tails, grown

    def _pack(self, limit: int) -> None:
        """At most `limit` minutes, and no more once they hold as many samples as so many usually do."""
        done = self._journal.done
        taken, samples = 0, limit * SLICE_SAMPLES
        for _, _, track in done[:limit]:
            if samples <= 0:
                break
            settled = track.settle()
            record = settled.record
            samples -= record.sent + record.refused + record.ours
            self._packed.append(settled)
            taken += 1
        del done[:taken]
        self._sorted = max(self._sorted - taken, 0)

    def _end(self, name: str) -> Series:
        series = self.series.pop(name)
        series.leave()
        self._tracks[name].flush()
        return series

    def _track(self, target: Target, limits: tuple[int, ...]) -> Track:
        track = self._tracks.get(target.name)
        if track is None:
            known = self._restored.get(target.name)
            if known is None:
                known = Known(self._next, None, 0, None, 0, None, 0)
                self._next += 1
            track = Track(
                known.id,
                self._journal,
                interval=target.spacing,
                limits=limits,
                known_from=known.known_from,
                run=known.run,
                span=known.span,
                before=known.before,
                upto=known.upto,
            )
            self._tracks[target.name] = self._by_id[track.id] = track
            if known.known_from is None:
                self._nameless.add(track.id)
            return track
        # Closed minutes are summed by the definition they were measured with, so that has to happen before it is replaced.
        while track.done:
            self._packed.append(track.settle())
        self._journal.done = [one for one in self._journal.done if one[2] is not track]
        track.interval, track.limits = target.spacing, limits
        return track


def _goes_on(before: Target, after: Target) -> bool:
    """Whether what is undecided by the one definition may be recorded by the other: it speaks for as long, in the same words."""
    return (before.probe, before.spacing) == (after.probe, after.spacing)
