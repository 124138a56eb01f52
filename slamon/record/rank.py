"""Series whose probes leave side by side and are all answered: a round of them is recorded by columns, not one by one.

Nearly every second of nearly every target is of this kind. Whatever else happens to one of them (a loss, a gap, the end of a minute, a
probe sent alone) parts the rank first; from there on every probe is an object of its own again, and what is recorded is the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import repeat
from operator import add
from typing import TYPE_CHECKING

from slamon.model import RESULT_CODE, Result

if TYPE_CHECKING:
    from slamon.record.rows import Growth
    from slamon.record.series import Series
    from slamon.record.track import Pending

LEAST = 8
"""Series a rank has at least; fewer are as quick one by one."""

HELD = 16
"""Rounds that the counters of the series may lag behind: five hundred of them catch up within 3 ms."""

KEPT = 64
"""Rounds that the tracks may lag behind: a minute of one a second. Of ten a second it would be many milliseconds' work at once."""

_SUCCESS = RESULT_CODE[Result.SUCCESS]


class Round:
    """One probe to each series of a rank: under way, then answered by all; or parted, and then it is its `pendings`."""

    __slots__ = ("hops", "pendings", "rank", "rtts", "sents")

    def __init__(self, rank: Rank, sents: range) -> None:
        self.rank = rank
        self.sents = sents
        """Send instants, of each series one."""
        self.rtts: Sequence[int] = ()
        self.hops: Sequence[int] = ()
        """Hop limits; −1 where none was seen."""
        self.pendings: list[Pending] | None = None
        """The probes one by one, since the rank was parted while they were under way."""

    def complete(self, rtts: Sequence[int], hops: Sequence[int]) -> None:
        """All were answered in time, and both stamps are the kernel's: as `Series.succeed`. Only while it is not parted."""
        self.rtts, self.hops = rtts, hops
        self.rank.complete(self)

    def part(self) -> list[Pending]:
        """The probes of a round that is under way, to be decided one by one."""
        if self.pendings is None:
            self.rank.part()
        assert self.pendings is not None
        return self.pendings

    def columns(self) -> tuple[array[int], range, bytes, Sequence[int], Sequence[int]]:
        """Of the journal's lines: series, send instants, codes, round trips, hop limits."""
        return self.rank.ids, self.sents, bytes((_SUCCESS,)) * len(self.sents), self.rtts, self.hops


class Block:
    """Complete rounds of one rank, a row each, so that the samples of one series are a column."""

    __slots__ = ("count", "hops", "last", "rtts", "sents", "width")

    def __init__(self, rounds: Sequence[Round]) -> None:
        """Raises IndexError without any."""
        self.last = rounds[-1].sents
        """Send instants of the last one."""
        self.count = len(rounds)
        self.width = len(self.last)
        self.sents, self.rtts, self.hops = array("q"), array("q"), array("h")
        for one in rounds:
            self.sents.extend(one.sents)
            self.rtts.extend(one.rtts)
            self.hops.extend(one.hops)

    def column(self, place: int) -> tuple[array[int], array[int], array[int]]:
        """Send instants, round trips, hop limits of the series at one place."""
        return self.sents[place :: self.width], self.rtts[place :: self.width], self.hops[place :: self.width]


class Rank:
    """The series side by side, all of one recorder. They follow the rounds with a delay: see `spread` and `hand_over`."""

    __slots__ = (
        "_bases",
        "_counted",
        "_end",
        "_firsts",
        "_journal",
        "_last",
        "_reach",
        "_told",
        "ids",
        "joined",
        "open",
        "rounds",
        "series",
    )

    def __init__(self, series: Sequence[Series]) -> None:
        self.series = tuple(series)
        self.ids = array("I", [one.track.id for one in series])
        self._journal = series[0].track.journal
        self.joined = False
        self.open: Round | None = None
        """The one under way."""
        self.rounds: list[Round] = []
        """Complete ones that the tracks do not know of yet, all of one minute."""
        self._counted = 0
        """So many of them are in the counters of the series."""
        self._last = range(0)
        """Send instants of the latest round."""
        self._end = 0
        """Of the minute that is open in every series."""
        self._reach = 0
        self._told = False
        self._firsts: list[int] = []
        self._bases: list[int] = []
        """First send of the open runs, and how many samples they had before `rounds`."""

    def send(self, sents: range) -> Round | None:
        """A probe left for each series; None where one of them makes this round none of the usual: each is sent for alone then."""
        if self.open is not None:
            self.part()
        if self.joined:
            if not (self._follows(sents[0], self._last[0]) and self._follows(sents[-1], self._last[-1])):
                self.part()
        elif sents[0] >= self._journal.settled:
            self._join(sents)
        if not self.joined:
            return None
        self._last = sents
        self.open = Round(self, sents)
        return self.open

    def _follows(self, sent: int, last: int) -> bool:
        """Steps grow evenly along a rank, so that those of the first and the last series bound all others."""
        return 0 < sent - last <= self._reach and self._journal.settled <= sent < self._end

    def _join(self, sents: range) -> None:
        for one in self.series:
            one.leave()
        if not all(one.usual(sent) for one, sent in zip(self.series, sents, strict=True)):
            return
        tracks = [one.track for one in self.series]
        self._end = min(track.end for track in tracks)
        if sents[-1] >= self._end:
            return
        self._reach = min(one.reach for one in self.series)
        self._firsts, self._bases = [track.first for track in tracks], [track.samples for track in tracks]
        self._told, self.joined = False, True
        for track in tracks:
            track.rank = self
        self._journal.ranks[self] = None

    def complete(self, one: Round) -> None:
        """The round under way is over."""
        self.open = None
        self.rounds.append(one)
        self._journal.released.append(one)
        if len(self.rounds) >= KEPT:
            self.hand_over()
        elif self.unspread >= HELD:
            self.spread()

    @property
    def unspread(self) -> int:
        """Complete rounds that are not in the counters of the series."""
        return len(self.rounds) - self._counted

    def spread(self) -> None:
        """Let the counters of the series catch up."""
        fresh = self.rounds[self._counted :]
        if fresh:
            self._counted += len(fresh)
            rtts = zip(*[one.rtts for one in fresh], strict=True)
            hops = zip(*[one.hops for one in fresh], strict=True)
            for each, sent, its_rtts, its_hops in zip(self.series, fresh[-1].sents, rtts, hops, strict=True):
                each.absorb(sent, its_rtts, its_hops)

    def hand_over(self) -> None:
        """Let the tracks catch up, and the counters too."""
        self.spread()
        if self.rounds:
            block = Block(self.rounds)
            self.rounds, self._counted = [], 0
            for place, one in enumerate(self.series):
                one.track.absorb(block, place)
            self._bases = [one.track.samples for one in self.series]

    def part(self) -> None:
        """Each series goes on alone, also with what is under way."""
        if not self.joined:
            return
        self.hand_over()
        self.joined = False
        del self._journal.ranks[self]
        for one in self.series:
            one.track.rank = None
        if self.open is not None:
            self.open.pendings = [
                series.enlist(sent) for series, sent in zip(self.series, self.open.sents, strict=True)
            ]
            self.open = None

    def ends_by(self, instant: int) -> bool:
        """Whether the minute that is open in all of them is over then."""
        return self._end <= instant

    def told(self) -> bool:
        """Whether there is news of it, and no other than that all its open runs have grown."""
        if not self._told:
            self._told = all(one.track.first == one.track.told for one in self.series)
        return self._told and bool(self.rounds)

    def retell(self) -> None:
        """Whoever was told of the runs has forgotten them."""
        self._told = False

    def growth(self) -> Iterator[tuple[int, Growth]]:
        """Series → how far its open run has come, with all rounds completed. Only where `told`."""
        return zip(
            self.ids,
            zip(self._firsts, self.rounds[-1].sents, map(add, self._bases, repeat(len(self.rounds))), strict=False),
            strict=False,
        )
